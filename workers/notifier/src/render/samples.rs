//! One mail by each template, as its reader gets it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use mail_parser::{MessageParser, MimeHeaders};
use secrecy::SecretSlice;
use switchboard_common::db::letters::{Branding, Earlier, Letter, LetterFailure, LetterMessage};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::templates::Overrides;
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{AccountId, ClientId, MessageId, PriorityId, StatusId, TenantId, TicketId, UserId};
use switchboard_common::reply_token::{SigningKeys, looks_signed};
use uuid::Uuid;

use super::{Content, Draft, Enclosures, File, Mail, RenderError, Template, render};

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const TOKEN: &str = "aaaaaaaaaaaabfaegcq2zq7n4lypux";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

fn ticket() -> TicketSnapshot {
    TicketSnapshot {
        number: 1042,
        title: "Drucker brennt: <b>Hilfe</b> & Wasser".to_owned(),
        client_id: ClientId(Uuid::from_u128(2)),
        account_id: AccountId(Uuid::from_u128(3)),
        department_id: None,
        category_id: None,
        status_id: StatusId(Uuid::nil()),
        state: TicketState::WaitingForAgent,
        priority_id: PriorityId(Uuid::nil()),
        assignees: Vec::new(),
        cc: Vec::new(),
        tags: BTreeSet::new(),
        custom_fields: BTreeMap::new(),
        message_count: 2,
        channels: BTreeSet::new(),
        last_message_at: None,
        closed_at: None,
    }
}

/// A letter with everything that a template may ask for, and with something in each place that must
/// not get through.
fn letter(template: Template) -> Letter {
    let is_client = matches!(template, Template::TicketCreatedClient | Template::MessageAddedClient | Template::TicketClosedClient);
    let recipient =
        if is_client { ReplyRecipient::Client(ClientId(Uuid::from_u128(2))) } else { ReplyRecipient::User(UserId(Uuid::from_u128(4))) };
    let (recipient_name, address) = if is_client { ("Ada Lovelace", "ada@example.org") } else { ("Grace Hopper", "grace@desk.example") };
    Letter {
        tenant_id: TENANT,
        method: Method::Email,
        branding: Branding { brand: "Example Desk".to_owned(), ..Branding::default() },
        account_id: AccountId(Uuid::from_u128(3)),
        account_address: "help@desk.example".to_owned(),
        template: template.as_str().to_owned(),
        reason: "assigned through group second-line".to_owned(),
        recipient,
        recipient_name: recipient_name.to_owned(),
        locale: None,
        timezone: Tz::UTC,
        is_optional: false,
        thread_key: None,
        window_open: true,
        address: address.to_owned(),
        permitted: true,
        message_id: "kq3v5own2example4message6id@desk.example".to_owned(),
        reply_row: Some(7),
        ticket_id: TicketId(Uuid::from_u128(5)),
        ticket: ticket(),
        department: Some("Support".to_owned()),
        client_name: "Ada Lovelace".to_owned(),
        client_address: Some("ada@example.org".to_owned()),
        actor_name: Some("Bob Kahn".to_owned()),
        message: Some(message(template)),
        failure: Some(LetterFailure { address: "ada@example.org".to_owned(), answer: "550 5.1.1 no such user".to_owned() }),
    }
}

fn message(template: Template) -> LetterMessage {
    let text = if template == Template::MessageAddedClient {
        format!("Take <water> & a bucket.\r\n\r\nYours,\nGrace\n\n> Example Desk <help+{TOKEN}@desk.example> wrote:\n> It burns.")
    } else {
        "It burns.\n\n<script>alert('no')</script> Größe: 3 m\n".to_owned()
    };
    LetterMessage {
        id: MessageId(Uuid::from_u128(6)),
        kind: MessageKind::Public,
        author: if template.is_answer() { "Grace Hopper".to_owned() } else { "Ada Lovelace".to_owned() },
        text,
        notice: (template == Template::MessageAddedAgent).then(|| "It came from an address that is not hers.".to_owned()),
        automatic: None,
        received_at: DateTime::from_timestamp(1_799_990_000, 0).expect("a time"),
    }
}

fn keys() -> SigningKeys {
    SigningKeys::new(TENANT, vec![(0, SecretSlice::from(vec![7; 32]))])
}

fn enclosures() -> Enclosures {
    let file = |name: &str, content_type: &str, bytes: &[u8]| File {
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        bytes: bytes.to_vec(),
    };
    Enclosures {
        files: vec![file("Größe.csv", "text/csv", b"a,b\n1,2\n"), file("fire.png", "image/png", b"\x89PNG\r\n\x1a\n\0")],
        left_out: vec!["film.mov".to_owned()],
    }
}

fn written(letter: &Letter, earlier: &[Earlier], enclosures: &Enclosures, keys: &SigningKeys) -> Result<Mail, RenderError> {
    let overrides = Overrides::default();
    match render(Draft { letter, earlier, enclosures, keys, overrides: &overrides, unsubscribe: None, approved: None, now: now() })? {
        Content::Mail(mail) => Ok(mail),
        other => panic!("not a mail: {other:?}"),
    }
}

fn write(letter: &Letter) -> Result<Mail, RenderError> {
    let earlier = [
        Earlier { message_id: "c1@example.org".to_owned(), is_theirs: true },
        Earlier { message_id: "first@desk.example".to_owned(), is_theirs: false },
    ];
    let files = Template::parse(&letter.template).is_some_and(Template::shows_message);
    let enclosures = if files { enclosures() } else { Enclosures::default() };
    written(letter, &earlier, &enclosures, &keys())
}

/// A mail as a reader's mail program takes it apart.
fn decoded(mail: &Mail) -> String {
    let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
    let mut shown = String::new();
    writeln!(shown, "envelope: {:?} → {:?}", mail.envelope.from().map(ToString::to_string), mail.envelope.to()).expect("written");
    for (name, value) in parsed.headers_raw() {
        let value = if name == "Subject" { parsed.subject().unwrap_or_default() } else { value.trim() };
        if name != "Content-Type" {
            writeln!(shown, "{name}: {}", value.split_whitespace().collect::<Vec<_>>().join(" ")).expect("written");
        }
    }
    writeln!(shown, "\n{}", parsed.body_text(0).expect("a text").replace("\r\n", "\n")).expect("written");
    writeln!(shown, "{}", parsed.body_html(0).expect("HTML").replace("\r\n", "\n")).expect("written");
    for file in parsed.attachments() {
        let content_type = file.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()));
        writeln!(shown, "file {:?}, {content_type:?}, {} bytes", file.attachment_name(), file.contents().len()).expect("written");
    }
    shown
}

#[test]
fn each_template_makes_a_mail() {
    for template in Template::ALL.into_iter().take(8) {
        let mail = write(&letter(template)).expect("written");
        insta::assert_snapshot!(template.as_str(), decoded(&mail));
    }
}

#[test]
fn files_arrive_as_they_were() {
    let mail = write(&letter(Template::MessageAddedClient)).expect("written");
    let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
    let raw: Vec<_> = parsed.attachments().map(mail_parser::MessagePart::contents).collect();
    assert_eq!(raw, [b"a,b\n1,2\n".as_slice(), b"\x89PNG\r\n\x1a\n\0"]);
}

#[test]
fn a_mail_is_ascii_with_crlf_line_ends_and_no_line_too_long() {
    let mut long = letter(Template::MessageAddedClient);
    long.message.as_mut().expect("a message").text = "é".repeat(3000);
    long.recipient_name = "Ä".repeat(400);
    for mail in [write(&long), write(&letter(Template::TicketCreatedAgent))] {
        let bytes = mail.expect("written").bytes;
        assert!(bytes.is_ascii());
        for line in bytes.split(|byte| *byte == b'\n') {
            assert!(line.is_empty() || line.ends_with(b"\r"), "a bare line feed");
            assert!(line.len() <= 998, "RFC 5322, 2.1.1");
        }
    }
}

#[test]
fn nothing_that_a_stranger_wrote_becomes_a_header() {
    let evil = "x\r\nBcc: everybody@example.org\r\n\r\nbody";
    let mut letter = letter(Template::MessageAddedClient);
    letter.ticket.title = evil.to_owned();
    letter.branding.brand = evil.to_owned();
    letter.recipient_name = evil.to_owned();
    letter.message.as_mut().expect("a message").author = evil.to_owned();
    let mail = write(&letter).expect("written");
    let parsed = MessageParser::new().parse(&mail.bytes).expect("a mail");
    assert!(parsed.bcc().is_none());
    assert_eq!(parsed.subject(), Some("Re: x Bcc: everybody@example.org body [#1042]"));
}

#[test]
fn no_signed_reply_address_but_the_readers_own_stands_in_a_mail() {
    for template in Template::ALL.into_iter().take(8) {
        let mut letter = letter(template);
        letter.message.as_mut().expect("a message").text = format!("I wrote to help+{TOKEN}@desk.example");
        let mail = write(&letter).expect("written");
        let own = mail.envelope.from().expect("a sender").to_string();
        assert!(looks_signed(&EmailAddress::parse(&own).expect("an address")), "{own}");
        let all = decoded(&mail).replace(&own, "");
        assert!(!all.contains(TOKEN), "{}: {all}", template.as_str());
    }
}

#[test]
fn a_letter_that_lacks_something_is_an_error_and_no_panic() {
    let mut without_message = letter(Template::MessageAddedClient);
    without_message.message = None;
    assert!(matches!(write(&without_message), Err(RenderError::Template(_))));
    let mut unknown = letter(Template::TicketCreatedAgent);
    unknown.template = "ticket.eaten.agent".to_owned();
    assert!(matches!(write(&unknown), Err(RenderError::NoTemplate(_))));
    let mut nowhere = letter(Template::TicketCreatedAgent);
    nowhere.address = "not an address".to_owned();
    assert!(matches!(write(&nowhere), Err(RenderError::Address(_))));
}

#[test]
fn without_a_key_mail_goes_out_under_the_accounts_own_address() {
    let letter = letter(Template::TicketCreatedAgent);
    let keys = SigningKeys::new(TENANT, Vec::new());
    let mail = written(&letter, &[], &Enclosures::default(), &keys).expect("written");
    assert_eq!(mail.envelope.from().map(ToString::to_string).as_deref(), Some("help@desk.example"));
}
