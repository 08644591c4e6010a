//! The tickets that a batch could mean, found before any of them is locked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::message_ids::{self, KnownId, MessageIdOrigin};
use switchboard_common::db::reply_addresses::{self, ReplyAddress};
use switchboard_common::db::routing::Desk;
use switchboard_common::db::{ticket_links, ticket_search};
use switchboard_common::domain::inbound::{Channel, InboundMessage};
use switchboard_common::domain::policy::WindowScope;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{ClientId, TenantId, TicketId};

use super::case::clients_of;
use super::gather::{Keyed, Known};
use crate::thread::subject;

/// Completes what is known with what points at tickets, and returns those tickets.
pub(super) async fn find(
    connection: &mut PgConnection,
    known: &mut Known<'_>,
    messages: &[&InboundMessage],
) -> Result<Vec<Keyed<TicketId>>, Failure> {
    known.reply_addresses = find_reply_addresses(connection, &known.desks, messages).await?;
    known.awaiting = find_awaiting(connection, known).await?;
    known.numbers = find_numbers(connection, messages).await?;
    let open = ticket_search::open_of_clients(connection, &windows(known, messages)).await?;
    let by_id = known.message_ids.iter().filter_map(|((tenant, _), id)| Some((*tenant, id.ticket_id?)));
    let by_thread = known.threads.iter().filter_map(|((tenant, ..), thread)| Some((*tenant, thread.ticket_id?)));
    let by_address = known.reply_addresses.iter().map(|((tenant, _), reply)| (*tenant, reply.ticket_id));
    let waiting = known.awaiting.iter().flat_map(|((tenant, _), tickets)| tickets.iter().map(|ticket| (*tenant, *ticket)));
    let by_number = known.numbers.iter().map(|((tenant, _), ticket)| (*tenant, *ticket));
    Ok(by_id.chain(by_thread).chain(by_address).chain(waiting).chain(by_number).chain(open).collect())
}

/// What goes on with locked tickets. Asked for only where there may be something: where a ticket is over,
/// or more were locked than were asked for.
pub(super) async fn follow_ups(
    connection: &mut PgConnection,
    locked: &HashMap<Keyed<TicketId>, (i32, TicketSnapshot)>,
    asked_for: Vec<Keyed<TicketId>>,
) -> Result<HashMap<Keyed<TicketId>, Vec<TicketId>>, Failure> {
    let asked_for: HashSet<_> = asked_for.into_iter().collect();
    let any = locked.iter().any(|(key, (_, state))| state.state.is_over() || !asked_for.contains(key));
    let mut found: HashMap<_, Vec<_>> = HashMap::new();
    if !any {
        return Ok(found);
    }
    let keys: Vec<_> = locked.keys().copied().collect();
    for (tenant, old, new) in ticket_links::follow_ups(connection, &keys).await? {
        if !locked.contains_key(&(tenant, new)) {
            return Err(Failure::Retry(anyhow::anyhow!("a ticket was followed up while its lock was waited for")));
        }
        found.entry((tenant, old)).or_default().push(new);
    }
    Ok(found)
}

/// The clients whose open tickets are looked for, and the channel that these have to be written to on.
fn windows(known: &Known<'_>, messages: &[&InboundMessage]) -> Vec<(TenantId, ClientId, Option<&'static str>)> {
    let mut wanted = Vec::new();
    for message in messages {
        let account = known.desks[&message.tenant_id].accounts.get(&message.account_id);
        let Some(account) = account.filter(|account| account.policies.window.is_some()) else { continue };
        let channel = (account.policies.window_from == WindowScope::Channel).then_some(message.channel).map(Channel::as_str);
        // Both are looked for, since how far the window reaches depends on the sender's trust.
        let own = Some(message.channel.as_str());
        for client in clients_of(known, message) {
            wanted.push((message.tenant_id, client, channel));
            wanted.push((message.tenant_id, client, own));
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// The tickets that wait for a mail which is in the batch or is referred to in it, beside the first.
async fn find_awaiting(connection: &mut PgConnection, known: &Known<'_>) -> Result<HashMap<Keyed<String>, Vec<TicketId>>, Failure> {
    let waits = |id: &KnownId| id.origin == MessageIdOrigin::Referenced && id.ticket_id.is_some();
    let waited_for: Vec<_> = known.message_ids.iter().filter(|(_, id)| waits(id)).map(|(key, _)| key).collect();
    let mut awaiting: HashMap<_, Vec<_>> = HashMap::new();
    for (key, ticket) in message_ids::awaiting(connection, &waited_for).await? {
        awaiting.entry(key).or_default().push(ticket);
    }
    Ok(awaiting)
}

/// The tickets whose numbers stand in subjects.
async fn find_numbers(connection: &mut PgConnection, messages: &[&InboundMessage]) -> Result<HashMap<Keyed<i64>, TicketId>, Failure> {
    let mut named: Vec<_> = messages
        .iter()
        .flat_map(|message| subject::numbers(&message.subject).into_iter().map(|number| (message.tenant_id, number)))
        .collect();
    named.sort_unstable();
    named.dedup();
    let found = ticket_search::by_numbers(connection, &named).await?;
    Ok(found.into_iter().map(|(tenant, number, ticket)| ((tenant, number), ticket)).collect())
}

async fn find_reply_addresses(
    connection: &mut PgConnection,
    desks: &HashMap<TenantId, Arc<Desk>>,
    messages: &[&InboundMessage],
) -> Result<HashMap<Keyed<i64>, ReplyAddress>, Failure> {
    let mut wanted = Vec::new();
    for message in messages {
        let keys = &desks[&message.tenant_id].signing_keys;
        wanted.extend(message.recipients.iter().filter_map(|recipient| Some((message.tenant_id, keys.row(recipient)?))));
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(reply_addresses::find(connection, &wanted).await?)
}
