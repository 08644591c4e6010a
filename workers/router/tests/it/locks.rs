//! The lock order: whatever two routers hold and want, they take it in one order, so that one waits
//! for the other and never both (design, 3.7).

use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use switchboard_common::db::clients::{self, ExternalIdRow, Lookup};
use switchboard_common::db::{self, inbound, message_ids, tags, threads, tickets, turns};
use switchboard_common::domain::inbound::Channel;
use switchboard_common::ids::{ClientId, InboundId, TenantId, TicketId, UserId};

use crate::desk::{Desk, MIGRATIONS, Mail};
use crate::routers::until;

/// Somebody who asks for three things, the last first, while the middle one is taken: they wait with
/// the first in hand and without the last.
async fn assert_taken_in_order(desk: &Desk, what: &str, take: impl AsyncFn(&mut PgConnection, &[usize]) -> sqlx::Result<()>) {
    let mut somebody = desk.pool.begin().await.expect("a transaction");
    take(&mut somebody, &[1]).await.expect("nobody has it");
    assert_others_taken_in_order(desk, what, somebody, take).await;
}

/// The same when somebody took the middle one in another way.
async fn assert_others_taken_in_order(
    desk: &Desk,
    what: &str,
    somebody: Transaction<'_, Postgres>,
    take: impl AsyncFn(&mut PgConnection, &[usize]) -> sqlx::Result<()>,
) {
    let mut asking = desk.pool.begin().await.expect("a transaction");
    let asks = async { take(&mut asking, &[2, 1, 0]).await.expect("it is given in the end") };
    let looks = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        until(desk, "somebody waits", waits).await;
        assert!(!is_free(&desk.pool, &take, 0).await, "{what}: whoever waits for the second has the first");
        assert!(is_free(&desk.pool, &take, 2).await, "{what}: whoever waits for the second has not got the third");
        somebody.rollback().await.expect("given up");
    };
    tokio::join!(asks, looks);
}

async fn is_free(pool: &PgPool, take: &impl AsyncFn(&mut PgConnection, &[usize]) -> sqlx::Result<()>, which: usize) -> bool {
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::query("set local lock_timeout = '50ms'").execute(&mut *transaction).await.expect("set");
    match take(&mut transaction, &[which]).await {
        Ok(()) => true,
        Err(error) => {
            assert!(db::is_conflict(&error), "{error}");
            false
        }
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn clients_are_taken_in_one_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let claim = async |connection: &mut PgConnection, addresses: Vec<&str>| {
        let row = |address: &&str| ExternalIdRow {
            tenant_id: desk.tenant,
            id: desk.ambient.new_id(),
            client_id: desk.ambient.new_id(),
            key: format!("email:{address}").parse().expect("a key"),
            source: "email",
            evidence: String::new(),
            authenticated: false,
        };
        let rows: Vec<ExternalIdRow> = addresses.iter().map(row).collect();
        clients::claim(connection, &rows).await?;
        let lookup = |row: ExternalIdRow| Lookup { tenant_id: row.tenant_id, key: row.key, on_record: true };
        clients::find(connection, &rows.into_iter().map(lookup).collect::<Vec<_>>()).await.map(drop)
    };
    assert_taken_in_order(&desk, "new", async |connection, which| {
        claim(connection, which.iter().map(|n| ["ada@example.org", "bea@example.org", "cy@example.org"][*n]).collect()).await
    })
    .await;
    // The order is that of the clients, of whom one may have several addresses.
    desk.route(&["z", "y", "x"].map(|name| desk.mail(&format!("{name}@example.org"), name))).await.expect("routed");
    let mut known: Vec<(ClientId, String)> =
        sqlx::query_as("select client_id, value from client_external_ids").fetch_all(&desk.pool).await.expect("the clients");
    known.sort();
    assert_taken_in_order(&desk, "known", async |connection, which| {
        claim(connection, which.iter().map(|n| known[*n].1.as_str()).collect()).await
    })
    .await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn message_ids_are_taken_in_one_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let take = async |connection: &mut PgConnection, which: &[usize]| {
        let ids = which.iter().map(|n| (desk.tenant, ["a", "b", "c"][*n].to_owned())).collect();
        message_ids::claim(connection, ids).await.map(drop)
    };
    assert_taken_in_order(&desk, "new", take).await;
    desk.route(&["c", "a", "b"].map(|id| desk.mail("ada@example.org", id))).await.expect("routed");
    assert_taken_in_order(&desk, "known", take).await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn threads_are_taken_in_one_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    let take = async |connection: &mut PgConnection, which: &[usize]| {
        let keys = which.iter().map(|n| (desk.tenant, account, ["a", "b", "c"][*n].to_owned())).collect();
        threads::claim(connection, keys).await.map(drop)
    };
    assert_taken_in_order(&desk, "new", take).await;
    desk.route(&["c", "a", "b"].map(|key| desk.mail("ada@example.org", key).by(Channel::Slack, account).thread(key)))
        .await
        .expect("routed");
    assert_taken_in_order(&desk, "known", take).await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_keys_of_the_log_are_taken_in_one_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mails: Vec<Mail> = ["a", "b", "c"].iter().map(|id| desk.mail("ada@example.org", id)).collect();
    let logged = |which: &[usize]| -> Vec<_> { which.iter().map(|n| (desk.ambient.new_id::<InboundId>(), &mails[*n].0)).collect() };
    assert_taken_in_order(&desk, "new", async |connection, which| inbound::record(connection, &logged(which), &[]).await.map(drop)).await;
    desk.route(&mails).await.expect("routed");
    // Whoever counted a double would be waited for before anything is taken, which is no harm.
    let mut somebody = desk.pool.begin().await.expect("a transaction");
    sqlx::query("select from inbound_messages where external_id = 'b#1' for update").execute(&mut *somebody).await.expect("locked");
    let count = async |connection: &mut PgConnection, which: &[usize]| inbound::count_again(connection, &logged(which)).await.map(drop);
    assert_others_taken_in_order(&desk, "known", somebody, count).await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn tickets_and_counters_are_taken_in_one_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.route(&["a", "b", "c"].map(|id| desk.mail("ada@example.org", id))).await.expect("routed");
    let opened: Vec<TicketId> = sqlx::query_scalar("select id from tickets order by id").fetch_all(&desk.pool).await.expect("three");
    assert_taken_in_order(&desk, "tickets", async |connection, which| {
        tickets::lock(connection, which.iter().map(|n| (desk.tenant, opened[*n])).collect()).await.map(drop)
    })
    .await;
    assert_taken_in_order(&desk, "tickets and what goes on with them", async |connection, which| {
        tickets::lock_with_follow_ups(connection, which.iter().map(|n| (desk.tenant, opened[*n])).collect()).await.map(drop)
    })
    .await;
    let mut tenants: Vec<TenantId> = vec![desk.tenant];
    for name in ["other", "third"] {
        tenants.push(Desk::add_tenant(&desk.pool, &desk.ambient, name, &format!("help@{name}.example")).await);
    }
    tenants.sort();
    assert_taken_in_order(&desk, "counters", async |connection, which| {
        tickets::take_numbers(connection, which.iter().map(|n| (tenants[*n], 1)).collect()).await.map(drop)
    })
    .await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_turns_of_groups_and_new_tags_are_taken_in_one_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk(
        "insert into users (tenant_id, id, handle, name, is_group)
         select tenant_id, gen_random_uuid(), n, n, true from users, unnest(array['3rd', '4th']) n where handle = '2nd-line'",
    )
    .await;
    let groups: Vec<UserId> =
        sqlx::query_scalar("select id from users where is_group order by id").fetch_all(&desk.pool).await.expect("three");
    let deal = async |connection: &mut PgConnection, which: &[usize]| {
        turns::lock(connection, &which.iter().map(|n| (desk.tenant, groups[*n])).collect()).await.map(drop)
    };
    assert_taken_in_order(&desk, "first turns", deal).await;
    let mut all = desk.pool.begin().await.expect("a transaction");
    deal(&mut all, &[0, 1, 2]).await.expect("nobody has them");
    all.commit().await.expect("there from now on");
    assert_taken_in_order(&desk, "turns", deal).await;
    assert_taken_in_order(&desk, "tags", async |connection, which| {
        tags::ensure(connection, &which.iter().map(|n| (desk.tenant, ["a", "b", "c"][*n])).collect(), &desk.ambient).await
    })
    .await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whoever_merges_clients_takes_them_in_the_order_of_the_routers(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.route(&["z", "y", "x"].map(|name| desk.mail(&format!("{name}@example.org"), name))).await.expect("routed");
    let known: Vec<ClientId> = sqlx::query_scalar("select id from clients order by id").fetch_all(&desk.pool).await.expect("three");
    assert_taken_in_order(&desk, "by a merge", async |connection, which| {
        let wanted: Vec<ClientId> = which.iter().map(|n| known[*n]).collect();
        clients::lock(connection, desk.tenant, &wanted).await.map(drop)
    })
    .await;
}
