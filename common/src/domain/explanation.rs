//! Why: what the router and the notifier put on record with each decision, in words that a person
//! reads and values that a test compares.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

mod routing;

pub use routing::{ConditionTried, FactSeen, Routing, RuleTried};

use super::evidence::Threading;
use crate::ids::{AmbiguityId, ClientId, UserId};

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
        /// How they were found.
        #[serde(default)]
        search: ClientSearch,
    },
    /// A client who was made for this key.
    NewClient {
        /// The key.
        key: String,
        /// The client.
        client_id: ClientId,
        /// Where nobody was found, or several.
        #[serde(default)]
        search: ClientSearch,
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

/// How a client was looked for. Empty in explanations from before this was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSearch {
    /// The ranks that were tried, in order: the last of them decided, or found nobody either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranks: Vec<RankTried>,
    /// Whom the client counts as, where they were merged into another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_as: Option<ClientId>,
    /// Keys that became the client's by this message, and what showed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attached: Vec<KeyEvidence>,
    /// Keys that were known, and that the channel authenticated with this message for the first time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authenticated: Vec<KeyEvidence>,
    /// Keys of the message that belong to somebody else: perhaps the same person twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubles: Vec<ClientFound>,
    /// What was merely typed, and so was looked for nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// The ambiguity that a person has to decide, where several were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ambiguity: Option<AmbiguityId>,
}

/// By what a client is looked for, from the strongest to the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// The channel's own key of the sender.
    Identity,
    /// Their other keys, and what is on record of clients.
    OtherKeys,
    /// Other forms of their telephone numbers.
    Variants,
}

/// A rank that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RankTried {
    /// Which.
    pub rank: Rank,
    /// The keys that were looked for.
    pub keys: Vec<String>,
    /// Whom they belong to.
    pub found: Vec<ClientFound>,
}

/// A client whom a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFound {
    /// The client, as the key's row has it.
    pub client_id: ClientId,
    /// The name.
    pub name: String,
    /// The key.
    pub key: String,
    /// Why the key leads there, in words.
    pub why: String,
}

/// A key, and what showed whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEvidence {
    /// The key.
    pub key: String,
    /// What showed it.
    pub evidence: String,
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldDecision {
    /// The person: a user's handle, or the client's name.
    pub recipient: String,
    /// The user, if it is one.
    pub user_id: Option<UserId>,
    /// The client, if it is one.
    pub client_id: Option<ClientId>,
    /// Whether they are told.
    pub told: bool,
    /// The channels and addresses that they are told on, such as `slack:T1/U1, email:bo@desk.example`.
    pub on: Option<String>,
    /// Why, or why not.
    pub why: String,
    /// Which layer of preferences decided how they are told, or that they are not: `built-in`, `tenant`, `group NAME` or `own`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// When they are told, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Why it waits until then, and in what: a digest with others, or by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
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
