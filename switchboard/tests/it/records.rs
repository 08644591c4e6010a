//! The clients of a desk file.

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::database::Database;
use crate::world::{DESK, fail, succeed};

struct Desk(Database);

impl Desk {
    async fn new(pool: PgPoolOptions, options: PgConnectOptions) -> Self {
        Self(Database::new(pool, options).await)
    }

    fn command(&self, clients: &str, more: &[&str]) -> std::process::Command {
        self.0.applying(&format!("{DESK}\n{clients}"), more)
    }

    fn apply(&self, clients: &str) -> String {
        succeed(self.command(clients, &[]))
    }

    fn refused(&self, clients: &str) -> String {
        fail(self.command(clients, &[]))
    }

    async fn ask(&self, question: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(question)).fetch_all(&self.0.pool).await.expect("an answer")
    }

    /// A client who wrote by these addresses.
    async fn wrote(&self, name: &str, addresses: &[&str]) {
        let client: uuid::Uuid =
            sqlx::query_scalar("insert into clients (tenant_id, id, name) select id, gen_random_uuid(), $1 from tenants returning id")
                .bind(name)
                .fetch_one(&self.0.pool)
                .await
                .expect("a client");
        for address in addresses {
            sqlx::query(
                "insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
                 select id, gen_random_uuid(), $1, 'email', $2, 'email', 'a test', false from tenants",
            )
            .bind(client)
            .bind(address)
            .execute(&self.0.pool)
            .await
            .expect("a key");
        }
    }
}

const RECORDS: &str = r#"
[[tenant.clients]]
key = "ada"
name = "Ada Lovelace"
contacts = ["email:Ada@client.example", "phone:+55 11 98765-4321", "email:office@client.example"]
data = { plan = "gold", seats = 3 }

[[tenant.clients]]
key = "bea"
name = "Bea"
contacts = ["email:office@client.example"]
"#;

const STATE: &str = "select c.name || ' ' || c.data || ' ' || coalesce(string_agg(k.type || ':' || k.value, ' ' order by k.value), '')
    from clients c left join client_contacts k on k.client_id = c.id group by c.tenant_id, c.id order by 1";

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn records_are_applied_like_the_rest_and_withdrawn_without_their_clients(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let dry = succeed(database.command(RECORDS, &["--dry-run"]));
    assert_eq!(database.ask("select name from clients").await, Vec::<String>::new());
    let said = database.apply(RECORDS);
    let line = "+ client ada: name Ada Lovelace; contacts email:ada@client.example, email:office@client.example, phone:+5511987654321; \
                data plan = \"gold\", seats = 3";
    assert!(said.contains(line) && dry.contains(line), "{said}");
    assert_eq!(
        database.ask(STATE).await,
        [
            "Ada Lovelace {\"plan\": \"gold\", \"seats\": 3} phone:+5511987654321 email:ada@client.example email:office@client.example",
            "Bea {} email:office@client.example"
        ]
    );
    assert_eq!(database.apply(RECORDS), "nothing to do\n");
    let fewer = RECORDS.replace(", \"email:office@client.example\"]\ndata = { plan = \"gold\", seats = 3 }", "]");
    assert!(
        database
            .apply(&fewer)
            .contains("~ client ada: contacts email:ada@client.example, email:office@client.example, phone:+5511987654321 → ")
    );
    assert!(database.apply("").contains("- client ada (withdrawn; the client and their tickets stay)"));
    assert_eq!(database.ask(STATE).await, ["Ada Lovelace {} ", "Bea {} "]);
    assert!(database.apply(RECORDS).contains("+ client bea (again): name Bea"));
    assert_eq!(database.ask("select name from clients order by 1").await, ["Ada Lovelace", "Bea"], "the same clients as before");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_new_record_takes_the_client_who_wrote_by_a_contact_of_its_own(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply("");
    database.wrote("ada@client.example", &["ada@client.example", "ada@home.example"]).await;
    database.wrote("The office", &["office@client.example"]).await;
    let said = database.apply(RECORDS);
    assert!(said.contains("is ada@client.example, who wrote by email:ada@client.example"), "{said}");
    let names = database.ask("select name from clients order by 1").await;
    assert_eq!(names, ["Ada Lovelace", "Bea", "The office"], "what several share says nothing about who it was");
    assert_eq!(database.apply(RECORDS), "nothing to do\n");
    // A record that is called otherwise from now on is the same.
    let renamed = RECORDS.replace("key = \"ada\"", "key = \"lovelace\"");
    database.apply(&renamed);
    assert_eq!(
        database.ask("select r.key || ' ' || c.name from client_records r join clients c on c.id = r.client_id order by 1").await,
        ["bea Bea", "lovelace Ada Lovelace"]
    );
    assert_eq!(database.ask("select name from clients order by 1").await, names);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn records_that_contradict_who_wrote_are_refused_with_their_place(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply("");
    database.wrote("Ada", &["ada@client.example", "ada@home.example"]).await;
    database.wrote("Cy", &["cy@client.example"]).await;
    let client = |key: &str, contacts: &str| format!("[[tenant.clients]]\nkey = '{key}'\nname = '{key}'\ncontacts = [{contacts}]\n");
    let two = client("one", "'email:ada@client.example'") + &client("two", "'email:ada@home.example'");
    let said = database.refused(&two);
    assert!(said.contains("tenant acme: client two: email:ada@home.example is known as Ada, who is the client one already"), "{said}");
    let said = database.refused(&client("one", "'email:ada@client.example', 'email:cy@client.example'"));
    assert!(
        said.contains(
            "tenant acme: client one: email:ada@client.example is known as Ada and email:cy@client.example as Cy: merge them first"
        ),
        "{said}"
    );
    let said = database.refused(&client("own", "'email:help@acme.example'"));
    assert!(said.contains("tenant acme: client own: contacts: email:help@acme.example is the address of the account "), "{said}");
    let wrong = client("one", "'fax:1', 'phone:1'") + "[[tenant.clients]]\nkey = 'One'\nname = 'x'\ndata = { plan = ['a'] }\nplan = 'x'\n";
    let said = database.refused(&wrong);
    for fault in [
        "client one: contacts: \"fax:1\" is no key of a person: expected one like email:ada@example.org",
        "client one: contacts: \"1\" is not a number like +5511987654321",
        "client One: key: \"One\" should be at most 63 of a-z",
        "client One: data: plan is [\"a\"], and should be a text, a number, true or false",
        "client One: unknown key plan",
    ] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    assert_eq!(database.ask("select name from clients order by 1").await, ["Ada", "Cy"]);
}
