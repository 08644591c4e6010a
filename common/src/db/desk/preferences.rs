//! What a desk file says of preferences, beside what is stored with its people and clients.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Desk;
use crate::db::preferences::{Owner, document};
use crate::ids::{ClientId, TenantId, UserId};

/// Reads what is chosen for all people and all clients of a tenant.
pub(super) async fn load(connection: &mut PgConnection, tenant: TenantId, desk: &mut Desk) -> sqlx::Result<()> {
    desk.preferences = document(connection, tenant, Owner::Tenant).await?;
    desk.clients_preferences = document(connection, tenant, Owner::Clients).await?;
    Ok(())
}

/// Makes a person or a group follow these departments, and no others.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn set_follows(connection: &mut PgConnection, tenant: TenantId, user: UserId, departments: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from department_watchers where tenant_id = $1 and user_id = $2 and department_id <> all($3)",
        tenant.0,
        user.0,
        departments
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into department_watchers (tenant_id, user_id, department_id) select $1, $2, unnest($3::uuid[]) on conflict do nothing",
        tenant.0,
        user.0,
        departments,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The clients of the records of these names.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn client_ids(connection: &mut PgConnection, tenant: TenantId, keys: &[String]) -> sqlx::Result<BTreeMap<String, ClientId>> {
    let rows = sqlx::query!(
        r#"select key, client_id as "client_id: ClientId" from client_records where tenant_id = $1 and key = any($2)"#,
        tenant.0,
        keys
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key, row.client_id)).collect())
}
