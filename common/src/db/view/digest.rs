//! What is collected for people, to be told at once.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::DeliveryFilter;
use crate::ids::{DeliveryId, EventId, NotificationId, TenantId, TicketId, UserId};

/// A digest that is still collected.
#[derive(Debug, Clone, Serialize)]
pub struct DigestLine {
    /// Its id.
    pub id: Uuid,
    /// The tenant's name.
    pub tenant: String,
    /// For whom: a handle.
    pub to: String,
    /// The channel.
    pub channel: String,
    /// The address there.
    pub address: String,
    /// When it is told.
    pub due_at: DateTime<Utc>,
    /// How many notifications it holds.
    pub items: i64,
    /// Why they were collected: `digest`, `quiet_hours` or `storm`.
    pub causes: Vec<String>,
    /// The numbers of the tickets that they are about.
    pub tickets: Vec<i64>,
}

/// The digests that are still collected, in the order in which they are due.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn open_digests(connection: &mut PgConnection, filter: &DeliveryFilter, most: i64) -> sqlx::Result<Vec<DigestLine>> {
    sqlx::query_as!(
        DigestLine,
        r#"select g.id, o.name as tenant, u.handle as "to", g.channel, g.address, g.due_at, count(i.notification_id) as "items!",
                  coalesce(array_agg(distinct i.cause) filter (where i.cause is not null), '{}') as "causes!",
                  coalesce(array_agg(distinct t.ticket_number) filter (where t.ticket_number is not null), '{}') as "tickets!"
           from digests g
           join tenants o on o.id = g.tenant_id
           join users u on u.tenant_id = g.tenant_id and u.id = g.user_id
           left join digest_items i on i.tenant_id = g.tenant_id and i.digest_id = g.id
           left join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id
           left join event_plans e on e.tenant_id = n.tenant_id and e.event_id = n.event_id
           left join tickets t on t.tenant_id = e.tenant_id and t.id = e.ticket_id
           where g.closed_at is null and ($1::uuid is null or g.tenant_id = $1) and ($2::text is null or g.channel = $2)
           group by g.tenant_id, g.id, o.name, u.handle
           having $3::bigint is null or $3 = any(array_agg(t.ticket_number))
           order by g.due_at, g.id limit $4"#,
        filter.tenant.map(|tenant| tenant.0),
        filter.channel.as_deref(),
        filter.ticket,
        most,
    )
    .fetch_all(connection)
    .await
}

/// A notification that was collected into a digest.
#[derive(Debug, Clone, Serialize)]
pub struct CollectedView {
    /// The notification.
    pub notification_id: NotificationId,
    /// The event that it tells of.
    pub event_id: EventId,
    /// The kind of that event.
    pub event: String,
    /// The number of the ticket.
    pub ticket: i64,
    /// The ticket's version that it tells of.
    pub version: i32,
    /// Which text, such as `ticket.created.agent`.
    pub template: String,
    /// What it is about.
    pub title: String,
    /// Why it was collected: `digest`, `quiet_hours` or `storm`.
    pub cause: String,
    /// Which setting of which layer, or which limit.
    pub why: String,
    /// The digest.
    pub digest_id: Uuid,
    /// For whom: a handle.
    pub to: String,
    /// For whom.
    pub user_id: UserId,
    /// The channel.
    pub channel: String,
    /// The address there.
    pub address: String,
    /// When the digest is told, while it is open.
    pub due_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// The delivery that tells it, once it is closed.
    pub delivery_id: Option<DeliveryId>,
    /// How far that delivery has come.
    pub status: Option<String>,
    /// When that delivery was sent.
    pub sent_at: Option<DateTime<Utc>>,
}

/// What was collected of a ticket's events, or of one notification, or into one digest, in the order in which it happened.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn collected(connection: &mut PgConnection, tenant: TenantId, of: Collected) -> sqlx::Result<Vec<CollectedView>> {
    let (ticket, notification, digest) = match of {
        Collected::OfTicket(id) => (Some(id.0), None, None),
        Collected::OfNotification(id) => (None, Some(id.0), None),
        Collected::Into(id) => (None, None, Some(id)),
    };
    sqlx::query_as!(
        CollectedView,
        r#"select n.id as "notification_id: NotificationId", n.event_id as "event_id: EventId", e.kind as event, t.ticket_number as ticket,
                  e.version, n.template, n.title, i.cause, i.why, g.id as "digest_id: Uuid", u.handle as "to", g.user_id as "user_id: UserId",
                  g.channel, g.address, g.due_at, g.closed_at, d.id as "delivery_id?: DeliveryId", d.status::text as status, d.sent_at as "sent_at?"
           from digest_items i
           join digests g on g.tenant_id = i.tenant_id and g.id = i.digest_id
           join users u on u.tenant_id = g.tenant_id and u.id = g.user_id
           join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id
           join event_plans e on e.tenant_id = n.tenant_id and e.event_id = n.event_id
           join tickets t on t.tenant_id = e.tenant_id and t.id = e.ticket_id
           left join deliveries d on d.tenant_id = g.tenant_id and d.digest_id = g.id
           where i.tenant_id = $1 and ($2::uuid is null or e.ticket_id = $2) and ($3::uuid is null or n.id = $3) and ($4::uuid is null or g.id = $4)
           order by e.ticket_id, e.version, n.event_id, u.handle, g.channel, g.created_at"#,
        tenant.0,
        ticket,
        notification,
        digest,
    )
    .fetch_all(connection)
    .await
}

/// Which collected notifications are meant.
#[derive(Debug, Clone, Copy)]
pub enum Collected {
    /// Those of the events of a ticket.
    OfTicket(TicketId),
    /// One.
    OfNotification(NotificationId),
    /// Those of a digest.
    Into(Uuid),
}
