use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use switchboard_common::db::senders;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender::{Platform, Rate, Sender, WhenUnsure};
use switchboard_common::ids::{AccountId, TenantId};

use crate::database::Database;
use crate::world::{DESK, fail, succeed};

struct Desk(Database);

impl Desk {
    async fn new(pool: PgPoolOptions, options: PgConnectOptions) -> Self {
        Self(Database::new(pool, options).await)
    }

    fn command(&self, desk: &str, more: &[&str]) -> std::process::Command {
        self.0.applying(desk, more)
    }

    fn apply(&self, desk: &str) -> String {
        succeed(self.command(desk, &[]))
    }

    fn refused(&self, desk: &str) -> String {
        fail(self.command(desk, &[]))
    }

    async fn ask<T>(&self, question: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&self.0.pool).await.expect("an answer")
    }
}

/// A desk with one of each kind.
fn whole() -> String {
    DESK.to_owned()
        + r##"
[tenant.customize]
brand = "Acme"
timezone = "Europe/Lisbon"
logo = "https://acme.example/logo.png"
color = "#7A1FA2"
footer = """
Acme Ltd
Lisbon"""

[tenant.storm]
ticket = { most = 50, within = "5m" }

[[tenant.templates]]
template = "ticket.created.client"
locale = "pt"
subject = "Recebido: {{title}}"
text = "Olá {{reader}}, recebemos a sua mensagem. Vamos responder em breve."

[[tenant.groups]]
handle = "team"
name = "The team"
members = ["bo"]

[[tenant.rules]]
name = "money"
subject_words = ["invoice"]
category = "General"

[[tenant.rules]]
name = "sales"
recipient = "sales"
category = "General"
"##
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_second_apply_has_nothing_to_do(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let first = database.apply(&whole());
    insta::assert_snapshot!(first);
    let state = "select (select revision from tenants)::text || (select max(updated_at) from users)::text";
    let before: String = database.ask(state).await;
    assert_eq!(database.apply(&whole()), "nothing to do\n");
    assert_eq!(database.ask::<String>(state).await, before);
    assert_eq!(database.ask::<i64>("select count(*) from statuses where is_default").await, 5);
    assert_eq!(database.ask::<i64>("select count(*) from signing_keys").await, 1);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_dry_run_says_the_same_and_changes_nothing(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let dry = succeed(database.command(&whole(), &["--dry-run"]));
    assert!(dry.ends_with("nothing was changed\n"), "{dry}");
    assert_eq!(database.ask::<i64>("select count(*) from tenants").await, 0);
    let wet = database.apply(&whole());
    let changes = |said: &str| said.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(changes(&dry), changes(&wet));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn every_fault_is_named_at_once_and_nothing_is_written(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&DESK.replace("\"acme\"", "\"other\"").replace("help@acme.example", "taken@acme.example"));
    let said = database.refused(include_str!("faulty-desk.toml"));
    let folder = database.0.folder().display().to_string();
    insta::assert_snapshot!(said.replace(&folder, "FOLDER"));
    assert_eq!(database.ask::<i64>("select count(*) from tenants").await, 1);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_leaves_the_file_is_archived_and_what_comes_back_is_taken_up_again(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&whole());
    let id: uuid::Uuid = database.ask("select id from users where handle = 'bo'").await;
    let said = database.apply("[[tenant]]\nname = \"acme\"\n");
    insta::assert_snapshot!("what_leaves_the_file", said);
    let left = "select (select count(*) from users where archived_at is null) + (select count(*) from departments where archived_at is null)
              + (select count(*) from categories where archived_at is null) + (select count(*) from channel_accounts where disabled_at is null)
              + (select count(*) from routing_rules) + (select count(*) from user_contacts) + (select count(*) from group_members)
              + (select count(*) from templates)";
    assert_eq!(database.ask::<i64>(left).await, 0, "and nobody who left can act");
    let said = database.apply(&whole());
    assert!(said.contains("+ user bo (again)") && said.contains("+ account support (again)"), "{said}");
    assert_eq!(database.ask::<uuid::Uuid>("select id from users where handle = 'bo' and archived_at is null").await, id);
    assert_eq!(database.apply(&whole()), "nothing to do\n");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn names_and_addresses_move_between_people_and_accounts(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let two = |a: (&str, &str, &str), b: (&str, &str, &str), accounts: (&str, &str)| {
        let user = |(handle, name, email): (&str, &str, &str)| {
            format!("[[tenant.users]]\nhandle = {handle:?}\nname = {name:?}\nemail = {email:?}\n")
        };
        let account = |name: &str, address: &str| format!("[[tenant.accounts]]\nname = {name:?}\naddress = {address:?}\n");
        let (one, other) = (account("one", accounts.0), account("two", accounts.1));
        format!("[[tenant]]\nname = \"acme\"\n{}{}{one}{other}", user(a), user(b))
    };
    database.apply(&two(("ada", "Ada", "a@x.example"), ("bea", "Bea", "b@x.example"), ("1@x.example", "2@x.example")));
    let said = database.apply(&two(("ada", "Bea", "b@x.example"), ("bea", "Ada", "a@x.example"), ("2@x.example", "1@x.example")));
    assert!(said.contains("~ user ada: name Ada → Bea; email a@x.example → b@x.example"), "{said}");
    // Bea, who is called Ada now, gets another handle.
    let swapped = two(("ada", "Bea", "b@x.example"), ("bee", "Ada", "a@x.example"), ("2@x.example", "1@x.example"));
    database.apply(&swapped);
    let owner =
        "select u.handle from user_contacts c join users u on u.id = c.user_id where c.value = 'a@x.example' and c.verified_at is not null";
    assert_eq!(database.ask::<String>(owner).await, "bee");
    assert_eq!(database.ask::<String>("select name from users where handle = 'bea'").await, "Ada (formerly bea)");
    assert_eq!(database.ask::<String>("select address from channel_accounts where name = 'one'").await, "2@x.example");
    assert_eq!(database.apply(&swapped), "nothing to do\n");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn rules_keep_the_order_of_the_file(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&whole());
    let order = "select string_agg(name, ',' order by position) from routing_rules";
    assert_eq!(database.ask::<String>(order).await, "money,sales");
    let turned =
        whole().replace("\"money\"", "\"x\"").replace("\"sales\"\nrecipient", "\"money\"\nrecipient").replace("\"x\"", "\"sales\"");
    let said = database.apply(&turned);
    assert!(said.contains("~ order of the rules: money, sales → sales, money"), "{said}");
    assert_eq!(database.ask::<String>(order).await, "sales,money");
    assert_eq!(database.apply(&turned), "nothing to do\n");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn tenants_that_are_not_named_are_left_alone(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&whole());
    let other = DESK.replace("\"acme\"", "\"other\"").replace("help@acme.example", "help@other.example");
    assert!(!database.apply(&other).contains("acme\n"));
    let thief = database.refused(&DESK.replace("\"acme\"", "\"thief\""));
    assert!(thief.contains("account support: help@acme.example is the address of the account support of tenant acme"), "{thief}");
    assert_eq!(database.apply(&whole()), "nothing to do\n");
    assert_eq!(database.ask::<i64>("select sum(revision)::bigint from tenants").await, 2);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn what_others_keep_in_customize_stays(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&whole());
    sqlx::query(r#"update customize set data = data || '{"skin": "acme.css"}'"#).execute(&database.0.pool).await.expect("kept");
    database.apply(&whole().replace("brand = \"Acme\"\n", "locale = \"pt-BR\"\n"));
    let data: serde_json::Value = database.ask("select data from customize").await;
    assert_eq!(
        data,
        serde_json::json!({ "skin": "acme.css", "locale": "pt-BR", "timezone": "Europe/Lisbon",
        "logo": "https://acme.example/logo.png", "color": "#7a1fa2", "footer": "Acme Ltd\nLisbon",
        "storm": { "ticket": { "most": 50, "within": "5m" } } })
    );
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_person_never_becomes_a_group(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(DESK);
    let said = database.refused("[[tenant]]\nname = \"acme\"\n[[tenant.groups]]\nhandle = \"bo\"\nname = \"Bo\"\n");
    assert!(said.contains("tenant acme: group bo: is or was a person"), "{said}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mailbox_comes_changes_and_goes_with_the_file(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let with = |imap: &str| DESK.replace("[[tenant.accounts]]", "[[tenant.accounts]]\nimap = IMAP\n").replace("IMAP", imap);
    let first = with("{ host = 'imap.acme.example', user = 'help', password = 'env:HELP_PASSWORD' }");
    let said = database.apply(&first);
    let expected = "imap.host imap.acme.example:993; imap.tls tls; imap.user help; imap.password env:HELP_PASSWORD; imap.folders INBOX; \
                    imap.poll 60s; imap.since everything";
    assert!(said.contains(expected), "{said}");
    assert_eq!(database.apply(&first), "nothing to do\n");
    let second = with(
        "{ host = 'imap.acme.example', tls = 'starttls', user = 'help', password = 'file:/run/help', \
         folders = ['inbox', 'Kunden/Köln'], poll = '5m', since = 'now' }",
    );
    let said = database.apply(&second);
    assert!(said.contains("imap.host imap.acme.example:993 → imap.acme.example:143; imap.tls tls → starttls;"), "{said}");
    assert!(said.contains("imap.folders INBOX → INBOX, Kunden/Köln; imap.poll 60s → 300s; imap.since everything → now"), "{said}");
    assert_eq!(database.apply(&second), "nothing to do\n");
    assert!(database.apply(DESK).contains("imap.user help → none"));
    assert_eq!(database.ask::<i64>("select count(*) from mailboxes").await, 0);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mailbox_that_cannot_be_is_refused_with_its_place(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let refused = |imap: &str| database.refused(&format!("{DESK}\n[tenant.accounts.imap]\n{imap}"));
    let said = refused("host = 'imap.acme.example'\ntls = 'none'\nuser = 'help'\npassword = 'env:P'");
    assert!(said.contains("tenant acme: account support: imap: tls is \"none\""), "{said}");
    assert!(said.contains("localhost, 127.0.0.1 and ::1 only, not for imap.acme.example"), "{said}");
    let said = refused("host = 'imap.acme.example:993'\npassword = 'hunter2'\npoll = '2h'\nfolders = ['a', 'a', '%']\npot = 1");
    for expected in [
        "imap: host: \"imap.acme.example:993\" is not the name of a server",
        "imap: user is missing",
        "imap: password: should be a reference, env:NAME for a variable or file:PATH for a file",
        "imap: poll: \"2h\" is not a time from 1s to 1h",
        "imap: folders holds one of them twice",
        "imap: folders: \"%\" is not the name of one folder",
        "imap: unknown key pot; did you mean port?",
    ] {
        assert!(said.contains(expected), "{expected}:\n{said}");
    }
    assert!(!said.contains("hunter2"), "a secret is not repeated: {said}");
    let imap = "imap = { host = 'imap.acme.example', user = 'help', password = 'env:P' }";
    let second = format!("[[tenant.accounts]]\nname = 'sales'\naddress = 'sales@acme.example'\n{imap}\n");
    let said = database.refused(&format!("{}{second}", DESK.replace("[[tenant.accounts]]", &format!("[[tenant.accounts]]\n{imap}"))));
    assert!(
        said.contains("account sales: imap: the folder INBOX of help at imap.acme.example:993 is also that of account support"),
        "{said}"
    );
    assert_eq!(database.ask::<i64>("select count(*) from tenants").await, 0);
}

/// A desk whose rules ask and set all that there is.
fn ruled() -> String {
    whole()
        + r#"
[[tenant.rules]]
name = "everything"
when = [
  { any = [ { field = "domain", is = "acme.example" }, { not = { hours = "inside" } } ] },
  { field = "text", matches = '(?i)order\s+\d{6}' },
  { field = "client.data.seats", at_least = 10 },
]
then = { category = "General", department = "Support", assign = "team", by = "fewest-open", priority = "high", tags = ["vip"], fields = { floor = 3 }, stop = true }

[tenant.hours]
mon = ["09:00-12:30", "13:30-18:00"]
fri = ["22:00-06:00"]
holidays = ["2026-12-25", "01-01"]
"#
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn rules_and_hours_are_kept_as_they_were_written_and_applied_once(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let said = database.apply(&ruled());
    let rule = "+ rule everything: when any of (domain is acme.example, not (inside of the hours)) and text matches /(?i)order\\s+\\d{6}/ and \
                client.data.seats is at least 10; then category General, department Support, assign team by fewest-open, priority high, tags vip, \
                field floor 3, stop";
    assert!(said.contains(rule), "{said}");
    assert!(said.contains("hours mon 09:00-12:30 13:30-18:00, fri 22:00-06:00, holidays 2026-12-25 01-01"), "{said}");
    assert_eq!(database.apply(&ruled()), "nothing to do\n");
    let rule: serde_json::Value = database.ask("select rule from routing_rules where name = 'sales'").await;
    let expected =
        serde_json::json!({ "version": 1, "when": [{ "field": "recipient", "is": "sales" }], "then": { "category": "General" } });
    assert_eq!(rule, expected, "the short keys mean conditions");
    let changed = ruled().replace("is = \"acme.example\"", "is = \"acme.test\"").replace("holidays = [\"2026-12-25\", \"01-01\"]\n", "");
    let said = database.apply(&changed);
    assert!(said.contains("~ rule everything: when any of (domain is acme.example,"), "{said}");
    assert!(said.contains("fri 22:00-06:00, holidays 2026-12-25 01-01 → mon 09:00-12:30 13:30-18:00, fri 22:00-06:00"), "{said}");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_rule_that_somebody_broke_in_the_database_is_written_anew(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&whole());
    sqlx::query("update routing_rules set rule = '{\"version\": 7}' where name = 'money'").execute(&database.0.pool).await.expect("broken");
    let said = database.apply(&whole());
    let broken = "~ rule money: when (it cannot be read: it is of version 7, and this program knows version 1) → subject has one of the words invoice";
    assert!(said.contains(broken), "{said}");
    assert_eq!(database.apply(&whole()), "nothing to do\n");
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn every_fault_of_a_rule_is_refused_with_its_place(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let faulty = whole()
        + r#"
[[tenant.rules]]
name = "Invoices"
when = [
  { field = "subject", words = ["invoice"] },
  { any = [ { field = "subjct", is = "x" }, { field = "text", matches = "(open" } ] },
  { field = "account", one_of = ["support", "suport"] },
  { hours = "outside" },
]
then = { category = "Invoces", department = "Sales", assign = "nobody", priority = "hgh", stp = true }

[[tenant.rules]]
name = "person"
when = []
then = { assign = "bo", by = "round-robin" }

[[tenant.rules]]
name = "twice"
recipient = "sales"
category = "General"
then = { category = "General" }

[[tenant.rules]]
name = "idle"
recipient = "sales"

[[tenant.rules]]
name = "hollow"
recipient = "sales"
then = { stop = false }

[[tenant.rules]]
name = "wordy"
subject_words = ["LONG"]
category = "General"

[[tenant.categories]]
name = "Mine"
assignee = "bo"
by = "fewest-open"

[[tenant.categories]]
name = "Nobody's"
by = "turns"

[[tenant.categories]]
name = "Unassigned"
by = "round-robin"

[tenant.hours]
mon = ["9-17"]
monday = ["09:00-17:00"]
holidays = ["25.12."]
"#;
    let said = database.refused(&faulty.replace("LONG", &"a".repeat(1001)));
    for expected in [
        "rule Invoices: when[2].any[1]: field subjct: there is no such field; did you mean subject?",
        "rule Invoices: when[2].any[2]: field text: matches is no pattern: unclosed group",
        "rule Invoices: account suport does not exist; accounts are support",
        "rule Invoices: category Invoces does not exist; categories are General, Mine, Nobody's, Unassigned",
        "rule Invoices: department Sales does not exist; departments are Support",
        "rule Invoices: assign nobody does not exist; users and groups are bo, team",
        "rule Invoices: then: priority hgh does not exist; priorities are low, normal, high, urgent",
        "rule Invoices: then: unknown key stp; did you mean stop?",
        "rule person: when: is an empty list",
        "rule person: then: by says how a group shares tickets, and bo is a person",
        "rule twice: category stands beside the category General of then; it should stand once",
        "rule idle: leads to nothing; it should have then, or category",
        "rule hollow: leads to nothing; it should have then, or category",
        "rule wordy: subject_words is longer than 1000 bytes",
        "category Mine: by says how a group shares tickets, and bo is a person",
        "category Unassigned: by says how a group shares tickets, and there is no assignee",
        "category Nobody's: by is \"turns\", and should be everyone or round-robin or fewest-open",
        "hours: mon: \"9-17\" is not a range like 09:00-12:30",
        "hours: unknown key monday; the keys are mon, tue, wed, thu, fri, sat, sun, holidays",
        "hours: holidays: \"25.12.\" is not a date like 2026-12-25, or 12-25 for every year",
        "hours: names no hours; it should have at least one of mon, tue, wed, thu, fri, sat, sun",
    ] {
        assert!(said.contains(&format!("tenant acme: {expected}")), "{expected}:\n{said}");
    }
    let without = database.refused(&ruled()[..ruled().find("[tenant.hours]").expect("hours")]);
    assert!(without.contains("tenant acme: rule everything: asks for the hours, and there is no [tenant.hours]"), "{without}");
    assert_eq!(database.ask::<i64>("select count(*) from tenants").await, 0);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn who_is_away_is_listed_and_a_desk_file_does_not_bring_them_back(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    database.apply(&ruled());
    let run = |arguments: &[&str]| database.0.command(arguments);
    assert!(succeed(run(&["user", "list"])).ends_with("bo      Bo Berg  Support      0\n"), "{}", succeed(run(&["user", "list"])));
    let revision = "select revision from tenants";
    let before: i64 = database.ask(revision).await;
    let said = succeed(run(&["user", "away", "bo", "--until", "2086-07-09"]));
    assert_eq!(said, "bo is away until 2086-07-08 23:00:00 UTC, and gets none of the tickets that groups deal out\n");
    assert_eq!(database.ask::<i64>(revision).await, before + 1, "the workers hear of it");
    database.apply(&ruled().replace("Bo Berg", "Bo Borg"));
    assert!(succeed(run(&["user", "list"])).contains("until 2086-07-08 23:00:00 UTC"));
    let json: serde_json::Value = serde_json::from_str(&succeed(run(&["user", "list", "--json"]))).expect("JSON");
    assert_eq!((&json[0]["away_until"], &json[0]["open_tickets"]), (&serde_json::json!("2086-07-08T23:00:00Z"), &serde_json::json!(0)));
    assert_eq!(succeed(run(&["user", "back", "bo"])), "bo is back\n");
    assert!(!succeed(run(&["user", "list"])).contains("2086"));
    let past = "with past as (update users set away_until = '2020-01-01' where handle = 'bo' returning 1) select count(*) from past";
    assert_eq!(database.ask::<i64>(past).await, 1);
    assert!(!succeed(run(&["user", "list"])).contains("2020"), "whose time has come is back");
    assert!(fail(run(&["user", "away", "bob", "--until", "2086-07-09"])).contains("there is no person with the handle bob; there are: bo"));
    assert!(fail(run(&["user", "away", "team", "--until", "2086-07-09"])).contains("there is no person with the handle team"));
    assert!(fail(run(&["user", "away", "bo", "--until", "2020-01-01"])).contains("is past"));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn how_an_account_sends_is_shown_stored_and_changed(pool: PgPoolOptions, options: PgConnectOptions) {
    let database = Desk::new(pool, options).await;
    let account = "\n[[tenant.accounts]]\nname = \"chat\"\nchannel = \"slack\"\naddress = \"T024BE7LD\"\n";
    let with = |sender: &str| format!("{DESK}{account}{sender}");
    let first = with("[tenant.accounts.sender]\ntoken = \"env:SLACK_TOKEN\"\n");
    let said = database.apply(&first);
    assert!(said.contains("address T024BE7LD") && said.contains("sender.token env:SLACK_TOKEN"), "{said}");
    assert_eq!(database.apply(&first), "nothing to do\n");
    let keys: (TenantId, AccountId) =
        (database.ask("select id from tenants").await, database.ask("select id from channel_accounts where name = 'chat'").await);
    let stored = async || {
        let mut connection = database.0.pool.acquire().await.expect("a connection");
        senders::load(&mut connection, &[keys]).await.expect("the database is there").remove(&keys).expect("an account")
    };
    let platform = Platform::Slack { token: "env:SLACK_TOKEN".to_owned(), base_url: None };
    let sender = Sender { platform, rate: None, when_unsure: None };
    let account = stored().await;
    assert_eq!((account.channel, account.address.as_str(), account.disabled), (Channel::Slack, "T024BE7LD", false));
    assert_eq!(account.sender, Ok(Some(sender.clone())));
    let said = database.apply(&with("[tenant.accounts.sender]\ntoken = \"env:SLACK_TOKEN\"\nrate = \"30/m\"\nwhen_unsure = \"retry\"\n"));
    assert!(said.contains("~ account chat: sender.rate none → 30/m; sender.when_unsure none → retry\n"), "{said}");
    let changed = Sender { rate: Some(Rate { count: 30, seconds: 60 }), when_unsure: Some(WhenUnsure::Retry), ..sender };
    assert_eq!(stored().await.sender, Ok(Some(changed)));
    let said = database.apply(&with(""));
    assert!(said.contains("sender.token env:SLACK_TOKEN → none"), "{said}");
    assert_eq!(stored().await.sender, Ok(None));
    database.apply(DESK);
    assert!(stored().await.disabled);
    sqlx::query("update channel_accounts set sender = '{\"kind\": \"pigeon\"}' where name = 'chat'")
        .execute(&database.0.pool)
        .await
        .expect("written");
    assert!(stored().await.sender.is_err(), "it is the matter of this account alone");
    let user = DESK.replace("handle = \"bo\"", "handle = \"bo\"\ncontacts = [\"webhook:http://pager.example/\"]");
    let faults = database.refused(&user);
    assert!(faults.contains("user bo: contacts: webhook:http://pager.example/ should be one of https"), "{faults}");
    database.apply(
        &(user
            + "\n[[tenant.accounts]]\nname = \"pager\"\nchannel = \"webhook\"\naddress = \"pager\"\n\
        [tenant.accounts.sender]\nsecret = \"env:S\"\nallow_private = true\n"),
    );
    assert_eq!(database.ask::<String>("select value from user_contacts where type = 'webhook'").await, "http://pager.example/");
}
