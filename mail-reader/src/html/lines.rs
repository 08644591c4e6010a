//! Lines of text, put together from pieces of text and the breaks between them.
//!
//! What separates is written only when something comes after it. So there is no white space at the
//! end of a line or of the text, and never more than one empty line in a row.

use super::LARGE;

/// What stands before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Margin {
    Quote,
    Indent(usize),
}

/// More spaces in a row are a trick rather than an indentation.
const MOST_SPACES: usize = 40;
/// Lines nested in more margins are written with so many.
const MOST_MARGINS: usize = 24;
/// Longer than what it was made from a text may become by so much, unless that is large.
const SLACK: usize = 64 * 1024;
/// What stands before a line is not longer.
const LONGEST_BEGIN: usize = 2 * 1024;

/// What stands on the line that is written on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Nothing,
    /// Spaces that do not collapse.
    Spaces,
    Text,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    out: String,
    limit: usize,
    /// There was no room for all.
    pub(super) cut: bool,
    margins: Vec<Margin>,
    /// How many quotes the last line stands in.
    quotes: usize,
    /// What the next line bears in the place of its innermost indentation.
    marker: Option<String>,
    /// How many line ends come before what is written next.
    ends: usize,
    line: Line,
    spaces: usize,
    collapsed: bool,
    /// What separates the cell of a table that begins here from the one before it.
    cell: Option<char>,
    /// A mark between letters that is not seen.
    joiner: Option<char>,
    /// How many lines were begun.
    pub(super) count: usize,
}

impl Lines {
    pub(super) fn new(markup: usize) -> Self {
        let limit = markup.max(markup.saturating_add(SLACK).min(LARGE));
        // Growing would take both the old and the new room at once.
        let out = if markup < LARGE { String::new() } else { String::with_capacity(limit + LONGEST_BEGIN) };
        Self { out, limit, ..Self::default() }
    }

    pub(super) fn into_text(mut self) -> String {
        // So would giving back what is too much, where that is little.
        if self.out.len() < self.out.capacity() / 64 * 63 {
            self.out.shrink_to_fit();
        }
        self.out
    }

    pub(super) fn written(&self) -> &str {
        &self.out
    }

    pub(super) fn push_margin(&mut self, margin: Margin) {
        self.margins.push(margin);
    }

    pub(super) fn pop_margin(&mut self) {
        self.margins.pop();
        self.marker = None;
    }

    /// The next line is the first of a list's item.
    pub(super) fn mark_item(&mut self, marker: String) {
        self.marker = Some(marker);
    }

    /// What comes next stands on another line than what came before.
    pub(super) fn fresh_line(&mut self) {
        if self.cell.is_some() {
            return;
        }
        match self.line {
            Line::Text => self.ends = 1,
            Line::Spaces => self.ends = 2,
            Line::Nothing => {}
        }
        self.close();
    }

    fn close(&mut self) {
        self.line = Line::Nothing;
        self.spaces = 0;
        self.collapsed = false;
        self.joiner = None;
    }

    /// Ends a line, an empty one too.
    pub(super) fn end_line(&mut self) {
        if self.cell.is_none() && self.line == Line::Nothing {
            self.ends = 2;
        }
        self.fresh_line();
    }

    /// Between what came before and what comes next stands an empty line.
    pub(super) fn empty_line(&mut self) {
        self.fresh_line();
        if self.cell.is_none() {
            self.ends = 2;
        }
    }

    /// What comes next stands on the line of what was written last, as another cell of the same row.
    pub(super) fn next_cell(&mut self, separator: char) {
        self.close();
        self.line = Line::Text;
        self.ends = 0;
        self.cell = Some(separator);
    }

    /// Nothing comes any more in the row of a table.
    pub(super) fn end_row(&mut self) {
        self.cell = None;
        self.fresh_line();
    }

    /// Text in which white space is as it is.
    pub(super) fn preformatted(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' => self.end_line(),
                '\t' => self.space(4),
                ' ' => self.space(1),
                c => self.character(c),
            }
        }
    }

    /// Text in which white space collapses.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii_whitespace() {
                if self.line == Line::Text && !self.collapsed {
                    self.collapsed = true;
                    self.spaces += 1;
                }
            } else {
                self.character(c);
            }
        }
    }

    fn space(&mut self, count: usize) {
        self.spaces += count;
        if self.line == Line::Nothing {
            self.line = Line::Spaces;
        }
        self.joiner = None;
    }

    fn character(&mut self, c: char) {
        match c {
            '\u{a0}' | '\u{2007}' | '\u{202f}' => self.space(1),
            // What is not seen: soft hyphens, and fillers that keep a preview empty.
            '\u{ad}' | '\u{34f}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{180e}' => {}
            '\u{2028}' | '\u{2029}' => self.end_line(),
            // These join or part the letters of some scripts and of pictures, where they have any
            // beside them.
            '\u{200c}' | '\u{200d}' => self.joiner = (self.line == Line::Text && self.spaces == 0).then_some(c),
            c if c.is_control() => {}
            c => self.visible(c),
        }
    }

    fn visible(&mut self, c: char) {
        if self.out.len() >= self.limit {
            self.cut = true;
            return;
        }
        self.begin();
        if let Some(joiner) = self.joiner.take() {
            self.out.push(joiner);
        }
        self.out.push(c);
    }

    /// Writes what separates from what was written before.
    fn begin(&mut self) {
        if let Some(separator) = self.cell.take() {
            self.out.push(separator);
        } else {
            if self.ends > 0 || self.out.is_empty() {
                self.begin_line();
            }
            self.out.extend(std::iter::repeat_n(' ', self.spaces.min(MOST_SPACES)));
        }
        self.ends = 0;
        self.spaces = 0;
        self.collapsed = false;
        self.line = Line::Text;
    }

    fn begin_line(&mut self) {
        let shown = &self.margins[..self.margins.len().min(MOST_MARGINS)];
        let quotes = shown.iter().filter(|margin| **margin == Margin::Quote).count();
        if !self.out.is_empty() {
            self.out.push('\n');
            if self.ends > 1 {
                for at in 0..quotes.min(self.quotes) {
                    self.out.push_str(if at == 0 { ">" } else { " >" });
                }
                self.out.push('\n');
            }
        }
        for (at, margin) in shown.iter().enumerate() {
            match (margin, &self.marker) {
                (Margin::Quote, _) => self.out.push_str("> "),
                (Margin::Indent(_), Some(marker)) if at + 1 == shown.len() => self.out.push_str(marker),
                (Margin::Indent(width), _) => self.out.extend(std::iter::repeat_n(' ', *width)),
            }
        }
        self.marker = None;
        self.quotes = quotes;
        self.count += 1;
    }

    /// Adds to the last thing written, before whatever separates it from what comes next.
    pub(super) fn append(&mut self, text: &str) {
        if self.out.len() + text.len() <= self.limit {
            self.out.push_str(text);
        } else {
            self.cut = true;
        }
    }
}
