//! Values with parameters (RFC 2045, 5.1; RFC 2183; RFC 2231): as the standards have them, and as
//! programs write them.

use super::pieces::{Piece, joined, sections};
use super::words;
use crate::flags::{Flag, Flags};

/// Of longer fields only so much is read, and no more parameters are kept.
const LONGEST_FIELD: usize = 64 * 1024;
const MOST_PARAMETERS: usize = 200;
const LONGEST_COMMENT: usize = 1000;
/// A type or a subtype (RFC 6838, 4.2).
const LONGEST_TOKEN: usize = 127;
/// The parameters that mail uses, by which one is known where the semicolon before it is missing.
const NAMES: [&[u8]; 22] = [
    b"name",
    b"filename",
    b"charset",
    b"boundary",
    b"type",
    b"size",
    b"format",
    b"delsp",
    b"method",
    b"report-type",
    b"start",
    b"start-info",
    b"micalg",
    b"protocol",
    b"reply-type",
    b"creation-date",
    b"modification-date",
    b"read-date",
    b"x-unix-mode",
    b"x-mac-type",
    b"x-mac-creator",
    b"smime-type",
];

/// A value with parameters, such as that of Content-Type or Content-Disposition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameterised {
    /// Before the slash, or all of it; in lower case.
    pub(crate) kind: String,
    /// After the slash, or empty; in lower case.
    pub(crate) subtype: String,
    parameters: Vec<(String, String)>,
    /// The parameter `boundary` byte for byte.
    boundary: Option<Vec<u8>>,
}

impl Parameterised {
    pub(crate) fn new(kind: &str, subtype: &str) -> Self {
        Self { kind: kind.to_owned(), subtype: subtype.to_owned(), ..Self::default() }
    }

    /// Reads a value; `None` when it is empty.
    pub(crate) fn read(value: &[u8], flags: &mut Flags) -> Option<Self> {
        if value.len() > LONGEST_FIELD {
            flags.note(Flag::CutHeader);
        }
        let mut scanner = Scanner { rest: &value[..value.len().min(LONGEST_FIELD)], pieces: Vec::new() };
        let (kind, subtype) = scanner.media_type();
        scanner.parameters();
        let pieces = scanner.pieces;
        let boundary = pieces.iter().find(|piece| piece.is_plain("boundary")).map(|piece| piece.value.clone());
        let parameters = joined(pieces, flags);
        (!kind.is_empty() || !parameters.is_empty()).then_some(Self { kind, subtype, parameters, boundary })
    }

    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The value of a parameter, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// The bytes that stand between the parts: what `boundary` says, never decoded.
    pub(crate) fn boundary(&self) -> Option<&[u8]> {
        self.boundary.as_deref().or_else(|| self.parameter("boundary").map(str::as_bytes)).filter(|boundary| !boundary.is_empty())
    }
}

struct Scanner<'a> {
    rest: &'a [u8],
    pieces: Vec<Piece>,
}

impl Scanner<'_> {
    /// The type and the subtype that the value begins with; empty where it begins with a parameter.
    fn media_type(&mut self) -> (String, String) {
        self.skip(b";:,=\"'");
        if self.rest.get(..13).is_some_and(|start| start.eq_ignore_ascii_case(b"content-type:")) {
            self.rest = &self.rest[13..];
            self.skip(b";:,=\"'");
        }
        if self.begins_parameter(false) {
            return (String::new(), String::new());
        }
        let kind = self.token();
        self.skip(b"\"'");
        if self.rest.first() != Some(&b'/') {
            return (kind, String::new());
        }
        self.skip(b"/\"'");
        (kind, self.token())
    }

    fn token(&mut self) -> String {
        let in_token = |byte: &u8| !byte.is_ascii_whitespace() && !b"/;(\"',=".contains(byte);
        let length = self.rest.iter().position(|byte| !in_token(byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        let known = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(byte);
        token.iter().filter(known).take(LONGEST_TOKEN).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
    }

    /// Skips white space, comments and these characters.
    fn skip(&mut self, also: &[u8]) {
        loop {
            let length = self.rest.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != 0 && !also.contains(byte));
            self.rest = &self.rest[length.unwrap_or(self.rest.len())..];
            let window = &self.rest[..self.rest.len().min(LONGEST_COMMENT)];
            let comment = if window.first() == Some(&b'(') { window.iter().position(|byte| *byte == b')') } else { None };
            match comment {
                Some(end) => self.rest = &self.rest[end + 1..],
                None => return,
            }
        }
    }

    fn begins_parameter(&self, known_only: bool) -> bool {
        begins_parameter(self.rest, known_only)
    }

    fn parameters(&mut self) {
        loop {
            self.skip(b";,");
            if self.rest.is_empty() || self.pieces.len() == MOST_PARAMETERS {
                return;
            }
            let end = self.rest.iter().position(|byte| b"=;".contains(byte) || byte.is_ascii_whitespace()).unwrap_or(self.rest.len());
            let (name, rest) = self.rest.split_at(end);
            self.rest = rest;
            self.skip(b"");
            let Some(after) = self.rest.strip_prefix(b"=") else { continue };
            let blank = after.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(after.len());
            self.rest = &after[blank..];
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let (base, number, extended) = sections(&name);
            let is_name = base == "name" || base == "filename";
            let value = if self.rest.first() == Some(&b'"') { self.quoted() } else { self.unquoted(is_name) };
            self.pieces.push(Piece { name: base.to_owned(), number, extended, value });
        }
    }

    /// A value in quotes, which may hold quotes that nobody escaped, or never end.
    fn quoted(&mut self) -> Vec<u8> {
        let inner = &self.rest[1..];
        let mut latest = None;
        let mut escaped = false;
        for (index, byte) in inner.iter().enumerate() {
            match byte {
                _ if std::mem::take(&mut escaped) => {}
                b'\\' => escaped = matches!(inner.get(index + 1), Some(b'"' | b'\\')),
                b'"' => {
                    latest = Some(index);
                    if ends_value(&inner[index + 1..]) {
                        break;
                    }
                }
                b';' if latest.is_some() => break,
                _ => {}
            }
        }
        let end = latest.unwrap_or_else(|| unclosed_end(inner));
        self.rest = &inner[inner.len().min(end + usize::from(latest.is_some()))..];
        if latest.is_some() && !ends_value(self.rest) {
            // What follows a quote and is no parameter is nothing.
            let next = self.rest.iter().position(|byte| *byte == b';').unwrap_or(self.rest.len());
            self.rest = &self.rest[next..];
        }
        let value = unescaped(&inner[..end]);
        if latest.is_none() { value.strip_suffix(b"\"").unwrap_or(&value).to_vec() } else { value }
    }

    /// A value without quotes: up to the next semicolon, or to a parameter before which it is missing.
    fn unquoted(&mut self, is_name: bool) -> Vec<u8> {
        let mut at = 0;
        while let Some(byte) = self.rest.get(at) {
            let rest = &self.rest[at..];
            let after_blank = at > 0 && self.rest[at - 1].is_ascii_whitespace();
            let length = if *byte == b'=' { words::length(rest) } else { None };
            let ends = match byte {
                b';' => true,
                b'(' => !is_name && after_blank,
                // White space is looked beyond where it begins, not from each blank anew.
                _ => byte.is_ascii_whitespace() && !after_blank && begins_parameter(rest, true),
            };
            if ends {
                break;
            }
            at += length.unwrap_or(1);
        }
        let (value, rest) = self.rest.split_at(at);
        self.rest = rest;
        let value = value.trim_ascii();
        if !is_name {
            // The end of a list, or of a quote that began before the type.
            return value.strip_suffix(b",").or_else(|| value.strip_suffix(b"\"")).unwrap_or(value).to_vec();
        }
        value.strip_prefix(b"'").and_then(|inner| inner.strip_suffix(b"'")).unwrap_or(value).to_vec()
    }
}

/// Whether, after white space, a name and an equals sign follow.
fn begins_parameter(bytes: &[u8], known_only: bool) -> bool {
    let bytes = bytes.trim_ascii_start();
    let window = &bytes[..bytes.len().min(40)];
    let Some(end) = window.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_.*".contains(byte))) else { return false };
    let name = window[..end].split(|byte| *byte == b'*').next().unwrap_or_default();
    let known = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    !name.is_empty() && (known || !known_only) && bytes[end..].trim_ascii_start().starts_with(b"=")
}

/// Whether a quote that these bytes follow ends a value.
fn ends_value(after: &[u8]) -> bool {
    let blank = after.iter().position(|byte| !byte.is_ascii_whitespace());
    blank.is_none_or(|at| matches!(after[at], b';' | b',' | b'(') || begins_parameter(&after[at..], at == 0))
}

/// Where a value ends whose quote is never closed: before the next parameter, or at the end.
fn unclosed_end(inner: &[u8]) -> usize {
    let next = inner.iter().enumerate().position(|(index, byte)| *byte == b';' && begins_parameter(&inner[index + 1..], false));
    next.unwrap_or(inner.len())
}

/// Without the backslashes before quotes and backslashes; others stand in paths of Windows.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(escaped @ (b'"' | b'\\'))) => {
                plain.push(*escaped);
                rest = &after[1..];
            }
            _ => plain.push(*byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> (Parameterised, Vec<Flag>) {
        let mut flags = Flags::default();
        (Parameterised::read(value.as_bytes(), &mut flags).unwrap_or_default(), flags.into_vec())
    }

    fn name(value: &str) -> String {
        read(value).0.parameter("filename").unwrap_or_default().to_owned()
    }

    #[test]
    fn the_type_is_found_in_good_and_in_bad_fields() {
        for (value, kind, subtype, charset) in [
            (" Text/HTML; Charset=\"utf-8\"", "text", "html", "utf-8"),
            (" text/plain (plain) ; charset = utf-8 (Unicode)", "text", "plain", "utf-8"),
            (" text/plain charset=utf-8 format=flowed", "text", "plain", "utf-8"),
            (" text / plain;; charset=utf-8,", "text", "plain", "utf-8"),
            (" \"text/plain\"; charset=utf-8", "text", "plain", "utf-8"),
            (" \"text/plain; charset=utf-8\"", "text", "plain", "utf-8"),
            (" Content-Type: text/plain;\r\n\tname=x\r\n\tcharset=utf-8", "text", "plain", "utf-8"),
            (" : text/plain; charset=\"utf-8", "text", "plain", "utf-8"),
            (" charset=utf-8", "", "", "utf-8"),
            (" (a letter; charset=latin1) text/html; charset=utf-8", "text", "html", "utf-8"),
            (" text; charset='utf-8'", "text", "", "'utf-8'"),
            (" t\0ext/pl<ain>; charset=utf-8; charset=latin1", "text", "plain", "utf-8"),
            (" text/plain; charset=\"utf-8\"; name=\"a;b\"", "text", "plain", "utf-8"),
        ] {
            let (read, _) = read(value);
            assert_eq!((read.kind.as_str(), read.subtype.as_str(), read.parameter("charset")), (kind, subtype, Some(charset)), "{value}");
        }
        assert_eq!(Parameterised::read(b" ; ", &mut Flags::default()), None);
    }

    #[test]
    fn names_of_files_are_found_in_good_and_in_bad_fields() {
        for (value, expected) in [
            ("attachment; filename=\"a \\\"b\\\".txt\"; size=3", "a \"b\".txt"),
            ("attachment; filename=my file (1).pdf; size=3", "my file (1).pdf"),
            ("attachment; filename=my file.pdf size=3", "my file.pdf"),
            ("attachment; filename=\"C:\\Users\\ada\\offer.doc\"", "C:\\Users\\ada\\offer.doc"),
            ("attachment; filename=\"never closed.pdf; size=3", "never closed.pdf"),
            ("attachment; filename=\"a \"b\".txt\"; size=3", "a \"b\".txt"),
            ("attachment; filename=\"a.txt\" size=3", "a.txt"),
            ("attachment; filename='a.txt'", "a.txt"),
            ("attachment filename=a.txt", "a.txt"),
            ("filename=a;filename=b", "a"),
            ("attachment; filename=\"\"; filename=b", "b"),
            ("attachment; filename=\"=?utf-8?q?f=C3=A9v?=\r\n =?utf-8?q?rier=2Epdf?=\"", "février.pdf"),
            ("attachment; filename==?utf-8?q?a;b_c?= =?utf-8?q?.pdf?=; size=3", "a;b c.pdf"),
            ("attachment; filename=\"grün.txt\"", "grün.txt"),
            ("attachment; filename=\"two\r\n lines.txt\"", "two lines.txt"),
        ] {
            assert_eq!(name(value), expected, "{value}");
        }
    }

    #[test]
    fn a_boundary_is_kept_as_bytes() {
        for (value, expected) in [
            (b"multipart/mixed; boundary=\"=?q\xe4 \"; x=y".as_slice(), b"=?q\xe4 ".as_slice()),
            (b"multipart/mixed; boundary=abc (comment) ", b"abc"),
            (b"multipart/mixed; boundary='a b'", b"'a b'"),
            (b"multipart/mixed; boundary=a(b)\r\n", b"a(b)"),
            (b"multipart/mixed; boundary*0=a; boundary*1=b", b"ab"),
        ] {
            let read = Parameterised::read(value, &mut Flags::default()).unwrap_or_default();
            assert_eq!(read.boundary(), Some(expected), "{:?}", value.escape_ascii().to_string());
        }
    }

    #[test]
    fn white_space_within_a_value_is_looked_through_once() {
        let value = format!("text/plain; x=a{}b c=d charset=utf-8", " ".repeat(60_000));
        let begun = std::time::Instant::now();
        for _ in 0..200 {
            assert_eq!(read(&value).0.parameter("charset"), Some("utf-8"));
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn any_name_is_read_back_from_quotes(name in "[^\\p{C}\\s=]{1,40}") {
            prop_assume!(!name.contains("''"));
            let written = name.replace('\\', "\\\\").replace('"', "\\\"");
            let (read, flags) = read(&format!("attachment; filename=\"{written}\"; size=1"));
            prop_assert_eq!((read.parameter("filename"), read.parameter("size"), flags), (Some(name.as_str()), Some("1"), vec![]));
        }
    }
}
