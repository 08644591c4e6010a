//! Whom one of the desk's people named in what they wrote: `@bo`. Pure.

use std::collections::BTreeSet;

/// The longest handle.
const LONGEST: usize = 63;

/// The handles that a text may mention, in lower case: whatever stands behind an `@` that no word runs into, outside of code
/// (between back-ticks or fences) and quoted lines, and that is no mail address. Of `@bo.` both `bo.` and `bo` may be meant.
pub(super) fn handles(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) if !start.starts_with('>') => in_line(&outside_of_code(line), &mut found),
            _ => {}
        }
    }
    found
}

/// The line without what stands between back-ticks. One that is never closed is a back-tick and nothing more.
fn outside_of_code(line: &str) -> String {
    let mut parts = line.split('`');
    let mut kept = parts.next().unwrap_or_default().to_owned();
    let rest: Vec<&str> = parts.collect();
    for (n, part) in rest.iter().enumerate() {
        let is_code = n % 2 == 0 && n + 1 < rest.len();
        kept.push('`');
        kept.push_str(if is_code { "" } else { part });
    }
    kept
}

fn in_line(line: &str, found: &mut BTreeSet<String>) {
    for (at, _) in line.match_indices('@') {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        let behind = line.get(at + 1..).unwrap_or_default();
        let end = behind.find(|c: char| !is_of_handle(c)).unwrap_or(behind.len());
        let (name, next) = behind.split_at(end);
        if before.is_some_and(runs_into) || next.chars().next().is_some_and(|c| c == '@' || c.is_alphanumeric()) {
            continue;
        }
        let name = name.to_ascii_lowercase();
        let bare = name.trim_end_matches(['.', '-', '_']);
        found.extend([name.as_str(), bare].into_iter().filter(|name| (1..=LONGEST).contains(&name.len())).map(str::to_owned));
    }
}

fn is_of_handle(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// Whether what stands before an `@` makes one word with it, such as a mail address or a link.
fn runs_into(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@' | '/' | '=' | '%' | '&' | '#' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_behind_an_at_sign_is_a_mention_and_what_only_looks_like_one_is_not() {
        for (text, expected) in [
            ("@bo please look", &["bo"][..]),
            ("ask @Bo, or (@grace)!", &["bo", "grace"]),
            ("thanks @bo.", &["bo", "bo."]),
            ("it is @bo's", &["bo"]),
            ("@second-line and @a.b_c", &["a.b_c", "second-line"]),
            ("\u{201c}@bo\u{201d}\u{2014}@grace", &["bo", "grace"]),
            ("two\r\nlines @bo\r\n", &["bo"]),
            ("@bob", &["bob"]),
            ("bo@desk.example, x+@bo", &[]),
            ("@bo@social.example", &[]),
            ("https://x.example/@bo and y=@bo", &[]),
            ("@bö, über@bo", &[]),
            ("@ bo, @", &[]),
            ("> @bo wrote", &[]),
            ("  >> @bo", &[]),
            ("see `@bo` and `x` @grace", &["grace"]),
            ("a ` alone @bo", &["bo"]),
            ("`@bo` and ` @grace", &["grace"]),
            ("```\n@bo\n~~~\n@bo\n```\n@grace", &["grace"]),
            ("~~~ @bo\n@bo", &[]),
        ] {
            assert_eq!(handles(text).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text:?}");
        }
        assert!(handles(&format!("@{}", "x".repeat(64))).is_empty(), "no handle is that long");
    }
}
