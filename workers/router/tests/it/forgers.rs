//! What nobody can do who is not who they say, or takes no part.

use sqlx::PgPool;
use switchboard_common::domain::explanation::SenderFound;
use switchboard_common::domain::inbound::{Channel, Trust};

use crate::desk::{Desk, MIGRATIONS};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_forged_answer_is_not_said_to_be_the_agents(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    let forged = desk.take(desk.mail("bo@desk.example", "b1").to(&[&bo]).trust(Trust::Failed)).await;
    assert_eq!(forged.line(), "noted #1 waiting_for_agent note in");
    assert!(matches!(&forged.explanation.sender, SenderFound::Unknown { key } if key == "email:bo@desk.example"));
    let by_bo = desk.count("messages where author_user_id is not null").await;
    let told_as_bo = desk.count("outbox where payload #>> '{actor,kind}' = 'user'").await;
    assert_eq!((by_bo, told_as_bo), (0, 0), "whoever acts is told nothing of it, and it is Bo who has to hear of this");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_stranger_takes_no_thread_whose_ticket_is_over(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    let says = |who: &str, id: &str| desk.mail(who, id).by(Channel::Slack, account).thread("C1/1700.1");
    desk.change_desk("update channel_accounts set window_seconds = 0").await;
    desk.take(says("ada@example.org", "s1")).await;
    desk.close(1).await;
    assert_eq!(desk.take(says("eve@example.com", "s2").trust(Trust::Unverified)).await.number, 2);
    let back = desk.take(says("ada@example.org", "s3")).await;
    assert_eq!(back.line(), "joined #1 waiting_for_agent public in");
    desk.close(1).await;
    desk.change_desk("update channel_accounts set threading = 'proof'").await;
    assert_eq!(desk.take(says("eve@example.com", "s4")).await.number, 3);
    assert_eq!(
        desk.take(says("ada@example.org", "s5").trust(Trust::Unverified)).await.number,
        4,
        "nor does who only says that they are Ada"
    );
    assert_eq!(desk.take(says("ada@example.org", "s6")).await.number, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_forger_does_not_come_in_place_of_the_mail_that_is_waited_for(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await;
    let forged = desk.take(desk.mail("ada@example.org", "a1").other_content().trust(Trust::Failed)).await;
    assert_eq!(forged.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(desk.take(desk.mail("ada@example.org", "a1")).await.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"])).await.number, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_forger_has_nobody_of_the_desk_told_by_copying_them(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let copied = |id: &str| desk.mail("ada@example.org", id).to(&["support@desk.example", "dan@desk.example"]);
    desk.take(copied("a1").trust(Trust::Failed)).await;
    assert_eq!(desk.count("ticket_cc").await, 0);
    desk.take(copied("a2")).await;
    assert_eq!(desk.count("ticket_cc").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn who_is_of_the_desk_is_known_in_a_chat_by_the_address_that_it_authenticated(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    let says = |who: &str, id: &str| desk.mail(who, id).by(Channel::Slack, account).thread("C1/1700.1");
    desk.take(says("ada@example.org", "s1")).await;
    let mut dan = says("dan@desk.example", "s2");
    dan.0.from = None;
    dan.0.identities.insert(0, "slack:T024BE7LD/U024BE7LH".parse().expect("a key"));
    assert_eq!(desk.take(dan).await.line(), "noted #1 waiting_for_agent note in");
    let mut eve = says("dan@desk.example", "s3");
    eve.0.identities = vec!["email:eve@example.com".parse().expect("a key")];
    assert_eq!(desk.take(eve).await.line(), "joined #1 waiting_for_agent public in", "who wrote a chat is not who stands in From");
}
