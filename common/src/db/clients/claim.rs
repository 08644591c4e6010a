//! Clients by their keys: claimed, found and locked for a whole batch, and written at its end.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::identity::ExternalId;
use crate::ids::{ClientId, TenantId};

/// A key of a client, as its row keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalIdRow {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The row.
    pub id: Uuid,
    /// The client.
    pub client_id: ClientId,
    /// The key.
    pub key: ExternalId,
    /// How it came: a channel, or `record` where the desk had it on record before.
    pub source: &'static str,
    /// What showed that it is theirs, such as `sender of <id>`.
    pub evidence: String,
    /// Whether the channel authenticated it.
    pub authenticated: bool,
}

/// Claims the keys that nobody has, so that of two who meet a new key one waits for the other, and
/// returns those that were new. First in the lock order after the inbound log.
///
/// A key that was claimed and is not needed has to be given up with [`give_up`]; one that went to
/// another client than it was claimed for is settled with [`settle`].
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(connection: &mut PgConnection, rows: &[ExternalIdRow]) -> sqlx::Result<HashSet<(TenantId, ExternalId)>> {
    let mut sorted: Vec<&ExternalIdRow> = rows.iter().collect();
    sorted.sort_by(|a, b| (a.tenant_id, &a.key).cmp(&(b.tenant_id, &b.key)));
    sorted.dedup_by(|a, b| (a.tenant_id, &a.key) == (b.tenant_id, &b.key));
    let new: HashSet<Uuid> = sqlx::query_scalar!(
        r#"insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
           select c.tenant_id, c.id, c.client_id, c.type, c.value, c.source, c.evidence, c.authenticated
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[])
                with ordinality as c (tenant_id, id, client_id, type, value, source, evidence, authenticated, n)
           where not exists (select from client_external_ids e where e.tenant_id = c.tenant_id and e.type = c.type and e.value = c.value)
           order by c.n
           on conflict (tenant_id, type, value) do nothing
           returning id"#,
        &sorted.iter().map(|row| row.tenant_id.0).collect::<Vec<_>>(),
        &sorted.iter().map(|row| row.id).collect::<Vec<_>>(),
        &sorted.iter().map(|row| row.client_id.0).collect::<Vec<_>>(),
        sorted.iter().map(|row| row.key.kind().as_str()).collect::<Vec<_>>() as _,
        sorted.iter().map(|row| row.key.value()).collect::<Vec<_>>() as _,
        sorted.iter().map(|row| row.source).collect::<Vec<_>>() as _,
        sorted.iter().map(|row| row.evidence.as_str()).collect::<Vec<_>>() as _,
        &sorted.iter().map(|row| row.authenticated).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .collect();
    Ok(sorted.into_iter().filter(|row| new.contains(&row.id)).map(|row| (row.tenant_id, row.key.clone())).collect())
}

/// A key to look up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The key.
    pub key: ExternalId,
    /// Also among the contacts on record.
    pub on_record: bool,
}

/// Whom a key that was looked up belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Which of the lookups.
    pub lookup: usize,
    /// The client, as the row has it.
    pub client_id: ClientId,
    /// It is a contact on record, not an external id.
    pub on_record: bool,
    /// Whether the channel has authenticated it.
    pub authenticated: bool,
}

/// A client who was found, locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The client that this one was merged into.
    pub merged_into: Option<ClientId>,
    /// The name.
    pub name: String,
    /// What the desk keeps of them.
    pub data: Value,
    /// Others were merged into this one.
    pub has_others: bool,
}

/// What lookups found.
#[derive(Debug, Default)]
pub struct Found {
    /// Whom the keys belong to.
    pub held: Vec<Held>,
    /// Those clients and all whom they were merged into.
    pub clients: HashMap<(TenantId, ClientId), Person>,
    /// One of them was changed while its lock was waited for.
    pub is_stale: bool,
}

impl Found {
    /// Whether all are there whom somebody was merged into, and it is known of each whether others were
    /// merged into them. It is not so when a merge was committed while the locks were waited for.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        if self.is_stale {
            return false;
        }
        let mut merged = self.clients.iter().filter_map(|((tenant, _), person)| Some((*tenant, person.merged_into?)));
        merged.all(|into| self.clients.contains_key(&into))
    }
}

/// Finds the clients whom keys belong to, and locks them and all whom they were merged into until
/// the end of the transaction. Who was claimed for in this transaction is not among them. After
/// [`claim`] in the lock order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find(connection: &mut PgConnection, lookups: &[Lookup]) -> sqlx::Result<Found> {
    let rows = sqlx::query!(
        r#"with recursive wanted as (
               select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[])
                    with ordinality as w (tenant_id, type, value, on_record, n)
           ), held as (
               select w.n, false as on_record, e.tenant_id, e.client_id, e.authenticated
               from wanted w join client_external_ids e on e.tenant_id = w.tenant_id and e.type = w.type and e.value = w.value
               union all
               select w.n, true, k.tenant_id, k.client_id, false
               from wanted w join client_contacts k on k.tenant_id = w.tenant_id and k.type = w.type and k.value = w.value
               where w.on_record
           ), chain as (
               select tenant_id, client_id as id from held
               union
               select c.tenant_id, c.merged_into
               from chain join clients c on c.tenant_id = chain.tenant_id and c.id = chain.id
               where c.merged_into is not null
           ), seen as materialized (
               select c.tenant_id, c.id, c.updated_at
               from chain join clients c on c.tenant_id = chain.tenant_id and c.id = chain.id
           )
           select c.tenant_id as "tenant_id: TenantId", c.id as "id: ClientId", c.merged_into as "merged_into: ClientId", c.name, c.data,
                  exists (select from clients o where o.tenant_id = c.tenant_id and o.merged_into = c.id) as "has_others!",
                  c.updated_at <> seen.updated_at as "changed!",
                  h.n as "n?", h.on_record as "on_record?", h.authenticated as "authenticated?"
           from seen
           join clients c on c.tenant_id = seen.tenant_id and c.id = seen.id
           left join held h on h.tenant_id = c.tenant_id and h.client_id = c.id
           order by c.tenant_id, c.id
           for no key update of c"#,
        &lookups.iter().map(|lookup| lookup.tenant_id.0).collect::<Vec<_>>(),
        lookups.iter().map(|lookup| lookup.key.kind().as_str()).collect::<Vec<_>>() as _,
        lookups.iter().map(|lookup| lookup.key.value()).collect::<Vec<_>>() as _,
        &lookups.iter().map(|lookup| lookup.on_record).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut found = Found::default();
    for row in rows {
        if let Some(lookup) = row.n.and_then(|n| usize::try_from(n - 1).ok()) {
            found.held.push(Held {
                lookup,
                client_id: row.id,
                on_record: row.on_record.unwrap_or_default(),
                authenticated: row.authenticated.unwrap_or_default(),
            });
        }
        found.is_stale |= row.changed;
        let person = Person { merged_into: row.merged_into, name: row.name, data: row.data, has_others: row.has_others };
        found.clients.insert((row.tenant_id, row.id), person);
    }
    Ok(found)
}

/// All who were merged into these clients, by whatever way, each with the one of these that they count
/// as. They are not locked; but whoever merges or un-merges locks the client that the others count as,
/// so for whoever has that lock it does not change.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn members(connection: &mut PgConnection, roots: &[(TenantId, ClientId)]) -> sqlx::Result<Vec<(TenantId, ClientId, ClientId)>> {
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"with recursive members as (
               select tenant_id, id, id as root from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
               union
               select c.tenant_id, c.id, m.root
               from members m join clients c on c.tenant_id = m.tenant_id and c.merged_into = m.id
           )
           select tenant_id as "tenant_id!: TenantId", id as "id!: ClientId", root as "root!: ClientId" from members where id <> root"#,
        &roots.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &roots.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id, row.root)).collect())
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

/// Writes whose claimed keys are after all, and by what.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn settle(connection: &mut PgConnection, rows: &[&ExternalIdRow]) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update client_external_ids e
         set client_id = w.client_id, source = w.source, evidence = w.evidence, authenticated = w.authenticated
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bool[])
              as w (tenant_id, id, client_id, source, evidence, authenticated)
         where e.tenant_id = w.tenant_id and e.id = w.id",
        &rows.iter().map(|row| row.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.client_id.0).collect::<Vec<_>>(),
        rows.iter().map(|row| row.source).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.evidence.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.authenticated).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives up keys that were claimed in this transaction and are not needed: their message is nobody's
/// but a note.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn give_up(connection: &mut PgConnection, unused: &[(TenantId, Uuid)]) -> sqlx::Result<()> {
    if unused.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from client_external_ids e using unnest($1::uuid[], $2::uuid[]) as u (tenant_id, id)
         where e.tenant_id = u.tenant_id and e.id = u.id",
        &unused.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &unused.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes that a channel authenticated keys that were not authenticated before, and by what. Their
/// clients are locked.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn verify(connection: &mut PgConnection, verified: &[(TenantId, ExternalId, String)]) -> sqlx::Result<()> {
    if verified.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update client_external_ids e set authenticated = true, evidence = e.evidence || '; ' || w.evidence
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as w (tenant_id, type, value, evidence)
         where e.tenant_id = w.tenant_id and e.type = w.type and e.value = w.value and not e.authenticated",
        &verified.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        verified.iter().map(|(_, key, _)| key.kind().as_str()).collect::<Vec<_>>() as _,
        verified.iter().map(|(_, key, _)| key.value()).collect::<Vec<_>>() as _,
        verified.iter().map(|(.., evidence)| evidence.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
