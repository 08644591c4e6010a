//! What holds of any rules and any message. A failure prints the case, and proptest keeps its seed. `PROPTEST_CASES`: how
//! many are tried.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value as Json, json};
use switchboard_common::db::routing::Rule;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::rules;

use super::super::{Decision, Opened, View, evaluate};
use super::naive::{self, Outcome};
use super::world::{World, attachment, holds, rule};

const WORDS: [&str; 7] = ["a", "b", "AB", "é", "a b", "b-a", "7"];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!["a", "b", "A", "ab", "É", " ", " ", ", ", "7", "\n"]), 0..8).prop_map(|parts| parts.concat())
}

fn world() -> impl Strategy<Value = World> {
    let field = prop_oneof![
        select(&WORDS[..]).prop_map(|word| json!(word)),
        (0..4).prop_map(|n| json!(n)),
        any::<bool>().prop_map(|flag| json!(flag))
    ];
    let fields = prop::collection::btree_map(select(vec!["k".to_owned(), "l".to_owned()]), field, 0..3);
    let hour = select(vec!["2026-03-02T08:59:00Z", "2026-03-02T09:00:00Z", "2026-03-02T12:30:00Z", "2026-03-03T10:00:00Z"]);
    let sender = select(vec!["email:a@b.example", "email:ab@a.b.example", "phone:+5511987654321"]);
    let recipients = subsequence(vec!["a@b.example", "b@b.example", "ab@a.example"], 0..3);
    let names = (text(), text(), prop::option::of(text()), prop::option::of(Just("X-Spam-Flag: YES".to_owned())));
    (names, any::<bool>(), 0..4_usize, fields, hour, sender, recipients, any::<bool>()).prop_map(
        |((subject, text, sender_name, spam), client_new, attachments, fields, hour, sender, recipients, has_hours)| World {
            subject,
            text,
            sender_name,
            spam,
            client_new,
            attachments: (0..attachments).map(|n| attachment("a", "b/c", 1, n == 2)).collect(),
            fields,
            received_at: hour.to_owned(),
            sender: vec![sender.parse().expect("a key")],
            recipients: recipients.into_iter().map(|address| EmailAddress::parse(address).expect("an address")).collect(),
            opened: Opened::New,
            hours: World::default().hours.filter(|_| has_hours),
            ..World::default()
        },
    )
}

fn leaf() -> impl Strategy<Value = Json> {
    let texts = || select(vec!["subject", "text", "sender.name", "field.k"]);
    let word = || select(&WORDS[..]);
    let patterns = select(vec!["^a", "b$", "a b", "(?i)É"]);
    prop_oneof![
        (texts(), word()).prop_map(|(field, word)| json!({ "field": field, "is": word })),
        (texts(), prop::collection::vec(word(), 1..3)).prop_map(|(field, words)| json!({ "field": field, "one_of": words })),
        (texts(), prop::collection::vec(word(), 1..3)).prop_map(|(field, words)| json!({ "field": field, "words": words })),
        (texts(), patterns).prop_map(|(field, pattern)| json!({ "field": field, "matches": pattern })),
        (select(vec!["attachments", "field.k", "field.l"]), select(vec!["is", "at_least", "at_most"]), 0..4)
            .prop_map(|(field, operator, n)| json!({ "field": field, operator: n })),
        (select(vec!["client.new", "spam", "field.l"]), any::<bool>()).prop_map(|(field, flag)| json!({ "field": field, "is": flag })),
        (select(vec!["text", "sender.name", "spam", "domain", "recipient", "field.l"]), any::<bool>())
            .prop_map(|(field, flag)| json!({ "field": field, "exists": flag })),
        select(vec!["b.example", "a.b.example", "example", "x.example"]).prop_map(|domain| json!({ "field": "domain", "is": domain })),
        select(vec!["a", "AB", "b@b.example", "x"]).prop_map(|address| json!({ "field": "recipient", "is": address })),
        select(vec!["inside", "outside"]).prop_map(|hours| json!({ "hours": hours })),
    ]
}

fn condition() -> impl Strategy<Value = Json> {
    leaf().prop_recursive(3, 12, 3, |part| {
        prop_oneof![
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| json!({ "all": parts })),
            prop::collection::vec(part.clone(), 1..4).prop_map(|parts| json!({ "any": parts })),
            part.prop_map(|part| json!({ "not": part })),
        ]
    })
}

/// Effects that may be in the way of each other, rarely with stop.
fn effects() -> impl Strategy<Value = Json> {
    let name = || prop::option::of(select(vec!["x", "y"]));
    let tags = subsequence(vec!["s", "t", "u"], 0..3);
    let fields = prop::collection::btree_map(select(vec!["f", "g"]), 0..3, 0..3);
    (name(), name(), name(), prop::option::of(select(&rules::PRIORITIES[..])), tags, fields, prop::bool::weighted(0.2)).prop_map(
        |(category, department, assign, priority, tags, fields, stop)| {
            let mut table = Map::new();
            let texts = [("category", category), ("department", department), ("assign", assign), ("priority", priority)];
            table.extend(texts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))));
            table.extend((!tags.is_empty()).then(|| ("tags".to_owned(), json!(tags))));
            table.extend((!fields.is_empty()).then(|| ("fields".to_owned(), json!(fields))));
            table.insert("stop".to_owned(), json!(stop));
            Json::Object(table)
        },
    )
}

fn documents() -> impl Strategy<Value = Vec<(Json, Json)>> {
    let when = prop::collection::vec(condition(), 1..3).prop_map(Json::from);
    prop::collection::vec((when, effects()), 0..8)
}

fn read(documents: &[(Json, Json)]) -> Vec<Rule> {
    documents.iter().enumerate().map(|(n, (when, then))| rule(&n.to_string(), when, then)).collect()
}

/// A decision in the words of the naive one.
fn outcome(decision: &Decision<'_>) -> Outcome {
    let number = |name: &str| name.parse::<usize>().expect("rules are called by their number");
    let mut set = BTreeMap::new();
    let texts = [("category", decision.category), ("department", decision.department), ("priority", decision.priority)];
    set.extend(texts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), (value?.0.to_owned(), number(value?.1))))));
    set.extend(decision.assign.map(|(assign, rule)| ("assign".to_owned(), (assign.to.clone(), number(rule)))));
    set.extend(decision.fields.iter().map(|(key, (value, rule))| (format!("field {key}"), (value.to_string(), number(rule)))));
    let numbered = |like: fn(&switchboard_common::domain::explanation::RuleTried) -> bool| {
        decision.tried.iter().enumerate().filter(|(_, rule)| like(rule)).map(|(n, _)| n).collect()
    };
    Outcome {
        matched: numbered(|rule| rule.matched),
        set,
        tags: decision.tags.iter().map(|(tag, rule)| ((*tag).to_owned(), number(rule))).collect(),
        skipped: numbered(|rule| rule.skipped.is_some()),
    }
}

/// So many cases, where `PROPTEST_CASES` does not say it.
fn cases(usual: u32) -> ProptestConfig {
    let said = std::env::var_os("PROPTEST_CASES").is_some();
    let config = ProptestConfig::default();
    ProptestConfig { cases: if said { config.cases } else { usual }, ..config }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn the_evaluator_and_the_naive_one_agree(documents in documents(), world in world()) {
        let rules = read(&documents);
        let decision = evaluate(&rules, &View::new(world.facts()));
        prop_assert_eq!(outcome(&decision), naive::evaluate(&documents, &world));
        for (rule, tried) in documents.iter().zip(&decision.tried).filter(|(_, tried)| tried.skipped.is_none()) {
            let held: Vec<bool> = tried.conditions.iter().map(|condition| condition.held).collect();
            let expected: Vec<bool> = rule.0.as_array().expect("a list").iter().map(|part| naive::holds(part, &world)).collect();
            prop_assert_eq!(held, expected, "every condition is tried, also where the outcome is clear");
        }
    }

    #[test]
    fn the_same_rules_and_facts_give_the_same_decision(documents in documents(), world in world()) {
        let (one, other) = (read(&documents), read(&documents));
        let view = View::new(world.facts());
        let first = evaluate(&one, &view);
        prop_assert_eq!(&first, &evaluate(&other, &View::new(world.facts())));
        prop_assert_eq!(&first, &evaluate(&one, &view), "also when the view has been looked at");
    }

    #[test]
    fn a_rule_that_is_moved_to_the_front_wins(documents in documents(), world in world(), which in any::<prop::sample::Index>()) {
        prop_assume!(!documents.is_empty());
        let mut moved = documents.clone();
        let rule = moved.remove(which.index(documents.len()));
        moved.insert(0, rule);
        let rules = read(&moved);
        let decision = evaluate(&rules, &View::new(world.facts()));
        if let (true, Some(category)) = (decision.tried[0].matched, moved[0].1.get("category")) {
            prop_assert_eq!(decision.category.map(|(name, rule)| (name, &**rule)), Some((category.as_str().expect("a text"), "0")));
        }
        if decision.tried[0].matched {
            prop_assert!(decision.tried[0].not_set.is_empty(), "nobody was before it");
        }
    }

    #[test]
    fn rules_that_set_different_things_may_stand_in_any_order(
        conditions in prop::collection::vec(condition(), 1..7), world in world(), seed in any::<u64>(),
    ) {
        let documents: Vec<(Json, Json)> =
            conditions.into_iter().enumerate().map(|(n, when)| (json!([when]), json!({ "tags": [format!("t{n}")], "fields": { format!("f{n}"): n } }))).collect();
        let mut shuffled = documents.clone();
        shuffled.sort_by_key(|(_, then)| then.to_string().bytes().fold(seed, |hash, byte| hash.rotate_left(7).wrapping_mul(31) ^ u64::from(byte)));
        let comes_to = |documents: &[(Json, Json)]| {
            let rules = read(documents);
            let decision = evaluate(&rules, &View::new(world.facts()));
            let mut tags: Vec<String> = decision.tags.iter().map(|(tag, _)| (*tag).to_owned()).collect();
            tags.sort();
            (tags, decision.fields.iter().map(|(key, (value, _))| ((*key).to_owned(), value.to_string())).collect::<Vec<_>>())
        };
        prop_assert_eq!(comes_to(&documents), comes_to(&shuffled));
    }

    #[test]
    fn what_stands_after_a_stop_changes_nothing(documents in documents(), world in world()) {
        let rules = read(&documents);
        let all = evaluate(&rules, &View::new(world.facts()));
        let stop = all.tried.iter().zip(&documents).position(|(tried, (_, then))| tried.matched && then["stop"] == json!(true));
        let end = stop.map_or(documents.len(), |stop| stop + 1);
        let before = evaluate(&rules[..end], &View::new(world.facts()));
        let (mut all, before) = (outcome(&all), outcome(&before));
        prop_assert_eq!(std::mem::take(&mut all.skipped), (end..documents.len()).collect::<Vec<_>>());
        prop_assert_eq!(all, before);
    }

    #[test]
    fn not_any_and_all_are_what_they_are_called(one in condition(), other in condition(), world in world()) {
        let holds = |condition: &Json| holds(condition, &world);
        let (a, b) = (holds(&one), holds(&other));
        prop_assert_eq!(holds(&json!({ "not": one })), !a);
        prop_assert_eq!(holds(&json!({ "all": [one, other] })), a && b);
        prop_assert_eq!(holds(&json!({ "any": [one, other] })), a || b);
        prop_assert_eq!(holds(&json!({ "not": { "any": [one, other] } })), holds(&json!({ "all": [{ "not": one }, { "not": other }] })));
        prop_assert_eq!(holds(&json!({ "all": [one, { "any": [one, other] }] })), a);
    }

}

proptest! {
    #![proptest_config(cases(20))]

    #[test]
    fn no_text_and_no_document_is_too_odd(
        texts in prop::collection::vec("\\PC{0,40}|[\\u{0}-\\u{10ffff}]{0,20}", 4), word in "\\PC{1,12}", pattern in "[a-z(|)*+?\\[\\]\\\\^$.{}0-9]{0,12}",
    ) {
        let world = World { subject: texts[0].clone(), text: texts[1].clone(), sender_name: Some(texts[2].clone()), spam: Some(texts[3].clone()), ..World::default() };
        for operator in ["is", "words", "matches", "one_of", "at_least", "exists"] {
            for field in ["subject", "text", "sender.name", "spam", "domain", "recipient", "sender", "field.order", &word] {
                for wanted in [json!(word), json!(pattern), json!([word, pattern]), json!(1), json!(true)] {
                    let document = json!({ "version": 1, "when": [{ "field": field, operator: wanted }], "then": { "tags": [word] } });
                    let rules = [Rule { name: "r".into(), rule: rules::stored(&document).map_err(Into::into) }];
                    let view = View::new(world.facts());
                    let decision = evaluate(&rules, &view);
                    prop_assert_eq!(decision.tried.len(), 1);
                    prop_assert!(view.listed().iter().all(|fact| fact.value.chars().count() <= 201));
                }
            }
        }
    }
}
