//! From bytes to the tree of their parts, in one pass: at each line that could delimit parts, the
//! boundaries of all open multiparts are tried, the innermost first. So an outer boundary ends what
//! was never closed within it.

use std::borrow::Cow;

use super::lines::{Scan, Stop};
use super::{Content, Part, Store, guess, smime};
use crate::decode;
use crate::flags::{Flag, Flags};
use crate::header::{self, Fields, Parameterised};

const DEEPEST: usize = 16;
const MOST_PARTS: usize = 1000;
/// For each boundary that is guessed, what follows is read once more.
const MOST_GUESSES: usize = 2;

pub(super) struct Reader<'a, 'f> {
    flags: &'f mut Flags,
    /// How many parts may still come.
    room: usize,
    /// How many boundaries may still be guessed.
    guesses: usize,
    store: &'a Store,
    /// How many bytes may still be decoded in order to look for parts in them.
    decoded_room: usize,
}

impl<'a, 'f> Reader<'a, 'f> {
    pub(super) fn new(store: &'a Store, size: usize, flags: &'f mut Flags) -> Self {
        Self { flags, room: MOST_PARTS, guesses: MOST_GUESSES, store, decoded_room: size }
    }

    /// A whole mail.
    pub(super) fn mail(&mut self, raw: &'a [u8], depth: usize) -> Part<'a> {
        self.part(&mut Scan::new(raw), 0, depth, &Parameterised::new("text", "plain")).0
    }

    fn part(&mut self, scan: &mut Scan<'a>, start: usize, depth: usize, default: &Parameterised) -> (Part<'a>, Stop) {
        let limit = scan.header_end(start);
        let (fields, rest) = Fields::split(&scan.raw[start..limit], self.flags);
        let body = limit - rest.len();
        let declared = fields.first("content-type").and_then(|value| Parameterised::read(value, self.flags));
        let disposition = fields.first("content-disposition").and_then(|value| Parameterised::read(value, self.flags));
        let encoding = fields.first("content-transfer-encoding").map(header::raw).unwrap_or_default();
        let is_declared = declared.is_some();
        let media = declared.unwrap_or_else(|| default.clone());
        let mut part = Part { fields, media, disposition, encoding, content: Content::Leaf(&[]) };
        let stop = if part.media.kind == "multipart" {
            self.multipart(scan, body, depth, &mut part)
        } else if let Some(boundary) = (!is_declared && depth == 0).then(|| guess::unannounced_boundary(&scan.raw[body..])).flatten() {
            self.flags.note(Flag::BrokenStructure);
            part.media = Parameterised::new("multipart", "mixed");
            let stop = self.split(scan, body, depth, boundary, &mut part);
            guess::name_kind(&mut part);
            stop
        } else {
            let stop = scan.next(body);
            part.content = Content::Leaf(&scan.raw[body..stop.end]);
            Some(stop)
        };
        let stop = stop.unwrap_or_else(|| self.unsplit(scan, body, depth, &mut part));
        self.open_signed(&mut part, depth);
        (part, stop)
    }

    /// Reads the parts of a multipart by the boundary that is declared, else by one that is guessed.
    fn multipart(&mut self, scan: &mut Scan<'a>, body: usize, depth: usize, part: &mut Part<'a>) -> Option<Stop> {
        let declared = part.media.boundary().map(<[u8]>::to_vec);
        let declared = declared.filter(|boundary| !boundary.is_empty());
        if let Some(stop) = declared.and_then(|boundary| self.split(scan, body, depth, &boundary, part)) {
            return Some(stop);
        }
        if depth < DEEPEST {
            self.flags.note(Flag::BrokenStructure);
        }
        self.guesses = self.guesses.checked_sub(1)?;
        let end = scan.next(body).end;
        let boundary = guess::boundary(&scan.raw[body..end])?;
        self.split(scan, body, depth, boundary, part)
    }

    /// Reads the parts that `boundary` delimits; `None` if it does not.
    fn split(&mut self, scan: &mut Scan<'a>, body: usize, depth: usize, boundary: &[u8], part: &mut Part<'a>) -> Option<Stop> {
        if depth >= DEEPEST {
            self.flags.note(Flag::CutStructure);
            return None;
        }
        let level = scan.boundaries.len();
        scan.boundaries.push(boundary.to_vec());
        let first = scan.next(body);
        let found = first.delimiter.is_some_and(|delimiter| delimiter.level == level && !delimiter.last);
        let stop = found.then(|| self.children(scan, first, depth, part));
        scan.boundaries.truncate(level);
        stop
    }

    /// Reads parts from the first delimiter on to where the multipart ends.
    fn children(&mut self, scan: &mut Scan<'a>, first: Stop, depth: usize, part: &mut Part<'a>) -> Stop {
        let level = scan.boundaries.len() - 1;
        let is_digest = part.media.subtype == "digest";
        let default = if is_digest { Parameterised::new("message", "rfc822") } else { Parameterised::new("text", "plain") };
        let mut parts = Vec::new();
        let mut stop = first;
        let mut closed = false;
        while let Some(delimiter) = stop.delimiter.filter(|delimiter| delimiter.level == level) {
            let after = stop.after;
            if delimiter.last {
                closed = true;
                // An enclosing multipart of the same boundary goes on; else nothing but an epilogue may follow.
                if scan.boundaries[..level].contains(&scan.boundaries[level]) {
                    scan.boundaries.pop();
                    stop = scan.next(after);
                    break;
                }
                stop = scan.next(after);
                self.epilogue(&scan.raw[after.min(stop.end)..stop.end]);
                continue;
            }
            if std::mem::take(&mut closed) {
                self.flags.note(Flag::BrokenStructure);
            }
            let Some(room) = self.room.checked_sub(1) else {
                self.flags.note(Flag::CutStructure);
                scan.boundaries.pop();
                stop = scan.next(after);
                closed = true;
                break;
            };
            self.room = room;
            let (child, end) = self.part(scan, after, depth + 1, &default);
            parts.push(child);
            stop = end;
        }
        if !closed {
            self.flags.note(Flag::BrokenStructure);
        }
        part.content = Content::Parts(parts);
        stop
    }

    /// What follows the last part is no part of the mail (RFC 2046, 5.1.1), and no mail program shows it.
    fn epilogue(&mut self, text: &[u8]) {
        if !text.trim_ascii().is_empty() {
            self.flags.note(Flag::LeftOutEpilogue);
        }
    }

    /// A multipart in which no parts are found: encoded as a whole, or no multipart at all.
    fn unsplit(&mut self, scan: &mut Scan<'a>, body: usize, depth: usize, part: &mut Part<'a>) -> Stop {
        let mut stop = scan.next(body);
        let bytes = &scan.raw[body..stop.end];
        part.content = Content::Leaf(bytes);
        if depth >= DEEPEST {
            return stop;
        }
        if let Some(decoded) = self.decoded(bytes, part) {
            let mut inner = Scan::new(decoded);
            if self.multipart(&mut inner, 0, depth, part).is_some() {
                part.encoding = String::new();
                return stop;
            }
        }
        part.content = Content::Leaf(without_end(&mut stop, scan, body, part));
        let Content::Leaf(bytes) = part.content else { return stop };
        part.media = guess::text_media(bytes);
        stop
    }

    /// What was encoded, if it was.
    fn decoded(&mut self, bytes: &'a [u8], part: &Part<'a>) -> Option<&'a [u8]> {
        let room = self.decoded_room.checked_sub(bytes.len())?;
        let Cow::Owned(decoded) = decode::transfer(&part.encoding, bytes, &mut Flags::default()) else { return None };
        self.decoded_room = room;
        Some(self.store.keep(decoded))
    }

    /// Puts the mail that is within an S/MIME signature in its place (RFC 8551, 3.5.2).
    fn open_signed(&mut self, part: &mut Part<'a>, depth: usize) {
        let Content::Leaf(bytes) = part.content else { return };
        if !smime::may_be_signed(&part.media) || depth >= DEEPEST {
            return;
        }
        let Some(room) = self.decoded_room.checked_sub(bytes.len()) else { return };
        self.decoded_room = room;
        let der = decode::transfer(&part.encoding, bytes, &mut Flags::default());
        if let Some(signed) = smime::signed_content(&der) {
            let signed = self.store.keep(signed);
            part.content = Content::Parts(vec![self.mail(signed, depth + 1)]);
        }
    }
}

/// The bytes of a multipart that has a closing delimiter, but no part before it: what stands before it.
fn without_end<'a>(stop: &mut Stop, scan: &mut Scan<'a>, body: usize, part: &Part<'a>) -> &'a [u8] {
    let whole = &scan.raw[body..stop.end];
    let Some(boundary) = part.media.boundary() else { return whole };
    scan.boundaries.push(boundary.to_vec());
    let first = scan.next(body);
    scan.boundaries.pop();
    &scan.raw[body..first.end.min(stop.end)]
}
