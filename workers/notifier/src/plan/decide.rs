//! From an event and what it is about to who is told and who is not, each with the reason. Pure.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use switchboard_common::db::audience::{Directory, Suppressed};
use switchboard_common::db::digests::Cause;
use switchboard_common::db::notifications::Way;
use switchboard_common::db::plans::{ClientFacts, MessageFacts};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::domain::event::{Event, EventKind};
use switchboard_common::domain::explanation::ToldDecision;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::Topic;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::UserId;

use super::audience::{self, Candidate, Role};
use super::client;
use super::person::{self, Asked, Outcome, Wait};
use super::settings::Settings;
use super::storm::Counting;
use crate::render::Template;

/// An event with all that decides who is told of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlanInput<'a> {
    pub event: &'a Event,
    /// The ticket as the event left it.
    pub ticket: &'a TicketSnapshot,
    /// The message that the event is about.
    pub message: Option<&'a MessageFacts>,
    /// The ticket's client.
    pub client: &'a ClientFacts,
    /// The people and accounts of the desk.
    pub directory: &'a Directory,
    /// Who follows the ticket.
    pub followers: &'a [UserId],
    /// What everybody chose.
    pub settings: &'a Settings,
    /// Where nothing goes any more.
    pub suppressed: &'a Suppressed,
    /// Of `delivery.failed`: whether what failed was an answer to the client.
    pub answer_failed: bool,
    /// And whether it arrived all the same, but for files.
    pub is_partial: bool,
    pub now: DateTime<Utc>,
}

impl PlanInput<'_> {
    /// The address of whoever wrote what the event is about.
    pub fn origin(&self) -> Option<&str> {
        self.message.and_then(|message| message.sender_address.as_deref())
    }

    /// Counts one more message on a way because of `origin`, unless there were too many.
    pub fn admit(&self, counting: &mut Counting, origin: Option<&str>, way: &Way) -> Result<(), String> {
        let account = self.directory.accounts.get(&way.account_id);
        match origin.zip(account) {
            Some((origin, account)) => counting.admit(self.event.tenant_id, origin, &way.address, account.loop_cap),
            None => Ok(()),
        }
    }
}

/// Who is told of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Everybody who was in question, told or not.
    pub decisions: Vec<ToldDecision>,
    /// Those who are told.
    pub tellings: Vec<Telling>,
    /// Of those who answer for the ticket, nobody can be told of anything.
    pub unheard: bool,
}

/// One person to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Telling {
    pub recipient: ReplyRecipient,
    pub template: &'static str,
    pub topic: Topic,
    pub reason: String,
    /// They follow what is not theirs.
    pub optional: bool,
    pub how: How,
    pub alternatives: Vec<Way>,
    /// From whose address the message came that led to it.
    pub origin: Option<String>,
}

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// By each of these ways, now or when the wait is over.
    Send { ways: Vec<Way>, wait: Option<Wait>, urgent: bool },
    /// Together with others.
    Collect { way: Way, cause: Cause, until: DateTime<Utc>, why: String },
    /// Not at all: an answer that must not be sent by this way. It counts as failed, so that its author hears of it. What went by
    /// other ways went.
    Refuse { went: Vec<Way>, wait: Option<Wait>, refused: Way },
}

/// Decides who is told of an event. `counting` counts what is planned, for this event and the next.
pub(super) fn plan(input: PlanInput<'_>, counting: &mut Counting) -> Plan {
    let mut desk = Desk { input, counting, considered: HashSet::new(), taken: HashSet::new(), plan: Plan::default() };
    let client = client::decide(&input, desk.counting);
    if let Some(client::Outcome::Told(told)) = &client {
        desk.taken.extend(told.ways.iter().map(|way| (way.method, way.address.clone())));
    }
    let audience = audience::of(&input);
    desk.plan.unheard = audience.unheard;
    if input.event.kind == EventKind::TicketClosed {
        desk.settle_client(client);
        desk.consider(audience.candidates);
    } else {
        desk.consider(audience.candidates);
        desk.settle_client(client);
    }
    desk.plan
}

/// A plan in the making.
struct Desk<'a, 'p> {
    input: PlanInput<'a>,
    counting: &'p mut Counting,
    /// Who was in question already, by whatever way.
    considered: HashSet<UserId>,
    /// Where somebody is told of the event already.
    taken: HashSet<(Method, String)>,
    plan: Plan,
}

impl Desk<'_, '_> {
    fn consider(&mut self, candidates: Vec<Candidate>) {
        for candidate in candidates {
            match candidate {
                Candidate::Person(user, why, role) => self.consider_person(user, why, role),
                Candidate::DeadEnd(group, why) => {
                    let Some(group) = self.input.directory.people.get(&group).map(|person| (&person.handle, group)) else { continue };
                    self.plan.decisions.push(ToldDecision { why, ..named(group.0, ReplyRecipient::User(group.1)) });
                }
            }
        }
    }

    fn consider_person(&mut self, user: UserId, reason: String, role: Role) {
        let Some(person) = self.input.directory.people.get(&user).filter(|_| self.considered.insert(user)) else { return };
        let asked = Asked { user, person, role };
        let outcome = person::decide(&self.input, asked, &self.taken, self.counting);
        let recipient = ReplyRecipient::User(user);
        let decision = told_of(&outcome, &reason, named(&person.handle, recipient));
        let (how, alternatives) = match outcome {
            Outcome::Told { ways, alternatives, urgent, wait, .. } => (How::Send { ways, wait, urgent }, alternatives),
            Outcome::Collected { way, alternatives, cause, wait, by } => {
                (How::Collect { way, cause, until: wait.until, why: format!("{} ({by})", wait.why) }, alternatives)
            }
            Outcome::Not { .. } => {
                self.plan.decisions.push(decision);
                return;
            }
        };
        if let How::Send { ways, .. } = &how {
            self.taken.extend(ways.iter().map(|way| (way.method, way.address.clone())));
        }
        let topic = asked.topic(&self.input);
        self.plan.decisions.push(decision);
        self.plan.tellings.push(Telling {
            recipient,
            template: template(topic, self.input.is_partial).as_str(),
            topic,
            reason,
            optional: role == Role::Follower,
            how,
            alternatives,
            origin: self.input.origin().map(str::to_owned),
        });
    }

    fn settle_client(&mut self, outcome: Option<client::Outcome>) {
        let recipient = ReplyRecipient::Client(self.input.ticket.client_id);
        let decision = named(&self.input.client.name, recipient);
        let topic = Topic::of(self.input.event.kind);
        let telling = |template: Template, reason: String, how, alternatives| Telling {
            recipient,
            template: template.as_str(),
            topic,
            reason,
            optional: false,
            how,
            alternatives,
            origin: self.input.origin().map(str::to_owned),
        };
        match outcome {
            None => {}
            Some(client::Outcome::Not { why, by }) => {
                self.plan.decisions.push(ToldDecision { why, layer: by.map(|by| by.to_string()), ..decision });
            }
            Some(client::Outcome::Refused { why, way }) => {
                let how = How::Refuse { went: Vec::new(), wait: None, refused: way };
                self.plan.tellings.push(telling(Template::MessageAddedClient, why.clone(), how, Vec::new()));
                self.plan.decisions.push(ToldDecision { why, ..decision });
            }
            Some(client::Outcome::Told(told)) => {
                self.plan.decisions.push(ToldDecision {
                    told: true,
                    on: Some(places(&told.ways)),
                    why: said(told.reason, told.stranded.as_deref()),
                    layer: told.by.map(|by| by.to_string()),
                    until: told.wait.as_ref().map(|wait| wait.until),
                    waits: told.wait.as_ref().map(|wait| format!("by itself: {}", wait.why)),
                    ..decision
                });
                let reason = said(told.reason, told.stranded.as_deref());
                let how = match told.stranded {
                    None => How::Send { ways: told.ways, wait: told.wait, urgent: false },
                    Some(_) => How::Refuse { refused: mail_for_files(&self.input), went: told.ways, wait: told.wait },
                };
                self.plan.tellings.push(telling(told.template, reason, how, told.alternatives));
            }
        }
    }
}

/// The reason why a client is told, and what did not reach them.
fn said(reason: &str, stranded: Option<&str>) -> String {
    stranded.map_or_else(|| reason.to_owned(), |stranded| format!("{reason}; {stranded}"))
}

/// The mail that would have brought the files that another channel does not take: there is no address for it.
fn mail_for_files(input: &PlanInput<'_>) -> Way {
    let account_id = input.directory.mail_account(input.ticket.account_id).unwrap_or(input.ticket.account_id);
    Way { method: Method::Email, account_id, address: String::new(), thread_key: None }
}

/// What a user reads of a topic.
fn template(topic: Topic, is_partial: bool) -> Template {
    match topic {
        Topic::TicketCreated => Template::TicketCreatedAgent,
        Topic::MessageAdded => Template::MessageAddedAgent,
        Topic::Mention => Template::MentionAgent,
        Topic::TicketAssigned => Template::TicketAssignedAgent,
        Topic::TicketClosed => Template::TicketClosedAgent,
        Topic::DeliveryFailed if is_partial => Template::DeliveryPartialAgent,
        Topic::DeliveryFailed => Template::DeliveryFailedAgent,
    }
}

fn told_of(outcome: &Outcome, reason: &str, decision: ToldDecision) -> ToldDecision {
    match outcome {
        Outcome::Told { ways, wait, by, .. } => ToldDecision {
            told: true,
            on: Some(places(ways)),
            why: reason.to_owned(),
            layer: Some(by.to_string()),
            until: wait.as_ref().map(|wait| wait.until),
            waits: wait.as_ref().map(|wait| format!("by itself: {}", wait.why)),
            ..decision
        },
        Outcome::Collected { way, wait, by, .. } => ToldDecision {
            told: true,
            on: Some(places(std::slice::from_ref(way))),
            why: reason.to_owned(),
            layer: Some(by.to_string()),
            until: Some(wait.until),
            waits: Some(format!("with others: {}", wait.why)),
            ..decision
        },
        Outcome::Not { why, by } => ToldDecision { why: why.clone(), layer: by.as_ref().map(ToString::to_string), ..decision },
    }
}

fn places(ways: &[Way]) -> String {
    ways.iter().map(|way| format!("{}:{}", way.method, way.address)).collect::<Vec<_>>().join(", ")
}

fn named(name: &str, recipient: ReplyRecipient) -> ToldDecision {
    let (user_id, client_id) = match recipient {
        ReplyRecipient::User(id) => (Some(id), None),
        ReplyRecipient::Client(id) => (None, Some(id)),
    };
    ToldDecision { recipient: name.to_owned(), user_id, client_id, ..ToldDecision::default() }
}
