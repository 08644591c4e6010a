//! Transfer encodings (RFC 2045, 6), whatever their labels look like.

use std::borrow::Cow;

use super::{base64, quoted_printable, uuencode};
use crate::flags::{Flag, Flags};

/// What undoes an encoding; it says whether that went without trouble.
type Decode = fn(&[u8]) -> (Cow<'_, [u8]>, bool);

/// How labels begin, without case and without anything but letters and digits, and what undoes the
/// encoding. All others (`7bit`, `8bit`, `binary`, and what is none) leave the bytes as they are.
/// Sources: RFC 2045; the names under which mail programs know uuencode (libmime in Thunderbird,
/// `mime.types` of mutt).
const ENCODINGS: &[(&str, Decode)] = &[
    ("base64", base64::decode),
    ("quotedprintable", quoted_printable::decode),
    ("quotedprintible", quoted_printable::decode),
    ("quoteprintable", quoted_printable::decode),
    ("uuencode", uuencode::decode),
    ("xuuencode", uuencode::decode),
    ("uue", uuencode::decode),
    ("xuue", uuencode::decode),
];
const LONGEST_LABEL: usize = 40;

/// Undoes a Content-Transfer-Encoding. What is broken is read as far as it goes.
pub(crate) fn transfer<'a>(label: &str, body: &'a [u8], flags: &mut Flags) -> Cow<'a, [u8]> {
    let name = squeezed(label);
    let Some((_, decode)) = ENCODINGS.iter().find(|(known, _)| name.starts_with(known)) else { return Cow::Borrowed(body) };
    let (decoded, good) = decode(body);
    if !good {
        flags.note(Flag::BrokenEncoding);
    }
    decoded
}

/// A label without comments, case, quotes and hyphens.
fn squeezed(label: &str) -> String {
    let mut depth = 0_usize;
    let mut squeezed = String::new();
    for c in label.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 && c.is_ascii_alphanumeric() && squeezed.len() < LONGEST_LABEL => squeezed.push(c.to_ascii_lowercase()),
            _ => {}
        }
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(label: &str, body: &str) -> String {
        String::from_utf8_lossy(&transfer(label, body.as_bytes(), &mut Flags::default())).into_owned()
    }

    #[test]
    fn a_label_is_understood_however_it_is_written() {
        for label in ["base64", " BASE64 ", "\"base64\"", "base-64", "base64;", "(as always) base64", "base64 (RFC 2045)", "'Base64'"] {
            assert_eq!(decoded(label, "SGVsbG8="), "Hello", "{label}");
        }
        for label in ["quoted-printable", "Quoted-Printable;", "quoted/printable", "quoted printable", "quoted-printible"] {
            assert_eq!(decoded(label, "=48ello"), "Hello", "{label}");
        }
        for label in ["uuencode", "x-uuencode", "X-UUE", "uue"] {
            assert_eq!(decoded(label, "begin 644 x\n%2&5L;&\\\n`\nend\n"), "Hello", "{label}");
        }
        for label in ["", "7bit", "7bits", "8 bit", "8-bit", "binary", "utf-8", "none", "()"] {
            assert_eq!(decoded(label, "SGVsbG8= =48"), "SGVsbG8= =48", "{label}");
        }
    }
}
