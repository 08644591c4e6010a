//! What could not be processed, as its operator deals with it.

use crate::database::Database;
use switchboard_test_servers::rabbitmq::Shared;

use crate::desk::{Desk, mail};

const ADA: &str = "Ada Lovelace <ada@client.example>";
const HELP: &str = "help@acme.example";

#[tokio::test]
async fn a_parked_mail_dies_again_as_it_was_and_becomes_a_ticket_once_it_was_edited() {
    park_and_replay(&Desk::new(&[])).await;
}

#[tokio::test]
async fn a_mail_parked_by_rabbitmq_goes_back_to_rabbitmq() {
    let server = tokio::task::spawn_blocking(Shared::find).await.expect("a broker");
    // Its own queues: the server is shared, and each test is a process.
    let prefix = format!("dead.{}", std::process::id());
    park_and_replay(&Desk::new(&[("AMQP_URL", &server.url()), ("SWITCHBOARD_AMQP__PREFIX", &prefix)])).await;
}

async fn park_and_replay(desk: &Desk) {
    desk.start();
    desk.take("Subject: from nobody\r\nMessage-ID: <n1@client.example>\r\n\r\nHello?\r\n");
    desk.until("it is parked", "select exists (select from dead_letters)").await;
    let id: String = desk.ask("select id::text from dead_letters").await;

    desk.succeed(&["dead", "replay", &id]);
    desk.until("it died again", "select exists (select from dead_letters) and exists (select from settled_letters)").await;
    assert!(desk.succeed(&["dead", "list"]).contains("(died 2 times) it names no sender"));

    let payload = desk.succeed(&["dead", "show", &id[..], "--payload"]);
    let edited = payload.replace("\"from\":null", "\"from\":{\"name\":null,\"email\":\"nobody@client.example\"}");
    assert_ne!(edited, payload);
    let file = desk.data().join("edited.json");
    std::fs::write(&file, edited).expect("written");
    desk.succeed(&["dead", "replay", &id, "--payload", file.to_str().expect("UTF-8")]);
    desk.until("it is a ticket", "select exists (select from tickets)").await;
    assert!(desk.succeed(&["ticket", "show", "1"]).contains("<nobody@client.example>"));
    assert_eq!(desk.succeed(&["dead", "list"]), "no dead letters\n");
}

#[tokio::test]
async fn an_event_that_died_is_planned_when_it_is_replayed_also_after_a_restart() {
    let desk = Desk::new(&[]);
    desk.start();
    desk.take(&mail(ADA, HELP, "Hello", "a1@client.example", &[], "One."));
    desk.settled().await;
    let told = desk.sent_to("bo@acme.example").await.len();
    let event = "jsonb_build_object('id', gen, 'tenant_id', tenant_id, 'kind', 'ticket.assigned', 'ticket_id', id, 'version', 1, 'message_id', null,
        'delivery_id', null, 'assigned', (select jsonb_agg(u.id) from users u where u.handle = 'bo'), 'actor', '{\"kind\": \"system\"}'::jsonb,
        'occurred_at', '2026-03-02T09:00:00Z')";
    let id: String = desk
        .ask(&format!(
            "insert into dead_letters (id, queue, payload, headers, reason, died_at)
             select gen, 'events', convert_to(jsonb_build_object('kind', 'event', 'version', 1, 'id', gen, 'body', {event})::text, 'UTF8'), '{{}}', 'it panicked', now()
             from tickets, gen_random_uuid() gen returning id::text"
        ))
        .await;
    desk.stop();
    // The embedded server is started for as long as it takes.
    let replayed = desk.succeed(&["dead", "replay", &id[..13]]);
    assert!(replayed.ends_with("1 replayed\n"), "{replayed}");
    desk.start();
    desk.until("it is planned", &format!("select exists (select from event_plans where event_id = '{id}')")).await;
    desk.settled().await;
    assert_eq!(desk.sent_to("bo@acme.example").await.len(), told + 1, "Bo is told of it");
    assert_eq!(desk.ask::<i64>("select count(*) from dead_letters").await, 0);
}
