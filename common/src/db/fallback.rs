//! What is left when a delivery has failed for good: the ways that were planned in its place, and what is said of it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::deliveries::DeliveryKey;
pub use super::notifications::Way;
use super::reply_addresses::ReplyRecipient;
use crate::domain::method::Method;
use crate::domain::suppression::normal;
use crate::ids::{ClientId, DeliveryId, DigestId, MessageId, NotificationId, TenantId, TicketId, UserId};

/// A delivery that failed, with what decides what follows.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The delivery.
    pub id: DeliveryId,
    /// Of what it was to tell.
    pub notification_id: NotificationId,
    /// By which way it was to go.
    pub method: Method,
    /// Where it was to go.
    pub address: String,
    /// The ways that are left, in their order.
    pub alternatives: Vec<Way>,
    /// Its reader may stop what is like it.
    pub optional: bool,
    /// By what other deliveries of the same notification were sent, or are under way.
    pub others: Vec<Method>,
    /// Whom it was to tell.
    pub recipient: ReplyRecipient,
    /// What was to be read, such as `message.added.client`.
    pub template: String,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket's version by now.
    pub version: i32,
    /// The message that was to be delivered, or told of.
    pub message_id: Option<MessageId>,
}

/// What these deliveries were, now that they have failed; their notifications are held until the transaction ends. Digests, which
/// are about no single notification, are left out: [`failed_digests`].
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn failed(connection: &mut PgConnection, deliveries: &[DeliveryKey]) -> sqlx::Result<Vec<Failed>> {
    hold(connection, deliveries).await?;
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", n.id as "notification_id: NotificationId", d.channel, d.address,
                  n.alternatives as "alternatives: Json<serde_json::Value>", n.optional,
                  array(select o.channel from deliveries o
                        where o.tenant_id = d.tenant_id and o.notification_id = d.notification_id and o.id <> d.id and o.status <> 'failed')
                      as "others!",
                  n.user_id as "user_id: UserId", n.client_id as "client_id: ClientId", n.template, d.ticket_id as "ticket_id!: TicketId",
                  t.version, p.message_id as "message_id: MessageId"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
           join tickets t on t.tenant_id = d.tenant_id and t.id = d.ticket_id
           order by n.tenant_id, n.id, d.id"#,
        &deliveries.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &deliveries.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let failed = rows.into_iter().filter_map(|row| {
        Some(Failed {
            tenant_id: row.tenant_id,
            id: row.id,
            notification_id: row.notification_id,
            method: Method::named(&row.channel)?,
            address: row.address,
            // Of ways that cannot be read none is left.
            alternatives: serde_json::from_value(row.alternatives.0).unwrap_or_default(),
            optional: row.optional,
            others: row.others.iter().filter_map(|name| Method::named(name)).collect(),
            recipient: row.user_id.map(ReplyRecipient::User).or(row.client_id.map(ReplyRecipient::Client))?,
            template: row.template,
            ticket_id: row.ticket_id,
            version: row.version,
            message_id: row.message_id,
        })
    });
    Ok(failed.collect())
}

/// Takes hold of the notifications of these deliveries. What became of their other deliveries is asked afterwards: whoever waited here
/// has to see what was written meanwhile, or of two that fail at once each would leave it to the other.
async fn hold(connection: &mut PgConnection, deliveries: &[DeliveryKey]) -> sqlx::Result<()> {
    sqlx::query!(
        "select n.id from notifications n
         where (n.tenant_id, n.id) in (select d.tenant_id, d.notification_id
                                       from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id) join deliveries d using (tenant_id, id))
         order by n.tenant_id, n.id
         for no key update",
        &deliveries.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &deliveries.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// A digest whose delivery failed.
#[derive(Debug, Clone)]
pub struct FailedDigest {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The delivery.
    pub id: DeliveryId,
    /// The digest.
    pub digest_id: DigestId,
    /// Its reader.
    pub user_id: UserId,
    /// By which way it was to go.
    pub method: Method,
    /// Where it was to go.
    pub address: String,
    /// The ways that are left: those of its latest notifications first, each once, and none that was tried.
    pub alternatives: Vec<Way>,
    /// Nothing of it is the reader's own.
    pub optional: bool,
    /// Another delivery of the same digest was sent, or is under way.
    pub others: bool,
}

/// Of how many of its notifications, the latest, the ways that a digest may take are looked at.
const LOOKED_AT: i64 = 100;

/// The digests among these deliveries that have failed.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn failed_digests(connection: &mut PgConnection, deliveries: &[DeliveryKey]) -> sqlx::Result<Vec<FailedDigest>> {
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", d.digest_id as "digest_id!: DigestId",
                  d.recipient_id as "user_id: UserId", d.channel, d.address,
                  coalesce((select jsonb_agg(l.alternatives order by l.planned_at desc, l.id desc) from (
                      select n.id, n.planned_at, n.alternatives from digest_items i
                      join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id
                      where i.tenant_id = d.tenant_id and i.digest_id = d.digest_id
                      order by n.planned_at desc, n.id desc limit $3) l), '[]') as "alternatives!: Json<Vec<serde_json::Value>>",
                  not exists (select from digest_items i
                              join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id and not n.optional
                              where i.tenant_id = d.tenant_id and i.digest_id = d.digest_id) as "optional!",
                  exists (select from deliveries o
                          where o.tenant_id = d.tenant_id and o.digest_id = d.digest_id and o.id <> d.id and o.status <> 'failed') as "others!",
                  array(select o.channel || ':' || o.address from deliveries o
                        where o.tenant_id = d.tenant_id and o.digest_id = d.digest_id) as "tried!"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id and d.digest_id is not null
           order by d.tenant_id, d.digest_id"#,
        &deliveries.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &deliveries.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
        LOOKED_AT,
    )
    .fetch_all(connection)
    .await?;
    let failed = rows.into_iter().filter_map(|row| {
        let mut seen: HashSet<String> = row.tried.into_iter().collect();
        let ways = row.alternatives.0.into_iter().flat_map(|ways| serde_json::from_value::<Vec<Way>>(ways).unwrap_or_default());
        Some(FailedDigest {
            tenant_id: row.tenant_id,
            id: row.id,
            digest_id: row.digest_id,
            user_id: row.user_id,
            method: Method::named(&row.channel)?,
            address: row.address,
            alternatives: ways.filter(|way| seen.insert(format!("{}:{}", way.method, way.address))).collect(),
            optional: row.optional,
            others: row.others,
        })
    });
    Ok(failed.collect())
}

/// A way, for whom, and whether its reader may stop what would go by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The way.
    pub way: Way,
    /// Who would be told.
    pub user_id: Option<UserId>,
    /// They may stop what is like it.
    pub optional: bool,
}

/// Of these ways, those that can be gone now, with the address of their account: the account is not disabled, the address takes what
/// we send, and of a user it is still a verified contact.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn usable(connection: &mut PgConnection, asked: &[Asked]) -> sqlx::Result<HashMap<Asked, String>> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select w.n as "n!", a.address
           from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::boolean[]) with ordinality
               as w (tenant_id, channel, account_id, address, plain, contact, user_id, optional, n)
           join channel_accounts a on a.tenant_id = w.tenant_id and a.id = w.account_id and a.channel = w.channel and a.disabled_at is null
            and (a.channel = 'email' or a.sender is not null)
           where not exists (select from suppressions s
                             where s.tenant_id = w.tenant_id and s.channel = w.channel and s.address = w.plain and (s.scope = 'all' or w.optional))
             and (w.user_id is null or exists (
                     select from user_contacts k
                     where k.tenant_id = w.tenant_id and k.user_id = w.user_id and k.type = w.contact and k.value = w.address
                       and k.verified_at is not null))"#,
        &asked.iter().map(|asked| asked.tenant_id.0).collect::<Vec<_>>(),
        asked.iter().map(|asked| asked.way.method.as_str()).collect::<Vec<_>>() as _,
        &asked.iter().map(|asked| asked.way.account_id.0).collect::<Vec<_>>(),
        asked.iter().map(|asked| asked.way.address.as_str()).collect::<Vec<_>>() as _,
        &asked.iter().map(|asked| normal(asked.way.method, &asked.way.address)).collect::<Vec<_>>(),
        asked.iter().map(|asked| asked.way.method.contact_type()).collect::<Vec<_>>() as _,
        &asked.iter().map(|asked| asked.user_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &asked.iter().map(|asked| asked.optional).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let index = |n: i64| usize::try_from(n - 1).unwrap_or(usize::MAX);
    Ok(rows.into_iter().filter_map(|row| Some((asked.get(index(row.n))?.clone(), row.address))).collect())
}

/// A delivery in place of one that failed.
#[derive(Debug, Clone)]
pub struct Next {
    /// The one that failed.
    pub failed: DeliveryKey,
    /// Its own id.
    pub id: DeliveryId,
    /// How it goes.
    pub way: Way,
    /// Of mail: its Message-ID.
    pub message_id: Option<String>,
    /// Why it goes this way.
    pub because: String,
}

/// Queues deliveries in place of those that failed, in their places in the order, due at once.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn insert(connection: &mut PgConnection, next: &[Next], now: DateTime<Utc>) -> sqlx::Result<HashSet<DeliveryId>> {
    if next.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query_scalar!(
        r#"with added as (
               insert into deliveries (tenant_id, id, notification_id, digest_id, account_id, channel, address, origin, message_id, thread_key, ticket_id,
                                       ticket_version, recipient_id, urgent, because, next_attempt_at, planned_at, arrived_at, traceparent)
               select d.tenant_id, w.id, d.notification_id, d.digest_id, w.account_id, w.channel, w.address, d.origin, w.message_id, w.thread_key,
                      d.ticket_id, d.ticket_version, d.recipient_id, d.urgent, w.because, $9, d.planned_at, d.arrived_at, d.traceparent
               from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $10::text[]) with ordinality
                   as w (tenant_id, failed, id, account_id, channel, address, message_id, thread_key, because, n)
               join deliveries d on d.tenant_id = w.tenant_id and d.id = w.failed
               order by w.n
               on conflict do nothing
               returning tenant_id, id, message_id, ticket_id
           ), ours as (
               insert into message_ids (tenant_id, message_id, origin, ticket_id)
               select tenant_id, message_id, 'ours', ticket_id from added where message_id is not null and ticket_id is not null
           )
           select id as "id: DeliveryId" from added"#,
        &next.iter().map(|next| next.failed.0.0).collect::<Vec<_>>(),
        &next.iter().map(|next| next.failed.1.0).collect::<Vec<_>>(),
        &next.iter().map(|next| next.id.0).collect::<Vec<_>>(),
        &next.iter().map(|next| next.way.account_id.0).collect::<Vec<_>>(),
        next.iter().map(|next| next.way.method.as_str()).collect::<Vec<_>>() as _,
        next.iter().map(|next| next.way.address.as_str()).collect::<Vec<_>>() as _,
        next.iter().map(|next| next.message_id.as_deref()).collect::<Vec<_>>() as _,
        next.iter().map(|next| next.way.thread_key.as_deref()).collect::<Vec<_>>() as _,
        now,
        next.iter().map(|next| next.because.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What is said on a notification of what became of it, and the ways that are left.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The notification.
    pub id: NotificationId,
    /// A sentence; it follows what was said before.
    pub says: String,
    /// The ways that are left.
    pub alternatives: Vec<Way>,
}

/// Says on notifications what became of them.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn notice(connection: &mut PgConnection, notices: &[Notice]) -> sqlx::Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update notifications n set notice = concat_ws(' ', n.notice, w.says), alternatives = w.alternatives
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[]) as w (tenant_id, id, says, alternatives)
         where n.tenant_id = w.tenant_id and n.id = w.id",
        &notices.iter().map(|notice| notice.tenant_id.0).collect::<Vec<_>>(),
        &notices.iter().map(|notice| notice.id.0).collect::<Vec<_>>(),
        notices.iter().map(|notice| notice.says.as_str()).collect::<Vec<_>>() as _,
        notices.iter().map(|notice| Json(&notice.alternatives)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says on the notifications of digests what became of them, a sentence for each digest.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn notice_digests(connection: &mut PgConnection, notices: &[(TenantId, DigestId, String)]) -> sqlx::Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with held as materialized (
             select n.tenant_id, n.id, w.says
             from unnest($1::uuid[], $2::uuid[], $3::text[]) as w (tenant_id, digest_id, says)
             join digest_items i on i.tenant_id = w.tenant_id and i.digest_id = w.digest_id
             join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id
             order by n.tenant_id, n.id
             for no key update of n
         )
         update notifications n set notice = concat_ws(' ', n.notice, h.says) from held h where n.tenant_id = h.tenant_id and n.id = h.id",
        &notices.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &notices.iter().map(|(_, digest, _)| digest.0).collect::<Vec<_>>(),
        notices.iter().map(|(.., says)| says.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
