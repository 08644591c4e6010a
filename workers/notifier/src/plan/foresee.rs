//! Whether somebody would be told of something that has not happened, where, when and why. The same functions plan it; nothing is
//! written.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::notifications::Way;
use switchboard_common::db::plans::{self, FailedFacts, MessageFacts};
use switchboard_common::db::tickets::{MessageDirection, MessageKind};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::preferences::{Chosen, Effective, LayerName, Route, Topic};
use switchboard_common::ids::{DeliveryId, EventId, MessageId, TenantId, TicketId, UserId};
use uuid::Uuid;

use super::audience::{self, Candidate};
use super::decide::PlanInput;
use super::desks::Desks;
use super::gather::{About, Gathered};
use super::person::{self, Asked};
use super::storm::Counting;
use crate::render::Template;

/// What would become of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// The person's handle.
    pub handle: String,
    /// As what it counts in their preferences.
    pub topic: Topic,
    /// The ticket's number.
    pub ticket: i64,
    /// Why they are in question, such as `assigned`; none where they are not.
    pub audience: Option<String>,
    /// What would become of them.
    pub outlook: Outlook,
    /// Each setting that matters here, with the layer that decided it.
    pub settings: Vec<SettingSeen>,
}

/// What would become of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// They are told by each of these ways: at once, or then for that reason.
    Told {
        /// By each of these.
        ways: Vec<Way>,
        /// What is left if those refuse.
        alternatives: Vec<Way>,
        /// When, if not at once, and why.
        wait: Option<(DateTime<Utc>, String)>,
        /// The layer that decided.
        layer: String,
    },
    /// It is collected for them.
    Collected {
        /// For a digest by this way.
        way: Way,
        /// When that is due, at the latest.
        until: DateTime<Utc>,
        /// Why, such as `quiet hours`.
        why: String,
        /// The layer that decided.
        layer: String,
    },
    /// They are not told.
    NotTold {
        /// Why.
        why: String,
        /// The layer that decided, if it was a setting.
        layer: Option<String>,
    },
}

/// A setting and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingSeen {
    /// Its name in preferences, such as `quiet_hours`.
    pub name: &'static str,
    /// What it is, in words.
    pub value: String,
    /// `built-in`, `tenant`, `group NAME` or `own`.
    pub layer: String,
}

/// Whether a person would be told if something happened now to a ticket as it is, done by nobody in particular: the client
/// writes, the ticket is given to the person, the last answer on it fails, somebody mentions the person. `None` where there is no
/// such person or ticket.
///
/// # Errors
/// When the database refuses or cannot be reached, or holds what cannot be read.
pub async fn foresee(
    connection: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    topic: Topic,
    ticket: TicketId,
    now: DateTime<Utc>,
) -> Result<Option<Foreseen>, Failure> {
    let Some((version, mut snapshot)) = plans::current(connection, tenant, ticket).await? else { return Ok(None) };
    let number = snapshot.number;
    if topic == Topic::TicketAssigned {
        snapshot.assignees.push(user);
    }
    let event = event(tenant, ticket, version, topic, user);
    let mut message = message(ticket, topic);
    if topic == Topic::DeliveryFailed {
        message.author_user = plans::last_answer_by(connection, tenant, ticket).await?;
    }
    let about = About {
        events: vec![&event],
        snapshots: HashMap::from([((tenant, ticket, version), snapshot)]),
        messages: HashMap::from([((tenant, MESSAGE), message)]),
        failed: HashMap::from([(
            (tenant, DELIVERY),
            FailedFacts { template: Template::MessageAddedClient.as_str().to_owned(), is_partial: false },
        )]),
        now,
    };
    let desks = Desks::default();
    let mut gathered = Gathered::about(connection, &desks, about).await?;
    let counts = gathered.take_counts();
    let input = gathered.input(&event)?;
    let Some(person) = input.directory.people.get(&user).filter(|person| !person.is_group) else { return Ok(None) };
    let found = candidate(&input, user, topic);
    let effective = input.settings.user(user);
    let outlook = match &found {
        None => Outlook::NotTold { why: "they are not among those whom this concerns".to_owned(), layer: None },
        Some((_, role)) => {
            let asked = Asked { user, person, role: *role };
            outlook(person::decide(&input, asked, &HashSet::new(), &mut Counting::Real(counts)))
        }
    };
    Ok(Some(Foreseen {
        handle: person.handle.clone(),
        topic,
        ticket: number,
        audience: found.map(|(why, _)| why),
        outlook,
        settings: settings(effective, topic),
    }))
}

/// What is not there has these ids.
const EVENT: EventId = EventId(Uuid::nil());
const MESSAGE: MessageId = MessageId(Uuid::nil());
const DELIVERY: DeliveryId = DeliveryId(Uuid::nil());

fn event(tenant_id: TenantId, ticket_id: TicketId, version: i32, topic: Topic, user: UserId) -> Event {
    let kind = match topic {
        Topic::TicketCreated => EventKind::TicketCreated,
        Topic::MessageAdded | Topic::Mention => EventKind::MessageAdded,
        Topic::TicketAssigned => EventKind::TicketAssigned,
        Topic::TicketClosed => EventKind::TicketClosed,
        Topic::DeliveryFailed => EventKind::DeliveryFailed,
    };
    Event {
        id: EVENT,
        tenant_id,
        kind,
        ticket_id,
        version,
        message_id: Some(MESSAGE),
        delivery_id: (kind == EventKind::DeliveryFailed).then_some(DELIVERY),
        assigned: vec![user],
        actor: Actor::System,
        occurred_at: DateTime::UNIX_EPOCH,
        arrived_at: None,
        trace: None,
    }
}

/// A message of nobody's: of the client's, or for a mention a note.
fn message(ticket_id: TicketId, topic: Topic) -> MessageFacts {
    MessageFacts {
        ticket_id,
        kind: if topic == Topic::Mention { MessageKind::Note } else { MessageKind::Public },
        direction: MessageDirection::In,
        author_user: None,
        by_client: true,
        sender_address: None,
        trust: Trust::Unverified,
        automatic: None,
        has_notice: false,
        text: None,
        files: Vec::new(),
    }
}

/// As what a person is in question, if they are.
fn candidate(input: &PlanInput<'_>, user: UserId, topic: Topic) -> Option<(String, audience::Role)> {
    if topic == Topic::Mention {
        return Some(("mentioned".to_owned(), audience::Role::Mentioned));
    }
    audience::of(input).candidates.into_iter().find_map(|candidate| match candidate {
        Candidate::Person(id, why, role) if id == user => Some((why, role)),
        Candidate::Person(..) | Candidate::DeadEnd(..) => None,
    })
}

fn outlook(outcome: person::Outcome) -> Outlook {
    match outcome {
        person::Outcome::Told { ways, alternatives, wait, by, urgent: _ } => {
            Outlook::Told { ways, alternatives, wait: wait.map(|wait| (wait.until, wait.why)), layer: by.to_string() }
        }
        person::Outcome::Collected { way, wait, by, .. } => {
            Outlook::Collected { way, until: wait.until, why: wait.why, layer: by.to_string() }
        }
        person::Outcome::Not { why, by } => Outlook::NotTold { why, layer: by.map(|by| by.to_string()) },
    }
}

/// Every setting that has a say in it.
fn settings(effective: &Effective, topic: Topic) -> Vec<SettingSeen> {
    let seen = |name, value: String, by: &LayerName| SettingSeen { name, value, layer: by.to_string() };
    let list = |methods: &[switchboard_common::domain::method::Method]| {
        let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let Chosen { value: route, by } = effective.route(topic);
    let route = match route {
        Route::Methods(methods) => seen("events", format!("{topic}: {}", list(&methods)), &by),
        Route::Digest(_) => seen("events", format!("{topic}: digest"), &by),
    };
    let quiet = effective.quiet_hours.value.as_ref().map_or_else(
        || "none".to_owned(),
        |quiet| {
            let hours: Vec<String> =
                quiet.all().map(|hours| format!("{}\u{2013}{}", String::from(hours.from), String::from(hours.to))).collect();
            let except = quiet.except_priority.as_ref().map(|name| format!(", except {name}")).unwrap_or_default();
            format!("{}{except}", hours.join(", "))
        },
    );
    let zone = effective.timezone.as_ref();
    let storm = effective.storm.value;
    let digest = serde_json::to_string(&effective.digest.value).unwrap_or_default();
    let muted: Vec<String> = effective.muted_tickets.value.iter().map(|number| format!("#{number}")).collect();
    vec![
        route,
        seen("channels", list(&effective.channels.value), &effective.channels.by),
        seen("fallback", list(&effective.fallback.value), &effective.fallback.by),
        seen("quiet_hours", quiet, &effective.quiet_hours.by),
        seen("timezone", effective.zone().to_string(), zone.map_or(&LayerName::BuiltIn, |zone| &zone.by)),
        seen("digest", digest, &effective.digest.by),
        seen("storm", format!("{} within {}", storm.most, storm.within), &effective.storm.by),
        seen("muted_tickets", if muted.is_empty() { "none".to_owned() } else { muted.join(", ") }, &effective.muted_tickets.by),
        seen("own_actions", effective.own_actions.value.to_string(), &effective.own_actions.by),
    ]
}
