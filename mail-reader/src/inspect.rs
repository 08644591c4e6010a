//! A mail as `switchboard inspect email` prints it.

use chrono::{DateTime, FixedOffset};
use serde::{Serialize, Serializer};

use crate::{Attachment, Bounce, Flag, Mail, Mailbox};

/// What was made of a mail, to be written as JSON: every key always there, what is absent null or empty.
#[derive(Debug, Serialize)]
pub struct Inspected<'m> {
    from: Option<&'m Mailbox>,
    reply_to: &'m [Mailbox],
    to: &'m [Mailbox],
    cc: &'m [Mailbox],
    subject: &'m str,
    message_id: Option<&'m str>,
    in_reply_to: Option<&'m str>,
    references: &'m [String],
    #[serde(serialize_with = "rfc3339")]
    date: Option<DateTime<FixedOffset>>,
    text: &'m str,
    reply: &'m str,
    signature: Option<&'m str>,
    html: Option<&'m str>,
    attachments: Vec<InspectedAttachment<'m>>,
    auto_submitted: bool,
    auto_reason: Option<&'m str>,
    spam: Option<&'m str>,
    bounce: Option<&'m Bounce>,
    trust: &'m str,
    flags: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct InspectedAttachment<'m> {
    name: &'m str,
    content_type: &'m str,
    size: usize,
    inline: bool,
    content_id: Option<&'m str>,
}

impl<'m> Inspected<'m> {
    /// What was made of `mail`, whose sender is trusted as `trust` says: `verified`, `unverified` or `failed`.
    #[must_use]
    pub fn new(mail: &'m Mail, trust: &'m str) -> Self {
        Self {
            from: mail.from.as_ref(),
            reply_to: &mail.reply_to,
            to: &mail.to,
            cc: &mail.cc,
            subject: &mail.subject,
            message_id: mail.message_id.as_deref(),
            in_reply_to: mail.in_reply_to.as_deref(),
            references: &mail.references,
            date: mail.sent_at,
            text: &mail.text,
            reply: mail.reply(),
            signature: mail.signature.as_deref(),
            html: mail.html.as_deref(),
            attachments: mail.attachments.iter().map(InspectedAttachment::new).collect(),
            auto_submitted: mail.automatic.is_some(),
            auto_reason: mail.automatic.as_deref(),
            spam: mail.spam.as_deref(),
            bounce: mail.bounce.as_ref(),
            trust,
            flags: mail.flags.iter().copied().map(Flag::code).collect(),
        }
    }
}

impl<'m> InspectedAttachment<'m> {
    fn new(attachment: &'m Attachment) -> Self {
        Self {
            name: &attachment.name,
            content_type: &attachment.content_type,
            size: attachment.data.len(),
            inline: attachment.inline,
            content_id: attachment.content_id.as_deref(),
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn rfc3339<S: Serializer>(date: &Option<DateTime<FixedOffset>>, serializer: S) -> Result<S::Ok, S::Error> {
    date.map(|date| date.to_rfc3339()).serialize(serializer)
}
