//! The MIME structure (RFC 2046) as a tree, read in time that grows with the size of the mail alone.
//!
//! The mail library can do this too, but a mail of 1.5 MB that nests messages in messages ends the
//! process by its stack, and one of half a megabyte with boundaries that never come takes ten
//! seconds. Here a nested message is an attachment and not looked into, and depth and number of the
//! parts are bounded.

use crate::flags::{Flag, Flags};
use crate::header::{self, Parameterised};
use crate::header::{Fields, cut_line};

const DEEPEST: usize = 16;
const MOST_PARTS: usize = 1000;

/// A mail, or a part of it.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) fields: Fields<'a>,
    pub(crate) media: Parameterised,
    pub(crate) disposition: Option<Parameterised>,
    /// The Content-Transfer-Encoding.
    pub(crate) encoding: String,
    pub(crate) content: Content<'a>,
}

/// What a part holds.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    /// Bytes, still in their transfer encoding.
    Leaf(&'a [u8]),
    /// Other parts.
    Parts(Vec<Part<'a>>),
}

impl<'a> Part<'a> {
    /// The tree of a whole mail.
    pub(crate) fn read(raw: &'a [u8], flags: &mut Flags) -> Self {
        let mut reader = Reader { flags, room: MOST_PARTS };
        reader.part(raw, 0, &Parameterised::new("text", "plain"))
    }

    /// The name that the sender gave to it as a file.
    pub(crate) fn file_name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref().and_then(|disposition| disposition.parameter("filename"));
        disposition.or_else(|| self.media.parameter("name"))
    }

    /// Whether the sender says how it is meant to be shown, and how.
    pub(crate) fn is_disposed(&self, kind: &str) -> bool {
        self.disposition.as_ref().is_some_and(|disposition| disposition.kind == kind)
    }

    /// All leaves, in the order in which they stand in the mail.
    pub(crate) fn leaves(&self) -> Vec<(&Self, &'a [u8])> {
        match &self.content {
            Content::Leaf(body) => vec![(self, body)],
            Content::Parts(parts) => parts.iter().flat_map(Self::leaves).collect(),
        }
    }
}

struct Reader<'f> {
    flags: &'f mut Flags,
    /// How many parts may still come.
    room: usize,
}

impl Reader<'_> {
    fn part<'a>(&mut self, raw: &'a [u8], depth: usize, default: &Parameterised) -> Part<'a> {
        let (fields, body) = Fields::split(raw, self.flags);
        let media = fields.first("content-type").and_then(|value| Parameterised::read(value, self.flags));
        let mut media = media.unwrap_or_else(|| default.clone());
        let disposition = fields.first("content-disposition").and_then(|value| Parameterised::read(value, self.flags));
        let encoding = fields.first("content-transfer-encoding").map(header::raw).unwrap_or_default();
        let content = if media.kind == "multipart" { self.parts(body, depth, &media) } else { None };
        if content.is_none() && media.kind == "multipart" {
            media = Parameterised::new("text", "plain");
        }
        Part { fields, media, disposition, encoding, content: content.unwrap_or(Content::Leaf(body)) }
    }

    /// The parts of a multipart body; `None` when it has none, so that it is shown as it is.
    fn parts<'a>(&mut self, body: &'a [u8], depth: usize, media: &Parameterised) -> Option<Content<'a>> {
        if depth >= DEEPEST {
            self.flags.note(Flag::CutStructure);
            return None;
        }
        let mut pieces = media.boundary().map(|boundary| self.split(body, boundary)).unwrap_or_default();
        if pieces.is_empty() {
            self.flags.note(Flag::BrokenStructure);
            pieces = guess_boundary(body).map(|boundary| self.split(body, boundary)).unwrap_or_default();
        }
        if pieces.is_empty() {
            return None;
        }
        let default = if media.subtype == "digest" { Parameterised::new("message", "rfc822") } else { Parameterised::new("text", "plain") };
        Some(Content::Parts(pieces.into_iter().map(|piece| self.part(piece, depth + 1, &default)).collect()))
    }

    /// The pieces between delimiter lines. The line break before a delimiter belongs to it.
    fn split<'a>(&mut self, body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let mut start = None;
        let mut rest = body;
        while !rest.is_empty() {
            let at = body.len() - rest.len();
            let (line, after) = cut_line(rest);
            rest = after;
            let Some(delimiter) = Delimiter::read(line, boundary) else { continue };
            if let Some(start) = start {
                pieces.push(without_line_end(&body[start..at]));
            }
            start = (delimiter == Delimiter::Next).then_some(body.len() - rest.len());
            if start.is_none() {
                return pieces;
            }
            let Some(room) = self.room.checked_sub(1) else {
                self.flags.note(Flag::CutStructure);
                return pieces;
            };
            self.room = room;
        }
        if let Some(start) = start {
            self.flags.note(Flag::BrokenStructure);
            pieces.push(&body[start..]);
        }
        pieces
    }
}

#[derive(PartialEq)]
enum Delimiter {
    Next,
    Last,
}

impl Delimiter {
    fn read(line: &[u8], boundary: &[u8]) -> Option<Self> {
        let after = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
        match after.trim_ascii_end() {
            b"" => Some(Self::Next),
            b"--" => Some(Self::Last),
            _ => None,
        }
    }
}

fn without_line_end(piece: &[u8]) -> &[u8] {
    let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
    piece.strip_suffix(b"\r").unwrap_or(piece)
}

/// A boundary that is nowhere named, or named wrongly: the first line that looks like a delimiter
/// and has a part's header after it.
fn guess_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body;
    while !rest.is_empty() {
        let (line, after) = cut_line(rest);
        rest = after;
        let boundary = line.strip_prefix(b"--").map(<[u8]>::trim_ascii_end).filter(|boundary| !boundary.is_empty());
        let next = rest.get(..8).is_some_and(|next| next.eq_ignore_ascii_case(b"content-"));
        if let (Some(boundary), true) = (boundary, next) {
            return Some(boundary);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn shape(raw: &str) -> (String, Vec<Flag>) {
        fn describe(part: &Part<'_>, out: &mut String) {
            match &part.content {
                Content::Leaf(body) => write!(out, "{:?}", String::from_utf8_lossy(body)),
                Content::Parts(parts) => {
                    out.push('[');
                    for part in parts {
                        describe(part, out);
                    }
                    out.write_char(']')
                }
            }
            .expect("a string takes everything");
        }
        let mut flags = Flags::default();
        let mut out = String::new();
        describe(&Part::read(raw.as_bytes(), &mut flags), &mut out);
        (out, flags.into_vec())
    }

    #[test]
    fn a_boundary_that_begins_like_another_is_told_apart() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\nfore\n--b\n\none\n--b1\nstill one\n--b \n\
                   Content-Type: multipart/mixed; boundary=b1\n\n--b1\n\ntwo\n--b1--\n--b--\nafter\n";
        assert_eq!(shape(raw), ("[\"one\\n--b1\\nstill one\"[\"two\"]]".to_owned(), vec![]));
    }

    #[test]
    fn a_boundary_that_never_comes_is_guessed_and_without_one_the_body_is_text() {
        let raw = "Content-Type: multipart/mixed; boundary=wrong\n\n--right\nContent-Type: text/plain\n\none\n--right--\n";
        assert_eq!(shape(raw), ("[\"one\"]".to_owned(), vec![Flag::BrokenStructure]));
        assert_eq!(shape("Content-Type: multipart/mixed\n\njust text"), ("\"just text\"".to_owned(), vec![Flag::BrokenStructure]));
    }

    #[test]
    fn bombs_of_depth_and_of_parts_are_cut_short() {
        let nested = "Content-Type: message/rfc822\n\n".repeat(200_000);
        assert_eq!(shape(&nested).1, []);
        let deep: String = (0..10_000).fold(String::new(), |mut raw, level| {
            write!(raw, "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n").expect("a string takes everything");
            raw
        });
        assert_eq!(shape(&deep).1, [Flag::BrokenStructure, Flag::CutStructure]);
        let wide = format!("Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(10_000));
        assert_eq!(shape(&wide).1, [Flag::CutStructure]);
    }
}
