//! What people chose: on which channels, at which times and in which language they are told of what.
//!
//! A [`Preferences`] is a sparse document. Several lie above one another, a layer each, and the later
//! wins: [`Effective`] is what comes of them, and knows for each setting which layer decided it.
//!
//! There is one way to make one of a document, [`Preferences::read`], which names every fault with the path
//! to it; [`schema`] says the same to other programs. When quiet hours end and a digest comes is for
//! [`QuietHours::end`] and [`Rhythm::next`] to say.

mod effective;
mod read;
mod schema;
mod times;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::event::EventKind;
use super::method::Method;

pub use effective::{Chosen, Effective, Layer, LayerName};
pub use read::Faults;
pub use schema::schema;
pub use times::{Hours, QuietHours, Rhythm};
pub use units::{Clock, Day, Every};

/// Whose preferences they are: it decides what can be said in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A user's, or what is said for users: by the tenant, or for a group.
    User,
    /// A client's, or what the tenant says for all of its clients.
    Client,
}

/// What somebody can be told of, and choose how: the kinds of event, and being mentioned in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// A ticket was opened.
    #[serde(rename = "ticket.created")]
    TicketCreated,
    /// A message came to a ticket that was there already.
    #[serde(rename = "message.added")]
    MessageAdded,
    /// Somebody wrote `@` and the reader's handle.
    #[serde(rename = "mention")]
    Mention,
    /// A ticket was given to the reader.
    #[serde(rename = "ticket.assigned")]
    TicketAssigned,
    /// A ticket was closed.
    #[serde(rename = "ticket.closed")]
    TicketClosed,
    /// An answer of the reader did not reach the client.
    #[serde(rename = "delivery.failed")]
    DeliveryFailed,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::TicketCreated, Self::MessageAdded, Self::Mention, Self::TicketAssigned, Self::TicketClosed, Self::DeliveryFailed];

    /// The name in documents and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TicketCreated => "ticket.created",
            Self::MessageAdded => "message.added",
            Self::Mention => "mention",
            Self::TicketAssigned => "ticket.assigned",
            Self::TicketClosed => "ticket.closed",
            Self::DeliveryFailed => "delivery.failed",
        }
    }

    /// Whether clients are told of it.
    #[must_use]
    pub fn is_for_clients(self) -> bool {
        read::CLIENT_TOPICS.contains(&self)
    }

    /// The topic of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == name)
    }

    /// The topic of an event for whoever is not mentioned in it.
    #[must_use]
    pub fn of(kind: EventKind) -> Self {
        match kind {
            EventKind::TicketCreated => Self::TicketCreated,
            EventKind::MessageAdded => Self::MessageAdded,
            EventKind::TicketAssigned => Self::TicketAssigned,
            EventKind::TicketClosed => Self::TicketClosed,
            EventKind::DeliveryFailed => Self::DeliveryFailed,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How somebody is told of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Route {
    /// At once, by each of these; by none of them, not at all.
    Methods(Vec<Method>),
    /// With others, in the next digest.
    Digest(DigestWord),
}

/// The word `digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum DigestWord {
    /// In the next digest.
    #[serde(rename = "digest")]
    Digest,
}

/// Quiet hours, or the word `none`, which lifts those of the layers below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Quiet {
    /// None.
    None(NoneWord),
    /// These.
    Hours(QuietHours),
}

/// The word `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum NoneWord {
    /// None.
    #[serde(rename = "none")]
    None,
}

/// How many notifications within which time are told one by one; what comes beyond is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// So many.
    pub most: u32,
    /// Within so long, such as `10m`.
    pub within: Every,
}

/// What somebody chose. What is not said is as the layers below have it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Json")]
pub struct Preferences {
    /// The language, such as `pt-BR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The time zone, such as `America/Sao_Paulo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<chrono_tz::Tz>,
    /// By what they are told, where a topic does not say otherwise: each of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<Method>>,
    /// How they are told of single topics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<BTreeMap<Topic, Route>>,
    /// When they are not to be disturbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<Quiet>,
    /// How often a digest comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Rhythm>,
    /// By what they are told when none of those chosen can be used, or all of them refused: the first that can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Vec<Method>>,
    /// Whether they are told of what they did themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_actions: Option<bool>,
    /// The numbers of tickets of which they are told nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted_tickets: Option<BTreeSet<i64>>,
    /// What counts as a storm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storm: Option<Storm>,
}

impl Preferences {
    /// All that can be said.
    pub const KEYS: [&str; 10] = read::USER_KEYS;

    /// Makes preferences of a document.
    ///
    /// # Errors
    /// All that is wrong with it, each with the path to it, such as `events.message.added[1]`; places count from 1.
    pub fn read(document: &Json, whose: Whose) -> Result<Self, Faults> {
        read::read(document, whose)
    }

    /// The document, with what is said in it and nothing else. It reads as the same preferences again.
    #[must_use]
    pub fn document(&self) -> Json {
        // There is nothing in it that JSON cannot say.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Whether they say nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl TryFrom<Json> for Preferences {
    type Error = String;

    fn try_from(document: Json) -> Result<Self, String> {
        Self::read(&document, Whose::User).map_err(|faults| faults.join("; "))
    }
}
