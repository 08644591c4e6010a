//! Lines between dashes: "-----Original Message-----", "---------- Forwarded message ---------".

use std::collections::HashSet;
use std::sync::LazyLock;

use super::introduction;
use super::lines::{folded, is_ignored, letters};
use super::marks::separators::{FORWARDED_BY, SEPARATORS};

/// A line is no separator if it has more letters than this.
const MOST_LETTERS: usize = 60;

static ORIGINALS: LazyLock<HashSet<String>> = LazyLock::new(|| all(|separators| separators.originals));
static FORWARDS: LazyLock<HashSet<String>> = LazyLock::new(|| all(|separators| separators.forwards));

fn all(which: impl Fn(&super::marks::separators::Separators) -> &'static [&'static str]) -> HashSet<String> {
    SEPARATORS.iter().flat_map(which).map(|words| letters(words).collect()).collect()
}

/// Whether this is the line before what is answered: a known one between dashes, or an introduction
/// between dashes (Lotus Notes, Zoho) or between arrows (`GroupWise`).
pub(super) fn is_original(line: &str) -> bool {
    if let Some(words) = line.trim_matches(is_ignored).strip_prefix(">>>").and_then(|line| line.strip_suffix(">>>")) {
        return introduction::stands_between_arrows(words);
    }
    if !line.trim_start_matches(is_ignored).starts_with(is_dash) {
        return false;
    }
    let (line, dashed) = undashed(line);
    if !dashed || line.is_empty() {
        return false;
    }
    is_in(&ORIGINALS, line) || introduction::stands_between_dashes(line)
}

/// Whether this is the same line without dashes, as telephones of `BlackBerry` write it: nothing but these words. It
/// says something only above the header of a mail.
pub(super) fn is_original_without_dashes(line: &str) -> bool {
    line.len() <= 4 * MOST_LETTERS && is_in(&ORIGINALS, line)
}

/// Whether this is the line before a mail that is handed on.
pub(super) fn is_forward(line: &str) -> bool {
    let announced = line.trim_end_matches(is_ignored).ends_with([':', '：']);
    if !announced && !line.trim_start_matches(is_ignored).starts_with(is_dash) {
        return false;
    }
    let (words, dashed) = undashed(line);
    if !dashed && !announced {
        return false;
    }
    is_in(&FORWARDS, words) || (dashed && folded(words).is_some_and(|words| FORWARDED_BY.iter().any(|start| words.starts_with(start))))
}

/// What stands between the dashes of a line, and whether there are two or more on both sides.
fn undashed(line: &str) -> (&str, bool) {
    let is_edge = |c| is_ignored(c) || is_dash(c);
    let (line, count) = (line.trim_matches(is_ignored), |text: &str| text.chars().filter(|c| is_dash(*c)).take(2).count());
    let inner = line.trim_start_matches(is_edge);
    let before = count(&line[..line.len() - inner.len()]);
    let words = inner.trim_end_matches(is_edge);
    (words, before == 2 && count(&inner[words.len()..]) == 2)
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '=' | '*' | '~' | '–' | '—' | '─' | '━' | '‐' | '‑')
}

fn is_in(known: &HashSet<String>, words: &str) -> bool {
    let letters: String = letters(words).take(MOST_LETTERS).collect();
    !letters.is_empty() && known.contains(&letters)
}

#[cfg(test)]
mod tests {
    use super::super::marks::separators::SEPARATORS;
    use super::super::reply;

    #[test]
    fn what_is_answered_is_cut_below_its_line() {
        let table = SEPARATORS.iter().flat_map(|separators| separators.originals);
        for words in table.copied().chain([
            "Original Message",
            "ORIGINAL MESSAGE",
            "Özgün İleti",
            "Alkuperäinen viesti / Orig.Msg.",
            "On Mon, 2 Mar 2026 10:00:00 +0100 Ada wrote",
            "Ada/Acme wrote:",
        ]) {
            for (before, after) in [
                ("-----", "-----"),
                ("-- ", " --"),
                ("------- ", " -------"),
                ("________ ", " ________"),
                ("  —— ", " —— "),
                ("*-----", "-----*"),
            ] {
                let text = format!("Thank you!\n\n{before}{words}{after}\nAda\n\nIs it there?");
                assert_eq!(reply(&text), "Thank you!", "{text}");
                let text = format!("{before}{words}{after}\n> Is it there?\n\nYes.");
                assert_eq!(reply(&text), "Yes.", "{text}");
            }
        }
    }

    #[test]
    fn what_is_handed_on_is_kept() {
        let table = SEPARATORS.iter().flat_map(|separators| separators.forwards);
        for words in table {
            for (before, after) in [("---------- ", " ---------"), ("", ":"), ("--------", "--------")] {
                let text = format!(
                    "For you.\n\n{before}{words}{after}\nFrom: Ada <ada@example.org>\nDate: Mon\nSubject: x\n\nIs it there?\n> no\n\n-- \nAda"
                );
                assert_eq!(reply(&text), text);
            }
        }
        let text = "For you.\n\n----- Forwarded by Bob/Acme on 02.03.2026 10:00 -----\n\nAda/Acme\n02.03.2026 09:00\n\nTo\tBob/Acme\ncc\nSubject\tParcel\n\nIs it there?";
        assert_eq!(reply(text), text);
    }

    #[test]
    fn what_is_answered_is_cut_below_who_wrote_between_arrows() {
        for words in
            ["Ada Lovelace <ada@example.org> 3/2/2026 10:00 AM", "\"Ada Lovelace\" 02.03.26 10.00 Uhr", "<ada@example.org> 2/3/2026 10:00"]
        {
            assert_eq!(reply(&format!("Thank you!\n\n>>> {words} >>>\nIs it there?\nAda")), "Thank you!", "{words}");
            assert_eq!(reply(&format!("Thank you!\n>>> {words} >>>\n> Is it there?\n> Ada")), "Thank you!", "{words}");
        }
        for text in ["I see\n>>> print(1)\n1\nin it.", "I typed\n>>> 1 >>>\nand it hung."] {
            assert_eq!(reply(text), text);
        }
    }

    #[test]
    fn what_is_handed_on_within_a_quote_is_kept_unless_that_is_answered() {
        let forwarded = "> Begin forwarded message:\n> \n> From: Ada <ada@example.org>\n> Subject: x\n> \n> Is it there?";
        assert_eq!(reply(&format!("For you.\n\n{forwarded}")), format!("For you.\n\n{forwarded}"));
        assert_eq!(reply(&format!("Yes.\n\nAm 02.03.2026 um 10:00 schrieb Bob:\n{forwarded}")), "Yes.");
    }

    #[test]
    fn other_words_between_dashes_are_kept() {
        for text in [
            "One\n\n----- two -----\nthree",
            "a\n-----\nb",
            "See the original message\nabove",
            "-- original message\nwas lost",
            "Forwarded message\nis what I need.",
            "Die ursprüngliche Nachricht\nist weg.",
            "Le message d'origine :\nje ne l'ai plus.",
            "El mensaje original --\nno lo tengo.",
            "--- a/original message\n+++ b/original message",
            "- Original message\n- Forwarded message",
            "Title\n=====\nOriginal message\n----------------\ntext",
        ] {
            assert_eq!(reply(text), text);
        }
    }
}
