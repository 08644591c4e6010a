//! What a batch promises: all or none, doubles once, and one bad message harms no other.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Failure, Handler, Outgoing, Queue, drain_dead_letters};
use switchboard_common::db::inbound::{self, Sifted};
use switchboard_common::envelope;
use switchboard_router::batch::BatchHandler;
use switchboard_router::{Router, run};
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, MIGRATIONS, Mail};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_same_mail_twice_makes_one_message_in_one_batch_or_two(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mail = desk.mail("ada@example.org", "a1");
    desk.route(&[mail.clone(), mail.clone()]).await.expect("routed");
    desk.route(&[mail]).await.expect("routed");
    assert_eq!((desk.count("messages").await, desk.count("tickets").await, desk.count("outbox").await), (1, 1, 1));
    let duplicates: i32 = sqlx::query_scalar("select duplicates from inbound_messages").fetch_one(&desk.pool).await.expect("one");
    assert_eq!(duplicates, 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_message_that_another_router_logged_first_is_not_logged_over_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (first, second) = (desk.mail("ada@example.org", "a1"), desk.mail("ada@example.org", "a2"));
    let logged = |mail| -> inbound::Logged<'_> { (desk.ambient.new_id(), mail) };
    let mut connection = desk.pool.acquire().await.expect("a connection");
    let all = vec![logged(&first.0), logged(&second.0), logged(&first.0)];
    let sifted = inbound::sift(&mut connection, all.clone()).await.expect("sifted");
    assert_eq!((sifted.new.len(), sifted.logged.len(), sifted.twice.len()), (2, 0, 1));
    desk.route(std::slice::from_ref(&first)).await.expect("routed by another");
    assert!(!inbound::record(&mut connection, &sifted.new, &[]).await.expect("asked"), "somebody was faster with one");
    sqlx::query("delete from inbound_messages where outcome is null").execute(&desk.pool).await.expect("as when it is rolled back");
    let Sifted { new, logged, twice } = inbound::sift(&mut connection, all).await.expect("sifted");
    assert_eq!((new.len(), logged.len(), twice.len()), (1, 2, 0));
    assert!(inbound::record(&mut connection, &new, &[]).await.expect("logged"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_batch_ends_like_its_messages_one_by_one(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mails = [
        desk.mail("ada@example.org", "a1"),
        desk.mail("eve@example.com", "e1").subject("An offer?"),
        desk.mail("ada@example.org", "a2").refers_to(&["a1"]),
        desk.mail("eve@example.com", "e2").refers_to(&["a1"]),
        desk.mail("ada@example.org", "a3").refers_to(&["a1", "a2"]),
    ];
    desk.route(&mails).await.expect("routed");
    let mut lines = Vec::new();
    for mail in &mails {
        lines.push(desk.ended(&mail.0.external_id).await.line());
    }
    assert_eq!(
        lines.iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>(),
        ["opened #1", "opened #2", "joined #1", "opened #3", "joined #1"]
    );
    assert_eq!(desk.count("clients").await, 2);
    assert_eq!(desk.count("ticket_versions").await, 5);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn tenants_never_meet_in_a_batch(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let other = Desk::add_tenant(&desk.pool, &desk.ambient, "other", "help@other.example").await;
    let mut mail = desk.mail("ada@example.org", "a2").refers_to(&["a1"]);
    mail.0.tenant_id = other;
    mail.0.account_id = switchboard_common::ids::AccountId(
        sqlx::query_scalar("select id from channel_accounts where tenant_id = $1")
            .bind(other.0)
            .fetch_one(&desk.pool)
            .await
            .expect("an account"),
    );
    desk.route(&[desk.mail("ada@example.org", "a1"), mail]).await.expect("routed");
    let tickets: Vec<(i64, i64)> =
        sqlx::query_as("select ticket_number, (select count(*) from messages m where m.ticket_id = t.id) from tickets t")
            .fetch_all(&desk.pool)
            .await
            .expect("tickets");
    assert_eq!(tickets, [(1, 1), (1, 1)], "each tenant counts for itself, and the same address is two clients");
    assert_eq!(desk.count("clients").await, 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_cannot_be_processed_is_named(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut nobody = desk.mail("ada@example.org", "a1");
    nobody.0.from = None;
    let mut nowhere = desk.mail("ada@example.org", "a2");
    nowhere.0.account_id = desk.ambient.new_id();
    let mut foreign = desk.mail("ada@example.org", "a3");
    foreign.0.tenant_id = desk.ambient.new_id();
    let mut no_bytes = desk.mail("ada@example.org", "a4");
    no_bytes.0.raw = Some(desk.ambient.new_id());
    let mut too_long = desk.mail("ada@example.org", "a5");
    too_long.0.message_id = Some(desk.ambient.bytes::<3000>().iter().map(|byte| char::from(b'a' + byte % 26)).collect());
    let mut zero_byte = desk.mail("ada@example.org", "a6");
    zero_byte.0.text.push('\0');
    for (mail, expected) in [
        (nobody, "names no sender"),
        (nowhere, "has no account"),
        (foreign, "there is no tenant"),
        (no_bytes, "raw_media_id"),
        (too_long, "index row"),
        (zero_byte, "Unicode"),
    ] {
        match desk.route(&[mail]).await {
            Err(Failure::Reject(reason)) => assert!(reason.contains(expected), "{reason}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
    assert_eq!(desk.count("inbound_messages").await, 0);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_bad_message_is_parked_with_its_reason_and_its_neighbours_go_on(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let broker = desk.broker();
    let mut mails: Vec<Mail> = (0..10).map(|n| desk.mail("ada@example.org", &format!("a{n}"))).collect();
    mails[4].0.from = None;
    let mut messages: Vec<_> = mails.iter().map(|mail| envelope::seal(desk.ambient.new_id(), &mail.0).expect("sealed")).collect();
    messages[7].payload = b"{ not an envelope".to_vec();
    broker.publish(Queue::Inbound, messages).await.expect("published");
    let stop = CancellationToken::new();
    let router = tokio::spawn(run(Router { pool: desk.pool.clone(), broker, ambient: desk.ambient.clone() }, stop.clone()));
    crate::routers::until(
        &desk,
        "the queue is empty",
        "select (select count(*) from messages) = 8 and (select count(*) from dead_letters) = 2",
    )
    .await;
    stop.cancel();
    router.await.expect("it stops");
    let mut reasons: Vec<String> =
        sqlx::query_scalar("select reason from dead_letters order by reason").fetch_all(&desk.pool).await.expect("reasons");
    assert!(reasons.remove(0).starts_with("it names no sender"));
    assert!(reasons.remove(0).starts_with("not a readable inbound_message envelope"));
    assert_eq!(desk.count("broker.messages where queue = 'inbound'").await, 0);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_database_that_is_read_only_or_lacks_a_migration_is_waited_for(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mail = desk.mail("ada@example.org", "a1").0;
    let options = desk.pool.connect_options().as_ref().clone().options([("default_transaction_read_only", "on")]);
    let read_only = BatchHandler::new(PgPoolOptions::new().connect_lazy_with(options), desk.ambient.clone());
    let outcome = read_only.handle(std::slice::from_ref(&mail)).await;
    assert!(matches!(outcome, Err(Failure::GiveBack(_))), "{outcome:?}");
    desk.change_desk("alter table outbox rename to outbox_of_another_version").await;
    let outcome = desk.route(&[Mail(mail)]).await;
    assert!(matches!(outcome, Err(Failure::GiveBack(_))), "{outcome:?}");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_ticket_that_somebody_keeps_locked_is_tried_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let mut somebody = desk.pool.begin().await.expect("a transaction");
    sqlx::query("select from tickets for update").execute(&mut *somebody).await.expect("locked");
    let options = desk.pool.connect_options().as_ref().clone().options([("lock_timeout", "20ms")]);
    let handler = BatchHandler::new(PgPoolOptions::new().connect_lazy_with(options), desk.ambient.clone());
    let reply = desk.mail("ada@example.org", "a2").refers_to(&["a1"]).0;
    let outcome = handler.handle(std::slice::from_ref(&reply)).await;
    assert!(matches!(outcome, Err(Failure::Retry(_))), "{outcome:?}");
    somebody.rollback().await.expect("unlocked");
    handler.handle(&[reply]).await.expect("routed");
    assert_eq!(desk.ended("a2#1").await.number, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_dead_letter_that_cannot_be_kept_now_is_kept_later_and_as_it_died_last(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("alter table dead_letters rename to dead_letters_of_another_version").await;
    let (broker, id) = (desk.broker(), desk.ambient.new_id());
    let letter = |payload: &[u8]| vec![Outgoing { id, payload: payload.to_vec(), headers: std::collections::BTreeMap::new() }];
    broker.publish(Queue::Dead, letter(b"first")).await.expect("published");
    let stop = CancellationToken::new();
    let drain = async { drain_dead_letters(broker.as_ref(), &desk.pool, &Ambient::system(), &stop).await };
    let asks = async {
        crate::routers::until(
            &desk,
            "it is given back",
            "select exists (select from broker.messages where deliveries > 0 and lease_token is null)",
        )
        .await;
        desk.change_desk("alter table dead_letters_of_another_version rename to dead_letters").await;
        crate::routers::until(&desk, "it is kept", "select exists (select from dead_letters where payload = 'first')").await;
        broker.publish(Queue::Dead, letter(b"edited")).await.expect("published");
        crate::routers::until(&desk, "it is kept anew", "select exists (select from dead_letters where payload = 'edited')").await;
        stop.cancel();
    };
    tokio::join!(drain, asks);
    assert_eq!(desk.count("dead_letters").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_log_says_where_each_mail_went_and_nobodys_address(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (mut read, written) = std::io::pipe().expect("a pipe");
    let subscriber = tracing_subscriber::fmt().with_writer(std::sync::Mutex::new(written)).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let first = desk.mail("ada@example.org", "a1");
    let stranger = desk.mail("eve@example.com", "e1").refers_to(&["a1"]);
    desk.route(&[first.clone(), stranger, first]).await.expect("routed");
    drop(guard);
    let mut log = String::new();
    std::io::Read::read_to_string(&mut read, &mut log).expect("the log");
    for line in ["A message opened ticket #1", "A message opened ticket #2", "1 of 3 messages had come before"] {
        assert!(log.contains(line), "{line:?} is not in {log}");
    }
    assert!(!log.contains('@'), "{log}");
}
