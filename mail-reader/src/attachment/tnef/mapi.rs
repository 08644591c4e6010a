//! Properties of messages and files (MS-OXTNEF, 2.1.3.3; MS-OXPROPS).

use crate::decode;
use crate::flags::Flags;

pub(super) const SUBJECT: u16 = 0x0037;
pub(super) const SENDER_NAME: u16 = 0x0c1a;
pub(super) const SENDER_ADDRESS: u16 = 0x0c1f;
pub(super) const SENDER_SMTP_ADDRESS: u16 = 0x5d01;
pub(super) const DISPLAY_TO: u16 = 0x0e04;
pub(super) const BODY: u16 = 0x1000;
pub(super) const RTF_COMPRESSED: u16 = 0x1009;
pub(super) const HTML: u16 = 0x1013;
pub(super) const DISPLAY_NAME: u16 = 0x3001;
pub(super) const ATTACH_DATA: u16 = 0x3701;
pub(super) const ATTACH_FILENAME: u16 = 0x3704;
pub(super) const ATTACH_LONG_FILENAME: u16 = 0x3707;
pub(super) const ATTACH_MIME_TAG: u16 = 0x370e;
pub(super) const ATTACH_CONTENT_ID: u16 = 0x3712;
pub(super) const INTERNET_CODE_PAGE: u16 = 0x3fde;

/// Properties from this id on have a name.
const FIRST_NAMED: u16 = 0x8000;
const SEVERAL: u16 = 0x1000;
/// `IID_IMessage`, 00020307-0000-0000-C000-000000000046.
const MESSAGE: [u8; 16] = [7, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];

/// Code pages and what they are called in mail (MS-UCODEREF, 2.2.1).
const CODE_PAGES: [(u32, &str); 34] = [
    (437, "ibm437"),
    (850, "ibm850"),
    (852, "ibm852"),
    (866, "ibm866"),
    (874, "windows-874"),
    (932, "shift_jis"),
    (936, "gb18030"),
    (949, "euc-kr"),
    (950, "big5"),
    (1250, "windows-1250"),
    (1251, "windows-1251"),
    (1252, "windows-1252"),
    (1253, "windows-1253"),
    (1254, "windows-1254"),
    (1255, "windows-1255"),
    (1256, "windows-1256"),
    (1257, "windows-1257"),
    (1258, "windows-1258"),
    (10000, "macintosh"),
    (20127, "us-ascii"),
    (20866, "koi8-r"),
    (21866, "koi8-u"),
    (28591, "iso-8859-1"),
    (28592, "iso-8859-2"),
    (28595, "iso-8859-5"),
    (28597, "iso-8859-7"),
    (28599, "iso-8859-9"),
    (28605, "iso-8859-15"),
    (50220, "iso-2022-jp"),
    (50221, "iso-2022-jp"),
    (51932, "euc-jp"),
    (51949, "euc-kr"),
    (54936, "gb18030"),
    (65001, "utf-8"),
];

/// What mail calls a code page.
pub(super) fn code_page_label(code_page: u32) -> &'static str {
    CODE_PAGES.iter().find(|(known, _)| *known == code_page).map_or("windows-1252", |(_, label)| label)
}

/// The value of a property.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(u32),
    /// Text in the code page of the message.
    Narrow(&'a [u8]),
    /// Text in UTF-16.
    Wide(&'a [u8]),
    Binary(&'a [u8]),
    Object(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(super) fn text(self, code_page: u32, flags: &mut Flags) -> String {
        match self {
            Self::Narrow(bytes) => narrow(bytes, code_page, flags),
            Self::Wide(bytes) => {
                let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
                char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).take_while(|c| *c != '\0').collect()
            }
            Self::Number(_) | Self::Binary(_) | Self::Object(_) => String::new(),
        }
    }

    pub(super) fn number(self) -> u32 {
        if let Self::Number(number) = self { number } else { 0 }
    }

    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        if let Self::Binary(bytes) = self { Some(bytes) } else { None }
    }
}

/// Text in a code page, up to its end.
pub(super) fn narrow(bytes: &[u8], code_page: u32, flags: &mut Flags) -> String {
    let bytes = memchr::memchr(0, bytes).map_or(bytes, |end| &bytes[..end]);
    decode::text(bytes, Some(code_page_label(code_page)), flags)
}

/// The number that bytes begin with.
pub(super) fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_le_bytes)
}

/// Whether an object is a message.
pub(super) fn is_message(object: &[u8]) -> bool {
    object.starts_with(&MESSAGE)
}

/// An object without what says what it is.
pub(super) fn within(object: &[u8]) -> &[u8] {
    object.get(MESSAGE.len()..).unwrap_or_default()
}

/// Reads properties one by one, of those with several values the first.
pub(super) struct Properties<'a> {
    rest: &'a [u8],
    left: u32,
    is_cut: bool,
}

impl<'a> Properties<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut properties = Self { rest: bytes, left: 0, is_cut: false };
        match properties.take_number() {
            Some(count) => properties.left = count,
            None => properties.is_cut = true,
        }
        properties
    }

    /// Whether there are fewer than were announced.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn take_number(&mut self) -> Option<u32> {
        self.take(4).and_then(number)
    }

    /// Bytes after their length, filled up to four.
    fn take_sized(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.take_number()?).ok()?;
        let value = self.take(length)?;
        let filling = length.wrapping_neg() % 4;
        // Behind the last value it may be missing.
        self.rest = self.rest.get(filling..).unwrap_or_default();
        Some(value)
    }

    fn property(&mut self) -> Option<(u16, Option<Value<'a>>)> {
        let tag = self.take_number()?;
        let (kind, id) = (u16::try_from(tag & 0xffff).ok()?, u16::try_from(tag >> 16).ok()?);
        if id >= FIRST_NAMED {
            self.take(16)?;
            if self.take_number()? == 0 {
                self.take_number()?;
            } else {
                self.take_sized()?;
            }
        }
        let scalar = kind & !SEVERAL;
        let is_sized = matches!(scalar, 0x0d | 0x1e | 0x1f | 0x102);
        let count = if is_sized || kind & SEVERAL != 0 { self.take_number()? } else { 1 };
        let mut first = None;
        for _ in 0..count {
            let value = self.value(scalar)?;
            first = first.or(Some(value));
        }
        Some((id, first))
    }

    fn value(&mut self, kind: u16) -> Option<Value<'a>> {
        Some(match kind {
            0x02 | 0x03 | 0x04 | 0x0a | 0x0b => Value::Number(self.take_number()?),
            0x05 | 0x06 | 0x07 | 0x14 | 0x40 => Value::Binary(self.take(8)?),
            0x48 => Value::Binary(self.take(16)?),
            0x0d => Value::Object(self.take_sized()?),
            0x1e => Value::Narrow(self.take_sized()?),
            0x1f => Value::Wide(self.take_sized()?),
            0x102 => Value::Binary(self.take_sized()?),
            _ => return None,
        })
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = (u16, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            self.left -= 1;
            match self.property() {
                Some((id, Some(value))) => return Some((id, value)),
                Some((_, None)) => {}
                None => {
                    self.left = 0;
                    self.is_cut = true;
                }
            }
        }
        None
    }
}
