//! What was looked for to find a message's ticket, and what that came to, as it is put on record.

use serde::{Deserialize, Serialize};

/// How a ticket has to do with the one that it points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Whoever wrote takes no part in the other one.
    Stranger,
    /// The number of the other one was quoted, and nothing else.
    Number,
    /// It goes on with what the other one was about.
    FollowUp,
    /// A new matter of the same client, by the account's policy.
    Related,
}

impl LinkKind {
    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Number => "number",
            Self::FollowUp => "follow_up",
            Self::Related => "related",
        }
    }
}

/// All of it, of one message. What older versions wrote has nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threading {
    /// Each kind of evidence, from the strongest to the weakest, also where nothing was found.
    #[serde(default)]
    pub looked: Vec<Looked>,
    /// The account's policies that applied, each in a sentence.
    #[serde(default)]
    pub policies: Vec<String>,
    /// The links that the new ticket got.
    #[serde(default)]
    pub links: Vec<LinkMade>,
    /// Whether it was to be taken at all.
    #[serde(default)]
    pub screening: Option<Screening>,
}

/// A kind of evidence and what there was of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The kind, such as `reply address`.
    #[serde(rename = "for")]
    pub kind: String,
    /// What was found, or what there was nothing of.
    pub found: String,
}

/// A link of a new ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkMade {
    /// The number of the other ticket.
    pub ticket_number: i64,
    /// How they have to do with each other.
    pub kind: LinkKind,
    /// Why, in words.
    pub why: String,
}

/// What the block list and the mail server said of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screening {
    /// The keys that the block list was compared with.
    pub saw: Vec<String>,
    /// How many entries the block list had.
    pub entries: usize,
    /// The entry that stands for the sender, if one does.
    pub entry: Option<String>,
    /// The mail server's verdict, if it took it for spam.
    pub spam: Option<String>,
    /// What the tenant does with spam: `take` or `block`.
    pub spam_policy: String,
    /// Whether it was blocked.
    pub blocked: bool,
}
