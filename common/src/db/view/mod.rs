//! Reads what people want to see: tickets with all that belongs to them, and why messages went where
//! they went. With names instead of ids, and as JSON where a program asks.

mod client;
mod dead;
mod explain;
mod ticket;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::ids::{ClientId, EventId, TenantId, TicketId, UserId};

pub use client::{
    AmbiguityView, ClientTicketView, ClientView, DoubleView, ExternalIdView, MemberView, MergeView, find_ambiguities, find_clients,
    open_ambiguities, show_client,
};
pub use dead::{DeadCount, DeadFilter, DeadLine, Settled, count_dead, find_dead, list_dead, settled};
pub use explain::{EventView, MessageExplained, dead_letter, explain, find_messages};
pub use ticket::{AttachmentView, LinkView, MessageView, TicketLine, TicketView, VersionView, find_ticket, list_tickets, show_ticket};

/// The tenants, by name.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn tenants(connection: &mut PgConnection) -> sqlx::Result<Vec<(TenantId, String)>> {
    let rows = sqlx::query!(r#"select id as "id: TenantId", name from tenants order by name"#).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// A mail to one person about one event, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryView {
    /// The event that it tells of.
    pub event_id: EventId,
    /// The kind of that event.
    pub event: String,
    /// The ticket's version that it tells of.
    pub version: i32,
    /// Who is told: a handle, or a client's name.
    pub to: String,
    /// The user who is told, if it is one.
    pub user_id: Option<UserId>,
    /// The client who is told, if it is one.
    pub client_id: Option<ClientId>,
    /// The channel.
    pub channel: String,
    /// The address there.
    pub address: String,
    /// Which text, such as `ticket.created.agent`.
    pub template: String,
    /// Its Message-ID.
    pub message_id: String,
    /// How far it has come.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// How the last try ended.
    pub last_outcome: Option<String>,
    /// What the other side said to the last try: for mail in a folder the path of the file.
    pub last_answer: Option<String>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it is tried next, if it is.
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// The deliveries of a ticket, in the order in which they were planned.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn deliveries(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Vec<DeliveryView>> {
    sqlx::query_as!(
        DeliveryView,
        r#"select n.event_id as "event_id: EventId", e.kind as event, d.ticket_version as "version!", coalesce(u.handle, client_name(c.tenant_id, c.id)) as "to!",
                  n.user_id as "user_id: UserId", n.client_id as "client_id: ClientId",
                  d.channel, d.address, n.template, coalesce(d.message_id, '') as "message_id!", d.status::text as "status!", d.attempts,
                  a.outcome::text as last_outcome, a.answer as last_answer, d.sent_at,
                  case when d.status = 'queued' then d.next_attempt_at end as next_attempt_at
           from deliveries d
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           join event_plans e on e.tenant_id = n.tenant_id and e.event_id = n.event_id
           left join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
           left join clients c on c.tenant_id = n.tenant_id and c.id = n.client_id
           left join delivery_attempts a on a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.attempt = d.attempts
           where d.tenant_id = $1 and d.ticket_id = $2
           order by d.ticket_version, n.event_id, d.planned_at, d.address"#,
        tenant.0,
        ticket.0,
    )
    .fetch_all(connection)
    .await
}

/// Whether nothing is on its way any more: no message to route, no event to plan, no delivery to make.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn is_settled(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select not exists (select from broker.messages) and not exists (select from outbox)
              and not exists (select from deliveries where status in ('queued', 'sending')) as "settled!""#
    )
    .fetch_one(connection)
    .await
}
