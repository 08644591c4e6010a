//! The clients of whom a desk file knows something before they write.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Desk, Ids};
use crate::domain::identity::ExternalId;
use crate::ids::{ClientId, TenantId};

/// What a file says of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientRecord {
    /// The name.
    pub name: String,
    /// Keys that they may write by. Several clients may share one.
    pub contacts: BTreeSet<ExternalId>,
    /// What rules may ask for.
    pub data: BTreeMap<String, Value>,
    /// What they chose. In a file none means that it says nothing about that.
    pub preferences: Option<Value>,
}

/// A client whom a contact belongs to since something came by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactOwner {
    /// The contact.
    pub key: ExternalId,
    /// The client.
    pub client_id: ClientId,
    /// Whom the client counts as.
    pub root: ClientId,
    /// That one's name.
    pub name: String,
}

/// Reads the records of a tenant.
pub(super) async fn load(connection: &mut PgConnection, tenant: TenantId, desk: &mut Desk, ids: &mut Ids) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select r.key, r.client_id as "client_id: ClientId", r.withdrawn_at is null as "in_use!", c.name,
                  c.data as "data: Json<BTreeMap<String, Value>>",
                  array(select k.type || ':' || k.value from client_contacts k
                        where k.tenant_id = c.tenant_id and k.client_id = c.id) as "contacts!", p.data as "preferences?"
           from client_records r join clients c on c.tenant_id = r.tenant_id and c.id = r.client_id
           left join preferences p on p.tenant_id = r.tenant_id and p.client_id = r.client_id and p.layer = 'client'
           where r.tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        ids.clients.insert(row.key.clone(), row.client_id);
        if row.in_use {
            let contacts = row.contacts.iter().filter_map(|contact| contact.parse().ok()).collect();
            desk.clients.insert(row.key, ClientRecord { name: row.name, contacts, data: row.data.0, preferences: row.preferences });
        }
    }
    Ok(())
}

/// Whom these contacts belong to, those that belong to somebody.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn contact_owners(connection: &mut PgConnection, tenant: TenantId, contacts: &[&ExternalId]) -> sqlx::Result<Vec<ContactOwner>> {
    if contacts.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select w.n as "n!", e.client_id as "client_id: ClientId", r.id as "root: ClientId", r.name
           from unnest($2::text[], $3::text[]) with ordinality as w (type, value, n)
           join client_external_ids e on e.tenant_id = $1 and e.type = w.type and e.value = w.value
           join clients r on r.tenant_id = $1 and r.id = client_root($1, e.client_id)
           order by w.n"#,
        tenant.0,
        contacts.iter().map(|key| key.kind().as_str()).collect::<Vec<_>>() as _,
        contacts.iter().map(|key| key.value()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    let key = |n: i64| usize::try_from(n - 1).ok().and_then(|n| contacts.get(n)).copied().cloned();
    let owner =
        |row: (i64, ClientId, ClientId, String)| Some(ContactOwner { key: key(row.0)?, client_id: row.1, root: row.2, name: row.3 });
    Ok(rows.into_iter().filter_map(|row| owner((row.n, row.client_id, row.root, row.name))).collect())
}

/// Writes a record: the client, who may be new, and what is on record of them. The client is locked.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_client(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: ClientId,
    key: &str,
    record: &ClientRecord,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into clients (tenant_id, id, name, data) values ($1, $2, $3, $4)
         on conflict (tenant_id, id) do update set name = excluded.name, data = excluded.data",
        tenant.0,
        id.0,
        record.name,
        Json(&record.data) as _,
    )
    .execute(&mut *connection)
    .await?;
    // The record may have had another name before.
    sqlx::query!("delete from client_records where tenant_id = $1 and client_id = $2 and key <> $3", tenant.0, id.0, key)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into client_records (tenant_id, key, client_id) values ($1, $2, $3)
         on conflict (tenant_id, key) do update set withdrawn_at = null",
        tenant.0,
        key,
        id.0,
    )
    .execute(&mut *connection)
    .await?;
    let types: Vec<&str> = record.contacts.iter().map(|key| key.kind().as_str()).collect();
    let values: Vec<&str> = record.contacts.iter().map(ExternalId::value).collect();
    sqlx::query!(
        "with wanted as (select * from unnest($3::text[], $4::text[]) as w (type, value)),
              gone as (delete from client_contacts k where k.tenant_id = $1 and k.client_id = $2
                         and not exists (select from wanted w where w.type = k.type and w.value = k.value))
         insert into client_contacts (tenant_id, client_id, type, value) select $1, $2, type, value from wanted on conflict do nothing",
        tenant.0,
        id.0,
        &types as &[&str],
        &values as &[&str],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Withdraws records: their contacts and data go, the clients stay. The clients are locked.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn withdraw_clients(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from client_contacts where tenant_id = $1 and client_id = any($2)", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("update clients set data = '{}' where tenant_id = $1 and id = any($2)", tenant.0, ids).execute(&mut *connection).await?;
    sqlx::query!("update client_records set withdrawn_at = $3 where tenant_id = $1 and client_id = any($2)", tenant.0, ids, now)
        .execute(connection)
        .await?;
    Ok(())
}
