//! Who is in question for an event, and why: groups become people, and where nobody can be told the
//! next in line are asked. And who may read a ticket at all.

use std::collections::HashSet;

use switchboard_common::db::audience::{Directory, Person, Sees};
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::event::EventKind;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::UserId;

use super::decide::PlanInput;
use super::mentions;
use super::reach;

/// As what somebody is in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// They were named in what was written.
    Mentioned,
    /// They answer for the ticket, or it is given to them.
    Responsible,
    /// They are in cc.
    Cc,
    /// They follow what is not theirs.
    Follower,
    /// They wrote what it is about, and do not know what became of it.
    Author,
}

/// Somebody in question, or a group that leads to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Candidate {
    /// A person, why they are in question, and as what.
    Person(UserId, String, Role),
    /// A group, and why nobody is in question for it.
    DeadEnd(UserId, String),
}

/// All who are in question.
#[derive(Debug, Clone, Default)]
pub(super) struct Audience {
    /// In the order of what concerns them most; a person may be there several times, and the first counts.
    pub candidates: Vec<Candidate>,
    /// Of those who answer for the ticket, nobody can be told of anything.
    pub unheard: bool,
}

/// Who is in question for an event.
pub(super) fn of(input: &PlanInput<'_>) -> Audience {
    let mut audience = Audience::default();
    let cc = || expand(input.directory, &input.ticket.cc, "in cc", Role::Cc);
    match input.event.kind {
        EventKind::TicketCreated => {
            audience.add(mentioned(input));
            audience.add_responsible(input);
            audience.add(cc());
            audience.add(followers_of_department(input));
        }
        EventKind::MessageAdded => {
            audience.add(mentioned(input));
            audience.add_responsible(input);
            audience.add(cc());
            audience.add(expand(input.directory, input.followers, "follows the ticket", Role::Follower));
            audience.add(followers_of_department(input));
            audience.add(expand(input.directory, kept_from(input).as_slice(), "their mail was kept as a note", Role::Author));
        }
        EventKind::TicketAssigned => audience.add(expand(input.directory, &input.event.assigned, "assigned", Role::Responsible)),
        EventKind::TicketClosed => {
            audience.add(cc());
            audience.add(expand(input.directory, input.followers, "follows the ticket", Role::Follower));
            audience.add(followers_of_department(input));
        }
        EventKind::DeliveryFailed if input.answer_failed => {
            let author = input.message.and_then(|message| message.author_user);
            let author = expand(input.directory, author.as_slice(), "wrote the answer", Role::Author);
            let is_heard = can_be_told(input, &author);
            audience.add(author);
            if !is_heard {
                audience.add_responsible(input);
            }
        }
        EventKind::DeliveryFailed => {}
    }
    audience
}

/// Everybody who may come into question, whatever they and others chose: their settings are to be read.
pub(super) fn in_question(input: &PlanInput<'_>) -> HashSet<UserId> {
    let ticket = input.ticket;
    let department = ticket.department_id.and_then(|id| input.directory.departments.get(&id));
    let department = department.into_iter().flat_map(|department| department.members.iter().chain(&department.followers));
    let author = input.message.and_then(|message| message.author_user);
    let mut roots: Vec<UserId> = [&ticket.assignees, &ticket.cc, &input.event.assigned].into_iter().flatten().copied().collect();
    roots.extend(department.chain(input.followers).copied());
    roots.extend(author);
    roots.extend(named(input));
    roots.extend(administrators(input.directory));
    roots.into_iter().flat_map(|root| people(input.directory, root)).collect()
}

impl Audience {
    fn add(&mut self, candidates: Vec<Candidate>) {
        self.candidates.extend(candidates);
    }

    fn add_responsible(&mut self, input: &PlanInput<'_>) {
        let candidates = responsible(input);
        self.unheard = !can_be_told(input, &candidates);
        self.add(candidates);
    }
}

/// The person whose mail became a note: they may think that it went to the client. A program that
/// wrote in their name thinks nothing.
pub(super) fn kept_from(input: &PlanInput<'_>) -> Option<UserId> {
    let message = input.message.filter(|message| message.kind == MessageKind::Note && message.has_notice && message.automatic.is_none())?;
    message.author_user
}

/// Whom one of the desk's people named in what they wrote.
fn mentioned(input: &PlanInput<'_>) -> Vec<Candidate> {
    expand(input.directory, &named(input), "mentioned", Role::Mentioned)
}

/// The people and groups that are named, by handle.
fn named(input: &PlanInput<'_>) -> Vec<UserId> {
    let by_person = input.message.filter(|message| message.author_user.is_some() && message.automatic.is_none());
    let handles = by_person.and_then(|message| message.text.as_deref()).map(mentions::handles).unwrap_or_default();
    if handles.is_empty() {
        return Vec::new();
    }
    let mut named: Vec<(&str, UserId)> = input
        .directory
        .people
        .iter()
        .map(|(id, person)| (person.handle.as_str(), *id))
        .filter(|(handle, _)| handles.contains(*handle))
        .collect();
    named.sort_unstable();
    named.into_iter().map(|(_, id)| id).collect()
}

fn followers_of_department(input: &PlanInput<'_>) -> Vec<Candidate> {
    let department = input.ticket.department_id.and_then(|id| input.directory.departments.get(&id));
    department.map_or_else(Vec::new, |department| {
        expand(input.directory, &department.followers, &format!("follows department {}", department.name), Role::Follower)
    })
}

/// The people behind `roots`, each once, by the first way that leads to them. `why` is what the
/// roots are, such as `assigned`.
fn expand(directory: &Directory, roots: &[UserId], why: &str, role: Role) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut known = HashSet::new();
    for root in roots {
        match directory.people.get(root) {
            Some(group) if group.is_group => {
                let members = people(directory, *root);
                if members.is_empty() {
                    let what = if group.is_archived { "archived" } else { "empty" };
                    found.push(Candidate::DeadEnd(*root, format!("{why}, but the group is {what}")));
                }
                let why = format!("{why} through group {}", group.handle);
                found.extend(members.into_iter().filter(|user| known.insert(*user)).map(|user| Candidate::Person(user, why.clone(), role)));
            }
            Some(_) if known.insert(*root) => found.push(Candidate::Person(*root, why.to_owned(), role)),
            Some(_) | None => {}
        }
    }
    found
}

/// The people in a group and in the groups within it, however they hold one another; of a person, that person. An archived
/// group holds nobody.
fn people(directory: &Directory, root: UserId) -> Vec<UserId> {
    let mut seen = vec![root];
    let mut next = 0;
    let mut people = Vec::new();
    while let Some(id) = seen.get(next).copied() {
        next += 1;
        let Some(person) = directory.people.get(&id) else { continue };
        if !person.is_group {
            people.push(id);
        } else if !person.is_archived {
            let inside = directory.members.get(&id).into_iter().flatten().copied();
            let new: Vec<UserId> = inside.filter(|member| !seen.contains(member)).collect();
            seen.extend(new);
        }
    }
    people
}

/// Those who answer for a ticket: whom it is assigned to; if none of them can be told, the members of
/// its department; if none of those can, the administrators, since a ticket that nobody hears of is
/// lost.
fn responsible(input: &PlanInput<'_>) -> Vec<Candidate> {
    let directory = input.directory;
    let mut found = expand(directory, &input.ticket.assignees, "assigned", Role::Responsible);
    if !can_be_told(input, &found) {
        let department = input.ticket.department_id.and_then(|id| directory.departments.get(&id));
        found.extend(department.map_or_else(Vec::new, |department| {
            expand(directory, &department.members, &format!("member of department {}", department.name), Role::Responsible)
        }));
    }
    if !can_be_told(input, &found) {
        let why = "administrator, since nobody else can be told";
        found.extend(expand(directory, &administrators(directory), why, Role::Responsible));
    }
    found
}

/// The administrators, by handle.
fn administrators(directory: &Directory) -> Vec<UserId> {
    let is_one = |person: &Person| person.is_administrator && !person.is_group;
    let mut all: Vec<(&str, UserId)> =
        directory.people.iter().filter(|(_, person)| is_one(person)).map(|(id, person)| (person.handle.as_str(), *id)).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, id)| id).collect()
}

/// Whether there is anybody among them who may be told and can be reached. That they chose to hear nothing does not make the
/// ticket one that nobody answers for.
fn can_be_told(input: &PlanInput<'_>, candidates: &[Candidate]) -> bool {
    candidates.iter().any(|candidate| match candidate {
        Candidate::Person(id, ..) => input.directory.people.get(id).is_some_and(|person| {
            !person.is_archived && may_read(input.directory, input.ticket, *id) && reach::is_reachable(input, *id, person)
        }),
        Candidate::DeadEnd(..) => false,
    })
}

/// Whether a person may read a ticket: administrators and who sees all of them; who sees those of their departments; and for
/// everybody what is assigned to them or has them in cc, themselves or by a group.
pub(super) fn may_read(directory: &Directory, ticket: &TicketSnapshot, user: UserId) -> bool {
    let Some(person) = directory.people.get(&user) else { return false };
    let is_among = |roots: &[UserId]| roots.iter().any(|root| *root == user || people(directory, *root).contains(&user));
    let by_department = || {
        let department = ticket.department_id.and_then(|id| directory.departments.get(&id));
        person.sees == Sees::Departments && department.is_some_and(|department| is_among(&department.members))
    };
    person.is_administrator || person.sees == Sees::All || by_department() || is_among(&ticket.assignees) || is_among(&ticket.cc)
}
