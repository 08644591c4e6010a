//! From a letter to the bytes of a mail. Pure: what the mail says was read before, and nothing here
//! looks anything up.

mod clean;
mod mail;
#[cfg(test)]
mod samples;
mod templates;
mod thread;
mod view;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use switchboard_common::db::letters::{DigestLetter, Earlier, Letter};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::templates::Overrides;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::method::Method;
use switchboard_common::reply_token::SigningKeys;

pub use templates::Template;

/// A mail, ready to be handed over.
#[derive(Debug, Clone)]
pub struct Mail {
    /// From whom and to whom, as the mail servers see it.
    pub envelope: Envelope,
    /// The mail.
    pub bytes: Vec<u8>,
}

/// What is handed over on a channel.
#[derive(Debug, Clone)]
pub enum Content {
    /// A mail.
    Mail(Mail),
    /// A message on Slack: its blocks (Block Kit), and the text for where they are not shown.
    Slack {
        /// The text.
        text: String,
        /// The blocks, an array.
        blocks: serde_json::Value,
        /// Files that go into the same thread.
        files: Vec<File>,
    },
    /// A message on WhatsApp within its window.
    Whatsapp {
        /// The text.
        text: String,
        /// Files, a message each.
        files: Vec<File>,
    },
    /// A message on WhatsApp outside of its window: an approved template.
    WhatsappTemplate {
        /// Its name.
        name: String,
        /// Its language code.
        language: String,
        /// The parameters of its body.
        parameters: Vec<String>,
    },
    /// A short message.
    Sms(String),
    /// The JSON that is posted to a URL.
    Webhook(String),
}

/// A file that comes with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The files of the message that a mail is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enclosures {
    /// Those that come with the mail.
    pub files: Vec<File>,
    /// The names of those that are too large for it.
    pub left_out: Vec<String>,
}

/// Why a letter cannot be written. Trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The database names a template that is not there.
    #[error("there is no template {0}")]
    NoTemplate(String),
    /// A template asks for what the letter does not have.
    #[error("the template cannot be filled in: {0}")]
    Template(#[from] handlebars::RenderError),
    /// An address that no mail can be sent to or from.
    #[error("mail cannot be sent {0}: it is not a mail address")]
    Address(&'static str),
    /// The window of a WhatsApp chat is shut, and the account has no approved template.
    #[error("the reader wrote nothing for 24 hours, and the account has no approved template")]
    WindowClosed,
    /// An answer is longer than its channel takes.
    #[error("the text has {length} characters, and {method} takes {most}")]
    TooLong {
        /// The channel.
        method: Method,
        /// Its length in characters.
        length: usize,
        /// The most.
        most: usize,
    },
    /// The mail could not be put together.
    #[error("the mail cannot be put together: {0}")]
    Mail(#[from] std::io::Error),
}

/// All that a mail is written from.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// What it says.
    pub letter: &'a Letter,
    /// What its reader wrote and got before.
    pub earlier: &'a [Earlier],
    /// The files.
    pub enclosures: &'a Enclosures,
    /// The keys of the tenant's reply addresses.
    pub keys: &'a SigningKeys,
    /// The tenant's own words.
    pub overrides: &'a Overrides,
    /// The link by which the reader stops what is like it (RFC 8058), where there is one.
    pub unsubscribe: Option<&'a str>,
    /// For WhatsApp: the approved template of the account, for when the window is shut.
    pub approved: Option<Approved<'a>>,
    /// When it is sent.
    pub now: DateTime<Utc>,
}

/// An approved template of a WhatsApp account, with one parameter in its body: the text.
#[derive(Debug, Clone, Copy)]
pub struct Approved<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its language codes by locale; `default` for all others.
    pub languages: &'a BTreeMap<String, String>,
}

/// All that a digest is written from.
#[derive(Debug, Clone, Copy)]
pub struct DigestDraft<'a> {
    /// What it says.
    pub letter: &'a DigestLetter,
    /// The tenant's own words.
    pub overrides: &'a Overrides,
    /// The link by which the reader stops digests (RFC 8058), where there is one.
    pub unsubscribe: Option<&'a str>,
    /// For WhatsApp with its window shut: the approved template of the account.
    pub approved: Option<Approved<'a>>,
    /// When it is sent.
    pub now: DateTime<Utc>,
}

/// Writes what is handed over for a digest.
///
/// # Errors
/// When an address is none, or a template of the tenant cannot be filled in.
pub fn digest(draft: DigestDraft<'_>) -> Result<Content, RenderError> {
    Err(RenderError::NoTemplate(format!("{} for {}", Template::Digest.as_str(), draft.letter.method)))
}

/// Writes what is handed over.
///
/// # Errors
/// When the letter is not complete, or an address is none.
pub fn render(draft: Draft<'_>) -> Result<Content, RenderError> {
    let letter = draft.letter;
    let template = Template::parse(&letter.template).ok_or_else(|| RenderError::NoTemplate(letter.template.clone()))?;
    let written = templates::write(template, &view::View::new(letter, template, draft.enclosures))?;
    let thread = match letter.recipient {
        ReplyRecipient::Client(_) => thread::of_client(draft.earlier),
        ReplyRecipient::User(_) => thread::of_user(draft.earlier),
    };
    let account = EmailAddress::parse(&letter.account_address).map_err(|_| RenderError::Address("from the account's address"))?;
    let reply_address = letter.reply_row.and_then(|row| draft.keys.address(&account, row)).unwrap_or_else(|| account.clone());
    let bytes = mail::build(&draft, template, &written, &thread, &reply_address)?;
    let from = reply_address.as_str().parse().map_err(|_| RenderError::Address("from the reader's reply address"))?;
    let to = letter.address.parse().map_err(|_| RenderError::Address("to the reader's address"))?;
    let envelope = Envelope::new(Some(from), vec![to]).map_err(|_| RenderError::Address("to nobody"))?;
    Ok(Content::Mail(Mail { envelope, bytes }))
}
