//! Which parts of a mail are its text, which its HTML, and which its attachments (after RFC 8621, 4.1.4).
//!
//! `collect` walks the tree; `written` makes text and HTML of what was found; `placeholder` knows
//! texts that only say that there is HTML; `enriched`, `calendar` and `forwarded` make text of what
//! is none yet.

mod calendar;
mod collect;
mod enriched;
mod forwarded;
mod placeholder;
#[cfg(test)]
mod tests;
mod written;

use crate::attachment::{self, Attachment, Found};
use crate::decode;
use crate::flags::{Flag, Flags};
use crate::html::{self, LaidOut};
use crate::structure::Part;
use crate::trim::Mark;
use collect::{Collector, Piece, Shown};
use written::Written;

/// What a reader of the mail sees.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// The whole text, made from HTML where there is no other.
    pub(crate) text: String,
    /// What the HTML's structure tells of a text that was made from it.
    pub(crate) marks: Vec<Mark>,
    /// The whole HTML, if there is any, sanitised.
    pub(crate) html: Option<String>,
    /// The HTML as text, where `text` was not made from it.
    pub(crate) html_laid: Option<LaidOut>,
    pub(crate) attachments: Vec<Attachment>,
}

impl Body {
    /// Reads the leaves of a mail of `size` bytes, each as what it is.
    pub(crate) fn read(root: &Part<'_>, size: usize, flags: &mut Flags) -> Self {
        Self::read_nested(root, size, true, flags)
    }

    /// `outermost` mails without a text of their own are given that of the mails attached to them.
    fn read_nested(root: &Part<'_>, size: usize, outermost: bool, flags: &mut Flags) -> Self {
        let mut collector = Collector::new(flags);
        let mut shown = collector.collect_root(root);
        let Collector { mut pieces, mut found, substitutes, .. } = collector;
        if shown.is_blank(&pieces) {
            shown = substitute(&mut pieces, &mut found, substitutes, shown, flags);
        }
        attachment::place(pieces.iter_mut().filter_map(Piece::markup), &mut found);
        let held = pieces.iter().map(Piece::size).chain(found.iter().map(|found| found.attachment.data.capacity())).sum();
        let html_room = html::room(size, held);
        let Written { mut text, mut marks, html, html_laid } = Written::new(pieces, &shown, &mut found, html_room, flags);
        if outermost && html.is_none() && text.trim().is_empty() && !root.media.is("multipart", "report") {
            let forwarded = forwarded::read(found.iter().map(|found| &found.attachment), flags);
            (text, marks) = (forwarded.text, forwarded.marks);
        }
        Self { text, marks, html, html_laid, attachments: attachment::distinct(found) }
    }
}

/// What is shown of a mail that has nothing to read: the text that winmail.dat holds, a text file
/// that is to be shown, an invitation in words.
fn substitute(
    pieces: &mut Vec<Piece>,
    found: &mut Vec<Found>,
    substitutes: collect::Substitutes,
    shown: Shown,
    flags: &mut Flags,
) -> Shown {
    let piece = if let Some(text) = substitutes.packed {
        text
    } else if let Some((index, late)) = substitutes.file.filter(|(index, _)| *index < found.len()) {
        let file = found.remove(index);
        let text = decode::body(file.attachment.data.into(), late.charset.as_deref(), late.is_html, flags);
        if late.is_html { Piece::Html(text) } else { Piece::plain(text) }
    } else if let Some(invitation) = substitutes.invitation {
        flags.note(Flag::TextFromCalendar);
        Piece::plain(invitation)
    } else {
        return shown;
    };
    pieces.push(piece);
    let index = vec![pieces.len() - 1];
    Shown { text: index.clone(), html: index }
}
