//! Deliveries on their way. Whoever sends one holds a committed lease with a token: an attempt stands
//! as `sending` before any I/O, and only who still holds the lease may say how it ended.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::inbound::Channel;
use crate::ids::{DeliveryId, MessageId, TenantId, TicketId};
use crate::telemetry::trace::TraceParent;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "attempt_outcome", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It is still under way, or whoever made it died.
    Sending,
    /// The other side took it.
    Sent,
    /// The other side did not take it, and may later.
    RefusedForNow,
    /// The other side will not take it.
    RefusedForGood,
    /// Nobody knows whether the other side took it.
    Ambiguous,
}

impl AttemptOutcome {
    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::RefusedForNow => "refused_for_now",
            Self::RefusedForGood => "refused_for_good",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "delivery_status", rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its time.
    Queued,
    /// Somebody holds a lease on it.
    Sending,
    /// The other side took it.
    Sent,
    /// It arrived.
    Delivered,
    /// It was read.
    Read,
    /// It is not tried again.
    Failed,
    /// A person has to decide.
    Held,
}

/// A delivery under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The delivery.
    pub id: DeliveryId,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// How many attempts count towards giving up, this one included: not those that were excused.
    pub counted: i32,
    /// Proves the lease.
    pub token: Uuid,
    /// When it ends.
    pub until: DateTime<Utc>,
    /// When the message arrived that led to it, if one did.
    pub arrived_at: Option<DateTime<Utc>>,
    /// The span that planned it.
    pub trace: Option<TraceParent>,
}

/// Takes up to `limit` due deliveries of a channel under a lease, and notes the attempts.
///
/// One waits while its ticket has an earlier event that is not planned yet, and while an earlier
/// delivery on the same ticket to the same person is not done: answers keep their order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(
    connection: &mut PgConnection,
    channel: Channel,
    token: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Leased>> {
    let rows = sqlx::query!(
        r#"with due as materialized (
               select d.tenant_id, d.id from deliveries d
               where d.channel = $1 and d.status = 'queued' and d.next_attempt_at <= $3
                 and not exists (
                     select from outbox o
                     where o.tenant_id = d.tenant_id and o.ticket_id = d.ticket_id and o.version < d.ticket_version)
                 and not exists (
                     select from deliveries e
                     where e.tenant_id = d.tenant_id and e.ticket_id = d.ticket_id and e.recipient_id = d.recipient_id
                       and e.channel = d.channel and e.status in ('queued', 'sending')
                       and (e.ticket_version, e.planned_at, e.id) < (d.ticket_version, d.planned_at, d.id))
               order by d.next_attempt_at, d.ticket_version, d.id
               limit $5
               for update of d skip locked
           ), leased as (
               update deliveries d set status = 'sending', attempts = d.attempts + 1, lease_token = $2, leased_until = $4
               from due where d.tenant_id = due.tenant_id and d.id = due.id
               returning d.tenant_id, d.id, d.attempts, d.excused, d.arrived_at, d.traceparent
           ), noted as (
               insert into delivery_attempts (tenant_id, delivery_id, attempt, lease_token, outcome, started_at)
               select tenant_id, id, attempts, $2, 'sending', $3 from leased
           )
           select tenant_id as "tenant_id: TenantId", id as "id: DeliveryId", attempts, excused, arrived_at, traceparent from leased"#,
        channel.as_str(),
        token,
        now,
        until,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let leased = rows.into_iter().map(|row| Leased {
        tenant_id: row.tenant_id,
        id: row.id,
        attempt: row.attempts,
        counted: row.attempts - row.excused,
        token,
        until,
        arrived_at: row.arrived_at,
        trace: row.traceparent.and_then(|text| TraceParent::parse(&text)),
    });
    Ok(leased.collect())
}

/// Takes deliveries back whose lease ran out: whoever had them died, or was too slow, and nobody knows
/// whether they were sent. They are due again at once, unless `most` attempts that count were made. Returns
/// those that were taken back, and whether they failed for that.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn expire(
    connection: &mut PgConnection,
    channel: Channel,
    most: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(TenantId, DeliveryId, DeliveryStatus)>> {
    let rows = sqlx::query!(
        r#"with expired as materialized (
               select tenant_id, id, attempts, excused, lease_token from deliveries
               where channel = $1 and status = 'sending' and leased_until < $3
               order by leased_until
               limit 256
               for update skip locked
           ), marked as (
               update delivery_attempts a
               set outcome = 'ambiguous', finished_at = $3, answer = 'whoever sent it did not come back to say how it ended'
               from expired e
               where a.tenant_id = e.tenant_id and a.delivery_id = e.id and a.attempt = e.attempts and a.lease_token = e.lease_token
           )
           update deliveries d
           set status = case when e.attempts - e.excused >= $2 then 'failed' else 'queued' end::delivery_status,
               next_attempt_at = $3, lease_token = null, leased_until = null
           from expired e where d.tenant_id = e.tenant_id and d.id = e.id
           returning d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", d.status as "status: DeliveryStatus""#,
        channel.as_str(),
        most,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id, row.status)).collect())
}

/// How an attempt ended, and what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What the other side said, or why it was not asked.
    pub answer: String,
    /// Where that leaves the delivery.
    pub status: DeliveryStatus,
    /// When it is tried again, if it is.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Whether the attempt does not count towards giving up, because the mail was not its reason.
    pub excused: bool,
}

/// Writes how an attempt ended. Returns `false`, and writes nothing, when the lease was lost.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn record(connection: &mut PgConnection, leased: &Leased, report: &Report, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let recorded = sqlx::query!(
        "with held as (
             update deliveries
             set status = $4, next_attempt_at = coalesce($5, next_attempt_at), lease_token = null, leased_until = null,
                 sent_at = case when $4 = 'sent'::delivery_status then $6 else sent_at end,
                 excused = excused + $9::boolean::integer
             where tenant_id = $1 and id = $2 and status = 'sending' and lease_token = $3
             returning tenant_id, id, attempts
         )
         update delivery_attempts a set outcome = $7, answer = $8, finished_at = $6
         from held where a.tenant_id = held.tenant_id and a.delivery_id = held.id and a.attempt = held.attempts",
        leased.tenant_id.0,
        leased.id.0,
        leased.token,
        report.status as DeliveryStatus,
        report.next_attempt_at,
        now,
        report.outcome as AttemptOutcome,
        report.answer,
        report.excused,
    )
    .execute(connection)
    .await?;
    Ok(recorded.rows_affected() == 1)
}

/// The earliest time after `now` at which something of a channel is due, or a lease ends.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn next_due(connection: &mut PgConnection, channel: Channel, now: DateTime<Utc>) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select least(
             (select min(next_attempt_at) from deliveries where channel = $1 and status = 'queued' and next_attempt_at > $2),
             (select min(leased_until) from deliveries where channel = $1 and status = 'sending' and leased_until > $2))",
        channel.as_str(),
        now,
    )
    .fetch_one(connection)
    .await
}

/// What is said of a delivery that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What was to be read, such as `message.added.client`.
    pub template: String,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket's version by now.
    pub version: i32,
    /// The message that was to be delivered, or told of.
    pub message_id: Option<MessageId>,
}

/// What a delivery was, now that it has failed.
///
/// # Errors
/// When the database refuses or cannot be reached, or there is no such delivery.
pub async fn failed(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId) -> sqlx::Result<Failed> {
    sqlx::query_as!(
        Failed,
        r#"select n.template, d.ticket_id as "ticket_id!: TicketId", t.version, p.message_id as "message_id: MessageId"
           from deliveries d
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
           join tickets t on t.tenant_id = d.tenant_id and t.id = d.ticket_id
           where d.tenant_id = $1 and d.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_one(connection)
    .await
}
