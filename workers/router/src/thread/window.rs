//! The client's open ticket for a message that points at none.

use chrono::{DateTime, TimeDelta, Utc};
use switchboard_common::db::routing::{Account, ThreadingPolicy};
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_common::domain::policy::WindowScope;
use switchboard_common::domain::ticket::TicketSnapshot;
use switchboard_common::ids::TicketId;

use super::Writer;
use super::words::{Span, Words};

/// A window that a message may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// For how long after its last message a ticket is looked for.
    pub length: TimeDelta,
    /// The channel that the client has to have written to it on; `None` for any.
    pub on: Option<Channel>,
}

/// The window of an account for this message; why there is none where there is none.
///
/// # Errors
/// Why there is none.
pub fn applies(account: &Account, channel: Channel, writer: Writer<'_>) -> Result<Window, &'static str> {
    let length = account.policies.window.ok_or("the account has no window")?;
    if writer.trust == Trust::Failed {
        return Err("not for a sender whose authentication failed");
    }
    if writer.automatic.is_some() {
        return Err("not for what a program sent");
    }
    if writer.user.is_some() {
        return Err("not for the desk's own people");
    }
    if account.threading == ThreadingPolicy::Proof && writer.trust != Trust::Verified {
        return Err("this account asks for proof, and the sender was not authenticated");
    }
    // Who one is on another channel is not taken on trust.
    let anywhere = account.policies.window_from == WindowScope::Anywhere && writer.trust == Trust::Verified;
    Ok(Window { length, on: (!anywhere).then_some(channel) })
}

/// The ticket that takes the message, with how long ago it was last written to, and what was found in
/// words. `tickets`: those of which the client's are among.
#[must_use]
pub fn find<'t>(
    window: Window,
    writer: Writer<'_>,
    tickets: impl Iterator<Item = (TicketId, &'t TicketSnapshot)>,
    received_at: DateTime<Utc>,
) -> (Option<(TicketId, TimeDelta)>, Words) {
    let theirs = tickets.filter(|(_, ticket)| writer.clients.contains(&ticket.client_id) && !ticket.state.is_over());
    let reached = theirs.filter(|(_, ticket)| window.on.is_none_or(|channel| ticket.channels.contains(&channel)));
    // Of those written to at one time the newest: one of this batch has no number yet.
    let newest = |ticket: &TicketSnapshot| (ticket.number == 0, ticket.number);
    let latest = reached.filter_map(|(id, ticket)| Some((ticket.last_message_at?, newest(ticket), id))).max();
    let on = window.on.map_or_else(|| "any channel".to_owned(), |channel| channel.as_str().to_owned());
    let length = Span(window.length);
    let Some((last, _, ticket)) = latest else {
        return (None, Words::of(format!("no open ticket of the client on {on} within {length}: there is none")));
    };
    let since = received_at - last;
    let written = format!(", last written to {}", when(since));
    if since.abs() <= window.length {
        (Some((ticket, since)), Words::of("ticket ").ticket(ticket).and(format!(" of the client is open on {on}{written}")))
    } else {
        let missed = format!("no open ticket of the client on {on} within {length}: the latest is ");
        (None, Words::of(missed).ticket(ticket).and(written))
    }
}

/// How long ago something was, seen from the message, which may have been taken before it.
pub(super) fn when(since: TimeDelta) -> String {
    let when = if since < TimeDelta::zero() { "after this message was taken" } else { "before" };
    format!("{} {when}", Span(since))
}
