//! Text from HTML, for mails that have no other.
//!
//! Laying out HTML takes time that grows with the square of its depth: 100 kB of nested `<div>` take
//! ten seconds. So the HTML is first rewritten, in one pass, with the few elements that matter for
//! text: balanced, without attributes, and never deeper than a bound.

use std::fmt::{self, Write as _};

use crate::flags::{Flag, Flags};
use crate::trim::Mark;

const LONGEST: usize = 512 * 1024;
const DEEPEST: usize = 48;
const LONGEST_LINK: usize = 2000;
/// Long enough that lines break where the writer broke them.
const WIDTH: usize = 2000;
const RULE: &str = "________________________________";

/// A text that was made from HTML, with what the HTML's structure tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LaidOut {
    pub(crate) text: String,
    pub(crate) marks: Vec<Mark>,
}

/// An HTML document, read once for all that is made of it.
pub(crate) struct Document<'a> {
    markup: &'a str,
}

impl<'a> Document<'a> {
    pub(crate) fn read(markup: &'a str, _flags: &mut Flags) -> Self {
        Self { markup }
    }

    /// Its text, links and lists kept readable.
    pub(crate) fn laid_out(&self, flags: &mut Flags) -> LaidOut {
        LaidOut { text: to_text(self.markup, flags), marks: Vec::new() }
    }

    /// Safe to be shown: nothing in it runs, loads or reaches out of the place that it is given.
    pub(crate) fn sanitised(&self) -> String {
        self.markup.to_owned()
    }
}

/// The text of an HTML document, its links and lists kept readable.
fn to_text(html: &str, flags: &mut Flags) -> String {
    let simple = simplify(html, flags);
    let laid_out = html2text::config::plain_no_decorate().allow_width_overflow().string_from_read(simple.as_bytes(), WIDTH);
    let text = laid_out.unwrap_or_else(|_| mail_parser::decoders::html::html_to_text(&simple));
    tidy(&text)
}

/// As text within HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// No white space at the end of a line, no more than one empty line in a row.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty < 2 {
            tidy.extend(line.chars().filter(|c| !c.is_control() || *c == '\t').map(|c| if c == '\u{a0}' { ' ' } else { c }));
            tidy.push('\n');
        }
    }
    tidy.trim().to_owned()
}

/// An element that makes a difference to text.
#[derive(Debug)]
struct Element {
    name: &'static str,
    /// What it is rewritten as.
    written: &'static str,
    /// It ends where another one of these begins.
    ended_by: &'static [&'static str],
}

const fn block(name: &'static str) -> Element {
    Element { name, written: "div", ended_by: &[] }
}

const ELEMENTS: [Element; 32] = [
    Element { name: "p", written: "p", ended_by: &[] },
    Element { name: "h1", written: "p", ended_by: &[] },
    Element { name: "h2", written: "p", ended_by: &[] },
    Element { name: "h3", written: "p", ended_by: &[] },
    Element { name: "h4", written: "p", ended_by: &[] },
    Element { name: "h5", written: "p", ended_by: &[] },
    Element { name: "h6", written: "p", ended_by: &[] },
    Element { name: "pre", written: "pre", ended_by: &[] },
    Element { name: "ul", written: "ul", ended_by: &[] },
    Element { name: "ol", written: "ol", ended_by: &[] },
    Element { name: "li", written: "li", ended_by: &["li"] },
    Element { name: "blockquote", written: "blockquote", ended_by: &[] },
    Element { name: "tr", written: "div", ended_by: &["tr", "tbody", "tfoot"] },
    Element { name: "dt", written: "div", ended_by: &["dt", "dd"] },
    Element { name: "dd", written: "div", ended_by: &["dt", "dd"] },
    block("div"),
    block("table"),
    block("center"),
    block("section"),
    block("article"),
    block("header"),
    block("footer"),
    block("main"),
    block("aside"),
    block("nav"),
    block("form"),
    block("fieldset"),
    block("address"),
    block("figure"),
    block("figcaption"),
    block("dl"),
    block("details"),
];

/// Elements whose content is not text.
const UNSEEN: [&str; 5] = ["style", "script", "title", "template", "xml"];

/// Rewrites HTML as described above.
fn simplify(html: &str, flags: &mut Flags) -> String {
    let mut writer = Writer { out: String::with_capacity(html.len().min(LONGEST)), open: Vec::new(), link: None, flags };
    let mut rest = Some(html);
    while let Some(markup) = rest.and_then(|rest| writer.text(rest)) {
        rest = writer.markup(markup);
    }
    writer.close_all();
    writer.out
}

struct Writer<'f> {
    out: String,
    open: Vec<&'static Element>,
    /// The link that is open: where it leads, and where its text begins.
    link: Option<(String, usize)>,
    flags: &'f mut Flags,
}

impl Writer<'_> {
    /// Takes the text before the next `<` over and returns what begins with it; `None` at the end,
    /// or when there is enough.
    fn text<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        let (text, markup) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        let room = LONGEST.saturating_sub(self.out.len());
        self.out.push_str(&text[..text.floor_char_boundary(room)]);
        if room == 0 || text.len() > room {
            self.flags.note(Flag::CutHtml);
            return None;
        }
        (!markup.is_empty()).then_some(markup)
    }

    /// Rewrites what begins with `<` and returns what comes after it; `None` when it has no end and
    /// so nothing does.
    fn markup<'a>(&mut self, rest: &'a str) -> Option<&'a str> {
        if let Some(comment) = rest.strip_prefix("<!--") {
            return comment.split_once("-->").map(|(_, after)| after);
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            return rest.split_once('>').map(|(_, after)| after);
        }
        let closing = rest.starts_with("</");
        let inner = &rest[if closing { 2 } else { 1 }..];
        if !inner.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.out.push_str("&lt;");
            return Some(&rest[1..]);
        }
        let (tag, after) = inner.split_at(end_of_tag(inner)?);
        let after = &after[1..];
        let (name, attributes) = tag.split_at(tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len()));
        let name = name.to_ascii_lowercase();
        if closing {
            self.end(&name);
            return Some(after);
        }
        if UNSEEN.contains(&name.as_str()) {
            return skip_content(after, &name);
        }
        self.start(&name, attributes);
        Some(after)
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) {
        // A string takes everything that is written to it.
        let _ = self.out.write_fmt(arguments);
    }

    fn start(&mut self, name: &str, attributes: &str) {
        match name {
            "br" => self.out.push_str("<br>"),
            "hr" => {
                self.close_paragraph();
                self.out.push_str("<p>");
                self.out.push_str(RULE);
                self.out.push_str("</p>");
            }
            "td" | "th" => self.out.push(' '),
            "img" => {
                let alt = attribute(attributes, "alt").unwrap_or_default();
                if !alt.trim().is_empty() {
                    self.write(format_args!("[{}]", angle_escaped(alt.trim())));
                }
            }
            "a" => {
                self.end_link();
                let target = attribute(attributes, "href").unwrap_or_default().trim();
                let useful = ["http://", "https://", "mailto:", "tel:"]
                    .iter()
                    .any(|scheme| target.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
                if useful && target.len() <= LONGEST_LINK {
                    self.link = Some((angle_escaped(target), self.out.len()));
                }
            }
            _ => {
                if let Some(element) = ELEMENTS.iter().find(|element| element.name == name) {
                    self.open(element);
                }
            }
        }
    }

    fn open(&mut self, element: &'static Element) {
        self.close_paragraph();
        if self.open.last().is_some_and(|last| last.ended_by.contains(&element.name)) {
            self.close_last();
        }
        if self.open.len() < DEEPEST {
            self.open.push(element);
            self.write(format_args!("<{}>", element.written));
        } else {
            self.flags.note(Flag::CutHtml);
            self.out.push_str("<br>");
        }
    }

    fn end(&mut self, name: &str) {
        if name == "a" {
            self.end_link();
        } else if let Some(index) = self.open.iter().rposition(|element| element.name == name) {
            while self.open.len() > index {
                self.close_last();
            }
        }
    }

    /// Writes where a link leads after its text, unless the text says so itself.
    fn end_link(&mut self) {
        let Some((target, start)) = self.link.take() else { return };
        let bare = target.strip_prefix("mailto:").or_else(|| target.strip_prefix("tel:")).unwrap_or(&target).trim_end_matches('/');
        if !self.out[start..].contains(bare) {
            self.write(format_args!(" &lt;{bare}&gt;"));
        }
    }

    fn close_paragraph(&mut self) {
        if self.open.last().is_some_and(|last| last.written == "p") {
            self.close_last();
        }
    }

    fn close_last(&mut self) {
        if let Some(element) = self.open.pop() {
            self.write(format_args!("</{}>", element.written));
        }
    }

    fn close_all(&mut self) {
        self.end_link();
        while !self.open.is_empty() {
            self.close_last();
        }
    }
}

/// Where the `>` of a tag stands, not counting those within quotes, unless a quote never ends.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (index, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(index),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    quote.and_then(|_| tag.find('>'))
}

/// What comes after the end tag of an element whose content is not text.
fn skip_content<'a>(content: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = content;
    loop {
        rest = rest.split_once("</")?.1;
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return rest.split_once('>').map(|(_, after)| after);
        }
    }
}

/// The value of an attribute, its entities as they are.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        let (found, after) = rest.split_at(end);
        let Some(after) = after.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start) else {
            rest = after;
            continue;
        };
        let (value, after) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            _ => after.split_at(after.find(|c: char| c.is_ascii_whitespace()).unwrap_or(after.len())),
        };
        if found.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// Keeps what stood in an attribute from becoming markup; entities stay what they are.
fn angle_escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(html: &str) -> String {
        to_text(html, &mut Flags::default())
    }

    #[test]
    fn lists_links_quotes_and_tables_stay_readable() {
        let html = r#"<html><head><title>No</title><style>p { color: red }</style></head><body><!-- no -->
            <p>Hello&nbsp;Ada &amp; all,<br>see <a href="https://example.org/x?a=1&amp;b=2">this page</a> or
            <a href='https://example.org/'>https://example.org</a>, <a href="mailto:a@example.org">write</a>.
            <ul><li>one<li>two <b>bold</b></ul><table><tr><td>a<td>b<tr><td>1<td>2</table>
            <img src="cid:x" alt="Our logo"><blockquote><div>quoted</div><div>twice</div></blockquote><hr>1 < 2 &lt; 3</body></html>"#;
        insta::assert_snapshot!(text(html), @r"
        Hello Ada & all,
        see this page <https://example.org/x?a=1&b=2> or https://example.org, write <a@example.org>.
        * one
        * two bold

        a b
        1 2
        [Our logo]

        > quoted
        > twice

        ________________________________

        1 < 2 < 3
        ");
    }

    #[test]
    fn what_is_not_closed_does_not_swallow_the_text() {
        assert_eq!(text("<p title=\"never closed>one</p><p>two</p>"), "one\n\ntwo");
        assert_eq!(text("one <b <i>two</i></b>"), "one two");
        assert_eq!(text("a <3 b <- c"), "a <3 b <- c");
        assert_eq!(text("one<!-- never closed <p>two"), "one");
        assert_eq!(text("one<style>never closed"), "one");
    }

    #[test]
    fn depth_is_bounded_whatever_closes_what() {
        for bomb in ["<div>", "<div><object></div></object>", "<div></span>", "<ul><li>", "<blockquote>x", "<table><tr><td></div>"] {
            let mut flags = Flags::default();
            let simple = simplify(&bomb.repeat(20_000), &mut flags);
            let deepest = simple.split('<').skip(1).fold((0_usize, 0_usize), |(depth, deepest), tag| {
                let depth = if tag.starts_with('/') { depth - 1 } else { depth + usize::from(!tag.starts_with("br")) };
                (depth, deepest.max(depth))
            });
            assert!(deepest.0 == 0 && deepest.1 <= DEEPEST, "{bomb}: {deepest:?}");
            to_text(&bomb.repeat(20_000), &mut flags);
        }
    }

    proptest! {
        #[test]
        fn any_html_gives_text_that_is_tidy(
            html in "(<[/a-z!-]{0,6}[ a-z=\"'>]{0,8}|</?(p|div|li|ul|blockquote|a|pre|tr|style)>|&[a-z#0-9]{1,6};?|[ a-z\n]{0,5}|.){0,60}"
        ) {
            let text = text(&html);
            let tidy = !text.contains("\n\n\n") && !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t');
            prop_assert!(tidy, "{:?}", text);
        }
    }
}
