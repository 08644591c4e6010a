//! A list of tickets, a line each.

use switchboard_common::db::view::TicketLine;
use switchboard_common::domain::ticket::TicketState;
use unicode_width::UnicodeWidthStr;

use crate::output::{ADDED, CHANGED, FAINT, pad, paint, shorten};

/// The list as people read it, with the tenants' names where there are several.
pub fn render(tickets: &[TicketLine], with_tenant: bool) -> String {
    if tickets.is_empty() {
        return "no tickets\n".to_owned();
    }
    let heads = ["tenant", "#", "state", "changed (UTC)", "client", "assigned", "title"];
    let rows: Vec<[String; 7]> = tickets.iter().map(cells).collect();
    let skip = usize::from(!with_tenant);
    let widths: Vec<usize> =
        (0..heads.len()).map(|n| rows.iter().map(|row| row[n].width()).chain([heads[n].width()]).max().unwrap_or(0)).collect();
    let head: Vec<String> = (skip..heads.len()).map(|n| pad(heads[n], widths[n])).collect();
    let mut text = paint(FAINT, head.join("  ").trim_end()) + "\n";
    for (ticket, row) in tickets.iter().zip(&rows) {
        let cell = |n: usize| match (n, ticket.state) {
            (2, TicketState::WaitingForAgent | TicketState::Open) => paint(CHANGED, &pad(&row[n], widths[n])),
            (2, state) if !state.is_over() => paint(ADDED, &pad(&row[n], widths[n])),
            (6, _) => row[n].clone(),
            _ => pad(&row[n], widths[n]),
        };
        let line: Vec<String> = (skip..heads.len()).map(cell).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn client(ticket: &TicketLine) -> String {
    let own = ticket.client_own.as_ref().map(|own| format!(" ({own})"));
    format!("{}{}", ticket.client, own.unwrap_or_default())
}

fn cells(ticket: &TicketLine) -> [String; 7] {
    [
        ticket.tenant.clone(),
        format!("#{}", ticket.number),
        ticket.state.to_string(),
        ticket.changed_at.format("%Y-%m-%d %H:%M").to_string(),
        shorten(&client(ticket), 24),
        shorten(&ticket.assignees.join(", "), 20),
        shorten(&ticket.title, 70),
    ]
}
