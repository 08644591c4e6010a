//! Every message as its reader gets it, taken apart again.

mod hostile;
mod mails;
mod tenants;

use std::fmt::Write;

use chrono_tz::Tz;
use mail_parser::{MessageParser, MimeHeaders};
use switchboard_common::db::letters::Branding;
use switchboard_common::db::templates::Overrides;
use switchboard_common::domain::method::Method;

use super::sample::Sample;
use super::{Content, Mail, Template};

fn branding() -> Branding {
    Branding {
        brand: "Example Desk".to_owned(),
        from_name: None,
        logo: Some("https://desk.example/logo.png".to_owned()),
        color: Some("#7a1fa2".to_owned()),
        footer: Some("Example Ltd · 1 Main Street\nLondon".to_owned()),
        locale: None,
    }
}

fn rendered(template: Template, method: Method, locale: &str) -> Content {
    let (branding, overrides) = (branding(), Overrides::default());
    let timezone = if locale == "en" { Tz::UTC } else { chrono_tz::Europe::Berlin };
    let sample = Sample { template, method, locale: Some(locale), timezone, branding: &branding, overrides: &overrides, bare: false };
    sample.render().expect("rendered")
}

/// A mail as a reader's mail program takes it apart.
fn decoded(mail: &Mail) -> String {
    let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
    let mut shown = String::new();
    let to: Vec<String> = mail.envelope.to().iter().map(ToString::to_string).collect();
    writeln!(shown, "envelope: {:?} → {to:?}", mail.envelope.from().map(ToString::to_string)).expect("written");
    for (name, value) in parsed.headers_raw() {
        let value = if name == "Subject" { parsed.subject().unwrap_or_default() } else { value.trim() };
        if name != "Content-Type" {
            writeln!(shown, "{name}: {}", value.split_whitespace().collect::<Vec<_>>().join(" ")).expect("written");
        }
    }
    writeln!(shown, "\n{}", text(mail)).expect("written");
    writeln!(shown, "{}", html(mail)).expect("written");
    for file in parsed.attachments() {
        let content_type = file.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
        writeln!(shown, "file {:?}, {content_type:?}, {} bytes", file.attachment_name(), file.contents().len()).expect("written");
    }
    shown
}

fn text(mail: &Mail) -> String {
    MessageParser::new().parse(&mail.bytes).expect("a mail").body_text(0).expect("a text").replace("\r\n", "\n")
}

fn html(mail: &Mail) -> String {
    MessageParser::new().parse(&mail.bytes).expect("a mail").body_html(0).expect("HTML").replace("\r\n", "\n")
}

/// What is handed over, for people to read.
fn shown(content: &Content) -> String {
    match content {
        Content::Mail(mail) => decoded(mail),
        Content::Slack { text, blocks, files } => {
            let files: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
            format!("{text}\nfiles {files:?}\n{}\n", serde_json::to_string_pretty(blocks).expect("JSON"))
        }
        Content::Whatsapp { text, files } => {
            format!("{text}\nfiles {:?}\n", files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>())
        }
        Content::WhatsappTemplate { name, language, parameters } => format!("{name} {language} {parameters:?}\n"),
        Content::Sms(text) => format!("{text}\n"),
        Content::Webhook(body) => {
            let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
            format!("{}\n", serde_json::to_string_pretty(&body).expect("JSON"))
        }
    }
}

#[test]
fn each_event_is_told_on_each_channel() {
    for template in Template::ALL {
        let mut all = String::new();
        for method in Method::ALL {
            write!(all, "=== {method}\n{}\n", shown(&rendered(template, method, "en"))).expect("written");
        }
        // The style sheet is the same in all.
        let styles =
            |text: &str| text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).map(|(styles, _)| styles.to_owned());
        if let Some(styles) = styles(&all).filter(|_| template != Template::TicketCreatedAgent) {
            all = all.replace(&styles, "…");
        }
        insta::assert_snapshot!(template.as_str(), all);
    }
}

#[test]
fn each_event_is_told_in_each_language() {
    for language in ["de", "fr", "es", "pt-BR"] {
        let mut all = String::new();
        for template in Template::ALL {
            writeln!(all, "=== {}", template.as_str()).expect("written");
            for method in [Method::Email, Method::Slack, Method::Whatsapp, Method::Sms] {
                let words = match rendered(template, method, language) {
                    Content::Mail(mail) => {
                        let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
                        assert!(html(&mail).contains(&format!("<html lang=\"{language}\">")));
                        format!("{}\n\n{}", parsed.subject().unwrap_or_default(), text(&mail))
                    }
                    Content::Slack { text, .. } | Content::Whatsapp { text, .. } | Content::Sms(text) => text,
                    other => panic!("{other:?}"),
                };
                writeln!(all, "--- {method}\n{}", words.trim_end()).expect("written");
            }
        }
        insta::assert_snapshot!(format!("language.{language}"), all);
    }
}

#[test]
fn nothing_of_what_is_shown_depends_on_what_need_not_be_there() {
    let overrides = Overrides::default();
    let branding = Branding { brand: "Desk".to_owned(), ..Branding::default() };
    for template in Template::ALL {
        for method in Method::ALL {
            let sample =
                Sample { template, method, locale: None, timezone: Tz::UTC, branding: &branding, overrides: &overrides, bare: true };
            let content = shown(&sample.render().expect("rendered"));
            assert!(!content.contains("{{") && !content.contains("null,\n  null"), "{content}");
        }
    }
}
