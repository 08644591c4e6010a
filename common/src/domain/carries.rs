//! Which files a channel takes.

use super::method::Method;

/// The largest file that Slack takes, in bytes: 1 GB (<https://slack.com/help/articles/201330736>). A message's files are smaller.
const SLACK: u64 = 1_000_000_000;

/// A kind of WhatsApp message that carries a file, and the largest file that it takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhatsappMedia {
    /// The type of the message.
    pub kind: &'static str,
    /// The largest file.
    pub largest: u64,
}

const MB: u64 = 1024 * 1024;
const IMAGE: WhatsappMedia = WhatsappMedia { kind: "image", largest: 5 * MB };
const AUDIO: WhatsappMedia = WhatsappMedia { kind: "audio", largest: 16 * MB };
const VIDEO: WhatsappMedia = WhatsappMedia { kind: "video", largest: 16 * MB };
const DOCUMENT: WhatsappMedia = WhatsappMedia { kind: "document", largest: 100 * MB };

/// What carries a file of this media type on WhatsApp
/// (<https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types>). Ogg is taken with the codec
/// Opus alone, which the media type does not tell, so that it is left out.
#[must_use]
pub fn whatsapp_media(content_type: &str) -> Option<WhatsappMedia> {
    match essence(content_type).as_str() {
        "image/jpeg" | "image/png" => Some(IMAGE),
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" => Some(AUDIO),
        "video/mp4" | "video/3gp" => Some(VIDEO),
        "text/plain"
        | "application/pdf"
        | "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        | "application/vnd.openxmlformats-officedocument.presentationml.presentation" => Some(DOCUMENT),
        _ => None,
    }
}

/// A media type without its parameters, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a channel takes a file of this media type and size in bytes. Nobody takes an empty one but mail.
#[must_use]
pub fn takes(method: Method, content_type: &str, size: u64) -> bool {
    match method {
        Method::Email => true,
        Method::Slack => (1..=SLACK).contains(&size),
        Method::Whatsapp => whatsapp_media(content_type).is_some_and(|media| (1..=media.largest).contains(&size)),
        Method::Sms | Method::Webhook => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_takes_the_files_that_its_platform_documents() {
        for (method, content_type, size, taken) in [
            (Method::Email, "application/x-anything", 0, true),
            (Method::Slack, "application/x-anything", 30 * MB, true),
            (Method::Slack, "text/plain", 0, false),
            (Method::Whatsapp, "image/PNG", 5 * MB, true),
            (Method::Whatsapp, "image/png", 5 * MB + 1, false),
            (Method::Whatsapp, "image/gif", 10, false),
            (Method::Whatsapp, "text/plain; charset=utf-8", 10, true),
            (Method::Whatsapp, "application/pdf", 100 * MB, true),
            (Method::Whatsapp, "application/pdf", 100 * MB + 1, false),
            (Method::Whatsapp, "application/zip", 10, false),
            (Method::Whatsapp, "audio/ogg", 10, false),
            (Method::Whatsapp, "video/mp4", 16 * MB + 1, false),
            (Method::Sms, "image/png", 10, false),
            (Method::Webhook, "image/png", 10, false),
        ] {
            assert_eq!(takes(method, content_type, size), taken, "{method} {content_type} {size}");
        }
    }
}
