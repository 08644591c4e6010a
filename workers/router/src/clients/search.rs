//! The search for a sender, rank by rank. The first rank that finds somebody decides.

use switchboard_common::db::clients::ExternalIdRow;
use switchboard_common::domain::explanation::{ClientFound, ClientSearch, KeyEvidence, Rank, RankTried};
use switchboard_common::domain::identity::ExternalId;
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::ids::{ClientId, TenantId};

use super::keys::{Wanted, other_keys, variants};
use super::{Candidate, Sender, Senders, evidence, own_keys};

impl Senders {
    /// Finds who wrote a message. `None` when nobody is named in it, or nothing was looked up for it.
    #[must_use]
    pub fn find(&self, message: &InboundMessage) -> Option<Sender> {
        let tenant = message.tenant_id;
        let keys = own_keys(message);
        let first = keys.first()?;
        let ranks = ranks(&keys, message.trust).into_iter().filter(|(_, wanted)| !wanted.is_empty());
        let mut search = ClientSearch { claims: message.claims.iter().map(ToString::to_string).collect(), ..ClientSearch::default() };
        let mut decided: Vec<Candidate> = Vec::new();
        for (rank, wanted) in ranks {
            let found = self.found(tenant, &wanted);
            if decided.is_empty() {
                let names = wanted.iter().map(|wanted| wanted.key.to_string()).collect();
                decided = self.candidates(tenant, &found);
                search.ranks.push(RankTried { rank, keys: names, found });
            } else {
                search.doubles.extend(found);
            }
        }
        let client_id = match (&decided[..], search.ranks.last().and_then(|rank| rank.found.first())) {
            ([_], Some(found)) => found.client_id,
            _ => self.claimed.get(&(tenant, first.clone()))?.client_id,
        };
        let is_new = decided.len() != 1;
        let root = if is_new { client_id } else { self.root(tenant, client_id) };
        search.doubles.retain(|double| !is_new && self.root(tenant, double.client_id) != root);
        search.counts_as = (root != client_id).then_some(root);
        let candidates = if decided.len() > 1 { decided } else { Vec::new() };
        let mut sender = Sender { client_id, root, is_new, candidates, search, attach: Vec::new(), verify: Vec::new() };
        self.attach(message, &keys, &mut sender);
        self.verify(message, &keys, &mut sender);
        Some(sender)
    }

    /// Whom keys belong to, in the order of the keys, a client's own before what is on record.
    fn found(&self, tenant: TenantId, wanted: &[Wanted]) -> Vec<ClientFound> {
        let mut found: Vec<ClientFound> = Vec::new();
        for Wanted { key, owned, on_record, form } in wanted {
            let keyed = (tenant, key.clone());
            let owner = self.owners.get(&keyed).filter(|_| *owned).map(|owner| (owner.client_id, false));
            let recorded = self.on_record.get(&keyed).filter(|_| *on_record).into_iter().flatten().map(|client| (*client, true));
            for (client_id, is_on_record) in owner.into_iter().chain(recorded) {
                let name = self.name(tenant, client_id).unwrap_or_default().to_owned();
                let why = match (is_on_record, form) {
                    (false, None) => "their key".to_owned(),
                    (true, None) => format!("contact on record of {name}"),
                    (false, Some(form)) => format!("their key, {form}"),
                    (true, Some(form)) => format!("contact on record of {name}, {form}"),
                };
                found.push(ClientFound { client_id, name, key: key.to_string(), why });
            }
        }
        found
    }

    /// Who was found, each once, as whom they count, with all that leads there.
    fn candidates(&self, tenant: TenantId, found: &[ClientFound]) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for ClientFound { client_id, key, why, .. } in found {
            let root = self.root(tenant, *client_id);
            let reason = format!("{key}: {why}");
            if let Some(known) = candidates.iter_mut().find(|candidate| candidate.client_id == root) {
                known.reason = format!("{}; {reason}", known.reason);
            } else {
                let name = self.name(tenant, root).unwrap_or_default().to_owned();
                candidates.push(Candidate { client_id: root, name, reason });
            }
        }
        candidates
    }

    /// The keys that nobody has go to the client. When the check of the sender failed that is the channel's
    /// own alone, and only where it made a new client.
    fn attach(&self, message: &InboundMessage, keys: &[ExternalId], sender: &mut Sender) {
        let tenant = message.tenant_id;
        let decisive = sender.search.ranks.last().filter(|_| !sender.is_new);
        let by = decisive.filter(|rank| rank.rank != Rank::Identity).and_then(|rank| rank.found.first());
        for key in keys {
            let keyed = (tenant, key.clone());
            let Some(claimed) = self.claimed.get(&keyed).filter(|_| !self.owners.contains_key(&keyed)) else { continue };
            let recorded = decisive.and_then(|rank| rank.found.iter().find(|found| found.key == key.to_string()));
            let (source, evidence) = match (recorded, by) {
                (Some(recorded), _) => ("record", format!("{}; {}", recorded.why, evidence(message))),
                (None, Some(by)) => (message.channel.as_str(), format!("{}, known by {} ({})", evidence(message), by.key, by.why)),
                (None, None) => (message.channel.as_str(), evidence(message)),
            };
            sender.search.attached.push(KeyEvidence { key: key.to_string(), evidence: evidence.clone() });
            let authenticated = message.trust == Trust::Verified;
            let client_id = sender.client_id;
            sender.attach.push(ExternalIdRow { client_id, source, evidence, authenticated, ..claimed.clone() });
        }
    }

    /// What a verified message shows of keys that the same person had already.
    fn verify(&self, message: &InboundMessage, keys: &[ExternalId], sender: &mut Sender) {
        if message.trust != Trust::Verified || sender.is_new {
            return;
        }
        for key in keys {
            let Some(owner) = self.owners.get(&(message.tenant_id, key.clone())).filter(|owner| !owner.authenticated) else { continue };
            if self.root(message.tenant_id, owner.client_id) == sender.root {
                let evidence = format!("authenticated as {}", evidence(message));
                sender.search.authenticated.push(KeyEvidence { key: key.to_string(), evidence: evidence.clone() });
                sender.verify.push((key.clone(), evidence));
            }
        }
    }

    /// The client's name, where they are known here.
    #[must_use]
    pub fn name(&self, tenant: TenantId, client: ClientId) -> Option<&str> {
        self.people.get(&(tenant, client)).map(|person| person.name.as_str())
    }
}

/// The ranks with their keys. When the check of the sender failed, the first is the only one.
fn ranks(keys: &[ExternalId], trust: Trust) -> Vec<(Rank, Vec<Wanted>)> {
    let identity = keys.first().map(|key| Wanted { key: key.clone(), owned: true, on_record: false, form: None });
    let mut ranks = vec![(Rank::Identity, identity.into_iter().collect())];
    if trust != Trust::Failed {
        ranks.push((Rank::OtherKeys, other_keys(keys)));
        ranks.push((Rank::Variants, variants(keys)));
    }
    ranks
}
