//! Tickets that have to do with each other.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::evidence::LinkKind;
use crate::ids::{TenantId, TicketId};

/// A link: the ticket points at the linked one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose tickets.
    pub tenant_id: TenantId,
    /// The newer ticket.
    pub ticket_id: TicketId,
    /// The one that it points at.
    pub linked_id: TicketId,
    /// How they have to do with each other.
    pub kind: LinkKind,
    /// Why, in words.
    pub reason: String,
}

/// Links tickets.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add(connection: &mut PgConnection, links: &[Link]) -> sqlx::Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into ticket_links (tenant_id, ticket_id, linked_id, kind, reason)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]) on conflict do nothing",
        &links.iter().map(|link| link.tenant_id.0).collect::<Vec<_>>(),
        &links.iter().map(|link| link.ticket_id.0).collect::<Vec<_>>(),
        &links.iter().map(|link| link.linked_id.0).collect::<Vec<_>>(),
        links.iter().map(|link| link.kind.as_str()).collect::<Vec<_>>() as _,
        links.iter().map(|link| link.reason.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tickets that go on with these: the old one and the new one, the oldest of the new ones first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn follow_ups(
    connection: &mut PgConnection,
    tickets: &[(TenantId, TicketId)],
) -> sqlx::Result<Vec<(TenantId, TicketId, TicketId)>> {
    let rows = sqlx::query!(
        r#"select l.tenant_id as "tenant_id: TenantId", l.linked_id as "old: TicketId", l.ticket_id as "new: TicketId"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join ticket_links l on l.tenant_id = w.tenant_id and l.linked_id = w.id and l.kind = 'follow_up'
           join tickets t on t.tenant_id = l.tenant_id and t.id = l.ticket_id
           order by t.ticket_number"#,
        &tickets.iter().map(|(tenant, _)| tenant.0).collect::<Vec<Uuid>>(),
        &tickets.iter().map(|(_, id)| id.0).collect::<Vec<Uuid>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.old, row.new)).collect())
}
