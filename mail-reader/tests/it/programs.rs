//! How mail programs mark what is not new: one case for each mark, so that none is lost unseen.

use switchboard_mail_reader::{Mail, SmtpEnvelope, read};

fn html(body: &str) -> Mail {
    read(format!("From: Ada <ada@example.org>\nContent-Type: text/html; charset=utf-8\n\n{body}").as_bytes(), &SmtpEnvelope::default())
}

/// A start tag, and the name that its end tag bears.
fn name(tag: &str) -> &str {
    tag.split(' ').next().unwrap_or(tag)
}

const QUOTES: [&str; 45] = [
    "blockquote",
    "blockquote class=gmail_quote",
    "div class=gmail_quote",
    "div class=m_123gmail_quote",
    "div class=gmail_quote_container",
    "div class=gmail_extra",
    "div class=__pbConvHr",
    "div id=divRplyFwdMsg",
    "div id=x_divRplyFwdMsg",
    "div id=appendonsend",
    "div id=mail-editor-reference-message-container",
    "span id=OLK_SRC_BODY_SECTION",
    "div id=MAC_OUTLOOK_ATTRIBUTION_BLOCKQUOTE",
    "div style='border:none; border-left:solid blue 1.5pt'",
    "div id=stopSpelling",
    "div id=EC_stopSpelling",
    "div class=yahoo_quoted",
    "div class=ydp1yahoo_quoted",
    "div class=ydp1yahoo-quoted",
    "div id=yahoo_quoted_123",
    "div class=yQTDBase",
    "blockquote class=protonmail_quote",
    "div class=protonmail_quote",
    "div class=zmail_extra",
    "div class=x_1zmail_extra",
    "div class=tutanota_quote",
    "div name=quote",
    "div name=quoted-content",
    "div class=mail-quote-collapse",
    "div id=zwchr",
    "div data-marker=__DIVIDER__",
    "div data-marker=__QUOTED_TEXT__",
    "div class=iNotesHistory",
    "div name=messageReplySection",
    "div class=missive_quote",
    "div id=isReplyContent",
    "div class=ntes-mailmaster-quote",
    "includetail",
    "div class=freshdesk_quote",
    "div type=cite",
    "div data-o-mail-quote=1",
    "div class='a gmail_quote b'",
    "div class=x_x_gmail_quote",
    "div class=yiv123gmail_quote",
    "div class=x_yQTDBase",
];

#[test]
fn what_a_program_marks_as_quoted_is_not_new() {
    for tag in QUOTES {
        let mail = html(&format!("<div>New.</div><{tag}><div>old words</div></{}>", name(tag)));
        assert_eq!((mail.reply(), mail.text.contains("old words")), ("New.", true), "{tag}");
    }
}

#[test]
fn what_outlook_draws_a_line_above_is_not_new_when_it_begins_with_a_header() {
    for style in [
        "border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in",
        "border-top:1pt solid;padding:3pt 0 0",
        "border-style:solid none none;padding:3pt 0 0",
    ] {
        // Labels in a language that the text's own tables do not have.
        let header = "<b>Kutoka:</b> Bob<br><b>Tarehe:</b> 2 Machi<br><b>Kwa:</b> Ada<br><b>Mada:</b> x";
        let mail = html(&format!("<div>New.</div><div style='{style}'>{header}</div><p>old words</p>"));
        assert_eq!(mail.reply(), "New.", "{style}");
        assert_eq!(html(&format!("<div>New.</div><div style='{style}'>A box</div>")).reply(), "New.\nA box", "{style}");
    }
}

#[test]
fn what_introduces_a_quote_goes_with_it() {
    for tag in ["div class=gmail_attr", "div class=moz-cite-prefix", "div id=Zm-_Id_-Sgn1", "p id=reply-intro", "div class=airmail_on"] {
        let mail = html(&format!("<div>New.</div><{tag}>Bob, lately</{}><blockquote type=cite>old words</blockquote>", name(tag)));
        assert_eq!(mail.reply(), "New.", "{tag}");
    }
}

#[test]
fn what_a_program_marks_as_a_signature_is_one() {
    for tag in [
        "div class=gmail_signature",
        "span class=gmail_signature_prefix",
        "div data-smartmail=gmail_signature",
        "div class=moz-signature",
        "div id=postbox-contact",
        "div id=ms-outlook-mobile-signature",
        "div id=Signature",
        "div id=MAC_OUTLOOK_SIGNATURE",
        "div id=AppleMailSignature",
        "div class=AppleMailSignature",
        "div class=yahoo-signature-1",
        "div class=ydp1yahoo-signature",
        "div class=protonmail_signature_block",
        "div id=Zm-_Id_-Sgn",
        "div id=sig12",
        "div id=_rc_sig",
        "div data-marker=__SIG_PRE__",
        "div data-marker=__SIG_POST__",
        "div id=signature_old",
        "div name=messageSignatureSection",
        "signature",
        "div class=sh-signature",
        "div class=front-signature",
        "div class=missive_signature",
        "div class=bloop_sign_1",
        "div class=k9mail-signature",
        "div data-signature=true",
    ] {
        let mail = html(&format!("<div>New.</div><{tag}>Ada, of Acme</{}>", name(tag)));
        assert_eq!((mail.reply(), mail.signature.as_deref()), ("New.", Some("Ada, of Acme")), "{tag}");
    }
}

#[test]
fn what_a_program_marks_as_handed_on_stays_whole() {
    for tag in ["div class=moz-forward-container", "div id=forwardbody1"] {
        let quote = "<blockquote type=cite>theirs</blockquote>";
        let mail = html(&format!("<div>See below.</div><{tag}>{quote}</{}>", name(tag)));
        assert!(mail.reply().contains("theirs"), "{tag}: {}", mail.reply());
    }
}
