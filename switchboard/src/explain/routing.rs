//! Where a message was routed, rule by rule, as people read it.

use switchboard_common::domain::explanation::{ConditionTried, Routing, RuleTried};

use crate::output::{ADDED, CHANGED, FAINT, Page, paint};

/// The rules with their conditions, and what came of them.
pub fn render(page: &mut Page, routing: &Routing) {
    if routing.rules.is_empty() {
        page.line(1, "there are no rules");
    }
    for (number, RuleTried { rule, matched, conditions, set, not_set, skipped }) in (1..).zip(&routing.rules) {
        let became = match (matched, skipped, conditions.is_empty()) {
            (true, ..) => paint(ADDED, "matched"),
            (false, Some(why), _) => paint(FAINT, &format!("not looked at: {why}")),
            (false, None, true) => paint(FAINT, "not looked at"),
            (false, None, false) => paint(CHANGED, "did not match"),
        };
        page.line(1, &format!("{number}. rule \"{rule}\" {became}"));
        for condition in conditions {
            tried(page, 3, condition, routing);
        }
        for what in set {
            page.line(3, &format!("{}   {what}", paint(ADDED, "sets")));
        }
        for what in not_set {
            page.line(3, &format!("{}  {what}", paint(CHANGED, "leaves")));
        }
    }
    let or_nobody = |name: &Option<String>, nothing: &str, why: &str| {
        let name = name.as_deref().unwrap_or(nothing);
        if why.is_empty() { name.to_owned() } else { format!("{name}: {why}") }
    };
    page.field("category", or_nobody(&routing.category, "none", &routing.category_why));
    page.field("department", or_nobody(&routing.department, "none", &routing.department_why));
    page.field("assigned to", or_nobody(&routing.assignee, "nobody", &routing.assignee_why));
    page.field(
        "priority",
        if routing.priority.is_some() { or_nobody(&routing.priority, "", &routing.priority_why) } else { String::new() },
    );
    page.field("tags", routing.tags.join("; "));
    page.field("fields", routing.fields.join("; "));
}

fn tried(page: &mut Page, indent: usize, condition: &ConditionTried, routing: &Routing) {
    let ConditionTried { field, wanted, seen, held, of } = condition;
    let mark = if *held { paint(ADDED, "holds") } else { paint(CHANGED, "fails") };
    let said = match (&**field, seen) {
        ("all", _) => "all of these:".to_owned(),
        ("any", _) => "any of these:".to_owned(),
        ("not", _) => "not:".to_owned(),
        // As they were kept before conditions could stand within each other.
        ("subject_words", Some(seen)) => format!("the subject has one of the words {wanted}; it is \"{seen}\""),
        (field, Some(seen)) => format!("{field} is {wanted}; it is {seen}"),
        (field, None) => format!("{field} {wanted}; it is {}", quoted(routing, field)),
    };
    page.line(indent, &format!("{mark}  {said}"));
    for part in of {
        tried(page, indent + 2, part, routing);
    }
}

fn quoted(routing: &Routing, field: &str) -> String {
    let seen = routing.seen(field);
    let is_text = matches!(field, "subject" | "text") && routing.facts.iter().any(|fact| fact.field == field);
    if is_text { format!("\"{}\"", seen.split_whitespace().collect::<Vec<_>>().join(" ")) } else { seen.to_owned() }
}
