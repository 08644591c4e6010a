//! Any number of workers: one mailbox is read by one at a time.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_ingest_email::ImapSettings;
use switchboard_test_servers::dovecot::Dovecot;

use super::server::{Server, State};
use super::{Desk, Way, mail, mails, settings};

const LOOK: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(30);

/// Two workers' clocks, which are one and stand still.
fn ambient() -> Ambient {
    crate::world::ambient()
}

const READ: &str = "select count(*) = 2 from mailbox_cursors where last_success_at is not null";

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn two_workers_share_two_mailboxes_and_one_takes_over_from_the_other(pool: PgPool) {
    let (desk, dovecot, ambient) = (Desk::new(&pool), Dovecot::start(&["ada", "bo"]), ambient());
    desk.dovecot_mailbox("ada", &dovecot).await;
    desk.dovecot_mailbox("bo", &dovecot).await;
    let first = desk.worker_with(&ambient, ImapSettings::default());
    desk.until("both to be read by the first", READ).await;
    let second = desk.worker_with(&ambient, ImapSettings::default());
    desk.until("the second to appear", "select count(*) = 2 from mailbox_workers").await;
    let shared = "select count(distinct lease_owner) = 2 from mailbox_cursors";
    // Now and then their clock strikes.
    desk.until_with("each to have one", shared, || ambient.clock.advance(LOOK / 10)).await;
    dovecot.deliver("ada", mail("of ada"));
    dovecot.deliver("bo", mail("of bo"));
    desk.wait_for("inbound", 2).await;

    second.kill().await;
    dovecot.deliver("ada", mail("of ada again"));
    dovecot.deliver("bo", mail("of bo again"));
    desk.wait_for("inbound", 3).await;
    assert_eq!(desk.ask::<i64>("select count(distinct lease_owner) from mailbox_cursors").await, 2, "the dead one's lease has not run out");
    desk.until_with("the first to have both", "select count(distinct lease_owner) = 1 from mailbox_cursors", || {
        ambient.clock.advance(LEASE / 20);
    })
    .await;
    desk.wait_for("inbound", 4).await;
    first.stop().await;
    let mut subjects = desk.subjects("inbound").await;
    subjects.sort();
    assert_eq!(subjects, ["of ada", "of ada again", "of bo", "of bo again"], "each of them once");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn two_workers_on_one_mailbox_take_each_mail_once(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    let workers = [desk.worker(), desk.worker()];
    for round in ["a", "b", "c"] {
        dovecot.deliver_all("ada", &mails(round, 20));
    }
    desk.wait_for("inbound", 60).await;
    desk.until("nothing to wait", "select waiting = 0 and last_uid = 60 from mailbox_cursors").await;
    for worker in workers {
        worker.stop().await;
    }
    let mut subjects = desk.subjects("inbound").await;
    subjects.sort();
    subjects.dedup();
    assert_eq!((subjects.len(), desk.subjects("inbound").await.len()), (60, 60));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_worker_that_stops_leaves_its_mailbox_to_the_others_at_once(pool: PgPool) {
    let (desk, dovecot, ambient) = (Desk::new(&pool), Dovecot::start(&["ada"]), ambient());
    desk.dovecot_mailbox("ada", &dovecot).await;
    let first = desk.worker_with(&ambient, ImapSettings::default());
    desk.until("it to be read", "select last_success_at is not null from mailbox_cursors").await;
    first.stop().await;
    assert!(desk.ask::<bool>("select lease_owner is null and not exists (select from mailbox_workers) from mailbox_cursors").await);
    // The clock has not moved: no lease has run out.
    let second = desk.worker_with(&ambient, ImapSettings::default());
    dovecot.deliver("ada", mail("later"));
    desk.wait_for("inbound", 1).await;
    second.stop().await;
}

#[tokio::test]
async fn a_worker_whose_database_never_came_stops_at_once() {
    let nowhere = sqlx::PgPool::connect_lazy("postgres://desk@127.0.0.1:1/desk").expect("a URL");
    let worker = Desk::new(&nowhere).worker_stopped();
    tokio::time::timeout(Duration::from_secs(5), worker.stop()).await.expect("at once");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_worker_stops_soon_also_when_the_database_hangs(pool: PgPool) {
    let (desk, server) = (Desk::new(&pool), Server::start(State::default()).await);
    let users = ["ada", "bo", "cy", "di", "ed", "flo", "gil", "hal"];
    for user in users {
        desk.mailbox(user, &Way::plain(server.port)).await;
    }
    // A lease of six seconds: the database is given two for an answer.
    let worker = desk.worker_with(&Ambient::system(), ImapSettings { lease: Duration::from_secs(6), ..settings() });
    desk.until("all to be read", "select count(last_success_at) = 8 from mailbox_cursors").await;
    let mut other = pool.begin().await.expect("a transaction");
    sqlx::query("lock table mailbox_cursors in access exclusive mode").execute(&mut *other).await.expect("locked");
    let begun = Instant::now();
    worker.stop().await;
    // Not two seconds for each of them.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_worker_whose_lease_was_taken_writes_nothing(pool: PgPool) {
    let (desk, dovecot, ambient) = (Desk::new(&pool), Dovecot::start(&["ada"]), ambient());
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver("ada", mail("one"));
    let worker = desk.worker_with(&ambient, ImapSettings::default());
    desk.until("it to be read", "select last_uid = 1 and last_success_at is not null from mailbox_cursors").await;
    // As if the worker had been paused until its lease ran out: it does not look, since its clock stands still.
    desk.execute("update mailbox_cursors set lease_owner = gen_random_uuid(), fence = fence + 1").await;
    dovecot.deliver("ada", mail("two"));
    desk.wait_for("inbound", 2).await;
    let state = "select row_to_json(c)::text from mailbox_cursors c";
    let before: String = desk.ask(state).await;
    worker.stop().await;
    assert_eq!(desk.ask::<String>(state).await, before);
    assert!(desk.ask::<bool>("select last_uid = 1 and lease_owner is not null from mailbox_cursors").await, "{before}");
}
