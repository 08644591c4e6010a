//! Which charset a label means, as mail writes labels: in any case, with hyphens, underscores and
//! spaces or without, in quotes, with words stuck to it.

use encoding_rs::Encoding;

use super::Charset;
use super::Charset::{Ascii, Hz, Iso2022, Standard, Table, Unknown, Utf7, Utf8, Utf16, Utf32};
use super::tables;
use super::unicode::Endian::{Big, Little};

/// Of a longer label only so much is looked at.
const LONGEST: usize = 60;
/// A label that something is stuck to is recognised by so many characters at least.
const SHORTEST_BEGINNING: usize = 4;

/// Names without case, and without anything but letters and digits. Sources: the names that the C library's
/// `iconv -l` (glibc 2.36) and Python 3.11 (`encodings.aliases`) have, held against this list; the IANA's list of
/// character sets with their aliases and the Encoding Standard's labels, from general knowledge; labels that mail
/// was seen with: odoo/odoo pull request 235529 (`cp-850`), zbateson/mail-mime-parser pull request 17
/// (`WE8MSWIN1252`), postalsys/postal-mime issue 94 (`cp932`), nodemailer/mailparser issue 99 (`ANSI_X3.4-1968`).
/// From general knowledge alone are those that say nothing, `utf8mb4` (a database's), `al32utf8` and `we8iso8859p1`
/// (Oracle), the slip `uft8`, the names of regions ("western" and so on), `euc`, `big5eten`, `applesymbol` and
/// some spellings of Apple's.
const NAMES: &[(&str, Charset)] = &[
    // What says nothing (RFC 1428 has unknown-8bit; the others stand where a program knew no better).
    ("unknown", Unknown),
    ("unknown8bit", Unknown),
    ("default", Unknown),
    ("defaultcharset", Unknown),
    ("none", Unknown),
    ("null", Unknown),
    ("undefined", Unknown),
    ("userdefined", Unknown),
    ("replacement", Unknown),
    ("binary", Unknown),
    ("7bit", Unknown),
    ("8bit", Unknown),
    ("text", Unknown),
    ("textplain", Unknown),
    ("charset", Unknown),
    ("auto", Unknown),
    // ASCII.
    ("usascii", Ascii),
    ("ascii", Ascii),
    ("ansix341968", Ascii),
    ("ansix341986", Ascii),
    ("iso646us", Ascii),
    ("iso646irv1991", Ascii),
    ("isoir6", Ascii),
    ("646", Ascii),
    ("us", Ascii),
    ("csascii", Ascii),
    // Unicode.
    ("utf8", Utf8),
    ("unicode11utf8", Utf8),
    ("unicode20utf8", Utf8),
    ("utf8mb4", Utf8),
    ("utf", Utf8),
    ("uft8", Utf8),
    ("al32utf8", Utf8),
    ("cesu8", Utf8),
    ("utf7", Utf7),
    ("unicode11utf7", Utf7),
    ("csunicode11utf7", Utf7),
    ("utf16", Utf16(None)),
    ("utf16le", Utf16(Some(Little))),
    ("utf16be", Utf16(Some(Big))),
    ("unicode", Utf16(None)),
    ("unicodefffe", Utf16(Some(Big))),
    ("unicodefeff", Utf16(Some(Little))),
    ("ucs2", Utf16(None)),
    ("iso10646ucs2", Utf16(None)),
    ("csunicode", Utf16(None)),
    ("utf32", Utf32(None)),
    ("utf32le", Utf32(Some(Little))),
    ("utf32be", Utf32(Some(Big))),
    ("ucs4", Utf32(None)),
    ("iso10646ucs4", Utf32(None)),
    ("csucs4", Utf32(None)),
    // Seven bits with escapes.
    ("iso2022jp", Iso2022),
    ("iso2022jp1", Iso2022),
    ("iso2022jp2", Iso2022),
    ("iso2022jp3", Iso2022),
    ("iso2022jp2004", Iso2022),
    ("iso2022jpms", Iso2022),
    ("iso2022kr", Iso2022),
    ("iso2022cn", Iso2022),
    ("iso2022cnext", Iso2022),
    ("csiso2022jp", Iso2022),
    ("csiso2022jp2", Iso2022),
    ("csiso2022kr", Iso2022),
    ("jis", Iso2022),
    ("jis7", Iso2022),
    ("hz", Hz),
    ("hzgb2312", Hz),
    // Western.
    ("latin", Standard(encoding_rs::WINDOWS_1252)),
    ("ansi", Standard(encoding_rs::WINDOWS_1252)),
    ("western", Standard(encoding_rs::WINDOWS_1252)),
    ("westerneuropean", Standard(encoding_rs::WINDOWS_1252)),
    ("we8mswin1252", Standard(encoding_rs::WINDOWS_1252)),
    ("we8iso8859p1", Standard(encoding_rs::WINDOWS_1252)),
    ("iso8859", Standard(encoding_rs::WINDOWS_1252)),
    ("iso", Standard(encoding_rs::WINDOWS_1252)),
    ("latin9", Standard(encoding_rs::ISO_8859_15)),
    ("latin0", Standard(encoding_rs::ISO_8859_15)),
    ("latin6", Standard(encoding_rs::ISO_8859_10)),
    ("latin7", Standard(encoding_rs::ISO_8859_13)),
    ("latin8", Standard(encoding_rs::ISO_8859_14)),
    ("latin10", Standard(encoding_rs::ISO_8859_16)),
    ("isoceltic", Standard(encoding_rs::ISO_8859_14)),
    ("easteuropean", Standard(encoding_rs::WINDOWS_1250)),
    // East Asian.
    ("sjis", Standard(encoding_rs::SHIFT_JIS)),
    ("shiftjis", Standard(encoding_rs::SHIFT_JIS)),
    ("shiftjis2004", Standard(encoding_rs::SHIFT_JIS)),
    ("shiftjisx0213", Standard(encoding_rs::SHIFT_JIS)),
    ("mskanji", Standard(encoding_rs::SHIFT_JIS)),
    ("csshiftjis", Standard(encoding_rs::SHIFT_JIS)),
    ("windows31j", Standard(encoding_rs::SHIFT_JIS)),
    ("cswindows31j", Standard(encoding_rs::SHIFT_JIS)),
    ("eucjp", Standard(encoding_rs::EUC_JP)),
    ("eucjpms", Standard(encoding_rs::EUC_JP)),
    ("ujis", Standard(encoding_rs::EUC_JP)),
    ("euc", Standard(encoding_rs::EUC_JP)),
    ("extendedunixcodepackedformatforjapanese", Standard(encoding_rs::EUC_JP)),
    ("cseucpkdfmtjapanese", Standard(encoding_rs::EUC_JP)),
    ("gb2312", Standard(encoding_rs::GB18030)),
    ("gb23121980", Standard(encoding_rs::GB18030)),
    ("gb231280", Standard(encoding_rs::GB18030)),
    ("csgb2312", Standard(encoding_rs::GB18030)),
    ("csgb231280", Standard(encoding_rs::GB18030)),
    ("csiso58gb231280", Standard(encoding_rs::GB18030)),
    ("isoir58", Standard(encoding_rs::GB18030)),
    ("euccn", Standard(encoding_rs::GB18030)),
    ("cngb", Standard(encoding_rs::GB18030)),
    ("gb", Standard(encoding_rs::GB18030)),
    ("gbk", Standard(encoding_rs::GB18030)),
    ("gb18030", Standard(encoding_rs::GB18030)),
    ("chinese", Standard(encoding_rs::GB18030)),
    ("big5", Standard(encoding_rs::BIG5)),
    ("cnbig5", Standard(encoding_rs::BIG5)),
    ("csbig5", Standard(encoding_rs::BIG5)),
    ("bigfive", Standard(encoding_rs::BIG5)),
    ("big5hkscs", Standard(encoding_rs::BIG5)),
    ("big5eten", Standard(encoding_rs::BIG5)),
    ("euckr", Standard(encoding_rs::EUC_KR)),
    ("cseuckr", Standard(encoding_rs::EUC_KR)),
    ("ksc5601", Standard(encoding_rs::EUC_KR)),
    ("ksc56011987", Standard(encoding_rs::EUC_KR)),
    ("ksc56011989", Standard(encoding_rs::EUC_KR)),
    ("ksc56011992", Standard(encoding_rs::EUC_KR)),
    ("csksc56011987", Standard(encoding_rs::EUC_KR)),
    ("isoir149", Standard(encoding_rs::EUC_KR)),
    ("uhc", Standard(encoding_rs::EUC_KR)),
    ("korean", Standard(encoding_rs::EUC_KR)),
    // Cyrillic, Hebrew, Thai, Vietnamese and others.
    ("koi8", Standard(encoding_rs::KOI8_R)),
    ("koi8r", Standard(encoding_rs::KOI8_R)),
    ("cskoi8r", Standard(encoding_rs::KOI8_R)),
    ("koi8u", Standard(encoding_rs::KOI8_U)),
    ("koi8ru", Table(&tables::KOI8_RU)),
    ("koi8t", Table(&tables::KOI8_T)),
    ("koi8e", Table(&tables::ISO_IR_111)),
    ("isoir111", Table(&tables::ISO_IR_111)),
    ("ecmacyrillic", Table(&tables::ISO_IR_111)),
    ("kz1048", Table(&tables::KZ_1048)),
    ("rk1048", Table(&tables::KZ_1048)),
    ("strk10482002", Table(&tables::KZ_1048)),
    ("pt154", Table(&tables::PT154)),
    ("ptcp154", Table(&tables::PT154)),
    ("cyrillicasian", Table(&tables::PT154)),
    ("iso88598i", Standard(encoding_rs::ISO_8859_8_I)),
    ("iso88598e", Standard(encoding_rs::ISO_8859_8)),
    ("visual", Standard(encoding_rs::ISO_8859_8)),
    ("logical", Standard(encoding_rs::ISO_8859_8_I)),
    ("tis620", Standard(encoding_rs::WINDOWS_874)),
    ("tis62025331", Standard(encoding_rs::WINDOWS_874)),
    ("iso885911thai", Standard(encoding_rs::WINDOWS_874)),
    ("viscii", Table(&tables::VISCII)),
    ("csviscii", Table(&tables::VISCII)),
    ("tcvn", Table(&tables::TCVN)),
    ("tcvn5712", Table(&tables::TCVN)),
    ("viettcvn5712", Table(&tables::TCVN)),
    ("armscii8", Table(&tables::ARMSCII_8)),
    ("georgianps", Table(&tables::GEORGIAN_PS)),
    ("georgianacademy", Table(&tables::GEORGIAN_ACADEMY)),
    // Apple's and Hewlett-Packard's.
    ("mac", Standard(encoding_rs::MACINTOSH)),
    ("macintosh", Standard(encoding_rs::MACINTOSH)),
    ("macroman", Standard(encoding_rs::MACINTOSH)),
    ("applesymbol", Standard(encoding_rs::MACINTOSH)),
    ("maccyrillic", Standard(encoding_rs::X_MAC_CYRILLIC)),
    ("macukrainian", Standard(encoding_rs::X_MAC_CYRILLIC)),
    ("macce", Table(&tables::MAC_CENTRAL_EUROPE)),
    ("maccentraleurope", Table(&tables::MAC_CENTRAL_EUROPE)),
    ("maccentraleurroman", Table(&tables::MAC_CENTRAL_EUROPE)),
    ("macicelandic", Table(&tables::MAC_ICELANDIC)),
    ("macturkish", Table(&tables::MAC_TURKISH)),
    ("macgreek", Table(&tables::MAC_GREEK)),
    ("maccroatian", Table(&tables::MAC_CROATIAN)),
    ("macromanian", Table(&tables::MAC_ROMANIAN)),
    ("macromania", Table(&tables::MAC_ROMANIAN)),
    ("hproman8", Table(&tables::HP_ROMAN8)),
    ("roman8", Table(&tables::HP_ROMAN8)),
    ("r8", Table(&tables::HP_ROMAN8)),
];

/// What stands before the number of a code page.
const CODE_PAGE_PREFIXES: [&str; 9] = ["windows", "window", "win", "cp", "ibm", "ms", "dos", "oem", "codepage"];

/// Code pages by the numbers that Microsoft and IBM gave them. Source: Microsoft's "Code Page
/// Identifiers".
const CODE_PAGES: &[(u32, Charset)] = &[
    (367, Ascii),
    (437, Table(&tables::CP437)),
    (720, Table(&tables::CP720)),
    (737, Table(&tables::CP737)),
    (775, Table(&tables::CP775)),
    (819, Standard(encoding_rs::WINDOWS_1252)),
    (850, Table(&tables::CP850)),
    (852, Table(&tables::CP852)),
    (855, Table(&tables::CP855)),
    (857, Table(&tables::CP857)),
    (858, Table(&tables::CP858)),
    (860, Table(&tables::CP860)),
    (861, Table(&tables::CP861)),
    (862, Table(&tables::CP862)),
    (863, Table(&tables::CP863)),
    (864, Table(&tables::CP864)),
    (865, Table(&tables::CP865)),
    (866, Standard(encoding_rs::IBM866)),
    (869, Table(&tables::CP869)),
    (874, Standard(encoding_rs::WINDOWS_874)),
    (878, Standard(encoding_rs::KOI8_R)),
    (932, Standard(encoding_rs::SHIFT_JIS)),
    (936, Standard(encoding_rs::GB18030)),
    (942, Standard(encoding_rs::SHIFT_JIS)),
    (943, Standard(encoding_rs::SHIFT_JIS)),
    (949, Standard(encoding_rs::EUC_KR)),
    (950, Standard(encoding_rs::BIG5)),
    (951, Standard(encoding_rs::BIG5)),
    (1125, Table(&tables::CP1125)),
    (1200, Utf16(Some(Little))),
    (1201, Utf16(Some(Big))),
    (1250, Standard(encoding_rs::WINDOWS_1250)),
    (1251, Standard(encoding_rs::WINDOWS_1251)),
    (1252, Standard(encoding_rs::WINDOWS_1252)),
    (1253, Standard(encoding_rs::WINDOWS_1253)),
    (1254, Standard(encoding_rs::WINDOWS_1254)),
    (1255, Standard(encoding_rs::WINDOWS_1255)),
    (1256, Standard(encoding_rs::WINDOWS_1256)),
    (1257, Standard(encoding_rs::WINDOWS_1257)),
    (1258, Standard(encoding_rs::WINDOWS_1258)),
    (10000, Standard(encoding_rs::MACINTOSH)),
    (10006, Table(&tables::MAC_GREEK)),
    (10007, Standard(encoding_rs::X_MAC_CYRILLIC)),
    (10010, Table(&tables::MAC_ROMANIAN)),
    (10017, Standard(encoding_rs::X_MAC_CYRILLIC)),
    (10029, Table(&tables::MAC_CENTRAL_EUROPE)),
    (10079, Table(&tables::MAC_ICELANDIC)),
    (10081, Table(&tables::MAC_TURKISH)),
    (10082, Table(&tables::MAC_CROATIAN)),
    (12000, Utf32(Some(Little))),
    (12001, Utf32(Some(Big))),
    (20127, Ascii),
    (20866, Standard(encoding_rs::KOI8_R)),
    (20932, Standard(encoding_rs::EUC_JP)),
    (20936, Standard(encoding_rs::GB18030)),
    (20949, Standard(encoding_rs::EUC_KR)),
    (21866, Standard(encoding_rs::KOI8_U)),
    (28591, Standard(encoding_rs::WINDOWS_1252)),
    (28592, Standard(encoding_rs::ISO_8859_2)),
    (28593, Standard(encoding_rs::ISO_8859_3)),
    (28594, Standard(encoding_rs::ISO_8859_4)),
    (28595, Standard(encoding_rs::ISO_8859_5)),
    (28596, Standard(encoding_rs::ISO_8859_6)),
    (28597, Standard(encoding_rs::ISO_8859_7)),
    (28598, Standard(encoding_rs::ISO_8859_8)),
    (28599, Standard(encoding_rs::WINDOWS_1254)),
    (28603, Standard(encoding_rs::ISO_8859_13)),
    (28605, Standard(encoding_rs::ISO_8859_15)),
    (38598, Standard(encoding_rs::ISO_8859_8_I)),
    (50220, Iso2022),
    (50221, Iso2022),
    (50222, Iso2022),
    (50225, Iso2022),
    (50227, Iso2022),
    (51932, Standard(encoding_rs::EUC_JP)),
    (51936, Standard(encoding_rs::GB18030)),
    (51949, Standard(encoding_rs::EUC_KR)),
    (52936, Hz),
    (54936, Standard(encoding_rs::GB18030)),
    (65000, Utf7),
    (65001, Utf8),
];

/// What a label means; [`Charset::Unknown`] when nobody knows.
pub(super) fn charset(label: &str) -> Charset {
    // RFC 2231 appends a language after an asterisk, `charset="x"; y` comes from a broken parameter.
    let label = label.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let label = label.split(['*', ';', ',']).next().unwrap_or_default();
    let mut squeezed: String = label.chars().filter(char::is_ascii_alphanumeric).take(LONGEST).map(|c| c.to_ascii_lowercase()).collect();
    if let Some(after) = squeezed.strip_prefix("charset").filter(|after| !after.is_empty()) {
        squeezed = after.to_owned();
    }
    exact(&squeezed).or_else(|| beginning(&squeezed)).unwrap_or(Unknown)
}

/// What a squeezed label means, with or without the `x` of a name that is not registered.
fn exact(label: &str) -> Option<Charset> {
    named(label).or_else(|| label.strip_prefix('x').and_then(named))
}

fn named(label: &str) -> Option<Charset> {
    let found = NAMES.iter().find(|(name, _)| *name == label).map(|(_, charset)| *charset);
    found.or_else(|| code_page(label)).or_else(|| iso_8859(label)).or_else(|| Encoding::for_label(label.as_bytes()).and_then(standard))
}

/// A charset of the Encoding Standard that can be used as it is: not the one that stands for those
/// that a browser refuses, nor the one for private use.
fn standard(encoding: &'static Encoding) -> Option<Charset> {
    (encoding != encoding_rs::REPLACEMENT && encoding != encoding_rs::X_USER_DEFINED).then_some(Standard(encoding))
}

/// `iso88591` to `iso885916`, with the year that the IANA's names have (`iso885921987`).
fn iso_8859(label: &str) -> Option<Charset> {
    let rest = label.strip_prefix("csiso8859").or_else(|| label.strip_prefix("iso8859")).or_else(|| label.strip_prefix("8859"))?;
    let part = rest.strip_suffix("1987").or_else(|| rest.strip_suffix("1988")).unwrap_or(rest);
    let part: u32 = part.parse().ok().filter(|part| (1..=16).contains(part))?;
    Encoding::for_label(format!("iso-8859-{part}").as_bytes()).and_then(standard)
}

fn code_page(label: &str) -> Option<Charset> {
    let number = CODE_PAGE_PREFIXES.iter().find_map(|prefix| label.strip_prefix(prefix)).unwrap_or(label);
    let number: u32 = number.parse().ok()?;
    CODE_PAGES.iter().find(|(own, _)| *own == number).map(|(_, charset)| *charset)
}

/// What the longest beginning of a label means that means anything and does not end within a number.
fn beginning(label: &str) -> Option<Charset> {
    let digit = |at: usize| label.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let ends = (SHORTEST_BEGINNING..label.len()).rev().filter(|end| !(digit(end - 1) && digit(*end)));
    ends.filter_map(|end| label.get(..end)).filter(|start| start.bytes().any(|byte| byte.is_ascii_digit())).find_map(exact)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::as_registered("UTF-8", Utf8)]
    #[case::without_hyphen("utf8", Utf8)]
    #[case::underscore("UTF_8", Utf8)]
    #[case::quoted("\"utf-8\"", Utf8)]
    #[case::with_its_parameter("charset=utf-8", Utf8)]
    #[case::language_of_rfc_2231("utf-8*en", Utf8)]
    #[case::with_more("utf-8; format=flowed", Utf8)]
    #[case::emacs("utf-8-unix", Utf8)]
    #[case::code_page_number("cp65001", Utf8)]
    #[case::html_stuck_to_it("windows-1252http-equivContent-Type", Standard(encoding_rs::WINDOWS_1252))]
    #[case::latin_1_is_windows("ISO-8859-1", Standard(encoding_rs::WINDOWS_1252))]
    #[case::without_first_hyphen("iso8859-1", Standard(encoding_rs::WINDOWS_1252))]
    #[case::spaces("ISO 8859 1", Standard(encoding_rs::WINDOWS_1252))]
    #[case::common_name("Latin-1", Standard(encoding_rs::WINDOWS_1252))]
    #[case::ten_is_not_one("iso-8859-10", Standard(encoding_rs::ISO_8859_10))]
    #[case::iana_with_year("ISO_8859-2:1987", Standard(encoding_rs::ISO_8859_2))]
    #[case::logical_hebrew("ISO-8859-8-I", Standard(encoding_rs::ISO_8859_8_I))]
    #[case::outlook_japanese("_iso-2022-jp$ESC", Iso2022)]
    #[case::microsoft_japanese("CP50220", Iso2022)]
    #[case::korean("ks_c_5601-1987", Standard(encoding_rs::EUC_KR))]
    #[case::korean_refused_by_browsers("ISO-2022-KR", Iso2022)]
    #[case::chinese("x-gbk", Standard(encoding_rs::GB18030))]
    #[case::japanese("x-sjis", Standard(encoding_rs::SHIFT_JIS))]
    #[case::dos("cp-850", Table(&tables::CP850))]
    #[case::apple("x-mac-ce", Table(&tables::MAC_CENTRAL_EUROPE))]
    #[case::oracle("WE8MSWIN1252", Standard(encoding_rs::WINDOWS_1252))]
    #[case::long_ascii("ANSI_X3.4-1968", Ascii)]
    #[case::says_nothing("x-unknown", Unknown)]
    #[case::says_nothing_of_8_bits("unknown-8bit", Unknown)]
    #[case::private("x-user-defined", Unknown)]
    #[case::typo_that_means_nothing("windows-12520", Unknown)]
    #[case::empty("", Unknown)]
    #[case::not_ascii("ütf-8", Unknown)]
    fn a_label_is_understood_however_it_is_written(#[case] label: &str, #[case] meant: Charset) {
        assert_eq!(charset(label), meant, "{label:?}");
    }

    #[test]
    fn each_name_stands_once_and_as_it_is_compared() {
        for (index, (name, _)) in NAMES.iter().enumerate() {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
            assert!(NAMES[..index].iter().all(|(other, _)| other != name), "{name} twice");
        }
    }
}
