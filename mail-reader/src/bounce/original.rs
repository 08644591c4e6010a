//! The mail that a report is about, as far as it came back.

use super::Leaf;
use crate::decode;
use crate::flags::Flags;
use crate::header::{self, Fields};

/// What a returned mail, or its header alone, is labelled as (RFC 3462, 6532, 6533); the last is a
/// mistake that is made.
const LABELS: [(&str, &str); 7] = [
    ("message", "rfc822"),
    ("text", "rfc822-headers"),
    ("message", "global"),
    ("message", "global-headers"),
    ("message", "rfc822-headers"),
    ("text", "rfc822"),
    ("message", "partial"),
];

/// The Message-ID of the mail that came back.
pub(super) fn message_id(leaves: &[Leaf<'_, '_>]) -> Option<String> {
    let is_labelled = |leaf: &&Leaf| LABELS.iter().any(|(kind, subtype)| leaf.part.media.is(kind, subtype));
    // Within a report some systems give it back as plain text. Its own text comes first.
    let could_be = |leaf: &&Leaf| leaf.in_report && leaf.part.media.is("text", "plain");
    let labelled = leaves.iter().filter(is_labelled).find_map(|leaf| id(leaf, false));
    labelled.or_else(|| leaves.iter().skip(1).filter(could_be).find_map(|leaf| id(leaf, true)))
}

fn id(leaf: &Leaf<'_, '_>, is_doubtful: bool) -> Option<String> {
    let flags = &mut Flags::default();
    let body = decode::transfer(&leaf.part.encoding, leaf.body, flags);
    let (fields, _) = Fields::split(body.trim_ascii_start(), flags);
    if is_doubtful && fields.first("from").is_none() {
        return None;
    }
    first_id(&fields)
}

/// The Message-ID of a mail that follows a report for people.
pub(super) fn id_in(mail: &[u8]) -> Option<String> {
    first_id(&Fields::split(mail.trim_ascii_start(), &mut Flags::default()).0)
}

fn first_id(fields: &Fields<'_>) -> Option<String> {
    let id = fields.all("message-id").flat_map(header::ids).next();
    id.filter(|id| id.len() <= header::LONGEST_LINE)
}
