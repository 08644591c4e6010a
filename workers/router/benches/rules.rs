//! How long a thousand rules take on one message, beside a floor of the same run: the same conditions
//! tried plainly, each splitting and folding the text anew and explaining nothing.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchboard_common::db::routing::Rule;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::explanation::Routing;
use switchboard_common::domain::hours::Hours;
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_common::domain::rules;
use switchboard_router::rules::{Facts, Opened, View, evaluate};

const RULES: usize = 1000;
/// Each figure is the best of so many runs.
const RUNS: usize = 7;
const WORDS: [&str; 12] =
    ["invoice", "printer", "delivery", "broken", "refund", "password", "urgent", "contract", "garden", "window", "yesterday", "payment"];

/// Rules of every kind, of which one in a hundred matches: words, patterns, hours, addresses, trees.
fn documents() -> Vec<Value> {
    let word = |n: usize| format!("{}{}", WORDS[n % WORDS.len()], if n.is_multiple_of(97) { String::new() } else { (n % 31).to_string() });
    let rule = |n: usize| {
        let words = json!({ "field": if n.is_multiple_of(2) { "subject" } else { "text" }, "words": [word(n), format!("{} {}", word(n + 1), word(n + 2))] });
        let when = match n % 5 {
            0 => json!([words]),
            1 => json!([{ "field": "text", "matches": format!("(?i)order\\s+{}-\\d{{4}}", n) }, { "hours": "inside" }]),
            2 => json!([words, { "field": "domain", "one_of": [format!("client{n}.example"), "example.net"] }]),
            3 => {
                json!([{ "any": [{ "field": "recipient", "is": format!("team{n}") }, { "all": [words, { "not": { "field": "trust", "is": "failed" } }] }] }])
            }
            _ => json!([{ "field": "field.product", "is": format!("p{n}") }, { "field": "attachments", "at_least": n % 4 }, words]),
        };
        json!({ "version": 1, "when": when, "then": { "tags": [format!("t{n}")] } })
    };
    (0..RULES).map(rule).collect()
}

/// A mail of so many sentences.
fn text(sentences: usize) -> String {
    let sentence =
        |n: usize| format!("Since {} the {} is not what was promised, and order {n}-2026 waits. ", WORDS[n % 12], WORDS[(n * 7 + 1) % 12]);
    (0..sentences).map(sentence).collect()
}

/// The best time of one call, over several runs of many calls.
fn best(mut call: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_millis(100) {
            call();
            calls += 1;
        }
        best = best.min(start.elapsed() / calls);
    }
    best
}

/// A condition tried as plainly as it can be said.
fn plain(condition: &rules::Condition, facts: &Facts<'_>) -> bool {
    use rules::{Condition, Field, Operator, Value};
    let test = match condition {
        Condition::All(parts) => return parts.iter().all(|part| plain(part, facts)),
        Condition::Any(parts) => return parts.iter().any(|part| plain(part, facts)),
        Condition::Not(part) => return !plain(part, facts),
        Condition::Hours { inside } => {
            return facts.hours.is_some_and(|(hours, zone)| hours.judge(facts.received_at, zone).inside == *inside);
        }
        Condition::Test(test) => test,
    };
    let seen = match test.field {
        Field::Subject => facts.subject.to_owned(),
        Field::Text => facts.text.to_owned(),
        Field::Domain => "client.example".to_owned(),
        Field::Recipient => facts.recipients[0].local().to_owned(),
        Field::Trust => "unverified".to_owned(),
        _ => String::new(),
    };
    let is = |value: &Value| matches!(value, Value::Text(wanted) if wanted.to_lowercase() == seen.to_lowercase());
    match &test.operator {
        Operator::Is(value) => is(value),
        Operator::OneOf(values) => values.iter().any(is),
        Operator::Words(phrases) => {
            let split = |text: &str| -> Vec<String> {
                text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
            };
            let words = split(&seen);
            phrases.iter().map(|phrase| split(phrase.as_str())).any(|phrase| words.windows(phrase.len()).any(|window| window == phrase))
        }
        Operator::Matches(pattern) => pattern.is_match(&seen),
        Operator::AtLeast(least) => 0.0 >= *least,
        Operator::AtMost(most) => 0.0 <= *most,
        Operator::Exists(wanted) => seen.is_empty() != *wanted,
    }
}

fn main() {
    let documents = documents();
    let loading = best(|| drop(black_box(documents.iter().map(rules::stored).collect::<Vec<_>>())));
    let desk: Vec<Rule> = (0..)
        .zip(&documents)
        .map(|(n, document)| Rule { name: format!("rule {n}").into(), rule: rules::stored(document).map_err(Into::into) })
        .collect();
    assert!(desk.iter().all(|rule| rule.rule.is_ok()), "the rules are sound");
    let hours: Hours = serde_json::from_value(json!({ "mon": ["09:00-17:30"], "holidays": ["12-25"] })).expect("hours");
    let recipients = [EmailAddress::parse("support@desk.example").expect("an address")];
    let sender = [ExternalId::new(ExternalKind::Email, "ada@client.example").expect("a key")];
    let fields = BTreeMap::new();
    println!("{RULES} rules on one message (best of {RUNS} runs, µs)\n");
    println!("{:<28}{:>10}{:>10}{:>12}{:>14}{:>12}", "message", "evaluate", "matched", "as JSON", "plain floor", "ratio");
    for (name, sentences) in [("short mail, 0.2 kB", 3), ("usual mail, 1.6 kB", 20), ("long mail, 32 kB", 400)] {
        let text = text(sentences);
        let facts = Facts {
            channel: Channel::Email,
            account: "support",
            recipients: &recipients,
            sender: &sender,
            sender_name: Some("Ada"),
            client_name: None,
            client_new: true,
            client_data: None,
            subject: "Your invoice for the broken window of yesterday",
            text: &text,
            attachments: &[],
            automatic: None,
            trust: Trust::Unverified,
            spam: None,
            opened: Opened::New,
            fields: &fields,
            received_at: "2026-03-02T10:00:00Z".parse().expect("a time"),
            hours: Some((&hours, chrono_tz::Europe::Lisbon)),
        };
        let taken = best(|| drop(black_box(evaluate(&desk, &View::new(facts)))));
        let decision = evaluate(&desk, &View::new(facts));
        let matched = decision.tried.iter().filter(|rule| rule.matched).count();
        let explanation = Routing { rules: decision.tried.clone(), ..Routing::default() };
        let written = best(|| drop(black_box(serde_json::to_vec(&explanation))));
        let floor = best(|| {
            let matched =
                desk.iter().filter_map(|rule| rule.rule.as_ref().ok()).filter(|rule| rule.when.iter().all(|part| plain(part, &facts)));
            assert!(black_box(matched.count()) <= RULES);
        });
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let ratio = micros(floor) / micros(taken);
        println!("{name:<28}{:>10.1}{matched:>10}{:>12.1}{:>14.1}{ratio:>11.1}x", micros(taken), micros(written), micros(floor));
    }
    println!("\nreading and compiling the rules, once for each change of the desk: {:.1} ms", loading.as_secs_f64() * 1e3);
}
