//! Text as a database, a terminal and a reader want it.

/// The ends of lines beside LF and CR: vertical tabulator (Word's soft break), NEL, line separator, paragraph separator.
const LINE_ENDS: [&str; 4] = ["\u{b}", "\u{85}", "\u{2028}", "\u{2029}"];
const BYTE_ORDER_MARK: &str = "\u{feff}";
const ESCAPE: u8 = 0x1b;

/// Line feeds between the lines, and no control characters: a database refuses NUL, and a terminal
/// obeys others. An escape sequence goes whole, so that colours leave nothing behind. Changes the text in
/// place; text in which nothing is to be done is only looked at.
pub(crate) fn clean(text: impl Into<String>) -> String {
    let text = text.into();
    let Some(first) = first_to_clean(text.as_bytes()) else { return text };
    let mut bytes = text.into_bytes();
    let (mut read, mut write) = (first, first);
    while read < bytes.len() {
        let (length, kept) = piece(&bytes[read..]);
        match kept {
            Kept::Nothing => {}
            Kept::LineFeeds(count) => {
                bytes[write..write + count].fill(b'\n');
                write += count;
            }
            Kept::All => {
                bytes.copy_within(read..read + length, write);
                write += length;
            }
        }
        read += length;
    }
    bytes.truncate(write);
    // Only whole characters were taken out, so that this never has to be mended.
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

enum Kept {
    All,
    Nothing,
    LineFeeds(usize),
}

fn first_to_clean(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        at += bytes[at..].iter().position(|byte| is_suspect(*byte))?;
        let (length, kept) = piece(&bytes[at..]);
        if !matches!(kept, Kept::All) {
            return Some(at);
        }
        at += length;
    }
    None
}

/// Bytes with which something begins that may have to be cleaned.
fn is_suspect(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0b..=0x1f | 0x7f | 0xc2 | 0xe2 | 0xef)
}

/// How long the next piece is, never empty, and what is kept of it.
fn piece(bytes: &[u8]) -> (usize, Kept) {
    let plain = bytes.iter().take_while(|byte| !is_suspect(**byte)).count();
    if plain > 0 {
        return (plain, Kept::All);
    }
    if let Some(end) = LINE_ENDS.iter().find(|end| bytes.starts_with(end.as_bytes())) {
        return (end.len(), Kept::LineFeeds(1));
    }
    if bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) {
        return (BYTE_ORDER_MARK.len(), Kept::Nothing);
    }
    match bytes {
        // Programs that make CRLF of each LF make CRCRLF of CRLF.
        [b'\r', ..] => {
            let returns = bytes.iter().take_while(|byte| **byte == b'\r').count();
            if bytes.get(returns) == Some(&b'\n') { (returns + 1, Kept::LineFeeds(1)) } else { (returns, Kept::LineFeeds(returns)) }
        }
        [ESCAPE, b'[', sequence @ ..] => (2 + control_sequence(sequence), Kept::Nothing),
        [0..=0x1f | 0x7f, ..] => (1, Kept::Nothing),
        [0xc2, 0x80..=0x9f, ..] => (2, Kept::Nothing),
        _ => (1, Kept::All),
    }
}

/// The length of what follows ESC [ (ECMA-48, 5.4); nothing when it is no such sequence.
fn control_sequence(bytes: &[u8]) -> usize {
    const LONGEST: usize = 32;
    let parameters = bytes.iter().take(LONGEST).take_while(|byte| (0x20..=0x3f).contains(*byte)).count();
    if bytes.get(parameters).is_some_and(|byte| (0x40..=0x7e).contains(byte)) { parameters + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing_to_do("a\n\tb – \u{200d}é", "a\n\tb – \u{200d}é")]
    #[case::line_ends("a\r\nb\rc\nd\u{2028}e\u{2029}f\u{85}g\u{b}h", "a\nb\nc\nd\ne\nf\ng\nh")]
    #[case::returns_before_each_end("a\r\r\nb\r\r\n", "a\nb\n")]
    #[case::empty_lines_of_old_macs("a\r\rb", "a\n\nb")]
    #[case::control_characters("a\0b\u{7}\u{8}c\u{c}\u{7f}\u{9b}", "abc")]
    #[case::byte_order_marks("\u{feff}a\u{feff}b", "ab")]
    #[case::colours("\u{1b}[1;31mred\u{1b}[0m \u{1b}]x", "red ]x")]
    #[case::an_escape_that_is_none("\u{1b}[\u{e9} \u{1b}", "\u{e9} ")]
    fn only_text_is_left(#[case] text: &str, #[case] cleaned: &str) {
        assert_eq!(clean(text), cleaned);
    }

    #[test]
    fn clean_text_is_not_copied() {
        let text = "nothing to do – at all\n".repeat(10);
        let address = text.as_ptr();
        let cleaned = clean(text);
        assert_eq!(cleaned.as_ptr(), address);
    }

    proptest! {
        #[test]
        fn any_text_gets_clean_and_stays_so(text in "([\\x00-\\x1f]|\\PC|\u{85}|\u{9b}|\u{2028}|\u{feff}|\r\n|\u{1b}\\[){0,40}") {
            let cleaned = clean(text.as_str());
            prop_assert!(!cleaned.chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
            prop_assert_eq!(clean(cleaned.as_str()), cleaned.as_str());
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
            prop_assert!(letters(&cleaned) <= letters(&text));
        }
    }
}
