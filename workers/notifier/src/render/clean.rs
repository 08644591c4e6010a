//! What strangers wrote, made safe to pass on.

use switchboard_common::domain::address::EmailAddress;
use switchboard_common::reply_token::looks_signed;

/// The longest value of a header that we write, in characters.
const LONGEST: usize = 300;

/// A text as the value of a header: on one line, without control characters and tokens of reply
/// addresses, not too long.
pub(super) fn header(text: &str) -> String {
    line(text).chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

/// A text on one line, however long.
pub(super) fn line(text: &str) -> String {
    let spaced: String = without_tokens(text).chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that break lines or turn the direction of the text: they make a subject look like
/// another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A subject without the `Re:` that mail programs put before it, so that ours is the only one.
pub(super) fn without_reply_prefix(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(shorter) = strip_prefix_ignoring_case(rest, "re:") {
        rest = shorter.trim_start();
    }
    rest
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A text for the body of a mail: line breaks are `\n`, other control characters are gone, and so are
/// the tokens of signed reply addresses. `support+token@example.org` becomes `support@example.org`:
/// whoever has such an address can write in the name of the person it was given to.
pub(super) fn body(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    without_tokens(&text)
}

fn without_tokens(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, plus)) = next_plus(rest) {
        clean.push_str(before);
        let tagged = &rest[before.len() + plus.len()..];
        let end = tagged.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tagged.len());
        let (tag, after) = tagged.split_at(end);
        if is_token(tag) {
            rest = after;
        } else {
            clean.push_str(plus);
            rest = tagged;
        }
    }
    clean.push_str(rest);
    clean
}

/// What stands before the next plus sign, and the sign as it is written: in a link it is encoded.
fn next_plus(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let is_encoded = |at: usize| bytes.get(at..at + 3).is_some_and(|code| code.eq_ignore_ascii_case(b"%2b"));
    let (at, length) = bytes.iter().enumerate().find_map(|(at, byte)| match byte {
        b'+' => Some((at, 1)),
        b'%' if is_encoded(at) => Some((at, 3)),
        _ => None,
    })?;
    Some((&text[..at], &text[at..at + length]))
}

fn is_token(tag: &str) -> bool {
    EmailAddress::parse(&format!("x+{tag}@example.org")).is_ok_and(|address| looks_signed(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "aaaaaaaaaaaabfaegcq2zq7n4lypux";

    #[test]
    fn nothing_that_was_written_can_end_a_header() {
        assert_eq!(header(&format!("Re: help+{TOKEN}@example.org")), "Re: help@example.org");
        assert_eq!(header("Printer\r\nBcc: everybody@example.org"), "Printer Bcc: everybody@example.org");
        assert_eq!(header("a\u{2028}b\u{202e}c\0d\te"), "a b c d e");
        assert_eq!(header(&"x".repeat(5000)).len(), LONGEST);
    }

    #[test]
    fn a_text_of_nothing_but_signs_takes_no_longer_than_another() {
        let begun = std::time::Instant::now();
        assert_eq!(body(&"+%".repeat(1_000_000)).len(), 2_000_000);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn one_reply_prefix_is_enough() {
        assert_eq!(without_reply_prefix("RE: re: Re:Printer"), "Printer");
        assert_eq!(without_reply_prefix("Report"), "Report");
        assert_eq!(without_reply_prefix("é"), "é");
    }

    #[test]
    fn signed_reply_addresses_lose_their_token() {
        let quoted = format!("On Monday, Desk <support+{TOKEN}@example.org> wrote:");
        assert_eq!(body(&quoted), "On Monday, Desk <support@example.org> wrote:");
        assert_eq!(body(&format!("mailto:support%2B{TOKEN}@example.org")), "mailto:support@example.org");
        assert_eq!(body(&format!("SUPPORT+{}@EXAMPLE.ORG", TOKEN.to_uppercase())), "SUPPORT@EXAMPLE.ORG");
        assert_eq!(body(&format!("two: a+{TOKEN}@b.c, d+{TOKEN}@e.f")), "two: a@b.c, d@e.f");
        assert_eq!(body(&format!("a token alone: +{TOKEN}")), "a token alone: ");
    }

    #[test]
    fn other_plus_signs_stay() {
        for text in ["ada+lists@example.org", "1 + 1 = 2", "+5511987654321", "100%", "%2", "a%2Bb", "++", &format!("+{TOKEN}x@example.org")]
        {
            assert_eq!(body(text), text);
        }
    }

    #[test]
    fn line_breaks_become_one_kind_and_other_controls_go() {
        assert_eq!(body("a\r\nb\rc\nd\0\u{1b}[1m\te"), "a\nb\nc\nd[1m\te");
    }
}
