//! Where a mail should end and where it ended.

use std::collections::BTreeSet;

use anyhow::Context;
use serde::Deserialize;
use switchboard_common::db::dead_letters::DeadLetter;
use switchboard_common::db::view::{DeliveryView, MessageExplained, MessageView, TicketView};

use super::feed::Tickets;

/// A mail of the demo and where it should end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The file, without its ending.
    pub file: String,
    /// What it shows, in a line.
    pub shows: String,
    /// What should become of it.
    pub outcome: Ending,
    /// The mail that opened the ticket that it should be on.
    pub ticket: Option<String>,
    /// The mail that opened the ticket that its own should be linked to.
    pub linked_to: Option<String>,
    /// The name of the ticket's client.
    pub client: Option<String>,
    /// The category that it should be routed to.
    pub category: Option<String>,
    /// What its text should contain.
    pub text: Option<String>,
    /// What its text should not contain.
    pub not_text: Option<String>,
    /// The names of its attachments.
    #[serde(default)]
    pub attachments: Vec<String>,
    /// Who should get a mail because of it.
    pub told: BTreeSet<String>,
}

/// What may become of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Opened,
    Joined,
    Answered,
    Noted,
    Duplicate,
    Dead,
}

/// What is on record after a mail.
#[derive(Debug)]
pub enum Found {
    /// It is on a ticket.
    Routed(Box<(MessageExplained, TicketView)>),
    /// It was there already.
    Duplicate(Box<MessageExplained>),
    /// It is among the dead letters.
    Dead(DeadLetter),
    /// Nothing.
    Lost,
}

/// A mail, where it ended, and what is wrong with that.
#[derive(Debug)]
pub struct Judged {
    pub expected: Expected,
    pub found: Found,
    pub faults: Vec<String>,
}

/// The mails in the order in which they are fed.
pub fn expected() -> anyhow::Result<Vec<Expected>> {
    #[derive(Deserialize)]
    struct File {
        mail: Vec<Expected>,
    }
    let file: File = toml::from_str(include_str!("expected.toml")).context("the demo's expectations")?;
    Ok(file.mail)
}

/// The mails that were sent because of a message.
pub fn deliveries(message: &MessageExplained) -> impl Iterator<Item = &DeliveryView> {
    message.events.iter().flat_map(|event| &event.deliveries)
}

/// Compares. `tickets` are the numbers of the tickets by the mails on them.
pub fn judge(expected: Expected, found: Found, tickets: &Tickets) -> Judged {
    let mut faults = Vec::new();
    let mut differ = |what: &str, wanted: String, is: String| {
        if wanted != is {
            faults.push(format!("{what}: expected {wanted}, found {is}"));
        }
    };
    differ("outcome", format!("{:?}", expected.outcome).to_lowercase(), ending(&found).to_owned());
    let number = expected.ticket.as_ref().and_then(|mail| tickets.get(mail).copied());
    match &found {
        Found::Routed(routed) => {
            let (message, ticket) = &**routed;
            differ("ticket", format!("{number:?}"), format!("{:?}", message.ticket));
            differ("client", format!("{:?}", expected.client), format!("{:?}", message.client));
            let sent: BTreeSet<&str> =
                deliveries(message).filter(|delivery| delivery.status == "sent").map(|delivery| delivery.address.as_str()).collect();
            differ("told", format!("{:?}", expected.told), format!("{sent:?}"));
            let routing = message.explanation.as_ref().and_then(|explanation| explanation.routing.as_ref());
            differ("category", format!("{:?}", expected.category), format!("{:?}", routing.and_then(|routing| routing.category.clone())));
            let linked: Vec<i64> = expected.linked_to.as_ref().and_then(|mail| tickets.get(mail).copied()).into_iter().collect();
            let links: Vec<i64> = ticket.links.iter().filter(|_| expected.outcome == Ending::Opened).map(|link| link.number).collect();
            differ("links", format!("{linked:?}"), format!("{links:?}"));
            let on_ticket = ticket.messages.iter().find(|on_ticket| on_ticket.inbound_id == Some(message.id));
            compare_message(&expected, on_ticket, differ);
        }
        Found::Duplicate(message) => differ("ticket", format!("{number:?}"), format!("{:?}", message.ticket)),
        Found::Dead(_) | Found::Lost => {}
    }
    Judged { expected, found, faults }
}

fn compare_message(expected: &Expected, message: Option<&MessageView>, mut differ: impl FnMut(&str, String, String)) {
    let Some(message) = message else { return differ("message", "one on the ticket".to_owned(), "none".to_owned()) };
    let names: Vec<&str> = message.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
    differ("attachments", format!("{:?}", expected.attachments), format!("{names:?}"));
    if let Some(text) = expected.text.as_ref().filter(|text| !message.text.contains(*text)) {
        differ("text", format!("one with {text:?}"), message.text.clone());
    }
    if let Some(text) = expected.not_text.as_ref().filter(|text| message.text.contains(*text)) {
        differ("text", format!("one without {text:?}"), message.text.clone());
    }
}

fn ending(found: &Found) -> &str {
    match found {
        Found::Routed(routed) => routed.0.outcome.as_deref().unwrap_or("nothing"),
        Found::Duplicate(_) => "duplicate",
        Found::Dead(_) => "dead",
        Found::Lost => "lost",
    }
}
