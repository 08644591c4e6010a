//! What waited long is caught up with, and new mail does not wait behind it.

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_ingest_email::{BATCH, ImapSettings};
use switchboard_test_servers::dovecot::Dovecot;

use super::{Desk, mail, mails, settings, subjects};

/// The router has taken what is in the backlog: here by setting it aside, which frees its place as well.
const ROUTED: &str = "insert into dead_letters (id, queue, payload, headers, reason, died_at)
                      select id, queue, payload, headers, 'a test', now() from broker.messages where queue = 'inbound.backlog'
                      on conflict do nothing";

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn new_mail_overtakes_what_has_waited_and_a_crash_in_between_loses_nothing(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver_all("ada", &mails("old", 300));
    let small = ImapSettings { backlog_cap: BATCH + 10, ..settings() };
    let worker = desk.worker_with(&Ambient::system(), small.clone());
    desk.wait_for("inbound", 100).await;
    assert_eq!(desk.subjects("inbound").await, subjects("old", 201..=300), "the newest go as if they were new");
    desk.wait_for("inbound.backlog", BATCH).await;
    dovecot.deliver("ada", mail("fresh"));
    desk.wait_for("inbound", 101).await;
    assert_eq!(desk.subjects("inbound").await[100], "fresh");
    assert_eq!(desk.subjects("inbound.backlog").await.len(), BATCH, "the router has to take some before more follow");
    desk.execute(ROUTED).await;
    desk.wait_for("inbound.backlog", 2 * BATCH).await;
    desk.until("the rest to be known", "select waiting = 200 - 128 from mailbox_cursors").await;

    worker.kill().await;
    desk.execute("update mailbox_cursors set lease_until = now()").await;
    let worker = desk.worker();
    desk.wait_for("inbound.backlog", 200).await;
    desk.until("the catch-up to end", "select backlog_from = '{}' and waiting = 0 and last_uid = 301 from mailbox_cursors").await;
    dovecot.deliver("ada", mail("fresher"));
    desk.wait_for("inbound", 102).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound.backlog").await, subjects("old", 1..=200), "each once, and in their order");
    assert_eq!(desk.subjects("inbound").await.len(), 102);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_waits_is_known_also_while_the_broker_is_away_and_the_catch_up_begins_once(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    let old = mails("old", 130);
    dovecot.deliver_all("ada", &old[..7]);
    let worker = desk.worker_without_broker();
    desk.until("the first to be known", "select waiting = 7 and last_error is not null and backlog_to = '{}' from mailbox_cursors").await;
    dovecot.deliver_all("ada", &old[7..]);
    desk.until("all to be known", "select waiting = 130 and last_error is not null and backlog_to = '{30}' from mailbox_cursors").await;
    worker.kill().await;
    desk.execute("update mailbox_cursors set lease_until = now()").await;
    let worker = desk.worker();
    desk.wait_for("inbound", 100).await;
    desk.wait_for("inbound.backlog", 30).await;
    desk.until("nothing to wait any more", "select waiting = 0 and last_error is null from mailbox_cursors").await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound.backlog").await, subjects("old", 1..=30));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_is_gone_from_the_server_ends_no_catch_up_badly(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver_all("ada", &mails("old", 200));
    let small = ImapSettings { backlog_threshold: 5, backlog_cap: BATCH, ..settings() };
    let worker = desk.worker_with(&Ambient::system(), small);
    desk.wait_for("inbound.backlog", BATCH).await;
    // Somebody cleans up while the catch-up waits for the router.
    for (name, bytes) in dovecot.mails("ada") {
        if !String::from_utf8_lossy(&bytes).contains("old 2") {
            let folder = dovecot.maildir("ada");
            let _ = std::fs::remove_file(folder.join("new").join(&name)).or_else(|_| std::fs::remove_file(folder.join("cur").join(&name)));
        }
    }
    desk.execute(ROUTED).await;
    desk.until("the catch-up to end", "select backlog_from = '{}' and waiting = 0 from mailbox_cursors").await;
    dovecot.deliver("ada", mail("fresh"));
    desk.wait_for("inbound", 6).await;
    worker.stop().await;
    let set_aside = "select coalesce(string_agg(reason, '; '), 'none') from dead_letters where queue = 'mailbox'";
    assert_eq!(desk.ask::<String>(set_aside).await, "none", "what is gone is no trouble");
}
