//! One mail per oddity in `tests/mails`, what is made of it beside it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use switchboard_ingest_email::SmtpEnvelope;
use switchboard_ingest_email::parse::{Attachment, Flag, ParsedMail, parse};

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails")
}

pub fn mail(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.eml"))).expect("the mail is there")
}

fn described(mail: &ParsedMail) -> Value {
    json!({
        "from": mail.from,
        "recipients": mail.recipients,
        "subject": mail.subject,
        "message_id": mail.message_id,
        "references": mail.references,
        "external_id": mail.external_id,
        "text": mail.text,
        "reply": if mail.reply == mail.text { json!("(the whole text)") } else { json!(mail.reply) },
        "html": mail.html,
        "automatic": mail.automatic,
        "sent_at": mail.sent_at,
        "attachments": mail.attachments.iter().map(attachment).collect::<Vec<_>>(),
        "flags": mail.flags.iter().map(Flag::to_string).collect::<Vec<_>>(),
    })
}

fn attachment(attachment: &Attachment) -> Value {
    json!({
        "name": attachment.name,
        "content_type": attachment.content_type,
        "inline": attachment.inline,
        "content_id": attachment.content_id,
        "data": attachment.data.escape_ascii().to_string(),
    })
}

/// Each mail is a test of its own, named after what its reader may rely on.
macro_rules! mails {
    ($($promise:ident: $name:literal),+ $(,)?) => {
        $(
            #[test]
            fn $promise() {
                let settings = {
                    let mut settings = insta::Settings::clone_current();
                    settings.set_snapshot_path("../mails");
                    settings.set_prepend_module_to_snapshot(false);
                    settings.set_omit_expression(true);
                    settings
                };
                let parsed = parse(&mail($name), &SmtpEnvelope::default());
                settings.bind(|| insta::assert_json_snapshot!($name, described(&parsed)));
            }
        )+

        #[test]
        fn every_mail_in_the_folder_is_tested() {
            let mut there: Vec<String> = fs::read_dir(folder())
                .expect("the folder is there")
                .filter_map(|entry| entry.expect("can be listed").file_name().to_str()?.strip_suffix(".eml").map(str::to_owned))
                .collect();
            there.sort_unstable();
            let mut tested = vec![$($name.to_owned()),+];
            tested.sort_unstable();
            assert_eq!(there, tested);
        }
    };
}

mails! {
    a_plain_mail_is_read_as_it_stands: "plain",
    latin_1_in_quoted_printable_is_decoded: "quoted-printable-latin1",
    gb18030_is_decoded: "gb18030",
    iso_2022_jp_is_decoded: "iso-2022-jp",
    encoded_words_are_joined_as_they_were_meant: "encoded-words",
    html_alone_gives_readable_text: "html-only",
    of_alternatives_each_reader_gets_its_own: "alternative",
    names_in_several_pieces_are_joined_and_bytes_are_their_own: "attachment-rfc2231",
    an_inline_image_is_known_by_its_content_id: "inline-image",
    a_reply_by_gmail_is_cut_above_its_quote: "gmail-reply",
    a_reply_by_outlook_is_cut_above_its_header: "outlook-reply",
    an_answer_above_our_line_is_all_that_is_new: "marker-reply",
    a_vacation_message_is_automatic: "vacation",
    a_bounce_is_automatic_and_keeps_its_report: "bounce",
    an_exchange_out_of_office_is_automatic: "exchange-out-of-office",
    a_mail_without_a_message_id_still_has_a_key: "no-message-id",
    without_a_from_the_return_path_is_the_sender: "no-from",
    a_mail_of_nobody_is_read_all_the_same: "nobody",
    a_boundary_that_was_changed_is_found: "broken-boundary",
    of_two_message_ids_the_first_counts: "two-message-ids",
    nul_bytes_stay_in_attachments_alone: "nul-bytes",
    line_feeds_alone_end_lines: "lf-only",
    a_forwarded_mail_is_kept_whole: "forwarded-mail",
    headers_without_encoding_are_readable: "eight-bit-header",
    what_is_no_mail_at_all_is_kept_as_text: "not-a-mail",
}
