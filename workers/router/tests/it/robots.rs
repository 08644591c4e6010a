//! Mail that a program sent, and our own that came back.

use sqlx::PgPool;

use crate::desk::{Desk, MIGRATIONS, SUPPORT};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_vacation_notice_is_on_the_ticket_and_moves_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    desk.take(desk.mail("bo@desk.example", "b1").to(&[&bo])).await;
    let address = desk.client_address(opened.ticket_id).await;
    let notice = desk.take(desk.mail("ada@example.org", "a2").to(&[&address]).automatic("Auto-Submitted: auto-replied")).await;
    assert_eq!(notice.line(), "joined #1 waiting_for_user public in");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_bounce_of_our_mail_is_a_note_on_its_ticket_and_makes_no_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.we_sent(opened.ticket_id, "ours1@desk.example").await;
    let bounce = desk.mail("mailer-daemon@mx.example.org", "m1").refers_to(&["ours1@desk.example"]).automatic("null return path");
    let bounce = desk.take(bounce).await;
    assert_eq!(bounce.line(), "noted #1 waiting_for_agent note in");
    assert_eq!(bounce.notice.as_deref(), Some("A program answered our mail (null return path)."));
    assert_eq!(desk.count("clients").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn our_own_mail_that_comes_back_is_recorded_and_tells_nobody(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(opened.events, 1);
    desk.we_sent(opened.ticket_id, "ours1@desk.example").await;
    let back = desk.take(desk.mail(SUPPORT, "ours1@desk.example")).await;
    assert_eq!(back.line(), "noted #1 waiting_for_agent note in");
    assert_eq!(back.events, 0);
    assert_eq!(back.looked("same Message-ID"), "a mail of ours bears it");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_mail_that_claims_to_come_from_the_desk_counts_as_a_program_and_is_not_hidden(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let forged = desk.take(desk.mail(SUPPORT, "f1")).await;
    assert_eq!((forged.line().as_str(), forged.events), ("opened #1 waiting_for_agent public in", 1));
    let automatic: Option<String> = sqlx::query_scalar("select automatic from messages").fetch_one(&desk.pool).await.expect("a message");
    assert_eq!(automatic.as_deref(), Some("sent from the desk's own address"));
}
