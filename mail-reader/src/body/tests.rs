use super::*;
use crate::structure::Store;
use crate::trim::MarkKind;

fn read(raw: &str) -> (Body, Vec<Flag>) {
    let (mut flags, store) = (Flags::default(), Store::default());
    let body = Body::read(&Part::read_with(raw.as_bytes(), &store, &mut flags), raw.len(), &mut flags);
    (body, flags.into_vec())
}

fn body(raw: &str) -> Body {
    read(raw).0
}

/// A multipart of such parts, each given by its type and perhaps more fields, and its body.
fn multipart(kind: &str, parts: &[(&str, &str)]) -> String {
    let boundary = format!("b-{kind}-{}", parts.len());
    let part = |(head, body): &(&str, &str)| format!("--{boundary}\nContent-Type: {head}\n\n{body}\n");
    let parts = parts.iter().map(part).collect::<Vec<_>>().concat();
    format!("Content-Type: multipart/{kind}; boundary={boundary}\n\n{parts}--{boundary}--\n")
}

fn names(body: &Body) -> Vec<&str> {
    body.attachments.iter().map(|attachment| attachment.name.as_str()).collect()
}

#[test]
fn text_before_and_after_an_attachment_is_all_read() {
    let body = body(&multipart("mixed", &[("text/plain", "before"), ("image/png", "x"), ("text/plain", "after")]));
    assert_eq!((body.text.as_str(), body.html, body.attachments.len()), ("before\n\nafter", None, 1));
}

#[test]
fn a_blank_alternative_gives_way_to_the_html() {
    let body = body(&multipart("alternative", &[("text/plain", " "), ("text/html", "<p>shown</p>")]));
    assert_eq!((body.text.as_str(), body.html.as_deref(), body.html_laid), ("shown", Some("<p>shown</p>"), None));
}

#[test]
fn a_text_that_only_says_that_there_is_html_gives_way_to_it() {
    let stub = "To view the message, please use an HTML\ncompatible email viewer!";
    let (body, flags) = read(&multipart("alternative", &[("text/plain", stub), ("text/html", "<p>shown</p>")]));
    assert_eq!((body.text.as_str(), flags), ("shown", vec![Flag::LeftOutPlaceholder]));
    let (body, flags) = read(&format!("Content-Type: text/plain\n\n{stub}"));
    assert_eq!((body.text.as_str(), flags), (stub, vec![]), "there is nothing else");
}

#[test]
fn html_beside_a_text_is_laid_out_for_its_marks() {
    let body = body(&multipart("alternative", &[("text/plain", "plain"), ("text/html", "<p>rich</p>")]));
    assert_eq!((body.text.as_str(), body.html_laid.map(|laid| laid.text).as_deref()), ("plain", Some("rich")));
}

#[test]
fn html_with_nothing_to_see_does_not_hide_the_text() {
    let body = body(&multipart("alternative", &[("text/plain", "plain"), ("text/html", "<html><body></body></html>")]));
    assert_eq!((body.text.as_str(), body.html), ("plain", None));
}

#[test]
fn a_footer_added_as_text_is_in_both() {
    let body = body(&multipart("mixed", &[("text/html", "<p>a</p>"), ("text/plain", "1 < 2")]));
    assert_eq!(
        (body.text.as_str(), body.html.as_deref()),
        ("a\n\n1 < 2", Some("<p>a</p><div style=\"white-space:pre-wrap\">1 &lt; 2</div>\n"))
    );
}

#[test]
fn a_text_file_is_a_file_with_its_own_bytes() {
    for meant in ["Content-Disposition: attachment", "Content-Disposition: inline; filename=a.txt", "X-Nothing: said"] {
        let file = format!("text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n{meant}");
        let body = body(&multipart("mixed", &[("text/plain", "see file"), (&file, "gr=FC=DFe")]));
        if meant.starts_with("Content") {
            assert_eq!((body.text.as_str(), body.attachments[0].data.as_slice()), ("see file", b"gr\xfc\xdfe".as_slice()), "{meant}");
        } else {
            assert_eq!((body.text.as_str(), body.attachments.len()), ("see file\n\ngrüße", 0));
        }
    }
}

#[test]
fn text_that_is_all_there_is_is_read_whatever_is_said_of_it() {
    let (only, flags) = read("Content-Type: text/plain\nContent-Disposition: attachment\n\nread me");
    assert_eq!((only.text.as_str(), names(&only), flags), ("read me", vec!["attachment.txt"], vec![Flag::TextFromAttachment]));
    let named = body("Content-Type: text/plain\nContent-Disposition: attachment; filename=log.txt\n\nread me not");
    assert_eq!((named.text.as_str(), names(&named)), ("", vec!["log.txt"]));
    let shown = "text/plain\nContent-Disposition: inline; filename=a.txt";
    let late = body(&multipart("mixed", &[("application/pdf", "x"), (shown, "read me")]));
    assert_eq!((late.text.as_str(), names(&late)), ("read me", vec!["attachment.pdf"]));
}

#[test]
fn a_picture_is_inline_only_if_the_html_shows_it() {
    let picture = |fields: &str| format!("image/gif; name=a.gif\n{fields}");
    let html = "<img src=\"cid:a%40x\"><img src='logo.gif'>";
    let parts = ["Content-ID: <a@x>", "Content-ID: <b@x>", "Content-Location: logo.gif", "Content-Disposition: inline"].map(picture);
    let mut all = vec![("text/html", html)];
    all.extend(parts.iter().map(|part| (part.as_str(), "GIF89a")));
    let related = body(&multipart("related", &all));
    let inline = |body: &Body| body.attachments.iter().map(|attachment| attachment.inline).collect::<Vec<_>>();
    assert_eq!(inline(&related), [true, false, true, true]);
    assert_eq!(inline(&body(&multipart("mixed", &all))), [true, false, true, false]);
    assert!(related.html.is_some_and(|html| html.contains("cid:2@content-location.invalid")));
}

#[test]
fn a_picture_that_is_referred_to_by_its_name_is_found() {
    let body = body(&multipart("related", &[("text/html", "<img src=cid:dot.gif>"), ("image/gif; name=dot.gif", "GIF89a")]));
    assert_eq!((body.attachments[0].inline, body.attachments[0].content_id.as_deref()), (true, Some("dot.gif")));
}

#[test]
fn a_picture_between_pieces_of_html_stays_in_its_place() {
    let picture = "image/gif; name=\"a\\\"b.gif\"\nContent-Disposition: inline\nContent-ID: <p@x>";
    let body = body(&multipart("mixed", &[("text/html", "<p>one</p>"), (picture, "GIF89a"), ("text/html", "<p>two</p>")]));
    assert_eq!(body.html.as_deref(), Some("<p>one</p><p><img src=\"cid:p@x\" alt=\"a_b.gif\"></p>\n<p>two</p>"));
    assert_eq!((body.text.as_str(), body.attachments[0].inline), ("one\n\ntwo", true));
}

#[test]
fn other_programs_alternatives_are_left_out() {
    let parts =
        [("text/plain", "plain"), ("text/x-amp-html", "<html amp4email>"), ("text/html", "<p>rich</p>"), ("text/enriched", "<bold>x")];
    let (body, flags) = read(&multipart("alternative", &parts));
    assert_eq!((body.text.as_str(), body.html.as_deref(), body.attachments.len()), ("plain", Some("<p>rich</p>"), 0));
    assert_eq!(flags, [Flag::LeftOutAlternative]);
}

#[test]
fn an_invitation_alone_is_put_in_words() {
    let calendar = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Tea\\, twice\nDTSTART;TZID=\"Europe/Paris\":20260302T100000\n\
                    DTEND;TZID=\"Europe/Paris\":20260302T113000\nLOCATION:Room\n  1\nORGANIZER;CN=\"Ada: L\":mailto:ada@example.org\n\
                    BEGIN:VALARM\nDESCRIPTION:no\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n";
    let (alone, flags) = read(&format!("Content-Type: text/calendar; method=REQUEST\n\n{calendar}"));
    let words = "Invitation: Tea, twice\nWhen: 2026-03-02 10:00 (Europe/Paris) – 2026-03-02 11:30 (Europe/Paris)\nWhere: Room 1\n\
                 Organiser: Ada: L <ada@example.org>";
    assert_eq!((alone.text.as_str(), names(&alone), flags), (words, vec!["invite.ics"], vec![Flag::TextFromCalendar]));
    let beside = body(&multipart("alternative", &[("text/plain", "Tea?"), ("text/calendar", calendar)]));
    assert_eq!((beside.text.as_str(), names(&beside)), ("Tea?", vec!["invite.ics"]));
}

#[test]
fn a_mail_that_only_hands_on_another_shows_it() {
    let inner = "From: Bob <bob@example.org>\nSubject: Order\nContent-Type: text/html\n\n<p>Where is it?</p>\n";
    let (body, flags) = read(&multipart("mixed", &[("text/plain", ""), ("message/rfc822", inner)]));
    let text = "---------- Forwarded message ---------\nFrom: Bob <bob@example.org>\nSubject: Order\n\nWhere is it?";
    assert_eq!((body.text.as_str(), flags), (text, vec![Flag::TextFromAttachedMail]));
    assert_eq!((body.marks[0].range.clone(), body.marks[0].kind), (0..text.len(), MarkKind::Forward));
    assert_eq!((names(&body), body.attachments[0].data.as_slice()), (vec!["Order.eml"], inner.as_bytes()));
    let report = self::body(&multipart("report", &[("text/plain", ""), ("message/rfc822", inner)]));
    assert_eq!(report.text, "");
}

#[test]
fn what_is_encrypted_is_kept_and_said() {
    let (body, flags) =
        read(&multipart("encrypted", &[("application/pgp-encrypted", "Version: 1"), ("application/octet-stream", "-----")]));
    assert_eq!((body.text.as_str(), names(&body), flags), ("", vec!["version.asc", "attachment.bin"], vec![Flag::Encrypted]));
    let (body, flags) = read("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx");
    assert_eq!((names(&body), flags), (vec!["smime.p7m"], vec![Flag::Encrypted]));
}

#[test]
fn a_macintosh_file_comes_without_its_wrapping() {
    let pair = multipart("appledouble", &[("application/applefile; name=a.pdf", "fork"), ("application/pdf; name=a.pdf", "data")]);
    let (body, flags) = read(&pair);
    assert_eq!((names(&body), flags), (vec!["a.pdf"], vec![Flag::LeftOutResourceFork]));
}

#[test]
fn html_without_a_label_says_its_charset_itself() {
    let raw =
        b"Content-Type: text/html\n\n<html><head><meta http-equiv=x content='text/html; charset=koi8-r'></head>\xf0\xd2\xc9\xd7\xc5\xd4";
    let (mut flags, store) = (Flags::default(), Store::default());
    let body = Body::read(&Part::read_with(raw, &store, &mut flags), raw.len(), &mut flags);
    assert_eq!(body.text, "Привет");
}
