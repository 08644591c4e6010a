//! A letter as the templates see it: everything is there under every template, with what strangers
//! wrote made safe.

use serde::Serialize;
use switchboard_common::db::letters::{Letter, LetterFailure, LetterMessage};
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::reply_marker::REPLY_MARKER;

use super::Enclosures;
use super::clean;

#[derive(Debug, Serialize)]
pub(super) struct View {
    /// The line above which the reader answers.
    marker: &'static str,
    brand: String,
    number: i64,
    title: String,
    /// Why the reader is told.
    reason: String,
    reader: String,
    client: Client,
    department: Option<String>,
    actor: Option<String>,
    message: Option<Message>,
    failure: Option<Failure>,
}

#[derive(Debug, Serialize)]
struct Client {
    name: String,
    address: Option<String>,
}

#[derive(Debug, Serialize)]
struct Message {
    author: String,
    when: String,
    is_note: bool,
    text: String,
    notice: Option<String>,
    automatic: Option<String>,
    /// The names of the files that come with the mail.
    enclosed: Vec<String>,
    /// The names of those that do not.
    left_out: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Failure {
    address: String,
    answer: String,
}

impl View {
    pub fn new(letter: &Letter, enclosures: &Enclosures) -> Self {
        Self {
            marker: REPLY_MARKER,
            brand: clean::header(&letter.brand),
            number: letter.ticket.number,
            title: title(&letter.ticket.title),
            reason: clean::header(&letter.reason),
            reader: clean::header(&letter.recipient_name),
            client: Client { name: clean::header(&letter.client_name), address: letter.client_address.as_deref().map(clean::header) },
            department: letter.department.as_deref().map(clean::header),
            actor: letter.actor_name.as_deref().map(clean::header),
            message: letter.message.as_ref().map(|message| Message::new(message, enclosures)),
            failure: letter.failure.as_ref().map(Failure::new),
        }
    }
}

fn title(title: &str) -> String {
    let title = clean::header(clean::without_reply_prefix(title));
    if title.is_empty() { "(no subject)".to_owned() } else { title }
}

impl Message {
    fn new(message: &LetterMessage, enclosures: &Enclosures) -> Self {
        Self {
            author: clean::header(&message.author),
            when: message.received_at.format("%-d %B %Y, %H:%M UTC").to_string(),
            is_note: message.kind == MessageKind::Note,
            text: clean::body(message.text.trim_end()),
            notice: message.notice.as_deref().map(clean::body),
            automatic: message.automatic.as_deref().map(clean::header),
            enclosed: enclosures.files.iter().map(|file| clean::header(&file.name)).collect(),
            left_out: enclosures.left_out.iter().map(|name| clean::header(name)).collect(),
        }
    }
}

impl Failure {
    fn new(failure: &LetterFailure) -> Self {
        let address = clean::header(&failure.address);
        Self { address: if address.is_empty() { "the client".to_owned() } else { address }, answer: clean::header(&failure.answer) }
    }
}
