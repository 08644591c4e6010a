//! The keys that a person is known by, whatever the channel.

use std::fmt;
use std::str::FromStr;

use super::address::EmailAddress;

/// The kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExternalKind {
    /// A mail address.
    Email,
    /// A telephone number in the form of E.164.
    Phone,
    /// A WhatsApp user: the number without its `+`, or the user id where there is no number.
    Whatsapp,
    /// A Slack user, with the workspace that the id belongs to: `T024BE7LD/U024BE7LH`.
    Slack,
}

impl ExternalKind {
    /// The name that the database keeps, and that stands before the `:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Whatsapp => "whatsapp",
            Self::Slack => "slack",
        }
    }
}

/// A key that a person is known by, normalised so that it can be compared and looked up, such as
/// `email:ada@example.org` or `phone:+5511987654321`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExternalId {
    kind: ExternalKind,
    value: String,
}

/// What is wrong with a text that should be such a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no key of a person: expected one like email:ada@example.org, phone:+5511987654321, whatsapp:5511987654321 or slack:T024BE7LD/U024BE7LH"
)]
pub struct InvalidExternalId {
    text: String,
}

impl ExternalId {
    /// A key of this kind; the value is brought into its normal form.
    ///
    /// # Errors
    /// When it is no mail address, or no number in the form of E.164 (a `+` and 7 to 15 digits, ITU-T
    /// E.164, 6), or for the other kinds when it is empty, longer than 200 bytes, or holds white space.
    pub fn new(kind: ExternalKind, value: &str) -> Result<Self, InvalidExternalId> {
        let value = value.trim();
        let normal = match kind {
            ExternalKind::Email => EmailAddress::parse(value).ok().map(String::from),
            ExternalKind::Phone => is_e164(value).then(|| value.to_owned()),
            ExternalKind::Whatsapp | ExternalKind::Slack => {
                let fits = (1..=200).contains(&value.len()) && !value.contains(|c: char| c.is_whitespace() || c.is_control());
                fits.then(|| value.to_owned())
            }
        };
        let invalid = || InvalidExternalId { text: format!("{}:{value}", kind.as_str()).chars().take(300).collect() };
        normal.map(|value| Self { kind, value }).ok_or_else(invalid)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> ExternalKind {
        self.kind
    }

    /// What stands after the `:`.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }
}

fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

impl From<&EmailAddress> for ExternalId {
    fn from(address: &EmailAddress) -> Self {
        Self { kind: ExternalKind::Email, value: address.as_str().to_owned() }
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.value)
    }
}

impl FromStr for ExternalId {
    type Err = InvalidExternalId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kinds = [ExternalKind::Email, ExternalKind::Phone, ExternalKind::Whatsapp, ExternalKind::Slack];
        let named =
            text.split_once(':').and_then(|(name, value)| Some((kinds.into_iter().find(|kind| kind.as_str() == name.trim())?, value)));
        let (kind, value) = named.ok_or_else(|| InvalidExternalId { text: text.chars().take(300).collect() })?;
        Self::new(kind, value)
    }
}

impl TryFrom<String> for ExternalId {
    type Error = InvalidExternalId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ExternalId> for String {
    fn from(id: ExternalId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_compared_in_its_normal_form() {
        for (text, normal) in [
            ("email: Ada@Example.ORG", "email:ada@example.org"),
            ("phone:+5511987654321", "phone:+5511987654321"),
            ("whatsapp:5511987654321", "whatsapp:5511987654321"),
            ("slack:T024BE7LD/U024BE7LH", "slack:T024BE7LD/U024BE7LH"),
        ] {
            assert_eq!(text.parse::<ExternalId>().expect("a key").to_string(), normal);
        }
    }

    #[test]
    fn what_is_no_key_is_named_with_what_was_expected() {
        for text in [
            "",
            "ada@example.org",
            "email:ada",
            "phone:11987654321",
            "phone:+0119876543",
            "phone:+12 34567890",
            "fax:1",
            "slack:",
            "slack:U1 U2",
        ] {
            let error = text.parse::<ExternalId>().expect_err(text).to_string();
            assert!(error.contains("expected one like email:ada@example.org"), "{error}");
        }
    }
}
