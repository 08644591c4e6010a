//! By which keys a sender is looked for.

use std::collections::{BTreeMap, HashSet};

use switchboard_common::ambient::Ambient;
use switchboard_common::db::clients::{ExternalIdRow, Lookup};
use switchboard_common::domain::identity::ExternalId;
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::domain::phone;
use switchboard_common::ids::TenantId;

use super::{Keyed, evidence, own_keys};

/// A key that a sender is looked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub key: ExternalId,
    /// The clients' own keys count.
    pub owned: bool,
    /// What is on record of them counts.
    pub on_record: bool,
    /// What makes it the sender's, where it is not their key itself.
    pub form: Option<&'static str>,
}

/// The keys of the second rank: the sender's other keys, what is on record of each, and the same
/// number on another channel.
pub(super) fn other_keys(keys: &[ExternalId]) -> Vec<Wanted> {
    let own = keys.iter().enumerate().map(|(n, key)| Wanted { key: key.clone(), owned: n > 0, on_record: true, form: None });
    let same = numbers(keys).into_iter().flat_map(|number| phone::keys(&number)).flatten();
    let same =
        same.filter(|key| !keys.contains(key)).map(|key| Wanted { key, owned: true, on_record: true, form: Some("the same number") });
    let mut wanted: Vec<Wanted> = own.collect();
    same.for_each(|same| push(&mut wanted, same));
    wanted
}

/// The keys of the third rank: other forms of the sender's numbers.
pub(super) fn variants(keys: &[ExternalId]) -> Vec<Wanted> {
    let known = other_keys(keys);
    let mut wanted = Vec::new();
    for (number, form) in numbers(keys).iter().flat_map(|number| phone::variants(number)) {
        for key in phone::keys(&number).into_iter().flatten() {
            if known.iter().all(|known| known.key != key) {
                push(&mut wanted, Wanted { key, owned: true, on_record: true, form: Some(form) });
            }
        }
    }
    wanted
}

fn numbers(keys: &[ExternalId]) -> Vec<String> {
    let mut numbers = Vec::new();
    for number in keys.iter().filter_map(phone::number) {
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

fn push(wanted: &mut Vec<Wanted>, new: Wanted) {
    if wanted.iter().all(|known| known.key != new.key) {
        wanted.push(new);
    }
}

/// The rows by which the keys of these messages are claimed, each for a new client of its message.
pub(crate) fn rows(messages: &[&InboundMessage], ambient: &Ambient) -> Vec<ExternalIdRow> {
    let mut rows = Vec::with_capacity(messages.len());
    for message in messages {
        let client_id = ambient.new_id();
        let evidence = evidence(message);
        rows.extend(own_keys(message).into_iter().map(|key| ExternalIdRow {
            tenant_id: message.tenant_id,
            id: ambient.new_id(),
            client_id,
            key,
            source: message.channel.as_str(),
            evidence: evidence.clone(),
            authenticated: message.trust == Trust::Verified,
        }));
    }
    rows
}

/// What is looked up for these messages when the keys `new` were nobody's: their keys, and what is
/// weaker for those who are not found by their channel's own.
pub(crate) fn lookups(messages: &[&InboundMessage], new: &HashSet<Keyed<ExternalId>>) -> Vec<Lookup> {
    let mut wanted: BTreeMap<(TenantId, ExternalId), bool> = BTreeMap::new();
    for message in messages {
        let tenant = message.tenant_id;
        let keys = own_keys(message);
        let weaker = message.trust != Trust::Failed && keys.first().is_some_and(|first| new.contains(&(tenant, first.clone())));
        if weaker {
            for Wanted { key, .. } in other_keys(&keys).into_iter().chain(variants(&keys)) {
                wanted.insert((tenant, key), true);
            }
        }
        for key in keys {
            wanted.entry((tenant, key)).or_insert(false);
        }
    }
    let looked_up = wanted.into_iter().filter(|(key, on_record)| *on_record || !new.contains(key));
    looked_up.map(|((tenant_id, key), on_record)| Lookup { tenant_id, key, on_record }).collect()
}
