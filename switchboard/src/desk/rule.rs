//! Reads rules and business hours of a desk file, and looks at what they speak of.

use serde_json::{Value as Json, json};
use switchboard_common::db::desk::{Desk, Rule};
use switchboard_common::domain::hours::{DAYS, Hours};
use switchboard_common::domain::rules::{self, Condition, Effects, Field, Operator, Strategy, Value};
use toml::Table;

use super::fields::{Faults, Fields};
use super::values;

/// The keys of a rule that stand for one condition each.
const SHORT: [&str; 3] = ["account", "recipient", "subject_words"];

/// A rule. What is returned beside faults is of use for finding more of them only.
pub fn rule(name: &str, fields: &mut Fields<'_>) -> Rule {
    let asks = fields.has("when") || SHORT.iter().any(|key| fields.has(key));
    let leads = fields.has("then") || fields.has("category");
    let (when, then) = (fields.json("when"), fields.json("then"));
    let mut faults = Faults::new();
    let mut when = when.map(|when| rules::read(&when, &mut faults)).unwrap_or_default();
    let mut then = then.map(|then| rules::read_effects(&then, &mut faults)).unwrap_or_default();
    for fault in &faults {
        fields.fault(fault);
    }
    when.append(&mut short(fields));
    if let Some(category) = fields.parsed("category", values::name)
        && let Some(other) = then.category.replace(category)
    {
        fields.fault(&format!("category stands beside the category {other} of then; it should stand once"));
    }
    if !asks {
        fields.fault(&format!("asks for nothing, and so would never match; it should have when, or at least one of {}", SHORT.join(", ")));
    }
    if !leads || faults.is_empty() && then == Effects::default() {
        fields.fault("leads to nothing; it should have then, or category");
    }
    Rule { name: name.to_owned(), rule: Ok(rules::Rule { when, then }) }
}

/// The conditions of the short keys.
fn short(fields: &mut Fields<'_>) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut add = |fields: &mut Fields<'_>, key: &str, field: &str, operator: &str, value: Json| match rules::read_condition(
        &json!({ "field": field, operator: value }),
    ) {
        Ok(condition) => conditions.push(condition),
        Err(faults) => {
            let place = format!("when: field {field}: {operator} ");
            for fault in faults {
                fields.fault(&format!("{key} {}", fault.trim_start_matches(&place)));
            }
        }
    };
    if let Some(account) = fields.text("account") {
        add(fields, "account", "account", "is", json!(account));
    }
    if let Some(recipient) = fields.parsed("recipient", values::recipient) {
        add(fields, "recipient", "recipient", "is", json!(recipient));
    }
    let words = fields.all_parsed("subject_words", values::subject_word);
    if !words.is_empty() {
        add(fields, "subject_words", "subject", "words", json!(words));
    }
    conditions
}

/// How a group shares tickets.
pub fn strategy(fields: &mut Fields<'_>) -> Strategy {
    fields.choice("by", &Strategy::ALL.map(|strategy| (strategy.as_str(), strategy)), Strategy::Everyone)
}

/// What stands in `[tenant.hours]`.
pub fn hours(owner: &str, table: Table, faults: &mut Faults) -> Hours {
    let mut fields = Fields::new(format!("{owner}hours"), table, faults);
    let mut hours = Hours::default();
    for day in DAYS {
        let ranges = fields.all_parsed(day, str::parse);
        if !ranges.is_empty() {
            hours.days.insert(day.to_owned(), ranges);
        }
    }
    hours.holidays = fields.all_parsed("holidays", str::parse);
    if hours.days.is_empty() {
        fields.fault(&format!("names no hours; it should have at least one of {}, such as mon = [\"09:00-17:30\"]", DAYS.join(", ")));
    }
    if let Err(what) = hours.check() {
        fields.fault(&what);
    }
    fields.finish();
    hours
}

/// A name that a rule speaks of: its place, its kind and itself.
pub struct Mention<'r> {
    pub place: String,
    pub kind: &'static str,
    pub name: &'r str,
}

/// All that a rule speaks of and has to be there.
pub fn mentions<'r>(rule: &'r Rule, desk: &Desk, faults: &mut Faults) -> Vec<Mention<'r>> {
    let place = format!("rule {}", rule.name);
    let Ok(rules::Rule { when, then }) = &rule.rule else { return Vec::new() };
    let mut found = Vec::new();
    let mut add = |kind, name: &'r str| found.push(Mention { place: place.clone(), kind, name });
    let mut hours = false;
    let mut look = |part: &'r Condition| match part {
        Condition::Hours { .. } => hours = true,
        Condition::Test(test) if test.field == Field::Account => accounts(&test.operator).for_each(|account| add("account", account)),
        _ => {}
    };
    for condition in when {
        condition.visit(&mut look);
    }
    if hours && desk.customize.hours.is_none() {
        faults.push(format!("{place}: asks for the hours, and there is no [tenant.hours]"));
    }
    let Effects { category, department, assign, .. } = then;
    for (kind, name) in [("category", category), ("department", department)] {
        if let Some(name) = name {
            add(kind, name);
        }
    }
    if let Some(assign) = assign {
        add("assign", &assign.to);
        if assign.by != Strategy::Everyone && desk.users.contains_key(&assign.to) {
            faults.push(format!("{place}: then: by says how a group shares tickets, and {} is a person", assign.to));
        }
    }
    found
}

fn accounts(operator: &Operator) -> impl Iterator<Item = &str> {
    let values = match operator {
        Operator::Is(value) => std::slice::from_ref(value),
        Operator::OneOf(values) => values,
        _ => &[],
    };
    values.iter().filter_map(|value| if let Value::Text(text) = value { Some(text.as_str()) } else { None })
}
