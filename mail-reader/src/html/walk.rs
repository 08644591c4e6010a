//! From tags that mean well to elements that are balanced.
//!
//! No tree is built: what is open at a time is all that is remembered, never more than
//! [`DEEPEST`] elements, and who visits is told of each beginning and end in turn. So memory does
//! not grow with the markup, nor time faster than it. Where a browser would move elements about
//! (13.2.6.4 of WHATWG HTML: formatting that is closed in the wrong order, text between the cells of a
//! table), here an element ends a little later or a tag is left out; text never is.

use super::elements::{self, ELEMENTS, Element, Kind};
use super::style::{self, Look};
use super::token::{Attributes, Token, Tokens, resolved};

/// What is nested deeper is read as if it stood at this depth.
const DEEPEST: usize = 96;

/// Who is told of elements and text.
pub(super) trait Visitor {
    /// An element begins; `end` follows, except for those that have no content.
    fn start(&mut self, element: &'static Element, attributes: Attributes<'_>, look: Look);
    /// The innermost element ends.
    fn end(&mut self, element: &'static Element);
    /// Text, its character references resolved.
    fn text(&mut self, text: &str);
}

/// Whether elements that their style hides are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    LeftOut,
    Told,
}

/// What was noticed on the way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noticed {
    /// Something is nested too deep.
    pub(super) cut: bool,
    /// Something was hidden and left out.
    pub(super) hid: bool,
}

/// Tells a visitor of everything in a document that is to be seen.
pub(super) fn walk(markup: &str, hidden: Hidden, visitor: &mut impl Visitor) -> Noticed {
    let mut walker = Walker {
        visitor,
        hidden,
        open: Vec::new(),
        counts: [0; ELEMENTS.len()],
        ignored: [0; ELEMENTS.len()],
        unseen_from: None,
        noticed: Noticed::default(),
    };
    for token in Tokens::new(markup) {
        match token {
            Token::Text(text) => walker.text(text),
            Token::Start(index, attributes) => walker.start(index, attributes),
            Token::End(index) => walker.end(index),
        }
    }
    walker.close_to(0);
    walker.noticed
}

/// An element that is open.
struct Open {
    index: usize,
    /// Its end tag was seen, but what is within it has not ended.
    ended: bool,
    /// Its text is of no height.
    sizeless: bool,
}

struct Walker<'v, V> {
    visitor: &'v mut V,
    hidden: Hidden,
    open: Vec<Open>,
    /// How many of each element are open.
    counts: [u32; ELEMENTS.len()],
    /// How many of each were too deep to be opened, whose end tags are to be left out.
    ignored: [u32; ELEMENTS.len()],
    /// From this open element on nothing is shown.
    unseen_from: Option<usize>,
    noticed: Noticed,
}

impl<V: Visitor> Walker<'_, V> {
    fn text(&mut self, text: &str) {
        let sizeless = self.open.last().is_some_and(|open| open.sizeless);
        if self.unseen_from.is_some() || sizeless {
            self.noticed.hid |= sizeless && !text.trim().is_empty();
            return;
        }
        for piece in resolved(text) {
            self.visitor.text(&piece);
        }
    }

    fn start(&mut self, index: usize, attributes: Attributes<'_>) {
        let element = &ELEMENTS[index];
        if element.kind == Kind::Raw || !self.makes_room(element) {
            return;
        }
        if self.open.len() >= DEEPEST && element.kind != Kind::Void {
            self.noticed.cut = true;
            self.ignored[index] = self.ignored[index].saturating_add(1);
            if self.unseen_from.is_none() && element.kind != Kind::Unseen {
                // It breaks the line all the same.
                self.visitor.start(element, Attributes::NONE, Look::default());
                self.visitor.end(element);
            }
            return;
        }
        let look = style::look(attributes);
        let hidden = self.hidden == Hidden::LeftOut && look.hidden;
        self.noticed.hid |= hidden;
        let unseen = hidden || element.kind == Kind::Unseen;
        if element.kind == Kind::Void {
            if !unseen && self.unseen_from.is_none() {
                self.visitor.start(element, attributes, look);
            }
            return;
        }
        if unseen && self.unseen_from.is_none() {
            self.unseen_from = Some(self.open.len());
        }
        let inherited = self.open.last().is_some_and(|open| open.sizeless);
        let sizeless = self.hidden == Hidden::LeftOut && look.sizeless.unwrap_or(inherited);
        self.open.push(Open { index, ended: false, sizeless });
        self.counts[index] += 1;
        if self.unseen_from.is_none() {
            self.visitor.start(element, attributes, look);
        }
    }

    /// Closes what cannot hold an element. Whether the element may then begin.
    fn makes_room(&mut self, element: &Element) -> bool {
        // Pictures that are drawn end where ordinary elements begin.
        let svg = if self.is_open("svg") { self.open.iter().position(|open| ELEMENTS[open.index].name == "svg") } else { None };
        if let Some(at) = svg {
            if element.kind == Kind::Unseen || element.name == "a" {
                return true;
            }
            self.close_to(at);
        }
        let is_part = element.kind == Kind::Table || element.name == "col";
        let is_holder = |open: &Open| ELEMENTS[open.index].kind == Kind::Table || ELEMENTS[open.index].name == "table";
        let holder = if self.is_open("table") { self.open.iter().rposition(is_holder) } else { None };
        let name_of = |at: usize| ELEMENTS[self.open[at].index].name;
        match holder {
            None if is_part => {
                // Cells that belong to no table are not one word.
                self.text(" ");
                return false;
            }
            Some(at) if element.name == "table" && !ELEMENTS[self.open[at].index].is_cell() => {
                let table = (0..=at).rev().find(|at| name_of(*at) == "table").unwrap_or(at);
                self.close_to(table);
            }
            // Between the cells of a table nothing but cells means anything.
            Some(at) if at + 1 == self.open.len() && !ELEMENTS[self.open[at].index].is_cell() => {
                let may = is_part || matches!(element.kind, Kind::Void | Kind::Unseen);
                if !may {
                    return false;
                }
            }
            _ => {}
        }
        self.imply_ends(element);
        if element.kind == Kind::Table {
            // What is left between the table and its part is closed, for it cannot hold it.
            let holder = self.open.iter().rposition(|open| holds(ELEMENTS[open.index].name, element.name));
            if let Some(at) = holder {
                self.close_to(at + 1);
            }
        }
        element.name != "body" || !self.is_open("body")
    }

    fn is_open(&self, name: &str) -> bool {
        elements::find(name).is_some_and(|index| self.counts[index] > 0)
    }

    fn imply_ends(&mut self, element: &Element) {
        let (ended, within) = element.implied_ends();
        if !ended.iter().any(|name| self.is_open(name)) {
            return;
        }
        let mut lowest = None;
        for (at, open) in self.open.iter().enumerate().rev() {
            let name = ELEMENTS[open.index].name;
            if ended.contains(&name) {
                lowest = Some(at);
            } else if within.contains(&name) {
                break;
            }
        }
        if let Some(at) = lowest {
            self.close_to(at);
        }
    }

    fn end(&mut self, index: usize) {
        let element = &ELEMENTS[index];
        if self.ignored[index] > 0 {
            self.ignored[index] -= 1;
            return;
        }
        if element.name == "br" && self.unseen_from.is_none() {
            self.visitor.start(element, Attributes::NONE, Look::default());
        }
        if self.counts[index] == 0 {
            return;
        }
        let is_part = element.kind == Kind::Table || element.name == "table";
        let mut blocks_above = false;
        for at in (0..self.open.len()).rev() {
            let open = &ELEMENTS[self.open[at].index];
            if self.open[at].index == index && !self.open[at].ended {
                if element.kind == Kind::Inline && blocks_above {
                    self.open[at].ended = true;
                } else {
                    self.close_to(at);
                }
                return;
            }
            let ends_here = if is_part { open.name == "table" } else { open.is_cell() || open.name == "table" };
            if ends_here {
                return;
            }
            blocks_above |= open.kind != Kind::Inline;
        }
    }

    /// Closes all but so many elements, and those whose end tag was seen.
    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth || self.open.last().is_some_and(|open| open.ended) {
            let Some(open) = self.open.pop() else { return };
            self.counts[open.index] -= 1;
            if self.unseen_from.is_none() {
                self.visitor.end(&ELEMENTS[open.index]);
            } else if self.unseen_from == Some(self.open.len()) {
                self.unseen_from = None;
            }
        }
    }
}

/// Whether a part of a table stands directly within another.
fn holds(holder: &str, part: &str) -> bool {
    match part {
        "td" | "th" => matches!(holder, "tr" | "tbody" | "thead" | "tfoot" | "table"),
        "tr" => matches!(holder, "tbody" | "thead" | "tfoot" | "table"),
        _ => holder == "table",
    }
}
