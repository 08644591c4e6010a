//! In how many segments a short message travels (3GPP TS 23.038, 6.2.1; <https://www.twilio.com/docs/glossary/what-sms-character-limit>).

use std::fmt;

/// The default alphabet (3GPP TS 23.038, 6.2.1), but for the escape.
const BASIC: &str =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension (3GPP TS 23.038, 6.2.1.1): an escape stands before each.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Seven bits a character.
    Gsm7,
    /// Sixteen bits a unit: one character outside of the default alphabet is enough.
    Ucs2,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        })
    }
}

/// How a text is written, and in how many segments it travels. More than one have a header each, which takes six bytes.
pub(super) fn segments(text: &str) -> (Encoding, usize) {
    let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
    let (encoding, units, alone, joined) = match septets {
        Some(units) => (Encoding::Gsm7, units, 160, 153),
        None => (Encoding::Ucs2, text.chars().map(char::len_utf16).collect(), 70, 67),
    };
    if units.iter().sum::<usize>() <= alone {
        return (encoding, usize::from(!units.is_empty()));
    }
    // A character is not torn: an escape stays with what it stands before, and half a pair with the other.
    let (mut count, mut used) = (1, 0);
    for unit in units {
        if used + unit > joined {
            (count, used) = (count + 1, 0);
        }
        used += unit;
    }
    (encoding, count)
}

fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) { Some(1) } else { EXTENSION.contains(c).then_some(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_alphabet_has_127_characters_beside_its_escape() {
        assert_eq!((BASIC.chars().count(), EXTENSION.chars().count()), (127, 10));
    }

    #[test]
    fn segments_are_counted_as_the_network_does() {
        use Encoding::{Gsm7, Ucs2};
        let table = [
            (String::new(), Gsm7, 0),
            ("Hello @ £5".to_owned(), Gsm7, 1),
            ("a".repeat(160), Gsm7, 1),
            ("a".repeat(161), Gsm7, 2),
            ("a".repeat(306), Gsm7, 2),
            ("a".repeat(307), Gsm7, 3),
            ("€".repeat(80), Gsm7, 1),
            ("€".repeat(81), Gsm7, 2),
            // 76 fit into 153: the last septet stays empty.
            ("€".repeat(152), Gsm7, 2),
            ("€".repeat(153), Gsm7, 3),
            ("ç".to_owned(), Ucs2, 1),
            ("Ç".to_owned(), Gsm7, 1),
            ("’".repeat(70), Ucs2, 1),
            ("’".repeat(71), Ucs2, 2),
            ("’".repeat(134), Ucs2, 2),
            ("’".repeat(135), Ucs2, 3),
            ("😀".repeat(35), Ucs2, 1),
            ("😀".repeat(36), Ucs2, 2),
            // 33 pairs fit into 67 units.
            ("😀".repeat(66), Ucs2, 2),
            ("😀".repeat(67), Ucs2, 3),
        ];
        for (text, encoding, count) in table {
            assert_eq!(segments(&text), (encoding, count), "{} of {:?}", text.chars().count(), text.chars().next());
        }
    }
}
