//! Deliveries on their way. Whoever sends one holds a committed lease with a token: an attempt stands
//! as `sending` before any I/O, and only who still holds the lease may say how it ended.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::limits::AccountKey;
use crate::domain::method::Method;
use crate::ids::{AccountId, DeliveryId, TenantId};
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

impl DeliveryStatus {
    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Held => "held",
        }
    }
}

/// A delivery, among all tenants'.
pub type DeliveryKey = (TenantId, DeliveryId);

/// A delivery under a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The delivery.
    pub id: DeliveryId,
    /// By which way it goes.
    pub method: Method,
    /// The account that it is sent from.
    pub account_id: AccountId,
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

impl Leased {
    /// Which delivery it is.
    #[must_use]
    pub fn key(&self) -> DeliveryKey {
        (self.tenant_id, self.id)
    }

    /// Which account it is sent from.
    #[must_use]
    pub fn account(&self) -> AccountKey {
        (self.tenant_id, self.account_id)
    }
}

/// How many deliveries of an account are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// By which way.
    pub method: Method,
    /// The account.
    pub account: AccountKey,
    /// At most so many.
    pub most: usize,
}

/// Takes due deliveries of these accounts under a lease, each account's as many as are wanted of it, and notes the attempts.
///
/// One waits while its ticket has an earlier event that is not planned yet, and while an earlier
/// delivery on the same ticket to the same person by the same way is not done, or one by another way that stands in for
/// it: answers keep their order. What is held for a person to decide keeps nothing waiting: it may be held for long.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(
    connection: &mut PgConnection,
    shares: &[Share],
    token: Uuid,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Leased>> {
    let rows = sqlx::query!(
        r#"with due as materialized (
               select d.tenant_id, d.id
               from unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[]) as w (channel, tenant_id, account_id, most)
               cross join lateral (
                   select d.tenant_id, d.id from deliveries d
                   where d.channel = w.channel and d.tenant_id = w.tenant_id and d.account_id = w.account_id
                     and d.status = 'queued' and d.next_attempt_at <= $6
                     and not exists (
                         select from outbox o
                         where o.tenant_id = d.tenant_id and o.ticket_id = d.ticket_id and o.version < d.ticket_version)
                     and not exists (
                         select from deliveries e
                         where e.tenant_id = d.tenant_id and e.ticket_id = d.ticket_id and e.recipient_id = d.recipient_id
                           and (e.channel = d.channel or e.because is not null) and e.status in ('queued', 'sending')
                           and (e.ticket_version, e.planned_at, e.id) < (d.ticket_version, d.planned_at, d.id))
                   order by d.next_attempt_at, d.ticket_version, d.id
                   limit w.most
                   for update of d skip locked) d
           ), leased as (
               update deliveries d
               set status = 'sending', attempts = d.attempts + 1, lease_token = $5, leased_until = $7, waits_for = null
               from due where d.tenant_id = due.tenant_id and d.id = due.id
               returning d.tenant_id, d.id, d.channel, d.account_id, d.attempts, d.excused, d.arrived_at, d.traceparent, d.next_attempt_at
           ), noted as (
               insert into delivery_attempts (tenant_id, delivery_id, attempt, lease_token, outcome, started_at)
               select tenant_id, id, attempts, $5, 'sending', $6 from leased
           )
           select tenant_id as "tenant_id: TenantId", id as "id: DeliveryId", channel, account_id as "account_id: AccountId", attempts, excused,
                  arrived_at, traceparent
           from leased order by next_attempt_at, id"#,
        shares.iter().map(|share| share.method.as_str()).collect::<Vec<_>>() as _,
        &shares.iter().map(|share| share.account.0.0).collect::<Vec<_>>(),
        &shares.iter().map(|share| share.account.1.0).collect::<Vec<_>>(),
        &shares.iter().map(|share| i64::try_from(share.most).unwrap_or(i64::MAX)).collect::<Vec<_>>(),
        token,
        now,
        until,
    )
    .fetch_all(connection)
    .await?;
    let leased = rows.into_iter().filter_map(|row| {
        Some(Leased {
            tenant_id: row.tenant_id,
            id: row.id,
            method: Method::named(&row.channel)?,
            account_id: row.account_id,
            attempt: row.attempts,
            counted: row.attempts - row.excused,
            token,
            until,
            arrived_at: row.arrived_at,
            trace: row.traceparent.and_then(|text| TraceParent::parse(&text)),
        })
    });
    Ok(leased.collect())
}

/// A delivery that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The delivery.
    pub id: DeliveryId,
    /// By which way it was to go.
    pub method: Method,
    /// Where it stands now: queued, held or failed.
    pub status: DeliveryStatus,
}

/// Takes deliveries back whose lease ran out: whoever had them died, or was too slow, and nobody knows
/// whether they were sent. They are due again at once, unless `most` attempts that count were made. Where the
/// platform would not know the second for the first, or the account says so, a person has to decide.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn expire(connection: &mut PgConnection, most: i32, now: DateTime<Utc>) -> sqlx::Result<Vec<Expired>> {
    let known: Vec<&str> = Method::ALL.into_iter().filter(|method| method.knows_doubles()).map(Method::as_str).collect();
    let rows = sqlx::query!(
        r#"with expired as materialized (
               select d.tenant_id, d.id, d.attempts, d.excused, d.lease_token,
                      coalesce(a.sender->>'when_unsure', case when d.channel = any($3) then 'retry' else 'hold' end) = 'hold' as is_held
               from deliveries d join channel_accounts a on a.tenant_id = d.tenant_id and a.id = d.account_id
               where d.status = 'sending' and d.leased_until < $2
               order by d.leased_until
               limit 256
               for update of d skip locked
           ), marked as (
               update delivery_attempts a
               set outcome = 'ambiguous', finished_at = $2, answer = 'whoever sent it did not come back to say how it ended'
               from expired e
               where a.tenant_id = e.tenant_id and a.delivery_id = e.id and a.attempt = e.attempts and a.lease_token = e.lease_token
           )
           update deliveries d
           set status = case when e.is_held then 'held' when e.attempts - e.excused >= $1 then 'failed' else 'queued' end::delivery_status,
               waits_for = case when e.is_held then 'a decision: nobody knows whether it was sent' end,
               next_attempt_at = $2, lease_token = null, leased_until = null
           from expired e where d.tenant_id = e.tenant_id and d.id = e.id
           returning d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", d.channel, d.status as "status: DeliveryStatus""#,
        most,
        now,
        known as _,
    )
    .fetch_all(connection)
    .await?;
    let expired = rows
        .into_iter()
        .filter_map(|row| Some(Expired { tenant_id: row.tenant_id, id: row.id, method: Method::named(&row.channel)?, status: row.status }));
    Ok(expired.collect())
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
    /// What it waits for, where that is not the schedule.
    pub waits_for: Option<String>,
    /// Whether the attempt does not count towards giving up, because the delivery was not its reason.
    pub excused: bool,
    /// The name that the platform gave it.
    pub provider_id: Option<String>,
    /// The thread that it stands in now.
    pub thread_key: Option<String>,
}

/// Writes how attempts ended, and returns those that were written: whoever lost the lease writes nothing.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn record(connection: &mut PgConnection, ended: &[(&Leased, &Report)], now: DateTime<Utc>) -> sqlx::Result<HashSet<DeliveryKey>> {
    let rows = sqlx::query!(
        r#"with ended as materialized (
               select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::boolean[], $8::text[],
                                    $9::text[], $10::text[], $11::text[])
                   as e (tenant_id, id, token, status, next_attempt_at, waits_for, excused, provider_id, thread_key, outcome, answer)
           ), held as materialized (
               select d.tenant_id, d.id from deliveries d
               join ended e on e.tenant_id = d.tenant_id and e.id = d.id and e.token = d.lease_token
               where d.status = 'sending'
               order by d.tenant_id, d.id
               for update of d
           ), written as (
               update deliveries d
               set status = e.status::delivery_status, next_attempt_at = coalesce(e.next_attempt_at, d.next_attempt_at), waits_for = e.waits_for,
                   lease_token = null, leased_until = null, sent_at = case when e.status = 'sent' then $12 else d.sent_at end,
                   excused = d.excused + e.excused::integer, provider_id = coalesce(e.provider_id, d.provider_id),
                   thread_key = coalesce(e.thread_key, d.thread_key)
               from held h join ended e on e.tenant_id = h.tenant_id and e.id = h.id
               where d.tenant_id = h.tenant_id and d.id = h.id
               returning d.tenant_id, d.id, d.attempts, e.outcome, e.answer
           )
           update delivery_attempts a set outcome = w.outcome::attempt_outcome, answer = w.answer, finished_at = $12
           from written w where a.tenant_id = w.tenant_id and a.delivery_id = w.id and a.attempt = w.attempts
           returning a.tenant_id as "tenant_id: TenantId", a.delivery_id as "id: DeliveryId""#,
        &ended.iter().map(|(leased, _)| leased.tenant_id.0).collect::<Vec<_>>(),
        &ended.iter().map(|(leased, _)| leased.id.0).collect::<Vec<_>>(),
        &ended.iter().map(|(leased, _)| leased.token).collect::<Vec<_>>(),
        ended.iter().map(|(_, report)| report.status.as_str()).collect::<Vec<_>>() as _,
        &ended.iter().map(|(_, report)| report.next_attempt_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        ended.iter().map(|(_, report)| report.waits_for.as_deref()).collect::<Vec<_>>() as _,
        &ended.iter().map(|(_, report)| report.excused).collect::<Vec<_>>(),
        ended.iter().map(|(_, report)| report.provider_id.as_deref()).collect::<Vec<_>>() as _,
        ended.iter().map(|(_, report)| report.thread_key.as_deref()).collect::<Vec<_>>() as _,
        ended.iter().map(|(_, report)| report.outcome.as_str()).collect::<Vec<_>>() as _,
        ended.iter().map(|(_, report)| report.answer.as_str()).collect::<Vec<_>>() as _,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// Where these deliveries go.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn addresses(connection: &mut PgConnection, wanted: &[DeliveryKey]) -> sqlx::Result<HashMap<DeliveryKey, String>> {
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", d.address
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id) join deliveries d using (tenant_id, id)"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.id), row.address)).collect())
}
