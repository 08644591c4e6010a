//! What is neither the text nor the HTML of a mail.

use crate::flags::Flags;
use crate::header;
use crate::header::Fields;
use crate::structure::Part;

const LONGEST_NAME: usize = 120;
const LONGEST_ENDING: usize = 20;
const LONGEST_CONTENT_ID: usize = 250;

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// A name that is safe to use for a file: no path, no control characters, never empty, at most 120 characters.
    pub name: String,
    /// The media type, such as `image/png`.
    pub content_type: String,
    /// Shown within the HTML rather than beside it.
    pub inline: bool,
    /// The Content-ID, without angle brackets.
    pub content_id: Option<String>,
    /// The bytes as they were before they were encoded for the way.
    pub data: Vec<u8>,
}

/// The endings of files that come without a name.
const ENDINGS: [(&str, &str); 12] = [
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("message/delivery-status", "txt"),
    ("message/rfc822", "eml"),
    ("text/calendar", "ics"),
    ("text/csv", "csv"),
    ("text/html", "html"),
    ("text/plain", "txt"),
];

impl Attachment {
    /// The attachment that `part` is, with its bytes.
    pub(crate) fn new(part: &Part<'_>, data: Vec<u8>) -> Self {
        let media = &part.media;
        let known = !media.kind.is_empty() && !media.subtype.is_empty();
        let content_type = if known { format!("{}/{}", media.kind, media.subtype) } else { "application/octet-stream".to_owned() };
        let content_id =
            part.fields.first("content-id").and_then(|value| header::ids(value).next()).filter(|id| id.len() <= LONGEST_CONTENT_ID);
        let inline = part.is_disposed("inline") || (part.disposition.is_none() && content_id.is_some());
        let name = part.file_name().map(safe_name).filter(|name| !name.is_empty()).unwrap_or_else(|| made_name(&content_type, &data));
        Self { name, content_type, inline, content_id, data }
    }
}

/// A name for what came without one: for a mail its subject, else what it is.
fn made_name(content_type: &str, data: &[u8]) -> String {
    let ending = ENDINGS.iter().find(|(known, _)| *known == content_type).map_or("bin", |(_, ending)| ending);
    let subject = (content_type == "message/rfc822").then(|| {
        let flags = &mut Flags::default();
        let (fields, _) = Fields::split(data, flags);
        fields.first("subject").map(|value| header::text(value, flags))
    });
    let stem = subject.flatten().map(|subject| safe_name(&subject.replace(['/', '\\'], "-"))).filter(|stem| !stem.is_empty());
    safe_name(&format!("{}.{ending}", stem.as_deref().unwrap_or("attachment")))
}

/// The last part of a path, without what a file system or a reader could be fooled by; empty when
/// nothing is left.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|piece| !piece.trim_matches(['.', ' ']).is_empty()).unwrap_or_default();
    let shown = last.chars().filter(|c| !is_invisible(*c)).map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect::<String>();
    let clean = header::one_line(&shown, usize::MAX);
    let clean = clean.trim_matches(['.', ' ']);
    if clean.chars().count() <= LONGEST_NAME {
        return clean.to_owned();
    }
    let ending =
        clean.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.chars().count() <= LONGEST_ENDING).unwrap_or_default();
    let room = LONGEST_NAME - ending.chars().count() - 1;
    let stem: String = clean.chars().take(room).collect();
    if ending.is_empty() { stem } else { format!("{stem}.{ending}") }
}

/// Characters without a shape of their own; some of them turn the direction of writing, so that
/// `gpj.exe` looks like `exe.jpg`.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_never_a_path_or_a_trick() {
        for (name, safe) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\offer.docx", "offer.docx"),
            ("..", ""),
            ("folder/", "folder"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\r\nb\0.txt", "a b.txt"),
            ("what?<now>.txt", "what__now_.txt"),
            (".htaccess", "htaccess"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}.docx", "ß".repeat(300)));
        assert_eq!((long.chars().count(), long.ends_with("ß.docx")), (120, true));
    }

    #[test]
    fn a_forwarded_mail_without_a_name_is_called_by_its_subject() {
        assert_eq!(made_name("message/rfc822", b"Subject: Order 4/2: where?\n\nx"), "Order 4-2_ where_.eml");
        assert_eq!(made_name("message/rfc822", b""), "attachment.eml");
        assert_eq!(made_name("application/x-strange", b""), "attachment.bin");
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_safe_one(name in ".*") {
            let safe = safe_name(&name);
            prop_assert!(safe.chars().count() <= LONGEST_NAME);
            prop_assert!(!safe.contains(['/', '\\', '\0', '\n']) && safe != "." && safe != "..");
            prop_assert_eq!(safe_name(&safe), safe);
        }
    }
}
