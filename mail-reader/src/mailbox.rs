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
    let forbidden = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"');
    let (local, domain) = trimmed.rsplit_once('@')?;
    let valid = trimmed.len() <= 254
        && !trimmed.contains(char::is_control)
        && !domain.contains(forbidden)
        && (is_quoted(local) || !local.contains(forbidden))
        && (1..=64).contains(&local.len())
        && !domain.is_empty()
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !domain.contains("..");
    valid.then(|| trimmed.to_lowercase())
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
    fn within_quotes_anything_may_stand_but_what_ends_them() {
        for text in ["\"a, b\"@example.org", "\"a \\\" b\"@example.org", "\"a\\\\\"@example.org"] {
            assert_eq!(address(text).as_deref(), Some(text));
        }
        for text in ["\"a\" <eve@example.org>, \"b\"@example.org", "\"a b\\\"@example.org", "\"\"@example.org, \"\"@example.org"] {
            assert_eq!(address(text), None);
        }
    }
}
