//! Words as rules compare them: whole, in any case, in any script.
//!
//! A word is a run of letters, digits and the marks that belong to them. Scripts that are written
//! without spaces have no such runs: there each character is a word, so that a phrase is found
//! wherever it stands.

use std::collections::HashMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text as it is compared: compatibility forms (NFKC), in lower case, `ß` as `ss`.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkc().flat_map(char::to_lowercase).nfkc() {
        match c {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            // What is left of a dotted capital I.
            '\u{307}' if folded.ends_with('i') => {}
            c => folded.push(c),
        }
    }
    folded
}

/// Whether two texts are the same but for their case.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && fold(a) == fold(b))
}

/// Whether a character of a script without spaces between words: Thai to Burmese, Khmer, Chinese and Japanese.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The places of the words of a folded text.
fn places(folded: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (start, c) in folded.char_indices() {
        let end = start + c.len_utf8();
        let mark = !c.is_ascii() && is_combining_mark(c);
        match words.last_mut().filter(|_| open) {
            Some(word) if mark => word.end = end,
            Some(word) if c.is_alphanumeric() && !stands_alone(c) && !alone(folded, word) => word.end = end,
            _ if c.is_alphanumeric() || mark => {
                words.push(start..end);
                open = true;
            }
            _ => open = false,
        }
    }
    words
}

fn alone(folded: &str, word: &Range<usize>) -> bool {
    folded[word.clone()].chars().next().is_some_and(stands_alone)
}

/// FNV-1a. A word is found by it, and compared then.
fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// One or several words in sequence, to be found in texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    words: Vec<String>,
    first: u64,
}

impl Phrase {
    /// The words of a text; `None` when there are none in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let folded = fold(text);
        let words: Vec<String> = places(&folded).into_iter().map(|place| folded[place].to_owned()).collect();
        let first = hash(words.first()?);
        Some(Self { text: text.to_owned(), words, first })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A text whose words can be looked up, however many ask.
#[derive(Debug)]
pub struct Indexed {
    folded: String,
    words: Vec<Range<usize>>,
    /// The first word of each hash.
    first: HashMap<u64, usize>,
    /// The next word of the same hash, for each word.
    next: Vec<Option<usize>>,
}

impl Indexed {
    /// Indexes a text once.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let folded = fold(text);
        let words = places(&folded);
        let mut first = HashMap::with_capacity(words.len());
        let mut next = vec![None; words.len()];
        for (n, place) in words.iter().enumerate().rev() {
            next[n] = first.insert(hash(&folded[place.clone()]), n);
        }
        Self { folded, words, first, next }
    }

    /// Whether the phrase's words stand there one after the other.
    #[must_use]
    pub fn contains(&self, phrase: &Phrase) -> bool {
        let mut at = self.first.get(&phrase.first).copied();
        while let Some(n) = at {
            let rest = self.words.get(n..).unwrap_or_default();
            if rest.len() >= phrase.words.len() && phrase.words.iter().zip(rest).all(|(word, place)| self.folded[place.clone()] == **word) {
                return true;
            }
            at = self.next[n];
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(phrase: &str, text: &str) -> bool {
        Indexed::new(text).contains(&Phrase::parse(phrase).expect("words"))
    }

    #[test]
    fn words_are_whole_and_phrases_stand_together() {
        for (phrase, text) in [
            ("invoice", "Re: your INVOICE!"),
            ("pay back", "please pay\n back"),
            ("pay back", "pay pay back"),
            ("Überweisung", "ÜBERWEISUNG fehlt"),
            ("4711", "order #4711."),
        ] {
            assert!(found(phrase, text), "{phrase} in {text}");
        }
        for (phrase, text) in
            [("invoice", "invoices"), ("pay back", "back pay"), ("pay back", "pay me back"), ("invoice", ""), ("a b c", "a b")]
        {
            assert!(!found(phrase, text), "{phrase} in {text}");
        }
    }

    #[test]
    fn words_are_found_in_every_script() {
        for (phrase, text) in [
            ("résumé", "my re\u{301}sume\u{301}"),
            ("STRASSE", "in der Straße 5"),
            ("ΟΔΟΣ", "στην οδός οδοσ"),
            ("istanbul", "İSTANBUL"),
            ("发票", "请开发票，谢谢"),
            ("請求書", "御請求書の件"),
            ("ใบแจ้งหนี้", "ขอใบแจ้งหนี้ด้วย"),
            ("हिन्दी", "यह हिन्दी है"),
            ("счёт", "Ваш СЧЁТ готов"),
            ("ｉｎｖｏｉｃｅ", "invoice"),
        ] {
            assert!(found(phrase, text), "{phrase} in {text}");
        }
        assert!(!found("हिन", "यह हिन्दी है"), "a mark belongs to its word");
        assert!(!found("发票", "发 x 票"));
    }

    #[test]
    fn what_has_no_letter_and_no_digit_is_no_phrase() {
        assert_eq!(Phrase::parse("!?"), None);
        assert_eq!(Phrase::parse(""), None);
    }

    #[test]
    fn texts_are_the_same_in_any_case() {
        assert!(same("VIP", "vip") && same("ÄRGER", "ärger") && !same("a", "b") && !same("", "a"));
    }
}
