//! What an event is about, as its plan needs it, and the plans themselves: one an event, with who is
//! told and who is not.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::tickets::{MessageDirection, MessageKind};
use crate::domain::event::Event;
use crate::domain::explanation::ToldDecision;
use crate::domain::inbound::{Channel, Trust};
use crate::domain::method::Method;
use crate::domain::ticket::TicketSnapshot;
use crate::ids::{AccountId, ClientId, DeliveryId, EventId, MessageId, TenantId, TicketId, UserId};

/// Those of the events that were planned before.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn planned(connection: &mut PgConnection, events: &[&Event]) -> sqlx::Result<HashSet<(TenantId, EventId)>> {
    let rows = sqlx::query!(
        r#"select p.tenant_id as "tenant_id: TenantId", p.event_id as "event_id: EventId"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, event_id)
           join event_plans p on p.tenant_id = w.tenant_id and p.event_id = w.event_id"#,
        &events.iter().map(|event| event.tenant_id.0).collect::<Vec<_>>(),
        &events.iter().map(|event| event.id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.event_id)).collect())
}

/// The tickets as they were after the events.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn snapshots(
    connection: &mut PgConnection,
    events: &[&Event],
) -> sqlx::Result<HashMap<(TenantId, TicketId, i32), TicketSnapshot>> {
    let rows = sqlx::query!(
        r#"select v.tenant_id as "tenant_id: TenantId", v.ticket_id as "ticket_id: TicketId", v.version, v.state as "state: Json<TicketSnapshot>"
           from unnest($1::uuid[], $2::uuid[], $3::int[]) as w (tenant_id, ticket_id, version)
           join ticket_versions v on v.tenant_id = w.tenant_id and v.ticket_id = w.ticket_id and v.version = w.version"#,
        &events.iter().map(|event| event.tenant_id.0).collect::<Vec<_>>(),
        &events.iter().map(|event| event.ticket_id.0).collect::<Vec<_>>(),
        &events.iter().map(|event| event.version).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.ticket_id, row.version), row.state.0)).collect())
}

/// A ticket as it is now, with its version.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn current(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Option<(i32, TicketSnapshot)>> {
    let row = sqlx::query!(
        r#"select v.version, v.state as "state: Json<TicketSnapshot>"
           from tickets t join ticket_versions v on v.tenant_id = t.tenant_id and v.ticket_id = t.id and v.version = t.version
           where t.tenant_id = $1 and t.id = $2"#,
        tenant.0,
        ticket.0,
    );
    Ok(row.fetch_optional(connection).await?.map(|row| (row.version, row.state.0)))
}

/// Who wrote the last answer on a ticket.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn last_answer_by(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Option<UserId>> {
    let author = sqlx::query_scalar!(
        r#"select author_user_id as "author: UserId" from messages
           where tenant_id = $1 and ticket_id = $2 and kind = 'public' and direction = 'out' order by position desc limit 1"#,
        tenant.0,
        ticket.0,
    );
    Ok(author.fetch_optional(connection).await?.flatten())
}

/// What a plan needs to know of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFacts {
    /// On which ticket it is.
    pub ticket_id: TicketId,
    /// What it is to those who read.
    pub kind: MessageKind,
    /// Which way it went.
    pub direction: MessageDirection,
    /// The user who wrote it, if one did.
    pub author_user: Option<UserId>,
    /// The ticket's client wrote it, or somebody who is one with them.
    pub by_client: bool,
    /// The address that it came from.
    pub sender_address: Option<String>,
    /// How far the sender is vouched for.
    pub trust: Trust,
    /// Why it counts as sent by a program.
    pub automatic: Option<String>,
    /// Something is said to the agents about it, such as that it was kept from the client.
    pub has_notice: bool,
    /// What one of the desk's people newly wrote, in which they may mention somebody: the first
    /// 32,768 characters. None of what anybody else wrote.
    pub text: Option<String>,
    /// Its files.
    pub files: Vec<FileFacts>,
}

/// What a plan needs to know of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileFacts {
    /// Its name.
    pub name: String,
    /// Its media type, such as `image/png`.
    pub content_type: String,
    /// Its size in bytes.
    pub size: i64,
}

/// The messages that the events are about.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn messages(connection: &mut PgConnection, events: &[&Event]) -> sqlx::Result<HashMap<(TenantId, MessageId), MessageFacts>> {
    let wanted: Vec<(TenantId, MessageId)> = events.iter().filter_map(|event| Some((event.tenant_id, event.message_id?))).collect();
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.id as "id: MessageId", m.ticket_id as "ticket_id: TicketId",
                  m.kind as "kind: MessageKind", m.direction as "direction: MessageDirection",
                  m.author_user_id as "author_user: UserId",
                  coalesce(m.author_client_id = t.client_id
                           or client_root(t.tenant_id, m.author_client_id) = client_root(t.tenant_id, t.client_id), false) as "by_client!",
                  m.sender_address, m.trust as "trust: Trust", m.automatic,
                  m.notice is not null as "has_notice!",
                  case when m.author_user_id is not null then left(m.text, 32768) end as text,
                  coalesce((select jsonb_agg(jsonb_build_object('name', f.name, 'content_type', f.content_type, 'size', f.size)
                                             order by f.position)
                            from attachments f where f.tenant_id = m.tenant_id and f.message_id = m.id), '[]') as "files!: Json<Vec<FileFacts>>"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join messages m on m.tenant_id = w.tenant_id and m.id = w.id
           join tickets t on t.tenant_id = m.tenant_id and t.id = m.ticket_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let facts = rows.into_iter().map(|row| {
        let facts = MessageFacts {
            ticket_id: row.ticket_id,
            kind: row.kind,
            direction: row.direction,
            author_user: row.author_user,
            by_client: row.by_client,
            sender_address: row.sender_address,
            trust: row.trust,
            automatic: row.automatic,
            has_notice: row.has_notice,
            text: row.text,
            files: row.files.0,
        };
        ((row.tenant_id, row.id), facts)
    });
    Ok(facts.collect())
}

/// What a plan needs to know of the client of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFacts {
    /// The name.
    pub name: String,
    /// Where they are answered, the best first: where they last wrote from on this ticket, themselves
    /// rather than by a program, then what else is known of them, mail first. Each address is there once.
    pub ways: Vec<ClientWay>,
    /// All that ever came from them on this ticket was sent by programs.
    pub only_automatic: bool,
}

/// A way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientWay {
    /// By what.
    pub method: Method,
    /// Where.
    pub address: String,
    /// The account that they wrote to from there: on this ticket, or else of WhatsApp the one that they wrote to last.
    pub account_id: Option<AccountId>,
    /// The thread on its channel in which they wrote.
    pub thread_key: Option<String>,
    /// When they last wrote from there: on this ticket, or of WhatsApp to that account, on whatever ticket.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// How far the sender of that was vouched for.
    pub trust: Trust,
}

/// The clients of tickets.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn clients(
    connection: &mut PgConnection,
    wanted: &[(TenantId, TicketId, ClientId)],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<(TenantId, TicketId), ClientFacts>> {
    let rows = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!: TenantId", w.ticket_id as "ticket_id!: TicketId", client_name(c.tenant_id, c.id) as "name!",
                  coalesce((select bool_and(m.automatic is not null) from messages m
                            where m.tenant_id = w.tenant_id and m.ticket_id = w.ticket_id
                              and (m.author_client_id = w.client_id
                                   or client_root(m.tenant_id, m.author_client_id) = client_root(w.tenant_id, w.client_id))),
                           false) as "only_automatic!"
           from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, ticket_id, client_id)
           join clients c on c.tenant_id = w.tenant_id and c.id = w.client_id"#,
        &wanted.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, ticket, _)| ticket.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(.., client)| client.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut ways = client_ways(&mut *connection, wanted).await?;
    note_windows(connection, &mut ways, now).await?;
    let facts = rows.into_iter().map(|row| {
        let ways = ways.remove(&(row.tenant_id, row.ticket_id)).unwrap_or_default();
        ((row.tenant_id, row.ticket_id), ClientFacts { name: row.name, ways, only_automatic: row.only_automatic })
    });
    Ok(facts.collect())
}

/// The ways to clients: by what they wrote on the ticket (rank 0, or 1 for what programs sent), then by their other keys (2).
async fn client_ways(
    connection: &mut PgConnection,
    wanted: &[(TenantId, TicketId, ClientId)],
) -> sqlx::Result<HashMap<(TenantId, TicketId), Vec<ClientWay>>> {
    let rows = sqlx::query!(
        r#"with w as materialized (select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, ticket_id, client_id)),
                wrote as (
                    select distinct on (w.tenant_id, w.ticket_id, m.channel, m.sender_address)
                           w.tenant_id, w.ticket_id, m.channel, m.sender_address, m.inbound_id, m.trust, m.received_at, m.position,
                           (m.automatic is not null)::int as rank
                    from w join messages m on m.tenant_id = w.tenant_id and m.ticket_id = w.ticket_id
                     and (m.author_client_id = w.client_id
                          or client_root(m.tenant_id, m.author_client_id) = client_root(w.tenant_id, w.client_id))
                    join client_external_ids e on e.tenant_id = m.tenant_id and e.client_id = m.author_client_id and e.value = m.sender_address
                     and e.type = case when m.channel in ('sms', 'voice') then 'phone' else m.channel end
                    where m.trust <> 'failed'
                    order by w.tenant_id, w.ticket_id, m.channel, m.sender_address, m.automatic is not null, m.position desc)
           select w.tenant_id as "tenant_id!: TenantId", w.ticket_id as "ticket_id!: TicketId", w.channel as "channel!", w.sender_address as "address!",
                  i.account_id as "account_id?: AccountId", i.payload->>'thread_key' as thread_key, w.trust as "trust!: Trust",
                  w.received_at as "last_inbound_at?", w.rank as "rank!", -w.position::bigint as "place!"
           from wrote w left join inbound_messages i on i.tenant_id = w.tenant_id and i.id = w.inbound_id
           union all
           select w.tenant_id, w.ticket_id, case e.type when 'phone' then 'sms' else e.type end, e.value, null, null, 'unverified'::trust, null, 2,
                  row_number() over (partition by w.tenant_id, w.ticket_id order by e.type <> 'email', e.created_at, e.id)
           from w join client_external_ids e on e.tenant_id = w.tenant_id and e.client_id = w.client_id
           order by 1, 2, 9, 10"#,
        &wanted.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, ticket, _)| ticket.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(.., client)| client.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut ways: HashMap<_, Vec<ClientWay>> = HashMap::new();
    for row in rows {
        let Some(method) = Channel::named(&row.channel).and_then(Method::back_on) else { continue };
        let known = ways.entry((row.tenant_id, row.ticket_id)).or_default();
        if known.iter().any(|way| (way.method, &way.address) == (method, &row.address)) {
            continue;
        }
        known.push(ClientWay {
            method,
            address: row.address,
            account_id: row.account_id,
            thread_key: row.thread_key,
            last_inbound_at: row.last_inbound_at,
            trust: row.trust,
        });
    }
    Ok(ways)
}

/// Says of ways by WhatsApp when their number last wrote to the account, within a day, on whatever ticket: its window is the number's.
async fn note_windows(
    connection: &mut PgConnection,
    ways: &mut HashMap<(TenantId, TicketId), Vec<ClientWay>>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let of_ways = ways.iter().flat_map(|((tenant, _), ways)| ways.iter().map(|way| (*tenant, way)));
    let numbers: BTreeSet<(TenantId, String)> =
        of_ways.filter(|(_, way)| way.method == Method::Whatsapp).map(|(tenant, way)| (tenant, way.address.clone())).collect();
    if numbers.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"select w.tenant_id as "tenant_id!: TenantId", w.address as "address!", i.account_id as "account_id: AccountId", max(m.received_at) as "at!"
           from unnest($1::uuid[], $2::text[]) as w (tenant_id, address)
           join messages m on m.tenant_id = w.tenant_id and m.channel = 'whatsapp' and m.sender_address = w.address
            and m.received_at > $3::timestamptz - interval '24 hours'
           join inbound_messages i on i.tenant_id = m.tenant_id and i.id = m.inbound_id
           group by 1, 2, 3
           order by 4 desc"#,
        &numbers.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        numbers.iter().map(|(_, address)| address.as_str()).collect::<Vec<_>>() as _,
        now,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let of_tenant = ways.iter_mut().filter(|((tenant, _), _)| *tenant == row.tenant_id).flat_map(|(_, ways)| ways);
        for way in of_tenant.filter(|way| way.method == Method::Whatsapp && way.address == row.address) {
            // One that is not known from the ticket is answered by the account that they wrote to last.
            if *way.account_id.get_or_insert(row.account_id) == row.account_id {
                way.last_inbound_at = way.last_inbound_at.max(Some(row.at));
            }
        }
    }
    Ok(())
}

/// What a plan needs to know of a delivery that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFacts {
    /// What was to be read, such as `message.added.client`.
    pub template: String,
    /// Another delivery told the same: what did not arrive are files.
    pub is_partial: bool,
}

/// The deliveries that the events say have failed.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn failed(connection: &mut PgConnection, events: &[&Event]) -> sqlx::Result<HashMap<(TenantId, DeliveryId), FailedFacts>> {
    let wanted: Vec<(TenantId, DeliveryId)> = events.iter().filter_map(|event| Some((event.tenant_id, event.delivery_id?))).collect();
    let rows = sqlx::query!(
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", n.template,
                  exists (select from deliveries o
                          where o.tenant_id = d.tenant_id and o.notification_id = d.notification_id and o.status <> 'failed') as "is_partial!"
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let facts = rows.into_iter().map(|row| ((row.tenant_id, row.id), FailedFacts { template: row.template, is_partial: row.is_partial }));
    Ok(facts.collect())
}

/// Keeps clients and tickets from being deleted or locked by a router until the end of the
/// transaction, in the lock order, so that the foreign keys of what is written next find them held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn hold(connection: &mut PgConnection, wanted: &[(TenantId, TicketId, ClientId)]) -> sqlx::Result<()> {
    let tenants: Vec<Uuid> = wanted.iter().map(|(tenant, ..)| tenant.0).collect();
    sqlx::query!(
        "select c.id from clients c
         where (c.tenant_id, c.id) in (select * from unnest($1::uuid[], $2::uuid[]))
         order by c.tenant_id, c.id
         for key share of c",
        &tenants,
        &wanted.iter().map(|(.., client)| client.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!(
        "select t.id from tickets t
         where (t.tenant_id, t.id) in (select * from unnest($1::uuid[], $2::uuid[]))
         order by t.tenant_id, t.id
         for key share of t",
        &tenants,
        &wanted.iter().map(|(_, ticket, _)| ticket.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Writes the plans of events and returns those that are new: of two who plan the same event, one is
/// the first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn insert(
    connection: &mut PgConnection,
    plans: &[(&Event, &[ToldDecision])],
    now: DateTime<Utc>,
) -> sqlx::Result<HashSet<(TenantId, EventId)>> {
    let mut sorted = plans.to_vec();
    sorted.sort_unstable_by_key(|(event, _)| (event.tenant_id, event.id));
    let rows = sqlx::query!(
        r#"insert into event_plans (tenant_id, event_id, kind, ticket_id, version, message_id, decisions, planned_at)
           select p.tenant_id, p.event_id, p.kind, p.ticket_id, p.version, p.message_id, p.decisions, $8
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::int[], $6::uuid[], $7::jsonb[])
                with ordinality as p (tenant_id, event_id, kind, ticket_id, version, message_id, decisions, n)
           order by p.n
           on conflict (tenant_id, event_id) do nothing
           returning tenant_id as "tenant_id: TenantId", event_id as "event_id: EventId""#,
        &sorted.iter().map(|(event, _)| event.tenant_id.0).collect::<Vec<_>>(),
        &sorted.iter().map(|(event, _)| event.id.0).collect::<Vec<_>>(),
        sorted.iter().map(|(event, _)| event.kind.as_str()).collect::<Vec<_>>() as _,
        &sorted.iter().map(|(event, _)| event.ticket_id.0).collect::<Vec<_>>(),
        &sorted.iter().map(|(event, _)| event.version).collect::<Vec<_>>(),
        &sorted.iter().map(|(event, _)| event.message_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        sorted.iter().map(|(_, decisions)| Json(decisions)).collect::<Vec<_>>() as _,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.event_id)).collect())
}
