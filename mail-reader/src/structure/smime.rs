//! The mail within an S/MIME signature: `SignedData` (RFC 5652, 5) with its content in it.
//!
//! Signing programs write BER with lengths that come last as often as DER, which the libraries that
//! know CMS refuse. Only the few steps to the content are needed here, and nothing is verified.

use crate::header::Parameterised;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const CONSTRUCTED_OCTETS: u8 = 0x24;
/// Explicitly tagged [0].
const CONTENT: u8 = 0xa0;
/// `id-signedData`, 1.2.840.113549.1.7.2.
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// What stands in pieces may stand in pieces itself.
const DEEPEST: usize = 4;

/// Whether a part says that it is signed, or does not say what it is (RFC 8551, 3.2.2).
pub(super) fn may_be_signed(media: &Parameterised) -> bool {
    let is_smime = media.is("application", "pkcs7-mime") || media.is("application", "x-pkcs7-mime");
    let kind = media.parameter("smime-type").unwrap_or("signed-data");
    is_smime && kind.eq_ignore_ascii_case("signed-data")
}

/// What was signed.
pub(super) fn signed_content(der: &[u8]) -> Option<Vec<u8>> {
    let info = Element::cut(der)?.0.inside(SEQUENCE)?;
    let (kind, info) = Element::cut(info)?;
    if kind.inside(OBJECT_ID)? != SIGNED_DATA {
        return None;
    }
    let signed = Element::cut(info)?.0.inside(CONTENT)?;
    let signed = Element::cut(signed)?.0.inside(SEQUENCE)?;
    let (version, signed) = Element::cut(signed)?;
    version.inside(INTEGER)?;
    let (digests, signed) = Element::cut_whole(signed, 0)?;
    digests.inside(SET)?;
    let encapsulated = Element::cut(signed)?.0.inside(SEQUENCE)?;
    let (kind, content) = Element::cut(encapsulated)?;
    kind.inside(OBJECT_ID)?;
    let octets = Element::cut(content)?.0.inside(CONTENT)?;
    let mut found = Vec::new();
    Element::cut(octets)?.0.octets(&mut found, 0)?;
    Some(found)
}

/// A tagged value.
#[derive(Clone, Copy)]
struct Element<'a> {
    tag: u8,
    value: &'a [u8],
    /// Its length was not said: it ends with two zeros, or with what it stands in.
    open: bool,
}

impl<'a> Element<'a> {
    /// The first element; what follows is only right if its length was said.
    fn cut(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[tag, length], rest) = bytes.split_first_chunk::<2>()?;
        if length == 0x80 {
            return Some((Self { tag, value: rest, open: true }, &[]));
        }
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        };
        // A truncated mail has less than it says.
        let (value, rest) = rest.split_at(length.min(rest.len()));
        Some((Self { tag, value, open: false }, rest))
    }

    /// The first element and what follows, also when its length was not said.
    fn cut_whole(bytes: &'a [u8], depth: usize) -> Option<(Self, &'a [u8])> {
        let (element, mut rest) = Self::cut(bytes)?;
        if element.open && depth >= DEEPEST {
            return None;
        }
        if element.open {
            rest = element.value;
            while !rest.is_empty() && !rest.starts_with(&[0, 0]) {
                let (inner, after) = Self::cut(rest)?;
                rest = if inner.open { Self::cut_whole(rest, depth + 1)?.1 } else { after };
            }
            rest = rest.get(2..).unwrap_or_default();
        }
        Some((element, rest))
    }

    fn inside(self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.value)
    }

    /// Adds the octets of a string that is in one piece or in several.
    fn octets(self, found: &mut Vec<u8>, depth: usize) -> Option<()> {
        if self.tag == OCTETS && !self.open {
            found.extend_from_slice(self.value);
            return Some(());
        }
        if self.tag != CONSTRUCTED_OCTETS || depth >= DEEPEST {
            return None;
        }
        let mut rest = self.value;
        while !rest.is_empty() && !rest.starts_with(&[0, 0]) {
            let (piece, after) = Self::cut_whole(rest, depth)?;
            piece.octets(found, depth + 1)?;
            rest = after;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).expect("short").to_be_bytes();
        [&[tag, 0x82], length.as_slice(), value].concat()
    }

    fn open(tag: u8, value: &[u8]) -> Vec<u8> {
        [&[tag, 0x80], value, &[0, 0]].concat()
    }

    type Write = fn(u8, &[u8]) -> Vec<u8>;

    fn signed(write: Write, octets: &[u8]) -> Vec<u8> {
        let oid = |oid: &[u8]| tagged(OBJECT_ID, oid);
        let data = write(SEQUENCE, &[oid(&SIGNED_DATA), write(CONTENT, octets)].concat());
        let inner = [tagged(INTEGER, &[1]), write(SET, &tagged(SEQUENCE, &oid(&[1, 2]))), data, tagged(SET, &[])].concat();
        write(SEQUENCE, &[oid(&SIGNED_DATA), write(CONTENT, &write(SEQUENCE, &inner))].concat())
    }

    #[test]
    fn the_signed_mail_is_found_whether_lengths_are_said_or_not() {
        assert_eq!(signed_content(&signed(tagged, &tagged(OCTETS, b"mail"))).as_deref(), Some(b"mail".as_slice()));
        let pieces = open(CONSTRUCTED_OCTETS, &[tagged(OCTETS, b"in "), tagged(OCTETS, b"pieces")].concat());
        assert_eq!(signed_content(&signed(open, &pieces)).as_deref(), Some(b"in pieces".as_slice()));
        assert_eq!(signed_content(&signed(tagged, &open(INTEGER, b"x"))), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_looked_through(bytes in prop::collection::vec(prop::sample::select(vec![0, 1, 4, 6, 0x24, 0x30, 0x31, 0x80, 0x82, 0xa0]), 0..60)) {
            signed_content(&bytes);
        }

        #[test]
        fn damage_is_no_harm(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut der = signed(open, &open(CONSTRUCTED_OCTETS, &tagged(OCTETS, b"mail")));
            let at = at.index(der.len());
            der[at] = byte;
            signed_content(&der);
        }
    }
}
