//! Any bytes whatever are a mail, and nothing in it can hurt.

use std::time::Duration;

use mail_builder::MessageBuilder;
use nix::time::{ClockId, clock_gettime};
use proptest::prelude::*;
use switchboard_mail_reader::trim::reply;
use switchboard_mail_reader::{Flag, Mail, SmtpEnvelope, read};

use crate::mails;

/// What holds for every parsed mail.
fn check(mail: &Mail) -> Result<(), TestCaseError> {
    prop_assert!(!mail.flags.contains(&Flag::Unreadable), "reading panicked");
    let on_one_line =
        [Some(&mail.subject), mail.message_id.as_ref(), mail.automatic.as_ref(), mail.from.as_ref().and_then(|from| from.name.as_ref())];
    for text in on_one_line.into_iter().flatten().chain(&mail.references) {
        prop_assert!(!text.chars().any(char::is_control) && text.len() <= 998, "{:?}", text);
    }
    for text in [Some(mail.text.as_str()), Some(mail.reply()), mail.html.as_deref()].into_iter().flatten() {
        prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{:?}", text);
    }
    prop_assert!(mail.reply().is_empty() == mail.text.trim().is_empty());
    prop_assert!(mail.thread.len() <= 100);
    prop_assert!(mail.external_id.len() <= 300 && mail.external_id.contains('#') && !mail.external_id.chars().any(char::is_control));
    for attachment in &mail.attachments {
        let length = attachment.name.chars().count();
        prop_assert!((1..=120).contains(&length) && !attachment.name.contains(|c: char| c.is_control() || c == '/' || c == '\\'));
        prop_assert!(attachment.content_type.contains('/'));
    }
    Ok(())
}

/// Lines that mails are made of, good and bad, in any order.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "From: Ada <ada@example.org>",
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/alternative; boundary=\"c\"",
        "Content-Type: multipart/digest; boundary=b",
        "Content-Type: message/rfc822",
        "Content-Type: text/html; charset=utf-7",
        "Content-Type: text/plain; charset=iso-2022-jp",
        "Content-Type: image/png; name*0*=utf-8''%e4; name*1=x",
        "Content-Disposition: attachment; filename=\"=?utf-8?q?..=2F?=\"",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: quoted-printable",
        "Subject: =?utf-8?b?/w==?= =?x",
        "References: <a@b> <c",
        "Date: Mon, 31 Feb 2026 25:61:61 +9999",
        "--b",
        "--c",
        "--b--",
        "--c--",
        "",
        " folded",
        "<div><p>text</div>",
        "=C3=",
        "=",
        "SGVsbG8=",
        "> quoted",
    ]);
    prop_oneof![4 => known.prop_map(|line| line.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..30)]
}

proptest! {
    #[test]
    fn any_bytes_are_a_mail(raw in prop::collection::vec(any::<u8>(), 0..2000), sender in prop::option::of(".{0,30}")) {
        check(&read(&raw, &SmtpEnvelope { sender, recipients: vec![String::from_utf8_lossy(&raw).into_owned()] }))?;
    }

    #[test]
    fn any_lines_are_a_mail(lines in prop::collection::vec(line(), 0..60), end in prop::sample::select(vec!["\n", "\r\n", "\r"])) {
        check(&read(&lines.join(end.as_bytes()), &SmtpEnvelope::default()))?;
    }

    #[test]
    fn a_damaged_mail_is_a_mail(
        name in prop::sample::select(vec![
            "attachments/attachment-rfc2231", "bounces/bounce", "charsets/iso-2022-jp", "charsets/gb18030", "headers/encoded-words", "attachments/inline-image", "html/html-only",
            "charsets/nul-bytes",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..20),
    ) {
        let mut raw = mails::mail(name);
        for (at, byte, how) in damage {
            let at = at.index(raw.len());
            match how {
                0 => raw[at] = byte,
                1 => raw.insert(at, byte),
                _ => drop(raw.remove(at)),
            }
        }
        check(&read(&raw, &SmtpEnvelope::default()))?;
    }

    #[test]
    fn what_a_mail_library_wrote_is_read_back(
        subject in "[a-zA-Z0-9äöüß漢€]{1,10}( [a-zA-Z0-9äöüß漢€]{1,10}){0,6}",
        name in "[a-zA-Zäß漢]{1,20}",
        text in "[a-zäß漢€ .,]{0,60}(\n[a-zäß漢€ .,=]{1,60}){0,5}",
        file in "[a-zA-Z0-9ä漢_-]{1,30}\\.[a-z]{3}",
        data in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let raw = MessageBuilder::new()
            .from((name.as_str(), "ada@example.org"))
            .to("support@acme.example")
            .subject(subject.as_str())
            .message_id("x@example.org")
            .text_body(text.as_str())
            .attachment("application/x-test", file.as_str(), data.as_slice())
            .write_to_vec()
            .expect("can be written");
        let mail = read(&raw, &SmtpEnvelope::default());
        check(&mail)?;
        prop_assert_eq!(mail.from.and_then(|from| from.name), Some(name));
        prop_assert_eq!(mail.subject, subject);
        prop_assert_eq!(mail.message_id.as_deref(), Some("x@example.org"));
        prop_assert_eq!(mail.text, text.trim_end());
        prop_assert_eq!(&mail.attachments[0].name, &file);
        prop_assert_eq!(&mail.attachments[0].data, &data);
    }
}

/// How long this thread worked on something, whatever else the machine did meanwhile.
fn worked<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let now = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
    let start = now();
    let done = work();
    (done, now().saturating_sub(start))
}

/// Four times the size takes about four times as long, and not sixteen times.
pub fn assert_time_grows_with_size(shape: &str, work: impl Fn(usize)) {
    let small = 50_000;
    let time = |size| (0..2).map(|_| worked(|| work(size)).1).min().unwrap_or_default().max(Duration::from_millis(2));
    let (once, four_times) = (time(small), time(4 * small));
    assert!(four_times < once * 9, "{shape:?}: {small} bytes took {once:?}, four times as many {four_times:?}");
}

#[test]
fn hostile_shapes_take_no_longer_than_their_size() {
    for (start, shape) in [
        ("Content-Type: text/html\n\n", "<div>"),
        ("Content-Type: text/html\n\n", "<blockquote>x"),
        ("Content-Type: text/html\n\n", "<div><object></div></object>"),
        ("Content-Type: multipart/mixed; boundary=b\n\n", "--b\nContent-Type: multipart/mixed; boundary=never\n\nhello\n"),
        ("", "Content-Type: message/rfc822\n\n"),
        ("From:", " =?aa?q?x"),
        ("Subject:", " =?aa?q?x"),
        ("", "To: a@b.c\n =?aa?q?x\n"),
        ("References:", "<a@b>\n "),
    ] {
        assert_time_grows_with_size(shape, |size| {
            let raw = format!("{start}{}", shape.repeat(size / shape.len()));
            let mail = read(raw.as_bytes(), &SmtpEnvelope::default());
            assert!(!mail.flags.is_empty(), "{shape:?}");
        });
    }
}

#[test]
fn trimming_takes_no_longer_than_the_text_is() {
    for shape in [
        ">",
        ">\n",
        "\n",
        "On ",
        "On x\n",
        "wrote:\n",
        "On a wrote:\n> b\n",
        "From: a\nTo:\n",
        "Write your answer above this\n",
        "—\n",
        ": a@b1\n:",
        "_____\n> x\n",
    ] {
        assert_time_grows_with_size(shape, |size| {
            let text = shape.repeat(size / shape.len());
            assert!(reply(&text).len() <= text.len());
        });
    }
}

#[test]
fn of_a_thousand_references_the_first_and_the_newest_are_kept() {
    let ids: Vec<String> = (0..1000).map(|index| format!("<{index}@example.org>")).collect();
    let raw = format!("References: {}\nIn-Reply-To: <999@example.org> <parent@example.org>\n\nx", ids.join("\n "));
    let mail = read(raw.as_bytes(), &SmtpEnvelope::default());
    assert_eq!(mail.thread.len(), 100);
    assert_eq!(mail.thread.first().map(String::as_str), Some("0@example.org"));
    assert_eq!(&mail.thread[97..], ["998@example.org", "999@example.org", "parent@example.org"]);
    assert!(mail.flags.contains(&Flag::CutReferences));
}

#[test]
fn every_recipient_is_found_wherever_it_stands() {
    let raw = "Delivered-To: d@x.example\nX-Original-To: o@x.example\nEnvelope-To: <e@x.example>\n\
               To: T <t@x.example>\nCc: g: c1@x.example, c2@x.example;\nBcc: b@x.example, T@X.example\n\nx";
    let envelope = SmtpEnvelope { sender: None, recipients: vec!["<rcpt@x.example>".to_owned(), "not an address".to_owned()] };
    let found: Vec<String> = read(raw.as_bytes(), &envelope).recipients;
    assert_eq!(
        found,
        ["rcpt@x.example", "d@x.example", "o@x.example", "e@x.example", "t@x.example", "c1@x.example", "c2@x.example", "b@x.example"]
    );
}

#[test]
fn the_envelope_says_who_wrote_when_the_mail_does_not() {
    let envelope = |sender: &str| SmtpEnvelope { sender: Some(sender.to_owned()), recipients: Vec::new() };
    let from = |raw: &str, sender: &str| read(raw.as_bytes(), &envelope(sender)).from.map(|from| from.email);
    assert_eq!(from("Subject: x\n\n", "<ada@example.org>").as_deref(), Some("ada@example.org"));
    assert_eq!(from("Subject: x\nSender: s@example.org\n\n", "ada@example.org").as_deref(), Some("s@example.org"));
    assert_eq!(from("From: nonsense\nReply-To: r@example.org\n\n", "ada@example.org").as_deref(), Some("r@example.org"));
    assert_eq!(from("Subject: x\n\n", ""), None);
}
