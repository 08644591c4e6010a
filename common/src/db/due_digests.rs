//! Digests that are due: closed once, delivered like anything else, and read when they are sent.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::deliveries::DeliveryKey;
use super::letters::{self, Bar, DigestItem, DigestLetter};
use crate::domain::method::Method;
use crate::ids::{AccountId, DeliveryId, DigestId, TenantId, TicketId, UserId};

/// The most items that a digest shows.
const SHOWN: i64 = 50;
/// The most characters of a message that it shows.
const EXCERPT: i32 = 300;

/// A digest that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The digest.
    pub id: DigestId,
    /// By which way it goes.
    pub channel: String,
    /// The address of the account that it is sent from.
    pub account_address: String,
}

/// Takes hold of up to `limit` digests that are due, those due for longest first, until the transaction ends. What another holds is left to it.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn due(connection: &mut PgConnection, now: DateTime<Utc>, limit: i64) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"select g.tenant_id as "tenant_id: TenantId", g.id as "id: DigestId", g.channel, a.address as account_address
           from digests g join channel_accounts a on a.tenant_id = g.tenant_id and a.id = g.account_id
           where g.closed_at is null and g.due_at <= $1
           order by g.due_at limit $2
           for no key update of g skip locked"#,
        now,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// A digest that is closed, with its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The digest.
    pub id: DigestId,
    /// The delivery's id.
    pub delivery_id: DeliveryId,
    /// Of mail: its Message-ID.
    pub message_id: Option<String>,
}

/// Closes digests that are held, and queues a delivery for each: what comes from now on is collected in the next.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn close(connection: &mut PgConnection, closings: &[Closing], now: DateTime<Utc>) -> sqlx::Result<()> {
    if closings.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with closed as (
             update digests g set closed_at = $5
             from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[]) as w (tenant_id, id, delivery_id, message_id)
             where g.tenant_id = w.tenant_id and g.id = w.id and g.closed_at is null
             returning g.tenant_id, g.id, g.account_id, g.channel, g.address, g.user_id, w.delivery_id, w.message_id
         )
         insert into deliveries (tenant_id, id, digest_id, account_id, channel, address, message_id, recipient_id, next_attempt_at, planned_at)
         select tenant_id, delivery_id, id, account_id, channel, address, message_id, user_id, $5, $5 from closed",
        &closings.iter().map(|closing| closing.tenant_id.0).collect::<Vec<_>>(),
        &closings.iter().map(|closing| closing.id.0).collect::<Vec<_>>(),
        &closings.iter().map(|closing| closing.delivery_id.0).collect::<Vec<_>>(),
        closings.iter().map(|closing| closing.message_id.as_deref()).collect::<Vec<_>>() as _,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A digest, and what else is to be known before it is sent.
#[derive(Debug, Clone)]
pub struct LoadedDigest {
    /// The digest.
    pub letter: DigestLetter,
    /// Why it is not sent, if it is not.
    pub bar: Option<Bar>,
    /// The tenant's revision.
    pub revision: i64,
    /// For WhatsApp: whether the reader wrote to the account within the last 24 hours.
    pub window_open: bool,
    /// The reader wants nothing there that is not their own, and why we know: what of it is not theirs is left out.
    pub unsubscribed: Option<String>,
}

/// Reads the digests of these deliveries; those that tell of a single notification are left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(
    connection: &mut PgConnection,
    wanted: &[DeliveryKey],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<DeliveryKey, LoadedDigest>> {
    let mut digests = heads(connection, wanted, now).await?;
    if digests.is_empty() {
        return Ok(digests);
    }
    let shown: Vec<(DeliveryKey, bool)> = digests.iter().map(|(key, digest)| (*key, digest.unsubscribed.is_none())).collect();
    let tickets = tickets(connection, &shown).await?;
    let asked: Vec<_> = tickets.iter().map(|row| (row.tenant_id, row.user_id, row.ticket_id)).collect();
    let hidden = letters::hidden(connection, &asked).await?;
    for row in tickets.iter().filter(|row| !hidden.contains(&(row.tenant_id, row.user_id, row.ticket_id))) {
        if let Some(digest) = digests.get_mut(&(row.tenant_id, row.id)) {
            digest.letter.total += row.count;
        }
    }
    for (key, item) in items(connection, &shown, &hidden).await? {
        if let Some(digest) = digests.get_mut(&key) {
            digest.letter.items.push(item);
        }
    }
    for digest in digests.values_mut().filter(|digest| digest.letter.items.is_empty() && digest.bar.is_none()) {
        digest.bar = digest.unsubscribed.clone().map(Bar::Suppressed);
    }
    Ok(digests)
}

async fn heads(
    connection: &mut PgConnection,
    wanted: &[DeliveryKey],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<DeliveryKey, LoadedDigest>> {
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", d.channel, d.account_id as "account_id: AccountId",
                  a.address as account_address, o.revision, coalesce(z.data->>'brand', a.from_name, o.name) as "brand!", a.from_name, z.data as "data?",
                  u.id as "user_id: UserId", u.name, d.address, coalesce(d.message_id, '') as "message_id!", u.archived_at is not null as "archived!",
                  exists (select from user_contacts k
                          where k.tenant_id = d.tenant_id and k.user_id = u.id and k.value = d.address and k.verified_at is not null
                            and k.type = case d.channel when 'sms' then 'phone' else d.channel end) as "theirs!",
                  (select s.reason from suppressions s
                   where s.tenant_id = d.tenant_id and s.channel = d.channel and s.scope = 'all'
                     and s.address = case d.channel when 'email' then lower(d.address) else d.address end
                   order by s.created_at limit 1) as suppressed,
                  (select s.reason from suppressions s
                   where s.tenant_id = d.tenant_id and s.channel = d.channel and s.scope = 'optional'
                     and s.address = case d.channel when 'email' then lower(d.address) else d.address end
                   order by s.created_at limit 1) as unsubscribed,
                  (d.channel <> 'whatsapp' or exists (
                      select from messages m
                      join inbound_messages i on i.tenant_id = m.tenant_id and i.id = m.inbound_id and i.account_id = d.account_id
                      where m.tenant_id = d.tenant_id and m.channel = 'whatsapp' and m.sender_address = d.address
                        and m.received_at > $3::timestamptz - interval '24 hours')) as "window_open!"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join digests g on g.tenant_id = d.tenant_id and g.id = d.digest_id
           join users u on u.tenant_id = g.tenant_id and u.id = g.user_id
           join channel_accounts a on a.tenant_id = d.tenant_id and a.id = d.account_id
           join tenants o on o.id = d.tenant_id
           left join customize z on z.tenant_id = d.tenant_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
        now,
    )
    .fetch_all(connection)
    .await?;
    let digest = rows.into_iter().map(|row| {
        let bar = match (row.archived, row.theirs, row.suppressed) {
            (true, ..) => Some(Bar::Archived),
            (_, false, _) => Some(Bar::NotTheirs),
            (_, _, suppressed) => suppressed.map(Bar::Suppressed),
        };
        let letter = DigestLetter {
            tenant_id: row.tenant_id,
            method: Method::named(&row.channel).unwrap_or(Method::Email),
            branding: letters::branding(row.brand, row.from_name, row.data.as_ref()),
            account_id: row.account_id,
            account_address: row.account_address,
            user_id: row.user_id,
            recipient_name: row.name,
            locale: None,
            timezone: Tz::UTC,
            address: row.address,
            permitted: bar.is_none(),
            message_id: row.message_id,
            items: Vec::new(),
            total: 0,
        };
        let (revision, window_open, unsubscribed) = (row.revision, row.window_open, row.unsubscribed);
        ((row.tenant_id, row.id), LoadedDigest { letter, bar, revision, window_open, unsubscribed })
    });
    Ok(digest.collect())
}

/// The notifications of a digest that are about one ticket.
struct OfTicket {
    tenant_id: TenantId,
    id: DeliveryId,
    user_id: UserId,
    ticket_id: TicketId,
    count: i64,
}

/// `wanted`: with what is not the reader's own, or without.
async fn tickets(connection: &mut PgConnection, wanted: &[(DeliveryKey, bool)]) -> sqlx::Result<Vec<OfTicket>> {
    sqlx::query_as!(
        OfTicket,
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", d.recipient_id as "user_id: UserId",
                  p.ticket_id as "ticket_id: TicketId", count(*) as "count!"
           from unnest($1::uuid[], $2::uuid[], $3::boolean[]) as w (tenant_id, id, with_optional)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join digest_items i on i.tenant_id = d.tenant_id and i.digest_id = d.digest_id
           join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id and (w.with_optional or not n.optional)
           join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
           group by d.tenant_id, d.id, d.recipient_id, p.ticket_id"#,
        &wanted.iter().map(|((tenant, _), _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|((_, id), _)| id.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, with_optional)| *with_optional).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await
}

/// The items that are shown, in their order.
async fn items(
    connection: &mut PgConnection,
    wanted: &[(DeliveryKey, bool)],
    hidden: &HashSet<(TenantId, UserId, TicketId)>,
) -> sqlx::Result<Vec<(DeliveryKey, DigestItem)>> {
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", i.template, t.ticket_number, t.title,
                  coalesce(au.name, ac.name) as actor_name, left(m.text, $6) as excerpt, i.cause, i.planned_at
           from unnest($1::uuid[], $2::uuid[], $8::boolean[]) as w (tenant_id, id, with_optional)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           cross join lateral (
               select n.tenant_id, n.template, n.planned_at, i.cause, p.ticket_id, p.version, p.message_id
               from digest_items i
               join notifications n on n.tenant_id = i.tenant_id and n.id = i.notification_id and (w.with_optional or not n.optional)
               join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
               where i.tenant_id = d.tenant_id and i.digest_id = d.digest_id
                 and not exists (select from unnest($3::uuid[], $4::uuid[], $5::uuid[]) as h (tenant_id, user_id, ticket_id)
                                 where h.tenant_id = i.tenant_id and h.user_id = d.recipient_id and h.ticket_id = p.ticket_id)
               order by n.planned_at, n.id limit $7) i
           join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id
           join ticket_versions v on v.tenant_id = i.tenant_id and v.ticket_id = i.ticket_id and v.version = i.version
           left join messages m on m.tenant_id = i.tenant_id and m.id = i.message_id
           left join users au on au.tenant_id = v.tenant_id and au.id = v.actor_user_id
           left join clients ac on ac.tenant_id = v.tenant_id and ac.id = v.actor_client_id
           order by d.tenant_id, d.id, i.planned_at, t.ticket_number, i.version"#,
        &wanted.iter().map(|((tenant, _), _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|((_, id), _)| id.0).collect::<Vec<_>>(),
        &hidden.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &hidden.iter().map(|(_, user, _)| user.0).collect::<Vec<_>>(),
        &hidden.iter().map(|(.., ticket)| ticket.0).collect::<Vec<_>>(),
        EXCERPT,
        SHOWN,
        &wanted.iter().map(|(_, with_optional)| *with_optional).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let item = rows.into_iter().map(|row| {
        let item = DigestItem {
            template: row.template,
            number: row.ticket_number,
            title: row.title,
            actor_name: row.actor_name,
            excerpt: row.excerpt,
            cause: row.cause,
            at: row.planned_at,
        };
        ((row.tenant_id, row.id), item)
    });
    Ok(item.collect())
}
