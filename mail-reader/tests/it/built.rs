//! What a mail library wrote is read back: names, subjects, texts, pictures and files, however deep.

use std::collections::HashSet;

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::{BodyPart, MimePart};
use proptest::prelude::*;
use switchboard_mail_reader::{Mail, SmtpEnvelope, read};

const NAME: &str = "[a-zA-Zäßøж漢]{1,12}( [a-zA-Zäßøж漢]{1,12}){0,2}";
const SUBJECT: &str = "[a-zA-Z0-9äöüß漢€Ж!?,.()-]{1,12}( [a-zA-Z0-9äöüß漢€Ж!?,.()-]{1,12}){0,9}";
const WORDS: &str = "[a-zA-Zäöß漢€]{1,10}( [a-zA-Zäöß漢€]{1,10}){0,8}";
const FILE: &str = "[a-zA-Z0-9äж漢_-]{1,30}\\.(bin|dat|xyz)";
/// Of no type that is known by its bytes.
const UNKNOWN: &str = "application/x-switchboard-test";

fn read_back(builder: MessageBuilder<'_>) -> Mail {
    let raw = builder.write_to_vec().expect("can be written");
    read(&raw, &SmtpEnvelope::default())
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    // After a byte that begins no known kind of file.
    prop::collection::vec(any::<u8>(), 0..300).prop_map(|mut data| {
        data.insert(0, 0xfe);
        data.insert(1, 0x01);
        data
    })
}

proptest! {
    #[test]
    fn whom_it_is_from_and_for(from in NAME, to in prop::collection::vec(NAME, 1..6), cc in NAME, reply_to in NAME, subject in SUBJECT) {
        let addresses: Vec<(String, String)> =
            to.iter().enumerate().map(|(index, name)| (name.clone(), format!("to{index}@example.org"))).collect();
        let mail = read_back(
            MessageBuilder::new()
                .from((from.as_str(), "ada@example.org"))
                .to(addresses.clone())
                .cc((cc.as_str(), "cc@example.org"))
                .reply_to((reply_to.as_str(), "answers@example.org"))
                .subject(subject.as_str())
                .message_id("1@example.org")
                .in_reply_to("0@example.org")
                .references(vec!["00@example.org", "0@example.org"])
                .text_body("x"),
        );
        let both = |mailbox: &switchboard_mail_reader::Mailbox| (mailbox.name.clone().unwrap_or_default(), mailbox.email.clone());
        prop_assert_eq!(mail.from.as_ref().map(both), Some((from, "ada@example.org".to_owned())));
        prop_assert_eq!(mail.to.iter().map(both).collect::<Vec<_>>(), addresses);
        prop_assert_eq!(mail.cc.iter().map(both).collect::<Vec<_>>(), [(cc, "cc@example.org".to_owned())]);
        prop_assert_eq!(mail.reply_to.iter().map(both).collect::<Vec<_>>(), [(reply_to, "answers@example.org".to_owned())]);
        prop_assert_eq!(mail.subject, subject);
        prop_assert_eq!((mail.message_id.as_deref(), mail.in_reply_to.as_deref()), (Some("1@example.org"), Some("0@example.org")));
        prop_assert_eq!(mail.references, ["00@example.org", "0@example.org"]);
        prop_assert!(mail.sent_at.is_some());
    }

    #[test]
    fn its_html_with_the_pictures_in_it(paragraphs in prop::collection::vec(WORDS, 1..5), picture in data(), link in "[a-z]{1,20}") {
        let shown = paragraphs.iter().map(|words| format!("<p>{words}</p>")).collect::<Vec<_>>().concat();
        let html = format!("{shown}<img src=\"cid:picture@example.org\"><a href=\"https://example.org/{link}\">{link}</a>");
        let mail = read_back(
            MessageBuilder::new()
                .from("ada@example.org")
                .subject("x")
                .html_body(html.as_str())
                .inline("image/png", "picture@example.org", picture.as_slice()),
        );
        let sanitised = mail.html.unwrap_or_default();
        for words in &paragraphs {
            prop_assert!(mail.text.contains(words.as_str()) && sanitised.contains(words.as_str()), "{:?} and {:?}", mail.text, sanitised);
        }
        prop_assert!(sanitised.contains("cid:picture@example.org"), "{:?}", sanitised);
        let address = format!("https://example.org/{link}");
        prop_assert!(sanitised.contains(&address) && mail.text.contains(&address), "{:?} and {:?}", mail.text, sanitised);
        prop_assert_eq!(mail.attachments.len(), 1);
        let attachment = &mail.attachments[0];
        prop_assert_eq!((attachment.content_id.as_deref(), attachment.inline), (Some("picture@example.org"), true));
        prop_assert_eq!(&attachment.data, &picture);
    }

    #[test]
    fn its_text_beside_the_same_in_html(lines in prop::collection::vec(WORDS, 1..6), html in WORDS) {
        let text = lines.join("\n");
        let mail = read_back(
            MessageBuilder::new().from("ada@example.org").text_body(text.as_str()).html_body(format!("<p>{html}</p>")),
        );
        prop_assert_eq!(mail.text, text);
        let sanitised = mail.html.unwrap_or_default();
        prop_assert!(sanitised.contains(&html), "{:?}", sanitised);
        prop_assert!(mail.attachments.is_empty());
    }

    #[test]
    fn its_files_each_with_its_name_and_bytes(files in prop::collection::vec((FILE, data()), 1..8)) {
        // Of two with the same name one gets another.
        let names: HashSet<String> = files.iter().map(|(name, _)| name.to_lowercase()).collect();
        prop_assume!(names.len() == files.len());
        let builder = MessageBuilder::new().from("ada@example.org").text_body("x");
        let mail = read_back(
            files.iter().fold(builder, |builder, (name, data)| builder.attachment(UNKNOWN, name.as_str(), data.as_slice())),
        );
        let found: Vec<(String, Vec<u8>)> = mail.attachments.iter().map(|file| (file.name.clone(), file.data.clone())).collect();
        prop_assert_eq!(found, files);
        prop_assert!(mail.attachments.iter().all(|file| !file.inline));
    }

    #[test]
    fn its_text_however_deep_it_is_nested(text in WORDS, depth in 0..10_usize, file in FILE, data in data()) {
        let leaf = MimePart::new("text/plain", BodyPart::Text(text.as_str().into()));
        let nested = (0..depth).fold(leaf, |part, _| MimePart::new("multipart/mixed", vec![part]));
        let attached = MimePart::new(UNKNOWN, BodyPart::Binary(data.as_slice().into())).attachment(file.as_str());
        let mail = read_back(MessageBuilder::new().from("ada@example.org").body(MimePart::new("multipart/mixed", vec![nested, attached])));
        prop_assert_eq!(mail.text, text);
        prop_assert_eq!(mail.attachments.len(), 1);
        prop_assert_eq!((&mail.attachments[0].name, &mail.attachments[0].data), (&file, &data));
    }

    #[test]
    fn a_mail_within_a_mail_as_a_file(subject in "[a-zA-Z]{3,12}", text in WORDS, within in WORDS) {
        let inner = MessageBuilder::new().from("bob@example.org").subject(subject.as_str()).text_body(within.as_str());
        let inner = inner.write_to_vec().expect("can be written");
        let parts = vec![
            MimePart::new("text/plain", BodyPart::Text(text.as_str().into())),
            MimePart::new(ContentType::new("message/rfc822"), BodyPart::Binary(inner.as_slice().into())).transfer_encoding("8bit"),
        ];
        let mail = read_back(MessageBuilder::new().from("ada@example.org").body(MimePart::new("multipart/mixed", parts)));
        prop_assert!(mail.text.starts_with(&text), "{:?}", mail.text);
        prop_assert_eq!(mail.attachments.len(), 1);
        prop_assert_eq!(mail.attachments[0].content_type.as_str(), "message/rfc822");
        let found = read(&mail.attachments[0].data, &SmtpEnvelope::default());
        prop_assert_eq!((found.subject, found.text), (subject, within));
    }
}
