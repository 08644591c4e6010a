//! The header: split into its fields, whatever its state, without looking into them.

use crate::flags::{Flag, Flags};

/// More fields than any mail needs.
const MOST_FIELDS: usize = 1000;

/// The header fields of a mail or of one of its parts, in order.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Fields<'a> {
    /// The header of `raw`, and what comes after the empty line that ends it.
    pub(crate) fn split(raw: &'a [u8], flags: &mut Flags) -> (Self, &'a [u8]) {
        let mut fields: Vec<(&str, &[u8])> = Vec::new();
        let mut rest = raw;
        // Where the value of the latest field begins, to be made longer by the lines that continue it.
        let mut open: Option<usize> = None;
        loop {
            let (line, after) = cut_line(rest);
            let start = raw.len() - rest.len();
            if line.is_empty() && after.len() < rest.len() {
                return (Self(fields), after);
            }
            if line.is_empty() {
                return (Self(fields), &[]);
            }
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                if let (Some(from), Some((_, value))) = (open, fields.last_mut()) {
                    *value = &raw[from..start + line.len()];
                }
            } else if let Some(name) = field_name(line) {
                let from = start + line.iter().position(|byte| *byte == b':').map_or(line.len(), |colon| colon + 1);
                if fields.len() < MOST_FIELDS {
                    fields.push((name, &raw[from..start + line.len()]));
                    open = Some(from);
                } else {
                    flags.note(Flag::CutHeader);
                    open = None;
                }
            } else if goes_on(after) {
                flags.note(Flag::MalformedHeader);
                open = None;
            } else {
                // Two lines in a row that are no header: the empty line is missing and the body begins.
                if start > 0 {
                    flags.note(Flag::MalformedHeader);
                }
                return (Self(fields), rest);
            }
            rest = after;
        }
    }

    /// The value of the first field of this name, still folded and encoded.
    pub(crate) fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all fields of this name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1)
    }
}

/// The first line without its end, and what follows.
pub(crate) fn cut_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// The name of a field (RFC 5322, 2.2), if the line begins with one.
fn field_name(line: &[u8]) -> Option<&str> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let valid = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    valid.then(|| std::str::from_utf8(name).ok()).flatten()
}

/// Whether what follows a malformed line is still header, or its end.
fn goes_on(after: &[u8]) -> bool {
    let (line, rest) = cut_line(after);
    let ends_header = line.is_empty() && rest.len() < after.len();
    ends_header || field_name(line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(raw: &str) -> (Vec<(&str, &str)>, &str, Vec<Flag>) {
        let mut flags = Flags::default();
        let (fields, body) = Fields::split(raw.as_bytes(), &mut flags);
        let text = |bytes| std::str::from_utf8(bytes).expect("made of text");
        (fields.0.iter().map(|(name, value)| (*name, text(value))).collect(), text(body), flags.into_vec())
    }

    #[test]
    fn folded_lines_belong_to_their_field_whatever_ends_the_lines() {
        for raw in ["Subject: one\r\n two\r\nX : y\r\n\r\nbody\r\n", "Subject: one\n two\nX : y\n\nbody\n"] {
            let (fields, body, flags) = split(raw);
            assert_eq!(fields[0].0, "Subject");
            assert_eq!(fields[0].1.split_whitespace().collect::<Vec<_>>(), ["one", "two"]);
            assert_eq!(fields[1], ("X", " y"));
            assert_eq!(body.trim_end(), "body");
            assert_eq!(flags, []);
        }
    }

    #[test]
    fn a_malformed_line_loses_neither_fields_nor_body() {
        let (fields, body, flags) = split("From: a@b.c\ngarbage here\n folded garbage\nTo: d@e.f\n\nbody\n");
        assert_eq!(fields.len(), 1, "two malformed lines in a row begin the body");
        assert_eq!((body, flags), ("garbage here\n folded garbage\nTo: d@e.f\n\nbody\n", vec![Flag::MalformedHeader]));
        let (fields, body, flags) = split("From: a@b.c\ngarbage here\nTo: d@e.f\n\nbody\n");
        assert_eq!((fields.len(), body, flags), (2, "body\n", vec![Flag::MalformedHeader]));
        let (fields, body, flags) = split("Hello,\nno header at all\n");
        assert_eq!((fields.len(), body, flags), (0, "Hello,\nno header at all\n", vec![]));
    }
}
