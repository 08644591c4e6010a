//! The dedupe key: the same for the same mail by another way, another for another mail.

use proptest::prelude::*;
use switchboard_mail_reader::{Flag, SmtpEnvelope, read};

fn key(raw: &str) -> String {
    read(raw.as_bytes(), &SmtpEnvelope::default()).external_id
}

const SENT: &str = "From: Ada <ada@example.org>\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n\
    Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle\nMessage-ID: <a@example.org>\nContent-Type: text/plain; charset=utf-8\n\
    Content-Transfer-Encoding: 8bit\n\nGrüße,\n\n  Ada\n";

#[test]
fn another_way_makes_no_other_mail() {
    let base64 = "R3LDvMOfZSwKCiAgQWRhCg==";
    let ways = [
        SENT.replace('\n', "\r\n"),
        format!(
            "Return-Path: <ada@example.org>\nDelivered-To: support@acme.example\nReceived: from a by b;\n\t2 Mar 2026 10:00:01\n{SENT}"
        ),
        SENT.replace("Encoding: 8bit", "Encoding: quoted-printable").replace("Grüße,", "Gr=C3=BC=C3=9F=\ne,"),
        SENT.replace("Encoding: 8bit", "Encoding: base64").replace("Grüße,\n\n  Ada", base64),
        SENT.replace("Grüße,\n", "Grüße,  \n").replace("Ada\n", "Ada \n\n\n"),
        SENT.replace(" an alle", "\n an alle"),
        SENT.replace("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "=?utf-8?b?R3LDvMOfZQ==?="),
        SENT.replace("Mon, 2 Mar 2026 10:00:00 +0100", "2 Mar 2026 09:00:00 +0000"),
    ];
    for way in ways {
        assert_eq!(key(&way), key(SENT), "{way}");
    }
}

#[test]
fn the_same_message_id_with_other_content_is_another_mail() {
    let others = [
        SENT.replace("ada@example.org>\nDate", "eve@example.org>\nDate"),
        SENT.replace("10:00:00", "10:00:01"),
        SENT.replace("an alle", "an Ada"),
        SENT.replace("  Ada", "  Eve"),
        SENT.replace("  Ada", "Ada"),
        SENT.replace("Grüße,\n\n", "Grüße,\n"),
    ];
    let sent = key(SENT);
    for other in others {
        let other_key = key(&other);
        assert_ne!(other_key, sent, "{other}");
        assert!(other_key.starts_with("a@example.org#"), "{other_key}");
    }
}

#[test]
fn another_attachment_makes_another_mail() {
    let with = |data: &str| {
        format!(
            "From: a@b.c\nMessage-ID: <x@y>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n\
             Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n{data}\n--b--\n"
        )
    };
    assert_ne!(key(&with("AAAA")), key(&with("AAAB")));
}

#[test]
fn a_key_without_a_message_id_is_its_hash() {
    let key = key(&SENT.replace("Message-ID", "X-Other"));
    assert!(key.starts_with('#') && key.len() == 33, "{key}");
}

#[test]
fn a_monstrous_message_id_makes_a_key_that_an_index_takes() {
    let monster = |last: char| SENT.replace("<a@example.org>", &format!("<{}{last}@example.org>", "x".repeat(100_000)));
    let (one, two) = (key(&monster('1')), key(&monster('2')));
    assert!(one.len() < 100, "{} bytes", one.len());
    assert_ne!(one, two);
}

#[test]
fn blanks_in_a_subject_make_no_other_key_and_the_same_id_twice_is_no_oddity() {
    assert_eq!(key("Message-ID: <a@x.org>\nSubject: a long\n  subject\n\nx"), key("Message-ID: <a@x.org>\nSubject: a longsubject\n\nx"));
    let flags = |ids: &str| read(format!("{ids}\n\nx").as_bytes(), &SmtpEnvelope::default()).flags;
    let odd = Flag::SeveralMessageIds;
    assert!(!flags("Message-ID: <a@x.org>\nMessage-ID: <a@x.org>").contains(&odd));
    assert!(flags("Message-ID: <a@x.org>\nMessage-ID: <b@x.org>").contains(&odd));
}

proptest! {
    #[test]
    fn any_text_keeps_its_key_whatever_ends_its_lines(lines in prop::collection::vec("[ -~äß]{0,20}", 0..8)) {
        let mail = |end: &str| format!("Subject: x{end}Content-Type: text/plain; charset=utf-8{end}{end}{}", lines.join(end));
        prop_assert_eq!(key(&mail("\n")), key(&mail("\r\n")));
    }
}
