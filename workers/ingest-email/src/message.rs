//! From a parsed mail to what the router is told, bounded so that its envelope stays small.
//!
//! The bounds are in bytes as JSON writes them, since that is what the broker carries. With what the
//! parser bounds (references, recipients, subject, names) they stay below 256 KiB in sum.

use chrono::{DateTime, Utc};
use switchboard_common::db::accounts::EmailAccount;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::inbound::{Channel, InboundAttachment, InboundMessage, Trust};
use switchboard_common::domain::reply_marker::holds_marker;
use switchboard_common::domain::{self};
use switchboard_common::ids::MediaId;

use switchboard_mail_reader::{Attachment, Flag, Mail, Mailbox};

const LARGEST_TEXT: usize = 64 * 1024;
const LARGEST_REPLY: usize = 48 * 1024;
const LARGEST_HTML: usize = 64 * 1024;
const LARGEST_ATTACHMENT_LIST: usize = 28 * 1024;
/// What an attachment takes in the list beside its name, its type and its Content-ID.
const ATTACHMENT_FRAME: usize = 160;

/// Cuts what is too large, each with a flag. The raw mail keeps everything.
pub(crate) fn bounded(mut mail: Mail) -> Mail {
    let mut flags = Vec::new();
    if cut(&mut mail.text, LARGEST_TEXT) {
        flags.push(Flag::CutText);
    }
    if cut(&mut mail.reply, LARGEST_REPLY) {
        flags.push(Flag::CutReply);
    }
    if mail.html.take_if(|html| json_prefix(html, LARGEST_HTML) < html.len()).is_some() {
        flags.push(Flag::LeftOutHtml);
    }
    let mut size = 0;
    let fit = mail.attachments.iter().take_while(|attachment| {
        size += listed_size(attachment);
        size <= LARGEST_ATTACHMENT_LIST
    });
    let fit = fit.count();
    if fit < mail.attachments.len() {
        mail.attachments.truncate(fit);
        flags.push(Flag::CutAttachments);
    }
    mail.flags.extend(flags);
    mail
}

/// The message for the router, once the bytes lie in the blob store: `attachments` are the ids of
/// the mail's attachments, in order.
pub(crate) fn message(
    mail: Mail,
    account: &EmailAccount,
    raw: MediaId,
    attachments: &[MediaId],
    received_at: DateTime<Utc>,
) -> InboundMessage {
    let hands_on = |attachment: &Attachment| {
        let is_mail = attachment.content_type.starts_with("message/") || attachment.name.to_lowercase().ends_with(".eml");
        is_mail && holds_marker(&String::from_utf8_lossy(&attachment.data))
    };
    let quotes_desk = holds_marker(&mail.reply) || mail.attachments.iter().any(hands_on);
    let attachments = mail.attachments.into_iter().zip(attachments).map(|(attachment, media_id)| InboundAttachment {
        media_id: *media_id,
        size: attachment.data.len() as u64,
        name: attachment.name,
        content_type: attachment.content_type,
        inline: attachment.inline,
        content_id: attachment.content_id,
    });
    InboundMessage {
        tenant_id: account.tenant_id,
        account_id: account.account_id,
        channel: Channel::Email,
        external_id: mail.external_id,
        from: mail.from.and_then(mailbox),
        recipients: mail.recipients.iter().filter_map(|recipient| EmailAddress::parse(recipient).ok()).collect(),
        subject: mail.subject,
        message_id: mail.message_id,
        references: mail.thread,
        text: mail.text,
        reply: mail.reply,
        html: mail.html,
        // No server is pinned whose Authentication-Results could be believed.
        trust: Trust::Unverified,
        automatic: mail.automatic,
        sent_at: mail.sent_at.map(|sent| sent.to_utc()),
        received_at,
        raw: Some(raw),
        attachments: attachments.collect(),
        quotes_desk,
        flags: mail.flags.iter().map(Flag::to_string).collect(),
        trace: None,
    }
}

fn mailbox(found: Mailbox) -> Option<domain::address::Mailbox> {
    Some(domain::address::Mailbox { name: found.name, email: EmailAddress::parse(&found.email).ok()? })
}

/// Cuts a text that is too large; says whether it was.
fn cut(text: &mut String, limit: usize) -> bool {
    let end = json_prefix(text, limit);
    let too_large = end < text.len();
    text.truncate(end);
    too_large
}

/// How much of a text fits in so many bytes of JSON, in bytes of the text and whole characters.
fn json_prefix(text: &str, limit: usize) -> usize {
    let mut size = 0;
    let too_much = text.char_indices().find(|(_, c)| {
        size += match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c.is_ascii_control() => 6,
            c => c.len_utf8(),
        };
        size > limit
    });
    too_much.map_or(text.len(), |(index, _)| index)
}

fn listed_size(attachment: &Attachment) -> usize {
    let texts = [Some(&attachment.name), Some(&attachment.content_type), attachment.content_id.as_ref()];
    // Names hold no quotes and no control characters; of a Content-ID every character could be one.
    ATTACHMENT_FRAME + texts.into_iter().flatten().map(|text| 2 * text.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use switchboard_common::domain::address::EmailAddress;
    use switchboard_common::envelope;
    use switchboard_common::ids::{AccountId, TenantId};
    use uuid::Uuid;

    use super::*;
    use switchboard_mail_reader::{SmtpEnvelope, read};

    const LARGEST_ENVELOPE: usize = 256 * 1024;

    fn sealed(raw: &str) -> (InboundMessage, usize) {
        let account = EmailAccount {
            tenant_id: TenantId(Uuid::nil()),
            tenant_name: "acme".to_owned(),
            account_id: AccountId(Uuid::nil()),
            name: "support".to_owned(),
            address: EmailAddress::parse("support@example.org").expect("valid"),
            disabled: false,
        };
        let mail = bounded(read(raw.as_bytes(), &SmtpEnvelope::default()));
        let media = vec![MediaId(Uuid::nil()); mail.attachments.len()];
        let message = message(mail, &account, MediaId(Uuid::nil()), &media, DateTime::UNIX_EPOCH);
        let size = envelope::seal(Uuid::nil(), &message).expect("can be sealed").payload.len();
        (message, size)
    }

    #[test]
    fn the_largest_mail_fits_in_an_envelope() {
        let id = |index: usize| format!("<{index}\"{}@example.org>", "\"".repeat(900));
        let mut raw = format!("From: \"{}\" <{}@example.org>\n", "ß".repeat(500), "a".repeat(60));
        write!(raw, "Message-ID: {}\nSubject: {}\n", id(0), "\\".repeat(5000)).expect("a string takes everything");
        writeln!(raw, "References: {}", (1..500).map(id).collect::<Vec<_>>().join("\n ")).expect("a string takes everything");
        for index in 0..300 {
            writeln!(raw, "To: {index}{}@example.org", "\\".repeat(50)).expect("a string takes everything");
        }
        raw.push_str("Auto-Submitted: \"\"\"\"\"\"\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n");
        raw.push_str(&"\"\n".repeat(200_000));
        raw.push_str("\n--b\nContent-Type: text/html\n\n");
        raw.push_str(&"\"".repeat(32_000));
        for index in 0..900 {
            let name = "漢".repeat(200);
            write!(raw, "\n--b\nContent-Type: image/png; name=\"{name}{index}\"\nContent-ID: <{}>\n\nx", "\"".repeat(240))
                .expect("a string takes everything");
        }
        raw.push_str("\n--b--\n");
        let (message, size) = sealed(&raw);
        assert!(size < LARGEST_ENVELOPE, "{size}");
        assert!(size > LARGEST_ENVELOPE / 4 * 3, "{size} is far from the largest there is");
        assert!(!message.attachments.is_empty() && !message.references.is_empty() && !message.recipients.is_empty());
        for flag in [Flag::CutText, Flag::CutReply, Flag::LeftOutHtml, Flag::CutAttachments, Flag::CutRecipients, Flag::CutReferences] {
            assert!(message.flags.contains(&flag.to_string()), "{flag} is not among {:?}", message.flags);
        }
    }

    #[test]
    fn what_fits_is_not_cut() {
        let (message, _) =
            sealed(&format!("From: a@b.c\nTo: d@e.f\nMessage-ID: <x@y>\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n\n{}", "ß ".repeat(10_000)));
        assert_eq!(message.text, "ß ".repeat(10_000).trim_end());
        assert_eq!(message.flags, ["charset guessed"]);
    }
}
