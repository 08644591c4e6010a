//! Makes a rule of a document, or names every fault in it with its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::words::Phrase;
use super::{Assign, Condition, Effects, Field, Kind, LANGUAGES, Operator, PRIORITIES, Pattern, Rule, Strategy, Test, Value};
use crate::config::nearest;

/// What is wrong with a rule, each with its place, such as `when[2].any[1]`; places count from 1.
pub type Faults = Vec<String>;

/// The version of the document that the database holds.
pub(super) const VERSION: u64 = 1;
/// So many conditions may stand within each other.
const DEEPEST: usize = 8;
/// A rule has at most so many conditions, with all within them.
const MOST: usize = 200;
/// A list in a rule has at most so many entries.
const MOST_ENTRIES: usize = 1000;
/// The longest text in a rule, in bytes.
const LONGEST: usize = 1000;

const NODES: [&str; 4] = ["all", "any", "not", "hours"];
const KEYS: [&str; 12] = ["all", "any", "not", "hours", "field", "is", "one_of", "words", "matches", "at_least", "at_most", "exists"];
const EFFECTS: [&str; 8] = ["category", "department", "assign", "by", "priority", "tags", "fields", "stop"];

/// A rule as the database holds it.
///
/// # Errors
/// When it is not a document of this version, or has faults: those, in one line.
pub fn stored(document: &Json) -> Result<Rule, String> {
    match document.get("version").and_then(Json::as_u64) {
        Some(VERSION) => {}
        Some(other) => return Err(format!("it is of version {other}, and this program knows version {VERSION}")),
        None => return Err("it names no version".to_owned()),
    }
    let mut faults = Faults::new();
    let nothing = Json::Null;
    let when = document.get("when").unwrap_or(&nothing);
    let then = document.get("then").unwrap_or(&nothing);
    let rule = Rule { when: read(when, &mut faults), then: read_effects(then, &mut faults) };
    if faults.is_empty() { Ok(rule) } else { Err(faults.join("; ")) }
}

/// The conditions of a list that is called `when`.
pub fn read(list: &Json, faults: &mut Faults) -> Vec<Condition> {
    let mut reader = Reader { faults, count: 0 };
    let conditions = reader.list(list, "when", 1);
    if reader.count > MOST {
        let count = reader.count;
        faults.push(format!("when: has {count} conditions; {MOST} is the most"));
    }
    conditions
}

/// One condition, for those who have no list.
///
/// # Errors
/// When it has faults: those.
pub fn read_condition(condition: &Json) -> Result<Condition, Faults> {
    let mut faults = Faults::new();
    let read = Reader { faults: &mut faults, count: 0 }.condition(condition, "when", 1);
    read.ok_or(faults)
}

struct Reader<'f> {
    faults: &'f mut Faults,
    count: usize,
}

impl Reader<'_> {
    fn fault<T>(&mut self, place: &str, what: &str) -> Option<T> {
        self.faults.push(format!("{place}: {what}"));
        None
    }

    fn list(&mut self, list: &Json, place: &str, depth: usize) -> Vec<Condition> {
        let Json::Array(items) = list else {
            self.fault::<()>(place, &format!("is {}, and should be a list of conditions", kind(list)));
            return Vec::new();
        };
        if items.is_empty() {
            self.fault::<()>(place, "is an empty list");
        }
        (1..).zip(items).filter_map(|(number, item)| self.condition(item, &format!("{place}[{number}]"), depth)).collect()
    }

    fn condition(&mut self, condition: &Json, place: &str, depth: usize) -> Option<Condition> {
        self.count += 1;
        let Json::Object(table) = condition else {
            return self.fault(
                place,
                &format!("is {}, and should be a condition like {{ field = \"subject\", words = [\"invoice\"] }}", kind(condition)),
            );
        };
        if depth > DEEPEST {
            return self.fault(place, &format!("is too deep: {DEEPEST} conditions within each other are the most"));
        }
        if !self.keys(table, place, &KEYS) {
            return None;
        }
        let nodes: Vec<&str> = NODES.into_iter().filter(|node| table.contains_key(*node)).collect();
        match (nodes[..].first().copied(), table.len()) {
            (None, _) => self.test(table, place),
            (Some(node), 1) => self.node(node, &table[node], place, depth),
            (Some(node), _) => {
                let others: Vec<&str> = table.keys().map(String::as_str).filter(|key| *key != node).collect();
                self.fault(place, &format!("{node} stands alone in its condition, and not beside {}", others.join(", ")))
            }
        }
    }

    fn node(&mut self, node: &str, value: &Json, place: &str, depth: usize) -> Option<Condition> {
        let within = format!("{place}.{node}");
        match node {
            "all" => Some(Condition::All(self.list(value, &within, depth + 1))),
            "any" => Some(Condition::Any(self.list(value, &within, depth + 1))),
            "not" => Some(Condition::Not(Box::new(self.condition(value, &within, depth + 1)?))),
            _ => match value.as_str() {
                Some("inside") => Some(Condition::Hours { inside: true }),
                Some("outside") => Some(Condition::Hours { inside: false }),
                _ => self.fault(&within, &format!("is {value}, and should be \"inside\" or \"outside\"")),
            },
        }
    }

    /// Whether all keys of a table are known; notes those that are not.
    fn keys(&mut self, table: &Map<String, Json>, place: &str, known: &[&str]) -> bool {
        let mut all = true;
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            all = false;
            let what = match nearest(key, known.iter().copied()) {
                Some(near) => format!("unknown key {key}; did you mean {near}?"),
                None => format!("unknown key {key}; the keys are {}", known.join(", ")),
            };
            self.fault::<()>(place, &what);
        }
        all
    }

    fn test(&mut self, table: &Map<String, Json>, place: &str) -> Option<Condition> {
        let Some(name) = table.get("field") else {
            return self.fault(place, "names no field, and none of all, any, not and hours");
        };
        let Some(name) = name.as_str() else {
            return self.fault(place, &format!("field is {}, and should be a text", kind(name)));
        };
        let field = match Field::parse(name) {
            Ok(field) => field,
            Err(why) => return self.fault(place, &why),
        };
        let fitting = field.kind().operators();
        let mut operators = table.iter().filter(|(key, _)| *key != "field");
        let (Some((operator, value)), None) = (operators.next(), operators.next()) else {
            let found = if table.len() == 1 { "names no operator" } else { "names several operators; each needs a condition of its own" };
            return self.fault(place, &format!("field {name}: {found}: {}", fitting.join(", ")));
        };
        if !fitting.contains(&operator.as_str()) {
            return self.fault(place, &format!("field {name}: {operator} does not fit it; what fits is {}", fitting.join(", ")));
        }
        match operator_of(operator, value, field.kind()) {
            Ok(operator) => Some(Condition::Test(Test::new(field, operator))),
            Err(why) => self.fault(place, &format!("field {name}: {operator} {why}")),
        }
    }
}

fn operator_of(operator: &str, value: &Json, of: Kind) -> Result<Operator, String> {
    match operator {
        "is" => value_of(value, of).map(Operator::Is),
        "one_of" => items(value)?.iter().map(|item| value_of(item, of)).collect::<Result<_, _>>().map(Operator::OneOf),
        "words" => {
            let one = std::slice::from_ref(value);
            let texts = if value.is_string() { one } else { items(value)? };
            texts.iter().map(phrase).collect::<Result<_, _>>().map(Operator::Words)
        }
        "matches" => Pattern::parse(text(value)?).map(Operator::Matches).map_err(|why| format!("is no pattern: {why}")),
        "at_least" => number(value).map(Operator::AtLeast),
        "at_most" => number(value).map(Operator::AtMost),
        _ => value.as_bool().map(Operator::Exists).ok_or_else(|| format!("is {}, and should be true or false", kind(value))),
    }
}

fn items(value: &Json) -> Result<&[Json], String> {
    match value {
        Json::Array(items) if items.is_empty() => Err("is an empty list".to_owned()),
        Json::Array(items) if items.len() > MOST_ENTRIES => Err(format!("has {} entries; {MOST_ENTRIES} is the most", items.len())),
        Json::Array(items) => Ok(items),
        other => Err(format!("is {}, and should be a list", kind(other))),
    }
}

fn text(value: &Json) -> Result<&str, String> {
    match value {
        Json::String(text) if text.trim().is_empty() => Err("is empty".to_owned()),
        Json::String(text) if text.len() > LONGEST => Err(format!("is longer than {LONGEST} bytes")),
        // PostgreSQL keeps no such character.
        Json::String(text) if text.contains('\0') => Err("holds a zero character".to_owned()),
        Json::String(text) => Ok(text),
        other => Err(format!("is {}, and should be a text", kind(other))),
    }
}

fn number(value: &Json) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| format!("is {}, and should be a number", kind(value)))
}

fn phrase(value: &Json) -> Result<Phrase, String> {
    let text = text(value)?;
    Phrase::parse(text).ok_or_else(|| format!("{text:?} has no letter and no digit"))
}

fn value_of(value: &Json, of: Kind) -> Result<Value, String> {
    match of {
        Kind::Flag | Kind::Verdict => {
            value.as_bool().map(Value::Flag).ok_or_else(|| format!("is {}, and should be true or false", kind(value)))
        }
        Kind::Number => number(value).map(Value::Number),
        Kind::Any => match value {
            Json::Bool(flag) => Ok(Value::Flag(*flag)),
            Json::Number(_) => number(value).map(Value::Number),
            _ => text(value).map(|text| Value::Text(text.to_owned())),
        },
        Kind::Text => text(value).map(|text| Value::Text(text.to_owned())),
        Kind::Choice(words) => {
            let text = text(value)?;
            let known = words.contains(&text);
            known.then(|| Value::Text(text.to_owned())).ok_or_else(|| format!("{text:?}, and should be {}", words.join(" or ")))
        }
        Kind::Language => {
            let text = text(value)?;
            let known = text == "unknown" || LANGUAGES.contains(&text);
            known.then(|| Value::Text(text.to_owned())).ok_or_else(|| {
                format!("{text:?}, and should be unknown, or the code of a language that can be told: {}", LANGUAGES.join(", "))
            })
        }
        Kind::Address => {
            let text = text(value)?;
            let plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ','));
            let whole = !(text.starts_with('@') || text.ends_with('@'));
            let lower = || Value::Text(text.to_lowercase());
            (plain && whole)
                .then(lower)
                .ok_or_else(|| format!("{text:?}, which is neither an address, nor what stands before its @, nor a key"))
        }
        Kind::Domain => {
            let text = text(value)?;
            let fits = !text.contains(|c: char| c.is_whitespace() || matches!(c, '@' | '*' | '/'))
                && !text.starts_with('.')
                && !text.ends_with('.')
                && !text.contains("..");
            let lower = || Value::Text(text.to_lowercase());
            fits.then(lower).ok_or_else(|| format!("{text:?}, which is not a domain like example.org, which means those within it too"))
        }
    }
}

/// What follows from a rule, of a table that is called `then`.
pub fn read_effects(table: &Json, faults: &mut Faults) -> Effects {
    let mut effects = Effects::default();
    let Json::Object(table) = table else {
        faults.push(format!("then: is {}, and should be a table like {{ category = \"Invoices\" }}", kind(table)));
        return effects;
    };
    let mut reader = Reader { faults, count: 0 };
    reader.keys(table, "then", &EFFECTS);
    effects.category = reader.effect(table, "category", |value| text(value).map(str::to_owned));
    effects.department = reader.effect(table, "department", |value| text(value).map(str::to_owned));
    effects.priority = reader.effect(table, "priority", priority);
    effects.tags = reader.effect(table, "tags", tags).unwrap_or_default();
    effects.fields = reader.effect(table, "fields", fields).unwrap_or_default();
    let flag = |value: &Json| value.as_bool().ok_or_else(|| format!("is {}, and should be true or false", kind(value)));
    effects.stop = reader.effect(table, "stop", flag).unwrap_or_default();
    let by = reader.effect(table, "by", strategy);
    let to = reader.effect(table, "assign", |value| text(value).map(str::to_owned));
    if by.is_some() && !table.contains_key("assign") {
        reader.fault::<()>("then", "by says how a group shares tickets, and there is no assign");
    }
    effects.assign = to.map(|to| Assign { to, by: by.unwrap_or_default() });
    if table.is_empty() {
        reader.fault::<()>("then", &format!("is empty; it should have at least one of {}", EFFECTS.join(", ")));
    }
    effects
}

impl Reader<'_> {
    fn effect<T>(&mut self, table: &Map<String, Json>, key: &str, read: impl Fn(&Json) -> Result<T, String>) -> Option<T> {
        read(table.get(key)?).map_err(|why| self.fault::<()>("then", &format!("{key} {why}"))).ok()
    }
}

fn priority(value: &Json) -> Result<String, String> {
    let text = text(value)?;
    let known = PRIORITIES.contains(&text);
    known.then(|| text.to_owned()).ok_or_else(|| format!("{text} does not exist; priorities are {}", PRIORITIES.join(", ")))
}

fn strategy(value: &Json) -> Result<Strategy, String> {
    let text = text(value)?;
    Strategy::ALL.into_iter().find(|strategy| strategy.as_str() == text).ok_or_else(|| {
        let words: Vec<&str> = Strategy::ALL.iter().map(|strategy| strategy.as_str()).collect();
        format!("is {text:?}, and should be {}", words.join(" or "))
    })
}

fn tags(value: &Json) -> Result<Vec<String>, String> {
    let mut tags = Vec::new();
    for item in items(value)? {
        let tag = text(item)?.trim().to_owned();
        if tag.chars().count() > 60 || tag.chars().any(char::is_control) {
            return Err(format!("{tag:?} is longer than 60 characters or holds a control character"));
        }
        if tags.contains(&tag) {
            return Err(format!("holds {tag} twice"));
        }
        tags.push(tag);
    }
    Ok(tags)
}

fn fields(value: &Json) -> Result<BTreeMap<String, Json>, String> {
    let Json::Object(table) = value else { return Err(format!("is {}, and should be a table", kind(value))) };
    if table.is_empty() {
        return Err("is an empty table".to_owned());
    }
    for (key, value) in table {
        if key.trim().is_empty() || key.contains('\0') {
            return Err("has a key without a name".to_owned());
        }
        if !(value.is_number() || value.is_boolean()) {
            let known = if value.is_string() {
                text(value).map(drop)
            } else {
                Err(format!("is {}, and should be a text, a number, true or false", kind(value)))
            };
            known.map_err(|why| format!("{key} {why}"))?;
        }
    }
    Ok(table.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "nothing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    fn faults(when: &str, then: &str) -> Vec<String> {
        let mut faults = Faults::new();
        read(&serde_json::from_str(when).expect("JSON"), &mut faults);
        read_effects(&serde_json::from_str(then).expect("JSON"), &mut faults);
        faults
    }

    #[test]
    fn every_fault_of_a_condition_is_told_with_its_place() {
        for (when, fault) in [
            (
                r#"[{"field":"text","words":"a"},{"any":[{"field":"subjct","is":"a"}]}]"#,
                "when[2].any[1]: field subjct: there is no such field; did you mean subject?",
            ),
            (r#"[{"field":"subject","matches":"(a"}]"#, "when[1]: field subject: matches is no pattern: unclosed group"),
            (
                r#"[{"field":"subject","matches":"(\\w{999}){999}"}]"#,
                "when[1]: field subject: matches is no pattern: becomes too large when it is compiled",
            ),
            (
                r#"[{"field":"attachments","words":["a"]}]"#,
                "when[1]: field attachments: words does not fit it; what fits is is, one_of, at_least, at_most",
            ),
            (r#"[{"field":"attachments","is":"a"}]"#, "when[1]: field attachments: is is a text, and should be a number"),
            (r#"[{"field":"subject","one_of":[]}]"#, "when[1]: field subject: one_of is an empty list"),
            (r#"[{"field":"subject"}]"#, "when[1]: field subject: names no operator: is, one_of, words, matches, exists"),
            (
                r#"[{"field":"attachments","at_least":1,"at_most":2}]"#,
                "when[1]: field attachments: names several operators; each needs a condition of its own: is, one_of, at_least, at_most",
            ),
            (r#"[{"is":"a"}]"#, "when[1]: names no field, and none of all, any, not and hours"),
            (r#"[{"field":"subject","wrds":["a"]}]"#, "when[1]: unknown key wrds; did you mean words?"),
            (r#"[{"not":[]}]"#, "when[1].not: is a list, and should be a condition like { field = \"subject\", words = [\"invoice\"] }"),
            (r#"[{"all":[]}]"#, "when[1].all: is an empty list"),
            (r#"[{"hours":"in"}]"#, "when[1].hours: is \"in\", and should be \"inside\" or \"outside\""),
            (r#"[{"hours":"inside","field":"text"}]"#, "when[1]: hours stands alone in its condition, and not beside field"),
            (r#"[{"field":"trust","is":"good"}]"#, "when[1]: field trust: is \"good\", and should be verified or unverified or failed"),
            (
                r#"[{"field":"language","is":"no"}]"#,
                "when[1]: field language: is \"no\", and should be unknown, or the code of a language that can be told: af, ak, am, ar, az, be, bg, bn, ca, cs, cy, da, de, el, en, eo, es, et, fa, fi, fr, gu, he, hi, hr, hu, hy, id, it, ja, jv, ka, km, kn, ko, la, lt, lv, mk, ml, mr, my, nb, ne, nl, or, pa, pl, pt, ro, ru, si, sk, sl, sn, sr, sv, ta, te, th, tk, tl, tr, uk, ur, uz, vi, yi, zh, zu",
            ),
            (
                r#"[{"field":"recipient","is":"two words"}]"#,
                "when[1]: field recipient: is \"two words\", which is neither an address, nor what stands before its @, nor a key",
            ),
            (r#"[{"field":"subject","words":["!"]}]"#, "when[1]: field subject: words \"!\" has no letter and no digit"),
            ("[]", "when: is an empty list"),
            (r#"{"field":"text"}"#, "when: is a table, and should be a list of conditions"),
            ("[5]", "when[1]: is a number, and should be a condition like { field = \"subject\", words = [\"invoice\"] }"),
        ] {
            assert_eq!(faults(when, r#"{"stop":true}"#), [fault], "{when}");
        }
    }

    #[test]
    fn every_fault_of_an_effect_is_told_and_all_at_once() {
        let when = r#"[{"field":"text","words":"a"}]"#;
        for (then, expected) in [
            ("{}", "then: is empty; it should have at least one of category, department, assign, by, priority, tags, fields, stop"),
            ("5", "then: is a number, and should be a table like { category = \"Invoices\" }"),
            (r#"{"asign":"bo"}"#, "then: unknown key asign; did you mean assign?"),
            (r#"{"priority":"hgh"}"#, "then: priority hgh does not exist; priorities are low, normal, high, urgent"),
            (r#"{"by":"round-robin"}"#, "then: by says how a group shares tickets, and there is no assign"),
            (r#"{"assign":"team","by":"turn"}"#, "then: by is \"turn\", and should be everyone or round-robin or fewest-open"),
            (r#"{"tags":[]}"#, "then: tags is an empty list"),
            (r#"{"tags":["a","a"]}"#, "then: tags holds a twice"),
            (r#"{"fields":{"a":[1]}}"#, "then: fields a is a list, and should be a text, a number, true or false"),
            (r#"{"stop":"yes"}"#, "then: stop is a text, and should be true or false"),
        ] {
            assert_eq!(faults(when, then), [expected], "{then}");
        }
        assert_eq!(faults("[5, {}]", r#"{"stop":1,"category":2}"#).len(), 4);
    }

    #[test]
    fn what_is_too_deep_or_too_much_is_refused() {
        let deep = |depth: usize| format!("[{}{}{}]", r#"{"not":"#.repeat(depth), r#"{"hours":"inside"}"#, "}".repeat(depth));
        assert_eq!(faults(&deep(7), r#"{"stop":true}"#), Vec::<String>::new());
        assert!(faults(&deep(8), r#"{"stop":true}"#)[0].ends_with("is too deep: 8 conditions within each other are the most"));
        let many = format!("[{}]", vec![r#"{"hours":"inside"}"#; 201].join(","));
        assert_eq!(faults(&many, r#"{"stop":true}"#), ["when: has 201 conditions; 200 is the most"]);
        let words = vec![r#""a""#; 1001].join(",");
        let listed = faults(&format!(r#"[{{"field":"subject","words":[{words}]}}]"#), r#"{"stop":true}"#);
        assert_eq!(listed, ["when[1]: field subject: words has 1001 entries; 1000 is the most"]);
    }

    #[test]
    fn what_is_written_is_read_again_as_it_was() {
        let whole = r#"{"version":1,"when":[{"any":[{"field":"domain","is":"example.org"},{"not":{"hours":"inside"}}]},
            {"field":"attachments.size","at_least":1.5},{"field":"client.data.plan","one_of":["gold",1.0,true]},
            {"field":"subject","words":["a b"]},{"field":"text","matches":"(?i)x+"},{"field":"field.order","exists":false},
            {"all":[{"field":"attachments","at_most":2.0}]},{"field":"automatic","is":true}],
            "then":{"category":"c","department":"d","assign":"team","by":"fewest-open","priority":"high","tags":["t"],"fields":{"n":1},"stop":true}}"#;
        let whole: Json = serde_json::from_str(whole).expect("JSON");
        let rule = stored(&whole).expect("a rule");
        assert_eq!(document(&rule), whole);
        assert_eq!(stored(&document(&rule)), Ok(rule));
    }

    #[test]
    fn what_the_database_holds_of_another_version_is_not_guessed_at() {
        assert_eq!(stored(&serde_json::json!({"version": 2})), Err("it is of version 2, and this program knows version 1".to_owned()));
        assert_eq!(stored(&serde_json::json!({})), Err("it names no version".to_owned()));
        let broken = stored(&serde_json::json!({"version": 1, "when": [{"field": "x"}]}));
        assert!(broken.is_err_and(|why| why.contains("when[1]: field x") && why.contains("then: is nothing")));
    }
}
