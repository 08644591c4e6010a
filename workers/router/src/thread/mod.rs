//! Which ticket a message continues, and as what. Pure.
//!
//! What points at a ticket is weighed from the strongest to the weakest, in the order of [`Evidence`].
//! None is enough by itself: the writer must also take part in the ticket (design, 3.5), which [`judge`]
//! decides. The [`window`] finds the client's open ticket for what points at none; [`subject`] compares
//! subjects and reads the numbers in them; [`policy`] says what becomes of a message whose ticket is
//! over or about something else.

pub mod judge;
pub mod policy;
pub mod subject;
pub mod window;
pub mod words;

use chrono::TimeDelta;
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::routing::{Desk, ThreadingPolicy};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::{ClientId, TicketId, UserId};

/// What points at a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It was sent to a reply address that we signed for this person.
    ReplyAddress(ReplyRecipient),
    /// It bears the Message-ID of a mail that we sent: our own mail has come back.
    OwnMail,
    /// It refers to a mail that we sent.
    OurMessageId(String),
    /// It came in this thread of a chat.
    Thread(String),
    /// It refers to a mail that came in.
    MessageId(String),
    /// A mail that came earlier referred to it.
    Awaited,
    /// Another mail bore the same Message-ID.
    SameMessageId,
    /// The client wrote to it last, so long ago, and it is open.
    Window(TimeDelta),
    /// Its subject names this number.
    Number(i64),
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReplyAddress(ReplyRecipient::User(_)) => f.write_str("an agent's signed reply address"),
            Self::ReplyAddress(ReplyRecipient::Client(_)) => f.write_str("the client's signed reply address"),
            Self::OwnMail => f.write_str("the Message-ID of a mail that we sent"),
            Self::OurMessageId(id) => write!(f, "a reference to our mail <{id}>"),
            Self::MessageId(id) => write!(f, "a reference to <{id}>"),
            Self::Awaited => f.write_str("an earlier mail that referred to this one"),
            Self::SameMessageId => f.write_str("another mail with the same Message-ID"),
            Self::Thread(_) => f.write_str("the thread of the chat"),
            Self::Window(since) => write!(f, "the client's open ticket, last written to {}", window::when(*since)),
            Self::Number(number) => write!(f, "the number #{number} in the subject"),
        }
    }
}

/// Who wrote, as far as a ticket is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// The address.
    pub address: &'a str,
    /// The user whose verified address it is.
    pub user: Option<UserId>,
    /// The client whose address it is, and those who are the same one.
    pub clients: &'a [ClientId],
    /// How far the channel vouches for it.
    pub trust: Trust,
    /// Why it counts as sent by a program.
    pub automatic: Option<&'a str>,
    /// What was written still holds one of our notifications to an agent.
    pub quotes_desk: bool,
}

/// As what a message enters a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The client's message.
    Client,
    /// This agent's answer to the client.
    Answer(UserId),
    /// An internal note, with what the agents should know about it.
    Note(String),
}

/// A ticket that something points at.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Which.
    pub ticket_id: TicketId,
    /// As it is now.
    pub ticket: &'a TicketSnapshot,
    /// What points at it.
    pub evidence: Evidence,
}

/// A ticket that was weighed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// Which.
    pub ticket_id: TicketId,
    /// What points at it.
    pub evidence: String,
    /// Nothing points at it but its number.
    pub by_number: bool,
    /// As what the message would enter it; `None` when it may not.
    pub role: Option<Role>,
    /// Why, or why not.
    pub why: String,
}

/// Weighs the candidates in their order. The first that lets the message in has it; those after it are
/// not judged.
#[must_use]
pub fn weigh(candidates: &[Candidate<'_>], writer: Writer<'_>, desk: &Desk, policy: ThreadingPolicy) -> Vec<Weighed> {
    let mut weighed = Vec::with_capacity(candidates.len());
    let mut entered = false;
    for candidate in candidates {
        let (role, why) = if entered {
            (None, "there is stronger evidence for another ticket".to_owned())
        } else {
            judge::judge(candidate, writer, desk, policy)
        };
        entered |= role.is_some();
        weighed.push(Weighed {
            ticket_id: candidate.ticket_id,
            evidence: candidate.evidence.to_string(),
            by_number: matches!(candidate.evidence, Evidence::Number(_)),
            role,
            why,
        });
    }
    weighed
}
