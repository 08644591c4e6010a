//! What holds of any desk, preferences and event. A failure prints the case, and proptest keeps its seed. `PROPTEST_CASES`: how
//! many are tried.

use std::collections::{BTreeSet, HashSet};

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use switchboard_common::db::audience::{Department, Sees};
use switchboard_common::db::digests::Cause;
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::tickets::{MessageDirection, MessageKind};
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::LayerName;
use switchboard_common::ids::UserId;
use uuid::Uuid;

use super::How;
use super::world::{HIGH, NORMAL, SUPPORT, URGENT, World, at, way, world};
use crate::plan::decide::Plan;

const KINDS: [EventKind; 5] =
    [EventKind::TicketCreated, EventKind::MessageAdded, EventKind::TicketAssigned, EventKind::TicketClosed, EventKind::DeliveryFailed];
const PEOPLE: usize = 6;

/// What people may have chosen.
fn choices() -> Vec<Value> {
    vec![
        json!({}),
        json!({"channels": ["slack", "email"]}),
        json!({"channels": ["sms"], "fallback": ["slack"]}),
        json!({"timezone": "Europe/Lisbon", "quiet_hours": {"from": "19:00", "to": "08:00", "except_priority": "high"}}),
        json!({"timezone": "America/Sao_Paulo", "quiet_hours": {"from": "00:00", "to": "23:00", "days": ["sat", "sun"]}, "channels": ["slack", "sms"]}),
        json!({"timezone": "Pacific/Chatham", "quiet_hours": {"from": "08:30", "to": "08:00"}}),
        json!({"events": {"message.added": "digest", "ticket.created": "digest"}, "digest": {"at": ["09:00", "17:00"]}}),
        json!({"events": {"message.added": [], "mention": "digest"}, "digest": {"every": "1d"}}),
        json!({"own_actions": true}),
        json!({"muted_tickets": [1042]}),
        json!({"storm": {"most": 1, "within": "1h"}}),
    ]
}

/// A case, as numbers: people are 0 to 5; 6 and 7 are groups, the second of which holds the first.
#[derive(Debug, Clone)]
struct Dice {
    kind: usize,
    roots: [Vec<usize>; 5],
    author: Option<usize>,
    is_note: bool,
    mentions: Vec<usize>,
    sees: Vec<usize>,
    layers: Vec<Vec<usize>>,
    reached: Vec<u8>,
    suppressed: Vec<(usize, bool)>,
    priority: usize,
    minutes: i64,
    so_far: Vec<i64>,
    client_is: Option<usize>,
}

fn dice() -> impl Strategy<Value = Dice> {
    let some = || vec(0..PEOPLE + 2, 0..4);
    let who = (0..KINDS.len(), [some(), some(), some(), some(), some()], proptest::option::of(0..PEOPLE), any::<bool>(), some());
    let what = (
        vec(0..4_usize, PEOPLE),
        vec(vec(0..choices().len(), 0..3), PEOPLE),
        vec(0..8_u8, PEOPLE),
        vec((0..PEOPLE, any::<bool>()), 0..2),
        0..3_usize,
        0..60 * 24 * 400_i64,
        vec(0..3_i64, PEOPLE),
        proptest::option::of(0..PEOPLE),
    );
    (who, what).prop_map(
        |((kind, roots, author, is_note, mentions), (sees, layers, reached, suppressed, priority, minutes, so_far, client_is))| Dice {
            kind,
            roots,
            author,
            is_note,
            mentions,
            sees,
            layers,
            reached,
            suppressed,
            priority,
            minutes,
            so_far,
            client_is,
        },
    )
}

fn id(n: usize) -> UserId {
    UserId(Uuid::from_u128(100 + n as u128))
}

fn ids(numbers: &[usize]) -> Vec<UserId> {
    numbers.iter().map(|n| id(*n)).collect()
}

fn inside(root: usize) -> Vec<usize> {
    match root {
        6 => vec![0, 1, 2],
        7 => vec![0, 1, 2, 3],
        person => vec![person],
    }
}

/// The desk of a case; `backwards` with everybody in another order, `awake` without quiet hours.
fn desk(dice: &Dice, backwards: bool, awake: bool) -> World {
    let mut world = world(KINDS[dice.kind]);
    let template = world.person(super::BOB).clone();
    world.directory.people.clear();
    world.directory.members.clear();
    let mut order: Vec<usize> = (0..PEOPLE).collect();
    let mut held = [ids(&[0, 1, 2]), ids(&[6, 3])];
    if backwards {
        order.reverse();
        for held in &mut held {
            held.reverse();
        }
    }
    for n in order {
        let mut person = template.clone();
        person.handle = format!("p{n}");
        person.is_administrator = dice.sees[n] == 3;
        person.is_archived = dice.reached[n] == 7;
        person.sees = [Sees::All, Sees::Departments, Sees::Assigned, Sees::Assigned][dice.sees[n]];
        person.addresses.clear();
        let addresses =
            [(Method::Email, format!("p{n}@desk.example")), (Method::Slack, format!("T1/U{n}")), (Method::Sms, format!("+1555020{n}"))];
        for (bit, (method, address)) in addresses.into_iter().enumerate().filter(|(bit, _)| dice.reached[n] >> bit & 1 == 0) {
            let _ = bit;
            person.addresses.insert(method, vec![address]);
        }
        world.directory.people.insert(id(n), person);
        for layer in &dice.layers[n] {
            let mut says = choices()[*layer].clone();
            if awake {
                says.as_object_mut().expect("a document").remove("quiet_hours");
            }
            world.chose(id(n), LayerName::Person, &says);
        }
    }
    for (n, held) in held.into_iter().enumerate() {
        let mut group = template.clone();
        (group.handle, group.is_group) = (format!("g{n}"), true);
        group.addresses.clear();
        world.directory.people.insert(id(PEOPLE + n), group);
        world.directory.members.insert(id(PEOPLE + n), held);
    }
    let [assignees, cc, followers, members, department_followers] = &dice.roots;
    (world.ticket.assignees, world.ticket.cc, world.followers) = (ids(assignees), ids(cc), ids(followers));
    world.event.assigned = ids(assignees);
    world.ticket.priority_id = [NORMAL, HIGH, URGENT][dice.priority];
    let department = Department { name: "Support".to_owned(), members: ids(members), followers: ids(department_followers) };
    world.directory.departments.insert(SUPPORT, department);
    if let Some(author) = dice.author {
        world.written_by(id(author), &format!("p{author}@desk.example"));
        let text: Vec<String> =
            dice.mentions.iter().map(|n| if *n < PEOPLE { format!("@p{n}") } else { format!("@g{}", n - PEOPLE) }).collect();
        let message = world.message();
        (message.by_client, message.text, message.direction) = (false, Some(text.join(" ")), MessageDirection::Out);
        message.kind = if dice.is_note { MessageKind::Note } else { MessageKind::Public };
    } else {
        world.event.actor = Actor::System;
        world.message().sender_address = None;
    }
    for (n, all) in &dice.suppressed {
        let place = (Method::Email, format!("p{n}@desk.example"));
        if *all {
            world.suppressed.all.insert(place)
        } else {
            world.suppressed.optional.insert(place)
        };
    }
    if let Some(n) = dice.client_is {
        world.client.ways = vec![way(Method::Email, &format!("p{n}@desk.example"))];
    }
    world.now = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(dice.minutes);
    world.planned_for(dice.so_far.iter().enumerate().map(|(n, count)| (id(n), *count)));
    world
}

/// Who is told, of the people.
fn told(plan: &Plan) -> BTreeSet<UserId> {
    plan.decisions.iter().filter(|decision| decision.told).filter_map(|decision| decision.user_id).collect()
}

/// Whether a person may read the ticket of a case, said once more.
fn may_read(dice: &Dice, n: usize) -> bool {
    let is_in = |roots: &[usize]| roots.iter().any(|root| inside(*root).contains(&n));
    match dice.sees[n] {
        0 | 3 => true,
        1 => is_in(&dice.roots[3]) || is_in(&dice.roots[0]) || is_in(&dice.roots[1]),
        _ => is_in(&dice.roots[0]) || is_in(&dice.roots[1]),
    }
}

/// Whether the last layer of a person that says something of a setting says that it is so.
fn chose(dice: &Dice, n: usize, key: &str) -> Option<Value> {
    dice.layers[n].iter().rev().find_map(|layer| choices()[*layer].get(key).cloned())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_told_twice_and_no_address_is_used_twice(dice in dice()) {
        let plan = desk(&dice, false, false).plan();
        let recipients: HashSet<_> = plan.tellings.iter().map(|telling| telling.recipient).collect();
        prop_assert_eq!(recipients.len(), plan.tellings.len());
        let mut places = HashSet::new();
        for telling in &plan.tellings {
            let (ways, is_refused) = match &telling.how {
                How::Send { ways, .. } => (ways.clone(), false),
                How::Collect { way, .. } => (vec![way.clone()], false),
                How::Refuse { went, .. } => (went.clone(), true),
            };
            prop_assert!(is_refused || !ways.is_empty());
            for way in ways {
                prop_assert!(places.insert((way.method, way.address.clone())), "{:?} is used twice", way);
            }
        }
    }

    #[test]
    fn nobody_without_permission_is_told_nor_of_a_muted_ticket_nor_of_their_own_doing(dice in dice()) {
        let plan = desk(&dice, false, false).plan();
        for n in (0..PEOPLE).filter(|n| told(&plan).contains(&id(*n))) {
            prop_assert!(may_read(&dice, n), "p{} may not read it", n);
            prop_assert!(dice.reached[n] != 7, "p{} has left", n);
            prop_assert!(chose(&dice, n, "muted_tickets").is_none(), "p{} muted it", n);
            let own = dice.author == Some(n) && KINDS[dice.kind] != EventKind::DeliveryFailed;
            prop_assert!(!own || chose(&dice, n, "own_actions").is_some(), "p{} did it", n);
        }
    }

    #[test]
    fn quiet_hours_lose_nothing_and_what_is_urgent_is_not_held_back_by_them(dice in dice()) {
        let (quiet, awake) = (desk(&dice, false, false), desk(&dice, false, true).plan());
        let (mut quiet, now) = { let now = quiet.now; (quiet, now) };
        let plan = quiet.plan();
        prop_assert_eq!(told(&plan), told(&awake));
        for decision in plan.decisions.iter().filter(|decision| decision.told) {
            prop_assert!(decision.until.is_none_or(|until| until > now && until <= now + TimeDelta::days(8)), "{:?}", decision);
        }
        for telling in &plan.tellings {
            let ReplyRecipient::User(user) = telling.recipient else { continue };
            let n = (0..PEOPLE).find(|n| id(*n) == user).expect("a person");
            let excepts = chose(&dice, n, "quiet_hours").is_some_and(|hours| hours.get("except_priority").is_some());
            let for_quiet = matches!(telling.how, How::Collect { cause: Cause::QuietHours, .. });
            prop_assert!(!(for_quiet && excepts && dice.priority > 0), "p{} excepts it: {:?}", n, telling);
        }
    }

    #[test]
    fn it_does_not_matter_in_which_order_people_are_on_record(dice in dice()) {
        let lines = |plan: &Plan| { let mut lines = super::detailed(plan); lines.sort_unstable(); lines };
        prop_assert_eq!(lines(&desk(&dice, false, false).plan()), lines(&desk(&dice, true, false).plan()));
    }
}
