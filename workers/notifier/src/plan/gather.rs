//! Reads what a batch of events is about: one query for each kind of thing, whatever the number of
//! events and tenants.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::audience::{self, Suppressed};
use switchboard_common::db::plans::{self, ClientFacts, FailedFacts, MessageFacts};
use switchboard_common::db::{notifications, preferences};
use switchboard_common::domain::event::{Event, EventKind};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::Effective;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{ClientId, DeliveryId, EventId, MessageId, TenantId, TicketId, UserId};

use super::audience as people;
use super::decide::{Plan, PlanInput, plan};
use super::desks::{Desk, Desks};
use super::settings::Settings;
use super::storm::{Asked, Counting, Counts};
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
    desks: HashMap<TenantId, Arc<Desk>>,
    followers: HashMap<(TenantId, TicketId), Vec<UserId>>,
    settings: HashMap<TenantId, Settings>,
    suppressed: HashMap<TenantId, Suppressed>,
    nothing_suppressed: Suppressed,
    failed: HashMap<(TenantId, DeliveryId), FailedFacts>,
    counts: Counts,
    now: DateTime<Utc>,
}

/// An event with its plan.
pub(super) struct Planned<'a> {
    pub event: &'a Event,
    pub ticket: TicketSnapshot,
    pub desk: Arc<Desk>,
    pub plan: Plan,
}

pub(super) async fn gather<'a>(
    connection: &mut PgConnection,
    desks: &Desks,
    batch: &'a [Event],
    now: DateTime<Utc>,
) -> Result<Gathered<'a>, Failure> {
    let all: Vec<&Event> = batch.iter().collect();
    let known = plans::planned(connection, &all).await?;
    let events = fresh(all, &known);
    let snapshots = plans::snapshots(connection, &events).await?;
    let messages = plans::messages(connection, &events).await?;
    let failed = plans::failed(connection, &events).await?;
    Gathered::about(connection, desks, About { events, snapshots, messages, failed, now }).await
}

/// What events are about, before it is known whom they concern.
pub(super) struct About<'a> {
    pub events: Vec<&'a Event>,
    pub snapshots: HashMap<(TenantId, TicketId, i32), TicketSnapshot>,
    pub messages: HashMap<(TenantId, MessageId), MessageFacts>,
    pub failed: HashMap<(TenantId, DeliveryId), FailedFacts>,
    pub now: DateTime<Utc>,
}

/// The events that were not planned yet, each once, in the order in which they happened.
fn fresh<'a>(events: Vec<&'a Event>, known: &HashSet<(TenantId, EventId)>) -> Vec<&'a Event> {
    let by_id: BTreeMap<_, _> = events.into_iter().map(|event| ((event.tenant_id, event.id), event)).collect();
    let mut fresh: Vec<&Event> = by_id.into_iter().filter(|(id, _)| !known.contains(id)).map(|(_, event)| event).collect();
    fresh.sort_by_key(|event| (event.version, event.occurred_at));
    fresh
}

impl<'a> Gathered<'a> {
    /// Reads whom the events may concern and what they chose, and counts what was planned for them lately.
    pub async fn about(connection: &mut PgConnection, desks: &Desks, about: About<'a>) -> Result<Self, Failure> {
        let About { events, snapshots, messages, failed, now } = about;
        let tenants: BTreeSet<_> = events.iter().map(|event| event.tenant_id.0).collect();
        let tickets: BTreeSet<(TenantId, TicketId)> = events.iter().map(|event| (event.tenant_id, event.ticket_id)).collect();
        let mut gathered = Self {
            desks: desks.current(connection, &tenants.into_iter().collect::<Vec<_>>()).await?,
            followers: audience::followers(connection, &tickets.into_iter().collect::<Vec<_>>()).await?,
            snapshots,
            messages,
            failed,
            events,
            now,
            clients: HashMap::new(),
            settings: HashMap::new(),
            suppressed: HashMap::new(),
            nothing_suppressed: Suppressed::default(),
            counts: Counts::default(),
        };
        let wanted = gathered.wanted_clients();
        gathered.clients = plans::clients(connection, &wanted, now).await?;
        gathered.settings = gathered.read_settings(connection, &wanted).await?;
        let addresses = gathered.addresses_in_question()?;
        gathered.suppressed = audience::suppressed(connection, &addresses).await?;
        gathered.counts = gathered.count(connection).await?;
        Ok(gathered)
    }

    /// Decides all of the events, one after the other, so that each counts what those before it send.
    pub fn decide(mut self) -> Vec<Planned<'a>> {
        let mut counting = Counting::Real(self.take_counts());
        let events = std::mem::take(&mut self.events);
        let planned = events.into_iter().filter_map(|event| {
            let input = self.input(event).ok()?;
            let desk = Arc::clone(self.desks.get(&event.tenant_id)?);
            Some(Planned { event, ticket: input.ticket.clone(), desk, plan: plan(input, &mut counting) })
        });
        planned.collect()
    }

    /// What was counted, to be counted on.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// What an event is about.
    ///
    /// # Errors
    /// When something that it names is not there.
    pub fn input<'g>(&'g self, event: &'g Event) -> Result<PlanInput<'g>, Failure> {
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
        let failed = match (event.kind, event.delivery_id) {
            (EventKind::DeliveryFailed, Some(id)) => {
                Some(self.failed.get(&(tenant, id)).ok_or_else(|| reject(format!("there is no delivery {id}")))?)
            }
            (EventKind::DeliveryFailed, None) => return Err(reject("it names no delivery".to_owned())),
            _ => None,
        };
        let desk = self.desks.get(&tenant).ok_or_else(|| reject(format!("there is no tenant {tenant}")))?;
        Ok(PlanInput {
            event,
            ticket,
            message,
            client: self.clients.get(&(tenant, event.ticket_id)).ok_or_else(|| reject("its ticket has no client".to_owned()))?,
            directory: &desk.directory,
            followers: self.followers.get(&(tenant, event.ticket_id)).map(Vec::as_slice).unwrap_or_default(),
            settings: self.settings.get(&tenant).ok_or_else(|| reject(format!("there is no tenant {tenant}")))?,
            suppressed: self.suppressed.get(&tenant).unwrap_or(&self.nothing_suppressed),
            answer_failed: failed.is_some_and(|failed| failed.template == Template::MessageAddedClient.as_str()),
            is_partial: failed.is_some_and(|failed| failed.is_partial),
            now: self.now,
        })
    }

    fn wanted_clients(&self) -> Vec<(TenantId, TicketId, ClientId)> {
        let mut wanted: Vec<_> =
            self.snapshots.iter().map(|((tenant, ticket, _), snapshot)| (*tenant, *ticket, snapshot.client_id)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    async fn read_settings(
        &self,
        connection: &mut PgConnection,
        wanted: &[(TenantId, TicketId, ClientId)],
    ) -> Result<HashMap<TenantId, Settings>, Failure> {
        let clients: BTreeSet<(TenantId, ClientId)> = wanted.iter().map(|(tenant, _, client)| (*tenant, *client)).collect();
        let clients: Vec<_> = clients.into_iter().collect();
        let own = preferences::load(connection, &[], &clients).await?;
        let mut effective: HashMap<TenantId, HashMap<ClientId, Effective>> = HashMap::new();
        for (tenant, client) in clients {
            let Some(desk) = self.desks.get(&tenant) else { continue };
            let mut layers = desk.layers.client(client);
            layers.extend(own.get(&tenant).map(|own| own.client(client)).unwrap_or_default());
            effective.entry(tenant).or_default().insert(client, Effective::of_client(&layers));
        }
        let settings = self.desks.iter().map(|(tenant, desk)| {
            let clients = effective.remove(tenant).unwrap_or_default();
            (*tenant, Settings::new(Arc::clone(&desk.users), clients))
        });
        Ok(settings.collect())
    }

    /// Every address to which these events could lead.
    fn addresses_in_question(&self) -> Result<Vec<(TenantId, Method, String)>, Failure> {
        let mut addresses: BTreeSet<(TenantId, Method, &str)> = BTreeSet::new();
        for event in &self.events {
            let input = self.input(event)?;
            let tenant = event.tenant_id;
            addresses.extend(input.client.ways.iter().map(|way| (tenant, way.method, way.address.as_str())));
            for person in people::in_question(&input).iter().filter_map(|user| input.directory.people.get(user)) {
                for (method, values) in &person.addresses {
                    addresses.extend(values.iter().map(|value| (tenant, *method, value.as_str())));
                }
            }
        }
        Ok(addresses.into_iter().map(|(tenant, method, address)| (tenant, method, address.to_owned())).collect())
    }

    /// Counts what was planned lately of what these events come to when nothing was planned before.
    async fn count(&self, connection: &mut PgConnection) -> Result<Counts, Failure> {
        let mut trial = Counting::Trial(Asked::default());
        for event in &self.events {
            plan(self.input(event)?, &mut trial);
        }
        let Counting::Trial(asked) = trial else { return Ok(Counts::default()) };
        let pairs: Vec<_> = asked.pairs.into_iter().collect();
        let pairs = notifications::count_pairs(connection, &pairs, self.now - LOOP_WINDOW).await?;
        let people = asked.people.iter().filter_map(|(tenant, user)| {
            let storm = self.settings.get(tenant)?.user(*user).storm.value;
            Some(((*tenant, *user), self.now - storm.within.length(), i64::from(storm.most)))
        });
        let with_people: BTreeSet<TenantId> = asked.people.iter().map(|(tenant, _)| *tenant).collect();
        let storms = |tenant: &TenantId| self.desks.get(tenant).map(|desk| desk.directory.storms);
        let tickets: BTreeSet<_> = self.events.iter().map(|event| (event.tenant_id, event.ticket_id)).collect();
        let tickets = tickets.into_iter().filter(|(tenant, _)| with_people.contains(tenant)).filter_map(|(tenant, ticket)| {
            let storm = storms(&tenant)?.ticket;
            Some(((tenant, ticket), self.now - storm.within.length(), i64::from(storm.most)))
        });
        let tenants = with_people.iter().filter_map(|tenant| {
            let storm = storms(tenant)?.tenant;
            Some((*tenant, self.now - storm.within.length(), i64::from(storm.most)))
        });
        let (people, tickets, tenants) = (people.collect::<Vec<_>>(), tickets.collect::<Vec<_>>(), tenants.collect::<Vec<_>>());
        let planned = notifications::count_planned(connection, &people, &tickets, &tenants).await?;
        Ok(Counts::new(pairs, planned))
    }
}
