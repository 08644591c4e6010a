//! Walks the tree of a mail and tells what is to be read from what is to be kept.

use std::borrow::Cow;

use super::{calendar, enriched, placeholder};
use crate::attachment::{self, Found, apple, tnef};
use crate::decode;
use crate::flags::{Flag, Flags};
use crate::header::{self, Parameterised};
use crate::structure::{Content, Part};

/// Alternatives that are made for other readers than ours: AMP for mail, and Apple's watch.
const NOT_FOR_US: [(&str, &str); 2] = [("text", "x-amp-html"), ("text", "watch-html")];
/// Text that is no plain text, but reads as such. Where there is plain text too, that is read.
const NEARLY_PLAIN: [&str; 3] = ["enriched", "richtext", "markdown"];
/// Text that is data, also when it comes alone.
const DATA: [&str; 10] = ["calendar", "css", "csv", "directory", "javascript", "rtf", "vcard", "x-vcalendar", "x-vcard", "xml"];

const LONGEST_NAME: usize = 120;
/// When there are so many files, none are taken out of others any more.
const MOST_FILES: usize = 5000;

/// Something to read.
#[derive(Debug)]
pub(super) enum Piece {
    Plain {
        text: String,
        /// Of a kind that is read only where there is no plain text.
        lesser: bool,
    },
    Html(String),
    /// A picture among the text: the index of the attachment.
    Picture(usize),
}

impl Piece {
    pub(super) fn plain(text: String) -> Self {
        Self::Plain { text, lesser: false }
    }

    pub(super) fn is_html(&self) -> bool {
        matches!(self, Self::Html(_))
    }

    pub(super) fn markup(&mut self) -> Option<&mut String> {
        match self {
            Self::Html(markup) => Some(markup),
            _ => None,
        }
    }

    /// How much memory it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Plain { text, .. } | Self::Html(text) => text.capacity(),
            Self::Picture(_) => 0,
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Plain { text, .. } | Self::Html(text) => text.trim().is_empty(),
            Self::Picture(_) => true,
        }
    }
}

/// The pieces that a reader of text and a reader of HTML is shown, by their index.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) text: Vec<usize>,
    pub(super) html: Vec<usize>,
}

impl Shown {
    pub(super) fn is_blank(&self, pieces: &[Piece]) -> bool {
        self.text.iter().chain(&self.html).all(|index| pieces[*index].is_blank())
    }
}

/// What is shown where there is nothing else to read.
#[derive(Debug, Default)]
pub(super) struct Substitutes {
    /// The text within winmail.dat.
    pub(super) packed: Option<Piece>,
    /// The index of a file that is text and meant to be shown.
    pub(super) file: Option<(usize, Late)>,
    /// An invitation, in words.
    pub(super) invitation: Option<String>,
}

/// How to read a file that turns out to be the text.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) charset: Option<String>,
    pub(super) is_html: bool,
}

/// Where a part stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The first one within its parent.
    first: bool,
    /// It is the whole mail.
    whole: bool,
    /// What it stands in.
    parent: &'a str,
}

pub(super) struct Collector<'f> {
    flags: &'f mut Flags,
    pub(super) pieces: Vec<Piece>,
    pub(super) found: Vec<Found>,
    pub(super) substitutes: Substitutes,
}

impl<'f> Collector<'f> {
    pub(super) fn new(flags: &'f mut Flags) -> Self {
        Self { flags, pieces: Vec::new(), found: Vec::new(), substitutes: Substitutes::default() }
    }

    pub(super) fn collect_root(&mut self, root: &Part<'_>) -> Shown {
        self.collect(root, Place { first: true, whole: true, parent: "" })
    }

    fn collect(&mut self, part: &Part<'_>, place: Place<'_>) -> Shown {
        let parts = match &part.content {
            Content::Leaf(body) => return self.leaf(part, body, place),
            Content::Parts(parts) => parts,
        };
        let kind = part.media.subtype.as_str();
        if kind == "encrypted" {
            self.flags.note(Flag::Encrypted);
        }
        let root = if kind == "related" { related_root(part, parts) } else { 0 };
        let whole = place.whole && part.media.kind != "multipart";
        let mut shown = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            if kind == "alternative" && NOT_FOR_US.iter().any(|(kind, subtype)| part.media.is(kind, subtype)) {
                self.flags.note(Flag::LeftOutAlternative);
            } else {
                shown.push(self.collect(part, Place { first: index == root, whole, parent: kind }));
            }
        }
        if kind == "alternative" { self.choose(shown) } else { joined(shown) }
    }

    /// Of alternatives, text for who reads text and HTML for who reads HTML, where there is such.
    fn choose(&mut self, alternatives: Vec<Shown>) -> Shown {
        let is_html = |shown: &Shown| shown.html.iter().any(|index| self.pieces[*index].is_html());
        let (rich, plain): (Vec<Shown>, Vec<Shown>) = alternatives.into_iter().partition(is_html);
        let has_text = rich.iter().any(|shown| !shown.is_blank(&self.pieces));
        let is_lesser = |shown: &Shown| shown.text.iter().all(|index| matches!(self.pieces[*index], Piece::Plain { lesser: true, .. }));
        let has_plain = plain.iter().any(|shown| !is_lesser(shown) && !shown.is_blank(&self.pieces));
        let mut kept = Vec::with_capacity(plain.len());
        for shown in plain.into_iter().filter(|shown| !shown.is_blank(&self.pieces)) {
            if has_plain && is_lesser(&shown) {
                self.flags.note(Flag::LeftOutAlternative);
            } else if has_text && shown.text.iter().all(|index| self.is_placeholder(*index)) {
                self.flags.note(Flag::LeftOutPlaceholder);
            } else {
                kept.push(shown);
            }
        }
        let (rich, plain) = (joined(rich), joined(kept));
        let text = if plain.text.is_empty() { rich.text.clone() } else { plain.text };
        let html = if rich.html.is_empty() { plain.html } else { rich.html };
        Shown { text, html }
    }

    fn is_placeholder(&self, index: usize) -> bool {
        matches!(&self.pieces[index], Piece::Plain { text, .. } if placeholder::is_placeholder(text))
    }

    fn leaf(&mut self, part: &Part<'_>, body: &[u8], place: Place<'_>) -> Shown {
        let bytes = decode::transfer(&part.encoding, body, self.flags);
        if is_body(part, place) {
            if part.is_disposed("attachment") {
                self.flags.note(Flag::TextFromAttachment);
                self.keep(part, Cow::Borrowed(&bytes), place);
            }
            let read = self.text(part, bytes);
            return self.show(read);
        }
        self.note_kind(part);
        if let Some(place) = elsewhere(part) {
            return self.show(Piece::plain(place));
        }
        if apple::is_resource_fork(part, place.parent == "appledouble" && place.first) {
            self.flags.note(Flag::LeftOutResourceFork);
        } else if let Some((name, data)) = apple::single(part, &bytes) {
            self.found.push(Found::named(&name, "application/octet-stream", data, self.flags));
        } else if tnef::is_tnef(part) {
            self.unpack(part, bytes, place);
        } else {
            return self.file(part, bytes, place);
        }
        Shown::default()
    }

    /// Puts what is within winmail.dat in its place.
    fn unpack(&mut self, part: &Part<'_>, bytes: Cow<'_, [u8]>, place: Place<'_>) {
        if self.found.len() >= MOST_FILES {
            self.flags.note(Flag::CutStructure);
            return self.keep(part, bytes, place);
        }
        let Some(contents) = tnef::read(&bytes, self.flags) else {
            self.flags.note(Flag::BrokenTnef);
            return self.keep(part, bytes, place);
        };
        if contents.is_cut {
            self.flags.note(Flag::BrokenTnef);
            self.keep(part, bytes, place);
        }
        self.found.extend(contents.found);
        let text = contents.html.map(Piece::Html).or(contents.text.map(Piece::plain));
        if self.substitutes.packed.is_none() {
            self.substitutes.packed = text;
        }
    }

    fn file(&mut self, part: &Part<'_>, bytes: Cow<'_, [u8]>, place: Place<'_>) -> Shown {
        let media = &part.media;
        if self.substitutes.invitation.is_none() && (media.is("text", "calendar") || media.is("application", "ics")) {
            self.substitutes.invitation =
                calendar::in_words(&decode::text(&bytes, media.parameter("charset").or(Some("utf-8")), self.flags));
        }
        let is_text = media.is("text", "plain") || media.is("text", "html");
        if is_text && part.is_disposed("inline") && self.substitutes.file.is_none() {
            let late = Late { charset: media.parameter("charset").map(str::to_owned), is_html: media.subtype == "html" };
            self.substitutes.file = Some((self.found.len(), late));
        }
        self.keep(part, bytes, place);
        let is_picture = media.kind == "image" && part.is_disposed("inline") && place.parent != "related";
        if is_picture { self.show(Piece::Picture(self.found.len() - 1)) } else { Shown::default() }
    }

    fn keep(&mut self, part: &Part<'_>, bytes: Cow<'_, [u8]>, place: Place<'_>) {
        let related = place.parent == "related";
        self.found.push(Found::new(part, bytes.into_owned(), related, self.flags));
    }

    fn show(&mut self, piece: Piece) -> Shown {
        self.pieces.push(piece);
        let index = vec![self.pieces.len() - 1];
        let is_picture = matches!(self.pieces.last(), Some(Piece::Picture(_)));
        Shown { text: if is_picture { Vec::new() } else { index.clone() }, html: index }
    }

    fn text(&mut self, part: &Part<'_>, bytes: Cow<'_, [u8]>) -> Piece {
        let media = &part.media;
        let is_html = is_html(media);
        let text = decode::body(bytes, media.parameter("charset"), is_html, self.flags);
        if is_html {
            return Piece::Html(text);
        }
        match media.subtype.as_str() {
            "enriched" | "richtext" => Piece::Plain { text: enriched::to_text(&text, media.subtype == "richtext"), lesser: true },
            "markdown" => Piece::Plain { text, lesser: true },
            _ => {
                let text = self.without_files(text);
                let is_flowed = says(media, "format", "flowed");
                Piece::plain(if is_flowed { decode::unflowed(text, says(media, "delsp", "yes")) } else { text })
            }
        }
    }

    /// Takes the files out of a text that were sent in it before there was MIME.
    fn without_files(&mut self, text: String) -> String {
        let files = if self.found.len() < MOST_FILES { decode::uuencoded_files(&text) } else { Vec::new() };
        if files.is_empty() {
            return text;
        }
        let mut rest = String::with_capacity(text.len());
        let mut read = 0;
        for file in files {
            rest.push_str(&text[read..file.range.start]);
            read = file.range.end;
            self.found.push(Found::named(file.name, "application/octet-stream", file.data, self.flags));
        }
        rest.push_str(&text[read..]);
        rest
    }

    /// Puts on record what cannot be read of a mail.
    fn note_kind(&mut self, part: &Part<'_>) {
        let media = &part.media;
        if attachment::is_encrypted(media) {
            self.flags.note(Flag::Encrypted);
        } else if media.is("message", "partial") {
            self.flags.note(Flag::PartialMessage);
        } else if media.is("message", "external-body") {
            self.flags.note(Flag::ExternalBody);
        }
    }
}

/// Where a file is that was not sent itself (RFC 2017, 3), with its name.
fn elsewhere(part: &Part<'_>) -> Option<String> {
    let parameter = |name| part.media.parameter(name).filter(|_| part.media.is("message", "external-body"));
    let address: String = parameter("url")?.split_whitespace().collect();
    let is_web = ["http://", "https://", "ftp://"].iter().any(|scheme| address.starts_with(scheme));
    let name = header::one_line(part.file_name().unwrap_or("Attachment"), LONGEST_NAME);
    is_web.then(|| format!("{name}: {address}"))
}

fn joined(shown: Vec<Shown>) -> Shown {
    shown.into_iter().fold(Shown::default(), |mut all, one| {
        all.text.extend(one.text);
        all.html.extend(one.html);
        all
    })
}

/// The part of a multipart/related that shows the others (RFC 2387, 3.2).
fn related_root(related: &Part<'_>, parts: &[Part<'_>]) -> usize {
    let Some(start) = related.media.parameter("start") else { return 0 };
    let start = start.trim_matches(['<', '>', ' ']);
    parts.iter().position(|part| attachment::content_id(part).as_deref() == Some(start)).unwrap_or_default()
}

fn says(media: &Parameterised, parameter: &str, value: &str) -> bool {
    media.parameter(parameter).is_some_and(|own| own.trim().eq_ignore_ascii_case(value))
}

fn is_html(media: &Parameterised) -> bool {
    media.is("text", "html") || media.is("html", "") || media.is("application", "xhtml+xml")
}

/// Whether a leaf is to be read rather than kept as a file: it is text, not meant as an attachment,
/// and either comes first or neither has a file's name nor belongs to what comes first.
fn is_body(part: &Part<'_>, place: Place<'_>) -> bool {
    let media = &part.media;
    // RFC 2045, 5.2: what has no valid type is plain text; RFC 2046, 4.1.4: so is text of an unknown kind.
    let is_plain = media.is("text", "plain") || (media.subtype.is_empty() && ["", "text", "plain"].contains(&media.kind.as_str()));
    let is_unknown = media.kind == "text" && place.whole && !DATA.contains(&media.subtype.as_str());
    let is_nearly_plain = media.kind == "text" && NEARLY_PLAIN.contains(&media.subtype.as_str());
    let is_readable = is_plain || is_html(media) || is_nearly_plain || is_unknown;
    let is_named = part.file_name().is_some();
    if part.is_disposed("attachment") {
        return is_readable && place.whole && !is_named;
    }
    is_readable && (place.first || (place.parent != "related" && !is_named))
}
