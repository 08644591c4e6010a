//! Mails thread in their readers' mail programs, and answers lead back.

use mail_parser::Message;
use sqlx::PgPool;
use switchboard_common::db::signing_keys;
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::event::{Actor, EventKind};

use crate::desk::{ADA, DESK, Desk, GRACE, Said, to};

fn id(mail: &Message<'_>) -> String {
    mail.message_id().expect("a Message-ID").to_owned()
}

fn parent(mail: &Message<'_>) -> Option<String> {
    mail.in_reply_to().as_text().map(str::to_owned)
}

fn references(mail: &Message<'_>) -> Vec<String> {
    mail.references().as_text_list().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_conversation_is_one_thread_for_the_client_and_one_for_the_agent(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let mut sent = Vec::new();
    let opened = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[opened]).await;
    sent.extend(desk.delivered().await);
    desk.later(60);
    let answered = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Take water.")).await;
    desk.plan(&[answered]).await;
    sent.extend(desk.delivered().await);
    desk.later(60);
    let again = desk.say(&mut ticket, desk.by_ada("a2@example.org", "It still burns.")).await;
    let last = desk.say(&mut ticket, desk.by_grace("g2@desk.example", "More water.")).await;
    desk.plan(&[again, last]).await;
    sent.extend(desk.delivered().await);

    let to_ada = to(&sent, ADA);
    let [ack, first, second] = to_ada.as_slice() else { panic!("an acknowledgement and two answers") };
    assert_eq!((parent(ack).as_deref(), references(ack)), (Some("a1@example.org"), vec!["a1@example.org".to_owned()]));
    assert_eq!(parent(first).as_deref(), Some("a1@example.org"));
    assert_eq!(references(first), ["a1@example.org".to_owned(), id(ack)]);
    assert_eq!(parent(second).as_deref(), Some("a2@example.org"), "it answers the later mail");
    assert_eq!(references(second), ["a1@example.org".to_owned(), id(ack), id(first), "a2@example.org".to_owned()]);
    assert!(to_ada.iter().all(|mail| mail.subject() == Some("Re: The printer is on fire [#1001]")));

    let to_grace = to(&sent, GRACE);
    let [new, more] = to_grace.as_slice() else { panic!("the ticket and one more mail") };
    assert_eq!((parent(new), references(new)), (None, Vec::new()));
    assert_eq!((parent(more), references(more)), (Some(id(new)), vec![id(new)]));
    assert!(to_grace.iter().all(|mail| mail.subject() == Some("[#1001] The printer is on fire")));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn every_reader_answers_to_an_address_of_their_own_and_bounces_come_there_too(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let opened = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    let answered = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Take water.")).await;
    desk.plan(&[opened, answered]).await;
    let sent = desk.delivered().await;
    let keys = signing_keys::load(&mut *desk.connection().await, desk.tenant).await.expect("keys");
    let mut addresses = std::collections::HashMap::new();
    for mail in &sent {
        let parsed = mail_parser::MessageParser::new().parse(&mail.bytes).expect("a mail");
        let reply_to = parsed.reply_to().and_then(|list| list.first()?.address()).expect("Reply-To").to_owned();
        assert_eq!(reply_to, mail.from, "bounces go where answers go");
        let row = keys.row(&EmailAddress::parse(&reply_to).expect("an address")).expect("we signed it");
        assert_eq!(*addresses.entry(mail.to.clone()).or_insert(row), row, "one address a reader");
        let sender = parsed.from().and_then(|list| list.first()).expect("From");
        assert_eq!(sender.address(), Some(DESK));
    }
    assert_ne!(addresses[ADA], addresses[GRACE]);
    let answer = to(&sent, ADA).remove(1);
    assert_eq!(answer.from().and_then(|list| list.first()?.name()), Some("Grace Hopper (Example Desk)"));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn only_what_a_program_says_is_marked_as_automatic(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let opened = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    let answered = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Take water.")).await;
    desk.step(&mut ticket, Actor::System).await;
    let closed = desk.event(&ticket, EventKind::TicketClosed, Actor::System, None).await;
    desk.plan(&[opened, answered, closed]).await;
    let sent = desk.delivered().await;
    let marks = |address| -> Vec<Option<String>> {
        to(&sent, address).iter().map(|mail| mail.header_raw("Auto-Submitted").map(|value| value.trim().to_owned())).collect()
    };
    assert_eq!(marks(ADA), [Some("auto-replied".to_owned()), None, Some("auto-generated".to_owned())]);
    assert_eq!(marks(GRACE), [Some("auto-generated".to_owned())]);
    let suppressed = to(&sent, ADA).iter().filter(|mail| mail.header_raw("X-Auto-Response-Suppress").is_some()).count();
    assert_eq!(suppressed, 2);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_note_reaches_the_desk_and_never_the_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace, desk.bob]).await;
    let opened = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[opened]).await;
    desk.delivered().await;
    let note = Said { kind: MessageKind::Note, ..desk.by_grace("g1@desk.example", "She says that often.") };
    let noted = desk.say(&mut ticket, note).await;
    desk.plan(&[noted]).await;
    let sent = desk.delivered().await;
    assert_eq!(sent.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["bob@desk.example"]);
    assert!(String::from_utf8_lossy(&sent[0].bytes).contains("internal note"));
}
