//! Dead letters as people look for them: without their payloads, which may be many and large.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::TenantId;

/// Which dead letters are meant; without anything, all of them.
#[derive(Debug, Clone, Default)]
pub struct DeadFilter {
    /// Only these.
    pub ids: Option<Vec<Uuid>>,
    /// From this queue.
    pub queue: Option<String>,
    /// With this in the reason, in upper or lower case.
    pub reason: Option<String>,
    /// Who died then or later.
    pub since: Option<DateTime<Utc>>,
    /// Who died before then.
    pub until: Option<DateTime<Utc>>,
    /// Whose payload says that it is for this desk.
    pub tenant: Option<TenantId>,
}

/// A dead letter on one line.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLine {
    /// The publisher's id.
    pub id: Uuid,
    /// The queue that it was rejected from.
    pub queue: String,
    /// Whose desk it is for, if that can be read.
    pub tenant: Option<String>,
    /// Why it was rejected.
    pub reason: String,
    /// When it died, the last time.
    pub died_at: DateTime<Utc>,
    /// How often it died: it was replayed in between.
    pub deaths: i64,
    /// When it died for the first time.
    pub first_died_at: DateTime<Utc>,
    /// The payload's length in bytes.
    pub size: i64,
}

/// Dead letters of one queue with one reason.
#[derive(Debug, Clone)]
pub struct DeadCount {
    /// The queue that they were rejected from.
    pub queue: String,
    /// Why.
    pub reason: String,
    /// How many.
    pub count: i64,
    /// When the first of them died.
    pub first: DateTime<Utc>,
    /// When the last of them died.
    pub last: DateTime<Utc>,
}

/// A time that somebody replayed or dropped a letter.
#[derive(Debug, Clone, Serialize)]
pub struct Settled {
    /// Which letter.
    pub letter_id: Uuid,
    /// `replayed`, `edited` (replayed with another payload) or `dropped`.
    pub how: String,
    /// The user of the machine who did it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// When it had died.
    pub died_at: DateTime<Utc>,
    /// Why it had.
    pub reason: String,
}

/// The dead letters that are meant, the latest first, at most `limit`; and how many there are.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn list_dead(connection: &mut PgConnection, filter: &DeadFilter, limit: i64) -> sqlx::Result<(Vec<DeadLine>, i64)> {
    let rows = sqlx::query!(
        r#"select d.id, d.queue, d.reason, d.died_at, t.name as "tenant?", octet_length(d.payload)::bigint as "size!",
                  1 + (select count(*) from settled_letters s where s.letter_id = d.id) as "deaths!",
                  least(d.died_at, (select min(s.died_at) from settled_letters s where s.letter_id = d.id)) as "first_died_at!",
                  count(*) over () as "all!"
           from dead_letters d
           left join tenants t on t.id = d.tenant_id
           where ($1::uuid[] is null or d.id = any($1)) and ($2::text is null or d.queue = $2)
             and ($3::text is null or strpos(lower(d.reason), lower($3)) > 0)
             and ($4::timestamptz is null or d.died_at >= $4) and ($5::timestamptz is null or d.died_at < $5)
             and ($6::uuid is null or d.tenant_id = $6)
           order by d.died_at desc, d.id
           limit $7"#,
        filter.ids.as_deref(),
        filter.queue.as_deref(),
        filter.reason.as_deref(),
        filter.since,
        filter.until,
        filter.tenant.map(|tenant| tenant.0),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    let line = rows.into_iter().map(|row| DeadLine {
        id: row.id,
        queue: row.queue,
        tenant: row.tenant,
        reason: row.reason,
        died_at: row.died_at,
        deaths: row.deaths,
        first_died_at: row.first_died_at,
        size: row.size,
    });
    Ok((line.collect(), all))
}

/// How many of the dead letters that are meant have each queue and reason.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn count_dead(connection: &mut PgConnection, filter: &DeadFilter) -> sqlx::Result<Vec<DeadCount>> {
    sqlx::query_as!(
        DeadCount,
        r#"select queue, reason, count(*) as "count!", min(died_at) as "first!", max(died_at) as "last!"
           from dead_letters
           where ($1::uuid[] is null or id = any($1)) and ($2::text is null or queue = $2)
             and ($3::text is null or strpos(lower(reason), lower($3)) > 0)
             and ($4::timestamptz is null or died_at >= $4) and ($5::timestamptz is null or died_at < $5)
             and ($6::uuid is null or tenant_id = $6)
           group by queue, reason
           order by max(died_at) desc, queue, reason"#,
        filter.ids.as_deref(),
        filter.queue.as_deref(),
        filter.reason.as_deref(),
        filter.since,
        filter.until,
        filter.tenant.map(|tenant| tenant.0),
    )
    .fetch_all(connection)
    .await
}

/// For each range of ids, the first few dead letters in it.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_dead(connection: &mut PgConnection, ranges: &[(Uuid, Uuid)]) -> sqlx::Result<Vec<Vec<Uuid>>> {
    let rows = sqlx::query!(
        r#"select w.n as "n!", d.id
           from unnest($1::uuid[], $2::uuid[]) with ordinality as w (low, high, n)
           cross join lateral (select id from dead_letters where id between w.low and w.high order by id limit 5) d
           order by w.n, d.id"#,
        &ranges.iter().map(|(low, _)| *low).collect::<Vec<_>>(),
        &ranges.iter().map(|(_, high)| *high).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut found = vec![Vec::new(); ranges.len()];
    for row in rows {
        if let Some(ids) = usize::try_from(row.n - 1).ok().and_then(|n| found.get_mut(n)) {
            ids.push(row.id);
        }
    }
    Ok(found)
}

/// What was done about the letters in a range of ids, the latest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn settled(connection: &mut PgConnection, (low, high): (Uuid, Uuid)) -> sqlx::Result<Vec<Settled>> {
    sqlx::query_as!(
        Settled,
        r#"select letter_id, how::text as "how!", settled_by as by, settled_at as at, died_at, reason
           from settled_letters where letter_id between $1 and $2 order by settled_at desc, id desc limit 100"#,
        low,
        high,
    )
    .fetch_all(connection)
    .await
}
