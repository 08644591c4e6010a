//! The ways by which somebody is told.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::identity::ExternalKind;
use super::inbound::Channel;

/// A channel out. One delivery is made for each that is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Mail.
    Email,
    /// Slack: a direct message to a user, an answer in its thread to a client.
    Slack,
    /// WhatsApp.
    Whatsapp,
    /// Short messages by telephone.
    Sms,
    /// A signed POST to a URL.
    Webhook,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Slack, Self::Whatsapp, Self::Sms, Self::Webhook];

    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Whatsapp => "whatsapp",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
        }
    }

    /// The method of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }

    /// The type of a user's contact that it reaches them by.
    #[must_use]
    pub fn contact_type(self) -> &'static str {
        match self {
            Self::Sms => ExternalKind::Phone.as_str(),
            other => other.as_str(),
        }
    }

    /// The way back on a channel that a message came in by. Calls are answered by short message; a form
    /// has none.
    #[must_use]
    pub fn back_on(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Email => Some(Self::Email),
            Channel::Slack => Some(Self::Slack),
            Channel::Whatsapp => Some(Self::Whatsapp),
            Channel::Sms | Channel::Voice => Some(Self::Sms),
            Channel::Form | Channel::Webhook => None,
        }
    }

    /// Whether what may have been taken is sent again: a mail bears the same Message-ID, a webhook the
    /// same id, and is known by it. Of the others a person decides.
    #[must_use]
    pub fn knows_doubles(self) -> bool {
        matches!(self, Self::Email | Self::Webhook)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
