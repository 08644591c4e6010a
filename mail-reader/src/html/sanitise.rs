//! HTML that is safe to be shown.
//!
//! What is written is written anew from elements, attributes and values that are known to be
//! harmless; nothing is copied as markup. It holds neither comments nor elements whose content is
//! read by other rules (`script`, `style`, `svg`, `math`, `template`, `noscript`, `textarea` …),
//! whose end two parsers could see in different places: the root of what is known as mutation XSS.
//! All that has a meaning in markup is escaped wherever it stands.

use std::borrow::Cow;

use super::elements::{Element, Kind};
use super::links::{self, Picture};
use super::style::{self, Look};
use super::token::Attributes;
use super::walk::Visitor;
use super::{LARGE, LARGE_MAIL};

/// Larger than the markup the result may be by so much.
const SLACK: usize = 128 * 1024;

/// Attributes of any element that are copied if their value is a word, a number or a colour.
const PLAIN: [&str; 20] = [
    "align",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "color",
    "cols",
    "colspan",
    "dir",
    "face",
    "height",
    "hspace",
    "lang",
    "nowrap",
    "rowspan",
    "size",
    "span",
    "valign",
    "vspace",
    "width",
];
/// No value of those is longer.
const LONGEST_PLAIN: usize = 60;
/// A table with more columns is a trick.
const MOST_DIGITS: usize = 4;
/// An end tag is by so much longer than its name.
const END_TAG: usize = "</>".len();

pub(super) struct Sanitiser {
    out: String,
    /// What is written is no longer.
    limit: usize,
    /// Which open elements were written.
    written: Vec<&'static str>,
    /// For each open element whether it was.
    open: Vec<bool>,
    /// How long the end tags are that are still to be written.
    to_close: usize,
    /// There was no room for all.
    pub(super) cut: bool,
    /// Pictures that somebody else has were kept from loading.
    pub(super) remote_images: bool,
}

impl Sanitiser {
    /// For so much markup; no more than `room` is written.
    pub(super) fn new(markup: usize, room: usize) -> Self {
        // What is written of a link is longer than the link.
        let longer = if markup < LARGE_MAIL { 2 * markup } else { markup / 8 };
        let limit = room.min(markup + longer + SLACK);
        Self {
            // Growing would take both the old and the new room at once.
            out: String::with_capacity(if markup < LARGE { markup.min(limit) } else { limit }),
            limit,
            written: Vec::new(),
            open: Vec::new(),
            to_close: 0,
            cut: false,
            remote_images: false,
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Whether something may still be written.
    fn has_room(&mut self, length: usize) -> bool {
        self.cut |= self.out.len() + length > self.limit;
        !self.cut
    }

    /// Writes a start tag whose end tag is `end` bytes long. Whether it was written.
    fn start_tag(&mut self, element: &Element, attributes: Attributes<'_>, end: usize) -> bool {
        let picture = if element.name == "img" { self.picture(attributes) } else { Some(Shown::default()) };
        let Some(picture) = picture else { return false };
        let start = self.out.len();
        let room = self.limit.saturating_sub(self.to_close + end + 1);
        let mut tag = Tag { out: &mut self.out, room, cut: self.cut };
        tag.push("<");
        tag.push(written_name(element));
        tag.attributes(element, attributes);
        match &picture.source {
            Some(Picture::Here(source)) => tag.attribute("src", source),
            Some(Picture::Remote(source)) => tag.attribute("data-remote-src", source),
            None => {}
        }
        if let Some(alt) = &picture.alt {
            tag.attribute("alt", alt);
        }
        self.cut = tag.cut;
        // Of a body that says nothing of how it looks nothing is left.
        if self.cut || element.name == "body" && self.out.len() == start + "<div".len() {
            self.out.truncate(start);
            return false;
        }
        self.out.push('>');
        true
    }

    /// What is shown of a picture, if anything is.
    fn picture<'a>(&mut self, attributes: Attributes<'a>) -> Option<Shown<'a>> {
        let source = attributes.get_long("src").or_else(|| attributes.get_long("data-remote-src"));
        let source = source.and_then(|source| links::picture(&source));
        let alt = attributes.get("alt");
        let is_remote = matches!(source, Some(Picture::Remote(_)));
        self.remote_images |= is_remote;
        let counts = is_remote && is_dot(attributes);
        let nothing = source.is_none() && alt.as_ref().is_none_or(|alt| alt.trim().is_empty());
        (!counts && !nothing).then_some(Shown { source, alt })
    }
}

/// What is shown of a picture.
#[derive(Default)]
struct Shown<'a> {
    source: Option<Picture>,
    alt: Option<Cow<'a, str>>,
}

fn written_name(element: &Element) -> &'static str {
    if element.name == "body" { "div" } else { element.name }
}

impl Visitor for Sanitiser {
    fn start(&mut self, element: &'static Element, attributes: Attributes<'_>, _look: Look) {
        let is_void = element.kind == Kind::Void;
        // Room for the end tag is kept with the start tag.
        let end = if is_void { 0 } else { END_TAG + element.name.len() };
        let written = element.safe && self.start_tag(element, attributes, end);
        if !is_void {
            self.open.push(written);
            if written {
                self.to_close += end;
                self.written.push(written_name(element));
            }
        }
    }

    fn end(&mut self, element: &'static Element) {
        if self.open.pop().unwrap_or_default()
            && let Some(name) = self.written.pop()
        {
            self.to_close -= END_TAG + element.name.len();
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    fn text(&mut self, text: &str) {
        let text = if self.out.is_empty() { text.trim_start_matches(|c: char| c == ' ' || c.is_control()) } else { text };
        let longer: usize = text.bytes().map(|c| entity(c).map_or(0, |entity| entity.len() - 1)).sum();
        if self.has_room(text.len() + longer + self.to_close) {
            push_text(&mut self.out, text);
        }
    }
}

/// A start tag that is being written.
struct Tag<'o> {
    out: &'o mut String,
    /// How long all that is written may be.
    room: usize,
    /// There was no room for all of it.
    cut: bool,
}

impl Tag<'_> {
    fn push(&mut self, text: &str) {
        self.cut |= self.out.len() + text.len() > self.room;
        if !self.cut {
            self.out.push_str(text);
        }
    }

    fn attributes(&mut self, element: &Element, attributes: Attributes<'_>) {
        if attributes.is_empty() {
            return;
        }
        let mut written = 0_u32;
        for (name, value) in attributes.each() {
            // Of two of a name the first counts.
            let Some(at) = PLAIN.iter().position(|plain| plain.eq_ignore_ascii_case(name)).filter(|at| written & (1 << at) == 0) else {
                continue;
            };
            written |= 1 << at;
            if is_plain(PLAIN[at], value) {
                self.attribute(PLAIN[at], value.trim());
            }
        }
        if let Some(title) = attributes.get("title") {
            self.attribute("title", &title);
        }
        let style = attributes.get("style").map(|style| style::sanitised(&style)).filter(|style| !style.is_empty());
        if let Some(style) = style {
            self.attribute("style", &style);
        }
        match element.name {
            "a" => {
                if let Some(target) = attributes.get("href").and_then(|href| links::link(&href)) {
                    self.attribute("href", &target);
                    self.attribute("rel", "noopener noreferrer nofollow");
                    self.attribute("target", "_blank");
                }
            }
            "ol" => self.copy(attributes, &["type", "start"], is_word),
            "ul" => self.copy(attributes, &["type"], is_word),
            "li" => self.copy(attributes, &["type", "value"], is_word),
            "blockquote" => self.copy(attributes, &["type"], |value| value.eq_ignore_ascii_case("cite")),
            _ => {}
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        let longer: usize = value.bytes().map(|c| quoted_entity(c).map_or(0, |entity| entity.len() - 1)).sum();
        self.cut |= self.out.len() + name.len() + " =\"\"".len() + value.len() + longer > self.room;
        if self.cut {
            return;
        }
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        push_escaped(self.out, value, quoted_entity);
        self.out.push('"');
    }

    fn copy(&mut self, attributes: Attributes<'_>, names: &[&str], is_fit: impl Fn(&str) -> bool) {
        for name in names {
            if let Some(value) = attributes.get(name).filter(|value| is_fit(value.trim())) {
                self.attribute(name, value.trim());
            }
        }
    }
}

fn entity(c: u8) -> Option<&'static str> {
    match c {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        _ => None,
    }
}

/// What stands for a character in the value of an attribute.
fn quoted_entity(c: u8) -> Option<&'static str> {
    match c {
        b'"' => Some("&quot;"),
        b'\'' => Some("&#39;"),
        // Once the beginning and the end of a value in Internet Explorer.
        b'`' => Some("&#96;"),
        c => entity(c),
    }
}

/// Writes text so that all of it stays text.
pub(super) fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, entity);
}

fn push_escaped(out: &mut String, text: &str, entity: fn(u8) -> Option<&'static str>) {
    for c in text.chars() {
        match u8::try_from(c).ok().and_then(entity) {
            Some(entity) => out.push_str(entity),
            None if c.is_control() && c != '\n' && c != '\t' => {}
            None => out.push(c),
        }
    }
}

fn is_word(value: &str) -> bool {
    !value.is_empty() && value.len() <= 10 && value.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

fn is_plain(name: &str, value: &str) -> bool {
    let value = value.trim();
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, '#' | '%' | '.' | '-' | ',' | ' ');
    if value.is_empty() || value.len() > LONGEST_PLAIN || !value.chars().all(harmless) {
        return false;
    }
    let counts = matches!(name, "colspan" | "rowspan" | "span" | "cols");
    !counts || (value.len() <= MOST_DIGITS && value.bytes().all(|c| c.is_ascii_digit()))
}

/// Whether a picture is too small to be seen, there only to tell somebody that it was loaded.
fn is_dot(attributes: Attributes<'_>) -> bool {
    let is_tiny = |value: &str| matches!(value.trim().trim_end_matches("px").trim_end(), "0" | "1");
    let style = attributes.get("style").unwrap_or_default();
    let side = |name: &str| {
        let styled = style::declarations(&style).find(|(property, _)| property.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        styled.map_or_else(|| attributes.get(name).is_some_and(|value| is_tiny(&value)), is_tiny)
    };
    side("width") && side("height")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::flags::{Flag, Flags};
    use crate::html::{Document, judge};

    fn sanitised(html: &str) -> (String, Vec<Flag>) {
        let mut flags = Flags::default();
        (Document::read(html).sanitised(usize::MAX, &mut flags), flags.into_vec())
    }

    #[test]
    fn what_only_looks_stays() {
        for (html, safe) in [
            (
                "<body dir=rtl bgcolor='#fff'><p class=x id=y style='color:red;position:fixed'>a &amp; b &lt; c&nbsp;d</body>",
                "<div dir=\"rtl\" bgcolor=\"#fff\"><p style=\"color:red\">a &amp; b &lt; c\u{a0}d</p></div>",
            ),
            (
                "<a href='https://example.org/?a=1&amp;b=\"' title='x' onclick=y target=_top>l</a>",
                "<a title=\"x\" href=\"https://example.org/?a=1&amp;b=&quot;\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">l</a>",
            ),
            (
                "<table width=100% border=0><tr><td colspan=2 colspan=3>x<th>y",
                "<table width=\"100%\" border=\"0\"><tr><td colspan=\"2\">x</td><th>y</th></tr></table>",
            ),
            ("<ol start=3 type=a><li value=4>x", "<ol type=\"a\" start=\"3\"><li value=\"4\">x</li></ol>"),
            ("<blockquote type=cite>x<br>y<hr></blockquote>", "<blockquote type=\"cite\">x<br>y<hr></blockquote>"),
            ("a<!-- b --><blink>c</blink><form action=x><input name=y><button>d</button></form><o:p>e</o:p>", "acde"),
            ("<p title='`x`'>y", "<p title=\"&#96;x&#96;\">y</p>"),
            ("<b><p>x</b>y", "<b><p>xy</p></b>"),
        ] {
            assert_eq!(sanitised(html).0, safe, "{html}");
        }
    }

    #[test]
    fn pictures_of_the_mail_stay_in_place_and_those_of_the_web_do_not_load() {
        for (html, safe, remote) in [
            ("<img src=cid:a@b width=10>", "<img width=\"10\" src=\"cid:a@b\">", false),
            ("<img src='data:image/png;base64,AA=='>", "<img src=\"data:image/png;base64,AA==\">", false),
            ("<img src=https://x.example/a.png alt='A'>", "<img data-remote-src=\"https://x.example/a.png\" alt=\"A\">", true),
            (
                "<img src=https://x.example/a.png srcset='https://x.example/b.png 2x'>",
                "<img data-remote-src=\"https://x.example/a.png\">",
                true,
            ),
            ("<img src=https://x.example/t width=1 height=1>", "", true),
            ("<img src=https://x.example/t style='width:1px;height:0'>", "", true),
            ("<img src=javascript:alert(1) alt=A><img src=x>", "<img alt=\"A\">", false),
            ("<td background=https://x.example/a><video poster=https://x.example/b src=c>x</video>", "x", false),
        ] {
            let (found, flags) = sanitised(html);
            assert_eq!((found.as_str(), flags.contains(&Flag::RemoteImages)), (safe, remote), "{html}");
        }
    }

    /// Ways in which markup was made to run, after what is published of them: the OWASP cheat sheet on
    /// filter evasion, and the write-ups on mutation XSS in `DOMPurify` and others. Each says `alert`
    /// where it would run.
    const HOSTILE: [&str; 62] = [
        "<script>alert(1)</script>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<SCRIPT/SRC=//x.example/alert></SCRIPT>",
        "<script/alert src=x></script",
        "<script>alert(1)",
        "<img src=x onerror=alert(1)>",
        "<img src=x onerror='alert(1)'//>",
        "<img/src=x/onerror=alert(1)>",
        "<img src=`x`onerror=alert(1)>",
        "<img \"\"\"><script>alert(1)</script>\">",
        "<img src='x' alt='`' title='` onerror=alert(1)'>",
        "<img src=\"x` `<script>alert(1)</script>\"` `>",
        "<img src=x:alert(alt) onerror=eval(src) alt=0>",
        "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<image src=x onerror=alert(1)>",
        "<a href=javascript:alert(1)>x</a>",
        "<a href='java&#x73;cript:alert(1)'>x</a>",
        "<a href='java&Tab;script:alert(1)'>x</a>",
        "<a href='java&NewLine;script&colon;alert(1)'>x</a>",
        "<a href=' &#14; javascript:alert(1)'>x</a>",
        "<a href='&#0000106&#0000097&#0000118&#0000097&#0000115cript:alert(1)'>x</a>",
        "<a href='JaVaScRiPt:alert(1)'>x</a>",
        "<a href=\"jav\u{0}ascript:alert(1)\">x</a>",
        "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>alert</a>",
        "<a href='vbscript:alert(1)'>x</a>",
        "<a href='https://x.example/\" onmouseover=\"alert(1)'>x</a>",
        "<a xlink:href='javascript:alert(1)'>x</a>",
        "<svg onload=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
        "<svg><a xlink:href='javascript:alert(1)'><text y=1em>x</text></a>",
        "<svg><foreignObject><iframe src=javascript:alert(1)></iframe></foreignObject></svg>",
        "<svg><title><style><img src='</style><img src=x onerror=alert(1)>'>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<math><annotation-xml encoding='text/html'><style><img src=x onerror=alert(1)></style></annotation-xml></math>",
        "<math href='javascript:alert(1)'>x</math>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<noembed><img title='</noembed><img src=x onerror=alert(1)>'>",
        "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
        "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
        "<xmp><img title='</xmp><img src=x onerror=alert(1)>'></xmp>",
        "<template><script>alert(1)</script></template>",
        "<select><style></select><img src=x onerror=alert(1)></style>",
        "<table><td><a href=javascript:alert(1)><table><tr><a onclick=alert(1)>x",
        "<table>alert<tr><script>alert(1)</script><img src=x onerror=alert(1)></table>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<!---><img src=x onerror=alert(1)>-->",
        "<!-- --!><img src=x onerror=alert(1)> -->",
        "<![CDATA[ ><img src=x onerror=alert(1)> ]]>",
        "<?xml x ?><img src=x onerror=alert(1)>",
        "<iframe src=javascript:alert(1)></iframe><object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
        "<form action=javascript:alert(1)><input type=submit formaction=javascript:alert(1)><button formaction=javascript:alert(1)>x</button></form>",
        "<meta http-equiv=refresh content='0;url=javascript:alert(1)'><base href='javascript:alert(1)//'><link rel=stylesheet href=javascript:alert(1)>",
        "<body onload=alert(1) background=javascript:alert(1)>",
        "<div style=\"background:url('javascript:alert(1)')\">x</div>",
        "<div style='width:expression(alert(1))'>x</div>",
        r"<div style='background:\75rl(javascript:alert(1))'>x</div>",
        "<style>@import 'javascript:alert(1)';</style><p style='-moz-binding:url(x#alert)'>x",
        "<p title='&lt;script&gt;alert(1)&lt;/script&gt;' id=alert name=alert>&lt;script&gt;alert(1)&lt;/script&gt;",
        "<details open ontoggle=alert(1)><marquee onstart=alert(1)><video onerror=alert(1)><source onerror=alert(1)></video>",
    ];

    #[test]
    fn nothing_hostile_gets_through() {
        for html in HOSTILE {
            let (safe, _) = sanitised(html);
            judge::check(&safe).unwrap_or_else(|wrong| panic!("{html}\n{safe}\n{wrong}"));
            assert_eq!(sanitised(&safe).0, safe, "{html}");
        }
    }

    #[test]
    fn the_judge_is_no_friend_of_ours() {
        let passed: Vec<_> = HOSTILE.iter().filter(|html| judge::check(html).is_ok()).collect();
        assert!(passed.len() <= 4, "{passed:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn any_markup_becomes_harmless_and_stays_so(html in judge::markup()) {
            let (safe, _) = sanitised(&html);
            prop_assert_eq!(judge::check(&safe), Ok(()), "{}", safe);
            prop_assert_eq!(sanitised(&safe).0, safe);
        }
    }
}
