//! Who is told of what: the cases, as a table. Each starts from the same desk and says what is
//! different, and then everybody who is in question and what becomes of them.

mod clients;
mod laws;
mod month;
mod people;
mod settings;
mod world;

use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::domain::explanation::ToldDecision;
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::method::Method;

use self::world::{ACCOUNT, BOB, CIRCLE, EMPTY, EVERYBODY, FORM, GONE, GRACE, LOOPED, MUTE, SECOND_LINE, World, way, world};
use super::decide::{How, Plan, Telling};

/// `grace ✓ assigned` or `Ada ✗ own action`.
fn shown(plan: &Plan) -> Vec<String> {
    plan.decisions.iter().map(|told| format!("{} {} {}", told.recipient, if told.told { '✓' } else { '✗' }, told.why)).collect()
}

/// An answer that must not be sent.
fn is_refused(telling: &Telling) -> bool {
    matches!(telling.how, How::Refuse { .. })
}

/// As [`shown`], with where and when, and in brackets which layer decided it: `grace ✓ assigned → slack:T1/U1 [own]`,
/// `… until 2026-03-05 08:00, with others: quiet hours [tenant]`.
fn detailed(plan: &Plan) -> Vec<String> {
    let line = |told: &ToldDecision| {
        let mark = if told.told { '✓' } else { '✗' };
        let on = told.on.as_ref().map(|on| format!(" → {on}")).unwrap_or_default();
        let until = told.until.map(|until| format!(" until {}", until.format("%m-%d %H:%M"))).unwrap_or_default();
        let waits = told.waits.as_ref().map(|waits| format!(", {waits}")).unwrap_or_default();
        let layer = told.layer.as_ref().map(|layer| format!(" [{layer}]")).unwrap_or_default();
        format!("{} {mark} {}{on}{until}{waits}{layer}", told.recipient, told.why)
    };
    plan.decisions.iter().map(line).collect()
}

/// Checks the cases with where, when and by whose choice.
fn check_detailed(kind: EventKind, cases: &[Case]) {
    for (name, change, expected) in cases {
        let mut world = world(kind);
        change(&mut world);
        assert_eq!(detailed(&world.plan()), *expected, "{}: {name}", kind.as_str());
    }
}

type Case = (&'static str, fn(&mut World), &'static [&'static str]);

fn check(kind: EventKind, cases: &[Case]) {
    for (name, change, expected) in cases {
        let mut world = world(kind);
        change(&mut world);
        let plan = world.plan();
        assert_eq!(shown(&plan), *expected, "{}: {name}", kind.as_str());
        let told = plan.decisions.iter().filter(|decision| decision.told).count();
        assert_eq!(
            plan.tellings.iter().filter(|telling| !is_refused(telling)).count(),
            told,
            "{name}: who is told gets mail, and nobody else"
        );
        for decision in &plan.decisions {
            assert_eq!(
                decision.told,
                decision.on.as_deref().is_some_and(|on| on.starts_with("email:") && on.len() > 6),
                "{name}: {decision:?}"
            );
        }
    }
}

#[test]
fn of_a_new_ticket_those_hear_who_answer_for_it() {
    check(
        EventKind::TicketCreated,
        &[
            ("somebody is assigned", |_| {}, &["grace ✓ assigned", "Ada ✓ acknowledgement"]),
            (
                "a group is assigned",
                |w| w.ticket.assignees = vec![SECOND_LINE],
                &["bob ✓ assigned through group second-line", "grace ✓ assigned through group second-line", "Ada ✓ acknowledgement"],
            ),
            (
                "a person is in two groups, one within the other, and assigned as well",
                |w| w.ticket.assignees = vec![BOB, SECOND_LINE, EVERYBODY],
                &[
                    "bob ✓ assigned",
                    "grace ✓ assigned through group second-line",
                    "root ✓ assigned through group everybody",
                    "gone ✗ archived",
                    "Ada ✓ acknowledgement",
                ],
            ),
            (
                "groups hold one another in a circle",
                |w| w.ticket.assignees = vec![CIRCLE],
                &[
                    "root ✓ assigned through group circle",
                    "gone ✗ archived",
                    "bob ✓ assigned through group circle",
                    "grace ✓ assigned through group circle",
                    "Ada ✓ acknowledgement",
                ],
            ),
            ("nobody is assigned", |w| w.ticket.assignees.clear(), &["bob ✓ member of department Support", "Ada ✓ acknowledgement"]),
            (
                "nobody is assigned and there is no department",
                |w| {
                    w.ticket.assignees.clear();
                    w.ticket.department_id = None;
                },
                &["root ✓ administrator, since nobody else can be told", "Ada ✓ acknowledgement"],
            ),
        ],
    );
}

#[test]
fn of_a_new_ticket_somebody_hears_even_where_the_assigned_cannot_be_told() {
    check(
        EventKind::TicketCreated,
        &[
            (
                "an empty group is assigned",
                |w| w.ticket.assignees = vec![EMPTY],
                &["empty ✗ assigned, but the group is empty", "bob ✓ member of department Support", "Ada ✓ acknowledgement"],
            ),
            (
                "the group that is assigned was archived",
                |w| {
                    w.directory.people.get_mut(&SECOND_LINE).expect("a group").is_archived = true;
                    w.ticket.assignees = vec![SECOND_LINE];
                },
                &["second-line ✗ assigned, but the group is archived", "bob ✓ member of department Support", "Ada ✓ acknowledgement"],
            ),
            (
                "who is assigned cannot be told",
                |w| w.ticket.assignees = vec![MUTE, GONE, LOOPED],
                &[
                    "mute ✗ no verified mail address",
                    "gone ✗ archived",
                    "looped ✗ the address is one of the desk's own: mail to it would come back in",
                    "bob ✓ member of department Support",
                    "Ada ✓ acknowledgement",
                ],
            ),
            (
                "some are in cc, one of them by two ways",
                |w| w.ticket.cc = vec![SECOND_LINE, MUTE],
                &["grace ✓ assigned", "bob ✓ in cc through group second-line", "mute ✗ no verified mail address", "Ada ✓ acknowledgement"],
            ),
        ],
    );
}

#[test]
fn a_client_gets_an_acknowledgement_of_a_new_ticket_and_a_robot_does_not() {
    check(
        EventKind::TicketCreated,
        &[
            (
                "the account does not acknowledge",
                |w| w.directory.accounts.get_mut(&ACCOUNT).expect("an account").acknowledge = false,
                &["grace ✓ assigned", "Ada ✗ the account does not acknowledge"],
            ),
            (
                "the ticket came by a form",
                |w| w.ticket.account_id = FORM,
                &["grace ✓ assigned", "Ada ✗ no acknowledgement: there is no way back on the channel that the ticket came by"],
            ),
            (
                "a robot wrote",
                |w| w.message().automatic = Some("Auto-Submitted: auto-replied".to_owned()),
                &["grace ✓ assigned", "Ada ✗ no acknowledgement: the opening message is automatic (Auto-Submitted: auto-replied)"],
            ),
            (
                "the sender is forged",
                |w| w.message().trust = Trust::Failed,
                &["grace ✓ assigned", "Ada ✗ no acknowledgement: the sender's address failed its check, so it may be forged"],
            ),
            (
                "a user opened it",
                |w| w.written_by(BOB, "bob@desk.example"),
                &["grace ✓ assigned", "Ada ✗ no acknowledgement: one of the desk's own people opened the ticket"],
            ),
            (
                "the assignee opened it: nobody else is asked, since it is not lost",
                |w| w.written_by(GRACE, "grace@desk.example"),
                &["grace ✗ own action", "Ada ✗ no acknowledgement: one of the desk's own people opened the ticket"],
            ),
            (
                "the assignee wrote as a client",
                |w| w.message().sender_address = Some("Grace@desk.example".to_owned()),
                &["grace ✗ own action", "Ada ✓ acknowledgement"],
            ),
            (
                "the client writes from the desk's own address",
                |w| w.client.ways = vec![way(Method::Email, "help+aaaa@desk.example")],
                &["grace ✓ assigned", "Ada ✗ the address is one of the desk's own: mail to it would come back in"],
            ),
            ("no address of the client is known", |w| w.client.ways.clear(), &["grace ✓ assigned", "Ada ✗ no way to them is known"]),
            (
                "a duel of robots that do not say so",
                |w| w.mails_so_far("ada@example.org", "ada@example.org", 20),
                &["grace ✓ assigned", "Ada ✗ loop cap: 20 mails within an hour from ada@example.org to ada@example.org"],
            ),
            (
                "a flood of tickets from one address",
                |w| w.mails_so_far("ada@example.org", "grace@desk.example", 20),
                &["grace ✗ loop cap: 20 mails within an hour from ada@example.org to grace@desk.example", "Ada ✓ acknowledgement"],
            ),
            (
                "almost a flood",
                |w| w.mails_so_far("ada@example.org", "grace@desk.example", 19),
                &["grace ✓ assigned", "Ada ✓ acknowledgement"],
            ),
        ],
    );
}

#[test]
fn of_a_message_those_hear_who_answer_for_the_ticket_and_the_client_only_of_an_answer() {
    check(
        EventKind::MessageAdded,
        &[
            ("the client wrote", |w| w.ticket.cc = vec![BOB], &["grace ✓ assigned", "bob ✓ in cc", "Ada ✗ own action"]),
            ("nobody is assigned", |w| w.ticket.assignees.clear(), &["bob ✓ member of department Support", "Ada ✗ own action"]),
            (
                "the assignee answered",
                |w| {
                    w.ticket.assignees = vec![SECOND_LINE];
                    w.answered_by_grace();
                },
                &["bob ✓ assigned through group second-line", "grace ✗ own action", "Ada ✓ an agent's answer"],
            ),
            (
                "an agent left a note",
                |w| {
                    w.answered_by_grace();
                    w.message().kind = MessageKind::Note;
                    w.ticket.cc = vec![BOB];
                },
                &["grace ✗ own action", "bob ✓ in cc", "Ada ✗ a note stays within the desk"],
            ),
            (
                "an answer was sent by a program",
                |w| {
                    w.answered_by_grace();
                    w.message().automatic = Some("Auto-Submitted: auto-replied".to_owned());
                },
                &["grace ✗ own action", "Ada ✗ automatic messages do not go to clients (Auto-Submitted: auto-replied)"],
            ),
            (
                "a bounce came in",
                |w| {
                    w.event.actor = Actor::System;
                    let message = w.message();
                    message.kind = MessageKind::Note;
                    message.sender_address = Some("mailer-daemon@example.org".to_owned());
                    message.automatic = Some("null return path".to_owned());
                },
                &["grace ✓ assigned", "Ada ✗ a note stays within the desk"],
            ),
            (
                "a robot at an agent's address wrote: who sent it is not told",
                |w| {
                    w.event.actor = Actor::System;
                    let message = w.message();
                    message.kind = MessageKind::Note;
                    message.sender_address = Some("grace@desk.example".to_owned());
                    message.automatic = Some("Auto-Submitted: auto-replied".to_owned());
                    w.ticket.cc = vec![BOB];
                },
                &["grace ✗ own action", "bob ✓ in cc", "Ada ✗ a note stays within the desk"],
            ),
        ],
    );
}

#[test]
fn an_answer_that_would_go_round_in_circles_does_not_go_out() {
    check(
        EventKind::MessageAdded,
        &[
            (
                "an answer too many",
                |w| {
                    w.answered_by_grace();
                    w.mails_so_far("grace@desk.example", "ada@example.org", 20);
                },
                &["grace ✗ own action", "Ada ✗ loop cap: 20 mails within an hour from grace@desk.example to ada@example.org"],
            ),
            (
                "the ticket's client is the desk itself",
                |w| {
                    w.answered_by_grace();
                    w.client.ways = vec![way(Method::Email, "help@desk.example")];
                },
                &["grace ✗ own action", "Ada ✗ the address is one of the desk's own: mail to it would come back in"],
            ),
        ],
    );
}

#[test]
fn of_an_assignment_hears_who_got_the_ticket() {
    check(
        EventKind::TicketAssigned,
        &[
            (
                "to a person",
                |w| {
                    w.by_operator();
                    w.event.assigned = vec![BOB];
                },
                &["bob ✓ assigned"],
            ),
            (
                "to a group, by one of its members",
                |w| {
                    w.by_operator();
                    w.event.actor = Actor::User(GRACE);
                    w.event.assigned = vec![SECOND_LINE];
                },
                &["bob ✓ assigned through group second-line", "grace ✗ own action"],
            ),
        ],
    );
}

#[test]
fn of_the_end_of_a_ticket_the_client_hears_and_who_is_in_cc() {
    check(
        EventKind::TicketClosed,
        &[
            (
                "an agent closed it",
                |w| {
                    w.by_operator();
                    w.event.actor = Actor::User(GRACE);
                    w.ticket.cc = vec![BOB, GRACE];
                },
                &["Ada ✓ client of the ticket", "bob ✓ in cc", "grace ✗ own action"],
            ),
            (
                "the client is a robot",
                |w| {
                    w.by_operator();
                    w.client.only_automatic = true;
                },
                &["Ada ✗ only automatic mail ever came from them"],
            ),
            ("the client closed it", |_| {}, &["Ada ✗ own action"]),
        ],
    );
}

#[test]
fn an_author_whose_files_alone_did_not_go_is_not_told_that_the_answer_failed() {
    for (is_partial, template) in [(false, "delivery.failed.agent"), (true, "delivery.partial.agent")] {
        let mut world = world(EventKind::DeliveryFailed);
        world.answered_by_grace();
        world.event.actor = Actor::System;
        world.is_partial = is_partial;
        let told: Vec<&str> = world.plan().tellings.iter().map(|telling| telling.template).collect();
        assert_eq!(told, [template]);
    }
}

#[test]
fn of_a_failed_answer_hears_who_wrote_it() {
    check(
        EventKind::DeliveryFailed,
        &[
            (
                "its author is there",
                |w| {
                    w.answered_by_grace();
                    w.event.actor = Actor::System;
                },
                &["grace ✓ wrote the answer"],
            ),
            (
                "its author has left",
                |w| {
                    w.written_by(GONE, "gone@desk.example");
                    w.event.actor = Actor::System;
                },
                &["gone ✗ archived", "grace ✓ assigned"],
            ),
            (
                "it has no author",
                |w| {
                    w.event.actor = Actor::System;
                    w.ticket.assignees.clear();
                },
                &["bob ✓ member of department Support"],
            ),
            ("what failed was a notification", |w| w.answer_failed = false, &[]),
            (
                "its author was told of enough failures for an hour",
                |w| {
                    w.answered_by_grace();
                    w.event.actor = Actor::System;
                    w.mails_so_far("grace@desk.example", "grace@desk.example", 20);
                },
                &["grace ✗ loop cap: 20 mails within an hour from grace@desk.example to grace@desk.example"],
            ),
        ],
    );
}

#[test]
fn an_answer_that_must_not_be_sent_counts_as_failed_and_nothing_else_does() {
    let mut capped = world(EventKind::MessageAdded);
    capped.answered_by_grace();
    capped.mails_so_far("grace@desk.example", "ada@example.org", 20);
    let plan = capped.plan();
    let refused: Vec<_> = plan.tellings.iter().filter(|telling| is_refused(telling)).collect();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].reason.starts_with("loop cap"), "{refused:?}");

    let mut robot = world(EventKind::TicketCreated);
    robot.mails_so_far("ada@example.org", "ada@example.org", 20);
    assert!(!robot.plan().tellings.iter().any(is_refused), "an acknowledgement is simply not sent");
}

#[test]
fn each_mail_that_is_planned_counts_for_the_next_event() {
    let mut world = world(EventKind::MessageAdded);
    world.directory.accounts.get_mut(&ACCOUNT).expect("an account").loop_cap = 2;
    let told: Vec<bool> = (0..4).map(|_| world.plan().decisions[0].told).collect();
    assert_eq!(told, [true, true, false, false]);
}

#[test]
fn a_ticket_that_nobody_can_be_told_of_is_noticed() {
    let mut world = world(EventKind::TicketCreated);
    world.ticket.assignees = vec![MUTE];
    world.ticket.department_id = None;
    world.directory.people.retain(|id, _| *id == MUTE);
    assert!(world.plan().unheard);
    assert!(!self::world(EventKind::TicketCreated).plan().unheard);
}
