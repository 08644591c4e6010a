//! Seven bits with escapes: ISO-2022-JP in all its variants (RFC 1468, RFC 1554, CP50220, CP50221,
//! CP50222), ISO-2022-KR (RFC 1557), ISO-2022-CN (RFC 1922) and HZ (RFC 1843).
//!
//! One reader knows every escape of the first three: programs mix them, and whoever writes one by
//! a wrong name means it all the same.

use encoding_rs::Encoding;
use memchr::{memchr, memmem};

use super::unicode::Decoded;
use super::whole;

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// Characters of two bytes are decoded in runs of about so many bytes.
const RUN: usize = 8 * 1024;

/// A set of characters that an escape chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    /// JIS X 0201, Latin: ASCII but for two characters.
    Roman,
    /// JIS X 0201, half-width katakana.
    Kana,
    /// Two bytes per character, which are those of an EUC with their highest bits set: JIS X 0208,
    /// GB 2312 or KS X 1001.
    Double(&'static Encoding),
    /// The same, of three bytes in EUC-JP: JIS X 0212.
    Supplementary,
    /// Two bytes per character, of a set for which there is no table: CNS 11643.
    Unsupported,
    /// 96 characters of one byte: the upper half of ISO 8859-1 or ISO 8859-7.
    Upper(&'static Encoding),
}

/// Where a chosen set is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In use at once.
    G0,
    /// In use between shift out and shift in.
    G1,
    /// In use for the one character after ESC N.
    G2,
}

const JIS: Set = Set::Double(encoding_rs::EUC_JP);
const GB: Set = Set::Double(encoding_rs::GBK);
const KS: Set = Set::Double(encoding_rs::EUC_KR);

/// What stands after ESC. Sources: the RFCs above, the International Register of Coded Character Sets.
const ESCAPES: &[(&[u8], Place, Set)] = &[
    (b"(B", Place::G0, Set::Ascii),
    (b"(J", Place::G0, Set::Roman),
    // Registered for Swedish, and written for JIS X 0201 by old programs.
    (b"(H", Place::G0, Set::Roman),
    (b"(I", Place::G0, Set::Kana),
    (b"$@", Place::G0, JIS),
    (b"$B", Place::G0, JIS),
    (b"$(@", Place::G0, JIS),
    (b"$(B", Place::G0, JIS),
    // JIS X 0213, first plane: JIS X 0208 with additions.
    (b"$(O", Place::G0, JIS),
    (b"$(Q", Place::G0, JIS),
    (b"$(D", Place::G0, Set::Supplementary),
    (b"$(P", Place::G0, Set::Unsupported),
    (b"$A", Place::G0, GB),
    (b"$(A", Place::G0, GB),
    (b"$(C", Place::G0, KS),
    (b"$)C", Place::G1, KS),
    (b"$)A", Place::G1, GB),
    (b"$)E", Place::G1, GB),
    (b"$)G", Place::G1, Set::Unsupported),
    (b"$*H", Place::G2, Set::Unsupported),
    (b".A", Place::G2, Set::Upper(encoding_rs::WINDOWS_1252)),
    (b".F", Place::G2, Set::Upper(encoding_rs::ISO_8859_7)),
];

/// The escape that begins here, after its ESC.
fn known(after: &[u8]) -> Option<&'static (&'static [u8], Place, Set)> {
    // Most that come in masses are a terminal's.
    let first = after.first()?;
    b"$(.".contains(first).then(|| ESCAPES.iter().find(|(escape, ..)| after.starts_with(escape))).flatten()
}

/// Whether an escape of these charsets stands in the bytes, one that is none of a terminal's.
pub(super) fn is_escaped(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = memchr(ESCAPE, rest) {
        rest = &rest[at + 1..];
        let set = known(rest).map(|(_, _, set)| *set);
        if !matches!(set, None | Some(Set::Ascii | Set::Roman | Set::Upper(_))) {
            return true;
        }
    }
    false
}

/// Reads text with any of the escapes.
pub(super) fn decode(bytes: &[u8]) -> Decoded {
    let mut reader = Reader {
        bytes,
        at: 0,
        text: String::with_capacity(bytes.len()),
        broken: false,
        g0: Set::Ascii,
        g1: Set::Kana,
        g2: Set::Ascii,
        shifted: false,
        run: Vec::new(),
        run_of: encoding_rs::EUC_JP,
        next_escape: 0,
    };
    reader.read();
    (reader.text, reader.broken)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    text: String,
    broken: bool,
    g0: Set,
    g1: Set,
    g2: Set,
    shifted: bool,
    /// Bytes of an EUC that are still to be decoded.
    run: Vec<u8>,
    run_of: &'static Encoding,
    /// Where the escape was that was looked for last.
    next_escape: usize,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                ESCAPE => self.escape(),
                SHIFT_OUT | SHIFT_IN => {
                    self.shifted = byte == SHIFT_OUT;
                    self.at += 1;
                }
                b'\n' | b'\r' => self.line_end(byte),
                0..=0x20 | 0x7f => {
                    self.push(char::from(byte));
                    self.at += 1;
                }
                _ => {
                    let set = if self.shifted { self.g1 } else { self.g0 };
                    self.character(set);
                }
            }
        }
        self.flush();
    }

    /// Takes in an escape. What is none of these charsets' is left for others to be cleaned away.
    fn escape(&mut self) {
        let after = &self.bytes[self.at + 1..];
        if let Some((escape, place, set)) = known(after) {
            match place {
                Place::G0 => self.g0 = *set,
                Place::G1 => self.g1 = *set,
                Place::G2 => self.g2 = *set,
            }
            self.at += 1 + escape.len();
        } else if after.starts_with(b"N") {
            self.at += 2;
            self.character(self.g2);
        } else if after.starts_with(b"&@") {
            // The revision of the set that the next escape chooses.
            self.at += 3;
        } else {
            self.push(char::from(ESCAPE));
            self.at += 1;
        }
    }

    /// A line ends in ASCII, even when the way back to it was lost; but a line that was broken on the
    /// way goes on in its set, and then comes an escape back.
    fn line_end(&mut self, byte: u8) {
        self.push(char::from(byte));
        self.at += 1;
        self.shifted = false;
        if self.g0 != Set::Ascii && !self.goes_back_later() {
            self.g0 = Set::Ascii;
        }
    }

    fn goes_back_later(&mut self) -> bool {
        if self.next_escape < self.at {
            let next = memchr(ESCAPE, &self.bytes[self.at..]);
            self.next_escape = next.map_or(self.bytes.len(), |next| self.at + next);
        }
        self.bytes.get(self.next_escape + 1) == Some(&b'(')
    }

    /// The character that begins here, of a set.
    fn character(&mut self, set: Set) {
        let Some(first) = self.bytes.get(self.at).copied() else { return };
        match set {
            Set::Double(encoding) => self.double(encoding, &[]),
            Set::Supplementary => self.double(encoding_rs::EUC_JP, &[0x8f]),
            Set::Unsupported => {
                self.at += if self.bytes.get(self.at + 1).is_some_and(|byte| is_graphic(*byte)) { 2 } else { 1 };
                self.broken();
            }
            // Half-width katakana of eight bits, as in CP50220.
            _ if (0xa1..=0xdf).contains(&first) => self.kana(first - 0x80),
            Set::Kana if (0x21..=0x5f).contains(&first) => self.kana(first),
            Set::Upper(encoding) if first >= 0x20 => {
                self.flush();
                self.text.push_str(&encoding.decode_without_bom_handling(&[first | 0x80]).0);
                self.at += 1;
            }
            _ if !first.is_ascii() => {
                self.at += 1;
                self.broken();
            }
            _ => {
                let c = match (set, first) {
                    // The other difference, an overline for the tilde, is left out: in mail it is one of a URL.
                    (Set::Roman, b'\\') => '¥',
                    _ => char::from(first),
                };
                self.push(c);
                self.at += 1;
            }
        }
    }

    /// Two bytes, each of 94 values, with or without its highest bit.
    fn double(&mut self, encoding: &'static Encoding, prefix: &[u8]) {
        match self.bytes.get(self.at..self.at + 2) {
            Some([first, second]) if is_graphic(*first) && is_graphic(*second) => {
                if self.run_of != encoding || self.run.len() >= RUN {
                    self.flush();
                    self.run_of = encoding;
                }
                self.run.extend_from_slice(prefix);
                self.run.extend_from_slice(&[first | 0x80, second | 0x80]);
                self.at += 2;
            }
            _ => {
                self.at += 1;
                self.broken();
            }
        }
    }

    fn kana(&mut self, byte: u8) {
        self.push(char::from_u32(0xff61 + u32::from(byte - 0x21)).unwrap_or(char::REPLACEMENT_CHARACTER));
        self.at += 1;
    }

    fn broken(&mut self) {
        self.broken = true;
        self.push(char::REPLACEMENT_CHARACTER);
    }

    fn push(&mut self, c: char) {
        self.flush();
        self.text.push(c);
    }

    fn flush(&mut self) {
        if !self.run.is_empty() {
            let (text, broken) = self.run_of.decode_without_bom_handling(&self.run);
            self.text.push_str(&text);
            self.broken |= broken;
            self.run.clear();
        }
    }
}

fn is_graphic(byte: u8) -> bool {
    (0x21..=0x7e).contains(&(byte & 0x7f))
}

/// HZ: GB 2312 between `~{` and `~}`.
pub(super) fn hz(bytes: &[u8]) -> Decoded {
    let mut euc = Vec::with_capacity(bytes.len());
    let mut double = false;
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (*first, after.first()) {
            (b'~', Some(b'{')) => (double, rest) = (true, &after[1..]),
            (b'~', Some(b'}')) if double => (double, rest) = (false, &after[1..]),
            (b'~', Some(b'~')) if !double => {
                euc.push(b'~');
                rest = &after[1..];
            }
            (b'~', Some(b'\n')) if !double => rest = &after[1..],
            (b'\n' | b'\r', _) => {
                euc.push(*first);
                double = false;
            }
            (0x21..=0x77, Some(second @ 0x21..=0x7e)) if double => {
                euc.extend_from_slice(&[first | 0x80, second | 0x80]);
                rest = &after[1..];
            }
            _ => euc.push(*first),
        }
    }
    whole::decoded(encoding_rs::GBK, &euc)
}

/// Whether text that nobody calls so is HZ: each `~{` has its `~}` on the same line, and Chinese
/// between them.
pub(super) fn is_hz(bytes: &[u8]) -> bool {
    let mut found = false;
    let mut rest = bytes;
    while let Some(at) = memmem::find(rest, b"~{") {
        let after = &rest[at + 2..];
        let pairs = after.chunks(2).take_while(|pair| matches!(pair, [0x21..=0x77, 0x21..=0x7e])).count();
        if pairs == 0 || !after[2 * pairs..].starts_with(b"~}") {
            return false;
        }
        found = true;
        rest = &after[2 * pairs + 2..];
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::jis_x_0208(b"\x1b$B$\"\x1b(B a", "あ a")]
    #[case::the_older_0208(b"\x1b$@$\"\x1b(J\\\x1b(B", "あ¥")]
    #[case::half_width(b"\x1b(I1\x1b(B", "ｱ")]
    #[case::half_width_by_shift(b"\x0e1\x0f1", "ｱ1")]
    #[case::half_width_of_eight_bits(b"\x1b$B$\"\x1b(B\xb1", "あｱ")]
    #[case::circled_digit_of_microsoft(b"\x1b$B-!\x1b(B", "①")]
    #[case::jis_x_0212(b"\x1b$(D0!\x1b(B", "丂")]
    #[case::chinese_and_korean_in_jp_2(b"\x1b$A<:\x1b$(C>r\x1b(B", "己얻")]
    #[case::latin_in_jp_2(b"caf\x1b.A\x1bNi", "café")]
    #[case::greek_in_jp_2(b"\x1b.F\x1bNa", "α")]
    #[case::korean(b"\x1b$)C\x0e>H3g\x0f!", "안녕!")]
    #[case::chinese(b"\x1b$)A\x0e=;;;\x0f!", "交换!")]
    #[case::the_way_back_lost(b"\x1b$B$\"\nplain \x1b$B$\"\x1b(B", "あ\nplain あ")]
    #[case::a_line_broken_on_the_way(b"\x1b$B$\"\n$\"\x1b(B", "あ\nあ")]
    #[case::of_a_terminal(b"\x1b[31mred", "\x1b[31mred")]
    fn escapes_choose_their_sets(#[case] bytes: &[u8], #[case] text: &str) {
        assert_eq!(decode(bytes), (text.to_owned(), false));
    }

    #[test]
    fn what_no_set_has_is_replaced() {
        assert_eq!(decode(b"\x1b$B$"), ("\u{fffd}".to_owned(), true));
        assert_eq!(decode(b"\x1b$)G\x0eD!\x0fx"), ("\u{fffd}x".to_owned(), true));
        assert_eq!(decode(b"a\xffb"), ("a\u{fffd}b".to_owned(), true));
    }

    #[test]
    fn hz_is_read_and_recognised() {
        let text = b"~{<:Ky2;S{#,NpJ)l6HK!#~} ~~ Bye~\n.";
        assert_eq!(hz(text), ("己所不欲，勿施於人。 ~ Bye.".to_owned(), false));
        assert!(is_hz(text) && !is_hz(b"a ~{ b") && !is_hz(b"~{abc~}") && !is_hz(b"nothing"));
    }

    proptest! {
        #[test]
        fn japanese_comes_back(text in "([a-z \n]{0,5}[あ-んア-ン日本語①]{0,5}){0,8}") {
            let (bytes, ..) = encoding_rs::ISO_2022_JP.encode(&text);
            prop_assert_eq!(decode(&bytes), (text, false));
        }

        #[test]
        fn any_bytes_are_text(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\x1b$()*.ABCDGHIJN\x0e\x0f~{}\n!\"".to_vec())], 0..200)) {
            decode(&bytes);
            hz(&bytes);
            is_hz(&bytes);
        }
    }
}
