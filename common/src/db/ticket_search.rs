//! Tickets that a message could mean without pointing at them: the client's open ones, and those whose
//! number it names.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{ClientId, TenantId, TicketId};

/// So many of a client's open tickets are looked at, those last written to first.
const LATEST: i64 = 5;

/// The open tickets of clients, those last written to first: where a channel is named, those written
/// to on it. Whoever asks has the client's row locked, so that none can be opened meanwhile.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn open_of_clients(
    connection: &mut PgConnection,
    wanted: &[(TenantId, ClientId, Option<&'static str>)],
) -> sqlx::Result<Vec<(TenantId, TicketId)>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!: TenantId", t.id as "id: TicketId"
           from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (tenant_id, client_id, channel)
           cross join lateral (
               select t.id from tickets t
               join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id
               where t.tenant_id = w.tenant_id and t.client_id = w.client_id and t.closed_at is null
                 and s.state not in ('closed', 'unresolved') and (w.channel is null or w.channel = any(t.channels))
               order by t.last_message_at desc limit $4) t"#,
        &wanted.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<Uuid>>(),
        &wanted.iter().map(|(_, client, _)| client.0).collect::<Vec<Uuid>>(),
        wanted.iter().map(|(.., channel)| *channel).collect::<Vec<Option<&str>>>() as _,
        LATEST,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// The tickets with these numbers, those that exist.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn by_numbers(connection: &mut PgConnection, numbers: &[(TenantId, i64)]) -> sqlx::Result<Vec<(TenantId, i64, TicketId)>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select t.tenant_id as "tenant_id: TenantId", t.ticket_number, t.id as "id: TicketId"
           from unnest($1::uuid[], $2::bigint[]) as w (tenant_id, number)
           join tickets t on t.tenant_id = w.tenant_id and t.ticket_number = w.number"#,
        &numbers.iter().map(|(tenant, _)| tenant.0).collect::<Vec<Uuid>>(),
        &numbers.iter().map(|(_, number)| *number).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.ticket_number, row.id)).collect())
}
