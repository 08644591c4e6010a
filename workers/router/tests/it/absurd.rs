//! Messages that no person would write: each is routed, or refused alone and with a reason.

use sqlx::PgPool;
use switchboard_common::broker::Failure;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::inbound::Channel;

use crate::desk::{Desk, MIGRATIONS, at};

/// Text that no compression makes short.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap_or_default())
    };
    (0..length).map(|_| next()).collect()
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_is_long_is_taken(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut first = desk.mail("ada@example.org", "a1");
    first.0.recipients.extend((0..1000).map(|n| EmailAddress::parse(&format!("r{n}+{}@example.net", noise(30))).expect("an address")));
    first.0.references = (0..1000).map(|n| format!("r{n}@example.org")).collect();
    first.0.subject = (1..=200).map(|n| format!("[#{n}]")).collect::<Vec<_>>().concat();
    first.0.from.as_mut().expect("a sender").name = Some(noise(10_000));
    let mut second = desk.mail("ada@example.org", "a2").subject("").refers_to(&["a1"]);
    second.0.sent_at = Some(at("9999-12-31T23:59:59Z"));
    second.0.subject = "re: ".repeat(10_000);
    desk.route(&[first, second]).await.expect("taken");
    assert_eq!(desk.ended("a1#1").await.number, 1);
    assert_eq!(desk.ended("a2#1").await.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(desk.count("message_ids").await, 23, "its own and those of 21 references, and the second's");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_the_database_cannot_hold_is_refused_with_its_reason(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    let chat = |id: &str| desk.mail("ada@example.org", id).by(Channel::Slack, account);
    let mut late = desk.mail("ada@example.org", "t1");
    late.0.sent_at = Some(chrono::DateTime::<chrono::Utc>::MIN_UTC);
    let mut nothing = desk.mail("ada@example.org", "z1");
    nothing.0.text = "a\0b".to_owned();
    for (message, reason) in [
        (chat("s1").thread(&noise(10_000)), "index row"),
        (desk.mail("ada@example.org", &noise(10_000)), "index row"),
        (chat("s2").thread("a\0b"), "0x00"),
        (nothing, "Unicode escape"),
        (late, "out of range"),
    ] {
        match desk.route(std::slice::from_ref(&message)).await {
            Err(Failure::Reject(why)) => assert!(why.contains(reason), "{why}"),
            other => panic!("{reason}: {other:?}"),
        }
    }
    assert_eq!(desk.count("inbound_messages").await + desk.count("tickets").await + desk.count("client_external_ids").await, 0);
    assert_eq!(desk.take(desk.mail("ada@example.org", "a1")).await.number, 1, "and nothing of it is left");
}
