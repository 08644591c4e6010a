//! Makes the database match a desk file, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Connection, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::desk::{self, Desk, Ids, Stored};
use switchboard_common::ids::TenantId;
use uuid::Uuid;

use super::diff::{Change, Kind, What, diff};
use super::fields::Faults;
use super::file::Desks;
use super::{check, clients, preferences};
use crate::database::OpenError;

/// Why a file was not applied. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The file asks for what cannot be.
    #[error("{}", .0.join("\n"))]
    Faults(Faults),
    /// There is no database to be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database refuses or cannot be reached.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// A tenant while it is being changed.
struct Tenant<'f> {
    name: &'f str,
    id: TenantId,
    wanted: &'f Desk,
    stored: Stored,
    changes: Vec<Change>,
}

/// What was changed, by tenant.
pub type Differences = Vec<(String, Vec<Change>)>;

/// Adds what the database knows to be wrong with desks that have faults already.
pub async fn look(connection: &mut PgConnection, desks: &Desks, faults: &mut Faults) -> sqlx::Result<()> {
    for (name, wanted) in desks {
        if let Some(id) = desk::find_tenant(connection, name).await? {
            check::check_stored(name, wanted, &desk::load(connection, id).await?, faults);
        }
    }
    outside(connection, desks, faults).await
}

/// Applies desks that have no faults of their own, or with `dry_run` only finds out what that would
/// change.
pub async fn apply(connection: &mut PgConnection, desks: &Desks, dry_run: bool, ambient: &Ambient) -> Result<Differences, ApplyError> {
    let mut transaction = connection.begin().await?;
    let mut faults = Faults::new();
    let mut tenants = Vec::new();
    for (name, wanted) in desks {
        tenants.push(begin(&mut transaction, name, wanted, ambient).await?);
    }
    for tenant in &tenants {
        check::check_stored(tenant.name, tenant.wanted, &tenant.stored, &mut faults);
    }
    for tenant in &mut tenants {
        clients::attach(&mut transaction, (tenant.name, tenant.id), tenant.wanted, &mut tenant.stored, &mut tenant.changes, &mut faults)
            .await?;
    }
    outside(&mut transaction, desks, &mut faults).await?;
    if !faults.is_empty() {
        return Err(ApplyError::Faults(faults));
    }
    // First in the order of the locks, and for all tenants before anything else.
    for tenant in &tenants {
        clients::write(&mut transaction, tenant.id, tenant.wanted, &tenant.stored.ids, &tenant.changes, ambient).await?;
        preferences::write_clients(&mut transaction, tenant.id, tenant.wanted, &tenant.changes, ambient).await?;
    }
    // An address may move from one tenant to another.
    for tenant in &tenants {
        let ids = tenant.ids_of(Kind::Account, |ids, name| ids.accounts.get(name).map(|id| id.0));
        desk::disable_accounts(&mut transaction, tenant.id, &ids, ambient.now()).await?;
    }
    for tenant in &mut tenants {
        tenant.write(&mut transaction, ambient).await?;
    }
    if dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(tenants.into_iter().map(|tenant| (tenant.name.to_owned(), tenant.changes)).collect())
}

/// What it would change if there were nothing yet.
pub fn from_nothing(desks: &Desks) -> Differences {
    let nothing = Stored::default();
    let tenant = |name: &String| Change { kind: Kind::Tenant, name: name.clone(), what: What::Add { fields: Vec::new(), again: false } };
    desks.iter().map(|(name, desk)| (name.clone(), std::iter::once(tenant(name)).chain(diff(&nothing, desk)).collect())).collect()
}

async fn begin<'f>(connection: &mut PgConnection, name: &'f str, wanted: &'f Desk, ambient: &Ambient) -> sqlx::Result<Tenant<'f>> {
    let (id, is_new) = desk::lock_tenant(connection, name, ambient.new_id()).await?;
    let basics = desk::seed(connection, id, ambient).await?;
    let stored = desk::load(connection, id).await?;
    let mut changes = Vec::new();
    let add = |kind, name: &str, fields| Change { kind, name: name.to_owned(), what: What::Add { fields, again: false } };
    changes.extend(is_new.then(|| add(Kind::Tenant, name, Vec::new())));
    changes.extend((!basics.is_empty()).then(|| add(Kind::Basics, "", vec![("", basics.join(", "))])));
    changes.extend(diff(&stored, wanted));
    Ok(Tenant { name, id, wanted, stored, changes })
}

/// What the database knows beside these tenants.
async fn outside(connection: &mut PgConnection, desks: &Desks, faults: &mut Faults) -> sqlx::Result<()> {
    let addresses: Vec<String> = desks.values().flat_map(|desk| desk.accounts.values().map(|account| account.address.clone())).collect();
    let owners = desk::address_owners(connection, &addresses).await?;
    check::check_owners(desks, &owners, faults);
    Ok(())
}

impl Tenant<'_> {
    /// The names of the parts of a kind that have to be written.
    fn to_put(&self, kind: Kind) -> BTreeSet<&str> {
        let put = self.changes.iter().filter(|change| change.kind == kind && !matches!(change.what, What::Remove(_)));
        put.map(|change| change.name.as_str()).collect()
    }

    /// The ids of the parts of a kind that are taken out.
    fn to_remove(&self, kind: Kind, id: impl Fn(&Ids, &str) -> Option<Uuid>) -> Vec<Uuid> {
        let removed = self.changes.iter().filter(|change| change.kind == kind && matches!(change.what, What::Remove(_)));
        removed.filter_map(|change| id(&self.stored.ids, &change.name)).collect()
    }

    /// The ids of the parts of a kind that are there and change in any way.
    fn ids_of(&self, kind: Kind, id: impl Fn(&Ids, &str) -> Option<Uuid>) -> Vec<Uuid> {
        self.changes.iter().filter(|change| change.kind == kind).filter_map(|change| id(&self.stored.ids, &change.name)).collect()
    }

    async fn write(&mut self, connection: &mut PgConnection, ambient: &Ambient) -> sqlx::Result<()> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let ids = self.all_ids(ambient);
        if self.changes.iter().any(|change| change.kind == Kind::Customize) {
            desk::put_customize(connection, self.id, &self.wanted.customize).await?;
        }
        for name in self.to_put(Kind::Department) {
            desk::put_department(connection, self.id, ids.departments[name], name, &self.wanted.departments[name]).await?;
        }
        self.write_people(connection, &ids, ambient).await?;
        preferences::write(connection, self.id, (&self.stored.desk, self.wanted), &ids, &self.changes, ambient).await?;
        self.write_categories(connection, &ids, ambient).await?;
        self.write_rules(connection, &ids).await?;
        if self.changes.iter().any(|change| change.kind == Kind::Block) {
            desk::put_block(connection, self.id, &self.wanted.block).await?;
        }
        let removed = self.to_remove(Kind::Department, |ids, name| ids.departments.get(name).map(|id| id.0));
        desk::archive_departments(connection, self.id, &removed, ambient.now()).await?;
        desk::bump_revision(connection, self.id).await
    }

    /// The ids of all that is wanted, new ones where there are none.
    fn all_ids(&self, ambient: &Ambient) -> Ids {
        fn fill<'n, I: From<Uuid>>(ids: &mut BTreeMap<String, I>, names: impl Iterator<Item = &'n String>, ambient: &Ambient) {
            for name in names {
                ids.entry(name.clone()).or_insert_with(|| ambient.new_id());
            }
        }
        let mut ids = self.stored.ids.clone();
        let Desk { departments, users, groups, categories, accounts, rules, .. } = self.wanted;
        fill(&mut ids.departments, departments.keys(), ambient);
        fill(&mut ids.users, users.keys().chain(groups.keys()), ambient);
        fill(&mut ids.categories, categories.keys(), ambient);
        fill(&mut ids.accounts, accounts.keys(), ambient);
        fill(&mut ids.rules, rules.iter().map(|rule| &rule.name), ambient);
        ids
    }

    async fn write_people(&self, connection: &mut PgConnection, ids: &Ids, ambient: &Ambient) -> sqlx::Result<()> {
        let user_id = |ids: &Ids, handle: &str| ids.users.get(handle).map(|id| id.0);
        let (users, groups) = (self.to_put(Kind::User), self.to_put(Kind::Group));
        let changed: Vec<Uuid> = users.iter().chain(&groups).filter_map(|handle| user_id(&self.stored.ids, handle)).collect();
        desk::release_users(connection, self.id, &changed).await?;
        let removed = [Kind::User, Kind::Group].into_iter().flat_map(|kind| self.to_remove(kind, user_id)).collect::<Vec<_>>();
        desk::archive_users(connection, self.id, &removed, ambient.now()).await?;
        desk::free_names(connection, self.id, &self.names_to_free()).await?;
        for handle in &users {
            desk::put_user(connection, self.id, ids.users[*handle], handle, &self.wanted.users[*handle], ambient).await?;
        }
        for handle in &groups {
            desk::put_group(connection, self.id, ids.users[*handle], handle, &self.wanted.groups[*handle].name).await?;
        }
        for handle in &users {
            let departments = ids.departments(&self.wanted.users[*handle].departments);
            desk::set_departments(connection, self.id, ids.users[*handle], &departments).await?;
            desk::set_follows(connection, self.id, ids.users[*handle], &ids.departments(&self.wanted.users[*handle].follows)).await?;
        }
        for handle in &groups {
            let members: Vec<Uuid> = self.wanted.groups[*handle].members.iter().map(|member| ids.users[member].0).collect();
            desk::set_members(connection, self.id, ids.users[*handle], &members).await?;
            desk::set_follows(connection, self.id, ids.users[*handle], &ids.departments(&self.wanted.groups[*handle].follows)).await?;
        }
        Ok(())
    }

    /// Those out of use who have a name that somebody has now.
    fn names_to_free(&self) -> Vec<Uuid> {
        let Desk { users, groups, .. } = self.wanted;
        let names: BTreeSet<&String> = users.values().map(|user| &user.name).chain(groups.values().map(|group| &group.name)).collect();
        let out_of_use = self.stored.names.iter().filter(|(handle, _)| !users.contains_key(*handle) && !groups.contains_key(*handle));
        out_of_use.filter(|(_, name)| names.contains(name)).map(|(handle, _)| self.stored.ids.users[handle].0).collect()
    }

    async fn write_categories(&self, connection: &mut PgConnection, ids: &Ids, ambient: &Ambient) -> sqlx::Result<()> {
        for name in self.to_put(Kind::Category) {
            let category = &self.wanted.categories[name];
            let department = category.department.as_ref().map(|name| ids.departments[name]);
            let assignee = category.assignee.as_ref().map(|handle| (ids.users[handle], category.by));
            desk::put_category(connection, self.id, ids.categories[name], name, department, assignee).await?;
        }
        for name in self.to_put(Kind::Account) {
            let account = &self.wanted.accounts[name];
            let category = account.category.as_ref().map(|name| ids.categories[name]);
            desk::put_account(connection, self.id, ids.accounts[name], name, account, category).await?;
            desk::put_mailbox(connection, self.id, ids.accounts[name], account.imap.as_ref()).await?;
        }
        let removed = self.to_remove(Kind::Category, |ids, name| ids.categories.get(name).map(|id| id.0));
        desk::archive_categories(connection, self.id, &removed, ambient.now()).await
    }

    /// All of them, if one changed: their places follow from each other.
    async fn write_rules(&self, connection: &mut PgConnection, ids: &Ids) -> sqlx::Result<()> {
        if !self.changes.iter().any(|change| matches!(change.kind, Kind::Rule | Kind::RuleOrder)) {
            return Ok(());
        }
        let removed = self.to_remove(Kind::Rule, |ids, name| ids.rules.get(name).map(|id| id.0));
        desk::delete_rules(connection, self.id, &removed).await?;
        for (position, rule) in (1..).zip(&self.wanted.rules) {
            // A desk without faults has no rule that could not be read.
            if let Ok(read) = &rule.rule {
                desk::put_rule(connection, self.id, ids.rules[&rule.name], position, &rule.name, read).await?;
            }
        }
        Ok(())
    }
}
