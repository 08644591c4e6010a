//! Who could be told: the people of a desk with their groups and departments, what they are reached by, and the
//! accounts that the desk itself sends by.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::inbound::Channel;
use crate::domain::method::Method;
use crate::domain::preferences::{Every, Storm};
use crate::ids::{AccountId, DepartmentId, PriorityId, TenantId, TicketId, UserId};

/// The people and the accounts of one desk. It holds until the tenant's revision changes.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    /// Everybody, groups and the archived too.
    pub people: HashMap<UserId, Person>,
    /// The direct members of each group, by handle.
    pub members: HashMap<UserId, Vec<UserId>>,
    /// The departments.
    pub departments: HashMap<DepartmentId, Department>,
    /// The accounts of every channel, those that are disabled too.
    pub accounts: HashMap<AccountId, Account>,
    /// The addresses of the accounts that take mail.
    pub own_addresses: HashSet<String>,
    /// The priorities.
    pub priorities: HashMap<PriorityId, Priority>,
    /// What counts as a storm on a ticket and in the whole desk.
    pub storms: Storms,
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
    /// Which tickets they may read, beside those that are theirs.
    pub sees: Sees,
    /// Their verified addresses by method, the preferred first.
    pub addresses: BTreeMap<Method, Vec<String>>,
}

/// Which tickets a person may read, beside those that are assigned to them or have them in cc.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sees {
    /// Every ticket.
    #[default]
    All,
    /// Those of their departments.
    Departments,
    /// None.
    Assigned,
}

/// A department.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Department {
    /// Its name.
    pub name: String,
    /// Who belongs to it, by handle.
    pub members: Vec<UserId>,
    /// Who follows it, by handle.
    pub followers: Vec<UserId>,
}

/// An account: a place where messages come in and go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The method that it sends by; none for calls and forms.
    pub method: Option<Method>,
    /// The way back on its channel.
    pub back: Option<Method>,
    /// The address that the desk has there: of a mailbox, a workspace, a number.
    pub address: String,
    /// Whether it is not disabled, and knows how to send.
    pub sends: bool,
    /// Whether it can send by an approved template outside of a window (WhatsApp).
    pub has_template: bool,
    /// Whether a new ticket is acknowledged to its client.
    pub acknowledge: bool,
    /// How many messages an hour go to one address because of what came from one address.
    pub loop_cap: i32,
}

/// A priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    /// Its name.
    pub name: String,
    /// The higher, the more urgent.
    pub position: i32,
}

/// What counts as a storm, beside what each person says of their own: a tenant's own numbers stand in its
/// `customize.data.storm`, such as `{"ticket": {"most": 50, "within": "5m"}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storms {
    /// So many notifications of one ticket.
    pub ticket: Storm,
    /// So many notifications of the whole desk.
    pub tenant: Storm,
}

impl Default for Storms {
    fn default() -> Self {
        let storm = |most| Storm { most, within: Every::minutes(10) };
        Self { ticket: storm(200), tenant: storm(5000) }
    }
}

impl Storms {
    /// What a tenant says, and what is usual where that is nothing or cannot be read.
    fn read(said: &serde_json::Value) -> Self {
        let of = |what: &str, usual: Storm| {
            let most = said.pointer(&format!("/{what}/most")).and_then(serde_json::Value::as_u64).and_then(|most| u32::try_from(most).ok());
            let within = said.pointer(&format!("/{what}/within")).and_then(|within| Every::try_from(within.as_str()?.to_owned()).ok());
            Storm { most: most.unwrap_or(usual.most), within: within.unwrap_or(usual.within) }
        };
        let usual = Self::default();
        Self { ticket: of("ticket", usual.ticket), tenant: of("tenant", usual.tenant) }
    }
}

impl Directory {
    /// The account that mail about a ticket goes out by: its own, or for a ticket of another channel, or of an account that
    /// was disabled, the first of the desk's that takes mail.
    #[must_use]
    pub fn mail_account(&self, of: AccountId) -> Option<AccountId> {
        if self.accounts.get(&of).is_some_and(|own| own.method == Some(Method::Email) && own.sends) {
            return Some(of);
        }
        self.first(|account| account.method == Some(Method::Email) && account.sends)
    }

    /// The account by which an address is reached about a ticket: mail goes out by [`Self::mail_account`], Slack by the
    /// address's own workspace, and the others by `preferred`, such as the ticket's own, or the first that can send.
    #[must_use]
    pub fn account_for(&self, method: Method, ticket: AccountId, preferred: Option<AccountId>, address: &str) -> Option<AccountId> {
        let sends = |account: &Account| account.method == Some(method) && account.sends;
        match method {
            Method::Email => self.mail_account(ticket),
            Method::Slack => {
                let workspace = address.split_once('/').map(|(workspace, _)| workspace);
                self.first(|account| sends(account) && Some(account.address.as_str()) == workspace)
            }
            Method::Whatsapp | Method::Sms | Method::Webhook => {
                let preferred = preferred.filter(|id| self.accounts.get(id).is_some_and(sends));
                preferred.or_else(|| self.accounts.get(&ticket).filter(|own| sends(own)).map(|_| ticket)).or_else(|| self.first(sends))
            }
        }
    }

    /// The account of the first address that suits.
    fn first(&self, suits: impl Fn(&Account) -> bool) -> Option<AccountId> {
        let found = self.accounts.iter().filter(|(_, account)| suits(account));
        found.min_by_key(|(id, account)| (&account.address, **id)).map(|(id, _)| *id)
    }
}

/// Reads the directories of these tenants.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, tenants: &[Uuid]) -> sqlx::Result<HashMap<TenantId, Directory>> {
    let mut directories: HashMap<TenantId, Directory> = HashMap::new();
    people(connection, tenants, &mut directories).await?;
    contacts(connection, tenants, &mut directories).await?;
    members(connection, tenants, &mut directories).await?;
    departments(connection, tenants, &mut directories).await?;
    accounts(connection, tenants, &mut directories).await?;
    priorities(connection, tenants, &mut directories).await?;
    customized(connection, tenants, &mut directories).await?;
    Ok(directories)
}

async fn people(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select u.tenant_id as "tenant_id: TenantId", u.id as "id: UserId", u.handle, u.is_group,
                  u.type = 'administrator' as "is_administrator!", u.archived_at is not null as "is_archived!", u.sees
           from users u where u.tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let sees = match row.sees.as_str() {
            "all" => Sees::All,
            "departments" => Sees::Departments,
            _ => Sees::Assigned,
        };
        let person = Person {
            handle: row.handle,
            is_group: row.is_group,
            is_administrator: row.is_administrator,
            is_archived: row.is_archived,
            sees,
            addresses: BTreeMap::new(),
        };
        directories.entry(row.tenant_id).or_default().people.insert(row.id, person);
    }
    Ok(())
}

async fn contacts(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select c.tenant_id as "tenant_id: TenantId", c.user_id as "user_id: UserId", c.type as kind, c.value
           from user_contacts c join users u on u.tenant_id = c.tenant_id and u.id = c.user_id
           where c.tenant_id = any($1) and c.verified_at is not null
           order by (c.type = 'email' and c.value = lower(u.email)) desc nulls last, c.verified_at, c.id"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let person = directories.get_mut(&row.tenant_id).and_then(|directory| directory.people.get_mut(&row.user_id));
        let method = Method::ALL.into_iter().find(|method| method.contact_type() == row.kind);
        if let (Some(person), Some(method)) = (person, method) {
            person.addresses.entry(method).or_default().push(row.value);
        }
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
                        where m.tenant_id = d.tenant_id and m.department_id = d.id order by u.handle) as "members!: Vec<UserId>",
                  array(select f.user_id from department_watchers f join users u on u.tenant_id = f.tenant_id and u.id = f.user_id
                        where f.tenant_id = d.tenant_id and f.department_id = d.id order by u.handle) as "followers!: Vec<UserId>"
           from departments d where d.tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let department = Department { name: row.name, members: row.members, followers: row.followers };
        directories.entry(row.tenant_id).or_default().departments.insert(row.id, department);
    }
    Ok(())
}

async fn accounts(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: AccountId", channel, address, acknowledge, loop_cap,
                  disabled_at is null as "is_enabled!", sender is not null as "has_sender!",
                  coalesce(sender->>'template', '') <> '' as "has_template!"
           from channel_accounts where tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let directory = directories.entry(row.tenant_id).or_default();
        let method = Method::named(&row.channel);
        if method == Some(Method::Email) && row.is_enabled {
            directory.own_addresses.insert(row.address.to_lowercase());
        }
        let account = Account {
            method,
            back: Channel::named(&row.channel).and_then(Method::back_on),
            address: row.address,
            sends: row.is_enabled && (row.has_sender || method == Some(Method::Email)),
            has_template: row.has_template,
            acknowledge: row.acknowledge,
            loop_cap: row.loop_cap,
        };
        directory.accounts.insert(row.id, account);
    }
    Ok(())
}

async fn priorities(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: PriorityId", name, position from priorities where tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let priority = Priority { name: row.name, position: row.position };
        directories.entry(row.tenant_id).or_default().priorities.insert(row.id, priority);
    }
    Ok(())
}

async fn customized(connection: &mut PgConnection, tenants: &[Uuid], directories: &mut HashMap<TenantId, Directory>) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", data->'storm' as "storm: Json<serde_json::Value>"
           from customize where tenant_id = any($1)"#,
        tenants,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let directory = directories.entry(row.tenant_id).or_default();
        directory.storms = row.storm.map(|storm| Storms::read(&storm.0)).unwrap_or_default();
    }
    Ok(())
}

/// Who follows these tickets, by handle.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn followers(
    connection: &mut PgConnection,
    tickets: &[(TenantId, TicketId)],
) -> sqlx::Result<HashMap<(TenantId, TicketId), Vec<UserId>>> {
    let rows = sqlx::query!(
        r#"select f.tenant_id as "tenant_id: TenantId", f.ticket_id as "ticket_id: TicketId", f.user_id as "user_id: UserId"
           from ticket_watchers f join users u on u.tenant_id = f.tenant_id and u.id = f.user_id
           where (f.tenant_id, f.ticket_id) in (select * from unnest($1::uuid[], $2::uuid[]))
           order by u.handle"#,
        &tickets.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &tickets.iter().map(|(_, ticket)| ticket.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut followers: HashMap<_, Vec<UserId>> = HashMap::new();
    for row in rows {
        followers.entry((row.tenant_id, row.ticket_id)).or_default().push(row.user_id);
    }
    Ok(followers)
}

/// Where nothing goes any more, among the addresses that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Nothing at all.
    pub all: HashSet<(Method, String)>,
    /// Nothing that is not about the reader's own tickets.
    pub optional: HashSet<(Method, String)>,
}

/// The suppressed among these addresses.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn suppressed(
    connection: &mut PgConnection,
    wanted: &[(TenantId, Method, String)],
) -> sqlx::Result<HashMap<TenantId, Suppressed>> {
    let rows = sqlx::query!(
        r#"select s.tenant_id as "tenant_id: TenantId", s.channel, s.address, s.scope = 'all' as "all!"
           from unnest($1::uuid[], $2::text[], $3::text[]) as w (tenant_id, channel, address)
           join suppressions s on s.tenant_id = w.tenant_id and s.channel = w.channel and s.address = w.address"#,
        &wanted.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        wanted.iter().map(|(_, method, _)| method.as_str()).collect::<Vec<_>>() as _,
        wanted.iter().map(|(.., address)| address.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    let mut found: HashMap<TenantId, Suppressed> = HashMap::new();
    for row in rows {
        let Some(method) = Method::named(&row.channel) else { continue };
        let suppressed = found.entry(row.tenant_id).or_default();
        let scope = if row.all { &mut suppressed.all } else { &mut suppressed.optional };
        scope.insert((method, row.address));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mail_about_a_ticket_whose_account_left_the_desk_goes_by_another() {
        let account = |address: &str, sends| Account {
            method: Some(Method::Email),
            back: Some(Method::Email),
            address: address.to_owned(),
            sends,
            has_template: false,
            acknowledge: true,
            loop_cap: 20,
        };
        let [left, stays] = [1, 2].map(|n| AccountId(Uuid::from_u128(n)));
        let mut directory = Directory {
            accounts: [(left, account("a@desk.example", true)), (stays, account("b@desk.example", true))].into(),
            ..Directory::default()
        };
        assert_eq!(directory.mail_account(left), Some(left));
        directory.accounts.insert(left, account("a@desk.example", false));
        assert_eq!(directory.mail_account(left), Some(stays));
        directory.accounts.insert(stays, account("b@desk.example", false));
        assert_eq!(directory.mail_account(left), None);
    }

    #[test]
    fn a_tenant_may_say_what_counts_as_a_storm_and_what_cannot_be_read_is_as_usual() {
        let usual = Storms::default();
        assert_eq!((usual.ticket.most, usual.tenant.most), (200, 5000));
        assert_eq!(Storms::read(&json!({})), usual);
        let said = Storms::read(&json!({"ticket": {"most": 50, "within": "5m"}, "tenant": {"most": -1, "within": "soon"}}));
        assert_eq!((said.ticket.most, said.ticket.within, said.tenant), (50, Every::minutes(5), usual.tenant));
    }
}
