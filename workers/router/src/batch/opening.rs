//! What the rules look at when a message opens a ticket.

use switchboard_common::db::routing::Desk;
use switchboard_common::domain::identity::ExternalId;

use super::case::Case;
use super::gather::Known;
use crate::rules::{self, Facts, Opened, Route};

/// Where the ticket goes that a message opens.
pub(super) fn route(known: &Known<'_>, desk: &Desk, case: &Case<'_>, opened: Opened) -> Route {
    let message = case.message;
    let sender = message.sender_ids();
    let (tenant, senders) = (message.tenant_id, &known.senders);
    // A client who is still to be written is called as the message says.
    let named = || message.sender_name().or_else(|| sender.first().map(ExternalId::value)).unwrap_or_default();
    let name = senders.name(tenant, senders.root(tenant, case.client)).unwrap_or_else(named);
    let data = serde_json::Value::Object(senders.data(tenant, case.client));
    let facts = Facts {
        channel: message.channel,
        account: &case.account.name,
        recipients: &message.recipients,
        sender: &sender,
        sender_name: message.sender_name(),
        client_name: Some(name),
        client_new: case.sender.is_new,
        client_data: Some(&data),
        subject: &message.subject,
        text: &message.reply,
        attachments: &message.attachments,
        automatic: case.automatic.as_deref(),
        trust: message.trust,
        spam: message.spam.as_deref(),
        opened,
        fields: &message.fields,
        received_at: message.received_at,
        hours: desk.hours.as_ref().map(|hours| (hours, desk.timezone)),
    };
    rules::route(desk, case.account, facts, case.now)
}
