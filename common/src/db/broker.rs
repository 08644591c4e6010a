//! The queue table of the PostgreSQL broker.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::broker::Outgoing;

/// The channel on which a publish tells the name of its queue.
pub const CHANNEL: &str = "switchboard_broker";

/// A message under a lease.
#[derive(Debug)]
pub struct Leased {
    /// The key of its row.
    pub position: i64,
    /// The publisher's id.
    pub id: Uuid,
    /// The sealed envelope.
    pub payload: Vec<u8>,
    /// What the publisher sent with it.
    pub headers: Json<BTreeMap<String, String>>,
    /// How often it was delivered without being given back, this time included.
    pub deliveries: i32,
    /// Proves the lease when it is answered.
    pub lease_token: Uuid,
}

/// Adds messages to a queue and hints at it.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn publish(connection: &mut PgConnection, queue: &str, messages: &[Outgoing], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
    let payloads: Vec<&[u8]> = messages.iter().map(|message| message.payload.as_slice()).collect();
    let headers: Vec<_> = messages.iter().map(|message| Json(&message.headers)).collect();
    sqlx::query!(
        r#"with added as (
               insert into broker.messages (queue, id, payload, headers, visible_at)
               select $1, m.id, m.payload, m.headers, $5
               from unnest($2::uuid[], $3::bytea[], $4::jsonb[]) with ordinality as m (id, payload, headers, n)
               order by m.n
           )
           select pg_notify('switchboard_broker', $1)"#,
        queue,
        &ids,
        payloads as _,
        headers as _,
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Takes up to `limit` messages under a lease until `until`: those in the queue, and those whose
/// lease ran out. What was delivered before is taken alone, so that if it kills whoever takes it, or
/// cannot be done for now, it does neither to others.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(
    connection: &mut PgConnection,
    queue: &str,
    token: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Leased>> {
    let mut leased = sqlx::query_as!(
        Leased,
        r#"with first as materialized (
               select position, deliveries from broker.messages
               where queue = $1 and visible_at <= $3
               order by visible_at, position
               limit 1
               for update skip locked
           ), due as materialized (
               select m.position from broker.messages m
               where m.queue = $1 and m.visible_at <= $3
                 and (m.deliveries = 0 or m.position = (select position from first))
               order by m.visible_at, m.position
               limit coalesce((select case when deliveries = 0 then $5::bigint else 1 end from first), 0)
               for update skip locked
           )
           update broker.messages m
           set lease_token = $2, visible_at = $4, deliveries = deliveries + 1
           from due where m.position = due.position
           returning m.position, m.id, m.payload, m.headers as "headers: _", m.deliveries, m.lease_token as "lease_token!""#,
        queue,
        token,
        now,
        until,
        limit,
    )
    .fetch_all(connection)
    .await?;
    leased.sort_unstable_by_key(|message| message.position);
    Ok(leased)
}

/// How many messages of a queue could be taken now.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn waiting(connection: &mut PgConnection, queue: &str, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let waiting =
        sqlx::query_scalar!(r#"select count(*) as "waiting!" from broker.messages where queue = $1 and visible_at <= $2"#, queue, now)
            .fetch_one(connection)
            .await?;
    Ok(waiting.unsigned_abs())
}

/// Deletes what is done. Returns how many leases still held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn ack(connection: &mut PgConnection, positions: &[i64], tokens: &[Uuid]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from broker.messages m
         using unnest($1::bigint[], $2::uuid[]) as held (position, token)
         where m.position = held.position and m.lease_token = held.token",
        positions,
        tokens,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Puts messages back into the queue. Returns how many leases still held.
///
/// The delivery is taken back as well, down to one: whoever gives back has survived it, and may do so
/// for as long as an outage lasts.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn give_back(connection: &mut PgConnection, positions: &[i64], tokens: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "update broker.messages m
         set lease_token = null, visible_at = $3, deliveries = greatest(m.deliveries - 1, 1)
         from unnest($1::bigint[], $2::uuid[]) as held (position, token)
         where m.position = held.position and m.lease_token = held.token",
        positions,
        tokens,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Moves messages to another queue, with more headers, and hints at it. Returns how many leases
/// still held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn reject(
    connection: &mut PgConnection,
    positions: &[i64],
    tokens: &[Uuid],
    dead_queue: &str,
    headers: &BTreeMap<&str, &str>,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let moved = sqlx::query!(
        "with moved as (
             update broker.messages m
             set queue = $3, headers = m.headers || $4, lease_token = null, visible_at = $5, deliveries = 0
             from unnest($1::bigint[], $2::uuid[]) as held (position, token)
             where m.position = held.position and m.lease_token = held.token
             returning 1
         )
         select count(*) as \"moved!\", pg_notify('switchboard_broker', $3)::text as hint from moved",
        positions,
        tokens,
        dead_queue,
        Json(headers) as _,
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(moved.moved.unsigned_abs())
}
