//! Which way an answer takes to the client.

use chrono::TimeDelta;
use serde_json::json;
use switchboard_common::db::plans::ClientWay;
use switchboard_common::domain::event::EventKind;
use switchboard_common::domain::method::Method;

use super::world::{ACCOUNT, SMS, URGENT, WHATSAPP, WORKSPACE, World, at, file, way, world};
use super::{How, detailed};

type Change = fn(&mut World);

/// What becomes of Ada, who is the last in question.
fn of_ada(w: &mut World) -> String {
    detailed(&w.plan()).into_iter().find(|line| line.starts_with("Ada")).unwrap_or_default()
}

/// Grace answered, and Ada is known by these, the latest first.
fn answered(ways: Vec<ClientWay>) -> World {
    let mut world = world(EventKind::MessageAdded);
    world.answered_by_grace();
    world.client.ways = ways;
    world
}

fn slack() -> ClientWay {
    ClientWay { account_id: Some(WORKSPACE), thread_key: Some("C1/1700000000.000100".to_owned()), ..way(Method::Slack, "T1/UADA") }
}

#[test]
fn an_answer_goes_where_the_client_last_wrote_or_on_the_next_way_that_can_be_used() {
    let mail = || way(Method::Email, "ada@example.org");
    let sms = || way(Method::Sms, "+15550190");
    let whatsapp = || ClientWay { account_id: Some(WHATSAPP), ..way(Method::Whatsapp, "15550190") };
    let cases: Vec<(&str, Vec<ClientWay>, Change, &str)> = vec![
        ("Slack, in its thread", vec![slack(), mail()], |_| {}, "Ada ✓ an agent's answer → slack:T1/UADA"),
        ("by short message", vec![sms(), mail()], |_| {}, "Ada ✓ an agent's answer → sms:+15550190"),
        (
            "the account of the last channel does not send",
            vec![slack(), mail()],
            |w| w.directory.accounts.get_mut(&WORKSPACE).expect("an account").sends = false,
            "Ada ✓ an agent's answer → email:ada@example.org",
        ),
        (
            "they said STOP",
            vec![sms(), mail()],
            |w| w.suppressed.all.extend([(Method::Sms, "+15550190".to_owned())]),
            "Ada ✓ an agent's answer → email:ada@example.org",
        ),
        (
            "an unsubscription does not keep answers away",
            vec![mail()],
            |w| w.suppressed.optional.extend([(Method::Email, "ada@example.org".to_owned())]),
            "Ada ✓ an agent's answer → email:ada@example.org",
        ),
        (
            "WhatsApp within a day",
            vec![whatsapp(), mail()],
            |w| w.later(TimeDelta::minutes(24 * 60 - 2)),
            "Ada ✓ an agent's answer → whatsapp:15550190",
        ),
        (
            "WhatsApp after a day, without a template",
            vec![whatsapp(), mail()],
            |w| w.later(TimeDelta::minutes(24 * 60 - 1)),
            "Ada ✓ an agent's answer → email:ada@example.org",
        ),
        (
            "WhatsApp after a day, with one",
            vec![whatsapp(), mail()],
            |w| {
                w.later(TimeDelta::hours(24));
                w.directory.accounts.get_mut(&WHATSAPP).expect("an account").has_template = true;
            },
            "Ada ✓ an agent's answer → whatsapp:15550190",
        ),
        (
            "the client chose mail",
            vec![slack(), sms(), mail()],
            |w| w.ada_chose(&json!({"channels": ["email"]})),
            "Ada ✓ an agent's answer → email:ada@example.org [own]",
        ),
        (
            "the client chose what cannot be used",
            vec![slack(), mail()],
            |w| w.ada_chose(&json!({"channels": ["whatsapp"]})),
            "Ada ✓ an agent's answer → slack:T1/UADA",
        ),
        (
            "nothing can be used",
            vec![slack(), sms()],
            |w| w.directory.accounts.retain(|id, _| *id == ACCOUNT),
            "Ada ✗ no account of the desk sends to them by slack; no account of the desk sends to them by sms",
        ),
    ];
    for (name, ways, change, expected) in cases {
        let mut world = answered(ways);
        change(&mut world);
        assert_eq!(of_ada(&mut world), expected, "{name}");
    }
}

#[test]
fn an_answer_knows_its_thread_its_account_and_what_else_is_left() {
    let mut world = answered(vec![slack(), way(Method::Sms, "+15550190"), way(Method::Email, "ada@example.org")]);
    let telling = world.plan().tellings.pop().expect("an answer");
    let How::Send { ways, wait: None, urgent: false } = telling.how else { panic!("{:?}", telling.how) };
    assert_eq!((ways.len(), ways[0].account_id, ways[0].thread_key.as_deref()), (1, WORKSPACE, Some("C1/1700000000.000100")));
    let left: Vec<_> = telling.alternatives.iter().map(|way| (way.method, way.account_id)).collect();
    assert_eq!(left, [(Method::Sms, SMS), (Method::Email, ACCOUNT)]);
}

#[test]
fn files_that_a_channel_does_not_take_go_by_mail_as_well_or_the_author_hears_of_it() {
    let photo = || file("photo.png", "image/png", 1000);
    let program = || file("setup.exe", "application/octet-stream", 1000);
    let whatsapp = ClientWay { account_id: Some(WHATSAPP), ..way(Method::Whatsapp, "15550190") };
    let (sms, mail) = (way(Method::Sms, "+15550190"), way(Method::Email, "ada@example.org"));
    for (name, ways, files, expected) in [
        ("Slack takes any", vec![slack(), mail.clone()], vec![program()], "Ada ✓ an agent's answer → slack:T1/UADA"),
        (
            "a short message takes none",
            vec![sms.clone(), mail.clone()],
            vec![photo()],
            "Ada ✓ an agent's answer → sms:+15550190, email:ada@example.org",
        ),
        ("WhatsApp takes pictures", vec![whatsapp.clone(), mail.clone()], vec![photo()], "Ada ✓ an agent's answer → whatsapp:15550190"),
        (
            "WhatsApp takes no programs",
            vec![whatsapp, mail],
            vec![photo(), program()],
            "Ada ✓ an agent's answer → whatsapp:15550190, email:ada@example.org",
        ),
        (
            "no mail reaches them",
            vec![sms],
            vec![photo(), program()],
            "Ada ✓ an agent's answer; photo.png, setup.exe did not go: sms does not take it, and no mail reaches them → sms:+15550190",
        ),
    ] {
        let mut world = answered(ways);
        world.message().files = files;
        assert_eq!(of_ada(&mut world), expected, "{name}");
        let plan = world.plan();
        let refused = plan.tellings.iter().any(super::is_refused);
        assert_eq!(refused, name == "no mail reaches them", "{name}: its author hears of it");
    }
}

#[test]
fn a_clients_quiet_hours_put_an_answer_off_and_collect_nothing() {
    let mut world = answered(vec![way(Method::Email, "ada@example.org")]);
    world
        .ada_chose(&json!({"timezone": "America/Sao_Paulo", "quiet_hours": {"from": "19:00", "to": "08:00", "except_priority": "urgent"}}));
    world.now = at("2026-03-05T02:00:00Z");
    let expected = "Ada ✓ an agent's answer → email:ada@example.org until 03-05 11:00, by itself: the client's quiet hours (own)";
    assert_eq!(of_ada(&mut world), expected);
    world.ticket.priority_id = URGENT;
    assert_eq!(of_ada(&mut world), "Ada ✓ an agent's answer → email:ada@example.org");
}

#[test]
fn a_client_may_want_no_acknowledgement_and_no_goodbye_and_is_answered_all_the_same() {
    let says = json!({"events": {"ticket.created": [], "ticket.closed": []}});
    for (kind, expected) in [
        (EventKind::TicketCreated, "Ada ✗ told nothing of ticket.created [own]"),
        (EventKind::TicketClosed, "Ada ✗ told nothing of ticket.closed [own]"),
        (EventKind::MessageAdded, "Ada ✓ an agent's answer → email:ada@example.org"),
    ] {
        let mut world = world(kind);
        world.answered_by_grace();
        if kind == EventKind::TicketCreated {
            world = super::world(kind);
        }
        world.ada_chose(&says);
        assert_eq!(of_ada(&mut world), expected, "{}", kind.as_str());
    }
}

#[test]
fn a_ticket_that_came_by_a_chat_is_acknowledged_there_and_not_by_mail() {
    let mut chat = world(EventKind::TicketCreated);
    chat.ticket.account_id = WORKSPACE;
    chat.client.ways = vec![slack(), way(Method::Email, "ada@example.org")];
    assert_eq!(of_ada(&mut chat), "Ada ✓ acknowledgement → slack:T1/UADA");
    chat.directory.accounts.get_mut(&WORKSPACE).expect("an account").sends = false;
    assert_eq!(of_ada(&mut chat), "Ada ✗ no way to them is known on the channel that the ticket came by");
    chat.directory.accounts.get_mut(&WORKSPACE).expect("an account").acknowledge = false;
    assert_eq!(of_ada(&mut chat), "Ada ✗ the account does not acknowledge");
}
