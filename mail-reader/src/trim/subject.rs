//! Whether a subject says that another mail is handed on.

use super::lines::folded;
use super::marks::subjects::HANDED_ON;

/// No program puts more letters before a subject.
const LONGEST_PREFIX: usize = 40;

/// Whether a subject begins with "FW:" or the like. What begins with "Re: FW:" is an answer.
pub(super) fn hands_on(subject: &str) -> bool {
    let begin = &subject[..subject.floor_char_boundary(LONGEST_PREFIX)];
    begin
        .split_once([':', '：'])
        .and_then(|(prefix, _)| folded(prefix))
        .is_some_and(|prefix| HANDED_ON.iter().any(|(_, known)| known.contains(&prefix.as_str())))
}

#[cfg(test)]
mod tests {
    use super::super::best;

    #[test]
    fn what_is_handed_on_with_the_header_of_an_answer_is_kept() {
        for header in [
            "From: Bob <bob@example.org>\nSent: Monday, March 2, 2026 5:00 PM\nTo: Ada <ada@example.org>\nSubject: Parcel",
            "-----Original Message-----\nFrom: Bob <bob@example.org>\nDate: 02.03.2026 10:00\nSubject: Parcel",
            "-------- Original message --------\nFrom: Bob",
        ] {
            let text = format!("For you.\n\n{header}\n\nIs it there?\n> no");
            for subject in ["FW: Parcel", "Fwd: Parcel", "WG: Parcel", "TR : Parcel", "I: Parcel", "转发：Parcel", "İLT: Parcel"] {
                assert_eq!(best(subject, &text, &[], None).reply, text, "{subject}");
            }
            for subject in ["Re: FW: Parcel", "AW: WG: Parcel", "Fw", "", "Parcel i: two"] {
                assert_eq!(best(subject, &text, &[], None).reply, "For you.", "{subject}");
            }
        }
    }

    #[test]
    fn a_quote_below_an_introduction_is_none_that_is_handed_on() {
        let text = "Thank you!\n\nOn Mon, Mar 2, 2026 at 10:00 AM Bob <bob@example.org> wrote:\n> Is it there?";
        assert_eq!(best("Fwd: Parcel", text, &[], None).reply, "Thank you!");
    }
}
