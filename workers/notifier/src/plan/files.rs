//! Which files of an answer a channel takes.

use switchboard_common::db::plans::FileFacts;
use switchboard_common::domain::method::Method;

const MB: i64 = 1024 * 1024;

/// The media types that WhatsApp takes, with the largest size of each in bytes
/// (<https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types>).
const WHATSAPP: &[(&str, i64)] = &[
    ("audio/aac", 16 * MB),
    ("audio/amr", 16 * MB),
    ("audio/mpeg", 16 * MB),
    ("audio/mp4", 16 * MB),
    ("audio/ogg", 16 * MB),
    ("text/plain", 100 * MB),
    ("application/pdf", 100 * MB),
    ("application/msword", 100 * MB),
    ("application/vnd.ms-excel", 100 * MB),
    ("application/vnd.ms-powerpoint", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 100 * MB),
    ("image/jpeg", 5 * MB),
    ("image/png", 5 * MB),
    ("video/3gpp", 16 * MB),
    ("video/mp4", 16 * MB),
];

/// The names of the files that do not go by a method. `only_template`: outside of WhatsApp's window, where nothing but the text goes.
pub(crate) fn left_behind(files: &[FileFacts], method: Method, only_template: bool) -> Vec<&str> {
    let takes = |file: &FileFacts| match method {
        Method::Email | Method::Slack => true,
        Method::Whatsapp => !only_template && WHATSAPP.iter().any(|(kind, most)| bare(&file.content_type) == *kind && file.size <= *most),
        Method::Sms | Method::Webhook => false,
    };
    files.iter().filter(|file| !takes(file)).map(|file| file.name.as_str()).collect()
}

/// A media type in lower case, without its parameters.
fn bare(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_takes_the_files_that_its_documentation_names() {
        let file = |name: &str, content_type: &str, size| FileFacts { name: name.to_owned(), content_type: content_type.to_owned(), size };
        let files = [
            file("photo.jpg", "image/JPEG; name=x", 5 * MB),
            file("poster.jpg", "image/jpeg", 5 * MB + 1),
            file("page.html", "text/html", 1),
            file("manual.pdf", "application/pdf", 100 * MB),
        ];
        for (method, only_template, expected) in [
            (Method::Email, false, &[][..]),
            (Method::Slack, false, &[]),
            (Method::Whatsapp, false, &["poster.jpg", "page.html"]),
            (Method::Whatsapp, true, &["photo.jpg", "poster.jpg", "page.html", "manual.pdf"]),
            (Method::Sms, false, &["photo.jpg", "poster.jpg", "page.html", "manual.pdf"]),
        ] {
            assert_eq!(left_behind(&files, method, only_template), expected, "{method}");
        }
    }
}
