//! Whether a program sent it (RFC 3834). Such a mail is recorded like any other, and never answered
//! by another program.

use crate::SmtpEnvelope;
use crate::header;
use crate::mailbox::Mailbox;
use crate::structure::Part;

/// How much of a header's value is put on record.
const LONGEST_VALUE: usize = 120;

/// What a header field says by its value.
enum Says {
    /// Any value but these (or what begins with one of them and a parameter) means a program.
    Unless(&'static [&'static str]),
    /// These values mean a program.
    When(&'static [&'static str]),
}

/// In the order in which they are believed.
const FIELDS: [(&str, Says); 9] = [
    ("Auto-Submitted", Says::Unless(&["no"])),
    ("Precedence", Says::When(&["bulk", "junk", "list", "auto_reply"])),
    // Set by Exchange on its automatic replies, often as the only sign, and by programs that want
    // none. A person's mail that carries it is taken for automatic too: that costs its writer an
    // acknowledgement and nothing else.
    ("X-Auto-Response-Suppress", Says::Unless(&["none"])),
    ("X-Autoreply", Says::Unless(&["no"])),
    ("X-Auto-Reply", Says::Unless(&["no"])),
    ("X-Autorespond", Says::Unless(&["no"])),
    ("X-Autoresponder", Says::Unless(&["no"])),
    ("Autosubmitted", Says::Unless(&["no"])),
    ("List-Id", Says::Unless(&[])),
];

/// The local parts that only programs write from.
const ROBOTS: [&str; 2] = ["mailer-daemon", "postmaster"];

/// The header and the value that say so; `None` when a person may have written it.
pub(crate) fn reason(root: &Part<'_>, from: Option<&Mailbox>, envelope: &SmtpEnvelope) -> Option<String> {
    FIELDS
        .iter()
        .find_map(|(name, says)| said(root, name, says))
        .or_else(|| null_return_path(root, envelope))
        .or_else(|| root.media.is("multipart", "report").then(|| "Content-Type: multipart/report".to_owned()))
        .or_else(|| {
            let (local, _) = from?.email.rsplit_once('@')?;
            ROBOTS.contains(&local).then(|| format!("From: {local}"))
        })
}

fn said(root: &Part<'_>, name: &str, says: &Says) -> Option<String> {
    root.fields.all(name).map(header::raw).find_map(|value| {
        let word = value.split([';', ' ', ',']).next().unwrap_or_default().to_ascii_lowercase();
        let automatic = match says {
            Says::Unless(values) => !word.is_empty() && !values.contains(&word.as_str()),
            Says::When(values) => values.contains(&word.as_str()),
        };
        automatic.then(|| format!("{name}: {}", header::one_line(&value, LONGEST_VALUE)))
    })
}

/// Nobody is to be told when it does not arrive (RFC 5321, 4.5.5).
fn null_return_path(root: &Part<'_>, envelope: &SmtpEnvelope) -> Option<String> {
    let is_null = |path: &str| path.chars().all(|c| c.is_whitespace() || c == '<' || c == '>');
    if envelope.sender.as_deref().is_some_and(is_null) {
        return Some("envelope sender: <>".to_owned());
    }
    let path = header::raw(root.fields.first("Return-Path")?);
    (path.contains('<') && is_null(&path)).then(|| "Return-Path: <>".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;

    fn reason_of(header: &str, sender: Option<&str>) -> Option<String> {
        let raw = format!("{header}\n\nbody\n");
        let root = Part::read(raw.as_bytes(), &mut Flags::default());
        reason(&root, None, &SmtpEnvelope { sender: sender.map(str::to_owned), recipients: Vec::new() })
    }

    #[test]
    fn a_program_is_known_by_what_its_mail_says() {
        for header in [
            "Auto-Submitted: auto-replied",
            "Auto-Submitted: auto-generated; owner-email=\"a@b.c\"",
            "Precedence: bulk",
            "Precedence: auto_reply",
            "X-Auto-Response-Suppress: All",
            "X-Autoreply: yes",
            "X-Autorespond: away until Monday",
            "List-Id: News <news.example.org>",
            "Return-Path: <>",
        ] {
            assert_eq!(reason_of(header, None).as_deref(), Some(header));
        }
        let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=b";
        assert_eq!(reason_of(&format!("{report}\n\n--b\n\nx\n--b--"), None).as_deref(), Some("Content-Type: multipart/report"));
        assert_eq!(reason_of("Subject: x", Some("")).as_deref(), Some("envelope sender: <>"));
        assert_eq!(reason_of("Subject: x", Some("<>")).as_deref(), Some("envelope sender: <>"));
    }

    #[test]
    fn a_person_is_not_taken_for_a_program() {
        for header in [
            "Auto-Submitted: no",
            "Auto-Submitted: No (by hand)",
            "Precedence: first-class",
            "Return-Path: <ada@example.org>",
            "Subject: bulk",
        ] {
            assert_eq!(reason_of(header, Some("ada@example.org")), None, "{header}");
        }
    }

    #[test]
    fn a_mail_system_is_known_by_its_name() {
        let root = Part::read(b"Subject: x\n\n", &mut Flags::default());
        let from = |email| Mailbox { name: None, email: String::from(email) };
        let envelope = SmtpEnvelope::default();
        assert_eq!(reason(&root, Some(&from("mailer-daemon@mx.example.org")), &envelope).as_deref(), Some("From: mailer-daemon"));
        assert_eq!(reason(&root, Some(&from("postman@example.org")), &envelope), None);
    }
}
