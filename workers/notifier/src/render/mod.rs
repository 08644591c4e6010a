//! From a letter, or a digest, to what is handed over on its channel. Pure: what it says was read before,
//! and nothing here looks anything up.
//!
//! 1. [`language`] chooses the language, and which of the tenant's own words hold; [`phrases`] has what is
//!    built in, a file for each language.
//! 2. [`view`] and [`collected`] are what templates see: all that strangers wrote made safe by [`clean`],
//!    and how the desk presents itself ([`brand`]).
//! 3. [`page`] fills the templates in ([`words`], [`helpers`]) and fits them to their channel ([`slack`]).
//! 4. [`mail`] puts a mail together, in its [`thread`]; [`webhook`] has no templates, and writes JSON.
//!
//! docs/templates.md tells tenants what they can change.

mod brand;
mod clean;
mod collected;
mod helpers;
mod language;
mod mail;
mod page;
mod phrases;
pub mod sample;
mod slack;
mod template;
#[cfg(test)]
mod tests;
mod thread;
mod view;
mod webhook;
mod words;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use switchboard_common::db::letters::{DigestLetter, Earlier, Letter};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::templates::Overrides;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::method::Method;
use switchboard_common::reply_token::SigningKeys;

pub use brand::{is_color, is_logo};
pub use template::Template;

use collected::Collected;
use language::Language;
use mail::Sheet;
use page::{Page, Written};
use view::View;

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
    /// A phrase is missing, or lacks what it takes.
    #[error("{0}")]
    Phrase(String),
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

impl From<phrases::Speechless> for RenderError {
    fn from(speechless: phrases::Speechless) -> Self {
        Self::Phrase(speechless.to_string())
    }
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

/// Writes what is handed over.
///
/// # Errors
/// When the letter is not complete, an address is none, or the channel does not take it.
pub fn render(draft: Draft<'_>) -> Result<Content, RenderError> {
    let letter = draft.letter;
    let template = Template::parse(&letter.template)
        .filter(|template| *template != Template::Digest)
        .ok_or_else(|| RenderError::NoTemplate(letter.template.clone()))?;
    let language = Language::new(letter.locale.as_deref(), letter.branding.locale.as_deref());
    let view = View::new(&draft, template, &language)?;
    if letter.method == Method::Webhook {
        return Ok(Content::Webhook(webhook::of_letter(&draft, template, &view)));
    }
    let mut page = Page::new(template, letter.method, language, draft.overrides, &view)?;
    let answer_files = || if template.is_answer() { draft.enclosures.files.clone() } else { Vec::new() };
    match letter.method {
        Method::Email => mail_of(&draft, template, &page.mail()?),
        Method::Slack => Ok(page.slack(answer_files())?),
        Method::Sms => Ok(Content::Sms(page.short_message()?)),
        Method::Whatsapp if letter.window_open => Ok(Content::Whatsapp { text: page.whatsapp()?, files: answer_files() }),
        Method::Whatsapp => page.approved(draft.approved.ok_or(RenderError::WindowClosed)?),
        Method::Webhook => unreachable!("it has no page"),
    }
}

fn mail_of(draft: &Draft<'_>, template: Template, written: &Written) -> Result<Content, RenderError> {
    let letter = draft.letter;
    let account = EmailAddress::parse(&letter.account_address).map_err(|_| RenderError::Address("from the account's address"))?;
    let reply_address = letter.reply_row.and_then(|row| draft.keys.address(&account, row)).unwrap_or(account);
    let sheet = Sheet {
        from_name: mail::sender_name(draft, template),
        from: &letter.account_address,
        to_name: &letter.recipient_name,
        to: &letter.address,
        reply_to: Some(reply_address),
        message_id: &letter.message_id,
        thread: match letter.recipient {
            ReplyRecipient::Client(_) => thread::of_client(draft.earlier),
            ReplyRecipient::User(_) => thread::of_user(draft.earlier),
        },
        automatic: mail::auto_submitted(template),
        unsubscribe: view::stoppable(draft, template),
        files: &draft.enclosures.files,
        now: draft.now,
    };
    Ok(Content::Mail(sheet.build(written)?))
}

/// Writes what is handed over for a digest.
///
/// # Errors
/// When an address is none, a template of the tenant cannot be filled in, or the channel does not take it.
pub fn digest(draft: DigestDraft<'_>) -> Result<Content, RenderError> {
    let letter = draft.letter;
    let language = Language::new(letter.locale.as_deref(), letter.branding.locale.as_deref());
    let view = Collected::new(&draft, &language)?;
    if letter.method == Method::Webhook {
        return Ok(Content::Webhook(webhook::of_digest(&draft, &view)));
    }
    let mut page = Page::new(Template::Digest, letter.method, language, draft.overrides, &view)?;
    match (letter.method, draft.approved) {
        (Method::Slack, _) => page.slack(Vec::new()),
        (Method::Sms, _) => Ok(Content::Sms(page.short_message()?)),
        (Method::Whatsapp, Some(approved)) => page.approved(approved),
        (Method::Whatsapp, None) => Ok(Content::Whatsapp { text: page.whatsapp()?, files: Vec::new() }),
        (Method::Email | Method::Webhook, _) => {
            let sheet = Sheet {
                from_name: mail::desk_name(&letter.branding),
                from: &letter.account_address,
                to_name: &letter.recipient_name,
                to: &letter.address,
                reply_to: None,
                message_id: &letter.message_id,
                thread: thread::Thread::default(),
                automatic: mail::auto_submitted(Template::Digest),
                unsubscribe: draft.unsubscribe,
                files: &[],
                now: draft.now,
            };
            Ok(Content::Mail(sheet.build(&page.mail()?)?))
        }
    }
}
