//! What is known about a text before its lines are looked at.

use std::ops::Range;

/// A piece of a text whose meaning the HTML's structure tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which bytes of the text; whole lines.
    pub range: Range<usize>,
    /// What they are.
    pub kind: MarkKind,
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// Quoted from the mail that is answered.
    Quote,
    /// Introduces a quote.
    Introduction,
    /// The sender's signature.
    Signature,
    /// A mail that is handed on.
    Forward,
}
