//! One address by itself (RFC 5322, 3.4.1; RFC 6532), with what programs and people put around it.

use super::words;
use crate::decode;
use crate::flags::Flags;
use crate::mailbox::address;

/// The longest address has 254 bytes; with blanks, comments and a route it has not many times more.
const LONGEST: usize = 4 * 1024;
/// What may stand before an address that was copied from a link or a directory.
pub(super) const SCHEMES: [&str; 2] = ["mailto:", "smtp:"];

/// An address without brackets, in lower case: white space, comments, a route and `mailto:` are
/// taken away. What only one mail system understands (X.400, Exchange) is no address.
pub(super) fn specification(bytes: &[u8], flags: &mut Flags) -> Option<String> {
    if !bytes.contains(&b'@') && !bytes.contains(&b'?') {
        return None;
    }
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let text = if bytes.windows(2).any(|two| two == b"=?") { words::decoded(bytes, flags).into() } else { decode::header(bytes, flags) };
    let plain = without_comments(&text);
    let mut text = plain.trim_matches(is_around);
    for scheme in SCHEMES {
        if text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
            text = text[scheme.len()..].split('?').next().unwrap_or_default().trim_start();
        }
    }
    if text.starts_with('@') {
        text = text.split_once(':')?.1;
    }
    for quote in ['"', '\'', '`', '\''] {
        text = text.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)).unwrap_or(text);
    }
    let (local, domain) = text.rsplit_once('@')?;
    address(&format!("{}@{}", local_part(local.trim())?, domain_of(domain)?))
}

/// What stands around an address and is no part of it.
fn is_around(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "<>,;:".contains(c)
}

/// A local part as it is written: without quotes that it does not need, and without white space around
/// its dots.
fn local_part(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let plain = match inner {
        Some(inner) => {
            let inner = String::from_utf8(unescaped(inner.as_bytes())).ok()?;
            let needs_quotes = |c: char| c.is_whitespace() || "()<>[]:;@\\,\"".contains(c);
            if inner.contains(needs_quotes) {
                return Some(text.to_owned());
            }
            inner
        }
        None => text.split('.').map(str::trim).collect::<Vec<_>>().join("."),
    };
    let lower = plain.to_ascii_lowercase();
    let private = lower.starts_with("imcea") || (lower.starts_with('/') && lower.contains('='));
    let forbidden = |c: char| "()<>[]:;@\\,\"".contains(c) || c.is_whitespace() || c.is_control() || is_override(c);
    (!private && !plain.is_empty() && !plain.contains(forbidden)).then_some(plain)
}

/// A domain without white space around its dots, and without a dot at its end.
fn domain_of(text: &str) -> Option<String> {
    let joined = text.split('.').map(str::trim).collect::<Vec<_>>().join(".");
    let domain = joined.trim_end_matches(|c: char| ".,;:>'\"`!".contains(c));
    // Marks and joiners belong to the words of many languages.
    let foreign = |c: char| !c.is_ascii() && !c.is_whitespace() && !c.is_control() && !is_override(c) && c != char::REPLACEMENT_CHARACTER;
    let valid = match domain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(literal) => !literal.is_empty() && literal.chars().all(|c| c.is_ascii_alphanumeric() || ".:-".contains(c)),
        None => {
            domain.contains(char::is_alphanumeric) && domain.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c) || foreign(c))
        }
    };
    valid.then(|| domain.to_owned())
}

/// Characters that turn the direction of writing: of no use in a name but to deceive.
pub(super) fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Without comments outside of quotes.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for c in text.chars() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            plain.push(c);
        }
    }
    plain
}

/// Without the backslashes of quoted pairs, and without line ends.
pub(super) fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut escaped = false;
    for byte in bytes {
        if *byte == b'\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            plain.push(*byte);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_what_stands_around_it() {
        for (written, expected) in [
            ("ADA@Example.ORG.", Some("ada@example.org")),
            ("ada(here)@(there)x.org", Some("ada@x.org")),
            ("@a.org,@b.org:ada@x.org", Some("ada@x.org")),
            ("mailto:ada@x.org?subject=a@b", Some("ada@x.org")),
            ("\"ada\"@x.org", Some("ada@x.org")),
            ("\"a@b\"@x.org", Some("\"a@b\"@x.org")),
            ("'ada@x.org'", Some("ada@x.org")),
            ("o'neil@x.org", Some("o'neil@x.org")),
            ("ada+tag=1/2@x-y.x_z.org", Some("ada+tag=1/2@x-y.x_z.org")),
            ("अदा@उदाहरण.भारत", Some("अदा@उदाहरण.भारत")),
            ("ada@x.org\u{202e}", None),
            ("ada@x.org/path", None),
            ("ada lovelace@x.org", None),
            ("ada@ x .org", Some("ada@x.org")),
            ("ada@[1.2.3.4", None),
            ("ada@-", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(specification(written.as_bytes(), &mut Flags::default()).as_deref(), expected, "{written}");
        }
    }
}
