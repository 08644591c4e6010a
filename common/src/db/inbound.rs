//! The inbound log: everything that was ever accepted, what became of it, and why.

use std::collections::HashSet;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::explanation::Explanation;
use crate::domain::inbound::InboundMessage;
use crate::ids::{InboundId, TenantId, TicketId};

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
}

/// Logs messages under these ids and returns those that are to be decided on, with the ids that they are
/// logged under: the new ones, and those that were blocked when they came before. The others are here
/// already: that they came again is counted, and at which other accounts.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn record<'m>(
    connection: &mut PgConnection,
    messages: &[(InboundId, &'m InboundMessage)],
) -> sqlx::Result<Vec<(InboundId, &'m InboundMessage)>> {
    let mut sorted = messages.to_vec();
    sorted.sort_by(|(_, a), (_, b)| (a.tenant_id, &a.external_id).cmp(&(b.tenant_id, &b.external_id)));
    let new = sqlx::query_scalar!(
        r#"insert into inbound_messages (tenant_id, id, account_id, channel, external_id, raw_media_id, payload, received_at)
           select m.tenant_id, m.id, m.account_id, m.channel, m.external_id, m.raw, m.payload, m.received_at
           from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::jsonb[], $8::timestamptz[])
                with ordinality as m (tenant_id, id, account_id, channel, external_id, raw, payload, received_at, n)
           order by m.n
           on conflict (tenant_id, channel, external_id) do nothing
           returning id as "id: InboundId""#,
        &sorted.iter().map(|(_, m)| m.tenant_id.0).collect::<Vec<_>>(),
        &sorted.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &sorted.iter().map(|(_, m)| m.account_id.0).collect::<Vec<_>>(),
        sorted.iter().map(|(_, m)| m.channel.as_str()).collect::<Vec<_>>() as _,
        sorted.iter().map(|(_, m)| m.external_id.as_str()).collect::<Vec<_>>() as _,
        &sorted.iter().map(|(_, m)| m.raw.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        sorted.iter().map(|(_, m)| Json(*m)).collect::<Vec<_>>() as _,
        &sorted.iter().map(|(_, m)| m.received_at).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let new: HashSet<InboundId> = new.into_iter().collect();
    let mut decide: Vec<_> = messages.iter().filter(|(id, _)| new.contains(id)).copied().collect();
    sorted.retain(|(id, _)| !new.contains(id));
    if !sorted.is_empty() {
        for (tenant, external_id, id) in count_duplicates(connection, &sorted).await? {
            let again = sorted.iter().find(|(_, m)| m.tenant_id == tenant && m.external_id == external_id);
            decide.extend(again.map(|(_, message)| (id, *message)));
        }
    }
    Ok(decide)
}

/// Counts what came again, notes the other accounts at which it did, and returns what was blocked.
async fn count_duplicates(
    connection: &mut PgConnection,
    messages: &[(InboundId, &InboundMessage)],
) -> sqlx::Result<Vec<(TenantId, String, InboundId)>> {
    let blocked = sqlx::query!(
        r#"with arrived as (
             select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) as d (tenant_id, channel, external_id, account_id)
         ), again as (
             select i.tenant_id, i.id, d.times
             from (select tenant_id, channel, external_id, count(*)::int as times from arrived group by 1, 2, 3) d
             join inbound_messages i using (tenant_id, channel, external_id)
             order by i.tenant_id, i.external_id
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
         select tenant_id as "tenant_id: TenantId", external_id, id as "id: InboundId" from counted where outcome = 'blocked'"#,
        &messages.iter().map(|(_, m)| m.tenant_id.0).collect::<Vec<_>>(),
        messages.iter().map(|(_, m)| m.channel.as_str()).collect::<Vec<_>>() as _,
        messages.iter().map(|(_, m)| m.external_id.as_str()).collect::<Vec<_>>() as _,
        &messages.iter().map(|(_, m)| m.account_id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(blocked.into_iter().map(|row| (row.tenant_id, row.external_id, row.id)).collect())
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
    /// On which ticket; on none when it was blocked.
    pub ticket_id: Option<TicketId>,
    /// Why.
    pub explanation: Explanation,
}

/// Notes what became of logged messages.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn conclude(connection: &mut PgConnection, outcomes: &[Outcome]) -> sqlx::Result<()> {
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
