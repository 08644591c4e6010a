//! Notes what was decided of a message.

use switchboard_common::db::clients::NewAmbiguity;
use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::message_ids::{KnownId, MessageIdOrigin};
use switchboard_common::domain::event::Actor;
use switchboard_common::domain::explanation::{Routing, SenderFound};
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::domain::policy::BlockEntry;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{InboundId, TicketId};

use super::case::Case;
use super::decide::{Conclusion, Reasons, Step};
use super::gather::{nearest_references, thread_of};
use super::{keywords, screen};

/// How a message ended.
pub(super) struct Ending {
    pub ticket_id: TicketId,
    pub outcome: InboundOutcome,
    pub author: Actor,
    pub reasons: Reasons,
    pub routing: Option<Routing>,
}

impl Step<'_, '_> {
    /// Notes the Message-IDs, the client if it is new and needed, and what was decided.
    pub(super) fn finish(&mut self, case: Case<'_>, ending: Ending) {
        let tenant = case.message.tenant_id;
        let key = case.key.to_string();
        let sender = match (ending.author, case.user.and_then(|id| Some((id, self.desk.users.get(&id)?)))) {
            (Actor::Client(_), _) => self.take_client(&case, ending.ticket_id),
            (_, Some((user_id, user))) => SenderFound::User { key, user_id, handle: user.handle.clone() },
            _ => SenderFound::Unknown { key },
        };
        self.settle_ids(&case, ending.ticket_id);
        self.settle_thread(&case, ending.ticket_id, &ending.reasons);
        self.decided.conclusions.push(Conclusion {
            tenant_id: tenant,
            inbound_id: case.inbound_id,
            ticket_id: Some(ending.ticket_id),
            outcome: ending.outcome,
            received_at: case.message.received_at,
            sender,
            reasons: ending.reasons,
            routing: ending.routing,
            flags: case.flags,
        });
    }

    /// The client has written: they are there from now on, with the keys that the message showed.
    fn take_client(&mut self, case: &Case<'_>, ticket_id: TicketId) -> SenderFound {
        let (tenant_id, key, sender) = (case.message.tenant_id, case.key.to_string(), &case.sender);
        let (client_id, search) = (sender.client_id, sender.search.clone());
        let name = case.name.unwrap_or(case.key.value());
        self.known.senders.take(tenant_id, sender, name);
        if !sender.is_new {
            return SenderFound::KnownClient { key, client_id, search };
        }
        self.decided.clients.push((tenant_id, client_id, name.to_owned()));
        let candidates = || sender.candidates.iter().map(|candidate| (candidate.client_id, candidate.reason.clone())).collect();
        let ambiguity = |id| NewAmbiguity { tenant_id, id, inbound_id: case.inbound_id, ticket_id, client_id, candidates: candidates() };
        self.decided.ambiguities.extend(sender.search.ambiguity.map(ambiguity));
        SenderFound::NewClient { key, client_id, search }
    }

    /// The message's own Message-ID and those that it refers to lead to its ticket from now on. Whoever is not
    /// who they say waits for no message, and does not come in place of one that others wait for.
    fn settle_ids(&mut self, case: &Case<'_>, ticket_id: TicketId) {
        let tenant = case.message.tenant_id;
        for id in nearest_references(case.message).filter(|_| case.message.trust != Trust::Failed) {
            let Some(referenced) = self.known.message_ids.get_mut(&(tenant, id.to_owned())) else { continue };
            let first = *referenced.ticket_id.get_or_insert(ticket_id);
            if referenced.origin == MessageIdOrigin::Referenced && first != ticket_id {
                let waiting = self.known.awaiting.entry((tenant, id.to_owned())).or_default();
                if !waiting.contains(&ticket_id) {
                    waiting.push(ticket_id);
                    self.decided.awaiting.push((tenant, id.to_owned(), ticket_id));
                }
            }
        }
        let Some(id) = &case.message.message_id else { return };
        let Some(own) = self.known.message_ids.get_mut(&(tenant, id.clone())) else { return };
        let elsewhere = own.ticket_id.is_some_and(|waiting| waiting != ticket_id);
        if own.origin == MessageIdOrigin::Referenced && !(elsewhere && case.message.trust == Trust::Failed) {
            *own = KnownId { origin: MessageIdOrigin::Seen, ticket_id: Some(ticket_id), inbound_id: Some(case.inbound_id) };
            if self.known.awaiting.remove(&(tenant, id.clone())).is_some() {
                self.decided.awaiting.retain(|(of, awaited, _)| (*of, awaited) != (tenant, id));
                self.decided.arrived.push((tenant, id.clone()));
            }
        }
    }

    /// A thread that has no ticket goes on in this one. One whose ticket is over does so too, if the message was
    /// let into that, or into another as that one's client: nobody else takes it away. Whoever is not who they
    /// say moves no thread.
    fn settle_thread(&mut self, case: &Case<'_>, ticket_id: TicketId, reasons: &Reasons) {
        let tenant = case.message.tenant_id;
        let Some(id) = thread_of(case.message).filter(|_| case.message.trust != Trust::Failed) else { return };
        let Some(thread) = self.known.threads.get_mut(&id) else { return };
        let let_in = || reasons.weighed.iter().filter(|weighed| weighed.role.is_some());
        let ends = |old: &TicketSnapshot, id| {
            old.state.is_over() && let_in().any(|weighed| weighed.ticket_id == id || case.clients.contains(&old.client_id))
        };
        let moves = |id| self.known.tickets.get(&(tenant, id)).is_none_or(|draft| ends(&draft.state, id));
        if thread.ticket_id.is_none_or(moves) {
            thread.ticket_id = Some(ticket_id);
        }
        thread.last_message_at = thread.last_message_at.max(Some(case.message.received_at));
    }

    /// The block list has the sender.
    pub(super) fn block_sender(&mut self, inbound_id: InboundId, message: &InboundMessage, entry: &BlockEntry) {
        let screening = Some(screen::describe(message, self.desk, Some(entry), true));
        let key = message.sender_ids().first().map(ToString::to_string).unwrap_or_default();
        self.decided.conclusions.push(Conclusion {
            tenant_id: message.tenant_id,
            inbound_id,
            ticket_id: None,
            outcome: InboundOutcome::Blocked,
            received_at: message.received_at,
            sender: SenderFound::NotLookedFor { key },
            reasons: Reasons { screening, ..Reasons::default() },
            routing: None,
            flags: message.flags.clone(),
        });
    }

    /// The mail server took for spam what would have opened a ticket.
    pub(super) fn block_spam(&mut self, case: &Case<'_>, reasons: Reasons) {
        let screening = Some(screen::describe(case.message, self.desk, None, true));
        self.leave_off(case, Reasons { screening, ..reasons }, InboundOutcome::Blocked);
    }

    /// A word such as STOP that is on no ticket.
    pub(super) fn heed(&mut self, case: &Case<'_>, reasons: Reasons) {
        let heeded = keywords::heeded(case.message);
        self.leave_off(case, Reasons { heeded, ..reasons }, InboundOutcome::Heeded);
    }

    /// A message goes to no ticket, and nothing comes of it: no key becomes anybody's, and nobody has to decide.
    fn leave_off(&mut self, case: &Case<'_>, reasons: Reasons, outcome: InboundOutcome) {
        let (key, mut search) = (case.key.to_string(), case.sender.search.clone());
        (search.attached, search.authenticated, search.ambiguity) = (Vec::new(), Vec::new(), None);
        let sender = if case.sender.is_new {
            SenderFound::Unknown { key }
        } else {
            SenderFound::KnownClient { key, client_id: case.client, search }
        };
        self.decided.conclusions.push(Conclusion {
            tenant_id: case.message.tenant_id,
            inbound_id: case.inbound_id,
            ticket_id: None,
            outcome,
            received_at: case.message.received_at,
            sender,
            reasons,
            routing: None,
            flags: case.flags.clone(),
        });
    }
}
