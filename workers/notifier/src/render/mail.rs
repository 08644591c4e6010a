//! Puts a mail together: headers, text, HTML and files.

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use switchboard_common::domain::address::EmailAddress;

use super::templates::{Template, Written};
use super::thread::Thread;
use super::{Draft, File, RenderError, clean};

pub(super) fn build(
    draft: &Draft<'_>,
    template: Template,
    written: &Written,
    thread: &Thread,
    reply_address: &EmailAddress,
) -> Result<Vec<u8>, RenderError> {
    let letter = draft.letter;
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(Some(sender_name(draft, template)), letter.account_address.clone()))
        .to(Address::new_address(Some(clean::header(&letter.recipient_name)), letter.address.clone()))
        .reply_to(Address::new_address(None::<String>, reply_address.as_str().to_owned()))
        .subject(clean::header(&written.subject))
        .date(Date::new(draft.now.timestamp()))
        .message_id(letter.message_id.clone());
    if let Some(parent) = &thread.in_reply_to {
        mail = mail.in_reply_to(parent.clone());
    }
    if !thread.references.is_empty() {
        mail = mail.references(MessageId::new_list(thread.references.iter().cloned()));
    }
    if let Some(automatic) = auto_submitted(template) {
        mail = mail.header("Auto-Submitted", Raw::new(automatic)).header("X-Auto-Response-Suppress", Raw::new("All"));
    }
    mail = mail.text_body(written.text.as_str()).html_body(written.html.as_str());
    for file in &draft.enclosures.files {
        mail = mail.attachment(content_type(file), clean::header(&file.name), file.bytes.as_slice());
    }
    Ok(mail.write_to_vec()?)
}

/// Whose name stands in From: an answer comes from the person who wrote it.
fn sender_name(draft: &Draft<'_>, template: Template) -> String {
    let brand = clean::header(&draft.letter.branding.brand);
    match &draft.letter.message {
        Some(message) if template.is_answer() => format!("{} ({brand})", clean::header(&message.author)),
        _ => brand,
    }
}

/// The value of Auto-Submitted (RFC 3834, 5). A person's own words carry none.
fn auto_submitted(template: Template) -> Option<&'static str> {
    match template {
        Template::MessageAddedClient => None,
        Template::TicketCreatedClient => Some("auto-replied"),
        _ => Some("auto-generated"),
    }
}

/// A media type that a stranger named, if it is one for a file. A mail within a mail must not be
/// encoded (RFC 2046, 5.2.1), which would let it change on its way, so it goes as a plain file.
fn content_type(file: &File) -> String {
    let is_token = |part: &str| {
        !part.is_empty() && part.len() <= 60 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match file.content_type.split_once('/') {
        Some((kind, subtype))
            if is_token(kind) && is_token(subtype) && !["message", "multipart"].contains(&kind.to_ascii_lowercase().as_str()) =>
        {
            file.content_type.clone()
        }
        _ => "application/octet-stream".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_media_type_of_a_file_is_passed_on() {
        let type_of = |name: &str| content_type(&File { name: "a".to_owned(), content_type: name.to_owned(), bytes: Vec::new() });
        assert_eq!(type_of("image/svg+xml"), "image/svg+xml");
        for odd in ["", "png", "image/", "image/png; name=x", "image/png\r\nBcc: x", "message/rfc822", "Multipart/Mixed"] {
            assert_eq!(type_of(odd), "application/octet-stream", "{odd:?}");
        }
    }
}
