//! Which lines the HTML's structure tells something of.

use super::{Mark, MarkKind};

/// Of two marks on a line the first one here counts.
const KINDS: [MarkKind; 4] = [MarkKind::Forward, MarkKind::Introduction, MarkKind::Signature, MarkKind::Quote];

/// The marks of a text, looked up from its beginning to its end.
pub(super) struct Marked<'m> {
    /// By kind, in the order of the text.
    kinds: [Vec<&'m Mark>; KINDS.len()],
    /// How many of each kind are passed.
    passed: [usize; KINDS.len()],
}

impl<'m> Marked<'m> {
    pub(super) fn new(marks: &'m [Mark]) -> Self {
        let kinds = KINDS.map(|kind| {
            let mut marks: Vec<&Mark> = marks.iter().filter(|mark| mark.kind == kind).collect();
            marks.sort_by_key(|mark| (mark.range.start, mark.range.end));
            marks
        });
        Self { kinds, passed: [0; KINDS.len()] }
    }

    /// What is told of the line that begins here. Lines are asked for in their order.
    pub(super) fn at(&mut self, at: usize) -> Option<MarkKind> {
        for ((marks, passed), kind) in self.kinds.iter().zip(&mut self.passed).zip(KINDS) {
            *passed += marks[*passed..].iter().take_while(|mark| mark.range.end <= at).count();
            if marks.get(*passed).is_some_and(|mark| mark.range.start <= at) {
                return Some(kind);
            }
        }
        None
    }

    /// Whether a line further on is told to be a quote.
    pub(super) fn is_quote(&self, at: usize) -> bool {
        self.kinds.iter().zip(&self.passed).zip(KINDS).any(|((marks, passed), kind)| {
            kind == MarkKind::Quote && marks[*passed..].iter().take_while(|mark| mark.range.start <= at).any(|mark| mark.range.end > at)
        })
    }
}
