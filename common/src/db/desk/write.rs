//! Writes a desk. A put makes a row what it should be, also one that was archived. Unique names and
//! addresses may move from one row to another: those that change are released first.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Account, Block, Contact, Customize, Department, StormLimits, User, UserType};
use crate::ambient::Ambient;
use crate::db::signing_keys;
use crate::domain::rules::{self, PRIORITIES, Strategy};
use crate::domain::ticket::TicketState;
use crate::ids::{AccountId, CategoryId, DepartmentId, RuleId, TenantId, UserId};

/// The statuses and priorities that every tenant begins with.
const STATUSES: [(&str, &str, TicketState); 5] = [
    ("Open", "#3b82f6", TicketState::Open),
    ("Waiting for client", "#a855f7", TicketState::WaitingForUser),
    ("Waiting for agent", "#f59e0b", TicketState::WaitingForAgent),
    ("Closed", "#22c55e", TicketState::Closed),
    ("Unresolved", "#6b7280", TicketState::Unresolved),
];
/// The colours of the priorities.
const COLORS: [&str; 4] = ["#9ca3af", "#3b82f6", "#f59e0b", "#ef4444"];
const DEFAULT_PRIORITY: &str = "normal";

/// Gives a tenant what it cannot be without and lacks: a status for each state, a default priority,
/// and a key to sign with. Returns the names of the statuses and priorities that were added.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn seed(connection: &mut PgConnection, tenant: TenantId, ambient: &Ambient) -> sqlx::Result<Vec<String>> {
    let mut added = Vec::new();
    for (name, color, state) in STATUSES {
        let done = sqlx::query!(
            "insert into statuses (tenant_id, id, name, color, state, is_default)
             select $1, $2, $3, $4, $5, true
             where not exists (select from statuses where tenant_id = $1 and state = $5 and is_default)",
            tenant.0,
            ambient.new_id::<Uuid>(),
            name,
            color,
            state as TicketState,
        )
        .execute(&mut *connection)
        .await?;
        added.extend((done.rows_affected() > 0).then(|| name.to_owned()));
    }
    let lacks_priority =
        sqlx::query_scalar!(r#"select not exists (select from priorities where tenant_id = $1 and is_default) as "lacks!""#, tenant.0)
            .fetch_one(&mut *connection)
            .await?;
    for (position, (name, color)) in (1..).zip(PRIORITIES.into_iter().zip(COLORS)).filter(|_| lacks_priority) {
        let done = sqlx::query!(
            "insert into priorities (tenant_id, id, name, color, position, is_default) values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, name) do update set is_default = excluded.is_default",
            tenant.0,
            ambient.new_id::<Uuid>(),
            name,
            color,
            position,
            name == DEFAULT_PRIORITY,
        )
        .execute(&mut *connection)
        .await?;
        added.extend((done.rows_affected() > 0).then(|| name.to_owned()));
    }
    signing_keys::ensure(connection, tenant, ambient).await?;
    Ok(added)
}

/// Tells the workers that what they remember of the desk is old.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn bump_revision(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<()> {
    sqlx::query!("update tenants set revision = revision + 1 where id = $1", tenant.0).execute(connection).await?;
    Ok(())
}

/// Writes how the desk presents itself, and leaves what others keep beside it.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_customize(connection: &mut PgConnection, tenant: TenantId, customize: &Customize) -> sqlx::Result<()> {
    let Customize { brand, from_name, logo, color, footer, locale, timezone, hours, storm } = customize;
    let storm = (*storm != StormLimits::default()).then_some(storm);
    let data = serde_json::json!({ "brand": brand, "from_name": from_name, "logo": logo, "color": color, "footer": footer, "locale": locale,
                                   "timezone": timezone, "hours": hours, "storm": storm });
    sqlx::query!(
        "insert into customize as c (tenant_id, data) values ($1, jsonb_strip_nulls($2))
         on conflict (tenant_id) do update set data = jsonb_strip_nulls(c.data || $2)",
        tenant.0,
        data,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a department.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_department(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: DepartmentId,
    name: &str,
    department: &Department,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into departments (tenant_id, id, name, description, from_name) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, id) do update
         set description = excluded.description, from_name = excluded.from_name, archived_at = null",
        tenant.0,
        id.0,
        name,
        department.description,
        department.from_name,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Archives departments, and takes their people out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn archive_departments(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from user_departments where tenant_id = $1 and department_id = any($2)", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from department_watchers where tenant_id = $1 and department_id = any($2)", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("update departments set archived_at = $3 where tenant_id = $1 and id = any($2)", tenant.0, ids, now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes from people and groups what another may get now: name, mail address, contacts. To be put
/// again in the same transaction.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn release_users(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("delete from user_contacts where tenant_id = $1 and user_id = any($2) and verified_at is not null", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("update users set email = null, name = id::text where tenant_id = $1 and id = any($2)", tenant.0, ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives those who are archived another name, because somebody else has theirs now.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn free_names(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("update users set name = name || ' (formerly ' || handle || ')' where tenant_id = $1 and id = any($2)", tenant.0, ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes a person, with their contacts.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_user(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: UserId,
    handle: &str,
    user: &User,
    ambient: &Ambient,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into users (tenant_id, id, handle, name, email, phone, type, sees) values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, id) do update
         set name = excluded.name, email = excluded.email, phone = excluded.phone, type = excluded.type, sees = excluded.sees,
             archived_at = null",
        tenant.0,
        id.0,
        handle,
        user.name,
        user.email,
        user.phone,
        user.kind as UserType,
        user.sees.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    for Contact { channel, value } in &user.contacts {
        sqlx::query!(
            "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, type, value) do update set user_id = excluded.user_id, verified_at = excluded.verified_at",
            tenant.0,
            ambient.new_id::<Uuid>(),
            id.0,
            channel,
            value,
            ambient.now(),
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Writes a group.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_group(connection: &mut PgConnection, tenant: TenantId, id: UserId, handle: &str, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into users (tenant_id, id, handle, name, is_group) values ($1, $2, $3, $4, true)
         on conflict (tenant_id, id) do update set name = excluded.name, archived_at = null",
        tenant.0,
        id.0,
        handle,
        name,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Archives people and groups. They keep their tickets, and can neither act nor be told.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn archive_users(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("delete from user_contacts where tenant_id = $1 and user_id = any($2)", tenant.0, ids).execute(&mut *connection).await?;
    sqlx::query!("delete from user_departments where tenant_id = $1 and user_id = any($2)", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from department_watchers where tenant_id = $1 and user_id = any($2)", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from group_members where tenant_id = $1 and (group_id = any($2) or member_id = any($2))", tenant.0, ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("update users set email = null, archived_at = $3 where tenant_id = $1 and id = any($2)", tenant.0, ids, now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Puts a person into these departments, and out of all others.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn set_departments(connection: &mut PgConnection, tenant: TenantId, user: UserId, departments: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from user_departments where tenant_id = $1 and user_id = $2 and department_id <> all($3)",
        tenant.0,
        user.0,
        departments
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into user_departments (tenant_id, user_id, department_id) select $1, $2, unnest($3::uuid[]) on conflict do nothing",
        tenant.0,
        user.0,
        departments,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes these the members of a group, and nobody else.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn set_members(connection: &mut PgConnection, tenant: TenantId, group: UserId, members: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("delete from group_members where tenant_id = $1 and group_id = $2 and member_id <> all($3)", tenant.0, group.0, members)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into group_members (tenant_id, group_id, member_id) select $1, $2, unnest($3::uuid[]) on conflict do nothing",
        tenant.0,
        group.0,
        members,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a category.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_category(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: CategoryId,
    name: &str,
    department: Option<DepartmentId>,
    assignee: Option<(UserId, Strategy)>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into categories (tenant_id, id, name, department_id, assignee_id, assign_by) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant_id, id) do update
         set department_id = excluded.department_id, assignee_id = excluded.assignee_id, assign_by = excluded.assign_by, archived_at = null",
        tenant.0,
        id.0,
        name,
        department.map(|id| id.0),
        assignee.map(|(id, _)| id.0),
        assignee.map(|(_, by)| by).unwrap_or_default() as Strategy,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Archives categories.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn archive_categories(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update categories set archived_at = $3 where tenant_id = $1 and id = any($2)", tenant.0, ids, now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Disables accounts: they take and send no mail, and their tickets stay. Also releases their
/// addresses to others, for those that are put again in the same transaction.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn disable_accounts(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update channel_accounts set disabled_at = $3 where tenant_id = $1 and id = any($2)", tenant.0, ids, now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes an account.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_account(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: AccountId,
    name: &str,
    account: &Account,
    category: Option<CategoryId>,
) -> sqlx::Result<()> {
    let policies = &account.policies;
    sqlx::query!(
        "insert into channel_accounts (tenant_id, id, name, address, from_name, default_category_id, threading, acknowledge, loop_cap,
                                       channel, closed, new_subject, window_seconds, window_from)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (tenant_id, id) do update
         set channel = excluded.channel, closed = excluded.closed, new_subject = excluded.new_subject,
             window_seconds = excluded.window_seconds, window_from = excluded.window_from, address = excluded.address, from_name = excluded.from_name, default_category_id = excluded.default_category_id,
             threading = excluded.threading, acknowledge = excluded.acknowledge, loop_cap = excluded.loop_cap, disabled_at = null",
        tenant.0,
        id.0,
        name,
        account.address,
        account.from_name,
        category.map(|id| id.0),
        account.threading as _,
        account.acknowledge,
        account.loop_cap,
        account.channel.as_str(),
        policies.closed as _,
        policies.new_subject as _,
        policies.window.map_or(0, |window| i32::try_from(window.num_seconds()).unwrap_or(i32::MAX)),
        policies.window_from as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes what a tenant does not take.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_block(connection: &mut PgConnection, tenant: TenantId, block: &Block) -> sqlx::Result<()> {
    let entries: Vec<String> = block.addresses.iter().map(ToString::to_string).collect();
    sqlx::query!("delete from blocked_senders where tenant_id = $1 and entry <> all($2)", tenant.0, &entries)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into blocked_senders (tenant_id, entry) select $1, * from unnest($2::text[]) on conflict do nothing",
        tenant.0,
        &entries
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("update tenants set spam = $2 where id = $1", tenant.0, block.spam as _).execute(connection).await?;
    Ok(())
}

/// Deletes rules.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn delete_rules(connection: &mut PgConnection, tenant: TenantId, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("delete from routing_rules where tenant_id = $1 and id = any($2)", tenant.0, ids).execute(connection).await?;
    Ok(())
}

/// Writes a rule at its place in the order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_rule(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: RuleId,
    position: i32,
    name: &str,
    rule: &rules::Rule,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into routing_rules (tenant_id, id, position, name, rule) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, id) do update set position = excluded.position, rule = excluded.rule",
        tenant.0,
        id.0,
        position,
        name,
        rules::document(rule),
    )
    .execute(connection)
    .await?;
    Ok(())
}
