//! Why: what the router and the notifier put on record with each decision, in words that a person
//! reads and values that a test compares.

use serde::{Deserialize, Serialize};

mod routing;

pub use routing::{ConditionTried, FactSeen, Routing, RuleTried};

use super::evidence::Threading;
use crate::ids::{ClientId, UserId};

/// Why an inbound message ended where it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Who was found to have written it, and how.
    pub sender: SenderFound,
    /// Every ticket that it could have continued, and why it did or did not.
    pub considered: Vec<TicketConsidered>,
    /// What was decided, in a sentence.
    pub decision: String,
    /// How the ticket was routed; `None` when it went to a ticket that was there already.
    pub routing: Option<Routing>,
    /// What was odd about the message.
    pub flags: Vec<String>,
    /// What was looked for to find its ticket.
    #[serde(default)]
    pub threading: Threading,
}

/// Who wrote, and how that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "who")]
pub enum SenderFound {
    /// A client who was known by this key.
    KnownClient {
        /// The key, such as `email:ada@example.org`.
        key: String,
        /// The client.
        client_id: ClientId,
    },
    /// A client who was made for this key.
    NewClient {
        /// The key.
        key: String,
        /// The client.
        client_id: ClientId,
    },
    /// A user, by a verified contact of theirs.
    User {
        /// The key.
        key: String,
        /// The user.
        user_id: UserId,
        /// The user's handle.
        handle: String,
    },
    /// Nobody whom the desk knows, and nobody was made: the message is a note.
    Unknown {
        /// The key.
        key: String,
    },
    /// Nobody was looked for: the message is blocked.
    NotLookedFor {
        /// The key.
        key: String,
    },
}

/// A ticket that the message pointed at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketConsidered {
    /// The ticket's number.
    pub ticket_number: i64,
    /// What pointed at it, such as `reply address` or `References <id>`.
    pub evidence: String,
    /// Whether the message went to it.
    pub chosen: bool,
    /// Why, or why not.
    pub why: String,
}

/// Whether one person is told of one event, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldDecision {
    /// The person: a user's handle, or the client's name.
    pub recipient: String,
    /// The user, if it is one.
    pub user_id: Option<UserId>,
    /// The client, if it is one.
    pub client_id: Option<ClientId>,
    /// Whether they are told.
    pub told: bool,
    /// The channel and address that they are told on.
    pub on: Option<String>,
    /// Why, or why not.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_put_on_record_is_read() {
        let old =
            r#"{"sender": {"who": "unknown", "key": "email:a@b.c"}, "considered": [], "decision": "x", "routing": null, "flags": []}"#;
        let explanation: Explanation = serde_json::from_str(old).expect("readable");
        assert_eq!(explanation.threading, Threading::default());
    }
}
