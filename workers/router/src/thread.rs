//! Which ticket a message continues, and as what. Pure.
//!
//! What points at a ticket is weighed from the strongest to the weakest: a signed reply address, one
//! of our own Message-IDs, another Message-ID. None of them is enough by itself: the writer must also
//! take part in the ticket (design, 3.5). A ticket number in the subject is not looked at.

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
    /// It refers to a mail that came in.
    MessageId(String),
    /// A mail that came earlier referred to it.
    Awaited,
    /// Another mail bore the same Message-ID.
    SameMessageId,
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
    /// As what the message would enter it; `None` when it may not.
    pub role: Option<Role>,
    /// Why, or why not.
    pub why: String,
}

/// Weighs the candidates in their order, up to the first that lets the message in.
#[must_use]
pub fn weigh(candidates: &[Candidate<'_>], writer: Writer<'_>, desk: &Desk, policy: ThreadingPolicy) -> Vec<Weighed> {
    let mut weighed = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let (role, why) = judge(candidate, writer, desk, policy);
        let entered = role.is_some();
        weighed.push(Weighed { ticket_id: candidate.ticket_id, evidence: candidate.evidence.to_string(), role, why });
        if entered {
            break;
        }
    }
    weighed
}

fn judge(candidate: &Candidate<'_>, writer: Writer<'_>, desk: &Desk, policy: ThreadingPolicy) -> (Option<Role>, String) {
    match &candidate.evidence {
        Evidence::OwnMail => {
            let why = "our own mail came back; it is recorded and triggers nothing".to_owned();
            (Some(Role::Note(why.clone())), why)
        }
        Evidence::SameMessageId => (None, "a sender chooses the Message-ID, so the same one with other content proves nothing".to_owned()),
        Evidence::ReplyAddress(ReplyRecipient::User(user)) => to_agents_address(*user, writer, desk),
        Evidence::ReplyAddress(ReplyRecipient::Client(_)) | Evidence::OurMessageId(_) => {
            as_participant(candidate.ticket, writer, desk, true)
        }
        Evidence::MessageId(_) | Evidence::Awaited => {
            let proves_nothing = policy == ThreadingPolicy::Proof && writer.trust != Trust::Verified;
            match as_participant(candidate.ticket, writer, desk, false) {
                (Some(_), why) if proves_nothing => (None, format!("{why}, but this account asks for proof of having got our mail")),
                judged => judged,
            }
        }
    }
}

/// Only the agent whose address it is can answer by it, and only from their own verified contact.
fn to_agents_address(owner: UserId, writer: Writer<'_>, desk: &Desk) -> (Option<Role>, String) {
    let name = desk.users.get(&owner).map_or("an agent who has left", |user| &user.name);
    let mail = format!("This mail came to the reply address of {name}");
    let (role, why) = if writer.trust == Trust::Failed {
        let notice = format!("{mail} from {}, and its authentication failed. It was not sent to the client.", writer.address);
        (Role::Note(notice), "its authentication failed".to_owned())
    } else if let Some(sign) = writer.automatic {
        (Role::Note(format!("{mail} from a program ({sign}). It was not sent to the client.")), format!("sent by a program ({sign})"))
    } else if writer.user == Some(owner) && writer.quotes_desk {
        let notice = format!(
            "{mail} with our notification still in it, which is not for the client's eyes. \
             It was not sent to the client: answer once more, above the quoted text."
        );
        (Role::Note(notice), "it still holds our notification, which is not for the client's eyes".to_owned())
    } else if writer.user == Some(owner) {
        (Role::Answer(owner), format!("sent by {name} from their own verified address"))
    } else {
        let notice = format!("{mail} from {}, which is not their verified address. It was not sent to the client.", writer.address);
        (Role::Note(notice), format!("{} is not a verified address of {name}", writer.address))
    };
    (Some(role), why)
}

/// The client's message enters as such, that of an agent who takes part as a note. `proven`: the
/// writer has got our mail.
fn as_participant(ticket: &TicketSnapshot, writer: Writer<'_>, desk: &Desk, proven: bool) -> (Option<Role>, String) {
    if writer.trust == Trust::Failed {
        return (None, format!("the authentication of {} failed", writer.address));
    }
    if writer.clients.contains(&ticket.client_id) {
        return (Some(Role::Client), format!("{} is the ticket's client", writer.address));
    }
    let user = writer.user.filter(|user| desk.is_among(*user, &ticket.assignees) || desk.is_among(*user, &ticket.cc));
    if let Some(user) = user.and_then(|user| desk.users.get(&user)) {
        let notice = format!("{} wrote this past their own reply address. It was not sent to the client.", user.name);
        return (Some(Role::Note(notice)), format!("{} works on the ticket", user.handle));
    }
    match writer.automatic {
        Some(sign) if proven => {
            let notice = format!("A program answered our mail ({sign}).");
            (Some(Role::Note(notice)), format!("a program answered our mail ({sign})"))
        }
        _ => (None, format!("{} takes no part in the ticket", writer.address)),
    }
}
