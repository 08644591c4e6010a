//! What came in, as every channel hands it to the router.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::address::{EmailAddress, Mailbox};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Email,
}

impl Channel {
    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
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
    /// Who wrote it; for mail From, or failing that Sender or Return-Path. A message without one
    /// cannot be processed.
    pub from: Option<Mailbox>,
    /// Every address that it was sent to, wherever it stood: To, Cc, Delivered-To, the envelope.
    pub recipients: Vec<EmailAddress>,
    /// The subject, decoded, without line breaks.
    pub subject: String,
    /// The Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// The ids that it refers to, the nearest parent last, without angle brackets: References, then
    /// those of In-Reply-To that were not among them.
    pub references: Vec<String>,
    /// The whole text body.
    pub text: String,
    /// What the person newly wrote: without the quoted mail below.
    pub reply: String,
    /// The HTML body as it came, not yet sanitised.
    pub html: Option<String>,
    /// How far the sender is vouched for.
    pub trust: Trust,
    /// Why this was sent by a program and not by a person, such as `Auto-Submitted: auto-replied`.
    pub automatic: Option<String>,
    /// When it says that it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When we took it.
    pub received_at: DateTime<Utc>,
    /// The bytes as they came.
    pub raw: Option<MediaId>,
    /// Its attachments.
    pub attachments: Vec<InboundAttachment>,
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
