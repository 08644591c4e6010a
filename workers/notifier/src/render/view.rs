//! A letter as the templates see it: everything is there under every template, with what strangers
//! wrote made safe.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use switchboard_common::db::letters::{Letter, LetterFailure, LetterMessage};
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::inbound::size_in_words;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::reply_marker::REPLY_MARKER;

use super::brand::Brand;
use super::language::Language;
use super::phrases::Catalogue;
use super::{Draft, Enclosures, RenderError, Template, clean};

/// Of a longer text a notification by mail or webhook shows the beginning, in bytes. An answer goes out whole.
const LONGEST_TEXT: usize = 32 * 1024;
/// The same for a chat, where a message is no place to read long.
const LONGEST_CHAT: usize = 3000;

#[derive(Debug, Serialize)]
pub(super) struct View {
    #[serde(flatten)]
    pub frame: Frame,
    pub number: i64,
    pub title: String,
    /// Why the reader is told.
    pub reason: String,
    pub client: Client,
    pub department: Option<String>,
    pub actor: Option<String>,
    pub message: Option<Message>,
    pub failure: Option<Failure>,
    /// What happened, in a sentence; of a template for clients, which say it themselves, empty.
    pub headline: String,
    /// Whom an answer to the mail goes to; empty for clients.
    pub closing: String,
    /// What became of an answer, if that is what it is about.
    pub said: Option<String>,
}

/// What every template sees.
#[derive(Debug, Serialize)]
pub(super) struct Frame {
    /// The line above which the reader answers.
    marker: &'static str,
    /// The template's name.
    template: &'static str,
    #[serde(flatten)]
    pub brand: Brand,
    pub reader: String,
    /// The language of what is built in.
    pub language: &'static str,
    /// The language of the template.
    locale: &'static str,
    timezone: &'static str,
    /// The link by which the reader stops what is like it.
    unsubscribe: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Client {
    pub name: String,
    pub address: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub author: String,
    pub at: DateTime<Utc>,
    pub is_note: bool,
    pub text: String,
    pub notice: Option<String>,
    pub automatic: Option<String>,
    /// The names of the files that come along.
    pub enclosed: Vec<String>,
    /// The names of those that do not.
    pub left_out: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Failure {
    pub address: String,
    pub answer: String,
}

impl Frame {
    pub fn new(template: Template, brand: Brand, reader: &str, language: &Language<'_>, zone: Tz, unsubscribe: Option<&str>) -> Self {
        let tag = language.catalogue.tag;
        Self {
            marker: REPLY_MARKER,
            template: template.as_str(),
            brand,
            reader: clean::header(reader),
            language: tag,
            locale: tag,
            timezone: zone.name(),
            unsubscribe: unsubscribe.map(clean::header),
        }
    }
}

impl View {
    pub fn new(draft: &Draft<'_>, template: Template, language: &Language<'_>) -> Result<Self, RenderError> {
        let letter = draft.letter;
        let phrases = language.catalogue;
        let mut view = Self {
            frame: Frame::new(
                template,
                Brand::new(&letter.branding),
                &letter.recipient_name,
                language,
                letter.timezone,
                stoppable(draft, template),
            ),
            number: letter.ticket.number,
            title: title(&letter.ticket.title, phrases),
            reason: phrases.reason(&clean::header(&letter.reason)),
            client: Client { name: clean::header(&letter.client_name), address: letter.client_address.as_deref().map(clean::header) },
            department: letter.department.as_deref().map(clean::header),
            actor: letter.actor_name.as_deref().map(clean::header),
            message: None,
            failure: letter.failure.as_ref().map(|failure| Failure::new(failure, phrases)),
            headline: String::new(),
            closing: String::new(),
            said: None,
        };
        if let Some(message) = &letter.message {
            view.message = Some(Message::new(message, letter, template, draft.enclosures, phrases)?);
        }
        if !template.is_for_client() {
            view.tell(template, phrases)?;
        }
        Ok(view)
    }

    /// Says what happened, as one of the desk's own people reads it.
    fn tell(&mut self, template: Template, phrases: &Catalogue) -> Result<(), RenderError> {
        let section = template.section();
        let is_note = self.message.as_ref().is_some_and(|message| message.is_note);
        let headline = match template {
            Template::MessageAddedAgent if is_note => "headline_note",
            Template::MentionAgent | Template::TicketAssignedAgent | Template::TicketClosedAgent if self.actor.is_some() => "headline_by",
            _ => "headline",
        };
        let value = |name: &str| match name {
            "number" => Some(self.number.to_string()),
            "actor" => self.actor.clone(),
            "client.name" => Some(self.client.name.clone()),
            "address" => self.failure.as_ref().map(|failure| failure.address.clone()),
            "answer" => self.failure.as_ref().map(|failure| failure.answer.clone()),
            _ => None,
        };
        let closing = match template {
            Template::TicketClosedAgent | Template::DeliveryFailedAgent | Template::DeliveryPartialAgent => format!("{section}.closing"),
            _ => "common.answers_go".to_owned(),
        };
        let said = match template {
            Template::DeliveryFailedAgent | Template::DeliveryPartialAgent => Some(phrases.say(&format!("{section}.said"), value)?),
            _ => None,
        };
        let (headline, closing) = (phrases.say(&format!("{section}.{headline}"), value)?, phrases.say(&closing, value)?);
        (self.headline, self.closing, self.said) = (headline, closing, said);
        Ok(())
    }
}

/// The link by which the reader stops what is like it: not of a client's own ticket, and not of what must be known.
pub(super) fn stoppable<'d>(draft: &Draft<'d>, template: Template) -> Option<&'d str> {
    draft.unsubscribe.filter(|_| draft.letter.is_optional && !template.is_for_client())
}

pub(super) fn title(title: &str, phrases: &Catalogue) -> String {
    let title = clean::header(clean::without_reply_prefix(title));
    if title.is_empty() { phrases.say("common.no_subject", |_| None).unwrap_or_default() } else { title }
}

impl Message {
    fn new(
        message: &LetterMessage,
        letter: &Letter,
        template: Template,
        enclosures: &Enclosures,
        phrases: &Catalogue,
    ) -> Result<Self, RenderError> {
        let text = message.text.trim_end();
        let most = match letter.method {
            Method::Email | Method::Webhook => LONGEST_TEXT,
            Method::Slack | Method::Whatsapp | Method::Sms => LONGEST_CHAT,
        };
        Ok(Self {
            author: clean::header(&message.author),
            at: message.received_at,
            is_note: message.kind == MessageKind::Note,
            text: if template.is_answer() { clean::body(text) } else { beginning(text, most, phrases)? },
            notice: message.notice.as_deref().map(clean::body),
            automatic: message.automatic.as_deref().map(clean::header),
            enclosed: enclosures.files.iter().map(|file| clean::header(&file.name)).collect(),
            left_out: enclosures.left_out.iter().map(|name| clean::header(name)).collect(),
        })
    }
}

/// As much of a text as a notification shows, and how much there is beside it.
fn beginning(text: &str, most: usize, phrases: &Catalogue) -> Result<String, RenderError> {
    let end = text.floor_char_boundary(most);
    if end == text.len() {
        return Ok(clean::body(text));
    }
    // Not in the middle of a line, where lines are not all of the text.
    let end = text[..end].rfind('\n').filter(|line| *line > most / 2).unwrap_or(end);
    let more = size_in_words((text.len() - end) as u64);
    let more = phrases.say("common.more_text", |name| (name == "size").then(|| more.clone()))?;
    Ok(format!("{}\n\n{more}", clean::body(&text[..end])))
}

impl Failure {
    fn new(failure: &LetterFailure, phrases: &Catalogue) -> Self {
        let address = clean::header(&failure.address);
        let address = if address.is_empty() { phrases.say("common.the_client", |_| None).unwrap_or_default() } else { address };
        Self { address, answer: clean::header(&failure.answer) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::phrases::english;
    use super::*;

    #[test]
    fn a_notification_shows_the_beginning_of_a_long_text() {
        let beginning = |text: &str| super::beginning(text, LONGEST_TEXT, english()).expect("a text");
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
