//! Which person of a group gets a ticket. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use switchboard_common::db::routing::{Desk, User};
use switchboard_common::db::turns::Turns;
use switchboard_common::domain::rules::Strategy;
use switchboard_common::ids::{DepartmentId, UserId};

/// A ticket that a group deals out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal {
    /// The group.
    pub group: UserId,
    /// How it shares its tickets.
    pub by: Strategy,
    /// The ticket's department: who is not in it gets none of its tickets.
    pub department: Option<DepartmentId>,
}

/// The people of a group who could get a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// Those who can, each once, in the order of the turns.
    pub ready: Vec<UserId>,
    /// Those who cannot, and why, in the same order.
    pub skipped: Vec<String>,
}

/// When somebody is back, in words.
#[must_use]
pub fn until(at: DateTime<Utc>) -> String {
    format!("away until {}", at.format("%Y-%m-%d %H:%M UTC"))
}

/// Until when a person is away, if they are.
#[must_use]
pub fn away(user: &User, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    user.away_until.filter(|until| *until > now)
}

/// The people of a group and of all groups within it, in the order in which they were made.
#[must_use]
pub fn candidates(desk: &Desk, deal: Deal, now: DateTime<Utc>) -> Candidates {
    let mut people: Vec<(UserId, &User)> =
        desk.users.iter().filter(|(id, user)| !user.is_group && desk.is_among(**id, &[deal.group])).map(|(id, user)| (*id, user)).collect();
    people.sort_unstable_by_key(|(id, _)| *id);
    let mut candidates = Candidates { ready: Vec::new(), skipped: Vec::new() };
    for (id, user) in people {
        let elsewhere = deal.department.filter(|department| !user.departments.contains(department));
        if let Some(at) = away(user, now) {
            candidates.skipped.push(format!("{} ({})", user.handle, until(at)));
        } else if let Some(department) = elsewhere {
            let name = desk.departments.get(&department).map_or("its department", String::as_str);
            candidates.skipped.push(format!("{} (not in {name})", user.handle));
        } else {
            candidates.ready.push(id);
        }
    }
    candidates
}

/// Whom a ticket goes to, and the words that say why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dealt {
    /// The person; `None` when nobody is left, and it is the whole group's.
    pub person: Option<UserId>,
    /// Why.
    pub why: String,
}

/// Deals one ticket, and counts it among the turns and the open tickets.
#[must_use]
pub fn deal(desk: &Desk, deal: Deal, candidates: &Candidates, turns: &mut Turns, open: &mut BTreeMap<UserId, i64>) -> Dealt {
    let handle = |id: UserId| desk.users.get(&id).map_or("somebody", |user| user.handle.as_str());
    let group = handle(deal.group);
    let skipped = if candidates.skipped.is_empty() { String::new() } else { format!("; skipped: {}", candidates.skipped.join(", ")) };
    let count = |id: UserId| open.get(&id).copied().unwrap_or_default();
    let chosen = match deal.by {
        Strategy::Everyone => None,
        Strategy::RoundRobin => next(candidates.ready.iter().copied(), turns.last),
        Strategy::FewestOpen => {
            let fewest = candidates.ready.iter().map(|id| count(*id)).min();
            next(candidates.ready.iter().copied().filter(|id| Some(count(*id)) == fewest), turns.last)
        }
    };
    let Some(person) = chosen else {
        return Dealt { person: None, why: format!("nobody of {group} is left to take it, so it is the group's{skipped}") };
    };
    let why = if deal.by == Strategy::FewestOpen {
        let counts: Vec<String> = candidates.ready.iter().map(|id| format!("{} {}", handle(*id), count(*id))).collect();
        format!("{} has the fewest open tickets of {group}: {}{skipped}", handle(person), counts.join(", "))
    } else {
        let after = turns.last.map(|last| format!(", after {}", handle(last))).unwrap_or_default();
        format!("it is the turn of {} in {group}{after}{skipped}", handle(person))
    };
    turns.count += 1;
    turns.last = Some(person);
    *open.entry(person).or_default() += 1;
    Dealt { person: Some(person), why }
}

/// The first after the last one in the order of the turns, and failing that the first of all.
fn next(ready: impl Iterator<Item = UserId> + Clone, last: Option<UserId>) -> Option<UserId> {
    let after = ready.clone().filter(|id| last.is_some_and(|last| *id > last)).min();
    after.or_else(|| ready.min())
}
