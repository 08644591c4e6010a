//! The document of a rule, as the database holds it.

use serde_json::{Map, Value as Json, json};

use super::read::VERSION;
use super::{Condition, Effects, Operator, Rule, Strategy, Value};

/// The document that [`stored`](super::stored) makes the same rule of.
#[must_use]
pub fn document(rule: &Rule) -> Json {
    json!({ "version": VERSION, "when": rule.when.iter().map(condition).collect::<Vec<_>>(), "then": effects(&rule.then) })
}

fn condition(of: &Condition) -> Json {
    match of {
        Condition::All(parts) => json!({ "all": parts.iter().map(condition).collect::<Vec<_>>() }),
        Condition::Any(parts) => json!({ "any": parts.iter().map(condition).collect::<Vec<_>>() }),
        Condition::Not(part) => json!({ "not": condition(part) }),
        Condition::Hours { inside } => json!({ "hours": if *inside { "inside" } else { "outside" } }),
        Condition::Test(test) => {
            let (operator, operand) = operator(&test.operator);
            let mut table = Map::from_iter([("field".to_owned(), json!(&*test.name))]);
            table.insert(operator.to_owned(), operand);
            Json::Object(table)
        }
    }
}

fn operator(of: &Operator) -> (&'static str, Json) {
    match of {
        Operator::Is(wanted) => ("is", value(wanted)),
        Operator::OneOf(wanted) => ("one_of", wanted.iter().map(value).collect()),
        Operator::Words(phrases) => ("words", phrases.iter().map(|phrase| json!(phrase.as_str())).collect()),
        Operator::Matches(pattern) => ("matches", json!(pattern.as_str())),
        Operator::AtLeast(number) => ("at_least", json!(number)),
        Operator::AtMost(number) => ("at_most", json!(number)),
        Operator::Exists(there) => ("exists", json!(there)),
    }
}

fn value(of: &Value) -> Json {
    match of {
        Value::Text(text) => json!(text),
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
    }
}

fn effects(of: &Effects) -> Json {
    let Effects { category, department, assign, priority, tags, fields, stop } = of;
    let mut table = Map::new();
    let mut put = |key: &str, value: Option<Json>| value.map(|value| table.insert(key.to_owned(), value));
    put("category", category.as_ref().map(|name| json!(name)));
    put("department", department.as_ref().map(|name| json!(name)));
    put("assign", assign.as_ref().map(|assign| json!(assign.to)));
    put("by", assign.as_ref().filter(|assign| assign.by != Strategy::Everyone).map(|assign| json!(assign.by.as_str())));
    put("priority", priority.as_ref().map(|name| json!(name)));
    put("tags", (!tags.is_empty()).then(|| json!(tags)));
    put("fields", (!fields.is_empty()).then(|| json!(fields)));
    put("stop", stop.then(|| json!(true)));
    Json::Object(table)
}
