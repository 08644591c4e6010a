//! What is said to people: to stdout, in colours where they are wanted.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Utc};
use unicode_width::UnicodeWidthStr;

/// Something new, or that went well.
pub const ADDED: Style = AnsiColor::Green.on_default();
/// Something that changes, or waits.
pub const CHANGED: Style = AnsiColor::Yellow.on_default();
/// Something that goes, or failed.
pub const REMOVED: Style = AnsiColor::Red.on_default();
/// What stands out.
pub const STRONG: Style = Style::new().bold();
/// What stands back.
pub const FAINT: Style = Style::new().dimmed();

/// A text in a style, for [`print`], which leaves the style out where nobody wants it.
pub fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Prints a text. Colours are left out when it does not go to a terminal, or `NO_COLOR` is set. That
/// the reader has gone, as `head` does, is no failure.
pub fn print(text: &str) -> anyhow::Result<()> {
    to_stdout(&mut anstream::stdout().lock(), harmless(text).as_bytes())
}

/// Writes bytes to stdout as they are, for a file or another program.
pub fn write(bytes: &[u8]) -> anyhow::Result<()> {
    to_stdout(&mut std::io::stdout().lock(), bytes)
}

fn to_stdout(stdout: &mut impl Write, bytes: &[u8]) -> anyhow::Result<()> {
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// A text without what would make a terminal do anything but show it: whoever writes to the desk
/// chooses what is printed here. Colours stay, since they are ours too.
fn harmless(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = colour_length(rest).unwrap_or(c.len_utf8());
        let turns_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if length > c.len_utf8() || matches!(c, '\n' | '\t') || !(c.is_control() || turns_direction) {
            clean.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    clean
}

/// The length of the escape sequence for a colour that a text begins with.
fn colour_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !(c.is_ascii_digit() || c == ';'))?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// An error with its causes, those left out that it says itself; harmless, since it may quote a mail.
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    harmless(&text)
}

/// A point in time, as people read it.
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A text made as wide as `width` columns of a terminal.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The beginning of a text, on one line and no wider than `width` columns.
pub fn shorten(text: &str, width: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.width() <= width {
        return line;
    }
    let mut short = String::new();
    for c in line.chars() {
        if short.width() + c.to_string().width() >= width {
            break;
        }
        short.push(c);
    }
    format!("{}…", short.trim_end())
}

/// A page of text: headings, fields and lines below each other.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// A heading, with a line of space above it.
    pub fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&paint(STRONG, text));
        self.text.push('\n');
    }

    /// A field with its name, aligned with the others.
    pub fn field(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        if !value.is_empty() {
            self.line(1, &format!("{} {value}", paint(FAINT, &pad(name, 12))));
        }
    }

    /// A text, each of its lines so many steps from the margin.
    pub fn line(&mut self, steps: usize, text: &str) {
        for line in text.lines() {
            let indented = format!("{}{line}", "  ".repeat(steps));
            self.text.push_str(indented.trim_end());
            self.text.push('\n');
        }
    }

    /// The whole page.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_cannot_command_the_terminal() {
        let title = "\u{1b}]0;owned\u{7}\u{1b}[2Jhi\u{9b}31m\r\u{202e}gnp.exe\u{8}";
        assert_eq!(harmless(title), "]0;owned[2Jhi31mgnp.exe");
        let painted = format!("{}\n\tx", paint(STRONG, "größer"));
        assert_eq!(harmless(&painted), painted);
        assert_eq!(harmless("\u{1b}[1"), "[1");
    }

    #[test]
    fn wide_letters_keep_columns_straight() {
        assert_eq!(pad("田中", 6), "田中  ");
        assert_eq!(shorten("田中由紀の注文", 7), "田中由…");
        assert_eq!(shorten("two\n lines", 20), "two lines");
    }
}
