//! Accounts that send in their own way, by their settings as the database has them at that moment.

use std::io::Write;
use std::sync::Arc;

use sqlx::PgPool;
use standardwebhooks::Webhook;
use switchboard_common::db::senders;
use switchboard_common::domain::sender::{OAuth, Platform, Sender};
use switchboard_common::ids::AccountId;
use switchboard_notifier::Transport;
use switchboard_notifier::channels::Channels;
use switchboard_notifier::deliver::Deliverer;
use switchboard_test_servers::platforms::mail::{MailServer, USER};
use switchboard_test_servers::platforms::oauth::{self, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN};
use switchboard_test_servers::platforms::webhook;

use crate::desk::{ADA, BOB, DESK, Desk, GRACE, LEASE, recipients, to};

const SALES: &str = "sales@desk.example";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn account(desk: &Desk, channel: &str, address: &str) -> AccountId {
    let id: AccountId = desk.ambient.new_id();
    let sql = "insert into channel_accounts (tenant_id, id, name, channel, address) values ($1, $2, 'other', $3, $4)";
    desk.sql(sql, &[&desk.tenant.0, &id.0], &[channel, address]).await;
    id
}

async fn put(desk: &Desk, account: AccountId, platform: Option<Platform>) {
    let sender = platform.map(|platform| Sender { platform, rate: None, when_unsure: None });
    senders::put(&mut *desk.connection().await, desk.tenant, account, sender.as_ref()).await.expect("written");
}

/// Ada writes to an account, and Grace answers for it.
async fn written_to(desk: &Desk, account: AccountId) {
    let mut ticket = desk
        .ticket(|state| {
            state.assignees = vec![desk.grace];
            state.account_id = account;
        })
        .await;
    let id = format!("a{}@example.org", ticket.state.number);
    let event = desk.say(&mut ticket, desk.by_ada(&id, "It burns.")).await;
    desk.plan(&[event]).await;
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn each_account_sends_by_its_own_settings_as_they_are_and_one_without_its_secret_waits_alone(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (server, endpoint) = (MailServer::start().await, oauth::start().await);
    server.room().token = "ya29.token-1".to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let secret = |name: &str| folder.path().join(name);
    let write = |name: &str, what: &str| {
        std::fs::File::create(secret(name)).and_then(|mut file| file.write_all(what.as_bytes())).expect("written");
    };
    let reference = |name: &str| format!("file:{}", secret(name).display());
    let smtp = Platform::Smtp {
        host: "127.0.0.1".to_owned(),
        port: server.port(),
        tls: "none".to_owned(),
        user: Some(USER.to_owned()),
        password: None,
        oauth: Some(OAuth {
            token_url: format!("{}/token", endpoint.url()),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Some(reference("client")),
            refresh_token: reference("refresh"),
            scope: None,
        }),
    };
    write("client", CLIENT_SECRET);
    put(&desk, desk.account, Some(smtp)).await;
    let sales = account(&desk, "email", SALES).await;
    written_to(&desk, desk.account).await;
    written_to(&desk, sales).await;

    let (mail, memory) = Transport::memory();
    let channels = Arc::new(Channels::new(mail, desk.ambient.clone()));
    let process = Deliverer::by(desk.pool.clone(), desk.ambient.clone(), channels, LEASE, None);
    let drain = async || process.drain().await.expect("the database is there");
    drain().await;
    let sent = memory.sent();
    assert_eq!(recipients(&sent), [ADA, GRACE], "the account without a sender goes by the mail server for all");
    assert!(to(&sent, ADA)[0].header_raw("From").expect("a sender").contains(SALES));
    assert_eq!((server.room().shown.len(), endpoint.calls().len()), (0, 0), "there is nothing to sign in with");
    let waits =
        "select count(*) from deliveries where status = 'queued' and waits_for like 'the channel: a secret%' and excused = attempts";
    assert_eq!(desk.count(waits).await, 2);
    // Who is told why sees no secret.
    assert_eq!(desk.count("select count(*) from delivery_attempts where answer like '%refresh cannot be read%'").await, 2);

    // The secret comes, and nobody starts anything anew.
    write("refresh", REFRESH_TOKEN);
    for _ in 0..3 {
        desk.later(330);
        drain().await;
    }
    assert_eq!(server.room().taken, 2);
    assert_eq!(server.room().shown, ["ya29.token-1"], "one connection for both, signed in by a token");
    assert_eq!(desk.count("select count(*) from deliveries where status <> 'sent'").await, 0);

    // The account is changed while it is in use.
    put(&desk, desk.account, None).await;
    written_to(&desk, desk.account).await;
    drain().await;
    assert_eq!((memory.sent().len(), server.room().taken), (4, 2), "by the mail server for all from now on");
    assert!(to(&memory.sent(), ADA)[1].header_raw("From").expect("a sender").contains(DESK));
    // It leaves the desk while mail waits for it.
    written_to(&desk, sales).await;
    desk.sql("update channel_accounts set disabled_at = now() where tenant_id = $1 and id = $2", &[&desk.tenant.0, &sales.0], &[]).await;
    drain().await;
    assert_eq!(memory.sent().len(), 4);
    let said = "select count(*) from delivery_attempts where outcome = 'refused_for_good' and answer = 'not sent: the account is disabled'";
    assert_eq!(desk.count(said).await, 2);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_webhook_comes_signed_once_under_one_id_and_by_the_secret_of_the_moment(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let receiver = webhook::start().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().write_all(SECRET.as_bytes()).expect("written");
    let pager = account(&desk, "webhook", "pager").await;
    let platform = |allow_private| Platform::Webhook { secret: format!("file:{}", file.path().display()), allow_private };
    put(&desk, pager, Some(platform(false))).await;
    let url = format!("{}/hook", receiver.url());
    let contact = "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, gen_random_uuid(), $2, 'webhook', $3, now())";
    desk.sql(contact, &[&desk.tenant.0, &desk.bob.0], &[&url]).await;
    let chosen = "insert into preferences (tenant_id, id, layer, user_id, data) values ($1, gen_random_uuid(), 'user', $2, $3::jsonb)";
    desk.sql(chosen, &[&desk.tenant.0, &desk.bob.0], &[r#"{"channels": ["webhook"]}"#]).await;
    let channels = Arc::new(Channels::new(Transport::memory().0, desk.ambient.clone()));
    let process = Deliverer::by(desk.pool.clone(), desk.ambient.clone(), channels, LEASE, None);
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.bob]).await;
    let mut tell = async |id: &str| {
        let event = desk.say(&mut ticket, desk.by_ada(id, "It burns.")).await;
        desk.plan(&[event]).await;
        process.drain().await.expect("the database is there");
    };
    tell("a1@example.org").await;
    assert_eq!(receiver.calls().len(), 0, "not into one's own network");
    assert_eq!(desk.statuses(&url).await, ["failed"]);
    assert_eq!(desk.statuses(BOB).await, ["sent"], "he is told by mail instead");

    put(&desk, pager, Some(platform(true))).await;
    tell("a2@example.org").await;
    let call = receiver.state().taken[0].clone();
    let id: String = sqlx::query_scalar("select id::text from deliveries where address = $1 and status = 'sent'")
        .bind(&url)
        .fetch_one(&desk.pool)
        .await
        .expect("a delivery");
    assert_eq!(call.header("webhook-id"), id);
    let signed = Webhook::new(SECRET).expect("a secret").sign(&id, desk.ambient.now().timestamp(), &call.body).expect("signed");
    assert_eq!(call.header("webhook-signature"), signed);
    let body: serde_json::Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(body["type"], "message.added");

    // What may have been taken comes again, under the same id.
    receiver.lose_answer_to_next("/hook");
    tell("a3@example.org").await;
    desk.later(10);
    process.drain().await.expect("the database is there");
    let ids: Vec<String> = receiver.calls().iter().map(|call| call.header("webhook-id").to_owned()).collect();
    assert_eq!((ids.len(), ids[1] == ids[2]), (3, true), "{ids:?}");
}
