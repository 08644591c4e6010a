//! Clients, found by their external ids.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::ids::{ClientId, TenantId};

/// Whom an external id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// The client.
    pub client_id: ClientId,
    /// Nobody had it: it was claimed just now, and the client's row is still to be written.
    pub is_new: bool,
}

/// An address to find or claim, with the id that its client gets if there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose client.
    pub tenant_id: TenantId,
    /// The address, normalised.
    pub address: String,
    /// The id of the client if it is new, and of the external id's row.
    pub new_id: ClientId,
    /// Whether the channel authenticated the address.
    pub authenticated: bool,
    /// Where it was seen, such as `From of <id>`.
    pub evidence: String,
}

/// Finds the clients of mail addresses and locks them until the end of the transaction; claims the
/// addresses that nobody has. First in the lock order.
///
/// A claimed address whose client is not written with [`insert`] has to be given up with [`give_up`].
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(connection: &mut PgConnection, claims: &[Claim]) -> sqlx::Result<HashMap<(TenantId, String), Claimed>> {
    let mut sorted: Vec<&Claim> = claims.iter().collect();
    sorted.sort_by(|a, b| (a.tenant_id, &a.address).cmp(&(b.tenant_id, &b.address)));
    sorted.dedup_by(|a, b| (a.tenant_id, &a.address) == (b.tenant_id, &b.address));
    let tenants: Vec<_> = sorted.iter().map(|claim| claim.tenant_id.0).collect();
    let addresses: Vec<&str> = sorted.iter().map(|claim| claim.address.as_str()).collect();
    let new = sqlx::query!(
        r#"insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
           select c.tenant_id, c.id, c.id, 'email', c.address, 'mail', c.evidence, c.authenticated
           from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bool[]) with ordinality as c (tenant_id, address, id, evidence, authenticated, n)
           where not exists (select from client_external_ids e where e.tenant_id = c.tenant_id and e.type = 'email' and e.value = c.address)
           order by c.n
           on conflict (tenant_id, type, value) do nothing
           returning tenant_id as "tenant_id: TenantId", value, client_id as "client_id: ClientId""#,
        &tenants,
        &addresses as &[&str],
        &sorted.iter().map(|claim| claim.new_id.0).collect::<Vec<_>>(),
        sorted.iter().map(|claim| claim.evidence.as_str()).collect::<Vec<_>>() as _,
        &sorted.iter().map(|claim| claim.authenticated).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let known = sqlx::query!(
        r#"select e.tenant_id as "tenant_id: TenantId", e.value, e.client_id as "client_id: ClientId"
           from unnest($1::uuid[], $2::text[]) as c (tenant_id, address)
           join client_external_ids e on e.tenant_id = c.tenant_id and e.type = 'email' and e.value = c.address
           join clients on clients.tenant_id = e.tenant_id and clients.id = e.client_id
           order by clients.tenant_id, clients.id
           for no key update of clients"#,
        &tenants,
        &addresses as &[&str],
    )
    .fetch_all(connection)
    .await?;
    let new = new.into_iter().map(|row| ((row.tenant_id, row.value), Claimed { client_id: row.client_id, is_new: true }));
    let known = known.into_iter().map(|row| ((row.tenant_id, row.value), Claimed { client_id: row.client_id, is_new: false }));
    Ok(new.chain(known).collect())
}

/// Writes new clients: tenant, id and name.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn insert(connection: &mut PgConnection, clients: &[(TenantId, ClientId, String)]) -> sqlx::Result<()> {
    if clients.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into clients (tenant_id, id, name) select * from unnest($1::uuid[], $2::uuid[], $3::text[])",
        &clients.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &clients.iter().map(|(_, id, _)| id.0).collect::<Vec<_>>(),
        clients.iter().map(|(.., name)| name.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives up addresses that were claimed in this transaction and are not needed: their message is
/// nobody's but a note.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn give_up(connection: &mut PgConnection, unused: &[(TenantId, ClientId)]) -> sqlx::Result<()> {
    if unused.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from client_external_ids e using unnest($1::uuid[], $2::uuid[]) as u (tenant_id, client_id)
         where e.tenant_id = u.tenant_id and e.client_id = u.client_id",
        &unused.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &unused.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
