use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::database::Database;
use crate::world::{DESK, fail, feed, said, succeed};

async fn ask(desk: &Database, question: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(format!("select ({question})::text"))).fetch_one(&desk.pool).await.expect("an answer")
}

fn settings(desk: &Database, who: &str) -> Value {
    serde_json::from_str(&desk.show(&["preferences", "show", who, "--json"])).expect("JSON")
}

/// What holds for a setting, and by whom.
fn holds(desk: &Database, who: &str, key: &str) -> String {
    let settings = settings(desk, who);
    let setting = &settings["settings"][key];
    format!("{} by {}", setting["value"], setting["by"].as_str().unwrap_or_default())
}

/// A desk that chooses for everybody; `more` stands in the table of the user bo.
fn chosen(more: &str) -> String {
    let choices = r#"
        [tenant.customize]
        timezone = "Europe/Lisbon"
        [tenant.preferences]
        quiet_hours = { from = "19:00", to = "08:00", except_priority = "urgent" }
        events = { "ticket.closed" = [] }
        [tenant.clients_preferences]
        locale = "pt-PT"
        [[tenant.groups]]
        handle = "night"
        name = "Night shift"
        members = ["bo"]
        follows = ["Support"]
        preferences = { quiet_hours = "none" }
        [[tenant.clients]]
        key = "ada"
        name = "Ada"
        contacts = ["email:ada@client.example"]
        preferences = { channels = ["email"] }
        "#;
    DESK.replace("handle = \"bo\"", &format!("handle = \"bo\"\n{more}")) + choices
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_desk_file_chooses_for_all_and_leaves_alone_what_people_chose(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::new(pool, options).await;
    let apply = |text: &str| succeed(desk.applying(text, &[]));
    let first = apply(&chosen("sees = \"departments\"\nfollows = [\"Support\"]"));
    for line in [
        r#"+ preferences of users: events {"ticket.closed":[]}; quiet_hours {"except_priority":"urgent","from":"19:00","to":"08:00"}"#,
        r#"+ preferences of clients: locale "pt-PT""#,
        r#"+ preferences of group night: quiet_hours "none""#,
        r#"+ preferences of client ada: channels ["email"]"#,
        "sees departments; follows Support",
    ] {
        assert!(first.contains(line), "{line} in {first}");
    }
    assert_eq!(apply(&chosen("sees = \"departments\"\nfollows = [\"Support\"]")), "nothing to do\n");
    assert_eq!(ask(&desk, "select sees from users where handle = 'bo'").await, "departments");
    assert_eq!(ask(&desk, "select count(*) from department_watchers").await, "2");
    assert_eq!(holds(&desk, "bo", "quiet_hours"), "null by group night");
    assert_eq!(holds(&desk, "bo", "events.ticket.closed"), "[] by tenant");
    assert_eq!(holds(&desk, "client:ada", "channels"), r#"["email"] by own"#);
    assert_eq!(holds(&desk, "client:email:ada@client.example", "locale"), r#""pt-PT" by tenant"#);

    // What bo and Ada choose for themselves stays when the file does not speak of it, and goes when it does.
    let own = |document: Value, who: &str| feed(desk.command(&["preferences", "set", who, "-"]), &document.to_string());
    assert!(own(json!({ "channels": ["slack"] }), "bo").status.success());
    let quiet_file = chosen("").replace("preferences = { channels = [\"email\"] }", "");
    let changed = apply(&quiet_file);
    assert!(changed.contains("~ user bo: sees departments → all; follows Support → none") && !changed.contains("preferences"), "{changed}");
    assert_eq!(holds(&desk, "bo", "channels"), r#"["slack"] by own"#);
    assert_eq!(holds(&desk, "client:ada", "channels"), r#"["email"] by own"#);
    let named = chosen("preferences = { channels = [\"sms\"], locale = \"FR\" }");
    let dry = succeed(desk.applying(&named, &["--dry-run"]));
    assert!(dry.contains(r#"~ preferences of user bo: locale none → "fr"; channels ["slack"] → ["sms"]"#), "{dry}");
    assert_eq!(holds(&desk, "bo", "channels"), r#"["slack"] by own"#, "a dry run changes nothing");
    apply(&named);
    assert_eq!(
        (holds(&desk, "bo", "channels"), holds(&desk, "bo", "locale")),
        (r#"["sms"] by own"#.to_owned(), r#""fr" by own"#.to_owned())
    );

    // What is the file's goes with it; who leaves follows nothing any more.
    let bare = apply(DESK);
    for line in ["- preferences of users (deleted)", "- preferences of clients (deleted)", "- preferences of group night (deleted)"] {
        assert!(bare.contains(line), "{line} in {bare}");
    }
    assert_eq!(holds(&desk, "tenant", "quiet_hours"), "null by built-in");
    assert_eq!(ask(&desk, "select count(*) from department_watchers").await, "0");

    let revision = ask(&desk, "select revision from tenants").await;
    let faulty =
        chosen("preferences = { chanels = [], quiet_hours = { from = \"7pm\", to = \"08:00\" } }\nfollows = [\"Suport\"]\nsees = \"some\"")
            .replace("quiet_hours = \"none\"", "digest = { every = \"1h\", at = [\"08:00\"] }")
            .replace("channels = [\"email\"]", "channels = []")
            .replace("preferences = { channels = []", "preferences = { muted_tickets = [], channels = []")
            + "[[tenant.users]]\nhandle = \"cy\"\nname = \"Cy\"\nemail = \"cy@acme.example\"\npreferences = 5\n";
    let refused = fail(desk.applying(&faulty, &[]));
    for fault in [
        "tenant acme: user bo: preferences.chanels: there is no such key; did you mean channels?",
        "tenant acme: user bo: preferences.quiet_hours.from: \"7pm\" is not a time of the day like 08:00",
        "tenant acme: user bo: sees is \"some\", and should be all or departments or assigned",
        "tenant acme: user bo: department Suport does not exist; departments are Support",
        "tenant acme: user cy: preferences: the document is 5; expected a table with locale,",
        "tenant acme: group night: preferences.digest: expected one of every and at",
        "tenant acme: client ada: preferences.muted_tickets: there is no such key of a client's",
        "tenant acme: client ada: preferences.channels: is empty; an answer goes somewhere",
    ] {
        assert!(refused.contains(fault), "{fault} in {refused}");
    }
    assert_eq!(ask(&desk, "select revision from tenants").await, revision);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn people_choose_for_themselves_and_see_what_holds_and_why(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    let set = |who: &str, text: &str| feed(desk.command(&["preferences", "set", who, "-"]), text);
    let revision = ask(&desk, "select revision from tenants").await;
    let document = r#"{"locale": "pt-br", "channels": ["slack", "email"], "events": {"message.added": "digest", "ticket.closed": []},
        "digest": {"at": ["08:00", "16:00"]}, "muted_tickets": [2], "quiet_hours": {"from": "00:00", "to": "23:59"}, "timezone": "UTC"}"#;
    let done = set("bo", document);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "the preferences of bo changed\n", "{}", said(&done));
    assert_ne!(ask(&desk, "select revision from tenants").await, revision, "the workers are to know of it");
    let again = set("bo", document);
    assert_eq!(String::from_utf8_lossy(&again.stdout), "the preferences of bo were so already; nothing to do\n");
    let page = desk.show(&["preferences", "show", "bo"]);
    for line in [
        "  language     pt-BR  (own)\n",
        "  told by      Slack and mail  (own)\n",
        "  or else by   mail  (built-in)\n",
        "  quiet hours  from 00:00 to 23:59  (own)\n",
        "  digest       at 08:00 and 16:00  (own)\n",
        "  own actions  not told  (built-in)\n",
        "  muted        #2  (own)\n",
        "  a message on a ticket          in the digest  (own)\n",
        "  being mentioned                at once, by Slack and mail  (own)\n",
        "  a ticket's closing             not at all  (own)\n",
        "23:59 UTC\n",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    assert_eq!(settings(&desk, "bo")["own"]["locale"], "pt-BR");
    assert!(settings(&desk, "cleo")["own"].is_null() && settings(&desk, "client:yuki@denshi.example")["next_digest"].is_null());
    assert_eq!(holds(&desk, "client:yuki@denshi.example", "channels"), "[] by built-in");
    assert!(desk.show(&["preferences", "show", "client:yuki@denshi.example"]).contains("told by      where they last wrote  (built-in)"));

    let refused = set("bo", r#"{"events": {"message.added": ["email", "emial"]}, "digets": 1}"#);
    let why = said(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert!(why.contains("digets: there is no such key; did you mean digest?"), "{why}");
    assert!(why.contains(r#"events.message.added[2]: "emial" is not a method; did you mean email?"#), "{why}");
    assert_eq!(holds(&desk, "bo", "events.message.added"), r#""digest" by own"#, "what was refused changes nothing");
    assert!(
        said(&set("client:ada@client.example", r#"{"own_actions": true}"#)).contains("own_actions: there is no such key of a client's")
    );
    assert!(said(&set("nobody", "{}")).contains("there is no user or group with the handle nobody; there are: bo, cleo"));
    assert!(said(&set("bo", "{")).contains("- is not JSON"));
    let tenant = set("tenant", r#"{"locale": "de"}"#);
    assert!(String::from_utf8_lossy(&tenant.stdout).ends_with("the next `switchboard apply` makes them what the desk file says\n"));
    assert_eq!(holds(&desk, "cleo", "locale"), r#""de" by tenant"#);

    // A client who was merged keeps what they chose, under what is chosen for the one whom they count as.
    assert!(set("client:yuki@denshi.example", r#"{"locale": "ja", "timezone": "Asia/Tokyo"}"#).status.success());
    assert!(set("client:ada@client.example", r#"{"locale": "en"}"#).status.success());
    sqlx::query("update clients set merged_into = id(31) where id = id(32)").execute(&desk.pool).await.expect("merged");
    let ada = ["locale", "timezone"].map(|key| holds(&desk, "client:yuki@denshi.example", key));
    assert_eq!(ada, [r#""en" by own"#, r#""Asia/Tokyo" by own"#]);

    sqlx::query("update preferences set data = '{\"locale\": 5}' where user_id is not null").execute(&desk.pool).await.expect("broken");
    let page = desk.show(&["preferences", "show", "bo"]);
    assert!(page.contains("  language     de  (tenant)\n"), "{page}");
    assert!(page.contains("Not understood, and as if it were not there\n  bo: locale: is 5; expected a text\n"), "{page}");
    assert!(settings(&desk, "cleo")["not_understood"].as_array().is_some_and(Vec::is_empty), "it is none of cleo's");

    assert_eq!(desk.show(&["preferences", "reset", "bo"]), "the preferences of bo are gone; what is chosen below them holds\n");
    assert_eq!(desk.show(&["preferences", "reset", "bo"]), "the preferences of bo said nothing already\n");
    assert_eq!(holds(&desk, "bo", "channels"), r#"["email"] by built-in"#);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_ticket_names_those_who_follow_it(pool: PgPoolOptions, options: PgConnectOptions) {
    let desk = Database::with_conversation(pool, options).await;
    assert_eq!(desk.show(&["ticket", "watch", "1", "--user", "cleo"]), "cleo follows #1 now\n");
    assert_eq!(desk.show(&["ticket", "watch", "#1", "--user", "cleo"]), "cleo follows #1 already\n");
    let watch = "insert into department_watchers (tenant_id, department_id, user_id) select id(1), id(21), id from users";
    sqlx::query(watch).execute(&desk.pool).await.expect("followed");
    let shown = desk.show(&["ticket", "show", "1"]);
    assert!(shown.contains("  followed by  cleo, bo (of the department)\n"), "{shown}");
    assert!(desk.refused(&["ticket", "watch", "1", "--user", "nobody"]).contains("there are: bo, cleo"));
    assert_eq!(desk.show(&["ticket", "unwatch", "1", "--user", "cleo"]), "cleo no longer follows #1\n");
    assert_eq!(desk.show(&["ticket", "unwatch", "1", "--user", "cleo"]), "cleo does not follow #1\n");
    let json: Value = serde_json::from_str(&desk.show(&["ticket", "show", "1", "--json"])).expect("JSON");
    assert_eq!((&json["followers"], &json["department_followers"]), (&json!([]), &json!(["bo", "cleo"])));
}
