//! Rules on the way of a message through the database: what a client writes, and where it goes.

use serde_json::{Value, json};
use sqlx::PgPool;
use switchboard_common::domain::explanation::{ConditionTried, Routing, RuleTried};
use switchboard_common::domain::inbound::{InboundAttachment, Trust};
use switchboard_common::ids::MediaId;

use crate::desk::{Desk, MIGRATIONS, Mail};

impl Desk {
    /// Puts these rules in the place of all others: name, when, then.
    pub async fn rules(&self, rules: &[(&str, Value, Value)]) {
        sqlx::query("delete from routing_rules").execute(&self.pool).await.expect("no rules");
        for (position, (name, when, then)) in (1..).zip(rules) {
            let rule = json!({ "version": 1, "when": when, "then": then });
            sqlx::query("insert into routing_rules (tenant_id, id, position, name, rule) values ($1, gen_random_uuid(), $2, $3, $4)")
                .bind(self.tenant.0)
                .bind(position)
                .bind(name)
                .bind(rule)
                .execute(&self.pool)
                .await
                .expect("a rule");
        }
        self.change_desk("select").await;
    }

    pub async fn routing(&self, mail: Mail) -> Routing {
        self.take(mail).await.explanation.routing.expect("it was routed")
    }

    pub async fn snapshot(&self, number: i64) -> Value {
        sqlx::query_scalar("select v.state from tickets t join ticket_versions v on v.ticket_id = t.id and v.version = t.version where t.ticket_number = $1")
            .bind(number)
            .fetch_one(&self.pool)
            .await
            .expect("a version")
    }

    pub async fn changes(&self, number: i64) -> Vec<String> {
        let changes: Value = sqlx::query_scalar(
            "select v.changes from tickets t join ticket_versions v on v.ticket_id = t.id and v.version = 1 where t.ticket_number = $1",
        )
        .bind(number)
        .fetch_one(&self.pool)
        .await
        .expect("a version");
        serde_json::from_value(changes).expect("texts")
    }
}

/// The rules with what became of each.
fn outcomes(routing: &Routing) -> Vec<(&str, bool)> {
    routing.rules.iter().map(|rule| (&*rule.rule, rule.matched)).collect()
}

/// A condition as a line: field, wanted, seen, held.
fn line(routing: &Routing, condition: &ConditionTried) -> String {
    let held = if condition.held { "holds" } else { "fails" };
    let parts: Vec<String> = condition.of.iter().map(|part| line(routing, part)).collect();
    if parts.is_empty() {
        format!("{} {} ({}) {held}", condition.field, condition.wanted, routing.seen(&condition.field))
    } else {
        format!("{}[{}] {held}", condition.field, parts.join(", "))
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn every_condition_of_a_rule_is_explained_with_what_it_saw(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let when = json!([
        { "field": "subject", "words": ["printer"] },
        { "any": [{ "field": "domain", "is": "client.example" }, { "not": { "field": "trust", "is": "failed" } }] },
        { "field": "text", "matches": "(?i)serial\\s+[A-Z]{2}\\d{4}" },
        { "field": "client.new", "is": true },
        { "field": "recipient", "is": "support" },
        { "field": "field.floor", "at_least": 2 },
    ]);
    desk.rules(&[("printers", when, json!({ "tags": ["printer"] }))]).await;
    let mut mail = desk.mail("ada@mx.client.example", "a1");
    "It smokes. Serial AB1234.".clone_into(&mut mail.0.reply);
    let routing = desk.routing(mail).await;
    let conditions: Vec<String> = routing.rules[0].conditions.iter().map(|condition| line(&routing, condition)).collect();
    assert_eq!(
        conditions,
        [
            "subject has one of the words printer (The printer is on fire) holds",
            "any[domain is client.example (mx.client.example) holds, not[trust is failed (unverified) fails] holds] holds",
            "text matches /(?i)serial\\s+[A-Z]{2}\\d{4}/ (It smokes. Serial AB1234.) holds",
            "client.new is yes (yes) holds",
            "recipient is support (support@desk.example) holds",
            "field.floor is at least 2 (nothing) fails",
        ]
    );
    assert_eq!((outcomes(&routing), routing.tags.len()), (vec![("printers", false)], 0));
    let seen = sqlx::query_scalar::<_, i64>("select count(*) from inbound_messages where explanation::text like '%\"seen\"%'");
    assert_eq!(seen.fetch_one(&desk.pool).await.expect("a count"), 0, "the facts have what was seen, once");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_first_rule_that_sets_something_wins_and_tags_add_up(pool: PgPool) {
    let desk = Desk::new(pool).await;
    sqlx::query("insert into priorities (tenant_id, id, name, color, position) values ($1, gen_random_uuid(), 'urgent', '#ff0000', 2)")
        .bind(desk.tenant.0)
        .execute(&desk.pool)
        .await
        .expect("a priority");
    let all = json!([{ "field": "channel", "is": "email" }]);
    desk.rules(&[
        (
            "fire",
            json!([{ "field": "subject", "words": "fire" }]),
            json!({ "priority": "urgent", "tags": ["fire"], "fields": { "floor": 3 } }),
        ),
        ("other", json!([{ "field": "subject", "words": "water" }]), json!({ "category": "Quote" })),
        (
            "all",
            all.clone(),
            json!({ "category": "Quote", "priority": "normal", "tags": ["fire", "mail"], "fields": { "floor": 1, "door": "left" } }),
        ),
        ("late", all, json!({ "department": "Technical support", "assign": "bo" })),
    ])
    .await;
    let mut mail = desk.mail("ada@example.org", "a1");
    mail.0.fields.insert("order".to_owned(), json!("4711"));
    let routing = desk.routing(mail).await;
    assert_eq!(outcomes(&routing), [("fire", true), ("other", false), ("all", true), ("late", true)]);
    let RuleTried { set, not_set, .. } = &routing.rules[2];
    assert_eq!(*set, ["category Quote", "tag mail", "field door \"left\""]);
    let had = "the rule \"fire\" had set it";
    assert_eq!(*not_set, [format!("priority normal: {had}"), format!("tag fire: {had}"), format!("field floor 1: {had}")]);
    assert_eq!((routing.category_why.as_str(), routing.department_why.as_str()), ("rule \"all\" matched", "rule \"late\" matched"));
    assert_eq!((routing.assignee.as_deref(), routing.priority.as_deref()), (Some("bo"), Some("urgent")));
    let state = desk.snapshot(1).await;
    assert_eq!(state["tags"], json!(["fire", "mail"]));
    assert_eq!(state["custom_fields"], json!({ "door": "left", "floor": 3, "order": "4711" }));
    let stored: (Vec<String>, Value, String) = sqlx::query_as(
        "select array(select g.name from ticket_tags tt join tags g on g.id = tt.tag_id order by 1), t.custom_fields, p.name
         from tickets t join priorities p on p.id = t.priority_id",
    )
    .fetch_one(&desk.pool)
    .await
    .expect("a ticket");
    assert_eq!(stored, (vec!["fire".to_owned(), "mail".to_owned()], state["custom_fields"].clone(), "urgent".to_owned()));
    assert!(desk.changes(1).await.contains(&"priority: urgent".to_owned()));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn after_a_rule_that_says_stop_none_is_looked_at(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let all = json!([{ "field": "channel", "is": "email" }]);
    desk.rules(&[
        ("first", all.clone(), json!({ "tags": ["a"], "stop": true })),
        ("second", all, json!({ "tags": ["b"], "category": "Quote" })),
    ])
    .await;
    let routing = desk.routing(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(routing.rules[1].skipped.as_deref(), Some("the rule \"first\" says stop"));
    assert_eq!((routing.rules[1].conditions.len(), routing.tags.as_slice()), (0, &["a: rule \"first\"".to_owned()][..]));
    assert_eq!(routing.category_why, "no rule set one; it is the default of the account support");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_rule_that_cannot_be_read_is_skipped_and_stops_no_mail(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let all = json!([{ "field": "channel", "is": "email" }]);
    desk.rules(&[
        ("edited", json!([{ "field": "subjct", "is": "x" }]), json!({ "stop": true })),
        ("good", all, json!({ "category": "Quote" })),
    ])
    .await;
    let routing = desk.routing(desk.mail("ada@example.org", "a1")).await;
    let why = "it cannot be read: when[1]: field subjct: there is no such field; did you mean subject?";
    assert_eq!(routing.rules[0].skipped.as_deref(), Some(why));
    assert_eq!(routing.category.as_deref(), Some("Quote"));
    desk.change_desk("update routing_rules set rule = '[]'").await;
    let routing = desk.routing(desk.mail("ada@example.org", "a2")).await;
    assert_eq!(
        (routing.category.as_deref(), routing.rules[1].skipped.as_deref()),
        (Some("Incident"), Some("it cannot be read: it names no version"))
    );
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_a_rule_names_and_the_desk_no_longer_has_is_said_and_not_guessed(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let all = json!([{ "field": "channel", "is": "email" }]);
    desk.rules(&[("old", all, json!({ "category": "Gone", "department": "Gone", "assign": "gone", "priority": "urgent" }))]).await;
    let routing = desk.routing(desk.mail("ada@example.org", "a1")).await;
    let missing = |what: &str| format!("rule \"old\" names the {what}, which does not exist; ");
    assert_eq!(routing.category_why, missing("category Gone") + "it is the default of the account support");
    assert_eq!(routing.department_why, missing("department Gone") + "it is that of the category Incident");
    assert_eq!(routing.assignee_why, missing("user or group gone") + "it is that of the category Incident");
    assert_eq!(routing.priority_why, missing("priority urgent") + "it is the default");
    assert_eq!(routing.assignee.as_deref(), Some("2nd-line"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn rules_ask_what_is_known_of_the_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let when = json!([
        { "field": "client.data.plan", "one_of": ["gold", "platinum"] },
        { "field": "client.new", "is": false },
        { "field": "client.name", "words": "ada" },
    ]);
    desk.rules(&[("gold", when, json!({ "tags": ["vip"] }))]).await;
    let first = desk.routing(desk.mail("ada@example.org", "a1")).await;
    assert!(!first.rules[0].matched);
    assert_eq!((first.seen("client.data.plan"), first.seen("client.new")), ("nothing", "yes"));
    assert_eq!(first.seen("client.name"), "ada@example.org");
    sqlx::query("update clients set name = 'Ada', data = '{\"plan\": \"Gold\"}'").execute(&desk.pool).await.expect("data");
    let second = desk.routing(desk.mail("ada@example.org", "a2")).await;
    assert_eq!((second.seen("client.data.plan"), second.tags.join("; ").as_str()), ("Gold", "vip: rule \"gold\""));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_business_hours_are_those_of_when_the_message_was_taken(pool: PgPool) {
    let desk = Desk::new(pool).await;
    sqlx::query("insert into customize (tenant_id, data) values ($1, $2)")
        .bind(desk.tenant.0)
        .bind(json!({ "timezone": "Europe/Lisbon", "hours": { "mon": ["09:00-12:30", "13:30-18:00"], "holidays": ["2026-03-09"] } }))
        .execute(&desk.pool)
        .await
        .expect("hours");
    desk.rules(&[("late", json!([{ "hours": "outside" }]), json!({ "tags": ["late"] }))]).await;
    let at = |id: &str, at: &str| {
        let mut mail = desk.mail("ada@example.org", id);
        mail.0.received_at = crate::desk::at(at);
        mail
    };
    for (id, time, late, why) in [
        ("a1", "2026-03-02T08:59:00Z", true, "Mon 2 Mar 08:59 Europe/Lisbon: outside of 09:00-12:30, 13:30-18:00"),
        ("a2", "2026-03-02T09:00:00Z", false, "Mon 2 Mar 09:00 Europe/Lisbon: inside of 09:00-12:30"),
        ("a3", "2026-03-09T10:00:00Z", true, "Mon 9 Mar 10:00 Europe/Lisbon: holiday (2026-03-09)"),
        ("a4", "2026-03-30T08:00:00Z", false, "Mon 30 Mar 09:00 Europe/Lisbon: inside of 09:00-12:30"),
    ] {
        let routing = desk.routing(at(id, time)).await;
        assert_eq!((routing.rules[0].matched, routing.seen("hours")), (late, why));
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn rules_look_at_language_attachments_spam_and_strangers(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let tag = |tag: &str| json!({ "tags": [tag] });
    desk.rules(&[
        ("portuguese", json!([{ "field": "language", "is": "pt" }]), tag("pt")),
        (
            "pictures",
            json!([{ "field": "attachments.types", "matches": "^image/" }, { "field": "attachments", "at_least": 1 }]),
            tag("pictures"),
        ),
        ("large", json!([{ "field": "attachments.size", "at_least": 1_000_000 }]), tag("large")),
        ("spam", json!([{ "field": "spam", "is": true }]), tag("spam")),
        ("stranger", json!([{ "field": "stranger", "is": true }]), tag("stranger")),
        ("forged", json!([{ "field": "trust", "is": "failed" }, { "field": "automatic", "exists": false }]), tag("forged")),
    ])
    .await;
    let mut mail = desk.mail("ada@example.org", "a1").trust(Trust::Failed);
    "Olá, o meu pedido ainda não chegou e eu gostaria de saber quando é que ele vai ser entregue.".clone_into(&mut mail.0.reply);
    mail.0.spam = Some("X-Spam-Flag: YES".to_owned());
    let media: MediaId = desk.ambient.new_id();
    sqlx::query("insert into media (tenant_id, id, sha256, size, data) values ($1, $2, sha256('x'), 1, 'x')")
        .bind(desk.tenant.0)
        .bind(media.0)
        .execute(&desk.pool)
        .await
        .expect("media");
    let attachment = |name: &str, inline| InboundAttachment {
        media_id: media,
        name: name.to_owned(),
        content_type: "image/png".to_owned(),
        size: 999_999,
        inline,
        content_id: None,
    };
    mail.0.attachments = vec![attachment("photo.png", false), attachment("logo.png", true)];
    let routing = desk.routing(mail).await;
    let matched =
        |routing: &Routing| -> Vec<String> { routing.rules.iter().filter(|rule| rule.matched).map(|rule| rule.rule.to_string()).collect() };
    assert_eq!(matched(&routing), ["portuguese", "pictures", "spam", "forged"]);
    assert_eq!((routing.seen("attachments"), routing.seen("attachments.types"), routing.seen("language")), ("1", "image/png", "pt"));
    let stranger = desk.routing(desk.mail("eve@example.com", "e1").refers_to(&["a1"])).await;
    assert_eq!((matched(&stranger), stranger.seen("language")), (vec!["stranger".to_owned()], "en"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_is_archived_gets_no_more_tickets(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk(
        "update departments set archived_at = now() where name = 'Technical support';
         update users set archived_at = now() where handle = '2nd-line'",
    )
    .await;
    let ended = desk.take(desk.mail("ada@example.org", "a1")).await;
    let routing = ended.explanation.routing.expect("routed");
    assert_eq!((routing.category.as_deref(), routing.department, routing.assignee), (Some("Incident"), None, None));
    assert_eq!(routing.department_why, "neither a rule nor a category leads to one");
    assert_eq!(routing.assignee_why, "neither a rule nor a category leads to one");
    let snapshot = desk.snapshot(ended.number).await;
    assert_eq!((&snapshot["department_id"], &snapshot["assignees"]), (&Value::Null, &json!([])));

    desk.change_desk("update categories set archived_at = now() where name = 'Incident'").await;
    let ended = desk.take(desk.mail("ada@example.org", "a2")).await;
    let routing = ended.explanation.routing.expect("routed");
    assert_eq!(routing.category_why, "no rule matched, and the account support has no default category");
    assert_eq!((routing.category, &desk.snapshot(ended.number).await["category_id"]), (None, &Value::Null));
    // A rule that names it names what is not there.
    desk.rules(&[("all", json!([{ "field": "channel", "is": "email" }]), json!({ "category": "Incident", "assign": "2nd-line" }))]).await;
    let routing = desk.routing(desk.mail("ada@example.org", "a3")).await;
    assert!(routing.category_why.starts_with("rule \"all\" names the category Incident, which does not exist"), "{}", routing.category_why);
    assert!(
        routing.assignee_why.starts_with("rule \"all\" names the user or group 2nd-line, which does not exist"),
        "{}",
        routing.assignee_why
    );
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_field_that_a_rule_sets_goes_before_what_came_with_the_message(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let all = json!([{ "field": "field.floor", "is": 7 }]);
    desk.rules(&[("all", all, json!({ "fields": { "floor": 3 } }))]).await;
    let mut mail = desk.mail("ada@example.org", "a1");
    mail.0.fields.extend([("floor".to_owned(), json!(7)), ("order".to_owned(), json!("4711"))]);
    desk.take(mail).await;
    assert_eq!(desk.snapshot(1).await["custom_fields"], json!({ "floor": 3, "order": "4711" }));
}
