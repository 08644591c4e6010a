//! Reports in plain text, in the form of qmail ("The qmail-send Bounce Message Format", D. J. Bernstein),
//! and as Yahoo wrote them: an opening paragraph, one for each recipient that begins with the address,
//! then a line of dashes and the mail that came back.

use super::report::{self, MOST_RECIPIENTS};
use super::{FailedRecipient, Leaf, original};
use crate::decode;
use crate::flags::Flags;
use crate::mailbox::address;
use crate::structure::Part;

/// How the text begins: qmail's format asks for it; Yahoo's mail servers.
const OPENINGS: [&str; 2] = ["Hi. This is the", "Sorry, we were unable to deliver your message"];
/// Who writes them.
const SENDER: &[u8] = b"MAILER-DAEMON";
/// So much of the text is read.
const LARGEST: usize = 1024 * 1024;

/// What a text tells of recipients, and the Message-ID of the mail that follows it.
pub(super) struct Told {
    pub(super) recipients: Vec<FailedRecipient>,
    pub(super) original_message_id: Option<String>,
}

/// Reads the first leaf of a mail, if it is such a text and a mail system sent it.
pub(super) fn read(root: &Part<'_>, leaves: &[Leaf<'_, '_>]) -> Option<Told> {
    let from = root.fields.first("from")?;
    if !from.windows(SENDER.len()).any(|name| name.eq_ignore_ascii_case(SENDER)) {
        return None;
    }
    let leaf = leaves.first().filter(|leaf| leaf.part.media.kind == "text" && leaf.part.media.subtype != "html")?;
    let body = decode::transfer(&leaf.part.encoding, leaf.body, &mut Flags::default());
    let text = String::from_utf8_lossy(&body[..body.len().min(LARGEST)]).replace("\r\n", "\n");
    if !OPENINGS.iter().any(|opening| text.trim_start().starts_with(opening)) {
        return None;
    }
    let (mut rest, mut recipients) = (text.as_str(), Vec::new());
    while let Some((paragraph, after)) = cut_paragraph(rest) {
        rest = after;
        if paragraph.starts_with('-') {
            let told = Told { recipients, original_message_id: original::id_in(rest.as_bytes()) };
            return Some(told).filter(|told| !told.recipients.is_empty());
        }
        if recipients.len() < MOST_RECIPIENTS {
            recipients.extend(recipient(paragraph));
        }
    }
    None
}

/// The first paragraph and what follows it; `None` at the end.
fn cut_paragraph(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches('\n');
    (!text.is_empty()).then(|| text.split_once("\n\n").unwrap_or((text, "")))
}

/// `<address>:` on a line, and below it what went wrong.
fn recipient(paragraph: &str) -> Option<FailedRecipient> {
    let (first, reason) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
    let named = first.trim_end().strip_suffix(':')?.strip_prefix('<')?.strip_suffix('>')?;
    let diagnostic = report::answer(reason.as_bytes());
    Some(FailedRecipient {
        recipient: address(named)?,
        action: Some("failed".to_owned()),
        status: diagnostic.split([' ', '(', '#', ')']).find_map(report::status),
        diagnostic: Some(diagnostic).filter(|diagnostic| !diagnostic.is_empty()),
    })
}
