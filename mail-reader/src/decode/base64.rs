//! Base64 (RFC 2045, 6.8), and what mail makes of it.
//!
//! It is read line by line, because trouble comes in lines: a list's footer below the data, an
//! answer to a command of the mail server between them, or text that was never encoded.

use std::borrow::Cow;

use memchr::{memchr, memrchr};

/// What a byte of the alphabet means, and what else a byte is.
const PADDING: u8 = 64;
const SPACE: u8 = 65;
const JUNK: u8 = 66;
/// The alphabet for URLs differs in these two (RFC 4648, 5).
const URL_SAFE: [(u8, u8); 2] = [(b'-', 62), (b'_', 63)];
const TABLE: [u8; 256] = table();
/// A line with so many characters of the alphabet and nothing else is data and no word of a text.
const SURELY_DATA: usize = 16;
/// Of so many characters of the alphabet one may be junk.
const JUNK_AMONG: usize = 4;

const fn table() -> [u8; 256] {
    let mut table = [JUNK; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut value = 0_u8;
    while (value as usize) < alphabet.len() {
        table[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    table[b'=' as usize] = PADDING;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Blank,
    /// Nothing but the alphabet.
    Data,
    /// The alphabet, with something in it that does not belong there.
    Spoilt,
    /// Something else.
    Alien,
}

/// Undoes it, and says whether there was nothing wrong with it; that padding is missing at the end is
/// not wrong. What is not base64 at all stays as it is.
pub(super) fn decode(body: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut decoder = Decoder { decoded: Vec::with_capacity(body.len() / 4 * 3 + 3), held: 0, count: 0, padded: false, good: true };
    let mut last_data = None;
    let mut rest = body;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        let at = body.len() - rest.len();
        rest = after;
        let kind = kind(line);
        if kind == Line::Blank {
            continue;
        }
        let doubtful = kind == Line::Alien || (decoder.padded && !(kind == Line::Data && is_whole(line)));
        if !doubtful {
            decoder.good &= kind == Line::Data;
            decoder.take(line);
            continue;
        }
        decoder.good = false;
        let Some(last) = *last_data.get_or_insert_with(|| last_line_of_data(body)) else { return (Cow::Borrowed(body), false) };
        if last < at {
            break;
        }
        if kind != Line::Alien {
            decoder.take(line);
        }
    }
    decoder.finish();
    (Cow::Owned(decoder.decoded), decoder.good)
}

/// What a line is, by what stands in it.
fn kind(line: &[u8]) -> Line {
    let line = line.trim_ascii();
    let (mut alphabet, mut url_safe, mut spaces, mut junk) = (0_usize, 0_usize, 0_usize, 0_usize);
    for byte in line {
        match TABLE[usize::from(*byte)] {
            0..=PADDING => alphabet += 1,
            SPACE => spaces += 1,
            _ if URL_SAFE.iter().any(|(own, _)| own == byte) => url_safe += 1,
            _ => junk += 1,
        }
    }
    // A line of hyphens or underscores separates, or is a delimiter of parts.
    let separates = url_safe > 0 && (line.starts_with(b"--") || url_safe >= alphabet);
    let words = spaces > 0 && alphabet < spaces * SURELY_DATA;
    if line.is_empty() {
        Line::Blank
    } else if separates || words || junk * JUNK_AMONG > alphabet {
        Line::Alien
    } else if junk > 0 {
        Line::Spoilt
    } else {
        Line::Data
    }
}

/// Whether a line could come after padding: whole groups of four, or more padding.
fn is_whole(line: &[u8]) -> bool {
    let line = || line.iter().map(|byte| TABLE[usize::from(*byte)]).filter(|value| *value != SPACE);
    line().count().is_multiple_of(4) || line().all(|value| value == PADDING)
}

/// Where the last line begins that can be nothing but data.
fn last_line_of_data(body: &[u8]) -> Option<usize> {
    let mut rest = body;
    while !rest.is_empty() {
        let trimmed = rest.strip_suffix(b"\n").unwrap_or(rest);
        let start = memrchr(b'\n', trimmed).map_or(0, |at| at + 1);
        let line = trimmed[start..].trim_ascii();
        let whole = is_whole(line) && (line.len() >= SURELY_DATA || line.ends_with(b"="));
        if (whole || line.len() >= 4 * SURELY_DATA) && line.iter().all(|byte| TABLE[usize::from(*byte)] <= PADDING) {
            return Some(start);
        }
        rest = &rest[..start];
    }
    None
}

struct Decoder {
    decoded: Vec<u8>,
    /// The bits that are still to be put out: of so many characters.
    held: u32,
    count: u8,
    /// Padding was the last that came.
    padded: bool,
    good: bool,
}

impl Decoder {
    fn take(&mut self, line: &[u8]) {
        let mut rest = line;
        while let Some((first, after)) = rest.split_first() {
            if self.count == 0
                && let Some((four, after)) = rest.split_first_chunk::<4>()
                && let Some(bits) = bits(*four)
            {
                self.decoded.extend_from_slice(&bits.to_be_bytes()[1..]);
                self.padded = false;
                rest = after;
                continue;
            }
            rest = after;
            match TABLE[usize::from(*first)] {
                value @ 0..PADDING => self.sextet(value),
                PADDING => {
                    self.finish();
                    // Encoded once more, as quoted-printable: padding and no data.
                    while let Some(after) = rest.strip_prefix(b"3D") {
                        rest = after.strip_prefix(b"=").unwrap_or(after);
                        self.good = false;
                    }
                    self.padded = true;
                }
                SPACE => {}
                _ => match URL_SAFE.iter().find(|(own, _)| own == first) {
                    Some((_, value)) => self.sextet(*value),
                    None => self.good = false,
                },
            }
        }
    }

    fn sextet(&mut self, value: u8) {
        self.padded = false;
        self.held = self.held << 6 | u32::from(value);
        self.count += 1;
        if self.count == 4 {
            self.decoded.extend_from_slice(&self.held.to_be_bytes()[1..]);
            (self.held, self.count) = (0, 0);
        }
    }

    /// Puts out what is held of a group of four that does not get whole.
    fn finish(&mut self) {
        match self.count {
            0 => {}
            1 => self.good = false,
            2 => self.decoded.push((self.held >> 4).to_be_bytes()[3]),
            _ => self.decoded.extend_from_slice(&(self.held >> 2).to_be_bytes()[2..]),
        }
        (self.held, self.count) = (0, 0);
    }
}

/// The 24 bits of four characters of the alphabet.
fn bits(four: [u8; 4]) -> Option<u32> {
    let [a, b, c, d] = four.map(|byte| TABLE[usize::from(byte)]);
    let whole = (a | b | c | d) < PADDING;
    whole.then(|| u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const DATA: &str = "VGhlIHRleHQgaXMgbG9uZyBlbm91Z2ggdG8gYmUgdGFrZW4gZm9yIGRhdGEu";
    const TEXT: &str = "The text is long enough to be taken for data.";

    #[rstest]
    #[case::whole("SGVsbG8=\r\n", "Hello", true)]
    #[case::without_padding("SGVsbG8", "Hello", true)]
    #[case::too_much_padding("SGVsbG8====", "Hello", true)]
    #[case::lines_of_any_length("SGV\nsb\r\n\r\nG8=", "Hello", true)]
    #[case::spaces(" SGVsbG8= \n", "Hello", true)]
    #[case::for_urls("Pz8_Pj4-", "???>>>", true)]
    #[case::chunks("SGVsbG8=IHdvcmxk", "Hello world", true)]
    #[case::chunks_by_line("SGVsbG8=\nIHdvcmxk\n", "Hello world", true)]
    #[case::junk_within("SGVs*bG8=", "Hello", false)]
    #[case::junk_after("SGVs\nbG8=\n!!", "Hello", false)]
    #[case::one_character_too_many("SGVsbG8hX", "Hello!", false)]
    #[case::padding_encoded("SGVsbG8hIQ=3D=3D\n", "Hello!!", false)]
    #[case::not_encoded("Good morning, Ada!\nAll is well.\n", "Good morning, Ada!\nAll is well.\n", false)]
    #[case::not_encoded_with_a_word_alone("Hi\n\nall is well.\n", "Hi\n\nall is well.\n", false)]
    #[case::nothing("", "", true)]
    fn it_is_read_as_it_comes(#[case] body: &str, #[case] text: &str, #[case] good: bool) {
        let (decoded, found) = decode(body.as_bytes());
        assert_eq!((String::from_utf8_lossy(&decoded).as_ref(), found), (text, good));
    }

    #[rstest]
    #[case::footer_of_a_list(format!("{DATA}\nISE=\n________________\nlist mailing list\nlist@example.org\n"), format!("{TEXT}!!"))]
    #[case::footer_without_padding(format!("{DATA}\n-- \nlist mailing list\n"), TEXT.to_owned())]
    #[case::separator_of_whole_groups(format!("{DATA}\n____\n"), TEXT.to_owned())]
    #[case::delimiter_left_over(format!("{DATA}\n--boundary--\n"), TEXT.to_owned())]
    #[case::marks_below(format!("{DATA}\n***list***\n"), TEXT.to_owned())]
    #[case::words_above(format!("This is encoded text:\n{DATA}\n"), TEXT.to_owned())]
    #[case::words_between(format!("{DATA}\n250 2.0.0 Ok: go on\n{DATA}\n"), format!("{TEXT}{TEXT}"))]
    fn text_around_data_is_no_data(#[case] body: String, #[case] text: String) {
        let (decoded, good) = decode(body.as_bytes());
        assert_eq!((String::from_utf8_lossy(&decoded).into_owned(), good), (text, false));
    }

    fn encoded(data: &[u8]) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let group = |chunk: &[u8]| {
            let bits = chunk.iter().chain([&0; 2]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
            let all: String = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63])).iter().collect();
            format!("{}{}", &all[..=chunk.len()], &"=="[..3 - chunk.len()])
        };
        data.chunks(3).map(group).collect()
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(data in prop::collection::vec(any::<u8>(), 0..300), width in 40_usize..80, url in any::<bool>()) {
            let whole = encoded(&data);
            let body = whole.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>().join("\r\n");
            let (decoded, good) = decode(body.as_bytes());
            prop_assert_eq!((decoded.as_ref(), good), (data.as_slice(), true));
            if url && whole.contains(|c: char| c.is_ascii_alphanumeric()) && data.iter().all(u8::is_ascii) {
                let body = whole.replace('+', "-").replace('/', "_");
                let (decoded, _) = decode(body.trim_end_matches('=').as_bytes());
                prop_assert_eq!(decoded.as_ref(), data.as_slice());
            }
        }

        #[test]
        fn any_bytes_are_decoded(body in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"=\r\n AB-_".to_vec())], 0..200)) {
            prop_assert!(decode(&body).0.len() <= body.len());
        }
    }
}
