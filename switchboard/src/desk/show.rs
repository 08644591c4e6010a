//! Shows what an apply changes.

use std::fmt::Write;

use super::apply::Differences;
use super::diff::{Change, Kind, What};
use crate::output::{ADDED, CHANGED, REMOVED, paint};

/// The differences of each tenant, a line each, or that there are none.
pub fn differences(differences: &Differences, dry_run: bool) -> String {
    let count: usize = differences.iter().map(|(_, changes)| changes.len()).sum();
    if count == 0 {
        return "nothing to do\n".to_owned();
    }
    let mut text = String::new();
    for (tenant, changes) in differences.iter().filter(|(_, changes)| !changes.is_empty()) {
        let _ = writeln!(text, "tenant {tenant}");
        for change in changes {
            let _ = writeln!(text, "  {}", line(change));
        }
    }
    let things = if count == 1 { "1 change" } else { &format!("{count} changes") };
    let _ = writeln!(text, "{}", if dry_run { format!("{things} to make; nothing was changed") } else { format!("{things} made") });
    text
}

fn line(change: &Change) -> String {
    let name = [change.kind.word(), &change.name].join(" ");
    let name = name.trim_end();
    match &change.what {
        What::Add { fields, again } => {
            let again = if *again { " (again)" } else { "" };
            paint(ADDED, &format!("+ {name}{again}{}", listed(change.kind, fields)))
        }
        What::Change(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(field, old, new)| format!("{field} {old} → {new}").trim_start().to_owned()).collect();
            paint(CHANGED, &format!("~ {name}: {}", fields.join("; ")))
        }
        What::Remove(how) => paint(REMOVED, &format!("- {name} ({how})")),
    }
}

fn listed(kind: Kind, fields: &[(&'static str, String)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(field, value)| format!("{field} {value}").trim_start().to_owned()).collect();
    match (kind, fields.is_empty()) {
        (_, true) => String::new(),
        _ => format!(": {}", fields.join("; ")),
    }
}
