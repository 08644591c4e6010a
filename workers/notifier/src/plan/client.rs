//! Which way an answer, an acknowledgement or a goodbye takes to the client.

use chrono::TimeDelta;
use switchboard_common::db::notifications::Way;
use switchboard_common::db::plans::{ClientWay, MessageFacts};
use switchboard_common::db::tickets::{MessageDirection, MessageKind};
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{Effective, LayerName, Route, Topic};
use switchboard_common::ids::AccountId;

use super::decide::PlanInput;
use super::files;
use super::person::Wait;
use super::reach::{OWN_ADDRESS, is_own};
use super::settings::is_excepted;
use super::storm::Counting;
use crate::render::Template;

/// For how long after a client's last message WhatsApp takes any text: the customer service window
/// (<https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages#customer-service-windows>).
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// What becomes of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They are told.
    Told(Told),
    /// They are not: why, and who decided that, if it was a setting.
    Not { why: String, by: Option<LayerName> },
    /// An answer that must not be sent, and so has failed: why, and where it would have gone.
    Refused { why: String, way: Way },
}

/// How a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub template: Template,
    pub reason: &'static str,
    pub ways: Vec<Way>,
    pub alternatives: Vec<Way>,
    pub wait: Option<Wait>,
    /// Which files go by none of the ways, in words.
    pub stranded: Option<String>,
    /// Whose choice the first way is; none where it is the one on which they wrote.
    pub by: Option<LayerName>,
}

/// Decides about the ticket's client; `None` where they are not in question.
pub(super) fn decide(input: &PlanInput<'_>, counting: &mut Counting) -> Option<Outcome> {
    match input.event.kind {
        EventKind::TicketCreated => Some(acknowledge(input, counting)),
        EventKind::MessageAdded => answer(input, input.message?, counting),
        EventKind::TicketClosed => Some(say_goodbye(input, counting)),
        EventKind::TicketAssigned | EventKind::DeliveryFailed => None,
    }
}

fn not(why: impl Into<String>) -> Outcome {
    Outcome::Not { why: why.into(), by: None }
}

/// The acknowledgement of a new ticket to its client, on the channel that it came by.
fn acknowledge(input: &PlanInput<'_>, counting: &mut Counting) -> Outcome {
    let message = input.message;
    let account = input.directory.accounts.get(&input.ticket.account_id);
    let by_user = matches!(input.event.actor, Actor::User(_)) || message.is_some_and(|message| message.author_user.is_some());
    let Some((account, back)) = account.and_then(|account| Some((account, account.back?))) else {
        return not("no acknowledgement: there is no way back on the channel that the ticket came by");
    };
    if !account.acknowledge {
        return not("the account does not acknowledge");
    }
    if by_user {
        return not("no acknowledgement: one of the desk's own people opened the ticket");
    }
    if let Some(automatic) = message.and_then(|message| message.automatic.as_deref()) {
        return not(format!("no acknowledgement: the opening message is automatic ({automatic})"));
    }
    if message.is_some_and(|message| message.trust == Trust::Failed) {
        return not("no acknowledgement: the sender's address failed its check, so it may be forged");
    }
    if let Some(refusal) = refusal(input, Topic::TicketCreated) {
        return refusal;
    }
    let only_back = |way: &Way| way.method == back;
    match courtesy(input, Template::TicketCreatedClient, "acknowledgement", only_back, counting) {
        Ok(told) => Outcome::Told(told),
        Err(why) => not(why),
    }
}

/// The answer of an agent to the client, and nothing else that was written on the ticket.
fn answer(input: &PlanInput<'_>, message: &MessageFacts, counting: &mut Counting) -> Option<Outcome> {
    let is_answer = message.kind == MessageKind::Public && message.direction == MessageDirection::Out;
    Some(match &message.automatic {
        None if is_answer => send(input, message, counting),
        Some(automatic) if is_answer => not(format!("automatic messages do not go to clients ({automatic})")),
        _ if message.kind != MessageKind::Public => not("a note stays within the desk"),
        _ if message.by_client => not("own action"),
        _ => not("not an answer to them"),
    })
}

/// Tells the client that the ticket is closed.
fn say_goodbye(input: &PlanInput<'_>, counting: &mut Counting) -> Outcome {
    if input.event.actor == Actor::Client(input.ticket.client_id) {
        return not("own action");
    }
    if input.client.only_automatic {
        return not("only automatic mail ever came from them");
    }
    if let Some(refusal) = refusal(input, Topic::TicketClosed) {
        return refusal;
    }
    match courtesy(input, Template::TicketClosedClient, "client of the ticket", |_| true, counting) {
        Ok(told) => Outcome::Told(told),
        Err(why) => not(why),
    }
}

/// Whether the client chose to hear nothing of a topic or of the ticket. Answers are not asked for here: they are what the client
/// wrote for.
fn refusal(input: &PlanInput<'_>, topic: Topic) -> Option<Outcome> {
    let effective = input.settings.client(input.ticket.client_id);
    let muted = &effective.muted_tickets;
    if muted.value.contains(&input.ticket.number) {
        return Some(Outcome::Not { why: format!("ticket #{} is muted", input.ticket.number), by: Some(muted.by.clone()) });
    }
    let chosen = effective.events.get(&topic)?;
    matches!(&chosen.value, Route::Methods(methods) if methods.is_empty())
        .then(|| Outcome::Not { why: format!("told nothing of {topic}"), by: Some(chosen.by.clone()) })
}

/// What the desk says by itself, by the first way that suits.
fn courtesy(
    input: &PlanInput<'_>,
    template: Template,
    reason: &'static str,
    suits: impl Fn(&Way) -> bool,
    counting: &mut Counting,
) -> Result<Told, String> {
    let topic = Topic::of(input.event.kind);
    let mut usable = usable(input, topic)?;
    usable.ways.retain(suits);
    let Some(first) = usable.ways.first().cloned() else {
        return Err("no way to them is known on the channel that the ticket came by".to_owned());
    };
    input.admit(counting, input.origin(), &first)?;
    let alternatives = usable.ways.split_off(1);
    let wait = wait(input);
    Ok(Told { template, reason, ways: vec![first], alternatives, wait, stranded: None, by: usable.by })
}

/// Sends an answer, and by mail as well what the first way does not take.
fn send(input: &PlanInput<'_>, message: &MessageFacts, counting: &mut Counting) -> Outcome {
    let usable = match usable(input, Topic::MessageAdded) {
        Ok(usable) => usable,
        Err(why) => return Outcome::Refused { why, way: intended(input) },
    };
    let Some((first, others)) = usable.ways.split_first() else {
        return Outcome::Refused { why: "no way to them is known".to_owned(), way: intended(input) };
    };
    if let Err(why) = input.admit(counting, input.origin(), first) {
        return Outcome::Refused { why, way: first.clone() };
    }
    let mut ways = vec![first.clone()];
    let mut others = others.to_vec();
    let left = files::left_behind(&message.files, first.method, !is_window_open(input, first));
    let mut stranded = None;
    if !left.is_empty() {
        let mail = others.iter().position(|way| way.method == Method::Email);
        let mail = mail.map(|at| others.remove(at)).filter(|mail| input.admit(counting, input.origin(), mail).is_ok());
        match mail {
            Some(mail) => ways.push(mail),
            None => stranded = Some(format!("{} did not go: {} does not take it, and no mail reaches them", left.join(", "), first.method)),
        }
    }
    let (template, reason) = (Template::MessageAddedClient, "an agent's answer");
    Outcome::Told(Told { template, reason, ways, alternatives: others, wait: wait(input), stranded, by: usable.by })
}

/// Where an answer would have gone that cannot be sent.
fn intended(input: &PlanInput<'_>) -> Way {
    let first = input.client.ways.first();
    let method = first.map_or(Method::Email, |way| way.method);
    let address = first.map(|way| way.address.clone()).unwrap_or_default();
    let account_id = account(input, method, first.and_then(|way| way.account_id), &address);
    Way { method, account_id: account_id.unwrap_or(input.ticket.account_id), address, thread_key: None }
}

/// The ways to the client that can be used, the best first.
struct Usable {
    ways: Vec<Way>,
    by: Option<LayerName>,
}

/// The client's own choice goes before, then the channels on which they wrote, the latest first, then what else is known of them.
///
/// # Errors
/// Why there are none.
fn usable(input: &PlanInput<'_>, topic: Topic) -> Result<Usable, String> {
    let effective = input.settings.client(input.ticket.client_id);
    let (chosen, by) = chosen(effective, topic);
    let rank = |way: &ClientWay| chosen.iter().position(|method| *method == way.method).unwrap_or(usize::MAX);
    let mut known: Vec<&ClientWay> = input.client.ways.iter().collect();
    known.sort_by_key(|way| rank(way));
    let mut ways = Vec::new();
    let mut obstacles: Vec<String> = Vec::new();
    for way in known {
        match usable_way(input, way) {
            Ok(way) => ways.push(way),
            Err(why) if !obstacles.contains(&why) => obstacles.push(why),
            Err(_) => {}
        }
    }
    let is_chosen = ways.first().is_some_and(|way: &Way| chosen.contains(&way.method));
    match ways.is_empty() {
        false => Ok(Usable { ways, by: by.filter(|_| is_chosen) }),
        true if obstacles.is_empty() => Err("no way to them is known".to_owned()),
        true => Err(obstacles.join("; ")),
    }
}

/// The methods that a client chose for a topic, or for everything.
fn chosen(effective: &Effective, topic: Topic) -> (&[Method], Option<LayerName>) {
    let of_topic = effective.events.get(&topic).and_then(|route| match &route.value {
        Route::Methods(methods) if !methods.is_empty() => Some((methods.as_slice(), Some(route.by.clone()))),
        Route::Methods(_) | Route::Digest(_) => None,
    });
    of_topic.unwrap_or_else(|| (effective.channels.value.as_slice(), Some(effective.channels.by.clone())))
}

fn usable_way(input: &PlanInput<'_>, way: &ClientWay) -> Result<Way, String> {
    let account_id = account(input, way.method, way.account_id, &way.address);
    let account_id = account_id.ok_or_else(|| format!("no account of the desk sends to them by {}", way.method))?;
    if is_own(input.directory, way.method, &way.address) {
        return Err(OWN_ADDRESS.to_owned());
    }
    if input.suppressed.all.contains(&(way.method, way.address.clone())) {
        return Err(format!("nothing goes to their {} address any more: it is suppressed", way.method));
    }
    let found = Way { method: way.method, account_id, address: way.address.clone(), thread_key: way.thread_key.clone() };
    let has_template = input.directory.accounts.get(&account_id).is_some_and(|account| account.has_template);
    if way.method == Method::Whatsapp && !has_template && !is_window_open(input, &found) {
        return Err("they last wrote on WhatsApp more than 24 hours ago, and the account has no template for that".to_owned());
    }
    Ok(found)
}

fn account(input: &PlanInput<'_>, method: Method, preferred: Option<AccountId>, address: &str) -> Option<AccountId> {
    input.directory.account_for(method, input.ticket.account_id, preferred, address)
}

/// Whether anything may be written there: on WhatsApp only within a day of the client's last message to that number.
fn is_window_open(input: &PlanInput<'_>, way: &Way) -> bool {
    let wrote = input.client.ways.iter().find(|known| known.method == way.method && known.address == way.address);
    let at = wrote.filter(|known| known.account_id.is_none_or(|account| account == way.account_id)).and_then(|known| known.last_inbound_at);
    way.method != Method::Whatsapp || at.is_some_and(|at| input.now < at + WINDOW)
}

/// The end of the client's quiet hours, if it is in them: what is for clients waits by itself.
fn wait(input: &PlanInput<'_>) -> Option<Wait> {
    let effective = input.settings.client(input.ticket.client_id);
    let until = effective.quiet_until(input.now).filter(|_| !is_excepted(effective, input.directory, input.ticket))?;
    Some(Wait { until, why: format!("the client's quiet hours ({})", effective.quiet_hours.by) })
}
