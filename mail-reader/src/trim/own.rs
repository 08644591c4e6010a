//! The line that Switchboard's own mails bear, above which they ask to be answered.

use super::lines::{first, is_quoted, letters};

/// Each stands alone on a line in every mail of Switchboard's that may be answered.
pub const OWN_LINES: [&str; 1] = ["— Write your answer above this line —"];

/// Over so many lines our line may be wrapped.
const WRAPPED: usize = 4;

/// Whether a text still holds such a line, however it was quoted, wrapped or decorated: with it
/// stands what was told to an agent and is for nobody else. Letters alone are compared.
#[must_use]
pub fn holds_own_line(text: &str) -> bool {
    OWN_LINES.iter().any(|line| {
        let expected = letters(line).next();
        let is_first = |c: char| if c.is_ascii() { Some(c.to_ascii_lowercase()) } else { c.to_lowercase().next() } == expected;
        text.char_indices().filter(|(_, c)| is_first(*c)).any(|(at, _)| begins_with(letters(&text[at..]), line))
    })
}

/// Whether such a line begins here, however it is quoted, wrapped or encoded.
pub(super) fn begins_here(rest: &str) -> bool {
    // What a dash becomes when it is read in the wrong charset is passed over.
    let told = |text| letters(text).filter(|c| !matches!(c, 'â' | 'ã'));
    let Some(begin) = told(first(rest)).next() else { return false };
    let all = || rest.split_inclusive('\n').take(WRAPPED).flat_map(told);
    OWN_LINES.iter().any(|line| letters(line).next() == Some(begin) && begins_with(all(), line))
}

fn begins_with(mut letters: impl Iterator<Item = char>, line: &str) -> bool {
    self::letters(line).all(|expected| letters.next() == Some(expected))
}

/// What stands between and below the quoted lines, when what was quoted is one of our notifications to
/// an agent. `None` for anything else, and for a notification with nothing below it.
pub(super) fn below(reply: &str) -> Option<String> {
    if !holds_own_line(reply) {
        return None;
    }
    let first = offset_of(reply, is_quoted).unwrap_or(reply.len());
    let above = &reply[..first];
    let last = above.trim_end().rfind('\n').map_or(0, |end| end + 1);
    let above = if above.trim_end().ends_with(':') { &above[..last] } else { above };
    let mut written = String::new();
    for line in above.lines().chain(reply[first..].lines().filter(|line| !is_quoted(line))) {
        written.push_str(line);
        written.push('\n');
    }
    let written = written.trim();
    (!written.is_empty() && !holds_own_line(written)).then(|| written.to_owned())
}

/// Where the first line begins of which something holds.
fn offset_of(text: &str, holds: impl Fn(&str) -> bool) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if holds(line) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found_quoted_wrapped_and_in_capitals() {
        let own = OWN_LINES[0];
        for text in ["> > -- Write your answer\n> > above this line --", "*WRITE YOUR ANSWER ABOVE THIS LINE*", &format!("a\n{own}\nb")] {
            assert!(holds_own_line(text), "{text}");
        }
        assert!(!holds_own_line("Write your answer on this line"));
    }
}
