//! What an operator does to a ticket by hand.

use sqlx::PgPool;
use switchboard_router::command::{Done, assign_ticket, close_ticket};

use crate::desk::{Desk, MIGRATIONS, at};

async fn last_event(desk: &Desk) -> serde_json::Value {
    sqlx::query_scalar("select payload from outbox order by version desc, created_at desc limit 1")
        .fetch_one(&desk.pool)
        .await
        .expect("an event")
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn closing_is_a_version_and_an_event_and_closing_again_is_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let done = close_ticket(&desk.pool, &desk.ambient, desk.tenant, 1, Some("bo")).await.expect("closed");
    assert_eq!(done, Done::Changed(2));
    let event = last_event(&desk).await;
    assert_eq!(
        (event["kind"].as_str(), event["version"].as_i64(), event["actor"]["kind"].as_str()),
        (Some("ticket.closed"), Some(2), Some("user"))
    );
    let closed_at: Option<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select closed_at from tickets").fetch_one(&desk.pool).await.expect("a ticket");
    assert_eq!(closed_at, Some(at("2026-03-02T09:00:00Z")));
    let again = close_ticket(&desk.pool, &desk.ambient, desk.tenant, 1, None).await.expect("nothing to do");
    assert_eq!((again, desk.count("outbox").await), (Done::Nothing, 2));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn assigning_replaces_the_assignee_and_says_whom(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ticket = desk.take(desk.mail("ada@example.org", "a1")).await.ticket_id;
    assign_ticket(&desk.pool, &desk.ambient, desk.tenant, 1, "dan", None).await.expect("assigned");
    let assignees: Vec<String> = sqlx::query_scalar(
        "select u.handle from ticket_assignments a join users u on u.tenant_id = a.tenant_id and u.id = a.user_id where a.ticket_id = $1",
    )
    .bind(ticket.0)
    .fetch_all(&desk.pool)
    .await
    .expect("assignees");
    assert_eq!(assignees, ["dan"]);
    let event = last_event(&desk).await;
    assert_eq!((event["kind"].as_str(), event["assigned"].as_array().map(Vec::len)), (Some("ticket.assigned"), Some(1)));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_command_that_cannot_be_done_names_what_is_missing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let error = close_ticket(&desk.pool, &desk.ambient, desk.tenant, 9, None).await.expect_err("no such ticket");
    assert_eq!(error.to_string(), "there is no ticket #9");
    let error = assign_ticket(&desk.pool, &desk.ambient, desk.tenant, 1, "zed", None).await.expect_err("no such user");
    assert_eq!(error.to_string(), "there is no user or group with the handle zed; there are: 2nd-line, bo, cleo, dan");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_ticket_that_is_opened_again_was_never_closed_as_far_as_it_shows(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.close(1).await;
    assert_eq!(desk.snapshot(1).await["closed_at"], "2026-03-02T09:00:00Z");
    assert_eq!(desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(desk.snapshot(1).await["closed_at"], serde_json::Value::Null);
    assert_eq!(desk.count("tickets where closed_at is null").await, 1);
}
