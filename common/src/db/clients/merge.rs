//! Merging clients. A merge points one client at another and touches nothing else.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::claim::Person;
use crate::ids::{ClientId, MergeId, TenantId, UserId};

/// Locks clients and all whom they were merged into until the end of the transaction, sorted as the
/// routers lock them. What comes back has all of them, unless a merge was committed while the locks
/// were waited for: then somebody is missing whom another was merged into.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn lock(connection: &mut PgConnection, tenant: TenantId, clients: &[ClientId]) -> sqlx::Result<HashMap<ClientId, Person>> {
    let ids: Vec<_> = clients.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"with recursive chain as (
               select id from unnest($2::uuid[]) as w (id)
               union
               select c.merged_into from chain join clients c on c.tenant_id = $1 and c.id = chain.id where c.merged_into is not null
           )
           select c.id as "id: ClientId", c.merged_into as "merged_into: ClientId", c.name, c.data,
                  exists (select from clients o where o.tenant_id = c.tenant_id and o.merged_into = c.id) as "has_others!"
           from chain join clients c on c.tenant_id = $1 and c.id = chain.id
           order by c.tenant_id, c.id
           for no key update of c"#,
        tenant.0,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let person = |merged_into, name, data, has_others| Person { merged_into, name, data, has_others };
    Ok(rows.into_iter().map(|row| (row.id, person(row.merged_into, row.name, row.data, row.has_others))).collect())
}

/// A merge to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRow {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: MergeId,
    /// Who is merged.
    pub client_id: ClientId,
    /// Into whom.
    pub into_id: ClientId,
    /// Why, if it was said.
    pub reason: Option<String>,
    /// By whom, if it was said.
    pub by: Option<UserId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Merges a client into another. Both are locked, with all whom they were merged into. The other one's row is
/// written anew as it is, so that whoever waits for it sees that something was done with it.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add_merge(connection: &mut PgConnection, merge: &MergeRow) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into client_merges (tenant_id, id, client_id, into_id, reason, merged_by, merged_at) values ($1, $2, $3, $4, $5, $6, $7)",
        merge.tenant_id.0,
        merge.id.0,
        merge.client_id.0,
        merge.into_id.0,
        merge.reason,
        merge.by.map(|id| id.0),
        merge.at,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update clients set merged_into = case when id = $2 then $3 else merged_into end where tenant_id = $1 and id in ($2, $3)",
        merge.tenant_id.0,
        merge.client_id.0,
        merge.into_id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Undoes the merge of a client into another. The client is locked, with all whom it was merged into.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn undo_merge(
    connection: &mut PgConnection,
    tenant: TenantId,
    client: ClientId,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update client_merges set undone_at = $3, undone_by = $4 where tenant_id = $1 and client_id = $2 and undone_at is null",
        tenant.0,
        client.0,
        now,
        by.map(|id| id.0),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("update clients set merged_into = null where tenant_id = $1 and id = $2", tenant.0, client.0).execute(connection).await?;
    Ok(())
}

/// The people and groups in whose name something is done, by handle.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn handles(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Vec<(String, UserId)>> {
    let rows = sqlx::query!(
        r#"select handle, id as "id: UserId" from users where tenant_id = $1 and archived_at is null order by handle"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.handle, row.id)).collect())
}

/// Whom a client counts as, and that one's name: mostly itself.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn root(connection: &mut PgConnection, tenant: TenantId, client: ClientId) -> sqlx::Result<Option<(ClientId, String)>> {
    let row = sqlx::query!(
        r#"select id as "id: ClientId", name from clients where tenant_id = $1 and id = client_root($1, $2)"#,
        tenant.0,
        client.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.id, row.name)))
}
