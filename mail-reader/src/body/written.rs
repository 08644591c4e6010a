//! Makes text and HTML of the pieces of a mail; each piece of HTML is laid out once.

use std::fmt::Write as _;

use super::collect::{Piece, Shown};
use crate::attachment::Found;
use crate::flags::Flags;
use crate::html::{self, Document, LaidOut};
use crate::trim::Mark;

/// The pieces of a mail put together.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
    pub(super) html: Option<String>,
    pub(super) html_laid: Option<LaidOut>,
}

impl Written {
    pub(super) fn new(pieces: Vec<Piece>, shown: &Shown, found: &mut [Found], room: usize, flags: &mut Flags) -> Self {
        let has_html = shown.html.iter().any(|index| pieces[*index].is_html() && !pieces[*index].is_blank());
        let last = shown.html.iter().rposition(|index| !matches!(pieces[*index], Piece::Picture(_))).unwrap_or_default();
        let mut html = Html { out: String::new(), room, has_picture: false };
        let mut laid: Vec<LaidOut> = Vec::with_capacity(pieces.len());
        for (index, piece) in pieces.into_iter().enumerate() {
            let place = shown.html.iter().position(|shown| *shown == index).filter(|_| has_html);
            let is_text = shown.text.contains(&index);
            laid.push(match piece {
                Piece::Plain { text, .. } => {
                    if place.is_some() {
                        html.plain(&text);
                    }
                    plain(text)
                }
                Piece::Html(markup) if is_text || place.is_some() => html.read(markup, place.is_some(), flags),
                Piece::Html(_) => LaidOut::default(),
                Piece::Picture(found_at) => {
                    if place.is_some_and(|place| place > 0 && place < last) {
                        html.picture(&mut found[found_at]);
                    }
                    LaidOut::default()
                }
            });
        }
        let same = shown.html.iter().filter(|index| !laid[**index].text.is_empty()).eq(shown.text.iter());
        let html_laid = (has_html && !same).then(|| {
            joined(&shown.html, |index| if shown.text.contains(&index) { laid[index].clone() } else { std::mem::take(&mut laid[index]) })
        });
        let LaidOut { text, marks } = joined(&shown.text, |index| std::mem::take(&mut laid[index]));
        let is_blank = html_laid.as_ref().is_some_and(|laid| laid.text.trim().is_empty()) && !html.has_picture;
        if is_blank && !text.is_empty() {
            return Self { text, marks, html: None, html_laid: None };
        }
        Self { text, marks, html: has_html.then_some(html.out), html_laid }
    }
}

struct Html {
    out: String,
    /// How much may still be made of markup.
    room: usize,
    has_picture: bool,
}

impl Html {
    fn read(&mut self, markup: String, is_shown: bool, flags: &mut Flags) -> LaidOut {
        let document = Document::read(&markup);
        let laid = document.laid_out(flags);
        self.room = self.room.saturating_sub(laid.text.capacity());
        if is_shown {
            let mut sanitised = document.sanitised(self.room, flags);
            drop(markup);
            if sanitised.len() < sanitised.capacity() / 2 {
                sanitised.shrink_to_fit();
            }
            self.room = self.room.saturating_sub(sanitised.capacity());
            self.has_picture |= memchr::memmem::find(sanitised.as_bytes(), b"<img").is_some();
            if self.out.is_empty() {
                self.out = sanitised;
            } else {
                self.out.push_str(&sanitised);
            }
        }
        laid
    }

    fn plain(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.out.push_str(&html::from_text(text.trim_end()));
        }
    }

    /// A picture that stands between pieces of text, as Apple Mail writes it.
    fn picture(&mut self, found: &mut Found) {
        let Some(id) = found.attachment.content_id.as_deref().filter(|_| !found.attachment.inline) else { return };
        let (id, name) = (html::escape(id), html::escape(&found.attachment.name));
        // A string takes everything that is written to it.
        let _ = writeln!(self.out, "<p><img src=\"cid:{id}\" alt=\"{name}\"></p>");
        self.has_picture = true;
        found.attachment.inline = true;
    }
}

fn plain(mut text: String) -> LaidOut {
    text.truncate(text.trim_end().len());
    LaidOut { text, marks: Vec::new() }
}

/// The pieces one below the other, what is blank left out.
fn joined(indices: &[usize], mut piece: impl FnMut(usize) -> LaidOut) -> LaidOut {
    let mut all = LaidOut::default();
    for index in indices {
        let piece = piece(*index);
        if piece.text.trim().is_empty() {
            continue;
        }
        if all.text.is_empty() {
            all = piece;
        } else {
            all.text.push_str("\n\n");
            let offset = all.text.len();
            all.text.push_str(&piece.text);
            all.marks.extend(
                piece.marks.into_iter().map(|mark| Mark { range: mark.range.start + offset..mark.range.end + offset, kind: mark.kind }),
            );
        }
    }
    all.text.truncate(all.text.trim_end().len());
    let end = all.text.len();
    for mark in &mut all.marks {
        mark.range = mark.range.start.min(end)..mark.range.end.min(end);
    }
    all
}
