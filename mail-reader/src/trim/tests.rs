//! Trimming by example.

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
    assert_eq!(reply("2026-03-02 10:00 GMT+01:00 Ada <ada@example.org>:\n> old\n\nNew below.\n"), "New below.");
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
    let text = "_____\nSent from my iPhone\n> Is it there?\nEnvoyé de mon iPhone";
    assert_eq!(trim(text, &[]), Trimmed { reply: text.into(), signature: None });
}

#[test]
fn a_quote_above_the_answer_is_taken_away_when_it_is_the_mail_that_is_answered() {
    let introduction = "On Mon, Mar 2, 2026 at 10:00 AM Ada <ada@example.org> wrote:";
    for (text, expected) in [
        (format!("{introduction}\n> Is it there?\n\nYes."), "Yes."),
        (format!("{introduction}\n> Is it there?\n\nYes.\n\n-- \nBob"), "Yes."),
        ("> Is it there?\n> Ada\nYes.".to_owned(), "Yes."),
        (format!("Hello Ada,\n\n{introduction}\n> Is it there?\n> Ada\n\nYes.\n\nBob"), "Hello Ada,\n\nYes.\n\nBob"),
        (format!("{introduction}\n> Is it there?\n\nYes.\n\n> older\n> oldest"), "Yes."),
    ] {
        assert_eq!(reply(&text), expected, "{text}");
    }
}

#[test]
fn answers_between_quotes_are_kept_with_what_they_answer() {
    let introduction = "Am 02.03.2026 um 10:00 schrieb Ada:";
    let kept = format!("Hello Ada,\n\n{introduction}\n> Is it there?\n\nYes.\n\n> > Is it red?\n> I hope so.\n\nNo.");
    for below in ["", "\n\n> Ada\n>\n> --\n> Acme\n", "\n\n-- \nBob", "\n\n> Ada\n\n-- \nBob"] {
        assert_eq!(reply(&format!("{kept}{below}")), kept, "{below}");
    }
    assert_eq!(trim(&format!("{kept}\n\n> Ada\n\n-- \nBob"), &[]).signature.as_deref(), Some("Bob"));
}

#[test]
fn what_the_html_tells_is_believed() {
    let text = "Yes.\n\nAda asks\nIs it there?\n\nBob\nAcme";
    let mark = |part: &str, kind| {
        let start = text.find(part).expect("it is there");
        Mark { range: start..start + part.len() + 1, kind }
    };
    let marks = [mark("Is it there?", MarkKind::Quote), mark("Ada asks", MarkKind::Introduction), mark("Bob\nAcme", MarkKind::Signature)];
    assert_eq!(trim(text, &marks), Trimmed { reply: "Yes.".into(), signature: Some("Bob\nAcme".to_owned()) });
    let forward = [mark("Ada asks", MarkKind::Forward), mark("Is it there?", MarkKind::Quote)];
    assert_eq!(trim(text, &forward), Trimmed { reply: text.into(), signature: None });
    assert_eq!(trim(text, &[]), Trimmed { reply: text.into(), signature: None });
}

#[test]
fn the_html_is_asked_where_the_text_shows_no_quote() {
    let text = "Yes. Ada asks Is it there?";
    let (laid, end) = ("Yes.\n\nAda asks\nIs it there?", "Yes.\n\nAda asks\nIs it there?".len());
    let marks = [Mark { range: 6..15, kind: MarkKind::Introduction }, Mark { range: 15..end, kind: MarkKind::Quote }];
    assert_eq!(best("", text, &[], Some((laid, &marks))).reply, "Yes.");
    assert_eq!(best("", text, &[], Some((laid, &[]))).reply, text);
    assert_eq!(best("", "Yes, it is!\n\n> Is it there?", &[], Some((laid, &marks))).reply, "Yes, it is!");
    assert_eq!(best("", text, &[], None).reply, text);
}

#[test]
fn quotes_above_do_not_make_those_below_take_longer() {
    let introduction = "On Mon, 2 Mar 2026 at 10:00, Ada <ada@example.org> wrote:\n> x\n";
    let text = format!("{}own\n{}", ">\n".repeat(1_000_000), introduction.repeat(20_000));
    let begun = std::time::Instant::now();
    assert!(reply(&text).ends_with("own"));
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}
