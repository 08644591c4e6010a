//! The elements of HTML that mails are made of, and how each behaves (WHATWG HTML, 13.2.6 and 15.3).

/// How an element behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Within a line.
    Inline,
    /// On lines of its own.
    Block,
    /// On lines of its own, with an empty one before and after.
    Paragraph,
    /// A piece of a table, which means nothing outside of one.
    Table,
    /// Has no content.
    Void,
    /// Neither it nor its content is shown.
    Unseen,
    /// Its content is no markup, and is not shown.
    Raw,
    /// Its content is no markup, but shown.
    RawText,
}

/// An element by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether it may stand in sanitised HTML.
    pub(super) safe: bool,
}

const fn shown(name: &'static str, kind: Kind) -> Element {
    Element { name, kind, safe: true }
}

const fn unshown(name: &'static str, kind: Kind) -> Element {
    Element { name, kind, safe: false }
}

/// In the order of their names.
pub(super) static ELEMENTS: [Element; 110] = [
    shown("a", Kind::Inline),
    shown("abbr", Kind::Inline),
    shown("address", Kind::Block),
    shown("article", Kind::Block),
    shown("aside", Kind::Block),
    shown("b", Kind::Inline),
    shown("bdi", Kind::Inline),
    shown("bdo", Kind::Inline),
    shown("big", Kind::Inline),
    shown("blockquote", Kind::Paragraph),
    shown("body", Kind::Block),
    shown("br", Kind::Void),
    unshown("button", Kind::Inline),
    shown("caption", Kind::Table),
    shown("center", Kind::Block),
    shown("cite", Kind::Inline),
    shown("code", Kind::Inline),
    shown("col", Kind::Void),
    shown("colgroup", Kind::Table),
    unshown("datalist", Kind::Unseen),
    shown("dd", Kind::Block),
    shown("del", Kind::Inline),
    unshown("details", Kind::Block),
    shown("dfn", Kind::Inline),
    unshown("dir", Kind::Paragraph),
    shown("div", Kind::Block),
    shown("dl", Kind::Paragraph),
    shown("dt", Kind::Block),
    shown("em", Kind::Inline),
    unshown("embed", Kind::Void),
    unshown("fieldset", Kind::Block),
    shown("figcaption", Kind::Block),
    shown("figure", Kind::Paragraph),
    shown("font", Kind::Inline),
    shown("footer", Kind::Block),
    unshown("form", Kind::Block),
    unshown("frame", Kind::Void),
    unshown("frameset", Kind::Block),
    shown("h1", Kind::Paragraph),
    shown("h2", Kind::Paragraph),
    shown("h3", Kind::Paragraph),
    shown("h4", Kind::Paragraph),
    shown("h5", Kind::Paragraph),
    shown("h6", Kind::Paragraph),
    shown("header", Kind::Block),
    shown("hr", Kind::Void),
    shown("i", Kind::Inline),
    unshown("iframe", Kind::Raw),
    shown("img", Kind::Void),
    unshown("includetail", Kind::Block),
    unshown("input", Kind::Void),
    shown("ins", Kind::Inline),
    shown("kbd", Kind::Inline),
    unshown("label", Kind::Inline),
    unshown("legend", Kind::Block),
    shown("li", Kind::Block),
    unshown("link", Kind::Void),
    shown("main", Kind::Block),
    shown("mark", Kind::Inline),
    unshown("menu", Kind::Paragraph),
    unshown("meta", Kind::Void),
    shown("nav", Kind::Block),
    unshown("noembed", Kind::Raw),
    unshown("noframes", Kind::Raw),
    shown("ol", Kind::Paragraph),
    unshown("optgroup", Kind::Block),
    unshown("option", Kind::Block),
    shown("p", Kind::Paragraph),
    unshown("param", Kind::Void),
    unshown("plaintext", Kind::RawText),
    shown("pre", Kind::Paragraph),
    shown("q", Kind::Inline),
    shown("rp", Kind::Inline),
    shown("rt", Kind::Inline),
    shown("ruby", Kind::Inline),
    shown("s", Kind::Inline),
    shown("samp", Kind::Inline),
    unshown("script", Kind::Raw),
    shown("section", Kind::Block),
    unshown("select", Kind::Block),
    // Of Mailspring alone.
    unshown("signature", Kind::Block),
    shown("small", Kind::Inline),
    unshown("source", Kind::Void),
    shown("span", Kind::Inline),
    shown("strike", Kind::Inline),
    shown("strong", Kind::Inline),
    unshown("style", Kind::Raw),
    shown("sub", Kind::Inline),
    unshown("summary", Kind::Block),
    shown("sup", Kind::Inline),
    unshown("svg", Kind::Unseen),
    shown("table", Kind::Block),
    shown("tbody", Kind::Table),
    shown("td", Kind::Table),
    unshown("template", Kind::Unseen),
    unshown("textarea", Kind::RawText),
    shown("tfoot", Kind::Table),
    shown("th", Kind::Table),
    shown("thead", Kind::Table),
    shown("time", Kind::Inline),
    unshown("title", Kind::Raw),
    shown("tr", Kind::Table),
    unshown("track", Kind::Void),
    shown("tt", Kind::Inline),
    shown("u", Kind::Inline),
    shown("ul", Kind::Paragraph),
    shown("var", Kind::Inline),
    shown("wbr", Kind::Void),
    unshown("xml", Kind::Raw),
    unshown("xmp", Kind::RawText),
];

/// Where in the list the element of a name stands, however its letters are written; those that are
/// not known mean nothing.
pub(super) fn find(name: &str) -> Option<usize> {
    let lower = |c: u8| c.to_ascii_lowercase();
    ELEMENTS.binary_search_by(|element| element.name.bytes().cmp(name.bytes().map(lower))).ok()
}

impl Element {
    pub(super) fn is_block(&self) -> bool {
        matches!(self.kind, Kind::Block | Kind::Paragraph) || self.name == "hr"
    }

    pub(super) fn is_cell(&self) -> bool {
        matches!(self.name, "td" | "th" | "caption")
    }

    /// Which elements end where this one begins, and within what.
    pub(super) fn implied_ends(&self) -> (&'static [&'static str], &'static [&'static str]) {
        match self.name {
            "a" => (&["a"], &["td", "th", "caption", "table"]),
            "li" => (&["li", "p"], &["ul", "ol", "menu", "dir", "table", "td", "th", "blockquote", "dl"]),
            "dt" | "dd" => (&["dt", "dd", "p"], &["dl", "ul", "ol", "table", "td", "th", "blockquote"]),
            "td" | "th" => (&["td", "th", "caption", "colgroup"], &["tr", "table"]),
            "tr" => (&["tr", "td", "th", "caption", "colgroup"], &["table"]),
            "tbody" | "thead" | "tfoot" | "caption" | "colgroup" => {
                (&["tbody", "thead", "tfoot", "tr", "td", "th", "caption", "colgroup"], &["table"])
            }
            "option" | "optgroup" => (&["option"], &["select"]),
            _ if self.is_block() => (&["p"], &["td", "th", "caption", "table"]),
            _ => (&[], &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_found_by_its_name() {
        for (index, element) in ELEMENTS.iter().enumerate() {
            assert_eq!(find(&element.name.to_ascii_uppercase()), Some(index));
        }
        assert_eq!(find("o:p"), None);
    }
}
