//! What is true of every mail that was read, whatever its bytes, and of every text that was trimmed.

use std::collections::BTreeSet;

use chrono::DateTime;
use serde_json::Value;
use switchboard_mail_reader::trim::trim;
use switchboard_mail_reader::{Flag, Inspected, Mail, SmtpEnvelope, read};

use crate::safe;

/// The keys of what `switchboard inspect email` prints. Some more may come; none of these goes.
pub const KEYS: [&str; 20] = [
    "from",
    "reply_to",
    "to",
    "cc",
    "subject",
    "message_id",
    "in_reply_to",
    "references",
    "date",
    "text",
    "reply",
    "signature",
    "html",
    "attachments",
    "auto_submitted",
    "auto_reason",
    "spam",
    "bounce",
    "trust",
    "flags",
];
const MAILBOX_KEYS: [&str; 2] = ["email", "name"];
const ATTACHMENT_KEYS: [&str; 5] = ["name", "content_type", "size", "inline", "content_id"];
const BOUNCE_KEYS: [&str; 3] = ["recipients", "original_message_id", "permanent"];
const RECIPIENT_KEYS: [&str; 4] = ["recipient", "action", "status", "diagnostic"];

/// A line of mail is no longer (RFC 5322, 2.1.1).
const LONGEST_LINE: usize = 998;
const LONGEST_FILE_NAME: usize = 120;

/// Reads any bytes as a mail and sees to it that the promise is kept.
///
/// # Panics
///
/// When it is not.
pub fn check_read(raw: &[u8]) {
    let mail = read(raw, &SmtpEnvelope::default());
    assert!(!mail.flags.contains(&Flag::Unreadable), "reading panicked");
    check_mail(&mail);
    check_json(&mail);
    check_trim(&mail.text);
    if let Some(html) = &mail.html {
        check_html(html);
    }
    assert!(read(raw, &SmtpEnvelope::default()) == mail, "the same bytes were read in two ways");
}

/// Trims any text and sees to it that what is left is not trimmed further, nor emptied.
///
/// # Panics
///
/// When it is.
pub fn check_trim(text: &str) {
    let trimmed = trim(text, &[]);
    let again = trim(&trimmed.reply, &[]);
    assert_eq!(again.reply, trimmed.reply, "trimmed twice: {text:?}");
    assert_eq!(trimmed.reply.is_empty(), text.trim().is_empty(), "emptied: {text:?}");
    assert!(trimmed.reply.len() <= text.len(), "longer than before: {text:?}");
    if let Some(signature) = &trimmed.signature {
        assert!(!signature.trim().is_empty() && signature.len() <= text.len(), "{signature:?} is no signature of {text:?}");
    }
}

/// Parses HTML that is to be shown as a browser would, and sees to it that nothing in it is a danger.
///
/// # Panics
///
/// When something is.
pub fn check_html(html: &str) {
    let dangers = safe::dangers(html);
    assert!(dangers.is_empty(), "{dangers:?} in {html:?}");
}

fn check_mail(mail: &Mail) {
    let name = mail.from.as_ref().and_then(|from| from.name.as_ref());
    let lines = [Some(&mail.subject), mail.message_id.as_ref(), mail.in_reply_to.as_ref(), mail.automatic.as_ref(), name];
    for line in lines.into_iter().flatten().chain(&mail.references).chain(&mail.thread).chain(&mail.recipients) {
        assert!(line.len() <= LONGEST_LINE && !line.contains(char::is_control), "not a line: {line:?}");
    }
    for text in [Some(mail.text.as_str()), Some(mail.reply()), mail.signature.as_deref(), mail.html.as_deref()].into_iter().flatten() {
        let strange = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(strange, None, "in {text:?}");
    }
    for id in mail.message_id.iter().chain(&mail.in_reply_to).chain(&mail.references) {
        assert!(!id.is_empty() && !id.contains(['<', '>']), "an id with brackets: {id:?}");
    }
    assert_eq!(mail.reply().is_empty(), mail.text.trim().is_empty(), "a reply {:?} of a text {:?}", mail.reply(), mail.text);
    assert!(mail.thread.len() <= 100 && mail.references.len() <= 100, "too many references");
    assert!(mail.external_id.len() <= 300 && mail.external_id.contains('#'), "not a key: {:?}", mail.external_id);
    for attachment in &mail.attachments {
        let name = &attachment.name;
        let length = name.chars().count();
        assert!((1..=LONGEST_FILE_NAME).contains(&length), "a name of {length} characters: {name:?}");
        let unsafe_name = name.contains(|c: char| c.is_control() || "/\\".contains(c)) || matches!(name.as_str(), "." | "..");
        assert!(!unsafe_name, "not a safe name: {name:?}");
        let media = &attachment.content_type;
        assert!(media.contains('/') && !media.contains(|c: char| c.is_control() || c.is_whitespace()), "not a type: {media:?}");
    }
}

fn check_json(mail: &Mail) {
    let written = serde_json::to_string(&Inspected::new(mail, "unverified")).expect("can be written as JSON");
    let value: Value = serde_json::from_str(&written).expect("is JSON");
    let missing: Vec<&str> = KEYS.into_iter().filter(|key| value.get(key).is_none()).collect();
    assert!(missing.is_empty(), "without {missing:?}");
    let of_text = ["subject", "text", "reply", "trust"].into_iter().all(|key| value[key].is_string());
    let perhaps_of_text = ["message_id", "in_reply_to", "signature", "html", "auto_reason", "spam", "date"];
    let perhaps_of_text = perhaps_of_text.into_iter().all(|key| value[key].is_string() || value[key].is_null());
    assert!(of_text && perhaps_of_text && value["auto_submitted"].is_boolean(), "a key with the wrong kind of value: {written}");
    assert_eq!(value["auto_submitted"] == Value::Bool(true), value["auto_reason"].is_string());
    if let Some(date) = value["date"].as_str() {
        assert!(DateTime::parse_from_rfc3339(date).is_ok(), "not a date: {date:?}");
    }
    if !value["from"].is_null() {
        check_keys(&value["from"], &MAILBOX_KEYS);
    }
    check_lists(&value);
    let flags: Vec<&str> = value["flags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(flags.iter().collect::<BTreeSet<_>>().len(), flags.len(), "a flag twice: {flags:?}");
    assert!(flags.iter().all(|flag| Flag::ALL.iter().any(|known| known.code() == *flag)), "an unknown flag: {flags:?}");
}

fn check_lists(value: &Value) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| panic!("no list: {value}"));
    for mailbox in ["reply_to", "to", "cc"].into_iter().flat_map(|key| list(&value[key])) {
        check_keys(&mailbox, &MAILBOX_KEYS);
        let email = mailbox["email"].as_str().unwrap_or_default();
        let (local, domain) = email.rsplit_once('@').unwrap_or_default();
        let forbidden = |c: char| c.is_control() || (c.is_whitespace() && !local.starts_with('"'));
        assert!(!local.is_empty() && !domain.is_empty() && !email.contains(forbidden), "not an address: {email:?}");
    }
    for attachment in list(&value["attachments"]) {
        check_keys(&attachment, &ATTACHMENT_KEYS);
    }
    if !value["bounce"].is_null() {
        check_keys(&value["bounce"], &BOUNCE_KEYS);
        for recipient in list(&value["bounce"]["recipients"]) {
            check_keys(&recipient, &RECIPIENT_KEYS);
        }
    }
}

fn check_keys(value: &Value, keys: &[&str]) {
    let missing: Vec<&&str> = keys.iter().filter(|key| value.get(key).is_none()).collect();
    assert!(missing.is_empty(), "{value} is without {missing:?}");
}
