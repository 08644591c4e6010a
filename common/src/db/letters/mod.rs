//! What a mail is written from: read when it is sent, by ids that were written when it was planned.
//!
//! `load` reads letters, many at once; `beside` what goes with them: what their readers have already, their files, and whether they may
//! still read it.

mod beside;
mod load;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::reply_addresses::ReplyRecipient;
use super::tickets::MessageKind;
use crate::domain::method::Method;
use crate::domain::ticket::TicketSnapshot;
use crate::ids::{AccountId, MessageId, TenantId, TicketId, UserId};

pub use beside::{Earlier, LetterAttachment, attachments, earlier, hidden};
pub(super) use load::branding;
pub use load::load;

/// A delivery with all that its mail says.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// By which way it goes.
    pub method: Method,
    /// How the desk presents itself.
    pub branding: Branding,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address that it is sent from.
    pub account_address: String,
    /// What the reader sees, such as `ticket.created.agent`.
    pub template: String,
    /// Why the reader is told.
    pub reason: String,
    /// Who reads it.
    pub recipient: ReplyRecipient,
    /// The reader's name.
    pub recipient_name: String,
    /// The language that the reader chose, if they did.
    pub locale: Option<String>,
    /// The reader's time zone.
    pub timezone: Tz,
    /// The reader may stop what is like it: it is not about what is theirs.
    pub is_optional: bool,
    /// The thread on its channel that it belongs to.
    pub thread_key: Option<String>,
    /// For WhatsApp: whether the reader wrote to the account within the last 24 hours, from where it goes, on whatever ticket.
    pub window_open: bool,
    /// Where it goes.
    pub address: String,
    /// Whether the reader may still be told there: a user who has left may not, nor one whose address
    /// is no longer a verified one of theirs.
    pub permitted: bool,
    /// Its Message-ID.
    pub message_id: String,
    /// The row of the reader's reply address.
    pub reply_row: Option<i64>,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket as it was after the event.
    pub ticket: TicketSnapshot,
    /// The name of the ticket's department.
    pub department: Option<String>,
    /// The name of the ticket's client.
    pub client_name: String,
    /// An address of the ticket's client.
    pub client_address: Option<String>,
    /// The name of whoever made that version of the ticket, if it was a person.
    pub actor_name: Option<String>,
    /// The message that the event is about, or that the reader has to know of.
    pub message: Option<LetterMessage>,
    /// For an event that tells of a failed answer: where it was to go, and why it did not.
    pub failure: Option<LetterFailure>,
}

/// How a desk presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branding {
    /// What it is called.
    pub brand: String,
    /// The name that mail is sent in: of the ticket's department, the account, or the tenant; the brand where none has one.
    pub from_name: Option<String>,
    /// The URL of its logo.
    pub logo: Option<String>,
    /// The colour of links and headings, `#rrggbb`.
    pub color: Option<String>,
    /// What stands below every message.
    pub footer: Option<String>,
    /// Its language.
    pub locale: Option<String>,
}

/// Several notifications, told at once.
#[derive(Debug, Clone)]
pub struct DigestLetter {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// By which way it goes.
    pub method: Method,
    /// How the desk presents itself.
    pub branding: Branding,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address that it is sent from.
    pub account_address: String,
    /// Who reads it.
    pub user_id: UserId,
    /// Their name.
    pub recipient_name: String,
    /// The language that they chose, if they did.
    pub locale: Option<String>,
    /// Their time zone.
    pub timezone: Tz,
    /// Where it goes.
    pub address: String,
    /// Whether they may still be told there.
    pub permitted: bool,
    /// Its Message-ID.
    pub message_id: String,
    /// What happened, in its order, as much as is shown, without what they may no longer read.
    pub items: Vec<DigestItem>,
    /// How many there are in all.
    pub total: i64,
}

/// One notification of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestItem {
    /// What is told, such as `ticket.created.agent`.
    pub template: String,
    /// The ticket's number.
    pub number: i64,
    /// The ticket's title.
    pub title: String,
    /// The name of whoever did it, if it was a person.
    pub actor_name: Option<String>,
    /// The beginning of the message that it is about.
    pub excerpt: Option<String>,
    /// Why it was collected: `digest`, `quiet_hours` or `storm`.
    pub cause: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A message as a mail shows it.
#[derive(Debug, Clone)]
pub struct LetterMessage {
    /// Its id.
    pub id: MessageId,
    /// What it is to those who read.
    pub kind: MessageKind,
    /// Who wrote it, as well as that is known.
    pub author: String,
    /// Its text.
    pub text: String,
    /// What an agent should know before reading.
    pub notice: Option<String>,
    /// Why it counts as sent by a program.
    pub automatic: Option<String>,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
}

/// A failed answer.
#[derive(Debug, Clone)]
pub struct LetterFailure {
    /// Where it was to go.
    pub address: String,
    /// What the other side said last, or why it was not asked.
    pub answer: String,
}

/// Why a delivery that is due is not sent after all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bar {
    /// The reader is not there any more.
    #[error("the reader has left")]
    Archived,
    /// The reader may not read the ticket any more.
    #[error("the reader may not read the ticket any more")]
    NotPermitted,
    /// The address is not the reader's any more.
    #[error("the address is no longer a verified one of the reader's")]
    NotTheirs,
    /// Nothing is to go to the address.
    #[error("nothing goes to the address any more ({0})")]
    Suppressed(String),
}

impl Bar {
    /// Whether another address of the reader's may do.
    #[must_use]
    pub fn is_of_the_address(&self) -> bool {
        matches!(self, Self::NotTheirs | Self::Suppressed(_))
    }
}

/// A letter, and what else is to be known before it is sent.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The letter.
    pub letter: Letter,
    /// Why it is not sent, if it is not.
    pub bar: Option<Bar>,
    /// It is told whatever the hour.
    pub urgent: bool,
    /// The tenant's revision: what is kept of the tenant is good for as long as it stands.
    pub revision: i64,
}
