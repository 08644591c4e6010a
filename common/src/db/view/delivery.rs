//! What is on its way to people, what became of it, and why it waits.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{ClientId, DeliveryId, EventId, NotificationId, TenantId, TicketId, UserId};

/// What one person is told by one way, of an event or of a digest, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct DeliveryView {
    /// Its id.
    pub id: DeliveryId,
    /// The tenant's name.
    pub tenant: String,
    /// The notification that it is for; none for a digest.
    pub notification_id: Option<NotificationId>,
    /// The digest that it is, if it is one.
    pub digest_id: Option<Uuid>,
    /// How many notifications that digest holds.
    pub digest_items: i64,
    /// The event that it tells of.
    pub event_id: Option<EventId>,
    /// The kind of that event.
    pub event: Option<String>,
    /// The number of the ticket.
    pub ticket: Option<i64>,
    /// The ticket's version that it tells of.
    pub version: Option<i32>,
    /// Who is told: a handle, or a client's name.
    pub to: String,
    /// The user who is told, if it is one.
    pub user_id: Option<UserId>,
    /// The client who is told, if it is one.
    pub client_id: Option<ClientId>,
    /// The channel.
    pub channel: String,
    /// The account that sends it.
    pub account: String,
    /// The address there.
    pub address: String,
    /// The thread there that it belongs to.
    pub thread_key: Option<String>,
    /// Which text, such as `ticket.created.agent`; `digest` for one.
    pub template: String,
    /// Its Message-ID, if it is a mail.
    pub message_id: Option<String>,
    /// The name that the platform gave it.
    pub provider_id: Option<String>,
    /// How far it has come.
    pub status: String,
    /// Why this channel, where another refused.
    pub because: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// How many of these count towards giving up.
    pub counted: i32,
    /// How the last try ended.
    pub last_outcome: Option<String>,
    /// What the other side said to the last try: for mail in a folder the path of the file.
    pub last_answer: Option<String>,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it is tried next, if it is.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Until when whoever tries it now holds it.
    pub leased_until: Option<DateTime<Utc>>,
    /// Why it waits, where that is not the schedule.
    pub waits_for: Option<String>,
    /// Until when its account pauses.
    pub paused_until: Option<DateTime<Utc>>,
    /// Why it does.
    pub pause_reason: Option<String>,
    /// The delivery before it to the same person on the same ticket that is not done.
    pub behind: Option<DeliveryId>,
    /// The earliest version of the ticket before it of which it is not planned yet who is told.
    pub unplanned: Option<i32>,
}

/// Which deliveries are meant.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Of this tenant.
    pub tenant: Option<TenantId>,
    /// By this channel.
    pub channel: Option<String>,
    /// On the ticket of this number, by itself or in a digest.
    pub ticket: Option<i64>,
    /// Only those that a person has to decide about.
    pub held: bool,
    /// Those that are done as well.
    pub done: bool,
}

/// Deliveries and how many there are in all: those that wait in the order in which they are due, and with those that are done
/// the latest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn list_deliveries(connection: &mut PgConnection, filter: &DeliveryFilter, most: i64) -> sqlx::Result<(Vec<DeliveryView>, i64)> {
    // Each status by its own index: most deliveries are done, and they are many.
    let rows = sqlx::query!(
        r#"with chosen as (
               select tenant_id, id, ticket_id, digest_id, channel, next_attempt_at, planned_at from deliveries where status = 'held'
               union all
               select tenant_id, id, ticket_id, digest_id, channel, next_attempt_at, planned_at from deliveries where status = 'queued' and not $5
               union all
               select tenant_id, id, ticket_id, digest_id, channel, next_attempt_at, planned_at from deliveries where status = 'sending' and not $5
               union all
               select tenant_id, id, ticket_id, digest_id, channel, next_attempt_at, planned_at from deliveries
               where status in ('sent', 'delivered', 'read', 'failed') and $4
           )
           select d.tenant_id as "tenant_id!: TenantId", d.id as "id!: DeliveryId", count(*) over () as "all!"
           from chosen d
           left join tickets t on t.tenant_id = d.tenant_id and t.id = d.ticket_id
           where ($1::uuid is null or d.tenant_id = $1) and ($2::text is null or d.channel = $2)
             and ($3::bigint is null or t.ticket_number = $3 or exists (
                 select from digest_items i
                 join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id
                 join event_plans e on e.tenant_id = n.tenant_id and e.event_id = n.event_id
                 join tickets c on c.tenant_id = e.tenant_id and c.id = e.ticket_id
                 where i.tenant_id = d.tenant_id and i.digest_id = d.digest_id and c.ticket_number = $3))
           order by case when $4 then d.planned_at end desc, d.next_attempt_at, d.id limit $6"#,
        filter.tenant.map(|tenant| tenant.0),
        filter.channel.as_deref(),
        filter.ticket,
        filter.done,
        filter.held,
        most,
    )
    .fetch_all(&mut *connection)
    .await?;
    let all = rows.first().map_or(0, |row| row.all);
    let ids: Vec<_> = rows.into_iter().map(|row| (row.tenant_id, row.id)).collect();
    Ok((load(connection, &ids).await?, all))
}

/// The deliveries whose id begins with `text`, or that are of the digest whose id does.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_deliveries(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    text: &str,
) -> sqlx::Result<Vec<(TenantId, DeliveryId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: DeliveryId" from deliveries
           where $2 <> '' and (starts_with(id::text, $2) or starts_with(digest_id::text, $2)) and ($1::uuid is null or tenant_id = $1)
           order by planned_at, id"#,
        tenant.map(|tenant| tenant.0),
        text.trim().to_lowercase(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// The deliveries of a ticket, in the order in which they were planned.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn deliveries(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Vec<DeliveryView>> {
    let ids = sqlx::query_scalar!(
        r#"select d.id as "id: DeliveryId" from deliveries d
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           where d.tenant_id = $1 and d.ticket_id = $2
           order by d.ticket_version, n.event_id, d.planned_at, d.address, d.channel"#,
        tenant.0,
        ticket.0,
    )
    .fetch_all(&mut *connection)
    .await?;
    load(connection, &ids.into_iter().map(|id| (tenant, id)).collect::<Vec<_>>()).await
}

/// The deliveries of a notification, or of a digest, in the order in which they were planned.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn deliveries_of(connection: &mut PgConnection, tenant: TenantId, of: Uuid) -> sqlx::Result<Vec<DeliveryView>> {
    let ids = sqlx::query_scalar!(
        r#"select id as "id: DeliveryId" from deliveries where tenant_id = $1 and (notification_id = $2 or digest_id = $2) order by planned_at, id"#,
        tenant.0,
        of,
    )
    .fetch_all(&mut *connection)
    .await?;
    load(connection, &ids.into_iter().map(|id| (tenant, id)).collect::<Vec<_>>()).await
}

/// These deliveries, in this order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, ids: &[(TenantId, DeliveryId)]) -> sqlx::Result<Vec<DeliveryView>> {
    sqlx::query_as!(
        DeliveryView,
        r#"select d.id as "id: DeliveryId", o.name as tenant, d.notification_id as "notification_id: NotificationId",
                  d.digest_id as "digest_id: Uuid",
                  (select count(*) from digest_items i where i.tenant_id = d.tenant_id and i.digest_id = d.digest_id) as "digest_items!",
                  n.event_id as "event_id?: EventId", e.kind as "event?", t.ticket_number as "ticket?", d.ticket_version as version,
                  coalesce(u.handle, client_name(n.tenant_id, n.client_id), '') as "to!",
                  coalesce(n.user_id, g.user_id) as "user_id: UserId", n.client_id as "client_id?: ClientId",
                  d.channel, a.name as account, d.address, d.thread_key, coalesce(n.template, 'digest') as "template!", d.message_id,
                  d.provider_id, d.status::text as "status!", d.because, d.attempts, d.attempts - d.excused as "counted!",
                  l.outcome::text as last_outcome, l.answer as last_answer, d.planned_at, d.sent_at,
                  case when d.status = 'queued' then d.next_attempt_at end as next_attempt_at, d.leased_until, d.waits_for,
                  s.paused_until as "paused_until?", s.pause_reason as "pause_reason?",
                  case when d.status = 'queued' then (
                      select b.id from deliveries b
                      where b.tenant_id = d.tenant_id and b.ticket_id = d.ticket_id and b.recipient_id = d.recipient_id
                        and b.channel = d.channel and b.status in ('queued', 'sending')
                        and (b.ticket_version, b.planned_at, b.id) < (d.ticket_version, d.planned_at, d.id)
                      order by b.ticket_version desc, b.planned_at desc, b.id desc limit 1) end as "behind: DeliveryId",
                  case when d.status = 'queued' then (
                      select min(x.version) from outbox x
                      where x.tenant_id = d.tenant_id and x.ticket_id = d.ticket_id and x.version < d.ticket_version) end as unplanned
           from unnest($1::uuid[], $2::uuid[]) with ordinality as w (tenant_id, id, position)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join tenants o on o.id = d.tenant_id
           join channel_accounts a on a.tenant_id = d.tenant_id and a.id = d.account_id
           left join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           left join digests g on g.tenant_id = d.tenant_id and g.id = d.digest_id
           left join event_plans e on e.tenant_id = n.tenant_id and e.event_id = n.event_id
           left join tickets t on t.tenant_id = d.tenant_id and t.id = d.ticket_id
           left join users u on u.tenant_id = d.tenant_id and u.id = coalesce(n.user_id, g.user_id)
           left join delivery_attempts l on l.tenant_id = d.tenant_id and l.delivery_id = d.id and l.attempt = d.attempts
           left join send_limits s on s.tenant_id = d.tenant_id and s.account_id = d.account_id
           order by w.position"#,
        &ids.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &ids.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await
}

/// A try to deliver.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptView {
    /// Which, from 1.
    pub attempt: i32,
    /// How it ended.
    pub outcome: String,
    /// What the other side said, or why it was not asked.
    pub answer: Option<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended, if it is known that it did.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Every try of a delivery.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn attempts(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId) -> sqlx::Result<Vec<AttemptView>> {
    sqlx::query_as!(
        AttemptView,
        r#"select attempt, outcome::text as "outcome!", answer, started_at, finished_at from delivery_attempts
           where tenant_id = $1 and delivery_id = $2 order by attempt"#,
        tenant.0,
        id.0,
    )
    .fetch_all(connection)
    .await
}
