//! Events on their way to the notifier. A row is added in the transaction of the change that it
//! tells of, and goes when its event was planned.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::event::Event;

/// The channel on which a commit tells that there are rows to publish.
pub const CHANNEL: &str = "switchboard_outbox";

/// Adds events, to be published at once.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add(connection: &mut PgConnection, events: &[Event], now: DateTime<Utc>) -> sqlx::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = events.iter().map(|event| event.tenant_id.0).collect();
    let ids: Vec<Uuid> = events.iter().map(|event| event.id.0).collect();
    let tickets: Vec<Uuid> = events.iter().map(|event| event.ticket_id.0).collect();
    let versions: Vec<i32> = events.iter().map(|event| event.version).collect();
    let payloads: Vec<Json<&Event>> = events.iter().map(Json).collect();
    sqlx::query!(
        "with added as (
             insert into outbox (tenant_id, id, ticket_id, version, payload, publish_at)
             select e.tenant_id, e.id, e.ticket_id, e.version, e.payload, $6
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::jsonb[]) as e (tenant_id, id, ticket_id, version, payload)
         )
         select pg_notify('switchboard_outbox', '')::text as hint",
        &tenants,
        &ids,
        &tickets,
        &versions,
        payloads as _,
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Takes up to `limit` rows that are due under a lease until `until`: new ones, and those that were
/// published or taken long ago and are still not planned. Each is an event's id and the event as it
/// was kept: one of a newer version, which cannot be read here, must not hold up the others.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(
    connection: &mut PgConnection,
    token: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, serde_json::Value)>> {
    let rows = sqlx::query!(
        r#"with due as materialized (
               select tenant_id, id from outbox where publish_at <= $2
               order by publish_at, id limit $4
               for update skip locked
           )
           update outbox o set lease_token = $1, publish_at = $3
           from due where o.tenant_id = due.tenant_id and o.id = due.id
           returning o.id, o.payload"#,
        token,
        now,
        until,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.payload)).collect())
}

/// Notes that the rows under this lease were published. They come up again at `again`, unless their
/// event was planned by then; and the next times ever later, up to an hour, so that whoever plans
/// and was away for long does not find a queue full of doubles.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn published(connection: &mut PgConnection, token: Uuid, now: DateTime<Utc>, again: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update outbox
         set published_at = coalesce(published_at, $2::timestamptz), lease_token = null,
             publish_at = $3::timestamptz + least($2 - coalesce(published_at, $2), interval '1 hour')
         where lease_token = $1",
        token,
        now,
        again,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives back the rows under this lease, which could not be published: whoever can takes them.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn give_back(connection: &mut PgConnection, token: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("update outbox set lease_token = null, publish_at = $2 where lease_token = $1", token, now).execute(connection).await?;
    Ok(())
}

/// Takes planned events out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn planned(connection: &mut PgConnection, tenants: &[Uuid], events: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from outbox o using unnest($1::uuid[], $2::uuid[]) as e (tenant_id, id)
         where o.tenant_id = e.tenant_id and o.id = e.id",
        tenants,
        events,
    )
    .execute(connection)
    .await?;
    Ok(())
}
