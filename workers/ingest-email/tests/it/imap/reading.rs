//! What lies in a mailbox reaches the router, whatever happens to the server.

use sqlx::PgPool;
use switchboard_test_servers::dovecot::{Dovecot, PASSWORD};

use super::{Desk, Way, mail, mails};

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_delivered_mail_is_on_the_broker_without_waiting_for_the_poll(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    let account = desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver("ada", mail("before"));
    let worker = desk.worker();
    desk.wait_for("inbound", 1).await;
    desk.until("the mailbox to be read", "select last_success_at is not null from mailbox_cursors").await;
    dovecot.deliver("ada", mail("while it is watched"));
    desk.wait_for("inbound", 2).await;
    let messages = desk.queue("inbound").await;
    let message = &messages[1];
    assert_eq!((message.subject.as_str(), message.account_id), ("while it is watched", account.account_id));
    assert_eq!(message.text.trim(), "Please help with while it is watched.");
    let raw: Vec<u8> = desk.ask(&format!("select data from media where id = '{}'", message.raw.expect("kept"))).await;
    let kept = String::from_utf8(raw).expect("text").replace("\r\n", "\n");
    assert!(dovecot.mails("ada").iter().any(|(_, bytes)| *bytes == kept.as_bytes()), "the bytes are those of the mailbox");
    worker.stop().await;
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn seen_neither_hides_a_mail_nor_is_ever_set(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver("ada", mail("read by somebody"));
    let (name, _) = dovecot.mails("ada").pop().expect("it lies there");
    let folder = dovecot.maildir("ada");
    std::fs::rename(folder.join("new").join(&name), folder.join("cur").join(format!("{name}:2,S"))).expect("marked");
    dovecot.deliver("ada", mail("read by nobody"));
    let worker = desk.worker();
    desk.wait_for("inbound", 2).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["read by somebody", "read by nobody"]);
    let seen: Vec<bool> = dovecot.mails("ada").iter().map(|(name, _)| name.ends_with('S')).collect();
    assert_eq!(seen.iter().filter(|seen| **seen).count(), 1, "{seen:?}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mailbox_goes_on_by_itself_when_its_server_was_away(pool: PgPool) {
    let (desk, mut dovecot) = (Desk::new(&pool), Dovecot::prepare(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    let worker = desk.worker();
    desk.until("the fault to be noted", "select last_error like 'cannot connect to 127.0.0.1:%' from mailbox_cursors").await;
    dovecot.up();
    dovecot.deliver("ada", mail("one"));
    desk.wait_for("inbound", 1).await;
    dovecot.stop();
    desk.until("the fault to be noted", "select last_error is not null from mailbox_cursors").await;
    dovecot.up();
    dovecot.deliver("ada", mail("two"));
    desk.wait_for("inbound", 2).await;
    dovecot.kill();
    dovecot.up();
    dovecot.deliver("ada", mail("three"));
    desk.wait_for("inbound", 3).await;
    desk.until("the fault to be forgotten", "select last_error is null from mailbox_cursors").await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["one", "two", "three"], "and each of them once");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_folder_that_was_numbered_anew_is_read_from_its_start(pool: PgPool) {
    let (desk, mut dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver_all("ada", &mails("old", 3));
    let worker = desk.worker();
    desk.wait_for("inbound", 3).await;
    let before: i64 = desk.ask("select uid_validity from mailbox_cursors").await;
    dovecot.stop();
    for entry in std::fs::read_dir(dovecot.maildir("ada")).expect("the mailbox").filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "dovecot-uidlist" || name.starts_with("dovecot.index") {
            std::fs::remove_file(entry.path()).expect("removed");
        }
    }
    dovecot.up();
    dovecot.deliver("ada", mail("new"));
    desk.wait_for("inbound", 7).await;
    worker.stop().await;
    assert_ne!(desk.ask::<i64>("select uid_validity from mailbox_cursors").await, before);
    let messages = desk.queue("inbound").await;
    let mut keys: Vec<&str> = messages.iter().map(|message| message.external_id.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((messages.len(), keys.len()), (7, 4), "what came twice has the key that it had");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mailbox_may_begin_with_what_comes_from_now_on(pool: PgPool) {
    let (desk, mut dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.mailbox("ada", &Way { since: "now", ..Way::plain(dovecot.ports().imap) }).await;
    dovecot.deliver_all("ada", &mails("old", 3));
    let worker = desk.worker();
    desk.until("the mailbox to be read", "select last_success_at is not null from mailbox_cursors").await;
    dovecot.deliver("ada", mail("new"));
    desk.wait_for("inbound", 1).await;
    assert_eq!(desk.subjects("inbound").await, ["new"]);
    dovecot.stop();
    dovecot.up();
    dovecot.deliver("ada", mail("newer"));
    desk.wait_for("inbound", 2).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["new", "newer"]);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_that_cannot_be_taken_is_named_and_holds_up_nothing(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver("ada", mail("first"));
    // Dovecot believes the sizes in a file's name.
    dovecot.plant("ada", "1795000001.M1P1.test,S=70000000,W=70000000", b"Subject: too large\n\n");
    dovecot.plant("ada", "1795000002.M1P2.test,S=0,W=0", b"");
    dovecot.deliver("ada", mail("last"));
    let worker = desk.worker();
    desk.wait_for("inbound", 2).await;
    desk.until("the dead letters", "select count(*) = 2 from dead_letters").await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await.len(), 2);
    let reasons: Vec<String> =
        sqlx::query_scalar("select reason from dead_letters order by reason").fetch_all(&pool).await.expect("reasons");
    assert_eq!(reasons, ["it is too large: 70000000 bytes, expected at most 64 MiB", "the mail is empty: expected a header and a body"]);
    let named = "select bool_and(d.queue = 'mailbox' and b ->> 'account' = 'ada' and b ->> 'folder' = 'INBOX' and (b ->> 'uid')::int between 1 and 4)
                 from dead_letters d cross join lateral (select convert_from(payload, 'utf8')::jsonb -> 'body') as j (b)";
    assert!(desk.ask::<bool>(named).await, "each is named by its place in the mailbox");
    assert_eq!(desk.ask::<i64>("select last_uid from mailbox_cursors").await, 4);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_wrong_password_is_said_holds_up_no_other_and_is_changed_without_a_restart(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada", "bo"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    desk.dovecot_mailbox("bo", &dovecot).await;
    std::fs::write(desk.password_file("ada"), "hunter2").expect("written");
    dovecot.deliver("ada", mail("of ada"));
    dovecot.deliver("bo", mail("of bo"));
    let worker = desk.worker();
    desk.wait_for("inbound", 1).await;
    assert_eq!(desk.subjects("inbound").await, ["of bo"]);
    let of_ada = "from mailbox_cursors c join channel_accounts a on a.id = c.account_id and a.name = 'ada'";
    desk.until("the fault to be noted", &format!("select c.last_error is not null {of_ada}")).await;
    let error: String = desk.ask(&format!("select c.last_error {of_ada}")).await;
    assert!(error.starts_with("the server refuses the user and the password: ") && !error.contains("hunter2"), "{error}");
    std::fs::write(desk.password_file("ada"), PASSWORD).expect("written");
    desk.wait_for("inbound", 2).await;
    std::fs::remove_file(desk.password_file("bo")).expect("removed");
    worker.stop().await;
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn accounts_that_come_change_and_go_are_noticed_without_a_restart(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada", "bo"]));
    let worker = desk.worker();
    let account = desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver("ada", mail("one"));
    desk.wait_for("inbound", 1).await;
    // Another mailbox for the same account is another place, and read from its start.
    dovecot.deliver("bo", mail("two"));
    desk.execute("update mailboxes set username = 'bo'").await;
    desk.wait_for("inbound", 2).await;
    desk.execute(&format!("update channel_accounts set disabled_at = now() where id = '{}'", account.account_id)).await;
    desk.until("the lease to be given back", "select lease_owner is null from mailbox_cursors").await;
    dovecot.deliver("bo", mail("three"));
    desk.execute("update channel_accounts set disabled_at = null").await;
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["one", "two", "three"]);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn the_cursor_waits_for_the_brokers_yes(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    dovecot.deliver("ada", mail("one"));
    let worker = desk.worker_without_broker();
    let said = "select last_error like 'the mail was stored and could not be handed on%' from mailbox_cursors";
    desk.until("the fault to be noted", said).await;
    worker.stop().await;
    assert!(desk.ask::<bool>("select last_uid = 0 from mailbox_cursors").await);
    let worker = desk.worker();
    desk.wait_for("inbound", 1).await;
    worker.stop().await;
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_of_many_megabytes_comes_whole_and_what_is_behind_it_too(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada"]));
    desk.dovecot_mailbox("ada", &dovecot).await;
    let large = format!("{}{}", mail("large"), "A line of many.\n".repeat(750_000));
    dovecot.deliver_all("ada", &[mail("before"), large, mail("behind")]);
    let worker = desk.worker();
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["before", "large", "behind"]);
    let largest = dovecot.mails("ada").iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).replace('\n', "\r\n").len()).max();
    let kept: i64 = desk.ask("select max(size) from media").await;
    assert_eq!(Some(kept.unsigned_abs()), largest.map(|size| size as u64), "line ends and all");
}
