//! What becomes of a message that may enter a ticket which is over, or is about something else. Pure.

use switchboard_common::domain::evidence::LinkKind;
use switchboard_common::domain::policy::{ClosedPolicy, Policies, SubjectPolicy};
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::TicketId;

use super::Role;
use super::subject::{Comparison, compare};
use super::words::Words;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// To this ticket.
    Enter(TicketId),
    /// To a new ticket, linked with this one.
    Split {
        /// The ticket that it does not go to.
        from: TicketId,
        /// How the new one has to do with it.
        kind: LinkKind,
    },
}

/// The ticket that a message may enter, and those that go on with it.
#[derive(Debug)]
pub struct Line<'t> {
    /// That ticket.
    pub ticket: (TicketId, &'t TicketSnapshot),
    /// What goes on with it, and what goes on with that, the oldest first.
    pub follow_ups: Vec<(TicketId, &'t TicketSnapshot)>,
}

/// What of a message the policies look at.
#[derive(Debug, Clone, Copy)]
pub struct Entering<'a> {
    /// As what it enters.
    pub role: &'a Role,
    /// A program sent it.
    pub automatic: bool,
    /// Its subject.
    pub subject: &'a str,
}

/// Where the message goes by the account's policies, with those that had a say.
#[must_use]
pub fn apply(line: &Line<'_>, entering: Entering<'_>, policies: &Policies) -> (Course, Vec<Words>) {
    let mut said = Vec::new();
    let (id, ticket) = current(line, entering.subject, &mut said);
    if *entering.role != Role::Client {
        return (Course::Enter(id), said);
    }
    if entering.automatic {
        if ticket.state.is_over() {
            said.push(Words::of("ticket ").ticket(id).and(" is over; what a program sends opens nothing again"));
        }
        return (Course::Enter(id), said);
    }
    if ticket.state.is_over() {
        let policy = policies.closed;
        said.push(Words::of("ticket ").ticket(id).and(format!(" is over; the account's policy is {}", policy.as_str())));
        let course = match policy {
            ClosedPolicy::Reopen => return with_subject(line, (id, ticket), entering, policies, said),
            ClosedPolicy::FollowUp => Course::Split { from: id, kind: LinkKind::FollowUp },
            ClosedPolicy::New => Course::Split { from: id, kind: LinkKind::Related },
        };
        return (course, said);
    }
    with_subject(line, (id, ticket), entering, policies, said)
}

/// The ticket itself while it is open; else the latest that goes on with it, an open one first. One that
/// was opened for another subject does not go on with what bears the old one.
fn current<'t>(line: &Line<'t>, subject: &str, said: &mut Vec<Words>) -> (TicketId, &'t TicketSnapshot) {
    let own = line.ticket.1;
    if !own.state.is_over() {
        return line.ticket;
    }
    let is_other = |ticket: &TicketSnapshot| compare(subject, &ticket.title) == Comparison::Other;
    let goes_on = || line.follow_ups.iter().rev().filter(|(_, next)| is_other(own) || !is_other(next));
    let Some(next) = goes_on().find(|(_, next)| !next.state.is_over()).or_else(|| goes_on().next()) else { return line.ticket };
    said.push(Words::of("ticket ").ticket(line.ticket.0).and(" is over, and goes on in ticket ").ticket(next.0));
    *next
}

fn with_subject(
    line: &Line<'_>,
    (id, ticket): (TicketId, &TicketSnapshot),
    entering: Entering<'_>,
    policies: &Policies,
    mut said: Vec<Words>,
) -> (Course, Vec<Words>) {
    if compare(entering.subject, &ticket.title) != Comparison::Other {
        return (Course::Enter(id), said);
    }
    let differ = || format!("the subject differs from the ticket's: \"{}\" / \"{}\"", entering.subject.trim(), ticket.title);
    let same = line.follow_ups.iter().rev().find(|(next, follow_up)| {
        *next != id && !follow_up.state.is_over() && compare(entering.subject, &follow_up.title) == Comparison::Same
    });
    if let Some((next, _)) = same {
        said.push(Words::of(differ()).and("; it is that of ticket ").ticket(*next).and(", which goes on with it"));
        return (Course::Enter(*next), said);
    }
    said.push(Words::of(differ()).and(format!("; the account's policy is {}", policies.new_subject.as_str())));
    let course = match policies.new_subject {
        SubjectPolicy::Join => Course::Enter(id),
        SubjectPolicy::FollowUp => Course::Split { from: id, kind: LinkKind::FollowUp },
        SubjectPolicy::New => Course::Split { from: id, kind: LinkKind::Related },
    };
    (course, said)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use switchboard_common::domain::ticket::TicketState;
    use switchboard_common::ids::{AccountId, ClientId, PriorityId, StatusId};
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> TicketId {
        TicketId(Uuid::from_u128(number))
    }

    fn ticket(number: i64, title: &str, state: TicketState) -> TicketSnapshot {
        TicketSnapshot {
            number,
            title: title.to_owned(),
            client_id: ClientId(Uuid::nil()),
            account_id: AccountId(Uuid::nil()),
            department_id: None,
            category_id: None,
            status_id: StatusId(Uuid::nil()),
            state,
            priority_id: PriorityId(Uuid::nil()),
            assignees: Vec::new(),
            cc: Vec::new(),
            tags: BTreeSet::new(),
            custom_fields: BTreeMap::new(),
            message_count: 1,
            channels: BTreeSet::new(),
            last_message_at: None,
            closed_at: None,
        }
    }

    /// Where a client's message goes: the first ticket is pointed at, the others go on with it.
    fn course(tickets: &[TicketSnapshot], subject: &str, automatic: bool, policies: Policies) -> Course {
        let mut line = (1..).map(id).zip(tickets);
        let line = Line { ticket: line.next().expect("a ticket"), follow_ups: line.collect() };
        apply(&line, Entering { role: &Role::Client, automatic, subject }, &policies).0
    }

    #[test]
    fn the_policies_of_the_account_decide_where_a_clients_message_goes() {
        use TicketState::{Closed, Unresolved, WaitingForAgent as Open};
        let (enter, follow_up, related) = (
            |number| Course::Enter(id(number)),
            |number| Course::Split { from: id(number), kind: LinkKind::FollowUp },
            |number| Course::Split { from: id(number), kind: LinkKind::Related },
        );
        let reopen = Policies::default();
        let follow = Policies { closed: ClosedPolicy::FollowUp, ..reopen };
        let new = Policies { closed: ClosedPolicy::New, ..reopen };
        let split = Policies { new_subject: SubjectPolicy::FollowUp, ..reopen };
        let apart = Policies { new_subject: SubjectPolicy::New, ..reopen };
        let lamp = |state| ticket(1, "The lamp", state);
        let again = |state| ticket(2, "Re: The lamp", state);
        let bill = |state| ticket(3, "The bill", state);
        for (tickets, subject, policies, expected) in [
            (vec![lamp(Open)], "Re: The lamp", follow, enter(1)),
            (vec![lamp(Closed)], "Re: The lamp", reopen, enter(1)),
            (vec![lamp(Closed)], "Re: The lamp", follow, follow_up(1)),
            (vec![lamp(Unresolved)], "Re: The lamp", follow, follow_up(1)),
            (vec![lamp(Closed)], "Re: The lamp", new, related(1)),
            (vec![lamp(Closed), again(Open)], "Re: The lamp", follow, enter(2)),
            (vec![lamp(Closed), again(Open)], "", new, enter(2)),
            (vec![lamp(Closed), again(Closed)], "Re: The lamp", follow, follow_up(2)),
            (vec![lamp(Closed), again(Closed)], "Re: The lamp", reopen, enter(2)),
            (vec![lamp(Open), again(Open)], "Re: The lamp", follow, enter(1)),
            (vec![lamp(Closed), again(Open), again(Open)], "Re: The lamp", reopen, enter(3)),
            (vec![lamp(Closed), again(Open), again(Closed)], "Re: The lamp", reopen, enter(2)),
            (vec![lamp(Closed), again(Closed), again(Closed)], "Re: The lamp", reopen, enter(3)),
            (vec![lamp(Open)], "The bill", reopen, enter(1)),
            (vec![lamp(Open)], "The bill", split, follow_up(1)),
            (vec![lamp(Open)], "The bill", apart, related(1)),
            (vec![lamp(Open), bill(Open)], "Re: The bill", split, enter(2)),
            (vec![lamp(Open), bill(Closed)], "Re: The bill", split, follow_up(1)),
            (vec![lamp(Closed), bill(Open)], "Re: The lamp", reopen, enter(1)),
            (vec![lamp(Closed), bill(Open)], "Re: The bill", reopen, enter(2)),
            (vec![lamp(Closed), bill(Open)], "", reopen, enter(2)),
        ] {
            let states: Vec<_> = tickets.iter().map(|ticket| (ticket.title.as_str(), ticket.state)).collect();
            assert_eq!(course(&tickets, subject, false, policies), expected, "{states:?} {subject:?} {policies:?}");
        }
    }

    #[test]
    fn a_program_opens_nothing_again_and_splits_nothing() {
        for closed in [ClosedPolicy::Reopen, ClosedPolicy::FollowUp, ClosedPolicy::New] {
            let policies = Policies { closed, new_subject: SubjectPolicy::New, ..Policies::default() };
            let closed = ticket(1, "The lamp", TicketState::Closed);
            assert_eq!(course(std::slice::from_ref(&closed), "Away", true, policies), Course::Enter(id(1)));
        }
    }

    #[test]
    fn an_agents_answer_goes_where_its_ticket_goes_on() {
        let (old, next) = (ticket(1, "The lamp", TicketState::Closed), ticket(2, "Re: The lamp", TicketState::Open));
        let line = Line { ticket: (id(1), &old), follow_ups: vec![(id(2), &next)] };
        let role = Role::Answer(switchboard_common::ids::UserId(Uuid::nil()));
        let policies = Policies { closed: ClosedPolicy::New, new_subject: SubjectPolicy::New, ..Policies::default() };
        let (course, said) = apply(&line, Entering { role: &role, automatic: false, subject: "Something else" }, &policies);
        assert_eq!(course, Course::Enter(id(2)));
        let numbers = |ticket: TicketId| i64::try_from(ticket.0.as_u128()).expect("small");
        assert_eq!(said[0].with_numbers(numbers), "ticket #1 is over, and goes on in ticket #2");
    }
}
