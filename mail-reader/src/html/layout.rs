//! Text as a mail program shows it to who reads plain text.

use super::LaidOut;
use super::elements::{Element, Kind};
use super::lines::{Lines, Margin};
use super::links;
use super::programs::{self, Meaning};
use super::structure::Structure;
use super::style::Look;
use super::token::Attributes;
use super::walk::Visitor;

/// A horizontal rule, as Outlook writes it.
const RULE: &str = "________________________________";
/// Within so many bytes of its text a link is looked for.
const LOOKED_AT: usize = 4096;

/// What an open element changed, to be undone at its end.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Whether white space around it is kept.
    preformatted: bool,
    /// It stands between empty lines.
    spaced: bool,
    margin: bool,
    meaning: Option<Meaning>,
}

/// A list, and the number of its next item if its items are numbered.
struct List {
    next: Option<i64>,
    letters: Option<char>,
}

/// A row of a table: how long the text was, and how many lines it had, when it began.
struct Row {
    from: usize,
    lines: usize,
}

pub(super) struct Layout {
    lines: Lines,
    structure: Structure,
    frames: Vec<Frame>,
    lists: Vec<List>,
    rows: Vec<Row>,
    /// What separates the cells of each open table.
    tables: Vec<char>,
    /// Where the open link leads, and how long the text was when it began.
    link: Option<(String, usize)>,
    preformatted: bool,
    /// The next line end is not seen: a `<pre>` begins with it.
    after_pre: bool,
}

impl Layout {
    pub(super) fn new(markup: usize) -> Self {
        Self {
            lines: Lines::new(markup),
            structure: Structure::default(),
            frames: Vec::new(),
            lists: Vec::new(),
            rows: Vec::new(),
            tables: Vec::new(),
            link: None,
            preformatted: false,
            after_pre: false,
        }
    }

    /// The text, and whether it was cut.
    pub(super) fn finish(self) -> (LaidOut, bool) {
        let cut = self.lines.cut;
        let text = self.lines.into_text();
        let marks = self.structure.finish(&text);
        (LaidOut { text, marks }, cut)
    }

    fn start_void(&mut self, element: &Element, attributes: Attributes<'_>) {
        match element.name {
            "br" => self.lines.end_line(),
            "hr" => {
                let before = self.lines.written().len();
                self.lines.end_row();
                self.lines.empty_line();
                self.lines.text(RULE);
                self.lines.empty_line();
                self.structure.drew_rule(before, &self.lines);
            }
            "img" => self.image(attributes),
            "input" => {
                let kind = attributes.get("type").unwrap_or_default().to_ascii_lowercase();
                if matches!(kind.as_str(), "" | "text" | "email" | "tel" | "url" | "number" | "date" | "button" | "submit") {
                    self.lines.text(&attributes.get("value").unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    fn image(&mut self, attributes: Attributes<'_>) {
        let emoji = attributes.get("data-emoji").filter(|emoji| is_emoji(emoji));
        let alt = emoji.or_else(|| attributes.get("alt")).unwrap_or_default();
        let alt = alt.trim();
        if is_emoji(alt) {
            self.lines.text(alt);
        } else if !alt.is_empty() {
            self.lines.text("[");
            self.lines.text(alt);
            self.lines.text("]");
        }
    }

    /// Whether a paragraph is set apart by empty lines.
    fn is_spaced(&self, element: &Element, attributes: Attributes<'_>, look: Look) -> bool {
        // Outlook's paragraphs are lines; its empty lines are paragraphs.
        let of_word = |class: &str| ["MsoNormal", "MsoPlainText", "MsoListParagraph"].iter().any(|known| class.contains(known));
        let is_line = || {
            attributes.get("class").is_some_and(|class| of_word(&class))
                && !attributes.get("style").is_some_and(|style| style.contains("mso-margin-bottom-alt:auto"))
        };
        match element.name {
            "ul" | "ol" | "menu" | "dir" => self.lists.is_empty() && !look.marginless,
            "p" => !look.marginless && !is_line(),
            _ => element.kind == Kind::Paragraph && !look.marginless,
        }
    }

    fn start_block(&mut self, element: &Element, spaced: bool) {
        match element.name {
            "td" | "th" => self.start_cell(),
            "tbody" | "thead" | "tfoot" | "colgroup" => {}
            _ if spaced => self.lines.empty_line(),
            _ if element.is_block() || element.kind == Kind::Table || element.kind == Kind::RawText => self.lines.fresh_line(),
            _ => {}
        }
    }

    fn start_cell(&mut self) {
        let (Some(row), Some(separator)) = (self.rows.last(), self.tables.last()) else { return self.lines.fresh_line() };
        if self.lines.written().len() == row.from {
            return;
        }
        if self.lines.count > row.lines + 1 {
            self.lines.end_row();
        } else {
            self.lines.next_cell(*separator);
        }
    }

    /// Opens what the element is besides a block. Whether it has a margin.
    fn start_kind(&mut self, element: &Element, attributes: Attributes<'_>, look: Look) -> bool {
        match element.name {
            "a" => {
                let target = attributes.get("href").and_then(|href| links::link(&href));
                self.link = target.map(|target| (target, self.lines.written().len()));
            }
            "q" => self.lines.text("\""),
            "ul" | "menu" | "dir" => self.lists.push(List { next: None, letters: None }),
            "ol" => {
                let start = attributes.get("start").and_then(|start| start.trim().parse().ok());
                let letters = attributes.get("type").and_then(|kind| kind.chars().next()).filter(|kind| matches!(kind, 'a' | 'A'));
                self.lists.push(List { next: Some(start.unwrap_or(1)), letters });
            }
            "li" => self.start_item(attributes),
            "dd" => self.lines.push_margin(Margin::Indent(2)),
            "blockquote" => {
                let indents = look.frameless && attributes.get("type").is_none() && attributes.get("class").is_none();
                self.lines.push_margin(if indents { Margin::Indent(4) } else { Margin::Quote });
            }
            "table" => {
                let flows = attributes.get("role").is_some_and(|role| matches!(role.trim(), "presentation" | "none"));
                self.tables.push(if flows { ' ' } else { '\t' });
            }
            "tr" => self.rows.push(Row { from: self.lines.written().len(), lines: self.lines.count }),
            _ => {}
        }
        matches!(element.name, "li" | "dd" | "blockquote")
    }

    fn start_item(&mut self, attributes: Attributes<'_>) {
        let marker = match self.lists.last_mut() {
            Some(List { next: Some(next), letters }) => {
                if let Some(value) = attributes.get("value").and_then(|value| value.trim().parse().ok()) {
                    *next = value;
                }
                let marker = numbered(*next, *letters);
                *next = next.saturating_add(1);
                marker
            }
            _ => "* ".to_owned(),
        };
        self.lines.push_margin(Margin::Indent(marker.len()));
        self.lines.mark_item(marker);
    }

    fn end_kind(&mut self, element: &Element) {
        match element.name {
            "a" => self.end_link(),
            "q" => self.lines.text("\""),
            "ul" | "ol" | "menu" | "dir" => drop(self.lists.pop()),
            "table" => drop(self.tables.pop()),
            "tr" => self.end_row(),
            _ => {}
        }
    }

    fn end_row(&mut self) {
        if self.rows.pop().is_some_and(|row| self.lines.written().len() > row.from) {
            self.lines.end_row();
        }
    }

    /// Writes where a link leads after its text, unless the text says so itself.
    fn end_link(&mut self) {
        let Some((target, from)) = self.link.take() else { return };
        let text = &self.lines.written()[from..];
        let text = &text[..text.floor_char_boundary(LOOKED_AT)];
        if text.trim_matches(['>', ' ', '\n', '\t']).is_empty() {
            return;
        }
        if let Some(shown) = links::shown(&target, text) {
            self.lines.append(&format!(" <{shown}>"));
        }
    }
}

impl Visitor for Layout {
    fn start(&mut self, element: &'static Element, attributes: Attributes<'_>, look: Look) {
        if element.kind != Kind::RawText {
            self.after_pre = false;
        }
        let meaning = programs::meaning(element, attributes);
        if let Some(meaning) = meaning {
            self.structure.begin(meaning, &mut self.lines);
        }
        if element.kind == Kind::Void {
            self.start_void(element, attributes);
            if meaning.is_some() {
                self.structure.end(&mut self.lines);
            }
            return;
        }
        let spaced = self.is_spaced(element, attributes, look);
        self.start_block(element, spaced);
        let margin = self.start_kind(element, attributes, look);
        self.frames.push(Frame { preformatted: self.preformatted, spaced, margin, meaning });
        let keeps = element.name == "pre" || element.kind == Kind::RawText;
        self.preformatted = look.preformatted.unwrap_or(self.preformatted || keeps);
        self.after_pre = keeps;
    }

    fn end(&mut self, element: &'static Element) {
        let Some(frame) = self.frames.pop() else { return };
        self.end_kind(element);
        if frame.meaning.is_some() {
            self.structure.end(&mut self.lines);
        }
        match element.name {
            "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "colgroup" => {}
            _ if frame.spaced || element.name == "blockquote" => self.lines.empty_line(),
            _ if element.is_block() || element.kind == Kind::Table || element.kind == Kind::RawText => self.lines.fresh_line(),
            _ => {}
        }
        if frame.margin {
            self.lines.pop_margin();
        }
        self.preformatted = frame.preformatted;
    }

    fn text(&mut self, text: &str) {
        let text = if self.after_pre { text.strip_prefix('\n').unwrap_or(text) } else { text };
        self.after_pre = false;
        if self.preformatted {
            self.lines.preformatted(text);
        } else {
            self.lines.text(text);
        }
    }
}

/// What stands before the item of a numbered list.
fn numbered(number: i64, letters: Option<char>) -> String {
    let letter = u8::try_from(number).ok().filter(|number| (1..=26).contains(number));
    match (letters, letter) {
        (Some('a'), Some(letter)) => format!("{}. ", char::from(b'a' + letter - 1)),
        (Some('A'), Some(letter)) => format!("{}. ", char::from(b'A' + letter - 1)),
        _ => format!("{number}. "),
    }
}

/// Whether a text is a picture by itself.
fn is_emoji(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 16 && text.chars().all(|c| !c.is_ascii() && !c.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::flags::Flags;
    use crate::html::Document;

    fn text(html: &str) -> String {
        let flags = &mut Flags::default();
        Document::read(html).laid_out(flags).text
    }

    #[test]
    fn lists_links_quotes_and_tables_stay_readable() {
        let html = r#"<html><head><title>No</title><style>p { color: red }</style></head><body><!-- no -->
            <p>Hello&nbsp;Ada &amp; all,<br>see <a href="https://example.org/x?a=1&amp;b=2">this page</a> or
            <a href='https://example.org/'>https://example.org</a>, <a href="mailto:a@example.org">write</a>.
            <ul><li>one<li>two <b>bold</b><ol start=3><li>deep<li value=9>deeper</ol></ul><table><tr><td>a<td>b<tr><td>1<td>2</table>
            <img src="cid:x" alt="Our logo"><blockquote><div>quoted</div><div>twice</div></blockquote><hr>1 < 2 &lt; 3</body></html>"#;
        insta::assert_snapshot!(text(html), @r"
        Hello Ada & all,
        see this page <https://example.org/x?a=1&b=2> or https://example.org, write <a@example.org>.

        * one
        * two bold
          3. deep
          9. deeper

        a	b
        1	2
        [Our logo]

        > quoted
        > twice

        ________________________________

        1 < 2 < 3
        ");
    }

    #[rstest]
    // Gmail writes a line as a div, and an empty one as a div with a line break.
    #[case("<div dir=ltr>one<div>two</div><div><br></div><div>three<br></div><div>four</div></div>", "one\ntwo\n\nthree\nfour")]
    // Outlook writes a line as a paragraph, and an empty one as a paragraph with a space.
    #[case(
        "<p class=MsoNormal>one<o:p></o:p></p><p class=MsoNormal>two</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>three",
        "one\ntwo\n\nthree"
    )]
    #[case("<p>one<p>two<br><br><br>three", "one\n\ntwo\n\nthree")]
    #[case("<p style='margin:0'>one</p><p style='margin:0'>two</p>", "one\ntwo")]
    #[case("a<b> b </b> c<i>d</i>\n e<span> </span>f", "a b cd e f")]
    #[case("<pre>\n  two\n    four\n\n\n\nend </pre>", "  two\n    four\n\nend")]
    #[case("<div style='white-space: pre-wrap'>a  b\nc</div>d  e", "a  b\nc\nd e")]
    #[case("<h1>Title</h1>text<h2>next</h2>text", "Title\n\ntext\n\nnext\n\ntext")]
    #[case("<dl><dt>term<dd>what it is<dt>other<dd>what else</dl>", "term\n  what it is\nother\n  what else")]
    #[case("<ul><li>a<ul><li>b<p>c</p></ul><li></li><li>d</ul>e", "* a\n  * b\n\n    c\n\n* d\n\ne")]
    #[case("<ol type=a><li>x<li>y</ol>", "a. x\nb. y")]
    #[case("<blockquote>a<blockquote>b<p>c</blockquote></blockquote>d", "> a\n>\n> > b\n> >\n> > c\n\nd")]
    #[case("<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>in</blockquote>", "    in")]
    fn blocks_break_lines(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(text(html), expected, "{html}");
    }

    #[rstest]
    #[case("<table><tr><th>Item<th>Count<tr><td>Lamp<td>2</table>", "Item\tCount\nLamp\t2")]
    #[case("<table><tr><td><p>Item</p></td><td><div>Count</div></td></tr></table>after", "Item\tCount\nafter")]
    #[case("<table role=presentation><tr><td>a</td><td></td><td>b</td></tr></table>", "a b")]
    #[case("<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\nc")]
    #[case("<table><tr><td></td><td>x</td></tr><tr><td><table><tr><td>in</td><td>ner</td></tr></table></td></tr></table>", "x\nin\tner")]
    #[case("<table><caption>Cap</caption><tbody><tr><td>a</table>b", "Cap\na\nb")]
    #[case("<table>\n<tr>\n<td>a</td>\n<td>b</td>\n</tr>\n</table>", "a\tb")]
    #[case("<table><tr><td>a</div></td><td>b<form></td></tr><p>c</table>d", "a\tb\nc\nd")]
    #[case("<td>a<td>b", "a b")]
    fn tables_are_read_row_by_row(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(text(html), expected, "{html}");
    }

    #[rstest]
    #[case("<a href='https://example.org/x'>here </a>and <a href='#top'>up</a>", "here <https://example.org/x> and up")]
    #[case("<a href='https://example.org/x'>https://example.org/x</a>", "https://example.org/x")]
    #[case("<a href='javascript:alert(1)'>x</a><a name=y>z</a>", "xz")]
    #[case("<a href='https://a.example/'>one<a href='https://b.example/'>two", "one <https://a.example/>two <https://b.example/>")]
    #[case("<a href='https://a.example/'><table><tr><td>Button</td></tr></table></a>x", "Button <https://a.example/>\nx")]
    #[case("<a href='https://a.example/'><img src=x></a>b", "b")]
    #[case("<a href='https://a.example/'><img alt='Shop'></a>", "[Shop] <https://a.example/>")]
    #[case("<img data-emoji=\"\u{1f600}\" alt=\"\u{1f600}\"><img alt='\u{2764}\u{fe0f}'><img alt=''>", "\u{1f600}\u{2764}\u{fe0f}")]
    #[case("<q>said</q> x<sup>2</sup> <del>old</del> <input value=v> <input type=hidden value=w>", "\"said\" x2 old v")]
    #[case("<select><option>a<option>b</select><textarea>\nx\n y</textarea>", "a\nb\nx\n y")]
    fn what_stands_in_a_line_is_read(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(text(html), expected, "{html}");
    }

    #[rstest]
    #[case("<div style='display:none'>pre<div>view</div></div>seen<span hidden>no</span>", "seen")]
    #[case("<table><tr><td style='font-size:0'>no<p style='font-size:12px'>yes", "yes")]
    #[case("<div style='font-size:0'>no<p style='font-size:12px'>yes", "yes")]
    #[case("a&zwnj;&nbsp;&zwnj;&nbsp;&#847;&shy;&#8203;<p>b", "a\n\nb")]
    #[case(
        "co&shy;op \u{1f468}\u{200d}\u{1f469} \u{645}\u{6cc}\u{200c}\u{62e}",
        "coop \u{1f468}\u{200d}\u{1f469} \u{645}\u{6cc}\u{200c}\u{62e}"
    )]
    #[case("<!--[if mso]>no<![endif]--><!--[if !mso]><!-->yes<!--<![endif]--><![if !supportLists]>1.<![endif]>", "yes1.")]
    #[case("<script>no</script><style><!-- no --></style><svg><text>no</text></svg><template>no</template><xml>no</xml>yes", "yes")]
    #[case("<svg><path d=x>no<p>yes", "yes")]
    #[case("<div style='display:none'>all that there is", "all that there is")]
    #[case("<HTML><BODY><P>one</BODY></HTML>two<html><body>three</body></html>", "one\n\ntwo\nthree")]
    #[case("&notit; &amp;lt; &#x41;&#66; &unknown; a&b &#0;&#1;x", "\u{ac}it; &lt; AB &unknown; a&b \u{fffd}x")]
    fn what_is_not_to_be_seen_is_left_out(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(text(html), expected, "{html}");
    }

    #[rstest]
    #[case("<p title=\"never closed>one</p><p>two</p>", "one\n\ntwo")]
    #[case("one <b <i>two</i></b>", "one two")]
    #[case("a <3 b <- c </ d", "a <3 b <- c </ d")]
    #[case("if a <b then c", "if a <b then c")]
    #[case("one<!-- never closed <p>two", "one")]
    #[case("one<!-->two<!--->three<!-- x --!>four", "onetwothreefour")]
    #[case("one<style>never closed", "one")]
    #[case("<style>never closed</head><p>two", "two")]
    #[case("<title>never closed<p>two", "never closed\n\ntwo")]
    #[case("one<img src=\"cut off", "one")]
    #[case("<b><p>one</b>two</p>three<div><i>x</div>y", "onetwo\n\nthree\nx\ny")]
    fn what_is_broken_does_not_swallow_the_text(#[case] html: &str, #[case] expected: &str) {
        assert_eq!(text(html), expected, "{html}");
    }
}
