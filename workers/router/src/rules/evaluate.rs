//! Tries every rule on the facts of one message. Pure, and without a choice that is not in the rules.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;
use switchboard_common::db::routing::Rule;
use switchboard_common::domain::explanation::{ConditionTried, RuleTried};
use switchboard_common::domain::rules::words::{Indexed, same};
use switchboard_common::domain::rules::{Assign, Condition, Effects, Field, Operator, Test, Value};

use super::facts::View;

/// Something that a rule has set, and the rule's name.
pub type Set<'r, T> = (T, &'r Arc<str>);

/// What the rules come to. What an earlier rule has set no later one changes; tags add up.
#[derive(Debug, Default, PartialEq)]
pub struct Decision<'r> {
    /// Every rule, with what became of it.
    pub tried: Vec<RuleTried>,
    /// The name of the category.
    pub category: Option<Set<'r, &'r str>>,
    /// The name of the department.
    pub department: Option<Set<'r, &'r str>>,
    /// To whom it is assigned.
    pub assign: Option<Set<'r, &'r Assign>>,
    /// The name of the priority.
    pub priority: Option<Set<'r, &'r str>>,
    /// The tags, in the order in which they were added.
    pub tags: Vec<Set<'r, &'r str>>,
    /// The custom fields.
    pub fields: BTreeMap<&'r str, Set<'r, &'r Json>>,
}

/// Words that stand in every explanation.
struct Words {
    all: Arc<str>,
    any: Arc<str>,
    not: Arc<str>,
    hours: Arc<str>,
    inside: Arc<str>,
    outside: Arc<str>,
    nothing: Arc<str>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    all: "all".into(),
    any: "any".into(),
    not: "not".into(),
    hours: "hours".into(),
    inside: "is inside".into(),
    outside: "is outside".into(),
    nothing: "".into(),
});

/// Tries the rules in their order, up to one that says stop. Every condition of a rule is tried, also
/// where the outcome is clear already, so that the explanation says it of each.
#[must_use]
pub fn evaluate<'r>(rules: &'r [Rule], view: &View<'_>) -> Decision<'r> {
    let mut decision = Decision { tried: Vec::with_capacity(rules.len()), ..Decision::default() };
    let mut stopped: Option<Arc<str>> = None;
    for Rule { name, rule } in rules {
        let passed_over = |why: &Arc<str>| {
            let (rule, skipped) = (Arc::clone(name), Some(Arc::clone(why)));
            RuleTried { rule, matched: false, conditions: Vec::new(), set: Vec::new(), not_set: Vec::new(), skipped }
        };
        let tried = match (&stopped, rule) {
            (Some(why), _) | (None, Err(why)) => passed_over(why),
            (None, Ok(rule)) => {
                let conditions: Vec<ConditionTried> = rule.when.iter().map(|condition| tried(condition, view)).collect();
                let matched = !conditions.is_empty() && conditions.iter().all(|condition| condition.held);
                let (set, not_set) = if matched { decision.add(name, &rule.then) } else { (Vec::new(), Vec::new()) };
                if matched && rule.then.stop {
                    stopped = Some(format!("the rule \"{name}\" says stop").into());
                }
                RuleTried { rule: Arc::clone(name), matched, conditions, set, not_set, skipped: None }
            }
        };
        decision.tried.push(tried);
    }
    decision
}

impl<'r> Decision<'r> {
    /// Adds the effects of a rule that matched. Returns what it set, and what it could not set and why.
    fn add(&mut self, rule: &'r Arc<str>, effects: &'r Effects) -> (Vec<String>, Vec<String>) {
        let mut notes = Notes::default();
        let Effects { category, department, assign, priority, tags, fields, stop } = effects;
        notes.first(&mut self.category, category.as_deref(), rule, |name| format!("category {name}"));
        notes.first(&mut self.department, department.as_deref(), rule, |name| format!("department {name}"));
        notes.first(&mut self.assign, assign.as_ref(), rule, |assign| format!("assign {assign}"));
        notes.first(&mut self.priority, priority.as_deref(), rule, |name| format!("priority {name}"));
        for tag in tags {
            let mut place = self.tags.iter().find(|(known, _)| known == tag).copied();
            let was_there = place.is_some();
            notes.first(&mut place, Some(tag.as_str()), rule, |tag| format!("tag {tag}"));
            self.tags.extend(place.filter(|_| !was_there));
        }
        for (key, value) in fields {
            let mut place = self.fields.get(key.as_str()).copied();
            notes.first(&mut place, Some(value), rule, |value| format!("field {key} {value}"));
            self.fields.extend(place.map(|place| (key.as_str(), place)));
        }
        notes.set.extend(stop.then(|| "stop".to_owned()));
        (notes.set, notes.not_set)
    }
}

#[derive(Default)]
struct Notes {
    set: Vec<String>,
    not_set: Vec<String>,
}

impl Notes {
    /// Sets what nobody has set yet.
    fn first<'r, T: Copy>(&mut self, place: &mut Option<Set<'r, T>>, value: Option<T>, rule: &'r Arc<str>, said: impl Fn(T) -> String) {
        let Some(value) = value else { return };
        if let Some((_, earlier)) = place {
            self.not_set.push(format!("{}: the rule \"{earlier}\" had set it", said(value)));
        } else {
            self.set.push(said(value));
            *place = Some((value, rule));
        }
    }
}

fn tried(condition: &Condition, view: &View<'_>) -> ConditionTried {
    let node = |field: &Arc<str>, wanted: &Arc<str>, held, of| {
        let (field, wanted) = (Arc::clone(field), Arc::clone(wanted));
        ConditionTried { field, wanted, seen: None, held, of }
    };
    let parts = |parts: &[Condition]| -> Vec<ConditionTried> { parts.iter().map(|part| tried(part, view)).collect() };
    match condition {
        Condition::All(of) => {
            let of = parts(of);
            node(&WORDS.all, &WORDS.nothing, of.iter().all(|part| part.held), of)
        }
        Condition::Any(of) => {
            let of = parts(of);
            node(&WORDS.any, &WORDS.nothing, of.iter().any(|part| part.held), of)
        }
        Condition::Not(of) => {
            let of = tried(of, view);
            node(&WORDS.not, &WORDS.nothing, !of.held, vec![of])
        }
        Condition::Hours { inside } => {
            let wanted = if *inside { &WORDS.inside } else { &WORDS.outside };
            node(&WORDS.hours, wanted, view.inside_hours() == Some(*inside), Vec::new())
        }
        Condition::Test(test) => node(&test.name, &test.wanted, holds(test, view), Vec::new()),
    }
}

fn holds(test: &Test, view: &View<'_>) -> bool {
    view.ask(test.bit);
    let field = &test.field;
    match &test.operator {
        Operator::Is(value) => is(field, value, view),
        Operator::OneOf(values) => values.iter().any(|value| is(field, value, view)),
        Operator::Words(phrases) => {
            let in_it = |indexed: &Indexed| phrases.iter().any(|phrase| indexed.contains(phrase));
            let once = || view.any_text(field, |text| in_it(&Indexed::new(text)));
            view.indexed(field).map_or_else(once, in_it)
        }
        Operator::Matches(pattern) => view.any_text(field, |text| pattern.is_match(text)),
        Operator::AtLeast(least) => view.any_number(field, |number| number >= *least),
        Operator::AtMost(most) => view.any_number(field, |number| number <= *most),
        Operator::Exists(wanted) => view.exists(field) == *wanted,
    }
}

#[expect(clippy::float_cmp, reason = "numbers that people wrote down are compared as they were written")]
fn is(field: &Field, value: &Value, view: &View<'_>) -> bool {
    match value {
        Value::Number(wanted) => view.any_number(field, |number| number == *wanted),
        Value::Flag(wanted) => view.flag(field) == Some(*wanted),
        Value::Text(wanted) => match field {
            Field::Recipient => view.facts.recipients.iter().any(|address| is_address(wanted, address.as_str())),
            Field::Sender => view.facts.sender.iter().any(|id| {
                is_address(wanted, id.value())
                    || wanted.split_once(':').is_some_and(|(kind, value)| id.kind().as_str() == kind && same(id.value(), value))
            }),
            Field::Domain => view.any_text(field, |domain| is_within(domain, wanted)),
            _ => view.any_text(field, |text| same(text, wanted)),
        },
    }
}

/// Whether an address is the one that is wanted, or one with the local part that is wanted.
fn is_address(wanted: &str, address: &str) -> bool {
    let local = || address.rsplit_once('@').is_some_and(|(local, _)| same(local, wanted));
    same(address, wanted) || (!wanted.contains('@') && local())
}

/// Whether a domain is the one that is wanted, or lies within it.
fn is_within(domain: &str, wanted: &str) -> bool {
    same(domain, wanted)
        || domain.len() > wanted.len() && {
            let start = domain.len() - wanted.len();
            domain.is_char_boundary(start) && domain[..start].ends_with('.') && same(&domain[start..], wanted)
        }
}
