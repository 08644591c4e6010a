//! The MIME structure (RFC 2046) as a tree, read in time that grows with the size of the mail alone.
//!
//! The mail library can do this too, but a mail of 1.5 MB that nests messages in messages ends the
//! process by its stack, and one of half a megabyte with boundaries that never come takes ten
//! seconds. Here a nested message is an attachment and not looked into, and depth and number of the
//! parts are bounded.
//!
//! Multiparts that are encoded as a whole, against RFC 2045, 6.4, and mails within an S/MIME
//! signature are read as what they are: `store` keeps the decoded bytes.

mod guess;
mod lines;
mod reader;
mod smime;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use lines::with_line_feeds;
pub(crate) use store::Store;

use crate::flags::Flags;
use crate::header::{Fields, Parameterised};
use reader::Reader;

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
    /// The tree of a whole mail; what must be decoded to be looked into is kept in `store`.
    pub(crate) fn read_with(raw: &'a [u8], store: &'a Store, flags: &mut Flags) -> Self {
        Reader::new(store, raw.len(), flags).mail(raw, 0)
    }

    /// The same for tests, which need no memory back.
    #[cfg(test)]
    pub(crate) fn read(raw: &'a [u8], flags: &mut Flags) -> Self {
        Self::read_with(raw, Box::leak(Box::default()), flags)
    }

    /// The name that the sender gave to it as a file.
    pub(crate) fn file_name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref().and_then(|disposition| disposition.parameter("filename"));
        disposition.or_else(|| self.media.parameter("name")).filter(|name| !name.trim().is_empty())
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
