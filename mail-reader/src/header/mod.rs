//! What stands in a header field: decoded by the mail library, then made safe to keep.

mod fields;

pub(crate) use fields::{Fields, cut_line};

use std::borrow::Cow;

use crate::mailbox::{Mailbox, address};
use chrono::{DateTime, FixedOffset};
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, ContentType, HeaderValue};

use crate::decode::windows_1252;
use crate::flags::{Flag, Flags};

/// Of longer fields only so much is read: looking for encoded words can take time that grows with
/// the square of the field's size.
const LONGEST_TEXT: usize = 8 * 1024;
const LONGEST_ADDRESSES: usize = 32 * 1024;
const LONGEST_PARAMETERS: usize = 4 * 1024;
/// A line of mail (RFC 5322, 2.1.1).
pub(crate) const LONGEST_LINE: usize = 998;
const LONGEST_NAME: usize = 200;

/// A free text such as a subject: decoded, on one line, without control characters.
pub(crate) fn text(value: &[u8], flags: &mut Flags) -> String {
    match MessageStream::new(&prepared(value, LONGEST_TEXT, flags)).parse_unstructured() {
        HeaderValue::Text(text) => one_line(&text, LONGEST_LINE),
        _ => String::new(),
    }
}

/// The value as it stands, on one line.
pub(crate) fn raw(value: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(&value[..value.len().min(LONGEST_LINE)]), LONGEST_LINE)
}

/// The addresses in a field such as From or To. What is no address is left out.
pub(crate) fn mailboxes(value: &[u8], flags: &mut Flags) -> Vec<Mailbox> {
    let prepared = prepared(value, LONGEST_ADDRESSES, flags);
    let mut found: Vec<Mailbox> = match MessageStream::new(&prepared).parse_address() {
        HeaderValue::Address(addresses) => addresses.iter().filter_map(mailbox).collect(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        // Broken beyond the grammar, such as a name and an address with nothing between them.
        let text = String::from_utf8_lossy(&prepared);
        let bare = |word: &str| address(word.trim_matches(|c: char| c.is_control() || "<>()[],;:\"'".contains(c)));
        found.extend(text.split_whitespace().filter_map(bare).map(|email| Mailbox { name: None, email }));
    }
    found
}

fn mailbox(found: &Addr<'_>) -> Option<Mailbox> {
    let email = address(found.address()?)?;
    let name = one_line(found.name().unwrap_or_default(), LONGEST_NAME);
    let name = (!name.is_empty() && !name.eq_ignore_ascii_case(&email)).then_some(name);
    Some(Mailbox { name, email })
}

/// The ids in a field such as References, without angle brackets; in a field without any brackets,
/// the words that could be ids: those with an `@`, or the only one.
pub(crate) fn ids(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(value);
    let clean = |id: &str| -> String { id.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect() };
    let bracketed: Vec<String> =
        text.split('<').skip(1).filter_map(|after| after.split_once('>')).map(|(id, _)| clean(id)).filter(|id| !id.is_empty()).collect();
    if !bracketed.is_empty() {
        return bracketed;
    }
    let alone = text.split_whitespace().count() == 1;
    let could_be = |word: &String| !word.is_empty() && !word.contains(['<', '>']) && (alone || word.contains('@'));
    text.split_whitespace().map(clean).filter(could_be).collect()
}

/// A date (RFC 5322, 3.3).
pub(crate) fn date(value: &[u8]) -> Option<DateTime<FixedOffset>> {
    let prepared = prepared(value, LONGEST_LINE, &mut Flags::default());
    match MessageStream::new(&prepared).parse_date() {
        HeaderValue::DateTime(date) if date.is_valid() => DateTime::parse_from_rfc3339(&date.to_rfc3339()).ok(),
        _ => None,
    }
}

/// A value with parameters, such as that of Content-Type or Content-Disposition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameterised {
    /// Before the slash, or all of it; in lower case.
    pub(crate) kind: String,
    /// After the slash, or empty; in lower case.
    pub(crate) subtype: String,
    parameters: Vec<(String, String)>,
}

impl Parameterised {
    pub(crate) fn new(kind: &str, subtype: &str) -> Self {
        Self { kind: kind.to_owned(), subtype: subtype.to_owned(), parameters: Vec::new() }
    }

    /// Reads a value; `None` when it is empty.
    pub(crate) fn read(value: &[u8], flags: &mut Flags) -> Option<Self> {
        match MessageStream::new(&prepared(value, LONGEST_PARAMETERS, flags)).parse_content_type() {
            HeaderValue::ContentType(read) => Some(Self::from_library(&read)),
            _ => None,
        }
    }

    fn from_library(read: &ContentType<'_>) -> Self {
        let token =
            |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(*c)).take(64).collect::<String>();
        let parameters = read.attributes().unwrap_or_default().iter().map(|a| (a.name.to_lowercase(), a.value.clone().into_owned()));
        Self {
            kind: token(read.ctype()).to_lowercase(),
            subtype: token(read.subtype().unwrap_or_default()).to_lowercase(),
            parameters: parameters.collect(),
        }
    }

    pub(crate) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Without control characters, each run of white space one space, at most so many bytes.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > longest {
            line.truncate(line.floor_char_boundary(longest));
            break;
        }
    }
    line
}

/// As the library wants it: with the end of its line, in UTF-8.
fn prepared(value: &[u8], longest: usize, flags: &mut Flags) -> Vec<u8> {
    if value.len() > longest {
        flags.note(Flag::CutHeader);
    }
    let value = &value[..value.len().min(longest)];
    let mut bytes = utf8(value, flags).into_owned();
    bytes.push(b'\n');
    bytes
}

/// Header fields are ASCII or UTF-8; what is neither is most likely Windows-1252.
fn utf8<'a>(value: &'a [u8], flags: &mut Flags) -> Cow<'a, [u8]> {
    match std::str::from_utf8(value) {
        Ok(_) => Cow::Borrowed(value),
        // Ends within a character, which is where it was cut.
        Err(error) if error.error_len().is_none() => Cow::Borrowed(&value[..error.valid_up_to()]),
        Err(_) => {
            flags.note(Flag::GuessedCharset);
            Cow::Owned(windows_1252(value).into_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emails(value: &str) -> Vec<String> {
        mailboxes(value.as_bytes(), &mut Flags::default()).into_iter().map(|mailbox| mailbox.to_string()).collect()
    }

    #[test]
    fn addresses_are_found_in_good_and_in_bad_fields() {
        assert_eq!(emails(" Ada <ADA@example.org>, \"B, C\" <b@example.org>"), ["Ada <ada@example.org>", "B, C <b@example.org>"]);
        assert_eq!(emails(" =?utf-8?q?J=C3=BCrgen?= <j@example.org>"), ["Jürgen <j@example.org>"]);
        assert_eq!(emails(" Ada Lovelace ada@example.org"), ["<ada@example.org>"]);
        assert_eq!(emails(" team: a@example.org, b@example.org;"), ["<a@example.org>", "<b@example.org>"]);
        assert_eq!(emails(" <>"), [""; 0]);
        assert_eq!(emails(" undisclosed-recipients:;"), [""; 0]);
    }

    #[test]
    fn ids_come_without_brackets_folding_and_comments() {
        assert_eq!(ids(b" <a@x>\r\n\t<b\r\n @y> <>"), ["a@x", "b@y"]);
        assert_eq!(ids(b" Your message of today <c@z> (was: d)"), ["c@z"]);
        assert_eq!(ids(b" naked@x and words"), ["naked@x"]);
        assert_eq!(ids(b" 20260302-4711"), ["20260302-4711"]);
        assert_eq!(ids(b" <never closed"), [""; 0]);
    }

    #[test]
    fn a_subject_stays_on_one_line() {
        let flags = &mut Flags::default();
        assert_eq!(text(b" one\r\n two =?utf-8?q?three=0D=0ABcc:_x?=", flags), "one two three Bcc: x");
        assert_eq!(text(b" gr\xfc\xdfe", flags), "gr\u{fc}\u{df}e");
    }

    #[test]
    fn a_date_is_read_with_its_zone_or_not_at_all() {
        assert_eq!(date(b" Mon, 2 Mar 2026 10:00:00 +0100").map(|date| date.to_rfc3339()).as_deref(), Some("2026-03-02T10:00:00+01:00"));
        for value in ["", " yesterday", " 99 Foo 2026 99:99:99 +9999"] {
            assert_eq!(date(value.as_bytes()), None, "{value:?}");
        }
    }
}
