//! Reads a desk from the database.

use sqlx::PgConnection;

use super::{
    Account, AddressOwner, Block, Category, Contact, Customize, CustomizeData, Department, Desk, Group, Ids, Rule, Sees, Stored, User,
    UserType, clients, mailboxes, preferences, templates,
};
use crate::db::routing::{self, ThreadingPolicy};
use crate::db::senders;
use crate::domain::inbound::Channel;
use crate::domain::policy::{ClosedPolicy, Policies, SpamPolicy, SubjectPolicy, WindowScope};
use crate::domain::rules::{self, Strategy};
use crate::ids::{AccountId, CategoryId, DepartmentId, RuleId, TenantId, UserId};

/// Makes the tenant, if it is not there, and locks it until the end of the transaction, so that two
/// who apply take turns. Returns its id, and whether it is new. Who only refers to the tenant, as
/// every worker does, is not held up.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn lock_tenant(connection: &mut PgConnection, name: &str, new_id: TenantId) -> sqlx::Result<(TenantId, bool)> {
    sqlx::query!("insert into tenants (id, name) values ($1, $2) on conflict (name) do nothing", new_id.0, name)
        .execute(&mut *connection)
        .await?;
    let id = sqlx::query_scalar!(r#"select id as "id: TenantId" from tenants where name = $1 for no key update"#, name)
        .fetch_one(connection)
        .await?;
    Ok((id, id == new_id))
}

/// The tenant of this name.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_tenant(connection: &mut PgConnection, name: &str) -> sqlx::Result<Option<TenantId>> {
    sqlx::query_scalar!(r#"select id as "id: TenantId" from tenants where name = $1"#, name).fetch_optional(connection).await
}

/// Reads a whole desk.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Stored> {
    let mut stored = Stored::default();
    stored.desk.customize = customize(connection, tenant).await?;
    departments(connection, tenant, &mut stored.desk, &mut stored.ids).await?;
    people(connection, tenant, &mut stored).await?;
    categories(connection, tenant, &mut stored.desk, &mut stored.ids).await?;
    accounts(connection, tenant, &mut stored).await?;
    rules(connection, tenant, &mut stored.desk, &mut stored.ids).await?;
    clients::load(connection, tenant, &mut stored.desk, &mut stored.ids).await?;
    stored.desk.block = block(connection, tenant).await?;
    preferences::load(connection, tenant, &mut stored.desk).await?;
    stored.desk.templates = templates::load(connection, tenant).await?;
    Ok(stored)
}

async fn block(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Block> {
    let spam = sqlx::query_scalar!(r#"select spam as "spam: SpamPolicy" from tenants where id = $1"#, tenant.0)
        .fetch_one(&mut *connection)
        .await?;
    Ok(Block { addresses: routing::blocked(connection, tenant).await?.into_iter().collect(), spam })
}

async fn customize(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Customize> {
    let data = sqlx::query_scalar!(r#"select data as "data: CustomizeData" from customize where tenant_id = $1"#, tenant.0)
        .fetch_optional(connection)
        .await?;
    let data = data.map(|data| data.0).unwrap_or_default();
    let text = |key: &str| data.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let hours = data.get("hours").and_then(|hours| serde_json::from_value(hours.clone()).ok());
    let storm = data.get("storm").and_then(|storm| serde_json::from_value(storm.clone()).ok()).unwrap_or_default();
    Ok(Customize {
        brand: text("brand"),
        from_name: text("from_name"),
        logo: text("logo"),
        color: text("color"),
        footer: text("footer"),
        locale: text("locale"),
        timezone: text("timezone"),
        hours,
        storm,
    })
}

async fn departments(connection: &mut PgConnection, tenant: TenantId, desk: &mut Desk, ids: &mut Ids) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select id as "id: DepartmentId", name, description, from_name, archived_at is not null as "archived!"
           from departments where tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        ids.departments.insert(row.name.clone(), row.id);
        if !row.archived {
            desk.departments.insert(row.name, Department { description: row.description, from_name: row.from_name });
        }
    }
    Ok(())
}

async fn people(connection: &mut PgConnection, tenant: TenantId, stored: &mut Stored) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select u.id as "id: UserId", u.handle, u.name, u.email, u.phone, u.type as "kind: UserType", u.is_group,
                  u.archived_at is not null as "archived!",
                  array(select d.name from user_departments ud
                        join departments d on d.tenant_id = ud.tenant_id and d.id = ud.department_id
                        where ud.tenant_id = u.tenant_id and ud.user_id = u.id and d.archived_at is null) as "departments!",
                  array(select m.handle from group_members gm
                        join users m on m.tenant_id = gm.tenant_id and m.id = gm.member_id
                        where gm.tenant_id = u.tenant_id and gm.group_id = u.id) as "members!",
                  array(select c.type || ':' || c.value from user_contacts c
                        where c.tenant_id = u.tenant_id and c.user_id = u.id and c.verified_at is not null) as "contacts!",
                  array(select d.name from department_watchers w
                        join departments d on d.tenant_id = w.tenant_id and d.id = w.department_id
                        where w.tenant_id = u.tenant_id and w.user_id = u.id and d.archived_at is null) as "follows!",
                  u.sees, p.data as "preferences?"
           from users u
           left join preferences p on p.tenant_id = u.tenant_id and p.user_id = u.id and p.layer = 'user'
           where u.tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        stored.ids.users.insert(row.handle.clone(), row.id);
        stored.names.insert(row.handle.clone(), row.name.clone());
        if row.is_group {
            stored.groups.insert(row.handle.clone());
        }
        if row.archived {
            continue;
        }
        if row.is_group {
            let (members, follows) = (row.members.into_iter().collect(), row.follows.into_iter().collect());
            stored.desk.groups.insert(row.handle, Group { name: row.name, members, follows, preferences: row.preferences });
        } else {
            let departments = row.departments.into_iter().collect();
            let contacts = row.contacts.iter().filter_map(|contact| split_contact(contact)).collect();
            let user = User {
                name: row.name,
                email: row.email,
                phone: row.phone,
                kind: row.kind,
                departments,
                contacts,
                sees: Sees::ALL.into_iter().find(|sees| sees.as_str() == row.sees).unwrap_or_default(),
                follows: row.follows.into_iter().collect(),
                preferences: row.preferences,
            };
            stored.desk.users.insert(row.handle, user);
        }
    }
    Ok(())
}

fn split_contact(text: &str) -> Option<Contact> {
    let (channel, value) = text.split_once(':')?;
    Some(Contact { channel: channel.to_owned(), value: value.to_owned() })
}

async fn categories(connection: &mut PgConnection, tenant: TenantId, desk: &mut Desk, ids: &mut Ids) -> sqlx::Result<()> {
    let rows = sqlx::query!(
        r#"select c.id as "id: CategoryId", c.name, c.archived_at is not null as "archived!", d.name as "department?", u.handle as "assignee?",
                  c.assign_by as "by: Strategy"
           from categories c
           left join departments d on d.tenant_id = c.tenant_id and d.id = c.department_id
           left join users u on u.tenant_id = c.tenant_id and u.id = c.assignee_id
           where c.tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        ids.categories.insert(row.name.clone(), row.id);
        if !row.archived {
            desk.categories.insert(row.name, Category { department: row.department, assignee: row.assignee, by: row.by });
        }
    }
    Ok(())
}

async fn accounts(connection: &mut PgConnection, tenant: TenantId, stored: &mut Stored) -> sqlx::Result<()> {
    let Stored { desk, ids, channels, .. } = stored;
    let rows = sqlx::query!(
        r#"select a.id as "id: AccountId", a.name, a.address, a.from_name, c.name as "category?", a.threading as "threading: ThreadingPolicy",
                  a.acknowledge, a.loop_cap, a.disabled_at is not null as "disabled!", a.channel, a.closed as "closed: ClosedPolicy",
                  a.new_subject as "new_subject: SubjectPolicy", a.window_seconds, a.window_from as "window_from: WindowScope"
           from channel_accounts a
           left join categories c on c.tenant_id = a.tenant_id and c.id = a.default_category_id
           where a.tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut mailboxes = mailboxes::load(&mut *connection, tenant).await?;
    let mut senders = senders::of_tenant(connection, tenant).await?;
    for row in rows {
        ids.accounts.insert(row.name.clone(), row.id);
        channels.insert(row.name.clone(), row.channel.clone());
        if !row.disabled {
            let account = Account {
                policies: Policies {
                    closed: row.closed,
                    new_subject: row.new_subject,
                    window: routing::window(&row.channel, row.window_seconds),
                    window_from: row.window_from,
                },
                channel: Channel::named(&row.channel)
                    .ok_or_else(|| sqlx::Error::Decode(format!("no channel is {}", row.channel).into()))?,
                address: row.address,
                from_name: row.from_name,
                category: row.category,
                threading: row.threading,
                acknowledge: row.acknowledge,
                loop_cap: row.loop_cap,
                imap: mailboxes.remove(&row.id),
                sender: senders.remove(&row.id),
            };
            desk.accounts.insert(row.name, account);
        }
    }
    Ok(())
}

async fn rules(connection: &mut PgConnection, tenant: TenantId, desk: &mut Desk, ids: &mut Ids) -> sqlx::Result<()> {
    let rows =
        sqlx::query!(r#"select id as "id: RuleId", name, rule from routing_rules where tenant_id = $1 order by position, name"#, tenant.0)
            .fetch_all(connection)
            .await?;
    for row in rows {
        ids.rules.insert(row.name.clone(), row.id);
        desk.rules.push(Rule { name: row.name, rule: rules::stored(&row.rule) });
    }
    Ok(())
}

/// Who uses these addresses, in any tenant.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn address_owners(connection: &mut PgConnection, addresses: &[String]) -> sqlx::Result<Vec<AddressOwner>> {
    sqlx::query_as!(
        AddressOwner,
        r#"select a.tenant_id as "tenant_id: TenantId", t.name as tenant, a.name as account, a.channel, a.address
           from channel_accounts a join tenants t on t.id = a.tenant_id
           where a.disabled_at is null and a.address = any($1)
           order by a.address"#,
        addresses,
    )
    .fetch_all(connection)
    .await
}
