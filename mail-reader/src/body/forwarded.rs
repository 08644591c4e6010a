//! What is shown of a mail that is nothing but other mails, handed on as attachments.

use super::Body;
use crate::attachment::Attachment;
use crate::flags::{Flag, Flags};
use crate::header;
use crate::html::LaidOut;
use crate::structure::{Part, Store};
use crate::trim::{Mark, MarkKind};

/// Of more mails the first ones are shown.
const MOST: usize = 10;
/// How Gmail begins a mail that is handed on.
const RULE: &str = "---------- Forwarded message ---------";
/// What is shown of its header, in this order.
const FIELDS: [(&str, &str); 5] = [("From", "from"), ("Date", "date"), ("Subject", "subject"), ("To", "to"), ("Cc", "cc")];

/// The attached mails as mail programs write what they hand on.
pub(super) fn read<'a>(attachments: impl Iterator<Item = &'a Attachment>, flags: &mut Flags) -> LaidOut {
    let mut text = String::new();
    for mail in attachments.filter(|attachment| attachment.content_type == "message/rfc822").take(MOST) {
        flags.note(Flag::TextFromAttachedMail);
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&block(&mail.data));
    }
    let marks = if text.is_empty() { Vec::new() } else { vec![Mark { range: 0..text.len(), kind: MarkKind::Forward }] };
    LaidOut { text, marks }
}

fn block(raw: &[u8]) -> String {
    // What is odd about it is not odd about the mail that it came with.
    let flags = &mut Flags::default();
    let store = Store::default();
    let root = Part::read_with(raw.trim_ascii_start(), &store, flags);
    let mut lines = vec![RULE.to_owned()];
    for (label, name) in FIELDS {
        let value = root.fields.first(name).map(|value| header::text(value, flags)).unwrap_or_default();
        if !value.is_empty() {
            lines.push(format!("{label}: {value}"));
        }
    }
    let body = Body::read_nested(&root, raw.len(), false, flags);
    lines.push(String::new());
    lines.push(body.text);
    lines.join("\n").trim_end().to_owned()
}
