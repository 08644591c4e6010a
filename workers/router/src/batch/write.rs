//! Writes what a batch came to, table by table. New tickets get their numbers here, at the end, since
//! a tenant's counter stays locked until the commit.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::inbound::{InboundOutcome, Outcome};
use switchboard_common::db::tickets::{self, TicketRow};
use switchboard_common::db::{clients, inbound, message_ids, outbox, tags, threads, ticket_links};
use switchboard_common::ids::{InboundId, TenantId, TicketId};
use switchboard_common::telemetry::metrics::{ARRIVAL_TO_TICKET, BLOCKED};

use super::decide::{Conclusion, Decided};
use super::gather::Known;
use super::reasons::{links, outcome};
use super::texts;
use super::{deal, keywords};

/// Writes it all, and returns what the log is told once it is committed.
pub(super) async fn write(
    connection: &mut PgConnection,
    ambient: &Ambient,
    mut known: Known<'_>,
    mut decided: Decided,
) -> Result<Vec<Routed>, Failure> {
    clients::give_up(connection, &known.senders.unused()).await?;
    clients::settle(connection, &known.senders.changed()).await?;
    clients::verify(connection, known.senders.verified()).await?;
    clients::insert(connection, &decided.clients).await?;
    ensure_tags(connection, &known, ambient).await?;
    keywords::write(connection, &decided.wishes).await?;
    deal::all(connection, &mut known, &mut decided).await?;
    number_new_tickets(connection, &mut known, &decided.conclusions).await?;
    write_tickets(connection, &known).await?;
    ticket_links::add(connection, &links(&known, &decided.conclusions)).await?;
    let routed = decided.conclusions.iter().map(|conclusion| routed(&known, conclusion)).collect();
    let outcomes: Vec<Outcome> = decided.conclusions.into_iter().map(|conclusion| outcome(&known, conclusion)).collect();
    log(connection, &known, &outcomes).await?;
    texts::write(connection, decided.messages).await?;
    let ids: Vec<_> = known.message_ids.iter().collect();
    message_ids::settle(connection, &ids).await?;
    message_ids::add_awaiting(connection, &decided.awaiting).await?;
    message_ids::end_awaiting(connection, &decided.arrived).await?;
    threads::settle(connection, &known.threads.iter().collect::<Vec<_>>()).await?;
    clients::add_ambiguities(connection, &decided.ambiguities).await?;
    outbox::add(connection, &decided.events, ambient.now()).await?;
    Ok(routed)
}

/// Logs the messages with what became of them, and counts those that came again.
async fn log(connection: &mut PgConnection, known: &Known<'_>, outcomes: &[Outcome]) -> Result<(), Failure> {
    if !inbound::record(connection, &known.new, outcomes).await? {
        return Err(Failure::Retry(anyhow::anyhow!("another router had one of the messages as well and was faster")));
    }
    if !known.anew.is_empty() {
        let anew: Vec<&Outcome> = outcomes.iter().filter(|outcome| known.anew.iter().any(|(id, _)| *id == outcome.inbound_id)).collect();
        inbound::conclude(connection, &anew).await?;
    }
    inbound::count_again(connection, &known.twice).await?;
    Ok(())
}

/// Where a message went, for the log: without anybody's address.
pub(super) struct Routed {
    inbound_id: InboundId,
    /// The ticket and its number; nothing for what was blocked, or only heeded.
    ticket: Option<(TicketId, i64)>,
    by_list: bool,
    outcome: InboundOutcome,
    received_at: DateTime<Utc>,
}

impl Routed {
    /// Tells that it is committed.
    pub(super) fn tell(&self, now: DateTime<Utc>) {
        let Some((ticket, number)) = self.ticket else {
            if self.outcome == InboundOutcome::Heeded {
                tracing::info!(inbound.id = %self.inbound_id, "A message was a word such as STOP, and is on no ticket");
                return;
            }
            let reason = if self.by_list { "list" } else { "spam" };
            counter!(BLOCKED, "reason" => reason).increment(1);
            tracing::info!(inbound.id = %self.inbound_id, "A message was blocked ({reason})");
            return;
        };
        histogram!(ARRIVAL_TO_TICKET).record((now - self.received_at).to_std().unwrap_or_default());
        let what = match self.outcome {
            InboundOutcome::Opened => "opened",
            InboundOutcome::Joined => "joined",
            InboundOutcome::Answered => "answers the client of",
            InboundOutcome::Noted | InboundOutcome::Blocked | InboundOutcome::Heeded => "is a note on",
        };
        tracing::info!(inbound.id = %self.inbound_id, ticket.id = %ticket, "A message {what} ticket #{number}");
    }
}

fn routed(known: &Known<'_>, conclusion: &Conclusion) -> Routed {
    let number = |ticket| known.tickets.get(&(conclusion.tenant_id, ticket)).map_or(0, |draft| draft.state.number);
    Routed {
        inbound_id: conclusion.inbound_id,
        ticket: conclusion.ticket_id.map(|ticket| (ticket, number(ticket))),
        by_list: conclusion.reasons.screening.as_ref().is_some_and(|screening| screening.entry.is_some()),
        outcome: conclusion.outcome,
        received_at: conclusion.received_at,
    }
}

/// Makes the tags of the new tickets that are not there yet.
async fn ensure_tags(connection: &mut PgConnection, known: &Known<'_>, ambient: &Ambient) -> Result<(), Failure> {
    let new = known.tickets.values().filter(|draft| draft.is_new);
    let names = new.flat_map(|draft| draft.state.tags.iter().map(|tag| (draft.tenant_id, tag.as_str()))).collect();
    Ok(tags::ensure(connection, &names, ambient).await?)
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
        let draft = conclusion.ticket_id.and_then(|ticket| known.tickets.get_mut(&(conclusion.tenant_id, ticket)));
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
