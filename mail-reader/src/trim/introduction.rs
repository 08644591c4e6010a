//! Lines that introduce a quote: "On Monday, Ada wrote:", over several lines if need be.

use std::collections::VecDeque;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::lines::{first, folded, is_blank, is_ignored, is_quoted};
use super::marks::introductions::{FORMS, INTRODUCTIONS, QUOTING};

/// Over so many lines an introduction may be wrapped.
const WRAPPED: usize = 6;
/// A longer line belongs to none.
const LONGEST_LINE: usize = 400;
/// So many empty lines may stand between an introduction and its quote.
const GAP: usize = 3;
/// An introduction has no more colons with a space behind them.
const MOST_COLONS: usize = 6;
/// So many words of a name stand behind what the person did ("schrieb Ada Lovelace:").
const NAME_WORDS: usize = 5;

static VERBS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let verbs = INTRODUCTIONS.iter().flat_map(|introduction| introduction.verbs);
    AhoCorasick::new(verbs).expect("the table is small")
});

/// An introduction that was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// How many bytes it takes.
    pub(super) len: usize,
    /// What follows bears no marks of a quote and is one all the same, to the end.
    pub(super) unmarked: bool,
}

/// How sure it is that a few lines introduce a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// They do if quoted lines follow.
    WithQuote,
    /// They do, whatever follows.
    Alone,
}

/// What is seen at once of a line, looked at only once.
#[derive(Debug, Clone, Copy)]
struct Glance {
    /// Where it ends.
    end: usize,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Blank,
    Quoted,
    /// Too long to belong to an introduction.
    Long,
    /// It ends with a colon.
    Colon,
    Other,
}

impl Look {
    fn of(line: &str) -> Self {
        if is_blank(line) {
            Self::Blank
        } else if is_quoted(line) {
            Self::Quoted
        } else if line.len() > LONGEST_LINE {
            Self::Long
        } else if undecorated(line).ends_with([':', '：', '﹕']) {
            Self::Colon
        } else {
            Self::Other
        }
    }
}

/// The lines to come of a text that is read from its beginning to its end.
pub(super) struct Ahead<'t> {
    text: &'t str,
    /// Where what was looked at ends.
    seen: usize,
    lines: VecDeque<Glance>,
}

impl<'t> Ahead<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, seen: 0, lines: VecDeque::new() }
    }

    /// Goes on to the line that begins at `at`.
    pub(super) fn at(&mut self, at: usize) -> Coming<'_> {
        while self.lines.front().is_some_and(|line| line.end <= at) {
            self.lines.pop_front();
        }
        self.seen = self.seen.max(at);
        while self.lines.len() <= WRAPPED + GAP && self.seen < self.text.len() {
            let line = first(&self.text[self.seen..]);
            self.seen += line.len();
            self.lines.push_back(Glance { end: self.seen, look: Look::of(line) });
        }
        Coming { lines: &self.lines, at }
    }
}

/// The lines from one on.
pub(super) struct Coming<'l> {
    lines: &'l VecDeque<Glance>,
    /// Where the first begins.
    at: usize,
}

impl Coming<'_> {
    /// Where the lines that could be an introduction end, and whether quoted lines follow.
    fn end(&self, is_marked: impl Fn(usize) -> bool) -> Option<(usize, bool)> {
        for (index, line) in self.lines.iter().enumerate().take(WRAPPED) {
            if matches!(line.look, Look::Blank | Look::Quoted | Look::Long) {
                return None;
            }
            let gap = self.lines.iter().skip(index + 1).take(GAP).take_while(|line| line.look == Look::Blank).count();
            let before = self.lines[index + gap].end - self.at;
            let quoted = self
                .lines
                .get(index + gap + 1)
                .is_some_and(|line| line.look == Look::Quoted || (line.look != Look::Blank && is_marked(before)));
            if quoted || line.look == Look::Colon {
                return Some((line.end - self.at, quoted));
            }
        }
        None
    }
}

/// Whether an introduction begins with the lines that come, which are those of `rest`. `is_marked` tells
/// whether what begins so many bytes on is quoted by other means than its own marks.
pub(super) fn begins(rest: &str, coming: &Coming<'_>, is_marked: impl Fn(usize) -> bool) -> Option<Found> {
    let line = first(rest);
    if let Some(found) = with_quote_beside(line) {
        return Some(found);
    }
    let (len, quoted) = coming.end(is_marked)?;
    let lines = &rest[..len];
    if !quoted && !lines.contains(|c: char| is_digit(c) || c == '@') {
        return None;
    }
    let needed = if quoted { Weight::WithQuote } else { Weight::Alone };
    weigh(lines).filter(|weight| *weight >= needed)?;
    let later = &lines[line.len()..];
    let needs_first_line = later.is_empty() || weigh(later).is_none_or(|weight| weight < needed);
    (needs_first_line || leads_on(line)).then_some(Found { len, unmarked: !quoted })
}

/// Whether what stands between dashes is an introduction, as Lotus Notes and Zoho write it.
pub(super) fn stands_between_dashes(words: &str) -> bool {
    let Some(words) = folded(words) else { return false };
    verb(&words).is_some_and(|(_, end)| words[end..].trim_end_matches([':', ' ']).is_empty())
}

/// Whether what stands between arrows is who wrote and when, as `GroupWise` writes it.
pub(super) fn stands_between_arrows(words: &str) -> bool {
    folded(words)
        .is_some_and(|words| dates(&words) == (true, true) && words.starts_with(|c: char| c.is_alphanumeric() || c == '"' || c == '<'))
}

/// Whether nothing but empty lines stands before quoted ones.
pub(super) fn quote_follows(rest: &str) -> bool {
    rest.split_inclusive('\n').take(GAP + 1).find(|line| !is_blank(line)).is_some_and(is_quoted)
}

fn undecorated(line: &str) -> &str {
    line.trim_matches(|c| is_ignored(c) || matches!(c, '*' | '_' | '"'))
}

/// An introduction with what it introduces on the same line.
fn with_quote_beside(line: &str) -> Option<Found> {
    let begin = line.get(..line.floor_char_boundary(LONGEST_LINE))?;
    if !begin.contains('@') {
        return None;
    }
    let colon = begin.match_indices(": ").map(|(at, _)| at).take(MOST_COLONS).find(|at| {
        let evidence = Evidence::of(&folded(&begin[..*at]).unwrap_or_default());
        let verb_last = evidence.verb.is_some_and(|(_, end)| end == evidence.len);
        verb_last && evidence.start && evidence.address && evidence.dated == (true, true)
    })?;
    (!is_blank(&line[colon + 1..])).then_some(Found { len: line.len(), unmarked: true })
}

/// Whether the first line of a wrapped introduction is a part of it, where the others would do.
fn leads_on(line: &str) -> bool {
    let line = undecorated(line);
    let opens_address = line.rfind('<').is_some_and(|at| !line[at..].contains('>'));
    let words = folded(line).unwrap_or_default();
    let starts = starts(&words);
    let tells = has_address(&words) && (dates(&words) != (false, false) || verb(&words).is_some());
    opens_address
        || (tells && !ends_sentence(line))
        || (starts && line.contains(is_digit))
        || (starts && !ends_sentence(line) && line.ends_with([',', '،', '，']))
}

fn ends_sentence(line: &str) -> bool {
    line.ends_with(['.', '!', '?', '。', '！', '？'])
}

/// What speaks for an introduction.
struct Evidence {
    start: bool,
    /// From where to where it says that somebody wrote.
    verb: Option<(usize, usize)>,
    /// A date with its year, and a time of day.
    dated: (bool, bool),
    address: bool,
    len: usize,
}

impl Evidence {
    /// Of folded lines.
    fn of(lines: &str) -> Self {
        Self { start: starts(lines), verb: verb(lines), dated: dates(lines), address: has_address(lines), len: lines.len() }
    }
}

fn weigh(lines: &str) -> Option<Weight> {
    let mut joined = String::new();
    for line in lines.lines() {
        joined.push_str(&folded(undecorated(line))?);
        joined.push(' ');
    }
    let words = joined.trim_end().trim_end_matches([':', '：', '﹕', ' ']);
    let colon = words.len() < joined.trim_end().len();
    let evidence = Evidence::of(words);
    let Evidence { start, verb, dated: (date, time), address, .. } = evidence;
    let ends_with_sender = words.ends_with(['>', ')', ']']);
    let alone = colon
        && if let Some((_, end)) = verb {
            let behind = words[end..].split_whitespace().count();
            let ends = ends_with_sender || behind <= NAME_WORDS || words.ends_with(is_digit);
            ends && ((address && (date || time)) || (start && date && time))
        } else {
            address && date && time && ends_with_sender
        };
    if alone {
        return Some(Weight::Alone);
    }
    let said = if colon {
        verb.is_some() || (date && time) || is_name(lines)
    } else {
        verb.is_some() && start && words.contains(is_digit) && !ends_sentence(words)
    };
    let addressed = address && words.contains(is_digit) && (colon || ends_with_sender);
    let quoting = colon && QUOTING.iter().any(|quoting| words.starts_with(quoting));
    (said || addressed || quoting).then_some(Weight::WithQuote)
}

fn starts(words: &str) -> bool {
    words.starts_with(is_digit) || INTRODUCTIONS.iter().flat_map(|introduction| introduction.starts).any(|start| words.starts_with(start))
}

/// Where it is said that somebody wrote: the last of several, as a whole word where words are set
/// apart ("schrieb", not "schrieben"; "пишет", not "пишете").
fn verb(words: &str) -> Option<(usize, usize)> {
    let is_set_apart = |c: char| c < '\u{2e80}' && !matches!(c, '\u{e00}'..='\u{e7f}');
    let is_whole = |start: usize, end: usize| {
        let (first, last) = (words[start..].chars().next().unwrap_or(' '), words[..end].chars().next_back().unwrap_or(' '));
        let begun = is_set_apart(first) && words[..start].chars().next_back().is_some_and(char::is_alphabetic);
        let goes_on = is_set_apart(last) && words[end..].chars().next().is_some_and(char::is_alphabetic);
        !begun && !goes_on
    };
    let found = VERBS.find_overlapping_iter(words).filter(|found| is_whole(found.start(), found.end())).last()?;
    let behind = &words[found.end()..];
    let form = FORMS.iter().find(|form| behind.starts_with(**form)).map_or(0, |form| form.len());
    Some((found.start(), found.end() + form))
}

/// Whether an e-mail address stands there.
fn has_address(words: &str) -> bool {
    words.match_indices('@').any(|(at, _)| {
        let before = words[..at].chars().next_back();
        let after = words[at + 1..].chars().next();
        before.is_some_and(char::is_alphanumeric) && after.is_some_and(|c| c.is_alphanumeric() || c == '[')
    })
}

/// Whether lines are nothing but a name of two or more words.
fn is_name(lines: &str) -> bool {
    let name = undecorated(lines).trim_end_matches([':', '：']);
    let mut words = name.split_whitespace();
    let is_capital =
        |word: &str| word.starts_with(char::is_uppercase) && word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | '-' | '\''));
    name.contains(' ') && words.clone().count() <= NAME_WORDS && words.all(is_capital)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '٠'..='٩' | '۰'..='۹')
}

/// Whether a date with its year, and a time of day, stand there.
pub(super) fn dates(words: &str) -> (bool, bool) {
    let chars: Vec<char> = words.chars().collect();
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in chars.iter().enumerate().filter(|(_, c)| is_digit(**c)) {
        match runs.last_mut() {
            Some((_, end)) if *end == at => *end += 1,
            _ => runs.push((at, at + 1)),
        }
    }
    let len = |run: (usize, usize)| run.1 - run.0;
    let between = |one: (usize, usize), two: (usize, usize)| (two.0 == one.1 + 1).then(|| chars[one.1]);
    let is_date = |three: &[(usize, usize)]| {
        let separator = between(three[0], three[1]);
        separator == between(three[1], three[2]) && separator.is_some_and(|c| matches!(c, '.' | '/' | '-'))
    };
    let is_time = |one: (usize, usize), two: (usize, usize)| {
        let dotted = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| *c == '.');
        len(one) <= 2
            && len(two) == 2
            && match between(one, two) {
                Some(':' | '：' | '∶' | 'h' | '时' | '時' | '点' | '點') => true,
                Some('.') => {
                    let more = chars.get(two.1 + 1).is_some_and(|c| is_digit(*c));
                    !(dotted(one.0.checked_sub(1)) || dotted(Some(two.1)) && more)
                }
                _ => false,
            }
    };
    let korean = chars.windows(2).any(|two| is_digit(two[0]) && matches!(two[1], '시' | '時' | '时'));
    let date = runs.iter().any(|run| len(*run) == 4) || runs.windows(3).any(is_date);
    (date, korean || runs.windows(2).any(|two| is_time(two[0], two[1])))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod translations;
