//! The encodings of Unicode beside UTF-8: UTF-7, UTF-16 and UTF-32; and UTF-8 that is not quite valid.

use std::collections::HashSet;

use super::whole;

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endian {
    Big,
    Little,
}

/// Text, and whether something in it could not be decoded.
pub(super) type Decoded = (String, bool);

/// UTF-7 (RFC 2152). A plus sign that begins nothing is one.
pub(super) fn utf7(bytes: &[u8]) -> Decoded {
    // Eight letters are at most three characters of three bytes.
    let (mut text, mut broken) = (String::with_capacity(bytes.len() + bytes.len() / 8 + 1), false);
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if *first != b'+' {
            broken |= !first.is_ascii();
            text.push(if first.is_ascii() { char::from(*first) } else { char::REPLACEMENT_CHARACTER });
            rest = after;
            continue;
        }
        let end = after.iter().position(|byte| sextet(*byte).is_none()).unwrap_or(after.len());
        let (shifted, following) = after.split_at(end);
        let closed = following.first() == Some(&b'-');
        rest = if closed { &following[1..] } else { following };
        if shifted.len() < 3 {
            // Not even one character: "+-" is a plus sign, anything else was never encoded.
            text.push('+');
            text.extend(shifted.iter().map(|byte| char::from(*byte)));
            if closed && !shifted.is_empty() {
                text.push('-');
            }
            continue;
        }
        for unit in char::decode_utf16(units(shifted)) {
            broken |= unit.is_err();
            text.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    (text, broken)
}

/// The 16-bit units in base64 without padding.
fn units(shifted: &[u8]) -> impl Iterator<Item = u16> {
    let (mut held, mut bits) = (0_u32, 0);
    shifted.iter().filter_map(|byte| sextet(*byte)).filter_map(move |sextet| {
        held = held << 6 | u32::from(sextet);
        bits += 6;
        (bits >= 16).then(|| {
            bits -= 16;
            let unit = u16::try_from(held >> bits & 0xffff).unwrap_or_default();
            held &= (1 << bits) - 1;
            unit
        })
    })
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// UTF-16. Nothing said of the order of the bytes, it is found out.
pub(super) fn utf16(bytes: &[u8], endian: Option<Endian>) -> Decoded {
    let encoding = match endian.unwrap_or_else(|| order(bytes)) {
        Endian::Big => encoding_rs::UTF_16BE,
        Endian::Little => encoding_rs::UTF_16LE,
    };
    whole::decoded(encoding, bytes)
}

/// The order of the bytes in UTF-16: a text is mostly of one script, so that the higher bytes vary less.
/// Where that says nothing, the higher comes first (RFC 2781, 4.3).
fn order(bytes: &[u8]) -> Endian {
    let sample = &bytes[..bytes.len().min(4096)];
    let variety = |from: usize| sample.iter().skip(from).step_by(2).collect::<HashSet<_>>().len();
    if variety(1) < variety(0) { Endian::Little } else { Endian::Big }
}

/// UTF-32.
pub(super) fn utf32(bytes: &[u8], endian: Option<Endian>) -> Decoded {
    let endian = endian.unwrap_or(if bytes.first() == Some(&0) { Endian::Big } else { Endian::Little });
    let mut broken = !bytes.len().is_multiple_of(4);
    let text = bytes.as_chunks::<4>().0.iter().map(|chunk| {
        let number = if endian == Endian::Big { u32::from_be_bytes(*chunk) } else { u32::from_le_bytes(*chunk) };
        char::from_u32(number).unwrap_or_else(|| {
            broken = true;
            char::REPLACEMENT_CHARACTER
        })
    });
    let text = text.collect();
    (text, broken)
}

/// UTF-16 that nobody calls so: at least a quarter of the bytes are NUL, and those at even places or
/// at odd ones alone.
pub(super) fn is_utf16_by_nuls(bytes: &[u8]) -> Option<Endian> {
    let sample = &bytes[..bytes.len().min(4096)];
    if bytes.len() < 4 {
        return None;
    }
    let nuls = |from: usize| sample.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    let enough = |many: usize, few: usize| many * 4 >= sample.len() && few == 0;
    if enough(even, odd) {
        Some(Endian::Big)
    } else if enough(odd, even) {
        Some(Endian::Little)
    } else {
        None
    }
}

/// How much of something is UTF-8: characters of more than one byte, and places that are none.
pub(super) fn utf8_share(bytes: &[u8]) -> (usize, usize) {
    bytes.utf8_chunks().fold((0, 0), |(good, bad), chunk| {
        let more = chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        (good + more, bad + usize::from(!chunk.invalid().is_empty()))
    })
}

/// UTF-8 in which characters beyond the first 65,536 are written as two surrogates of three bytes each
/// (CESU-8, Unicode Technical Report 26), made UTF-8; `None` when there are none.
pub(super) fn joined_surrogates(bytes: &[u8]) -> Option<Vec<u8>> {
    let pair = |six: &[u8]| -> Option<char> {
        let [0xed, high @ 0xa0..=0xaf, high_low @ 0x80..=0xbf, 0xed, low @ 0xb0..=0xbf, low_low @ 0x80..=0xbf] = six else { return None };
        let half = |upper: u8, lower: u8| 0xd000 | u16::from(upper & 0x3f) << 6 | u16::from(lower & 0x3f);
        char::decode_utf16([half(*high, *high_low), half(*low, *low_low)]).next()?.ok()
    };
    let mut joined = Vec::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(step) = bytes[at..].iter().position(|byte| *byte == 0xed) {
        at += step;
        if let Some(c) = bytes.get(at..at + 6).and_then(pair) {
            joined.extend_from_slice(&bytes[done..at]);
            joined.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            at += 6;
            done = at;
        } else {
            at += 1;
        }
    }
    (done > 0).then(|| {
        joined.extend_from_slice(&bytes[done..]);
        joined
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn utf7_is_read_as_the_rfc_has_it_and_plus_signs_stay() {
        for (bytes, text) in [
            ("A+ImIDkQ.", "A\u{2262}\u{391}."),
            ("Hi Mom -+Jjo--!", "Hi Mom -\u{263a}-!"),
            ("+ZeVnLIqe-", "日本語"),
            ("Item 3 is +AKM-1.", "Item 3 is £1."),
            ("1 +- 1 = 2", "1 + 1 = 2"),
            ("C++ and 1+1", "C++ and 1+1"),
            ("a+b-c", "a+b-c"),
            ("+2D3eCg-", "\u{1f60a}"),
        ] {
            assert_eq!(utf7(bytes.as_bytes()), (text.to_owned(), false), "{bytes}");
        }
        assert_eq!(utf7(b"+2D0-x"), ("\u{fffd}x".to_owned(), true));
    }

    #[test]
    fn surrogates_in_utf8_are_one_character() {
        assert_eq!(joined_surrogates(b"a\xed\xa0\xbd\xed\xb8\x8ab").as_deref(), Some("a\u{1f60a}b".as_bytes()));
        assert_eq!(joined_surrogates(b"a\xed\xa0\xbdb"), None);
    }

    proptest! {
        #[test]
        fn utf16_and_utf32_come_back(text in "[a-zа-я漢字😊 ]{4,40}", big in any::<bool>()) {
            let endian = Some(if big { Endian::Big } else { Endian::Little });
            let sixteen: Vec<u8> = text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            prop_assert_eq!(utf16(&sixteen, endian), (text.clone(), false));
            let thirty_two = text.chars().map(u32::from).flat_map(|c| if big { c.to_be_bytes() } else { c.to_le_bytes() });
            prop_assert_eq!(utf32(&thirty_two.collect::<Vec<u8>>(), endian), (text, false));
        }
    }
}
