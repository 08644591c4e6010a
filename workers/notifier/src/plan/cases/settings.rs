//! What people chose: by what, when and how often they are told.

use chrono::TimeDelta;
use serde_json::json;
use switchboard_common::domain::event::EventKind;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::LayerName;

use super::check_detailed;
use super::world::{BOB, GRACE, HIGH, NORMAL, ROOT, URGENT, World, at, world};

/// Grace is reached by Slack and SMS as well.
fn well_connected(w: &mut World) {
    w.has(GRACE, Method::Slack, "T2/U7");
    w.has(GRACE, Method::Slack, "T1/U7");
    w.has(GRACE, Method::Sms, "+15550177");
}

fn suppress(w: &mut World, method: Method, address: &str) {
    w.suppressed.all.insert((method, address.to_owned()));
}

#[test]
fn each_is_told_by_what_they_chose_the_later_layer_over_the_earlier() {
    check_detailed(
        EventKind::TicketAssigned,
        &[
            ("nobody chose anything", |w| w.event.assigned = vec![GRACE], &["grace ✓ assigned → email:grace@desk.example [built-in]"]),
            (
                "the tenant chose Slack: of two workspaces the one that the desk is in",
                |w| {
                    well_connected(w);
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Tenant, &json!({"channels": ["slack"]}));
                },
                &["grace ✓ assigned → slack:T1/U7 [tenant]"],
            ),
            (
                "the group chose two for this, the tenant another for all: each of the two",
                |w| {
                    well_connected(w);
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Tenant, &json!({"channels": ["email"]}));
                    w.chose(GRACE, LayerName::Group("second-line".to_owned()), &json!({"events": {"ticket.assigned": ["slack", "sms"]}}));
                },
                &["grace ✓ assigned → slack:T1/U7, sms:+15550177 [group second-line]"],
            ),
            (
                "the person wants nothing of it",
                |w| {
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Tenant, &json!({"events": {"ticket.assigned": ["email"]}}));
                    w.chose(GRACE, LayerName::Person, &json!({"events": {"ticket.assigned": []}}));
                },
                &["grace ✗ told nothing of ticket.assigned [own]"],
            ),
        ],
    );
}

#[test]
fn where_no_chosen_way_can_be_used_the_first_of_the_fallback_is_taken() {
    check_detailed(
        EventKind::TicketAssigned,
        &[
            (
                "one of two can be used: no fallback",
                |w| {
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Person, &json!({"channels": ["whatsapp", "email"], "fallback": ["sms"]}));
                },
                &["grace ✓ assigned → email:grace@desk.example [own]"],
            ),
            (
                "none: the first of the fallback that can be, and not the next",
                |w| {
                    well_connected(w);
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Tenant, &json!({"fallback": ["webhook", "sms", "email"]}));
                    w.chose(GRACE, LayerName::Person, &json!({"channels": ["whatsapp"]}));
                },
                &["grace ✓ assigned → sms:+15550177 [tenant]"],
            ),
            (
                "a bounced address is none",
                |w| {
                    well_connected(w);
                    suppress(w, Method::Email, "grace@desk.example");
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Person, &json!({"fallback": ["slack"]}));
                },
                &["grace ✓ assigned → slack:T1/U7 [own]"],
            ),
            (
                "Slack of a workspace that the desk is not in",
                |w| {
                    w.has(GRACE, Method::Slack, "T2/U7");
                    w.event.assigned = vec![GRACE];
                    w.chose(GRACE, LayerName::Person, &json!({"channels": ["slack"], "fallback": ["sms"]}));
                },
                &["grace ✗ no account of the desk sends there by slack; no verified telephone number [own]"],
            ),
            (
                "an account that cannot send",
                |w| {
                    well_connected(w);
                    w.event.assigned = vec![GRACE];
                    w.directory.accounts.get_mut(&super::world::SMS).expect("an account").sends = false;
                    w.chose(GRACE, LayerName::Person, &json!({"channels": ["sms"]}));
                },
                &["grace ✓ assigned → email:grace@desk.example [built-in]"],
            ),
        ],
    );
    let mut stuck = world(EventKind::TicketCreated);
    suppress(&mut stuck, Method::Email, "grace@desk.example");
    let decisions = super::detailed(&stuck.plan());
    assert_eq!(
        &decisions[..2],
        [
            "grace ✗ nothing goes to their email address any more: it is suppressed [built-in]",
            "bob ✓ member of department Support → email:bob@desk.example [built-in]"
        ]
    );
}

#[test]
fn what_is_left_when_a_way_refuses_is_written_down_in_order() {
    let mut world = world(EventKind::TicketAssigned);
    well_connected(&mut world);
    world.event.assigned = vec![GRACE];
    world.chose(GRACE, LayerName::Person, &json!({"channels": ["slack"], "fallback": ["slack", "sms", "webhook", "email"]}));
    let left: Vec<Method> = world.plan().tellings[0].alternatives.iter().map(|way| way.method).collect();
    assert_eq!(left, [Method::Sms, Method::Email]);
}

#[test]
fn in_quiet_hours_it_is_collected_until_their_end_and_an_urgent_ticket_breaks_in() {
    let quiet = json!({"timezone": "Europe/Lisbon", "quiet_hours": {"from": "19:00", "to": "08:00", "except_priority": "high"}});
    for (name, now, priority, expected) in [
        ("by day", "2026-03-04T18:59:59Z", NORMAL, "grace ✓ assigned → email:grace@desk.example [built-in]"),
        (
            "as they begin",
            "2026-03-04T19:00:00Z",
            NORMAL,
            "grace ✓ assigned → email:grace@desk.example until 03-05 08:00, with others: quiet hours [tenant]",
        ),
        (
            "by night",
            "2026-03-05T03:00:00Z",
            NORMAL,
            "grace ✓ assigned → email:grace@desk.example until 03-05 08:00, with others: quiet hours [tenant]",
        ),
        ("as they end", "2026-03-05T08:00:00Z", NORMAL, "grace ✓ assigned → email:grace@desk.example [built-in]"),
        ("of the priority that breaks in", "2026-03-05T03:00:00Z", HIGH, "grace ✓ assigned → email:grace@desk.example [built-in]"),
        ("of one above it", "2026-03-05T03:00:00Z", URGENT, "grace ✓ assigned → email:grace@desk.example [built-in]"),
        (
            "in the night of the change to summer time, which is an hour shorter",
            "2026-03-28T20:00:00Z",
            NORMAL,
            "grace ✓ assigned → email:grace@desk.example until 03-29 07:00, with others: quiet hours [tenant]",
        ),
    ] {
        let mut world = world(EventKind::TicketCreated);
        world.now = at(now);
        world.ticket.priority_id = priority;
        world.chose(GRACE, LayerName::Tenant, &quiet);
        let plan = world.plan();
        assert_eq!(super::detailed(&plan)[0], expected, "{name}");
        let urgent = matches!(plan.tellings[0].how, super::How::Send { urgent: true, .. });
        assert_eq!(urgent, priority != NORMAL, "{name}: told whatever the hour, also when it is tried again");
    }
}

#[test]
fn a_digest_comes_in_its_rhythm_and_not_in_quiet_hours() {
    for (name, now, says, expected) in [
        (
            "once an hour",
            "2026-03-04T12:10:00Z",
            json!({"events": {"ticket.created": "digest"}}),
            "grace ✓ assigned → email:grace@desk.example until 03-04 13:00, with others: digest [own]",
        ),
        (
            "at a time of the day, by the first channel that can be used",
            "2026-03-04T12:10:00Z",
            json!({"events": {"ticket.created": "digest"}, "digest": {"at": ["09:00", "17:00"]}, "channels": ["whatsapp", "slack", "email"]}),
            "grace ✓ assigned → slack:T1/U7 until 03-04 17:00, with others: digest [own]",
        ),
        (
            "in quiet hours: at their end",
            "2026-03-04T18:30:00Z",
            json!({"events": {"ticket.created": "digest"}, "quiet_hours": {"from": "19:00", "to": "08:00"}}),
            "grace ✓ assigned → email:grace@desk.example until 03-05 08:00, with others: digest [own]",
        ),
        (
            "what is urgent breaks into quiet hours, and not into a digest",
            "2026-03-04T12:10:00Z",
            json!({"events": {"ticket.created": "digest"}, "quiet_hours": {"from": "19:00", "to": "08:00", "except_priority": "low"}}),
            "grace ✓ assigned → email:grace@desk.example until 03-04 13:00, with others: digest [own]",
        ),
    ] {
        let mut world = world(EventKind::TicketCreated);
        well_connected(&mut world);
        world.now = at(now);
        world.chose(GRACE, LayerName::Person, &says);
        assert_eq!(super::detailed(&world.plan())[0], expected, "{name}");
    }
}

#[test]
fn a_flood_is_collected_for_a_person_of_a_ticket_and_in_the_desk() {
    let told = "grace ✓ assigned → email:grace@desk.example [built-in]";
    let storm = |what: &str, layer: &str| {
        format!("grace ✓ assigned → email:grace@desk.example until 03-04 12:10, with others: storm: {what} already [{layer}]")
    };
    for (name, so_far, expected) in [
        ("almost too many", (19, 199, 4999), told.to_owned()),
        ("too many for her", (20, 0, 0), storm("20 notifications within 10m for them", "built-in")),
        ("too many of the ticket", (0, 200, 0), storm("200 notifications within 10m of the ticket", "tenant")),
        ("too many in the desk", (0, 0, 5000), storm("5000 notifications within 10m in the desk", "tenant")),
    ] {
        let mut world = world(EventKind::TicketCreated);
        world.planned_so_far(GRACE, so_far.0, so_far.1, so_far.2);
        let decisions = super::detailed(&world.plan());
        assert_eq!(decisions[0], expected, "{name}");
        assert_eq!(decisions[1], "Ada ✓ acknowledgement → email:ada@example.org", "{name}: what is for clients is never collected");
    }
}

#[test]
fn a_storm_is_what_its_reader_says_it_is_and_an_urgent_ticket_gets_through_that_of_others() {
    let mut own = world(EventKind::TicketCreated);
    own.chose(GRACE, LayerName::Person, &json!({"storm": {"most": 2, "within": "1h"}, "quiet_hours": {"from": "12:30", "to": "14:00"}}));
    let until: Vec<_> = (0..4).map(|_| own.plan().decisions[0].until.map(|until| until.format("%H:%M").to_string())).collect();
    assert_eq!(until, [None, None, Some("14:00".to_owned()), Some("14:00".to_owned())], "each counts for the next; and not in quiet hours");

    let mut urgent = world(EventKind::TicketCreated);
    urgent.ticket.priority_id = URGENT;
    urgent.chose(GRACE, LayerName::Person, &json!({"quiet_hours": {"from": "11:00", "to": "14:00", "except_priority": "urgent"}}));
    urgent.planned_so_far(GRACE, 19, 500, 9000);
    assert_eq!(urgent.plan().decisions[0].until, None);
    assert_eq!(urgent.plan().decisions[0].until, Some(at("2026-03-04T12:10:00Z")), "but not through her own");
}

#[test]
fn who_unsubscribed_hears_of_their_own_tickets_only_and_of_those_by_themselves() {
    let mut world = world(EventKind::TicketCreated);
    for address in ["grace@desk.example", "bob@desk.example"] {
        world.suppressed.optional.insert((Method::Email, address.to_owned()));
    }
    world.directory.departments.get_mut(&super::world::SUPPORT).expect("a department").followers = vec![BOB];
    world.chose(GRACE, LayerName::Person, &json!({"quiet_hours": {"from": "11:00", "to": "14:00"}}));
    let decisions = super::detailed(&world.plan());
    assert_eq!(
        &decisions[..2],
        [
            "grace ✓ assigned → email:grace@desk.example until 03-04 14:00, by itself: quiet hours [own]",
            "bob ✗ unsubscribed from what is not their own by email [built-in]"
        ]
    );
    world.has(GRACE, Method::Slack, "T1/U7");
    world.chose(GRACE, LayerName::Person, &json!({"fallback": ["slack"]}));
    world.later(TimeDelta::minutes(1));
    assert_eq!(
        super::detailed(&world.plan())[0],
        "grace ✓ assigned → slack:T1/U7 until 03-04 14:00, with others: quiet hours [own]",
        "a digest goes where she takes one"
    );
    assert!(!super::detailed(&world.plan()).iter().any(|line| line.starts_with("root")), "{ROOT} is not asked");
}
