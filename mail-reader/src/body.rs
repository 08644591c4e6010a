//! Which parts of a mail are its text, which its HTML, and which its attachments (after RFC 8621, 4.1.4).

use crate::attachment::Attachment;
use crate::decode;
use crate::flags::Flags;
use crate::html::{self, Document, LaidOut};
use crate::structure::{Content, Part};
use crate::trim::Mark;

/// What a reader of the mail sees.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// The whole text, made from HTML where there is no other.
    pub(crate) text: String,
    /// What the HTML's structure tells of a text that was made from it.
    pub(crate) marks: Vec<Mark>,
    /// The whole HTML, if there is any, sanitised.
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<Attachment>,
}

impl Body {
    /// Reads the leaves of a mail, each as what it is.
    pub(crate) fn read(root: &Part<'_>, flags: &mut Flags) -> Self {
        let mut collector = Collector { flags, pieces: Vec::new(), attachments: Vec::new() };
        let shown = collector.collect(root, Place { first: true, related: false });
        let Collector { flags, pieces, attachments } = collector;
        let (text, marks) = joined_text(shown.text.iter().map(|index| pieces[*index].to_text(flags)));
        let has_html = shown.html.iter().any(|index| pieces[*index].is_html());
        let html = has_html.then(|| shown.html.iter().map(|index| pieces[*index].to_html(flags)).collect());
        Self { text, marks, html, attachments }
    }
}

/// Something to read.
enum Piece {
    Plain(String),
    Html(String),
}

impl Piece {
    fn is_html(&self) -> bool {
        matches!(self, Self::Html(_))
    }

    fn to_text(&self, flags: &mut Flags) -> LaidOut {
        match self {
            Self::Plain(text) => LaidOut { text: text.trim_end().to_owned(), marks: Vec::new() },
            Self::Html(markup) => Document::read(markup, flags).laid_out(flags),
        }
    }

    fn to_html(&self, flags: &mut Flags) -> String {
        match self {
            Self::Plain(text) => html::from_text(text),
            Self::Html(markup) => Document::read(markup, flags).sanitised(flags),
        }
    }
}

/// The pieces that a reader of text and a reader of HTML is shown, by their index.
#[derive(Default)]
struct Shown {
    text: Vec<usize>,
    html: Vec<usize>,
}

/// Where a part stands.
#[derive(Clone, Copy)]
struct Place {
    /// The first one within its parent.
    first: bool,
    /// Within a multipart/related, where what follows the first part is shown by it.
    related: bool,
}

struct Collector<'f> {
    flags: &'f mut Flags,
    pieces: Vec<Piece>,
    attachments: Vec<Attachment>,
}

impl Collector<'_> {
    fn collect(&mut self, part: &Part<'_>, place: Place) -> Shown {
        let parts = match &part.content {
            Content::Leaf(body) => return self.leaf(part, body, place),
            Content::Parts(parts) => parts,
        };
        let related = part.media.is("multipart", "related");
        let shown = parts.iter().enumerate().map(|(index, part)| self.collect(part, Place { first: index == 0, related })).collect();
        if part.media.is("multipart", "alternative") { self.choose(shown) } else { joined(shown) }
    }

    /// Of alternatives, text for who reads text and HTML for who reads HTML, where there is such.
    fn choose(&self, alternatives: Vec<Shown>) -> Shown {
        let is_html = |shown: &Shown| shown.html.iter().any(|index| self.pieces[*index].is_html());
        let is_blank =
            |shown: &Shown| shown.text.iter().all(|index| matches!(&self.pieces[*index], Piece::Plain(text) if text.trim().is_empty()));
        let (rich, plain): (Vec<Shown>, Vec<Shown>) = alternatives.into_iter().partition(is_html);
        let plain: Vec<Shown> = plain.into_iter().filter(|shown| !is_blank(shown)).collect();
        let (rich, plain) = (joined(rich), joined(plain));
        let text = if plain.text.is_empty() { rich.text } else { plain.text };
        let html = if rich.html.is_empty() { plain.html } else { rich.html };
        Shown { text, html }
    }

    fn leaf(&mut self, part: &Part<'_>, body: &[u8], place: Place) -> Shown {
        let bytes = decode::transfer(&part.encoding, body, self.flags);
        if !is_body(part, place) {
            self.attachments.push(Attachment::new(part, bytes.into_owned()));
            return Shown::default();
        }
        let is_html = part.media.is("text", "html");
        let text = decode::body(bytes, part.media.parameter("charset"), is_html, self.flags);
        self.pieces.push(if is_html { Piece::Html(text) } else { Piece::Plain(text) });
        let index = vec![self.pieces.len() - 1];
        Shown { text: index.clone(), html: index }
    }
}

/// Texts below each other, with what is known of each.
fn joined_text(pieces: impl Iterator<Item = LaidOut>) -> (String, Vec<Mark>) {
    let (mut text, mut marks) = (String::new(), Vec::new());
    for mut piece in pieces {
        if text.is_empty() {
            (text, marks) = (piece.text, piece.marks);
            continue;
        }
        text.push_str("\n\n");
        for mark in &mut piece.marks {
            mark.range = mark.range.start + text.len()..mark.range.end + text.len();
        }
        text.push_str(&piece.text);
        marks.append(&mut piece.marks);
    }
    text.truncate(text.trim_end().len());
    (text, marks)
}

fn joined(shown: Vec<Shown>) -> Shown {
    shown.into_iter().fold(Shown::default(), |mut all, one| {
        all.text.extend(one.text);
        all.html.extend(one.html);
        all
    })
}

/// Whether a leaf is to be read rather than kept as a file: it is text, not meant as an attachment,
/// and either comes first or neither has a file's name nor belongs to what comes first.
fn is_body(part: &Part<'_>, place: Place) -> bool {
    let media = &part.media;
    let readable = media.is("text", "plain") || media.is("text", "html") || media.is("text", "");
    readable && !part.is_disposed("attachment") && (place.first || (!place.related && part.file_name().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(raw: &str) -> Body {
        let flags = &mut Flags::default();
        Body::read(&Part::read(raw.as_bytes(), flags), flags)
    }

    #[test]
    fn text_before_and_after_an_attachment_is_all_read() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbefore\n--b\nContent-Type: image/png\n\nx\n--b\n\nafter\n--b--\n";
        let body = body(raw);
        assert_eq!((body.text.as_str(), body.html, body.attachments.len()), ("before\n\nafter", None, 1));
    }

    #[test]
    fn a_blank_alternative_gives_way_to_the_html() {
        let raw = "Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<p>shown</p>\n--b--\n";
        let body = body(raw);
        assert_eq!((body.text.as_str(), body.html.as_deref()), ("shown", Some("<p>shown</p>")));
    }

    #[test]
    fn a_footer_added_as_text_is_in_both() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>a</p>\n--b\n\n1 < 2\n--b--\n";
        let body = body(raw);
        assert_eq!(
            (body.text.as_str(), body.html.as_deref()),
            ("a\n\n1 < 2", Some("<p>a</p><div style=\"white-space:pre-wrap\">1 &lt; 2</div>\n"))
        );
    }

    #[test]
    fn a_text_file_is_a_file_with_its_own_bytes() {
        for meant in ["Content-Disposition: attachment", "Content-Disposition: inline; filename=a.txt", "X-Nothing: said"] {
            let raw = format!(
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee file\n--b\n{meant}\n\
                 Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ngr=FC=DFe\n--b--\n"
            );
            let body = body(&raw);
            if meant.starts_with("Content") {
                assert_eq!((body.text.as_str(), body.attachments[0].data.as_slice()), ("see file", b"gr\xfc\xdfe".as_slice()), "{meant}");
            } else {
                assert_eq!((body.text.as_str(), body.attachments.len()), ("see file\n\ngrüße", 0));
            }
        }
    }
}
