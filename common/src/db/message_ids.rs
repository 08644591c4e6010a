//! Every Message-ID that was seen, sent or referred to, and the ticket that it belongs to.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{InboundId, TenantId, TicketId};

/// Where a Message-ID is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "message_id_origin", rename_all = "snake_case")]
pub enum MessageIdOrigin {
    /// A mail that came in bore it.
    Seen,
    /// A mail that came in referred to it; the mail that bears it has not come.
    Referenced,
    /// A mail that we sent bears it.
    Ours,
}

/// A Message-ID as the router works with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownId {
    /// Where it is known from.
    pub origin: MessageIdOrigin,
    /// The ticket that it belongs to; `None` until one is chosen.
    pub ticket_id: Option<TicketId>,
    /// The logged message that bears it.
    pub inbound_id: Option<InboundId>,
}

/// Claims Message-IDs and locks them until the end of the transaction, so that of two routers with
/// mails of one thread one waits for the other. After the clients in the lock order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(connection: &mut PgConnection, mut ids: Vec<(TenantId, String)>) -> sqlx::Result<HashMap<(TenantId, String), KnownId>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    ids.sort_unstable();
    ids.dedup();
    let tenants: Vec<Uuid> = ids.iter().map(|(tenant, _)| tenant.0).collect();
    let names: Vec<&str> = ids.iter().map(|(_, id)| id.as_str()).collect();
    sqlx::query!(
        "insert into message_ids (tenant_id, message_id, origin)
         select i.tenant_id, i.message_id, 'referenced'
         from unnest($1::uuid[], $2::text[]) with ordinality as i (tenant_id, message_id, n)
         where not exists (select from message_ids m where m.tenant_id = i.tenant_id and m.message_id = i.message_id)
         order by i.n
         on conflict do nothing",
        &tenants,
        &names as &[&str],
    )
    .execute(&mut *connection)
    .await?;
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.message_id, m.origin as "origin: MessageIdOrigin",
                  m.ticket_id as "ticket_id: TicketId", m.inbound_id as "inbound_id: InboundId"
           from unnest($1::uuid[], $2::text[]) as i (tenant_id, message_id)
           join message_ids m on m.tenant_id = i.tenant_id and m.message_id = i.message_id
           order by m.tenant_id, m.message_id
           for no key update of m"#,
        &tenants,
        &names as &[&str],
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.tenant_id, row.message_id), KnownId { origin: row.origin, ticket_id: row.ticket_id, inbound_id: row.inbound_id }))
        .collect())
}

/// Writes what was decided of claimed Message-IDs, where that is something new. One that nothing was decided
/// of was claimed for a message that opened no ticket, and is as if it had not been.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn settle(connection: &mut PgConnection, ids: &[(&(TenantId, String), &KnownId)]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update message_ids m set origin = i.origin, ticket_id = i.ticket_id, inbound_id = i.inbound_id
         from unnest($1::uuid[], $2::text[], $3::message_id_origin[], $4::uuid[], $5::uuid[]) as i (tenant_id, message_id, origin, ticket_id, inbound_id)
         where m.tenant_id = i.tenant_id and m.message_id = i.message_id
           and (m.origin, m.ticket_id, m.inbound_id) is distinct from (i.origin, i.ticket_id, i.inbound_id)",
        &ids.iter().map(|((tenant, _), _)| tenant.0).collect::<Vec<_>>(),
        ids.iter().map(|((_, id), _)| id.as_str()).collect::<Vec<_>>() as _,
        ids.iter().map(|(_, known)| known.origin).collect::<Vec<_>>() as _,
        &ids.iter().map(|(_, known)| known.ticket_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &ids.iter().map(|(_, known)| known.inbound_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
    )
    .execute(&mut *connection)
    .await?;
    let undecided: Vec<_> = ids.iter().filter(|(_, known)| known.ticket_id.is_none()).map(|(key, _)| *key).collect();
    if undecided.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from message_ids m using unnest($1::uuid[], $2::text[]) as i (tenant_id, message_id)
         where m.tenant_id = i.tenant_id and m.message_id = i.message_id and m.ticket_id is null",
        &undecided.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        undecided.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The tickets that wait for these mails, beside the first of each.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn awaiting(connection: &mut PgConnection, ids: &[&(TenantId, String)]) -> sqlx::Result<Vec<((TenantId, String), TicketId)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select a.tenant_id as "tenant_id: TenantId", a.message_id, a.ticket_id as "ticket_id: TicketId"
           from unnest($1::uuid[], $2::text[]) as i (tenant_id, message_id)
           join awaiting_tickets a on a.tenant_id = i.tenant_id and a.message_id = i.message_id
           order by a.created_at, a.ticket_id"#,
        &ids.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        ids.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.message_id), row.ticket_id)).collect())
}

/// Notes that tickets wait for mails, whose Message-IDs are claimed.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add_awaiting(connection: &mut PgConnection, rows: &[(TenantId, String, TicketId)]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into awaiting_tickets (tenant_id, message_id, ticket_id)
         select * from unnest($1::uuid[], $2::text[], $3::uuid[]) on conflict do nothing",
        &rows.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        rows.iter().map(|(_, id, _)| id.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(.., ticket)| ticket.0).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that mails that tickets waited for have come.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn end_awaiting(connection: &mut PgConnection, ids: &[(TenantId, String)]) -> sqlx::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from awaiting_tickets a using unnest($1::uuid[], $2::text[]) as i (tenant_id, message_id)
         where a.tenant_id = i.tenant_id and a.message_id = i.message_id",
        &ids.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        ids.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
