//! Whether a message is taken at all: the tenant's block list, and the mail server's verdict.

use switchboard_common::db::routing::Desk;
use switchboard_common::domain::evidence::Screening;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::domain::policy::{BlockEntry, SpamPolicy};

/// The entry of the block list that stands for the sender.
pub(super) fn blocked_by<'d>(message: &InboundMessage, desk: &'d Desk) -> Option<&'d BlockEntry> {
    if desk.blocked.is_empty() {
        return None;
    }
    let keys = message.sender_ids();
    desk.blocked.iter().find(|entry| entry.find(&keys).is_some())
}

/// The mail server's verdict, where the tenant wants no tickets of spam.
pub(super) fn unwanted<'m>(message: &'m InboundMessage, desk: &Desk) -> Option<&'m str> {
    message.spam.as_deref().filter(|_| desk.spam == SpamPolicy::Block)
}

/// What the log is told of it. `entry`: the one of the block list that stands for the sender.
pub(super) fn describe(message: &InboundMessage, desk: &Desk, entry: Option<&BlockEntry>, blocked: bool) -> Screening {
    Screening {
        saw: message.sender_ids().iter().map(ToString::to_string).collect(),
        entries: desk.blocked.len(),
        entry: entry.map(ToString::to_string),
        spam: message.spam.clone(),
        spam_policy: desk.spam.as_str().to_owned(),
        blocked,
    }
}
