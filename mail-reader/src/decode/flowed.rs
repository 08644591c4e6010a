//! Lines that the sender's program broke to be joined again (format=flowed, RFC 3676).

/// What stands between a text and a signature; it never flows.
const SEPARATOR: &str = "-- ";

/// The text with its lines joined: those that end with a space, each with the next of the same depth
/// of quoting. With `delsp` that space goes. The text is clean: its lines end with LF.
///
/// Quoted lines begin with as many `>` as they are deep and a space. The space that was put before
/// what must not be taken for a quote stays where it would be taken for one now. An empty line never
/// belongs to a paragraph, though by the RFC it could end one: programs that let every line end with
/// a space mean it to be empty.
pub(crate) fn unflowed(text: String, delsp: bool) -> String {
    if text.split('\n').all(|line| !line.starts_with([' ', '>']) && !line.ends_with(' ')) {
        return text;
    }
    let mut joined = String::with_capacity(text.len());
    // How deep the line before is quoted, if it flows.
    let mut open = None;
    for (index, line) in text.split('\n').enumerate() {
        let Line { depth, content } = Line::read(line);
        let is_alone = content.is_empty() || content == SEPARATOR;
        if open != Some(depth) || is_alone {
            if open.is_some() {
                joined.truncate(joined.trim_end_matches(' ').len());
            }
            if index > 0 {
                joined.push('\n');
            }
            begin(&mut joined, depth, content);
        }
        let flows = content.ends_with(' ') && !is_alone;
        joined.push_str(if flows && delsp { &content[..content.len() - 1] } else { content });
        open = flows.then_some(depth);
    }
    if open.is_some() {
        joined.truncate(joined.trim_end_matches(' ').len());
    }
    joined
}

struct Line<'a> {
    depth: usize,
    /// What it says; empty when that is only spaces.
    content: &'a str,
}

impl<'a> Line<'a> {
    /// Takes apart how deep a line is quoted and what it says. Some programs put spaces between the
    /// signs, which the RFC does not.
    fn read(line: &'a str) -> Self {
        let mut depth = 0;
        let mut rest = line;
        while let Some(after) = rest.strip_prefix('>').or_else(|| rest.strip_prefix(" >").filter(|_| depth > 0)) {
            depth += 1;
            rest = after;
        }
        let content = rest.strip_prefix(' ').unwrap_or(rest);
        Self { depth, content: if content.trim_matches(' ').is_empty() { "" } else { content } }
    }
}

/// Begins a line with the signs of its quoting.
fn begin(joined: &mut String, depth: usize, content: &str) {
    joined.extend(std::iter::repeat_n('>', depth));
    if (depth > 0 && !content.is_empty()) || content.starts_with('>') {
        joined.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::joined("one \ntwo \nthree\nfour\n", "one two three\nfour\n")]
    #[case::stuffed(" From here\n  two\n", "From here\n two\n")]
    #[case::no_quote(" > not quoted\n", " > not quoted\n")]
    #[case::quoted("> one \n> two\n>\n>> deep \n>> er\n", "> one two\n>\n>> deep er\n")]
    #[case::quoted_with_spaces("> > one \n> > two\n> three\n", ">> one two\n> three\n")]
    #[case::other_depth("> one \ntwo \n> three\n", "> one\ntwo\n> three\n")]
    #[case::signature("one \n-- \nAda \nLovelace\n", "one\n-- \nAda Lovelace\n")]
    #[case::quoted_signature("> one \n> -- \n> Ada\n", "> one\n> -- \n> Ada\n")]
    #[case::every_line_with_a_space("Hello, \n \none \n  \ntwo ", "Hello,\n\none\n\ntwo")]
    #[case::nothing("", "")]
    fn lines_are_joined_as_their_sender_had_them(#[case] text: &str, #[case] joined: &str) {
        assert_eq!(unflowed(text.to_owned(), false), joined);
    }

    #[test]
    fn languages_without_spaces_get_none() {
        assert_eq!(unflowed("日本 \n語です。\na  \nb\n".to_owned(), true), "日本語です。\na b\n");
    }

    /// A paragraph as a program sends it: broken after each so many words.
    fn flowed(line: &str, words: usize, delsp: bool) -> String {
        let depth = line.bytes().take_while(|byte| *byte == b'>').count();
        let (signs, content) = line.split_at(depth);
        let content = if depth > 0 { content.strip_prefix(' ').unwrap_or(content) } else { content };
        let pieces: Vec<&str> = content.split_inclusive(' ').collect();
        let pieces = pieces.chunks(words).map(<[&str]>::concat).collect::<Vec<_>>();
        let stuffed = |piece: &String| {
            let stuffing = if depth > 0 || piece.starts_with([' ', '>']) || piece.starts_with("From ") { " " } else { "" };
            let space = if delsp && piece.ends_with(' ') { " " } else { "" };
            format!("{signs}{stuffing}{piece}{space}")
        };
        if pieces.is_empty() { signs.to_owned() } else { pieces.iter().map(stuffed).collect::<Vec<_>>().join("\n") }
    }

    proptest! {
        #[test]
        fn what_was_broken_is_joined_again(lines in prop::collection::vec("(>{1,3} )?[a-zé]{1,8}( [a-z]{1,8}){0,12}|[a-z]{1,4}( [a-z>]{1,8}){0,12}|>{0,2}", 0..12), words in 1_usize..5, delsp in any::<bool>()) {
            let sent = lines.iter().map(|line| flowed(line, words, delsp)).collect::<Vec<_>>().join("\n");
            prop_assert_eq!(unflowed(sent, delsp), lines.join("\n"));
        }

        #[test]
        fn any_text_is_joined_once(text in "[> a\n-]{0,60}", delsp in any::<bool>()) {
            let joined = unflowed(text.clone(), delsp);
            let letters = |text: &str| text.matches('a').count();
            prop_assert_eq!(letters(&joined), letters(&text));
        }
    }
}
