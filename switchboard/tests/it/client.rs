//! Clients, as an operator looks at them, merges them and decides who wrote.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::database::Database;

/// An ambiguity between the two clients of `conversation.sql`.
const AMBIGUITY: &str = "
    insert into clients (tenant_id, id, name) values (id(1), id(35), 'The office');
    insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated) values
        (id(1), id(36), id(35), 'email', 'office@client.example', 'email', 'sender of <o1>', true);
    insert into client_contacts (tenant_id, client_id, type, value) values
        (id(1), id(31), 'email', 'office@client.example'), (id(1), id(32), 'email', 'office@client.example');
    insert into ambiguities (tenant_id, id, inbound_id, ticket_id, client_id, created_at) values
        (id(1), id(37), id(51), id(42), id(35), '2026-03-02 11:00:00Z');
    insert into ambiguity_candidates (tenant_id, ambiguity_id, client_id, position, reason) values
        (id(1), id(37), id(31), 1, 'email:office@client.example: contact on record'),
        (id(1), id(37), id(32), 2, 'email:office@client.example: contact on record');
    update clients set data = '{\"plan\": \"gold\"}' where id = id(31);
    update clients set created_at = '2026-03-01 09:00:00Z';
    update client_external_ids set created_at = '2026-03-01 09:00:00Z';";

async fn desk(pool: PgPoolOptions, options: PgConnectOptions) -> Database {
    let database = Database::with_conversation(pool, options).await;
    sqlx::raw_sql(AMBIGUITY).execute(&database.pool).await.expect("filled");
    database
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_client_is_shown_by_a_key_a_name_or_the_beginning_of_an_id(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    let page = desk.show(&["client", "show", "email:Ada@client.example"]);
    insta::assert_snapshot!(page);
    assert_eq!(desk.show(&["client", "show", "ada lovelace"]), page);
    assert_eq!(desk.show(&["client", "show", "Ada@client.example"]), page, "an address needs no kind");
    assert_eq!(desk.show(&["client", "show", "00000000-0000-0000-0000-000000000031"]), page);
    let several = desk.refused(&["client", "show", "0000"]);
    assert!(several.contains("several clients are meant by 0000") && several.contains("Ada Lovelace"), "{several}");
    let nobody = desk.refused(&["client", "show", "email:nobody@client.example"]);
    assert!(nobody.contains("no client is known as email:nobody@client.example: expected an address, a number like"), "{nobody}");
    let json: serde_json::Value = serde_json::from_str(&desk.show(&["client", "show", "Ada Lovelace", "--json"])).expect("JSON");
    assert_eq!(json["members"][0]["external_ids"][0]["key"], "email:ada@client.example");
    assert_eq!(json["members"][0]["data"]["plan"], "gold");
    assert_eq!(json["tickets"][0]["number"], 1);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn merged_clients_are_shown_as_one_until_that_is_undone(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    let pages = |desk: &Database| {
        [&["ticket", "list"][..], &["ticket", "show", "2"], &["explain", "message", "lamp@client.example"]].map(|page| desk.show(page))
    };
    let before = pages(&desk);
    let merge = ["client", "merge", "email:yuki@denshi.example", "email:ada@client.example", "--by", "bo", "--reason", "the same lamp"];
    assert!(desk.show(&merge).contains("田中由紀 counts as Ada Lovelace now"));
    let [list, ticket, _] = pages(&desk);
    assert!(list.contains("Ada Lovelace (田中由紀)"), "{list}");
    assert!(ticket.contains("client       Ada Lovelace, as 田中由紀 <yuki@denshi.example>"), "{ticket}");
    let page = desk.show(&["client", "show", "email:yuki@denshi.example"]);
    assert!(page.contains("counts as    Ada Lovelace"), "{page}");
    assert!(page.contains("#1  Waiting for client  The lamp is dark  of Ada Lovelace") && page.contains("of 田中由紀"), "{page}");
    assert!(page.contains("by bo: the same lamp"), "{page}");
    let json: serde_json::Value = serde_json::from_str(&desk.show(&["client", "show", "田中由紀", "--json"])).expect("JSON");
    let each = |list: &str, what: &str| -> Vec<serde_json::Value> {
        json[list].as_array().expect("a list").iter().map(|one| one[what].clone()).collect()
    };
    assert_eq!(each("members", "name"), ["Ada Lovelace", "田中由紀"], "first whom both count as");
    assert_eq!(each("tickets", "number"), [2, 1], "the newest first");
    assert!(desk.refused(&merge).contains("田中由紀 is merged into Ada Lovelace already: undo that first"));
    assert!(desk.show(&["client", "unmerge", "email:yuki@denshi.example", "--by", "cleo"]).contains("a client of their own again"));
    assert_eq!(pages(&desk), before, "as if it had not been");
    let page = desk.show(&["client", "show", "email:ada@client.example"]);
    assert!(page.contains("by bo: the same lamp  undone") && page.contains("by cleo"), "the record of it stays: {page}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_is_to_be_decided_is_listed_until_it_is_decided(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    let listed = desk.show(&["client", "ambiguities"]);
    insta::assert_snapshot!(listed);
    let id = "00000000-0000-0000-0000-000000000037";
    assert!(desk.refused(&["client", "decide", "01", "new", "--by", "bo"]).contains("there is no ambiguity 01"));
    let unknown = desk.refused(&["client", "decide", id, "Ada Lovelace", "--by", "zed"]);
    assert!(unknown.contains("no user or group with the handle zed; there are: bo, cleo"), "{unknown}");
    let done = desk.show(&["client", "decide", id, "Ada Lovelace", "--by", "bo"]);
    assert_eq!(done, "it was Ada Lovelace; `switchboard client unmerge 00000000-0000-0000-0000-000000000035` undoes it\n");
    assert_eq!(desk.show(&["client", "ambiguities"]), "nothing to decide\n");
    assert!(desk.refused(&["client", "decide", id, "new", "--by", "bo"]).contains("that was decided already: The office was merged"));
    desk.show(&["client", "unmerge", "The office"]);
    assert_eq!(desk.show(&["client", "ambiguities"]), listed, "to be decided again");
    assert_eq!(desk.show(&["client", "decide", id, "new", "--by", "cleo"]), "it was somebody new, who is a client of their own now\n");
    let json: serde_json::Value = serde_json::from_str(&desk.show(&["client", "ambiguities", "--json"])).expect("JSON");
    assert_eq!(json, serde_json::json!([]));
    let decided: String = sqlx::query_scalar("select u.handle from ambiguities a join users u on u.id = a.decided_by")
        .fetch_one(&desk.pool)
        .await
        .expect("somebody");
    assert_eq!(decided, "cleo");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_names_several_or_another_tenants_is_refused(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = desk(pool, options).await;
    sqlx::raw_sql(
        "insert into tenants (id, name) values ('00000000-0000-0000-0000-000000000091', 'other');
         insert into clients (tenant_id, id, name) values
             ('00000000-0000-0000-0000-000000000091', '00000000-0000-0000-0000-000000000092', 'Zoe');
         insert into ambiguities (tenant_id, id, inbound_id, ticket_id, client_id)
         select tenant_id, '00000000-0000-0000-0000-000000000038', inbound_id, ticket_id,
                (select id from clients where name = 'Ada Lovelace') from ambiguities",
    )
    .execute(&desk.pool)
    .await
    .expect("filled");
    let refused = desk.refused(&["client", "merge", "Zoe", "Ada Lovelace", "--by", "bo"]);
    assert!(refused.contains("Zoe and Ada Lovelace are clients of two tenants, which never meet"), "{refused}");
    let refused = desk.refused(&["client", "decide", "00000000", "new", "--by", "bo"]);
    assert!(refused.contains("several ambiguities begin with 00000000"), "{refused}");
    let merged: i64 =
        sqlx::query_scalar("select count(*) from clients where merged_into is not null").fetch_one(&desk.pool).await.expect("a count");
    assert_eq!(merged, 0);
}
