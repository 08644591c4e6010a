//! What a structure was meant to be, where its header is wrong or says nothing.

use super::{Content, Part};
use crate::header::{Parameterised, cut_line};

/// RFC 2046 allows 70 characters.
const LONGEST_BOUNDARY: usize = 200;
/// So many lines are tried for which the whole text has to be looked through.
const MOST_TRIED: usize = 8;
/// So many lines before the first delimiter are looked at in a mail that does not say that it has parts.
const LONGEST_PREAMBLE: usize = 6;
/// How HTML begins that is not said to be HTML.
const HTML_STARTS: [&[u8]; 6] = [b"<!doctype html", b"<html", b"<head", b"<body", b"<div", b"<table"];

/// The boundary by which a multipart body is split when the declared one does not occur: that of a
/// delimiter line before a header, or of one that has a closing counterpart.
pub(super) fn boundary(body: &[u8]) -> Option<&[u8]> {
    let mut tried = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let (line, after) = cut_line(rest);
        if let Some(boundary) = candidate(line) {
            if begins_header(after) {
                return Some(boundary);
            }
            if tried < MOST_TRIED {
                tried += 1;
                let closing = [b"\n--", boundary, b"--"].concat();
                if memchr::memmem::find(after, &closing).is_some() {
                    return Some(boundary);
                }
            }
        }
        rest = after;
    }
    None
}

/// The boundary of a mail that does not say that it has parts, but begins with one.
pub(super) fn unannounced_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body;
    for _ in 0..LONGEST_PREAMBLE {
        let (line, after) = cut_line(rest);
        if let Some(boundary) = candidate(line).filter(|_| begins_header(after)) {
            let closing = [b"--", boundary, b"--"].concat();
            return memchr::memmem::find(after, &closing).is_some().then_some(boundary);
        }
        rest = after;
    }
    None
}

fn candidate(line: &[u8]) -> Option<&[u8]> {
    let boundary = line.strip_prefix(b"--")?.trim_ascii_end();
    let valid = !boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY && boundary.iter().any(u8::is_ascii_alphanumeric);
    valid.then_some(boundary)
}

fn begins_header(text: &[u8]) -> bool {
    text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
}

/// What a multipart without any part is: text, or HTML.
pub(super) fn text_media(body: &[u8]) -> Parameterised {
    let start = body.trim_ascii_start();
    let is_html = HTML_STARTS.iter().any(|html| start.get(..html.len()).is_some_and(|start| start.eq_ignore_ascii_case(html)));
    Parameterised::new("text", if is_html { "html" } else { "plain" })
}

/// Text and HTML and nothing else are alternatives, if nobody says what they are.
pub(super) fn name_kind(part: &mut Part<'_>) {
    let Content::Parts(parts) = &part.content else { return };
    if let [text, html] = parts.as_slice()
        && text.media.is("text", "plain")
        && html.media.is("text", "html")
    {
        part.media = Parameterised::new("multipart", "alternative");
    }
}
