//! Encoded words (RFC 2047, with the language of RFC 2231): as the standard has them, and as
//! programs write them.

use std::borrow::Cow;

use crate::decode;
use crate::flags::{Flag, Flags};

/// No charset has a longer name, with its language.
const LONGEST_CHARSET: usize = 80;

/// How the payload of a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    Quoted,
}

/// An encoded word.
#[derive(Debug)]
struct Word<'a> {
    charset: &'a [u8],
    encoding: Encoding,
    payload: &'a [u8],
    /// How many bytes it takes.
    length: usize,
}

/// What stands at `=?`.
enum Found<'a> {
    Word(Word<'a>),
    /// What begins like a word and is none.
    Broken,
    /// Nothing but these two characters.
    Nothing,
}

/// Text in which encoded words are decoded, and what is 8-bit is read. It may still be folded.
///
/// A text of nothing but words that decodes to nothing but words was encoded twice by a program on
/// the way (nobody types such a thing), and is decoded once more; never a third time.
pub(crate) fn decoded(bytes: &[u8], flags: &mut Flags) -> String {
    let (text, only_words) = decoded_once(bytes, flags);
    if !(only_words && text.trim_start().starts_with("=?")) {
        return text;
    }
    match decoded_once(text.as_bytes(), &mut Flags::default()) {
        (again, true) => again,
        _ => text,
    }
}

/// How many bytes the encoded word takes that `bytes` begins with, if it begins with one.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    match find(bytes) {
        Found::Word(word) => Some(word.length),
        Found::Broken | Found::Nothing => None,
    }
}

/// The text, and whether it was words and nothing else.
fn decoded_once(bytes: &[u8], flags: &mut Flags) -> (String, bool) {
    let mut output = Output { text: String::with_capacity(bytes.len()), run: None, only_words: true, flags };
    // What stands between the last word and `at` is text.
    let (mut start, mut at) = (0, 0);
    while let Some(next) = bytes[at..].windows(2).position(|two| two == b"=?").map(|next| at + next) {
        match find(&bytes[next..]) {
            Found::Word(word) => {
                output.text(&bytes[start..next], true);
                at = next + word.length;
                start = at;
                output.word(&word);
            }
            Found::Broken => {
                output.flags.note(Flag::BrokenEncoding);
                at = next + 2;
            }
            Found::Nothing => at = next + 2,
        }
    }
    output.text(&bytes[start..], false);
    (output.text, output.only_words)
}

/// Words of one charset with nothing but white space between them. A character may be split between
/// two of them, although it must not, and some charsets carry a state from one to the next.
#[derive(Default)]
struct Run {
    charset: String,
    bytes: Vec<u8>,
    /// What a word in Base64 left over that ended without padding.
    bits: u32,
    held: u32,
}

struct Output<'f> {
    text: String,
    /// The words that stand side by side.
    run: Option<Run>,
    only_words: bool,
    flags: &'f mut Flags,
}

impl Output<'_> {
    /// What stands between two words, or before the first one or after the last one.
    fn text(&mut self, between: &[u8], before_word: bool) {
        let blank = between.trim_ascii().is_empty();
        if blank && before_word && self.run.is_some() {
            return;
        }
        self.finish();
        self.only_words &= blank;
        self.text.push_str(&eight_bit(between, self.flags));
    }

    fn word(&mut self, word: &Word<'_>) {
        let charset = String::from_utf8_lossy(word.charset).to_ascii_lowercase();
        // In UTF-7 the end of a word can be what ends a run of characters.
        let joined = self.run.as_ref().is_some_and(|run| run.charset == charset && !charset.contains("utf-7"));
        if !joined {
            self.finish();
        }
        let run = self.run.get_or_insert_with(|| Run { charset, ..Run::default() });
        let start = run.bytes.len();
        let broken = match word.encoding {
            Encoding::Base64 => run.base64(word.payload),
            Encoding::Quoted => quoted(word.payload, &mut run.bytes),
        };
        run.join(start);
        if broken {
            self.flags.note(Flag::BrokenEncoding);
        }
    }

    fn finish(&mut self) {
        if let Some(run) = self.run.take() {
            self.text.push_str(&decode::text(&run.bytes, Some(&run.charset), self.flags));
        }
    }
}

/// Text that is not encoded. A character of UTF-8 that was folded in its middle is made whole.
fn eight_bit<'a>(bytes: &'a [u8], flags: &mut Flags) -> Cow<'a, str> {
    if std::str::from_utf8(bytes).is_ok() || !bytes.contains(&b'\n') {
        return decode::header(bytes, flags);
    }
    match String::from_utf8(without_folds(bytes)) {
        Ok(whole) => Cow::Owned(whole),
        Err(_) => decode::header(bytes, flags),
    }
}

/// Without line ends and the one blank that a fold begins with.
pub(super) fn without_folds(bytes: &[u8]) -> Vec<u8> {
    let mut unfolded = Vec::with_capacity(bytes.len());
    let mut after_end = false;
    for byte in bytes {
        let end = matches!(byte, b'\r' | b'\n');
        let fold = end || (after_end && matches!(byte, b' ' | b'\t'));
        if !fold {
            unfolded.push(*byte);
        }
        after_end = end;
    }
    unfolded
}

/// Reads what begins with `=?`.
fn find(bytes: &[u8]) -> Found<'_> {
    let Some(inner) = bytes.strip_prefix(b"=?") else { return Found::Nothing };
    let window = &inner[..inner.len().min(LONGEST_CHARSET)];
    let Some(end) = window.iter().position(|byte| *byte == b'?') else { return Found::Nothing };
    let label = window[..end].trim_ascii();
    if !label.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:+()*'\"".contains(byte)) {
        return Found::Nothing;
    }
    let charset = label.split(|byte| *byte == b'*').next().unwrap_or_default();
    let rest = &inner[end + 1..];
    let blank = rest.iter().take(4).position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let encoding = match rest.get(blank) {
        Some(b'B' | b'b') => Encoding::Base64,
        Some(b'Q' | b'q') => Encoding::Quoted,
        Some(letter) if letter.is_ascii_alphanumeric() && rest.get(blank + 1) == Some(&b'?') => return Found::Broken,
        _ => return Found::Nothing,
    };
    let after = &rest[blank + 1..];
    let blank_after = after.iter().take(4).position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    if after.get(blank_after) != Some(&b'?') {
        return Found::Nothing;
    }
    let payload = &after[blank_after + 1..];
    let Some(end) = payload_end(payload, encoding) else { return Found::Broken };
    let length = bytes.len() - payload.len() + end + 2;
    let payload = &payload[..end];
    if encoding == Encoding::Base64 && !payload.is_empty() && !payload.iter().any(|byte| sextet(*byte).is_some()) {
        return Found::Broken;
    }
    Found::Word(Word { charset, encoding, payload, length })
}

/// Where the `?=` is that ends a payload, if it comes before the next word begins. It ends nothing
/// where a program left a `?` unencoded and an encoded byte follows.
fn payload_end(payload: &[u8], encoding: Encoding) -> Option<usize> {
    let mut at = 0;
    loop {
        let mark = at + payload[at..].iter().position(|byte| *byte == b'?')?;
        at = mark + 1;
        if payload.get(at) == Some(&b'=') {
            let rest = &payload[at + 1..];
            let goes_on = || matches!(rest, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()) && ends_again(rest);
            if encoding == Encoding::Base64 || !goes_on() {
                return Some(mark);
            }
        } else if mark > 0 && payload[mark - 1] == b'=' {
            return None;
        }
    }
}

/// Whether there is another `?=` before white space or the next word.
fn ends_again(rest: &[u8]) -> bool {
    let mut before = b' ';
    for byte in rest {
        match (before, *byte) {
            (b'?', b'=') => return true,
            (b'=', b'?') => return false,
            (_, byte) if byte.is_ascii_whitespace() => return false,
            (_, byte) => before = byte,
        }
    }
    false
}

impl Run {
    /// Each word of ISO-2022-JP goes back to ASCII at its end. Where the next one leaves it at once, that is
    /// nothing, and an error to decoders that take it for an attempt to hide something.
    fn join(&mut self, start: usize) {
        let escapes = self.charset.starts_with("iso-2022") && self.bytes.get(start) == Some(&b'\x1b');
        if escapes && self.bytes[..start].ends_with(b"\x1b(B") {
            self.bytes.drain(start - 3..start);
        }
    }

    /// Adds the bytes of a payload, whatever stands between its characters and whether or not it is
    /// padded. Says whether something in it belongs in no payload.
    fn base64(&mut self, payload: &[u8]) -> bool {
        // What an encoder leaves over is zero, unless the encoded text itself was cut into words.
        if self.held < 6 && self.bits & ((1 << self.held) - 1) == 0 {
            self.held = 0;
        }
        let mut broken = false;
        for byte in payload {
            if let Some(six) = sextet(*byte) {
                self.bits = (self.bits << 6 | u32::from(six)) & 0x3fff;
                self.held += 6;
                if self.held >= 8 {
                    self.held -= 8;
                    self.bytes.push((self.bits >> self.held & 0xff) as u8);
                }
            } else if *byte == b'=' {
                // What follows padding was encoded on its own.
                self.held = 0;
            } else if !byte.is_ascii_whitespace() {
                broken = true;
            }
        }
        broken
    }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Adds the bytes of a payload. Says whether an `=` in it begins no byte; it then stands for itself.
fn quoted(payload: &[u8], bytes: &mut Vec<u8>) -> bool {
    // A fold that something on the way put into a word is none of the sender's spaces, unless the
    // sender left spaces as they are.
    let payload = if payload.contains(&b'\n') && payload.contains(&b'_') { &without_folds(payload) } else { payload };
    let mut broken = false;
    let mut rest = payload;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first().copied().and_then(hex), after.get(1).copied().and_then(hex)) {
            (b'_', ..) => bytes.push(b' '),
            (b'=', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            _ => {
                broken |= *byte == b'=';
                bytes.push(*byte);
            }
        }
    }
    broken
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(bytes: &[u8]) -> (String, Vec<Flag>) {
        let mut flags = Flags::default();
        (decoded(bytes, &mut flags), flags.into_vec())
    }

    #[test]
    fn words_are_decoded_as_the_standard_has_them() {
        for (encoded, text) in [
            ("=?UTF-8?Q?Gr=C3=BC=c3=9fe_an_alle?=", "Grüße an alle"),
            ("=?utf-8?b?R3LDvMOfZQ==?=", "Grüße"),
            ("=?iso-8859-1*de-DE?q?Gr=FC=DFe?=", "Grüße"),
            ("=?utf-8?q?a?= =?iso-8859-1?b?5A==?=\r\n =?utf-8?q?b?=", "aäb"),
            ("one =?utf-8?q?two?= three", "one two three"),
            ("Re: =?utf-8?q?caf=C3=A9_?= =?utf-8?q??=bar", "Re: café bar"),
            ("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"),
            ("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\r\n =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本日本"),
            ("a =? b, c =?= d ?= e =?f", "a =? b, c =?= d ?= e =?f"),
        ] {
            assert_eq!(text_of(encoded.as_bytes()), (text.to_owned(), vec![]), "{encoded}");
        }
    }

    #[test]
    fn words_are_decoded_as_programs_write_them() {
        for (encoded, text) in [
            ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),
            ("=?utf-8?B?R3LD vMOf\r\n ZQ==?=", "Grüße"),
            ("=?utf-8?b?R3LDvA==w59l?=", "Grüße"),
            ("=?utf-8?b?R3LDv?= =?utf-8?b?MOfZQ=?=", "Grüße"),
            ("=?utf-8?b?R3LDvA?= =?utf-8?b?w59l?=", "Grüße"),
            ("=?utf-8?q?Gr=C3?= =?UTF-8?b?vA==?= =?utf-8?q?=C3=9Fe?=", "Grüße"),
            ("=?utf-8?Q?Gr=C3=BC=C3=9Fe an alle?=", "Grüße an alle"),
            ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_an_al\r\n le?=", "Grüße an alle"),
            ("=?utf-8?Q?Wo=3F_Hier?_Ja??=", "Wo? Hier? Ja?"),
            ("=?utf-8?Q?Wirklich?=20Ja?= doch", "Wirklich? Ja doch"),
            ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
            ("Ren=?utf-8?q?=C3=A9e?=!", "Renée!"),
            ("=?iso-2022-jp?B?GyRCRnw=?=\n\t=?ISO-2022-JP?B?S1wbKEI=?=", "日本"),
            ("=? utf-8 ?q? =C3=BC?=", " ü"),
            ("=?utf-8?q?=3D=3Futf-8=3Fq=3F=3DC3=3DBC=3F=3D?=", "ü"),
            ("gr\u{fc}n =?utf-8?q?=C3=BC?=", "grün ü"),
        ] {
            assert_eq!(text_of(encoded.as_bytes()), (text.to_owned(), vec![]), "{encoded}");
        }
        assert_eq!(text_of(b"gr\xc3\r\n \xbcn").0, "grün");
    }

    #[test]
    fn a_broken_word_stands_as_it_is() {
        for broken in ["=?utf-8?q?Gr=C3=BC", "=?utf-8?x?Gr=C3=BC?=", "=?utf-8?q?a =?utf-8?q?b", "=?utf-8?b?!!?="] {
            assert_eq!(text_of(broken.as_bytes()), (broken.to_owned(), vec![Flag::BrokenEncoding]));
        }
        assert_eq!(text_of(b"=?utf-8?q?a =?utf-8?q?b?="), ("=?utf-8?q?a b".to_owned(), vec![Flag::BrokenEncoding]));
        assert_eq!(text_of(b"=?utf-8?q?100=_?="), ("100= ".to_owned(), vec![Flag::BrokenEncoding]));
        assert_eq!(text_of(b"=?utf-8?b?R3LD!vMOfZQ==?="), ("Grüße".to_owned(), vec![Flag::BrokenEncoding]));
        assert_eq!(text_of(b"=?x-no-such?q?Gr=C3=BC?="), ("Grü".to_owned(), vec![Flag::GuessedCharset]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_however_it_is_cut_into_words(text in any::<String>(), cuts in prop::collection::vec(1..9_usize, 1..30)) {
            let mut pieces = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.iter().cycle().take(500) {
                let (piece, after) = rest.split_at(rest.len().min(*cut));
                pieces.push(piece.iter().fold("=?utf-8?Q?".to_owned(), |payload, byte| payload + &format!("={byte:02X}")) + "?=");
                rest = after;
            }
            let encoded = pieces.join("\r\n ");
            prop_assume!(!text.contains("=?") && !text.starts_with('\u{feff}'));
            prop_assert_eq!(text_of(encoded.as_bytes()), (text, vec![]));
        }

        #[test]
        fn any_bytes_are_text(bytes in prop::collection::vec(prop::sample::select(b"=?qbB utf-8_*A\r\n\xc3\xbc".to_vec()), 0..80)) {
            text_of(&bytes);
        }
    }
}
