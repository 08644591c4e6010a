//! What is neither the text nor the HTML of a mail.
//!
//! `name` makes safe names, `kind` holds what a file is said to be against what it is, `inline`
//! finds which pictures the HTML shows; `tnef` unpacks winmail.dat and `apple` what Macintosh
//! programs wrap files in.

pub(crate) mod apple;
mod inline;
mod kind;
mod name;
pub(crate) mod tnef;

pub(crate) use inline::place;

use crate::flags::Flags;
use crate::header::{self, Fields, Parameterised};
use crate::structure::Part;

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

/// An attachment, and what must be known of it until it is clear how it is shown.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) attachment: Attachment,
    /// The sender says that it is shown among the text that it was sent with.
    is_related: bool,
    /// The Content-Location, by which HTML may refer to it.
    location: Option<String>,
}

impl Found {
    /// The attachment that `part` is, with its bytes; `related` says that it stands in a multipart/related.
    pub(crate) fn new(part: &Part<'_>, data: Vec<u8>, related: bool, flags: &mut Flags) -> Self {
        let media = &part.media;
        let known = !media.kind.is_empty() && !media.subtype.is_empty();
        let said = if known { format!("{}/{}", media.kind, media.subtype) } else { kind::UNKNOWN.to_owned() };
        let given = part.file_name().map(name::safe).filter(|name| !name.is_empty());
        let content_type = kind::checked(&said, given.as_deref().unwrap_or_default(), &data, flags);
        let name = given.unwrap_or_else(|| made_name(&content_type, &data));
        let is_related = related && media.kind == "image" && part.is_disposed("inline");
        let location = part.fields.first("content-location").map(header::raw).filter(|location| !location.is_empty());
        Self { attachment: Attachment { name, content_type, inline: false, content_id: content_id(part), data }, is_related, location }
    }

    /// An attachment that is no part of its own.
    pub(crate) fn named(name: &str, said: &str, data: Vec<u8>, flags: &mut Flags) -> Self {
        let name = name::safe(name);
        let content_type = kind::checked(said, &name, &data, flags);
        let name = if name.is_empty() { made_name(&content_type, &data) } else { name };
        Self { attachment: Attachment { name, content_type, inline: false, content_id: None, data }, is_related: false, location: None }
    }
}

/// The attachments, no two of the same name.
pub(crate) fn distinct(found: Vec<Found>) -> Vec<Attachment> {
    let mut attachments: Vec<Attachment> = found.into_iter().map(|found| found.attachment).collect();
    name::distinct(attachments.iter_mut().map(|attachment| &mut attachment.name));
    attachments
}

/// The Content-ID, without angle brackets.
pub(crate) fn content_id(part: &Part<'_>) -> Option<String> {
    let id = part.fields.first("content-id").and_then(|value| header::ids(value).next());
    id.filter(|id| id.len() <= LONGEST_CONTENT_ID)
}

/// Whether a part cannot be read for want of a key: S/MIME's enveloped data (RFC 8551, 3.2.2) in all its kinds.
pub(crate) fn is_encrypted(media: &Parameterised) -> bool {
    let is_smime = media.is("application", "pkcs7-mime") || media.is("application", "x-pkcs7-mime");
    let kind = media.parameter("smime-type").unwrap_or("enveloped-data").to_ascii_lowercase();
    is_smime && kind.ends_with("enveloped-data")
}

/// A name for what came without one: for a mail its subject, else what it is.
fn made_name(content_type: &str, data: &[u8]) -> String {
    if let Some(name) = kind::usual_name(content_type) {
        return name.to_owned();
    }
    let subject = (content_type == "message/rfc822").then(|| {
        let flags = &mut Flags::default();
        let (fields, _) = Fields::split(data.trim_ascii_start(), flags);
        fields.first("subject").map(|value| header::text(value, flags))
    });
    let stem = subject.flatten().map(|subject| name::safe(&subject.replace(['/', '\\'], "-"))).filter(|stem| !stem.is_empty());
    name::safe(&format!("{}.{}", stem.as_deref().unwrap_or("attachment"), kind::ending(content_type)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_mail_without_a_name_is_called_by_its_subject() {
        assert_eq!(made_name("message/rfc822", b"Subject: Order 4/2: where?\n\nx"), "Order 4-2_ where_.eml");
        assert_eq!(made_name("message/rfc822", b""), "attachment.eml");
        assert_eq!(made_name("application/x-strange", b""), "attachment.bin");
        assert_eq!(made_name("text/calendar", b""), "invite.ics");
    }
}
