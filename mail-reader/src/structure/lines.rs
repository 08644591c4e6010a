//! Lines that begin with two dashes, and which of them delimit parts.

use std::borrow::Cow;

use crate::header::cut_line;

/// A mail whose lines all end with a carriage return alone, as old Macintosh programs left them,
/// with line feeds in their place.
pub(crate) fn with_line_feeds(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\n', raw).is_some() || memchr::memchr(b'\r', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Some bytes, and the boundaries that are open at the place that is read.
pub(super) struct Scan<'a> {
    pub(super) raw: &'a [u8],
    pub(super) boundaries: Vec<Vec<u8>>,
    dashes: memchr::memmem::Finder<'static>,
}

/// Where something ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// Its end, before the line break that belongs to the delimiter.
    pub(super) end: usize,
    /// What comes after the delimiter.
    pub(super) after: usize,
    /// The delimiter; `None` at the end of all.
    pub(super) delimiter: Option<Delimiter>,
}

/// A delimiter line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiter {
    /// The index of its boundary.
    pub(super) level: usize,
    /// No part comes after it.
    pub(super) last: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { raw, boundaries: Vec::new(), dashes: memchr::memmem::Finder::new(b"\n--") }
    }

    /// The first delimiter at or after `from`, where a line begins.
    pub(super) fn next(&self, from: usize) -> Stop {
        let mut at = from;
        while !self.boundaries.is_empty() {
            let (line, rest) = cut_line(&self.raw[at..]);
            if let Some(delimiter) = self.delimiter(line) {
                return Stop { end: self.without_line_end(from, at), after: self.raw.len() - rest.len(), delimiter: Some(delimiter) };
            }
            // On to the next line that begins with dashes.
            let Some(found) = self.dashes.find(&self.raw[at..]) else { break };
            at += found + 1;
        }
        Stop { end: self.raw.len(), after: self.raw.len(), delimiter: None }
    }

    /// Where the header that begins at `from` ends: behind an empty line, or at a delimiter.
    pub(super) fn header_end(&self, from: usize) -> usize {
        let mut at = from;
        while at < self.raw.len() {
            let (line, rest) = cut_line(&self.raw[at..]);
            if self.delimiter(line).is_some() {
                return at;
            }
            at = self.raw.len() - rest.len();
            if line.is_empty() {
                break;
            }
        }
        at
    }

    fn delimiter(&self, line: &[u8]) -> Option<Delimiter> {
        let line = line.strip_prefix(b"--")?;
        self.boundaries.iter().enumerate().rev().find_map(|(level, boundary)| {
            match line.strip_prefix(boundary.as_slice())?.trim_ascii_end() {
                b"" => Some(Delimiter { level, last: false }),
                b"--" => Some(Delimiter { level, last: true }),
                _ => None,
            }
        })
    }

    fn without_line_end(&self, from: usize, at: usize) -> usize {
        let piece = &self.raw[from..at];
        let piece = piece.strip_suffix(b"\n").unwrap_or(piece);
        from + piece.strip_suffix(b"\r").unwrap_or(piece).len()
    }
}
