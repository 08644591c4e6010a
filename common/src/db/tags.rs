//! Tags: what tickets are marked with, by name.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::tickets::TicketRow;
use crate::ambient::Ambient;
use crate::ids::TenantId;

/// Makes tags that are not there. Before the counters in the lock order: whoever makes the same tag at
/// the same time waits.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn ensure(connection: &mut PgConnection, tags: &BTreeSet<(TenantId, &str)>, ambient: &Ambient) -> sqlx::Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into tags (tenant_id, id, name)
         select w.tenant_id, w.id, w.name from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as w (tenant_id, id, name, n)
         where not exists (select from tags t where t.tenant_id = w.tenant_id and t.name = w.name)
         order by w.n
         on conflict (tenant_id, name) do nothing",
        &tags.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &tags.iter().map(|_| ambient.new_id::<Uuid>()).collect::<Vec<_>>(),
        tags.iter().map(|(_, name)| *name).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks new tickets with the tags of their snapshots.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn write(connection: &mut PgConnection, tickets: &[TicketRow]) -> sqlx::Result<()> {
    let rows: Vec<(Uuid, Uuid, &str)> =
        tickets.iter().flat_map(|t| t.state.tags.iter().map(|tag| (t.tenant_id.0, t.id.0, tag.as_str()))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into ticket_tags (tenant_id, ticket_id, tag_id)
         select w.tenant_id, w.ticket_id, t.id from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (tenant_id, ticket_id, name)
         join tags t on t.tenant_id = w.tenant_id and t.name = w.name
         on conflict do nothing",
        &rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        rows.iter().map(|row| row.2).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
