//! From an event and what it is about to who is told and who is not, each with the reason. Pure.

use std::collections::HashSet;

use switchboard_common::db::audience::{Directory, MailAccount};
use switchboard_common::db::plans::{ClientFacts, MessageFacts};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::tickets::{MessageDirection, MessageKind};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::explanation::ToldDecision;
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{AccountId, UserId};

use super::audience::{Candidate, OWN_ADDRESS, can_be_told, expand, is_own, obstacle, responsible};
use super::pairs::Pairs;
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
    /// The account that mail goes out by.
    pub account_id: AccountId,
    /// What it says of mail.
    pub account: &'a MailAccount,
    /// It is the ticket's own: the ticket came by mail.
    pub is_mail: bool,
    /// The people of the desk.
    pub directory: &'a Directory,
    /// Of `delivery.failed`: whether what failed was an answer to the client.
    pub answer_failed: bool,
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
    pub address: String,
    /// Whose mail led to it.
    pub origin: Option<String>,
    pub template: Template,
    pub reason: String,
    /// An answer to a client that must not be sent. It counts as failed, so that its author hears of it.
    pub refused: bool,
}

/// Decides who is told of an event. `pairs` counts what is planned, for this event and the next.
pub(super) fn plan(input: PlanInput<'_>, pairs: &mut Pairs) -> Plan {
    let mut desk = Desk { input, pairs, considered: HashSet::new(), plan: Plan::default() };
    let cc = || expand(input.directory, &input.ticket.cc, "in cc");
    match input.event.kind {
        EventKind::TicketCreated => {
            desk.consider_responsible(Template::TicketCreatedAgent);
            desk.consider(cc(), Template::TicketCreatedAgent);
            desk.acknowledge();
        }
        EventKind::MessageAdded => {
            desk.consider_responsible(Template::MessageAddedAgent);
            desk.consider(cc(), Template::MessageAddedAgent);
            desk.consider(
                expand(input.directory, desk.kept_from().as_slice(), "their mail was kept as a note"),
                Template::MessageAddedAgent,
            );
            desk.answer();
        }
        EventKind::TicketAssigned => {
            desk.consider(expand(input.directory, &input.event.assigned, "assigned"), Template::TicketAssignedAgent);
        }
        EventKind::TicketClosed => {
            desk.say_goodbye();
            desk.consider(cc(), Template::TicketClosedAgent);
        }
        EventKind::DeliveryFailed if input.answer_failed => desk.report_failure(),
        EventKind::DeliveryFailed => {}
    }
    desk.plan
}

/// A plan in the making.
struct Desk<'a, 'p> {
    input: PlanInput<'a>,
    pairs: &'p mut Pairs,
    /// Who was in question already, by whatever way.
    considered: HashSet<UserId>,
    plan: Plan,
}

impl Desk<'_, '_> {
    fn consider_responsible(&mut self, template: Template) {
        let candidates = responsible(self.input.directory, self.input.ticket);
        self.plan.unheard = !can_be_told(self.input.directory, &candidates);
        self.consider(candidates, template);
    }

    fn consider(&mut self, candidates: Vec<Candidate>, template: Template) {
        for candidate in candidates {
            match candidate {
                Candidate::Person(user, why) => self.consider_person(user, &why, template),
                Candidate::DeadEnd(group, why) => self.decide_user(group, Err(why)),
            }
        }
    }

    fn consider_person(&mut self, user: UserId, why: &str, template: Template) {
        let Some(person) = self.input.directory.people.get(&user).filter(|_| self.considered.insert(user)) else { return };
        let address = person.address.clone().unwrap_or_default();
        let obstacle = obstacle(self.input.directory, person).or_else(|| self.own_doing(user, &address, template));
        let told = match obstacle {
            Some(obstacle) => Err(obstacle),
            None => self.admit(self.message_origin(), &address).map(|()| why.to_owned()),
        };
        if told.is_ok() {
            self.plan.tellings.push(Telling {
                recipient: ReplyRecipient::User(user),
                address,
                origin: self.message_origin(),
                template,
                reason: why.to_owned(),
                refused: false,
            });
        }
        self.decide_user(user, told);
    }

    /// The person whose mail became a note: they may think that it went to the client. A program that
    /// wrote in their name thinks nothing.
    fn kept_from(&self) -> Option<UserId> {
        let message =
            self.input.message.filter(|message| message.kind == MessageKind::Note && message.has_notice && message.automatic.is_none())?;
        message.author_user
    }

    /// Whether the person knows of it because it came from them. That an answer failed, or was kept from
    /// the client, its author does not know.
    fn own_doing(&self, user: UserId, address: &str, template: Template) -> Option<String> {
        if template == Template::DeliveryFailedAgent || self.kept_from() == Some(user) {
            return None;
        }
        let message = self.input.message;
        let wrote = message.is_some_and(|message| message.author_user == Some(user));
        let sent = message.and_then(|message| message.sender_address.as_deref()).is_some_and(|sender| sender.eq_ignore_ascii_case(address));
        if self.input.event.actor == Actor::User(user) || wrote || sent { Some("own action".to_owned()) } else { None }
    }

    /// The acknowledgement of a new ticket to its client.
    fn acknowledge(&mut self) {
        let message = self.input.message;
        let automatic = message.and_then(|message| message.automatic.as_deref());
        let by_user = matches!(self.input.event.actor, Actor::User(_)) || message.is_some_and(|message| message.author_user.is_some());
        let told = if !self.input.is_mail {
            Err("no acknowledgement: the ticket did not come by mail".to_owned())
        } else if !self.input.account.acknowledge {
            Err("the account does not acknowledge".to_owned())
        } else if by_user {
            Err("no acknowledgement: one of the desk's own people opened the ticket".to_owned())
        } else if let Some(automatic) = automatic {
            Err(format!("no acknowledgement: the opening message is automatic ({automatic})"))
        } else if message.is_some_and(|message| message.trust == Trust::Failed) {
            Err("no acknowledgement: the sender's address failed its check, so it may be forged".to_owned())
        } else {
            self.reach_client(self.input.client.address.clone()).map(|()| "acknowledgement".to_owned())
        };
        self.decide_client(told, Template::TicketCreatedClient, self.input.client.address.clone(), false);
    }

    /// The answer of an agent to the client, and nothing else that was written on the ticket.
    fn answer(&mut self) {
        let Some(message) = self.input.message else { return };
        let is_answer = message.kind == MessageKind::Public && message.direction == MessageDirection::Out;
        match &message.automatic {
            None if is_answer => {
                let told = self.reach_client(message.sender_address.clone()).map(|()| "an agent's answer".to_owned());
                self.decide_client(told, Template::MessageAddedClient, message.sender_address.clone(), true);
            }
            Some(automatic) if is_answer => self.leave_client_out(&format!("automatic messages do not go to clients ({automatic})")),
            _ if message.kind != MessageKind::Public => self.leave_client_out("a note stays within the desk"),
            _ if self.input.event.actor == Actor::Client(self.input.ticket.client_id) => self.leave_client_out("own action"),
            _ => self.leave_client_out("not an answer to them"),
        }
    }

    /// Tells the client that the ticket is closed.
    fn say_goodbye(&mut self) {
        let origin = self.message_origin();
        let told = if self.input.event.actor == Actor::Client(self.input.ticket.client_id) {
            Err("own action".to_owned())
        } else if self.input.client.only_automatic {
            Err("only automatic mail ever came from them".to_owned())
        } else {
            self.reach_client(origin.clone()).map(|()| "client of the ticket".to_owned())
        };
        self.decide_client(told, Template::TicketClosedClient, origin, false);
    }

    /// Tells whoever wrote an answer that it did not arrive; if they cannot be told, those who answer
    /// for the ticket.
    fn report_failure(&mut self) {
        let author = self.input.message.and_then(|message| message.author_user);
        let candidates = expand(self.input.directory, author.as_slice(), "wrote the answer");
        let is_heard = can_be_told(self.input.directory, &candidates);
        self.consider(candidates, Template::DeliveryFailedAgent);
        if !is_heard {
            self.consider_responsible(Template::DeliveryFailedAgent);
        }
    }

    /// Whether mail may go to the client because of `origin`.
    fn reach_client(&mut self, origin: Option<String>) -> Result<(), String> {
        match self.input.client.address.clone() {
            None => Err("no mail address is known".to_owned()),
            Some(address) if is_own(self.input.directory, &address) => Err(OWN_ADDRESS.to_owned()),
            Some(address) => self.admit(origin, &address),
        }
    }

    fn admit(&mut self, origin: Option<String>, address: &str) -> Result<(), String> {
        origin.map_or(Ok(()), |origin| self.pairs.admit(self.input.event.tenant_id, &origin, address, self.input.account.loop_cap))
    }

    fn message_origin(&self) -> Option<String> {
        self.input.message.and_then(|message| message.sender_address.clone())
    }

    fn decide_user(&mut self, user: UserId, told: Result<String, String>) {
        let Some(person) = self.input.directory.people.get(&user) else { return };
        let on = told.is_ok().then(|| format!("email:{}", person.address.as_deref().unwrap_or_default()));
        self.plan.decisions.push(decision(&person.handle, ReplyRecipient::User(user), on, told));
    }

    /// Notes whether the client is told. `must` be known when it is not: then it counts as failed.
    fn decide_client(&mut self, told: Result<String, String>, template: Template, origin: Option<String>, must: bool) {
        let recipient = ReplyRecipient::Client(self.input.ticket.client_id);
        let address = self.input.client.address.clone().unwrap_or_default();
        if told.is_ok() || must {
            let (Ok(reason) | Err(reason)) = told.clone();
            self.plan.tellings.push(Telling { recipient, address: address.clone(), origin, template, reason, refused: told.is_err() });
        }
        let on = told.is_ok().then(|| format!("email:{address}"));
        self.plan.decisions.push(decision(&self.input.client.name, recipient, on, told));
    }

    fn leave_client_out(&mut self, why: &str) {
        let recipient = ReplyRecipient::Client(self.input.ticket.client_id);
        self.plan.decisions.push(decision(&self.input.client.name, recipient, None, Err(why.to_owned())));
    }
}

fn decision(name: &str, recipient: ReplyRecipient, on: Option<String>, told: Result<String, String>) -> ToldDecision {
    let (user_id, client_id) = match recipient {
        ReplyRecipient::User(id) => (Some(id), None),
        ReplyRecipient::Client(id) => (None, Some(id)),
    };
    let is_told = told.is_ok();
    let (Ok(why) | Err(why)) = told;
    ToldDecision { recipient: name.to_owned(), user_id, client_id, told: is_told, on, why }
}
