//! What is posted to a URL. It is a contract with whoever reads it (docs/webhooks.md), so no template changes it.

use serde_json::{Value, json};
use switchboard_common::db::tickets::MessageKind;

use super::collected::Collected;
use super::view::View;
use super::{DigestDraft, Draft, Template, clean};

/// Counted up when a key goes or means something else; new keys may come at any time.
const VERSION: u32 = 1;

/// The body for a letter.
pub(super) fn of_letter(draft: &Draft<'_>, template: Template, view: &View) -> String {
    let letter = draft.letter;
    let message = letter.message.as_ref().zip(view.message.as_ref()).map(|(message, shown)| {
        json!({
            "id": message.id,
            "kind": kind(message.kind),
            "author": shown.author,
            "received_at": shown.at,
            "text": shown.text,
            "notice": shown.notice,
            "automatic": shown.automatic,
            "attachments": shown.enclosed.iter().chain(&shown.left_out).collect::<Vec<_>>(),
        })
    });
    let failure = view.failure.as_ref().map(|failure| json!({ "address": failure.address, "answer": failure.answer }));
    body(
        template,
        draft.now,
        json!({
            "headline": view.headline,
            "reason": clean::header(&letter.reason),
            "recipient": view.frame.reader,
            "actor": view.actor,
            "ticket": {
                "id": letter.ticket_id,
                "number": letter.ticket.number,
                "title": view.title,
                "state": letter.ticket.state,
                "department": view.department,
                "client": { "name": view.client.name, "address": view.client.address },
            },
            "message": message,
            "failure": failure,
        }),
    )
}

/// The body for a digest.
pub(super) fn of_digest(draft: &DigestDraft<'_>, view: &Collected) -> String {
    let causes: std::collections::BTreeSet<_> = draft.letter.items.iter().map(|item| &item.cause).collect();
    body(
        Template::Digest,
        draft.now,
        json!({ "recipient": view.frame.reader, "count": view.count, "more": view.more, "causes": causes, "tickets": view.tickets }),
    )
}

fn body(template: Template, now: chrono::DateTime<chrono::Utc>, data: Value) -> String {
    let audience = if template.is_for_client() { "client" } else { "agent" };
    json!({ "version": VERSION, "type": template.event(), "audience": audience, "timestamp": now, "data": data }).to_string()
}

fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Public => "public",
        MessageKind::Note => "note",
        MessageKind::System => "system",
    }
}
