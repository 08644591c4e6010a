//! Who wrote: whose the keys of a message are. Pure.
//!
//! [`keys`] says by which keys a sender is looked for, from the strongest to the weakest; [`search`]
//! decides by what is known of them; [`Senders`] holds that for a batch, and what its messages added,
//! so that a message sees what the one before it did.

pub mod command;
mod keys;
mod search;

use std::collections::{BTreeMap, HashMap, HashSet};

use switchboard_common::db::clients::{ExternalIdRow, Found, Lookup, Person};
use switchboard_common::domain::explanation::ClientSearch;
use switchboard_common::domain::identity::ExternalId;
use switchboard_common::domain::inbound::{Channel, InboundMessage, Trust};
use switchboard_common::ids::{ClientId, TenantId};
use uuid::Uuid;

pub(crate) use keys::{lookups, rows};

/// A key within a tenant.
type Keyed<K> = (TenantId, K);

/// Whose key it is.
#[derive(Debug, Clone, Copy)]
struct Owner {
    client_id: ClientId,
    authenticated: bool,
}

/// What is known of the senders of a batch, and what its messages added.
#[derive(Debug, Default)]
pub struct Senders {
    owners: HashMap<Keyed<ExternalId>, Owner>,
    on_record: HashMap<Keyed<ExternalId>, Vec<ClientId>>,
    people: HashMap<Keyed<ClientId>, Person>,
    /// All who count as another of those.
    merged: HashMap<Keyed<ClientId>, ClientId>,
    /// The keys that nobody had, as they were claimed.
    claimed: BTreeMap<Keyed<ExternalId>, ExternalIdRow>,
    /// Those of them that somebody has now.
    taken: BTreeMap<Keyed<ExternalId>, ExternalIdRow>,
    verified: Vec<(TenantId, ExternalId, String)>,
}

/// Who was found to have written a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The client, as the keys have it.
    pub client_id: ClientId,
    /// The client that it counts as: mostly itself.
    pub root: ClientId,
    /// The client is not there yet.
    pub is_new: bool,
    /// Where several were found: who, and why. The client is new then, and has the key meanwhile.
    pub candidates: Vec<Candidate>,
    /// How that was found.
    pub search: ClientSearch,
    attach: Vec<ExternalIdRow>,
    verify: Vec<(ExternalId, String)>,
}

/// Somebody who could have written a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The client, or whom it counts as.
    pub client_id: ClientId,
    /// The name.
    pub name: String,
    /// Why, in words.
    pub reason: String,
}

impl Senders {
    /// What is known when nothing was decided: the rows that were to be claimed, those of their keys that
    /// were new, and what lookups found.
    pub(crate) fn new(rows: Vec<ExternalIdRow>, new: &HashSet<Keyed<ExternalId>>, lookups: &[Lookup], found: Found) -> Self {
        let mut senders = Self { people: found.clients, ..Self::default() };
        for row in rows {
            let key = (row.tenant_id, row.key.clone());
            if new.contains(&key) {
                senders.claimed.entry(key).or_insert(row);
            }
        }
        for held in found.held {
            let Some(Lookup { tenant_id, key, .. }) = lookups.get(held.lookup) else { continue };
            let key = (*tenant_id, key.clone());
            if held.on_record {
                senders.on_record.entry(key).or_default().push(held.client_id);
            } else {
                senders.owners.insert(key, Owner { client_id: held.client_id, authenticated: held.authenticated });
            }
        }
        // Those who share a contact are named in an order that people understand.
        let people = &senders.people;
        for ((tenant, _), clients) in &mut senders.on_record {
            clients.sort_by_key(|client| (people.get(&(*tenant, *client)).map(|person| &person.name), *client));
        }
        senders
    }

    /// The clients whom others count as.
    #[must_use]
    pub fn roots(&self) -> Vec<Keyed<ClientId>> {
        let roots = self.people.iter().filter(|(_, person)| person.merged_into.is_none() && person.has_others);
        roots.map(|(key, _)| *key).collect()
    }

    /// Takes note of all who count as those.
    pub fn learn(&mut self, members: Vec<(TenantId, ClientId, ClientId)>) {
        self.merged.extend(members.into_iter().map(|(tenant, client, root)| ((tenant, client), root)));
    }

    /// The client that one counts as: itself, or the last whom it was merged into.
    #[must_use]
    pub fn root(&self, tenant: TenantId, client: ClientId) -> ClientId {
        let mut root = self.merged.get(&(tenant, client)).copied().unwrap_or(client);
        while let Some(into) = self.people.get(&(tenant, root)).and_then(|person| person.merged_into) {
            root = into;
        }
        root
    }

    /// All who are one with a client: first itself.
    #[must_use]
    pub fn group(&self, tenant: TenantId, client: ClientId) -> Vec<ClientId> {
        let root = self.root(tenant, client);
        let others = self.merged.iter().filter(|((of, _), into)| *of == tenant && **into == root).map(|((_, id), _)| *id);
        let mut group: Vec<ClientId> = others.chain([root]).filter(|id| *id != client).collect();
        group.sort_unstable();
        group.insert(0, client);
        group
    }

    /// What the desk keeps of a client: what it has of those whom they were merged into, and beside
    /// that their own.
    #[must_use]
    pub fn data(&self, tenant: TenantId, client: ClientId) -> serde_json::Map<String, serde_json::Value> {
        let mut data = serde_json::Map::new();
        let mut next = Some(client);
        while let Some(person) = next.and_then(|id| self.people.get(&(tenant, id))) {
            data.extend(person.data.as_object().cloned().unwrap_or_default());
            next = person.merged_into;
        }
        data
    }

    /// Takes over what was found of a sender: the client is there from now on and has the keys.
    pub fn take(&mut self, tenant: TenantId, sender: &Sender, name: &str) {
        if sender.is_new {
            let person = Person { merged_into: None, name: name.to_owned(), data: serde_json::Value::Null, has_others: false };
            self.people.insert((tenant, sender.client_id), person);
        }
        for row in &sender.attach {
            let key = (tenant, row.key.clone());
            self.owners.insert(key.clone(), Owner { client_id: row.client_id, authenticated: row.authenticated });
            self.taken.insert(key, row.clone());
        }
        for (key, evidence) in &sender.verify {
            let keyed = (tenant, key.clone());
            if let Some(owner) = self.owners.get_mut(&keyed) {
                owner.authenticated = true;
            }
            match self.taken.get_mut(&keyed) {
                Some(row) => {
                    row.authenticated = true;
                    row.evidence = format!("{}; {evidence}", row.evidence);
                }
                None => self.verified.push((tenant, key.clone(), evidence.clone())),
            }
        }
    }

    /// The claimed keys that nobody has after all.
    #[must_use]
    pub fn unused(&self) -> Vec<(TenantId, Uuid)> {
        self.claimed.iter().filter(|(key, _)| !self.taken.contains_key(key)).map(|((tenant, _), row)| (*tenant, row.id)).collect()
    }

    /// The claimed keys that somebody has in another way than they were claimed.
    #[must_use]
    pub fn changed(&self) -> Vec<&ExternalIdRow> {
        self.taken.iter().filter(|(key, row)| self.claimed.get(*key) != Some(*row)).map(|(_, row)| row).collect()
    }

    /// The keys that were there before, and that a channel authenticated.
    #[must_use]
    pub fn verified(&self) -> &[(TenantId, ExternalId, String)] {
        &self.verified
    }
}

/// The keys that a message can give to a client: none but the channel's own when its check failed.
fn own_keys(message: &InboundMessage) -> Vec<ExternalId> {
    let mut keys = Vec::new();
    for key in message.sender_ids() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.truncate(if message.trust == Trust::Failed { 1 } else { keys.len() });
    keys
}

/// What a message shows of its sender's keys.
fn evidence(message: &InboundMessage) -> String {
    match (&message.message_id, message.channel) {
        (Some(id), _) => format!("sender of <{id}>"),
        (None, Channel::Email) => "sender of a mail without Message-ID".to_owned(),
        (None, _) => format!("sender of {}", message.external_id),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_of_whom_a_client_counts_as_goes_before_what_is_kept_of_itself() {
        let id = |n: u128| ClientId(Uuid::from_u128(n));
        let tenant = TenantId(Uuid::from_u128(9));
        let person = |merged_into, data| Person { merged_into, name: String::new(), data, has_others: true };
        let clients = HashMap::from([
            ((tenant, id(1)), person(Some(id(2)), json!({ "plan": "free", "city": "Porto" }))),
            ((tenant, id(2)), person(None, json!({ "plan": "gold" }))),
        ]);
        let mut senders = Senders::new(Vec::new(), &HashSet::new(), &[], Found { clients, ..Found::default() });
        assert_eq!(serde_json::Value::from(senders.data(tenant, id(1))), json!({ "plan": "gold", "city": "Porto" }));
        assert_eq!(serde_json::Value::from(senders.data(tenant, id(2))), json!({ "plan": "gold" }));
        assert_eq!(senders.roots(), [(tenant, id(2))]);
        senders.learn(vec![(tenant, id(1), id(2)), (tenant, id(3), id(2))]);
        assert_eq!(senders.group(tenant, id(1)), [id(1), id(2), id(3)]);
        assert_eq!((senders.root(tenant, id(3)), senders.root(tenant, id(4))), (id(2), id(4)));
    }
}
