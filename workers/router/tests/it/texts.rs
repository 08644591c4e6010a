//! All of a message stays with it: texts that were too large to travel, attachments that were not
//! kept, images within the text.

use sqlx::{PgPool, Row};
use switchboard_common::broker::Failure;
use switchboard_common::db::media;
use switchboard_common::domain::inbound::{BodyReference, InboundAttachment, InboundBody, RefusedAttachment};
use switchboard_common::ids::MediaId;

use crate::desk::{Desk, Mail};

async fn stored(desk: &Desk, bytes: &[u8]) -> MediaId {
    let mut connection = desk.pool.acquire().await.expect("a connection");
    media::store(&mut connection, desk.tenant, &desk.ambient, &[bytes]).await.expect("stored")[0]
}

/// A mail whose texts, of so many bytes each, lie in the blob store.
async fn large(desk: &Desk, from: &str, id: &str, size: usize) -> Mail {
    let body = InboundBody {
        text: format!("all of {id} {}", "x".repeat(size)),
        reply: format!("new in {id} {}", "y".repeat(size)),
        html: Some(format!("<p>{id}</p>")),
    };
    let bytes = serde_json::to_vec(&body).expect("JSON");
    let mut mail = desk.mail(from, id);
    mail.0.body = Some(BodyReference { media_id: stored(desk, &bytes).await, size: bytes.len() as u64 });
    mail
}

/// What the ticket shows of a message, all of its text, and its HTML.
async fn texts(desk: &Desk, external_id: &str) -> (String, Option<String>, Option<String>) {
    let row = sqlx::query(
        "select m.text, m.full_text, m.html from messages m
         join inbound_messages i on i.tenant_id = m.tenant_id and i.id = m.inbound_id where i.external_id = $1",
    )
    .bind(external_id)
    .fetch_one(&desk.pool)
    .await
    .expect("one message");
    (row.get("text"), row.get("full_text"), row.get("html"))
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn all_of_a_text_stays_with_its_message(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "one@x")).await;
    assert_eq!(texts(&desk, "one@x#1").await, ("text of one@x".to_owned(), None, None));
    let mut reply = desk.mail("ada@example.org", "two@x");
    reply.0.references = vec!["one@x".to_owned()];
    let joined = desk.take(reply).await;
    assert_eq!((joined.number, joined.text.as_str()), (opened.number, "reply of two@x"));
    assert_eq!(texts(&desk, "two@x#1").await.1.as_deref(), Some("text of two@x"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn texts_that_did_not_travel_are_whole_on_the_ticket(pool: PgPool) {
    const SIZE: usize = 4 * 1024 * 1024;
    let desk = Desk::new(pool).await;
    // More than is in memory at once, among others, in one batch.
    let mut mails = vec![desk.mail("ada@example.org", "small@x")];
    for index in 0..4 {
        mails.push(large(&desk, "ada@example.org", &format!("large{index}@x"), SIZE).await);
    }
    let mut answer = large(&desk, "ada@example.org", "answer@x", SIZE).await;
    answer.0.references = vec!["large0@x".to_owned()];
    mails.push(answer);
    mails.push(desk.mail("eve@example.org", "last@x"));
    desk.route(&mails).await.expect("routed");
    let (text, full, html) = texts(&desk, "large3@x#1").await;
    assert!(text.starts_with("all of large3@x xx") && text.len() > SIZE && full.is_none());
    assert_eq!(html.as_deref(), Some("<p>large3@x</p>"));
    let (text, full, _) = texts(&desk, "answer@x#1").await;
    assert!(text.starts_with("new in answer@x yy") && full.is_some_and(|full| full.starts_with("all of answer@x xx") && full.len() > SIZE));
    assert_eq!(texts(&desk, "last@x#1").await.0, "text of last@x");
    let logged: i64 =
        sqlx::query_scalar("select max(length(payload::text))::bigint from inbound_messages").fetch_one(&desk.pool).await.expect("a size");
    assert!(logged < 256 * 1024, "the log names the texts, {logged} bytes");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_text_that_is_gone_or_unreadable_is_a_reason_and_no_loop(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut gone = desk.mail("ada@example.org", "gone@x");
    gone.0.body = Some(BodyReference { media_id: desk.ambient.new_id(), size: 5 });
    let Err(Failure::Reject(why)) = desk.route(&[gone]).await else { panic!("it was not rejected") };
    assert!(why.starts_with("its text is not there: expected it in the blob store as "), "{why}");
    let mut broken = desk.mail("ada@example.org", "broken@x");
    broken.0.body = Some(BodyReference { media_id: stored(&desk, b"{}").await, size: 2 });
    let Err(Failure::Reject(why)) = desk.route(&[broken]).await else { panic!("it was not rejected") };
    assert!(why.contains("cannot be read: missing field `text`"), "{why}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_text_of_another_tenant_is_not_there(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let other = Desk::add_tenant(&desk.pool, &desk.ambient, "other", "support@other.example").await;
    let mut connection = desk.pool.acquire().await.expect("a connection");
    let body = br#"{"text":"secret","reply":"secret","html":null}"#;
    let theirs = media::store(&mut connection, other, &desk.ambient, &[body]).await.expect("stored")[0];
    let mut mail = desk.mail("ada@example.org", "sly@x");
    mail.0.body = Some(BodyReference { media_id: theirs, size: body.len() as u64 });
    assert!(matches!(desk.route(&[mail]).await, Err(Failure::Reject(_))));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn the_ticket_says_which_attachments_were_not_kept_and_where_they_are(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let refused = RefusedAttachment {
        name: "holiday.mov".to_owned(),
        content_type: "video/quicktime".to_owned(),
        size: 48_000_000,
        reason: "attachments of more than 25 MB are not taken".to_owned(),
    };
    let mut mail = desk.mail("ada@example.org", "one@x");
    (mail.0.refused, mail.0.refused_more) = (vec![refused.clone()], 2);
    mail.0.raw = Some(stored(&desk, b"raw").await);
    let opened = desk.take(mail).await;
    let id: String = sqlx::query_scalar("select id::text from inbound_messages").fetch_one(&desk.pool).await.expect("an id");
    let expected = format!(
        "holiday.mov (48 MB) was not kept: attachments of more than 25 MB are not taken.\n2 more attachments were not kept.\n\
         The mail as it came is kept whole: `switchboard explain message {id} --raw` writes it out."
    );
    assert_eq!(opened.notice, Some(expected));
    // Beside another notice, and on a message to a ticket that is there.
    let mut stranger = desk.mail("eve@example.org", "two@x");
    stranger.0.references = vec!["one@x".to_owned()];
    stranger.0.refused = vec![refused];
    let notice = desk.take(stranger).await.notice.expect("a notice");
    let lines: Vec<&str> = notice.lines().collect();
    assert!(lines[0].starts_with("This mail points at another ticket") && lines[1].starts_with("holiday.mov (48 MB)"), "{notice}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_image_within_the_text_is_found_by_its_id_and_stored_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let image = stored(&desk, b"\x89PNG").await;
    assert_eq!(stored(&desk, b"\x89PNG").await, image, "the same bytes of the same tenant");
    for id in ["one@x", "two@x"] {
        let mut mail = desk.mail("ada@example.org", id);
        mail.0.html = Some("<p>see <img src=\"cid:lamp@x\"></p>".to_owned());
        mail.0.attachments = vec![InboundAttachment {
            media_id: image,
            name: "lamp.png".to_owned(),
            content_type: "image/png".to_owned(),
            size: 4,
            inline: true,
            content_id: Some("lamp@x".to_owned()),
        }];
        desk.take(mail).await;
    }
    // As a console resolves it.
    let found: Vec<Vec<u8>> = sqlx::query_scalar(
        "select d.data from messages m
         join attachments a on a.tenant_id = m.tenant_id and a.message_id = m.id
                           and a.content_id = substring(m.html from 'cid:([^\"]+)') and a.inline
         join media d on d.tenant_id = a.tenant_id and d.id = a.media_id",
    )
    .fetch_all(&desk.pool)
    .await
    .expect("images");
    assert_eq!(found, [b"\x89PNG", b"\x89PNG"]);
    let blobs: i64 = sqlx::query_scalar("select count(*) from media").fetch_one(&desk.pool).await.expect("a count");
    assert_eq!(blobs, 1);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_long_subject_is_cut_where_it_is_a_title_and_kept_with_its_message(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let subject = "é".repeat(300);
    desk.take(desk.mail("ada@example.org", "a1").subject(&subject)).await;
    let (title, kept): (String, String) =
        sqlx::query_as("select t.title, m.subject from tickets t, messages m").fetch_one(&desk.pool).await.expect("one");
    assert_eq!((title, kept), ("é".repeat(250), subject));
}
