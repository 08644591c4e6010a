//! Notes what was decided of a message.

use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::message_ids::{KnownId, MessageIdOrigin};
use switchboard_common::domain::event::Actor;
use switchboard_common::domain::explanation::{Routing, SenderFound};
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::ids::{InboundId, TicketId};

use super::case::Case;
use super::decide::{Conclusion, Reasons, Step};
use super::gather::{nearest_references, thread_of};
use super::screen;

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
        let address = case.from.email.as_str();
        let key = format!("email:{address}");
        let needed = ending.author == Actor::Client(case.client);
        let sender = match (ending.author, case.user.and_then(|id| Some((id, self.desk.users.get(&id)?)))) {
            (Actor::Client(client_id), _) if case.client_is_new => SenderFound::NewClient { key, client_id },
            (Actor::Client(client_id), _) => SenderFound::KnownClient { key, client_id },
            (_, Some((user_id, user))) => SenderFound::User { key, user_id, handle: user.handle.clone() },
            _ => SenderFound::Unknown { key },
        };
        if needed && case.client_is_new {
            self.decided.clients.push((tenant, case.client, case.from.name.clone().unwrap_or_else(|| address.to_owned())));
            if let Some(claimed) = self.known.clients.get_mut(&(tenant, address.to_owned())) {
                claimed.is_new = false;
            }
        }
        self.settle_ids(&case, ending.ticket_id);
        self.settle_thread(&case, ending.ticket_id);
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

    /// The message's own Message-ID and those that it refers to lead to its ticket from now on.
    fn settle_ids(&mut self, case: &Case<'_>, ticket_id: TicketId) {
        let tenant = case.message.tenant_id;
        for id in nearest_references(case.message) {
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
        if own.origin == MessageIdOrigin::Referenced {
            *own = KnownId { origin: MessageIdOrigin::Seen, ticket_id: Some(ticket_id), inbound_id: Some(case.inbound_id) };
            if self.known.awaiting.remove(&(tenant, id.clone())).is_some() {
                self.decided.awaiting.retain(|(of, awaited, _)| (*of, awaited) != (tenant, id));
                self.decided.arrived.push((tenant, id.clone()));
            }
        }
    }

    /// A thread that has no ticket, or one that is over, goes on in this one. Whoever is not who they say
    /// moves no thread.
    fn settle_thread(&mut self, case: &Case<'_>, ticket_id: TicketId) {
        let tenant = case.message.tenant_id;
        let Some(id) = thread_of(case.message).filter(|_| case.message.trust != Trust::Failed) else { return };
        let Some(thread) = self.known.threads.get_mut(&id) else { return };
        let is_over = |ticket| self.known.tickets.get(&(tenant, ticket)).is_none_or(|draft| draft.state.state.is_over());
        if thread.ticket_id.is_none_or(is_over) {
            thread.ticket_id = Some(ticket_id);
        }
        thread.last_message_at = thread.last_message_at.max(Some(case.message.received_at));
    }

    /// The block list has the sender.
    pub(super) fn block_sender(&mut self, inbound_id: InboundId, message: &InboundMessage) {
        let screening = Some(screen::describe(message, self.desk, true));
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
        let screening = Some(screen::describe(case.message, self.desk, true));
        let key = format!("email:{}", case.from.email);
        let sender =
            if case.client_is_new { SenderFound::Unknown { key } } else { SenderFound::KnownClient { key, client_id: case.client } };
        self.decided.conclusions.push(Conclusion {
            tenant_id: case.message.tenant_id,
            inbound_id: case.inbound_id,
            ticket_id: None,
            outcome: InboundOutcome::Blocked,
            received_at: case.message.received_at,
            sender,
            reasons: Reasons { screening, ..reasons },
            routing: None,
            flags: case.flags.clone(),
        });
    }
}
