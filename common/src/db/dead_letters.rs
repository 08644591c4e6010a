//! What could not be processed, with its reason.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::broker::Queue;

/// A message that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The publisher's id.
    pub id: Uuid,
    /// The queue that it was rejected from.
    pub queue: String,
    /// The sealed envelope, as it was.
    pub payload: Vec<u8>,
    /// What the publisher sent with it.
    pub headers: BTreeMap<String, String>,
    /// Why it was rejected.
    pub reason: String,
    /// When it was taken from the broker.
    pub died_at: DateTime<Utc>,
}

/// Keeps dead letters. One that died before is written again, as it is now. A dead event
/// leaves the outbox, so that it neither is published again nor holds up its ticket's later mail.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn store(connection: &mut PgConnection, letters: &[DeadLetter]) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    for letter in letters {
        sqlx::query!(
            "insert into dead_letters (id, queue, payload, headers, reason, died_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (id) do update
             set queue = excluded.queue, payload = excluded.payload, headers = excluded.headers, reason = excluded.reason, died_at = excluded.died_at",
            letter.id,
            letter.queue,
            letter.payload,
            Json(&letter.headers) as _,
            letter.reason,
            letter.died_at,
        )
        .execute(&mut *transaction)
        .await?;
    }
    let events: Vec<Uuid> = letters.iter().filter(|letter| letter.queue == Queue::Events.as_str()).map(|letter| letter.id).collect();
    sqlx::query!("delete from outbox where id = any($1)", &events).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// All of them, the latest first, at most `limit`.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn list(connection: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<DeadLetter>> {
    let rows = sqlx::query!(
        r#"select id, queue, payload, headers as "headers: Json<BTreeMap<String, String>>", reason, died_at
           from dead_letters order by died_at desc, id limit $1"#,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeadLetter {
            id: row.id,
            queue: row.queue,
            payload: row.payload,
            headers: row.headers.0,
            reason: row.reason,
            died_at: row.died_at,
        })
        .collect())
}
