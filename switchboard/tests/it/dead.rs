use std::process::Output;

use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

use crate::world::{World, fail, feed, on_database, said, succeed};

/// The program on a database that holds `conversation.sql` and dead letters.
struct Desk {
    world: World,
    options: PgConnectOptions,
    pool: PgPool,
}

impl Desk {
    async fn new(pool: PgPoolOptions, options: PgConnectOptions) -> Self {
        let pool = pool.connect_with(options.clone()).await.expect("connected");
        sqlx::raw_sql(include_str!("conversation.sql")).execute(&pool).await.expect("filled");
        Self { world: World::new(), options, pool }
    }

    /// A letter that died in the given hour of a day long ago.
    async fn bury(&self, id: u128, queue: &str, payload: &[u8], reason: &str, hour: u32) {
        sqlx::query("insert into dead_letters (id, queue, payload, headers, reason, died_at, tenant_id) values ($1, $2, $3, '{\"traceparent\": \"00-1\"}', $4, $5, $6)")
            .bind(Uuid::from_u128(id))
            .bind(queue)
            .bind(payload)
            .bind(reason)
            .bind(format!("2026-03-02T{hour:02}:00:00Z").parse::<chrono::DateTime<chrono::Utc>>().expect("a time"))
            .bind((queue == "events").then(|| Uuid::from_u128(1)))
            .execute(&self.pool)
            .await
            .expect("buried");
    }

    fn run(&self, arguments: &[&str]) -> String {
        succeed(on_database(self.world.folder.path(), &self.options, &[&["dead"], arguments].concat()))
    }

    fn refused(&self, arguments: &[&str]) -> String {
        fail(on_database(self.world.folder.path(), &self.options, &[&["dead"], arguments].concat()))
    }

    fn fed(&self, arguments: &[&str], text: &str) -> Output {
        feed(on_database(self.world.folder.path(), &self.options, &[&["dead"], arguments].concat()), text)
    }

    /// One value of the database, as text.
    async fn ask(&self, question: &str) -> String {
        let question = format!("select ({question})::text");
        sqlx::query_scalar::<_, Option<String>>(sqlx::AssertSqlSafe(question))
            .fetch_one(&self.pool)
            .await
            .expect("asked")
            .unwrap_or_default()
    }

    async fn left(&self) -> String {
        self.ask("select string_agg(ltrim(replace(id::text, '-', ''), '0'), ' ' order by id) from dead_letters").await
    }
}

/// The id as it is printed.
fn id(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

/// An envelope with a mail that can be read.
fn mail(n: u128) -> Value {
    json!({ "kind": "inbound_message", "version": 1, "id": id(n), "body": {
        "tenant_id": id(1), "account_id": id(0x26), "channel": "email", "external_id": "x", "from": null, "recipients": [], "subject": "Hello",
        "message_id": null, "references": [], "text": "", "reply": "", "safe_html": null, "trust": "unverified", "automatic": null, "sent_at": null,
        "received_at": "2026-03-02T09:00:00Z", "raw": null, "attachments": [], "flags": [] } })
}

/// An envelope with an event of a ticket.
fn event(n: u128, ticket: u128) -> Value {
    json!({ "kind": "event", "version": 1, "id": id(n), "body": {
        "id": id(n), "tenant_id": id(1), "kind": "ticket.closed", "ticket_id": id(ticket), "version": 2, "message_id": null, "delivery_id": null,
        "actor": { "kind": "system" }, "occurred_at": "2026-03-02T09:00:00Z" } })
}

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn dead_letters_are_listed_filtered_and_counted_by_cause(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    assert_eq!(desk.run(&["list"]), "no dead letters\n");
    assert_eq!(desk.run(&["list", "--by", "reason"]), "no dead letters\n");
    for n in 1..=3 {
        desk.bury(0xa0 + n, "inbound", b"x", &format!("there is no tenant {}", id(n)), u32::try_from(n).expect("small")).await;
    }
    desk.bury(0xb1, "inbound", b"x", "It names no sender", 4).await;
    desk.bury(0xc1, "events", b"x", "expected event version 1, found event version 9", 5).await;
    insta::assert_snapshot!("dead_letters", desk.run(&["list"]));
    insta::assert_snapshot!("dead_letters_by_cause", desk.run(&["list", "--by", "reason"]));
    insta::assert_snapshot!("dead_letters_by_queue", desk.run(&["list", "--by", "queue"]));

    let listed = |filter: &[&str]| -> Vec<String> {
        let lines: Value = serde_json::from_str(&desk.run(&[&["list", "--json"], filter].concat())).expect("JSON");
        let ids = lines.as_array().expect("a list").iter().map(|line| line["id"].as_str().expect("an id")[34..].to_owned());
        ids.collect()
    };
    assert_eq!(listed(&[]), ["c1", "b1", "a3", "a2", "a1"]);
    assert_eq!(listed(&["--queue", "events"]), ["c1"]);
    assert_eq!(listed(&["--reason", "names NO"]), ["b1"]);
    assert_eq!(listed(&["--since", "2026-03-02T02:00:00Z", "--until", "2026-03-02T04:00:00Z"]), ["a3", "a2"]);
    assert_eq!(listed(&["--since", "1d"]), Vec::<String>::new());
    assert_eq!(listed(&["--tenant", "acme", "--until", "1m"]), ["c1"]);
    assert_eq!(listed(&["--limit", "2"]), ["c1", "b1"]);
    assert!(desk.run(&["list", "--limit", "2"]).contains("2 of 5; --limit shows more"));
    assert!(desk.refused(&["list", "--tenant", "acne"]).contains("there is no tenant acne; there are: acme"));
    let counted: Value = serde_json::from_str(&desk.run(&["list", "--by", "reason", "--json"])).expect("JSON");
    assert_eq!((&counted[0]["count"], &counted[0]["reason"]), (&json!(3), &json!("there is no tenant …")));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_dead_letter_is_shown_whatever_is_in_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    desk.bury(0xa1, "inbound", &bytes(&mail(0xa1)), "it names no sender", 1).await;
    desk.bury(0xa2, "inbound", b"\xff\x1b[2J\0", "not readable", 2).await;
    let shown = desk.run(&["show", &id(0xa1)]);
    assert!(
        shown.contains("can be read  yes") && shown.contains("traceparent: 00-1") && shown.contains("\"subject\": \"Hello\""),
        "{shown}"
    );
    let shown = desk.run(&["show", &id(0xa2)]);
    assert!(shown.contains("not a readable inbound_message envelope") && shown.contains("ff 1b 5b 32 4a 00"), "{shown}");
    let output = on_database(desk.world.folder.path(), &desk.options, &["dead", "show", &id(0xa2), "--payload"]).output().expect("it runs");
    assert_eq!(output.stdout, b"\xff\x1b[2J\0");
    let json: Value = serde_json::from_str(&desk.run(&["show", &id(0xa2), "--json"])).expect("JSON");
    assert_eq!((&json["payload_base64"], &json["headers"]["traceparent"]), (&json!("/xtbMkoA"), &json!("00-1")));
    let json: Value = serde_json::from_str(&desk.run(&["show", &id(0xa1), "--json"])).expect("JSON");
    assert_eq!(json["envelope"], mail(0xa1));

    assert!(desk.refused(&["show", "0000"]).contains("several dead letters begin with 0000"));
    assert!(desk.refused(&["show", "ffff"]).contains("there is no dead letter ffff"));
    assert!(desk.refused(&["show", "lamp"]).contains("\"lamp\" is no id"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_came_in_is_published_again_and_only_then_removed(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    desk.bury(0xa1, "inbound", &bytes(&mail(0xa1)), "it names no sender", 1).await;
    desk.bury(0xa2, "inbound.backlog", b"not JSON", "not readable", 2).await;
    desk.bury(0xa3, "letterbox", b"x", "not given", 3).await;
    let dry = desk.run(&["replay", "--queue", "inbound", "--dry-run"]);
    assert_eq!(dry, format!("would replay {} to inbound; it died of: it names no sender\n1 would be replayed\n", id(0xa1)));
    assert_eq!((desk.left().await, desk.ask("select count(*) from broker.messages").await), ("a1 a2 a3".to_owned(), "0".to_owned()));

    sqlx::raw_sql("alter table broker.messages rename to gone").execute(&desk.pool).await.expect("broken");
    let broken = desk.refused(&["replay", &id(0xa1)]);
    assert!(broken.contains("0 of 1 replayed; the others are still there: the broker could not publish"), "{broken}");
    assert_eq!(desk.left().await, "a1 a2 a3");
    sqlx::raw_sql("alter table broker.gone rename to messages").execute(&desk.pool).await.expect("mended");

    let partly = desk.refused(&["replay", "--all"]);
    assert!(partly.contains("2 of 3 replayed; not these:"), "{partly}");
    assert!(
        partly.contains(&format!("{}: it came from the queue \"letterbox\"", id(0xa3))) && partly.contains("inbound.backlog"),
        "{partly}"
    );
    assert_eq!(desk.left().await, "a3");
    let published = "select string_agg(queue || ' ' || right(id::text, 2) || ' ' || (headers ->> 'traceparent') || ' ' || length(payload), ', ' order by queue) from broker.messages";
    assert_eq!(desk.ask(published).await, format!("inbound a1 00-1 {}, inbound.backlog a2 00-1 8", bytes(&mail(0xa1)).len()));

    let gone = desk.refused(&["replay", &id(0xa1), "ffff"]);
    assert!(
        gone.contains(&format!("there is no dead letter {0}: {0} was replayed ", id(0xa1))) && gone.contains("no dead letter ffff"),
        "{gone}"
    );
    desk.bury(0xa1, "inbound", &bytes(&mail(0xa1)), "it names no sender", 9).await;
    let again = desk.run(&["list", "--queue", "inbound"]);
    assert!(again.contains("(died 2 times) it names no sender"), "{again}");
    let shown = desk.run(&["show", &id(0xa1)]);
    assert!(
        shown.contains("2026-03-02 09:00:00 UTC, the first of 2 times 2026-03-02 01:00:00 UTC") && shown.contains("replayed by "),
        "{shown}"
    );
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_that_was_set_aside_is_not_replayed_and_it_is_said_what_to_do(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    desk.bury(0xb1, "mailbox", b"{}", "it is too large", 1).await;
    let refused = desk.refused(&["replay", &id(0xb1)]);
    assert!(refused.contains("lies in its mailbox") && refused.contains("switchboard pipe"), "{refused}");
    assert_eq!(desk.left().await, "b1");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_dead_event_goes_back_to_the_outbox_where_later_mail_waits_for_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    let ticket = 0x41;
    desk.bury(0xe1, "events", &bytes(&event(0xe1, ticket)), "it panicked", 1).await;
    desk.bury(0xe2, "events", &bytes(&event(0xe2, 0x99)), "there is no such ticket", 2).await;
    let replayed = desk.run(&["replay", "--tenant", "acme"]);
    assert!(replayed.contains(&format!("replayed {} to events, by the outbox", id(0xe1))), "{replayed}");
    assert_eq!(desk.left().await, "");
    let outbox = "select string_agg(right(id::text, 2) || ' ' || right(ticket_id::text, 2) || ' ' || version || ' ' || (publish_at <= now() + interval '1 second'), ', ') from outbox where version = 2";
    assert_eq!(desk.ask(outbox).await, "e1 41 2 true");
    assert_eq!(desk.ask("select string_agg(queue || ' ' || right(id::text, 2), ', ') from broker.messages").await, "events e2");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_edited_payload_takes_the_place_of_the_old_one_if_it_can_be_read(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    desk.bury(0xa1, "inbound", b"broken", "not readable", 1).await;
    desk.bury(0xa2, "inbound", b"broken", "not readable", 1).await;
    desk.bury(0xe1, "events", b"broken", "not readable", 1).await;
    let replay = |which: &[&str], text: &str| {
        let file = desk.world.write("payload.json", text);
        on_database(desk.world.folder.path(), &desk.options, &[&["dead", "replay", "--payload", &file], which].concat())
    };
    let mut no_subject = mail(0xa1);
    no_subject["body"].as_object_mut().expect("a body").remove("subject");
    let mut other_event = event(0xe1, 0x41);
    other_event["body"]["id"] = json!(id(0xe2));
    for (which, text, expected) in [
        (0xa1, "broken".to_owned(), "not a readable inbound_message envelope: expected value at line 1"),
        (0xa1, no_subject.to_string(), "missing field `subject`"),
        (0xa1, event(0xa1, 0x41).to_string(), "expected inbound_message version 1, found event version 1"),
        (0xa1, mail(0xa2).to_string(), "expected the same"),
        (0xe1, other_event.to_string(), "expected the same"),
    ] {
        let why = fail(replay(&[&id(which)], &text));
        assert!(why.contains(expected) && why.contains("payload.json cannot be replayed to"), "{why}");
    }
    assert!(fail(replay(&["--all"], &mail(0xa1).to_string())).contains("--payload is for one dead letter, not for 3"));
    assert_eq!(desk.left().await, "a1 a2 e1");

    let dry = succeed(replay(&[&id(0xa1), "--dry-run"], &mail(0xa1).to_string()));
    assert!(dry.starts_with(&format!("would replay {} with another payload to inbound", id(0xa1))), "{dry}");
    succeed(replay(&[&id(0xa1)], &mail(0xa1).to_string()));
    assert_eq!(desk.left().await, "a2 e1");
    assert_eq!(desk.ask("select convert_from(payload, 'UTF8') from broker.messages").await, mail(0xa1).to_string());
    assert_eq!(desk.ask("select how from settled_letters").await, "edited");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_is_dropped_is_named_and_stays_on_record(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    for n in 1..=5 {
        desk.bury(0xa0 + n, "inbound", b"x", "it names no sender", 1).await;
    }
    let unsure = desk.refused(&["drop", "--all"]);
    assert!(unsure.contains("takes --yes"), "{unsure}");
    let dry = desk.run(&["drop", "--reason", "sender", "--dry-run"]);
    assert!(
        dry.contains(&format!("would drop {} from inbound: it names no sender\n", id(0xa5))) && dry.ends_with("5 would be dropped\n"),
        "{dry}"
    );
    let ambiguous = desk.refused(&["drop", &id(0xa1), "0000"]);
    assert!(ambiguous.contains("several dead letters begin with 0000"), "{ambiguous}");
    assert_eq!(desk.left().await, "a1 a2 a3 a4 a5");

    let output = desk.fed(&["drop", &id(0xa5), "-"], &format!("{}\n{}\n{}\n", id(0xa1), id(0xff), id(0xa2)));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&format!("3 of 4 dropped; not these:\n  there is no dead letter {}", id(0xff))), "{}", said(&output));
    assert!(said(&output).contains(&format!("A dead letter was dropped letter.id={}", id(0xa1))), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains(&format!("dropped {} from inbound", id(0xa2))));
    assert_eq!(desk.left().await, "a3 a4");

    assert!(desk.run(&["drop", "--until", "1h", "--yes"]).ends_with("2 dropped\n"));
    assert_eq!(desk.run(&["drop", "--all", "--yes"]), "there are no such dead letters; nothing dropped\n");
    assert_eq!(desk.ask("select count(*) from settled_letters where how = 'dropped' and reason = 'it names no sender'").await, "5");
    assert!(desk.refused(&["show", &id(0xa3)]).contains("was dropped "));
}
