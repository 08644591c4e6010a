//! The header: split into its fields, whatever its state, without looking into them.

use crate::flags::{Flag, Flags};

/// More fields than any mail needs. Of those beyond, only fields that a reader looks for are kept.
const MOST_FIELDS: usize = 5000;
const MOST_KNOWN_FIELDS: usize = 1000;
/// So many lines in a row may be damaged before they are taken for the beginning of the body.
const MOST_DAMAGED_LINES: usize = 4;

/// Names by which a header is known as one (RFC 5322, 2045, 2183, 3834, 5064), beside those with a
/// hyphen in them, which prose has not before a colon.
const KNOWN_NAMES: [&[u8]; 18] = [
    b"from",
    b"sender",
    b"to",
    b"cc",
    b"bcc",
    b"subject",
    b"date",
    b"received",
    b"references",
    b"comments",
    b"keywords",
    b"importance",
    b"priority",
    b"precedence",
    b"organization",
    b"autosubmitted",
    b"lines",
    b"status",
];

/// The header fields of a mail or of one of its parts, in order.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(&'a [u8], &'a [u8])>);

impl<'a> Fields<'a> {
    /// The header of `raw`, and what comes after the empty line that ends it.
    pub(crate) fn split(raw: &'a [u8], flags: &mut Flags) -> (Self, &'a [u8]) {
        let mut splitter = Splitter { raw, at: 0, returns: ends_with_returns(raw), fields: Vec::new(), known: 0, open: None, flags };
        let body = splitter.run();
        (Self(splitter.fields), body)
    }

    /// The value of the first field of this name, still folded and encoded.
    pub(crate) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all fields of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.0.eq_ignore_ascii_case(name.as_bytes())).map(|field| field.1)
    }
}

/// A whole mail from where its header begins: without a byte order mark, empty lines, and the line
/// that a folder in the mbox format has before each mail.
pub(crate) fn start(raw: &[u8]) -> &[u8] {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let mut rest = raw;
    loop {
        let from = rest.iter().position(|byte| !blank(byte)).unwrap_or(rest.len());
        rest = &rest[from..];
        let (line, after) = cut_line(rest);
        if let Some(marked) = rest.strip_prefix(b"\xef\xbb\xbf") {
            rest = marked;
        } else if is_mbox_line(line) && (field_name(after).is_some() || is_mbox_line(after)) {
            rest = after;
        } else {
            return rest;
        }
    }
}

/// The first line without its end, and what follows. A line ends with LF or CRLF, with CRCRLF where
/// a program doubled the CR, or with CR alone.
pub(crate) fn cut_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr2(b'\n', b'\r', bytes) {
        Some(end) => (&bytes[..end], &bytes[end + line_end(&bytes[end..])..]),
        None => (bytes, &[]),
    }
}

/// How many bytes the line end takes that `bytes` begins with.
fn line_end(bytes: &[u8]) -> usize {
    [b"\r\r\n".as_slice(), b"\r\n", b"\n", b"\r"].iter().find(|end| bytes.starts_with(end)).map_or(0, |end| end.len())
}

/// Whether CR alone is what ends the lines of a mail, judged by its first line.
fn ends_with_returns(raw: &[u8]) -> bool {
    let end = raw.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    end.is_some_and(|end| raw[end] == b'\r' && line_end(&raw[end..]) == 1)
}

struct Splitter<'a, 'f> {
    raw: &'a [u8],
    /// Where the next line begins.
    at: usize,
    /// CR alone ends a line, whatever follows.
    returns: bool,
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// How many of the fields came when there was room for known ones only.
    known: usize,
    /// Where the value of the latest field begins, to be made longer by the lines that continue it.
    open: Option<usize>,
    flags: &'f mut Flags,
}

impl<'a> Splitter<'a, '_> {
    /// Reads the header and gives the body.
    fn run(&mut self) -> &'a [u8] {
        while self.at < self.raw.len() {
            let start = self.at;
            let (end, next) = self.line(start);
            let line = &self.raw[start..end];
            self.at = next;
            if line.is_empty() {
                return &self.raw[next..];
            }
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let (Some(from), Some((_, value))) = (self.open, self.fields.last_mut()) {
                    *value = &self.raw[from..end];
                }
            } else if let Some((name, colon)) = field_name(line) {
                self.add(name, start + colon + 1, end);
            } else if self.goes_on(line) {
                if !is_mbox_line(line) {
                    self.flags.note(Flag::MalformedHeader);
                }
                self.open = None;
            } else {
                // The empty line is missing and the body begins.
                if start > 0 {
                    self.flags.note(Flag::MalformedHeader);
                }
                return &self.raw[start..];
            }
        }
        &[]
    }

    fn add(&mut self, name: &'a [u8], from: usize, end: usize) {
        self.open = None;
        if self.fields.len() >= MOST_FIELDS {
            self.flags.note(Flag::CutHeader);
            if !is_known(name) || self.known == MOST_KNOWN_FIELDS {
                return;
            }
            self.known += 1;
        }
        self.fields.push((name, &self.raw[from..end]));
        self.open = Some(from);
    }

    /// Where the line ends that begins at `start`, and where the next one begins. In a mail whose lines
    /// end otherwise, a CR alone ends a line only where a field or an empty line follows.
    fn line(&self, start: usize) -> (usize, usize) {
        let mut from = start;
        while let Some(end) = self.raw[from..].iter().position(|byte| matches!(byte, b'\n' | b'\r')).map(|end| from + end) {
            let next = end + line_end(&self.raw[end..]);
            let alone = self.raw[end] == b'\r' && next == end + 1;
            let rest = &self.raw[next..];
            if !alone || self.returns || matches!(rest.first(), None | Some(b'\r' | b' ' | b'\t')) || field_name(rest).is_some() {
                return (end, next);
            }
            from = next;
        }
        (self.raw.len(), self.raw.len())
    }

    /// Whether there is still header after the line that was just read and is no field.
    fn goes_on(&self, damaged: &[u8]) -> bool {
        if damaged.starts_with(b"--") {
            // The first part of a body begins.
            return false;
        }
        let mut at = self.at;
        for _ in 0..MOST_DAMAGED_LINES {
            let (end, next) = self.line(at);
            let line = &self.raw[at..end];
            if line.is_empty() {
                // What would be lost may be all that the person wrote.
                return is_mbox_line(damaged) && !self.fields.is_empty();
            }
            if let Some((name, _)) = field_name(line) {
                return is_known(name) || is_mbox_line(damaged);
            }
            at = next;
        }
        false
    }
}

/// The name of a field (RFC 5322, 2.2), if the line begins with one, and where its colon is. Names
/// outside of ASCII are against the rules and no reason to lose what follows.
fn field_name(line: &[u8]) -> Option<(&[u8], usize)> {
    let length = line.iter().position(|byte| *byte == b':' || !(byte.is_ascii_graphic() || *byte >= 0x80))?;
    let blank = line[length..].iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
    let colon = length + blank;
    let valid = length > 0 && line[colon] == b':' && !line[colon..].starts_with(b"://");
    valid.then_some((&line[..length], colon))
}

fn is_known(name: &[u8]) -> bool {
    name.contains(&b'-') || KNOWN_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The line before a mail in a folder of the mbox format (RFC 4155), also one that was quoted as if
/// it stood in a body. "From :" is a field with a blank before its colon (RFC 5322, A.6.3).
fn is_mbox_line(line: &[u8]) -> bool {
    let behind = line.strip_prefix(b">").unwrap_or(line).strip_prefix(b"From ");
    behind.is_some_and(|behind| !behind.trim_ascii_start().starts_with(b":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(raw: &str) -> (Vec<(&str, &str)>, &str, Vec<Flag>) {
        let mut flags = Flags::default();
        let (fields, body) = Fields::split(start(raw.as_bytes()), &mut flags);
        let text = |bytes| std::str::from_utf8(bytes).expect("made of text");
        (fields.0.iter().map(|(name, value)| (text(name), text(value))).collect(), text(body), flags.into_vec())
    }

    #[test]
    fn folded_lines_belong_to_their_field_whatever_ends_the_lines() {
        for end in ["\r\n", "\n", "\r", "\r\r\n"] {
            let raw = ["Subject: one", " two", "   ", "X : y", "", "body", ""].join(end);
            let (fields, body, flags) = split(&raw);
            assert_eq!(fields[0].0, "Subject");
            assert_eq!(fields[0].1.split_whitespace().collect::<Vec<_>>(), ["one", "two"], "{end:?}");
            assert_eq!(fields[1], ("X", " y"));
            assert_eq!((fields.len(), body.trim_end(), flags), (2, "body", vec![]), "{end:?}");
        }
    }

    #[test]
    fn a_return_within_a_line_ends_it_only_before_a_field() {
        let (fields, body, flags) = split("To: a@b.c\nSubject: one\rtwo\rX-Mailer: x\r\r\nCc: d@e.f\r\n\r\nbody\rgoes on\n");
        assert_eq!(fields, [("To", " a@b.c"), ("Subject", " one\rtwo"), ("X-Mailer", " x"), ("Cc", " d@e.f")]);
        assert_eq!((body, flags), ("body\rgoes on\n", vec![]));
    }

    #[test]
    fn a_malformed_line_loses_neither_fields_nor_body() {
        let (fields, body, flags) = split("From: a@b.c\ngarbage here\n folded garbage\nTo: d@e.f\n\nbody\n");
        assert_eq!((fields.len(), body, flags), (2, "body\n", vec![Flag::MalformedHeader]));
        let (fields, body, flags) = split("From: a@b.c\nHello,\nthe line between is missing.\n\nNote: this\n");
        assert_eq!((fields.len(), flags), (1, vec![Flag::MalformedHeader]));
        assert_eq!(body, "Hello,\nthe line between is missing.\n\nNote: this\n");
        let (fields, body, _) = split("From: a@b.c\n--b\nContent-Type: text/plain\n\nx");
        assert_eq!((fields.len(), body), (1, "--b\nContent-Type: text/plain\n\nx"));
        let (fields, body, flags) = split("From: a@b.c\nSee http://example.org/ please\n\nor not");
        assert_eq!((fields.len(), body, flags), (1, "See http://example.org/ please\n\nor not", vec![Flag::MalformedHeader]));
    }

    #[test]
    fn a_mail_without_a_header_is_all_body() {
        for raw in ["Hello,\nno header at all\n", "Hi,\nNote: late again\n\nBye", "From all of us\n\nthanks", "http://example.org/ is down"]
        {
            assert_eq!(split(raw), (vec![], raw, vec![]));
        }
    }

    #[test]
    fn what_stands_before_the_header_is_skipped() {
        for before in [
            "\n\r\n  \n",
            "\u{feff}",
            "From ada@example.org Mon Mar  2 10:00:00 2026\n",
            "\u{feff}>From ada@example.org Mon Mar  2 10:00:00 2026\nFrom - Mon, 2 Mar\n",
            "\0\0\n",
        ] {
            let raw = format!("{before}return-PATH: <a@b.c>\n>From x Mon Mar  2 10:00:00 2026\nÄrger: y\n\nb");
            let (fields, body, flags) = split(&raw);
            assert_eq!((fields, body, flags), (vec![("return-PATH", " <a@b.c>"), ("Ärger", " y")], "b", vec![]), "{before:?}");
        }
    }

    #[test]
    fn of_too_many_fields_those_that_are_looked_for_are_kept() {
        let raw = format!("{}Subject: last\nFrom: a@b.c\n\nbody", "X: y\n".repeat(20_000));
        let mut flags = Flags::default();
        let (fields, body) = Fields::split(raw.as_bytes(), &mut flags);
        assert_eq!((fields.first("subject"), fields.first("From")), (Some(b" last".as_slice()), Some(b" a@b.c".as_slice())));
        assert_eq!((fields.0.len(), body, flags.into_vec()), (MOST_FIELDS + 2, b"body".as_slice(), vec![Flag::CutHeader]));
    }
}
