//! Message ids (RFC 5322, 3.6.4) in Message-ID, In-Reply-To, References and Content-ID.

use std::borrow::Cow;

use super::words as encoded;
use crate::flags::Flags;

/// Encoded words are looked for in fields up to this length.
const LONGEST_ENCODED: usize = 64 * 1024;

/// The ids in a field, in order, without angle brackets and one by one, since a field may hold very
/// many. In a field without any brackets, the words that could be ids: those with an `@`, or the
/// only one. Some programs (Python's library for mail) write ids too long for a line as encoded
/// words, which the standard does not allow.
pub(crate) fn ids(value: &[u8]) -> impl Iterator<Item = String> {
    let is_encoded = value.len() <= LONGEST_ENCODED && value.windows(2).any(|two| two == b"=?");
    let decoded = is_encoded.then(|| encoded::decoded(value, &mut Flags::default()));
    let inside = decoded.map(|text| plain(text.as_bytes()).collect::<Vec<_>>());
    let outside = inside.is_none().then(|| plain(value));
    inside.into_iter().flatten().chain(outside.into_iter().flatten())
}

fn plain(value: &[u8]) -> impl Iterator<Item = String> {
    let mut brackets = Brackets { value, at: 0, unclosed: false }.peekable();
    let bare = brackets.peek().is_none().then(|| words(value));
    brackets.chain(bare.into_iter().flatten())
}

/// The ids in angle brackets.
struct Brackets<'a> {
    value: &'a [u8],
    at: usize,
    /// A parenthesis was never closed: there are no comments any more.
    unclosed: bool,
}

impl Iterator for Brackets<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while let Some(next) = self.value[self.at..].iter().position(|byte| matches!(byte, b'<' | b'(')) {
            self.at += next + 1;
            let rest = &self.value[self.at..];
            if self.value[self.at - 1] == b'(' {
                self.skip_comment(rest);
                continue;
            }
            let length = rest.iter().position(|byte| matches!(byte, b'<' | b'>')).unwrap_or(rest.len());
            let inner = &rest[..length];
            self.at += length;
            let closed = rest.get(length) == Some(&b'>');
            // A bracket that is never closed holds an id if it holds one word that looks like one.
            let word = || inner.contains(&b'@') && !inner.trim_ascii().iter().any(u8::is_ascii_whitespace);
            let id = if closed || word() { clean(inner) } else { String::new() };
            if !id.is_empty() {
                return Some(id);
            }
        }
        None
    }
}

impl Brackets<'_> {
    fn skip_comment(&mut self, rest: &[u8]) {
        if self.unclosed {
            return;
        }
        let mut depth = 1_usize;
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += index + 1;
                return;
            }
        }
        self.unclosed = true;
    }
}

/// The ids in a field without brackets, or with some that are never closed.
fn words(value: &[u8]) -> impl Iterator<Item = String> {
    let words =
        || value.split(|byte| byte.is_ascii_whitespace() || b",<>".contains(byte)).map(<[u8]>::trim_ascii).filter(|word| !word.is_empty());
    let alone = words().nth(1).is_none() && !value.contains(&b'<');
    let could_be = move |word: &&[u8]| !word.contains(&b'(') && (word.contains(&b'@') || alone);
    words().filter(could_be).map(clean).filter(|id| !id.is_empty())
}

/// An id without what folding, quoting or a broken program put into it, and without comments (RFC
/// 5322, A.6.3), which hold neither `@` nor what is not closed.
fn clean(id: &[u8]) -> String {
    let text = String::from_utf8_lossy(id);
    let text = without_comments(&text);
    let around = |c: char| matches!(c, '<' | '>' | ',' | ';') || c.is_whitespace() || c.is_control();
    text.trim_matches(around).chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect()
}

fn without_comments(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, (comment, after))) = rest.split_once('(').and_then(|(before, behind)| Some((before, behind.split_once(')')?))) {
        if comment.contains(['@', '(', '"']) || before.contains('"') {
            break;
        }
        plain.push_str(before);
        rest = after;
    }
    let has_id = !plain.is_empty() && rest.contains(|c: char| c.is_alphanumeric());
    if has_id { Cow::Owned(plain + rest) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_without_brackets_folding_and_comments() {
        for (value, expected) in [
            (" <a@x>\r\n\t<b\r\n @y> <>", vec!["a@x", "b@y"]),
            (" Your message of \"Mon, 2 Mar 2026 10:00:00 +0100\" <c@z> (was: d)", vec!["c@z"]),
            (" (in reply to <no@x>) <yes@x>", vec!["yes@x"]),
            (" :-( <a@x> <b@y>", vec!["a@x", "b@y"]),
            (" naked@x and words", vec!["naked@x"]),
            (" naked@x, other@y (comment)", vec!["naked@x", "other@y"]),
            (" 20260302-4711", vec!["20260302-4711"]),
            (" <20260302-4711>", vec!["20260302-4711"]),
            (" <never closed", vec![]),
            (" <never@closed", vec!["never@closed"]),
            (" <a@x <b@y>", vec!["a@x", "b@y"]),
            (" <<a@x>>", vec!["a@x"]),
            (" a@x>", vec!["a@x"]),
            (" 4711<never@closed by anybody", vec!["never@closed"]),
            (" <a@x>,<b@y>;<a@x>", vec!["a@x", "b@y", "a@x"]),
            (" <\"a b\"@x>", vec!["\"ab\"@x"]),
            (" <a\0b\x1b@x>", vec!["ab@x"]),
            (" <1234   @   local(blah)  .machine .example>", vec!["1234@local.machine.example"]),
            (" <a(b@x> <(@)c@y> <d()@z(>", vec!["a(b@x", "(@)c@y", "d@z("]),
            (" =?utf-8?q?=3Clong-?=\r\n =?utf-8?q?er=40x=2Eexample=3E?=", vec!["long-er@x.example"]),
            (" <a@x>\r\n =?utf-8?q?=3Cb=40y=3E?=", vec!["a@x", "b@y"]),
            (" <=?a@x>", vec!["=?a@x"]),
            (" <>", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(ids(value.as_bytes()).collect::<Vec<_>>(), expected, "{value:?}");
        }
    }
}
