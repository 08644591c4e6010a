//! The channels out, a file or folder each: what carries a parcel to the platform and says how that ended. [`accounts`] has the
//! channel of each account.

mod accounts;
#[cfg(test)]
mod cases;
pub mod email;
mod http;
mod open;
pub(crate) mod pieces;
mod slack;
mod sms;
mod webhook;
mod whatsapp;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use switchboard_common::domain::method::Method;
use switchboard_common::ids::{AccountId, DeliveryId, TenantId};

use crate::render::Content;
pub use accounts::{Channels, Line, NoLine};

/// The longest answer of the other side that is kept, in characters.
const LONGEST_ANSWER: usize = 500;

/// One delivery, written and ready to be handed over.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The delivery: the same for every attempt, and so the idempotency key where a platform takes one.
    pub delivery_id: DeliveryId,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address of that account.
    pub from: String,
    /// Where it goes, as the channel has it: a mail address, `+5511987654321`, `T024BE7LD/U024BE7LH`, a URL.
    pub address: String,
    /// The thread on the channel that it belongs to, if there is one.
    pub thread_key: Option<String>,
    /// What is sent.
    pub content: Content,
}

/// What the other side said when it took a parcel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Its answer, for people to read.
    pub answer: String,
    /// The name that it gave the message: Slack's `ts`, WhatsApp's `wamid…`, Twilio's SID.
    pub provider_id: Option<String>,
    /// The thread that it stands in now, where the channel has threads.
    pub thread_key: Option<String>,
}

/// A channel of one account.
#[async_trait]
pub trait Outlet: fmt::Debug + Send + Sync {
    /// Which channel.
    fn method(&self) -> Method;

    /// Hands a parcel over within `limit`.
    ///
    /// # Errors
    /// When it was not taken, or may not have been.
    async fn send(&self, parcel: &Parcel, limit: Duration) -> Result<Receipt, Refusal>;

    /// How many parcels it takes at once.
    fn at_once(&self) -> usize;

    /// Lets go of what was held to send more, and was not needed for a while.
    async fn tidy_up(&self) {}

    /// Lets go of all that is held to send more.
    async fn close(&self) {}
}

/// Why a channel cannot be used, whatever the parcel. It names no address, so that it can be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Nobody listens there, or the connection broke.
    #[error("it cannot be reached")]
    Unreachable,
    /// It says nothing.
    #[error("it does not answer in time")]
    Silent,
    /// It greets with a refusal.
    #[error("it refuses to talk to us")]
    Greeting,
    /// There is no TLS with it, or its certificate is not trusted.
    #[error("TLS with it fails (is its certificate from an authority that the system or tls.ca_file names?)")]
    Tls,
    /// It offers no STARTTLS, and it is required.
    #[error("it offers no STARTTLS, which the account or mail.smtp_url requires")]
    NoStartTls,
    /// It offers no way to sign in that we know.
    #[error("it offers neither AUTH PLAIN nor AUTH LOGIN, nor XOAUTH2 for a token, and we are to sign in")]
    NoSignIn,
    /// It does not let us in.
    #[error("it refuses the sign-in: look at the user, password or token of the account, or in mail.smtp_url")]
    SignIn,
    /// A secret that it takes to sign in cannot be read.
    #[error("a secret that its account names cannot be read")]
    Secret,
    /// It answers with a fault of its own (HTTP 5xx).
    #[error("it has a fault of its own")]
    Broken,
}

/// Why an address takes nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// There is nobody at the address.
    Bounce,
    /// Its owner does not want any more.
    Stop,
}

/// Why a parcel was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The channel cannot be used: the parcel is not the reason, and no parcel fares better.
    Away {
        /// What is in the way.
        obstacle: Obstacle,
        /// What the other side said, or what was in the way.
        answer: String,
    },
    /// The account sends too fast: all that it sends waits.
    Busy {
        /// For how long, where the other side says so.
        retry_after: Option<Duration>,
        /// What the other side said.
        answer: String,
    },
    /// It may be taken later.
    ForNow {
        /// What the other side said, or what was in the way.
        answer: String,
    },
    /// It will not be taken.
    ForGood {
        /// What the other side said.
        answer: String,
        /// Nothing will be taken at this address.
        gone: Option<Gone>,
    },
    /// It was handed over whole, and then no answer came: it may have been taken.
    Unknown {
        /// What came instead of an answer.
        answer: String,
    },
}

impl Refusal {
    /// It will not be taken; another parcel for the same address may be.
    #[must_use]
    pub fn for_good(answer: impl Into<String>) -> Self {
        Self::ForGood { answer: answer.into(), gone: None }
    }

    /// What the other side said, or what was in the way.
    #[must_use]
    pub fn answer(&self) -> &str {
        match self {
            Self::Away { answer, .. }
            | Self::Busy { answer, .. }
            | Self::ForNow { answer }
            | Self::ForGood { answer, .. }
            | Self::Unknown { answer } => answer,
        }
    }

    /// The same with its answer as it is kept.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        let (Self::Away { answer, .. }
        | Self::Busy { answer, .. }
        | Self::ForNow { answer }
        | Self::ForGood { answer, .. }
        | Self::Unknown { answer }) = &mut self;
        *answer = tidy(answer);
        self
    }
}

/// An answer as it is kept: on one line, bounded, and without what the database refuses.
pub(crate) fn tidy(answer: &str) -> String {
    let spaced: String = answer.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_ANSWER).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_on_one_line_and_bounded() {
        assert_eq!(tidy("550 5.1.1\r\n no\0such  user\n"), "550 5.1.1 no such user");
        assert_eq!(tidy(&"é".repeat(600)).chars().count(), 500);
    }
}
