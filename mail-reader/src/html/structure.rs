//! The marks on a text, from the elements that it was made from.

use super::lines::Lines;
use super::programs::Meaning;
use crate::trim::{Mark, MarkKind};

/// More marks say nothing that fewer do not.
const MOST_MARKS: usize = 1000;
/// What introduces a quote is not longer.
const LONGEST_INTRODUCTION: usize = 800;
/// Within so many lines the header of a mail shows itself, by so many labels.
const HEADER_LINES: usize = 6;
const HEADER_LABELS: usize = 3;
/// The label of a header field is not longer.
const LONGEST_LABEL: usize = 40;

/// An element with a meaning that is open.
struct Scope {
    meaning: Meaning,
    /// How long the text was when it began.
    from: usize,
    /// How many marks there were.
    marks: usize,
    /// Where a quote began that ends a signature.
    quoted_from: Option<usize>,
}

/// Collects the marks. Until the text is finished a mark goes from the end of what was written before
/// it to the end of what was written last.
#[derive(Default)]
pub(super) struct Structure {
    marks: Vec<Mark>,
    scopes: Vec<Scope>,
    /// Where what is quoted to the end begins.
    onward: Option<usize>,
    /// How long the text was before the last rule, and after it.
    rule: Option<(usize, usize)>,
}

impl Structure {
    /// A rule was drawn.
    pub(super) fn drew_rule(&mut self, before: usize, lines: &Lines) {
        self.rule = Some((before, lines.written().len()));
    }

    /// An element with a meaning begins.
    pub(super) fn begin(&mut self, meaning: Meaning, lines: &mut Lines) {
        lines.end_row();
        let mut from = lines.written().len();
        if meaning == Meaning::Onward {
            if let Some((before, _)) = self.rule.filter(|(_, after)| *after == from) {
                from = before;
            }
            if self.scopes.iter().all(|scope| matches!(scope.meaning, Meaning::Signature | Meaning::Around(_))) {
                self.onward = Some(self.onward.map_or(from, |onward| onward.min(from)));
            }
        }
        if !matches!(meaning, Meaning::Signature | Meaning::Introduction | Meaning::HeaderOnward) {
            for scope in &mut self.scopes {
                scope.quoted_from.get_or_insert(from);
            }
        }
        self.scopes.push(Scope { meaning, from, marks: self.marks.len(), quoted_from: None });
    }

    /// The innermost element with a meaning ends.
    pub(super) fn end(&mut self, lines: &mut Lines) {
        lines.end_row();
        let Some(scope) = self.scopes.pop() else { return };
        let text = lines.written();
        let (from, to) = (scope.from, text.len());
        let inner = &text[from..];
        match scope.meaning {
            Meaning::Quote => self.mark_all(&scope, from, to, MarkKind::Quote),
            Meaning::Forward => self.mark_all(&scope, from, to, MarkKind::Forward),
            Meaning::Introduction => self.mark(from, to, MarkKind::Introduction),
            Meaning::Signature => self.mark(from, scope.quoted_from.unwrap_or(to), MarkKind::Signature),
            Meaning::Onward => {}
            Meaning::HeaderOnward => {
                let alone = self.scopes.iter().all(|scope| matches!(scope.meaning, Meaning::Signature | Meaning::Around(_)));
                if alone && self.onward.is_none() && holds_header(unquoted_lines(inner)) {
                    self.onward = Some(from);
                }
            }
            Meaning::Cited => match forwarded_from(text, from) {
                Some(from) => self.mark_all(&scope, from, to, MarkKind::Forward),
                None => self.mark_all(&scope, from, to, MarkKind::Quote),
            },
            Meaning::Around(forward) => self.end_around(&scope, inner, to, forward),
        }
    }

    fn end_around(&mut self, scope: &Scope, inner: &str, to: usize, forward: Option<&str>) {
        let from = scope.from;
        let quote = self.marks[scope.marks..].iter().position(|mark| mark.kind == MarkKind::Quote).map(|at| scope.marks + at);
        if forward.is_some_and(|start| inner.trim_start().starts_with(start)) {
            self.mark_all(scope, from, to, MarkKind::Forward);
        } else if let Some(quote) = quote {
            let before = from..self.marks[quote].range.start;
            if quote == scope.marks && before.len() <= LONGEST_INTRODUCTION && before.start < before.end {
                self.marks.insert(quote, Mark { range: before, kind: MarkKind::Introduction });
            }
        } else if self.marks[scope.marks..].iter().all(|mark| mark.kind != MarkKind::Forward) {
            self.mark_all(scope, from, to, MarkKind::Quote);
        }
    }

    /// Marks an element as a whole, whatever is in it.
    fn mark_all(&mut self, scope: &Scope, from: usize, to: usize, kind: MarkKind) {
        self.marks.truncate(scope.marks);
        self.mark(from, to, kind);
    }

    fn mark(&mut self, from: usize, to: usize, kind: MarkKind) {
        if from >= to || self.marks.len() >= MOST_MARKS {
            return;
        }
        let count = self.marks.len();
        let is_inner = self.scopes.iter().all(|scope| scope.marks < count);
        match self.marks.last_mut() {
            // One quote after another is one.
            Some(last) if last.kind == kind && last.range.end == from && is_inner => last.range.end = to,
            _ => self.marks.push(Mark { range: from..to, kind }),
        }
    }

    /// The marks on the finished text: whole lines, in order, none within another.
    pub(super) fn finish(mut self, text: &str) -> Vec<Mark> {
        if let Some(from) = self.onward {
            self.marks.retain(|mark| mark.range.start < from);
            self.marks.push(Mark { range: from..text.len(), kind: MarkKind::Quote });
        }
        for mark in &mut self.marks {
            mark.range = line_start(text, mark.range.start)..line_end(text, mark.range.end);
        }
        self.marks.sort_by_key(|mark| (mark.range.start, std::cmp::Reverse(mark.range.end)));
        let mut end = 0;
        self.marks.retain(|mark| {
            let outside = mark.range.start >= end && mark.range.start < mark.range.end;
            if outside {
                end = mark.range.end;
            }
            outside
        });
        self.marks
    }
}

/// Where the first line with something on it begins that was written after a place.
fn line_start(text: &str, at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    match text[at..].find(|c| c != '\n') {
        Some(0) => text[..at].rfind('\n').map_or(0, |end| end + 1),
        Some(ends) => at + ends,
        None => text.len(),
    }
}

/// Where the line ends on which a place stands.
fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// The lines of a text that have something on them, without what quotes them.
fn unquoted_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.trim_start_matches(['>', ' ']).trim_end()).filter(|line| !line.is_empty())
}

/// Whether lines begin with the header of a mail, in whatever language.
fn holds_header<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    lines.take(HEADER_LINES).filter(|line| is_labelled(line)).count() >= HEADER_LABELS
}

fn is_labelled(line: &str) -> bool {
    let start = &line[..line.floor_char_boundary(LONGEST_LABEL)];
    start.split_once([':', '：']).is_some_and(|(label, _)| !label.is_empty() && !label.contains(|c: char| c.is_ascii_digit() || c == '@'))
}

/// Where a mail that is handed on begins, if that is what a quote is: above its header, in the quote or
/// right before it, a line such as "Begin forwarded message:" says so. What introduces an answer has a
/// date in it.
fn forwarded_from(text: &str, from: usize) -> Option<usize> {
    let announces = |line: &str| line.ends_with([':', '：']) && !line.contains(|c: char| c.is_ascii_digit() || c == '@');
    let mut lines = unquoted_lines(&text[from..]);
    let first = unquoted_lines(&text[from..]).next()?;
    if announces(first) {
        lines.next();
        return holds_header(lines).then_some(from);
    }
    let start = text[..from].rfind('\n').map_or(0, |end| end + 1);
    (announces(text[start..from].trim()) && holds_header(lines)).then_some(start.saturating_sub(1))
}
