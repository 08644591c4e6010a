//! From a mail that was read to what the router is told, bounded so that its envelope stays small.
//!
//! The bounds of an envelope are in bytes as JSON writes them, since that is what the broker carries.
//! With what the reader bounds (references, recipients, subject, names) they stay below 256 KiB in
//! sum. Texts that are larger go by reference; only what nobody would read is cut.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use switchboard_common::db::accounts::EmailAccount;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::inbound::{
    BodyReference, Channel, InboundAttachment, InboundBody, InboundMessage, RefusedAttachment, Trust, size_in_words,
};
use switchboard_common::domain::{self};
use switchboard_common::ids::MediaId;
use switchboard_mail_reader::trim::holds_own_line;
use switchboard_mail_reader::{Attachment, Flag, Mail, Mailbox};

/// Text, reply and HTML together, when they travel in the envelope.
const LARGEST_BODY: usize = 96 * 1024;
/// So much of the text, and of the reply, travels beside a reference to all of it.
const EXCERPT: usize = 32 * 1024;
/// What is kept beside the raw mail.
const LARGEST_TEXT: usize = 4 * 1024 * 1024;
const LARGEST_HTML: usize = 2 * 1024 * 1024;

const LARGEST_ATTACHMENT_LIST: usize = 64 * 1024;
const LARGEST_REFUSED_LIST: usize = 8 * 1024;
/// What an attachment takes in a list beside its name, its type and its Content-ID, or the reason.
const ATTACHMENT_FRAME: usize = 160;

/// What is kept of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The size in bytes above which an attachment is left in the raw mail.
    pub largest_attachment: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { largest_attachment: 25_000_000 }
    }
}

/// A mail that is ready to be stored and handed on.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The mail, with the attachments that are kept, and as much of the text as travels.
    pub mail: Mail,
    /// All of the texts, where they do not travel: an [`InboundBody`] as JSON.
    pub body: Option<Vec<u8>>,
    /// The attachments that are not kept; of too many the first.
    refused: Vec<RefusedAttachment>,
    /// How many more are not kept.
    refused_more: u64,
    /// What a client must not see stands in what was newly written, or in a mail attached to it.
    quotes_desk: bool,
}

impl Prepared {
    /// Decides what of a mail is kept, and by which way each part of it goes.
    ///
    /// # Errors
    /// When the texts cannot be written as JSON.
    pub(crate) fn new(mut mail: Mail, limits: Limits) -> serde_json::Result<Self> {
        let (refused, refused_more) = refuse(&mut mail, limits);
        let quotes_desk = holds_own_line(mail.reply()) || mail.attachments.iter().any(hands_on);
        let cut_text = cut(&mut mail.text, LARGEST_TEXT);
        if cut_text {
            mail.flags.push(Flag::CutText);
        }
        if mail.trimmed.as_mut().map_or(cut_text, |reply| cut(reply, LARGEST_TEXT)) {
            mail.flags.push(Flag::CutReply);
        }
        if mail.html.take_if(|html| html.len() > LARGEST_HTML).is_some() {
            mail.flags.push(Flag::LeftOutHtml);
        }
        let body = take_body(&mut mail)?;
        Ok(Self { mail, body, refused, refused_more, quotes_desk })
    }

    /// The blobs beside the raw mail, in the order in which their ids are used.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        self.body.as_deref().into_iter().chain(self.mail.attachments.iter().map(|attachment| attachment.data.as_slice()))
    }
}

/// Takes the attachments that are too large, and those that the envelope has no room for, out of a
/// mail; how many there are beside those that are listed.
fn refuse(mail: &mut Mail, limits: Limits) -> (Vec<RefusedAttachment>, u64) {
    let too_large = format!("attachments of more than {} are not taken", size_in_words(limits.largest_attachment));
    let mut size = 0;
    let (mut kept, mut all) = (Vec::new(), Vec::new());
    for attachment in std::mem::take(&mut mail.attachments) {
        let is_large = attachment.data.len() as u64 > limits.largest_attachment;
        let listed = listed_size(&attachment);
        if is_large {
            all.push((attachment, too_large.clone()));
        } else if size + listed > LARGEST_ATTACHMENT_LIST {
            all.push((attachment, "there are too many attachments".to_owned()));
            if !mail.flags.contains(&Flag::CutAttachments) {
                mail.flags.push(Flag::CutAttachments);
            }
        } else {
            size += listed;
            kept.push(attachment);
        }
    }
    mail.attachments = kept;
    let mut size = 0;
    let fit = all.iter().take_while(|(attachment, reason)| {
        size += listed_size(attachment) + reason.len();
        size <= LARGEST_REFUSED_LIST
    });
    let fit = fit.count();
    let more = (all.len() - fit) as u64;
    let listed = all.into_iter().take(fit).map(|(attachment, reason)| RefusedAttachment {
        size: attachment.data.len() as u64,
        name: attachment.name,
        content_type: attachment.content_type,
        reason,
    });
    (listed.collect(), more)
}

/// A mail attached to it that is a notification to an agent, or quotes one.
fn hands_on(attachment: &Attachment) -> bool {
    let is_mail = attachment.content_type.starts_with("message/") || attachment.name.to_lowercase().ends_with(".eml");
    is_mail && holds_own_line(&String::from_utf8_lossy(&attachment.data))
}

/// Texts that are too large to travel, as JSON; the mail keeps the beginnings of them.
fn take_body(mail: &mut Mail) -> serde_json::Result<Option<Vec<u8>>> {
    let texts = [Some(mail.text.as_str()), Some(mail.reply()), mail.html.as_deref()];
    let mut room = LARGEST_BODY;
    let fits = texts.into_iter().flatten().all(|text| {
        let prefix = json_prefix(text, room);
        room -= prefix.size;
        prefix.end == text.len()
    });
    if fits {
        return Ok(None);
    }
    let body = InboundBody { reply: mail.reply().to_owned(), text: std::mem::take(&mut mail.text), html: mail.html.take() };
    let stored = serde_json::to_vec(&body)?;
    let excerpt = |text: &str| text[..json_prefix(text, EXCERPT).end].to_owned();
    (mail.text, mail.trimmed) = (excerpt(&body.text), Some(excerpt(&body.reply)));
    Ok(Some(stored))
}

/// The ids of what was stored of a mail.
pub(crate) struct Stored {
    pub raw: MediaId,
    pub body: Option<MediaId>,
    /// In the order of the attachments.
    pub attachments: Vec<MediaId>,
}

impl Stored {
    /// Takes the ids of a mail's blobs, the raw mail's first; `None` when there are too few.
    pub(crate) fn take(prepared: &Prepared, ids: &mut impl Iterator<Item = MediaId>) -> Option<Self> {
        let raw = ids.next()?;
        let body = if prepared.body.is_some() { Some(ids.next()?) } else { None };
        let attachments: Vec<MediaId> = ids.take(prepared.mail.attachments.len()).collect();
        (attachments.len() == prepared.mail.attachments.len()).then_some(Self { raw, body, attachments })
    }
}

/// The message for the router, once the bytes lie in the blob store.
pub(crate) fn message(prepared: Prepared, account: &EmailAccount, stored: &Stored, received_at: DateTime<Utc>) -> InboundMessage {
    let Prepared { mail, body, refused, refused_more, quotes_desk } = prepared;
    let reply = mail.reply().to_owned();
    let attachments = mail.attachments.into_iter().zip(&stored.attachments).map(|(attachment, media_id)| InboundAttachment {
        media_id: *media_id,
        size: attachment.data.len() as u64,
        name: attachment.name,
        content_type: attachment.content_type,
        inline: attachment.inline,
        content_id: attachment.content_id,
    });
    InboundMessage {
        tenant_id: account.tenant_id,
        account_id: account.account_id,
        channel: Channel::Email,
        external_id: mail.external_id,
        from: mail.from.and_then(mailbox),
        identities: Vec::new(),
        sender_name: None,
        claims: Vec::new(),
        recipients: mail.recipients.iter().filter_map(|recipient| EmailAddress::parse(recipient).ok()).collect(),
        subject: mail.subject,
        message_id: mail.message_id,
        references: mail.thread,
        thread_key: None,
        text: mail.text,
        reply,
        html: mail.html,
        body: stored.body.zip(body).map(|(media_id, body)| BodyReference { media_id, size: body.len() as u64 }),
        // No server is pinned whose Authentication-Results could be believed.
        trust: Trust::Unverified,
        automatic: mail.automatic,
        spam: mail.spam,
        fields: BTreeMap::new(),
        sent_at: mail.sent_at.map(|sent| sent.to_utc()),
        received_at,
        raw: Some(stored.raw),
        attachments: attachments.collect(),
        refused,
        refused_more,
        quotes_desk,
        flags: mail.flags.iter().map(Flag::to_string).collect(),
        trace: None,
    }
}

fn mailbox(found: Mailbox) -> Option<domain::address::Mailbox> {
    Some(domain::address::Mailbox { name: found.name, email: EmailAddress::parse(&found.email).ok()? })
}

/// Cuts a text that is too large, in bytes; says whether it was.
fn cut(text: &mut String, limit: usize) -> bool {
    let too_large = text.len() > limit;
    if too_large {
        text.truncate(text.floor_char_boundary(limit));
    }
    too_large
}

/// The beginning of a text.
struct Prefix {
    /// Where it ends, in bytes of the text.
    end: usize,
    /// What it takes as JSON.
    size: usize,
}

/// How much of a text fits in so many bytes of JSON, in whole characters.
fn json_prefix(text: &str, limit: usize) -> Prefix {
    let mut size = 0;
    for (end, c) in text.char_indices() {
        let more = match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c.is_ascii_control() => 6,
            c => c.len_utf8(),
        };
        if size + more > limit {
            return Prefix { end, size };
        }
        size += more;
    }
    Prefix { end: text.len(), size }
}

fn listed_size(attachment: &Attachment) -> usize {
    let texts = [Some(&attachment.name), Some(&attachment.content_type), attachment.content_id.as_ref()];
    // Names hold no quotes and no control characters; of a Content-ID every character could be one.
    ATTACHMENT_FRAME + texts.into_iter().flatten().map(|text| 2 * text.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use switchboard_common::domain::reply_marker::REPLY_MARKER;
    use switchboard_common::envelope;
    use switchboard_common::ids::{AccountId, TenantId};
    use switchboard_mail_reader::{SmtpEnvelope, read, trim};
    use uuid::Uuid;

    use super::*;

    const LARGEST_ENVELOPE: usize = 256 * 1024;

    struct Sealed {
        message: InboundMessage,
        body: Option<InboundBody>,
        size: usize,
    }

    fn sealed(raw: &str) -> Sealed {
        let account = EmailAccount {
            tenant_id: TenantId(Uuid::nil()),
            tenant_name: "acme".to_owned(),
            account_id: AccountId(Uuid::nil()),
            name: "support".to_owned(),
            address: EmailAddress::parse("support@example.org").expect("valid"),
            disabled: false,
        };
        let mail = read(raw.as_bytes(), &SmtpEnvelope::default());
        let prepared = Prepared::new(mail, Limits { largest_attachment: 1000 }).expect("can be written as JSON");
        let body = prepared.body.as_ref().map(|body| serde_json::from_slice(body).expect("a body"));
        let stored = Stored::take(&prepared, &mut std::iter::repeat(MediaId(Uuid::nil()))).expect("ids enough");
        let message = message(prepared, &account, &stored, DateTime::UNIX_EPOCH);
        let size = envelope::seal(Uuid::nil(), &message).expect("can be sealed").payload.len();
        Sealed { message, body, size }
    }

    fn largest(text: &str) -> String {
        let id = |index: usize| format!("<{index}\"{}@example.org>", "\"".repeat(900));
        let mut raw = format!("From: \"{}\" <{}@example.org>\n", "ß".repeat(500), "a".repeat(60));
        write!(raw, "Message-ID: {}\nSubject: {}\n", id(0), "\\".repeat(5000)).expect("a string takes everything");
        writeln!(raw, "References: {}", (1..500).map(id).collect::<Vec<_>>().join("\n ")).expect("a string takes everything");
        for index in 0..300 {
            writeln!(raw, "To: \"{index}{}\"@example.org", "\\\\".repeat(28)).expect("a string takes everything");
        }
        write!(raw, "Auto-Submitted: \"\"\"\"\"\"\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n{text}")
            .expect("a string takes everything");
        for index in 0..900 {
            let (name, size) = ("漢".repeat(index % 2 * 200), if index < 50 { 1001 } else { 1 });
            write!(
                raw,
                "\n--b\nContent-Type: image/png; name=\"{name}{index}\"\nContent-ID: <{}>\n\n{}",
                "\"".repeat(240),
                "x".repeat(size)
            )
            .expect("a string takes everything");
        }
        raw + "\n--b--\n"
    }

    #[test]
    fn the_largest_mail_fits_in_an_envelope_with_and_without_its_texts() {
        let by_reference = sealed(&largest(&"\"\n".repeat(200_000)));
        let within = sealed(&largest(&"\"\n".repeat(12_000)));
        assert!(by_reference.body.is_some() && within.body.is_none());
        assert!(within.size > LARGEST_ENVELOPE / 5 * 4, "{} is far from the largest there is", within.size);
        for Sealed { message, size, .. } in [by_reference, within] {
            assert!(size < LARGEST_ENVELOPE, "{size}");
            assert!(!message.attachments.is_empty() && !message.references.is_empty() && !message.recipients.is_empty());
            assert_eq!(message.attachments.len() + message.refused.len() + usize::try_from(message.refused_more).expect("few"), 900);
            assert!(!message.refused.is_empty() && message.refused_more > 0);
            for flag in [Flag::CutAttachments, Flag::CutRecipients, Flag::CutReferences] {
                assert!(message.flags.contains(&flag.to_string()), "{flag} is not among {:?}", message.flags);
            }
        }
    }

    #[test]
    fn a_text_that_does_not_travel_is_whole_by_reference_with_its_beginning_in_the_envelope() {
        let lines = "Grüße\n".repeat(100_000);
        let Sealed { message, body, size } = sealed(&format!("From: a@b.c\nContent-Type: text/plain; charset=utf-8\n\n{lines}"));
        let body = body.expect("by reference");
        assert_eq!((body.text.as_str(), body.reply.as_str(), body.html), (lines.trim_end(), lines.trim_end(), None));
        assert!(body.text.starts_with(&message.text) && message.text.len() > EXCERPT / 2, "{}", message.text.len());
        assert!(size < LARGEST_ENVELOPE && message.body.is_some_and(|body| body.size > 1_000_000));
        assert!(!message.flags.contains(&Flag::CutText.to_string()), "{:?}", message.flags);
    }

    #[test]
    fn what_nobody_would_read_is_cut_and_flagged() {
        let Sealed { message, body, .. } = sealed(&format!("From: a@b.c\n\n{}", "word of a book\n".repeat(400_000)));
        let body = body.expect("by reference");
        assert!(body.text.len() <= LARGEST_TEXT && body.text.len() > LARGEST_TEXT / 2);
        assert!(message.flags.contains(&Flag::CutText.to_string()) && message.flags.contains(&Flag::CutReply.to_string()));
    }

    #[test]
    fn an_attachment_that_is_too_large_is_refused_and_the_others_are_kept() {
        let part = |name: &str, size: usize| format!("--b\nContent-Type: image/png; name={name}\n\n{}\n", "x".repeat(size));
        let parts = [part("small.png", 1000), part("large.png", 1001), part("other.png", 1)].concat();
        let Sealed { message, .. } =
            sealed(&format!("From: a@b.c\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n{parts}--b--\n"));
        let kept: Vec<&str> = message.attachments.iter().map(|attachment| attachment.name.as_str()).collect();
        assert_eq!(kept, ["small.png", "other.png"]);
        let refused: Vec<String> = message.refused.iter().map(ToString::to_string).collect();
        assert_eq!(refused, ["large.png (1 kB) was not kept: attachments of more than 1 kB are not taken"]);
        assert_eq!(message.refused_more, 0);
    }

    #[test]
    fn what_fits_is_not_cut() {
        let Sealed { message, body, .. } =
            sealed(&format!("From: a@b.c\nTo: d@e.f\nMessage-ID: <x@y>\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n\n{}", "ß ".repeat(10_000)));
        assert_eq!((message.text.as_str(), body), ("ß ".repeat(10_000).trim_end(), None));
        assert_eq!(message.flags, ["charset guessed"]);
    }

    #[test]
    fn the_line_above_which_agents_answer_is_the_one_that_is_looked_for() {
        assert!(trim::OWN_LINES.contains(&REPLY_MARKER));
        assert!(holds_own_line(&format!("> {REPLY_MARKER}")));
    }

    proptest! {
        #[test]
        fn every_address_that_is_read_is_one_to_the_router(
            fields in prop::collection::vec(("(From|To|Cc|Reply-To|Delivered-To)", "\"?[ -~ßİẞ漢\u{ad}]{0,30}\"?(@[a-zA-Zİ.ß<>,; \"\\[\\]0-9-]{0,20})?"), 1..6),
        ) {
            let raw: String = fields.iter().fold(String::new(), |raw, (name, value)| raw + name + ": " + value + "\n");
            let mail = read(raw.as_bytes(), &SmtpEnvelope::default());
            let mailboxes = mail.from.iter().chain(&mail.to).chain(&mail.cc).chain(&mail.reply_to).map(|mailbox| &mailbox.email);
            for email in mailboxes.chain(&mail.recipients) {
                let parsed = EmailAddress::parse(email);
                prop_assert_eq!(parsed.as_ref().map(EmailAddress::as_str), Ok(email.as_str()));
            }
        }
    }
}
