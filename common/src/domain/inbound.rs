//! What came in, as every channel hands it to the router.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::address::{EmailAddress, Mailbox};
use super::identity::ExternalId;
use crate::ids::{AccountId, MediaId, TenantId};
use crate::telemetry::trace::TraceParent;

/// How far the channel vouches for the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "trust", rename_all = "snake_case")]
pub enum Trust {
    /// The channel authenticated the sender.
    Verified,
    /// Nobody checked. The common case for mail.
    Unverified,
    /// Somebody checked, and it did not hold.
    Failed,
}

/// Where a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Email,
    /// WhatsApp.
    Whatsapp,
    /// Slack.
    Slack,
    /// Short messages by telephone.
    Sms,
    /// Calls and what was spoken after the tone.
    Voice,
    /// A form on a page.
    Form,
    /// POSTs to the URLs that users have: it only sends.
    Webhook,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Email, Self::Whatsapp, Self::Slack, Self::Sms, Self::Voice, Self::Form, Self::Webhook];

    /// The channel of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }

    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Slack => "slack",
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Form => "form",
            Self::Webhook => "webhook",
        }
    }
}

/// One message as it came in, independent of the channel's own format. Its bytes, and those of its
/// attachments, lie in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundMessage {
    /// Whose desk it was sent to.
    pub tenant_id: TenantId,
    /// The account that received it.
    pub account_id: AccountId,
    /// The channel of that account.
    pub channel: Channel,
    /// The dedupe key: for mail the Message-ID with a hash of From, Date, Subject and body.
    pub external_id: String,
    /// Who wrote a mail: From, or failing that Sender or Return-Path. A mail without one cannot be
    /// processed.
    pub from: Option<Mailbox>,
    /// Who wrote on another channel, as the channel knows them: its own key first. A message without
    /// one cannot be processed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<ExternalId>,
    /// The name that another channel has for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    /// What somebody merely typed of themselves, in a form or a chat: shown, and never believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ExternalId>,
    /// Every address that it was sent to, wherever it stood: To, Cc, Delivered-To, the envelope.
    pub recipients: Vec<EmailAddress>,
    /// The subject, decoded, without line breaks.
    pub subject: String,
    /// The Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The ids that it refers to, the nearest parent last, without angle brackets: References, then
    /// those of In-Reply-To that were not among them.
    pub references: Vec<String>,
    /// The chat's own thread, such as Slack's channel and `thread_ts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_key: Option<String>,
    /// The whole text body; where [`body`](Self::body) is named, the beginning of it.
    pub text: String,
    /// What the person newly wrote, without the quoted mail below; where [`body`](Self::body) is
    /// named, the beginning of it.
    pub reply: String,
    /// The HTML body, sanitised: it can be shown as it is. None where [`body`](Self::body) is named. What
    /// older versions queued has it as it came, under `html`, which nobody may show and so nobody reads.
    #[serde(rename = "safe_html")]
    pub html: Option<String>,
    /// Where all of text, reply and HTML lies, when together they are too large to travel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyReference>,
    /// How far the sender is vouched for.
    pub trust: Trust,
    /// Why this was sent by a program and not by a person, such as `Auto-Submitted: auto-replied`.
    pub automatic: Option<String>,
    /// The mail server's verdict, if it took it for spam, such as `X-Spam-Flag: YES`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spam: Option<String>,
    /// Custom fields that came with it, from a form.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, serde_json::Value>,
    /// When it says that it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When we took it.
    pub received_at: DateTime<Utc>,
    /// The bytes as they came.
    pub raw: Option<MediaId>,
    /// Its attachments.
    pub attachments: Vec<InboundAttachment>,
    /// Attachments that were not kept.
    #[serde(default)]
    pub refused: Vec<RefusedAttachment>,
    /// How many more were not kept.
    #[serde(default)]
    pub refused_more: u64,
    /// What was newly written, or a mail attached to it, still holds one of our notifications to an
    /// agent, which is not for a client's eyes.
    #[serde(default)]
    pub quotes_desk: bool,
    /// What was odd about it, such as a charset that had to be guessed.
    pub flags: Vec<String>,
    /// The span that processes it. It travels in a header.
    #[serde(skip)]
    pub trace: Option<TraceParent>,
}

impl InboundMessage {
    /// The keys of who wrote it, as the channel knows them: its own first.
    #[must_use]
    pub fn sender_ids(&self) -> Vec<ExternalId> {
        match &self.from {
            Some(from) if self.channel == Channel::Email => vec![ExternalId::from(&from.email)],
            _ => self.identities.clone(),
        }
    }

    /// The name of who wrote it, if one came with it.
    #[must_use]
    pub fn sender_name(&self) -> Option<&str> {
        self.from.as_ref().and_then(|from| from.name.as_deref()).or(self.sender_name.as_deref())
    }
}

/// An attachment, by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundAttachment {
    /// Where its bytes lie.
    pub media_id: MediaId,
    /// A file name that is safe to use.
    pub name: String,
    /// The media type, such as `image/png`.
    pub content_type: String,
    /// The size in bytes.
    pub size: u64,
    /// Shown within the HTML rather than beside it.
    pub inline: bool,
    /// The Content-ID, without angle brackets.
    pub content_id: Option<String>,
}

/// Texts that are too large to travel, by reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyReference {
    /// Where they lie: an [`InboundBody`] as JSON.
    pub media_id: MediaId,
    /// The size of that in bytes.
    pub size: u64,
}

/// The texts of a message as they lie in the blob store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundBody {
    /// The whole text body.
    pub text: String,
    /// What the person newly wrote.
    pub reply: String,
    /// The HTML body, sanitised.
    pub html: Option<String>,
}

/// An attachment that was not kept. The bytes as they came have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAttachment {
    /// A file name that is safe to use.
    pub name: String,
    /// The media type, such as `video/quicktime`.
    pub content_type: String,
    /// The size in bytes.
    pub size: u64,
    /// Why, as a sentence without an end.
    pub reason: String,
}

impl fmt::Display for RefusedAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) was not kept: {}", self.name, size_in_words(self.size), self.reason)
    }
}

/// A size as people write it: with one decimal where it has one that tells something.
#[must_use]
pub fn size_in_words(bytes: u64) -> String {
    let tenths = |unit: u64| (bytes / unit, bytes % unit / (unit / 10));
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => match tenths(1_000_000) {
            (whole, 0) => format!("{whole} MB"),
            (whole, tenth) => format!("{whole}.{tenth} MB"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_as_people_write_it() {
        for (bytes, words) in [(0, "0 bytes"), (999, "999 bytes"), (70_100, "70 kB"), (25_000_000, "25 MB"), (48_390_000, "48.3 MB")] {
            assert_eq!(size_in_words(bytes), words);
        }
    }

    #[test]
    fn what_an_older_version_has_queued_is_read() {
        let queued = r#"{
            "tenant_id": "01a1fcdf-5be9-7764-a033-7346ac87b825", "account_id": "01a1fcdf-5c1e-79b5-b2ab-d6b0cfeb1c91", "channel": "email",
            "external_id": "x#1", "from": null, "recipients": [], "subject": "", "message_id": null, "references": [], "text": "a",
            "reply": "b", "html": "<script>x</script>", "trust": "unverified", "automatic": null, "sent_at": null, "received_at": "2026-03-02T09:02:13Z",
            "raw": null, "attachments": [], "flags": []
        }"#;
        let message: InboundMessage = serde_json::from_str(queued).expect("readable");
        assert_eq!(message.html, None, "it was not sanitised");
        assert_eq!((message.body, message.refused.len(), message.refused_more, message.quotes_desk), (None, 0, 0, false));
    }
}
