//! A ticket while it is being changed. What is done to it is kept as versions, and written at the
//! end of the transaction.

use chrono::{DateTime, Utc};
use switchboard_common::db::routing::Desk;
use switchboard_common::db::tickets::{TicketRow, VersionRow};
use switchboard_common::domain::event::Actor;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{TenantId, TicketId, UserId};

/// A locked or new ticket.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which.
    pub id: TicketId,
    /// As it is now.
    pub state: TicketSnapshot,
    /// The latest version; 0 before the first.
    pub version: i32,
    /// It is not in the database yet.
    pub is_new: bool,
    key_salt: String,
    /// Assignees and cc as the database has them.
    people: (Vec<UserId>, Vec<UserId>),
    versions: Vec<VersionRow>,
}

impl Draft {
    /// A ticket that is in the database, and locked.
    #[must_use]
    pub fn existing(tenant_id: TenantId, id: TicketId, version: i32, state: TicketSnapshot) -> Self {
        let people = (state.assignees.clone(), state.cc.clone());
        Self { tenant_id, id, state, version, is_new: false, key_salt: String::new(), people, versions: Vec::new() }
    }

    /// A new ticket. It gets its number when the transaction is written; `key_salt` makes the secret
    /// link for access without a login.
    #[must_use]
    pub fn new(tenant_id: TenantId, id: TicketId, state: TicketSnapshot, key_salt: String) -> Self {
        Self { tenant_id, id, state, version: 0, is_new: true, key_salt, people: (Vec::new(), Vec::new()), versions: Vec::new() }
    }

    /// Moves it to a state, with the tenant's status for it, and notes that among `changes`.
    pub fn move_to(&mut self, state: TicketState, desk: &Desk, at: DateTime<Utc>, changes: &mut Vec<String>) {
        let Some(status) = desk.statuses.get(&state).filter(|_| self.state.state != state) else { return };
        changes.push(format!("status: {} → {state}", self.state.state));
        self.state.state = state;
        self.state.status_id = *status;
        self.state.closed_at = (state == TicketState::Closed).then_some(at);
    }

    /// Adds a cc, and notes that among `changes`.
    pub fn add_cc(&mut self, user: UserId, desk: &Desk, changes: &mut Vec<String>) {
        if !self.state.cc.contains(&user) {
            self.state.cc.push(user);
            changes.push(format!("cc: {}", desk.users.get(&user).map_or("somebody", |user| &user.handle)));
        }
    }

    /// Counts a message that came at this time, by the client on this channel if by them, and returns its
    /// place.
    pub fn add_message(&mut self, at: DateTime<Utc>, by_client_on: Option<Channel>) -> i32 {
        self.state.message_count += 1;
        self.state.last_message_at = self.state.last_message_at.max(Some(at));
        self.state.channels.extend(by_client_on);
        self.state.message_count
    }

    /// Ends a change: the state becomes the next version.
    pub fn commit(&mut self, actor: Actor, changes: Vec<String>, at: DateTime<Utc>) -> i32 {
        self.version += 1;
        self.versions.push(VersionRow {
            tenant_id: self.tenant_id,
            ticket_id: self.id,
            version: self.version,
            actor,
            changes,
            state: self.state.clone(),
            changed_at: at,
        });
        self.version
    }

    /// Gives a new ticket its number, in all of its versions.
    pub fn set_number(&mut self, number: i64) {
        self.state.number = number;
        for version in &mut self.versions {
            version.state.number = number;
        }
    }

    /// Gives a new ticket to one person or group, in all of its versions: it was dealt when it was opened.
    pub fn deal_to(&mut self, assignee: UserId, change: String) {
        self.state.assignees = vec![assignee];
        for version in &mut self.versions {
            version.state.assignees = vec![assignee];
        }
        if let Some(first) = self.versions.first_mut() {
            first.changes.push(change);
        }
    }

    /// Whether anything was done to it.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        !self.versions.is_empty()
    }

    /// What is to be written.
    #[must_use]
    pub fn rows(&self) -> (TicketRow, &[VersionRow]) {
        let row = TicketRow {
            tenant_id: self.tenant_id,
            id: self.id,
            version: self.version,
            state: self.state.clone(),
            key_salt: self.key_salt.clone(),
            people_changed: self.people.0 != self.state.assignees || self.people.1 != self.state.cc,
        };
        (row, &self.versions)
    }
}
