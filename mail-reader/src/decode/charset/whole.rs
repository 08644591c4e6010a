//! Whole texts by the decoders of the Encoding Standard, in little more memory than they need: the
//! library's own way takes up to four times the size of what is decoded.

use encoding_rs::{CoderResult, Encoding};

use super::unicode::Decoded;

/// So much text is made at a time.
const PIECE: usize = 4096;

/// The text of `bytes`, and whether it is broken.
pub(super) fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    decoded_but(encoding, bytes, |_| false)
}

/// The same; where a character of Latin-1 is one that is unwanted, the text is broken too.
pub(super) fn decoded_but(encoding: &'static Encoding, bytes: &[u8], is_unwanted: impl Fn(char) -> bool) -> Decoded {
    let (mut length, mut broken) = (0, false);
    // Its length is found out first: a string that grows takes the old and the new room at once.
    each_piece(encoding, bytes, |piece, replaced| {
        let unwanted = if piece.is_ascii() { 0 } else { piece.chars().filter(|c| is_unwanted(*c)).map(longer).sum() };
        length += piece.len() + unwanted;
        broken |= replaced || unwanted > 0;
    });
    let mut text = String::with_capacity(length);
    each_piece(encoding, bytes, |piece, _| {
        if piece.is_ascii() || !piece.contains(&is_unwanted) {
            text.push_str(piece);
        } else {
            text.extend(piece.chars().map(|c| if is_unwanted(c) { char::REPLACEMENT_CHARACTER } else { c }));
        }
    });
    (text, broken)
}

/// By how much a text gets longer if `c` is replaced in it.
fn longer(c: char) -> usize {
    char::REPLACEMENT_CHARACTER.len_utf8().saturating_sub(c.len_utf8())
}

/// Decodes piece by piece; with each comes whether something was replaced in it.
fn each_piece(encoding: &'static Encoding, bytes: &[u8], mut take: impl FnMut(&str, bool)) {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut piece = String::with_capacity(PIECE);
    let mut rest = bytes;
    loop {
        piece.clear();
        let (result, read, replaced) = decoder.decode_to_string(rest, &mut piece, true);
        take(&piece, replaced);
        rest = &rest[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, KOI8_R, SHIFT_JIS, WINDOWS_874, WINDOWS_1252};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_the_library_makes_of_it(bytes in prop::collection::vec(any::<u8>(), 0..400), high in any::<bool>()) {
            let bytes: Vec<u8> = bytes.into_iter().map(|byte| if high { byte | 0x80 } else { byte }).collect();
            for encoding in [WINDOWS_1252, KOI8_R, WINDOWS_874, SHIFT_JIS, BIG5, GB18030] {
                let (text, broken) = encoding.decode_without_bom_handling(&bytes);
                prop_assert_eq!(decoded(encoding, &bytes), (text.into_owned(), broken));
            }
        }
    }

    #[test]
    fn a_text_takes_little_more_than_its_length() {
        let bytes = b"Gr\xfc\xdfe aus K\xf6ln ".repeat(10_000);
        let (text, _) = decoded(WINDOWS_1252, &bytes);
        assert!(text.capacity() == text.len(), "{} of {}", text.capacity(), text.len());
    }
}
