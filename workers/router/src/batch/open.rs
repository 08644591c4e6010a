//! A message opens a ticket.

use switchboard_common::db::inbound::InboundOutcome;
use switchboard_common::db::routing::Desk;
use switchboard_common::db::tickets::{MessageDirection, MessageKind, MessageRow};
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::domain::evidence::LinkKind;
use switchboard_common::domain::inbound::{Channel, InboundMessage};
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::TicketId;

use super::case::{Case, describe_author, message_row, not_kept, undecided};
use super::deal::ToDeal;
use super::decide::{Reasons, Step, add_copied, event, joined};
use super::finish::Ending;
use super::texts::{Shown, Unwritten};
use super::{keywords, opening, screen};
use crate::draft::Draft;
use crate::rules::{Opened, Route};
use crate::thread::Weighed;
use crate::thread::subject::LONGEST_TITLE;
use crate::thread::words::Words;

/// So many characters of a text stand for a subject.
const BEGINNING: usize = 60;

impl Step<'_, '_> {
    /// The message opens a ticket, linked with those that it pointed at in vain, and with the one that it was
    /// split from.
    pub(super) fn open(&mut self, case: Case<'_>, mut reasons: Reasons, split: Option<(TicketId, LinkKind)>, silent: bool) {
        let tenant = case.message.tenant_id;
        if screen::unwanted(case.message, self.desk).is_some() {
            return self.block_spam(&case, reasons);
        }
        if keywords::is_bare(case.message) {
            return self.heed(&case, reasons);
        }
        let ticket_id: TicketId = self.ambient.new_id();
        let route = opening::route(self.known, self.desk, &case, opened(&reasons.weighed, split));
        self.decided.deals.extend(route.deal.map(|deal| ToDeal { tenant_id: tenant, ticket_id, deal, now: case.now }));
        let state = self.new_state(&case, &route, split);
        let salt = data_encoding::BASE32_NOPAD.encode(&self.ambient.bytes::<16>()).to_lowercase();
        let mut draft = Draft::new(tenant, ticket_id, state, salt);
        let author = Actor::Client(case.client);
        let position = draft.add_message(case.message.received_at, Some(case.message.channel));
        let mut changes = opening_changes(&route, self.desk, &describe_author(author, &case, self.desk));
        add_copied(&mut draft, self.desk, &case, &mut changes);
        let version = draft.commit(author, changes, case.now);
        reasons.links = links(&reasons.weighed, split, &reasons.policies);
        if let Some((from, LinkKind::FollowUp)) = split {
            self.known.follow_ups.entry((tenant, from)).or_default().push(ticket_id);
        }
        let row = MessageRow {
            position,
            kind: MessageKind::Public,
            direction: MessageDirection::In,
            author,
            notice: joined([
                notice(&case, &reasons.weighed, split),
                undecided(&case, author),
                not_kept(&case),
                keywords::notice(case.message),
            ]),
            ..message_row(&case, self.ambient, ticket_id)
        };
        if !silent {
            self.decided.events.push(event(EventKind::TicketCreated, self.ambient, &row, version, &case));
        }
        self.decided.messages.push(Unwritten::new(row, case.message, Shown::All));
        self.known.tickets.insert((tenant, ticket_id), draft);
        self.finish(case, Ending { ticket_id, outcome: InboundOutcome::Opened, author, reasons, routing: Some(route.explanation) });
    }

    fn new_state(&self, case: &Case<'_>, route: &Route, split: Option<(TicketId, LinkKind)>) -> TicketSnapshot {
        // What goes on with a ticket is its client's, also when somebody else wrote it.
        let of_old = split.filter(|(_, kind)| *kind == LinkKind::FollowUp);
        let old = of_old.and_then(|(from, _)| self.known.tickets.get(&(case.message.tenant_id, from)));
        TicketSnapshot {
            number: 0,
            title: title(case.message),
            client_id: old.map_or(case.client, |old| old.state.client_id),
            account_id: case.message.account_id,
            department_id: route.department,
            category_id: route.category,
            status_id: self.desk.statuses[&TicketState::WaitingForAgent],
            state: TicketState::WaitingForAgent,
            priority_id: route.priority,
            assignees: route.assignee.into_iter().collect(),
            cc: Vec::new(),
            tags: route.tags.clone(),
            custom_fields: case.message.fields.clone().into_iter().chain(route.fields.clone()).collect(),
            message_count: 0,
            channels: std::collections::BTreeSet::new(),
            last_message_at: None,
            closed_at: None,
        }
    }
}

/// How the message came to open a ticket, as rules may ask.
fn opened(weighed: &[Weighed], split: Option<(TicketId, LinkKind)>) -> Opened {
    match split {
        Some((_, LinkKind::FollowUp)) => Opened::FollowUp,
        None if weighed.iter().any(|weighed| !weighed.by_number) => Opened::Stranger,
        _ => Opened::New,
    }
}

/// The tickets that a new one is linked with: the one that it was split from, the first that its writer
/// was not let into, and those whose numbers were quoted.
fn links(weighed: &[Weighed], split: Option<(TicketId, LinkKind)>, policies: &[Words]) -> Vec<(TicketId, LinkKind, Words)> {
    let mut links: Vec<(TicketId, LinkKind, Words)> = Vec::new();
    if let Some((from, kind)) = split {
        links.push((from, kind, policies.last().cloned().unwrap_or_default()));
    } else if let Some(refused) = weighed.iter().find(|weighed| !weighed.by_number) {
        links.push((refused.ticket_id, LinkKind::Stranger, Words::of(format!("{}; {}", refused.evidence, refused.why))));
    }
    for weighed in weighed.iter().filter(|weighed| weighed.by_number && weighed.role.is_none()) {
        if !links.iter().any(|(linked, ..)| *linked == weighed.ticket_id) {
            links.push((weighed.ticket_id, LinkKind::Number, Words::of(format!("{}; {}", weighed.evidence, weighed.why))));
        }
    }
    links
}

/// What an agent should know of why it is a ticket of its own.
fn notice(case: &Case<'_>, weighed: &[Weighed], split: Option<(TicketId, LinkKind)>) -> Option<String> {
    match (split, weighed.first()) {
        (Some((_, LinkKind::FollowUp)), _) => Some("This goes on with another ticket, which it is linked with.".to_owned()),
        (Some(_), _) => {
            Some("This answers another ticket, which it is linked with, and is a matter of its own by the account's policy.".to_owned())
        }
        (None, Some(refused)) => {
            let what = if case.message.channel == Channel::Email { "mail" } else { "message" };
            Some(format!("This {what} points at another ticket by {}, but {}. So it opened its own.", refused.evidence, refused.why))
        }
        (None, None) => None,
    }
}

/// What opening a ticket has changed, but for what is dealt when it is written.
fn opening_changes(route: &Route, desk: &Desk, author: &str) -> Vec<String> {
    let routing = &route.explanation;
    let mut changes = vec![format!("opened by {author}")];
    changes.extend(routing.category.as_ref().map(|category| format!("category: {category} ({})", routing.category_why)));
    changes.extend(routing.department.as_ref().map(|department| format!("department: {department}")));
    changes.extend(routing.assignee.as_ref().filter(|_| route.deal.is_none()).map(|assignee| format!("assigned: {assignee}")));
    let priority = routing.priority.as_ref().filter(|_| route.priority != desk.default_priority);
    changes.extend(priority.map(|priority| format!("priority: {priority}")));
    changes.extend(route.tags.iter().map(|tag| format!("tag: {tag}")));
    changes.extend(routing.fields.iter().map(|field| format!("field: {field}")));
    changes
}

/// The subject; of what has none because its channel knows none, how it begins.
fn title(message: &InboundMessage) -> String {
    let mut title: String = message.subject.trim().chars().take(LONGEST_TITLE).collect();
    if title.is_empty() && message.channel != Channel::Email {
        let mut words = message.reply.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let said = words.by_ref().take(BEGINNING).collect::<Vec<_>>().join(" ");
        title = said.chars().take(BEGINNING).collect();
        if title.len() < said.len() || words.next().is_some() {
            title.push('…');
        }
    }
    if title.is_empty() { "(no subject)".to_owned() } else { title }
}
