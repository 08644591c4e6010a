//! Why a new ticket went where it went.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How a new ticket got its category, department, assignee, priority, tags and fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// What the rules looked at and was there, once; long texts are cut. Empty in explanations from before
    /// it was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactSeen>,
    /// Every rule, in order.
    pub rules: Vec<RuleTried>,
    /// The category's name, if there is one.
    pub category: Option<String>,
    /// Where the category came from, in a sentence.
    pub category_why: String,
    /// The department's name, if there is one.
    pub department: Option<String>,
    /// Where the department came from.
    #[serde(default)]
    pub department_why: String,
    /// The handle of the person or group, if there is one.
    pub assignee: Option<String>,
    /// Where the assignee came from; for a group that deals its tickets out, how the person was chosen.
    #[serde(default)]
    pub assignee_why: String,
    /// The priority's name.
    #[serde(default)]
    pub priority: Option<String>,
    /// Where the priority came from.
    #[serde(default)]
    pub priority_why: String,
    /// Each tag, and where it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Each custom field with its value, and where it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// A fact about the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSeen {
    /// Its name, such as `subject`.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// A rule and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTried {
    /// The rule's name.
    pub rule: Arc<str>,
    /// Whether all its conditions held.
    pub matched: bool,
    /// Its conditions; empty for a rule that was not looked at.
    pub conditions: Vec<ConditionTried>,
    /// What it set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// What it would have set, and why it could not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_set: Vec<String>,
    /// Why it was not looked at, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Arc<str>>,
}

/// A condition, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionTried {
    /// What it looks at, such as `subject`; `all`, `any` or `not` for conditions together.
    pub field: Arc<str>,
    /// What it asks for.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub wanted: Arc<str>,
    /// What it saw. Left out where it is stored: the facts have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// Whether it held.
    pub held: bool,
    /// The conditions that it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<ConditionTried>,
}

/// What stands for a fact that is not there.
const NOTHING: &str = "nothing";

impl Routing {
    /// The value of a fact.
    #[must_use]
    pub fn seen(&self, field: &str) -> &str {
        self.facts.iter().find(|fact| fact.field == field).map_or(NOTHING, |fact| &fact.value)
    }

    /// Writes the value seen beside each condition.
    pub fn show_seen(&mut self) {
        let facts = std::mem::take(&mut self.facts);
        let seen = |field: &str| facts.iter().find(|fact| fact.field == field).map_or(NOTHING, |fact| &fact.value).to_owned();
        for rule in &mut self.rules {
            rule.conditions.iter_mut().for_each(|condition| condition.show_seen(&seen));
        }
        self.facts = facts;
    }
}

impl ConditionTried {
    fn show_seen(&mut self, seen: &impl Fn(&str) -> String) {
        if self.of.is_empty() {
            self.seen.get_or_insert_with(|| seen(&self.field));
        }
        self.of.iter_mut().for_each(|part| part.show_seen(seen));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_explained_is_read() {
        let old = r#"{"rules":[{"rule":"money","matched":true,"conditions":[{"field":"subject_words","wanted":"invoice","seen":"an invoice","held":true}]},
            {"rule":"later","matched":false,"conditions":[]}],"category":"Invoice","category_why":"rule \"money\" matched","department":null,"assignee":"bo"}"#;
        let mut read: Routing = serde_json::from_str(old).expect("readable");
        read.show_seen();
        assert_eq!(read.rules[0].conditions[0].seen.as_deref(), Some("an invoice"));
        assert_eq!((read.assignee.as_deref(), read.priority, read.rules[1].skipped.clone()), (Some("bo"), None, None));
    }

    #[test]
    fn every_condition_shows_what_it_saw() {
        let leaf = |field: &str| ConditionTried { field: field.into(), wanted: "is a".into(), seen: None, held: false, of: Vec::new() };
        let tree =
            ConditionTried { field: "any".into(), wanted: "".into(), seen: None, held: false, of: vec![leaf("subject"), leaf("field.x")] };
        let rule =
            RuleTried { rule: "r".into(), matched: false, conditions: vec![tree], set: Vec::new(), not_set: Vec::new(), skipped: None };
        let facts = vec![FactSeen { field: "subject".to_owned(), value: "hello".to_owned() }];
        let mut routing = Routing { facts, rules: vec![rule], ..Routing::default() };
        routing.show_seen();
        let of = &routing.rules[0].conditions[0].of;
        assert_eq!((of[0].seen.as_deref(), of[1].seen.as_deref()), (Some("hello"), Some("nothing")));
        assert_eq!(routing.seen("subject"), "hello");
    }
}
