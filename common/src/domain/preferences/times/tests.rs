use chrono_tz::{Africa, America, Antarctica, Asia, Australia, Europe, Pacific};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::preferences::{Preferences, Quiet, Whose};

/// Zones whose clocks do what clocks do, with a year in which they do it: nothing; an hour at two or at midnight; half an hour;
/// two hours; at a minute past midnight, so that yesterday comes again; a whole day left out.
const ZONES: [(Tz, i32); 10] = [
    (Tz::UTC, 2026),
    (Europe::Berlin, 2026),
    (America::New_York, 2026),
    (Australia::Lord_Howe, 2026),
    (America::Sao_Paulo, 2018),
    (Asia::Beirut, 2026),
    (Antarctica::Troll, 2026),
    (America::St_Johns, 2010),
    (Pacific::Apia, 2011),
    (Africa::Casablanca, 2026),
];

fn quiet(document: serde_json::Value) -> QuietHours {
    let preferences = Preferences::read(&json!({ "quiet_hours": document }), Whose::User).expect("preferences");
    let Some(Quiet::Hours(hours)) = preferences.quiet_hours else { panic!("no quiet hours") };
    hours
}

fn digest(document: serde_json::Value) -> Rhythm {
    Preferences::read(&json!({ "digest": document }), Whose::User).expect("preferences").digest.expect("a digest")
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

fn end(quiet: &QuietHours, now: &str, zone: Tz) -> Option<String> {
    quiet.end(at(now), zone).map(|end| end.with_timezone(&zone).to_rfc3339())
}

/// A row: the quiet hours, the zone, now, and their end by the clock there.
#[test]
fn quiet_hours_end_when_the_clock_on_the_wall_says_so() {
    let nights = json!({ "from": "19:00", "to": "08:00" });
    let workdays = json!({ "from": "19:00", "to": "08:00", "days": ["mon", "tue", "wed", "thu", "fri"] });
    let off = json!({ "from": "19:00", "to": "08:00", "also": [{ "from": "00:00", "to": "24:00", "days": ["sat", "sun"] }] });
    let small = json!({ "from": "02:10", "to": "02:50" });
    let lunch = json!({ "from": "12:00", "to": "13:00" });
    for (hours, zone, now, expected) in [
        // Between the hours, at their first and their last moment, and after.
        (&nights, Europe::Berlin, "2026-01-14T17:59:59Z", None),
        (&nights, Europe::Berlin, "2026-01-14T18:00:00Z", Some("2026-01-15T08:00:00+01:00")),
        (&nights, Europe::Berlin, "2026-01-15T06:59:59Z", Some("2026-01-15T08:00:00+01:00")),
        (&nights, Europe::Berlin, "2026-01-15T07:00:00Z", None),
        (&lunch, Europe::Berlin, "2026-01-15T11:30:00Z", Some("2026-01-15T13:00:00+01:00")),
        // A night belongs to the day on which it begins: Friday's lasts into Saturday, and Saturday has none.
        (&workdays, Europe::Berlin, "2026-01-17T03:00:00Z", Some("2026-01-17T08:00:00+01:00")),
        (&workdays, Europe::Berlin, "2026-01-17T20:00:00Z", None),
        (&workdays, Europe::Berlin, "2026-01-19T03:00:00Z", None),
        // A weekend off, with the nights beside it: from Friday evening to Monday morning.
        (&off, Europe::Berlin, "2026-01-16T19:00:00Z", Some("2026-01-19T08:00:00+01:00")),
        (&off, Europe::Berlin, "2026-01-18T12:00:00Z", Some("2026-01-19T08:00:00+01:00")),
        (&off, Europe::Berlin, "2026-01-19T12:00:00Z", None),
        // The night in which the clocks are put forward is an hour shorter, and the other an hour longer.
        (&nights, Europe::Berlin, "2026-03-28T20:00:00Z", Some("2026-03-29T08:00:00+02:00")),
        (&nights, Europe::Berlin, "2026-10-24T20:00:00Z", Some("2026-10-25T08:00:00+01:00")),
        // Hours that the clocks leave out are none; those that come twice are quiet both times, and in between.
        (&small, Europe::Berlin, "2026-03-29T00:59:59Z", None),
        (&small, Europe::Berlin, "2026-03-29T01:00:00Z", None),
        (&small, Europe::Berlin, "2026-10-25T00:10:00Z", Some("2026-10-25T02:50:00+01:00")),
        (&small, Europe::Berlin, "2026-10-25T01:00:00Z", Some("2026-10-25T02:50:00+01:00")),
        (&small, Europe::Berlin, "2026-10-25T01:50:00Z", None),
        // Half an hour on Lord Howe: from 02:00 to 02:30, so that 02:10 is the moment at which they do it.
        (&small, Australia::Lord_Howe, "2026-10-03T15:30:00Z", Some("2026-10-04T02:50:00+11:00")),
        (&small, Australia::Lord_Howe, "2026-10-03T15:29:59Z", None),
        // Thursday's night in Samoa ended on Saturday morning: there was no Friday.
        (&workdays, Pacific::Apia, "2011-12-30T06:00:00Z", Some("2011-12-31T08:00:00+14:00")),
        (&workdays, Pacific::Apia, "2011-12-31T06:00:00Z", None),
    ] {
        assert_eq!(end(&quiet(hours.clone()), now, zone).as_deref(), expected, "{hours} in {zone} at {now}");
    }
}

#[test]
fn hours_that_never_end_keep_nothing_for_longer_than_a_week() {
    let clock = |text: &str| Clock::try_from(text.to_owned()).expect("a time");
    let hours = Hours { from: clock("00:00"), to: clock("00:00"), days: None };
    let never = QuietHours { hours, also: Vec::new(), except_priority: None };
    assert!(never.never_end());
    assert_eq!(end(&never, "2026-01-14T10:00:00Z", Tz::UTC).as_deref(), Some("2026-01-22T00:00:00+00:00"));
}

/// A row: the rhythm, the zone, now, and the next digests by the clock there.
#[test]
fn digests_come_when_the_clock_on_the_wall_says_so() {
    for (rhythm, zone, now, expected) in [
        (json!({ "every": "1h" }), Asia::Kolkata, "2026-01-14T10:00:00Z", ["2026-01-14T16:00:00+05:30", "2026-01-14T17:00:00+05:30"]),
        (json!({ "every": "7h" }), Tz::UTC, "2026-01-14T20:00:00Z", ["2026-01-14T21:00:00+00:00", "2026-01-15T00:00:00+00:00"]),
        (json!({ "every": "1d" }), Europe::Berlin, "2026-01-14T23:00:00Z", ["2026-01-16T00:00:00+01:00", "2026-01-17T00:00:00+01:00"]),
        // A week begins on Monday.
        (json!({ "every": "7d" }), Europe::Berlin, "2026-01-14T12:00:00Z", ["2026-01-19T00:00:00+01:00", "2026-01-26T00:00:00+01:00"]),
        (
            json!({ "at": ["16:00", "08:00"] }),
            Europe::Berlin,
            "2026-01-14T08:00:00Z",
            ["2026-01-14T16:00:00+01:00", "2026-01-15T08:00:00+01:00"],
        ),
        // Left out: the moment at which it is, once. Twice: once by the time of the day, and each time by the hour.
        (json!({ "at": ["02:30"] }), Europe::Berlin, "2026-03-28T12:00:00Z", ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]),
        (json!({ "at": ["02:30"] }), Europe::Berlin, "2026-10-24T12:00:00Z", ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]),
        (json!({ "every": "1h" }), Europe::Berlin, "2026-10-24T23:59:00Z", ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]),
        (json!({ "every": "6h" }), Europe::Berlin, "2026-10-24T12:00:00Z", ["2026-10-24T18:00:00+02:00", "2026-10-25T00:00:00+02:00"]),
        (json!({ "every": "6h" }), Europe::Berlin, "2026-10-24T22:00:00Z", ["2026-10-25T06:00:00+01:00", "2026-10-25T12:00:00+01:00"]),
        // A midnight that there is not; a day that there is not.
        (json!({ "every": "1d" }), America::Sao_Paulo, "2018-11-03T12:00:00Z", ["2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"]),
        (json!({ "at": ["09:00"] }), Pacific::Apia, "2011-12-29T20:00:00Z", ["2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"]),
    ] {
        let read = digest(rhythm.clone());
        let first = read.next(at(now), zone);
        let found = [first, read.next(first, zone)].map(|time| time.with_timezone(&zone).to_rfc3339());
        assert_eq!(found, expected, "{rhythm} in {zone} at {now}");
    }
}

/// Whether it is quiet by a clock on a wall and a calendar beside it.
fn is_quiet_on_the_wall(quiet: &QuietHours, now: DateTime<Utc>, zone: Tz) -> bool {
    let local = now.with_timezone(&zone).naive_local();
    let yesterday = days_from(local.date(), -2..=-1).filter(|day| exists(*day, zone)).last().expect("a day before");
    let (today, yesterday) = (Day::from(local.weekday()), Day::from(yesterday.weekday()));
    let on = |hours: &Hours, day| hours.days.as_ref().is_none_or(|days| days.contains(&day));
    quiet.all().any(|hours| {
        let (from, to) = (hours.from.time(), hours.to.time());
        let overnight = hours.to.is_end() || to <= from;
        let (begun, over) = (local.time() >= from, local.time() >= to && !hours.to.is_end());
        if overnight { on(hours, today) && begun || on(hours, yesterday) && local.time() < to } else { on(hours, today) && begun && !over }
    })
}

/// Whether the clocks are put forward or back within some hours of this.
fn is_near_a_change(now: DateTime<Utc>, zone: Tz) -> bool {
    let shown = |hours: i64| {
        let then = now + TimeDelta::hours(hours);
        then.with_timezone(&zone).naive_local().and_utc() - then
    };
    (-30..30).any(|hours| shown(hours) != shown(hours + 1))
}

/// What holds at every moment.
fn holds(quiet: &QuietHours, now: DateTime<Utc>, zone: Tz) {
    let wall = is_quiet_on_the_wall(quiet, now, zone);
    match quiet.end(now, zone) {
        None => assert!(!wall, "told at {now} in {zone}, when {quiet:?} is on the wall"),
        Some(end) => {
            assert!(wall || is_near_a_change(now, zone), "kept at {now} in {zone}, when {quiet:?} is not on the wall");
            assert!(end > now && end - now <= TimeDelta::days(9), "{quiet:?} in {zone}: {now} to {end}");
            // What is free for less than an hour of the week, the clocks may leave out.
            let is_told = end - now >= TimeDelta::days(7) || quiet.end(end, zone).is_none();
            assert!(is_told, "{quiet:?} in {zone}: {now} to {end}, which is in quiet hours itself");
            assert_eq!(
                quiet.end(now + (end - now) / 2, zone),
                Some(end),
                "{quiet:?} in {zone}: it ends once for all that is kept from {now} on"
            );
        }
    }
}

#[test]
fn what_holds_of_quiet_hours_holds_all_the_year() {
    let hours = [
        quiet(json!({ "from": "19:00", "to": "08:00", "also": [{ "from": "00:00", "to": "24:00", "days": ["sat", "sun"] }] })),
        quiet(json!({ "from": "02:10", "to": "02:00", "days": ["fri", "sat", "sun", "thu"] })),
    ];
    for (zone, year) in ZONES {
        let start = first(NaiveDate::from_ymd_opt(year, 1, 1).expect("a day"), NaiveTime::MIN, zone);
        (0..365 * 24)
            .step_by(5)
            .for_each(|hour| hours.iter().for_each(|hours| holds(hours, start + TimeDelta::minutes(hour * 60 + hour % 60), zone)));
    }
}

fn clocks(last: u16) -> impl Strategy<Value = Clock> {
    // What people write, and the hours in which clocks are put forward and back.
    let written = prop_oneof![0..=last, (0..=last / 60).prop_map(|hour| hour * 60), (0..240u16)];
    written.prop_map(|minutes| Clock::try_from(format!("{:02}:{:02}", minutes / 60, minutes % 60)).expect("a time"))
}

fn hours() -> impl Strategy<Value = Hours> {
    let days = proptest::option::of(proptest::collection::btree_set(proptest::sample::select(&Day::ALL[..]), 1..7));
    let hours = (clocks(24 * 60 - 1), clocks(24 * 60), days);
    hours.prop_filter("they end", |(from, to, _)| from != to).prop_map(|(from, to, days)| Hours { from, to, days })
}

/// A zone and a moment of its year, as often as not within two days of one at which its clocks change.
fn moment() -> impl Strategy<Value = (Tz, DateTime<Utc>)> {
    (proptest::sample::select(&ZONES[..]), 0..365 * 24 * 60i64, any::<bool>(), -2880..2880i64).prop_map(
        |((zone, year), minute, near, away)| {
            let start = first(NaiveDate::from_ymd_opt(year, 1, 1).expect("a day"), NaiveTime::MIN, zone);
            let moment = start + TimeDelta::minutes(minute);
            let shown = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local().and_utc() - at;
            let mut days = (0..365).map(|day| moment + TimeDelta::days(day));
            let change = days.find(|day| shown(*day) != shown(*day + TimeDelta::days(1))).filter(|_| near);
            (zone, change.map_or(moment, |day| day + TimeDelta::minutes(away)))
        },
    )
}

fn rhythm() -> impl Strategy<Value = Rhythm> {
    let minutes = prop_oneof![10..1440i64, (1..24i64).prop_map(|hours| hours * 60), (1..8i64).prop_map(|days| days * 1440)];
    let at = proptest::collection::btree_set(clocks(24 * 60 - 1), 1..5);
    prop_oneof![minutes.prop_map(|minutes| Rhythm::Every(Every::minutes(minutes))), at.prop_map(Rhythm::At)]
}

proptest! {
    #[test]
    fn any_quiet_hours_end_at_a_time_when_they_may_be_told(
        hours in hours(), also in proptest::collection::vec(hours(), 0..3), (zone, now) in moment(),
    ) {
        let quiet = QuietHours { hours, also, except_priority: None };
        if !quiet.never_end() {
            holds(&quiet, now, zone);
        }
    }

    #[test]
    fn any_digest_comes_after_now_and_within_its_rhythm(rhythm in rhythm(), (zone, now) in moment(), between in 0.0..1.0f64) {
        let next = rhythm.next(now, zone);
        // The clocks of Troll are put back by two hours.
        let longest = rhythm.length() + TimeDelta::hours(if zone == Antarctica::Troll { 2 } else { 1 });
        prop_assert!(next > now && next - now <= longest, "{rhythm:?} in {zone}: {next} after {now}");
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "some moment in between")]
        let later = now + TimeDelta::seconds(((next - now).num_seconds() as f64 * between) as i64);
        prop_assert_eq!(rhythm.next(later, zone), next, "a digest is left out");
        let shown = next.with_timezone(&zone).time();
        let said = match &rhythm {
            Rhythm::At(times) => times.iter().any(|time| time.time() == shown),
            Rhythm::Every(every) => (shown - NaiveTime::MIN).num_minutes() % every.length().num_minutes().min(1440) == 0,
        };
        prop_assert!(said || is_near_a_change(next, zone), "{rhythm:?} in {zone}: {shown}");
    }
}
