//! Lists of dead letters: one a line, or counted.

use chrono::{DateTime, Utc};
use switchboard_common::db::view::DeadLine;
use unicode_width::UnicodeWidthStr;

use super::cause::Group;
use crate::output::{CHANGED, FAINT, pad, paint, shorten};

/// How wide a reason may be.
const REASON: usize = 100;

/// The letters, and beneath them how many more there are.
pub fn render(lines: &[DeadLine], all: i64, with_tenant: bool, json: bool) -> anyhow::Result<String> {
    if json {
        return Ok(serde_json::to_string_pretty(lines)? + "\n");
    }
    if lines.is_empty() {
        return Ok("no dead letters\n".to_owned());
    }
    let head = ["id", "died (UTC)", "queue", "tenant", "reason"];
    let rows = lines.iter().map(|line| {
        let times = if line.deaths > 1 { paint(CHANGED, &format!("(died {} times) ", line.deaths)) } else { String::new() };
        let reason = times + &shorten(&line.reason, REASON);
        vec![line.id.to_string(), minute(line.died_at), line.queue.clone(), line.tenant.clone().unwrap_or_default(), reason]
    });
    let mut text = table(&head, &rows.collect::<Vec<_>>(), if with_tenant { None } else { Some(3) });
    if usize::try_from(all).is_ok_and(|all| all > lines.len()) {
        let more = format!("{} of {all}; --limit shows more, and --by reason counts them by cause", lines.len());
        text.push_str(&(paint(FAINT, &more) + "\n"));
    }
    Ok(text)
}

/// The groups, at most `limit` of them, and beneath them how many letters there are.
pub fn render_counts(groups: Vec<Group>, limit: i64, json: bool) -> anyhow::Result<String> {
    let shown = groups.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
    if json {
        return Ok(serde_json::to_string_pretty(&groups[..shown])? + "\n");
    }
    if groups.is_empty() {
        return Ok("no dead letters\n".to_owned());
    }
    let all: i64 = groups.iter().map(|group| group.count).sum();
    let with_reason = groups.iter().any(|group| group.reason.is_some());
    let head = ["count", "queue", "first (UTC)", "last (UTC)", "reason"];
    let (kinds, mut rows) = (groups.len(), Vec::new());
    for Group { count, queue, reason, first, last } in groups.into_iter().take(shown) {
        let reason = reason.map(|reason| shorten(&reason, REASON)).unwrap_or_default();
        rows.push(vec![count.to_string(), queue, minute(first), minute(last), reason]);
    }
    let mut text = table(&head, &rows, if with_reason { None } else { Some(4) });
    let more = if shown < kinds { format!("; {shown} of {kinds} lines, --limit shows more") } else { String::new() };
    text.push_str(&(paint(FAINT, &format!("{all} in all{more}")) + "\n"));
    Ok(text)
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// Rows in columns, one column left out.
fn table(head: &[&str], rows: &[Vec<String>], without: Option<usize>) -> String {
    let columns: Vec<usize> = (0..head.len()).filter(|n| Some(*n) != without).collect();
    let width = |n: usize| rows.iter().map(|row| row[n].width()).chain([head[n].width()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cell: &dyn Fn(usize) -> String| columns.iter().map(|n| pad(&cell(*n), widths[*n])).collect::<Vec<_>>().join("  ");
    let mut text = paint(FAINT, line(&|n| head[n].to_owned()).trim_end()) + "\n";
    for row in rows {
        text.push_str(line(&|n| row[n].clone()).trim_end());
        text.push('\n');
    }
    text
}
