//! What people chose, read for many tenants at once: the layers of each person and client, and single documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ambient::Ambient;
use crate::domain::preferences::{Effective, Layer, LayerName, Preferences, Whose};
use crate::ids::{ClientId, TenantId, UserId};

/// Whose document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The tenant's, for its users.
    Tenant,
    /// The tenant's, for its clients.
    Clients,
    /// A user's or a group's.
    User(UserId),
    /// A client's.
    Client(ClientId),
}

impl Owner {
    /// The name of the layer, the user and the client that the database keeps.
    fn columns(self) -> (&'static str, Option<Uuid>, Option<Uuid>) {
        match self {
            Self::Tenant => ("tenant", None, None),
            Self::Clients => ("clients", None, None),
            Self::User(id) => ("user", Some(id.0), None),
            Self::Client(id) => ("client", None, Some(id.0)),
        }
    }

    /// What can be said there.
    #[must_use]
    pub fn whose(self) -> Whose {
        match self {
            Self::Tenant | Self::User(_) => Whose::User,
            Self::Clients | Self::Client(_) => Whose::Client,
        }
    }
}

/// A document that was written once and is not understood any more: it counts as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Whose.
    pub owner: Owner,
    /// What is wrong with it.
    pub faults: Vec<String>,
}

/// The layers of a tenant's people and clients.
#[derive(Debug, Clone, Default)]
pub struct TenantLayers {
    /// What the desk says of itself: its language and time zone, below all else.
    customize: Option<Layer>,
    documents: BTreeMap<Owner, Preferences>,
    /// The clients who are one with a client, in the order in which they are laid above one another: the client
    /// itself comes last.
    families: HashMap<ClientId, Vec<ClientId>>,
    groups: Groups,
    /// Documents that are not understood.
    pub broken: Vec<Broken>,
}

impl TenantLayers {
    /// A user's layers, for [`Effective::of_user`]: the tenant's, those of the groups that hold them, the outer before the
    /// inner, and their own.
    #[must_use]
    pub fn user(&self, user: UserId) -> Vec<Layer> {
        let groups = self.groups.of(user).into_iter().map(|(id, handle)| self.layer(Owner::User(id), LayerName::Group(handle)));
        let below = [self.customize.clone(), self.layer(Owner::Tenant, LayerName::Tenant)];
        below.into_iter().chain(groups).chain([self.layer(Owner::User(user), LayerName::Person)]).flatten().collect()
    }

    /// A client's layers, for [`Effective::of_client`]: the tenant's for its clients, and their own; of those who are one
    /// with them, and were asked for by this one, before that.
    #[must_use]
    pub fn client(&self, client: ClientId) -> Vec<Layer> {
        let itself = [client];
        let family = self.families.get(&client).map_or(&itself[..], Vec::as_slice);
        let own = family.iter().map(|id| self.layer(Owner::Client(*id), LayerName::Person));
        [self.customize.clone(), self.layer(Owner::Clients, LayerName::Tenant)].into_iter().chain(own).flatten().collect()
    }

    /// A user's settings.
    #[must_use]
    pub fn of_user(&self, user: UserId) -> Effective {
        Effective::of_user(&self.user(user))
    }

    /// A client's settings.
    #[must_use]
    pub fn of_client(&self, client: ClientId) -> Effective {
        Effective::of_client(&self.client(client))
    }

    fn layer(&self, owner: Owner, name: LayerName) -> Option<Layer> {
        self.documents.get(&owner).map(|says| Layer { name, says: says.clone() })
    }

    fn take(&mut self, tenant: TenantId, owner: Owner, document: &Json) {
        match Preferences::read(document, owner.whose()) {
            Ok(preferences) => {
                self.documents.insert(owner, preferences);
            }
            Err(faults) => {
                let (layer, user, client) = owner.columns();
                let id = user.or(client).map(|id| id.to_string()).unwrap_or_default();
                // What was chosen is not said: it may be a person's.
                tracing::warn!(tenant.id = %tenant, preferences.layer = layer, preferences.owner = id, preferences.faults = faults.len(),
                               "Preferences are not understood and count as if there were none: `switchboard preferences show` names what is wrong");
                self.broken.push(Broken { owner, faults });
            }
        }
    }
}

/// Which groups hold whom.
#[derive(Debug, Clone, Default)]
struct Groups {
    handles: HashMap<UserId, String>,
    /// The groups that hold a person or a group, and since when.
    holders: HashMap<UserId, Vec<(UserId, DateTime<Utc>)>>,
}

impl Groups {
    /// The groups that hold a person, by whatever way: a group before those that it holds, and among those for
    /// which that says nothing the one in which the membership is older, or the handle comes first.
    fn of(&self, person: UserId) -> Vec<(UserId, String)> {
        let mut since: BTreeMap<UserId, DateTime<Utc>> = BTreeMap::new();
        let mut within = vec![person];
        let mut seen = BTreeSet::from([person]);
        while let Some(member) = within.pop() {
            for (group, joined) in self.holders.get(&member).into_iter().flatten() {
                let oldest = since.entry(*group).or_insert(*joined);
                *oldest = (*oldest).min(*joined);
                if seen.insert(*group) {
                    within.push(*group);
                }
            }
        }
        let mut ordered = Vec::new();
        while !since.is_empty() {
            let is_outer = |group: &UserId| !self.holders.get(group).into_iter().flatten().any(|(holder, _)| since.contains_key(holder));
            let key = |group: &UserId| (since[group], self.handles.get(group));
            let outer = since.keys().filter(|group| is_outer(group)).min_by_key(|group| key(group));
            // Groups that hold each other cannot be written; if there are some all the same, any of them is first.
            let Some(next) = outer.or_else(|| since.keys().min_by_key(|group| key(group))).copied() else { break };
            since.remove(&next);
            ordered.push((next, self.handles.get(&next).cloned().unwrap_or_default()));
        }
        ordered
    }
}

/// Reads the layers of all people of these tenants, and of these clients, who are named by whom they count as.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(
    connection: &mut PgConnection,
    tenants: &[Uuid],
    clients: &[(TenantId, ClientId)],
) -> sqlx::Result<HashMap<TenantId, TenantLayers>> {
    let mut layers: HashMap<TenantId, TenantLayers> = tenants.iter().map(|tenant| (TenantId(*tenant), TenantLayers::default())).collect();
    customize(connection, tenants, &mut layers).await?;
    people(connection, tenants, &mut layers).await?;
    groups(connection, tenants, &mut layers).await?;
    if !clients.is_empty() {
        families(connection, clients, &mut layers).await?;
    }
    Ok(layers)
}

async fn customize(connection: &mut PgConnection, tenants: &[Uuid], layers: &mut HashMap<TenantId, TenantLayers>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", data ->> 'locale' as locale, data ->> 'timezone' as timezone
           from customize where tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        // What the desk file did not let in is not looked for here either.
        let says = Preferences { locale: row.locale, timezone: row.timezone.and_then(|zone| zone.parse().ok()), ..Preferences::default() };
        layers.entry(row.tenant_id).or_default().customize = Some(Layer { name: LayerName::Customize, says });
    }
    Ok(())
}

async fn people(connection: &mut PgConnection, tenants: &[Uuid], layers: &mut HashMap<TenantId, TenantLayers>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", layer, user_id as "user_id: UserId", data
           from preferences where tenant_id = any($1) and layer in ('tenant', 'clients', 'user') order by tenant_id, id"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let owner = match (row.layer.as_str(), row.user_id) {
            ("tenant", _) => Owner::Tenant,
            (_, Some(user)) => Owner::User(user),
            (_, None) => Owner::Clients,
        };
        layers.entry(row.tenant_id).or_default().take(row.tenant_id, owner, &row.data);
    }
    Ok(())
}

async fn groups(connection: &mut PgConnection, tenants: &[Uuid], layers: &mut HashMap<TenantId, TenantLayers>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.group_id as "group_id: UserId", m.member_id as "member_id: UserId", m.created_at, g.handle
           from group_members m join users g on g.tenant_id = m.tenant_id and g.id = m.group_id and g.archived_at is null
           where m.tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let groups = &mut layers.entry(row.tenant_id).or_default().groups;
        groups.handles.insert(row.group_id, row.handle);
        groups.holders.entry(row.member_id).or_default().push((row.group_id, row.created_at));
    }
    Ok(())
}

/// The documents of clients, and of those who were merged into them: what a person chose before it was known who they
/// are holds on, unless the one whom they count as says otherwise.
async fn families(
    connection: &mut PgConnection,
    clients: &[(TenantId, ClientId)],
    layers: &mut HashMap<TenantId, TenantLayers>,
) -> sqlx::Result<()> {
    let (tenants, roots): (Vec<Uuid>, Vec<Uuid>) = clients.iter().map(|(tenant, client)| (tenant.0, client.0)).unzip();
    let rows = sqlx::query!(
        r#"with recursive family as (
               select a.tenant_id, a.root, a.root as id from unnest($1::uuid[], $2::uuid[]) as a (tenant_id, root)
               union
               select f.tenant_id, f.root, c.id from family f join clients c on c.tenant_id = f.tenant_id and c.merged_into = f.id)
           select f.tenant_id as "tenant_id!: TenantId", f.root as "root!: ClientId", f.id as "id!: ClientId", p.data
           from family f join preferences p on p.tenant_id = f.tenant_id and p.layer = 'client' and p.client_id = f.id
           order by f.tenant_id, f.root, f.id = f.root, p.updated_at, p.id"#,
        &tenants,
        &roots,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let layers = layers.entry(row.tenant_id).or_default();
        let family = layers.families.entry(row.root).or_default();
        if !family.contains(&row.id) {
            family.push(row.id);
            layers.take(row.tenant_id, Owner::Client(row.id), &row.data);
        }
    }
    Ok(())
}

/// One document as it is stored.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn document(connection: &mut PgConnection, tenant: TenantId, owner: Owner) -> sqlx::Result<Option<Json>> {
    let (layer, user, client) = owner.columns();
    sqlx::query_scalar!(
        "select data from preferences
         where tenant_id = $1 and layer = $2 and user_id is not distinct from $3 and client_id is not distinct from $4",
        tenant.0,
        layer,
        user,
        client,
    )
    .fetch_optional(connection)
    .await
}

/// Writes one document in place of what was there, and returns whether that changes anything.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put(
    connection: &mut PgConnection,
    tenant: TenantId,
    owner: Owner,
    preferences: &Preferences,
    ambient: &Ambient,
) -> sqlx::Result<bool> {
    let (layer, user, client) = owner.columns();
    let done = sqlx::query!(
        "insert into preferences as p (tenant_id, id, layer, user_id, client_id, data) values ($1, $2, $3, $4, $5, $6)
         on conflict on constraint preferences_once do update set data = excluded.data where p.data <> excluded.data",
        tenant.0,
        ambient.new_id::<Uuid>(),
        layer,
        user,
        client,
        preferences.document(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes one document, and returns whether there was one.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn remove(connection: &mut PgConnection, tenant: TenantId, owner: Owner) -> sqlx::Result<bool> {
    let (layer, user, client) = owner.columns();
    let done = sqlx::query!(
        "delete from preferences
         where tenant_id = $1 and layer = $2 and user_id is not distinct from $3 and client_id is not distinct from $4",
        tenant.0,
        layer,
        user,
        client,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

#[cfg(test)]
mod tests;
