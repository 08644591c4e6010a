//! All that is known of a client.

use switchboard_common::db::view::{ClientView, ExternalIdView, MemberView, MergeView};

use crate::output::{ADDED, CHANGED, FAINT, Page, paint, shorten, time};

/// The client as people read it, with all who are one with them.
pub fn render(client: &ClientView) -> String {
    let mut page = Page::default();
    page.heading(&format!("{}  {}", client.name, client.id));
    page.field("tenant", &client.tenant);
    if client.counts_as != client.id {
        page.field("counts as", format!("{}  {}", client.counts_as_name, client.counts_as));
    }
    for member in &client.members {
        show_member(&mut page, client, member);
    }
    if !client.merges.is_empty() {
        page.heading("Merges");
    }
    for merge in &client.merges {
        page.line(1, &merged(merge));
    }
    page.heading("Tickets");
    if client.tickets.is_empty() {
        page.line(1, "none");
    }
    for ticket in &client.tickets {
        let whose = if client.members.len() > 1 { format!("  of {}", ticket.client) } else { String::new() };
        page.line(1, &format!("#{}  {}  {}{}", ticket.number, ticket.status, shorten(&ticket.title, 70), paint(FAINT, &whose)));
    }
    if !client.doubles.is_empty() {
        page.heading("Perhaps the same person");
    }
    for double in &client.doubles {
        page.line(1, &format!("{}  {}  {}", double.name, double.why, paint(FAINT, &double.client_id.to_string())));
    }
    page.finish()
}

fn show_member(page: &mut Page, client: &ClientView, member: &MemberView) {
    if client.members.len() > 1 {
        page.heading(&format!("{}  {}", member.name, member.id));
    }
    page.field("known since", time(member.created_at));
    page.field("record", member.record.as_deref().unwrap_or_default());
    for (name, value) in member.data.as_object().into_iter().flatten() {
        page.field("data", format!("{name} = {value}"));
    }
    for key in &member.external_ids {
        page.field("key", known_by(key));
    }
    page.field("on record", member.contacts.join(", "));
}

fn known_by(key: &ExternalIdView) -> String {
    let ExternalIdView { key, source, evidence, authenticated, created_at, .. } = key;
    let authenticated = if *authenticated { paint(ADDED, "authenticated") } else { paint(CHANGED, "not authenticated") };
    format!("{key}  {authenticated}, from {source}: {evidence}  {}", paint(FAINT, &format!("since {}", time(*created_at))))
}

fn merged(merge: &MergeView) -> String {
    let by = |handle: &Option<String>| handle.as_ref().map(|handle| format!(" by {handle}")).unwrap_or_default();
    let reason = merge.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let merged = format!("{} into {}, {}{}{reason}", merge.name, merge.into_name, time(merge.merged_at), by(&merge.merged_by));
    match merge.undone_at {
        Some(at) => format!("{merged}  {}", paint(CHANGED, &format!("undone {}{}", time(at), by(&merge.undone_by)))),
        None => merged,
    }
}
