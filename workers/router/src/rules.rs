//! Where a new ticket goes: rules map account, recipient or words of the subject to a category; a
//! category leads to a department and to a person or a group. Pure, and every step on record.

use switchboard_common::db::routing::{Account, Conditions, Desk};
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::explanation::{ConditionTried, Routing, RuleTried};
use switchboard_common::ids::{CategoryId, DepartmentId, UserId};

/// What the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The account that received the message.
    pub account: &'a Account,
    /// Every address that it was sent to.
    pub recipients: &'a [EmailAddress],
    /// Its subject.
    pub subject: &'a str,
}

/// Where a ticket goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its category.
    pub category: Option<CategoryId>,
    /// Its department.
    pub department: Option<DepartmentId>,
    /// The person or group that it is assigned to.
    pub assignee: Option<UserId>,
    /// How that was found.
    pub explanation: Routing,
}

/// Tries the rules in their order; the first that matches decides, and failing all the account's
/// default category.
#[must_use]
pub fn route(desk: &Desk, facts: Facts<'_>) -> Route {
    let mut tried = Vec::with_capacity(desk.rules.len());
    let mut matched = None;
    for rule in &desk.rules {
        let conditions = if matched.is_none() { test(&rule.conditions, facts) } else { Vec::new() };
        let holds = !conditions.is_empty() && conditions.iter().all(|condition| condition.held);
        if holds {
            matched = Some(rule);
        }
        tried.push(RuleTried { rule: rule.name.clone(), matched: holds, conditions });
    }
    let (id, category_why) = match (matched, facts.account.default_category) {
        (Some(rule), _) => (Some(rule.category), format!("rule \"{}\" matched", rule.name)),
        (None, Some(default)) => (Some(default), format!("no rule matched; it is the default of the account {}", facts.account.name)),
        (None, None) => (None, format!("no rule matched, and the account {} has no default category", facts.account.name)),
    };
    let category = id.and_then(|id| desk.categories.get(&id));
    let department = category.and_then(|category| category.department).filter(|id| desk.departments.contains_key(id));
    let assignee = category.and_then(|category| category.assignee).filter(|id| desk.users.contains_key(id));
    Route {
        category: id.filter(|_| category.is_some()),
        department,
        assignee,
        explanation: Routing {
            rules: tried,
            category: category.map(|category| category.name.clone()),
            category_why,
            department: department.and_then(|id| desk.departments.get(&id).cloned()),
            assignee: assignee.and_then(|id| desk.users.get(&id)).map(|user| user.handle.clone()),
        },
    }
}

/// Tests each condition that the rule names. A rule that names none never matches.
fn test(conditions: &Conditions, facts: Facts<'_>) -> Vec<ConditionTried> {
    let mut tried = Vec::new();
    if let Some(wanted) = &conditions.account {
        let held = *wanted == facts.account.name;
        tried.push(ConditionTried { field: "account".to_owned(), wanted: wanted.clone(), seen: facts.account.name.clone(), held });
    }
    if let Some(wanted) = &conditions.recipient {
        let lower = wanted.to_lowercase();
        let held = facts
            .recipients
            .iter()
            .any(|recipient| if lower.contains('@') { recipient.as_str() == lower } else { recipient.local() == lower });
        let seen: Vec<&str> = facts.recipients.iter().map(EmailAddress::as_str).collect();
        tried.push(ConditionTried { field: "recipient".to_owned(), wanted: wanted.clone(), seen: seen.join(", "), held });
    }
    if !conditions.subject_words.is_empty() {
        let subject = words(facts.subject);
        let held = conditions.subject_words.iter().any(|phrase| contains_phrase(&subject, &words(phrase)));
        let wanted = conditions.subject_words.join(", ");
        tried.push(ConditionTried { field: "subject_words".to_owned(), wanted, seen: facts.subject.to_owned(), held });
    }
    tried
}

/// The words of a text, in lower case: runs of letters and digits.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn contains_phrase(text: &[String], phrase: &[String]) -> bool {
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(conditions: &str, account: &str, recipients: &[&str], subject: &str) -> bool {
        let conditions: Conditions = serde_json::from_str(conditions).expect("valid conditions");
        let account = Account {
            name: account.to_owned(),
            address: "support@example.org".to_owned(),
            takes_mail: true,
            default_category: None,
            threading: switchboard_common::db::routing::ThreadingPolicy::Participants,
            policies: switchboard_common::domain::policy::Policies::default(),
        };
        let recipients: Vec<_> = recipients.iter().map(|text| EmailAddress::parse(text).expect("valid")).collect();
        let tried = test(&conditions, Facts { account: &account, recipients: &recipients, subject });
        !tried.is_empty() && tried.iter().all(|condition| condition.held)
    }

    #[test]
    fn words_are_whole_words_in_any_case() {
        let rule = r#"{"subject_words": ["invoice", "pay back", "Überweisung"]}"#;
        for subject in ["Invoice 4711", "Re: your INVOICE!", "please pay  back", "ÜBERWEISUNG fehlt"] {
            assert!(holds(rule, "support", &[], subject), "{subject}");
        }
        for subject in ["invoices", "back pay", "pay me back", ""] {
            assert!(!holds(rule, "support", &[], subject), "{subject}");
        }
    }

    #[test]
    fn a_recipient_is_an_address_or_a_local_part() {
        assert!(holds(r#"{"recipient": "Sales"}"#, "a", &["x@y.org", "sales@example.org"], ""));
        assert!(holds(r#"{"recipient": "sales@example.org"}"#, "a", &["sales@example.org"], ""));
        assert!(!holds(r#"{"recipient": "sales@example.org"}"#, "a", &["sales@example.com"], ""));
    }

    #[test]
    fn all_conditions_must_hold_and_none_is_not_all() {
        let rule = r#"{"account": "support", "subject_words": ["invoice"]}"#;
        assert!(holds(rule, "support", &[], "invoice"));
        assert!(!holds(rule, "sales", &[], "invoice"));
        assert!(!holds("{}", "support", &[], "invoice"));
    }
}
