use proptest::prelude::*;

use super::*;
use crate::flags::Flag;

/// Writes what the reader reads.
#[derive(Default, Clone)]
struct Writer(Vec<u8>);

fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("short");
    let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    [&[level], id.to_le_bytes().as_slice(), &length.to_le_bytes(), data, &sum.to_le_bytes()].concat()
}

fn sized(data: &[u8]) -> Vec<u8> {
    let filling = vec![0; data.len().wrapping_neg() % 4];
    [&u32::try_from(data.len()).expect("short").to_le_bytes(), data, &filling].concat()
}

fn property(id: u16, kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), id.to_le_bytes().as_slice(), &1_u32.to_le_bytes(), &sized(data)].concat()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn properties(all: &[Vec<u8>]) -> Vec<u8> {
    [u32::try_from(all.len()).expect("few").to_le_bytes().to_vec(), all.concat()].concat()
}

impl Writer {
    fn new() -> Self {
        let code_page = [1251_u32.to_le_bytes(), [0; 4]].concat();
        Self([SIGNATURE.as_slice(), &[1, 0], &attribute(1, CODE_PAGE, &code_page)].concat())
    }

    fn add(mut self, level: u8, id: u32, data: &[u8]) -> Self {
        self.0.extend(attribute(level, id, data));
        self
    }

    fn file(self, title: &[u8], data: &[u8], all: &[Vec<u8>]) -> Self {
        self.add(2, FILE_BEGINS, &[0; 14]).add(2, FILE_TITLE, title).add(2, FILE_DATA, data).add(2, FILE_PROPERTIES, &properties(all))
    }
}

fn contents(bytes: &[u8]) -> Option<Contents> {
    read(bytes, &mut Flags::default())
}

#[test]
fn files_have_their_long_names_types_and_bytes() {
    let named = [vec![0x03, 0, 0x01, 0x80], vec![7; 16], 1_u32.to_le_bytes().to_vec(), sized(&wide("own")), vec![1, 0, 0, 0]].concat();
    let several = [vec![0x1e, 0x10, 0x02, 0x30], 2_u32.to_le_bytes().to_vec(), sized(b"one\0"), sized(b"two\0")].concat();
    let all = [
        named,
        several,
        property(mapi::ATTACH_LONG_FILENAME, 0x1f, &wide("Über uns, 2026.txt")),
        property(mapi::ATTACH_MIME_TAG, 0x1e, b"text/plain\0"),
        property(mapi::ATTACH_CONTENT_ID, 0x1e, b"<a@x>\0"),
    ];
    let read = contents(&Writer::new().file(b"UBERUN~1.TXT\0", b"bytes\0\xff", &all).file(b"\xcf\xf0\xe8.dat\0", b"%PDF-1.4", &[]).0);
    let found: Vec<_> = read.expect("is read").found.into_iter().map(|found| found.attachment).collect();
    assert_eq!((found[0].name.as_str(), found[0].content_type.as_str()), ("Über uns, 2026.txt", "text/plain"));
    assert_eq!((found[0].content_id.as_deref(), found[0].data.as_slice()), (Some("a@x"), b"bytes\0\xff".as_slice()));
    assert_eq!((found[1].name.as_str(), found[1].content_type.as_str()), ("При.dat", "application/pdf"));
}

#[test]
fn a_message_within_becomes_a_mail_with_its_files() {
    let sent = [2026_u16, 3, 2, 10, 30, 0, 1].map(u16::to_le_bytes).concat();
    let inner = Writer::new()
        .add(1, SUBJECT, b"\xcf\xf0\xe8\0")
        .add(1, DATE_SENT, &sent)
        .add(
            1,
            MESSAGE_PROPERTIES,
            &properties(&[
                property(mapi::SENDER_NAME, 0x1f, &wide("Ada")),
                property(mapi::SENDER_SMTP_ADDRESS, 0x1f, &wide("ada@example.org")),
                property(mapi::BODY, 0x1f, &wide("Hello,\r\nworld")),
            ]),
        )
        .file(b"a.bin\0", &[0, 1, 2], &[]);
    let object = [[7, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46].as_slice(), &inner.0].concat();
    let outer = Writer::new().file(b"inner\0", b"", &[property(mapi::ATTACH_DATA, 0x0d, &object)]);
    let mail = contents(&outer.0).expect("is read").found.remove(0).attachment;
    assert_eq!((mail.name.as_str(), mail.content_type.as_str()), ("При.eml", "message/rfc822"));
    let read = crate::read(&mail.data, &crate::SmtpEnvelope::default());
    assert_eq!((read.subject.as_str(), read.text.as_str()), ("При", "Hello,\nworld"));
    assert_eq!(read.from.map(|from| from.to_string()).as_deref(), Some("Ada <ada@example.org>"));
    assert_eq!(read.sent_at.map(|date| date.to_rfc3339()).as_deref(), Some("2026-03-02T10:30:00+00:00"));
    assert_eq!((read.attachments[0].name.as_str(), read.attachments[0].data.as_slice()), ("a.bin", [0, 1, 2].as_slice()));
}

#[test]
fn the_text_is_found_in_each_of_its_shapes() {
    let with = |all: &[Vec<u8>]| contents(&Writer::new().add(1, MESSAGE_PROPERTIES, &properties(all)).0).expect("is read");
    let rtf = "{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial;}}\\uc1 Gr\\'fc\\u223?e\\par {\\f1\\'cf\\'f0\\'e8}{\\*\\x no}\\tab\\{1\\}}";
    let packed = compressed_rtf::compress_rtf(rtf).expect("can be packed");
    assert_eq!(with(&[property(mapi::RTF_COMPRESSED, 0x102, &packed)]).text.as_deref(), Some("Grüße\nПри\t{1}"));
    let html = "{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0 Arial;}}{\\*\\htmltag64 <p class=\"a\">}\\htmlrtf {\\htmlrtf0 One\
                {\\*\\htmltag84 &amp;}\\htmlrtf &\\htmlrtf0 two{\\*\\htmltag84 <br>}\\htmlrtf \\line\\htmlrtf0\\htmlrtf }\\htmlrtf0{\\*\\htmltag72 </p>}}";
    let packed = compressed_rtf::compress_rtf(html).expect("can be packed");
    let read = with(&[property(mapi::RTF_COMPRESSED, 0x102, &packed), property(mapi::BODY, 0x1e, b"plain\0")]);
    assert_eq!((read.html.as_deref(), read.text.as_deref()), (Some("<p class=\"a\">One&amp;two<br></p>"), Some("plain")));
    let read = with(&[property(mapi::HTML, 0x102, b"<p>\xcf\xf0\xe8</p>")]);
    assert_eq!(read.html.as_deref(), Some("<p>При</p>"));
}

#[test]
fn what_is_cut_or_lies_is_said_and_the_rest_is_read() {
    let whole = Writer::new().file(b"a.txt\0", b"one", &[]).file(b"b.txt\0", b"two", &[]).0;
    let cut = contents(&whole[..whole.len() - 25]).expect("is read");
    assert!(cut.is_cut);
    assert_eq!((cut.found.len(), cut.found[0].attachment.data.as_slice()), (1, b"one".as_slice()));
    let mut lying = Writer::new().file(b"a.txt\0", b"one", &[]).0;
    lying.extend([2, 0x0f, 0x80, 6, 0, 0xff, 0xff, 0xff, 0x7f, 1]);
    assert!(contents(&lying).is_some_and(|contents| contents.is_cut && contents.found.len() == 1));
    let many = Writer::new().add(1, MESSAGE_PROPERTIES, &[0xff, 0xff, 0xff, 0xff, 3, 0, 1, 0]);
    assert!(contents(&many.0).is_none());
    assert!(contents(b"PK\x03\x04").is_none());
    assert!(contents(&whole[..20]).is_none());
}

#[test]
fn rtf_is_unpacked_no_further_than_allowed() {
    let text = "{\\rtf1 ".to_owned() + &"x".repeat(100_000) + "}";
    let packed = compressed_rtf::compress_rtf(&text).expect("can be packed");
    assert_eq!(packed::unpack(&packed, usize::MAX).map(|rtf| rtf.len()), Some(text.len()));
    assert_eq!(packed::unpack(&packed, 5000).map(|rtf| rtf.len()), Some(5000));
    assert!(rtf::read(&b"{".repeat(1_000_000), 1252, &mut Flags::default()).text.is_empty());
}

#[test]
fn a_winmail_that_cannot_be_read_stays_as_it_came() {
    let raw = b"Content-Type: application/ms-tnef; name=winmail.dat\n\nnonsense";
    let mail = crate::read(raw, &crate::SmtpEnvelope::default());
    assert!(mail.flags.contains(&Flag::BrokenTnef));
    assert_eq!((mail.attachments[0].name.as_str(), mail.attachments[0].data.as_slice()), ("winmail.dat", b"nonsense".as_slice()));
}

proptest! {
    #[test]
    fn rtf_that_was_packed_is_unpacked(text in "[a-c\\\\{}\n]{1,300}") {
        let packed = compressed_rtf::compress_rtf(&text).expect("can be packed");
        prop_assert_eq!(packed::unpack(&packed, usize::MAX), Some(text.into_bytes()));
    }

    #[test]
    fn any_bytes_are_looked_through(bytes in prop::collection::vec(any::<u8>(), 0..300), rtf in "([\\\\]?(htmlrtf|par|u|bin|f|[*]|'|uc|fonttbl|fcharset)[-0-9]{0,3}|[{}]|.){0,40}") {
        contents(&[SIGNATURE.as_slice(), &[0, 0], &bytes].concat());
        packed::unpack(&[[0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f].as_slice(), b"LZFu", &bytes].concat(), 10_000);
        rtf::read(rtf.as_bytes(), 932, &mut Flags::default());
        rtf::read(format!("\\fromhtml{rtf}").as_bytes(), 932, &mut Flags::default());
    }

    #[test]
    fn damage_is_no_harm(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>()) {
        let inner = Writer::new().add(1, BODY, b"x\0").file(b"a\0", b"b", &[property(mapi::ATTACH_LONG_FILENAME, 0x1f, &wide("c"))]);
        let object = [[7, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46].as_slice(), &inner.0].concat();
        let mut bytes = Writer::new().file(b"inner\0", b"", &[property(mapi::ATTACH_DATA, 0x0d, &object)]).0;
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        contents(&bytes);
        contents(&bytes[..cut.index(bytes.len())]);
    }
}
