//! Everything that is made of HTML: text with what its structure tells, and HTML that is safe to be
//! shown.
//!
//! `token` splits the markup into tags and text, `walk` balances the tags and tells a visitor of
//! elements and text in turn; `elements` is what it knows of each. Two visitors make the two results:
//! `layout` the text, in `lines`, and with the help of `programs`, which knows how mail programs mark
//! a quote or a signature, the marks; `sanitise` the HTML. `style` and `links` read attributes.
//!
//! Why all this is our own: the libraries there are build a tree whose memory is many times the size of
//! the markup (and a mail has room for less than twice of it), and both laying out and sanitising take
//! them time that grows with the square of the depth (100 kB of nested `<div>`: 1.6 s and 0.6 s).
//! A stack of bounded depth needs neither. That our notion of what is safe agrees with that of the
//! standard is tested with a parser that conforms to it as the judge.

mod elements;
#[cfg(test)]
mod judge;
mod layout;
mod lines;
mod links;
mod programs;
mod sanitise;
mod structure;
mod style;
mod token;
mod walk;

use crate::flags::{Flag, Flags};
use crate::trim::Mark;
use layout::Layout;
use sanitise::Sanitiser;
use walk::{Hidden, walk};

/// For what is made of markup that is so large, room is taken at once and as much as it has itself.
const LARGE: usize = 256 * 1024;
/// Of smaller mails as much is made as there is to make.
const LARGE_MAIL: usize = 1_000_000;

/// A text that was made from HTML, with what the HTML's structure tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LaidOut {
    pub(crate) text: String,
    /// In the order of the text, none within another.
    pub(crate) marks: Vec<Mark>,
}

/// How much may be made of the HTML in a mail of `size` bytes: with `held`, which is what is held of
/// it already, and the mail itself, less than four times its size.
pub(crate) fn room(size: usize, held: usize) -> usize {
    if size < LARGE_MAIL { usize::MAX } else { (3 * size).saturating_sub(held + size / 100) }
}

/// An HTML document.
pub(crate) struct Document<'a> {
    markup: &'a str,
}

impl<'a> Document<'a> {
    pub(crate) fn read(markup: &'a str) -> Self {
        Self { markup }
    }

    /// Its text, links and lists kept readable. What is hidden is left out, unless all is.
    pub(crate) fn laid_out(&self, flags: &mut Flags) -> LaidOut {
        let lay_out = |hidden| {
            let mut layout = Layout::new(self.markup.len());
            let noticed = walk(self.markup, hidden, &mut layout);
            let (laid_out, cut) = layout.finish();
            (laid_out, noticed.hid, noticed.cut || cut)
        };
        let (mut laid_out, hid, mut cut) = lay_out(Hidden::LeftOut);
        if laid_out.text.is_empty() && hid {
            (laid_out, _, cut) = lay_out(Hidden::Told);
        }
        if cut {
            flags.note(Flag::CutHtml);
        }
        laid_out
    }

    /// Safe to be shown: nothing in it runs, loads by itself or reaches out of the place that it is
    /// given. What is hidden is left out here too, so that nobody reads what others do not see. It is
    /// no longer than `room`.
    pub(crate) fn sanitised(&self, room: usize, flags: &mut Flags) -> String {
        let mut sanitiser = Sanitiser::new(self.markup.len(), room);
        let noticed = walk(self.markup, Hidden::LeftOut, &mut sanitiser);
        if noticed.cut || sanitiser.cut {
            flags.note(Flag::CutHtml);
        }
        if sanitiser.remote_images {
            flags.note(Flag::RemoteImages);
        }
        sanitiser.finish()
    }
}

/// Text as it may stand in HTML, also within an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    sanitise::push_text(&mut escaped, text);
    escaped.replace('"', "&quot;")
}

/// Plain text as HTML, its lines and spaces as they are.
pub(crate) fn from_text(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 16);
    html.push_str("<div style=\"white-space:pre-wrap\">");
    sanitise::push_text(&mut html, text);
    html.push_str("</div>\n");
    html
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nix::time::{ClockId, clock_gettime};
    use proptest::prelude::*;

    use super::*;

    fn laid_out(html: &str) -> LaidOut {
        let flags = &mut Flags::default();
        Document::read(html).laid_out(flags)
    }

    #[test]
    fn html_of_nothing_but_links_is_shown_whole() {
        let (markup, flags) = ("<p><a href=\"https://example.org/\">x</a></p>\n".repeat(10_000), &mut Flags::default());
        let html = Document::read(&markup).sanitised(room(markup.len(), 0), flags);
        assert_eq!(html.matches("</a>").count(), 10_000);
        assert_eq!(std::mem::take(flags).into_vec(), []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_markup_gives_text_that_is_tidy_and_marks_that_fit_it(html in judge::markup()) {
            let LaidOut { text, marks } = laid_out(&html);
            let tidy = !text.contains("\n\n\n") && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
            prop_assert!(tidy && !text.starts_with('\n') && !text.contains(" \n") && text.trim_end() == text, "{:?}", text);
            let mut end = 0;
            for mark in marks {
                let starts = mark.range.start == 0 || text[..mark.range.start].ends_with('\n');
                let ends = mark.range.end == text.len() || text[..mark.range.end].ends_with('\n');
                prop_assert!(starts && ends && mark.range.start >= end && !text[mark.range.clone()].trim().is_empty(), "{:?} {:?}", text, mark);
                end = mark.range.end;
            }
        }
    }

    /// How long this thread worked on something.
    fn worked(work: impl FnOnce()) -> Duration {
        let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
        let start = now();
        work();
        now().saturating_sub(start)
    }

    #[test]
    fn hostile_shapes_take_no_longer_than_their_size() {
        for shape in [
            "<div>",
            "<b>",
            "<p>",
            "<li>",
            "<svg>",
            "<",
            "</",
            "<!",
            "<!--",
            "<!--x",
            "<a",
            "<a ",
            "<a b=\"",
            "<a b='\"",
            "<a b=\"c\" ",
            "<a b='>\"' c=\">'\"",
            "<style>",
            "<title>",
            "<style></head>",
            "<textarea>",
            "&",
            "&amp",
            "&#1",
            "</b>",
            "<b></p>",
            "<table>",
            "<table><tr><td>",
            "<td>",
            "<tr><td>x",
            "<blockquote>x",
            "<blockquote>x</blockquote>y",
            "<a href=https://a.example>x",
            "<div class=gmail_quote>x",
            "<div id=divRplyFwdMsg><hr>",
            "<br>",
            "&nbsp;",
            "<p>&nbsp;</p>",
            "\u{200d}",
            "x\u{200d}",
            "<div style=display:none>",
            "<ul><li>x",
            "<a><div>",
            "-->",
            "<pre>\n",
            "<img src=cid:x>",
            "<div style='border-top:solid;padding:3.0pt 0'>a: b<br>",
            "x",
            "<b><p></b>",
            "<div><object></div></object>",
        ] {
            let time = |size: usize| {
                let html = shape.repeat(size / shape.len());
                let work = || {
                    let flags = &mut Flags::default();
                    let document = Document::read(&html);
                    let text = document.laid_out(flags).text;
                    let safe = document.sanitised(usize::MAX, flags);
                    assert!(text.len() <= html.len() + 80_000 && safe.len() <= html.len() + html.len() / 8 + 140_000, "{shape}");
                };
                (0..2).map(|_| worked(work)).min().unwrap_or_default().max(Duration::from_millis(1))
            };
            let (once, four_times) = (time(8_000), time(32_000));
            assert!(four_times < once * 9, "{shape}: {once:?}, four times as much {four_times:?}");
        }
    }
}
