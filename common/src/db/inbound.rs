//! The inbound log: everything that was ever accepted, what became of it, and why.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::explanation::Explanation;
use crate::domain::inbound::InboundMessage;
use crate::ids::{InboundId, TenantId, TicketId};

/// A message and the id that it has in the log.
pub type Logged<'a> = (InboundId, &'a InboundMessage);

/// What became of an inbound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "inbound_outcome", rename_all = "snake_case")]
pub enum InboundOutcome {
    /// It opened a ticket.
    Opened,
    /// It went to a ticket that was there already.
    Joined,
    /// It is an agent's answer to a client.
    Answered,
    /// It is an internal note.
    Noted,
}

/// The messages whose key is not in the log, each once, and beside them those that came before: in the
/// log already, or earlier among these.
///
/// It takes no lock, so it has to be asked after whatever two that have a message in common both lock,
/// such as its client. Were a message logged in between all the same, [`record`] would say so.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn sift<'a>(connection: &mut PgConnection, messages: Vec<Logged<'a>>) -> sqlx::Result<(Vec<Logged<'a>>, Vec<Logged<'a>>)> {
    let logged = sqlx::query!(
        r#"select i.tenant_id as "tenant_id: TenantId", i.channel, i.external_id
           from unnest($1::uuid[], $2::text[], $3::text[]) as k (tenant_id, channel, external_id)
           join inbound_messages i using (tenant_id, channel, external_id)"#,
        &messages.iter().map(|(_, m)| m.tenant_id.0).collect::<Vec<_>>(),
        messages.iter().map(|(_, m)| m.channel.as_str()).collect::<Vec<_>>() as _,
        messages.iter().map(|(_, m)| m.external_id.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await?;
    let mut seen: HashSet<_> = logged.iter().map(|row| (row.tenant_id, row.channel.as_str(), row.external_id.as_str())).collect();
    Ok(messages.into_iter().partition(|(_, m)| seen.insert((m.tenant_id, m.channel.as_str(), m.external_id.as_str()))))
}

/// Logs messages, each with what became of it. Returns whether
/// all were new; if not, somebody has logged one of them since they were sifted, and nothing of what
/// was decided may be kept.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn record(connection: &mut PgConnection, messages: &[Logged<'_>], outcomes: &[Outcome]) -> sqlx::Result<bool> {
    let outcomes: HashMap<InboundId, &Outcome> = outcomes.iter().map(|outcome| (outcome.inbound_id, outcome)).collect();
    let mut rows: Vec<_> = messages.iter().map(|(id, message)| (*id, *message, outcomes.get(id))).collect();
    rows.sort_by(|(_, a, _), (_, b, _)| {
        (a.tenant_id, a.channel.as_str(), &a.external_id).cmp(&(b.tenant_id, b.channel.as_str(), &b.external_id))
    });
    let done = sqlx::query!(
        "insert into inbound_messages (tenant_id, id, account_id, channel, external_id, raw_media_id, payload, received_at, outcome,
                                       ticket_id, explanation)
         select m.tenant_id, m.id, m.account_id, m.channel, m.external_id, m.raw, m.payload, m.received_at, m.outcome, m.ticket_id, m.explanation
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[], $8::timestamptz[],
                     $9::inbound_outcome[], $10::uuid[], $11::jsonb[])
              with ordinality as m (tenant_id, id, account_id, channel, external_id, raw, payload, received_at, outcome, ticket_id, explanation, n)
         order by m.n
         on conflict (tenant_id, channel, external_id) do nothing",
        &rows.iter().map(|(_, m, _)| m.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(id, ..)| id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, m, _)| m.account_id.0).collect::<Vec<_>>(),
        rows.iter().map(|(_, m, _)| m.channel.as_str()).collect::<Vec<_>>() as _,
        rows.iter().map(|(_, m, _)| m.external_id.as_str()).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, m, _)| m.raw.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        rows.iter().map(|(_, m, _)| Json(*m)).collect::<Vec<_>>() as _,
        &rows.iter().map(|(_, m, _)| m.received_at).collect::<Vec<_>>(),
        rows.iter().map(|(.., o)| o.map(|o| o.outcome)).collect::<Vec<_>>() as _,
        &rows.iter().map(|(.., o)| o.map(|o| o.ticket_id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        rows.iter().map(|(.., o)| o.map(|o| Json(&o.explanation))).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    Ok(usize::try_from(done.rows_affected()).is_ok_and(|new| new == rows.len()))
}

/// Counts that messages came once more whose keys are in the log.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn count_again(connection: &mut PgConnection, messages: &[Logged<'_>]) -> sqlx::Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with again as (
             select i.tenant_id, i.id, d.times
             from (select tenant_id, channel, external_id, count(*)::int as times
                   from unnest($1::uuid[], $2::text[], $3::text[]) as d (tenant_id, channel, external_id)
                   group by 1, 2, 3) d
             join inbound_messages i using (tenant_id, channel, external_id)
             order by i.tenant_id, i.channel, i.external_id
             for update of i
         )
         update inbound_messages i set duplicates = i.duplicates + again.times
         from again where i.tenant_id = again.tenant_id and i.id = again.id",
        &messages.iter().map(|(_, m)| m.tenant_id.0).collect::<Vec<_>>(),
        messages.iter().map(|(_, m)| m.channel.as_str()).collect::<Vec<_>>() as _,
        messages.iter().map(|(_, m)| m.external_id.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What became of one logged message.
#[derive(Debug)]
pub struct Outcome {
    /// Whose log.
    pub tenant_id: TenantId,
    /// Which message.
    pub inbound_id: InboundId,
    /// What became of it.
    pub outcome: InboundOutcome,
    /// On which ticket.
    pub ticket_id: TicketId,
    /// Why.
    pub explanation: Explanation,
}
