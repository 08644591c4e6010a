use serde_json::json;

use super::*;
use crate::domain::preferences::schema;

fn faults(document: &Json, whose: Whose) -> Vec<String> {
    Preferences::read(document, whose).expect_err("it has faults")
}

/// The document of the design, and one in which every key says something: each comes back as it was.
#[test]
fn a_document_is_read_and_written_as_what_was_said() {
    let design = json!({
        "locale": "pt-BR", "timezone": "America/Sao_Paulo", "channels": ["slack", "email"],
        "events": { "ticket.assigned": ["slack", "sms"], "message.added": "digest", "ticket.closed": [] },
        "quiet_hours": { "from": "19:00", "to": "08:00", "days": ["mon", "tue", "wed", "thu", "fri"], "except_priority": "urgent" },
        "digest": { "every": "1h" }, "fallback": ["email", "sms"], "own_actions": false, "muted_tickets": [1042],
    });
    let more = json!({
        "quiet_hours": { "from": "22:00", "to": "07:30", "also": [{ "from": "00:00", "to": "24:00", "days": ["sat", "sun"] }] },
        "digest": { "at": ["08:00", "16:30"] }, "storm": { "most": 5, "within": "30m" }, "own_actions": true, "muted_tickets": [], "channels": [],
    });
    let lifted = json!({ "quiet_hours": "none" });
    for document in [design, more, lifted, json!({})] {
        let read = Preferences::read(&document, Whose::User).expect("preferences");
        assert_eq!(read.document(), document);
        assert_eq!(serde_json::from_value::<Preferences>(document.clone()).expect("preferences"), read);
        assert_eq!(read.is_empty(), document == json!({}));
    }
    let locales =
        [("PT-br", "pt-BR"), ("en", "en"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("fil", "fil"), ("sr-LATN", "sr-Latn")];
    for (written, usual) in locales {
        let read = Preferences::read(&json!({ "locale": written }), Whose::User).expect("a language");
        assert_eq!(read.locale.as_deref(), Some(usual));
    }
    let same = [json!({ "digest": { "every": "60m" } }), json!({ "digest": { "every": "1h" } })];
    assert_eq!(Preferences::read(&same[0], Whose::User), Preferences::read(&same[1], Whose::User));
}

#[test]
fn every_fault_is_named_at_once_with_the_path_to_it_and_what_was_expected() {
    let document = json!({
        "locale": "english", "timezone": "europe/lisbon", "chanels": [], "channels": ["slack", "emial", "slack", 3],
        "events": { "message.added": ["email", "email"], "ticket.asigned": [], "ticket.closed": "digests" },
        "quiet_hours": { "from": "7pm", "to": "08:00", "days": ["monday", "tue", "tue"], "except_priority": "urgnet", "untl": "8" },
        "digest": { "every": "1h", "at": ["08:00"] }, "fallback": "email", "own_actions": "no", "muted_tickets": [1042, 0, "#7", 1042],
        "storm": { "most": 0, "within": "2d" },
    });
    let expected = [
        "chanels: there is no such key; did you mean channels?",
        r#"locale: "english" is not a language; expected one like en, pt-BR or zh-Hant-TW"#,
        r#"timezone: "europe/lisbon" is not a time zone; did you mean Europe/Lisbon?"#,
        r#"channels[2]: "emial" is not a method; did you mean email?"#,
        r#"channels[3]: "slack" stands there twice"#,
        "channels[4]: is 3; expected a text",
        "events.ticket.asigned: there is no such key; did you mean ticket.assigned?",
        r#"events.message.added[2]: "email" stands there twice"#,
        r#"events.ticket.closed: is "digests"; expected a list of methods, or "digest""#,
        "quiet_hours.untl: there is no such key; expected one of from, to, days, also, except_priority",
        r#"quiet_hours.from: "7pm" is not a time of the day like 08:00"#,
        r#"quiet_hours.days[1]: "monday" is not a day; expected one of mon, tue, wed, thu, fri, sat, sun"#,
        r#"quiet_hours.days[3]: "tue" stands there twice"#,
        r#"quiet_hours.except_priority: "urgnet" is not a priority; did you mean urgent?"#,
        "digest: expected one of every and at",
        r#"fallback: is "email"; expected a list of methods"#,
        r#"own_actions: is "no"; expected true or false"#,
        "muted_tickets[2]: is 0; expected a ticket's number, such as 1042",
        r##"muted_tickets[3]: is "#7"; expected a ticket's number, such as 1042"##,
        "muted_tickets[4]: 1042 stands there twice",
        "storm.most: is 0; expected a number from 1 to 100000",
        r#"storm.within: "2d" is too long; expected 1d or less"#,
    ];
    assert_eq!(faults(&document, Whose::User), expected);
}

/// What the schema refuses too, and then what it cannot say: a document with the beginning of its one fault.
#[test]
fn what_is_wrong_by_itself_is_said_and_the_schema_says_so_too() {
    let schema = schema();
    for (whose, document, expected) in [
        (Whose::User, json!([]), "the document is a list; expected a table with locale,"),
        (Whose::User, json!({ "locale": null }), "locale: is null; expected a text"),
        (Whose::User, json!({ "locale": "pt_BR" }), "locale: \"pt_BR\" is not a language"),
        (Whose::User, json!({ "locale": "en-GB-oed" }), "locale: \"en-GB-oed\" is not a language"),
        (Whose::User, json!({ "timezone": 1 }), "timezone: is 1; expected a text"),
        (Whose::User, json!({ "channels": ["fax"] }), "channels[1]: \"fax\" is not a method; expected one of email, slack,"),
        (Whose::User, json!({ "channels": ["sms", "sms"] }), "channels[2]: \"sms\" stands there twice"),
        (Whose::User, json!({ "channels": "digest" }), "channels: is \"digest\"; expected a list"),
        (Whose::User, json!({ "events": [] }), "events: is a list; expected a table with ticket.created,"),
        (Whose::User, json!({ "events": { "mention": true } }), "events.mention: is true; expected a list of methods, or"),
        (Whose::User, json!({ "quiet_hours": "never" }), "quiet_hours: is \"never\"; expected a table with from and to, or \"none\""),
        (Whose::User, json!({ "quiet_hours": { "from": "19:00" } }), "quiet_hours.to: is missing"),
        (Whose::User, json!({ "quiet_hours": { "from": "19:00", "to": "8:00" } }), "quiet_hours.to: \"8:00\" is not a time of the day"),
        (Whose::User, json!({ "quiet_hours": { "from": "19:00", "to": "24:01" } }), "quiet_hours.to: \"24:01\" is not a time of the day"),
        (Whose::User, json!({ "quiet_hours": { "from": "24:00", "to": "08:00" } }), "quiet_hours.from: \"24:00\" is the end of a day"),
        (Whose::User, json!({ "quiet_hours": { "from": "19:00", "to": "08:00", "days": [] } }), "quiet_hours.days: is empty"),
        (Whose::User, json!({ "quiet_hours": { "from": "19:00", "to": "08:00", "also": [{}] } }), "quiet_hours.also[1].from: is missing"),
        (Whose::User, json!({ "digest": {} }), "digest: expected one of every and at"),
        (Whose::User, json!({ "digest": { "at": [] } }), "digest.at: is empty"),
        (Whose::User, json!({ "digest": { "at": ["24:00"] } }), "digest.at[1]: \"24:00\" is the end of a day"),
        (Whose::User, json!({ "digest": { "every": "-1h" } }), "digest.every: \"-1h\" is not a time from 1m to 7d"),
        (Whose::User, json!({ "digest": { "every": 60 } }), "digest.every: is 60; expected a text"),
        (Whose::User, json!({ "muted_tickets": [1.5] }), "muted_tickets[1]: is 1.5; expected a ticket's number"),
        (Whose::User, json!({ "storm": { "most": 10 } }), "storm.within: is missing"),
        (Whose::Client, json!({ "digest": { "every": "1h" } }), "digest: there is no such key of a client's; expected one of locale,"),
        (Whose::Client, json!({ "channels": [] }), "channels: is empty; an answer goes somewhere"),
        (
            Whose::Client,
            json!({ "channels": ["webhook"] }),
            "channels[1]: \"webhook\" is not a method; expected one of email, slack, whatsapp, sms",
        ),
        (Whose::Client, json!({ "events": { "message.added": [] } }), "events.message.added: is empty; an answer goes somewhere"),
        (
            Whose::Client,
            json!({ "events": { "ticket.closed": "digest" } }),
            "events.ticket.closed: is \"digest\"; expected a list of methods",
        ),
        (Whose::Client, json!({ "events": { "mention": ["email"] } }), "events.mention: there is no such key"),
    ] {
        let found = faults(&document, whose);
        assert!(found[0].starts_with(expected), "{document}: {found:?}");
        assert!(!allows(&schema, of(&schema, whose), &document), "the schema allows {document}");
    }
    for (document, expected) in [
        (json!({ "timezone": "Europe/Lissabon" }), "timezone: \"Europe/Lissabon\" is not a time zone; did you mean Europe/Lisbon?"),
        (json!({ "timezone": "Mars" }), "timezone: \"Mars\" is not a time zone; expected one like"),
        (json!({ "quiet_hours": { "from": "08:00", "to": "08:00" } }), "quiet_hours.to: is 08:00 as is from; expected another time"),
        (json!({ "quiet_hours": { "from": "00:00", "to": "24:00" } }), "quiet_hours: never end"),
        (
            json!({ "quiet_hours": { "from": "18:00", "to": "08:00", "also": [{ "from": "07:00", "to": "18:00" }] } }),
            "quiet_hours: never end",
        ),
        (json!({ "digest": { "every": "9m" } }), "digest.every: \"9m\" is too often; expected 10m or more"),
        (json!({ "digest": { "every": "36h" } }), "digest.every: \"36h\" is longer than a day; expected whole days"),
        (json!({ "digest": { "every": "8d" } }), "digest.every: \"8d\" is not a time from 1m to 7d"),
        (json!({ "storm": { "most": 10, "within": "25h" } }), "storm.within: \"25h\" is too long"),
    ] {
        let found = faults(&document, Whose::User);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{document}: {found:?}");
    }
}

#[test]
fn what_is_right_the_schema_allows() {
    let schema = schema();
    for (whose, document) in [
        (Whose::User, json!({})),
        (Whose::User, json!({ "locale": "zh-hant-TW", "timezone": "Etc/GMT+3", "channels": Method::ALL, "fallback": [] })),
        (Whose::User, json!({ "events": { "ticket.created": [], "mention": ["sms"], "delivery.failed": "digest" }, "own_actions": true })),
        (Whose::User, json!({ "quiet_hours": { "from": "00:00", "to": "24:00", "days": ["sat", "sun"], "except_priority": "low" } })),
        (Whose::User, json!({ "quiet_hours": { "from": "19:00", "to": "00:00", "also": [{ "from": "12:00", "to": "13:00" }] } })),
        (Whose::User, json!({ "quiet_hours": "none", "digest": { "at": ["00:00", "23:59"] }, "muted_tickets": [1, 2] })),
        (Whose::User, json!({ "digest": { "every": "7d" }, "storm": { "most": 1000, "within": "1d" } })),
        (
            Whose::Client,
            json!({ "channels": ["whatsapp"], "events": { "ticket.created": [], "message.added": ["sms"] }, "quiet_hours": "none" }),
        ),
    ] {
        assert_eq!(Preferences::read(&document, whose).map(|_| ()), Ok(()), "{document}");
        assert!(allows(&schema, of(&schema, whose), &document), "the schema refuses {document}");
    }
}

#[test]
fn the_schema_in_the_docs_is_the_one_that_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/preferences.schema.json");
    let stored: Json = serde_json::from_str(&std::fs::read_to_string(path).expect("the file")).expect("JSON");
    assert_eq!(stored, schema(), "write it anew: switchboard preferences schema > docs/preferences.schema.json");
}

#[test]
fn the_examples_in_the_docs_are_good_ones() {
    let page = include_str!("../../../../../docs/preferences.md");
    let blocks = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: Vec<Json> = blocks.map(|block| serde_json::from_str(block).expect("JSON")).collect();
    let whose = [Whose::User, Whose::User, Whose::Client];
    assert_eq!(examples.len(), whose.len());
    for (example, whose) in examples.iter().zip(whose) {
        assert_eq!(Preferences::read(example, whose).map(|read| read.document()).as_ref(), Ok(example));
    }
    for key in USER_KEYS {
        assert!(page.contains(&format!("| `{key}` |")), "{key} has no row");
    }
    for topic in Topic::ALL {
        assert!(page.contains(&format!("| `{topic}` |")), "{topic} has no row");
    }
}

fn of(schema: &Json, whose: Whose) -> &Json {
    match whose {
        Whose::User => schema,
        Whose::Client => &schema["$defs"]["client"],
    }
}

/// Whether a schema allows a value, by those keywords of JSON Schema that ours uses.
fn allows(root: &Json, schema: &Json, value: &Json) -> bool {
    let keywords = schema.as_object().expect("a schema");
    keywords.iter().all(|(keyword, said)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "examples" => true,
        "$ref" => allows(root, root.pointer(said.as_str().expect("a name").trim_start_matches('#')).expect("a definition"), value),
        "oneOf" => said.as_array().expect("schemas").iter().filter(|schema| allows(root, schema, value)).count() == 1,
        "const" => value == said,
        "enum" => said.as_array().expect("values").contains(value),
        "type" => match said.as_str().expect("a type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            other => panic!("{other}"),
        },
        "pattern" => {
            value.as_str().is_none_or(|text| regex::Regex::new(said.as_str().expect("a pattern")).expect("a pattern").is_match(text))
        }
        "minimum" => value.as_i64().is_none_or(|number| number >= said.as_i64().expect("a number")),
        "maximum" => value.as_i64().is_none_or(|number| number <= said.as_i64().expect("a number")),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| allows(root, said, item))),
        "uniqueItems" => value.as_array().is_none_or(|items| (1..).zip(items).all(|(next, item)| !items[next..].contains(item))),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= said.as_u64().expect("a number")),
        "maxItems" => value.as_array().is_none_or(|items| items.len() as u64 <= said.as_u64().expect("a number")),
        "required" => value
            .as_object()
            .is_none_or(|fields| said.as_array().expect("keys").iter().all(|key| fields.contains_key(key.as_str().expect("a key")))),
        "properties" => value
            .as_object()
            .is_none_or(|fields| fields.iter().all(|(key, value)| said.get(key).is_none_or(|said| allows(root, said, value)))),
        "additionalProperties" => value.as_object().is_none_or(|fields| fields.keys().all(|key| schema["properties"].get(key).is_some())),
        "minProperties" => value.as_object().is_none_or(|fields| fields.len() as u64 >= said.as_u64().expect("a number")),
        "maxProperties" => value.as_object().is_none_or(|fields| fields.len() as u64 <= said.as_u64().expect("a number")),
        other => panic!("the schema uses {other}, which this test does not know"),
    })
}
