//! An address and the name that its owner gave with it.

use std::fmt;

use serde::Serialize;

/// A mail address with a display name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Mailbox {
    /// The display name, decoded, if there was one.
    pub name: Option<String>,
    /// The address, in lower case.
    pub email: String,
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} <{}>", self.email),
            None => write!(f, "<{}>", self.email),
        }
    }
}

/// Reads an address without a display name or angle brackets; in lower case, so that it can be
/// compared. `None` when there is no local part or domain, when it is longer than 254 bytes (RFC
/// 5321, 4.5.3.1), or when it holds control characters or, outside of quotes, white space or what
/// would end it within a header.
pub(crate) fn address(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let forbidden = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';');
    let (local, domain) = trimmed.rsplit_once('@')?;
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let valid = trimmed.len() <= 254
        && !trimmed.contains(char::is_control)
        && !domain.contains(forbidden)
        && (quoted || !local.contains(forbidden))
        && (1..=64).contains(&local.len())
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..");
    valid.then(|| trimmed.to_lowercase())
}
