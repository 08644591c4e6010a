//! A letter as the templates see it: everything is there under every template, with what strangers
//! wrote made safe.

use serde::Serialize;
use switchboard_common::db::letters::{Letter, LetterFailure, LetterMessage};
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::inbound::size_in_words;
use switchboard_common::domain::reply_marker::REPLY_MARKER;

use super::clean;
use super::{Enclosures, Template};

/// Of a longer text a notification shows the beginning, in bytes. An answer goes out whole.
const LONGEST_TEXT: usize = 32 * 1024;

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
    pub fn new(letter: &Letter, template: Template, enclosures: &Enclosures) -> Self {
        Self {
            marker: REPLY_MARKER,
            brand: clean::header(&letter.branding.brand),
            number: letter.ticket.number,
            title: title(&letter.ticket.title),
            reason: clean::header(&letter.reason),
            reader: clean::header(&letter.recipient_name),
            client: Client { name: clean::header(&letter.client_name), address: letter.client_address.as_deref().map(clean::header) },
            department: letter.department.as_deref().map(clean::header),
            actor: letter.actor_name.as_deref().map(clean::header),
            message: letter.message.as_ref().map(|message| Message::new(message, template, enclosures)),
            failure: letter.failure.as_ref().map(Failure::new),
        }
    }
}

fn title(title: &str) -> String {
    let title = clean::header(clean::without_reply_prefix(title));
    if title.is_empty() { "(no subject)".to_owned() } else { title }
}

impl Message {
    fn new(message: &LetterMessage, template: Template, enclosures: &Enclosures) -> Self {
        let text = message.text.trim_end();
        Self {
            author: clean::header(&message.author),
            when: message.received_at.format("%-d %B %Y, %H:%M UTC").to_string(),
            is_note: message.kind == MessageKind::Note,
            text: if template.is_answer() { clean::body(text) } else { beginning(text) },
            notice: message.notice.as_deref().map(clean::body),
            automatic: message.automatic.as_deref().map(clean::header),
            enclosed: enclosures.files.iter().map(|file| clean::header(&file.name)).collect(),
            left_out: enclosures.left_out.iter().map(|name| clean::header(name)).collect(),
        }
    }
}

/// As much of a text as a notification shows, and how much there is beside it.
fn beginning(text: &str) -> String {
    let end = text.floor_char_boundary(LONGEST_TEXT);
    if end == text.len() {
        return clean::body(text);
    }
    // Not in the middle of a line, where lines are not all of the text.
    let end = text[..end].rfind('\n').filter(|line| *line > LONGEST_TEXT / 2).unwrap_or(end);
    let more = size_in_words((text.len() - end) as u64);
    format!("{}\n\n[{more} more of the text are on the ticket]", clean::body(&text[..end]))
}

impl Failure {
    fn new(failure: &LetterFailure) -> Self {
        let address = clean::header(&failure.address);
        Self { address: if address.is_empty() { "the client".to_owned() } else { address }, answer: clean::header(&failure.answer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_shows_the_beginning_of_a_long_text() {
        assert_eq!(beginning(&"ü".repeat(LONGEST_TEXT / 2)).chars().count(), LONGEST_TEXT / 2);
        let long = beginning(&"one line\n".repeat(500_000));
        assert!(
            long.starts_with("one line\none line\n") && long.ends_with("line\n\n[4.4 MB more of the text are on the ticket]"),
            "{}",
            long.len()
        );
        assert!(long.len() < LONGEST_TEXT + 100);
        assert!(beginning(&"+".repeat(4_000_000)).starts_with("+++"));
    }
}
