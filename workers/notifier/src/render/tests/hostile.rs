//! What strangers write has no power, wherever it stands.

use mail_parser::MessageParser;
use serde_json::Value;
use switchboard_common::db::letters::{DigestItem, DigestLetter, Letter};
use switchboard_common::db::templates::Overrides;
use switchboard_common::domain::method::Method;

use super::super::{Approved, Content, DigestDraft, Draft, Enclosures, File, RenderError, Template, digest, render};
use super::mails::{TOKEN, content, letter, mail};
use super::{decoded, html};

const EVIL: &str = "x\r\nBcc: everybody@example.org\r\n\r\n<script>alert(1)</script><img src=x onerror=alert(1)> <!channel> <https://evil.example|ok> \
                    <@U024BE7LH> {{marker}} {title} \u{202e}gnp.exe\0\u{1b}[2J\u{2028}end";

/// A letter with it in every place that a stranger fills in.
fn hostile(template: Template, method: Method) -> Letter {
    let mut letter = letter(template, method);
    letter.ticket.title = EVIL.to_owned();
    letter.client_name = EVIL.to_owned();
    letter.client_address = Some(EVIL.to_owned());
    letter.recipient_name = EVIL.to_owned();
    letter.actor_name = Some(EVIL.to_owned());
    letter.department = Some(EVIL.to_owned());
    letter.reason = EVIL.to_owned();
    letter.branding.brand = EVIL.to_owned();
    letter.branding.footer = Some(EVIL.to_owned());
    letter.branding.from_name = Some(EVIL.to_owned());
    let message = letter.message.as_mut().expect("a message");
    message.author = EVIL.to_owned();
    message.text = EVIL.to_owned();
    message.notice = Some(EVIL.to_owned());
    message.automatic = Some(EVIL.to_owned());
    if let Some(failure) = &mut letter.failure {
        failure.address = EVIL.to_owned();
        failure.answer = EVIL.to_owned();
    }
    letter
}

fn enclosures() -> Enclosures {
    let file = File { name: EVIL.to_owned(), content_type: "text/html\r\nBcc: x@example.org".to_owned(), bytes: b"x".to_vec() };
    Enclosures { files: vec![file], left_out: vec![EVIL.to_owned()] }
}

fn hostile_digest(method: Method) -> Content {
    let item = |n: i64| DigestItem {
        template: Template::ALL[usize::try_from(n).expect("a number") % 11].as_str().to_owned(),
        number: n,
        title: EVIL.to_owned(),
        actor_name: Some(EVIL.to_owned()),
        excerpt: Some(EVIL.repeat(50)),
        cause: "digest".to_owned(),
        at: "2026-03-01T12:00:00Z".parse().expect("a time"),
    };
    let base = letter(Template::TicketCreatedAgent, method);
    let letter = DigestLetter {
        tenant_id: base.tenant_id,
        method,
        branding: hostile(Template::TicketCreatedAgent, method).branding,
        account_id: base.account_id,
        account_address: base.account_address,
        user_id: switchboard_common::ids::UserId(uuid::Uuid::from_u128(4)),
        recipient_name: EVIL.to_owned(),
        locale: None,
        timezone: chrono_tz::Tz::UTC,
        address: base.address,
        permitted: true,
        message_id: base.message_id,
        items: (0..200).map(item).collect(),
        total: 10_000,
    };
    let (overrides, now) = (Overrides::default(), "2026-03-01T12:00:00Z".parse().expect("a time"));
    digest(DigestDraft { letter: &letter, overrides: &overrides, unsubscribe: None, approved: None, now }).expect("rendered")
}

/// Everything that is said in it by way of a content.
fn letters(method: Method) -> Vec<(Template, Content)> {
    let all = Template::ALL.into_iter().filter(|template| *template != Template::Digest);
    let mut all: Vec<_> =
        all.map(|template| (template, content(&hostile(template, method), &enclosures(), None).expect("rendered"))).collect();
    all.push((Template::Digest, hostile_digest(method)));
    all
}

#[test]
fn nothing_that_a_stranger_wrote_becomes_a_header_or_markup_of_a_mail() {
    for (template, content) in letters(Method::Email) {
        let Content::Mail(mail) = content else { panic!("no mail") };
        let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
        assert!(parsed.bcc().is_none(), "{}", template.as_str());
        let names: Vec<&str> = parsed.headers_raw().map(|(name, _)| name).collect();
        let known = [
            "From",
            "To",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type",
        ];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        assert!(!parsed.subject().expect("a subject").contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{2028}'));
        let html = html(&mail);
        let tags: Vec<&str> =
            html.split('<').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()).collect();
        let ours = [
            "", "html", "head", "meta", "title", "style", "body", "div", "strong", "p", "h1", "h2", "table", "tr", "td", "br", "span",
            "img",
        ];
        assert!(tags.iter().all(|tag| ours.contains(tag)), "{}: {tags:?}", template.as_str());
        assert_eq!(html.matches("<img").count(), usize::from(!template.is_answer()), "the logo alone");
        assert!(!super::text(&mail).contains(['\0', '\u{1b}', '\r']), "{}", template.as_str());
        assert!(!decoded(&mail).contains("— Write your answer above this line — {"), "a placeholder is no template");
    }
}

#[test]
fn nothing_that_a_stranger_wrote_is_a_mention_or_a_link_on_slack() {
    for (template, content) in letters(Method::Slack) {
        let Content::Slack { text, blocks, .. } = content else { panic!("not Slack") };
        assert!(!text.contains(['<', '\0', '\u{1b}']), "{}: {text}", template.as_str());
        for block in blocks.as_array().expect("blocks") {
            let texts: Vec<&Value> = [&block["text"]].into_iter().chain(block["elements"].as_array().into_iter().flatten()).collect();
            for said in texts.into_iter().filter(|said| !said.is_null()) {
                match said["type"].as_str() {
                    Some("plain_text") => assert_eq!(said["emoji"], false),
                    Some("mrkdwn") => {
                        assert!(!said["text"].as_str().expect("a text").contains('<'), "{}: {said}", template.as_str());
                        assert_eq!(said["verbatim"], true);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(blocks.as_array().expect("blocks").len() <= 50);
    }
}

#[test]
fn messages_stay_within_what_their_channel_takes() {
    for (template, content) in letters(Method::Whatsapp) {
        let Content::Whatsapp { text, .. } = content else { panic!("not WhatsApp") };
        assert!((1..=4096).contains(&text.chars().count()) && !text.contains('\0'), "{}", template.as_str());
    }
    for (template, content) in letters(Method::Sms) {
        let Content::Sms(text) = content else { panic!("no short message") };
        let most = if template.is_for_client() { 1600 } else { 800 };
        assert!((1..=most).contains(&text.chars().count()) && !text.contains('\0'), "{}: {}", template.as_str(), text.len());
    }
    for (template, content) in letters(Method::Webhook) {
        let Content::Webhook(body) = content else { panic!("no webhook") };
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((body["version"].as_u64(), body["type"].as_str()), (Some(1), Some(template.event())));
    }
}

#[test]
fn an_answer_goes_out_as_it_was_written_or_not_at_all() {
    let written = "Take *this* & <that>.\n\n  -- \nGrace";
    let said = |method, text: &str| {
        let mut letter = letter(Template::MessageAddedClient, method);
        letter.message.as_mut().expect("a message").text = text.to_owned();
        content(&letter, &enclosures(), None)
    };
    let Ok(Content::Sms(text)) = said(Method::Sms, written) else { panic!("no short message") };
    assert_eq!(text, written);
    let Ok(Content::Whatsapp { text, files }) = said(Method::Whatsapp, written) else { panic!("not WhatsApp") };
    assert_eq!((text.as_str(), files.len()), (written, 1));
    let Ok(Content::Slack { text, blocks, files }) = said(Method::Slack, written) else { panic!("not Slack") };
    assert_eq!((text.as_str(), files.len()), ("Take *this* &amp; &lt;that&gt;.\n\n  -- \nGrace", 1));
    assert_eq!(blocks, Value::Array(Vec::new()), "an answer is a text, not a notice");
    for (method, most) in [(Method::Sms, 4 * 1600), (Method::Whatsapp, 10 * 4096), (Method::Slack, 40_000)] {
        assert!(said(method, &"é".repeat(most)).is_ok(), "{method}");
        let too_long = said(method, &"é".repeat(most + 1));
        assert!(matches!(too_long, Err(RenderError::TooLong { length, most: m, .. }) if length == most + 1 && m == most), "{method}");
    }
    let long = mail(&{
        let mut letter = letter(Template::MessageAddedClient, Method::Email);
        letter.message.as_mut().expect("a message").text = "a line\n".repeat(20_000);
        letter
    });
    assert_eq!(super::text(&long).matches("a line\n").count(), 20_000);
}

#[test]
fn outside_of_its_window_whatsapp_gets_the_approved_template_on_one_line() {
    let mut letter = letter(Template::MessageAddedClient, Method::Whatsapp);
    letter.window_open = false;
    letter.locale = Some("pt-PT".to_owned());
    letter.message.as_mut().expect("a message").text =
        format!("Line one\n\tline     two help+{TOKEN}@desk.example\r\n{}", "word ".repeat(170));
    let languages = |pairs: &[(&str, &str)]| pairs.iter().map(|(locale, code)| ((*locale).to_owned(), (*code).to_owned())).collect();
    let render_with = |letter: &Letter, languages: &_| {
        let overrides = Overrides::default();
        let keys = switchboard_common::reply_token::SigningKeys::new(letter.tenant_id, Vec::new());
        let approved = Some(Approved { name: "answer", languages });
        let enclosures = Enclosures::default();
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let draft =
            Draft { letter, earlier: &[], enclosures: &enclosures, keys: &keys, overrides: &overrides, unsubscribe: None, approved, now };
        render(draft)
    };
    let told = |languages| match render_with(&letter, &languages) {
        Ok(Content::WhatsappTemplate { name, language, parameters }) => (name, language, parameters),
        other => panic!("{other:?}"),
    };
    let (name, language, parameters) = told(languages(&[("pt", "pt_PT"), ("default", "en_US")]));
    assert_eq!((name.as_str(), language.as_str(), parameters.len()), ("answer", "pt_PT", 1));
    assert!(
        parameters[0].starts_with("Line one line two help@desk.example word word") && parameters[0].ends_with(" word"),
        "{parameters:?}"
    );
    assert!(parameters[0].chars().count() <= 900 && !parameters[0].contains("    ") && !parameters[0].contains(['\n', '\t']));
    assert_eq!(told(languages(&[("de", "de"), ("default", "en_US")])).1, "en_US");
    assert_eq!(told(languages(&[("de", "de")])).1, "pt_BR");
    assert!(matches!(content(&letter, &Enclosures::default(), None), Err(RenderError::WindowClosed)));
    letter.message.as_mut().expect("a message").text = "word ".repeat(300);
    let too_long = render_with(&letter, &languages(&[("default", "en")]));
    assert!(matches!(too_long, Err(RenderError::TooLong { most: 900, .. })), "an answer is not cut there either: {too_long:?}");
}
