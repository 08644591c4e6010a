//! What rules can ask about.

use std::fmt;

use crate::config::nearest;

/// A fact about a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// The channel that it came on.
    Channel,
    /// The name of the account that received it.
    Account,
    /// Every address that it was sent to.
    Recipient,
    /// Who wrote it: the address, and all keys such as `phone:+5511987654321`.
    Sender,
    /// The name that came with it.
    SenderName,
    /// What stands after the `@` of the sender's address.
    Domain,
    /// The client's name.
    ClientName,
    /// Whether the client was made for this message.
    ClientNew,
    /// A value of the client's own data.
    ClientData(String),
    /// The subject.
    Subject,
    /// What was newly written.
    Text,
    /// The language of that.
    Language,
    /// How many attachments there are.
    Attachments,
    /// Their file names.
    AttachmentNames,
    /// Their media types.
    AttachmentTypes,
    /// Their size in bytes, together.
    AttachmentsSize,
    /// Why it counts as sent by a program.
    Automatic,
    /// How far the sender is vouched for.
    Trust,
    /// What the mail server said of it as spam.
    Spam,
    /// It follows an older ticket of its client.
    FollowUp,
    /// It pointed at a ticket in which its sender takes no part.
    Stranger,
    /// A field of the tenant's own that came with it.
    Custom(String),
}

/// What a field holds, and so which operators fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// One of few words.
    Choice(&'static [&'static str]),
    /// A language's code.
    Language,
    /// Addresses and keys.
    Address,
    /// A domain.
    Domain,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Yes or no, with a text that says why.
    Verdict,
    /// Whatever the tenant keeps there.
    Any,
}

const CHANNELS: &[&str] = &["email", "whatsapp", "slack", "sms", "voice", "form"];
const TRUST: &[&str] = &["verified", "unverified", "failed"];

/// The fields without a key, with their names.
static NAMED: [(&str, Field); 20] = [
    ("channel", Field::Channel),
    ("account", Field::Account),
    ("recipient", Field::Recipient),
    ("sender", Field::Sender),
    ("sender.name", Field::SenderName),
    ("domain", Field::Domain),
    ("client.name", Field::ClientName),
    ("client.new", Field::ClientNew),
    ("subject", Field::Subject),
    ("text", Field::Text),
    ("language", Field::Language),
    ("attachments", Field::Attachments),
    ("attachments.names", Field::AttachmentNames),
    ("attachments.types", Field::AttachmentTypes),
    ("attachments.size", Field::AttachmentsSize),
    ("automatic", Field::Automatic),
    ("trust", Field::Trust),
    ("spam", Field::Spam),
    ("follow_up", Field::FollowUp),
    ("stranger", Field::Stranger),
];

const CLIENT_DATA: &str = "client.data.";
const CUSTOM: &str = "field.";

impl Field {
    /// The field of this name.
    ///
    /// # Errors
    /// When there is none, in words.
    pub fn parse(name: &str) -> Result<Self, String> {
        if let Some((_, field)) = NAMED.iter().find(|(known, _)| *known == name) {
            return Ok(field.clone());
        }
        match (name.strip_prefix(CLIENT_DATA), name.strip_prefix(CUSTOM)) {
            (Some(key), _) if !key.is_empty() => return Ok(Self::ClientData(key.to_owned())),
            (_, Some(key)) if !key.is_empty() => return Ok(Self::Custom(key.to_owned())),
            _ => {}
        }
        let names = || NAMED.iter().map(|(name, _)| *name);
        if let Some(near) = nearest(name, names()) {
            return Err(format!("field {name}: there is no such field; did you mean {near}?"));
        }
        let names: Vec<&str> = names().collect();
        Err(format!("field {name}: there is no such field; the fields are {}, {CLIENT_DATA}KEY and {CUSTOM}KEY", names.join(", ")))
    }

    /// The fields without a key.
    pub fn named() -> impl Iterator<Item = &'static Self> {
        NAMED.iter().map(|(_, field)| field)
    }

    /// A bit of its own; those of client data share one, and so do custom fields.
    #[must_use]
    pub fn bit(&self) -> u32 {
        match self {
            Self::ClientData(_) => 1 << 31,
            Self::Custom(_) => 1 << 30,
            named => Self::named().position(|field| field == named).map_or(0, |place| 1 << place),
        }
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Channel => Kind::Choice(CHANNELS),
            Self::Trust => Kind::Choice(TRUST),
            Self::Language => Kind::Language,
            Self::Recipient | Self::Sender => Kind::Address,
            Self::Domain => Kind::Domain,
            Self::Attachments | Self::AttachmentsSize => Kind::Number,
            Self::ClientNew | Self::FollowUp | Self::Stranger => Kind::Flag,
            Self::Automatic | Self::Spam => Kind::Verdict,
            Self::ClientData(_) | Self::Custom(_) => Kind::Any,
            Self::Account
            | Self::SenderName
            | Self::ClientName
            | Self::Subject
            | Self::Text
            | Self::AttachmentNames
            | Self::AttachmentTypes => Kind::Text,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientData(key) => write!(f, "{CLIENT_DATA}{key}"),
            Self::Custom(key) => write!(f, "{CUSTOM}{key}"),
            named => f.write_str(NAMED.iter().find(|(_, field)| field == named).map_or("", |(name, _)| name)),
        }
    }
}

impl Kind {
    /// The operators that fit.
    #[must_use]
    pub fn operators(self) -> &'static [&'static str] {
        match self {
            Self::Text => &["is", "one_of", "words", "matches", "exists"],
            Self::Choice(_) | Self::Language => &["is", "one_of"],
            Self::Address | Self::Domain => &["is", "one_of", "matches", "exists"],
            Self::Number => &["is", "one_of", "at_least", "at_most"],
            Self::Flag => &["is"],
            Self::Verdict => &["is", "words", "matches", "exists"],
            Self::Any => &["is", "one_of", "words", "matches", "at_least", "at_most", "exists"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_known_by_its_name_and_said_by_it() {
        let keyed = ["client.data.plan", "field.order.number"];
        for name in NAMED.iter().map(|(name, _)| *name).chain(keyed) {
            assert_eq!(Field::parse(name).expect("a field").to_string(), name);
        }
        assert!(Field::parse("subjct").is_err_and(|why| why == "field subjct: there is no such field; did you mean subject?"));
        assert!(Field::parse("client.data.").is_err() && Field::parse("").is_err());
    }
}
