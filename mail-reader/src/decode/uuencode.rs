//! Uuencode (POSIX, `uuencode`): as a transfer encoding, and as files in the middle of a text, the way
//! files were sent before MIME.

use std::borrow::Cow;
use std::ops::Range;

/// More files than anybody put into one text; what comes after them stays text.
const MOST_FILES: usize = 1000;

/// A file that was found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UuencodedFile<'a> {
    pub(crate) name: &'a str,
    pub(crate) data: Vec<u8>,
    /// Where it stood, from `begin` to the end of the line with `end`.
    pub(crate) range: Range<usize>,
}

/// Undoes it, and says whether there was nothing wrong with it. What is none stays as it is.
pub(super) fn decode(body: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut rest = body;
    while !rest.is_empty() {
        let (line, after) = cut(rest);
        if begin(line).is_some() {
            let mut data = Vec::with_capacity(after.len() / 4 * 3);
            let (_, ended) = lines(after, &mut data);
            return (Cow::Owned(data), ended);
        }
        rest = after;
    }
    (Cow::Borrowed(body), false)
}

/// The files in a text, each whole and without a fault from `begin` to `end`.
pub(crate) fn uuencoded_files(text: &str) -> Vec<UuencodedFile<'_>> {
    let bytes = text.as_bytes();
    let mut files = Vec::new();
    let mut at = 0;
    while at < bytes.len() && files.len() < MOST_FILES {
        let (line, after) = cut(&bytes[at..]);
        let start = at;
        at = bytes.len() - after.len();
        let Some(name) = begin(line).and_then(|name| std::str::from_utf8(name).ok()) else { continue };
        let mut data = Vec::new();
        let (rest, ended) = lines(after, &mut data);
        // No line of data begins like "begin", so that whatever was read needs not be read again.
        at = bytes.len() - rest.len();
        if ended && !data.is_empty() {
            data.shrink_to_fit();
            files.push(UuencodedFile { name, data, range: start..at });
        }
    }
    files
}

/// The first line, without its end and what follows.
fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let (line, after) = bytes.split_at(end);
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    (line.strip_suffix(b"\r").unwrap_or(line), after)
}

/// The name in a line such as `begin 644 name`.
fn begin(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?;
    let digits = rest.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    let name = rest[digits..].strip_prefix(b" ")?.trim_ascii();
    ((3..=5).contains(&digits) && !name.is_empty()).then_some(name)
}

/// Decodes lines for as long as they are data; what follows, and whether they ended as they should.
fn lines<'a>(bytes: &'a [u8], data: &mut Vec<u8>) -> (&'a [u8], bool) {
    let mut rest = bytes;
    loop {
        let (line, after) = cut(rest);
        if line.trim_ascii_end() == b"end" && !rest.is_empty() {
            return (after, true);
        }
        // The last line of data is empty; trailing white space may have got lost.
        let is_last = matches!(line.trim_ascii(), b"" | b"`");
        if rest.is_empty() || !(is_last || decode_line(line, data)) {
            return (rest, false);
        }
        rest = after;
    }
}

/// Decodes a line: its length, then groups of four characters for three bytes. Spaces at the end may
/// be missing, and a check sum may follow.
fn decode_line(line: &[u8], data: &mut Vec<u8>) -> bool {
    let Some((first, groups)) = line.split_first() else { return false };
    let Some(length) = sextet(*first) else { return false };
    let characters = usize::from(length).div_ceil(3) * 4;
    let lost = characters.saturating_sub(groups.len());
    if length == 0 || lost > characters / 2 + 2 || groups.len() > characters + 2 || !groups.iter().all(|byte| sextet(*byte).is_some()) {
        return false;
    }
    let padded = groups.iter().copied().chain(std::iter::repeat(b' ')).take(characters);
    let mut left = usize::from(length);
    let mut held = 0_u32;
    for (index, byte) in padded.enumerate() {
        held = held << 6 | u32::from(sextet(byte).unwrap_or_default());
        if index % 4 == 3 {
            let [_, bytes @ ..] = held.to_be_bytes();
            data.extend_from_slice(&bytes[..left.min(3)]);
            left = left.saturating_sub(3);
            held = 0;
        }
    }
    true
}

fn sextet(byte: u8) -> Option<u8> {
    (0x20..=0x60).contains(&byte).then(|| (byte - 0x20) & 0x3f)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(data: &[u8]) -> String {
        let letter = |value: usize| if value == 0 { '`' } else { char::from(u8::try_from(value + 0x20).expect("six bits")) };
        let group = |chunk: &[u8]| {
            let bits = chunk.iter().chain([&0; 2]).take(3).fold(0, |bits, byte| bits << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| letter(bits >> shift & 63)).iter().collect::<String>()
        };
        let line = |chunk: &[u8]| format!("{}{}\n", letter(chunk.len()), chunk.chunks(3).map(group).collect::<String>());
        format!("begin 644 notes.txt\n{}`\nend\n", data.chunks(45).map(line).collect::<String>())
    }

    #[test]
    fn control_characters_are_no_data() {
        for byte in 0..0x20 {
            assert_eq!(sextet(byte), None);
        }
    }

    #[test]
    fn files_are_found_in_the_middle_of_a_text() {
        let text = format!("Here they are:\n\n{0}and\n{0}Bye\n", encoded(b"Hello"));
        let files = uuencoded_files(&text);
        assert_eq!(files.iter().map(|file| (file.name, file.data.as_slice())).collect::<Vec<_>>(), [("notes.txt", b"Hello".as_slice()); 2]);
        let left = files.iter().rev().fold(text.clone(), |mut left, file| {
            left.replace_range(file.range.clone(), "");
            left
        });
        assert_eq!(left, "Here they are:\n\nand\nBye\n");
        assert_eq!(uuencoded_files(&encoded(b"x").repeat(MOST_FILES + 1)).len(), MOST_FILES);
    }

    #[test]
    fn what_only_begins_like_a_file_is_text() {
        for text in [
            "begin 644 times over\nand again\nend\n",
            "begin 644 x\n%2&5L;&\\\n",
            "begin 644 x\nend\n",
            "begin again now\n%2&5L;&\\\nend\n",
            "  begin 644 x\n%2&5L;&\\\nend\n",
            "begin 644 x\n%2&5L;&\\ and much more\nend\n",
        ] {
            assert_eq!(uuencoded_files(text), [], "{text}");
        }
        let unended = "begin 644 x\n%2&5L;&\\\nno\n";
        assert_eq!(decode(unended.as_bytes()), (Cow::Borrowed(b"Hello".as_slice()), false));
        assert_eq!(decode(b"no file"), (Cow::Borrowed(b"no file".as_slice()), false));
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back_with_and_without_its_spaces(data in prop::collection::vec(any::<u8>(), 1..200)) {
            let whole = encoded(&data);
            for text in [whole.clone(), whole.replace('`', " "), whole.replace('\n', "\r\n")] {
                prop_assert_eq!(decode(text.as_bytes()), (Cow::Borrowed(data.as_slice()), true));
                prop_assert_eq!(&uuencoded_files(&text)[0].data, &data);
            }
        }

        #[test]
        fn any_text_has_files_or_none(text in "(begin 644 x\n|[ -`]{0,10}\n|end\n|`\n){0,20}") {
            uuencoded_files(&text);
        }
    }
}
