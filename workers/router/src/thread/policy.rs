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
