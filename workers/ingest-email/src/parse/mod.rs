//! From raw bytes to a plain [`ParsedMail`]: pure, total, in time that grows with the size alone.
//!
//! In the order of the way through it: `fields` splits the header, `mime` the structure; `decode`
//! undoes what bytes were encoded with and `values` reads what stands in a field; `body` tells text
//! from `html` from `attachment`s; `automatic` tells programs from persons; `key` makes the dedupe
//! key. What was odd on the way is a [`Flag`].

mod attachment;
mod automatic;
mod body;
mod decode;
mod fields;
mod flags;
mod html;
mod key;
mod mime;
mod values;

use std::collections::HashSet;
use std::panic::catch_unwind;

use chrono::{DateTime, Utc};
use switchboard_common::domain::address::{EmailAddress, Mailbox};

pub use attachment::Attachment;
pub use flags::Flag;

use crate::trim;
use body::Body;
use flags::Flags;
use mime::Part;

/// What the mail server says beside the mail itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SmtpEnvelope {
    /// Whom to tell when the mail does not arrive: empty for nobody, `None` when it is not known.
    pub sender: Option<String>,
    /// Whom it is for.
    pub recipients: Vec<String>,
}

/// A mail as a reader of it needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedMail {
    /// Who wrote it: From, failing that Sender, Reply-To, Return-Path or the envelope's sender.
    pub from: Option<Mailbox>,
    /// Every address that it was sent to, wherever it stood, those closest to the delivery first.
    pub recipients: Vec<EmailAddress>,
    /// The subject, decoded, on one line.
    pub subject: String,
    /// The first Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The ids that it refers to, the nearest parent last.
    pub references: Vec<String>,
    /// The same for the same mail by whatever way it came, and another for any other mail.
    pub external_id: String,
    /// The whole text; made from the HTML where there is no other.
    pub text: String,
    /// What the person newly wrote.
    pub reply: String,
    /// The HTML as it came, not sanitised.
    pub html: Option<String>,
    /// Why it was sent by a program, if it was.
    pub automatic: Option<String>,
    /// When it says that it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// The files that came with it.
    pub attachments: Vec<Attachment>,
    /// What was odd about it.
    pub flags: Vec<Flag>,
}

/// A mail has one From; of those that have more, so many are looked into for an address.
const MOST_SENDER_FIELDS: usize = 3;
/// Fields that name recipients; what a mail server wrote at the delivery before what the sender wrote.
const RECIPIENT_FIELDS: [&str; 10] =
    ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "resent-to", "resent-cc", "to", "cc", "bcc", "apparently-to"];
/// At most so many bytes of recipients are kept, of fields that hold so many bytes.
const RECIPIENTS_SIZE: usize = 16 * 1024;
const RECIPIENT_FIELDS_SIZE: usize = 128 * 1024;
/// At most so many references are kept, and so many bytes of them.
const MOST_REFERENCES: usize = 100;
const REFERENCES_SIZE: usize = 24 * 1024;

/// Reads a mail. Any bytes whatever give one.
#[must_use]
pub fn parse(raw: &[u8], envelope: &SmtpEnvelope) -> ParsedMail {
    // The libraries promise not to panic, and are tested for it. Should one do so all the same, the
    // mail must not be lost for it, nor come again and again.
    catch_unwind(|| read(raw, envelope)).unwrap_or_else(|_| unreadable(raw))
}

fn read(raw: &[u8], envelope: &SmtpEnvelope) -> ParsedMail {
    let mut flags = Flags::default();
    let root = Part::read(raw.trim_ascii_start(), &mut flags);
    let from = sender(&root, &mut flags);
    let first_id = first_message_id(&root, &mut flags);
    let external_id = key::external_id(&root, first_id.as_deref(), from.as_ref());
    let message_id = first_id.filter(|id| is_usable(id, &mut flags));
    let from = from.or_else(|| return_path(&root, envelope, &mut flags));
    let recipients = recipients(&root, envelope, &mut flags);
    let references = references(&root, &mut flags);
    let sent_at = sent_at(&root, &mut flags);
    let subject = root.fields.first("subject").map(|value| values::text(value, &mut flags)).unwrap_or_default();
    let automatic = automatic::reason(&root, from.as_ref(), envelope);
    let Body { text, html, attachments } = Body::read(&root, &mut flags);
    let reply = trim::written_below(trim::reply(&text));
    let flags = flags.into_vec();
    ParsedMail { from, recipients, subject, message_id, references, external_id, text, reply, html, automatic, sent_at, attachments, flags }
}

/// A mail of which nothing is known but its bytes.
fn unreadable(raw: &[u8]) -> ParsedMail {
    let text = decode::clean(&String::from_utf8_lossy(raw));
    ParsedMail {
        from: None,
        recipients: Vec::new(),
        subject: String::new(),
        message_id: None,
        references: Vec::new(),
        external_id: key::of_bytes(raw),
        reply: text.clone(),
        text,
        html: None,
        automatic: None,
        sent_at: None,
        attachments: Vec::new(),
        flags: vec![Flag::Unreadable],
    }
}

/// The sender by what the sender wrote.
fn sender(root: &Part<'_>, flags: &mut Flags) -> Option<Mailbox> {
    ["From", "Sender", "Reply-To"].into_iter().find_map(|field| {
        let mailbox =
            root.fields.all(field).take(MOST_SENDER_FIELDS).find_map(|value| values::mailboxes(value, flags).into_iter().next())?;
        if field != "From" {
            flags.note(Flag::SenderFrom(field));
        }
        Some(mailbox)
    })
}

/// The sender by what the way here says.
fn return_path(root: &Part<'_>, envelope: &SmtpEnvelope, flags: &mut Flags) -> Option<Mailbox> {
    let written = root.fields.first("return-path").and_then(|value| values::mailboxes(value, flags).into_iter().next());
    let said = || envelope.sender.as_deref().and_then(|sender| EmailAddress::parse(sender.trim_matches(['<', '>'])).ok());
    let found = written.or_else(|| said().map(|email| Mailbox { name: None, email }));
    flags.note(if found.is_some() { Flag::SenderFrom("Return-Path") } else { Flag::NoSender });
    found
}

fn first_message_id(root: &Part<'_>, flags: &mut Flags) -> Option<String> {
    let mut ids = root.fields.all("message-id").flat_map(values::ids);
    let first = ids.next();
    if first.is_none() {
        flags.note(Flag::NoMessageId);
    }
    if ids.any(|id| Some(&id) != first.as_ref()) {
        flags.note(Flag::SeveralMessageIds);
    }
    first
}

/// Whether an id is short enough to be stored and looked up.
fn is_usable(id: &str, flags: &mut Flags) -> bool {
    let usable = id.len() <= values::LONGEST_LINE;
    if !usable {
        flags.note(Flag::LongMessageId);
    }
    usable
}

/// References, then those of In-Reply-To that are not among them. Of too many, the first, which
/// began the thread, and the newest.
fn references(root: &Part<'_>, flags: &mut Flags) -> Vec<String> {
    let mut seen = HashSet::new();
    let all: Vec<String> = ["references", "in-reply-to"]
        .into_iter()
        .flat_map(|field| root.fields.all(field).flat_map(values::ids))
        .filter(|id| id.len() <= values::LONGEST_LINE && seen.insert(id.clone()))
        .collect();
    let Some((first, later)) = all.split_first() else { return Vec::new() };
    let mut size = first.len();
    let fits = |id: &&String| {
        size += id.len();
        size <= REFERENCES_SIZE
    };
    let mut kept: Vec<&String> = later.iter().rev().take(MOST_REFERENCES - 1).take_while(fits).collect();
    if kept.len() < later.len() {
        flags.note(Flag::CutReferences);
    }
    kept.push(first);
    kept.into_iter().rev().cloned().collect()
}

fn recipients(root: &Part<'_>, envelope: &SmtpEnvelope, flags: &mut Flags) -> Vec<EmailAddress> {
    let said = envelope.recipients.iter().filter_map(|recipient| EmailAddress::parse(recipient.trim_matches(['<', '>'])).ok());
    let mut all: Vec<EmailAddress> = said.collect();
    let mut read = 0;
    for value in RECIPIENT_FIELDS.iter().flat_map(|field| root.fields.all(field)) {
        read += value.len();
        if read > RECIPIENT_FIELDS_SIZE {
            flags.note(Flag::CutRecipients);
            break;
        }
        all.extend(values::mailboxes(value, flags).into_iter().map(|mailbox| mailbox.email));
    }
    let mut seen = HashSet::new();
    all.retain(|email| seen.insert(email.clone()));
    let mut size = 0;
    let fit = all.iter().take_while(|email| {
        size += email.as_str().len();
        size <= RECIPIENTS_SIZE
    });
    let fit = fit.count();
    if fit < all.len() {
        flags.note(Flag::CutRecipients);
        all.truncate(fit);
    }
    all
}

fn sent_at(root: &Part<'_>, flags: &mut Flags) -> Option<DateTime<Utc>> {
    let Some(value) = root.fields.first("date") else {
        flags.note(Flag::NoDate);
        return None;
    };
    let date = values::date(value);
    if date.is_none() {
        flags.note(Flag::UnreadableDate);
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_that_nobody_can_read_is_kept_as_text_with_a_key_of_its_own() {
        let mail = unreadable(b"From: x\0\r\n\r\nbody");
        assert_eq!((mail.text.as_str(), mail.reply.as_str()), ("From: x\n\nbody", "From: x\n\nbody"));
        assert_eq!(mail.flags, [Flag::Unreadable]);
        assert_ne!(mail.external_id, unreadable(b"other").external_id);
    }
}
