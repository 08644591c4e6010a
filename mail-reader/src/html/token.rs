//! Splits markup into text and tags, after the tokenizer of WHATWG HTML (13.2.5), more forgiving
//! where a mail would lose its text: a tag that never ends is text, a quote that never ends is none.
//!
//! Each byte is looked at a bounded number of times: what was looked for in vain is remembered.

use std::borrow::Cow;

use super::elements::{self, ELEMENTS, Kind};

/// A piece of markup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text with its character references as they are.
    Text(&'a str),
    /// The start tag of a known element, by its place in the list of all, and its attributes.
    Start(usize, Attributes<'a>),
    /// The end tag of a known element.
    End(usize),
}

/// So many tags may run into the end before quotes are no longer believed.
const MOST_UNENDED: u8 = 4;
/// Values of attributes that are longer are a trick, unless they hold a file.
const LONGEST_VALUE: usize = 64 * 1024;
const LARGEST_FILE: usize = 300 * 1024;
/// No character reference is longer.
const LONGEST_REFERENCE: usize = 40;

pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// The element whose content, which is no markup, comes next.
    raw: Option<usize>,
    /// Elements whose end tag does not come any more.
    never_ends: u128,
    unended_tags: u8,
    no_more_tags: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(markup: &'a str) -> Self {
        Self { rest: markup, raw: None, never_ends: 0, unended_tags: 0, no_more_tags: false }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// What is inside of an element whose content is no markup: the text, if it is shown.
    fn raw_text(&mut self, index: usize) -> Option<Token<'a>> {
        let name = ELEMENTS[index].name;
        let ends = self.never_ends & (1 << index) == 0 && name != "plaintext";
        let length = ends.then(|| find_end_tag(self.rest, &[name])).flatten().unwrap_or_else(|| {
            self.never_ends |= 1 << index;
            // What is never closed ends at the latest with the head of the document.
            match name {
                "title" => 0,
                "style" | "script" if ends => find_end_tag(self.rest, &["head"]).unwrap_or(self.rest.len()),
                _ => self.rest.len(),
            }
        });
        let content = self.take(length);
        let shown = ELEMENTS[index].kind == Kind::RawText && !content.is_empty();
        shown.then_some(Token::Text(content))
    }

    /// What begins with `<`. `None` if it is nothing to be seen.
    fn markup(&mut self) -> Option<Token<'a>> {
        let rest = self.rest;
        if let Some(comment) = rest.strip_prefix("<!--") {
            self.rest = after_comment(comment);
            return None;
        }
        let after = rest.as_bytes().get(1).copied().unwrap_or_default();
        let letter = |at| rest.as_bytes().get(at).is_some_and(u8::is_ascii_alphabetic);
        if after == b'!' || after == b'?' || (after == b'/' && rest.len() > 2 && !letter(2)) {
            match rest.find('>') {
                Some(end) => self.rest = &rest[end + 1..],
                None => return Some(Token::Text(self.take(rest.len()))),
            }
            return None;
        }
        let name_start = if after == b'/' { 2 } else { 1 };
        if !letter(name_start) || self.no_more_tags {
            return Some(Token::Text(self.take(1)));
        }
        self.tag(name_start)
    }

    fn tag(&mut self, name_start: usize) -> Option<Token<'a>> {
        let inner = &self.rest[name_start..];
        let name_end = inner.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(inner.len());
        let (name, attributes) = inner.split_at(name_end);
        let element = elements::find(name);
        let Some(end) = self.end_of_tag(attributes) else {
            self.no_more_tags = true;
            // A tag that was cut off, or a text with a sign for "less than".
            let cut_off = element.is_some() && attributes.contains('=');
            let text = self.take(if cut_off { self.rest.len() } else { 1 });
            return (!cut_off).then_some(Token::Text(text));
        };
        self.rest = &attributes[end + 1..];
        let element = element?;
        if name_start == 2 {
            return Some(Token::End(element));
        }
        if matches!(ELEMENTS[element].kind, Kind::Raw | Kind::RawText) {
            self.raw = Some(element);
        }
        Some(Token::Start(element, Attributes(&attributes[..end])))
    }

    /// Where the `>` of a tag stands.
    fn end_of_tag(&mut self, attributes: &str) -> Option<usize> {
        if self.unended_tags < MOST_UNENDED {
            let mut scan = Attributes(attributes);
            while scan.next_pair().is_some() {}
            if scan.0.starts_with('>') {
                return Some(attributes.len() - scan.0.len());
            }
            self.unended_tags += 1;
        }
        attributes.find('>')
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if let Some(index) = self.raw.take() {
                if let Some(text) = self.raw_text(index) {
                    return Some(text);
                }
                continue;
            }
            if self.rest.is_empty() {
                return None;
            }
            match self.rest.find('<') {
                Some(0) => {
                    if let Some(token) = self.markup() {
                        return Some(token);
                    }
                }
                found => return Some(Token::Text(self.take(found.unwrap_or(self.rest.len())))),
            }
        }
    }
}

/// What comes after a comment. One that never ends has everything in it.
fn after_comment(comment: &str) -> &str {
    if let Some(rest) = comment.strip_prefix('>').or_else(|| comment.strip_prefix("->")) {
        return rest;
    }
    let mut rest = comment;
    while let Some((_, after)) = rest.split_once("--") {
        if let Some(after) = after.strip_prefix('>').or_else(|| after.strip_prefix("!>")) {
            return after;
        }
        // The second of the dashes may begin the end.
        rest = &rest[rest.len() - after.len() - 1..];
    }
    ""
}

/// Where the next end tag of one of these elements begins.
fn find_end_tag(text: &str, names: &[&str]) -> Option<usize> {
    text.match_indices("</").map(|(at, _)| at).find(|at| {
        let rest = &text[at + 2..];
        names.iter().any(|name| {
            let follows = rest.as_bytes().get(name.len());
            rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
                && follows.is_none_or(|c| c.is_ascii_whitespace() || matches!(c, b'/' | b'>'))
        })
    })
}

/// The attributes of a tag, as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes<'a>(&'a str);

impl<'a> Attributes<'a> {
    pub(super) const NONE: Attributes<'static> = Attributes("");

    pub(super) fn is_empty(self) -> bool {
        self.0.trim_ascii().is_empty()
    }

    /// The value of the first attribute of a name, its character references resolved; none if it is too long.
    pub(super) fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.get_within(name, LONGEST_VALUE)
    }

    /// The same of an attribute that may hold a file.
    pub(super) fn get_long(self, name: &str) -> Option<Cow<'a, str>> {
        self.get_within(name, LARGEST_FILE)
    }

    fn get_within(mut self, name: &str, limit: usize) -> Option<Cow<'a, str>> {
        loop {
            let (found, value) = self.next_pair()?;
            if found.eq_ignore_ascii_case(name) {
                if value.len() > limit {
                    return None;
                }
                return Some(if value.contains('&') { htmlize::unescape_attribute(value) } else { Cow::Borrowed(value) });
            }
        }
    }

    /// Each name and value in turn, character references in values as they are.
    pub(super) fn each(mut self) -> impl Iterator<Item = (&'a str, &'a str)> {
        std::iter::from_fn(move || self.next_pair())
    }

    pub(super) fn has(mut self, name: &str) -> bool {
        while let Some((found, _)) = self.next_pair() {
            if found.eq_ignore_ascii_case(name) {
                return true;
            }
        }
        false
    }

    /// The next attribute and its value. `None` at the end: then what is left begins with the `>`
    /// of the tag, or is nothing.
    fn next_pair(&mut self) -> Option<(&'a str, &'a str)> {
        self.0 = self.0.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if self.0.is_empty() || self.0.starts_with('>') {
            return None;
        }
        // A name may begin with the sign that ends it.
        let first = self.0.chars().next().map_or(0, char::len_utf8);
        let end =
            self.0[first..].find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=')).map_or(self.0.len(), |at| first + at);
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        let Some(value) = rest.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start) else { return Some((name, "")) };
        let (value, rest) = match value.chars().next() {
            // A quote that never ends leaves nothing behind it.
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(value.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}

/// A text with its character references resolved, in pieces, so that a long one is not copied.
pub(super) fn resolved(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = match rest.find('&') {
            Some(0) => {
                let window = &rest[..rest.floor_char_boundary(LONGEST_REFERENCE)];
                let end = window[1..].find(|c: char| c == '&' || c == ';' || c.is_ascii_whitespace()).map_or(window.len(), |at| at + 1);
                if window[end..].starts_with(';') { end + 1 } else { end }
            }
            found => found.unwrap_or(rest.len()),
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(if piece.starts_with('&') { htmlize::unescape(piece) } else { Cow::Borrowed(piece) })
    })
}
