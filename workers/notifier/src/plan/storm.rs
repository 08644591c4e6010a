//! What is counted: mails of a loop, and notifications in a storm.

use std::collections::{HashMap, HashSet};

use switchboard_common::db::notifications::Planned;
use switchboard_common::domain::preferences::{Chosen, LayerName, Storm};
use switchboard_common::ids::{TenantId, TicketId, UserId};

use super::decide::PlanInput;

/// Whose desk, whose message led to it, and where it goes.
pub(super) type Pair = (TenantId, String, String);

/// What was planned lately. What is planned for an event counts for the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// How much went within the last hour for each pair of origin and address.
    pairs: HashMap<Pair, i64>,
    planned: Planned,
}

/// What has to be counted before a batch can be planned.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub pairs: HashSet<Pair>,
    pub people: HashSet<(TenantId, UserId)>,
}

/// Counts that are there, or a plan on trial that only notes what it would count.
#[derive(Debug)]
pub(super) enum Counting {
    Trial(Asked),
    Real(Counts),
}

/// Why it is collected: how much came, in words, and for how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stormy {
    pub why: String,
    pub storm: Storm,
    pub by: LayerName,
}

impl Counts {
    /// What the database counts.
    pub fn new(pairs: HashMap<Pair, i64>, planned: Planned) -> Self {
        Self { pairs, planned }
    }
}

impl Counting {
    /// Counts one more message to `address` because of `origin`, unless there are `cap` of them.
    ///
    /// # Errors
    /// The reason why it is not to be sent.
    pub fn admit(&mut self, tenant: TenantId, origin: &str, address: &str, cap: i32) -> Result<(), String> {
        let pair = (tenant, origin.to_owned(), address.to_owned());
        match self {
            Self::Trial(asked) => {
                asked.pairs.insert(pair);
                Ok(())
            }
            Self::Real(counts) => {
                let count = counts.pairs.entry(pair).or_default();
                if *count >= i64::from(cap) {
                    return Err(format!("loop cap: {cap} mails within an hour from {origin} to {address}"));
                }
                *count += 1;
                Ok(())
            }
        }
    }

    /// Whether this would be one too many for a person, of the ticket or of the desk. An urgent exception counts for the person
    /// alone, so that a flood of others does not keep them from it.
    pub fn storm(&mut self, input: &PlanInput<'_>, user: UserId, own: &Chosen<Storm>, excepted: bool) -> Option<Stormy> {
        let tenant = input.event.tenant_id;
        let planned = match self {
            Self::Trial(asked) => {
                asked.people.insert((tenant, user));
                return None;
            }
            Self::Real(counts) => &counts.planned,
        };
        let storms = &input.directory.storms;
        let of_person = planned.people.get(&(tenant, user)).copied().unwrap_or_default();
        let of_ticket = planned.tickets.get(&(tenant, input.event.ticket_id)).copied().unwrap_or_default();
        let of_tenant = planned.tenants.get(&tenant).copied().unwrap_or_default();
        let limits = [
            (of_person, own.value, own.by.clone(), "for them"),
            (of_ticket, storms.ticket, LayerName::Tenant, "of the ticket"),
            (of_tenant, storms.tenant, LayerName::Tenant, "in the desk"),
        ];
        let most = if excepted { 1 } else { limits.len() };
        limits.into_iter().take(most).find(|(count, storm, ..)| *count >= i64::from(storm.most)).map(|(_, storm, by, what)| Stormy {
            why: format!("{} notifications within {} {what} already", storm.most, String::from(storm.within)),
            storm,
            by,
        })
    }

    /// Counts a notification that is planned for a person.
    pub fn count(&mut self, tenant: TenantId, ticket: TicketId, user: UserId) {
        if let Self::Real(counts) = self {
            *counts.planned.people.entry((tenant, user)).or_default() += 1;
            *counts.planned.tickets.entry((tenant, ticket)).or_default() += 1;
            *counts.planned.tenants.entry(tenant).or_default() += 1;
        }
    }
}
