//! The reasons for one message, as people read them.

use switchboard_common::db::view::{EventView, MessageExplained};
use switchboard_common::domain::explanation::{Explanation, ToldDecision};
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use unicode_width::UnicodeWidthStr;

use super::{routing, sender, threading};
use crate::output::{ADDED, FAINT, Page, REMOVED, pad, paint, shorten, time};
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
    page.field("channel", message.channel.as_str());
    page.field("from", writer(message));
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

/// Who wrote it, as the message itself says.
fn writer(message: &InboundMessage) -> String {
    if let Some(from) = &message.from {
        return from.to_string();
    }
    let keys: Vec<String> = message.identities.iter().map(ToString::to_string).collect();
    let name = message.sender_name.as_deref().unwrap_or_default();
    format!("{name} {}", keys.join(", ")).trim().to_owned()
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
        Some("heeded") => "It was heeded, and is on no ticket.".to_owned(),
        _ => "It is logged, and was not decided on.".to_owned(),
    }
}

fn reasons(page: &mut Page, explained: &MessageExplained, explanation: &Explanation) {
    page.heading("Who wrote it");
    sender::render(page, &explanation.sender);
    threading::render(page, explanation);
    if let Some(routed) = &explanation.routing {
        page.heading("Where it was routed");
        routing::render(page, routed);
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

fn told(page: &mut Page, event: &EventView) {
    let Some(planned_at) = event.planned_at else {
        page.line(1, &format!("of {} (version {}): not planned yet", event.kind, event.version));
        return;
    };
    page.line(1, &format!("of {} (version {}), {}", event.kind, event.version, paint(FAINT, &format!("planned {}", time(planned_at)))));
    if event.kind == "ticket.created" && event.told.iter().all(|decision| decision.user_id.is_none()) {
        page.line(2, &format!("{}  of the desk: it is nobody's, and there is no administrator", paint(REMOVED, "nobody  ")));
    }
    let width = event.told.iter().map(|decision| decision.recipient.width()).max().unwrap_or_default();
    for ToldDecision { recipient, user_id, client_id, told, on, why, .. } in &event.told {
        let mark = if *told { paint(ADDED, "told    ") } else { paint(REMOVED, "not told") };
        let on = on.as_ref().map(|on| format!(" (on {on})")).unwrap_or_default();
        page.line(2, &format!("{mark}  {}  {why}{on}", pad(recipient, width)));
        for delivery in event.deliveries.iter().filter(|mail| (mail.user_id, mail.client_id) == (*user_id, *client_id)) {
            page.line(4, &mail(delivery));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use switchboard_common::ids::{ClientId, EventId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn that_nobody_of_the_desk_heard_of_a_ticket_is_said() {
        let client = ToldDecision {
            recipient: "Ada".to_owned(),
            user_id: None,
            client_id: Some(ClientId(Uuid::nil())),
            told: false,
            on: None,
            why: "no acknowledgement".to_owned(),
            ..ToldDecision::default()
        };
        let user = ToldDecision { user_id: Some(UserId(Uuid::nil())), client_id: None, ..client.clone() };
        for (kind, told_of, said) in [
            ("ticket.created", vec![client.clone()], true),
            ("ticket.created", vec![user, client.clone()], false),
            ("ticket.closed", vec![client], false),
        ] {
            let event = EventView {
                id: EventId(Uuid::nil()),
                kind: kind.to_owned(),
                version: 1,
                planned_at: Some(DateTime::UNIX_EPOCH),
                told: told_of,
                deliveries: Vec::new(),
            };
            let mut page = Page::default();
            told(&mut page, &event);
            let page = anstream::adapter::strip_str(&page.finish()).to_string();
            assert_eq!(page.contains("nobody    of the desk: it is nobody's, and there is no administrator"), said, "{page}");
        }
    }
}
