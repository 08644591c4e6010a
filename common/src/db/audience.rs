//! Who could be told: the people of a desk with their groups and departments, and the addresses that
//! the desk itself writes from.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{AccountId, DepartmentId, TenantId, UserId};

/// The people and the addresses of one desk.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Everybody, groups and the archived too.
    pub people: HashMap<UserId, Person>,
    /// The direct members of each group, by handle.
    pub members: HashMap<UserId, Vec<UserId>>,
    /// The departments.
    pub departments: HashMap<DepartmentId, Department>,
    /// The mail accounts, those that are disabled too.
    pub accounts: HashMap<AccountId, MailAccount>,
    /// The addresses of the accounts that take mail.
    pub own_addresses: HashSet<String>,
}

/// A person or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name in mentions and commands.
    pub handle: String,
    /// Whether it is a group.
    pub is_group: bool,
    /// Whether they may do everything.
    pub is_administrator: bool,
    /// Whether they have left.
    pub is_archived: bool,
    /// Where mail for them goes: a verified address, if they have one.
    pub address: Option<String>,
}

/// A department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Its name.
    pub name: String,
    /// Who belongs to it, by handle.
    pub members: Vec<UserId>,
}

/// What an account says about mail going out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAccount {
    /// The address that the desk writes from.
    pub address: String,
    /// Whether a new ticket is acknowledged to its client.
    pub acknowledge: bool,
    /// How many mails an hour go to one address because of mail from one address.
    pub loop_cap: i32,
}

impl Directory {
    /// The account that mail about a ticket goes out by: its own, or for a ticket of another channel the
    /// first of the desk's that takes mail.
    #[must_use]
    pub fn mail_account(&self, of: AccountId) -> Option<(AccountId, &MailAccount)> {
        if let Some(own) = self.accounts.get(&of) {
            return Some((of, own));
        }
        let usable = self.accounts.iter().filter(|(_, account)| self.own_addresses.contains(&account.address.to_lowercase()));
        usable.min_by_key(|(_, account)| &account.address).map(|(id, account)| (*id, account))
    }
}

/// Reads the directories of these tenants.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, tenants: &[Uuid]) -> sqlx::Result<HashMap<TenantId, Directory>> {
    let mut directories: HashMap<TenantId, Directory> = HashMap::new();
    people(connection, tenants, &mut directories).await?;
    members(connection, tenants, &mut directories).await?;
    departments(connection, tenants, &mut directories).await?;
    accounts(connection, tenants, &mut directories).await?;
    Ok(directories)
}

async fn people(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select u.tenant_id as "tenant_id: TenantId", u.id as "id: UserId", u.handle, u.is_group,
                  u.type = 'administrator' as "is_administrator!", u.archived_at is not null as "is_archived!",
                  (select c.value from user_contacts c
                   where c.tenant_id = u.tenant_id and c.user_id = u.id and c.type = 'email' and c.verified_at is not null
                   order by c.value = lower(u.email) desc nulls last, c.verified_at, c.id limit 1) as address
           from users u where u.tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let person = Person {
            handle: row.handle,
            is_group: row.is_group,
            is_administrator: row.is_administrator,
            is_archived: row.is_archived,
            address: row.address,
        };
        directories.entry(row.tenant_id).or_default().people.insert(row.id, person);
    }
    Ok(())
}

async fn members(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.group_id as "group_id: UserId", m.member_id as "member_id: UserId"
           from group_members m join users u on u.tenant_id = m.tenant_id and u.id = m.member_id
           where m.tenant_id = any($1)
           order by u.handle"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        directories.entry(row.tenant_id).or_default().members.entry(row.group_id).or_default().push(row.member_id);
    }
    Ok(())
}

async fn departments(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DepartmentId", d.name,
                  array(select m.user_id from user_departments m join users u on u.tenant_id = m.tenant_id and u.id = m.user_id
                        where m.tenant_id = d.tenant_id and m.department_id = d.id order by u.handle) as "members!: Vec<UserId>"
           from departments d where d.tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let department = Department { name: row.name, members: row.members };
        directories.entry(row.tenant_id).or_default().departments.insert(row.id, department);
    }
    Ok(())
}

async fn accounts(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: AccountId", address, acknowledge, loop_cap, disabled_at is null as "takes_mail!"
           from channel_accounts where tenant_id = any($1) and channel = 'email'"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let directory = directories.entry(row.tenant_id).or_default();
        if row.takes_mail {
            directory.own_addresses.insert(row.address.to_lowercase());
        }
        directory.accounts.insert(row.id, MailAccount { address: row.address, acknowledge: row.acknowledge, loop_cap: row.loop_cap });
    }
    Ok(())
}
