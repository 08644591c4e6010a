//! What an operator sees of what people are told, and decides about it.

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::database::Database;

/// The id that the tables of `conversation.sql` call this.
fn id(number: u32) -> String {
    format!("00000000-0000-0000-0000-{number:012}")
}

async fn desk(pool: PgPoolOptions, options: PgConnectOptions) -> Database {
    let desk = Database::with_conversation(pool, options).await;
    sqlx::raw_sql(include_str!("telling.sql")).execute(&desk.pool).await.expect("filled");
    desk
}

impl Database {
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.show(arguments)).expect("JSON")
    }
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn whatever_waits_says_why_and_until_when(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    let list = desk.show(&["deliveries"]);
    insta::assert_snapshot!(list);
    assert_eq!(desk.show(&["deliveries", "--waiting", "--tenant", "acme"]), list);

    let shown = |arguments: &[&str]| {
        let list = desk.json(&[&["deliveries", "--json"], arguments].concat());
        let ids = |what: &str| -> Vec<u32> {
            list[what]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| one["id"].as_str().expect("an id")[24..].parse().expect("short"))
                .collect()
        };
        (ids("deliveries"), ids("digests"))
    };
    assert_eq!(shown(&[]), (vec![88, 902, 87, 913, 903], vec![920]), "in the order in which they are due");
    assert_eq!(shown(&["--held"]), (vec![902], vec![]));
    assert_eq!(shown(&["--channel", "slack"]), (vec![903], vec![]));
    assert_eq!(shown(&["--ticket", "1"]).1, [920]);
    assert_eq!(shown(&["--ticket", "#2"]), (vec![], vec![]));
    assert_eq!(shown(&["--all"]).0, [913, 902, 903, 88, 87, 85, 86, 901, 922], "the latest first");
    assert_eq!(shown(&["--all", "--ticket", "1", "--channel", "email"]).0, [913, 88, 87, 85, 86, 922], "a digest is about its tickets");
    assert!(desk.show(&["deliveries", "--limit", "2"]).contains("\n2 of 5; --limit shows more\n"));
    assert_eq!(desk.show(&["deliveries", "--ticket", "2"]), "nothing waits to be sent\n");
    let slack = &desk.json(&["deliveries", "--channel", "slack", "--json"])["deliveries"][0];
    assert_eq!(slack["waits"][0], json!({ "why": "quiet hours of cleo", "until": "2999-01-02T07:00:00Z" }));
    assert!(desk.refused(&["deliveries", "--tenant", "acne"]).contains("there is no tenant acne; there are: acme"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_is_held_is_decided_by_a_person_and_nothing_else_is(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    insta::assert_snapshot!("a_held_delivery", desk.show(&["deliveries", "show", &id(902)]));
    insta::assert_snapshot!("a_digest_that_was_sent", desk.show(&["deliveries", "show", &id(921)]));
    let shown = desk.json(&["deliveries", "show", &id(902), "--json"]);
    assert_eq!((&shown["tries"][0]["answer"], &shown["account"]), (&json!("the connection broke"), &json!("texts")));
    assert!(desk.refused(&["deliveries", "show", "0000"]).contains("several deliveries begin with 0000:"));
    assert!(desk.refused(&["deliveries", "drop", "ffff"]).contains("there is no delivery ffff: see `switchboard deliveries --all`"));
    for (number, why) in
        [(85, "it was taken (sent 2026"), (87, "it is tried again by itself (waits"), (86, "it failed, which has been told")]
    {
        for verb in ["resend", "drop"] {
            let said = desk.refused(&["deliveries", verb, &id(number)]);
            assert!(said.contains(why) && said.contains("only what is held is decided by a person"), "{said}");
        }
    }
    let states = async |sql: &str| sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(sql)).fetch_all(&desk.pool).await.expect("rows");
    let all = "select id || ' ' || status from deliveries order by id";
    let before = states(all).await;

    let said = desk.show(&["deliveries", "resend", &id(902)]);
    assert_eq!(said, format!("{} is sent again to Ada Lovelace by sms: should the first have arrived, it arrives twice\n", id(902)));
    let due =
        "select (next_attempt_at > now() - interval '1 minute' and next_attempt_at <= now())::text from deliveries where id = id(902)";
    assert_eq!(states(due).await, ["true"]);
    assert!(desk.refused(&["deliveries", "resend", &id(902)]).contains("it is tried again by itself"));

    sqlx::raw_sql("update deliveries set status = 'held' where id in (id(902), id(922), id(903))").execute(&desk.pool).await.expect("held");
    let events = "select payload ->> 'kind' || ' ' || (payload ->> 'message_id') || ' ' || (payload ->> 'delivery_id') from outbox where version = 3 and payload ->> 'kind' = 'delivery.failed'";
    for number in [903, 922] {
        assert!(!desk.show(&["deliveries", "drop", &id(number)]).contains("the author"), "nobody's answer: {number}");
    }
    assert_eq!(states(events).await, [""; 0]);
    assert!(desk.show(&["deliveries", "drop", &id(902)]).ends_with("is given up; the author of the answer is told\n"));
    assert_eq!(states(events).await, [format!("delivery.failed {} {}", id(62), id(902))]);
    let notice = "select notice from notifications where id = id(83)";
    assert_eq!(states(notice).await, ["It is not known whether the message by sms was taken, and an operator gave it up."]);
    let after: Vec<String> = before
        .into_iter()
        .map(|line| {
            if line.contains("00903") || line.contains("00922") || line.contains("00902") { line[..37].to_owned() + "failed" } else { line }
        })
        .collect();
    assert_eq!(states(all).await, after, "and nothing else");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_notification_says_why_how_and_what_became_of_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    let page = desk.show(&["explain", "notification", &id(81)]);
    insta::assert_snapshot!("a_notification_by_several_ways", page);
    assert_eq!(desk.show(&["explain", "notification", &id(901)]), page, "by a delivery's id");
    insta::assert_snapshot!("a_notification_that_is_collected", desk.show(&["explain", "notification", &id(912)]));
    let shown = desk.json(&["explain", "notification", &id(81), "--json"]);
    assert_eq!(shown["alternatives"][1], json!({ "method": "email", "address": "bo@home.example" }));
    assert_eq!(shown["deliveries"][0]["tries"][0]["answer"], "channel_not_found");
    assert_eq!(shown["decision"]["why"], "assigned");
    assert!(desk.refused(&["explain", "notification", "0000"]).contains("several notifications begin with 0000:"));
    assert!(
        desk.refused(&["explain", "notification", &id(922)])
            .contains("tells a digest of several notifications: `switchboard deliveries show")
    );
    assert!(desk.refused(&["explain", "notification", "beef"]).contains("there is no notification or delivery beef"));
    let (_, told) =
        desk.show(&["ticket", "show", "1"]).split_once("Who was told\n").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a part");
    insta::assert_snapshot!("who_was_told_of_a_ticket", told);
    let message = desk.show(&["explain", "message", "lamp@client.example"]);
    assert!(
        message.contains("slack: failed after 1 try: channel_not_found") && message.contains("sent with others 2026-03-02 08:00:02 UTC"),
        "{message}"
    );
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_address_is_suppressed_and_taken_back_by_command_and_by_link(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    assert_eq!(desk.show(&["suppressions", "list"]), "no suppressed addresses\n");
    assert_eq!(
        desk.show(&["suppressions", "add", "sms:+1 555-0100", "--reason", "complaint", "--evidence", "called us"]),
        "sms:+15550100: nothing is sent there any more (complaint)\n"
    );
    assert_eq!(
        desk.show(&["suppressions", "add", "sms:+15550100", "--reason", "complaint"]),
        "sms:+15550100 is suppressed for that reason already; nothing to do\n"
    );
    desk.show(&["suppressions", "add", "sms:+15550100", "--reason", "stop"]);
    assert_eq!(
        desk.show(&["suppressions", "add", "email:Ada@Client.example", "--optional"]),
        "email:ada@client.example: nothing optional is sent there any more (operator)\n"
    );
    let list = desk.show(&["suppressions", "list", "sms:+15550100", "--reason", "complaint"]);
    assert!(list.starts_with("sms:+15550100  nothing is sent: complaint since 20") && list.ends_with("\n  called us\n"), "{list}");
    let all = desk.json(&["suppressions", "list", "--json"]);
    assert_eq!((all.as_array().map(Vec::len), &all[0]["scope"], &all[0]["tenant"]), (Some(3), &json!("optional"), &json!("acme")));
    assert!(desk.show(&["suppressions", "list", "--limit", "1"]).ends_with("1 of 3; --limit shows more\n"));
    let lifted = desk.show(&["suppressions", "remove", "sms:+15550100", "--reason", "stop"]);
    assert!(lifted.contains("lifted stop since") && lifted.contains("until START comes from that number"), "{lifted}");
    assert!(lifted.ends_with("everything is still not sent there (complaint)\n"), "{lifted}");
    let none = desk.refused(&["suppressions", "remove", "sms:+15550100", "--reason", "bounce"]);
    assert!(none.contains("sms:+15550100 is not suppressed for the reason bounce"), "{none}");
    desk.show(&["suppressions", "remove", "sms:+15550100"]);

    // The link of a mail.
    sqlx::raw_sql("insert into signing_keys (tenant_id, id, secret) values (id(1), 0, decode(repeat('07', 32), 'hex'))")
        .execute(&desk.pool)
        .await
        .expect("a key");
    let tenant = switchboard_common::ids::TenantId(id(1).parse().expect("an id"));
    let keys = |byte: u8| switchboard_common::reply_token::SigningKeys::new(tenant, vec![(0, vec![byte; 32].into())]);
    let wish = switchboard_common::unsubscribe::Wish {
        reader: switchboard_common::db::reply_addresses::ReplyRecipient::User(id(11).parse::<uuid::Uuid>().expect("an id").into()),
        method: switchboard_common::domain::method::Method::Email,
        address: "bo@acme.example".to_owned(),
        scope: switchboard_common::domain::suppression::Scope::Optional,
    };
    let token = switchboard_common::unsubscribe::token(&keys(7), &wish).expect("signed");
    let link = switchboard_common::unsubscribe::link("https://desk.example.org", &token);
    let said = desk.show(&["unsubscribe", &link]);
    assert!(said.contains("is sent to email:bo@acme.example by acme any more\n"), "{said}");
    assert!(desk.show(&["unsubscribe", &token]).ends_with("any more; that was so already\n"));
    let list = desk.json(&["suppressions", "list", "email:bo@acme.example", "--json"]);
    assert_eq!(
        (&list[0]["scope"], &list[0]["reason"], list.as_array().map(Vec::len)),
        (&json!("optional"), &json!("unsubscribed"), Some(1))
    );
    assert_eq!(list[0]["evidence"], format!("followed the link of user {}", id(11)));
    let forged = switchboard_common::unsubscribe::token(&keys(8), &wish).expect("signed");
    for (wrong, why) in
        [(forged.as_str(), "was not made here"), (&token[..81], "was not made here"), ("nonsense", "this is no link to unsubscribe")]
    {
        assert!(desk.refused(&["unsubscribe", wrong]).contains(why), "{wrong}");
    }
    assert_eq!(desk.json(&["suppressions", "list", "--json"]).as_array().map(Vec::len), Some(2), "Ada's and Bo's");
}

fn recipient<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["explain", "recipient"], more, &["--ticket", "1"]].concat()
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_person_is_told_where_and_when_or_not_and_which_layer_decides(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    // 12:00 in Berlin, and 23:00 there.
    let (noon, night) = ("2026-03-03T11:00:00Z", "2026-03-03T22:00:00Z");
    insta::assert_snapshot!("told_at_once", desk.show(&recipient(&["bo", "--event", "message.added", "--at", noon])));
    let collected = desk.show(&recipient(&["@bo", "--event", "message.added", "--at", night]));
    assert!(collected.contains("collected in the digest by email to bo@acme.example until 2026-03-04 07:00:00 UTC"), "{collected}");
    assert!(
        collected.contains("quiet_hours    19:00–08:00  own\n") && collected.contains("timezone       Europe/Berlin  tenant\n"),
        "{collected}"
    );
    let shown = desk.json(&recipient(&["bo", "--event", "message.added", "--at", night, "--json"]));
    assert_eq!((&shown["would"]["until"], &shown["would"]["layer"]), (&json!("2026-03-04T07:00:00Z"), &json!("own")));
    let not = desk.show(&recipient(&["cleo", "--event", "ticket.closed", "--at", noon]));
    assert!(not.contains("not told: ") && not.contains("(tenant)"), "{not}");
    let not = desk.json(&recipient(&["cleo", "--event", "ticket.closed", "--at", noon, "--json"]));
    assert_eq!((&not["would"]["told"], &not["would"]["layer"], &not["was"]), (&json!(false), &json!("tenant"), &json!([])));
    // What happened: one was told of, and of one only the other.
    let was = desk.json(&recipient(&["cleo", "--event", "ticket.assigned", "--json"]));
    assert_eq!((&was["was"][0]["decision"]["told"], &was["was"][0]["notification_id"]), (&json!(true), &json!(id(911))));
    let page = desk.show(&recipient(&["cleo", "--event", "ticket.created"]));
    assert!(page.contains("2026-03-02 09:00:02 UTC  version 1  not told  away until 5 March\n"), "{page}");
    for (more, why) in [
        (["nobody", "--event", "mention"], "there is nobody with the handle nobody"),
        (["bo", "--event", "mention"], "there is no ticket #9"),
    ] {
        let ticket = if more[0] == "bo" { "9" } else { "1" };
        let said = desk.refused(&[&["explain", "recipient"], &more[..], &["--ticket", ticket]].concat());
        assert!(said.contains(why), "{said}");
    }
}
