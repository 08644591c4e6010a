//! How much waits, and for how long: for metrics.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Events that are not planned yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outbox {
    /// How many.
    pub count: i64,
    /// Since when there is the oldest.
    pub oldest: Option<DateTime<Utc>>,
}

/// What waits in the outbox.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn outbox(connection: &mut PgConnection) -> sqlx::Result<Outbox> {
    sqlx::query_as!(Outbox, r#"select count(*) as "count!", min(created_at) as oldest from outbox"#).fetch_one(connection).await
}

/// How many dead letters there are, by the queue that they come from: every queue that has any, and
/// those that a worker names also when there are none, so that the number goes back to 0.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn dead_letters(connection: &mut PgConnection) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select coalesce(d.queue, q.queue) as "queue!", count(d.id) as "count!"
           from unnest(array['inbound', 'inbound.backlog', 'events', 'mailbox', 'unknown']) as q (queue)
           full join dead_letters d on d.queue = q.queue
           group by 1"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.queue, row.count)).collect())
}

/// Deliveries of a channel that are not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliveries {
    /// The channel.
    pub channel: String,
    /// `queued`, `sending` or `held`.
    pub status: String,
    /// How many.
    pub count: i64,
    /// Since when the one of the channel is due that has been due for longest.
    pub due_since: Option<DateTime<Utc>>,
}

/// What waits to be delivered, for each channel and status, also where that is nothing. Each status by
/// its own index: most deliveries are done, and they are many.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn deliveries(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<Deliveries>> {
    sqlx::query_as!(
        Deliveries,
        r#"with unfinished as (
               select channel, 'queued'::delivery_status as status, count(*) as count,
                      min(next_attempt_at) filter (where next_attempt_at <= $1) as due
               from deliveries where status = 'queued' group by 1
               union all
               select channel, 'sending', count(*), null from deliveries where status = 'sending' group by 1
               union all
               select channel, 'held', count(*), null from deliveries where status = 'held' group by 1
           )
           select c.channel as "channel!", s.status::text as "status!", coalesce(u.count, 0) as "count!",
                  (select min(due) from unfinished d where d.channel = c.channel) as due_since
           from (select distinct channel from channel_accounts) c
           cross join unnest(array['queued', 'sending', 'held']::delivery_status[]) as s (status)
           left join unfinished u on u.channel = c.channel and u.status = s.status"#,
        now,
    )
    .fetch_all(connection)
    .await
}
