//! Text from bytes and a label that may be wrong, or missing.

mod guess;
mod html;
mod iso2022;
mod label;
mod tables;
mod unicode;
mod whole;

use std::borrow::Cow;

use encoding_rs::Encoding;
use memchr::memmem;

use crate::flags::{Flag, Flags};
use tables::Table;
use unicode::{Decoded, Endian};

/// What a label means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    /// Nothing.
    Unknown,
    Ascii,
    Utf8,
    Utf7,
    Utf16(Option<Endian>),
    Utf32(Option<Endian>),
    /// Any of those that choose their sets by escapes.
    Iso2022,
    Hz,
    /// One of the Encoding Standard, in which ISO-8859-1 is Windows-1252, and GB 2312 a part of GB 18030.
    Standard(&'static Encoding),
    /// One of a byte per character that the Encoding Standard does not have.
    Table(&'static Table),
}

/// Of legacy text that could be UTF-8 as well, so many characters must be right for it to be taken as such.
const ENOUGH_UTF8: usize = 5;
/// Windows-1252 has more letters of ASCII than others, but for a short word in capitals.
const FEW_LETTERS: usize = 6;
/// One error in so many bytes beyond ASCII, and the label is taken to be wrong.
const ERRORS_OF_A_WRONG_LABEL: usize = 8;

/// Text from bytes and the charset that they are labelled with.
pub(super) fn text(bytes: Cow<'_, [u8]>, label: Option<&str>, flags: &mut Flags) -> String {
    let charset = label.map_or(Charset::Unknown, label::charset);
    let (marked, skip) = by_mark(&bytes).unwrap_or((charset, 0));
    let unmarked = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[skip..]),
        Cow::Owned(mut bytes) => {
            bytes.drain(..skip);
            Cow::Owned(bytes)
        }
    };
    decode(unmarked, marked, flags)
}

/// Text from HTML: where the label says nothing, the HTML itself may.
pub(super) fn html_text(bytes: Cow<'_, [u8]>, label: Option<&str>, flags: &mut Flags) -> String {
    let says_something = |label: &&str| !matches!(label::charset(label), Charset::Unknown | Charset::Ascii);
    let own = || {
        let own = html::label(&bytes)?;
        // Whoever could read this was not reading UTF-16 (HTML Standard, 13.2.3.2).
        let wide = matches!(label::charset(own), Charset::Utf16(_) | Charset::Utf32(_));
        Some(if wide { "utf-8".to_owned() } else { own.to_owned() })
    };
    let label = label.filter(says_something).map(str::to_owned).or_else(own);
    text(bytes, label.as_deref(), flags)
}

/// Text that has no place for a label, such as that of a header.
pub(super) fn unlabelled<'a>(bytes: &'a [u8], flags: &mut Flags) -> Cow<'a, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !iso2022::is_escaped(bytes) => Cow::Borrowed(text),
        _ => Cow::Owned(text(Cow::Borrowed(bytes), None, flags)),
    }
}

/// What a byte order mark says, and its length.
fn by_mark(bytes: &[u8]) -> Option<(Charset, usize)> {
    const MARKS: [(&[u8], Charset); 5] = [
        (b"\xef\xbb\xbf", Charset::Utf8),
        (b"\xff\xfe\0\0", Charset::Utf32(Some(Endian::Little))),
        (b"\0\0\xfe\xff", Charset::Utf32(Some(Endian::Big))),
        (b"\xff\xfe", Charset::Utf16(Some(Endian::Little))),
        (b"\xfe\xff", Charset::Utf16(Some(Endian::Big))),
    ];
    MARKS.iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(mark, charset)| (*charset, mark.len()))
}

fn decode(bytes: Cow<'_, [u8]>, charset: Charset, flags: &mut Flags) -> String {
    match charset {
        Charset::Unknown | Charset::Ascii | Charset::Utf8 => utf8_or_guess(bytes, charset, flags),
        Charset::Iso2022 if iso2022::is_escaped(&bytes) || bytes.contains(&0x0e) => noted(iso2022::decode(&bytes), flags),
        Charset::Hz if memmem::find(&bytes, b"~{").is_some() => noted(iso2022::hz(&bytes), flags),
        Charset::Utf7 if bytes.is_ascii() => noted(unicode::utf7(&bytes), flags),
        Charset::Iso2022 | Charset::Hz | Charset::Utf7 => utf8_or_guess(bytes, Charset::Ascii, flags),
        Charset::Utf16(_) | Charset::Utf32(_) if is_plain(&bytes) => utf8_or_guess(bytes, Charset::Ascii, flags),
        Charset::Utf16(endian) => noted(unicode::utf16(&bytes, endian.filter(|_| !is_swapped(&bytes, endian))), flags),
        Charset::Utf32(endian) => noted(unicode::utf32(&bytes, endian), flags),
        Charset::Standard(encoding) if encoding == encoding_rs::UTF_8 => utf8_or_guess(bytes, Charset::Utf8, flags),
        Charset::Standard(encoding) if encoding.is_single_byte() => single_byte(bytes, encoding, flags),
        Charset::Standard(encoding) => multi_byte(bytes, encoding, flags),
        Charset::Table(table) => by_table(bytes, table, flags),
    }
}

/// Takes a text, with a note if not all of it could be decoded.
fn noted((text, broken): Decoded, flags: &mut Flags) -> String {
    if broken {
        flags.note(Flag::WrongCharset);
    }
    text
}

fn guessed(text: String, flags: &mut Flags) -> String {
    flags.note(Flag::GuessedCharset);
    text
}

/// Without anything that UTF-16 or UTF-32 would have: a program wrote the label into a text of another charset.
fn is_plain(bytes: &[u8]) -> bool {
    let spaced = bytes.iter().any(u8::is_ascii_whitespace) || !bytes.len().is_multiple_of(2);
    spaced && !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

/// Whether NULs show that the order of the bytes is not the one that is said.
fn is_swapped(bytes: &[u8], endian: Option<Endian>) -> bool {
    unicode::is_utf16_by_nuls(bytes).is_some_and(|found| Some(found) != endian)
}

/// UTF-8 or ASCII, by its label or because nothing is said.
fn utf8_or_guess(bytes: Cow<'_, [u8]>, charset: Charset, flags: &mut Flags) -> String {
    if let Some(endian) = unicode::is_utf16_by_nuls(&bytes) {
        return guessed(noted(unicode::utf16(&bytes, Some(endian)), flags), flags);
    }
    if bytes.is_ascii() {
        if iso2022::is_escaped(&bytes) {
            return guessed(noted(iso2022::decode(&bytes), flags), flags);
        }
        if charset != Charset::Utf8 && iso2022::is_hz(&bytes) {
            return guessed(noted(iso2022::hz(&bytes), flags), flags);
        }
    } else if charset != Charset::Utf8 {
        flags.note(Flag::GuessedCharset);
    }
    match bytes {
        Cow::Owned(bytes) => String::from_utf8(bytes).unwrap_or_else(|error| not_quite_utf8(error.as_bytes(), flags)),
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map_or_else(|_| not_quite_utf8(bytes, flags), str::to_owned),
    }
}

/// Not valid UTF-8: with some bytes broken, if there is more that is UTF-8 than is not; else of another charset.
fn not_quite_utf8(bytes: &[u8], flags: &mut Flags) -> String {
    if let Some(text) = unicode::joined_surrogates(bytes).and_then(|joined| String::from_utf8(joined).ok()) {
        return text;
    }
    let (good, bad) = unicode::utf8_share(bytes);
    if good > 0 && good >= bad {
        flags.note(Flag::WrongCharset);
        return String::from_utf8_lossy(bytes).into_owned();
    }
    guessed(noted(standard(guess::encoding(bytes), bytes), flags), flags)
}

/// The bytes that stand for nothing in Windows-1252.
const UNDEFINED_IN_1252: [u8; 5] = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

/// A text of one byte per character, unless it is UTF-8 or cannot be what its label says.
fn single_byte(bytes: Cow<'_, [u8]>, encoding: &'static Encoding, flags: &mut Flags) -> String {
    if bytes.is_ascii() || encoding == encoding_rs::WINDOWS_1252 && std::str::from_utf8(&bytes).is_ok() {
        return utf8_or_guess(bytes, Charset::Ascii, flags);
    }
    // Bytes that Windows-1252 does not have tell as well that the label is wrong.
    let is_foreign = |bytes: &[u8]| !is_western(bytes) || bytes.iter().any(|byte| UNDEFINED_IN_1252.contains(byte));
    if encoding == encoding_rs::WINDOWS_1252 && is_foreign(&bytes) {
        let other = guess::encoding(&bytes);
        let (text, broken) = standard(other, &bytes);
        if other != encoding && !broken {
            return guessed(text, flags);
        }
    }
    let (text, broken) = standard(encoding, &bytes);
    if is_rather_utf8(&bytes, &text) {
        return guessed(String::from_utf8_lossy(&bytes).into_owned(), flags);
    }
    if let Some(windows) = windows_relative(encoding).filter(|_| text.contains(is_upper_control)) {
        return guessed(with_relative(&bytes, &text, windows), flags);
    }
    noted((text, broken), flags)
}

/// Text in a charset of the Encoding Standard, which gives control characters for bytes that those of
/// Windows do not have.
fn standard(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let is_windows = encoding.name().starts_with("windows");
    whole::decoded_but(encoding, bytes, |c| is_windows && is_upper_control(c))
}

fn by_table(bytes: Cow<'_, [u8]>, table: &Table, flags: &mut Flags) -> String {
    if bytes.is_ascii() && table.lower.is_empty() {
        return utf8_or_guess(bytes, Charset::Ascii, flags);
    }
    let text = table.decode(&bytes);
    if is_rather_utf8(&bytes, &text) {
        return guessed(String::from_utf8_lossy(&bytes).into_owned(), flags);
    }
    let broken = text.contains(char::REPLACEMENT_CHARACTER);
    noted((text, broken), flags)
}

/// Whether bytes of a charset with one byte per character are UTF-8 instead. Words of a few letters
/// can be valid UTF-8 by chance; in UTF-8 that is read wrongly there are signs and control characters too.
fn is_rather_utf8(bytes: &[u8], read: &str) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let more = text.chars().filter(|c| !c.is_ascii()).take(ENOUGH_UTF8).count();
    more == ENOUGH_UTF8 || (more > 0 && read.chars().any(|c| !c.is_ascii() && !c.is_alphanumeric()))
}

/// Whether what is called Windows-1252 looks like a language of Western Europe.
fn is_western(bytes: &[u8]) -> bool {
    const NO_BREAK_SPACE: u8 = 0xa0;
    let (plain, other) = bytes.iter().fold((0, 0), |(plain, other), byte| {
        if byte.is_ascii_alphabetic() {
            (plain + 1, other)
        } else {
            (plain, other + usize::from(!byte.is_ascii() && *byte != NO_BREAK_SPACE))
        }
    });
    other <= FEW_LETTERS || other <= plain
}

fn is_upper_control(c: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&c)
}

/// The charset of Windows that has characters where one of ISO 8859 has control characters.
fn windows_relative(encoding: &'static Encoding) -> Option<&'static Encoding> {
    match encoding.name() {
        "ISO-8859-2" => Some(encoding_rs::WINDOWS_1250),
        "ISO-8859-5" => Some(encoding_rs::WINDOWS_1251),
        "ISO-8859-6" => Some(encoding_rs::WINDOWS_1256),
        "ISO-8859-7" => Some(encoding_rs::WINDOWS_1253),
        "ISO-8859-8" | "ISO-8859-8-I" => Some(encoding_rs::WINDOWS_1255),
        "ISO-8859-4" | "ISO-8859-13" => Some(encoding_rs::WINDOWS_1257),
        name => name.starts_with("ISO-8859").then_some(encoding_rs::WINDOWS_1252),
    }
}

/// The text with the characters of Windows in the place of control characters. Where letters are
/// among them the text is of Windows altogether.
fn with_relative(bytes: &[u8], text: &str, windows: &'static Encoding) -> String {
    let upper: Vec<u8> = bytes.iter().copied().filter(|byte| (0x80..=0x9f).contains(byte)).collect();
    let (upper, _) = windows.decode_without_bom_handling(&upper);
    if upper.contains(char::is_alphabetic) {
        return whole::decoded(windows, bytes).0;
    }
    let mut upper = upper.chars();
    text.chars().map(|c| if is_upper_control(c) { upper.next().unwrap_or(c) } else { c }).collect()
}

/// A text of an East Asian charset, unless it is UTF-8, has escapes, or errors everywhere.
fn multi_byte(bytes: Cow<'_, [u8]>, encoding: &'static Encoding, flags: &mut Flags) -> String {
    if bytes.is_ascii() {
        return utf8_or_guess(bytes, Charset::Ascii, flags);
    }
    let (text, broken) = whole::decoded(encoding, &bytes);
    if let Ok(utf8) = std::str::from_utf8(&bytes)
        && (broken || is_east_asian_utf8(utf8))
    {
        return guessed(utf8.to_owned(), flags);
    }
    if broken {
        let errors = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count();
        let upper = bytes.iter().filter(|byte| !byte.is_ascii()).count();
        let (good, bad) = unicode::utf8_share(&bytes);
        if errors * ERRORS_OF_A_WRONG_LABEL > upper || good > 10 * bad {
            let other = not_quite_utf8(&bytes, &mut Flags::default());
            if other.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count() < errors {
                return guessed(other, flags);
            }
        }
    }
    noted((text, broken), flags)
}

/// Whether text that is valid in an East Asian charset and in UTF-8 is UTF-8: characters of three
/// bytes are rarely right by chance, and typographic quotes never.
fn is_east_asian_utf8(text: &str) -> bool {
    let three = text.chars().filter(|c| c.len_utf8() >= 3).take(2).count();
    three == 2 || text.contains(|c| ('\u{2010}'..='\u{203f}').contains(&c)) || text.chars().filter(|c| !c.is_ascii()).count() >= ENOUGH_UTF8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn read(bytes: &[u8], label: Option<&str>) -> (String, Vec<Flag>) {
        let mut flags = Flags::default();
        (text(Cow::Borrowed(bytes), label, &mut flags), flags.into_vec())
    }

    fn encoded(text: &str, label: &str) -> Vec<u8> {
        Encoding::for_label(label.as_bytes()).expect("a charset").encode(text).0.into_owned()
    }

    const GUESSED: &[Flag] = &[Flag::GuessedCharset];
    const WRONG: &[Flag] = &[Flag::WrongCharset];

    #[rstest]
    #[case::plain(b"plain", None, "plain", &[])]
    #[case::latin_without_label(b"gr\xfc\xdfe", None, "grüße", GUESSED)]
    #[case::latin_called_utf8(b"gr\xfc\xdfe", Some("utf-8"), "grüße", GUESSED)]
    #[case::utf8_called_ascii("grüße".as_bytes(), Some("us-ascii"), "grüße", GUESSED)]
    #[case::utf8_called_latin("grüße".as_bytes(), Some("iso-8859-1"), "grüße", GUESSED)]
    #[case::utf8_called_latin_2("zażółć".as_bytes(), Some("iso-8859-2"), "zażółć", GUESSED)]
    #[case::utf8_called_dos("é".as_bytes(), Some("cp850"), "é", GUESSED)]
    #[case::utf8_called_cyrillic("Да".as_bytes(), Some("windows-1251"), "Да", GUESSED)]
    #[case::utf8_called_chinese("你好，世界".as_bytes(), Some("gb2312"), "你好，世界", GUESSED)]
    #[case::quotes_of_utf8_called_chinese("It’s".as_bytes(), Some("gb2312"), "It’s", GUESSED)]
    #[case::utf8_called_japanese("日本語".as_bytes(), Some("iso-2022-jp"), "日本語", GUESSED)]
    #[case::quotes_of_windows_called_latin(b"\x93x\x94 \x80", Some("iso-8859-1"), "“x” €", &[])]
    #[case::quotes_of_windows_called_latin_2(b"\x84\xb9\x94", Some("iso-8859-2"), "„š”", GUESSED)]
    #[case::letters_of_windows_called_latin_2(b"\x9a\xbe", Some("iso-8859-2"), "šľ", GUESSED)]
    #[case::broken_in_one_place("grü\u{fffd}e".as_bytes(), Some("UTF-8"), "grü\u{fffd}e", &[])]
    #[case::utf8_broken_in_one_place(b"gr\xc3\xbc\xdfe", Some("UTF-8"), "grü\u{fffd}e", WRONG)]
    #[case::utf8_cut_off("äöü\u{20ac}".as_bytes().split_last().expect("bytes").1, Some("utf-8"), "äöü\u{fffd}", WRONG)]
    #[case::surrogates(b"\xed\xa0\xbd\xed\xb8\x8a", Some("utf-8"), "😊", &[])]
    #[case::byte_order_mark(b"\xef\xbb\xbfgr\xc3\xbc", Some("iso-8859-1"), "grü", &[])]
    #[case::escapes_without_label(b"\x1b$B$\"\x1b(B", None, "あ", GUESSED)]
    #[case::escapes_called_utf8(b"\x1b$B$\"\x1b(B", Some("utf-8"), "あ", GUESSED)]
    #[case::hz_without_label(b"~{<:Ky2;S{~}", None, "己所不欲", GUESSED)]
    #[case::gbk_called_gb2312(b"\xe9F", Some("gb2312"), "镕", &[])]
    #[case::utf16_with_mark(b"\xff\xfea\0\xe4\0", None, "aä", &[])]
    #[case::utf16_by_its_nuls(b"a\0b\0\xe4\0", Some("utf-8"), "abä", GUESSED)]
    #[case::utf16_in_its_order(b"\0a\0\xe4", Some("utf-16"), "aä", &[])]
    #[case::utf16_in_the_other_order(b"a\0\xe4\0", Some("utf-16be"), "aä", &[])]
    #[case::not_utf16_at_all(b"plain text", Some("utf-16"), "plain text", &[])]
    #[case::utf7(b"Gr+APwA3w-e", Some("utf-7"), "Grüße", &[])]
    #[case::dos(b"Gr\x81\xe1e", Some("cp850"), "Grüße", &[])]
    #[case::vietnamese(b"Vi\xaet Nam", Some("viscii"), "Việt Nam", &[])]
    #[case::apple(b"Gr\x9f\xa7e", Some("x-mac-roman"), "Grüße", &[])]
    #[case::no_such_charset(b"gr\xfc\xdfe", Some("x-no-such"), "grüße", GUESSED)]
    #[case::nothing(b"", Some("utf-16"), "", &[])]
    fn a_wrong_or_missing_label_still_gives_readable_text(
        #[case] bytes: &[u8],
        #[case] label: Option<&str>,
        #[case] text: &str,
        #[case] flags: &[Flag],
    ) {
        assert_eq!(read(bytes, label), (text.to_owned(), flags.to_vec()));
    }

    /// Sentences that people write to a support desk.
    const SENTENCES: &[(&str, &str)] = &[
        ("shift_jis", "お世話になっております。商品がまだ届いていません。ご確認をお願いいたします。"),
        ("euc-jp", "お世話になっております。商品がまだ届いていません。ご確認をお願いいたします。"),
        ("gbk", "您好，我的订单还没有收到。请问什么时候可以到？谢谢。"),
        ("big5", "您好，我的訂單還沒有收到。請問什麼時候可以到？謝謝。"),
        ("euc-kr", "안녕하세요. 주문한 상품이 아직 도착하지 않았습니다. 확인 부탁드립니다."),
        ("windows-1251", "Здравствуйте, я до сих пор не получил свой заказ. Когда он придёт?"),
        ("koi8-r", "Здравствуйте, я до сих пор не получил свой заказ. Когда он придёт?"),
        ("windows-1250", "Dzień dobry, moje zamówienie jeszcze nie dotarło. Kiedy mogę się go spodziewać? Dziękuję, Łukasz Żółć"),
        ("iso-8859-2", "Dobrý den, moje objednávka ještě nedorazila. Kdy ji mohu očekávat? Děkuji, Jiří Dvořák"),
        ("windows-1253", "Καλημέρα, η παραγγελία μου δεν έχει φτάσει ακόμα. Πότε θα έρθει;"),
        ("windows-1255", "שלום, ההזמנה שלי עדיין לא הגיעה. מתי היא תגיע?"),
        ("windows-1256", "مرحبا، لم تصل طلبيتي بعد. متى ستصل؟ شكرا"),
        ("windows-874", "สวัสดีครับ สินค้าที่สั่งยังไม่มาถึง จะมาถึงเมื่อไหร่ครับ"),
        ("windows-1254", "Merhaba, siparişim hâlâ gelmedi. Ne zaman gelecek? Teşekkürler, Çağrı Şahin Öğüt"),
        ("windows-1252", "Bonjour, ma commande n’est toujours pas arrivée. Où est-elle ? Merci, François"),
    ];

    #[test]
    fn a_sentence_is_read_without_its_label_and_under_wrong_ones() {
        for (charset, sentence) in SENTENCES {
            let bytes = encoded(sentence, charset);
            for label in [None, Some("utf-8"), Some("us-ascii"), Some("unknown-8bit")] {
                assert_eq!(read(&bytes, label), ((*sentence).to_owned(), GUESSED.to_vec()), "{charset} under {label:?}");
            }
            assert_eq!(read(&bytes, Some(charset)), ((*sentence).to_owned(), vec![]), "{charset}");
            for label in ["iso-8859-1", "windows-1251", "gb2312", "big5", "shift_jis", "euc-kr", "iso-2022-jp", "cp437", "tis-620"] {
                assert_eq!(read(sentence.as_bytes(), Some(label)), ((*sentence).to_owned(), GUESSED.to_vec()), "UTF-8 under {label}");
            }
        }
    }

    #[test]
    fn what_cannot_be_western_is_not_read_as_such() {
        for (charset, sentence) in SENTENCES.iter().filter(|(charset, _)| !["windows-1250", "iso-8859-2", "windows-1254"].contains(charset))
        {
            let (text, _) = read(&encoded(sentence, charset), Some("iso-8859-1"));
            assert_eq!(text, *sentence, "{charset}");
        }
    }

    #[test]
    fn short_names_are_read_as_their_languages_write_them() {
        for name in [
            "Müller",
            "José",
            "François",
            "Åsa Öberg",
            "Jürgen Groß",
            "Muñoz",
            "Søren Kjær",
            "João",
            "Zoë",
            "Ñ",
            "Käse für 5 €",
            "Übergröße",
            "Renée",
            "Hélène Lefèvre",
            "Gonçalves",
            "Björn",
            "Château",
            "naïve",
            "l’été",
            "Größe: 42",
            "à bientôt",
        ] {
            let mut flags = Flags::default();
            let bytes = encoded(name, "windows-1252");
            assert_eq!(unlabelled(&bytes, &mut flags), name);
            assert_eq!(flags.into_vec(), GUESSED, "{name}");
        }
        for (charset, name) in [
            ("windows-1251", "Иван Петров"),
            ("windows-1250", "Dvořák"),
            ("windows-1250", "Łukasz"),
            ("windows-1254", "Çağrı Şahin"),
            ("koi8-r", "Ошибка заказа"),
            ("gbk", "订单没有收到"),
            ("shift_jis", "注文について"),
        ] {
            assert_eq!(unlabelled(&encoded(name, charset), &mut Flags::default()), name);
        }
    }

    #[rstest]
    #[case::said_by_the_html(None, "windows-1251", "Привет", &[])]
    #[case::the_label_comes_first(Some("iso-8859-5"), "koi8-r", "Я№штхђ", &[])]
    #[case::a_label_that_says_nothing(Some("us-ascii"), "windows-1251", "Привет", &[])]
    #[case::wide_charsets_are_not_meant(None, "utf-16", "Привет", GUESSED)]
    fn html_may_name_its_charset(#[case] label: Option<&str>, #[case] own: &str, #[case] text: &str, #[case] flags: &[Flag]) {
        let mut found = Flags::default();
        let markup = [format!("<meta charset={own}>").as_bytes(), b"\xcf\xf0\xe8\xe2\xe5\xf2"].concat();
        let read = html_text(Cow::Owned(markup), label, &mut found);
        assert_eq!(read.split_once('>').expect("a tag").1, text);
        assert_eq!(found.into_vec(), flags);
    }

    fn label() -> impl Strategy<Value = String> {
        let known = "utf-(7|8|16|16le|16be|32)|us-ascii|iso-2022-(jp|kr|cn)|hz|gb2312|big5|euc-(jp|kr)|shift_jis|iso-8859-([1-9]|1[0-6])|windows-125[0-8]|koi8-[ru]|cp(437|850|864|866)|viscii|x-mac-ce";
        prop_oneof![4 => known, 1 => ".{0,20}"]
    }

    proptest! {
        #[test]
        fn any_bytes_under_any_label_are_text(bytes in prop::collection::vec(any::<u8>(), 0..200), label in label()) {
            let (text, _) = read(&bytes, Some(&label));
            prop_assert!(text.len() <= 6 * bytes.len().max(1));
            html_text(Cow::Owned(bytes.clone()), Some(&label), &mut Flags::default());
            unlabelled(&bytes, &mut Flags::default());
        }

        #[test]
        fn what_was_encoded_comes_back(text in "[a-z]{10}[ -}]{0,20}[äöüß]{1,10}[ -}]{0,20}|[ -}]{0,9}[а-я]{6,20}|[あ-ん日本語]{6,20}|[가-힣]{6,20}") {
            for label in ["windows-1252", "iso-8859-15", "windows-1251", "koi8-u", "iso-8859-5", "ibm866", "shift_jis", "euc-jp", "gb18030", "euc-kr", "iso-2022-jp"] {
                let (bytes, _, lossy) = Encoding::for_label(label.as_bytes()).expect("a charset").encode(&text);
                if !lossy {
                    prop_assert_eq!(&read(&bytes, Some(label)), &(text.clone(), vec![]), "{}", label);
                }
            }
        }
    }
}
