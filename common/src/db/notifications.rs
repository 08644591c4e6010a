//! Who is told of an event, and the mail that tells them, as planned.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::reply_addresses::ReplyRecipient;
use crate::ids::{AccountId, DeliveryId, EventId, NotificationId, TenantId, TicketId};

/// The channel on which a commit tells that there may be something to deliver.
pub const CHANNEL: &str = "switchboard_deliveries";

/// One person told of one event, by mail.
#[derive(Debug, Clone)]
pub struct NotificationRow {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: NotificationId,
    /// Of what they are told.
    pub event_id: EventId,
    /// The person.
    pub recipient: ReplyRecipient,
    /// What they read, such as `ticket.created.agent`.
    pub template: &'static str,
    /// What it is about.
    pub title: String,
    /// Why they are told.
    pub reason: String,
    /// The delivery's id.
    pub delivery_id: DeliveryId,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// Where it goes.
    pub address: String,
    /// Whose mail led to it.
    pub origin: Option<String>,
    /// The Message-ID, without angle brackets.
    pub message_id: String,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket's version that the event names.
    pub ticket_version: i32,
    /// It is not to be sent: it has failed before the first attempt, for the reason above.
    pub refused: bool,
    /// When the message arrived that led to it, if one did.
    pub arrived_at: Option<DateTime<Utc>>,
    /// The `traceparent` of what led to it.
    pub trace: Option<String>,
}

/// How many mails were planned since `since` for pairs of origin and address, without those that
/// were refused before the first attempt.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn count_pairs(
    connection: &mut PgConnection,
    pairs: &[(TenantId, String, String)],
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<(TenantId, String, String), i64>> {
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.origin as "origin!", d.address, count(*) as "count!"
           from unnest($1::uuid[], $2::text[], $3::text[]) as w (tenant_id, origin, address)
           join deliveries d on d.tenant_id = w.tenant_id and d.address = w.address and d.origin = w.origin
           where d.planned_at > $4 and not (d.status = 'failed' and d.attempts = 0)
           group by 1, 2, 3"#,
        &pairs.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        pairs.iter().map(|(_, origin, _)| origin.as_str()).collect::<Vec<_>>() as _,
        pairs.iter().map(|(.., address)| address.as_str()).collect::<Vec<_>>() as _,
        since,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.origin, row.address), row.count)).collect())
}

/// Writes notifications with their deliveries, due at once, and claims their Message-IDs as ours.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn insert(connection: &mut PgConnection, rows: &[NotificationRow], now: DateTime<Utc>) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    insert_notifications(connection, rows).await?;
    insert_deliveries(connection, rows, now).await?;
    sqlx::query!(
        "insert into message_ids (tenant_id, message_id, origin, ticket_id)
         select i.tenant_id, i.message_id, 'ours', i.ticket_id from unnest($1::uuid[], $2::text[], $3::uuid[]) as i (tenant_id, message_id, ticket_id)",
        &rows.iter().map(|row| row.tenant_id.0).collect::<Vec<_>>(),
        rows.iter().map(|row| row.message_id.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.ticket_id.0).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_notifications(connection: &mut PgConnection, rows: &[NotificationRow]) -> sqlx::Result<()> {
    let people: Vec<_> = rows.iter().map(|row| columns(row.recipient)).collect();
    sqlx::query!(
        "insert into notifications (tenant_id, id, event_id, user_id, client_id, template, title, reason)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[])",
        &rows.iter().map(|row| row.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.event_id.0).collect::<Vec<_>>(),
        &people.iter().map(|(user, _)| *user).collect::<Vec<_>>() as &[Option<Uuid>],
        &people.iter().map(|(_, client)| *client).collect::<Vec<_>>() as &[Option<Uuid>],
        rows.iter().map(|row| row.template).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_deliveries(connection: &mut PgConnection, rows: &[NotificationRow], now: DateTime<Utc>) -> sqlx::Result<()> {
    let recipients = rows.iter().map(|row| match row.recipient {
        ReplyRecipient::User(id) => id.0,
        ReplyRecipient::Client(id) => id.0,
    });
    sqlx::query!(
        "insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, origin, message_id, status,
                                 ticket_id, ticket_version, recipient_id, next_attempt_at, planned_at, arrived_at, traceparent)
         select d.tenant_id, d.id, d.notification_id, d.account_id, 'email', d.address, d.origin, d.message_id,
                case when d.refused then 'failed' else 'queued' end::delivery_status, d.ticket_id, d.ticket_version, d.recipient_id, $12, $12,
                d.arrived_at, d.traceparent
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::int[], $10::uuid[], $11::bool[],
                     $13::timestamptz[], $14::text[])
              as d (tenant_id, id, notification_id, account_id, address, origin, message_id, ticket_id, ticket_version, recipient_id, refused,
                    arrived_at, traceparent)",
        &rows.iter().map(|row| row.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.delivery_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.account_id.0).collect::<Vec<_>>(),
        rows.iter().map(|row| row.address.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.origin.as_deref()).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.message_id.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.ticket_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.ticket_version).collect::<Vec<_>>(),
        &recipients.collect::<Vec<_>>(),
        &rows.iter().map(|row| row.refused).collect::<Vec<_>>(),
        now,
        &rows.iter().map(|row| row.arrived_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        rows.iter().map(|row| row.trace.as_deref()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells those who deliver, when the transaction is committed, that they may find something.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn hint(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify($1, '')::text as hint", CHANNEL).fetch_one(connection).await?;
    Ok(())
}

fn columns(recipient: ReplyRecipient) -> (Option<Uuid>, Option<Uuid>) {
    match recipient {
        ReplyRecipient::User(id) => (Some(id.0), None),
        ReplyRecipient::Client(id) => (None, Some(id.0)),
    }
}
