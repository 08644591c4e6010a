//! What the router knows of a desk: small, and the same for many messages, so it is read whole and
//! kept until the tenant's revision changes.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::address::EmailAddress;
use crate::domain::inbound::Channel;
use crate::domain::policy::{BlockEntry, ClosedPolicy, Policies, SpamPolicy, SubjectPolicy, WindowScope, usual_window};
use crate::domain::ticket::TicketState;
use crate::ids::{AccountId, CategoryId, DepartmentId, PriorityId, StatusId, TenantId, UserId};
use crate::reply_token::SigningKeys;

/// Everything of one tenant that decides where a message goes.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The revision that this was read at.
    pub revision: i64,
    /// The accounts, also those that are disabled: what they accepted before is still routed.
    pub accounts: HashMap<AccountId, Account>,
    /// The categories, by id.
    pub categories: HashMap<CategoryId, Category>,
    /// The departments' names.
    pub departments: HashMap<DepartmentId, String>,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
    /// The people and groups that are not archived.
    pub users: HashMap<UserId, User>,
    /// Whose verified mail addresses they are.
    pub addresses: HashMap<String, UserId>,
    /// The status that a ticket gets when it comes to a state by itself.
    pub statuses: HashMap<TicketState, StatusId>,
    /// The priority of a new ticket.
    pub default_priority: PriorityId,
    /// The keys of its reply addresses.
    pub signing_keys: SigningKeys,
    /// Of whom nothing is taken.
    pub blocked: Vec<BlockEntry>,
    /// What becomes of spam.
    pub spam: SpamPolicy,
}

/// An account.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its own address.
    pub address: String,
    /// It is not disabled: its address is still its own.
    pub takes_mail: bool,
    /// The category of what no rule decides.
    pub default_category: Option<CategoryId>,
    /// Who may join a ticket by quoting a Message-ID.
    pub threading: ThreadingPolicy,
    /// What becomes of what points at a ticket, or at none.
    pub policies: Policies,
}

/// Who may join a ticket by quoting a Message-ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "threading_policy", rename_all = "snake_case")]
pub enum ThreadingPolicy {
    /// A participant whose trust did not fail.
    Participants,
    /// Only a participant who proves to have got our mail, or whose trust is `verified`.
    Proof,
}

/// A category.
#[derive(Debug, Clone)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// The department that it leads to.
    pub department: Option<DepartmentId>,
    /// The person or group that it leads to.
    pub assignee: Option<UserId>,
}

/// A routing rule: conditions that must all hold, and the category that follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What must hold.
    pub conditions: Conditions,
    /// What follows.
    pub category: CategoryId,
}

/// The conditions of a rule. What is absent is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The account's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// An address that it was sent to, or the local part of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Words or phrases, one of which stands in the subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject_words: Vec<String>,
}

/// A person or a group.
#[derive(Debug, Clone)]
pub struct User {
    /// The name in mentions and commands.
    pub handle: String,
    /// The full name.
    pub name: String,
    /// Whether it is a group.
    pub is_group: bool,
    /// The groups that it is a direct member of.
    pub groups: Vec<UserId>,
}

/// The revisions of these tenants, those that exist.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn revisions(connection: &mut PgConnection, tenants: &[Uuid]) -> sqlx::Result<HashMap<TenantId, i64>> {
    let rows =
        sqlx::query!(r#"select id as "id: TenantId", revision from tenants where id = any($1)"#, tenants).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.revision)).collect())
}

/// Reads a whole desk.
///
/// # Errors
/// When the database refuses or cannot be reached, or when the tenant lacks what `apply` gives
/// every tenant: a status for each state and a default priority.
pub async fn load(connection: &mut PgConnection, tenant: TenantId, revision: i64) -> sqlx::Result<Desk> {
    let (users, addresses) = people(connection, tenant).await?;
    let statuses = sqlx::query!(
        r#"select id as "id: StatusId", state as "state: TicketState" from statuses where tenant_id = $1 and is_default"#,
        tenant.0
    )
    .fetch_all(&mut *connection)
    .await?;
    let default_priority =
        sqlx::query_scalar!(r#"select id as "id: PriorityId" from priorities where tenant_id = $1 and is_default"#, tenant.0)
            .fetch_one(&mut *connection)
            .await?;
    let spam = sqlx::query_scalar!(r#"select spam as "spam: SpamPolicy" from tenants where id = $1"#, tenant.0)
        .fetch_one(&mut *connection)
        .await?;
    Ok(Desk {
        tenant_id: tenant,
        revision,
        accounts: accounts(connection, tenant).await?,
        categories: categories(connection, tenant).await?,
        departments: departments(connection, tenant).await?,
        rules: rules(connection, tenant).await?,
        users,
        addresses,
        statuses: statuses.into_iter().map(|row| (row.state, row.id)).collect(),
        default_priority,
        blocked: blocked(connection, tenant).await?,
        spam,
        signing_keys: super::signing_keys::load(connection, tenant).await?,
    })
}

/// Of whom nothing is taken, in their order.
///
/// # Errors
/// When the database refuses or cannot be reached, or holds what cannot be read.
pub async fn blocked(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Vec<BlockEntry>> {
    let entries = sqlx::query_scalar!("select entry from blocked_senders where tenant_id = $1 order by entry", tenant.0)
        .fetch_all(connection)
        .await?;
    entries.iter().map(|entry| entry.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))).collect()
}

async fn accounts(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<HashMap<AccountId, Account>> {
    let rows = sqlx::query!(
        r#"select id as "id: AccountId", name, address, disabled_at is null as "takes_mail!",
                  default_category_id as "default_category: CategoryId", threading as "threading: ThreadingPolicy",
                  channel, closed as "closed: ClosedPolicy", new_subject as "new_subject: SubjectPolicy", window_seconds,
                  window_from as "window_from: WindowScope"
           from channel_accounts where tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let account = Account {
                name: row.name,
                address: row.address,
                takes_mail: row.takes_mail,
                default_category: row.default_category,
                threading: row.threading,
                policies: Policies {
                    closed: row.closed,
                    new_subject: row.new_subject,
                    window: window(&row.channel, row.window_seconds),
                    window_from: row.window_from,
                },
            };
            (row.id, account)
        })
        .collect())
}

/// The window that an account has: 0 seconds are none.
#[must_use]
pub fn window(channel: &str, seconds: Option<i32>) -> Option<TimeDelta> {
    match seconds {
        Some(0) => None,
        Some(seconds) => TimeDelta::try_seconds(seconds.into()),
        None => usual_window(Channel::named(channel)?),
    }
}

async fn categories(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<HashMap<CategoryId, Category>> {
    let rows = sqlx::query!(
        r#"select id as "id: CategoryId", name, department_id as "department: DepartmentId", assignee_id as "assignee: UserId"
           from categories where tenant_id = $1 and archived_at is null"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Category { name: row.name, department: row.department, assignee: row.assignee })).collect())
}

async fn departments(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<HashMap<DepartmentId, String>> {
    let rows =
        sqlx::query!(r#"select id as "id: DepartmentId", name from departments where tenant_id = $1 and archived_at is null"#, tenant.0)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

async fn rules(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Vec<Rule>> {
    let rows = sqlx::query!(
        r#"select name, conditions as "conditions: Json<Conditions>", category_id as "category: CategoryId"
           from routing_rules where tenant_id = $1 order by position, name"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| Rule { name: row.name, conditions: row.conditions.0, category: row.category }).collect())
}

async fn people(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<(HashMap<UserId, User>, HashMap<String, UserId>)> {
    let rows = sqlx::query!(
        r#"select u.id as "id: UserId", u.handle, u.name, u.is_group,
                  array(select m.group_id from group_members m where m.tenant_id = u.tenant_id and m.member_id = u.id) as "groups!: Vec<UserId>",
                  array(select c.value from user_contacts c
                        where c.tenant_id = u.tenant_id and c.user_id = u.id and c.type = 'email' and c.verified_at is not null) as "addresses!"
           from users u where u.tenant_id = $1 and u.archived_at is null"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    let mut users = HashMap::new();
    let mut addresses = HashMap::new();
    for row in rows {
        addresses.extend(row.addresses.into_iter().map(|address| (address, row.id)));
        users.insert(row.id, User { handle: row.handle, name: row.name, is_group: row.is_group, groups: row.groups });
    }
    Ok((users, addresses))
}

impl Desk {
    /// The user whose verified address it is.
    #[must_use]
    pub fn user_at(&self, address: &EmailAddress) -> Option<(UserId, &User)> {
        let id = *self.addresses.get(address.as_str())?;
        Some((id, self.users.get(&id)?))
    }

    /// Whether `user` is one of `members`, or in a group that is, however deep.
    #[must_use]
    pub fn is_among(&self, user: UserId, members: &[UserId]) -> bool {
        let mut seen = vec![user];
        let mut next = 0;
        while let Some(id) = seen.get(next).copied() {
            if members.contains(&id) {
                return true;
            }
            let groups = self.users.get(&id).map_or(&[][..], |user| &user.groups);
            let new: Vec<UserId> = groups.iter().copied().filter(|group| !seen.contains(group)).collect();
            seen.extend(new);
            next += 1;
        }
        false
    }
}
