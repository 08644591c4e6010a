//! A month of one team, told by a clock that is turned by hand: what is planned, with the digests as the database would keep them.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Europe::Berlin;
use chrono_tz::Tz;
use serde_json::json;
use switchboard_common::domain::event::EventKind;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::LayerName;
use switchboard_common::ids::UserId;

use super::How;
use super::world::{BOB, GRACE, NORMAL, ROOT, URGENT, World, at, world};
use crate::plan::decide::Telling;
use switchboard_common::db::reply_addresses::ReplyRecipient;

/// A message that somebody got: when, and the events that it told of.
struct Got {
    user: UserId,
    at: DateTime<Utc>,
    events: Vec<usize>,
    is_digest: bool,
}

/// The digests that are open, as the database keeps them: one a person and method, due at the earliest time that was asked for.
#[derive(Default)]
struct Inbox {
    open: BTreeMap<(UserId, Method), (DateTime<Utc>, Vec<usize>)>,
    got: Vec<Got>,
    planned: VecDeque<(DateTime<Utc>, UserId)>,
    counts: BTreeMap<UserId, i64>,
}

impl Inbox {
    /// Closes what is due.
    fn turn_to(&mut self, now: DateTime<Utc>) {
        let due: Vec<_> = self.open.iter().filter(|(_, (due, _))| *due <= now).map(|(key, (due, _))| (*due, *key)).collect();
        for (at, key) in due {
            let (_, events) = self.open.remove(&key).expect("open");
            self.got.push(Got { user: key.0, at, events, is_digest: true });
        }
        while let Some((_, user)) = self.planned.pop_front_if(|(at, _)| *at <= now - TimeDelta::minutes(10)) {
            *self.counts.entry(user).or_default() -= 1;
        }
    }

    fn take(&mut self, event: usize, telling: &Telling, now: DateTime<Utc>) {
        let ReplyRecipient::User(user) = telling.recipient else { return };
        self.planned.push_back((now, user));
        *self.counts.entry(user).or_default() += 1;
        match &telling.how {
            How::Send { ways, wait, .. } => {
                assert_eq!((ways.len(), wait), (1, &None));
                self.got.push(Got { user, at: now, events: vec![event], is_digest: false });
            }
            How::Collect { way, until, .. } => {
                assert!(*until > now, "a digest is due later");
                let open = self.open.entry((user, way.method)).or_insert((*until, Vec::new()));
                open.0 = open.0.min(*until);
                open.1.push(event);
            }
            How::Refuse { .. } => panic!("no answer is sent here"),
        }
    }
}

/// Grace has quiet nights and week-ends, into which what is urgent breaks; Bob gets a digest every two hours, and has quiet nights;
/// root gets one at nine and at five.
fn team() -> World {
    let mut world = world(EventKind::MessageAdded);
    world.ticket.assignees = vec![GRACE, BOB, ROOT];
    for user in [GRACE, BOB, ROOT] {
        world.chose(user, LayerName::Tenant, &json!({"timezone": "Europe/Berlin", "quiet_hours": {"from": "19:00", "to": "08:00"}}));
    }
    let quiet = json!({"from": "19:00", "to": "08:00", "except_priority": "urgent", "also": [{"from": "00:00", "to": "24:00", "days": ["sat", "sun"]}]});
    world.chose(GRACE, LayerName::Person, &json!({"quiet_hours": quiet}));
    world.chose(BOB, LayerName::Person, &json!({"events": {"message.added": "digest"}, "digest": {"every": "2h"}}));
    world.chose(
        ROOT,
        LayerName::Person,
        &json!({"events": {"message.added": "digest"}, "digest": {"at": ["09:00", "17:00"]}, "quiet_hours": "none"}),
    );
    world
}

/// Plans an event at each of these times, and lets the digests of a week more come.
fn play(mut world: World, times: &[(DateTime<Utc>, bool)]) -> Vec<Got> {
    let mut inbox = Inbox::default();
    for (event, (now, is_urgent)) in times.iter().enumerate() {
        inbox.turn_to(*now);
        world.now = *now;
        world.ticket.priority_id = if *is_urgent { URGENT } else { NORMAL };
        world.planned_for(inbox.counts.clone());
        for telling in world.plan().tellings {
            inbox.take(event, &telling, *now);
        }
    }
    let last = times.last().expect("events").0;
    inbox.turn_to(last + TimeDelta::days(9));
    inbox.got
}

/// The clock on Berlin's walls.
fn local(at: DateTime<Utc>) -> DateTime<Tz> {
    at.with_timezone(&Berlin)
}

fn is_night(at: DateTime<Utc>) -> bool {
    let hour = local(at).hour();
    !(8..19).contains(&hour)
}

fn is_weekend(at: DateTime<Utc>) -> bool {
    matches!(local(at).weekday(), Weekday::Sat | Weekday::Sun)
}

#[test]
fn in_a_month_with_a_change_to_summer_time_everything_is_told_once_and_nobody_is_disturbed() {
    let mut times = Vec::new();
    let mut now = at("2026-03-02T00:00:00Z");
    // Steps that come to every time of the day; every thirteenth event is urgent.
    for n in 0_i64.. {
        now += TimeDelta::seconds(61 + (n * n * 37) % 7000);
        if now > at("2026-04-02T00:00:00Z") {
            break;
        }
        times.push((now, n % 13 == 0));
    }
    assert!(times.len() > 500, "{}", times.len());
    let got = play(team(), &times);
    for user in [GRACE, BOB, ROOT] {
        let mut told: Vec<usize> = got.iter().filter(|got| got.user == user).flat_map(|got| got.events.clone()).collect();
        told.sort_unstable();
        assert_eq!(told, (0..times.len()).collect::<Vec<_>>(), "each once");
    }
    let of = |user| got.iter().filter(move |got| got.user == user);
    for message in of(GRACE) {
        let (when, is_urgent) = (local(message.at), times[message.events[0]].1);
        if message.is_digest {
            assert_eq!((when.hour(), when.minute(), when.second()), (8, 0, 0), "{when}");
            assert!(!is_weekend(message.at) || when.weekday() == Weekday::Mon, "{when}");
            assert!(message.events.iter().all(|event| !times[*event].1), "what is urgent is not collected");
            assert!(message.events.iter().all(|event| is_night(times[*event].0) || is_weekend(times[*event].0)));
        } else {
            assert!(is_urgent || !(is_night(message.at) || is_weekend(message.at)), "{when}");
            assert_eq!(message.at, times[message.events[0]].0);
        }
    }
    assert!(of(GRACE).any(|got| !got.is_digest && is_night(got.at)), "something urgent broke in");
    for message in of(BOB) {
        let when = local(message.at);
        assert!(message.is_digest && !is_night(message.at), "{when}");
        assert_eq!((when.hour() % 2, when.minute()), (0, 0), "{when}");
    }
    for message in of(ROOT) {
        let when = local(message.at);
        assert!(message.is_digest && matches!((when.hour(), when.minute()), (9 | 17, 0)), "{when}");
    }
    let first_of_summer = of(ROOT).find(|got| local(got.at).date_naive() == "2026-03-29".parse().expect("a day")).expect("a digest");
    assert_eq!(first_of_summer.at, at("2026-03-29T07:00:00Z"), "nine o'clock comes an hour earlier");
}

#[test]
fn a_flood_of_ten_thousand_events_to_one_person_ends_as_a_few_digests() {
    let mut world = world(EventKind::MessageAdded);
    world.message().sender_address = None;
    let start = at("2026-03-04T10:00:00Z");
    let times: Vec<_> = (0..10_000).map(|n| (start + TimeDelta::milliseconds(n * 180), false)).collect();
    world.ticket.assignees = vec![GRACE];
    let got = play(world, &times);
    let (digests, single): (Vec<_>, Vec<_>) = got.iter().partition(|got| got.is_digest);
    assert_eq!((single.len(), digests.len()), (20, 3), "twenty one by one, then one digest for each ten minutes of half an hour");
    assert_eq!(digests.iter().map(|digest| digest.events.len()).sum::<usize>(), 10_000 - 20);
}
