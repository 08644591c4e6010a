//! Reads mail as a support desk needs it: from raw bytes to what a person wrote. Pure, total, in time
//! that grows with the size alone; knows nothing of databases, queues or tickets.
//!
//! In the order of the way through it: `header` splits the header and reads what stands in its
//! fields, `structure` finds the parts, `decode` undoes what bytes were encoded with; `body`
//! tells text from `html` from `attachment`s; [`trim`] finds in the text what the person newly
//! wrote; `automatic` tells programs from persons, `spam` says what a filter thought of it, and `bounce` reads what a mail system reports;
//! `key` makes the dedupe key. [`mbox`] splits a file of many mails. What was odd on the way is a [`Flag`].

mod attachment;
mod automatic;
mod body;
mod bounce;
mod decode;
mod flags;
mod header;
mod html;
mod inspect;
mod key;
mod mailbox;
pub mod mbox;
mod spam;
mod structure;
pub mod trim;

use std::collections::{HashSet, VecDeque};
use std::panic::catch_unwind;

use chrono::{DateTime, FixedOffset};

pub use attachment::Attachment;
pub use bounce::{Bounce, FailedRecipient};
pub use flags::Flag;
pub use inspect::Inspected;
pub use mailbox::Mailbox;

use body::Body;
use flags::Flags;
use mailbox::address;
use structure::{Part, Store};
use trim::Trimmed;

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
pub struct Mail {
    /// Who wrote it: From, failing that Sender, Reply-To, Return-Path or the envelope's sender.
    pub from: Option<Mailbox>,
    /// Where the sender wants answers (Reply-To).
    pub reply_to: Vec<Mailbox>,
    /// To.
    pub to: Vec<Mailbox>,
    /// Cc.
    pub cc: Vec<Mailbox>,
    /// Every address that it was sent to, wherever it stood, those closest to the delivery first.
    pub recipients: Vec<String>,
    /// The subject, decoded, on one line; empty where there is none.
    pub subject: String,
    /// The first Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The first id of In-Reply-To.
    pub in_reply_to: Option<String>,
    /// The ids of References, the nearest parent last.
    pub references: Vec<String>,
    /// The ids that it refers to: References, then those of In-Reply-To that were not among them.
    pub thread: Vec<String>,
    /// The same for the same mail by whatever way it came, and another for any other mail.
    pub external_id: String,
    /// The whole text; made from the HTML where there is no other.
    pub text: String,
    /// What the person newly wrote, where that is not all of the text; see [`Mail::reply`].
    pub trimmed: Option<String>,
    /// The sender's signature, where one was found below what was newly written.
    pub signature: Option<String>,
    /// The HTML, sanitised: safe to be shown.
    pub html: Option<String>,
    /// Why it was sent by a program, if it was.
    pub automatic: Option<String>,
    /// What says that a mail server took it for spam, if one did.
    pub spam: Option<String>,
    /// What it reports of another mail, if it is such a report.
    pub bounce: Option<Bounce>,
    /// When it says that it was sent, in the sender's zone.
    pub sent_at: Option<DateTime<FixedOffset>>,
    /// The files that came with it.
    pub attachments: Vec<Attachment>,
    /// What was odd about it.
    pub flags: Vec<Flag>,
}

impl Mail {
    /// What the person newly wrote.
    #[must_use]
    pub fn reply(&self) -> &str {
        self.trimmed.as_deref().unwrap_or_else(|| self.text.trim())
    }
}

/// A mail has one From; of those that have more, so many are looked into for an address.
const MOST_SENDER_FIELDS: usize = 3;
/// Fields that name recipients; what a mail server wrote at the delivery before what the sender wrote.
const RECIPIENT_FIELDS: [&str; 10] =
    ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "resent-to", "resent-cc", "to", "cc", "bcc", "apparently-to"];
/// At most so many bytes of recipients are kept, of fields that hold so many bytes.
const RECIPIENTS_SIZE: usize = 16 * 1024;
const RECIPIENT_FIELDS_SIZE: usize = 1024 * 1024;
/// At most so many mailboxes of one kind are kept.
const MOST_MAILBOXES: usize = 10_000;
/// At most so many references are kept, and so many bytes of them; of longer fields the beginning and
/// the end are read.
const MOST_REFERENCES: usize = 100;
const REFERENCES_SIZE: usize = 24 * 1024;
const REFERENCE_FIELDS_SIZE: usize = 256 * 1024;

/// Reads a mail. Any bytes whatever give one.
#[must_use]
pub fn read(raw: &[u8], envelope: &SmtpEnvelope) -> Mail {
    // The libraries promise not to panic, and are tested for it. Should one do so all the same, the
    // mail must not be lost for it, nor come again and again.
    catch_unwind(|| read_all(raw, envelope)).unwrap_or_else(|_| unreadable(raw))
}

fn read_all(raw: &[u8], envelope: &SmtpEnvelope) -> Mail {
    let mut flags = Flags::default();
    let (store, lines) = (Store::default(), structure::with_line_feeds(header::start(raw)));
    let root = Part::read_with(&lines, &store, &mut flags);
    let from = sender(&root, &mut flags);
    let first_id = first_message_id(&root, &mut flags);
    let external_id = key::external_id(&root, first_id.as_deref(), from.as_ref());
    let message_id = first_id.filter(|id| is_usable(id, &mut flags));
    let from = from.or_else(|| return_path(&root, envelope, &mut flags));
    let recipients = recipients(&root, envelope, &mut flags);
    let (references, in_reply_to, thread) = thread(&root, &mut flags);
    let sent_at = sent_at(&root, &mut flags);
    let subject = root.fields.first("subject").map(|value| header::text(value, &mut flags)).unwrap_or_default();
    let bounce = bounce::read(&root);
    let automatic =
        automatic::reason(&root, from.as_ref(), envelope).or_else(|| bounce.as_ref().map(|_| "a report on delivery".to_owned()));
    let mut mailboxes = |name| mailboxes(&root, name, &mut flags);
    let (reply_to, to, cc) = (mailboxes("reply-to"), mailboxes("to"), mailboxes("cc"));
    let Body { text, marks, html, html_laid, attachments } = Body::read(&root, raw.len(), &mut flags);
    let laid = html_laid.as_ref().map(|laid| (laid.text.as_str(), laid.marks.as_slice()));
    let Trimmed { reply, signature } = trim::best(&subject, &text, &marks, laid);
    let trimmed = (reply != text.trim()).then(|| reply.into_owned());
    Mail {
        from,
        reply_to,
        to,
        cc,
        recipients,
        subject,
        message_id,
        in_reply_to,
        references,
        thread,
        external_id,
        text,
        trimmed,
        signature,
        html,
        automatic,
        spam: spam::verdict(&root),
        bounce,
        sent_at,
        attachments,
        flags: flags.into_vec(),
    }
}

/// A mail of which nothing is known but its bytes.
fn unreadable(raw: &[u8]) -> Mail {
    let text = decode::clean(String::from_utf8_lossy(raw).into_owned());
    Mail {
        from: None,
        reply_to: Vec::new(),
        to: Vec::new(),
        cc: Vec::new(),
        recipients: Vec::new(),
        subject: String::new(),
        message_id: None,
        in_reply_to: None,
        references: Vec::new(),
        thread: Vec::new(),
        external_id: key::of_bytes(raw),
        text,
        trimmed: None,
        signature: None,
        html: None,
        automatic: None,
        spam: None,
        bounce: None,
        sent_at: None,
        attachments: Vec::new(),
        flags: vec![Flag::Unreadable],
    }
}

/// The sender by what the sender wrote.
fn sender(root: &Part<'_>, flags: &mut Flags) -> Option<Mailbox> {
    let fields = [("From", None), ("Sender", Some(Flag::SenderFromSender)), ("Reply-To", Some(Flag::SenderFromReplyTo))];
    fields.into_iter().find_map(|(field, flag)| {
        let mailbox =
            root.fields.all(field).take(MOST_SENDER_FIELDS).find_map(|value| header::mailboxes(value, flags).into_iter().next())?;
        if let Some(flag) = flag {
            flags.note(flag);
        }
        Some(mailbox)
    })
}

/// The sender by what the way here says.
fn return_path(root: &Part<'_>, envelope: &SmtpEnvelope, flags: &mut Flags) -> Option<Mailbox> {
    let written = root.fields.first("return-path").and_then(|value| header::mailboxes(value, flags).into_iter().next());
    let said = || envelope.sender.as_deref().and_then(|sender| address(sender.trim_matches(['<', '>'])));
    let found = written.or_else(|| said().map(|email| Mailbox { name: None, email }));
    flags.note(if found.is_some() { Flag::SenderFromReturnPath } else { Flag::NoSender });
    found
}

fn first_message_id(root: &Part<'_>, flags: &mut Flags) -> Option<String> {
    let mut ids = root.fields.all("message-id").flat_map(header::ids);
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
    let usable = id.len() <= header::LONGEST_LINE;
    if !usable {
        flags.note(Flag::LongMessageId);
    }
    usable
}

/// The addresses in all fields of a name, as far as there is room.
fn mailboxes(root: &Part<'_>, name: &str, flags: &mut Flags) -> Vec<Mailbox> {
    let mut found = Vec::new();
    let mut read = 0;
    for value in root.fields.all(name) {
        read += value.len();
        if read > RECIPIENT_FIELDS_SIZE && !found.is_empty() || found.len() > MOST_MAILBOXES {
            flags.note(Flag::CutRecipients);
            break;
        }
        found.extend(header::mailboxes(value, flags));
    }
    found.truncate(MOST_MAILBOXES);
    found
}

/// The ids of References, the first of In-Reply-To, and all of both, each once. Of too many, the
/// first, which began the thread, and the newest.
fn thread(root: &Part<'_>, flags: &mut Flags) -> (Vec<String>, Option<String>, Vec<String>) {
    let mut references = Newest::default();
    references.read(root, "references", flags);
    let mut parents = Newest::default();
    parents.read(root, "in-reply-to", flags);
    let parent = parents.first.clone();
    let mut all = references.clone();
    parents.ids().into_iter().for_each(|id| all.add(id));
    (bounded(references, flags), parent, bounded(all, flags))
}

/// Ids, each once: the first one and the newest.
#[derive(Default, Clone)]
struct Newest {
    first: Option<String>,
    later: VecDeque<String>,
    cut: bool,
}

impl Newest {
    /// Adds the ids in all fields of a name.
    fn read(&mut self, root: &Part<'_>, name: &str, flags: &mut Flags) {
        for value in root.fields.all(name) {
            if value.len() <= REFERENCE_FIELDS_SIZE {
                header::ids(value).for_each(|id| self.add(id));
                continue;
            }
            flags.note(Flag::CutReferences);
            header::ids(&value[..REFERENCE_FIELDS_SIZE / 2]).take(1).for_each(|id| self.add(id));
            let end = &value[value.len() - REFERENCE_FIELDS_SIZE / 2..];
            // The first one may have lost its beginning.
            header::ids(end).skip(1).for_each(|id| self.add(id));
        }
    }

    fn add(&mut self, id: String) {
        if id.len() > header::LONGEST_LINE || self.first.as_ref() == Some(&id) || self.later.contains(&id) {
            return;
        }
        if self.first.is_none() {
            self.first = Some(id);
            return;
        }
        self.later.push_back(id);
        if self.later.len() >= MOST_REFERENCES {
            self.later.pop_front();
            self.cut = true;
        }
    }

    fn ids(self) -> Vec<String> {
        self.first.into_iter().chain(self.later).collect()
    }
}

fn bounded(ids: Newest, flags: &mut Flags) -> Vec<String> {
    let mut size = ids.first.as_ref().map_or(0, String::len);
    let fits = |id: &&String| {
        size += id.len();
        size <= REFERENCES_SIZE
    };
    let fitting = ids.later.iter().rev().take_while(fits).count();
    let cut = ids.later.len() - fitting;
    if ids.cut || cut > 0 {
        flags.note(Flag::CutReferences);
    }
    ids.first.into_iter().chain(ids.later.into_iter().skip(cut)).collect()
}

fn recipients(root: &Part<'_>, envelope: &SmtpEnvelope, flags: &mut Flags) -> Vec<String> {
    let said = envelope.recipients.iter().filter_map(|recipient| address(recipient.trim_matches(['<', '>'])));
    let mut all: Vec<String> = said.collect();
    let mut read = 0;
    for value in RECIPIENT_FIELDS.iter().flat_map(|field| root.fields.all(field)) {
        read += value.len();
        if read > RECIPIENT_FIELDS_SIZE && !all.is_empty() {
            flags.note(Flag::CutRecipients);
            break;
        }
        all.extend(header::mailboxes(value, flags).into_iter().map(|mailbox| mailbox.email));
    }
    let mut seen = HashSet::new();
    all.retain(|email| seen.insert(email.clone()));
    let mut size = 0;
    let fit = all.iter().take_while(|email| {
        size += email.len();
        size <= RECIPIENTS_SIZE
    });
    let fit = fit.count();
    if fit < all.len() {
        flags.note(Flag::CutRecipients);
        all.truncate(fit);
    }
    all
}

fn sent_at(root: &Part<'_>, flags: &mut Flags) -> Option<DateTime<FixedOffset>> {
    let mut written = root.fields.all("date").take(MOST_SENDER_FIELDS).peekable();
    if written.peek().is_none() {
        flags.note(Flag::NoDate);
        return None;
    }
    let date = written.find_map(|value| header::date(value, flags));
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
        assert_eq!((mail.text.as_str(), mail.reply()), ("From: x\n\nbody", "From: x\n\nbody"));
        assert_eq!(mail.flags, [Flag::Unreadable]);
        assert_ne!(mail.external_id, unreadable(b"other").external_id);
    }
}
