//! From the bytes on the wire to bytes and text as they were meant.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::parsers::MessageStream;

use crate::flags::{Flag, Flags};

/// Undoes a Content-Transfer-Encoding. What is broken is read as far as it goes.
pub(crate) fn transfer<'a>(encoding: &str, body: &'a [u8], flags: &mut Flags) -> Cow<'a, [u8]> {
    if encoding.eq_ignore_ascii_case("base64") {
        Cow::Owned(base64(body, flags))
    } else if encoding.eq_ignore_ascii_case("quoted-printable") {
        quoted_printable(body, flags)
    } else {
        Cow::Borrowed(body)
    }
}

fn base64(body: &[u8], flags: &mut Flags) -> Vec<u8> {
    if let Some(decoded) = base64_decode(body) {
        return decoded;
    }
    flags.note(Flag::BrokenEncoding);
    let alphabet: Vec<u8> = body.iter().filter(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).copied().collect();
    base64_decode(&alphabet).unwrap_or_default()
}

fn quoted_printable<'a>(body: &'a [u8], flags: &mut Flags) -> Cow<'a, [u8]> {
    // The library says by this offset that it gave up: at "==", which nobody can have meant.
    let (end, decoded) = MessageStream::new(body).decode_quoted_printable_mime(b"");
    if end == usize::MAX {
        flags.note(Flag::BrokenEncoding);
        return Cow::Borrowed(body);
    }
    decoded
}

/// Text from bytes and the charset that they are labelled with.
pub(crate) fn text(bytes: &[u8], charset: Option<&str>, flags: &mut Flags) -> String {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let label = charset.unwrap_or_default().trim_matches(|c: char| c.is_whitespace() || c == '\'' || c == '"').to_ascii_lowercase();
    if label == "utf-8" || label == "utf8" {
        return std::str::from_utf8(bytes).map_or_else(|_| not_quite_utf8(bytes, flags), str::to_owned);
    }
    let says_nothing = ["", "us-ascii", "ascii", "unknown-8bit", "x-unknown"].contains(&label.as_str());
    let Some(decode) = charset_decoder(label.as_bytes()).filter(|_| !says_nothing) else { return guess(bytes, flags) };
    let text = decode(bytes);
    if text.contains(char::REPLACEMENT_CHARACTER) {
        flags.note(Flag::WrongCharset);
    }
    text
}

/// What stands in a header without being encoded: ASCII or UTF-8, and what is neither is guessed.
pub(crate) fn header<'a>(bytes: &'a [u8], flags: &mut Flags) -> Cow<'a, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(guess(bytes, flags)),
    }
}

/// The text of a format=flowed part with its lines joined (RFC 3676).
pub(crate) fn unflowed(text: String, _delsp: bool) -> String {
    text
}

/// Text of which nobody says how it is to be read.
fn guess(bytes: &[u8], flags: &mut Flags) -> String {
    if !bytes.is_ascii() {
        flags.note(Flag::GuessedCharset);
    }
    std::str::from_utf8(bytes).map_or_else(|_| windows_1252(bytes), str::to_owned)
}

/// Labelled UTF-8 and not valid: Windows-1252 under a wrong label when nothing in it is UTF-8, else
/// UTF-8 with some bytes broken.
fn not_quite_utf8(bytes: &[u8], flags: &mut Flags) -> String {
    let lossy = String::from_utf8_lossy(bytes);
    if lossy.chars().all(|c| c.is_ascii() || c == char::REPLACEMENT_CHARACTER) {
        flags.note(Flag::GuessedCharset);
        windows_1252(bytes)
    } else {
        flags.note(Flag::WrongCharset);
        lossy.into_owned()
    }
}

/// A charset in which nearly every byte is something; the commonest of those that are mislabelled.
pub(crate) fn windows_1252(bytes: &[u8]) -> String {
    charset_decoder(b"windows-1252").map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |decode| decode(bytes))
}

/// Line feeds between the lines, and no control characters: a database refuses NUL, and a terminal
/// obeys others.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut after_return = false;
    for c in text.chars() {
        match c {
            '\r' => clean.push('\n'),
            '\n' if after_return => {}
            '\n' | '\t' => clean.push(c),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => clean.push(c),
        }
        after_return = c == '\r';
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8], charset: Option<&str>) -> (String, Vec<Flag>) {
        let mut flags = Flags::default();
        (text(bytes, charset, &mut flags), flags.into_vec())
    }

    #[test]
    fn a_wrong_or_missing_label_still_gives_readable_text() {
        assert_eq!(text_of(b"gr\xfc\xdfe", None), ("gr\u{fc}\u{df}e".to_owned(), vec![Flag::GuessedCharset]));
        assert_eq!(text_of("grüße".as_bytes(), Some("us-ascii")), ("grüße".to_owned(), vec![Flag::GuessedCharset]));
        assert_eq!(text_of(b"gr\xfc\xdfe", Some("utf-8")), ("grüße".to_owned(), vec![Flag::GuessedCharset]));
        assert_eq!(text_of(b"gr\xc3\xbc\xdfe", Some("UTF-8")), ("grü\u{fffd}e".to_owned(), vec![Flag::WrongCharset]));
        assert_eq!(text_of(b"\xa4\xa2", Some("x-no-such-charset")).1, [Flag::GuessedCharset]);
        assert_eq!(text_of(b"plain", None), ("plain".to_owned(), vec![]));
    }

    #[test]
    fn broken_encodings_are_read_as_far_as_they_go() {
        let mut flags = Flags::default();
        assert_eq!(transfer("base64", b"SGVs\nbG8=\n!!", &mut flags).as_ref(), b"Hello");
        assert_eq!(transfer("Quoted-Printable", b"100=ZZ caf=E9=\nx", &mut flags).as_ref(), b"100=ZZ caf\xe9x");
        assert_eq!(transfer("quoted-printable", b"a == b", &mut flags).as_ref(), b"a == b");
        assert_eq!(flags.into_vec(), [Flag::BrokenEncoding]);
    }

    #[test]
    fn control_characters_do_not_reach_the_database() {
        assert_eq!(clean("a\0b\r\nc\rd\x1b[31m\te\u{85}"), "ab\nc\nd[31m\te");
    }
}
