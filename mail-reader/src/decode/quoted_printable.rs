//! Quoted-printable (RFC 2045, 6.7).

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// Undoes it, and says whether there was nothing wrong with it. An equals sign that begins nothing is
/// one; where there are more of those than of others it was not quoted-printable at all.
pub(super) fn decode(body: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let signs = memchr_iter(b'=', body).count();
    if signs == 0 && !body.split(|byte| *byte == b'\n').any(is_padded) {
        return (Cow::Borrowed(body), true);
    }
    let mut decoded = Vec::with_capacity(body.len().saturating_sub(2 * signs));
    let (mut good, mut bad) = (0_usize, 0_usize);
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let (content, end) = line.split_at(line.len() - line_end(line));
        // White space before the end of a line was added on the way.
        let mut rest = without_padding(content);
        let mut ends = true;
        while let Some(at) = memchr(b'=', rest) {
            decoded.extend_from_slice(&rest[..at]);
            rest = &rest[at + 1..];
            if rest.is_empty() {
                ends = false;
                good += 1;
            } else if let Some(byte) = hex(rest) {
                decoded.push(byte);
                rest = &rest[2..];
                good += 1;
            } else if let Some(after) = after_bare_return(rest) {
                rest = after;
                good += 1;
            } else {
                decoded.push(b'=');
                bad += 1;
            }
        }
        decoded.extend_from_slice(rest);
        if ends {
            decoded.extend_from_slice(end);
        }
    }
    if bad > good { (Cow::Borrowed(body), false) } else { (Cow::Owned(decoded), bad == 0) }
}

/// The length of the end of a line, with all the carriage returns that were put before it.
fn line_end(line: &[u8]) -> usize {
    let Some(before) = line.strip_suffix(b"\n") else { return 0 };
    1 + before.iter().rev().take_while(|byte| **byte == b'\r').count()
}

fn without_padding(line: &[u8]) -> &[u8] {
    let padding = line.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &line[..line.len() - padding]
}

fn is_padded(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    without_padding(line).len() < line.len()
}

/// What follows a soft line break whose line ends with a carriage return alone.
fn after_bare_return(rest: &[u8]) -> Option<&[u8]> {
    let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    rest[padding..].strip_prefix(b"\r")
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |at: usize| digits.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("nothing to do\r\n", "nothing to do\r\n", true)]
    #[case::characters("caf=E9 =3d", "caf\u{e9} =", true)]
    #[case::lower_case("=e4=fC", "\u{e4}\u{fc}", true)]
    #[case::soft_breaks("a=\r\nb=\nc=  \t\r\nd", "abcd", true)]
    #[case::soft_break_of_old_macs("a=\rb", "ab", true)]
    #[case::soft_break_at_the_end("a=", "a", true)]
    #[case::padding_goes("a  \r\nb\t\n=20\r\n", "a\r\nb\n \r\n", true)]
    #[case::encoded_line_end("a=0D=0Ab", "a\r\nb", true)]
    #[case::nul("a=00b", "a\0b", true)]
    #[case::junk_stays("=41 100=ZZ", "A 100=ZZ", false)]
    #[case::half_a_character("=41=4", "A=4", false)]
    #[case::two_signs("=41=42 ==43", "AB =C", false)]
    #[case::not_encoded_at_all("<a href=\"x\" id=\"41\"> =41", "<a href=\"x\" id=\"41\"> =41", false)]
    fn it_is_read_as_it_comes(#[case] body: &str, #[case] text: &str, #[case] good: bool) {
        let (decoded, found) = decode(body.as_bytes());
        let expected: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("one byte")).collect();
        assert_eq!((decoded.escape_ascii().to_string(), found), (expected.escape_ascii().to_string(), good));
    }

    fn encoded(data: &[u8], width: usize) -> String {
        let pieces: Vec<String> = data.iter().map(|byte| format!("={byte:02X}")).collect();
        pieces.chunks(width).map(<[String]>::concat).collect::<Vec<_>>().join("=\r\n")
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(data in prop::collection::vec(any::<u8>(), 0..300), width in 1_usize..40) {
            let body = encoded(&data, width);
            let (decoded, good) = decode(body.as_bytes());
            prop_assert_eq!((decoded.as_ref(), good), (data.as_slice(), true));
        }

        #[test]
        fn any_bytes_are_decoded(body in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"=\r\n 4F".to_vec())], 0..100)) {
            prop_assert!(decode(&body).0.len() <= body.len());
        }
    }
}
