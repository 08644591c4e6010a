//! Whether what points at a ticket lets its writer in, and as what.

use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::routing::{Desk, ThreadingPolicy};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::UserId;

use super::{Candidate, Evidence, Role, Writer};

/// As what a message may enter a ticket, if it may, and why.
pub(super) fn judge(candidate: &Candidate<'_>, writer: Writer<'_>, desk: &Desk, policy: ThreadingPolicy) -> (Option<Role>, String) {
    match &candidate.evidence {
        Evidence::OwnMail => {
            let why = "our own mail came back; it is recorded and triggers nothing".to_owned();
            (Some(Role::Note(why.clone())), why)
        }
        Evidence::ReplyAddress(ReplyRecipient::User(user)) => to_agents_address(*user, writer, desk),
        Evidence::ReplyAddress(ReplyRecipient::Client(_)) | Evidence::OurMessageId(_) => {
            as_participant(candidate.ticket, writer, desk, true)
        }
        Evidence::MessageId(_) | Evidence::Awaited => {
            asked_for_proof(as_participant(candidate.ticket, writer, desk, false), writer, policy)
        }
        Evidence::Thread(_) => asked_for_proof(in_thread(candidate.ticket, writer, desk, policy), writer, policy),
        Evidence::SameMessageId => asked_for_proof(with_same_id(candidate.ticket, writer), writer, policy),
        // Whether that holds was seen when it was found.
        Evidence::Window(_) => (Some(Role::Client), format!("of the open tickets of {}, it is the one last written to", writer.address)),
        Evidence::Number(_) => by_number(candidate.ticket, writer),
    }
}

/// Some accounts let nobody in who proves neither to be who they say nor to have got our mail.
fn asked_for_proof(judged: (Option<Role>, String), writer: Writer<'_>, policy: ThreadingPolicy) -> (Option<Role>, String) {
    match judged {
        (Some(_), why) if policy == ThreadingPolicy::Proof && writer.trust != Trust::Verified => {
            (None, format!("{why}, but this account asks for proof of having got our mail"))
        }
        judged => judged,
    }
}

/// Whoever the chat authenticated in a thread takes part in it.
fn in_thread(ticket: &TicketSnapshot, writer: Writer<'_>, desk: &Desk, policy: ThreadingPolicy) -> (Option<Role>, String) {
    let judged = as_participant(ticket, writer, desk, false);
    if judged.0.is_some() || writer.trust != Trust::Verified || policy == ThreadingPolicy::Proof {
        return judged;
    }
    match writer.user.and_then(|user| desk.users.get(&user)) {
        Some(user) => {
            let notice = format!("{} wrote this in the client's thread. It was not sent by Switchboard.", user.name);
            (Some(Role::Note(notice)), format!("{} wrote in its thread", user.handle))
        }
        None => (Some(Role::Client), format!("the chat authenticated {} in its thread", writer.address)),
    }
}

/// A sender chooses the Message-ID: it is worth nothing but to the ticket's own client, such as one whose
/// mail came a second time by a mailing list that changed it.
fn with_same_id(ticket: &TicketSnapshot, writer: Writer<'_>) -> (Option<Role>, String) {
    if writer.trust == Trust::Failed {
        return (None, format!("the authentication of {} failed", writer.address));
    }
    if writer.clients.contains(&ticket.client_id) {
        return (Some(Role::Client), format!("{} is the ticket's client", writer.address));
    }
    (None, "a sender chooses the Message-ID, so the same one with other content proves nothing".to_owned())
}

/// A number can be written by anybody: it is worth nothing but to the authenticated client.
fn by_number(ticket: &TicketSnapshot, writer: Writer<'_>) -> (Option<Role>, String) {
    let is_client = writer.clients.contains(&ticket.client_id);
    match (is_client, writer.trust) {
        (true, Trust::Verified) => (Some(Role::Client), format!("{} is the ticket's client, and was authenticated", writer.address)),
        (true, _) => (None, format!("anybody can write a number, and {} was not authenticated", writer.address)),
        (false, _) => (None, "anybody can write a number".to_owned()),
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
