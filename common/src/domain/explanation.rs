//! Why: what the router and the notifier put on record with each decision, in words that a person
//! reads and values that a test compares.

use serde::{Deserialize, Serialize};

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

/// How a new ticket got its category, department and assignee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// Every rule that was looked at, in order.
    pub rules: Vec<RuleTried>,
    /// The category's name, if there is one.
    pub category: Option<String>,
    /// Where the category came from, in a sentence.
    pub category_why: String,
    /// The department's name, if there is one.
    pub department: Option<String>,
    /// The handle of the person or group, if there is one.
    pub assignee: Option<String>,
}

/// A rule and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTried {
    /// The rule's name.
    pub rule: String,
    /// Whether all its conditions held.
    pub matched: bool,
    /// Its conditions; empty for a rule after the one that matched, which was not looked at.
    pub conditions: Vec<ConditionTried>,
}

/// A condition, the value that it saw, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionTried {
    /// What it looks at, such as `subject_words`.
    pub field: String,
    /// What it asks for.
    pub wanted: String,
    /// What it saw.
    pub seen: String,
    /// Whether it held.
    pub held: bool,
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
