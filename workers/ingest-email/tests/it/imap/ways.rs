//! Encrypted, with STARTTLS, and not at all.

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_test_servers::dovecot::Dovecot;

use super::{Desk, Way, mail, settings};

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn mail_comes_by_tls_and_starttls_from_a_server_of_ones_own_authority(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada", "bo"]));
    let ports = dovecot.ports();
    desk.mailbox("ada", &Way { host: "localhost", tls: "tls", ..Way::plain(ports.imaps) }).await;
    desk.mailbox("bo", &Way { tls: "starttls", ..Way::plain(ports.imap) }).await;
    dovecot.deliver("ada", mail("of ada"));
    dovecot.deliver("bo", mail("of bo"));
    let worker = desk.worker_that_trusts(Some(&dovecot.certificates().authority), &Ambient::system(), settings());
    desk.wait_for("inbound", 2).await;
    desk.until("both to be read", "select count(*) = 2 from mailbox_cursors where last_success_at is not null").await;
    dovecot.deliver("ada", mail("of ada again"));
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
    let log = dovecot.log();
    let encrypted = log.lines().filter(|line| line.contains("Login:") && line.contains("TLS")).count();
    assert_eq!(encrypted, 2, "{log}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_certificate_that_nobody_vouches_for_gets_no_password(pool: PgPool) {
    let (desk, dovecot) = (Desk::new(&pool), Dovecot::start(&["ada", "bo"]));
    let ports = dovecot.ports();
    desk.mailbox("ada", &Way { host: "localhost", tls: "tls", ..Way::plain(ports.imaps) }).await;
    desk.mailbox("bo", &Way { host: "localhost", tls: "starttls", ..Way::plain(ports.imap) }).await;
    let stranger = Dovecot::prepare(&[]);
    let worker = desk.worker_that_trusts(Some(&stranger.certificates().authority), &Ambient::system(), settings());
    let refused = "select count(*) = 2 from mailbox_cursors where last_error like 'no encrypted connection to localhost:%certificate%'";
    desk.until("both to be refused", refused).await;
    worker.stop().await;
    assert!(!dovecot.log().contains("user=<ada>") && !dovecot.log().contains("user=<bo>"), "{}", dovecot.log());
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn without_encryption_nothing_leaves_this_machine(pool: PgPool) {
    let desk = Desk::new(&pool);
    // An address for documentation (RFC 5737): nobody may even be asked there.
    desk.mailbox("ada", &Way { host: "192.0.2.1", ..Way::plain(143) }).await;
    let worker = desk.worker();
    desk.until("the fault to be noted", "select last_error like '192.0.2.1:143 is not this machine%' from mailbox_cursors").await;
    worker.stop().await;
}
