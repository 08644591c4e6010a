//! A message goes to a ticket that is there.

use switchboard_common::broker::Failure;
use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::routing::Desk;
use switchboard_common::db::tickets::{MessageDirection, MessageKind, MessageRow};
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::domain::ticket::TicketState;
use switchboard_common::ids::TicketId;

use super::case::{Case, describe_author, lost, message_row, not_kept, undecided};
use super::decide::{Reasons, Step, add_copied, event, joined};
use super::finish::Ending;
use super::texts::{Shown, Unwritten};
use super::{keywords, screen};
use crate::thread::Role;

impl Step<'_, '_> {
    /// The message goes to a ticket that is there.
    pub(super) fn enter(
        &mut self,
        case: Case<'_>,
        ticket_id: TicketId,
        role: &Role,
        reasons: Reasons,
        silent: bool,
    ) -> Result<(), Failure> {
        let draft = self.known.tickets.get_mut(&(case.message.tenant_id, ticket_id));
        let draft = draft.ok_or_else(|| lost("ticket"))?;
        let (author, kind, direction, notice, outcome) = match role {
            Role::Client => (Actor::Client(case.client), MessageKind::Public, MessageDirection::In, None, InboundOutcome::Joined),
            Role::Answer(user) => (Actor::User(*user), MessageKind::Public, MessageDirection::Out, None, InboundOutcome::Answered),
            Role::Note(notice) => {
                let author = case.user.map_or(Actor::System, Actor::User);
                (author, MessageKind::Note, MessageDirection::In, Some(notice.clone()), InboundOutcome::Noted)
            }
        };
        let by_client_on = (*role == Role::Client).then_some(case.message.channel);
        let position = draft.add_message(case.message.received_at, by_client_on);
        let mut changes = vec![format!("message {position} from {}", describe_author(author, &case, self.desk))];
        match role {
            Role::Client if case.automatic.is_none() => {
                draft.move_to(TicketState::WaitingForAgent, self.desk, case.now, &mut changes);
                add_copied(draft, self.desk, &case, &mut changes);
            }
            Role::Answer(_) => draft.move_to(TicketState::WaitingForUser, self.desk, case.now, &mut changes),
            Role::Client | Role::Note(_) => {}
        }
        let version = draft.commit(author, changes, case.now);
        let row = MessageRow {
            position,
            kind,
            direction,
            author,
            notice: joined([
                notice,
                undecided(&case, author),
                taken_for_spam(&case, self.desk),
                not_kept(&case),
                keywords::notice(case.message),
            ]),
            ..message_row(&case, self.ambient, ticket_id)
        };
        if !silent {
            self.decided.events.push(event(EventKind::MessageAdded, self.ambient, &row, version, &case));
        }
        self.decided.messages.push(Unwritten::new(row, case.message, Shown::Reply));
        self.finish(case, Ending { ticket_id, outcome, author, reasons, routing: None });
        Ok(())
    }
}

/// What an agent should know of a message that would have opened no ticket.
fn taken_for_spam(case: &Case<'_>, desk: &Desk) -> Option<String> {
    let verdict = screen::unwanted(case.message, desk)?;
    Some(format!("The mail server took this for spam ({verdict}). It was kept because it belongs to this ticket."))
}
