//! What stands in a header: its fields, and in them text, addresses, parameters, ids and dates. Each
//! reader takes any bytes whatever, in time that grows with their number alone.

mod addresses;
mod date;
mod fields;
mod ids;
mod parameters;
mod pieces;
mod specification;
mod words;

pub(crate) use addresses::mailboxes;
pub(crate) use date::date;
pub(crate) use fields::{Fields, cut_line, start};
pub(crate) use ids::ids;
pub(crate) use parameters::Parameterised;

use crate::flags::{Flag, Flags};

/// A line of mail (RFC 5322, 2.1.1).
pub(crate) const LONGEST_LINE: usize = 998;
/// A text is cut to a line's length; it is read from no more than these bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// A free text such as a subject: decoded, on one line, without control characters.
pub(crate) fn text(value: &[u8], flags: &mut Flags) -> String {
    let mut line = one_line(&words::decoded(&value[..value.len().min(LONGEST_TEXT)], flags), usize::MAX);
    if value.len() > LONGEST_TEXT || line.len() > LONGEST_LINE {
        flags.note(Flag::CutHeader);
    }
    line.truncate(line.floor_char_boundary(LONGEST_LINE));
    line
}

/// The value as it stands, on one line.
pub(crate) fn raw(value: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(&value[..value.len().min(LONGEST_LINE)]), LONGEST_LINE)
}

/// Each run of white space one space, without other control characters, at most so many bytes.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    for word in text.split_whitespace() {
        let before = line.len();
        line.push_str(if line.is_empty() { "" } else { " " });
        let start = line.len();
        line.extend(word.chars().filter(|c| !c.is_control()).take(longest));
        if line.len() == start {
            line.truncate(before);
        }
        if line.len() > longest {
            line.truncate(line.floor_char_boundary(longest));
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_stays_on_one_line() {
        let flags = &mut Flags::default();
        assert_eq!(text(b" one\r\n two =?utf-8?q?three=0D=0ABcc:_x=00?=", flags), "one two three Bcc: x");
        assert_eq!(text(b" gr\xfc\xdfe", flags), "gr\u{fc}\u{df}e");
        assert!(!std::mem::take(flags).into_vec().contains(&Flag::CutHeader));
        assert_eq!(text("ä".repeat(5_000).as_bytes(), flags).len(), LONGEST_LINE);
        assert_eq!(std::mem::take(flags).into_vec(), [Flag::CutHeader], "nothing is cut in silence");
        assert_eq!(one_line(" a \u{1} \u{0} b\0c ", 99), "a bc");
    }
}
