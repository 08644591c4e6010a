//! Reads what a batch of events is about: one query for each kind of thing, whatever the number of
//! events and tenants.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::audience::{self, Directory};
use switchboard_common::db::notifications;
use switchboard_common::db::plans::{self, ClientFacts, MessageFacts};
use switchboard_common::domain::event::{Event, EventKind};
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{AccountId, ClientId, DeliveryId, EventId, MessageId, TenantId, TicketId};

use super::decide::{Plan, PlanInput, plan};
use super::pairs::{Pair, Pairs};
use crate::render::Template;

/// The time over which the mails of a pair of addresses are counted.
const LOOP_WINDOW: TimeDelta = TimeDelta::hours(1);

/// The events of a batch that were not planned yet, in the order in which they happened, and what
/// they are about.
pub(super) struct Gathered<'a> {
    events: Vec<&'a Event>,
    snapshots: HashMap<(TenantId, TicketId, i32), TicketSnapshot>,
    messages: HashMap<(TenantId, MessageId), MessageFacts>,
    clients: HashMap<(TenantId, TicketId), ClientFacts>,
    directories: HashMap<TenantId, Directory>,
    failed: HashMap<(TenantId, DeliveryId), String>,
    pairs: Pairs,
}

/// An event with its plan.
pub(super) struct Planned<'a> {
    pub event: &'a Event,
    pub ticket: TicketSnapshot,
    /// The account that mail goes out by, and its address.
    pub account: (AccountId, String),
    pub plan: Plan,
}

pub(super) async fn gather<'a>(connection: &mut PgConnection, batch: &'a [Event], now: DateTime<Utc>) -> Result<Gathered<'a>, Failure> {
    let all: Vec<&Event> = batch.iter().collect();
    let known = plans::planned(connection, &all).await?;
    let events = fresh(all, &known);
    let tenants: Vec<_> = events.iter().map(|event| event.tenant_id.0).collect();
    let mut gathered = Gathered {
        snapshots: plans::snapshots(connection, &events).await?,
        messages: plans::messages(connection, &events).await?,
        clients: HashMap::new(),
        directories: audience::load(connection, &tenants).await?,
        failed: plans::failed_templates(connection, &events).await?,
        pairs: Pairs::default(),
        events,
    };
    gathered.clients = plans::clients(connection, &gathered.wanted_clients()).await?;
    let pairs = gathered.pairs_in_question()?;
    gathered.pairs = Pairs::new(notifications::count_pairs(connection, &pairs, now - LOOP_WINDOW).await?);
    Ok(gathered)
}

/// The events that were not planned yet, each once, in the order in which they happened.
fn fresh<'a>(events: Vec<&'a Event>, known: &HashSet<(TenantId, EventId)>) -> Vec<&'a Event> {
    let by_id: BTreeMap<_, _> = events.into_iter().map(|event| ((event.tenant_id, event.id), event)).collect();
    let mut fresh: Vec<&Event> = by_id.into_iter().filter(|(id, _)| !known.contains(id)).map(|(_, event)| event).collect();
    fresh.sort_by_key(|event| (event.version, event.occurred_at));
    fresh
}

impl<'a> Gathered<'a> {
    /// Decides all of the events, one after the other, so that each counts what those before it send.
    pub fn decide(mut self) -> Vec<Planned<'a>> {
        let mut pairs = std::mem::take(&mut self.pairs);
        let events = std::mem::take(&mut self.events);
        let planned = events.into_iter().filter_map(|event| {
            let input = self.input(event).ok()?;
            Some(Planned {
                event,
                ticket: input.ticket.clone(),
                account: (input.account_id, input.account.address.clone()),
                plan: plan(input, &mut pairs),
            })
        });
        planned.collect()
    }

    /// What an event is about.
    ///
    /// # Errors
    /// When something that it names is not there.
    fn input<'g>(&'g self, event: &'g Event) -> Result<PlanInput<'g>, Failure> {
        let reject = |what: String| Failure::Reject(format!("{} event {}: {what}", event.kind.as_str(), event.id));
        let tenant = event.tenant_id;
        let ticket = self.snapshots.get(&(tenant, event.ticket_id, event.version));
        let ticket = ticket.ok_or_else(|| reject(format!("there is no version {} of a ticket {}", event.version, event.ticket_id)))?;
        let message = match event.message_id {
            None => None,
            Some(id) => {
                let message = self.messages.get(&(tenant, id)).filter(|message| message.ticket_id == event.ticket_id);
                Some(message.ok_or_else(|| reject(format!("there is no message {id} on ticket {}", event.ticket_id)))?)
            }
        };
        let template = match (event.kind, event.delivery_id) {
            (EventKind::DeliveryFailed, Some(id)) => {
                Some(self.failed.get(&(tenant, id)).ok_or_else(|| reject(format!("there is no delivery {id}")))?)
            }
            (EventKind::DeliveryFailed, None) => return Err(reject("it names no delivery".to_owned())),
            _ => None,
        };
        let directory = self.directories.get(&tenant).ok_or_else(|| reject(format!("there is nobody in tenant {tenant}")))?;
        let (account_id, account) = directory
            .mail_account(ticket.account_id)
            .ok_or_else(|| reject("its desk has no mail account to tell anybody by".to_owned()))?;
        Ok(PlanInput {
            event,
            ticket,
            message,
            client: self.clients.get(&(tenant, event.ticket_id)).ok_or_else(|| reject("its ticket has no client".to_owned()))?,
            account_id,
            account,
            is_mail: account_id == ticket.account_id,
            directory,
            answer_failed: template.is_some_and(|template| template == Template::MessageAddedClient.as_str()),
        })
    }

    fn wanted_clients(&self) -> Vec<(TenantId, TicketId, ClientId)> {
        let mut wanted: Vec<_> =
            self.snapshots.iter().map(|((tenant, ticket, _), snapshot)| (*tenant, *ticket, snapshot.client_id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// The pairs of addresses between which these events could lead to mail: those that are asked for
    /// when nothing was sent before.
    fn pairs_in_question(&self) -> Result<Vec<Pair>, Failure> {
        let mut asked = Pairs::default();
        for event in &self.events {
            plan(self.input(event)?, &mut asked);
        }
        Ok(asked.into_pairs())
    }
}
