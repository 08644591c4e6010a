//! A mail is taken whole or not at all.

use sqlx::PgPool;
use switchboard_common::db::media;
use switchboard_common::domain::inbound::{Channel, InboundBody, Trust};
use switchboard_common::envelope;
use switchboard_ingest_email::{AcceptError, Limits, SmtpEnvelope, accept};

use crate::world::{Down, Witness, account, ambient, broker, mail, published, stored};

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_reaches_the_router_with_all_that_it_needs(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let raw = mail("attachments/attachment-rfc2231");
    let accepted = accept(&pool, &broker(&pool, &ambient), &ambient, &account, Limits::default(), &raw, &SmtpEnvelope::default())
        .await
        .expect("accepted");
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
    let raw = mail("attachments/inline-image");
    accept(&pool, &witness, &ambient, &account, Limits::default(), &raw, &SmtpEnvelope::default()).await.expect("accepted");
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
    let first = mail("attachments/inline-image");
    let mut second = b"X-Way: another\r\n".to_vec();
    second.extend(&first);
    for raw in [&first, &first, &second] {
        accept(&pool, &broker, &ambient, &account, Limits::default(), raw, &SmtpEnvelope::default()).await.expect("accepted");
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
        accept(&pool, &broker(&pool, &ambient), &ambient, account, Limits::default(), &mail("structure/plain"), &SmtpEnvelope::default())
            .await
            .expect("accepted");
    }
    assert_eq!(stored(&pool).await.len(), 2);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn without_the_brokers_yes_a_mail_is_not_accepted_and_can_come_again(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let raw = mail("structure/plain");
    let error =
        accept(&pool, &Down, &ambient, &account, Limits::default(), &raw, &SmtpEnvelope::default()).await.expect_err("the broker is down");
    assert!(matches!(error, AcceptError::Broker(_)) && !error.is_bad_input(), "{error}");
    accept(&pool, &broker(&pool, &ambient), &ambient, &account, Limits::default(), &raw, &SmtpEnvelope::default()).await.expect("accepted");
    assert_eq!((published(&pool).await.len(), stored(&pool).await.len()), (1, 1));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_large_text_goes_by_reference_and_stays_whole(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let text = "ü\n".repeat(500_000);
    let raw = format!("From: ada@example.org\nMessage-ID: <x@y>\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n\n{text}");
    let broker = broker(&pool, &ambient);
    accept(&pool, &broker, &ambient, &account, Limits::default(), raw.as_bytes(), &SmtpEnvelope::default()).await.expect("accepted");
    let messages = published(&pool).await;
    assert!(envelope::seal(uuid::Uuid::nil(), &messages[0]).expect("can be sealed").payload.len() < 256 * 1024);
    assert!(messages[0].text.starts_with("ü\nü\n") && messages[0].text.len() < 64 * 1024);
    let reference = messages[0].body.expect("a reference");
    let mut connection = pool.acquire().await.expect("a connection");
    let bytes = media::load(&mut connection, account.tenant_id, reference.media_id).await.expect("loaded").expect("it is there");
    assert_eq!(bytes.len() as u64, reference.size);
    let body: InboundBody = serde_json::from_slice(&bytes).expect("readable");
    assert_eq!((body.text.as_str(), body.reply.as_str(), body.html), (text.trim_end(), text.trim_end(), None));
    assert_eq!(stored(&pool).await, [bytes, raw.into_bytes()], "and the mail as it came");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_attachment_above_the_limit_stays_in_the_raw_mail_and_the_rest_is_kept(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let part = |name: &str, size: usize| format!("--b\nContent-Type: video/quicktime; name={name}\n\n{}\n", "x".repeat(size));
    let parts = [part("short.mov", 500), part("holiday.mov", 2_500_000), part("last.mov", 501)].concat();
    let raw = format!("From: ada@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n{parts}--b--\n");
    let (broker, limits) = (broker(&pool, &ambient), Limits { largest_attachment: 1_000_000 });
    accept(&pool, &broker, &ambient, &account, limits, raw.as_bytes(), &SmtpEnvelope::default()).await.expect("accepted");
    let messages = published(&pool).await;
    let names: Vec<&str> = messages[0].attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    assert_eq!((messages[0].text.as_str(), names), ("See.", vec!["short.mov", "last.mov"]));
    let refused: Vec<String> = messages[0].refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused, ["holiday.mov (2.5 MB) was not kept: attachments of more than 1 MB are not taken"]);
    assert_eq!(stored(&pool).await.iter().map(Vec::len).collect::<Vec<_>>(), [raw.len(), 501, 500]);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_image_stays_in_its_place_in_the_html(pool: PgPool) {
    let ambient = ambient();
    let account = account(&pool, "acme", "support").await;
    let broker = broker(&pool, &ambient);
    accept(&pool, &broker, &ambient, &account, Limits::default(), &mail("attachments/inline-image"), &SmtpEnvelope::default())
        .await
        .expect("accepted");
    let message = published(&pool).await.remove(0);
    let image = message.attachments.iter().find(|attachment| attachment.inline).expect("an image");
    let reference = format!("cid:{}", image.content_id.as_deref().expect("its id"));
    assert!(message.html.as_ref().is_some_and(|html| html.contains(&reference)), "{:?} does not name {reference}", message.html);
}
