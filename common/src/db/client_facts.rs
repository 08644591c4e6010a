//! What the rules of a desk may ask about a client.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::ids::{ClientId, TenantId};

/// What is known of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientFacts {
    /// The name.
    pub name: String,
    /// The tenant's own data.
    pub data: serde_json::Value,
}

/// What is known of these clients. Those who are still to be written are left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(
    connection: &mut PgConnection,
    clients: &[(TenantId, ClientId)],
) -> sqlx::Result<HashMap<(TenantId, ClientId), ClientFacts>> {
    if clients.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select c.tenant_id as "tenant_id: TenantId", c.id as "id: ClientId", c.name, c.data
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join clients c on c.tenant_id = w.tenant_id and c.id = w.id"#,
        &clients.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &clients.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.id), ClientFacts { name: row.name, data: row.data })).collect())
}
