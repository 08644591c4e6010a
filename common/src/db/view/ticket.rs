//! Tickets, as a list and one by one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::{Collected, CollectedView, DeliveryView};
use crate::domain::inbound::Trust;
use crate::domain::ticket::TicketState;
use crate::ids::{InboundId, MessageId, TenantId, TicketId};

/// A ticket in a list.
#[derive(Debug, Clone, Serialize)]
pub struct TicketLine {
    /// The tenant's name.
    pub tenant: String,
    /// The number that people call it by.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// What its status means.
    pub state: TicketState,
    /// The tenant's name for its status.
    pub status: String,
    /// Its priority.
    pub priority: String,
    /// Who asked: of clients who are one, the one that the others count as.
    pub client: String,
    /// The name of the ticket's own client, where it is another.
    pub client_own: Option<String>,
    /// A mail address of theirs.
    pub client_address: Option<String>,
    /// Whose work it is.
    pub department: Option<String>,
    /// What it is about.
    pub category: Option<String>,
    /// The handles of those whom it is assigned to.
    pub assignees: Vec<String>,
    /// The handles of those who are told as well.
    pub cc: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The tenant's own fields.
    pub custom_fields: Json<BTreeMap<String, serde_json::Value>>,
    /// The account that it came in by.
    pub account: String,
    /// How many messages it has.
    pub message_count: i32,
    /// Counts its changes.
    pub version: i32,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it changed last.
    pub changed_at: DateTime<Utc>,
    /// When it was closed, if it is.
    pub closed_at: Option<DateTime<Utc>>,
}

/// All of one ticket.
#[derive(Debug, Clone, Serialize)]
pub struct TicketView {
    /// What a list shows of it.
    #[serde(flatten)]
    pub line: TicketLine,
    /// The handles of the people and groups who follow it.
    pub followers: Vec<String>,
    /// The handles of those who follow its department.
    pub department_followers: Vec<String>,
    /// Its messages, in their order.
    pub messages: Vec<MessageView>,
    /// Its changes, in their order.
    pub versions: Vec<VersionView>,
    /// The tickets that it is linked with.
    pub links: Vec<LinkView>,
    /// Who was told of it.
    pub deliveries: Vec<DeliveryView>,
    /// What was collected of it to be told at once.
    pub collected: Vec<CollectedView>,
}

/// A message on a ticket.
#[derive(Debug, Clone, Serialize)]
pub struct MessageView {
    /// Its id.
    #[serde(skip)]
    pub id: MessageId,
    /// Its place on the ticket, from 1.
    pub position: i32,
    /// `public`, `note` or `system`.
    pub kind: String,
    /// `in` or `out`.
    pub direction: String,
    /// The channel that it came or goes by.
    pub channel: String,
    /// Who wrote it: a handle, a client's name, or the name that came with it.
    pub author: String,
    /// The address that it came from.
    pub address: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its text: of a reply what was newly written.
    pub text: String,
    /// All of its text, where that is more.
    pub full_text: Option<String>,
    /// What an agent should know before reading.
    pub notice: Option<String>,
    /// How far the sender is vouched for.
    pub trust: Trust,
    /// Why it counts as sent by a program.
    pub automatic: Option<String>,
    /// Its row of the inbound log, for `explain`.
    pub inbound_id: Option<InboundId>,
    /// When it says that it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
    /// Its attachments.
    pub attachments: Json<Vec<AttachmentView>>,
}

/// An attachment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttachmentView {
    /// Its file name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes.
    pub size: i64,
    /// Shown within the HTML.
    pub inline: bool,
}

/// A step in a ticket's history.
#[derive(Debug, Clone, Serialize)]
pub struct VersionView {
    /// Counts up from 1.
    pub version: i32,
    /// Who did it: a handle, a client's name, or `switchboard`.
    pub by: String,
    /// What changed, in sentences.
    pub changes: Json<Vec<String>>,
    /// When.
    pub changed_at: DateTime<Utc>,
}

/// A ticket that another one is linked with.
#[derive(Debug, Clone, Serialize)]
pub struct LinkView {
    /// Its number.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// `stranger`, `number`, `follow_up` or `related`.
    pub kind: String,
    /// This ticket points at that one; else that one at this.
    pub points_at_it: bool,
    /// Why they are linked.
    pub reason: String,
}

/// The tickets with this number, of one tenant or of all.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_ticket(connection: &mut PgConnection, tenant: Option<TenantId>, number: i64) -> sqlx::Result<Vec<(TenantId, TicketId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: TicketId" from tickets
           where ticket_number = $2 and ($1::uuid is null or tenant_id = $1)"#,
        tenant.map(|id| id.0),
        number,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// Tickets in any of these states (all, where none is named), those that changed last first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn list_tickets(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    states: &[TicketState],
    limit: i64,
) -> sqlx::Result<Vec<TicketLine>> {
    lines(connection, tenant, None, states, limit).await
}

/// All of one ticket.
///
/// # Errors
/// When the database refuses or cannot be reached, or there is no such ticket.
pub async fn show_ticket(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<TicketView> {
    let line = lines(connection, Some(tenant), Some(ticket), &[], 1).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
    let (followers, department_followers) = followers(connection, tenant, ticket).await?;
    Ok(TicketView {
        line,
        followers,
        department_followers,
        messages: messages(connection, tenant, ticket).await?,
        versions: versions(connection, tenant, ticket).await?,
        links: links(connection, tenant, ticket).await?,
        deliveries: super::deliveries(connection, tenant, ticket).await?,
        collected: super::collected(connection, tenant, Collected::OfTicket(ticket)).await?,
    })
}

/// Who follows a ticket, and who its department.
async fn followers(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<(Vec<String>, Vec<String>)> {
    let row = sqlx::query!(
        r#"select array(select u.handle from ticket_watchers w join users u on u.tenant_id = w.tenant_id and u.id = w.user_id
                        where w.tenant_id = t.tenant_id and w.ticket_id = t.id and u.archived_at is null order by u.handle) as "ticket!",
                  array(select u.handle from department_watchers w join users u on u.tenant_id = w.tenant_id and u.id = w.user_id
                        where w.tenant_id = t.tenant_id and w.department_id = t.department_id and u.archived_at is null
                        order by u.handle) as "department!"
           from tickets t where t.tenant_id = $1 and t.id = $2"#,
        tenant.0,
        ticket.0,
    )
    .fetch_one(connection)
    .await?;
    Ok((row.ticket, row.department))
}

async fn lines(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    ticket: Option<TicketId>,
    states: &[TicketState],
    limit: i64,
) -> sqlx::Result<Vec<TicketLine>> {
    sqlx::query_as!(
        TicketLine,
        r#"select tn.name as tenant, t.ticket_number as number, t.title, s.state as "state: TicketState", s.name as status, p.name as priority,
                  coalesce(r.name, c.name) as "client!", case when c.name <> r.name then c.name end as client_own,
                  (select e.value from client_external_ids e
                   where e.tenant_id = t.tenant_id and e.client_id = t.client_id and e.type = 'email' order by e.created_at, e.id limit 1) as client_address,
                  d.name as "department?", k.name as "category?",
                  array(select u.handle from ticket_assignments ta join users u on u.tenant_id = ta.tenant_id and u.id = ta.user_id
                        where ta.tenant_id = t.tenant_id and ta.ticket_id = t.id order by u.handle) as "assignees!",
                  array(select u.handle from ticket_cc tc join users u on u.tenant_id = tc.tenant_id and u.id = tc.user_id
                        where tc.tenant_id = t.tenant_id and tc.ticket_id = t.id order by u.handle) as "cc!",
                  array(select g.name from ticket_tags tt join tags g on g.tenant_id = tt.tenant_id and g.id = tt.tag_id
                        where tt.tenant_id = t.tenant_id and tt.ticket_id = t.id order by g.name) as "tags!",
                  t.custom_fields as "custom_fields: Json<BTreeMap<String, serde_json::Value>>",
                  a.name as account, t.message_count, t.version, first.changed_at as opened_at, latest.changed_at, t.closed_at
           from tickets t
           join tenants tn on tn.id = t.tenant_id
           join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id
           join priorities p on p.tenant_id = t.tenant_id and p.id = t.priority_id
           join clients c on c.tenant_id = t.tenant_id and c.id = t.client_id
           left join clients r on c.merged_into is not null and r.tenant_id = c.tenant_id and r.id = client_root(c.tenant_id, c.id)
           join channel_accounts a on a.tenant_id = t.tenant_id and a.id = t.account_id
           join ticket_versions first on first.tenant_id = t.tenant_id and first.ticket_id = t.id and first.version = 1
           join ticket_versions latest on latest.tenant_id = t.tenant_id and latest.ticket_id = t.id and latest.version = t.version
           left join departments d on d.tenant_id = t.tenant_id and d.id = t.department_id
           left join categories k on k.tenant_id = t.tenant_id and k.id = t.category_id
           where ($1::uuid is null or t.tenant_id = $1) and ($2::uuid is null or t.id = $2)
             and ($3::ticket_state[] = '{}' or s.state = any($3))
           order by latest.changed_at desc, t.tenant_id, t.ticket_number desc
           limit $4"#,
        tenant.map(|id| id.0),
        ticket.map(|id| id.0),
        states as _,
        limit,
    )
    .fetch_all(connection)
    .await
}

async fn messages(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Vec<MessageView>> {
    sqlx::query_as!(
        MessageView,
        r#"select m.id as "id: MessageId", m.position, m.kind::text as "kind!", m.direction::text as "direction!", m.channel,
                  coalesce(u.handle, client_name(c.tenant_id, c.id), m.sender_name, m.sender_address, 'switchboard') as "author!",
                  m.sender_address as address, m.subject, m.text, m.full_text, m.notice, m.trust as "trust: Trust", m.automatic,
                  m.inbound_id as "inbound_id: InboundId", m.sent_at, m.received_at,
                  (select coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'content_type', a.content_type, 'size', a.size, 'inline', a.inline)
                                             order by a.position), '[]')
                   from attachments a where a.tenant_id = m.tenant_id and a.message_id = m.id) as "attachments!: Json<Vec<AttachmentView>>"
           from messages m
           left join users u on u.tenant_id = m.tenant_id and u.id = m.author_user_id
           left join clients c on c.tenant_id = m.tenant_id and c.id = m.author_client_id
           where m.tenant_id = $1 and m.ticket_id = $2
           order by m.position"#,
        tenant.0,
        ticket.0,
    )
    .fetch_all(connection)
    .await
}

async fn versions(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Vec<VersionView>> {
    sqlx::query_as!(
        VersionView,
        r#"select v.version, coalesce(u.handle, client_name(c.tenant_id, c.id), 'switchboard') as "by!", v.changes as "changes: Json<Vec<String>>", v.changed_at
           from ticket_versions v
           left join users u on u.tenant_id = v.tenant_id and u.id = v.actor_user_id
           left join clients c on c.tenant_id = v.tenant_id and c.id = v.actor_client_id
           where v.tenant_id = $1 and v.ticket_id = $2
           order by v.version"#,
        tenant.0,
        ticket.0,
    )
    .fetch_all(connection)
    .await
}

/// The tickets that this one was linked with, and those that were linked with it.
async fn links(connection: &mut PgConnection, tenant: TenantId, ticket: TicketId) -> sqlx::Result<Vec<LinkView>> {
    sqlx::query_as!(
        LinkView,
        r#"select t.ticket_number as number, t.title, l.kind, l.ticket_id = $2 as "points_at_it!", l.reason
           from ticket_links l
           join tickets t on t.tenant_id = l.tenant_id and t.id = case when l.ticket_id = $2 then l.linked_id else l.ticket_id end
           where l.tenant_id = $1 and (l.ticket_id = $2 or l.linked_id = $2)
           order by t.ticket_number"#,
        tenant.0,
        ticket.0,
    )
    .fetch_all(connection)
    .await
}
