//! Mail addresses and the keys that a client is known by.

use std::fmt;

/// A mail address (RFC 5321, 4.1.2), lower-cased, so that it can be compared and looked up. The
/// local part is case-sensitive by the letter of the RFC; no provider that matters treats it so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// What is wrong with a text that should be a mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a mail address: expected one like ada@example.org")]
pub struct InvalidAddress {
    text: String,
}

impl EmailAddress {
    /// Reads an address without a display name or angle brackets.
    ///
    /// # Errors
    /// When there is no local part or domain, when it is longer than 254 bytes (RFC 5321, 4.5.3.1),
    /// or when it holds control characters or, outside of quotes, white space or what would let it end
    /// a header.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let trimmed = text.trim();
        let forbidden = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"');
        let valid = trimmed.len() <= 254
            && !trimmed.contains(char::is_control)
            && trimmed.rsplit_once('@').is_some_and(|(local, domain)| {
                (1..=64).contains(&local.len())
                    && (is_quoted(local) || !local.contains(forbidden))
                    && !domain.is_empty()
                    && !domain.contains(forbidden)
                    && !domain.starts_with('.')
                    && !domain.ends_with('.')
                    && !domain.contains("..")
            });
        if valid { Ok(Self(trimmed.to_lowercase())) } else { Err(InvalidAddress { text: trimmed.chars().take(300).collect() }) }
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// What stands after the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// An address with the name that its owner gave with it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mailbox {
    /// The display name, if there was one.
    pub name: Option<String>,
    /// The address.
    pub email: EmailAddress,
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.email),
            None => write!(f, "<{}>", self.email),
        }
    }
}

/// Whether a local part is a quoted string (RFC 5322, 3.2.4): between its quotes no quote stands that
/// is not escaped, which would end it.
fn is_quoted(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut escaped = false;
    let whole = inner.chars().all(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        !ends
    });
    whole && !escaped && !inner.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_without_regard_to_case() {
        let address = EmailAddress::parse(" Ada.Lovelace@Example.ORG ").expect("valid");
        assert_eq!(address.as_str(), "ada.lovelace@example.org");
        assert_eq!((address.local(), address.domain()), ("ada.lovelace", "example.org"));
    }

    #[test]
    fn what_could_end_a_header_is_no_address() {
        for text in ["", "ada", "@example.org", "ada@", "a da@example.org", "ada@example.org\r\nBcc: x@y.z", "a@b..c", "<a@b.c>"] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
        assert!(EmailAddress::parse(&format!("{}@example.org", "a".repeat(65))).is_err());
        assert!(EmailAddress::parse("\"ada, or not\"@example.org").is_ok(), "within quotes it ends nothing");
        for text in
            ["\"a\" <eve@example.org>, \"b\"@example.org", "\"a b\\\"@example.org", "\"\"@example.org, \"\"@example.org", "\"@example.org"]
        {
            assert!(EmailAddress::parse(text).is_err(), "{text} ends within its local part");
        }
    }
}
