//! A text in pieces that a channel takes.

/// The longest text of a WhatsApp message, in characters
/// (<https://developers.facebook.com/docs/whatsapp/cloud-api/messages/text-messages>), and how many messages a text may become.
pub(crate) const WHATSAPP: (usize, usize) = (4096, 10);
/// The longest short message, in characters over all of its segments (<https://www.twilio.com/docs/api/errors/21617>), and how many a
/// text may become.
pub(crate) const SMS: (usize, usize) = (1600, 4);

/// Cuts a text into messages of a channel, each no longer and no more than it says.
pub(crate) fn messages(text: &str, (longest, most): (usize, usize)) -> (Vec<String>, bool) {
    pieces(text, most, |piece| piece.chars().count() <= longest)
}

/// Cuts a text into pieces for each of which `fits` holds, between words where there are any. `most` pieces at most: the last one
/// then ends with `…`. Says whether something was left out.
pub(super) fn pieces(text: &str, most: usize, fits: impl Fn(&str) -> bool) -> (Vec<String>, bool) {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if fits(rest) {
            pieces.push(rest.to_owned());
            return (pieces, false);
        }
        if pieces.len() + 1 == most {
            let shortened = |end: usize| format!("{}…", rest[..end].trim_end());
            let end = longest(rest, |end| fits(&shortened(end)));
            pieces.push(shortened(end));
            return (pieces, true);
        }
        // Never nothing, so that it ends.
        let end = longest(rest, |end| fits(rest[..end].trim_end())).max(rest.chars().next().map_or(1, char::len_utf8));
        pieces.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    (pieces, false)
}

/// The end of the longest beginning that fits: at the end of a word, or within one that is longer than all.
fn longest(text: &str, fits: impl Fn(usize) -> bool) -> usize {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let count = ends.partition_point(|end| fits(*end));
    let end = ends.get(count.saturating_sub(1)).copied().unwrap_or_default();
    if text[end..].starts_with(char::is_whitespace) {
        return end;
    }
    text[..end].rfind(char::is_whitespace).filter(|at| !text[..*at].trim().is_empty()).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, most: usize, longest: usize) -> (Vec<String>, bool) {
        pieces(text, most, |piece| piece.chars().count() <= longest)
    }

    #[test]
    fn a_text_is_cut_between_words_and_loses_none() {
        assert_eq!(cut("one two three", 9, 20), (vec!["one two three".to_owned()], false));
        assert_eq!(cut("one two three", 9, 7).0, ["one two", "three"]);
        assert_eq!(cut("one two three", 9, 8).0, ["one two", "three"]);
        assert_eq!(cut("one two three", 9, 6).0, ["one", "two", "three"]);
        assert_eq!(cut("äöüäöü", 9, 4).0, ["äöüä", "öü"], "a word that is longer than all is cut");
        assert_eq!(cut("  ", 9, 4), (Vec::new(), false));
    }

    #[test]
    fn a_text_that_takes_too_many_pieces_ends_with_a_mark() {
        assert_eq!(cut("one two three four", 2, 7), (vec!["one two".to_owned(), "three…".to_owned()], true));
        assert_eq!(cut("one two", 1, 5), (vec!["one…".to_owned()], true));
    }
}
