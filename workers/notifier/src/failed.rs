//! The event that tells of an answer which did not reach its client.

use switchboard_common::ambient::Ambient;
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::ids::{DeliveryId, MessageId, TenantId, TicketId};

/// The answer that was to be delivered.
#[derive(Debug, Clone, Copy)]
pub struct FailedAnswer {
    /// Its ticket.
    pub ticket_id: TicketId,
    /// The version of the ticket that says who is to hear of it.
    pub version: i32,
    /// The message that it is.
    pub message_id: Option<MessageId>,
}

/// The event by which the author of an answer hears that this delivery of it failed.
#[must_use]
pub fn failed_event(tenant_id: TenantId, delivery: DeliveryId, answer: FailedAnswer, ambient: &Ambient) -> Event {
    Event {
        id: ambient.new_id(),
        tenant_id,
        kind: EventKind::DeliveryFailed,
        ticket_id: answer.ticket_id,
        version: answer.version,
        message_id: answer.message_id,
        delivery_id: Some(delivery),
        assigned: Vec::new(),
        actor: Actor::System,
        occurred_at: ambient.now(),
        arrived_at: None,
        trace: None,
    }
}
