//! Who is in question for an event, and why: groups become people, and where nobody can be told the
//! next in line are asked.

use std::collections::HashSet;

use switchboard_common::db::audience::{Directory, Person};
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::UserId;

/// Somebody in question, or a group that leads to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Candidate {
    /// A person, and why they are in question.
    Person(UserId, String),
    /// A group, and why nobody is in question for it.
    DeadEnd(UserId, String),
}

/// The people behind `roots`, each once, by the first way that leads to them. `role` is what the
/// roots are, such as `assigned`.
pub(super) fn expand(directory: &Directory, roots: &[UserId], role: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut people = HashSet::new();
    for root in roots {
        match directory.people.get(root) {
            Some(group) if group.is_group => {
                let members = members(directory, *root);
                if members.is_empty() {
                    let what = if group.is_archived { "archived" } else { "empty" };
                    found.push(Candidate::DeadEnd(*root, format!("{role}, but the group is {what}")));
                }
                let why = format!("{role} through group {}", group.handle);
                found.extend(members.into_iter().filter(|user| people.insert(*user)).map(|user| Candidate::Person(user, why.clone())));
            }
            Some(_) if people.insert(*root) => found.push(Candidate::Person(*root, role.to_owned())),
            Some(_) | None => {}
        }
    }
    found
}

/// The people in a group and in the groups within it, however they hold one another. An archived
/// group holds nobody.
fn members(directory: &Directory, group: UserId) -> Vec<UserId> {
    let mut seen = vec![group];
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
pub(super) fn responsible(directory: &Directory, ticket: &TicketSnapshot) -> Vec<Candidate> {
    let assigned = expand(directory, &ticket.assignees, "assigned");
    let department = || {
        let department = ticket.department_id.and_then(|id| directory.departments.get(&id));
        department.map_or_else(Vec::new, |department| {
            expand(directory, &department.members, &format!("member of department {}", department.name))
        })
    };
    let administrators = || {
        let mut all: Vec<(&String, UserId)> = directory
            .people
            .iter()
            .filter(|(_, person)| person.is_administrator && !person.is_group)
            .map(|(id, person)| (&person.handle, *id))
            .collect();
        all.sort_unstable();
        let ids: Vec<UserId> = all.into_iter().map(|(_, id)| id).collect();
        expand(directory, &ids, "administrator, since nobody else can be told")
    };
    let mut found = assigned;
    if !can_be_told(directory, &found) {
        found.extend(department());
    }
    if !can_be_told(directory, &found) {
        found.extend(administrators());
    }
    found
}

/// Whether there is anybody among them whom mail reaches.
pub(super) fn can_be_told(directory: &Directory, candidates: &[Candidate]) -> bool {
    candidates.iter().any(|candidate| match candidate {
        Candidate::Person(id, _) => directory.people.get(id).is_some_and(|person| obstacle(directory, person).is_none()),
        Candidate::DeadEnd(..) => false,
    })
}

/// What keeps a person from being told of anything.
pub(super) fn obstacle(directory: &Directory, person: &Person) -> Option<String> {
    match &person.address {
        _ if person.is_archived => Some("archived".to_owned()),
        None => Some("no verified mail address".to_owned()),
        Some(address) if is_own(directory, address) => Some(OWN_ADDRESS.to_owned()),
        Some(_) => None,
    }
}

/// The reason why mail to the desk's own address is not sent.
pub(super) const OWN_ADDRESS: &str = "the address is one of the desk's own: mail to it would come back in";

/// Whether mail to an address would come in at one of the desk's own, by itself or with a tag behind
/// a `+`.
pub(super) fn is_own(directory: &Directory, address: &str) -> bool {
    let address = address.to_lowercase();
    let untagged = address.rsplit_once('@').and_then(|(local, domain)| Some(format!("{}@{domain}", local.split_once('+')?.0)));
    directory.own_addresses.contains(&address) || untagged.is_some_and(|untagged| directory.own_addresses.contains(&untagged))
}
