//! One person in question, with all that they chose: told at once and where, collected until when and why, or not told and why.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use switchboard_common::db::audience::Person;
use switchboard_common::db::digests::Cause;
use switchboard_common::db::notifications::Way;
use switchboard_common::domain::event::Actor;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{Chosen, Effective, LayerName, Route, Topic};
use switchboard_common::ids::UserId;

use super::audience::{self, Role};
use super::decide::PlanInput;
use super::reach::{self, Limits, Reached};
use super::settings::is_excepted;
use super::storm::Counting;

/// What becomes of a person in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// They are told by each of these ways, or when their wait is over.
    Told { ways: Vec<Way>, alternatives: Vec<Way>, urgent: bool, wait: Option<Wait>, by: LayerName },
    /// It is collected for them.
    Collected { way: Way, alternatives: Vec<Way>, cause: Cause, wait: Wait, by: LayerName },
    /// They are not told: why, and who decided that, if it was a setting.
    Not { why: String, by: Option<LayerName> },
}

/// Until when something waits, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wait {
    pub until: DateTime<Utc>,
    pub why: String,
}

/// A person in question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub user: UserId,
    pub person: &'a Person,
    pub role: Role,
}

impl Asked<'_> {
    /// As what it counts in their preferences.
    pub fn topic(&self, input: &PlanInput<'_>) -> Topic {
        if self.role == Role::Mentioned { Topic::Mention } else { Topic::of(input.event.kind) }
    }
}

/// Decides about one person.
pub(super) fn decide(input: &PlanInput<'_>, asked: Asked<'_>, taken: &HashSet<(Method, String)>, counting: &mut Counting) -> Outcome {
    let effective = input.settings.user(asked.user);
    if let Some((why, by)) = obstacle(input, asked, effective) {
        return Outcome::Not { why, by };
    }
    let topic = asked.topic(input);
    let route = effective.route(topic);
    let methods = match &route.value {
        Route::Methods(methods) if methods.is_empty() => {
            return Outcome::Not { why: format!("told nothing of {topic}"), by: Some(route.by) };
        }
        Route::Methods(methods) => Chosen { value: methods.clone(), by: route.by.clone() },
        Route::Digest(_) => effective.channels.clone(),
    };
    let limits = Limits { taken, optional: asked.role == Role::Follower };
    let reached = match reach::reach(input, asked.person, &methods, &effective.fallback, limits) {
        Ok(reached) => reached,
        Err(why) => return Outcome::Not { why, by: Some(methods.by) },
    };
    let excepted = is_excepted(effective, input.directory, input.ticket);
    let held = held(input, asked.user, effective, &route, excepted, counting);
    let outcome = match held {
        Some(held) => collect(input, reached, held, excepted),
        None => tell(input, reached, excepted, counting),
    };
    if !matches!(outcome, Outcome::Not { .. }) {
        counting.count(input.event.tenant_id, input.event.ticket_id, asked.user);
    }
    outcome
}

/// What keeps a person from being told, whatever they are reached by.
fn obstacle(input: &PlanInput<'_>, asked: Asked<'_>, effective: &Effective) -> Option<(String, Option<LayerName>)> {
    if asked.person.is_archived {
        return Some(("archived".to_owned(), None));
    }
    if !audience::may_read(input.directory, input.ticket, asked.user) {
        return Some(("they may not read the ticket".to_owned(), None));
    }
    let muted = &effective.muted_tickets;
    if muted.value.contains(&input.ticket.number) {
        return Some((format!("ticket #{} is muted", input.ticket.number), Some(muted.by.clone())));
    }
    let own = &effective.own_actions;
    (!own.value && is_own_doing(input, asked)).then(|| ("own action".to_owned(), Some(own.by.clone())))
}

/// Whether the person knows of it because it came from them. That an answer failed, or was kept from
/// the client, its author does not know.
fn is_own_doing(input: &PlanInput<'_>, asked: Asked<'_>) -> bool {
    if Topic::of(input.event.kind) == Topic::DeliveryFailed || audience::kept_from(input) == Some(asked.user) {
        return false;
    }
    let wrote = input.message.is_some_and(|message| message.author_user == Some(asked.user));
    let sender = input.message.and_then(|message| message.sender_address.as_deref());
    let sent = sender.is_some_and(|sender| asked.person.addresses.values().flatten().any(|own| own.eq_ignore_ascii_case(sender)));
    input.event.actor == Actor::User(asked.user) || wrote || sent
}

/// What holds a notification back.
struct Held {
    cause: Cause,
    wait: Wait,
    by: LayerName,
}

/// Whether it is held back: because its reader chose a digest, is not to be disturbed now, or would be flooded. What would be
/// due in quiet hours is due at their end.
fn held(
    input: &PlanInput<'_>,
    user: UserId,
    effective: &Effective,
    route: &Chosen<Route>,
    excepted: bool,
    counting: &mut Counting,
) -> Option<Held> {
    let storm = counting.storm(input, user, &effective.storm, excepted);
    if matches!(route.value, Route::Digest(_)) {
        let until = effective.next_digest(input.now);
        return Some(Held { cause: Cause::Digest, wait: Wait { until, why: "digest".to_owned() }, by: route.by.clone() });
    }
    if let Some(until) = effective.quiet_until(input.now).filter(|_| !excepted) {
        let why = "quiet hours".to_owned();
        return Some(Held { cause: Cause::QuietHours, wait: Wait { until, why }, by: effective.quiet_hours.by.clone() });
    }
    let storm = storm?;
    let after = input.now + storm.storm.within.length();
    let until = effective.quiet_until(after).filter(|_| !excepted).unwrap_or(after);
    Some(Held { cause: Cause::Storm, wait: Wait { until, why: format!("storm: {}", storm.why) }, by: storm.by })
}

/// Collects it for the first way that takes digests. Where its reader unsubscribed from those everywhere, it waits by itself.
fn collect(input: &PlanInput<'_>, reached: Reached, held: Held, urgent: bool) -> Outcome {
    let takes_digests = |way: &Way| !input.suppressed.optional.contains(&(way.method, way.address.clone()));
    let Reached { ways, alternatives, by: _ } = reached;
    let mut all = ways.iter().chain(&alternatives).filter(|way| takes_digests(way));
    match all.next().cloned() {
        Some(way) => {
            let alternatives = ways.iter().chain(&alternatives).filter(|other| **other != way).cloned().collect();
            Outcome::Collected { way, alternatives, cause: held.cause, wait: held.wait, by: held.by }
        }
        None => Outcome::Told { ways, alternatives, urgent, wait: Some(held.wait), by: held.by },
    }
}

/// Tells it at once, by the ways on which the loop cap lets it.
fn tell(input: &PlanInput<'_>, reached: Reached, urgent: bool, counting: &mut Counting) -> Outcome {
    let origin = input.origin();
    let mut capped = None;
    let mut ways = reached.ways;
    ways.retain(|way| match input.admit(counting, origin, way) {
        Ok(()) => true,
        Err(why) => {
            capped = Some(why);
            false
        }
    });
    match capped.filter(|_| ways.is_empty()) {
        Some(why) => Outcome::Not { why, by: None },
        None => Outcome::Told { ways, alternatives: reached.alternatives, urgent, wait: None, by: reached.by },
    }
}
