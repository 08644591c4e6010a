//! What the person newly wrote: a mail's text without the mail that it answers, and without the
//! signature.
//!
//! Each line is told for what it is ([`lines`]): quoted, the [`introduction`] of a quote, or the
//! person's own. The first thing that can only begin a quote without marks of its own ends the
//! answer: our own line ([`own`]), a [`separator`], a [`header_block`], an introduction above
//! unmarked text. What is left is then taken apart:
//!
//! * At the end, quotes with their introductions and [`signature`]s are taken away. A quote that
//!   the person's own line announces ("I ran:") is the person's own.
//! * A single quote, above or amid the answer, is taken away if it was introduced or is the
//!   first thing of two lines or more: that is the mail that is answered, put whole above the answer.
//! * Where answers stand between several quotes, those belong to what is said: everything is kept
//!   down to the last answer, with the introductions.
//! * A forward is kept whole, and so is a mail that is nothing but a quote.
//!
//! The armour of a text that was signed within itself ([`armour`]) is taken away first.
//!
//! What is left is looked at once more, until nothing changes, so that a reply that is trimmed again
//! stays the same. A text that does not come to rest is given whole. Each step takes time that
//! grows with the text alone.
//!
//! What an HTML mail's structure tells ([`Mark`]) counts for more than what its text looks like.

mod armour;
mod header_block;
mod introduction;
mod lines;
mod mark;
mod marked;
mod marks;
mod own;
#[cfg(test)]
mod properties;
mod separator;
mod signature;
mod subject;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use mark::{Mark, MarkKind};
pub use own::{OWN_LINES, holds_own_line};

use introduction::Ahead;
use lines::{Line, first, is_blank, is_quoted, is_rule, unquoted};
use marked::Marked;

/// A text that has not come to rest after so many steps is given whole.
const MOST_PASSES: usize = 6;
/// So many signatures are taken in one step.
const MOST_SIGNATURES: usize = 6;

/// A text without what is not new in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed<'t> {
    /// What the person newly wrote: a piece of the text, mostly.
    pub reply: Cow<'t, str>,
    /// The signature below it, without its delimiter.
    pub signature: Option<String>,
}

/// Takes from a text what was quoted and the signature. `marks` say what the HTML's structure told
/// of it; a text that was no HTML has none.
#[must_use]
pub fn trim<'t>(text: &'t str, marks: &[Mark]) -> Trimmed<'t> {
    settle(text, marks, false).trimmed
}

/// The same, of a mail that has its HTML laid out as well: where the text shows no quote and the
/// HTML's structure does, the reply is the HTML's. With a subject such as "FW: …" a header of another
/// mail begins what is handed on: programs write the same one when they reply.
pub(crate) fn best<'t>(subject: &str, text: &'t str, marks: &[Mark], html: Option<(&'t str, &[Mark])>) -> Trimmed<'t> {
    let handed_on = subject::hands_on(subject);
    let plain = settle(text, marks, handed_on);
    let tells = |marks: &[Mark]| marks.iter().any(|mark| matches!(mark.kind, MarkKind::Quote | MarkKind::Introduction));
    match html.filter(|(_, marks)| !plain.quoted && tells(marks)) {
        Some((text, marks)) => {
            let rich = settle(text, marks, handed_on).trimmed;
            if rich.reply.len() < plain.trimmed.reply.len() { rich } else { plain.trimmed }
        }
        None => plain.trimmed,
    }
}

/// The part of `text` that the person newly wrote.
#[must_use]
pub fn reply(text: &str) -> String {
    trim(text, &[]).reply.into_owned()
}

struct Settled<'t> {
    trimmed: Trimmed<'t>,
    /// Something quoted or handed on was found.
    quoted: bool,
}

fn settle<'t>(text: &'t str, marks: &[Mark], handed_on: bool) -> Settled<'t> {
    let mut base = Cow::Borrowed(text);
    let mut range = 0..text.len();
    let mut quoted = false;
    let mut signatures: Vec<String> = Vec::new();
    for number in 0..MOST_PASSES {
        let pass = Pass::over(&base[range.clone()], if number == 0 { marks } else { &[] }, handed_on);
        quoted |= pass.quoted;
        signatures.splice(0..0, pass.signatures);
        let rests = match pass.kept {
            Kept::Whole => true,
            Kept::Part(part) => {
                range = range.start + part.start..range.start + part.end;
                pass.is_forward
            }
            Kept::Made(made) => {
                range = 0..made.len();
                base = Cow::Owned(made);
                false
            }
        };
        if rests {
            let reply = match base {
                Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
                Cow::Owned(mut made) => {
                    made.truncate(range.end);
                    made.drain(..range.start);
                    Cow::Owned(made)
                }
            };
            let signature = signatures.join("\n").trim().to_owned();
            return Settled { trimmed: Trimmed { reply, signature: Some(signature).filter(|signature| !signature.is_empty()) }, quoted };
        }
    }
    Settled { trimmed: Trimmed { reply: Cow::Borrowed(text.trim()), signature: None }, quoted }
}

/// What is kept of a text.
enum Kept {
    Whole,
    Part(Range<usize>),
    Made(String),
}

/// One look at a text.
struct Pass {
    kept: Kept,
    quoted: bool,
    is_forward: bool,
    /// In their order.
    signatures: Vec<String>,
}

impl Pass {
    fn over(text: &str, marks: &[Mark], handed_on: bool) -> Self {
        if let Some(signed) = armour::signed(text) {
            return Self { kept: Kept::Made(signed), quoted: false, is_forward: false, signatures: Vec::new() };
        }
        let Told { lines, end } = Told::of(text, marks, handed_on);
        let quoted = !matches!(end, End::Text) || lines.iter().any(|line| matches!(line, Line::Quote | Line::Introduction));
        let is_forward = matches!(end, End::Forward);
        let answer = if let End::Quote(at) = end { &text[..at] } else { text };
        let mut rest = Rest::new(answer, &lines);
        let signatures = if is_forward || !rest.has_own() { Vec::new() } else { rest.take_tail(matches!(end, End::Quote(_))) };
        // Where nothing is left but a rule above what was taken, the text is given whole.
        let signatures = if rest.has_own() { signatures } else { Vec::new() };
        let kept = if is_forward || !rest.has_own() { Cow::Borrowed(text.trim()) } else { rest.without_quote() };
        let kept = own::below(&kept).map_or(kept, Cow::Owned);
        let kept = match kept {
            Cow::Borrowed(part) if part.len() == text.len() => Kept::Whole,
            Cow::Borrowed(part) => {
                let start = part.as_ptr() as usize - text.as_ptr() as usize;
                Kept::Part(start..start + part.len())
            }
            Cow::Owned(made) if made == text => Kept::Whole,
            Cow::Owned(made) => Kept::Made(made),
        };
        Self { kept, quoted, is_forward, signatures }
    }
}

/// What ends an answer.
#[derive(Clone, Copy)]
enum End {
    /// All that follows is quoted.
    Quote(usize),
    /// Another mail is handed on.
    Forward,
    /// Nothing but the end of the text.
    Text,
}

/// What the lines of a text are, up to what ends the answer.
struct Told {
    lines: Vec<Line>,
    end: End,
}

impl Told {
    fn of(text: &str, marks: &[Mark], handed_on: bool) -> Self {
        let mut marked = Marked::new(marks);
        let mut ahead = Ahead::new(text);
        let mut lines = Vec::new();
        let (mut at, mut no_header_before, mut quoted) = (0, 0, false);
        while at < text.len() {
            let rest = &text[at..];
            let line = first(rest);
            if own::begins_here(rest) {
                return Self { lines, end: End::Quote(at) };
            }
            let mut heads = || at >= no_header_before && header_block::begins(rest, &mut no_header_before, at);
            let told = match marked.at(at) {
                Some(MarkKind::Forward) => return Self { lines, end: End::Forward },
                Some(MarkKind::Quote | MarkKind::Introduction) if handed_on && heads() => return Self { lines, end: End::Forward },
                _ if is_blank(line) => Line::Blank,
                Some(MarkKind::Quote) => Line::Quote,
                Some(MarkKind::Introduction) => Line::Introduction,
                Some(MarkKind::Signature) => Line::Signature,
                None if begins_forward(line, quoted, handed_on) => return Self { lines, end: End::Forward },
                None if separator::is_original(line) => {
                    if !introduction::quote_follows(&rest[line.len()..]) {
                        return Self { lines, end: End::Quote(at) };
                    }
                    Line::Introduction
                }
                None if is_quoted(line) => Line::Quote,
                None if heads() => {
                    return Self { lines, end: if handed_on { End::Forward } else { End::Quote(at) } };
                }
                None => {
                    let is_marked = |ahead: usize| marked.is_quote(at + ahead) || own::begins_here(&rest[ahead..]);
                    match introduction::begins(rest, &ahead.at(at), is_marked) {
                        Some(found) if found.unmarked && is_apart(&lines, rest, found.len) => return Self { lines, end: End::Quote(at) },
                        Some(found) if !found.unmarked => {
                            let introduction = &rest[..found.len];
                            lines.extend(introduction.split_inclusive('\n').map(|_| Line::Introduction));
                            (at, quoted) = (at + found.len, true);
                            continue;
                        }
                        _ => Line::Own,
                    }
                }
            };
            quoted |= matches!(told, Line::Quote | Line::Introduction);
            lines.push(told);
            at += line.len();
        }
        Self { lines, end: End::Text }
    }
}

/// Whether a line stands before a mail that is handed on. Apple Mail quotes what it hands on with its line;
/// where something was `quoted` before, that is a part of the quote.
fn begins_forward(line: &str, quoted: bool, handed_on: bool) -> bool {
    if is_quoted(line) {
        return !quoted && separator::is_forward(unquoted(line));
    }
    separator::is_forward(line) || (handed_on && separator::is_original(line))
}

/// Whether what may be an introduction has an address or stands apart. In the midst of a paragraph it
/// tells of somebody.
fn is_apart(before: &[Line], rest: &str, len: usize) -> bool {
    before.last() != Some(&Line::Own) || is_blank(first(&rest[len..])) || rest[..len].contains('@')
}

/// What is left of a text, and what its lines are.
#[derive(Clone, Copy)]
struct Rest<'t> {
    text: &'t str,
    lines: &'t [Line],
    /// How many lines come before the first that is the person's own.
    before_own: usize,
}

impl<'t> Rest<'t> {
    fn new(text: &'t str, lines: &'t [Line]) -> Self {
        Self { text, lines, before_own: lines.iter().take_while(|line| **line != Line::Own).count() }
    }

    fn has_own(&self) -> bool {
        self.before_own < self.lines.len()
    }

    /// The last line, and what it is.
    fn last(&self) -> Option<(&'t str, Line)> {
        Some((&self.text[self.last_start()..], *self.lines.last()?))
    }

    fn last_start(&self) -> usize {
        self.text.strip_suffix('\n').unwrap_or(self.text).rfind('\n').map_or(0, |end| end + 1)
    }

    /// Without the last line.
    fn pop(&mut self) {
        self.text = &self.text[..self.last_start()];
        self.lines = self.lines.split_last().map_or(&[], |(_, lines)| lines);
    }

    fn pop_while(&mut self, is: impl Fn(Line) -> bool) {
        while self.lines.last().is_some_and(|line| is(*line)) {
            self.pop();
        }
    }

    /// Takes the quotes and signatures at the end away. `cut` says that something quoted was cut right
    /// behind. Returns the signatures; none where nothing else would be left.
    fn take_tail(&mut self, mut cut: bool) -> Vec<String> {
        let mut signatures: Vec<String> = Vec::new();
        while signatures.len() < MOST_SIGNATURES {
            self.take_quotes(&mut cut);
            let Some(rest) = self.before_signature() else { break };
            let signature = signature::without_delimiter(&self.text[rest.text.len()..]);
            signatures.insert(0, signature.to_owned());
            *self = rest;
        }
        signatures.retain(|signature| !signature.is_empty() && self.has_own());
        signatures
    }

    fn take_quotes(&mut self, cut: &mut bool) {
        while let Some((line, told)) = self.last() {
            match told {
                Line::Blank => self.pop(),
                Line::Own if *cut && (is_rule(line) || separator::is_original_without_dashes(line)) => self.pop(),
                Line::Quote | Line::Introduction => {
                    let mut rest = *self;
                    rest.pop_while(|line| matches!(line, Line::Blank | Line::Quote));
                    let introduced = rest.lines.last() == Some(&Line::Introduction);
                    if !introduced
                        && !*cut
                        && rest.last().is_some_and(|(line, told)| told == Line::Own && line.trim_end().ends_with([':', '：']))
                    {
                        return;
                    }
                    rest.pop_while(|line| matches!(line, Line::Blank | Line::Introduction));
                    if !rest.has_own() {
                        return;
                    }
                    (*self, *cut) = (rest, true);
                }
                Line::Own | Line::Signature => return,
            }
        }
    }

    /// What stands before the signature at the end, if there is one, and something else.
    fn before_signature(&self) -> Option<Self> {
        let mut rest = *self;
        if rest.lines.last() == Some(&Line::Signature) {
            rest.pop_while(|line| matches!(line, Line::Blank | Line::Signature));
            return Some(rest).filter(Self::has_own);
        }
        for _ in 0..signature::WINDOW {
            if matches!(rest.lines.last(), Some(Line::Blank | Line::Own)) {
                rest.pop();
            }
        }
        let begin = signature::begins(self.text, rest.text.len())?;
        let mut rest = *self;
        while rest.text.len() > begin {
            rest.pop();
        }
        Some(rest).filter(Self::has_own)
    }

    /// Without the one quote that is the mail that is answered.
    fn without_quote(&self) -> Cow<'t, str> {
        let whole = || Cow::Borrowed(self.text.trim());
        let is_quote = |line: &Line| matches!(line, Line::Quote | Line::Introduction);
        let Some(begin) = self.lines.iter().position(is_quote) else { return whole() };
        let below = &self.lines[begin..];
        let Some(len) = below.iter().position(|line| !is_quote(line) && *line != Line::Blank) else { return whole() };
        let leads = !self.lines[..begin].contains(&Line::Own);
        let introduced = below[0] == Line::Introduction;
        let quoted = below[..len].iter().filter(|line| **line == Line::Quote).count();
        let several = below[len..].iter().any(is_quote);
        if several || !(introduced || (leads && quoted >= 2)) {
            return whole();
        }
        let before = self.text[..self.offset(begin)].trim();
        let after = self.text[self.offset(begin + len)..].trim();
        if before.is_empty() { Cow::Borrowed(after) } else { Cow::Owned(format!("{before}\n\n{after}")) }
    }

    /// Where a line begins.
    fn offset(&self, line: usize) -> usize {
        self.text.split_inclusive('\n').take(line).map(str::len).sum()
    }
}
