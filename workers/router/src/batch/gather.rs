//! What is known about a batch, read under locks that are taken in one order: the clients, the
//! Message-IDs, the threads of chats, what was logged before, the tickets.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::inbound::{self, Logged, Sifted};
use switchboard_common::db::message_ids::{self, KnownId};
use switchboard_common::db::reply_addresses::ReplyAddress;
use switchboard_common::db::routing::Desk;
use switchboard_common::db::threads::{self, KnownThread, ThreadId};
use switchboard_common::db::tickets;
use switchboard_common::domain::inbound::{Channel, InboundMessage};
use switchboard_common::ids::{TenantId, TicketId};

use super::{pointers, screen, senders};
use crate::clients::Senders;
use crate::desks::Desks;
use crate::draft::Draft;

/// How many references of a mail are looked at: the first, and the nearest to it.
const REFERENCES: usize = 20;

/// A key within a tenant.
pub(super) type Keyed<K> = (TenantId, K);

/// What the decisions of a batch are made from, and change.
#[derive(Default)]
pub(super) struct Known<'a> {
    /// The messages that are new, in the order in which they arrived.
    pub new: Vec<Logged<'a>>,
    /// Those that were blocked when they came before, and are decided on anew.
    pub anew: Vec<Logged<'a>>,
    /// Those that are among the new ones, once more.
    pub twice: Vec<Logged<'a>>,
    pub desks: HashMap<TenantId, Arc<Desk>>,
    pub senders: Senders,
    pub message_ids: HashMap<Keyed<String>, KnownId>,
    pub threads: HashMap<ThreadId, KnownThread>,
    /// The tickets that wait for a mail, beside the first.
    pub awaiting: HashMap<Keyed<String>, Vec<TicketId>>,
    /// By the row that a token names.
    pub reply_addresses: HashMap<Keyed<i64>, ReplyAddress>,
    pub numbers: HashMap<Keyed<i64>, TicketId>,
    pub tickets: BTreeMap<Keyed<TicketId>, Draft>,
    /// What goes on with a ticket, the oldest first.
    pub follow_ups: HashMap<Keyed<TicketId>, Vec<TicketId>>,
}

pub(super) async fn gather<'a>(
    connection: &mut PgConnection,
    desks: &Desks,
    ambient: &Ambient,
    messages: Vec<Logged<'a>>,
) -> Result<Known<'a>, Failure> {
    let tenants: Vec<_> = messages.iter().map(|(_, message)| message.tenant_id.0).collect();
    let desks = desks.current(connection, &tenants).await?;
    for (_, message) in &messages {
        check(message, &desks)?;
    }
    // Whoever is blocked claims nothing.
    let taken: Vec<_> = messages.iter().filter(|(_, message)| screen::blocked_by(message, &desks[&message.tenant_id]).is_none()).collect();
    let taken: Vec<&InboundMessage> = taken.into_iter().map(|(_, message)| *message).collect();

    let senders = senders::find(connection, ambient, &taken).await?;
    let ids = taken.iter().flat_map(|message| known_ids(message).map(|id| (message.tenant_id, id.to_owned()))).collect();
    let message_ids = message_ids::claim(connection, ids).await?;
    let threads = threads::claim(connection, taken.iter().filter_map(|message| thread_of(message)).collect()).await?;
    // Whoever has one of these messages too had to wait until here: they have its sender in common.
    let Sifted { new, logged, twice } = inbound::sift(connection, messages).await?;
    let anew = inbound::count_again(connection, &logged).await?;
    let mut known = Known { new, anew, twice, desks, senders, message_ids, threads, ..Known::default() };
    let pointed_at = pointers::find(connection, &mut known, &taken).await?;
    let tickets = tickets::lock_with_follow_ups(connection, pointed_at.clone()).await?;
    known.follow_ups = pointers::follow_ups(connection, &tickets, pointed_at).await?;
    known.tickets =
        tickets.into_iter().map(|((tenant, id), (version, state))| ((tenant, id), Draft::existing(tenant, id, version, state))).collect();
    Ok(known)
}

/// What makes a message impossible to process.
fn check(message: &InboundMessage, desks: &HashMap<TenantId, Arc<Desk>>) -> Result<(), Failure> {
    let Some(desk) = desks.get(&message.tenant_id) else {
        return Err(Failure::Reject(format!("there is no tenant {}", message.tenant_id)));
    };
    if !desk.accounts.contains_key(&message.account_id) {
        return Err(Failure::Reject(format!("tenant {} has no account {}", message.tenant_id, message.account_id)));
    }
    if message.sender_ids().is_empty() {
        let mail = message.channel == Channel::Email;
        let expected = if mail { "an address in From, Sender, Reply-To or Return-Path" } else { "a key in identities" };
        return Err(Failure::Reject(format!("it names no sender: expected {expected}")));
    }
    Ok(())
}

/// The Message-IDs that a message bears or refers to: of a long thread the first, which opened it,
/// and the nearest.
pub(super) fn known_ids(message: &InboundMessage) -> impl Iterator<Item = &str> {
    message.message_id.as_deref().into_iter().chain(nearest_references(message))
}

/// The references that are looked at, the nearest first.
pub(super) fn nearest_references(message: &InboundMessage) -> impl Iterator<Item = &str> {
    let own = message.message_id.as_deref();
    let (first, rest) = message.references.split_at(message.references.len().min(1));
    rest.iter().rev().take(REFERENCES).chain(first).map(String::as_str).filter(move |id| Some(*id) != own)
}

/// What the thread is known by that a message came in.
pub(super) fn thread_of(message: &InboundMessage) -> Option<ThreadId> {
    Some((message.tenant_id, message.account_id, message.thread_key.clone()?))
}
