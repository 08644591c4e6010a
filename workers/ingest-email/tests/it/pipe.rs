//! What a mail server sees of us: an exit code and one line.

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Broker;
use switchboard_ingest_email::{ExitCode, LARGEST_MAIL, Limits, PipeExit, SmtpEnvelope, pipe};
use tokio::io::AsyncReadExt;

use crate::world::{Broken, Down, account, ambient, broker, mail, published, stored};

async fn piped(pool: &PgPool, broker: &dyn Broker, ambient: &Ambient, account: &str, raw: &[u8]) -> PipeExit {
    let exit = pipe(pool, broker, ambient, account, Limits::default(), &SmtpEnvelope::default(), raw).await;
    assert!(!exit.explanation.contains('\n'), "one line: {exit}");
    exit
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_taken_mail_ends_with_0(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    let envelope = SmtpEnvelope { sender: Some("ada@example.org".to_owned()), recipients: vec!["support+x@acme.example".to_owned()] };
    let exit =
        pipe(&pool, &broker(&pool, &ambient), &ambient, "support", Limits::default(), &envelope, mail("structure/plain").as_slice()).await;
    assert_eq!(exit.code, ExitCode::Ok, "{exit}");
    let messages = published(&pool).await;
    assert_eq!((messages.len(), messages[0].recipients[0].as_str()), (1, "support+x@acme.example"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn the_line_that_a_mail_server_writes_above_is_no_part_of_the_mail(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    let mut raw = b"From ada@example.org  Mon Mar  2 09:14:03 2026\n".to_vec();
    raw.extend(mail("structure/plain"));
    assert_eq!(piped(&pool, &broker(&pool, &ambient), &ambient, "acme/support", &raw).await.code, ExitCode::Ok);
    assert_eq!(stored(&pool).await, [mail("structure/plain")]);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_of_nobody_is_taken_since_the_router_parks_it(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    assert_eq!(piped(&pool, &broker(&pool, &ambient), &ambient, "support", &mail("headers/nobody")).await.code, ExitCode::Ok);
    assert_eq!(published(&pool).await[0].from, None);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn whatever_fails_on_our_side_the_mail_server_tries_again(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    let raw = mail("structure/plain");
    let down = piped(&pool, &Down, &ambient, "support", &raw).await;
    assert_eq!((down.code, u8::from(down.code)), (ExitCode::TempFail, 75));
    assert!(down.explanation.contains("connection refused"), "{down}");
    assert_eq!(piped(&pool, &Broken, &ambient, "support", &raw).await.code, ExitCode::TempFail, "a panic");
    pool.close().await;
    assert_eq!(piped(&pool, &Down, &ambient, "support", &raw).await.code, ExitCode::TempFail, "no database");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_fault_in_the_configuration_loses_no_mail(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    account(&pool, "other", "support").await;
    account(&pool, "acme", "sales").await;
    sqlx::query("update channel_accounts set disabled_at = now() where name = 'sales'").execute(&pool).await.expect("disabled");
    for (name, says) in [
        ("suport", "there is no mail account \"suport\": expected NAME or TENANT/NAME"),
        ("nowhere/support", "there is no mail account"),
        ("sales", "the mail account \"sales\" is disabled"),
        ("support", "is ambiguous: expected one of acme/support, other/support"),
        ("", "there is no mail account"),
    ] {
        let exit = piped(&pool, &broker(&pool, &ambient), &ambient, name, &mail("structure/plain")).await;
        assert_eq!(exit.code, ExitCode::TempFail, "{exit}");
        assert!(exit.explanation.contains(says), "{exit}");
    }
    assert_eq!(piped(&pool, &broker(&pool, &ambient), &ambient, "other/support", &mail("structure/plain")).await.code, ExitCode::Ok);
    assert_eq!(published(&pool).await.len(), 1);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn of_several_accounts_the_one_that_takes_mail_is_meant(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    let other = account(&pool, "other", "support").await;
    sqlx::query("update channel_accounts set disabled_at = now() where id = $1")
        .bind(other.account_id)
        .execute(&pool)
        .await
        .expect("disabled");
    assert_eq!(piped(&pool, &broker(&pool, &ambient), &ambient, "support", &mail("structure/plain")).await.code, ExitCode::Ok);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_can_never_be_taken_goes_back_to_its_sender(pool: PgPool) {
    let ambient = ambient();
    account(&pool, "acme", "support").await;
    for empty in ["", "\r\n \n", "From ada@example.org  Mon Mar  2 09:14:03 2026\n"] {
        let exit = piped(&pool, &broker(&pool, &ambient), &ambient, "support", empty.as_bytes()).await;
        assert_eq!((exit.code, u8::from(exit.code)), (ExitCode::DataErr, 65), "{exit}");
    }
    let endless = tokio::io::repeat(b'a').take(2 * LARGEST_MAIL as u64);
    let exit = pipe(&pool, &broker(&pool, &ambient), &ambient, "support", Limits::default(), &SmtpEnvelope::default(), endless).await;
    assert_eq!(exit.code, ExitCode::DataErr);
    assert!(exit.explanation.contains("64 MiB"), "{exit}");
    assert_eq!(stored(&pool).await, Vec::<Vec<u8>>::new());
}
