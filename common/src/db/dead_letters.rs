//! What could not be processed, with its reason; and what people did about it.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::broker::Queue;
use crate::domain::event::Event;

/// What stands for a queue on the dead letter of a mail that lies in its mailbox and could not be taken.
pub const MAILBOX: &str = "mailbox";

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

impl DeadLetter {
    /// Whose desk it is for, if the payload says so. Nobody has checked what it says.
    #[must_use]
    pub fn tenant_id(&self) -> Option<Uuid> {
        let envelope: serde_json::Value = serde_json::from_slice(&self.payload).ok()?;
        envelope.pointer("/body/tenant_id")?.as_str()?.parse().ok()
    }
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
            "insert into dead_letters (id, queue, payload, headers, reason, died_at, tenant_id) values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (id) do update
             set queue = excluded.queue, payload = excluded.payload, headers = excluded.headers, reason = excluded.reason,
                 died_at = excluded.died_at, tenant_id = excluded.tenant_id",
            letter.id,
            letter.queue,
            letter.payload,
            Json(&letter.headers) as _,
            letter.reason,
            letter.died_at,
            letter.tenant_id(),
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
    sqlx::query_as!(
        Row,
        r#"select id, queue, payload, headers as "headers: Json<BTreeMap<String, String>>", reason, died_at
           from dead_letters order by died_at desc, id limit $1"#,
        limit,
    )
    .fetch_all(connection)
    .await
    .map(|rows| rows.into_iter().map(Into::into).collect())
}

/// Those of these ids that are there, the latest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<DeadLetter>> {
    sqlx::query_as!(
        Row,
        r#"select id, queue, payload, headers as "headers: Json<BTreeMap<String, String>>", reason, died_at
           from dead_letters where id = any($1) order by died_at desc, id"#,
        ids,
    )
    .fetch_all(connection)
    .await
    .map(|rows| rows.into_iter().map(Into::into).collect())
}

struct Row {
    id: Uuid,
    queue: String,
    payload: Vec<u8>,
    headers: Json<BTreeMap<String, String>>,
    reason: String,
    died_at: DateTime<Utc>,
}

impl From<Row> for DeadLetter {
    fn from(Row { id, queue, payload, headers, reason, died_at }: Row) -> Self {
        Self { id, queue, payload, headers: headers.0, reason, died_at }
    }
}

/// What somebody did about a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "letter_end", rename_all = "snake_case")]
pub enum LetterEnd {
    /// It was published again as it was.
    Replayed,
    /// It was published again with another payload.
    Edited,
    /// It was thrown away.
    Dropped,
}

/// Who did it, and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The user of the machine.
    pub whom: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Removes dead letters, and returns those that were removed: one that died again since it was loaded
/// is another now, and stays.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn remove(connection: &mut PgConnection, letters: &[&DeadLetter]) -> sqlx::Result<HashSet<Uuid>> {
    let removed = sqlx::query_scalar!(
        "delete from dead_letters d using unnest($1::uuid[], $2::timestamptz[]) as w (id, died_at)
         where d.id = w.id and d.died_at = w.died_at
         returning d.id",
        &letters.iter().map(|letter| letter.id).collect::<Vec<_>>(),
        &letters.iter().map(|letter| letter.died_at).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(removed.into_iter().collect())
}

/// Puts on record what became of dead letters. `ids` are those of the records, one for each letter.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn record(connection: &mut PgConnection, letters: &[&DeadLetter], how: LetterEnd, by: By<'_>, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into settled_letters (id, letter_id, queue, reason, died_at, how, settled_by, settled_at)
         select w.id, w.letter_id, w.queue, w.reason, w.died_at, $6, $7, $8
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) as w (id, letter_id, queue, reason, died_at)",
        ids,
        &letters.iter().map(|letter| letter.id).collect::<Vec<_>>(),
        letters.iter().map(|letter| letter.queue.as_str()).collect::<Vec<_>>() as _,
        letters.iter().map(|letter| letter.reason.as_str()).collect::<Vec<_>>() as _,
        &letters.iter().map(|letter| letter.died_at).collect::<Vec<_>>(),
        how as LetterEnd,
        by.whom,
        by.at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts events back into the outbox that died, so that they are published until they are planned,
/// and later mail on their tickets waits for them again. The relay is hinted at.
///
/// # Errors
/// When the database refuses or cannot be reached, or has not such a ticket.
pub async fn revive(connection: &mut PgConnection, events: &[Event], now: DateTime<Utc>) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = events.iter().map(|event| event.id.0).collect();
    // One that is there although it died goes by what it is now.
    sqlx::query!("delete from outbox where id = any($1)", &ids).execute(&mut *connection).await?;
    super::outbox::add(connection, events, now).await
}

/// Those of the events whose ticket is there: only they can stand in the outbox.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn with_ticket(connection: &mut PgConnection, events: &[&Event]) -> sqlx::Result<HashSet<Uuid>> {
    let found = sqlx::query_scalar!(
        r#"select w.id as "id!" from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (id, tenant_id, ticket_id)
           join tickets t on t.tenant_id = w.tenant_id and t.id = w.ticket_id"#,
        &events.iter().map(|event| event.id.0).collect::<Vec<_>>(),
        &events.iter().map(|event| event.tenant_id.0).collect::<Vec<_>>(),
        &events.iter().map(|event| event.ticket_id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::db::MIGRATIONS;
    use crate::db::mailboxes::{HandedOn, unrouted};
    use crate::db::view::{DeadFilter, list_dead};

    fn letter(died_at: &str) -> DeadLetter {
        DeadLetter {
            id: Uuid::from_u128(1),
            queue: Queue::Inbound.as_str().to_owned(),
            payload: br#"{"body":{"tenant_id":"00000000-0000-0000-0000-000000000007"}}"#.to_vec(),
            headers: BTreeMap::new(),
            reason: "a reason".to_owned(),
            died_at: died_at.parse().expect("a time"),
        }
    }

    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn a_letter_that_died_again_before_its_replay_was_noted_stays(pool: PgPool) {
        let mut connection = pool.acquire().await.expect("a connection");
        let (first, second) = (letter("2026-03-02T09:00:00Z"), letter("2026-03-02T09:00:01.000001Z"));
        store(&mut connection, std::slice::from_ref(&first)).await.expect("stored");
        let loaded = load(&mut connection, &[first.id]).await.expect("loaded");
        assert_eq!(loaded, std::slice::from_ref(&first));

        // It was published, and rejected again at once.
        store(&mut connection, std::slice::from_ref(&second)).await.expect("stored");
        assert!(remove(&mut connection, &[&loaded[0]]).await.expect("asked").is_empty());
        let by = By { whom: "root", at: second.died_at };
        record(&mut connection, &[&loaded[0]], LetterEnd::Replayed, by, &[Uuid::from_u128(2)]).await.expect("recorded");
        let (lines, all) = list_dead(&mut connection, &DeadFilter::default(), 10).await.expect("listed");
        assert_eq!((lines[0].died_at, lines[0].deaths, lines[0].first_died_at, all), (second.died_at, 2, first.died_at, 1));

        assert_eq!(remove(&mut connection, &[&second]).await.expect("removed").len(), 1);
        assert!(load(&mut connection, &[first.id]).await.expect("loaded").is_empty());
    }

    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn a_mail_whose_letter_was_dropped_is_not_waited_for(pool: PgPool) {
        let mut connection = pool.acquire().await.expect("a connection");
        let letter = letter("2026-03-02T09:00:00Z");
        let mail = HandedOn { id: letter.id, external_id: "a key".to_owned() };
        let mut waits =
            async || unrouted(&mut connection, Uuid::from_u128(7).into(), std::slice::from_ref(&mail)).await.expect("asked").len();
        assert_eq!(waits().await, 1);
        let mut connection = pool.acquire().await.expect("a connection");
        let by = By { whom: "root", at: letter.died_at };
        record(&mut connection, &[&letter], LetterEnd::Replayed, by, &[Uuid::from_u128(2)]).await.expect("recorded");
        assert_eq!(waits().await, 1, "it was replayed");
        record(&mut connection, &[&letter], LetterEnd::Dropped, by, &[Uuid::from_u128(3)]).await.expect("recorded");
        assert_eq!(waits().await, 0);
    }

    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn a_letter_is_found_by_the_desk_that_its_payload_names(pool: PgPool) {
        let mut connection = pool.acquire().await.expect("a connection");
        store(&mut connection, &[letter("2026-03-02T09:00:00Z")]).await.expect("stored");
        let mut found = async |tenant: u128| {
            let filter = DeadFilter { tenant: Some(Uuid::from_u128(tenant).into()), ..DeadFilter::default() };
            list_dead(&mut connection, &filter, 10).await.expect("listed").1
        };
        assert_eq!((found(7).await, found(8).await), (1, 0));
        for unreadable in ["", "[]", r#"{"body":7}"#, r#"{"body":{"tenant_id":"7"}}"#] {
            let letter = DeadLetter { payload: unreadable.into(), ..letter("2026-03-02T09:00:00Z") };
            assert_eq!(letter.tenant_id(), None);
        }
    }
}
