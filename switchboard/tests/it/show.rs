use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::database::Database;

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn tickets_are_listed_in_columns(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    insta::assert_snapshot!(desk.show(&["ticket", "list"]));
    assert_eq!(desk.show(&["ticket", "list", "--limit", "1"]).lines().count(), 2);
    assert!(desk.refused(&["ticket", "list", "--tenant", "acne"]).contains("there is no tenant acne; there are: acme"));
    let json: serde_json::Value = serde_json::from_str(&desk.show(&["ticket", "list", "--json"])).expect("JSON");
    assert_eq!(json[1]["assignees"], serde_json::json!(["bo"]));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_ticket_is_shown_with_all_that_belongs_to_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    insta::assert_snapshot!(desk.show(&["ticket", "show", "1"]));
    let other = desk.show(&["ticket", "show", "2"]);
    assert!(other.contains("linked with  #1 The lamp is dark") && !other.contains('\u{1b}'), "{other}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_message_is_explained_from_its_sender_to_those_who_were_told(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    insta::assert_snapshot!("a_message_that_opened_a_ticket", desk.show(&["explain", "message", "lamp@client.example"]));
    insta::assert_snapshot!("a_message_that_became_a_note", desk.show(&["explain", "message", "00000000-0000-0000-0000-000000000052"]));
    let json: serde_json::Value =
        serde_json::from_str(&desk.show(&["explain", "message", "<lamp@client.example>", "--json"])).expect("JSON");
    assert_eq!(json[0]["explanation"]["routing"]["category"], "Lamps");
    assert_eq!(json[0]["events"][0]["deliveries"][1]["last_answer"], "/srv/outgoing/1.eml");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_chat_message_is_explained_with_its_channel_and_who_wrote_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    let chat = r#"{"channel": "slack", "from": null, "identities": ["slack:T1/U1", "email:uma@x.example"], "sender_name": "Uma"}"#;
    sqlx::query("update inbound_messages set payload = payload::jsonb || $1::jsonb where id = id(52)")
        .bind(chat)
        .execute(&desk.pool)
        .await
        .expect("a chat");
    let page = desk.show(&["explain", "message", "00000000-0000-0000-0000-000000000052"]);
    assert!(page.contains("  channel      slack\n  from         Uma slack:T1/U1, email:uma@x.example\n"), "{page}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_id_that_says_too_little_or_nothing_is_answered_with_what_there_is(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    let several = desk.refused(&["explain", "message", "0000"]);
    assert!(several.contains("several messages begin with 0000:") && several.contains("The lamp is dark"), "{several}");
    assert!(desk.refused(&["explain", "message", "nothing@client.example"]).contains("no message has the id or Message-ID"));

    sqlx::query("insert into dead_letters (id, queue, payload, headers, reason, died_at) values ($1, 'inbound', 'x', '{}', 'it names no sender', now())")
        .bind(uuid::Uuid::from_u128(0xdead))
        .execute(&desk.pool)
        .await
        .expect("parked");
    let dead = desk.refused(&["explain", "message", "00000000-0000-0000-0000-00000000dead"]);
    assert!(dead.contains("could not be processed") && dead.contains("it names no sender"), "{dead}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn rules_are_explained_as_trees_with_what_they_saw_set_and_left(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    let leaf = |field: &str, wanted: &str, held: bool| serde_json::json!({ "field": field, "wanted": wanted, "held": held });
    let routing = serde_json::json!({
        "facts": [{ "field": "subject", "value": "The lamp is dark" }, { "field": "client.new", "value": "yes" }],
        "rules": [
            { "rule": "lamps", "matched": true, "set": ["category Lamps", "tag lamp"], "conditions": [
                leaf("subject", "has one of the words lamp", true),
                { "field": "any", "held": true, "of": [
                    leaf("field.order", "is there", false),
                    { "field": "not", "held": true, "of": [leaf("client.new", "is no", false)] },
                ] },
            ] },
            { "rule": "rest", "matched": true, "conditions": [leaf("client.new", "is yes", true)], "set": ["stop"],
              "not_set": ["category Other: the rule \"lamps\" had set it"] },
            { "rule": "last", "matched": false, "conditions": [], "skipped": "the rule \"rest\" says stop" },
        ],
        "category": "Lamps", "category_why": "rule \"lamps\" matched", "department": "Support", "department_why": "it is that of the category Lamps",
        "assignee": "bo", "assignee_why": "it is that of the category Lamps, by round-robin; it is the turn of bo in team",
        "priority": "normal", "priority_why": "no rule set one; it is the default", "tags": ["lamp: rule \"lamps\""],
    });
    sqlx::query("update inbound_messages set explanation = jsonb_set(explanation, '{routing}', $1) where external_id = 'one'")
        .bind(routing)
        .execute(&desk.pool)
        .await
        .expect("explained");
    let page = desk.show(&["explain", "message", "lamp@client.example"]);
    let (_, routed) = page.split_once("Where it was routed\n").expect("routing");
    insta::assert_snapshot!(routed.split("\n\n").next().expect("a part"));
    let json: serde_json::Value =
        serde_json::from_str(&desk.show(&["explain", "message", "<lamp@client.example>", "--json"])).expect("JSON");
    let conditions = &json[0]["explanation"]["routing"]["rules"][0]["conditions"];
    assert_eq!(conditions[0]["seen"], "The lamp is dark");
    assert_eq!((&conditions[1]["of"][0]["seen"], &conditions[1]["of"][1]["of"][0]["seen"]), (&"nothing".into(), &"yes".into()));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_ticket_shows_its_tags_and_fields(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    sqlx::raw_sql(
        "insert into tags (tenant_id, id, name) values (id(1), id(95), 'vip'), (id(1), id(96), 'lamp');
         insert into ticket_tags (tenant_id, ticket_id, tag_id) values (id(1), id(41), id(95)), (id(1), id(41), id(96));
         update tickets set custom_fields = '{\"order\": \"A-17\", \"floor\": 3}' where ticket_number = 1",
    )
    .execute(&desk.pool)
    .await
    .expect("tags");
    let page = desk.show(&["ticket", "show", "1"]);
    assert!(page.contains("tags         lamp, vip\n") && page.contains("fields       floor: 3, order: A-17\n"), "{page}");
    assert!(page.contains("priority normal"), "{page}");
}
