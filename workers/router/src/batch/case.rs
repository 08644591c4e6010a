//! A message with what is known of its sender.

use chrono::{DateTime, Utc};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::message_ids::MessageIdOrigin;
use switchboard_common::db::routing::{Account, Desk};
use switchboard_common::db::tickets::{MessageDirection, MessageKind, MessageRow};
use switchboard_common::domain::event::Actor;
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::inbound::{InboundMessage, Trust};
use switchboard_common::ids::{AmbiguityId, ClientId, InboundId, TicketId, UserId};

use super::gather::Known;
use crate::clients::Sender;
use crate::thread::Writer;

/// A message with what is known of its sender.
pub(super) struct Case<'a> {
    pub inbound_id: InboundId,
    pub message: &'a InboundMessage,
    pub account: &'a Account,
    /// The channel's own key of whoever wrote.
    pub key: ExternalId,
    pub name: Option<&'a str>,
    pub user: Option<UserId>,
    pub sender: Sender,
    pub client: ClientId,
    /// That client and those who are the same one.
    pub clients: Vec<ClientId>,
    pub automatic: Option<String>,
    pub flags: Vec<String>,
    pub now: DateTime<Utc>,
}

/// Whom of the desk the channel says that it was. Whoever is not who they say is nobody of it.
fn user_of(message: &InboundMessage, desk: &Desk) -> Option<UserId> {
    let keys = message.sender_ids().into_iter().filter(|key| key.kind() == ExternalKind::Email && message.trust != Trust::Failed);
    keys.filter_map(|key| desk.addresses.get(key.value()).copied()).find(|user| desk.users.contains_key(user))
}

fn is_own_address(desk: &Desk, key: &ExternalId) -> bool {
    key.kind() == ExternalKind::Email && desk.accounts.values().any(|account| account.takes_mail && account.address == key.value())
}

/// The client whose message it is, and those who are the same one.
pub(super) fn clients_of(known: &Known<'_>, message: &InboundMessage) -> Vec<ClientId> {
    let sender = known.senders.find(message);
    sender.map(|sender| known.senders.group(message.tenant_id, sender.client_id)).unwrap_or_default()
}

/// What was there a moment ago: rather a dead letter than a message that nobody sees.
pub(super) fn lost(what: &str) -> Failure {
    Failure::Reject(format!("its {what} was checked and is gone: this is a fault of Switchboard"))
}

/// Who wrote it, and whether that was a program.
pub(super) fn examine<'a>(
    known: &Known<'_>,
    desk: &'a Desk,
    ambient: &Ambient,
    inbound_id: InboundId,
    message: &'a InboundMessage,
) -> Result<Case<'a>, Failure> {
    let account = desk.accounts.get(&message.account_id).ok_or_else(|| lost("account"))?;
    let key = message.sender_ids().into_iter().next().ok_or_else(|| lost("sender"))?;
    let mut sender = known.senders.find(message).ok_or_else(|| lost("client"))?;
    sender.search.ambiguity = (!sender.candidates.is_empty()).then(|| ambient.new_id());
    let own_id = message.message_id.as_ref().and_then(|id| known.message_ids.get(&(message.tenant_id, id.clone())));
    let mut automatic = message.automatic.clone();
    let mut flags = message.flags.clone();
    match own_id.map(|id| id.origin) {
        Some(MessageIdOrigin::Ours) => automatic = Some("our own Message-ID".to_owned()),
        Some(MessageIdOrigin::Seen) => flags.push("same Message-ID as an earlier mail, other content".to_owned()),
        Some(MessageIdOrigin::Referenced) | None => {}
    }
    if is_own_address(desk, &key) {
        automatic.get_or_insert_with(|| "sent from the desk's own address".to_owned());
    }
    let user = user_of(message, desk);
    Ok(Case {
        inbound_id,
        message,
        account,
        name: message.sender_name().filter(|name| !name.trim().is_empty()),
        key,
        user,
        client: sender.client_id,
        clients: known.senders.group(message.tenant_id, sender.client_id),
        sender,
        automatic,
        flags,
        now: ambient.now(),
    })
}

/// The author's name.
pub(super) fn describe_author(author: Actor, case: &Case<'_>, desk: &Desk) -> String {
    match author {
        Actor::User(id) => desk.users.get(&id).map_or_else(|| "an agent".to_owned(), |user| user.name.clone()),
        Actor::Client(_) | Actor::System => case.name.unwrap_or(case.key.value()).to_owned(),
    }
}

/// What an agent should know of whose message it is, where it could be several clients'.
pub(super) fn undecided(case: &Case<'_>, author: Actor) -> Option<String> {
    let id: AmbiguityId = case.sender.search.ambiguity.filter(|_| author == Actor::Client(case.client))?;
    let several: Vec<String> = case.sender.candidates.iter().map(|c| format!("{} ({})", c.name, c.reason)).collect();
    Some(format!(
        "This could be from several clients: {}. Until somebody decides, it has a client of its own: \
         `switchboard client decide {id} CLIENT --by HANDLE`, with `new` for somebody else.",
        several.join(", or ")
    ))
}

impl Case<'_> {
    /// Who wrote, as far as a ticket is concerned.
    pub(super) fn writer(&self) -> Writer<'_> {
        Writer {
            address: self.key.value(),
            user: self.user,
            clients: &self.clients,
            trust: self.message.trust,
            automatic: self.automatic.as_deref(),
            quotes_desk: self.message.quotes_desk,
        }
    }
}

/// What an agent should know of attachments that were not kept.
pub(super) fn not_kept(case: &Case<'_>) -> Option<String> {
    let InboundMessage { refused, refused_more, raw, .. } = case.message;
    let mut lines: Vec<String> = refused.iter().map(|refused| format!("{refused}.")).collect();
    match refused_more {
        0 => {}
        1 => lines.push("One more attachment was not kept.".to_owned()),
        more => lines.push(format!("{more} more attachments were not kept.")),
    }
    if !lines.is_empty() && raw.is_some() {
        let id = case.inbound_id;
        lines.push(format!("The mail as it came is kept whole: `switchboard explain message {id} --raw` writes it out."));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The message's row, as far as neither the ticket nor its texts matter.
pub(super) fn message_row(case: &Case<'_>, ambient: &Ambient, ticket_id: TicketId) -> MessageRow {
    let message = case.message;
    MessageRow {
        tenant_id: message.tenant_id,
        id: ambient.new_id(),
        ticket_id,
        position: 0,
        kind: MessageKind::Public,
        direction: MessageDirection::In,
        channel: message.channel.as_str(),
        author: Actor::System,
        sender_name: case.name.map(str::to_owned),
        sender_address: Some(case.key.value().to_owned()),
        subject: message.subject.clone(),
        text: String::new(),
        full_text: None,
        html: None,
        notice: None,
        trust: message.trust,
        automatic: case.automatic.clone(),
        inbound_id: Some(case.inbound_id),
        sent_at: message.sent_at,
        received_at: message.received_at,
        attachments: message.attachments.clone(),
    }
}
