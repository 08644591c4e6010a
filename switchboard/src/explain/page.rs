//! The reasons for one message, as people read them.

use switchboard_common::db::view::{EventView, MessageExplained};
use switchboard_common::domain::explanation::{ConditionTried, Explanation, Routing, RuleTried, SenderFound, ToldDecision};
use switchboard_common::domain::inbound::Trust;
use unicode_width::UnicodeWidthStr;

use super::threading;
use crate::output::{ADDED, CHANGED, FAINT, Page, REMOVED, pad, paint, shorten, time};
use crate::ticket::mail;

/// The whole page.
pub fn render(explained: &MessageExplained) -> String {
    let mut page = Page::default();
    head(&mut page, explained);
    page.heading("What became of it");
    page.line(1, &outcome(explained));
    if let Some(explanation) = explained.explanation.as_ref().map(|explanation| &explanation.0) {
        page.line(1, &explanation.decision);
        reasons(&mut page, explained, explanation);
    }
    page.heading("Who was told");
    if explained.events.is_empty() {
        page.line(1, "nobody: it caused no event");
    }
    for event in &explained.events {
        told(&mut page, event);
    }
    page.finish()
}

fn head(page: &mut Page, explained: &MessageExplained) {
    let message = &explained.message.0;
    page.heading(&format!("Message {}", explained.id));
    page.field("from", message.from.as_ref().map(ToString::to_string).unwrap_or_default());
    page.field("to", message.recipients.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    page.field("subject", &message.subject);
    page.field("Message-ID", message.message_id.as_ref().map(|id| format!("<{id}>")).unwrap_or_default());
    page.field("arrived", format!("{}, at the account {} of {}", time(message.received_at), explained.account, explained.tenant));
    let trust = match message.trust {
        Trust::Verified => "the sender was authenticated on the way",
        Trust::Unverified => "nobody checked the sender on the way",
        Trust::Failed => "the sender was checked on the way, and is not who they say",
    };
    page.field("trust", trust);
    page.field("automatic", message.automatic.as_ref().map(|why| format!("sent by a program: {why}")).unwrap_or_default());
    let names: Vec<&str> = message.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    page.field("attachments", names.join(", "));
    let more = (message.refused_more > 0).then(|| format!("{} more were not kept", message.refused_more));
    page.field("not kept", message.refused.iter().map(ToString::to_string).chain(more).collect::<Vec<_>>().join("; "));
    match explained.also_by.as_slice() {
        [] => {}
        [one] => page.field("copies", format!("it also came by the account {one}")),
        more => page.field("copies", format!("it also came by the accounts {}", more.join(", "))),
    }
    match explained.duplicates {
        0 => {}
        1 => page.field("duplicates", "it came once more, and was not taken again"),
        times => page.field("duplicates", format!("it came {times} times more, and was not taken again")),
    }
}

fn outcome(explained: &MessageExplained) -> String {
    let title = explained.title.as_ref().map(|title| format!(" \"{}\"", shorten(title, 60))).unwrap_or_default();
    let client = explained.client.as_ref().map(|client| format!(" of {client}")).unwrap_or_default();
    let ticket = explained.ticket.map(|number| format!("ticket #{number}{title}{client}")).unwrap_or_default();
    match explained.outcome.as_deref() {
        Some("opened") => format!("It opened {ticket}."),
        Some("joined") => format!("It went to {ticket}."),
        Some("answered") => format!("It is the answer to the client on {ticket}."),
        Some("noted") => format!("It is an internal note on {ticket}."),
        Some("blocked") => "It was blocked, and is on no ticket.".to_owned(),
        _ => "It is logged, and was not decided on.".to_owned(),
    }
}

fn reasons(page: &mut Page, explained: &MessageExplained, explanation: &Explanation) {
    page.heading("Who wrote it");
    page.line(1, &sender(&explanation.sender));
    threading::render(page, explanation);
    if let Some(routing) = &explanation.routing {
        page.heading("Where it was routed");
        routed(page, routing);
    }
    let flags: Vec<&String> =
        explanation.flags.iter().chain(explained.message.flags.iter().filter(|flag| !explanation.flags.contains(flag))).collect();
    if !flags.is_empty() {
        page.heading("What was odd about it");
        for flag in flags {
            page.line(1, flag);
        }
    }
}

fn sender(sender: &SenderFound) -> String {
    match sender {
        SenderFound::KnownClient { key, .. } => format!("A client who is known by {key}."),
        SenderFound::NewClient { key, .. } => format!("A new client, who was made for {key}."),
        SenderFound::User { key, handle, .. } => format!("The user {handle}, by their verified contact {key}."),
        SenderFound::Unknown { key } => format!("Nobody whom the desk knows: {key}."),
        SenderFound::NotLookedFor { key } => format!("Nobody was looked for: {key}."),
    }
}

fn routed(page: &mut Page, routing: &Routing) {
    if routing.rules.is_empty() {
        page.line(1, "there are no rules");
    }
    for (number, RuleTried { rule, matched, conditions }) in (1..).zip(&routing.rules) {
        let became = match (matched, conditions.is_empty()) {
            (true, _) => paint(ADDED, "matched"),
            (false, true) => paint(FAINT, "not looked at"),
            (false, false) => paint(CHANGED, "did not match"),
        };
        page.line(1, &format!("{number}. rule \"{rule}\" {became}"));
        for condition in conditions {
            page.line(3, &tried(condition));
        }
    }
    let category = routing.category.as_deref().unwrap_or("none");
    page.field("category", format!("{category}: {}", routing.category_why));
    page.field("department", routing.department.as_deref().unwrap_or("none"));
    page.field("assigned to", routing.assignee.as_deref().unwrap_or("nobody"));
}

fn tried(condition: &ConditionTried) -> String {
    let ConditionTried { field, wanted, seen, held } = condition;
    let held = if *held { paint(ADDED, "holds") } else { paint(CHANGED, "fails") };
    match field.as_str() {
        "subject_words" => format!("{held}  the subject has one of the words {wanted}; it is \"{seen}\""),
        "recipient" => format!("{held}  it was sent to {wanted}; it was sent to {seen}"),
        "account" => format!("{held}  the account is {wanted}; it is {seen}"),
        field => format!("{held}  {field} is {wanted}; it is {seen}"),
    }
}

fn told(page: &mut Page, event: &EventView) {
    let Some(planned_at) = event.planned_at else {
        page.line(1, &format!("of {} (version {}): not planned yet", event.kind, event.version));
        return;
    };
    page.line(1, &format!("of {} (version {}), {}", event.kind, event.version, paint(FAINT, &format!("planned {}", time(planned_at)))));
    let width = event.told.iter().map(|decision| decision.recipient.width()).max().unwrap_or_default();
    for ToldDecision { recipient, user_id, client_id, told, on, why } in &event.told {
        let mark = if *told { paint(ADDED, "told    ") } else { paint(REMOVED, "not told") };
        let on = on.as_ref().map(|on| format!(" (on {on})")).unwrap_or_default();
        page.line(2, &format!("{mark}  {}  {why}{on}", pad(recipient, width)));
        for delivery in event.deliveries.iter().filter(|mail| (mail.user_id, mail.client_id) == (*user_id, *client_id)) {
            page.line(4, &mail(delivery));
        }
    }
}
