//! A mail is taken whole or not at all.

use sqlx::PgPool;
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_common::envelope;
use switchboard_ingest_email::{AcceptError, SmtpEnvelope, accept};

use crate::mails::mail;
use crate::world::{Down, Witness, account, ambient, broker, published, stored};

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_reaches_the_router_with_all_that_it_needs(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let raw = mail("attachment-rfc2231");
    let accepted = accept(&pool, &broker(&pool, &ambient), &ambient, &account, &raw, &SmtpEnvelope::default()).await.expect("accepted");
    let messages = published(&pool).await;
    let [message] = messages.as_slice() else { panic!("{} messages", messages.len()) };
    assert_eq!((message.tenant_id, message.account_id), (account.tenant_id, account.account_id));
    assert_eq!((message.channel, message.trust, message.received_at), (Channel::Email, Trust::Unverified, ambient.now()));
    assert_eq!((&message.external_id, message.raw), (&accepted.external_id, Some(accepted.raw)));
    assert_eq!(message.text, "Voir les fichiers joints.");
    let names: Vec<(&str, u64)> = message.attachments.iter().map(|attachment| (attachment.name.as_str(), attachment.size)).collect();
    assert_eq!(names, [("facture du mois de février.pdf", 37), ("notes.csv", 21), ("attachment.bin", 4)]);
    for attachment in &message.attachments {
        let size: i64 = sqlx::query_scalar("select size from media where tenant_id = $1 and id = $2")
            .bind(account.tenant_id)
            .bind(attachment.media_id)
            .fetch_one(&pool)
            .await
            .expect("the attachment's bytes are there");
        assert_eq!(size.unsigned_abs(), attachment.size);
    }
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn all_bytes_are_durable_before_anything_is_published(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let witness = Witness { pool: pool.clone(), seen: std::sync::Mutex::default() };
    let raw = mail("inline-image");
    accept(&pool, &witness, &ambient, &account, &raw, &SmtpEnvelope::default()).await.expect("accepted");
    let seen = witness.seen.into_inner().expect("nobody panicked with it");
    assert_eq!(seen.len(), 2, "the raw mail and its image");
    assert_eq!(seen[0], raw);
    assert!(seen[1].starts_with(b"\x89PNG"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn the_same_bytes_are_stored_once(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let broker = broker(&pool, &ambient);
    let first = mail("inline-image");
    let mut second = b"X-Way: another\r\n".to_vec();
    second.extend(&first);
    for raw in [&first, &first, &second] {
        accept(&pool, &broker, &ambient, &account, raw, &SmtpEnvelope::default()).await.expect("accepted");
    }
    assert_eq!(stored(&pool).await.len(), 3, "two raw mails and one image");
    let messages = published(&pool).await;
    assert_eq!(messages.len(), 3, "the router drops doubles by their key");
    assert!(messages.iter().all(|message| message.external_id == messages[0].external_id));
    assert!(messages.iter().all(|message| message.attachments == messages[0].attachments));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn two_desks_never_share_bytes(pool: PgPool) {
    let ambient = ambient();
    let accounts = [account(&pool, "acme", "support").await, account(&pool, "other", "support").await];
    for account in &accounts {
        accept(&pool, &broker(&pool, &ambient), &ambient, account, &mail("plain"), &SmtpEnvelope::default()).await.expect("accepted");
    }
    assert_eq!(stored(&pool).await.len(), 2);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn without_the_brokers_yes_a_mail_is_not_accepted_and_can_come_again(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let raw = mail("plain");
    let error = accept(&pool, &Down, &ambient, &account, &raw, &SmtpEnvelope::default()).await.expect_err("the broker is down");
    assert!(matches!(error, AcceptError::Broker(_)) && !error.is_bad_input(), "{error}");
    accept(&pool, &broker(&pool, &ambient), &ambient, &account, &raw, &SmtpEnvelope::default()).await.expect("accepted");
    assert_eq!((published(&pool).await.len(), stored(&pool).await.len()), (1, 1));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_large_text_is_cut_for_the_broker_and_kept_in_the_raw_mail(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let raw = format!("From: ada@example.org\nMessage-ID: <x@y>\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n\n{}", "ü\n".repeat(500_000));
    accept(&pool, &broker(&pool, &ambient), &ambient, &account, raw.as_bytes(), &SmtpEnvelope::default()).await.expect("accepted");
    let messages = published(&pool).await;
    assert!(envelope::seal(uuid::Uuid::nil(), &messages[0]).expect("can be sealed").payload.len() < 256 * 1024);
    assert!(messages[0].text.starts_with("ü\nü\n") && messages[0].text.len() > 40_000);
    assert!(messages[0].flags.contains(&"text cut: the raw mail has all of it".to_owned()), "{:?}", messages[0].flags);
    assert_eq!(stored(&pool).await, [raw.as_bytes()]);
}
