//! One message after the other: which ticket, as what, and what changes. In memory, so that a
//! message sees what the one before it in the batch has done.

use chrono::{DateTime, Utc};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::message_ids::{KnownId, MessageIdOrigin};
use switchboard_common::db::routing::Desk;
use switchboard_common::db::tickets::{MessageDirection, MessageKind, MessageRow};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::explanation::{Routing, SenderFound};
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{ClientId, InboundId, TenantId, TicketId};

use super::case::{Case, candidates, describe_author, examine, message_row, not_kept};
use super::gather::{Known, nearest_references};
use super::texts::{Shown, Unwritten};
use crate::draft::Draft;
use crate::rules::{self, Facts};
use crate::thread::{self, Evidence, Role, Weighed, Writer};

/// The longest title of a ticket, in characters.
const TITLE: usize = 250;

/// What the decisions of a batch come to, beside the tickets themselves.
#[derive(Default)]
pub(super) struct Decided {
    pub messages: Vec<Unwritten>,
    pub events: Vec<Event>,
    /// From a new ticket to the one that its message pointed at, and why it was not let in.
    pub links: Vec<(TenantId, TicketId, TicketId, String)>,
    /// New clients that are needed, with their names.
    pub clients: Vec<(TenantId, ClientId, String)>,
    pub conclusions: Vec<Conclusion>,
}

/// What became of a message, before new tickets have their numbers.
pub(super) struct Conclusion {
    pub tenant_id: TenantId,
    pub inbound_id: InboundId,
    pub ticket_id: TicketId,
    pub outcome: InboundOutcome,
    pub received_at: DateTime<Utc>,
    pub sender: SenderFound,
    pub weighed: Vec<Weighed>,
    pub routing: Option<Routing>,
    pub flags: Vec<String>,
}

/// Decides one message. What it needs and what it changes.
pub(super) struct Step<'s, 'k> {
    pub known: &'s mut Known<'k>,
    pub decided: &'s mut Decided,
    pub ambient: &'s Ambient,
    pub desk: &'s Desk,
}

/// How a message ended.
struct Ending {
    ticket_id: TicketId,
    outcome: InboundOutcome,
    author: Actor,
    weighed: Vec<Weighed>,
    routing: Option<Routing>,
}

impl Step<'_, '_> {
    pub(super) fn decide(mut self, inbound_id: InboundId, message: &InboundMessage) -> Result<(), Failure> {
        let case = examine(self.known, self.desk, self.ambient, inbound_id, message)?;
        let candidates = candidates(self.known, self.desk, &case);
        let writer = Writer {
            address: case.from.email.as_str(),
            user: case.user,
            client: Some(case.client),
            trust: message.trust,
            automatic: case.automatic.as_deref(),
            quotes_desk: message.quotes_desk,
        };
        let weighed = thread::weigh(&candidates, writer, self.desk, case.account.threading);
        // Our own mail that came back tells nobody anything, or it would come back again.
        let silent = candidates.first().is_some_and(|candidate| candidate.evidence == Evidence::OwnMail);
        match weighed.iter().find_map(|weighed| Some((weighed.ticket_id, weighed.role.clone()?))) {
            Some((ticket_id, role)) => self.enter(case, ticket_id, &role, weighed, silent),
            None => self.open(case, weighed, silent),
        }
        Ok(())
    }

    /// The message goes to a ticket that is there.
    fn enter(&mut self, case: Case<'_>, ticket_id: TicketId, role: &Role, weighed: Vec<Weighed>, silent: bool) {
        let tenant = case.message.tenant_id;
        let Some(draft) = self.known.tickets.get_mut(&(tenant, ticket_id)) else { return };
        let (author, kind, direction, notice, outcome) = match role {
            Role::Client => (Actor::Client(case.client), MessageKind::Public, MessageDirection::In, None, InboundOutcome::Joined),
            Role::Answer(user) => (Actor::User(*user), MessageKind::Public, MessageDirection::Out, None, InboundOutcome::Answered),
            Role::Note(notice) => {
                let author = case.user.map_or(Actor::System, Actor::User);
                (author, MessageKind::Note, MessageDirection::In, Some(notice.clone()), InboundOutcome::Noted)
            }
        };
        let position = draft.add_message();
        let mut changes = vec![format!("message {position} from {}", describe_author(author, &case, self.desk))];
        match role {
            Role::Client if case.automatic.is_none() => {
                draft.move_to(TicketState::WaitingForAgent, self.desk, case.now, &mut changes);
                add_copied_users(draft, self.desk, &case, &mut changes);
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
            notice: joined(notice, not_kept(&case)),
            ..message_row(&case, self.ambient, ticket_id)
        };
        if !silent {
            self.decided.events.push(event(EventKind::MessageAdded, self.ambient, &row, version, &case));
        }
        self.decided.messages.push(Unwritten::new(row, case.message, Shown::Reply));
        self.finish(case, Ending { ticket_id, outcome, author, weighed, routing: None });
    }

    /// The message opens a ticket, linked to one that it pointed at in vain.
    fn open(&mut self, case: Case<'_>, weighed: Vec<Weighed>, silent: bool) {
        let tenant = case.message.tenant_id;
        let ticket_id: TicketId = self.ambient.new_id();
        let route =
            rules::route(self.desk, Facts { account: case.account, recipients: &case.message.recipients, subject: &case.message.subject });
        let status = self.desk.statuses[&TicketState::WaitingForAgent];
        let state = TicketSnapshot {
            number: 0,
            title: title(&case.message.subject),
            client_id: case.client,
            account_id: case.message.account_id,
            department_id: route.department,
            category_id: route.category,
            status_id: status,
            state: TicketState::WaitingForAgent,
            priority_id: self.desk.default_priority,
            assignees: route.assignee.into_iter().collect(),
            cc: Vec::new(),
            tags: std::collections::BTreeSet::new(),
            custom_fields: std::collections::BTreeMap::new(),
            message_count: 0,
            channels: std::collections::BTreeSet::new(),
            last_message_at: None,
            closed_at: None,
        };
        let salt = data_encoding::BASE32_NOPAD.encode(&self.ambient.bytes::<16>()).to_lowercase();
        let mut draft = Draft::new(tenant, ticket_id, state, salt);
        let author = Actor::Client(case.client);
        let position = draft.add_message();
        let mut changes = opening_changes(&route.explanation, &describe_author(author, &case, self.desk));
        add_copied_users(&mut draft, self.desk, &case, &mut changes);
        let version = draft.commit(author, changes, case.now);
        let refused = weighed.first();
        let notice = refused.map(|refused| {
            format!("This mail points at another ticket by {}, but {}. So it opened its own.", refused.evidence, refused.why)
        });
        if let Some(refused) = refused {
            self.decided.links.push((tenant, ticket_id, refused.ticket_id, format!("{}; {}", refused.evidence, refused.why)));
        }
        let row = MessageRow {
            position,
            kind: MessageKind::Public,
            direction: MessageDirection::In,
            author,
            notice: joined(notice, not_kept(&case)),
            ..message_row(&case, self.ambient, ticket_id)
        };
        if !silent {
            self.decided.events.push(event(EventKind::TicketCreated, self.ambient, &row, version, &case));
        }
        self.decided.messages.push(Unwritten::new(row, case.message, Shown::All));
        self.known.tickets.insert((tenant, ticket_id), draft);
        self.finish(case, Ending { ticket_id, outcome: InboundOutcome::Opened, author, weighed, routing: Some(route.explanation) });
    }

    /// Notes the Message-IDs, the client if it is new and needed, and what was decided.
    fn finish(&mut self, case: Case<'_>, ending: Ending) {
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
        for id in nearest_references(case.message) {
            if let Some(referenced) = self.known.message_ids.get_mut(&(tenant, id.to_owned())) {
                referenced.ticket_id.get_or_insert(ending.ticket_id);
            }
        }
        let own = case.message.message_id.as_ref().and_then(|id| self.known.message_ids.get_mut(&(tenant, id.clone())));
        if let Some(own) = own.filter(|own| own.origin == MessageIdOrigin::Referenced) {
            *own = KnownId { origin: MessageIdOrigin::Seen, ticket_id: Some(ending.ticket_id), inbound_id: Some(case.inbound_id) };
        }
        self.decided.conclusions.push(Conclusion {
            tenant_id: tenant,
            inbound_id: case.inbound_id,
            ticket_id: ending.ticket_id,
            outcome: ending.outcome,
            received_at: case.message.received_at,
            sender,
            weighed: ending.weighed,
            routing: ending.routing,
            flags: case.flags,
        });
    }
}

/// A client who copies one of the desk's people wants them told: they become cc.
fn add_copied_users(draft: &mut Draft, desk: &Desk, case: &Case<'_>, changes: &mut Vec<String>) {
    for recipient in &case.message.recipients {
        if let Some((user, _)) = desk.user_at(recipient).filter(|(user, _)| !draft.state.assignees.contains(user)) {
            draft.add_cc(user, desk, changes);
        }
    }
}

fn joined(first: Option<String>, second: Option<String>) -> Option<String> {
    let notices: Vec<String> = first.into_iter().chain(second).collect();
    (!notices.is_empty()).then(|| notices.join("\n"))
}

fn opening_changes(routing: &Routing, author: &str) -> Vec<String> {
    let mut changes = vec![format!("opened by {author}")];
    changes.extend(routing.category.as_ref().map(|category| format!("category: {category} ({})", routing.category_why)));
    changes.extend(routing.department.as_ref().map(|department| format!("department: {department}")));
    changes.extend(routing.assignee.as_ref().map(|assignee| format!("assigned: {assignee}")));
    changes
}

fn event(kind: EventKind, ambient: &Ambient, row: &MessageRow, version: i32, case: &Case<'_>) -> Event {
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

fn title(subject: &str) -> String {
    let title: String = subject.trim().chars().take(TITLE).collect();
    if title.is_empty() { "(no subject)".to_owned() } else { title }
}
