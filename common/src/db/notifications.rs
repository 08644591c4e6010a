//! Who is told of an event, and what tells them, as planned.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::reply_addresses::ReplyRecipient;
use crate::domain::method::Method;
use crate::domain::preferences::Topic;
use crate::ids::{AccountId, DeliveryId, EventId, NotificationId, TenantId, TicketId, UserId};

/// The channel on which a commit tells that there may be something to deliver.
pub const CHANNEL: &str = "switchboard_deliveries";

/// A way to a person, as `notifications.alternatives` keeps those that are left.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Way {
    /// By what.
    pub method: Method,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// Where it goes.
    pub address: String,
    /// The thread on its channel that it belongs to.
    #[serde(default)]
    pub thread_key: Option<String>,
}

/// One person told of one event.
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
    /// As what it counts in their preferences.
    pub topic: Topic,
    /// What it is about.
    pub title: String,
    /// Why they are told.
    pub reason: String,
    /// They follow what is not theirs, and may stop that.
    pub optional: bool,
    /// The ways that are left when those of the deliveries refuse for good, in their order.
    pub alternatives: Vec<Way>,
    /// What tells them; nothing where it is collected into a digest.
    pub deliveries: Vec<DeliveryRow>,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket's version that the event names.
    pub ticket_version: i32,
    /// When the message arrived that led to it, if one did.
    pub arrived_at: Option<DateTime<Utc>>,
    /// The `traceparent` of what led to it.
    pub trace: Option<String>,
}

/// What tells a person of it on one channel.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Its id.
    pub id: DeliveryId,
    /// By what, from where and to where.
    pub way: Way,
    /// From whose address the message came that led to it.
    pub origin: Option<String>,
    /// The Message-ID of a mail, without angle brackets.
    pub message_id: Option<String>,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// Why it waits until then, where it does.
    pub waits_for: Option<String>,
    /// It is told whatever the hour.
    pub urgent: bool,
    /// It is not to be sent: it has failed before the first attempt, for the notification's reason.
    pub refused: bool,
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

/// How many notifications of users were planned for whom, of which ticket and in which desk, since a time for each; counted
/// up to a number, since more makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    /// For a person.
    pub people: HashMap<(TenantId, UserId), i64>,
    /// Of a ticket.
    pub tickets: HashMap<(TenantId, TicketId), i64>,
    /// In a desk.
    pub tenants: HashMap<TenantId, i64>,
}

/// What to count, since when, and up to which number.
pub type Wanted<T> = (T, DateTime<Utc>, i64);

/// Counts what was planned lately, whether it was told at once or collected.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn count_planned(
    connection: &mut PgConnection,
    people: &[Wanted<(TenantId, UserId)>],
    tickets: &[Wanted<(TenantId, TicketId)>],
    tenants: &[Wanted<TenantId>],
) -> sqlx::Result<Planned> {
    let of_people = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!: TenantId", w.user_id as "user_id!: UserId", c.count as "count!"
           from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[]) as w (tenant_id, user_id, since, most),
                lateral (select count(*) as count from (select from notifications n
                         where n.tenant_id = w.tenant_id and n.user_id = w.user_id and n.planned_at > w.since limit w.most) as n) as c"#,
        &people.iter().map(|((tenant, _), ..)| tenant.0).collect::<Vec<_>>(),
        &people.iter().map(|((_, user), ..)| user.0).collect::<Vec<_>>(),
        &people.iter().map(|(_, since, _)| *since).collect::<Vec<_>>(),
        &people.iter().map(|(.., most)| *most).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let of_tickets = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!: TenantId", w.ticket_id as "ticket_id!: TicketId", c.count as "count!"
           from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bigint[]) as w (tenant_id, ticket_id, since, most),
                lateral (select count(*) as count from (
                    select from event_plans p
                    join notifications n on n.tenant_id = p.tenant_id and n.event_id = p.event_id and n.user_id is not null
                    where p.tenant_id = w.tenant_id and p.ticket_id = w.ticket_id and p.planned_at > w.since limit w.most) as n) as c"#,
        &tickets.iter().map(|((tenant, _), ..)| tenant.0).collect::<Vec<_>>(),
        &tickets.iter().map(|((_, ticket), ..)| ticket.0).collect::<Vec<_>>(),
        &tickets.iter().map(|(_, since, _)| *since).collect::<Vec<_>>(),
        &tickets.iter().map(|(.., most)| *most).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let of_tenants = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!: TenantId", c.count as "count!"
           from unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) as w (tenant_id, since, most),
                lateral (select count(*) as count from (select from notifications n
                         where n.tenant_id = w.tenant_id and n.planned_at > w.since and n.user_id is not null limit w.most) as n) as c"#,
        &tenants.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &tenants.iter().map(|(_, since, _)| *since).collect::<Vec<_>>(),
        &tenants.iter().map(|(.., most)| *most).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(Planned {
        people: of_people.into_iter().map(|row| ((row.tenant_id, row.user_id), row.count)).collect(),
        tickets: of_tickets.into_iter().map(|row| ((row.tenant_id, row.ticket_id), row.count)).collect(),
        tenants: of_tenants.into_iter().map(|row| (row.tenant_id, row.count)).collect(),
    })
}

/// Writes notifications with their deliveries, and claims the Message-IDs of mails as ours.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn insert(connection: &mut PgConnection, rows: &[NotificationRow], now: DateTime<Utc>) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    insert_notifications(connection, rows, now).await?;
    let deliveries: Vec<_> = rows.iter().flat_map(|row| row.deliveries.iter().map(move |delivery| (row, delivery))).collect();
    insert_deliveries(connection, &deliveries, now).await?;
    claim_message_ids(connection, &deliveries).await
}

async fn claim_message_ids(connection: &mut PgConnection, deliveries: &[(&NotificationRow, &DeliveryRow)]) -> sqlx::Result<()> {
    let mails: Vec<_> =
        deliveries.iter().filter_map(|(row, delivery)| Some((row.tenant_id.0, delivery.message_id.as_deref()?, row.ticket_id.0))).collect();
    sqlx::query!(
        "insert into message_ids (tenant_id, message_id, origin, ticket_id)
         select i.tenant_id, i.message_id, 'ours', i.ticket_id from unnest($1::uuid[], $2::text[], $3::uuid[]) as i (tenant_id, message_id, ticket_id)",
        &mails.iter().map(|(tenant, ..)| *tenant).collect::<Vec<_>>(),
        mails.iter().map(|(_, id, _)| *id).collect::<Vec<_>>() as _,
        &mails.iter().map(|(.., ticket)| *ticket).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_notifications(connection: &mut PgConnection, rows: &[NotificationRow], now: DateTime<Utc>) -> sqlx::Result<()> {
    let people: Vec<_> = rows.iter().map(|row| columns(row.recipient)).collect();
    sqlx::query!(
        "insert into notifications (tenant_id, id, event_id, user_id, client_id, template, topic, title, reason, optional, alternatives, planned_at)
         select n.*, $12 from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
                                    $10::bool[], $11::jsonb[]) as n",
        &rows.iter().map(|row| row.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.event_id.0).collect::<Vec<_>>(),
        &people.iter().map(|(user, _)| *user).collect::<Vec<_>>() as &[Option<Uuid>],
        &people.iter().map(|(_, client)| *client).collect::<Vec<_>>() as &[Option<Uuid>],
        rows.iter().map(|row| row.template).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.topic.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.title.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.reason.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|row| row.optional).collect::<Vec<_>>(),
        rows.iter().map(|row| Json(&row.alternatives)).collect::<Vec<_>>() as _,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_deliveries(
    connection: &mut PgConnection,
    rows: &[(&NotificationRow, &DeliveryRow)],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let recipients = rows.iter().map(|(row, _)| match row.recipient {
        ReplyRecipient::User(id) => id.0,
        ReplyRecipient::Client(id) => id.0,
    });
    sqlx::query!(
        "insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, thread_key, origin, message_id, status,
                                 ticket_id, ticket_version, recipient_id, next_attempt_at, waits_for, urgent, planned_at, arrived_at, traceparent)
         select d.tenant_id, d.id, d.notification_id, d.account_id, d.channel, d.address, d.thread_key, d.origin, d.message_id,
                case when d.refused then 'failed' else 'queued' end::delivery_status, d.ticket_id, d.ticket_version, d.recipient_id,
                d.due_at, d.waits_for, d.urgent, $19, d.arrived_at, d.traceparent
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[],
                     $11::int[], $12::uuid[], $13::bool[], $14::timestamptz[], $15::text[], $16::bool[], $17::timestamptz[], $18::text[])
              as d (tenant_id, id, notification_id, account_id, channel, address, thread_key, origin, message_id, ticket_id, ticket_version,
                    recipient_id, refused, due_at, waits_for, urgent, arrived_at, traceparent)",
        &rows.iter().map(|(row, _)| row.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, delivery)| delivery.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(row, _)| row.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, delivery)| delivery.way.account_id.0).collect::<Vec<_>>(),
        rows.iter().map(|(_, delivery)| delivery.way.method.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|(_, delivery)| delivery.way.address.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|(_, delivery)| delivery.way.thread_key.as_deref()).collect::<Vec<_>>() as _,
        rows.iter().map(|(_, delivery)| delivery.origin.as_deref()).collect::<Vec<_>>() as _,
        rows.iter().map(|(_, delivery)| delivery.message_id.as_deref()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(row, _)| row.ticket_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(row, _)| row.ticket_version).collect::<Vec<_>>(),
        &recipients.collect::<Vec<_>>(),
        &rows.iter().map(|(_, delivery)| delivery.refused).collect::<Vec<_>>(),
        &rows.iter().map(|(_, delivery)| delivery.due_at).collect::<Vec<_>>(),
        rows.iter().map(|(_, delivery)| delivery.waits_for.as_deref()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, delivery)| delivery.urgent).collect::<Vec<_>>(),
        &rows.iter().map(|(row, _)| row.arrived_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        rows.iter().map(|(row, _)| row.trace.as_deref()).collect::<Vec<_>>() as _,
        now,
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
