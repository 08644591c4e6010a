//! Clients, as people look at them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::domain::identity::{ExternalId, ExternalKind};
use crate::domain::phone;
use crate::ids::{AmbiguityId, ClientId, InboundId, TenantId};

/// All that is known of a client, and of those who are one with them.
#[derive(Debug, Clone, Serialize)]
pub struct ClientView {
    /// The client that was asked for.
    pub id: ClientId,
    /// The tenant's name.
    pub tenant: String,
    /// Their name.
    pub name: String,
    /// Whom they count as: mostly themselves.
    pub counts_as: ClientId,
    /// That one's name.
    pub counts_as_name: String,
    /// All who are one with them: first whom they count as.
    pub members: Vec<MemberView>,
    /// What was merged, also what was undone.
    pub merges: Vec<MergeView>,
    /// Their tickets, the latest first.
    pub tickets: Vec<ClientTicketView>,
    /// Others who may be the same person.
    pub doubles: Vec<DoubleView>,
}

/// One of the clients that are one.
#[derive(Debug, Clone, Serialize)]
pub struct MemberView {
    /// The client.
    pub id: ClientId,
    /// The name.
    pub name: String,
    /// The client that it was merged into.
    pub merged_into: Option<ClientId>,
    /// The name of their record in the desk file.
    pub record: Option<String>,
    /// What the desk keeps of them.
    pub data: Value,
    /// Since when they are known.
    pub created_at: DateTime<Utc>,
    /// The keys that they are known by.
    pub external_ids: Vec<ExternalIdView>,
    /// The contacts on record.
    pub contacts: Vec<String>,
}

/// A key that a client is known by.
#[derive(Debug, Clone, Serialize)]
pub struct ExternalIdView {
    /// Whose it is.
    #[serde(skip)]
    pub client_id: ClientId,
    /// The key.
    pub key: String,
    /// How it came: a channel, or `record`.
    pub source: String,
    /// What showed that it is theirs.
    pub evidence: String,
    /// Whether the channel authenticated it.
    pub authenticated: bool,
    /// Since when it is known.
    pub created_at: DateTime<Utc>,
}

/// A merge.
#[derive(Debug, Clone, Serialize)]
pub struct MergeView {
    /// Who was merged.
    pub client_id: ClientId,
    /// Their name.
    pub name: String,
    /// Into whom.
    pub into_id: ClientId,
    /// That one's name.
    pub into_name: String,
    /// Why, if it was said.
    pub reason: Option<String>,
    /// In whose name, if it was said.
    pub merged_by: Option<String>,
    /// When.
    pub merged_at: DateTime<Utc>,
    /// In whose name it was undone, if it was said.
    pub undone_by: Option<String>,
    /// When it was undone, if it was.
    pub undone_at: Option<DateTime<Utc>>,
}

/// A ticket of a client.
#[derive(Debug, Clone, Serialize)]
pub struct ClientTicketView {
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// The tenant's name for its status.
    pub status: String,
    /// Whose it is.
    pub client_id: ClientId,
    /// That one's name.
    pub client: String,
}

/// Somebody who may be the same person.
#[derive(Debug, Clone, Serialize)]
pub struct DoubleView {
    /// The client.
    pub client_id: ClientId,
    /// The name.
    pub name: String,
    /// Why, in words.
    pub why: String,
}

/// An ambiguity that waits for a decision.
#[derive(Debug, Clone, Serialize)]
pub struct AmbiguityView {
    /// Its id.
    pub id: AmbiguityId,
    /// The tenant's name.
    pub tenant: String,
    /// The message that showed it.
    pub inbound_id: InboundId,
    /// The ticket that the message is on.
    pub ticket: i64,
    /// The ticket's title.
    pub title: String,
    /// The client that has the key meanwhile.
    pub client_id: ClientId,
    /// That one's name.
    pub client: String,
    /// When it was shown.
    pub created_at: DateTime<Utc>,
    /// Who it could be.
    pub candidates: Vec<DoubleView>,
}

/// The clients of one tenant or of all who have this key, also on record, or this name, or whose id
/// begins so. Of a key that is an address or a number the kind may be left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_clients(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    text: &str,
) -> sqlx::Result<Vec<(TenantId, ClientId, String)>> {
    let bare = |kind| ExternalId::new(kind, text);
    let key = text.parse().or_else(|_| bare(ExternalKind::Email)).or_else(|_| bare(ExternalKind::Phone));
    let Ok(key) = key else { return clients_called(connection, tenant, text.trim()).await };
    let rows = sqlx::query!(
        r#"select c.tenant_id as "tenant_id: TenantId", c.id as "id: ClientId", c.name
           from (select tenant_id, client_id from client_external_ids where type = $2 and value = $3
                 union select tenant_id, client_id from client_contacts where type = $2 and value = $3) k
           join clients c on c.tenant_id = k.tenant_id and c.id = k.client_id
           where $1::uuid is null or c.tenant_id = $1
           order by c.tenant_id, c.id"#,
        tenant.map(|id| id.0),
        key.kind().as_str(),
        key.value(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id, row.name)).collect())
}

/// The clients whose name or record it is, or whose id begins so.
async fn clients_called(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    text: &str,
) -> sqlx::Result<Vec<(TenantId, ClientId, String)>> {
    let rows = sqlx::query!(
        r#"select c.tenant_id as "tenant_id: TenantId", c.id as "id: ClientId", c.name
           from clients c
           where ($1::uuid is null or c.tenant_id = $1)
             and (lower(c.name) = lower($2)
                  or length($2) >= 4 and starts_with(c.id::text, lower($2))
                  or exists (select from client_records r where r.tenant_id = c.tenant_id and r.client_id = c.id and r.key = $2))
           order by c.tenant_id, c.id"#,
        tenant.map(|id| id.0),
        text,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id, row.name)).collect())
}

/// All that is known of a client.
///
/// # Errors
/// When the database refuses or cannot be reached, or there is no such client.
pub async fn show_client(connection: &mut PgConnection, tenant: TenantId, id: ClientId) -> sqlx::Result<ClientView> {
    let head = sqlx::query!(
        r#"select tn.name as tenant, c.name, r.id as "root: ClientId", r.name as root_name
           from clients c
           join tenants tn on tn.id = c.tenant_id
           join clients r on r.tenant_id = c.tenant_id and r.id = client_root(c.tenant_id, c.id)
           where c.tenant_id = $1 and c.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_one(&mut *connection)
    .await?;
    let members = members(connection, tenant, head.root).await?;
    let ids: Vec<_> = members.iter().map(|member| member.id.0).collect();
    Ok(ClientView {
        id,
        tenant: head.tenant,
        name: head.name,
        counts_as: head.root,
        counts_as_name: head.root_name,
        merges: merges(connection, tenant, &ids).await?,
        tickets: tickets(connection, tenant, &ids).await?,
        doubles: doubles(connection, tenant, &members).await?,
        members,
    })
}

async fn members(connection: &mut PgConnection, tenant: TenantId, root: ClientId) -> sqlx::Result<Vec<MemberView>> {
    let rows = sqlx::query!(
        r#"with recursive members as (
               select $2::uuid as id
               union
               select c.id from members m join clients c on c.tenant_id = $1 and c.merged_into = m.id
           )
           select c.id as "id: ClientId", c.name, c.merged_into as "merged_into: ClientId", c.data, c.created_at, r.key as "record?",
                  array(select k.type || ':' || k.value from client_contacts k where k.tenant_id = c.tenant_id and k.client_id = c.id
                        order by 1) as "contacts!"
           from members join clients c on c.tenant_id = $1 and c.id = members.id
           left join client_records r on r.tenant_id = c.tenant_id and r.client_id = c.id and r.withdrawn_at is null
           order by c.id <> $2, c.id"#,
        tenant.0,
        root.0,
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
    let keys = sqlx::query_as!(
        ExternalIdView,
        r#"select client_id as "client_id: ClientId", type || ':' || value as "key!", source, evidence, authenticated, created_at
           from client_external_ids where tenant_id = $1 and client_id = any($2) order by created_at, id"#,
        tenant.0,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let member = |row_id| keys.iter().filter(|key| key.client_id == row_id).cloned().collect();
    Ok(rows
        .into_iter()
        .map(|row| MemberView {
            external_ids: member(row.id),
            id: row.id,
            name: row.name,
            merged_into: row.merged_into,
            record: row.record,
            data: row.data,
            created_at: row.created_at,
            contacts: row.contacts,
        })
        .collect())
}

async fn merges(connection: &mut PgConnection, tenant: TenantId, members: &[uuid::Uuid]) -> sqlx::Result<Vec<MergeView>> {
    sqlx::query_as!(
        MergeView,
        r#"select m.client_id as "client_id: ClientId", c.name, m.into_id as "into_id: ClientId", i.name as into_name, m.reason,
                  b.handle as "merged_by?", m.merged_at, u.handle as "undone_by?", m.undone_at
           from client_merges m
           join clients c on c.tenant_id = m.tenant_id and c.id = m.client_id
           join clients i on i.tenant_id = m.tenant_id and i.id = m.into_id
           left join users b on b.tenant_id = m.tenant_id and b.id = m.merged_by
           left join users u on u.tenant_id = m.tenant_id and u.id = m.undone_by
           where m.tenant_id = $1 and (m.client_id = any($2) or m.into_id = any($2))
           order by m.merged_at, m.id"#,
        tenant.0,
        members,
    )
    .fetch_all(connection)
    .await
}

async fn tickets(connection: &mut PgConnection, tenant: TenantId, members: &[uuid::Uuid]) -> sqlx::Result<Vec<ClientTicketView>> {
    sqlx::query_as!(
        ClientTicketView,
        r#"select t.ticket_number as number, t.title, s.name as status, t.client_id as "client_id: ClientId", c.name as client
           from tickets t
           join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id
           join clients c on c.tenant_id = t.tenant_id and c.id = t.client_id
           where t.tenant_id = $1 and t.client_id = any($2)
           order by t.ticket_number desc"#,
        tenant.0,
        members,
    )
    .fetch_all(connection)
    .await
}

/// Who else is known by one of their keys, or by another form of their numbers, and with whom they were
/// found together when somebody was to decide.
async fn doubles(connection: &mut PgConnection, tenant: TenantId, members: &[MemberView]) -> sqlx::Result<Vec<DoubleView>> {
    let ids: Vec<_> = members.iter().map(|member| member.id.0).collect();
    let (keys, whys): (Vec<ExternalId>, Vec<String>) = similar_keys(members).into_iter().unzip();
    sqlx::query_as!(
        DoubleView,
        r#"with alike as (select * from unnest($3::text[], $4::text[], $5::text[]) as s (type, value, why)),
                others as (
                    select e.client_id, s.why || ' is their key' as why
                    from alike s join client_external_ids e on e.tenant_id = $1 and e.type = s.type and e.value = s.value
                    union
                    select k.client_id, s.why || ' is a contact on record of them'
                    from alike s join client_contacts k on k.tenant_id = $1 and k.type = s.type and k.value = s.value
                    union
                    select d.client_id, 'both could have written #' || t.ticket_number
                    from ambiguity_candidates c
                    join ambiguity_candidates d on d.tenant_id = $1 and d.ambiguity_id = c.ambiguity_id
                    join ambiguities a on a.tenant_id = $1 and a.id = c.ambiguity_id
                    join tickets t on t.tenant_id = $1 and t.id = a.ticket_id
                    where c.tenant_id = $1 and c.client_id = any($2)
                )
           select distinct r.id as "client_id: ClientId", r.name, o.why as "why!"
           from others o join clients r on r.tenant_id = $1 and r.id = client_root($1, o.client_id)
           where o.client_id <> all($2)
           order by r.name, r.id, 3"#,
        tenant.0,
        &ids,
        keys.iter().map(|key| key.kind().as_str()).collect::<Vec<_>>() as _,
        keys.iter().map(ExternalId::value).collect::<Vec<_>>() as _,
        &whys,
    )
    .fetch_all(connection)
    .await
}

/// The keys that the same person may have, each with what makes it so.
fn similar_keys(members: &[MemberView]) -> Vec<(ExternalId, String)> {
    let own = members.iter().flat_map(|member| member.external_ids.iter().map(|id| &id.key).chain(&member.contacts));
    let own: Vec<ExternalId> = own.filter_map(|key| key.parse().ok()).collect();
    let numbers: BTreeSet<String> = own.iter().filter_map(phone::number).collect();
    let same = numbers.iter().flat_map(|number| phone::keys(number)).flatten();
    let same = same.filter(|key| !own.contains(key)).map(|key| (key.clone(), format!("{key} (the same number)")));
    let others = numbers.iter().flat_map(|number| phone::variants(number));
    let others = others.flat_map(|(number, form)| phone::keys(&number).into_iter().flatten().map(move |key| (key, form)));
    let others = others.filter(|(key, _)| !own.contains(key)).map(|(key, form)| (key.clone(), format!("{key} ({form})")));
    own.iter().map(|key| (key.clone(), key.to_string())).chain(same).chain(others).collect()
}

/// The ambiguities that nobody has decided, of one tenant or of all, the oldest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn open_ambiguities(connection: &mut PgConnection, tenant: Option<TenantId>) -> sqlx::Result<Vec<AmbiguityView>> {
    let rows = sqlx::query!(
        r#"select a.tenant_id as "tenant_id: TenantId", a.id as "id: AmbiguityId", tn.name as tenant,
                  a.inbound_id as "inbound_id: InboundId", t.ticket_number, t.title, a.client_id as "client_id: ClientId",
                  c.name as client, a.created_at
           from ambiguities a
           join tenants tn on tn.id = a.tenant_id
           join tickets t on t.tenant_id = a.tenant_id and t.id = a.ticket_id
           join clients c on c.tenant_id = a.tenant_id and c.id = a.client_id
           left join client_merges m on m.tenant_id = a.tenant_id and m.id = a.merge_id
           where ($1::uuid is null or a.tenant_id = $1) and (a.decided_at is null or m.undone_at is not null)
           order by a.created_at, a.id"#,
        tenant.map(|id| id.0),
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut ambiguities = Vec::with_capacity(rows.len());
    for row in rows {
        let candidates = sqlx::query_as!(
            DoubleView,
            r#"select c.client_id as "client_id: ClientId", client_name(c.tenant_id, c.client_id) as "name!", c.reason as why
               from ambiguity_candidates c where c.tenant_id = $1 and c.ambiguity_id = $2 order by c.position"#,
            row.tenant_id.0,
            row.id.0,
        )
        .fetch_all(&mut *connection)
        .await?;
        ambiguities.push(AmbiguityView {
            id: row.id,
            tenant: row.tenant,
            inbound_id: row.inbound_id,
            ticket: row.ticket_number,
            title: row.title,
            client_id: row.client_id,
            client: row.client,
            created_at: row.created_at,
            candidates,
        });
    }
    Ok(ambiguities)
}

/// The ambiguities whose id begins with `text`, of one tenant or of all, with the client who has the key
/// meanwhile.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_ambiguities(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    text: &str,
) -> sqlx::Result<Vec<(TenantId, AmbiguityId, ClientId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: AmbiguityId", client_id as "client_id: ClientId" from ambiguities
           where ($1::uuid is null or tenant_id = $1) and starts_with(id::text, lower($2)) order by id"#,
        tenant.map(|id| id.0),
        text.trim(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id, row.client_id)).collect())
}
