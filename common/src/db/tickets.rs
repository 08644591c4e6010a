//! Tickets with their versions and messages. A change is made in memory on a [`TicketSnapshot`] and
//! written here: the ticket's row, its people, a version, and the messages that came with it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::event::Actor;
use crate::domain::inbound::{Channel, InboundAttachment, Trust};
use crate::domain::ticket::TicketSnapshot;
use crate::ids::{InboundId, MessageId, TenantId, TicketId, UserId};

/// Locks tickets until the end of the transaction, and reads them as their latest version has them.
/// After the message ids in the lock order. The locks of this order are `for no key update`: whoever
/// merely refers to a row, as a plan does to its ticket and client, does not wait for them.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn lock(
    connection: &mut PgConnection,
    mut tickets: Vec<(TenantId, TicketId)>,
) -> sqlx::Result<HashMap<(TenantId, TicketId), (i32, TicketSnapshot)>> {
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    tickets.sort_unstable();
    tickets.dedup();
    let tenants: Vec<Uuid> = tickets.iter().map(|(tenant, _)| tenant.0).collect();
    let ids: Vec<Uuid> = tickets.iter().map(|(_, id)| id.0).collect();
    sqlx::query!(
        "select t.id from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
         join tickets t on t.tenant_id = w.tenant_id and t.id = w.id
         order by t.tenant_id, t.id
         for no key update of t",
        &tenants,
        &ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    load(connection, &tenants, &ids).await
}

/// The same, together with the tickets that go on with them, and with those in turn.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn lock_with_follow_ups(
    connection: &mut PgConnection,
    mut tickets: Vec<(TenantId, TicketId)>,
) -> sqlx::Result<HashMap<(TenantId, TicketId), (i32, TicketSnapshot)>> {
    tickets.sort_unstable();
    tickets.dedup();
    if tickets.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"with recursive wanted as (
               select * from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
               union
               select l.tenant_id, l.ticket_id
               from wanted w join ticket_links l on l.tenant_id = w.tenant_id and l.linked_id = w.id and l.kind = 'follow_up'
           )
           select t.tenant_id, t.id from wanted w
           join tickets t on t.tenant_id = w.tenant_id and t.id = w.id
           order by t.tenant_id, t.id
           for no key update of t"#,
        &tickets.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &tickets.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = rows.into_iter().map(|row| (row.tenant_id, row.id)).unzip();
    load(connection, &tenants, &ids).await
}

/// Reads locked tickets, in a statement of its own: it sees what the transactions committed that the
/// locks waited for.
async fn load(
    connection: &mut PgConnection,
    tenants: &[Uuid],
    ids: &[Uuid],
) -> sqlx::Result<HashMap<(TenantId, TicketId), (i32, TicketSnapshot)>> {
    let rows = sqlx::query!(
        r#"select t.tenant_id as "tenant_id: TenantId", t.id as "id: TicketId", t.version, v.state as "state: Json<TicketSnapshot>",
                  t.channels, t.last_message_at
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join tickets t on t.tenant_id = w.tenant_id and t.id = w.id
           join ticket_versions v on v.tenant_id = t.tenant_id and v.ticket_id = t.id and v.version = t.version"#,
        tenants,
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let mut state = row.state.0;
            // Versions from before these were kept have neither.
            if state.channels.is_empty() {
                state.channels = row.channels.iter().filter_map(|name| Channel::named(name)).collect();
            }
            state.last_message_at = state.last_message_at.or(row.last_message_at);
            ((row.tenant_id, row.id), (row.version, state))
        })
        .collect())
}

/// The id of the ticket with this number.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn by_number(connection: &mut PgConnection, tenant: TenantId, number: i64) -> sqlx::Result<Option<TicketId>> {
    sqlx::query_scalar!(r#"select id as "id: TicketId" from tickets where tenant_id = $1 and ticket_number = $2"#, tenant.0, number)
        .fetch_optional(connection)
        .await
}

/// Takes `count` numbers from each tenant's counter and returns the first of them. Last in the lock
/// order, since the counter is held until the end of the transaction.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn take_numbers(connection: &mut PgConnection, mut counts: Vec<(TenantId, i64)>) -> sqlx::Result<HashMap<TenantId, i64>> {
    counts.sort_unstable();
    let rows = sqlx::query!(
        r#"insert into ticket_counters as c (tenant_id, last_number)
           select w.tenant_id, w.count from unnest($1::uuid[], $2::bigint[]) with ordinality as w (tenant_id, count, n) order by w.n
           on conflict (tenant_id) do update set last_number = c.last_number + excluded.last_number
           returning tenant_id as "tenant_id: TenantId", last_number"#,
        &counts.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &counts.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let counts: HashMap<TenantId, i64> = counts.into_iter().collect();
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.last_number - counts.get(&row.tenant_id).copied().unwrap_or(0) + 1)).collect())
}

/// A ticket to write.
#[derive(Debug, Clone)]
pub struct TicketRow {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which.
    pub id: TicketId,
    /// The version after all changes of this transaction.
    pub version: i32,
    /// The state after them.
    pub state: TicketSnapshot,
    /// Makes the link for access without a login; only written with a new ticket.
    pub key_salt: String,
    /// Assignees or cc are others than those that are written.
    pub people_changed: bool,
}

/// Writes new tickets, with their assignees, cc and tags. The tags have to be there: [`super::tags::ensure`].
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn insert(connection: &mut PgConnection, tickets: &[TicketRow]) -> sqlx::Result<()> {
    if tickets.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into tickets (tenant_id, id, ticket_number, key_salt, title, client_id, account_id, department_id, category_id,
                              status_id, priority_id, version, message_count, last_message_at, channels, custom_fields)
         select w.a, w.b, w.c, w.d, w.e, w.f, w.g, w.h, w.i, w.j, w.k, w.l, w.m, w.n, string_to_array(w.o, ' '), w.p
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[], $9::uuid[],
                     $10::uuid[], $11::uuid[], $12::int[], $13::int[], $14::timestamptz[], $15::text[], $16::jsonb[])
              as w (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)",
        &tickets.iter().map(|t| t.tenant_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.number).collect::<Vec<_>>(),
        tickets.iter().map(|t| t.key_salt.as_str()).collect::<Vec<_>>() as _,
        tickets.iter().map(|t| t.state.title.as_str()).collect::<Vec<_>>() as _,
        &tickets.iter().map(|t| t.state.client_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.account_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.department_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &tickets.iter().map(|t| t.state.category_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &tickets.iter().map(|t| t.state.status_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.priority_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.version).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.message_count).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.last_message_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &tickets.iter().map(|t| channels(&t.state)).collect::<Vec<_>>(),
        tickets.iter().map(|t| Json(&t.state.custom_fields)).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    super::tags::write(connection, tickets).await?;
    add_people(connection, &tickets.iter().collect::<Vec<_>>()).await
}

/// The channels of a ticket, as a list within a list can be sent.
fn channels(state: &TicketSnapshot) -> String {
    state.channels.iter().map(|channel| channel.as_str()).collect::<Vec<_>>().join(" ")
}

/// Writes changed tickets, with their assignees and cc.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn update(connection: &mut PgConnection, tickets: &[TicketRow]) -> sqlx::Result<()> {
    if tickets.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update tickets t set status_id = w.status_id, version = w.version, message_count = w.message_count, closed_at = w.closed_at,
                              last_message_at = w.last_message_at, channels = string_to_array(w.channels, ' ')
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[], $8::text[])
              as w (tenant_id, id, status_id, version, message_count, closed_at, last_message_at, channels)
         where t.tenant_id = w.tenant_id and t.id = w.id",
        &tickets.iter().map(|t| t.tenant_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.status_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.version).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.message_count).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.state.closed_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &tickets.iter().map(|t| t.state.last_message_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &tickets.iter().map(|t| channels(&t.state)).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    let people: Vec<&TicketRow> = tickets.iter().filter(|ticket| ticket.people_changed).collect();
    if !people.is_empty() {
        remove_people(connection, &people).await?;
        add_people(connection, &people).await?;
    }
    Ok(())
}

/// Takes people off tickets that the snapshots do not name any more.
async fn remove_people(connection: &mut PgConnection, tickets: &[&TicketRow]) -> sqlx::Result<()> {
    let assignees: Vec<_> = people(tickets, |state| &state.assignees).collect();
    sqlx::query!(
        "delete from ticket_assignments a using unnest($1::uuid[], $2::uuid[]) as t (tenant_id, id)
         where a.tenant_id = t.tenant_id and a.ticket_id = t.id
           and not exists (select from unnest($3::uuid[], $4::uuid[], $5::uuid[]) as w (tenant_id, ticket_id, user_id)
                           where w.tenant_id = a.tenant_id and w.ticket_id = a.ticket_id and w.user_id = a.user_id)",
        &tickets.iter().map(|t| t.tenant_id.0).collect::<Vec<_>>(),
        &tickets.iter().map(|t| t.id.0).collect::<Vec<_>>(),
        &assignees.iter().map(|row| row.0).collect::<Vec<_>>(),
        &assignees.iter().map(|row| row.1).collect::<Vec<_>>(),
        &assignees.iter().map(|row| row.2).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the assignees and cc that the snapshots name and that are not there yet.
async fn add_people(connection: &mut PgConnection, tickets: &[&TicketRow]) -> sqlx::Result<()> {
    let assignees: Vec<_> = people(tickets, |state| &state.assignees).collect();
    if !assignees.is_empty() {
        sqlx::query!(
            "insert into ticket_assignments (tenant_id, ticket_id, user_id)
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) on conflict do nothing",
            &assignees.iter().map(|row| row.0).collect::<Vec<_>>(),
            &assignees.iter().map(|row| row.1).collect::<Vec<_>>(),
            &assignees.iter().map(|row| row.2).collect::<Vec<_>>(),
        )
        .execute(&mut *connection)
        .await?;
    }
    let cc: Vec<_> = people(tickets, |state| &state.cc).collect();
    if !cc.is_empty() {
        sqlx::query!(
            "insert into ticket_cc (tenant_id, ticket_id, user_id)
             select * from unnest($1::uuid[], $2::uuid[], $3::uuid[]) on conflict do nothing",
            &cc.iter().map(|row| row.0).collect::<Vec<_>>(),
            &cc.iter().map(|row| row.1).collect::<Vec<_>>(),
            &cc.iter().map(|row| row.2).collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Tenant, ticket and person, for each person of the snapshots.
fn people<'a>(tickets: &'a [&TicketRow], of: fn(&TicketSnapshot) -> &[UserId]) -> impl Iterator<Item = (Uuid, Uuid, Uuid)> + 'a {
    tickets.iter().flat_map(move |t| of(&t.state).iter().map(|user| (t.tenant_id.0, t.id.0, user.0)))
}

/// One step in a ticket's history.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which ticket.
    pub ticket_id: TicketId,
    /// Counts up from 1.
    pub version: i32,
    /// Who did it.
    pub actor: Actor,
    /// What changed, in sentences.
    pub changes: Vec<String>,
    /// The whole ticket after it.
    pub state: TicketSnapshot,
    /// When.
    pub changed_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(type_name = "actor_kind", rename_all = "snake_case")]
enum ActorKind {
    Client,
    User,
    System,
}

fn actor_columns(actor: Actor) -> (ActorKind, Option<Uuid>, Option<Uuid>) {
    match actor {
        Actor::Client(id) => (ActorKind::Client, None, Some(id.0)),
        Actor::User(id) => (ActorKind::User, Some(id.0), None),
        Actor::System => (ActorKind::System, None, None),
    }
}

/// Adds versions.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add_versions(connection: &mut PgConnection, versions: &[VersionRow]) -> sqlx::Result<()> {
    if versions.is_empty() {
        return Ok(());
    }
    let actors: Vec<_> = versions.iter().map(|v| actor_columns(v.actor)).collect();
    sqlx::query!(
        "insert into ticket_versions (tenant_id, ticket_id, version, actor, actor_user_id, actor_client_id, changes, state, changed_at)
         select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::actor_kind[], $5::uuid[], $6::uuid[], $7::jsonb[], $8::jsonb[], $9::timestamptz[])",
        &versions.iter().map(|v| v.tenant_id.0).collect::<Vec<_>>(),
        &versions.iter().map(|v| v.ticket_id.0).collect::<Vec<_>>(),
        &versions.iter().map(|v| v.version).collect::<Vec<_>>(),
        actors.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>() as _,
        &actors.iter().map(|(_, user, _)| *user).collect::<Vec<_>>() as &[Option<Uuid>],
        &actors.iter().map(|(.., client)| *client).collect::<Vec<_>>() as &[Option<Uuid>],
        versions.iter().map(|v| Json(&v.changes)).collect::<Vec<_>>() as _,
        versions.iter().map(|v| Json(&v.state)).collect::<Vec<_>>() as _,
        &versions.iter().map(|v| v.changed_at).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a message is to those who read the ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "message_kind", rename_all = "snake_case")]
pub enum MessageKind {
    /// Between the client and the desk.
    Public,
    /// Within the desk.
    Note,
    /// From Switchboard itself.
    System,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "message_direction", rename_all = "snake_case")]
pub enum MessageDirection {
    /// To the desk.
    In,
    /// To the client.
    Out,
}

/// A message to write.
#[derive(Debug, Clone)]
pub struct MessageRow {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: MessageId,
    /// On which ticket.
    pub ticket_id: TicketId,
    /// Its place there, from 1.
    pub position: i32,
    /// What it is to those who read.
    pub kind: MessageKind,
    /// Which way it went.
    pub direction: MessageDirection,
    /// Where it came in.
    pub channel: &'static str,
    /// Who wrote it. `System` also for somebody whom the desk does not know.
    pub author: Actor,
    /// The name that came with it.
    pub sender_name: Option<String>,
    /// The address that it came from.
    pub sender_address: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its text, as the ticket shows it.
    pub text: String,
    /// All of its text, where the ticket does not show all.
    pub full_text: Option<String>,
    /// Its HTML, sanitised.
    pub html: Option<String>,
    /// What an agent should know before reading.
    pub notice: Option<String>,
    /// How far the sender is vouched for.
    pub trust: Trust,
    /// Why it counts as sent by a program.
    pub automatic: Option<String>,
    /// The logged message that it was made from.
    pub inbound_id: Option<InboundId>,
    /// When it says that it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When we took it.
    pub received_at: DateTime<Utc>,
    /// Its attachments, in order.
    pub attachments: Vec<InboundAttachment>,
}

/// Adds messages with their attachments.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add_messages(connection: &mut PgConnection, messages: &[MessageRow]) -> sqlx::Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let authors: Vec<_> = messages.iter().map(|m| actor_columns(m.author)).collect();
    sqlx::query!(
        "insert into messages (tenant_id, id, ticket_id, position, kind, direction, channel, author_user_id, author_client_id, is_system,
                               sender_name, sender_address, subject, text, html, notice, trust, automatic, inbound_id, sent_at, received_at,
                               full_text)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::message_kind[], $6::message_direction[], $7::text[],
                              $8::uuid[], $9::uuid[], $10::bool[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
                              $16::text[], $17::trust[], $18::text[], $19::uuid[], $20::timestamptz[], $21::timestamptz[], $22::text[])",
        &messages.iter().map(|m| m.tenant_id.0).collect::<Vec<_>>(),
        &messages.iter().map(|m| m.id.0).collect::<Vec<_>>(),
        &messages.iter().map(|m| m.ticket_id.0).collect::<Vec<_>>(),
        &messages.iter().map(|m| m.position).collect::<Vec<_>>(),
        messages.iter().map(|m| m.kind).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.direction).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.channel).collect::<Vec<_>>() as _,
        &authors.iter().map(|(_, user, _)| *user).collect::<Vec<_>>() as &[Option<Uuid>],
        &authors.iter().map(|(.., client)| *client).collect::<Vec<_>>() as &[Option<Uuid>],
        &authors.iter().map(|(kind, ..)| matches!(kind, ActorKind::System)).collect::<Vec<_>>(),
        messages.iter().map(|m| m.sender_name.as_deref()).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.sender_address.as_deref()).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.subject.as_str()).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.text.as_str()).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.html.as_deref()).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.notice.as_deref()).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.trust).collect::<Vec<_>>() as _,
        messages.iter().map(|m| m.automatic.as_deref()).collect::<Vec<_>>() as _,
        &messages.iter().map(|m| m.inbound_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &messages.iter().map(|m| m.sent_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        &messages.iter().map(|m| m.received_at).collect::<Vec<_>>(),
        messages.iter().map(|m| m.full_text.as_deref()).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    add_attachments(connection, messages).await
}

async fn add_attachments(connection: &mut PgConnection, messages: &[MessageRow]) -> sqlx::Result<()> {
    let rows: Vec<(&MessageRow, i32, &InboundAttachment)> = messages
        .iter()
        .flat_map(|message| (1..).zip(&message.attachments).map(move |(position, attachment)| (message, position, attachment)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into attachments (tenant_id, message_id, position, media_id, name, content_type, size, inline, content_id)
         select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::bool[], $9::text[])",
        &rows.iter().map(|(m, ..)| m.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(m, ..)| m.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, position, _)| *position).collect::<Vec<_>>(),
        &rows.iter().map(|(.., a)| a.media_id.0).collect::<Vec<_>>(),
        rows.iter().map(|(.., a)| a.name.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|(.., a)| a.content_type.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(.., a)| i64::try_from(a.size).unwrap_or(i64::MAX)).collect::<Vec<_>>(),
        &rows.iter().map(|(.., a)| a.inline).collect::<Vec<_>>(),
        rows.iter().map(|(.., a)| a.content_id.as_deref()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
