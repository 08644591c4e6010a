//! Whose turn it is in the groups that deal their tickets out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{TenantId, UserId};

/// A group's turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turns {
    /// How many there were.
    pub count: i64,
    /// The person who had the last one.
    pub last: Option<UserId>,
}

/// Locks the turns of groups until the end of the transaction, and reads them. After the tickets and
/// tags in the lock order, before the counters of ticket numbers.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn lock(
    connection: &mut PgConnection,
    groups: &BTreeSet<(TenantId, UserId)>,
) -> sqlx::Result<BTreeMap<(TenantId, UserId), Turns>> {
    let rows = sqlx::query!(
        r#"insert into group_turns as g (tenant_id, group_id)
           select w.tenant_id, w.group_id from unnest($1::uuid[], $2::uuid[]) with ordinality as w (tenant_id, group_id, n) order by w.n
           on conflict (tenant_id, group_id) do update set turns = g.turns
           returning tenant_id as "tenant_id: TenantId", group_id as "group_id: UserId", turns, last_user_id as "last: UserId""#,
        &groups.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &groups.iter().map(|(_, group)| group.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.group_id), Turns { count: row.turns, last: row.last })).collect())
}

/// Writes the turns of groups that are locked.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn write(connection: &mut PgConnection, turns: &BTreeMap<(TenantId, UserId), Turns>) -> sqlx::Result<()> {
    let rows: Vec<_> = turns.iter().collect();
    sqlx::query!(
        "update group_turns g set turns = w.turns, last_user_id = w.last
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[]) as w (tenant_id, group_id, turns, last)
         where g.tenant_id = w.tenant_id and g.group_id = w.group_id",
        &rows.iter().map(|((tenant, _), _)| tenant.0).collect::<Vec<_>>(),
        &rows.iter().map(|((_, group), _)| group.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, turns)| turns.count).collect::<Vec<_>>(),
        &rows.iter().map(|(_, turns)| turns.last.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many tickets that are not over each of these people has. To be asked when the turns are locked:
/// it sees what those committed who held them before.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn open_tickets(
    connection: &mut PgConnection,
    people: &BTreeSet<(TenantId, UserId)>,
) -> sqlx::Result<HashMap<(TenantId, UserId), i64>> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select a.tenant_id as "tenant_id: TenantId", a.user_id as "user_id: UserId", count(*) as "count!"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, user_id)
           join ticket_assignments a on a.tenant_id = w.tenant_id and a.user_id = w.user_id
           join tickets t on t.tenant_id = a.tenant_id and t.id = a.ticket_id
           join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id and s.state not in ('closed', 'unresolved')
           group by 1, 2"#,
        &people.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &people.iter().map(|(_, user)| user.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.user_id), row.count)).collect())
}
