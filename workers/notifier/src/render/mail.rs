//! Puts a mail together: headers, text, HTML and files.

use chrono::{DateTime, Utc};
use lettre::address::Envelope;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::date::Date;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use switchboard_common::db::letters::Branding;
use switchboard_common::domain::address::EmailAddress;
use url::Url;

use super::page::Written;
use super::thread::Thread;
use super::{Draft, File, Mail, RenderError, Template, clean};

/// What a mail has beside its words.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    pub from_name: String,
    pub from: &'a str,
    pub to_name: &'a str,
    pub to: &'a str,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<EmailAddress>,
    pub message_id: &'a str,
    pub thread: Thread,
    /// The value of Auto-Submitted.
    pub automatic: Option<&'static str>,
    /// The link by which the reader stops what is like it.
    pub unsubscribe: Option<&'a str>,
    pub files: &'a [File],
    pub now: DateTime<Utc>,
}

impl Sheet<'_> {
    pub fn build(&self, written: &Written) -> Result<Mail, RenderError> {
        let from = EmailAddress::parse(self.from).map_err(|_| RenderError::Address("from the account's address"))?;
        let mut mail = MessageBuilder::new()
            .from(Address::new_address(Some(self.from_name.clone()), self.from.to_owned()))
            .to(Address::new_address(Some(clean::header(self.to_name)), self.to.to_owned()))
            .subject(clean::header(&written.subject))
            .date(Date::new(self.now.timestamp()))
            .message_id(self.message_id.to_owned());
        if let Some(address) = &self.reply_to {
            mail = mail.reply_to(Address::new_address(None::<String>, address.as_str().to_owned()));
        }
        if let Some(parent) = &self.thread.in_reply_to {
            mail = mail.in_reply_to(parent.clone());
        }
        if !self.thread.references.is_empty() {
            mail = mail.references(MessageId::new_list(self.thread.references.iter().cloned()));
        }
        if let Some(automatic) = self.automatic {
            mail = mail.header("Auto-Submitted", Raw::new(automatic)).header("X-Auto-Response-Suppress", Raw::new("All"));
        }
        // One click of the mail program, without a page in between (RFC 8058, 3.1).
        if let Some(link) = self.unsubscribe.and_then(|link| Url::parse(link).ok()).filter(|link| link.scheme() == "https") {
            mail = mail.header("List-Unsubscribe", Raw::new(format!("<{link}>")));
            mail = mail.header("List-Unsubscribe-Post", Raw::new("List-Unsubscribe=One-Click"));
        }
        mail = mail.text_body(written.text.as_str()).html_body(written.html.as_str());
        for file in self.files {
            mail = mail.attachment(content_type(file), clean::header(&file.name), file.bytes.as_slice());
        }
        Ok(Mail { envelope: self.envelope(&from)?, bytes: mail.write_to_vec()? })
    }

    fn envelope(&self, from: &EmailAddress) -> Result<Envelope, RenderError> {
        let sender = self.reply_to.as_ref().unwrap_or(from);
        let from = sender.as_str().parse().map_err(|_| RenderError::Address("from the reader's reply address"))?;
        let to = self.to.parse().map_err(|_| RenderError::Address("to the reader's address"))?;
        Envelope::new(Some(from), vec![to]).map_err(|_| RenderError::Address("to nobody"))
    }
}

/// In whose name a mail is sent: an answer comes from the person who wrote it.
pub(super) fn sender_name(draft: &Draft<'_>, template: Template) -> String {
    let desk = desk_name(&draft.letter.branding);
    match &draft.letter.message {
        Some(message) if template.is_answer() => format!("{} ({desk})", clean::header(&message.author)),
        _ => desk,
    }
}

/// The name of the desk in From.
pub(super) fn desk_name(branding: &Branding) -> String {
    let own = branding.from_name.as_deref().map(clean::header).filter(|name| !name.is_empty());
    own.unwrap_or_else(|| clean::header(&branding.brand))
}

/// The value of Auto-Submitted (RFC 3834, 5). A person's own words carry none.
pub(super) fn auto_submitted(template: Template) -> Option<&'static str> {
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
