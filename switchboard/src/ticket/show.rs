//! All of one ticket.

use switchboard_common::db::view::{AttachmentView, CollectedView, DeliveryView, LinkView, MessageView, TicketLine, TicketView};
use switchboard_common::domain::inbound::{Trust, size_in_words};

use crate::deliveries::became;
use crate::explain::gathered;
use crate::output::{CHANGED, FAINT, Page, REMOVED, STRONG, paint, time};

/// Of longer texts the beginning is shown, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// The ticket as people read it.
pub fn render(ticket: &TicketView) -> String {
    let mut page = Page::default();
    head(&mut page, &ticket.line);
    page.field("followed by", followers(ticket));
    for link in &ticket.links {
        page.field(link_kind(link), format!("#{} {} ({})", link.number, link.title, link.reason));
    }
    page.heading("Messages");
    for message in &ticket.messages {
        show_message(&mut page, message);
    }
    page.heading("History");
    for version in &ticket.versions {
        page.line(1, &format!("{}. {}  {}", version.version, paint(FAINT, &time(version.changed_at)), version.by));
        for change in &version.changes.0 {
            page.line(3, change);
        }
    }
    page.heading("Who was told");
    if ticket.deliveries.is_empty() && ticket.collected.is_empty() {
        page.line(1, "nobody");
    }
    for delivery in &ticket.deliveries {
        let DeliveryView { to, channel, address, template, id, .. } = delivery;
        page.line(1, &format!("{} by {channel} <{address}>  {}", paint(STRONG, to), paint(FAINT, &format!("{template}  {id}"))));
        page.line(3, &became(delivery));
        page.line(3, &delivery.because.as_ref().map(|why| paint(FAINT, &format!("this way because {why}"))).unwrap_or_default());
    }
    for collected in &ticket.collected {
        let CollectedView { to, template, notification_id, .. } = collected;
        page.line(1, &format!("{}  {}", paint(STRONG, to), paint(FAINT, &format!("{template}  {notification_id}"))));
        gathered(&mut page, 3, collected);
    }
    page.finish()
}

/// Who follows it, and who does as a follower of its department.
fn followers(ticket: &TicketView) -> String {
    let department = ticket.department_followers.iter().filter(|handle| !ticket.followers.contains(handle));
    let department = department.map(|handle| format!("{handle} (of the department)"));
    ticket.followers.iter().cloned().chain(department).collect::<Vec<_>>().join(", ")
}

/// How a ticket has to do with the one that is shown.
fn link_kind(link: &LinkView) -> &'static str {
    match (link.kind.as_str(), link.points_at_it) {
        ("follow_up", true) => "goes on with",
        ("follow_up", false) => "goes on in",
        ("related", true) => "split from",
        ("related", false) => "split off",
        ("number", true) => "quotes",
        ("number", false) => "quoted by",
        _ => "linked with",
    }
}

fn head(page: &mut Page, line: &TicketLine) {
    page.heading(&format!("#{}  {}", line.number, line.title));
    let address = line.client_address.as_ref().map(|address| format!(" <{address}>")).unwrap_or_default();
    let own = line.client_own.as_ref().map(|own| format!(", as {own}")).unwrap_or_default();
    page.field("client", format!("{}{own}{address}", line.client));
    page.field("state", format!("{} (status {}, priority {})", line.state, line.status, line.priority));
    page.field("department", line.department.as_deref().unwrap_or("none"));
    page.field("category", line.category.as_deref().unwrap_or("none"));
    page.field("assigned to", if line.assignees.is_empty() { "nobody".to_owned() } else { line.assignees.join(", ") });
    page.field("cc", line.cc.join(", "));
    page.field("tags", line.tags.join(", "));
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fields: Vec<String> = line.custom_fields.iter().map(|(key, field)| format!("{key}: {}", value(field))).collect();
    page.field("fields", fields.join(", "));
    page.field("account", format!("{} of {}", line.account, line.tenant));
    page.field("opened", time(line.opened_at));
    page.field("closed", line.closed_at.map(time).unwrap_or_default());
}

fn show_message(page: &mut Page, message: &MessageView) {
    let address = message.address.as_ref().filter(|address| **address != message.author);
    let address = address.map(|address| format!(" <{address}>")).unwrap_or_default();
    let what = match (message.kind.as_str(), message.direction.as_str()) {
        ("public", "in") => "to the desk",
        ("public", _) => "to the client",
        ("note", _) => "internal note",
        _ => "by Switchboard",
    };
    let author = paint(STRONG, &format!("{}{address}", message.author));
    page.line(1, &format!("{}. {author}  {}  {what} by {}", message.position, paint(FAINT, &time(message.received_at)), message.channel));
    page.line(3, &paint(FAINT, &message.subject));
    let trust = match message.trust {
        Trust::Failed => "the sender is not who they say: the check failed",
        Trust::Verified | Trust::Unverified => "",
    };
    page.line(3, &paint(REMOVED, trust));
    page.line(3, &paint(CHANGED, message.notice.as_deref().unwrap_or_default()));
    page.line(3, &message.automatic.as_ref().map(|why| paint(FAINT, &format!("sent by a program ({why})"))).unwrap_or_default());
    let (text, more) = beginning(message.text.trim_end());
    for line in text.lines() {
        page.line(3, &format!("| {line}"));
    }
    if more > 0 {
        page.line(3, &paint(FAINT, &format!("{more} lines more: --json shows all")));
    }
    for attachment in &message.attachments.0 {
        page.line(3, &format!("+ {}", describe(attachment)));
    }
    page.line(3, &message.inbound_id.map(|id| paint(FAINT, &format!("explain message {id}"))).unwrap_or_default());
}

/// As much of a text as somebody would read here, and how many lines are left.
fn beginning(text: &str) -> (&str, usize) {
    let end = text.floor_char_boundary(LONGEST_TEXT);
    if end == text.len() {
        return (text, 0);
    }
    let end = text[..end].rfind('\n').unwrap_or(end);
    (&text[..end], text[end..].trim_start_matches('\n').lines().count())
}

fn describe(attachment: &AttachmentView) -> String {
    let AttachmentView { name, content_type, size, .. } = attachment;
    format!("{name} ({content_type}, {})", size_in_words(size.unsigned_abs()))
}
