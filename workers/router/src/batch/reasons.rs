//! What the log is told of a message, once new tickets have their numbers.

use switchboard_common::db::inbound::{InboundOutcome, Outcome};
use switchboard_common::db::ticket_links::Link;
use switchboard_common::domain::evidence::{LinkKind, LinkMade, Looked, Threading};
use switchboard_common::domain::explanation::{Explanation, TicketConsidered};
use switchboard_common::ids::TicketId;

use super::decide::{Conclusion, Reasons};
use super::gather::Known;
use crate::thread::words::Words;

/// The links of new tickets.
pub(super) fn links(known: &Known<'_>, conclusions: &[Conclusion]) -> Vec<Link> {
    let of = |conclusion: &Conclusion| -> Vec<Link> {
        let number = |ticket| known.tickets.get(&(conclusion.tenant_id, ticket)).map_or(0, |draft| draft.state.number);
        let link = |ticket_id, (linked_id, kind, why): &(TicketId, LinkKind, Words)| Link {
            tenant_id: conclusion.tenant_id,
            ticket_id,
            linked_id: *linked_id,
            kind: *kind,
            reason: why.with_numbers(number),
        };
        conclusion
            .ticket_id
            .into_iter()
            .flat_map(|ticket_id| conclusion.reasons.links.iter().map(move |made| link(ticket_id, made)))
            .collect()
    };
    conclusions.iter().flat_map(of).collect()
}

/// The log's row of a message.
pub(super) fn outcome(known: &Known<'_>, conclusion: Conclusion) -> Outcome {
    let number = |ticket| known.tickets.get(&(conclusion.tenant_id, ticket)).map_or(0, |draft| draft.state.number);
    let decision = decision(&conclusion, number);
    let Reasons { looked, weighed, policies, links, screening, .. } = conclusion.reasons;
    // Where a policy moved the message to a ticket that goes on with the one that it was let into.
    let let_in = weighed.iter().any(|weighed| weighed.role.is_some());
    let moved = conclusion.ticket_id.filter(|ticket| {
        let_in
            && conclusion.outcome != InboundOutcome::Opened
            && !weighed.iter().any(|weighed| weighed.role.is_some() && weighed.ticket_id == *ticket)
    });
    let moved = moved.map(|ticket| TicketConsidered {
        ticket_number: number(ticket),
        evidence: "it goes on with the ticket that the message may enter".to_owned(),
        chosen: true,
        why: all_of(&policies, number),
    });
    let considered = weighed.into_iter().map(|weighed| TicketConsidered {
        ticket_number: number(weighed.ticket_id),
        evidence: weighed.evidence,
        chosen: Some(weighed.ticket_id) == conclusion.ticket_id && weighed.role.is_some(),
        why: weighed.why,
    });
    let considered = considered.chain(moved);
    let threading = Threading {
        looked: looked.into_iter().map(|(kind, found)| Looked { kind: kind.to_owned(), found: found.with_numbers(number) }).collect(),
        policies: policies.iter().map(|said| said.with_numbers(number)).collect(),
        links: links
            .into_iter()
            .map(|(ticket, kind, why)| LinkMade { ticket_number: number(ticket), kind, why: why.with_numbers(number) })
            .collect(),
        screening,
    };
    Outcome {
        tenant_id: conclusion.tenant_id,
        inbound_id: conclusion.inbound_id,
        outcome: conclusion.outcome,
        ticket_id: conclusion.ticket_id,
        explanation: Explanation {
            sender: conclusion.sender,
            considered: considered.collect(),
            decision,
            routing: conclusion.routing,
            flags: conclusion.flags,
            threading,
        },
    }
}

/// What all of the policies said, one after the other.
fn all_of(policies: &[Words], number: impl Fn(TicketId) -> i64 + Copy) -> String {
    policies.iter().map(|said| said.with_numbers(number)).collect::<Vec<_>>().join("; ")
}

/// What was decided, in a sentence.
fn decision(conclusion: &Conclusion, number: impl Fn(TicketId) -> i64 + Copy) -> String {
    let Reasons { weighed, policies, links, screening, heeded, .. } = &conclusion.reasons;
    let own = conclusion.ticket_id.map_or(0, number);
    let reason = weighed.iter().find(|weighed| weighed.role.is_some());
    let by_policy = policies.last().map(|policy: &Words| policy.with_numbers(number));
    let on_the_way = (!policies.is_empty()).then(|| all_of(policies, number));
    let why = reason.map_or("", |weighed| weighed.why.as_str());
    // A policy that moved the message elsewhere is a reason more.
    let moved = reason.filter(|weighed| Some(weighed.ticket_id) != conclusion.ticket_id).and(on_the_way.as_ref());
    let why = moved.map_or_else(|| why.to_owned(), |policy| format!("{why}; {policy}"));
    match conclusion.outcome {
        InboundOutcome::Opened => match (reason, links.first(), weighed.first()) {
            (Some(_), Some((linked, ..)), _) => {
                format!("Opened ticket #{own}, linked to #{}: {}.", number(*linked), by_policy.unwrap_or_default())
            }
            (_, _, Some(refused)) => format!("Opened ticket #{own}, linked to #{}: {}.", number(refused.ticket_id), refused.why),
            _ => format!("Opened ticket #{own}: nothing in it points at a ticket."),
        },
        InboundOutcome::Joined => format!("Joined ticket #{own}: {why}."),
        InboundOutcome::Answered => format!("Answers the client of ticket #{own}: {why}."),
        InboundOutcome::Noted => format!("Kept on ticket #{own} as an internal note: {why}."),
        InboundOutcome::Blocked => match screening.as_ref().and_then(|screening| screening.entry.as_ref()) {
            Some(entry) => format!("Blocked: the block list has {entry}."),
            None => "Blocked: the mail server took it for spam, and it would have opened a ticket.".to_owned(),
        },
        InboundOutcome::Heeded => format!("Heeded: {}.", heeded.as_deref().unwrap_or_default()),
    }
}
