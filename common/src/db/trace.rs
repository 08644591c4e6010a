//! What became of one mail, from the log to the last try to tell somebody.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::db::inbound::InboundOutcome;
use crate::domain::explanation::{Explanation, ToldDecision};
use crate::ids::{InboundId, TicketId};

/// A logged message and all that followed from it.
#[derive(Debug)]
pub struct Trace {
    /// Its row in the log.
    pub inbound_id: InboundId,
    /// What became of it.
    pub outcome: InboundOutcome,
    /// Why.
    pub explanation: Explanation,
    /// How often it arrived after the first time.
    pub duplicates: i32,
    /// The ticket that it is on.
    pub ticket_id: TicketId,
    /// Its number.
    pub ticket_number: i64,
    /// Its title.
    pub title: String,
    /// The ticket's client.
    pub client: String,
    /// The message's text, as it stands on the ticket.
    pub text: String,
    /// The names of its attachments.
    pub attachments: Vec<String>,
    /// The numbers of the tickets that the message's ticket is linked to.
    pub linked: Vec<i64>,
    /// Who was told of it and who was not.
    pub decisions: Vec<ToldDecision>,
    /// What was sent because of it, in the order in which it was planned.
    pub deliveries: Vec<TracedDelivery>,
}

/// A delivery and its last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedDelivery {
    /// To whom.
    pub address: String,
    /// What became of it, such as `sent`.
    pub status: String,
    /// What was answered last; for a folder, the file.
    pub answer: Option<String>,
}

/// The trace of the message with this key, if it was routed.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, external_id: &str) -> sqlx::Result<Option<Trace>> {
    let found = sqlx::query!(
        r#"select i.id as "inbound_id: InboundId", i.outcome as "outcome!: InboundOutcome", i.explanation as "explanation!: Json<Explanation>",
                  i.duplicates, t.id as "ticket_id: TicketId", t.ticket_number, t.title, c.name as client, m.text,
                  array(select a.name from attachments a where a.tenant_id = m.tenant_id and a.message_id = m.id order by a.position) as "attachments!",
                  array(select o.ticket_number from ticket_links l join tickets o on o.tenant_id = l.tenant_id and o.id = l.linked_id
                        where l.tenant_id = t.tenant_id and l.ticket_id = t.id order by 1) as "linked!",
                  array(select p.decisions from event_plans p where p.tenant_id = m.tenant_id and p.message_id = m.id
                        order by p.planned_at) as "decisions!: Vec<Json<Vec<ToldDecision>>>"
           from inbound_messages i
           join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id
           join clients c on c.tenant_id = t.tenant_id and c.id = t.client_id
           join messages m on m.tenant_id = i.tenant_id and m.inbound_id = i.id
           where i.external_id = $1"#,
        external_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let deliveries = sqlx::query_as!(
        TracedDelivery,
        r#"select d.address, d.status::text as "status!", a.answer as "answer?"
           from messages m
           join event_plans p on p.tenant_id = m.tenant_id and p.message_id = m.id
           join notifications n on n.tenant_id = p.tenant_id and n.event_id = p.event_id
           join deliveries d on d.tenant_id = n.tenant_id and d.notification_id = n.id
           left join delivery_attempts a on a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.attempt = d.attempts
           where m.inbound_id = $1
           order by d.planned_at, d.address"#,
        found.inbound_id.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(Some(Trace {
        inbound_id: found.inbound_id,
        outcome: found.outcome,
        explanation: found.explanation.0,
        duplicates: found.duplicates,
        ticket_id: found.ticket_id,
        ticket_number: found.ticket_number,
        title: found.title,
        client: found.client,
        text: found.text,
        attachments: found.attachments,
        linked: found.linked,
        decisions: found.decisions.into_iter().flat_map(|decisions| decisions.0).collect(),
        deliveries,
    }))
}

/// What the file transport answered to the latest mail that one address got on a ticket: its file.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn latest_mail(connection: &mut PgConnection, ticket: TicketId, address: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select a.answer as "answer!" from deliveries d
           join delivery_attempts a on a.tenant_id = d.tenant_id and a.delivery_id = d.id and a.outcome = 'sent'
           where d.ticket_id = $1 and d.address = $2 and a.answer is not null
           order by d.ticket_version desc, a.attempt desc limit 1"#,
        ticket.0,
        address,
    )
    .fetch_optional(connection)
    .await
}

/// Whether nothing is on its way: no message to route, no event to plan, no delivery to make.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn is_settled(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select not exists (select from broker.messages) and not exists (select from outbox)
              and not exists (select from deliveries where status in ('queued', 'sending')) as "settled!""#
    )
    .fetch_one(connection)
    .await
}
