//! Whole texts by the decoders of the Encoding Standard, in little more memory than they need: the
//! library's own way takes up to four times the size of what is decoded.

use encoding_rs::{CoderResult, Encoding};

use super::unicode::Decoded;

/// More than a decoder may write at the end of a text.
const SLACK: usize = 16;

/// The text of `bytes`, and whether it is broken.
pub(super) fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    // Most letters that are not ASCII take two bytes in UTF-8 where they took one, or three where they took two.
    let more = |bytes: &[u8]| bytes.len() + bytes.iter().filter(|byte| !byte.is_ascii()).count() + SLACK;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(more(bytes));
    let (mut rest, mut broken) = (bytes, false);
    loop {
        let (result, read, replaced) = decoder.decode_to_string(rest, &mut text, true);
        broken |= replaced;
        rest = &rest[read..];
        match result {
            CoderResult::InputEmpty => return (text, broken),
            CoderResult::OutputFull => text.reserve_exact(more(rest) + rest.len() / 2),
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
        assert!(text.capacity() <= text.len() + SLACK, "{} of {}", text.capacity(), text.len());
    }
}
