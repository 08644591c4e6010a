//! What holds for every mail.

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use secrecy::SecretSlice;
use switchboard_common::db::letters::{Branding, Earlier, Letter};
use switchboard_common::db::templates::Overrides;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::method::Method;
use switchboard_common::ids::TenantId;
use switchboard_common::reply_token::{SigningKeys, looks_signed};
use uuid::Uuid;

use super::super::{Content, Draft, Enclosures, File, Mail, RenderError, Template, render, sample::Sample};
use super::{branding, decoded, html, rendered, text};

pub(super) const TOKEN: &str = "aaaaaaaaaaaabfaegcq2zq7n4lypux";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

pub(super) fn letter(template: Template, method: Method) -> Letter {
    let (branding, overrides) = (branding(), Overrides::default());
    let sample =
        Sample { template, method, locale: None, timezone: chrono_tz::Tz::UTC, branding: &branding, overrides: &overrides, bare: false };
    Letter { reply_row: Some(7), ..sample.letter() }
}

pub(super) fn content(letter: &Letter, enclosures: &Enclosures, unsubscribe: Option<&str>) -> Result<Content, RenderError> {
    let earlier = [
        Earlier { message_id: "c1@example.org".to_owned(), is_theirs: true },
        Earlier { message_id: "first@desk.example".to_owned(), is_theirs: false },
    ];
    let keys = SigningKeys::new(TenantId(Uuid::from_u128(1)), vec![(0, SecretSlice::from(vec![7; 32]))]);
    let overrides = Overrides::default();
    render(Draft { letter, earlier: &earlier, enclosures, keys: &keys, overrides: &overrides, unsubscribe, approved: None, now: now() })
}

pub(super) fn mail(letter: &Letter) -> Mail {
    match content(letter, &Enclosures::default(), Some("https://desk.example/stop/1")).expect("rendered") {
        Content::Mail(mail) => mail,
        other => panic!("not a mail: {other:?}"),
    }
}

const LETTERS: usize = Template::ALL.len() - 1;

#[test]
fn files_arrive_as_they_were() {
    let file = |name: &str, bytes: &[u8]| File { name: name.to_owned(), content_type: "image/png".to_owned(), bytes: bytes.to_vec() };
    let enclosures = Enclosures { files: vec![file("a", b"a,b\n1,2\n"), file("b", b"\x89PNG\r\n\x1a\n\0")], left_out: Vec::new() };
    let Ok(Content::Mail(mail)) = content(&letter(Template::MessageAddedClient, Method::Email), &enclosures, None) else {
        panic!("no mail")
    };
    let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
    let raw: Vec<_> = parsed.attachments().map(mail_parser::MessagePart::contents).collect();
    assert_eq!(raw, [b"a,b\n1,2\n".as_slice(), b"\x89PNG\r\n\x1a\n\0"]);
}

#[test]
fn a_mail_is_ascii_with_crlf_line_ends_and_no_line_too_long() {
    let mut long = letter(Template::MessageAddedClient, Method::Email);
    long.message.as_mut().expect("a message").text = "é".repeat(3000);
    long.recipient_name = "Ä".repeat(400);
    for mail in [mail(&long), mail(&letter(Template::TicketCreatedAgent, Method::Email))] {
        assert!(mail.bytes.is_ascii());
        for line in mail.bytes.split(|byte| *byte == b'\n') {
            assert!(line.is_empty() || line.ends_with(b"\r"), "a bare line feed");
            assert!(line.len() <= 998, "RFC 5322, 2.1.1");
        }
    }
}

#[test]
fn no_signed_reply_address_but_the_readers_own_stands_in_a_mail() {
    for template in Template::ALL.into_iter().take(LETTERS) {
        let mut letter = letter(template, Method::Email);
        letter.message.as_mut().expect("a message").text = format!("I wrote to help+{TOKEN}@desk.example");
        letter.ticket.title = format!("help+{TOKEN}@desk.example");
        let mail = mail(&letter);
        let own = mail.envelope.from().expect("a sender").to_string();
        assert!(looks_signed(&EmailAddress::parse(&own).expect("an address")), "{own}");
        let all = decoded(&mail).replace(&own, "");
        assert!(!all.contains(TOKEN), "{}: {all}", template.as_str());
    }
}

#[test]
fn a_letter_that_lacks_something_is_an_error_and_no_panic() {
    let try_mail = |letter: &Letter| content(letter, &Enclosures::default(), None);
    let mut without_message = letter(Template::MessageAddedClient, Method::Email);
    without_message.message = None;
    for method in [Method::Email, Method::Slack, Method::Whatsapp, Method::Sms] {
        without_message.method = method;
        assert!(matches!(try_mail(&without_message), Err(RenderError::Template(_))), "{method}");
    }
    let mut without_failure = letter(Template::DeliveryFailedAgent, Method::Email);
    without_failure.failure = None;
    assert!(matches!(try_mail(&without_failure), Err(RenderError::Phrase(_))));
    let mut unknown = letter(Template::TicketCreatedAgent, Method::Email);
    for name in ["ticket.eaten.agent", "digest.agent"] {
        unknown.template = name.to_owned();
        assert!(matches!(try_mail(&unknown), Err(RenderError::NoTemplate(_))), "{name}");
    }
    let mut nowhere = letter(Template::TicketCreatedAgent, Method::Email);
    nowhere.address = "not an address".to_owned();
    assert!(matches!(try_mail(&nowhere), Err(RenderError::Address(_))));
}

#[test]
fn without_a_key_mail_goes_out_under_the_accounts_own_address() {
    let Content::Mail(mail) = rendered(Template::TicketCreatedAgent, Method::Email, "en") else { panic!("no mail") };
    assert_eq!(mail.envelope.from().map(ToString::to_string).as_deref(), Some("help@desk.example"));
}

#[test]
fn only_optional_mail_to_the_desks_own_people_can_be_stopped_with_one_click() {
    let header = |letter: &Letter, link: Option<&str>| {
        let Ok(Content::Mail(mail)) = content(letter, &Enclosures::default(), link) else { panic!("no mail") };
        let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
        let raw = |name: &str| parsed.header_raw(name).map(|value| value.trim().to_owned());
        assert_eq!(raw("List-Unsubscribe-Post").is_some(), raw("List-Unsubscribe").is_some(), "RFC 8058, 3.1");
        let link = raw("List-Unsubscribe");
        assert_eq!(html(&mail).contains("/stop/1\""), link.is_some());
        assert_eq!(text(&mail).contains("/stop/1\n"), link.is_some());
        link
    };
    let stop = Some("https://desk.example/stop/1");
    for template in Template::ALL.into_iter().take(LETTERS) {
        let mut letter = letter(template, Method::Email);
        letter.is_optional = true;
        let expected = (!template.is_for_client()).then(|| "<https://desk.example/stop/1>".to_owned());
        assert_eq!(header(&letter, stop), expected, "{}", template.as_str());
        assert_eq!(header(&letter, None), None);
        for other in ["javascript:alert(1)", "http://desk.example/stop/1", "desk.example/stop/1"] {
            assert_eq!(header(&letter, Some(other)), None, "{other}");
        }
        letter.is_optional = false;
        assert_eq!(header(&letter, stop), None, "{}", template.as_str());
    }
    let Content::Mail(digest) = rendered(Template::Digest, Method::Email, "en") else { panic!("no mail") };
    assert!(decoded(&digest).contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\n"));
}

#[test]
fn mail_comes_in_the_name_of_the_department_or_the_brand_and_an_answer_in_its_authors() {
    let from = |template, from_name: Option<&str>| {
        let mut letter = letter(template, Method::Email);
        letter.branding = Branding { brand: "Example Desk".to_owned(), from_name: from_name.map(str::to_owned), ..Branding::default() };
        let mail = mail(&letter);
        let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
        parsed.from().and_then(|from| from.first()).and_then(|from| from.name()).map(str::to_owned).expect("a name")
    };
    assert_eq!(from(Template::TicketCreatedClient, None), "Example Desk");
    assert_eq!(from(Template::TicketCreatedClient, Some("Example Billing")), "Example Billing");
    assert_eq!(from(Template::MessageAddedClient, Some("Example Billing")), "Grace Hopper (Example Billing)");
    assert_eq!(from(Template::TicketCreatedClient, Some("\r\n")), "Example Desk");
}

#[test]
fn html_stays_within_the_width_of_any_screen() {
    for template in Template::ALL {
        let Content::Mail(mail) = rendered(template, Method::Email, "en") else { panic!("no mail") };
        let html = html(&mail);
        assert!(html.contains("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"));
        assert!(html.contains("max-width: 640px; margin: 0 auto;") && html.contains("overflow-wrap: anywhere; word-break: break-word;"));
        let fixed = html.split("width: ").skip(1).filter(|rest| !rest.starts_with("100%") && !rest.starts_with("1%")).collect::<Vec<_>>();
        for rest in fixed {
            let before = html.split(rest).next().unwrap_or_default();
            assert!(before.ends_with("max-width: ") || before.ends_with("(max-width: "), "a fixed width: {}", &rest[..30]);
        }
        assert!(html.contains("color-scheme: light dark") && html.contains("@media (prefers-color-scheme: dark)"));
        assert!(!html.contains("<script") && !html.contains(" onload") && !html.contains("http:"));
    }
}
