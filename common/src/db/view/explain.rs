//! Why a message went where it went, and who was told.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::DeliveryView;
use crate::broker::Queue;
use crate::db::dead_letters::{self, DeadLetter};
use crate::domain::explanation::{Explanation, ToldDecision};
use crate::domain::inbound::InboundMessage;
use crate::envelope;
use crate::ids::{EventId, InboundId, MessageId, TenantId, TicketId};

/// How many of the latest dead letters are looked through.
const DEAD_LETTERS: i64 = 1000;

/// A logged message, with all that is on record about it.
#[derive(Debug, Clone, Serialize)]
pub struct MessageExplained {
    /// Its id in the log.
    pub id: InboundId,
    /// The tenant's name.
    pub tenant: String,
    /// The account that received it.
    pub account: String,
    /// The message as it came in.
    pub message: Json<InboundMessage>,
    /// What became of it: `opened`, `joined`, `answered`, `noted`, `blocked` or `heeded`.
    pub outcome: Option<String>,
    /// How often it came again.
    pub duplicates: i32,
    /// The other accounts that it came by as well.
    pub also_by: Vec<String>,
    /// The number of its ticket.
    pub ticket: Option<i64>,
    /// The title of its ticket.
    pub title: Option<String>,
    /// The client of its ticket.
    pub client: Option<String>,
    /// Why.
    pub explanation: Option<Json<Explanation>>,
    /// What it caused.
    pub events: Vec<EventView>,
}

/// An event that a message caused.
#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// Its id.
    pub id: EventId,
    /// Its kind, such as `ticket.created`.
    pub kind: String,
    /// The ticket's version after it.
    pub version: i32,
    /// When it was planned who is told; `None` when that is still to come.
    pub planned_at: Option<DateTime<Utc>>,
    /// Who is told and who is not, and why.
    pub told: Vec<ToldDecision>,
    /// What became of the mail.
    pub deliveries: Vec<DeliveryView>,
}

/// The logged messages whose id begins with `text`, or whose Message-ID it is. Of several with one
/// Message-ID each is another message.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_messages(connection: &mut PgConnection, text: &str) -> sqlx::Result<Vec<(TenantId, InboundId)>> {
    let message_id = text.trim().trim_start_matches('<').trim_end_matches('>');
    let prefix = text.trim().to_lowercase();
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id: TenantId", id as "id: InboundId" from inbound_messages
           where payload ->> 'message_id' = $1 or ($2 <> '' and starts_with(id::text, $2))
           order by received_at, id"#,
        message_id,
        prefix,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// The message that could not be processed, by the id that it travelled under or by its Message-ID.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn dead_letter(connection: &mut PgConnection, text: &str) -> sqlx::Result<Option<DeadLetter>> {
    let message_id = text.trim().trim_start_matches('<').trim_end_matches('>');
    let is_meant = |letter: &DeadLetter| {
        let message = envelope::open::<InboundMessage>(&letter.payload).ok();
        letter.id.to_string().starts_with(&text.to_lowercase())
            || message.and_then(|message| message.message_id).as_deref() == Some(message_id)
    };
    let letters = dead_letters::list(connection, DEAD_LETTERS).await?;
    Ok(letters.into_iter().filter(|letter| letter.queue.starts_with(Queue::Inbound.as_str())).find(is_meant))
}

/// All that is on record about a logged message.
///
/// # Errors
/// When the database refuses or cannot be reached, or there is no such message.
pub async fn explain(connection: &mut PgConnection, tenant: TenantId, id: InboundId) -> sqlx::Result<MessageExplained> {
    let row = sqlx::query!(
        r#"select tn.name as tenant, a.name as account, i.payload as "message: Json<InboundMessage>", i.outcome::text as outcome,
                  i.duplicates, i.ticket_id as "ticket_id: TicketId", i.explanation as "explanation: Json<Explanation>",
                  array(select o.name from inbound_copies k
                        join channel_accounts o on o.tenant_id = k.tenant_id and o.id = k.account_id
                        where k.tenant_id = i.tenant_id and k.inbound_id = i.id order by o.name) as "also_by!",
                  m.id as "message_id?: MessageId", t.ticket_number as "ticket?", t.title as "title?", client_name(c.tenant_id, c.id) as "client?"
           from inbound_messages i
           join tenants tn on tn.id = i.tenant_id
           join channel_accounts a on a.tenant_id = i.tenant_id and a.id = i.account_id
           left join messages m on m.tenant_id = i.tenant_id and m.inbound_id = i.id
           left join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id
           left join clients c on c.tenant_id = t.tenant_id and c.id = t.client_id
           where i.tenant_id = $1 and i.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut events = match row.message_id {
        Some(message) => events(connection, tenant, message).await?,
        None => Vec::new(),
    };
    if let Some(ticket) = row.ticket_id {
        for delivery in super::deliveries(connection, tenant, ticket).await? {
            if let Some(event) = events.iter_mut().find(|event| event.id == delivery.event_id) {
                event.deliveries.push(delivery);
            }
        }
    }
    Ok(MessageExplained {
        id,
        tenant: row.tenant,
        account: row.account,
        message: row.message,
        outcome: row.outcome,
        duplicates: row.duplicates,
        also_by: row.also_by,
        ticket: row.ticket,
        title: row.title,
        client: row.client,
        explanation: row.explanation,
        events,
    })
}

/// The events about a message: those that are planned, and those that still wait for it.
async fn events(connection: &mut PgConnection, tenant: TenantId, message: MessageId) -> sqlx::Result<Vec<EventView>> {
    let rows = sqlx::query!(
        r#"select event_id as "id!: EventId", kind as "kind!", version as "version!", decisions as "decisions: Json<Vec<ToldDecision>>", planned_at
           from event_plans where tenant_id = $1 and message_id = $2
           union all
           select id, payload ->> 'kind', version, null, null
           from outbox o where tenant_id = $1 and payload ->> 'message_id' = $2::text
             and not exists (select from event_plans p where p.tenant_id = o.tenant_id and p.event_id = o.id)
           order by 3, 1"#,
        tenant.0,
        message.0,
    )
    .fetch_all(connection)
    .await?;
    let event = |id, kind, version, planned_at, told: Option<Json<Vec<ToldDecision>>>| {
        let told = told.map(|told| told.0).unwrap_or_default();
        EventView { id, kind, version, planned_at, told, deliveries: Vec::new() }
    };
    Ok(rows.into_iter().map(|row| event(row.id, row.kind, row.version, row.planned_at, row.decisions)).collect())
}
