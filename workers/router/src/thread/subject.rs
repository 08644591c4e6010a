//! Subjects: whether one is another than a ticket's, and which tickets it names. Pure.
//!
//! The words for an answer and for what is handed on are of Wikipedia, "List of email subject
//! abbreviations"; the words for a ticket are those of the locales that mail is written in.

/// What mail programs put before the subject of an answer or of what is handed on, in lower case. Those
/// that are followed by a number in brackets (`Re[2]:`) or one without (`Re2:`) are known as well.
const PREFIXES: [&str; 61] = [
    // An answer: English and most others, German, Danish and Norwegian, Swedish, Finnish, Dutch, French, Italian, Spanish,
    // Portuguese, Polish, Czech and Slovak, Hungarian, Icelandic, Welsh, Estonian, Turkish, Indonesian, Greek, Hebrew,
    // Arabic, Chinese, Japanese, Korean, Vietnamese, Romanian, Russian and Ukrainian.
    "re",
    "ri",
    "ref",
    "rif",
    "r",
    "aw",
    "antw",
    "antwort",
    "sv",
    "vs",
    "res",
    "resp",
    "odp",
    "odpověď",
    "vá",
    "válasz",
    "svar",
    "atb",
    "vast",
    "ynt",
    "yan",
    "bls",
    "bs",
    "απ",
    "σχετ",
    "השב",
    "תשובה",
    "رد",
    "回复",
    "回覆",
    "答复",
    "返信",
    "회신",
    "tl",
    "răsp",
    "отв",
    "відп",
    // What is handed on.
    "fw",
    "fwd",
    "wg",
    "rv",
    "renv",
    "vl",
    "tr",
    "tov",
    "továbbítás",
    "trs",
    "fs",
    "i",
    "inol",
    "doorst",
    "pd",
    "enc",
    "vb",
    "ilt",
    "πρθ",
    "הועבר",
    "转发",
    "轉寄",
    "転送",
    "전달",
];

/// The words before `#12` that make it a ticket's number, in lower case: in English, German, Dutch,
/// Swedish, Danish and Norwegian; Portuguese and Spanish; French; Italian; Polish.
const TICKET_WORDS: [&str; 14] = [
    "ticket",
    "tickets",
    "ticketnummer",
    "case",
    "ärende",
    "sag",
    "sak",
    "chamado",
    "pedido",
    "caso",
    "incidencia",
    "demande",
    "richiesta",
    "zgłoszenie",
];

/// The longest title of a ticket, in characters: of a longer subject it is the beginning.
pub const LONGEST_TITLE: usize = 250;
/// At most so many numbers of a subject are looked up.
const MOST_NUMBERS: usize = 3;

/// How a subject compares with a ticket's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the same, but for what mail programs, lists and we add.
    Same,
    /// There is none on one side.
    Nothing,
    /// It is another.
    Other,
}

/// Compares a subject with a ticket's.
#[must_use]
pub fn compare(subject: &str, ticket: &str) -> Comparison {
    let (one, other) = (bare(subject), bare(ticket));
    if one.is_empty() || other.is_empty() {
        Comparison::Nothing
    } else if holds(&one, &other) || holds(&other, &one) || is_cut(ticket) && one.starts_with(&other) {
        Comparison::Same
    } else {
        Comparison::Other
    }
}

/// Whether it may be the beginning of a longer subject, which ends anywhere.
fn is_cut(ticket: &str) -> bool {
    ticket.chars().count() >= LONGEST_TITLE
}

/// A subject without what was added to it, in lower case, with single spaces.
fn bare(subject: &str) -> String {
    let lower = subject.to_lowercase();
    let mut rest = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    loop {
        let shorter = without_tag(without_prefix(&rest)).trim().to_owned();
        if shorter == rest {
            break;
        }
        rest = shorter;
    }
    // "(no subject)" is what a ticket without one is called.
    if rest == "(no subject)" { String::new() } else { rest }
}

/// Without one `re:` at the beginning.
fn without_prefix(text: &str) -> &str {
    let Some(colon) = text.find([':', '：']) else { return text };
    let (before, after) = text.split_at(colon);
    let word = before.trim_end();
    let word = word.strip_suffix([']', ')']).and_then(|inner| inner.rsplit_once(['[', '('])).map_or(word, |(word, _)| word);
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '^').trim_end().trim_end_matches('.');
    let rest = after.trim_start_matches([':', '：']);
    if PREFIXES.contains(&word) { rest.trim_start() } else { text }
}

/// Without one `[tag]` at the beginning or the end, a ticket's number among them.
fn without_tag(text: &str) -> &str {
    if let Some((_, rest)) = text.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return rest;
    }
    match text.strip_suffix(']').and_then(|inner| inner.rsplit_once('[')) {
        Some((rest, _)) => rest,
        None => text,
    }
}

/// Whether a text holds another as whole words. Scripts without upper and lower case mostly write
/// their words without spaces between them.
fn holds(text: &str, part: &str) -> bool {
    let within_word = |c: Option<char>| c.is_some_and(|c| c.is_lowercase() || c.is_numeric());
    text.match_indices(part).any(|(at, _)| {
        let (first, last) = (part.chars().next(), part.chars().next_back());
        let (before, after) = (text[..at].chars().next_back(), text[at + part.len()..].chars().next());
        !(within_word(before) && within_word(first) || within_word(last) && within_word(after))
    })
}

/// The ticket numbers that a subject names, as we write them (`[#12]`) or as people do (`Ticket#12`,
/// `ticket no. #12`), each once.
#[must_use]
pub fn numbers(subject: &str) -> Vec<i64> {
    let lower = subject.to_lowercase();
    let mut found = Vec::new();
    for (at, _) in lower.match_indices('#') {
        let digits: String = lower[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        let (before, after) = (&lower[..at], &lower[at + 1 + digits.len()..]);
        let bracketed = before.ends_with('[') && after.starts_with(']');
        let word = before.trim_end_matches([' ', ':', '-', '.', '(', '[']).trim_end_matches(" no").trim_end_matches(" nr");
        let word = word.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        let number = digits.parse::<i64>().ok().filter(|number| *number > 0 && digits.len() <= 12);
        if let Some(number) = number.filter(|number| (bracketed || TICKET_WORDS.contains(&word)) && !found.contains(number)) {
            found.push(number);
            if found.len() == MOST_NUMBERS {
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_subject_of_what_it_answers() {
        for (subject, ticket) in [
            ("The printer is on fire", "The printer is on fire"),
            ("Re: The printer is on fire", "The printer is on fire"),
            ("RE: Re: AW: WG: the  PRINTER is on fire", "The printer is on fire"),
            ("Re[2]: The printer is on fire", "The printer is on fire"),
            ("Re(3): The printer is on fire", "The printer is on fire"),
            ("RE : The printer is on fire", "The printer is on fire"),
            ("Re: The printer is on fire [#1042]", "The printer is on fire"),
            ("[#1042] Re: [EXT] The printer is on fire", "[EXTERNAL] The printer is on fire"),
            ("Antw: [list-name] The printer is on fire", "The printer is on fire"),
            ("SV: VS: Res: Odp: Vá: YNT: The printer is on fire", "Fwd: The printer is on fire"),
            ("回复：打印机着火了", "打印机着火了"),
            ("Re: 打印机着火了，请帮忙", "打印机着火了"),
            ("ΑΠ: Εκτυπωτής", "Εκτυπωτής"),
            ("תשובה: מדפסת", "מדפסת"),
            ("Re: The printer is on fire - still", "The printer is on fire"),
            ("Invoice 42", "Re: Invoice 42 of May"),
        ] {
            assert_eq!(compare(subject, ticket), Comparison::Same, "{subject} / {ticket}");
        }
    }

    #[test]
    fn another_matter_has_another_subject() {
        for (subject, ticket) in [
            ("Re: My invoice", "The printer is on fire"),
            ("Invoice 43", "Invoice 42"),
            ("Invoice 4", "Invoice 42"),
            ("Druckerpatronen", "Drucker"),
            ("Project: the printer", "Project: the scanner"),
            ("打印机着火了", "我的发票"),
        ] {
            assert_eq!(compare(subject, ticket), Comparison::Other, "{subject} / {ticket}");
        }
    }

    #[test]
    fn no_subject_is_no_new_subject() {
        for (subject, ticket) in
            [("", "The printer"), ("Re:", "The printer"), (" Fwd: [#1042] ", "The printer"), ("Invoice", "(no subject)")]
        {
            assert_eq!(compare(subject, ticket), Comparison::Nothing, "{subject} / {ticket}");
        }
    }

    #[test]
    fn a_number_counts_where_it_is_a_tickets() {
        for (subject, expected) in [
            ("Re: The printer is on fire [#1042]", vec![1042]),
            ("[#7] and [#8] and [#7]", vec![7, 8]),
            ("Ticket#12", vec![12]),
            ("ticket #12: more", vec![12]),
            ("Ihr Ticket Nr. #12", vec![12]),
            ("Chamado #5", vec![5]),
            ("we are #1", vec![]),
            ("#12", vec![]),
            ("ticket 12", vec![]),
            ("[#]", vec![]),
            ("[#0]", vec![]),
            ("[#99999999999999999999]", vec![]),
            ("[#1][#2][#3][#4][#5]", vec![1, 2, 3]),
            ("", vec![]),
        ] {
            assert_eq!(numbers(subject), expected, "{subject}");
        }
    }
}
