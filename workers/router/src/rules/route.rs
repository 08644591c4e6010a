//! From what the rules say to what the desk has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use switchboard_common::db::routing::{Account, Category, Desk};
use switchboard_common::domain::explanation::Routing;
use switchboard_common::domain::rules::Strategy;
use switchboard_common::ids::{CategoryId, DepartmentId, PriorityId, UserId};

use super::assign::{Deal, away, until};
use super::evaluate::{Decision, Set, evaluate};
use super::facts::{Facts, View};

/// Where a ticket goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its category.
    pub category: Option<CategoryId>,
    /// Its department.
    pub department: Option<DepartmentId>,
    /// The person or group that it is assigned to; a group that deals it out has it until then.
    pub assignee: Option<UserId>,
    /// How that group deals it out to one of its people.
    pub deal: Option<Deal>,
    /// Its priority.
    pub priority: PriorityId,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Custom fields that rules have set.
    pub fields: BTreeMap<String, Json>,
    /// How all that was found.
    pub explanation: Routing,
}

/// Something of the desk by which a ticket goes on, with why.
struct Found<T> {
    id: Option<T>,
    why: String,
}

/// Tries the rules, and takes from the category what they have not set.
#[must_use]
pub fn route(desk: &Desk, account: &Account, facts: Facts<'_>, now: DateTime<Utc>) -> Route {
    let view = View::new(facts);
    let decision = evaluate(&desk.rules, &view);
    let category = category_of(desk, account, &decision);
    let of_category = category.id.and_then(|id| desk.categories.get(&id));
    let department = department_of(desk, of_category, decision.department);
    let (assignee, by) = assignee_of(desk, of_category, &decision, now);
    let priority = priority_of(desk, decision.priority);
    let deal = assignee.id.filter(|_| by != Strategy::Everyone).map(|group| Deal { group, by, department: department.id });
    let handle = assignee.id.and_then(|id| desk.users.get(&id)).map(|user| user.handle.clone());
    let Decision { tried, tags, fields, .. } = decision;
    let named = |rule: &Arc<str>| format!("rule \"{rule}\"");
    let explanation = Routing {
        facts: view.listed(),
        rules: tried,
        category: of_category.map(|category| category.name.clone()),
        category_why: category.why,
        department: department.id.and_then(|id| desk.departments.get(&id).cloned()),
        department_why: department.why,
        assignee: handle,
        assignee_why: assignee.why,
        priority: desk.priorities.iter().find(|(_, id)| Some(**id) == priority.id).map(|(name, _)| name.clone()),
        priority_why: priority.why,
        tags: tags.iter().map(|(tag, rule)| format!("{tag}: {}", named(rule))).collect(),
        fields: fields.iter().map(|(key, (value, rule))| format!("{key} = {value}: {}", named(rule))).collect(),
    };
    Route {
        category: category.id,
        department: department.id,
        assignee: assignee.id,
        deal,
        priority: priority.id.unwrap_or(desk.default_priority),
        tags: tags.into_iter().map(|(tag, _)| tag.to_owned()).collect(),
        fields: fields.into_iter().map(|(key, (value, _))| (key.to_owned(), value.clone())).collect(),
        explanation,
    }
}

/// That a rule names what the desk does not have: the rule was written by hand, or is older than the desk.
fn missing(kind: &str, (name, rule): Set<'_, &str>) -> String {
    format!("rule \"{rule}\" names the {kind} {name}, which does not exist")
}

fn category_of(desk: &Desk, account: &Account, decision: &Decision<'_>) -> Found<CategoryId> {
    let mut why = if decision.tried.iter().any(|rule| rule.matched) { "no rule set one" } else { "no rule matched" }.to_owned();
    if let Some((name, rule)) = decision.category {
        match desk.categories.iter().find(|(_, category)| category.name == name) {
            Some((id, _)) => return Found { id: Some(*id), why: format!("rule \"{rule}\" matched") },
            None => why = missing("category", (name, rule)),
        }
    }
    match account.default_category.filter(|id| desk.categories.contains_key(id)) {
        Some(id) => Found { id: Some(id), why: format!("{why}; it is the default of the account {}", account.name) },
        None => Found { id: None, why: format!("{why}, and the account {} has no default category", account.name) },
    }
}

fn department_of(desk: &Desk, category: Option<&Category>, set: Option<Set<'_, &str>>) -> Found<DepartmentId> {
    let mut why = String::new();
    if let Some((name, rule)) = set {
        match desk.departments.iter().find(|(_, known)| *known == name) {
            Some((id, _)) => return Found { id: Some(*id), why: format!("rule \"{rule}\" matched") },
            None => why = missing("department", (name, rule)) + "; ",
        }
    }
    let own = category.and_then(|category| Some((category, category.department.filter(|id| desk.departments.contains_key(id))?)));
    match own {
        Some((category, id)) => Found { id: Some(id), why: format!("{why}it is that of the category {}", category.name) },
        None => Found { id: None, why: format!("{why}neither a rule nor a category leads to one") },
    }
}

fn assignee_of(desk: &Desk, category: Option<&Category>, decision: &Decision<'_>, now: DateTime<Utc>) -> (Found<UserId>, Strategy) {
    let mut why = String::new();
    let found = |id: UserId, by: Strategy, why: String| {
        let user = desk.users.get(&id);
        let by = if user.is_some_and(|user| user.is_group) { by } else { Strategy::Everyone };
        let away = user.and_then(|user| away(user, now)).map(|at| format!("; {}", until(at))).unwrap_or_default();
        (Found { id: Some(id), why: why + &away }, by)
    };
    if let Some((assign, rule)) = decision.assign {
        match desk.users.iter().find(|(_, user)| user.handle == assign.to) {
            Some((id, _)) => return found(*id, assign.by, format!("rule \"{rule}\" matched")),
            None => why = missing("user or group", (&assign.to, rule)) + "; ",
        }
    }
    let own = category.and_then(|category| Some((category, category.assignee.filter(|id| desk.users.contains_key(id))?)));
    match own {
        Some((category, id)) => found(id, category.by, format!("{why}it is that of the category {}", category.name)),
        None => (Found { id: None, why: format!("{why}neither a rule nor a category leads to one") }, Strategy::Everyone),
    }
}

fn priority_of(desk: &Desk, set: Option<Set<'_, &str>>) -> Found<PriorityId> {
    let default = |why: String| Found { id: Some(desk.default_priority), why: format!("{why}it is the default") };
    match set.map(|set| (set, desk.priorities.get(set.0))) {
        Some(((_, rule), Some(id))) => Found { id: Some(*id), why: format!("rule \"{rule}\" matched") },
        Some((set, None)) => default(missing("priority", set) + "; "),
        None => default("no rule set one; ".to_owned()),
    }
}
