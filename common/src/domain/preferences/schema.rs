//! The JSON Schema of preferences, for editors and other programs. `docs/preferences.schema.json` is this.
//!
//! What it refuses is refused here too. A few things it cannot say: the names of time zones, how long a length of
//! time may be, that quiet hours end.

use serde_json::{Map, Value as Json, json};

use super::read::{CLIENT_KEYS, CLIENT_METHODS, CLIENT_TOPICS, MOST_HOURS, MOST_MUTED, MOST_TIMES, USER_KEYS};
use super::{Day, Topic};
use crate::domain::method::Method;
use crate::domain::rules::PRIORITIES;

/// The schema: of a user's document, with a client's in `$defs`.
#[must_use]
pub fn schema() -> Json {
    let mut schema = document(&USER_KEYS, "What a user, a group or a tenant (for its users) chose. Every key may be left out.");
    let about =
        [("$schema", json!("https://json-schema.org/draft/2020-12/schema")), ("title", json!("Preferences")), ("$defs", definitions())];
    schema.extend(about.map(|(key, value)| (key.to_owned(), value)));
    Json::Object(schema)
}

fn document(keys: &[&str], about: &str) -> Map<String, Json> {
    let of_client = keys.len() == CLIENT_KEYS.len();
    let properties: Map<String, Json> = keys.iter().map(|key| ((*key).to_owned(), property(key, of_client))).collect();
    let schema = json!({ "description": about, "type": "object", "properties": properties, "additionalProperties": false });
    schema.as_object().cloned().unwrap_or_default()
}

fn property(key: &str, of_client: bool) -> Json {
    let reference = |name: &str| json!(format!("#/$defs/{name}"));
    let methods = if of_client { "client_methods" } else { "methods" };
    match key {
        "locale" => json!({
            "description": "The language, with a script and a country where that is said (BCP 47).",
            "type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$", "examples": ["en", "pt-BR"],
        }),
        "timezone" => json!({
            "description": "A zone of the tz database.", "type": "string", "pattern": "^[A-Z][A-Za-z0-9_+/-]+$", "examples": ["America/Sao_Paulo", "UTC"],
        }),
        "channels" if of_client => {
            json!({ "description": "By what they are written to: each of these.", "$ref": reference(methods), "minItems": 1 })
        }
        "channels" => {
            json!({ "description": "By what they are told, where a topic does not say otherwise: each of these; by none of them, of nothing.", "$ref": reference(methods) })
        }
        "events" => {
            json!({ "description": "How they are told of single topics.", "$ref": reference(if of_client { "client_events" } else { "events" }) })
        }
        "quiet_hours" => json!({
            "description": "When they are not to be disturbed; \"none\" lifts what the layers below say.",
            "oneOf": [{ "const": "none" }, { "$ref": reference("quiet_hours") }],
        }),
        "digest" => json!({ "description": "How often a digest comes.", "$ref": reference("rhythm") }),
        "fallback" => {
            json!({ "description": "The first of these that can be used, when none of those chosen can, or all of them refused.", "$ref": reference(methods) })
        }
        "own_actions" => json!({ "description": "Whether they are told of what they did themselves.", "type": "boolean" }),
        "muted_tickets" => json!({
            "description": "The numbers of tickets of which they are told nothing.",
            "type": "array", "items": { "type": "integer", "minimum": 1 }, "uniqueItems": true, "maxItems": MOST_MUTED,
        }),
        _ => {
            json!({ "description": "How many notifications within which time are told one by one; what comes beyond is collected.", "$ref": reference("storm") })
        }
    }
}

fn definitions() -> Json {
    let methods = |of: &[Method]| {
        let names: Vec<&str> = of.iter().map(|method| method.as_str()).collect();
        json!({ "type": "array", "items": { "enum": names }, "uniqueItems": true })
    };
    let clock =
        |last: &str| json!({ "type": "string", "pattern": format!("^(([01][0-9]|2[0-3]):[0-5][0-9]{last})$"), "examples": ["08:00"] });
    json!({
        "methods": methods(&Method::ALL),
        "client_methods": methods(&CLIENT_METHODS),
        "client": document(&CLIENT_KEYS, "What a client chose, or what a tenant says for its clients. Every key may be left out."),
        "events": events(&Topic::ALL, &json!({ "oneOf": [{ "const": "digest" }, { "$ref": "#/$defs/methods" }] })),
        "client_events": client_events(),
        "quiet_hours": quiet_hours(),
        "hours": {
            "description": "From one time of the day to another; to the next day's, when that is not after the beginning.",
            "type": "object", "properties": hours(), "required": ["from", "to"], "additionalProperties": false,
        },
        "clock": clock(""),
        "end": clock("|24:00"),
        "days": {
            "description": "The days on which they begin; on all of them where none are named.",
            "type": "array", "items": { "enum": Day::ALL.map(Day::as_str) }, "uniqueItems": true, "minItems": 1,
        },
        "length": { "type": "string", "pattern": "^[0-9]+[mhd]$", "examples": ["10m", "1h", "1d"] },
        "rhythm": {
            "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            "properties": {
                "every": { "description": "Every so often, from 10m to 7d, counted from the reader's midnight.", "$ref": "#/$defs/length" },
                "at": {
                    "description": "At these times of the day.",
                    "type": "array", "items": { "$ref": "#/$defs/clock" }, "uniqueItems": true, "minItems": 1, "maxItems": MOST_TIMES,
                },
            },
        },
        "storm": {
            "type": "object", "additionalProperties": false, "required": ["most", "within"],
            "properties": {
                "most": { "type": "integer", "minimum": 1, "maximum": 100_000 },
                "within": { "description": "From 1m to 1d.", "$ref": "#/$defs/length" },
            },
        },
    })
}

fn events(topics: &[Topic], route: &Json) -> Json {
    let properties: Map<String, Json> = topics.iter().map(|topic| (topic.to_string(), route.clone())).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// A client may wish not to be told of what happens to their ticket; what is answered goes somewhere.
fn client_events() -> Json {
    let mut events = events(&CLIENT_TOPICS, &json!({ "$ref": "#/$defs/client_methods" }));
    events["properties"][Topic::MessageAdded.as_str()]["minItems"] = json!(1);
    events
}

fn hours() -> Json {
    json!({ "from": { "$ref": "#/$defs/clock" }, "to": { "$ref": "#/$defs/end" }, "days": { "$ref": "#/$defs/days" } })
}

fn quiet_hours() -> Json {
    let mut properties = hours();
    properties["also"] = json!({
        "description": "More of them, at other times or on other days.",
        "type": "array", "items": { "$ref": "#/$defs/hours" }, "maxItems": MOST_HOURS,
    });
    properties["except_priority"] = json!({
        "description": "Tickets of this priority or a more urgent one are told of all the same.", "enum": PRIORITIES,
    });
    json!({ "type": "object", "properties": properties, "required": ["from", "to"], "additionalProperties": false })
}
