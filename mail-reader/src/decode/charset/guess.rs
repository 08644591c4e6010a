//! Guesses in which charset bytes are that are neither ASCII nor UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// From where the first byte beyond ASCII stands, so much is looked at, and so much before.
const SAMPLE: usize = 64 * 1024;
const BEFORE: usize = 64;
/// Statistics say little of fewer bytes beyond ASCII than these.
const FEW: usize = 8;
/// The guesses that are good for short texts in Latin letters too.
const LIKE_WESTERN: [&Encoding; 4] =
    [encoding_rs::WINDOWS_1250, encoding_rs::WINDOWS_1252, encoding_rs::WINDOWS_1254, encoding_rs::ISO_8859_2];
/// The letters of Windows-1252 that are common in German, French, Spanish, Portuguese, Italian, Dutch
/// and the languages of Scandinavia.
const WESTERN_LETTERS: &[u8] = b"\xc0\xc1\xc2\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xd1\xd3\xd4\xd6\xd8\xdc\
    \xdf\xe0\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf1\xf2\xf3\xf4\xf5\xf6\xf8\xf9\xfa\xfb\xfc";

/// The most likely charset.
pub(super) fn encoding(bytes: &[u8]) -> &'static Encoding {
    let first = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or_default();
    let sample = &bytes[first.saturating_sub(BEFORE)..bytes.len().min(first.saturating_add(SAMPLE))];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let likely = detector.guess(None, Utf8Detection::Deny);
    if !LIKE_WESTERN.contains(&likely) && is_sparsely_western(sample) { encoding_rs::WINDOWS_1252 } else { likely }
}

/// Whether a short text, such as a name, is more like Western Europe's than statistics can tell: few letters that its languages have, alone or by two, next to letters of ASCII.
fn is_sparsely_western(sample: &[u8]) -> bool {
    let mut count = 0;
    let mut rest = sample;
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        let before = at.checked_sub(1).and_then(|before| rest.get(before)).is_some_and(u8::is_ascii_alphabetic);
        let length = rest[at..].iter().take_while(|byte| !byte.is_ascii()).count();
        let run = &rest[at..at + length];
        rest = &rest[at + length..];
        let after = rest.first().is_some_and(u8::is_ascii_alphabetic);
        count += length;
        if count > FEW || length > 2 || !(before || after) || !run.iter().all(|byte| WESTERN_LETTERS.contains(byte)) {
            return false;
        }
    }
    true
}
