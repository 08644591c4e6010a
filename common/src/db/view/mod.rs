//! Reads what people want to see: tickets with all that belongs to them, and why messages went where
//! they went. With names instead of ids, and as JSON where a program asks.

mod client;
mod dead;
mod delivery;
mod digest;
mod explain;
mod notification;
mod ticket;

use sqlx::PgConnection;

use crate::ids::TenantId;

pub use client::{
    AmbiguityView, ClientTicketView, ClientView, DoubleView, ExternalIdView, MemberView, MergeView, find_ambiguities, find_clients,
    open_ambiguities, show_client,
};
pub use dead::{DeadCount, DeadFilter, DeadLine, Settled, count_dead, find_dead, list_dead, settled};
pub use delivery::{
    AttemptView, DeliveryFilter, DeliveryView, attempts, deliveries, deliveries_of, find_deliveries, list_deliveries,
    load as load_deliveries,
};
pub use digest::{Collected, CollectedView, DigestLine, collected, open_digests};
pub use explain::{EventView, MessageExplained, dead_letter, explain, find_messages};
pub use notification::{DecidedView, NotificationView, Tried, WayView, decided, find_notifications, show_notification, tried};
pub use ticket::{AttachmentView, LinkView, MessageView, TicketLine, TicketView, VersionView, find_ticket, list_tickets, show_ticket};

/// The tenants, by name.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn tenants(connection: &mut PgConnection) -> sqlx::Result<Vec<(TenantId, String)>> {
    let rows = sqlx::query!(r#"select id as "id: TenantId", name from tenants order by name"#).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
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
