//! A database from before the router's policies, rules and clients go on with its tickets.

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::signing_keys;
use switchboard_common::db::view;
use switchboard_common::ids::{AccountId, TenantId};

use crate::desk::{Desk, MIGRATIONS};

/// The last step before.
const BEFORE: i64 = 10;

async fn step(pool: &PgPool, wanted: impl Fn(i64) -> bool) {
    for migration in MIGRATIONS.iter().filter(|migration| wanted(migration.version)) {
        sqlx::raw_sql(migration.sql.clone()).execute(pool).await.unwrap_or_else(|error| panic!("{}: {error}", migration.version));
    }
}

#[sqlx::test(migrations = false)]
async fn what_was_there_before_goes_on_and_is_still_explained(pool: PgPool) {
    step(&pool, |version| version <= BEFORE).await;
    let ambient = Ambient::manual("2026-03-02T09:00:00Z".parse().expect("a time"), 1);
    let tenant: TenantId = ambient.new_id();
    let script = include_str!("before_0011.sql").replace(":tenant", &format!("'{tenant}'"));
    sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(&pool).await.expect("the old desk");
    step(&pool, |version| version > BEFORE).await;
    let mut connection = pool.acquire().await.expect("a connection");
    signing_keys::ensure(&mut connection, tenant, &ambient).await.expect("a key");
    let account = sqlx::query_scalar("select id from channel_accounts").fetch_one(&pool).await.expect("an account");
    let desk = Desk::with(pool.clone(), ambient, tenant, AccountId(account));

    let (tenant, id) = view::find_messages(&mut connection, "a1").await.expect("an answer")[0];
    let old = view::explain(&mut connection, tenant, id).await.expect("it is still read");
    let explanation = old.explanation.expect("one").0;
    assert_eq!(explanation.decision, "Opened ticket #1: nothing in it points at a ticket.");
    let mut routing = explanation.routing.expect("it was routed");
    routing.show_seen();
    assert_eq!(routing.rules[0].conditions[0].seen.as_deref(), Some("The printer is on fire"));

    let joined = desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"])).await;
    assert_eq!((joined.line().as_str(), joined.position), ("joined #1 waiting_for_agent public in", 2));
    let reopened = desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a2"])).await;
    assert_eq!(reopened.line(), "joined #2 waiting_for_agent public in");
    assert!(!reopened.explanation.threading.policies.iter().any(|said| said.contains("goes on in")), "a link of before is no follow-up");
    let quoted = desk.take(desk.mail("eve@example.com", "e1").subject("An offer, please")).await;
    let routing = quoted.explanation.routing.expect("it was routed");
    assert_eq!((quoted.number, routing.category.as_deref(), routing.category_why.as_str()), (3, Some("Quote"), "rule \"quotes\" matched"));
    assert_eq!(routing.rules[0].conditions.iter().map(|tried| &*tried.field).collect::<Vec<_>>(), ["account", "recipient", "subject"]);

    // An old ticket is the client's open one on the channel that they wrote by.
    desk.change_desk("update channel_accounts set window_seconds = 31536000").await;
    let within = desk.take(desk.mail("ada@example.org", "a5").subject("And it smells")).await;
    assert_eq!(within.number, 2, "the one last written to");
}
