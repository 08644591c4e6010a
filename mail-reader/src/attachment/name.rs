//! Names that are safe to use for a file on any system.

use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;

use crate::header;

const LONGEST: usize = 120;
const LONGEST_ENDING: usize = 20;
/// A number in brackets, and the dot of the ending.
const LONGEST_TAG: usize = 20;
/// Names of devices (Microsoft, "Naming Files, Paths, and Namespaces"), which Windows opens instead
/// of a file, whatever the ending.
const DEVICES: [&str; 28] = [
    "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt0", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "conin$", "conout$", "clock$", "config$",
];
/// What no name may contain on Windows.
const FORBIDDEN: &str = "<>:\"|?*";

/// The last part of a path, without what a file system or a reader could be fooled by; empty when
/// nothing is left.
pub(super) fn safe(name: &str) -> String {
    let is_empty =
        |piece: &&str| piece.trim_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control() || is_invisible(c)).is_empty();
    let last = name.rsplit(['/', '\\']).find(|piece| !is_empty(piece)).unwrap_or_default();
    // What a Macintosh writes in pieces becomes one letter, as everybody else writes it.
    let shown: String = last.nfc().filter(|c| !is_invisible(*c)).map(|c| if FORBIDDEN.contains(c) { '_' } else { c }).collect();
    let clean = header::one_line(&shown, usize::MAX);
    let short = shortened(clean.trim_matches(['.', ' ']), LONGEST);
    let stem = short.split('.').next().unwrap_or_default().trim_end();
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) { format!("_{short}") } else { short }
}

/// So many characters of a name at most, with its ending.
fn shortened(name: &str, longest: usize) -> String {
    if name.chars().count() <= longest {
        return name.to_owned();
    }
    let (stem, ending) = cut_ending(name);
    let room = longest - ending.chars().count();
    let stem: String = stem.chars().take(room).collect();
    format!("{}{ending}", stem.trim_end_matches(['.', ' ']))
}

/// What stands before the ending, and the ending with its dot.
fn cut_ending(name: &str) -> (&str, &str) {
    let at = name.rfind('.').filter(|at| *at > 0 && name[*at..].chars().count() <= LONGEST_ENDING + 1);
    name.split_at(at.unwrap_or(name.len()))
}

/// Makes names that are the same, but for the case of their letters, differ: `a.pdf`, `a (2).pdf`.
pub(super) fn distinct<'n>(names: impl Iterator<Item = &'n mut String>) {
    let mut taken = HashSet::new();
    // The number that was given last, by what is left of a name beside one.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for name in names {
        if taken.insert(name.to_lowercase()) {
            continue;
        }
        let (stem, ending) = cut_ending(name);
        let beside = format!("{}{ending}", shortened_stem(stem, LONGEST - LONGEST_ENDING - LONGEST_TAG)).to_lowercase();
        let number = numbers.entry(beside).or_insert(1);
        *name = loop {
            *number += 1;
            let tag = format!(" ({number}){ending}");
            let own = format!("{}{tag}", shortened_stem(stem, LONGEST - tag.chars().count()));
            if taken.insert(own.to_lowercase()) {
                break own;
            }
        };
    }
}

fn shortened_stem(stem: &str, longest: usize) -> &str {
    stem.char_indices().nth(longest).map_or(stem, |(end, _)| stem[..end].trim_end())
}

/// Characters without a shape of their own; some of them turn the direction of writing, so that
/// `gpj.exe` looks like `exe.jpg`.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_never_a_path_or_a_trick() {
        for (name, safe_name) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\offer.docx", "offer.docx"),
            ("..", ""),
            ("folder/", "folder"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\r\nb\0.txt", "a b.txt"),
            ("what?<now>.txt", "what__now_.txt"),
            (".htaccess", "htaccess"),
            ("name.txt. . ", "name.txt"),
            ("CON", "_CON"),
            ("aux .tar.gz", "_aux .tar.gz"),
            ("console.log", "console.log"),
            ("u\u{308}ber.pdf", "\u{fc}ber.pdf"),
        ] {
            assert_eq!(safe(name), safe_name, "{name:?}");
        }
        let long = safe(&format!("{}.docx", "ß".repeat(300)));
        assert_eq!((long.chars().count(), long.ends_with("ß.docx")), (120, true));
    }

    #[test]
    fn the_same_name_twice_becomes_two_names() {
        let long = format!("{}.pdf", "x".repeat(116));
        let mut names = ["a.pdf", "A.pdf", "a (2).pdf", "a.pdf", "b", "b", &long, &long].map(str::to_owned);
        distinct(names.iter_mut());
        assert_eq!(names[..6], ["a.pdf", "A (2).pdf", "a (2) (2).pdf", "a (3).pdf", "b", "b (2)"]);
        assert_eq!((names[7].len(), names[7].ends_with("x (2).pdf")), (120, true));
    }

    #[test]
    fn the_same_name_again_and_again_takes_no_longer_than_others() {
        let mut names = vec!["a.pdf".to_owned(); 200_000];
        let long = |index: usize| format!("{}{:08}", "x".repeat(112), index / 2);
        names.extend((0..200_000).map(long));
        distinct(names.iter_mut());
        assert_eq!(names[199_999], "a (200000).pdf");
        assert!(names[399_999].ends_with("x (100001)"), "{}", names[399_999]);
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_safe_one(name in "(con|[.] ?|.)*") {
            let once = safe(&name);
            prop_assert!(once.chars().count() <= LONGEST + 1);
            prop_assert!(!once.contains(['/', '\\', '\0', '\n']) && !once.ends_with(['.', ' ']) && !once.starts_with('.'));
            prop_assert_eq!(safe(&once), once);
        }
    }
}
