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
    /// It was blocked, and is on no ticket.
    Blocked,
    /// It was only a word such as STOP: that was heeded, and it is on no ticket.
    Heeded,
}

/// Messages by whether they came before.
#[derive(Debug, Default)]
pub struct Sifted<'a> {
    /// Their keys are not in the log; each once.
    pub new: Vec<Logged<'a>>,
    /// Their keys are in the log.
    pub logged: Vec<Logged<'a>>,
    /// They are among the new ones, once more.
    pub twice: Vec<Logged<'a>>,
}

/// Tells which messages came before.
///
/// It takes no lock, so it has to be asked after whatever two that have a message in common both lock,
/// such as its client. Were a message logged in between all the same, [`record`] would say so.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn sift<'a>(connection: &mut PgConnection, messages: Vec<Logged<'a>>) -> sqlx::Result<Sifted<'a>> {
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
    let known: HashSet<_> = logged.iter().map(|row| (row.tenant_id, row.channel.as_str(), row.external_id.as_str())).collect();
    let (mut sifted, mut seen) = (Sifted::default(), HashSet::new());
    for (id, message) in messages {
        let key = (message.tenant_id, message.channel.as_str(), message.external_id.as_str());
        let place = if known.contains(&key) {
            &mut sifted.logged
        } else if seen.insert(key) {
            &mut sifted.new
        } else {
            &mut sifted.twice
        };
        place.push((id, message));
    }
    Ok(sifted)
}

/// Logs messages, each with what became of it. Returns whether all were new; if not, somebody has logged one of
/// them since they were sifted, and nothing of what was decided may be kept.
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
        &rows.iter().map(|(.., o)| o.and_then(|o| o.ticket_id).map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        rows.iter().map(|(.., o)| o.map(|o| Json(&o.explanation))).collect::<Vec<_>>() as _,
    )
    .execute(&mut *connection)
    .await?;
    Ok(usize::try_from(done.rows_affected()).is_ok_and(|new| new == rows.len()))
}

/// Counts messages that came once more and whose keys are in the log, and notes the other accounts at
/// which they did. Returns those that were blocked when they came before, with the ids that they are logged
/// under: they are decided on anew.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn count_again<'a>(connection: &mut PgConnection, messages: &[Logged<'a>]) -> sqlx::Result<Vec<Logged<'a>>> {
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let blocked = sqlx::query!(
        r#"with arrived as (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) as d (tenant_id, channel, external_id, account_id)
         ), again as (
             select i.tenant_id, i.id, d.times
             from (select tenant_id, channel, external_id, count(*)::int as times from arrived group by 1, 2, 3) d
             join inbound_messages i using (tenant_id, channel, external_id)
             order by i.tenant_id, i.channel, i.external_id
             for update of i
         ), counted as (
             update inbound_messages i set duplicates = i.duplicates + again.times
             from again where i.tenant_id = again.tenant_id and i.id = again.id
             returning i.tenant_id, i.id, i.channel, i.external_id, i.account_id, i.outcome
         ), copies as (
             insert into inbound_copies (tenant_id, inbound_id, account_id)
             select distinct c.tenant_id, c.id, a.account_id from counted c join arrived a using (tenant_id, channel, external_id)
             where a.account_id <> c.account_id
             on conflict do nothing
         )
         select tenant_id as "tenant_id: TenantId", channel, external_id, id as "id: InboundId" from counted where outcome = 'blocked'"#,
        &messages.iter().map(|(_, m)| m.tenant_id.0).collect::<Vec<_>>(),
        messages.iter().map(|(_, m)| m.channel.as_str()).collect::<Vec<_>>() as _,
        messages.iter().map(|(_, m)| m.external_id.as_str()).collect::<Vec<_>>() as _,
        &messages.iter().map(|(_, m)| m.account_id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let key = |message: &'a InboundMessage| (message.tenant_id, message.channel.as_str(), message.external_id.as_str());
    let message = |wanted| messages.iter().map(|(_, message)| *message).find(|message| key(message) == wanted);
    Ok(blocked.iter().filter_map(|row| Some((row.id, message((row.tenant_id, &row.channel, &row.external_id))?))).collect())
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
    /// On which ticket; on none when it was blocked, or only heeded.
    pub ticket_id: Option<TicketId>,
    /// Why.
    pub explanation: Explanation,
}

/// Notes what became of messages that were logged before.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn conclude(connection: &mut PgConnection, outcomes: &[&Outcome]) -> sqlx::Result<()> {
    if outcomes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "update inbound_messages i set outcome = o.outcome, ticket_id = o.ticket_id, explanation = o.explanation
         from unnest($1::uuid[], $2::uuid[], $3::inbound_outcome[], $4::uuid[], $5::jsonb[]) as o (tenant_id, id, outcome, ticket_id, explanation)
         where i.tenant_id = o.tenant_id and i.id = o.id",
        &outcomes.iter().map(|o| o.tenant_id.0).collect::<Vec<_>>(),
        &outcomes.iter().map(|o| o.inbound_id.0).collect::<Vec<_>>(),
        outcomes.iter().map(|o| o.outcome).collect::<Vec<_>>() as _,
        &outcomes.iter().map(|o| o.ticket_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        outcomes.iter().map(|o| Json(&o.explanation)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
