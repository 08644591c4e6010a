//! What can be told of a single line.

/// Longer than this no line of a mail program is.
const LONGEST_MARK: usize = 400;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    /// What the person wrote, as far as is known.
    Own,
    Quote,
    Introduction,
    /// A signature, as the HTML's structure tells.
    Signature,
}

/// The first line of `text`, with its end.
pub(super) fn first(text: &str) -> &str {
    text.split_inclusive('\n').next().unwrap_or_default()
}

/// Whether a line is quoted: it begins with `>`, as every mail program has it, or with the initials
/// of whom it quotes before that (Supercite's `AL> `).
pub(super) fn is_quoted(line: &str) -> bool {
    let line = line.trim_start_matches(is_ignored);
    let initials = line.bytes().take(3).take_while(u8::is_ascii_uppercase).count();
    // ">From " at the beginning of a line is what mailbox files make of "From ".
    line[initials..].starts_with('>') && !line.starts_with(">From ")
}

/// A line without the `>` before it.
pub(super) fn unquoted(line: &str) -> &str {
    line.trim_start_matches(|c| is_ignored(c) || c == '>')
}

/// White space and what only tells which way a text runs.
pub(super) fn is_ignored(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Whether nothing is to be seen of a line.
pub(super) fn is_blank(line: &str) -> bool {
    line.chars().all(is_ignored)
}

/// Whether a line is one that is drawn: five or more of the same.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim_matches(is_ignored);
    let Some(first) = line.chars().next().filter(|c| matches!(c, '_' | '-' | '=' | '*' | '—' | '–' | '─' | '━' | '⸻')) else {
        return false;
    };
    (first == '⸻' || line.chars().nth(4).is_some()) && line.len() <= LONGEST_MARK && line.chars().all(|c| c == first)
}

/// A line as it is compared with the marks: in lower case, without what surrounds it, white space
/// and apostrophes plain. Nothing if it is too long for a mark.
pub(super) fn folded(line: &str) -> Option<String> {
    let line = line.trim_matches(is_ignored);
    if line.len() > LONGEST_MARK {
        return None;
    }
    let mut folded = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '’' | '‘' | '`' | '´' => folded.push('\''),
            c if c.is_whitespace() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c if is_ignored(c) => {}
            c => folded.extend(lower(c)),
        }
    }
    Some(folded)
}

/// The letters and digits of a text in lower case.
pub(super) fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(lower)
}

/// A letter in lower case; the Turkish "İ" becomes a plain "i".
fn lower(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase().filter(|c| *c != '\u{307}')
}
