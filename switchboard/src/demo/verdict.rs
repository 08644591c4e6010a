//! Where a mail should end and where it ended.

use std::collections::{BTreeSet, HashMap};

use anyhow::Context;
use serde::Deserialize;
use switchboard_common::db::dead_letters::DeadLetter;
use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::trace::Trace;

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
    Routed(Box<Trace>),
    /// It was there already.
    Duplicate(Box<Trace>),
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

/// Compares. `tickets` are the numbers of the tickets that were opened, by the mail that opened them.
pub fn judge(expected: Expected, found: Found, tickets: &HashMap<String, i64>) -> Judged {
    let mut faults = Vec::new();
    let mut differ = |what: &str, wanted: String, is: String| {
        if wanted != is {
            faults.push(format!("{what}: expected {wanted}, found {is}"));
        }
    };
    differ("outcome", format!("{:?}", expected.outcome), format!("{:?}", ending(&found)));
    let told = |told: &BTreeSet<String>| if told.is_empty() { "nobody".to_owned() } else { told.iter().cloned().collect::<Vec<_>>().join(", ") };
    if let Found::Routed(trace) = &found {
        let sent: BTreeSet<String> = trace.deliveries.iter().filter(|delivery| delivery.status == "sent").map(|delivery| delivery.address.clone()).collect();
        differ("told", told(&expected.told), told(&sent));
        let category = trace.explanation.routing.as_ref().and_then(|routing| routing.category.clone());
        differ("category", format!("{:?}", expected.category), format!("{category:?}"));
        differ("attachments", format!("{:?}", expected.attachments), format!("{:?}", trace.attachments));
        let linked = expected.linked_to.as_ref().and_then(|mail| tickets.get(mail));
        differ("links", format!("{:?}", linked.into_iter().collect::<Vec<_>>()), format!("{:?}", trace.linked));
        if let Some(text) = expected.text.as_ref().filter(|text| !trace.text.contains(*text)) {
            differ("text", format!("one with {text:?}"), trace.text.clone());
        }
        if let Some(text) = expected.not_text.as_ref().filter(|text| trace.text.contains(*text)) {
            differ("text", format!("one without {text:?}"), trace.text.clone());
        }
    }
    if let (Some(mail), Found::Routed(trace) | Found::Duplicate(trace)) = (&expected.ticket, &found) {
        differ("ticket", format!("{:?}", tickets.get(mail)), format!("{:?}", Some(trace.ticket_number)));
        differ("client", format!("{:?}", expected.client), format!("{:?}", Some(&trace.client)));
    }
    Judged { expected, found, faults }
}

fn ending(found: &Found) -> Option<Ending> {
    match found {
        Found::Routed(trace) => Some(match trace.outcome {
            InboundOutcome::Opened => Ending::Opened,
            InboundOutcome::Joined => Ending::Joined,
            InboundOutcome::Answered => Ending::Answered,
            InboundOutcome::Noted => Ending::Noted,
        }),
        Found::Duplicate(_) => Some(Ending::Duplicate),
        Found::Dead(_) => Some(Ending::Dead),
        Found::Lost => None,
    }
}
