//! What is known about a batch, read under locks that are taken in one order: the clients, the
//! Message-IDs, the tickets.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::clients::{self, Claim, Claimed};
use switchboard_common::db::inbound::{self, Logged};
use switchboard_common::db::message_ids::{self, KnownId};
use switchboard_common::db::reply_addresses::{self, ReplyAddress};
use switchboard_common::db::routing::Desk;
use switchboard_common::db::tickets;
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::ids::{TenantId, TicketId};

use crate::desks::Desks;
use crate::draft::Draft;

/// How many references of a mail are looked at: the first, and the nearest to it.
const REFERENCES: usize = 20;

/// A key within a tenant.
type Keyed<K> = (TenantId, K);

/// What the decisions of a batch are made from, and change.
pub(super) struct Known<'a> {
    /// The messages that are new, in the order in which they arrived.
    pub messages: Vec<Logged<'a>>,
    /// Those that came before.
    pub again: Vec<Logged<'a>>,
    pub desks: HashMap<TenantId, Arc<Desk>>,
    /// By mail address.
    pub clients: HashMap<Keyed<String>, Claimed>,
    pub message_ids: HashMap<Keyed<String>, KnownId>,
    /// By the row that a token names.
    pub reply_addresses: HashMap<Keyed<i64>, ReplyAddress>,
    pub tickets: BTreeMap<Keyed<TicketId>, Draft>,
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
    let claims: Vec<Claim> = messages.iter().filter_map(|(_, message)| client_claim(message, ambient)).collect();
    let clients = clients::claim(connection, &claims).await?;
    let ids = messages.iter().flat_map(|(_, message)| known_ids(message).map(|id| (message.tenant_id, id.to_owned()))).collect();
    let message_ids = message_ids::claim(connection, ids).await?;
    // Whoever has one of these messages too had to wait until here: they have its sender in common.
    let (messages, again) = inbound::sift(connection, messages).await?;
    let reply_addresses = find_reply_addresses(connection, &desks, &messages).await?;
    let pointed_at = message_ids
        .iter()
        .filter_map(|((tenant, _), known)| Some((*tenant, known.ticket_id?)))
        .chain(reply_addresses.iter().map(|((tenant, _), reply)| (*tenant, reply.ticket_id)))
        .collect();
    let tickets = tickets::lock(connection, pointed_at)
        .await?
        .into_iter()
        .map(|((tenant, id), (version, state))| ((tenant, id), Draft::existing(tenant, id, version, state)))
        .collect();
    Ok(Known { messages, again, desks, clients, message_ids, reply_addresses, tickets })
}

/// What makes a message impossible to process.
fn check(message: &InboundMessage, desks: &HashMap<TenantId, Arc<Desk>>) -> Result<(), Failure> {
    let Some(desk) = desks.get(&message.tenant_id) else {
        return Err(Failure::Reject(format!("there is no tenant {}", message.tenant_id)));
    };
    if !desk.accounts.contains_key(&message.account_id) {
        return Err(Failure::Reject(format!("tenant {} has no account {}", message.tenant_id, message.account_id)));
    }
    if message.from.is_none() {
        return Err(Failure::Reject("it names no sender: expected an address in From, Sender, Reply-To or Return-Path".to_owned()));
    }
    Ok(())
}

fn client_claim(message: &InboundMessage, ambient: &Ambient) -> Option<Claim> {
    let from = message.from.as_ref()?;
    Some(Claim {
        tenant_id: message.tenant_id,
        address: from.email.as_str().to_owned(),
        new_id: ambient.new_id(),
        authenticated: message.trust == Trust::Verified,
        evidence: message
            .message_id
            .as_ref()
            .map_or_else(|| "sender of a mail without Message-ID".to_owned(), |id| format!("sender of <{id}>")),
    })
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

async fn find_reply_addresses(
    connection: &mut PgConnection,
    desks: &HashMap<TenantId, Arc<Desk>>,
    messages: &[Logged<'_>],
) -> Result<HashMap<Keyed<i64>, ReplyAddress>, Failure> {
    let mut rows: BTreeMap<TenantId, HashSet<i64>> = BTreeMap::new();
    for (_, message) in messages {
        let keys = &desks[&message.tenant_id].signing_keys;
        rows.entry(message.tenant_id).or_default().extend(message.recipients.iter().filter_map(|recipient| keys.row(recipient)));
    }
    let mut found = HashMap::new();
    for (tenant, ids) in rows.into_iter().filter(|(_, ids)| !ids.is_empty()) {
        let ids: Vec<i64> = ids.into_iter().collect();
        found.extend(reply_addresses::find(connection, tenant, &ids).await?.into_iter().map(|reply| ((tenant, reply.id), reply)));
    }
    Ok(found)
}
