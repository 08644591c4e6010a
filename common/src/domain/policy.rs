//! What a tenant wants done with messages that several tickets could take, or none should.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use super::address::EmailAddress;
use super::identity::{ExternalId, ExternalKind};
use super::inbound::Channel;
use super::phone;

/// What the client's message to a ticket that is over does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "closed_policy", rename_all = "snake_case")]
pub enum ClosedPolicy {
    /// It opens the ticket again.
    #[default]
    Reopen,
    /// It opens a ticket that goes on with the old one: what points at the old one then goes there.
    FollowUp,
    /// It opens a ticket of its own.
    New,
}

/// What the client's message with another subject than the ticket's does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "subject_policy", rename_all = "snake_case")]
pub enum SubjectPolicy {
    /// It goes to the ticket all the same.
    #[default]
    Join,
    /// It opens a ticket that goes on with the other one.
    FollowUp,
    /// It opens a ticket of its own.
    New,
}

/// Which open tickets of a client take what points at none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "window_scope", rename_all = "snake_case")]
pub enum WindowScope {
    /// Those that they have written to on the same channel.
    #[default]
    Channel,
    /// Those of every channel.
    Anywhere,
}

/// What becomes of a message that the mail server took for spam.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "spam_policy", rename_all = "snake_case")]
pub enum SpamPolicy {
    /// It is taken like any other.
    #[default]
    Take,
    /// It opens no ticket.
    Block,
}

/// What an account wants done with what points at a ticket, or at none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policies {
    /// What the client's message to a ticket that is over does.
    pub closed: ClosedPolicy,
    /// What the client's message with another subject does.
    pub new_subject: SubjectPolicy,
    /// For how long after its last message the client's open ticket takes what points at none.
    pub window: Option<TimeDelta>,
    /// Which open tickets that is about.
    pub window_from: WindowScope,
}

macro_rules! words {
    ($($policy:ident { $($variant:ident = $word:literal),+ })+) => {$(
        impl $policy {
            /// The words of the desk file.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// The word of the desk file.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    )+};
}

words! {
    ClosedPolicy { Reopen = "reopen", FollowUp = "follow_up", New = "new" }
    SubjectPolicy { Join = "join", FollowUp = "follow_up", New = "new" }
    WindowScope { Channel = "channel", Anywhere = "anywhere" }
    SpamPolicy { Take = "take", Block = "block" }
}

/// For how long an open ticket takes what points at none, where an account says nothing of it: a day
/// on the channels on which people write without an address to answer to; by mail and forms never.
#[must_use]
pub fn usual_window(channel: Channel) -> Option<TimeDelta> {
    match channel {
        Channel::Whatsapp | Channel::Slack | Channel::Sms | Channel::Voice => TimeDelta::try_hours(24),
        Channel::Email | Channel::Form | Channel::Webhook => None,
    }
}

/// Somebody of whom a tenant takes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockEntry {
    /// One key. That of a telephone number stands for the number on whatever channel.
    Key(ExternalId),
    /// Whoever writes from a domain or from one below it, in lower case.
    Domain(String),
}

/// What is wrong with a text that should name whom to block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names nobody who could be blocked: expected one like spam@x.example, @junk.example or phone:+5511987654321")]
pub struct InvalidBlockEntry {
    text: String,
}

impl BlockEntry {
    /// What of these keys it stands for, if anything.
    #[must_use]
    pub fn find<'k>(&self, keys: &'k [ExternalId]) -> Option<&'k ExternalId> {
        keys.iter().find(|key| match self {
            Self::Key(blocked) if blocked.kind() == ExternalKind::Phone => {
                phone::number(key).is_some_and(|number| number == blocked.value())
            }
            Self::Key(blocked) => *key == blocked,
            Self::Domain(domain) => key.kind() == ExternalKind::Email && is_within(key.value(), domain),
        })
    }
}

/// Whether an address is of this domain or one below it.
fn is_within(address: &str, domain: &str) -> bool {
    let own = address.rsplit_once('@').map_or("", |(_, own)| own);
    own.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl FromStr for BlockEntry {
    type Err = InvalidBlockEntry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidBlockEntry { text: text.chars().take(300).collect() };
        let trimmed = text.trim();
        if let Some(domain) = trimmed.strip_prefix('@').or_else(|| trimmed.strip_prefix("domain:")) {
            let address = EmailAddress::parse(&format!("x@{}", domain.trim())).map_err(|_| invalid())?;
            return if domain.contains('@') { Err(invalid()) } else { Ok(Self::Domain(address.domain().to_owned())) };
        }
        let key = trimmed.parse().or_else(|_| ExternalId::new(ExternalKind::Email, trimmed));
        key.map(Self::Key).map_err(|_| invalid())
    }
}

impl fmt::Display for BlockEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Domain(domain) => write!(f, "domain:{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(key: &str) -> Vec<ExternalId> {
        vec![key.parse().expect("a key")]
    }

    #[test]
    fn an_address_a_domain_with_those_below_it_and_a_number_are_blocked() {
        for (entry, shown, key, blocked) in [
            ("Spam@X.example", "email:spam@x.example", "email:spam@x.example", true),
            ("spam@x.example", "email:spam@x.example", "email:nospam@x.example", false),
            ("@Junk.example", "domain:junk.example", "email:a@junk.example", true),
            ("@junk.example", "domain:junk.example", "email:a@mail.eu.junk.example", true),
            ("@junk.example", "domain:junk.example", "email:a@notjunk.example", false),
            ("@junk.example", "domain:junk.example", "slack:junk.example", false),
            ("phone:+15550100", "phone:+15550100", "phone:+15550100", true),
            ("phone:+15550100", "phone:+15550100", "whatsapp:15550100", true),
            ("phone:+15550100", "phone:+15550100", "whatsapp:15550101", false),
            ("whatsapp:15550100", "whatsapp:15550100", "phone:+15550100", false),
            ("domain:junk.example", "domain:junk.example", "email:a@junk.example", true),
        ] {
            let entry: BlockEntry = entry.parse().expect("an entry");
            assert_eq!((entry.to_string().as_str(), entry.find(&keys(key)).is_some()), (shown, blocked), "{entry} {key}");
        }
        for text in ["", "spam", "@", "@a@b.example", "@a b", "@.example", "phone:555", "fax:1"] {
            assert!(text.parse::<BlockEntry>().expect_err(text).to_string().contains("expected one like"), "{text}");
        }
    }
}
