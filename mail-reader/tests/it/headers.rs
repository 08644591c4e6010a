//! The header: what was written into it comes out of it, and none is so odd that reading it takes long.

use chrono::{DateTime, FixedOffset};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use proptest::prelude::*;
use switchboard_mail_reader::{Flag, Mail, SmtpEnvelope, read};

use crate::total::assert_time_grows_with_size;

fn of(raw: impl AsRef<[u8]>) -> Mail {
    read(raw.as_ref(), &SmtpEnvelope::default())
}

/// Names and texts of any characters that can be seen, in words.
fn words() -> impl Strategy<Value = String> {
    let visible = "[^\\p{C}\\p{Z}\"'`<>=?,;\\\\]{1,12}";
    prop::collection::vec(visible, 1..6).prop_map(|words| words.join(" "))
}

fn address() -> impl Strategy<Value = String> {
    let local = "[a-z0-9!#$%&*+/=?^_{|}~-]{1,10}(\\.[a-z0-9+_-]{1,10}){0,2}";
    (local, "[a-z0-9]{1,10}(-[a-z0-9]{1,5})?(\\.[a-z]{2,6}){1,2}")
        .prop_map(|(local, domain)| format!("{local}@{domain}"))
        .prop_filter("an address that only X.400 understands", |address| !address.starts_with('/') && !address.starts_with("imcea"))
}

proptest! {
    #[test]
    fn any_names_and_addresses_are_read_back(
        from in (words(), address()),
        to in prop::collection::vec((prop::option::of(words()), address()), 1..6),
        subject in words(),
    ) {
        let list = to.iter().map(|(name, email)| Address::new_address(name.as_deref(), email.as_str())).collect();
        let raw = MessageBuilder::new()
            .from((from.0.as_str(), from.1.as_str()))
            .to(Address::new_list(list))
            .subject(subject.as_str())
            .text_body("x")
            .write_to_vec()
            .expect("can be written");
        let mail = of(&raw);
        let pair = |mailbox: switchboard_mail_reader::Mailbox| (mailbox.name, mailbox.email);
        prop_assert_eq!(mail.from.map(pair), Some((Some(from.0), from.1)));
        prop_assert_eq!(mail.to.into_iter().map(pair).collect::<Vec<_>>(), to);
        prop_assert_eq!(mail.subject, subject);
    }

    #[test]
    fn any_quoted_name_is_read_back(name in "[^\\p{C}\\p{Z}\"'`]([^\\p{C}\\p{Z}]{0,8}[ ,;:@<>()\\\\\"]?){0,4}[^\\p{C}\\p{Z}\"'`,]") {
        prop_assume!(!name.contains("=?") && !name.contains("  "));
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let mail = of(format!("To: a@x.org, \"{quoted}\" <b@x.org>, c@x.org\n\nx"));
        prop_assert_eq!(mail.to.len(), 3);
        prop_assert_eq!(mail.to[1].name.as_deref(), Some(name.as_str()));
    }

    #[test]
    fn any_file_name_is_read_back(name in "[a-zA-Z0-9äéß漢字я€%'()\\[\\]#~_-]{1,40}( [a-zA-Z0-9äß漢;,=]{1,10}){0,2}\\.[a-z]{3}") {
        let raw = MessageBuilder::new().attachment("application/x-test", name.as_str(), b"x".as_slice()).write_to_vec().expect("can be written");
        prop_assert_eq!(&of(&raw).attachments[0].name, &name);
    }

    #[test]
    fn any_moment_is_read_back(seconds in 0..4_000_000_000_i64, quarters in -48..=56_i32) {
        let zone = FixedOffset::east_opt(quarters * 900).expect("less than a day");
        let moment = DateTime::from_timestamp(seconds, 0).expect("in range").with_timezone(&zone);
        let raw = MessageBuilder::new().header("Date", Raw::new(moment.to_rfc2822())).text_body("x").write_to_vec().expect("can be written");
        let mail = of(&raw);
        prop_assert_eq!(mail.sent_at, Some(moment));
        prop_assert!(!mail.flags.contains(&Flag::GuessedDate));
    }
}

/// What programs that look for something by trying stumble over.
const SHAPES: [&str; 48] = [
    "=?",
    "=?a?q?",
    "=?a?q?x?= ",
    "=?a?b?QQ?=",
    "=?a?q?x?=20",
    "=?=?=",
    "=?utf-8?q?\r\n ",
    "?=",
    "(",
    ")",
    "( ",
    "((a)",
    "\"",
    "\\\"",
    "\"<a",
    "<",
    "< ",
    "<\"",
    "<a@b",
    "<a@b.c>",
    "a@b.c,",
    "a@b.c ",
    ",",
    ";",
    ":",
    "a:",
    "a ",
    "=",
    "a=\"x\"y;",
    "a=\";",
    "a=b ",
    "name*0*=a;",
    "name=a(",
    "\r",
    "\r\r",
    "\ra:",
    "\n ",
    "\na",
    "\na\nTo:",
    "\n\t\n",
    "\0",
    "é",
    "@",
    " .a",
    "'",
    "%",
    "--",
    "1:1 ",
];

#[test]
fn no_field_takes_longer_than_its_size() {
    let fields = ["From: ", "To: ", "Subject: ", "Message-ID: ", "In-Reply-To: ", "Date: ", "Content-Type: text/plain; ", "X: <"];
    for shape in SHAPES {
        assert_time_grows_with_size(shape, |size| {
            let value = shape.repeat(size / shape.len() / fields.len());
            let raw: Vec<String> = fields.iter().map(|field| format!("{field}{value}\n")).collect();
            assert!(!of(raw.concat()).flags.contains(&Flag::Unreadable));
        });
    }
}

#[test]
fn a_field_of_megabytes_is_read_as_far_as_there_is_room() {
    let mail = of(format!("To: {}last@example.org\n\nx", "Ada Lovelace <ada@example.org>,\n ".repeat(50_000)));
    assert_eq!(mail.to.len(), 10_000);
    assert_eq!(mail.recipients, ["ada@example.org"]);
    assert!(mail.flags.contains(&Flag::CutRecipients));
    let mail = of(format!("Subject: {}\nFrom: ada@example.org\n\nx", "long ".repeat(500_000)));
    assert!(mail.subject.starts_with("long long") && mail.subject.len() <= 998);
    assert_eq!(mail.from.map(|from| from.email).as_deref(), Some("ada@example.org"));
    assert!(mail.flags.contains(&Flag::CutHeader));
    let mail = of(format!("References: <first@x> {}<last@x>\n\nx", "<middle@x> ".repeat(200_000)));
    assert_eq!(mail.references, ["first@x", "middle@x", "last@x"]);
    let mail = of(format!("References: first@x {}last@x\n\nx", "middle@x ".repeat(200_000)));
    assert_eq!(mail.references, ["first@x", "middle@x", "last@x"]);
}

#[test]
fn of_several_dates_the_first_that_can_be_read_counts() {
    let mail = of("Date: soon\nDate: Mon, 2 Mar 2026 10:00:00 +0100\nDate: Tue, 3 Mar 2026 10:00:00 +0100\n\nx");
    assert_eq!(mail.sent_at.map(|date| date.to_rfc3339()).as_deref(), Some("2026-03-02T10:00:00+01:00"));
}

#[test]
fn the_sender_is_the_first_that_can_be_answered() {
    let from = |raw: &str| of(raw).from.map(|from| from.to_string());
    assert_eq!(from("From: root@, Ada <ada@x.org>, eve@x.org\n\n").as_deref(), Some("Ada <ada@x.org>"));
    assert_eq!(from("From: team: Ada <ada@x.org>, eve@x.org;\n\n").as_deref(), Some("Ada <ada@x.org>"));
    assert_eq!(from("From: empty:;\nSender: <s@x.org>\n\n").as_deref(), Some("<s@x.org>"));
    assert_eq!(from("From: root\nFrom: a@x.org\nSender: <s@x.org>\n\n").as_deref(), Some("<a@x.org>"));
    assert_eq!(from("From: Mail Delivery Subsystem\nReturn-Path: <r@x.org>\n\n").as_deref(), Some("<r@x.org>"));
    assert_eq!(from("From: root\nReturn-Path: <>\n\n"), None);
}
