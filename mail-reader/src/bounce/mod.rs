//! What a mail system says about a mail that it could not deliver: a report in the form of RFC 3464
//! or 6533 is read by `report`, one for people in the form of qmail by `paragraphs`; the mail that it
//! is about is found by `original`.

mod original;
mod paragraphs;
mod report;

use serde::Serialize;

use crate::flags::Flags;
use crate::header;
use crate::structure::{Content, Part};

/// A report about a mail: that it was not, or not yet, or after all delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bounce {
    /// What became of it for each recipient that the report names.
    pub recipients: Vec<FailedRecipient>,
    /// The Message-ID of the mail that it is about, without angle brackets.
    pub original_message_id: Option<String>,
    /// It failed for good for at least one recipient.
    pub permanent: bool,
}

/// What became of a mail for one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailedRecipient {
    /// The address that the mail was sent to, in lower case; where that is not told, the one that it
    /// was on its way to in the end.
    pub recipient: String,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464, 2.3.3).
    pub action: Option<String>,
    /// The enhanced status code, such as `5.1.1` (RFC 3463).
    pub status: Option<String>,
    /// What the other server answered, on one line.
    pub diagnostic: Option<String>,
}

impl FailedRecipient {
    /// It failed for good: with a code that says so, or without any.
    fn is_permanent(&self) -> bool {
        let failed = self.action.as_deref() == Some("failed");
        match self.status.as_deref().and_then(|status| status.chars().next()) {
            Some(class) => class == '5' && (failed || self.action.is_none()),
            // A reply code of SMTP (RFC 5321, 4.2.1) tells as much.
            None => failed && !self.diagnostic.as_deref().is_some_and(|answer| answer.starts_with('4')),
        }
    }
}

/// The report that a mail is; `None` when it is none. A read receipt (RFC 8098) and a complaint (RFC
/// 5965) are reports on something else.
pub(crate) fn read(root: &Part<'_>) -> Option<Bounce> {
    let leaves = leaves(root);
    let reported = report::read(&leaves);
    let told = if reported.is_none() { paragraphs::read(root, &leaves) } else { None };
    let (named, returned) = told.map_or((None, None), |told| (Some(told.recipients), told.original_message_id));
    let recipients = reported.or(named).or_else(|| failed_recipients(root))?;
    Some(Bounce {
        permanent: recipients.iter().any(FailedRecipient::is_permanent),
        original_message_id: original::message_id(&leaves).or(returned).or_else(|| answered(root)),
        recipients,
    })
}

/// What Exim, and Gmail after it, writes above a report that is meant for people alone. Both write
/// it only when they have given up.
fn failed_recipients(root: &Part<'_>) -> Option<Vec<FailedRecipient>> {
    let addresses = root.fields.all("X-Failed-Recipients").flat_map(|value| header::mailboxes(value, &mut Flags::default()));
    let failed = |email| FailedRecipient { recipient: email, action: Some("failed".to_owned()), ..FailedRecipient::default() };
    let found: Vec<_> = addresses.take(report::MOST_RECIPIENTS).map(|mailbox| failed(mailbox.email)).collect();
    (!found.is_empty()).then_some(found)
}

/// The mail that the report says it answers: not asked for by any standard, and done by many.
fn answered(root: &Part<'_>) -> Option<String> {
    let last = |field| root.fields.all(field).flat_map(header::ids).last();
    last("In-Reply-To").or_else(|| last("References")).filter(|id| id.len() <= header::LONGEST_LINE)
}

/// A leaf of the mail, and whether it stands in a multipart/report.
struct Leaf<'p, 'a> {
    part: &'p Part<'a>,
    body: &'a [u8],
    in_report: bool,
}

/// All leaves but those of reports on something else.
fn leaves<'p, 'a>(root: &'p Part<'a>) -> Vec<Leaf<'p, 'a>> {
    let mut found = Vec::new();
    let mut open = vec![(root, false)];
    while let Some((part, in_report)) = open.pop() {
        let is_report = part.media.is("multipart", "report");
        let kind = part.media.parameter("report-type").unwrap_or_default();
        let is_other = ["disposition-notification", "feedback-report"].iter().any(|other| kind.eq_ignore_ascii_case(other));
        match &part.content {
            Content::Leaf(body) => found.push(Leaf { part, body, in_report }),
            Content::Parts(_) if is_report && is_other => {}
            // In the order in which they stand in the mail.
            Content::Parts(parts) => open.extend(parts.iter().rev().map(|part| (part, in_report || is_report))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounce(raw: &str) -> Option<Bounce> {
        read(&Part::read(raw.as_bytes(), &mut Flags::default()))
    }

    fn report(status: &str) -> Option<Bounce> {
        bounce(&format!(
            "Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n{status}\n--b--\n"
        ))
    }

    #[test]
    fn only_what_failed_for_good_is_permanent() {
        let permanent = |fields: &str| report(&format!("Final-Recipient: rfc822; a@b.c\n{fields}")).map(|bounce| bounce.permanent);
        for fields in ["Action: failed\nStatus: 5.1.1", "Action: failed", "Status: 5.2.1", "Action: failed\nDiagnostic-Code: smtp; 550 no"]
        {
            assert_eq!(permanent(fields), Some(true), "{fields}");
        }
        for fields in [
            "Action: delayed\nStatus: 4.4.1",
            "Action: delayed\nStatus: 5.0.0",
            "Action: failed\nStatus: 4.4.7",
            "Action: failed\nDiagnostic-Code: smtp; 452 full",
            "Action: delivered\nStatus: 2.0.0",
            "Action: relayed",
        ] {
            assert_eq!(permanent(fields), Some(false), "{fields}");
        }
    }

    #[test]
    fn receipts_complaints_and_what_people_write_are_no_bounces() {
        let receipt = "Content-Type: multipart/report; report-type=Disposition-Notification; boundary=b\n\n--b\n\nread\n--b\n\
                       Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; a@b.c\nDisposition: manual-action; displayed\n--b--\n";
        assert_eq!(bounce(receipt), None);
        assert_eq!(bounce("Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nx\n--b--\n"), None);
        assert_eq!(bounce("Subject: look\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\nStatus: 5.1.1\n"), None);
        let mixed = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\n--b--\n";
        assert_eq!(bounce(mixed), None);
        let seen = "Content-Type: multipart/report; boundary=b\n\n--b\n\nFinal-Recipient: rfc822; a@b.c\nIt was seen.\n--b--\n";
        assert_eq!(bounce(seen), None);
    }

    #[test]
    fn the_original_is_named_by_its_own_header_or_else_by_the_reports() {
        let id = |header: &str, parts: &str| {
            let raw = format!(
                "{header}Content-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/delivery-status\n\n\
                 Final-Recipient: rfc822; a@b.c\nAction: failed\n{parts}--b--\n"
            );
            bounce(&raw).expect("a bounce").original_message_id
        };
        let original = "--b\nContent-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: <own@x>\n";
        assert_eq!(id("In-Reply-To: <other@x>\n", original).as_deref(), Some("own@x"));
        assert_eq!(id("In-Reply-To: <other@x>\nReferences: <a@x>\n", "").as_deref(), Some("other@x"));
        assert_eq!(id("References: <a@x> <b@x>\n", "--b\nContent-Type: message/rfc822\n\nSubject: no id\n\n").as_deref(), Some("b@x"));
        assert_eq!(id("", ""), None);
    }

    #[test]
    fn a_report_for_people_with_exims_field_names_who_was_not_reached() {
        let found =
            bounce("X-Failed-Recipients: A@b.c, d@e.f\nReferences: <o@x>\nSubject: Mail delivery failed\n\nsorry\n").expect("a bounce");
        let recipients: Vec<&str> = found.recipients.iter().map(|failed| failed.recipient.as_str()).collect();
        assert_eq!((recipients, found.permanent, found.original_message_id.as_deref()), (vec!["a@b.c", "d@e.f"], true, Some("o@x")));
    }

    #[test]
    fn a_report_in_paragraphs_is_one_only_from_a_mail_system_and_with_a_mail_below_it() {
        let text = "Hi. This is the program at x.\n\n<A@b.c>:\nSorry, no mailbox. (#5.1.1)\n\n<d@e.f>:\n\n--- Below is a copy.\n\nMessage-ID: <o@x>\n\nhi\n";
        let from = "From: MAILER-DAEMON@x\n\n";
        let found = bounce(&format!("{from}{text}")).expect("a bounce");
        let told: Vec<_> = found.recipients.iter().map(|failed| (failed.recipient.as_str(), failed.status.as_deref())).collect();
        assert_eq!(told, [("a@b.c", Some("5.1.1")), ("d@e.f", None)]);
        assert_eq!((found.permanent, found.original_message_id.as_deref()), (true, Some("o@x")));
        assert_eq!(bounce(&format!("From: ada@x\n\n{text}")), None);
        assert_eq!(bounce(&format!("{from}{}", text.split("---").next().unwrap_or_default())), None);
        assert_eq!(bounce(&format!("{from}Look:\n{text}")), None);
    }
}
