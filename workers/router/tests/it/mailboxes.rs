//! One mail to several of our accounts, copies that differ, and answers that come before what they answer.

use sqlx::PgPool;

use crate::desk::{Desk, MIGRATIONS, SUPPORT};

async fn copies(desk: &Desk) -> Vec<(String, i32)> {
    sqlx::query_as(
        "select a.name, i.duplicates from inbound_copies c
         join inbound_messages i on i.tenant_id = c.tenant_id and i.id = c.inbound_id
         join channel_accounts a on a.tenant_id = c.tenant_id and a.id = c.account_id",
    )
    .fetch_all(&desk.pool)
    .await
    .expect("copies")
}

async fn cc(desk: &Desk) -> Vec<String> {
    sqlx::query_scalar("select u.handle from ticket_cc c join users u on u.tenant_id = c.tenant_id and u.id = c.user_id order by 1")
        .fetch_all(&desk.pool)
        .await
        .expect("cc")
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn one_mail_to_two_accounts_is_one_message_and_the_other_accounts_people_are_told(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let sales = desk.sales_account().await;
    let mail = || desk.mail("ada@example.org", "a1").to(&[SUPPORT, "sales@desk.example"]);
    let opened = desk.take(mail()).await;
    assert_eq!(opened.line(), "opened #1 waiting_for_agent public in");
    assert_eq!(cc(&desk).await, ["dan"]);
    desk.route(&[mail().account(sales)]).await.expect("routed");
    desk.route(&[mail().account(sales), mail()]).await.expect("routed");
    assert_eq!((desk.count("tickets").await, desk.count("messages").await), (1, 1));
    assert_eq!(copies(&desk).await, [("sales".to_owned(), 3)], "the other account once, and every time counted");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn both_copies_in_one_batch_and_on_two_routers_are_one_message(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let sales = desk.sales_account().await;
    let mail = |id: &str| desk.mail("ada@example.org", id).to(&[SUPPORT, "sales@desk.example"]);
    desk.route(&[mail("a1"), mail("a1").account(sales)]).await.expect("routed");
    assert_eq!((desk.count("tickets").await, copies(&desk).await), (1, vec![("sales".to_owned(), 1)]));
    for round in 0..5 {
        let id = format!("b{round}");
        let (here, there) = ([mail(&id)], [mail(&id).account(sales)]);
        let (one, other) = tokio::join!(desk.route(&here), desk.route(&there));
        one.expect("routed");
        other.expect("routed");
    }
    assert_eq!((desk.count("tickets").await, desk.count("messages").await, desk.count("inbound_copies").await), (6, 6, 6));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whoever_is_assigned_already_is_not_copied_by_another_account(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.sales_account().await;
    let quote = desk.take(desk.mail("ada@example.org", "a1").subject("A quote").to(&[SUPPORT, "sales@desk.example"])).await;
    assert_eq!(quote.explanation.routing.expect("it was routed").assignee.as_deref(), Some("dan"));
    assert!(cc(&desk).await.is_empty());
    desk.take(desk.mail("ada@example.org", "a2")).await;
    let joined = desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a2"]).to(&["sales@desk.example", SUPPORT])).await;
    assert_eq!((joined.number, cc(&desk).await), (2, vec!["dan".to_owned()]), "an answer that names it brings them in too");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_copy_that_a_mailing_list_changed_ends_in_the_ticket_of_its_original(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let copy = desk.take(desk.mail("ada@example.org", "a1").other_content()).await;
    assert_eq!(copy.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(copy.looked("same Message-ID"), "another message bears it, on ticket #1");
    assert_eq!(copy.explanation.flags, ["same Message-ID as an earlier mail, other content"]);
    desk.change_desk("update channel_accounts set threading = 'proof'").await;
    let mut unproven = desk.mail("ada@example.org", "a1");
    unproven.0.external_id = "a1#3".to_owned();
    assert_eq!(desk.take(unproven).await.number, 2, "which proves nothing where proof is asked for");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_parent_that_several_tickets_wait_for_ends_in_its_own_writers(pool: PgPool) {
    let desk = Desk::new(pool).await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a2").refers_to(&["p1"])).await.number, 1);
    assert_eq!(desk.take(desk.mail("eve@example.com", "e2").refers_to(&["p1"])).await.number, 2);
    assert_eq!(desk.count("awaiting_tickets").await, 1);
    let parent = desk.take(desk.mail("eve@example.com", "p1")).await;
    assert_eq!(parent.line(), "joined #2 waiting_for_agent public in");
    assert_eq!(parent.looked("awaited"), "an earlier message of ticket #1 referred to it | an earlier message of ticket #2 referred to it");
    assert_eq!(parent.explanation.considered[0].why, "eve@example.com takes no part in the ticket");
    assert_eq!(desk.count("awaiting_tickets").await, 0);
    assert_eq!(desk.take(desk.mail("eve@example.com", "e3").refers_to(&["p1"])).await.number, 2, "and it belongs there from then on");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_parent_and_all_that_wait_for_it_may_come_in_one_batch(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.route(&[
        desk.mail("ada@example.org", "a2").refers_to(&["p1"]),
        desk.mail("eve@example.com", "e2").refers_to(&["p1"]),
        desk.mail("eve@example.com", "p1"),
    ])
    .await
    .expect("routed");
    assert_eq!(desk.ended("p1#1").await.number, 2);
    assert_eq!((desk.count("tickets").await, desk.count("awaiting_tickets").await), (2, 0));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_address_of_a_disabled_account_is_the_desks_no_longer(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.sales_account().await;
    desk.change_desk("update channel_accounts set disabled_at = now() where name = 'sales'").await;
    desk.take(desk.mail("ada@example.org", "a1").to(&[SUPPORT, "sales@desk.example"])).await;
    assert_eq!(cc(&desk).await, Vec::<String>::new(), "nobody looks after it");
    desk.take(desk.mail("sales@desk.example", "s1")).await;
    let automatic: Vec<Option<String>> = sqlx::query_scalar("select automatic from messages").fetch_all(&desk.pool).await.expect("two");
    assert_eq!(automatic, [None, None], "whoever has the address now is a client like any other");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whoever_is_assigned_already_is_not_copied_by_the_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update categories set assignee_id = (select id from users where handle = 'bo')").await;
    desk.take(desk.mail("ada@example.org", "a1").to(&[SUPPORT, "bo@desk.example", "cleo@desk.example"])).await;
    assert_eq!(cc(&desk).await, ["cleo"]);
}
