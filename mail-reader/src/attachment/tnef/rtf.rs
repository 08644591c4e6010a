//! The text of RTF, or the HTML that Outlook hid in it (MS-OXRTFEX).

use std::collections::HashMap;

use crate::decode;
use crate::flags::Flags;

use super::mapi::code_page_label;

/// Deeper groups are read as if they were not there.
const DEEPEST: usize = 100;
/// The beginning, in which it says that it is HTML.
const LONGEST_START: usize = 1000;
const MOST_FONTS: usize = 1000;
/// Groups that hold no text.
const NOT_TEXT: [&str; 14] = [
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "header",
    "footer",
    "headerl",
    "headerr",
    "footerl",
    "footerr",
    "object",
    "listtable",
    "themedata",
    "filetbl",
];
/// What stands for characters, and which.
const CHARACTERS: [(&str, char); 13] = [
    ("par", '\n'),
    ("line", '\n'),
    ("row", '\n'),
    ("tab", '\t'),
    ("cell", '\t'),
    ("lquote", '\u{2018}'),
    ("rquote", '\u{2019}'),
    ("ldblquote", '\u{201c}'),
    ("rdblquote", '\u{201d}'),
    ("bullet", '\u{2022}'),
    ("endash", '\u{2013}'),
    ("emdash", '\u{2014}'),
    ("sect", '\n'),
];
/// Character sets of fonts, and their code pages (RTF 1.9.1, "Font Table").
const FONT_CHARSETS: [(i32, u32); 15] = [
    (0, 1252),
    (77, 10000),
    (128, 932),
    (129, 949),
    (134, 936),
    (136, 950),
    (161, 1253),
    (162, 1254),
    (163, 1258),
    (177, 1255),
    (178, 1256),
    (186, 1257),
    (204, 1251),
    (222, 874),
    (238, 1250),
];

/// What was read.
pub(super) struct Read {
    pub(super) text: String,
    pub(super) is_html: bool,
}

pub(super) fn read(rtf: &[u8], code_page: u32, flags: &mut Flags) -> Read {
    let is_html = memchr::memmem::find(&rtf[..rtf.len().min(LONGEST_START)], b"\\fromhtml").is_some();
    let group = Group { holds: Holds::Text, fallback: 1, code_page, ..Group::default() };
    let mut reader = Reader {
        flags,
        is_html,
        group,
        outer: Vec::new(),
        deeper: 0,
        fonts: HashMap::new(),
        font: 0,
        pending: Vec::new(),
        text: String::new(),
        skip: 0,
    };
    reader.read(rtf);
    reader.flush();
    Read { text: reader.text, is_html }
}

/// What stands in a group.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Holds {
    Text,
    Fonts,
    #[default]
    Other,
}

/// What is so within a group.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    holds: Holds,
    /// What stands in it is there for readers of RTF alone.
    rtf_only: bool,
    /// So many characters after a Unicode character stand for it.
    fallback: usize,
    code_page: u32,
    /// `\*` came: what comes next may be left out by who does not know it.
    may_be_left_out: bool,
}

struct Reader<'f> {
    flags: &'f mut Flags,
    is_html: bool,
    group: Group,
    outer: Vec<Group>,
    /// How many groups are open beyond the bound.
    deeper: usize,
    /// Fonts by number, with their code pages.
    fonts: HashMap<i32, u32>,
    font: i32,
    /// Bytes that are not yet text, since a character may have several.
    pending: Vec<u8>,
    text: String,
    /// How many characters stand for what was already read.
    skip: usize,
}

impl Reader<'_> {
    fn read(&mut self, mut rest: &[u8]) {
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'{' => self.open(),
                b'}' => self.close(),
                b'\\' => rest = self.control(rest),
                b'\r' | b'\n' | 0 => {}
                byte => self.byte(byte),
            }
        }
    }

    fn open(&mut self) {
        self.skip = 0;
        if self.outer.len() < DEEPEST {
            self.outer.push(self.group);
        } else {
            self.deeper += 1;
        }
    }

    fn close(&mut self) {
        self.skip = 0;
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(outer) = self.outer.pop() {
            if outer.code_page != self.group.code_page {
                self.flush();
            }
            self.group = outer;
        }
    }

    /// Obeys what stands behind a backslash and returns what follows.
    fn control<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        if letters == 0 {
            return self.symbol(rest);
        }
        let (word, after) = rest.split_at(letters);
        let sign = usize::from(after.starts_with(b"-"));
        let digits = after[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = after.split_at(if digits > 0 { sign + digits } else { 0 });
        let number: Option<i32> = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        let after = after.strip_prefix(b" ").unwrap_or(after);
        let word = std::str::from_utf8(word).unwrap_or_default();
        if word == "bin" {
            return after.get(usize::try_from(number.unwrap_or_default()).unwrap_or_default()..).unwrap_or_default();
        }
        self.word(word, number);
        after
    }

    fn symbol<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let Some((&symbol, after)) = rest.split_first() else { return rest };
        match symbol {
            b'\'' => {
                let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let Some(byte) = hex else { return after };
                self.byte(byte);
                return &after[2..];
            }
            b'*' => self.group.may_be_left_out = true,
            b'~' => self.char('\u{a0}'),
            b'_' => self.char('-'),
            b'\r' | b'\n' => self.char('\n'),
            b'\\' | b'{' | b'}' => self.byte(symbol),
            _ => {}
        }
        after
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        let optional = std::mem::take(&mut self.group.may_be_left_out);
        match word {
            "htmltag" if self.is_html => (self.group.holds, self.group.rtf_only) = (Holds::Text, false),
            "htmlrtf" if self.is_html => self.group.rtf_only = number != Some(0),
            "fonttbl" => self.group.holds = Holds::Fonts,
            _ if optional || NOT_TEXT.contains(&word) => self.group.holds = Holds::Other,
            "f" if self.group.holds == Holds::Fonts => self.font = number.unwrap_or_default(),
            "fcharset" if self.group.holds == Holds::Fonts && self.fonts.len() < MOST_FONTS => {
                if let Some((_, code_page)) = FONT_CHARSETS.iter().find(|(charset, _)| Some(*charset) == number) {
                    self.fonts.entry(self.font).or_insert(*code_page);
                }
            }
            "f" => {
                if let Some(code_page) = number.and_then(|number| self.fonts.get(&number)).copied() {
                    self.set_code_page(code_page);
                }
            }
            "ansicpg" => self.set_code_page(number.and_then(|number| u32::try_from(number).ok()).unwrap_or(self.group.code_page)),
            "uc" => self.group.fallback = number.and_then(|number| usize::try_from(number).ok()).unwrap_or(1).min(16),
            "u" => self.unicode(number.unwrap_or_default()),
            _ => {
                if let Some((_, character)) = CHARACTERS.iter().find(|(known, _)| *known == word) {
                    self.char(*character);
                }
            }
        }
    }

    fn unicode(&mut self, number: i32) {
        // Written as a signed number of 16 bits; a pair of them is one character.
        let unit = u32::try_from(if number < 0 { number.saturating_add(0x1_0000) } else { number }).unwrap_or(0xfffd);
        if self.is_shown() {
            self.flush();
            if (0xdc00..0xe000).contains(&unit) && self.text.ends_with(char::REPLACEMENT_CHARACTER) {
                self.text.pop();
            } else {
                self.text.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        self.skip = self.group.fallback;
    }

    fn is_shown(&self) -> bool {
        self.group.holds == Holds::Text && !self.group.rtf_only
    }

    fn set_code_page(&mut self, code_page: u32) {
        if code_page != self.group.code_page {
            self.flush();
            self.group.code_page = code_page;
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.is_shown() {
            self.pending.push(byte);
        }
    }

    fn char(&mut self, character: char) {
        if self.is_shown() {
            self.flush();
            self.text.push(character);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.text.push_str(&decode::text(&self.pending, Some(code_page_label(self.group.code_page)), self.flags));
            self.pending.clear();
        }
    }
}
