//! The part of a report that programs read: groups of fields, the first about the mail, each other
//! about one recipient (RFC 3464, 2.1).

use std::borrow::Cow;

use super::{FailedRecipient, Leaf};
use crate::decode;
use crate::flags::Flags;
use crate::header::{self, cut_line};
use crate::mailbox::address;

/// More recipients than any mail of a desk has.
pub(super) const MOST_RECIPIENTS: usize = 1000;
/// So much of a report is read.
const LARGEST: usize = 1024 * 1024;
const LONGEST_DIAGNOSTIC: usize = 500;
const LONGEST_RECIPIENT: usize = 320;

/// The fields that say something; of all others it matters only that they are there.
const FIELDS: [&str; 5] = ["original-recipient", "final-recipient", "action", "status", "diagnostic-code"];

/// A field's name, in lower case, or nothing for one that says nothing, and its value, unfolded.
type Field<'a> = (String, Cow<'a, [u8]>);

/// What the first report among the leaves says of each recipient; `None` when there is no report.
/// Within a multipart/report some systems call it plain text, or nothing that is known.
pub(super) fn read(leaves: &[Leaf<'_, '_>]) -> Option<Vec<FailedRecipient>> {
    let is_report = |leaf: &&Leaf| ["delivery-status", "global-delivery-status"].iter().any(|kind| leaf.part.media.is("message", kind));
    let could_be = |leaf: &&Leaf| leaf.in_report && (leaf.part.media.is("text", "plain") || leaf.part.media.kind == "application");
    let labelled = leaves.iter().filter(is_report).map(|leaf| recipients(leaf, false));
    let others = leaves.iter().filter(could_be).map(|leaf| recipients(leaf, true));
    labelled.chain(others).find(|found| !found.is_empty())
}

/// The recipients that a leaf names. One that is not labelled as a report must say what became of
/// them, too.
fn recipients(leaf: &Leaf<'_, '_>, is_doubtful: bool) -> Vec<FailedRecipient> {
    let body = decode::transfer(&leaf.part.encoding, leaf.body, &mut Flags::default());
    let groups = joined(fields(&body[..body.len().min(LARGEST)]));
    let found = groups.iter().filter_map(|group| recipient(group)).filter(|found| !is_doubtful || found.action.is_some());
    found.take(MOST_RECIPIENTS).collect()
}

/// The fields, in groups: an empty line ends one, and so does a field that begins another recipient
/// where the empty line is missing.
fn fields(body: &[u8]) -> Vec<Vec<Field<'_>>> {
    let mut groups: Vec<Vec<Field>> = vec![Vec::new()];
    let mut rest = body;
    // Two that are torn make one.
    while !rest.is_empty() && groups.len() <= 2 * MOST_RECIPIENTS {
        let (line, after) = cut_line(rest);
        rest = after;
        let Some(group) = groups.last_mut() else { break };
        if line.trim_ascii().is_empty() {
            if !group.is_empty() {
                groups.push(Vec::new());
            }
        } else if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = group.last_mut() {
                value.to_mut().extend_from_slice(line);
            }
        } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let name = String::from_utf8_lossy(line[..colon].trim_ascii()).to_ascii_lowercase();
            let value = Cow::Borrowed(&line[colon + 1..]);
            let is_there = group.iter().any(|(other, _)| *other == name);
            if is_there && names_recipient(&name) {
                groups.push(vec![(name, value)]);
            } else if !is_there && FIELDS.contains(&name.as_str()) {
                group.push((name, value));
            } else if let Some((_, last)) = group.last_mut().filter(|(last, _)| last.is_empty()) {
                *last = value;
            } else {
                group.push((String::new(), value));
            }
        }
    }
    groups
}

fn names_recipient(name: &str) -> bool {
    ["original-recipient", "final-recipient"].contains(&name)
}

/// Groups that an empty line too many has torn: one that names a recipient and nothing else, and
/// the next without one.
fn joined(groups: Vec<Vec<Field<'_>>>) -> Vec<Vec<Field<'_>>> {
    let mut whole: Vec<Vec<Field>> = Vec::new();
    for group in groups {
        let names_one = group.iter().any(|(name, _)| names_recipient(name));
        let is_torn = |last: &Vec<Field>| !last.is_empty() && last.iter().all(|(name, _)| names_recipient(name));
        let is_twin = |last: &Vec<Field>| group.iter().any(|(name, _)| last.iter().any(|(other, _)| other == name));
        match whole.last_mut() {
            Some(last) if is_torn(last) && !is_twin(last) && (!names_one || group.iter().all(|(name, _)| names_recipient(name))) => {
                last.extend(group);
            }
            _ => whole.push(group),
        }
    }
    whole
}

fn recipient(group: &[Field<'_>]) -> Option<FailedRecipient> {
    let value = |wanted: &str| group.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_ref());
    let original = value("original-recipient").map(|value| addressed(value, true));
    let last = value("final-recipient").map(|value| addressed(value, false));
    let named = || original.iter().chain(&last);
    let valid = named().find_map(|text| address(text));
    let recipient = valid.or_else(|| named().find(|text| !text.is_empty()).map(|text| text.to_lowercase()))?;
    let diagnostic = value("diagnostic-code").map(answer).filter(|answer| !answer.is_empty());
    let status = value("status").and_then(|value| status(&header::raw(value)));
    Some(FailedRecipient {
        recipient,
        action: value("action").and_then(action),
        status: status.or_else(|| diagnostic.as_deref().and_then(status_in)),
        diagnostic,
    })
}

/// The address behind its type (`rfc822;`, `utf-8;`), without what it was encoded with.
fn addressed(value: &[u8], is_original: bool) -> String {
    let line = header::one_line(&String::from_utf8_lossy(value), LONGEST_RECIPIENT);
    let (kind, text) = line.split_once(';').unwrap_or(("rfc822", &line));
    let text = text.trim().trim_matches(['<', '>', '"']).trim();
    if kind.trim().eq_ignore_ascii_case("utf-8") {
        return unescaped(text);
    }
    // An address that was handed on as RFC 3461, 4 wants it written: of its letters only these two
    // are, and "+20" is more likely to be somebody's own.
    if is_original { text.replace("+2B", "+").replace("+3D", "=") } else { text.to_owned() }
}

/// Characters written as `\x{E9}` (RFC 6533, 3).
fn unescaped(text: &str) -> String {
    let mut pieces = text.split("\\x{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let read = piece.split_once('}').and_then(|(code, after)| Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, after)));
        if let Some((character, after)) = read {
            out.push(character);
            out.push_str(after);
        } else {
            out.push_str("\\x{");
            out.push_str(piece);
        }
    }
    out
}

/// One of the words of RFC 3464, 2.3.3, in lower case; some write them in another form.
fn action(value: &[u8]) -> Option<String> {
    let word = header::raw(value).to_ascii_lowercase();
    let word = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').find(|word| !word.is_empty())?;
    let forms = [("fail", "failed"), ("delay", "delayed"), ("deliver", "delivered"), ("relay", "relayed"), ("expan", "expanded")];
    Some(forms.iter().find(|(begins, _)| word.starts_with(begins)).map_or(word, |(_, form)| form).to_owned())
}

/// A code such as `5.1.1` (RFC 3463, 2), if the value begins with one.
pub(super) fn status(value: &str) -> Option<String> {
    let code: String = value.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let numbers: Vec<&str> = code.trim_end_matches('.').split('.').collect();
    let valid =
        numbers.len() == 3 && ["2", "4", "5"].contains(&numbers[0]) && numbers[1..].iter().all(|number| (1..=3).contains(&number.len()));
    valid.then(|| numbers.join("."))
}

/// The code that an answer of a server begins with, behind SMTP's own (RFC 2034).
fn status_in(answer: &str) -> Option<String> {
    answer.split([' ', '-', '#', '(']).take(3).find_map(status)
}

/// What was answered, without the type (`smtp;`), on one line.
pub(super) fn answer(value: &[u8]) -> String {
    let line = header::text(value, &mut Flags::default());
    let is_type = |kind: &str| !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let text = line.split_once(';').filter(|(kind, _)| is_type(kind.trim())).map_or(line.as_str(), |(_, text)| text);
    header::one_line(text, LONGEST_DIAGNOSTIC)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(status: &str) -> Vec<FailedRecipient> {
        joined(fields(status.as_bytes())).iter().filter_map(|group| recipient(group)).collect()
    }

    fn addresses(status: &str) -> Vec<String> {
        all(status).into_iter().map(|found| found.recipient).collect()
    }

    #[test]
    fn each_group_is_a_recipient_however_it_is_set_apart() {
        let groups =
            ["Final-Recipient: rfc822; a@b.c\nAction: failed\nStatus: 5.1.1\n", "Final-Recipient: rfc822; d@e.f\nAction: delayed\n"];
        for between in ["\n", "\n\n \n", "\r\n", ""] {
            let found = all(&format!("Reporting-MTA: dns; mx\n\n{}", groups.join(between)));
            let told: Vec<_> = found.iter().map(|found| (found.recipient.as_str(), found.action.as_deref())).collect();
            assert_eq!(told, [("a@b.c", Some("failed")), ("d@e.f", Some("delayed"))], "{between:?}");
        }
        let torn = all("Original-Recipient: rfc822;a@b.c\n\nFinal-Recipient: rfc822;x@b.c\n\nAction: failed\nStatus: 5.1.1\n");
        assert_eq!((torn.len(), torn[0].recipient.as_str(), torn[0].status.as_deref()), (1, "a@b.c", Some("5.1.1")));
        assert_eq!(addresses("Reporting-MTA: dns; mx\nFinal-Recipient: rfc822; a@b.c\nAction: failed\n"), ["a@b.c"]);
    }

    #[test]
    fn an_address_is_read_out_of_its_type_and_encoding() {
        for (field, expected) in [
            ("Final-Recipient: RFC822;<Ada@Example.ORG>", "ada@example.org"),
            ("Final-Recipient: ada@example.org", "ada@example.org"),
            ("Final-Recipient: utf-8; j\\x{F6}rg@\\x{6D4B}.example", "jörg@测.example"),
            ("Final-Recipient: utf-8; jörg@example.org", "jörg@example.org"),
            ("Original-Recipient: rfc822;ada+2Btag@example.org\nFinal-Recipient: rfc822; box@inside.example", "ada+tag@example.org"),
            ("Original-Recipient: rfc822;\nFinal-Recipient: rfc822; box@inside.example", "box@inside.example"),
            ("Final-Recipient: rfc822;\n ada@example.org", "ada@example.org"),
            ("Final-Recipient: LOCAL; Ada", "ada"),
        ] {
            assert_eq!(addresses(&format!("{field}\nAction: failed\n")), [expected], "{field}");
        }
        assert!(addresses("Final-Recipient: rfc822;\nAction: failed\n").is_empty());
    }

    #[test]
    fn codes_and_words_are_read_with_what_is_written_around_them() {
        let found =
            &all("Final-Recipient: rfc822; a@b.c\nAction: Failed (bad address)\nStatus: 5.1.1 (bad)\nDiagnostic-Code: X-Unix; 67\n")[0];
        assert_eq!(
            (found.action.as_deref(), found.status.as_deref(), found.diagnostic.as_deref()),
            (Some("failed"), Some("5.1.1"), Some("67"))
        );
        let status = |value: &str| all(&format!("Final-Recipient: rfc822; a@b.c\n{value}\n"))[0].status.clone();
        assert_eq!(status("Status: 5.0.0 \nDiagnostic-Code: smtp; 550 5.7.1 no").as_deref(), Some("5.0.0"));
        assert_eq!(status("Diagnostic-Code: smtp; 550-5.7.1 no\n 550 5.7.1 never").as_deref(), Some("5.7.1"));
        assert_eq!(status("Diagnostic-Code: smtp; 550 #5.1.0 Address rejected").as_deref(), Some("5.1.0"));
        assert_eq!(status("Diagnostic-Code: smtp; 550 try 10.1.1.1 later"), None);
        assert_eq!(status("Status: 9.1.1"), None);
        assert_eq!(status("Status: 5"), None);
    }

    #[test]
    fn a_long_answer_is_one_line_and_cut() {
        let folded = format!("Final-Recipient: rfc822; a@b.c\nDiagnostic-Code: smtp; 550 first\n\tsecond{}\n", "\n word".repeat(1000));
        let found = all(&folded)[0].diagnostic.clone().expect("an answer");
        assert!(found.starts_with("550 first second word word") && found.len() <= LONGEST_DIAGNOSTIC, "{found}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let groups = joined(fields(&bytes));
            prop_assert!(groups.iter().filter_map(|group| recipient(group)).all(|found| !found.recipient.is_empty()));
        }
    }
}
