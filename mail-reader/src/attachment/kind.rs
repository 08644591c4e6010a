//! What a file is: what it is said to be, held against how its bytes begin.

use crate::flags::{Flag, Flags};

pub(super) const UNKNOWN: &str = "application/octet-stream";

/// Types that say nothing. "application/octet-stream" is RFC 2046's, "application/force-download" and the like are
/// what web programs write to have a file saved; from general knowledge.
const SAYS_NOTHING: [&str; 9] = [
    UNKNOWN,
    "application/binary",
    "application/download",
    "application/force-download",
    "application/unknown",
    "application/x-download",
    "application/x-unknown",
    "binary/octet-stream",
    "unknown/unknown",
];

/// The endings of files that come without a name. Held against Debian's `/etc/mime.types` and Python's
/// `mimetypes`; what those do not have (ics for application/ics, asc for the parts of RFC 3156, p7m
/// and p7s under their old names, RFC 8551, pkpass, exe, msg, amr, wav, and the types of parts of mails) is from
/// the RFCs and general knowledge.
const ENDINGS: [(&str, &str); 62] = [
    ("application/gzip", "gz"),
    ("application/ics", "ics"),
    ("application/json", "json"),
    ("application/msword", "doc"),
    ("application/pdf", "pdf"),
    ("application/pgp-encrypted", "asc"),
    ("application/pgp-keys", "asc"),
    ("application/pgp-signature", "asc"),
    ("application/pkcs7-mime", "p7m"),
    ("application/pkcs7-signature", "p7s"),
    ("application/postscript", "ps"),
    ("application/rtf", "rtf"),
    ("application/vnd.apple.pkpass", "pkpass"),
    ("application/vnd.microsoft.portable-executable", "exe"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.ms-outlook", "msg"),
    ("application/vnd.ms-powerpoint", "ppt"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.rar", "rar"),
    ("application/x-7z-compressed", "7z"),
    ("application/x-msdownload", "exe"),
    ("application/x-pkcs7-mime", "p7m"),
    ("application/x-pkcs7-signature", "p7s"),
    ("application/xml", "xml"),
    ("application/zip", "zip"),
    ("audio/amr", "amr"),
    ("audio/mp4", "m4a"),
    ("audio/mpeg", "mp3"),
    ("audio/ogg", "ogg"),
    ("audio/wav", "wav"),
    ("audio/x-wav", "wav"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/heif", "heif"),
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tiff"),
    ("image/webp", "webp"),
    ("message/delivery-status", "txt"),
    ("message/disposition-notification", "txt"),
    ("message/external-body", "txt"),
    ("message/partial", "eml"),
    ("message/rfc822", "eml"),
    ("text/calendar", "ics"),
    ("text/csv", "csv"),
    ("text/directory", "vcf"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/rfc822-headers", "txt"),
    ("text/vcard", "vcf"),
    ("text/x-vcard", "vcf"),
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
];

/// Names that programs give to what they find without one: `smime.p7m` and `smime.p7s` are RFC 8551's (3.2.1),
/// `winmail.dat` is MS-OXTNEF's; the others are from general knowledge of what mail programs write.
const USUAL_NAMES: [(&str, &str); 9] = [
    ("application/ics", "invite.ics"),
    ("application/pgp-encrypted", "version.asc"),
    ("application/pgp-signature", "signature.asc"),
    ("application/pkcs7-mime", "smime.p7m"),
    ("application/pkcs7-signature", "smime.p7s"),
    ("application/x-pkcs7-mime", "smime.p7m"),
    ("application/x-pkcs7-signature", "smime.p7s"),
    ("application/ms-tnef", "winmail.dat"),
    ("text/calendar", "invite.ics"),
];

/// A type that bytes give away for certain.
struct Certain {
    /// As the library calls it.
    found: &'static str,
    /// As it is called here.
    called: &'static str,
    /// What it may be said to be: the beginnings of types that are wrapped in it, or called otherwise.
    fits: &'static [&'static str],
    /// It runs when it is opened.
    runs: bool,
}

const fn certain(found: &'static str, fits: &'static [&'static str]) -> Certain {
    Certain { found, called: found, fits, runs: false }
}

const fn program(found: &'static str, called: &'static str) -> Certain {
    Certain { found, called, fits: &[], runs: true }
}

const OFFICE: &[&str] = &["application/vnd.", "application/x-", "application/haansoft"];
const CERTAIN: [Certain; 24] = [
    certain("image/png", &["image/x-png", "image/apng", "image/vnd.mozilla.apng"]),
    certain("image/jpeg", &["image/jpg", "image/pjpeg", "image/x-"]),
    certain("image/gif", &[]),
    certain("image/webp", &[]),
    certain("image/tiff", &["image/tif", "image/x-", "image/dng"]),
    certain("image/heif", &["image/heic", "image/avif"]),
    certain("image/avif", &["image/heif"]),
    certain(
        "application/pdf",
        &["application/x-pdf", "application/acrobat", "application/illustrator", "application/postscript", "text/pdf"],
    ),
    certain("application/zip", &["application/", "multipart/x-zip", "model/", "font/", "image/openraster"]),
    certain("application/gzip", &["application/", "model/", "image/svg+xml"]),
    certain("application/x-7z-compressed", &["application/"]),
    certain("application/vnd.rar", &["application/"]),
    certain("application/vnd.openxmlformats-officedocument.wordprocessingml.document", OFFICE),
    certain("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", OFFICE),
    certain("application/vnd.openxmlformats-officedocument.presentationml.presentation", OFFICE),
    certain("application/vnd.oasis.opendocument.text", OFFICE),
    certain("application/vnd.oasis.opendocument.spreadsheet", OFFICE),
    certain("application/vnd.oasis.opendocument.presentation", OFFICE),
    certain("video/mp4", &["video/", "audio/", "application/mp4"]),
    certain("video/quicktime", &["video/", "audio/", "image/"]),
    program("application/vnd.microsoft.portable-executable", "application/x-msdownload"),
    program("application/x-executable", "application/x-executable"),
    program("application/x-mach-binary", "application/x-mach-binary"),
    program("application/java", "application/java-vm"),
];
/// What a program may be said to be without deceiving anybody.
const PROGRAMS: [&str; 6] = ["exe", "execut", "msdos", "msdownload", "java", "sharedlib"];
/// Types that mean something else than a file of unknown make; only here what the bytes say is a contradiction.
const PLAIN_KINDS: [&str; 6] = ["image/", "audio/", "video/", "text/", "application/pdf", "application/zip"];
/// How text begins that a browser would run.
const ACTIVE_TEXT: [&[u8]; 8] = [b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?xml", b"<?php"];

/// The type of a file that is `said` to be something: what its bytes are, where they contradict.
pub(super) fn checked(said: &str, name: &str, data: &[u8], flags: &mut Flags) -> String {
    let Some(certain) = found(data) else { return unmasked(said, name, data, flags) };
    let says_nothing = SAYS_NOTHING.contains(&said);
    let called = if certain.found == "application/zip" { wrapped(name).unwrap_or(certain.called) } else { certain.called };
    let fits = if certain.runs {
        PROGRAMS.iter().any(|program| said.contains(program))
    } else {
        let is_other_file = !PLAIN_KINDS.iter().any(|kind| said.starts_with(kind));
        said == called || is_other_file || certain.fits.iter().any(|fitting| said.starts_with(fitting))
    };
    if says_nothing || fits {
        return if says_nothing { called.to_owned() } else { said.to_owned() };
    }
    flags.note(Flag::TypeMismatch);
    called.to_owned()
}

/// What is no picture is not called one: a browser may run what it finds in it.
fn unmasked(said: &str, name: &str, data: &[u8], flags: &mut Flags) -> String {
    if SAYS_NOTHING.contains(&said) {
        let is_ole = data.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
        return is_ole.then(|| ole(name)).flatten().unwrap_or(UNKNOWN).to_owned();
    }
    let start = data[..data.len().min(512)].trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let is_active = ACTIVE_TEXT.iter().any(|active| start.get(..active.len()).is_some_and(|own| own.eq_ignore_ascii_case(active)));
    let is_shown = ["image/", "audio/", "video/"].iter().any(|kind| said.starts_with(kind)) && !said.ends_with("+xml");
    if is_active && is_shown {
        flags.note(Flag::TypeMismatch);
        return UNKNOWN.to_owned();
    }
    said.to_owned()
}

fn found(data: &[u8]) -> Option<&'static Certain> {
    let found = infer::get(data)?;
    let certain = CERTAIN.iter().find(|certain| certain.found == found.mime_type())?;
    let is_dos = certain.called == "application/x-msdownload";
    (!is_dos || is_windows_program(data)).then_some(certain)
}

/// Two letters alone could begin any text: behind them is told where the header of a program stands.
fn is_windows_program(data: &[u8]) -> bool {
    let at = data.get(60..64).and_then(|at| at.try_into().ok()).map(u32::from_le_bytes);
    let at = at.and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| data.get(at..)).is_some_and(|header| header.starts_with(b"PE\0\0"))
}

/// What is a zip archive by its bytes and a document by its name.
fn wrapped(name: &str) -> Option<&'static str> {
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    let is_document = ["docx", "xlsx", "pptx", "odt", "ods", "odp", "pkpass"].contains(&ending.as_str());
    is_document.then(|| typed(&ending)).flatten()
}

/// What is in Microsoft's container by its bytes, and by its name a document.
fn ole(name: &str) -> Option<&'static str> {
    let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
    ["doc", "xls", "ppt", "msg"].contains(&ending.as_str()).then(|| typed(&ending)).flatten()
}

fn typed(ending: &str) -> Option<&'static str> {
    ENDINGS.iter().find(|(_, own)| *own == ending).map(|(kind, _)| *kind)
}

/// The ending of a file of this type.
pub(super) fn ending(content_type: &str) -> &'static str {
    let known = ENDINGS.iter().find(|(known, _)| *known == content_type).map(|(_, ending)| *ending);
    known.unwrap_or(if content_type.starts_with("text/") { "txt" } else { "bin" })
}

/// The whole name that files of this type usually have.
pub(super) fn usual_name(content_type: &str) -> Option<&'static str> {
    USUAL_NAMES.iter().find(|(known, _)| *known == content_type).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    fn program() -> Vec<u8> {
        let mut program = b"MZ".to_vec();
        program.resize(60, 0);
        program.extend_from_slice(&[64, 0, 0, 0]);
        program.extend_from_slice(b"PE\0\0\x64\x86");
        program
    }

    #[test]
    fn what_a_file_is_said_to_be_is_held_against_its_bytes() {
        let program = program();
        for (said, name, data, kind, mismatch) in [
            ("image/png", "a.png", PNG, "image/png", false),
            ("application/octet-stream", "a", PNG, "image/png", false),
            ("image/gif", "a.gif", PNG, "image/png", true),
            ("image/png", "a.png", &program, "application/x-msdownload", true),
            ("application/x-msdos-program", "a.exe", &program, "application/x-msdos-program", false),
            ("application/octet-stream", "a.exe", &program, "application/x-msdownload", false),
            ("application/x-foo", "a.foo", &program, "application/x-msdownload", true),
            ("image/png", "a.png", b"\n <SVG onload='x()'>", "application/octet-stream", true),
            ("image/png", "a.png", b"\xef\xbb\xbf<script>x()", "application/octet-stream", true),
            ("application/octet-stream", "a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword", false),
            ("image/svg+xml", "a.svg", b"<svg/>", "image/svg+xml", false),
            ("text/plain", "a.txt", b"MZ is how it begins, and it goes on for more than sixty-four letters", "text/plain", false),
            ("text/plain", "a.txt", b"%PDF-1.7 x", "application/pdf", true),
            ("application/x-foo", "a.foo", b"%PDF-1.7 x", "application/x-foo", false),
            ("application/octet-stream", "a.docx", b"PK\x03\x04other", ENDINGS[22].0, false),
            ("application/octet-stream", "a.html", b"<html>", "application/octet-stream", false),
            ("image/png", "empty.png", b"", "image/png", false),
        ] {
            let mut flags = Flags::default();
            assert_eq!(checked(said, name, data, &mut flags), kind, "{said} {name}");
            assert_eq!(!flags.into_vec().is_empty(), mismatch, "{said} {name}");
        }
    }
}
