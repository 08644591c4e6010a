//! What the people in question chose.

use std::collections::HashMap;
use std::sync::Arc;

use switchboard_common::db::audience::Directory;
use switchboard_common::domain::preferences::Effective;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{ClientId, UserId};

/// The settings of a tenant's people, and of the clients of a batch.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    users: Arc<HashMap<UserId, Effective>>,
    clients: HashMap<ClientId, Effective>,
    other_user: Effective,
    other_client: Effective,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(Arc::default(), HashMap::new())
    }
}

impl Settings {
    pub fn new(users: Arc<HashMap<UserId, Effective>>, clients: HashMap<ClientId, Effective>) -> Self {
        Self { users, clients, other_user: Effective::of_user(&[]), other_client: Effective::of_client(&[]) }
    }

    pub fn user(&self, id: UserId) -> &Effective {
        self.users.get(&id).unwrap_or(&self.other_user)
    }

    pub fn client(&self, id: ClientId) -> &Effective {
        self.clients.get(&id).unwrap_or(&self.other_client)
    }
}

/// Whether a ticket is urgent enough to break into somebody's quiet hours: of the priority that they except, or of one above it.
pub(super) fn is_excepted(effective: &Effective, directory: &Directory, ticket: &TicketSnapshot) -> bool {
    let excepted = effective.quiet_hours.value.as_ref().and_then(|quiet| quiet.except_priority.as_ref());
    let bar = excepted.and_then(|name| directory.priorities.values().find(|priority| priority.name.eq_ignore_ascii_case(name)));
    let own = directory.priorities.get(&ticket.priority_id);
    bar.zip(own).is_some_and(|(bar, own)| own.position >= bar.position)
}
