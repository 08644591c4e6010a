//! Who is in question: mentions, followers, permissions, muted tickets.

use std::collections::BTreeSet;

use serde_json::json;
use switchboard_common::db::audience::{Department, Sees};
use switchboard_common::domain::event::EventKind;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{LayerName, Topic};

use super::world::{BOB, EMPTY, GRACE, MUTE, ROOT, SECOND_LINE, SUPPORT, World, world};
use super::{check, check_detailed};

fn sees(world: &mut World, sees: Sees) {
    world.person(BOB).sees = sees;
}

#[test]
fn whoever_is_named_in_a_note_or_an_answer_hears_of_it_and_a_client_names_nobody() {
    check(
        EventKind::MessageAdded,
        &[
            (
                "a note names a person",
                |w| w.noted_by_bob("@root please look"),
                &["root ✓ mentioned", "grace ✓ assigned", "Ada ✗ a note stays within the desk"],
            ),
            (
                "a note names the person who has the ticket anyway",
                |w| w.noted_by_bob("ask @grace."),
                &["grace ✓ mentioned", "Ada ✗ a note stays within the desk"],
            ),
            (
                "a note names a group, its writer in it",
                |w| w.noted_by_bob("@second-line, @second-line!"),
                &["bob ✗ own action", "grace ✓ mentioned through group second-line", "Ada ✗ a note stays within the desk"],
            ),
            (
                "an empty group, nobody at all, and somebody in what is quoted",
                |w| w.noted_by_bob("@empty @nobody\n> @root wrote"),
                &["empty ✗ mentioned, but the group is empty", "grace ✓ assigned", "Ada ✗ a note stays within the desk"],
            ),
            (
                "an answer names a person",
                |w| {
                    w.answered_by_grace();
                    w.message().text = Some("cc @root".to_owned());
                },
                &["root ✓ mentioned", "grace ✗ own action", "Ada ✓ an agent's answer"],
            ),
            ("a client names a person", |w| w.message().text = Some("@root help".to_owned()), &["grace ✓ assigned", "Ada ✗ own action"]),
            (
                "a program names a person in somebody's name",
                |w| {
                    w.noted_by_bob("@root");
                    w.message().automatic = Some("Auto-Submitted: auto-replied".to_owned());
                },
                &["grace ✓ assigned", "Ada ✗ a note stays within the desk"],
            ),
        ],
    );
}

#[test]
fn a_mention_is_told_as_one_and_not_held_back_with_the_rest() {
    let mut world = world(EventKind::MessageAdded);
    world.noted_by_bob("@grace");
    world.chose(GRACE, LayerName::Person, &json!({"events": {"message.added": "digest"}}));
    let plan = world.plan();
    assert_eq!(super::detailed(&plan)[0], "grace ✓ mentioned → email:grace@desk.example [built-in]");
    assert_eq!(plan.tellings[0].topic, Topic::Mention);
    world.chose(GRACE, LayerName::Person, &json!({"events": {"mention": "digest"}}));
    let held = super::detailed(&world.plan());
    assert_eq!(held[0], "grace ✓ mentioned → email:grace@desk.example until 03-04 13:00, with others: digest [own]");
}

#[test]
fn who_follows_a_ticket_or_a_department_hears_as_well() {
    let follow = |w: &mut World| {
        w.followers = vec![ROOT];
        let department = w.directory.departments.get_mut(&SUPPORT).expect("a department");
        department.followers = vec![SECOND_LINE, MUTE];
    };
    for (kind, expected) in [
        (
            EventKind::TicketCreated,
            &[
                "grace ✓ assigned",
                "bob ✓ follows department Support through group second-line",
                "mute ✗ no verified mail address",
                "Ada ✓ acknowledgement",
            ][..],
        ),
        (
            EventKind::MessageAdded,
            &[
                "grace ✓ assigned",
                "root ✓ follows the ticket",
                "bob ✓ follows department Support through group second-line",
                "mute ✗ no verified mail address",
                "Ada ✗ own action",
            ],
        ),
        (EventKind::TicketAssigned, &[]),
        (
            EventKind::TicketClosed,
            &[
                "Ada ✗ own action",
                "root ✓ follows the ticket",
                "bob ✓ follows department Support through group second-line",
                "grace ✓ follows department Support through group second-line",
                "mute ✗ no verified mail address",
            ],
        ),
    ] {
        let mut world = world(kind);
        follow(&mut world);
        let plan = world.plan();
        assert_eq!(super::shown(&plan), expected, "{}", kind.as_str());
        for telling in &plan.tellings {
            assert_eq!(telling.optional, telling.reason.starts_with("follows"), "only who follows may stop it: {telling:?}");
        }
    }
}

#[test]
fn who_may_not_read_a_ticket_never_hears_of_it() {
    check(
        EventKind::MessageAdded,
        &[
            (
                "a follower who sees their departments' tickets, on one of them",
                |w| {
                    sees(w, Sees::Departments);
                    w.followers = vec![BOB];
                },
                &["grace ✓ assigned", "bob ✓ follows the ticket", "Ada ✗ own action"],
            ),
            (
                "the same on another department's",
                |w| {
                    sees(w, Sees::Departments);
                    w.followers = vec![BOB];
                    w.ticket.department_id = None;
                },
                &["grace ✓ assigned", "bob ✗ they may not read the ticket", "Ada ✗ own action"],
            ),
            (
                "a department that a group belongs to",
                |w| {
                    sees(w, Sees::Departments);
                    w.followers = vec![BOB];
                    let members = vec![SECOND_LINE];
                    w.directory.departments.insert(SUPPORT, Department { name: "Support".to_owned(), members, followers: Vec::new() });
                },
                &["grace ✓ assigned", "bob ✓ follows the ticket", "Ada ✗ own action"],
            ),
            (
                "who sees what is theirs, and follows it",
                |w| {
                    sees(w, Sees::Assigned);
                    w.followers = vec![BOB];
                },
                &["grace ✓ assigned", "bob ✗ they may not read the ticket", "Ada ✗ own action"],
            ),
            (
                "and has it in cc by a group",
                |w| {
                    sees(w, Sees::Assigned);
                    w.ticket.cc = vec![SECOND_LINE];
                },
                &["grace ✓ assigned", "bob ✓ in cc through group second-line", "Ada ✗ own action"],
            ),
            (
                "and was given it by a group",
                |w| {
                    sees(w, Sees::Assigned);
                    w.ticket.assignees = vec![SECOND_LINE];
                },
                &["bob ✓ assigned through group second-line", "grace ✓ assigned through group second-line", "Ada ✗ own action"],
            ),
            (
                "who is named in a note on what they may not read",
                |w| {
                    sees(w, Sees::Assigned);
                    w.written_by(GRACE, "grace@desk.example");
                    w.message().text = Some("@bob".to_owned());
                    w.message().by_client = false;
                },
                &["bob ✗ they may not read the ticket", "grace ✗ own action", "Ada ✗ not an answer to them"],
            ),
            (
                "a department whose people may not read it: those who answer for it are asked on",
                |w| {
                    sees(w, Sees::Assigned);
                    w.ticket.assignees = vec![EMPTY];
                },
                &[
                    "empty ✗ assigned, but the group is empty",
                    "bob ✗ they may not read the ticket",
                    "root ✓ administrator, since nobody else can be told",
                    "Ada ✗ own action",
                ],
            ),
            (
                "an administrator who is said to see what is theirs",
                |w| {
                    w.person(ROOT).sees = Sees::Assigned;
                    w.followers = vec![ROOT];
                },
                &["grace ✓ assigned", "root ✓ follows the ticket", "Ada ✗ own action"],
            ),
        ],
    );
}

#[test]
fn of_a_muted_ticket_nothing_is_told_and_of_own_actions_only_who_asked_for_it() {
    check_detailed(
        EventKind::MessageAdded,
        &[
            (
                "muted, though it is assigned to them: nobody else is asked for that",
                |w| w.chose(GRACE, LayerName::Person, &json!({"muted_tickets": [1042]})),
                &["grace ✗ ticket #1042 is muted [own]", "Ada ✗ own action"],
            ),
            (
                "muted, and mentioned",
                |w| {
                    w.noted_by_bob("@grace");
                    w.chose(GRACE, LayerName::Person, &json!({"muted_tickets": [1041, 1042]}));
                },
                &["grace ✗ ticket #1042 is muted [own]", "Ada ✗ a note stays within the desk"],
            ),
            (
                "another ticket is muted",
                |w| w.chose(GRACE, LayerName::Person, &json!({"muted_tickets": [1041]})),
                &["grace ✓ assigned → email:grace@desk.example [built-in]", "Ada ✗ own action"],
            ),
            (
                "who wants to hear of what they did",
                |w| {
                    w.answered_by_grace();
                    w.chose(GRACE, LayerName::Group("second-line".to_owned()), &json!({"own_actions": true}));
                },
                &["grace ✓ assigned → email:grace@desk.example [built-in]", "Ada ✓ an agent's answer → email:ada@example.org"],
            ),
            (
                "who does not, over a tenant that does",
                |w| {
                    w.answered_by_grace();
                    w.chose(GRACE, LayerName::Tenant, &json!({"own_actions": true}));
                    w.chose(GRACE, LayerName::Person, &json!({"own_actions": false}));
                },
                &["grace ✗ own action [own]", "Ada ✓ an agent's answer → email:ada@example.org"],
            ),
        ],
    );
}

#[test]
fn two_people_are_not_told_at_one_address() {
    let mut world = world(EventKind::MessageAdded);
    world.answered_by_grace();
    world.client.ways = vec![super::way(Method::Email, "bob@desk.example")];
    world.ticket.cc = vec![BOB];
    assert_eq!(
        super::detailed(&world.plan()),
        [
            "grace ✗ own action [built-in]",
            "bob ✗ somebody is told of it at the same address [built-in]",
            "Ada ✓ an agent's answer → email:bob@desk.example"
        ]
    );
    let told: BTreeSet<_> = world.plan().decisions.iter().filter_map(|decision| decision.on.clone()).collect();
    assert_eq!(told.len(), 1);
}
