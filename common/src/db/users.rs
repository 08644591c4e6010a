//! The people of a desk: who is there, and who is away.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use crate::ids::{TenantId, TicketId, UserId};

/// A person in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserLine {
    /// The tenant's name.
    pub tenant: String,
    /// The name in commands.
    pub handle: String,
    /// The full name.
    pub name: String,
    /// Their departments.
    pub departments: Vec<String>,
    /// Until when they are away, if they are.
    pub away_until: Option<DateTime<Utc>>,
    /// How many tickets of theirs are not over.
    pub open_tickets: i64,
}

/// The people of one tenant or of all, groups and those archived left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn list(connection: &mut PgConnection, tenant: Option<TenantId>, now: DateTime<Utc>) -> sqlx::Result<Vec<UserLine>> {
    sqlx::query_as!(
        UserLine,
        r#"select tn.name as tenant, u.handle, u.name,
                  array(select d.name from user_departments ud
                        join departments d on d.tenant_id = ud.tenant_id and d.id = ud.department_id
                        where ud.tenant_id = u.tenant_id and ud.user_id = u.id order by d.name) as "departments!",
                  case when u.away_until > $2 then u.away_until end as away_until,
                  (select count(*) from ticket_assignments a
                   join tickets t on t.tenant_id = a.tenant_id and t.id = a.ticket_id
                   join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id and s.state not in ('closed', 'unresolved')
                   where a.tenant_id = u.tenant_id and a.user_id = u.id) as "open_tickets!"
           from users u join tenants tn on tn.id = u.tenant_id
           where ($1::uuid is null or u.tenant_id = $1) and not u.is_group and u.archived_at is null
           order by tn.name, u.handle"#,
        tenant.map(|id| id.0),
        now,
    )
    .fetch_all(connection)
    .await
}

/// Notes until when a person is away, or that they are back. Returns whether there is such a person.
/// The workers know from the next message on.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn set_away(connection: &mut PgConnection, tenant: TenantId, handle: &str, until: Option<DateTime<Utc>>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with changed as (update users set away_until = $3
                          where tenant_id = $1 and handle = $2 and not is_group and archived_at is null returning tenant_id)
         update tenants set revision = revision + 1 where id in (select tenant_id from changed)",
        tenant.0,
        handle,
        until,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The time zone that a tenant's desk names.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn timezone(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<Option<String>> {
    let zone = sqlx::query_scalar!("select data ->> 'timezone' from customize where tenant_id = $1", tenant.0);
    Ok(zone.fetch_optional(connection).await?.flatten())
}

/// A person or a group, by whom commands find them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName {
    /// Whose.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant: String,
    /// Their id.
    pub id: UserId,
    /// The name in commands.
    pub handle: String,
    /// The full name.
    pub name: String,
    /// Whether it is a group.
    pub is_group: bool,
}

/// The people and groups of one tenant or of all, those archived left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn names(connection: &mut PgConnection, tenant: Option<TenantId>) -> sqlx::Result<Vec<UserName>> {
    sqlx::query_as!(
        UserName,
        r#"select u.tenant_id as "tenant_id: TenantId", tn.name as tenant, u.id as "id: UserId", u.handle, u.name, u.is_group
           from users u join tenants tn on tn.id = u.tenant_id
           where ($1::uuid is null or u.tenant_id = $1) and u.archived_at is null
           order by tn.name, u.handle"#,
        tenant.map(|id| id.0),
    )
    .fetch_all(connection)
    .await
}

/// Makes a person or a group follow a ticket, and returns whether they did not already.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn watch_ticket(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId, user: UserId) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into ticket_watchers (tenant_id, ticket_id, user_id) values ($1, $2, $3) on conflict do nothing",
        tenant.0,
        ticket.0,
        user.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Makes a person or a group follow a ticket no longer, and returns whether they did.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn unwatch_ticket(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId, user: UserId) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("delete from ticket_watchers where tenant_id = $1 and ticket_id = $2 and user_id = $3", tenant.0, ticket.0, user.0)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// The user of this handle, and whether it is a group. Those who have left have none.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn by_handle(connection: &mut PgConnection, tenant: TenantId, handle: &str) -> sqlx::Result<Option<(UserId, bool)>> {
    let row = sqlx::query!(
        r#"select id as "id: UserId", is_group from users where tenant_id = $1 and handle = $2 and archived_at is null"#,
        tenant.0,
        handle,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.id, row.is_group)))
}
