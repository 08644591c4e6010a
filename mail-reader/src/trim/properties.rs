//! What holds of every text, tried on mixtures of all that mail programs write.

use proptest::prelude::*;

use super::lines::is_blank;
use super::marks::introductions::{INTRODUCTIONS, QUOTING};
use super::marks::labels::LABELS;
use super::marks::separators::SEPARATORS;
use super::marks::signatures::{APPS, CLOSINGS, NOTICES};
use super::{Mark, MarkKind, reply, trim};

/// Lines that no table has, and pieces of such.
const LINES: [&str; 56] = [
    "",
    "",
    " ",
    "New text.",
    "New text, of which there is more.",
    "I ran:",
    "> quoted",
    "> > older",
    ">",
    "> -- ",
    "> From: Ada",
    "On Monday,",
    "On Monday, Ada wrote:",
    "On Mon, Mar 2, 2026 at 10:00 AM Ada <ada@example.org> wrote:",
    "On Mon, Mar 2, 2026 at 10:00 AM Ada <",
    "> On Mon, Mar 2, 2026 at 10:00 AM Ada <ada@example.org> wrote:",
    "On Mon, Mar 2, 2026 at 10:00 AM Ada <ada@example.org> wrote: > x",
    "Ada <ada@example.org>",
    "Ada Lovelace:",
    "Ada Lovelace",
    "wrote:",
    "2026-03-02 10:00 GMT+01:00 Ada <ada@example.org>:",
    "_____________",
    "-----",
    "---",
    "-- ",
    "--",
    "—",
    "-- Ada",
    "-Ada",
    "-----Original Message-----",
    "From: Ada",
    "From: Ada <ada@example.org>",
    "Sent: Monday",
    "To: Bob",
    "Subject: x",
    "---------- Forwarded message ---------",
    "----- Forwarded by Bob/Acme -----",
    "Begin forwarded message:",
    "— Write your answer above this line —",
    "> — Write your answer",
    "> above this line —",
    "  indented",
    "1@2:",
    "Am 2. schrieb Bob:",
    "Sent from my iPhone",
    "Get Outlook for iOS<https://aka.ms/x>",
    "Best regards,",
    "Tel. +44 20 7946 0000",
    "https://example.org",
    "This e-mail and any attachments are confidential.",
    "Users mailing list",
    "Ada/Acme 02.03.2026 10:00",
    "To\tBob",
    "Subject\tx",
    "\u{200f}:",
];

fn line() -> impl Strategy<Value = String> {
    let introductions = prop::sample::select(INTRODUCTIONS.iter().flat_map(|one| one.verbs.iter().copied()).collect::<Vec<_>>());
    let starts = prop::sample::select(INTRODUCTIONS.iter().flat_map(|one| one.starts.iter().copied()).collect::<Vec<_>>());
    let labels = LABELS.iter().flat_map(|one| [one.from, one.sent, one.to, one.subject]).flat_map(|words| words.iter().copied());
    let separators = SEPARATORS.iter().flat_map(|one| one.originals.iter().chain(one.forwards)).copied();
    prop_oneof![
        8 => prop::sample::select(LINES.to_vec()).prop_map(str::to_owned),
        1 => (starts, introductions).prop_map(|(start, verb)| format!("{start}02.03.2026 10:00 Ada <ada@example.org> {verb}:")),
        1 => prop::sample::select(QUOTING.to_vec()).prop_map(|quoting| format!("{quoting}Ada:")),
        2 => prop::sample::select(labels.collect::<Vec<_>>()).prop_map(|label| format!("{label}: Ada <ada@example.org>")),
        1 => prop::sample::select(separators.collect::<Vec<_>>()).prop_map(|words| format!("----- {words} -----")),
        1 => prop::sample::select(APPS.to_vec()).prop_map(|(start, then)| format!("{start}iPhone {then}")),
        1 => prop::sample::select(CLOSINGS.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(NOTICES.to_vec()).prop_map(|notice| format!("{notice} is confidential")),
        1 => "\\PC{0,20}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 0..24).prop_map(|lines| lines.join("\n"))
}

/// Whether the lines of one text are among those of another, in their order.
fn is_within(lines: &str, whole: &str) -> bool {
    let mut whole = whole.lines().map(str::trim);
    lines.lines().map(str::trim).filter(|line| !line.is_empty()).all(|line| whole.any(|other| other == line))
}

#[test]
fn a_signature_that_is_kept_with_all_else_is_not_told_beside_it() {
    for text in ["_____________\n> quoted\nThis e-mail is confidential\n", "_____________\n> quoted\nThis e-mail is confidential"] {
        let trimmed = trim(text, &[]);
        assert_eq!((&*trimmed.reply, trimmed.signature), (text.trim(), None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn trimming_twice_is_trimming_once(text in text()) {
        let once = trim(&text, &[]);
        prop_assert_eq!(reply(&once.reply), once.reply.clone());
        prop_assert!(is_within(&once.reply, &text), "{:?}", once.reply);
        prop_assert!(once.signature.is_none_or(|signature| is_within(&signature, &text) && !signature.trim().is_empty()));
    }

    #[test]
    fn a_reply_is_blank_only_if_the_text_is(text in text()) {
        prop_assert_eq!(reply(&text).trim().is_empty(), text.trim().is_empty());
        prop_assert_eq!(is_blank(&reply(&text)), is_blank(&text));
    }

    #[test]
    fn marks_anywhere_are_taken(text in text(), marks in prop::collection::vec((any::<prop::sample::Index>(), 0..400_usize, 0..4_u8), 0..8)) {
        let marks: Vec<Mark> = marks.into_iter().map(|(start, len, kind)| {
            let start = start.index(text.len() + 1);
            let kind = [MarkKind::Quote, MarkKind::Introduction, MarkKind::Signature, MarkKind::Forward][usize::from(kind)];
            Mark { range: start..start + len, kind }
        }).collect();
        let trimmed = trim(&text, &marks);
        prop_assert!(is_within(&trimmed.reply, &text));
        prop_assert_eq!(trimmed.reply.is_empty(), text.trim().is_empty());
    }

    #[test]
    fn any_text_can_be_trimmed(text in "\\PC{0,200}") {
        prop_assert_eq!(reply(&reply(&text)), reply(&text));
    }
}
