//! The rules once more, as plainly as they can be said: on the documents themselves, without words that
//! are split before, without an index, and without an explanation.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::world::World;

/// What rules come to.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub matched: Vec<usize>,
    /// What is set, and by which rule.
    pub set: BTreeMap<String, (String, usize)>,
    pub tags: Vec<(String, usize)>,
    /// The rules that were not looked at.
    pub skipped: Vec<usize>,
}

pub fn evaluate(rules: &[(Json, Json)], world: &World) -> Outcome {
    let mut outcome = Outcome::default();
    let mut stopped = false;
    for (n, (when, then)) in rules.iter().enumerate() {
        if stopped {
            outcome.skipped.push(n);
            continue;
        }
        if !when.as_array().expect("a list").iter().all(|condition| holds(condition, world)) {
            continue;
        }
        outcome.matched.push(n);
        for key in ["category", "department", "assign", "priority"] {
            if let Some(value) = then.get(key) {
                outcome.set.entry(key.to_owned()).or_insert((value.as_str().expect("a text").to_owned(), n));
            }
        }
        for (key, value) in then.get("fields").and_then(Json::as_object).into_iter().flatten() {
            outcome.set.entry(format!("field {key}")).or_insert((value.to_string(), n));
        }
        for tag in then.get("tags").and_then(Json::as_array).into_iter().flatten() {
            let tag = tag.as_str().expect("a text");
            if !outcome.tags.iter().any(|(known, _)| known == tag) {
                outcome.tags.push((tag.to_owned(), n));
            }
        }
        stopped = then.get("stop") == Some(&Json::Bool(true));
    }
    outcome
}

pub fn holds(condition: &Json, world: &World) -> bool {
    let list = |key: &str| condition.get(key).and_then(Json::as_array);
    if let Some(parts) = list("all") {
        return parts.iter().all(|part| holds(part, world));
    }
    if let Some(parts) = list("any") {
        return parts.iter().any(|part| holds(part, world));
    }
    if let Some(part) = condition.get("not") {
        return !holds(part, world);
    }
    if let Some(wanted) = condition.get("hours") {
        // The worlds of the laws have hours on Monday 2 March 2026 from 09:00 to 12:30.
        let inside = world.received_at.as_str() >= "2026-03-02T09:00" && world.received_at.as_str() < "2026-03-02T12:30";
        return world.hours.is_some() && (wanted == "inside") == inside;
    }
    let field = condition["field"].as_str().expect("a field");
    if let Some(wanted) = condition.get("is") {
        return is(field, wanted, world);
    }
    if let Some(wanted) = list("one_of") {
        return wanted.iter().any(|wanted| is(field, wanted, world));
    }
    if let Some(least) = condition.get("at_least").and_then(Json::as_f64) {
        return number(field, world).is_some_and(|number| number >= least);
    }
    if let Some(most) = condition.get("at_most").and_then(Json::as_f64) {
        return number(field, world).is_some_and(|number| number <= most);
    }
    if let Some(wanted) = condition.get("exists").and_then(Json::as_bool) {
        return wanted != texts(field, world).is_empty();
    }
    if let Some(pattern) = condition.get("matches") {
        // The patterns of the laws, written out.
        return texts(field, world).iter().any(|text| match pattern.as_str().expect("a text") {
            "^a" => text.starts_with('a'),
            "b$" => text.ends_with('b'),
            "a b" => text.contains("a b"),
            "(?i)É" => text.contains(['é', 'É']),
            other => panic!("nobody wrote out {other}"),
        });
    }
    let phrases = list("words").expect("words").iter().map(|phrase| words(phrase.as_str().expect("a text"))).collect::<Vec<_>>();
    texts(field, world).iter().any(|text| {
        let words = words(text);
        phrases.iter().any(|phrase| (0..words.len()).any(|start| words[start..].starts_with(phrase)))
    })
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The texts of the fields that the laws ask for.
fn texts(field: &str, world: &World) -> Vec<String> {
    let all: Vec<String> = match field {
        "subject" => vec![world.subject.clone()],
        "text" => vec![world.text.clone()],
        "sender.name" => world.sender_name.iter().cloned().collect(),
        "recipient" => world.recipients.iter().map(ToString::to_string).collect(),
        "domain" => world.sender.iter().filter_map(|id| Some(id.value().split_once('@')?.1.to_owned())).take(1).collect(),
        "spam" => world.spam.iter().cloned().collect(),
        _ => match world.fields.get(field.strip_prefix("field.").expect("a field of the laws")) {
            Some(Json::String(text)) => vec![text.clone()],
            Some(value) => vec![value.to_string()],
            None => Vec::new(),
        },
    };
    all.into_iter().filter(|text| !text.is_empty()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "the laws have small numbers")]
fn number(field: &str, world: &World) -> Option<f64> {
    match field {
        "attachments" => Some(world.attachments.iter().filter(|attachment| !attachment.inline).count() as f64),
        _ => world.fields.get(field.strip_prefix("field.")?)?.as_f64(),
    }
}

fn is(field: &str, wanted: &Json, world: &World) -> bool {
    match (field, wanted) {
        ("client.new", wanted) => wanted.as_bool() == Some(world.client_new),
        ("spam", wanted) => wanted.as_bool() == Some(world.spam.is_some()),
        ("attachments", wanted) => number(field, world) == wanted.as_f64(),
        ("domain", Json::String(wanted)) => {
            texts(field, world).iter().any(|domain| format!(".{domain}").ends_with(&format!(".{}", wanted.to_lowercase())))
        }
        ("recipient", Json::String(wanted)) => {
            let wanted = wanted.to_lowercase();
            texts(field, world).iter().any(|address| *address == wanted || address.split('@').next() == Some(wanted.as_str()))
        }
        (field, Json::String(wanted)) => texts(field, world).iter().any(|text| text.to_lowercase() == wanted.to_lowercase()),
        (field, Json::Bool(wanted)) => world.fields.get(field.strip_prefix("field.").expect("a field")) == Some(&Json::Bool(*wanted)),
        (field, wanted) => number(field, world).is_some_and(|number| Some(number) == wanted.as_f64()),
    }
}
