//! What the person newly wrote: a mail's text without the mail that it answers.
//!
//! From top to bottom, the first thing that can only begin a quote ends the answer: our own line
//! ([`REPLY_MARKER`]), or one of Outlook's separators. Then, from the bottom up, lines that are
//! quoted, empty, or the introduction of what was cut are taken away. Each line is looked at a
//! bounded number of times.

mod mark;
mod marks;
mod own;

pub use mark::{Mark, MarkKind};
pub use own::{OWN_LINES, holds_own_line};

use marks::{FORWARDS, HEADERS, INTRODUCTION_STARTS, INTRODUCTION_VERBS, ORIGINALS};

/// Over so many lines our line and an introduction may be wrapped.
const WRAPPED: usize = 4;
/// A longer introduction is none.
const LONGEST_INTRODUCTION: usize = 1000;
/// Within so many lines after the first the rest of Outlook's header stands.
const HEADER_LINES: usize = 7;

/// A text without what is not new in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trimmed {
    /// What the person newly wrote.
    pub reply: String,
    /// The signature below it.
    pub signature: Option<String>,
}

/// Takes from a text what was quoted and the signature. `marks` say what the HTML's structure told
/// of it; a text that was no HTML has none.
#[must_use]
pub fn trim(text: &str, _marks: &[Mark]) -> Trimmed {
    Trimmed { reply: written_below(reply(text)), signature: None }
}

/// The part of `text` that the person newly wrote. A mail that is nothing but a quote, or that hands
/// another mail on, is given whole.
#[must_use]
pub fn reply(text: &str) -> &str {
    let kept = match find_end(text) {
        End::Quote(at) => without_tail(&text[..at], true),
        End::Forward => text,
        End::Text => without_tail(text, false),
    };
    if kept.trim().is_empty() { text.trim() } else { kept.trim() }
}

/// What stands between and below the quoted lines, when what was quoted is one of our notifications to
/// an agent; anything else is given whole, and so is a notification with nothing below it.
#[must_use]
pub fn written_below(reply: &str) -> String {
    if !holds_own_line(reply) {
        return reply.to_owned();
    }
    let is_quoted = |line: &&str| line.trim_start().starts_with('>');
    let lines: Vec<&str> = reply.lines().collect();
    let first = lines.iter().position(is_quoted).unwrap_or(lines.len());
    let introduction = lines[..first].iter().rposition(|line| !line.trim().is_empty()).filter(|at| lines[*at].trim_end().ends_with(':'));
    let above = &lines[..introduction.unwrap_or(first)];
    let below = lines[first..].iter().copied().filter(|line| !is_quoted(line));
    let written = above.iter().copied().chain(below).collect::<Vec<_>>().join("\n").trim().to_owned();
    if written.is_empty() || holds_own_line(&written) { reply.to_owned() } else { written }
}

/// What ends an answer.
enum End {
    /// A quote begins here.
    Quote(usize),
    /// Another mail is handed on.
    Forward,
    /// Nothing but the end of the text.
    Text,
}

fn find_end(text: &str) -> End {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let rest = &text[at..];
        if begins_with_marker(rest) || is_original(line) || begins_with_header(rest) {
            return End::Quote(at);
        }
        if is_forward(line) {
            return End::Forward;
        }
        at += line.len();
    }
    End::Text
}

/// Whether our line begins here, however it is quoted, wrapped or encoded.
fn begins_with_marker(rest: &str) -> bool {
    let mut expected = letters(OWN_LINES[0]);
    let Some(mut next) = expected.next() else { return false };
    for c in rest.split_inclusive('\n').take(WRAPPED).flat_map(letters) {
        if c != next {
            return false;
        }
        match expected.next() {
            Some(c) => next = c,
            None => return true,
        }
    }
    false
}

/// The letters and digits of a text in lower case, without those that a dash becomes when it is read
/// in the wrong charset.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric() && !matches!(c, 'â' | 'Â' | 'Ã')).flat_map(char::to_lowercase)
}

fn is_one_of(line: &str, marks: &[&str]) -> bool {
    marks.iter().any(|mark| letters(line).eq(mark.chars()))
}

fn is_original(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("--") && line.ends_with("--") && is_one_of(line, &ORIGINALS)
}

fn is_forward(line: &str) -> bool {
    let line = line.trim();
    (line.starts_with("--") || line.ends_with(':')) && is_one_of(line, &FORWARDS)
}

/// Whether Outlook's header of the answered mail begins here.
fn begins_with_header(rest: &str) -> bool {
    let mut lines = rest.lines();
    let Some(first) = lines.next().and_then(label) else { return false };
    let following: Vec<String> =
        lines.take(HEADER_LINES).map_while(|line| if line.trim().is_empty() { None } else { Some(label(line)) }).flatten().collect();
    HEADERS.iter().any(|(from, labels)| first == *from && following.iter().filter(|label| labels.contains(&label.as_str())).count() >= 2)
}

/// What stands before the colon of a line, if it could be the label of a header field.
fn label(line: &str) -> Option<String> {
    let (label, _) = line.get(..line.floor_char_boundary(40))?.split_once(':')?;
    Some(label.trim_matches(['*', ' ', '\t', '\u{a0}']).to_lowercase())
}

/// `text` without the quoted lines at its end, and what introduces them. `cut` says that a quote was
/// cut right behind it.
fn without_tail(text: &str, mut cut: bool) -> &str {
    let mut text = text;
    loop {
        let kept = text.trim_end();
        let (start, line) = last_line(kept);
        if line.trim_start().starts_with('>') {
            cut = true;
            text = &kept[..start];
        } else if cut && is_rule(line) {
            text = &kept[..start];
        } else if let Some(start) = introduction(kept).filter(|_| cut) {
            text = &kept[..start];
        } else {
            return kept;
        }
    }
}

fn last_line(text: &str) -> (usize, &str) {
    let start = text.rfind('\n').map_or(0, |end| end + 1);
    (start, &text[start..])
}

/// The line that Outlook draws above what is answered.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.chars().all(|c| c == '_')
}

/// Where the introduction of a quote begins, if `text` ends with one: a last line that ends with a
/// colon, and somebody who wrote.
fn introduction(text: &str) -> Option<usize> {
    if !text.ends_with([':', '：', '*']) {
        return None;
    }
    let mut start = text.len();
    for _ in 0..WRAPPED {
        let (line_start, line) = last_line(text[..start].strip_suffix('\n').unwrap_or(&text[..start]));
        if line.trim().is_empty() || text.len() - line_start > LONGEST_INTRODUCTION {
            break;
        }
        start = line_start;
        let whole = &text[start..];
        if INTRODUCTION_STARTS.iter().any(|word| line.trim_start().starts_with(word)) && says_who_wrote(whole) {
            return Some(start);
        }
        if start == 0 {
            break;
        }
    }
    let (start, line) = last_line(text);
    (line.len() <= LONGEST_INTRODUCTION && says_who_wrote(line)).then_some(start)
}

/// Whether a text names the act of writing, or an address together with a date.
fn says_who_wrote(text: &str) -> bool {
    let lower = text.to_lowercase();
    let dated = lower.contains('@') && lower.contains(|c: char| c.is_ascii_digit());
    dated || INTRODUCTION_VERBS.iter().any(|verb| lower.contains(verb))
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn our_line_ends_the_answer_however_it_comes_back() {
        for quote in [
            "— Write your answer above this line —\nold",
            "> — Write your answer above this line —\n> old",
            ">> - Write your answer\n>> above this line -\nold",
            "â€” Write your answer above this line â€”\nold",
            "?? write your answer above this LINE ??\nold",
            "| — Write your answer above this line — Ticket 4\nold",
            "On Mon, 2 Mar 2026 at 10:00, Acme Support <s@example.org> wrote:\n\n> — Write your answer above this line —\n>\n> old",
            "On Mon, 2 Mar 2026 at 10:00, Acme Support\n<support+abcdefghijklmnopqrstuvwxyz2345@example.org>\nwrote:\n\
             > — Write your answer above this line —\n> old",
            "Am 02.03.26 um 10:00 schrieb Acme Support:\n> — Write your answer above this line —",
            "Le lun. 2 mars 2026 à 10:00, Acme a écrit :\n\n> — Write your answer above this line —",
            "-----Original Message-----\nFrom: Acme\nSent: Monday\n\n— Write your answer above this line —\nold",
            "________________________________\nFrom: Acme <s@example.org>\nSent: Monday\nTo: Ada\nSubject: Re: x\n\n\
             — Write your answer above this line —\nold",
        ] {
            let text = format!("Thank you!\n\nIt works.\n\n{quote}");
            assert_eq!(reply(&text), "Thank you!\n\nIt works.", "{quote}");
        }
    }

    #[test]
    fn quotes_without_our_line_are_cut_at_the_end_only() {
        assert_eq!(reply("New.\n\nOn Monday, Ada wrote:\n> old\n> > older\n\n> old again\n"), "New.");
        assert_eq!(reply("New.\n\n-----Ursprüngliche Nachricht-----\nVon: Ada\nold"), "New.");
        assert_eq!(reply("New.\n\n*Von:* Ada\n*Gesendet:* heute\n*An:* Bob\n\nold"), "New.");
        assert_eq!(
            reply("2026-03-02 10:00 GMT+01:00 Ada <ada@example.org>:\n> old\n\nNew below.\n"),
            "2026-03-02 10:00 GMT+01:00 Ada <ada@example.org>:\n> old\n\nNew below."
        );
        assert_eq!(
            reply("> old question\nNew answer.\n> second question\nSecond answer."),
            "> old question\nNew answer.\n> second question\nSecond answer."
        );
    }

    #[test]
    fn what_only_looks_like_a_quote_is_kept() {
        for text in [
            "He wrote:\nthat it works.",
            "Please write your answer above this line of the form.",
            "From: Berlin\nTo the coast it takes a day.",
            "From: A\nis not enough: B",
            "--\nAda\nOriginal Message Ltd.",
            "FYI\n\n---------- Forwarded message ---------\nFrom: Bob <bob@example.org>\nDate: Mon\nSubject: x\nTo: Ada\n\n> theirs",
        ] {
            assert_eq!(reply(text), text);
        }
    }

    #[test]
    fn a_mail_that_is_nothing_but_a_quote_is_not_emptied() {
        for text in ["> all\n> of it", "On Monday, Ada wrote:\n> all of it", "— Write your answer above this line —\nbelow it"] {
            assert_eq!(reply(text), text);
        }
        assert_eq!(reply(""), "");
    }

    /// What texts are put together from.
    const LINES: [&str; 22] = [
        "",
        " ",
        "New text.",
        "> quoted",
        ">",
        "On Monday,",
        "On Monday, Ada wrote:",
        "Ada <ada@example.org>",
        "wrote:",
        "_____________",
        "-----Original Message-----",
        "From: Ada",
        "Sent: Monday",
        "To: Bob",
        "Subject: x",
        "---------- Forwarded message ---------",
        "— Write your answer above this line —",
        "> — Write your answer",
        "> above this line —",
        "  indented",
        "1@2:",
        "Am 2. schrieb Bob:",
    ];

    proptest! {
        #[test]
        fn trimming_twice_is_trimming_once(lines in prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..16)) {
            let text = lines.join("\n");
            let once = reply(&text);
            prop_assert_eq!(reply(once), once);
            prop_assert_eq!(once.is_empty(), text.trim().is_empty());
        }
    }
}
