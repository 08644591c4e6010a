//! Writes what a batch came to, table by table. New tickets get their numbers here, at the end, since
//! a tenant's counter stays locked until the commit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use metrics::histogram;
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::inbound::{InboundOutcome, Outcome};
use switchboard_common::db::tickets::{self, TicketRow};
use switchboard_common::db::{clients, inbound, message_ids, outbox};
use switchboard_common::domain::explanation::{Explanation, TicketConsidered};
use switchboard_common::ids::{InboundId, TenantId, TicketId};
use switchboard_common::telemetry::metrics::ARRIVAL_TO_TICKET;

use super::decide::{Conclusion, Decided};
use super::gather::Known;
use super::texts;
use crate::thread::Role;

/// Writes it all, and returns what the log is told once it is committed.
pub(super) async fn write(
    connection: &mut PgConnection,
    ambient: &Ambient,
    mut known: Known<'_>,
    decided: Decided,
) -> Result<Vec<Routed>, Failure> {
    let unused: Vec<_> =
        known.clients.iter().filter(|(_, claimed)| claimed.is_new).map(|((tenant, _), claimed)| (*tenant, claimed.client_id)).collect();
    clients::give_up(connection, &unused).await?;
    clients::insert(connection, &decided.clients).await?;
    number_new_tickets(connection, &mut known, &decided.conclusions).await?;
    write_tickets(connection, &known).await?;
    let routed = decided.conclusions.iter().map(|conclusion| routed(&known, conclusion)).collect();
    let outcomes: Vec<Outcome> = decided.conclusions.into_iter().map(|conclusion| outcome(&known, conclusion)).collect();
    log(connection, &known, &outcomes).await?;
    texts::write(connection, decided.messages).await?;
    tickets::link(connection, &decided.links).await?;
    let ids: Vec<_> = known.message_ids.iter().collect();
    message_ids::settle(connection, &ids).await?;
    outbox::add(connection, &decided.events, ambient.now()).await?;
    Ok(routed)
}

/// Logs the messages with what became of them, and counts those that came again.
async fn log(connection: &mut PgConnection, known: &Known<'_>, outcomes: &[Outcome]) -> Result<(), Failure> {
    if !inbound::record(connection, &known.messages, outcomes).await? {
        return Err(Failure::Retry(anyhow::anyhow!("another router had one of the messages as well and was faster")));
    }
    inbound::count_again(connection, &known.again).await?;
    Ok(())
}

/// Where a message went, for the log: without anybody's address.
pub(super) struct Routed {
    inbound_id: InboundId,
    ticket_id: TicketId,
    number: i64,
    outcome: InboundOutcome,
    received_at: DateTime<Utc>,
}

impl Routed {
    /// Tells that it is committed.
    pub(super) fn tell(&self, now: DateTime<Utc>) {
        histogram!(ARRIVAL_TO_TICKET).record((now - self.received_at).to_std().unwrap_or_default());
        self.log();
    }

    fn log(&self) {
        let what = match self.outcome {
            InboundOutcome::Opened => "opened",
            InboundOutcome::Joined => "joined",
            InboundOutcome::Answered => "answers the client of",
            InboundOutcome::Noted => "is a note on",
        };
        tracing::info!(inbound.id = %self.inbound_id, ticket.id = %self.ticket_id, "A message {what} ticket #{}", self.number);
    }
}

fn routed(known: &Known<'_>, conclusion: &Conclusion) -> Routed {
    let draft = known.tickets.get(&(conclusion.tenant_id, conclusion.ticket_id));
    Routed {
        inbound_id: conclusion.inbound_id,
        ticket_id: conclusion.ticket_id,
        number: draft.map_or(0, |draft| draft.state.number),
        outcome: conclusion.outcome,
        received_at: conclusion.received_at,
    }
}

/// Numbers the new tickets in the order in which they were opened.
async fn number_new_tickets(connection: &mut PgConnection, known: &mut Known<'_>, conclusions: &[Conclusion]) -> Result<(), Failure> {
    let opened = || conclusions.iter().filter(|conclusion| conclusion.outcome == InboundOutcome::Opened);
    let mut counts: BTreeMap<TenantId, i64> = BTreeMap::new();
    for conclusion in opened() {
        *counts.entry(conclusion.tenant_id).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let mut next = tickets::take_numbers(connection, counts.into_iter().collect()).await?;
    for conclusion in opened() {
        let draft = known.tickets.get_mut(&(conclusion.tenant_id, conclusion.ticket_id));
        if let (Some(draft), Some(number)) = (draft, next.get_mut(&conclusion.tenant_id)) {
            draft.set_number(*number);
            *number += 1;
        }
    }
    Ok(())
}

async fn write_tickets(connection: &mut PgConnection, known: &Known<'_>) -> Result<(), Failure> {
    let changed = || known.tickets.values().filter(|draft| draft.is_changed());
    let rows = |is_new| -> Vec<TicketRow> { changed().filter(|draft| draft.is_new == is_new).map(|draft| draft.rows().0).collect() };
    tickets::insert(connection, &rows(true)).await?;
    tickets::update(connection, &rows(false)).await?;
    let versions: Vec<_> = changed().flat_map(|draft| draft.rows().1.to_vec()).collect();
    tickets::add_versions(connection, &versions).await?;
    Ok(())
}

fn outcome(known: &Known<'_>, conclusion: Conclusion) -> Outcome {
    let number = |ticket| known.tickets.get(&(conclusion.tenant_id, ticket)).map_or(0, |draft| draft.state.number);
    let own = number(conclusion.ticket_id);
    let reason = conclusion.weighed.iter().find(|weighed| weighed.role.is_some()).map_or("", |weighed| weighed.why.as_str());
    let decision = match conclusion.outcome {
        InboundOutcome::Opened => match conclusion.weighed.first() {
            Some(refused) => format!("Opened ticket #{own}, linked to #{}: {}.", number(refused.ticket_id), refused.why),
            None => format!("Opened ticket #{own}: nothing in it points at a ticket."),
        },
        InboundOutcome::Joined => format!("Joined ticket #{own}: {reason}."),
        InboundOutcome::Answered => format!("Answers the client of ticket #{own}: {reason}."),
        InboundOutcome::Noted => format!("Kept on ticket #{own} as an internal note: {reason}."),
    };
    let considered = conclusion
        .weighed
        .iter()
        .map(|weighed| TicketConsidered {
            ticket_number: number(weighed.ticket_id),
            evidence: weighed.evidence.clone(),
            chosen: matches!(weighed.role, Some(Role::Client | Role::Answer(_) | Role::Note(_))),
            why: weighed.why.clone(),
        })
        .collect();
    Outcome {
        tenant_id: conclusion.tenant_id,
        inbound_id: conclusion.inbound_id,
        outcome: conclusion.outcome,
        ticket_id: conclusion.ticket_id,
        explanation: Explanation { sender: conclusion.sender, considered, decision, routing: conclusion.routing, flags: conclusion.flags },
    }
}
