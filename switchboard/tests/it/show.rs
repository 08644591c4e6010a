use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::world::{World, fail, on_database, succeed};

/// The program on a database that holds `conversation.sql`.
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

    fn show(&self, arguments: &[&str]) -> String {
        succeed(on_database(self.world.folder.path(), &self.options, arguments))
    }

    fn refused(&self, arguments: &[&str]) -> String {
        fail(on_database(self.world.folder.path(), &self.options, arguments))
    }
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn tickets_are_listed_in_columns(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    insta::assert_snapshot!(desk.show(&["ticket", "list"]));
    assert_eq!(desk.show(&["ticket", "list", "--limit", "1"]).lines().count(), 2);
    assert!(desk.refused(&["ticket", "list", "--tenant", "acne"]).contains("there is no tenant acne; there are: acme"));
    let json: serde_json::Value = serde_json::from_str(&desk.show(&["ticket", "list", "--json"])).expect("JSON");
    assert_eq!(json[1]["assignees"], serde_json::json!(["bo"]));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_ticket_is_shown_with_all_that_belongs_to_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    insta::assert_snapshot!(desk.show(&["ticket", "show", "1"]));
    let other = desk.show(&["ticket", "show", "2"]);
    assert!(other.contains("linked with  #1 The lamp is dark") && !other.contains('\u{1b}'), "{other}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_message_is_explained_from_its_sender_to_those_who_were_told(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
    insta::assert_snapshot!("a_message_that_opened_a_ticket", desk.show(&["explain", "message", "lamp@client.example"]));
    insta::assert_snapshot!("a_message_that_became_a_note", desk.show(&["explain", "message", "00000000-0000-0000-0000-000000000052"]));
    let json: serde_json::Value =
        serde_json::from_str(&desk.show(&["explain", "message", "<lamp@client.example>", "--json"])).expect("JSON");
    assert_eq!(json[0]["explanation"]["routing"]["category"], "Lamps");
    assert_eq!(json[0]["events"][0]["deliveries"][1]["last_answer"], "/srv/outgoing/1.eml");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_id_that_says_too_little_or_nothing_is_answered_with_what_there_is(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Desk::new(pool, options).await;
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
