//! What happened to a ticket, as the router tells the notifier. An event carries ids; what it is
//! about is read at the version that it names.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, DeliveryId, EventId, MessageId, TenantId, TicketId, UserId};
use crate::telemetry::trace::TraceParent;

/// The kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A ticket was opened, with its first message.
    #[serde(rename = "ticket.created")]
    TicketCreated,
    /// A message came to a ticket that was there already.
    #[serde(rename = "message.added")]
    MessageAdded,
    /// A ticket was given to somebody after it was opened.
    #[serde(rename = "ticket.assigned")]
    TicketAssigned,
    /// A ticket was closed.
    #[serde(rename = "ticket.closed")]
    TicketClosed,
    /// An answer could not be delivered to the client.
    #[serde(rename = "delivery.failed")]
    DeliveryFailed,
}

impl EventKind {
    /// The name on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TicketCreated => "ticket.created",
            Self::MessageAdded => "message.added",
            Self::TicketAssigned => "ticket.assigned",
            Self::TicketClosed => "ticket.closed",
            Self::DeliveryFailed => "delivery.failed",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Actor {
    /// A client, by a message.
    Client(ClientId),
    /// A user, by a message or a command.
    User(UserId),
    /// Switchboard, or somebody whom it does not know.
    System,
}

/// Something that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Planned once by this id, however often it arrives.
    pub id: EventId,
    /// Whose desk.
    pub tenant_id: TenantId,
    /// What happened.
    pub kind: EventKind,
    /// To which ticket.
    pub ticket_id: TicketId,
    /// The ticket's version after it happened.
    pub version: i32,
    /// The message that it was about.
    pub message_id: Option<MessageId>,
    /// The delivery that failed, for `delivery.failed`.
    pub delivery_id: Option<DeliveryId>,
    /// Whom the ticket was newly given to, for `ticket.assigned`.
    #[serde(default)]
    pub assigned: Vec<UserId>,
    /// Who did it.
    pub actor: Actor,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// When the message arrived that led to it, if one did.
    #[serde(default)]
    pub arrived_at: Option<DateTime<Utc>>,
    /// What led to it. A new span each time, so no part of what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceParent>,
}
