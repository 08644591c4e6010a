//! Each field with each operator, as people would write it.

use serde_json::{Value as Json, json};
use switchboard_common::domain::inbound::{Channel, Trust};

use super::super::{Opened, TEXT, View, evaluate};
use super::world::{World, holds, rule};

fn table(world: &World, conditions: &[(Json, bool)]) {
    for (condition, expected) in conditions {
        assert_eq!(holds(condition, world), *expected, "{condition}");
    }
}

#[test]
fn texts_are_compared_in_any_case_by_word_and_by_pattern() {
    table(
        &World::default(),
        &[
            (json!({ "field": "subject", "is": "INVOICE 4711: pay back, please" }), true),
            (json!({ "field": "subject", "is": "invoice 4711" }), false),
            (json!({ "field": "subject", "one_of": ["x", "invoice 4711: Pay Back, please"] }), true),
            (json!({ "field": "subject", "words": ["invoices", "pay back"] }), true),
            (json!({ "field": "subject", "words": "invoices" }), false),
            (json!({ "field": "text", "words": "invoice is wrong" }), true),
            (json!({ "field": "text", "matches": "(?m)^the INV" }), true),
            (json!({ "field": "text", "matches": "invoice" }), false),
            (json!({ "field": "text", "matches": "(?i)invoice" }), true),
            (json!({ "field": "sender.name", "words": "lovelace" }), true),
            (json!({ "field": "client.name", "is": "lovelace ltd" }), true),
            (json!({ "field": "account", "one_of": ["sales", "support"] }), true),
        ],
    );
}

#[test]
fn a_text_that_is_empty_is_not_there_and_like_nothing() {
    let empty = World { subject: String::new(), text: String::new(), sender_name: Some(String::new()), ..World::default() };
    for field in ["subject", "text", "sender.name"] {
        table(
            &empty,
            &[
                (json!({ "field": field, "exists": true }), false),
                (json!({ "field": field, "matches": "^$" }), false),
                (json!({ "not": { "field": field, "matches": "." } }), true),
            ],
        );
    }
}

#[test]
fn an_address_is_meant_whole_or_by_its_local_part_and_a_domain_with_those_within_it() {
    table(
        &World::default(),
        &[
            (json!({ "field": "recipient", "is": "Support" }), true),
            (json!({ "field": "recipient", "is": "support@desk.example" }), true),
            (json!({ "field": "recipient", "is": "support@other.example" }), false),
            (json!({ "field": "recipient", "is": "desk.example" }), false),
            (json!({ "field": "sender", "is": "ada@mail.client.example" }), true),
            (json!({ "field": "sender", "is": "email:Ada@mail.client.example" }), true),
            (json!({ "field": "sender", "is": "phone:ada@mail.client.example" }), false),
            (json!({ "field": "sender", "one_of": ["bob", "ada"] }), true),
            (json!({ "field": "domain", "is": "client.example" }), true),
            (json!({ "field": "domain", "is": "Mail.Client.Example" }), true),
            (json!({ "field": "domain", "is": "ient.example" }), false),
            (json!({ "field": "domain", "is": "x.mail.client.example" }), false),
            (json!({ "field": "domain", "matches": "^client[.]" }), false),
        ],
    );
    let chat = World { channel: Channel::Whatsapp, sender: vec!["phone:+5511987654321".parse().expect("a key")], ..World::default() };
    table(
        &chat,
        &[
            (json!({ "field": "channel", "one_of": ["sms", "whatsapp"] }), true),
            (json!({ "field": "sender", "is": "phone:+5511987654321" }), true),
            (json!({ "field": "sender", "is": "+5511987654321" }), true),
            (json!({ "field": "sender", "matches": "^\\+55" }), true),
            (json!({ "field": "domain", "exists": false }), true),
            (json!({ "field": "domain", "is": "client.example" }), false),
        ],
    );
}

#[test]
fn what_a_tenant_keeps_is_compared_as_what_it_is() {
    table(
        &World::default(),
        &[
            (json!({ "field": "client.data.plan", "is": "gold" }), true),
            (json!({ "field": "client.data.seats", "at_least": 12 }), true),
            (json!({ "field": "client.data.seats", "at_most": 11.9 }), false),
            (json!({ "field": "client.data.seats", "is": 12 }), true),
            (json!({ "field": "client.data.seats", "is": "12" }), true),
            (json!({ "field": "client.data.vip", "is": true }), true),
            (json!({ "field": "client.data.vip", "is": false }), false),
            (json!({ "field": "client.data.sites", "is": "lisbon" }), true),
            (json!({ "field": "client.data.sites", "words": "porto lisbon" }), false),
            (json!({ "field": "client.data.gone", "exists": true }), false),
            (json!({ "field": "client.data.no", "exists": false }), true),
            (json!({ "field": "client.data.no", "is": false }), false),
            (json!({ "field": "field.order", "matches": "^A-\\d+$" }), true),
            (json!({ "field": "field.count", "at_least": 4 }), false),
        ],
    );
    let unknown = World { client_data: None, ..World::default() };
    table(&unknown, &[(json!({ "field": "client.data.plan", "exists": false }), true)]);
}

#[test]
fn attachments_are_those_that_a_person_would_call_so() {
    table(
        &World::default(),
        &[
            (json!({ "field": "attachments", "is": 1 }), true),
            (json!({ "field": "attachments.names", "matches": "[.]pdf$" }), true),
            (json!({ "field": "attachments.names", "words": "logo" }), false),
            (json!({ "field": "attachments.types", "is": "application/pdf" }), true),
            (json!({ "field": "attachments.size", "at_most": 70_000 }), true),
            (json!({ "field": "attachments.size", "at_least": 70_001 }), false),
        ],
    );
    let none = World { attachments: Vec::new(), ..World::default() };
    table(
        &none,
        &[(json!({ "field": "attachments.names", "exists": true }), false), (json!({ "field": "attachments", "at_most": 0 }), true)],
    );
}

#[test]
fn circumstances_are_asked_with_yes_and_no() {
    let plain = World::default();
    table(
        &plain,
        &[
            (json!({ "field": "automatic", "is": false }), true),
            (json!({ "field": "spam", "exists": true }), false),
            (json!({ "field": "trust", "is": "unverified" }), true),
            (json!({ "field": "follow_up", "is": false }), true),
            (json!({ "field": "client.new", "is": true }), false),
            (json!({ "hours": "inside" }), true),
            (json!({ "hours": "outside" }), false),
        ],
    );
    let odd = World {
        automatic: Some("Auto-Submitted: auto-replied".to_owned()),
        spam: Some("X-Spam-Flag: YES".to_owned()),
        opened: Opened::FollowUp,
        trust: Trust::Failed,
        hours: None,
        ..plain
    };
    table(
        &odd,
        &[
            (json!({ "field": "automatic", "words": "auto replied" }), true),
            (json!({ "field": "spam", "is": true }), true),
            (json!({ "field": "follow_up", "is": true }), true),
            (json!({ "field": "stranger", "is": true }), false),
            (json!({ "hours": "inside" }), false),
            (json!({ "hours": "outside" }), false),
        ],
    );
}

#[test]
fn of_a_long_text_the_beginning_is_looked_at() {
    let text = format!("{}needle {}", "ä".repeat((TEXT - 8) / 2) + " ", "x".repeat(100));
    let world = World { text: text + " haystack", ..World::default() };
    table(&world, &[(json!({ "field": "text", "words": "needle" }), true), (json!({ "field": "text", "words": "haystack" }), false)]);
}

#[test]
fn the_facts_are_listed_once_cut_and_without_what_nobody_asked_for() {
    let world = World { text: "é".repeat(5000), ..World::default() };
    let view = View::new(world.facts());
    let asks = |condition: Json| rule("r", &json!([condition]), &json!({ "tags": ["t"] }));
    let quiet = [asks(json!({ "field": "channel", "is": "sms" })), asks(json!({ "field": "sender.name", "exists": false }))];
    assert_eq!(evaluate(&quiet, &view).tried.len(), 2);
    let listed = |view: &View<'_>| -> Vec<(String, String)> { view.listed().into_iter().map(|fact| (fact.field, fact.value)).collect() };
    let fact = |field: &str, value: &str| (field.to_owned(), value.to_owned());
    assert_eq!(listed(&view), [fact("channel", "email"), fact("sender.name", "Ada Lovelace")]);
    let curious = [
        asks(json!({ "field": "text", "words": "é" })),
        asks(json!({ "field": "domain", "is": "x" })),
        asks(json!({ "field": "spam", "is": true })),
        asks(json!({ "field": "field.order", "exists": true })),
        asks(json!({ "hours": "inside" })),
    ];
    let view = View::new(world.facts());
    assert_eq!(evaluate(&curious, &view).tried.len(), 5);
    let expected = [
        fact("domain", "mail.client.example"),
        fact("text", &format!("{}…", "é".repeat(200))),
        fact("spam", "no"),
        fact("field.count", "3"),
        fact("field.order", "A-17"),
        fact("hours", "Mon 2 Mar 10:00 UTC: inside of 09:00-12:30"),
    ];
    assert_eq!(listed(&view), expected);
}
