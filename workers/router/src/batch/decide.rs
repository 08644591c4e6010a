//! One message after the other: which ticket, as what, and what changes. In memory, so that a
//! message sees what the one before it in the batch has done. What happens then stands in `enter`,
//! `open` and `block`, and `finish` notes it.

use chrono::{DateTime, Utc};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::clients::NewAmbiguity;
use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::routing::Desk;
use switchboard_common::db::tickets::MessageRow;
use switchboard_common::domain::event::{Event, EventKind};
use switchboard_common::domain::evidence::{LinkKind, Screening};
use switchboard_common::domain::explanation::{Routing, SenderFound};
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::ids::{ClientId, InboundId, TenantId, TicketId};

use super::case::{Case, examine};
use super::deal::ToDeal;
use super::gather::Known;
use super::texts::Unwritten;
use super::{evidence, keywords, screen};
use crate::draft::Draft;
use crate::thread::policy::{self, Course, Entering, Line};
use crate::thread::words::Words;
use crate::thread::{self, Evidence, Role, Weighed};

/// What the decisions of a batch come to, beside the tickets themselves.
#[derive(Default)]
pub(super) struct Decided {
    pub messages: Vec<Unwritten>,
    pub events: Vec<Event>,
    /// New clients that are needed, with their names.
    pub clients: Vec<(TenantId, ClientId, String)>,
    pub ambiguities: Vec<NewAmbiguity>,
    /// Tickets that wait for a mail that another one waits for already.
    pub awaiting: Vec<(TenantId, String, TicketId)>,
    /// Mails that came and were waited for.
    pub arrived: Vec<(TenantId, String)>,
    pub conclusions: Vec<Conclusion>,
    /// New tickets that groups deal out, in the order in which they were opened.
    pub deals: Vec<ToDeal>,
    /// What was asked for by a word such as STOP.
    pub wishes: Vec<keywords::Wish>,
}

/// What became of a message, before new tickets have their numbers.
pub(super) struct Conclusion {
    pub tenant_id: TenantId,
    pub inbound_id: InboundId,
    pub ticket_id: Option<TicketId>,
    pub outcome: InboundOutcome,
    pub received_at: DateTime<Utc>,
    pub sender: SenderFound,
    pub reasons: Reasons,
    pub routing: Option<Routing>,
    pub flags: Vec<String>,
}

/// Why a message went where it went.
#[derive(Default)]
pub(super) struct Reasons {
    pub looked: Vec<(&'static str, Words)>,
    pub weighed: Vec<Weighed>,
    pub policies: Vec<Words>,
    /// To the tickets that a new one has to do with.
    pub links: Vec<(TicketId, LinkKind, Words)>,
    pub screening: Option<Screening>,
    /// The word that it was, and what becomes of that.
    pub heeded: Option<String>,
}

/// Decides one message. What it needs and what it changes.
pub(super) struct Step<'s, 'k> {
    pub known: &'s mut Known<'k>,
    pub decided: &'s mut Decided,
    pub ambient: &'s Ambient,
    pub desk: &'s Desk,
}

impl Step<'_, '_> {
    pub(super) fn decide(mut self, inbound_id: InboundId, message: &InboundMessage) -> Result<(), Failure> {
        if !self.known.anew.iter().any(|(id, _)| *id == inbound_id) {
            self.decided.wishes.extend(keywords::wish(inbound_id, message));
        }
        if let Some(entry) = screen::blocked_by(message, self.desk) {
            self.block_sender(inbound_id, message, entry);
            return Ok(());
        }
        let case = examine(self.known, self.desk, self.ambient, inbound_id, message)?;
        let found = evidence::find(self.known, self.desk, &case);
        // Our own mail that came back tells nobody anything, or it would come back again.
        let silent = found.candidates.first().is_some_and(|candidate| candidate.evidence == Evidence::OwnMail);
        let weighed = thread::weigh(&found.candidates, case.writer(), self.desk, case.account.threading);
        let mut reasons = Reasons { looked: found.looked, weighed, ..Reasons::default() };
        if message.spam.is_some() || !self.desk.blocked.is_empty() {
            reasons.screening = Some(screen::describe(message, self.desk, None, false));
        }
        let entered = reasons.weighed.iter().find_map(|weighed| Some((weighed.ticket_id, weighed.role.clone()?)));
        let Some((ticket_id, role)) = entered else {
            self.open(case, reasons, None, silent);
            return Ok(());
        };
        let course = if silent { Course::Enter(ticket_id) } else { self.course(&case, ticket_id, &role, &mut reasons) };
        match course {
            // A word that nobody has to read opens no ticket anew.
            Course::Enter(ticket_id) if keywords::is_bare(message) && self.is_over(message.tenant_id, ticket_id) => {
                self.heed(&case, reasons)
            }
            Course::Enter(ticket_id) => self.enter(case, ticket_id, &role, reasons, silent)?,
            Course::Split { from, kind } => self.open(case, reasons, Some((from, kind)), silent),
        }
        Ok(())
    }

    fn is_over(&self, tenant: TenantId, ticket: TicketId) -> bool {
        self.known.tickets.get(&(tenant, ticket)).is_some_and(|draft| draft.state.state.is_over())
    }

    /// Where the account's policies send a message that may enter a ticket.
    fn course(&self, case: &Case<'_>, ticket_id: TicketId, role: &Role, reasons: &mut Reasons) -> Course {
        let tenant = case.message.tenant_id;
        let state = |id: TicketId| self.known.tickets.get(&(tenant, id)).map(|draft| (id, &draft.state));
        let Some(ticket) = state(ticket_id) else { return Course::Enter(ticket_id) };
        let mut ids = vec![ticket_id];
        let mut next = 0;
        while let Some(id) = ids.get(next) {
            let new = self.known.follow_ups.get(&(tenant, *id)).into_iter().flatten().copied().filter(|new| !ids.contains(new));
            let new: Vec<TicketId> = new.collect();
            ids.extend(new);
            next += 1;
        }
        let follow_ups = ids.into_iter().skip(1).filter_map(state).collect();
        let entering = Entering { role, automatic: case.automatic.is_some(), subject: &case.message.subject };
        let (course, said) = policy::apply(&Line { ticket, follow_ups }, entering, &case.account.policies);
        reasons.policies = said;
        course
    }
}

/// What makes a client's copies count: people of the desk whom they name, unless they are not who they say,
/// and other accounts of it.
pub(super) fn add_copied(draft: &mut Draft, desk: &Desk, case: &Case<'_>, changes: &mut Vec<String>) {
    if case.message.trust != Trust::Failed {
        add_copied_users(draft, desk, case, changes);
    }
    add_copied_accounts(draft, desk, case, changes);
}

/// A client who copies one of the desk's people wants them told: they become cc.
fn add_copied_users(draft: &mut Draft, desk: &Desk, case: &Case<'_>, changes: &mut Vec<String>) {
    for recipient in &case.message.recipients {
        if let Some((user, _)) = desk.user_at(recipient).filter(|(user, _)| !draft.state.assignees.contains(user)) {
            draft.add_cc(user, desk, changes);
        }
    }
}

/// Who looks after another account that was written to as well is told: they become cc.
fn add_copied_accounts(draft: &mut Draft, desk: &Desk, case: &Case<'_>, changes: &mut Vec<String>) {
    for recipient in &case.message.recipients {
        let others = desk.accounts.iter().filter(|(id, account)| **id != case.message.account_id && account.takes_mail);
        for (_, account) in others.filter(|(_, account)| account.address == recipient.as_str()) {
            let category = account.default_category.and_then(|category| desk.categories.get(&category));
            let assignee = category.and_then(|category| category.assignee).filter(|user| desk.users.contains_key(user));
            if let Some(user) = assignee.filter(|user| !desk.is_among(*user, &draft.state.assignees)) {
                draft.add_cc(user, desk, changes);
            }
        }
    }
}

/// Notices, each on lines of its own.
pub(super) fn joined<const N: usize>(notices: [Option<String>; N]) -> Option<String> {
    let notices: Vec<String> = notices.into_iter().flatten().collect();
    (!notices.is_empty()).then(|| notices.join("\n"))
}

pub(super) fn event(kind: EventKind, ambient: &Ambient, row: &MessageRow, version: i32, case: &Case<'_>) -> Event {
    Event {
        id: ambient.new_id(),
        tenant_id: row.tenant_id,
        kind,
        ticket_id: row.ticket_id,
        version,
        message_id: Some(row.id),
        delivery_id: None,
        assigned: Vec::new(),
        actor: row.author,
        occurred_at: case.now,
        arrived_at: Some(case.message.received_at),
        trace: case.message.trace.clone(),
    }
}
