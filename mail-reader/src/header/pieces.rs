//! Parameters that are written in pieces, with a charset, or percent-encoded (RFC 2231).

use std::collections::HashMap;

use super::words;
use crate::decode;
use crate::flags::{Flag, Flags};

/// A parameter as it stands, or a piece of one (RFC 2231, 3).
pub(super) struct Piece {
    /// Without asterisks, in lower case.
    pub(super) name: String,
    /// The number of the piece.
    pub(super) number: Option<u32>,
    /// May be percent-encoded, and begin with charset and language.
    pub(super) extended: bool,
    pub(super) value: Vec<u8>,
}

impl Piece {
    /// Whether it is all of a parameter as it stands.
    pub(super) fn is_plain(&self, name: &str) -> bool {
        self.name == name && self.number.is_none() && !self.extended && !self.value.is_empty()
    }
}

/// A parameter's name without what RFC 2231 adds: the number of the piece, and whether it is extended.
pub(super) fn sections(name: &str) -> (&str, Option<u32>, bool) {
    let (name, extended) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
    match name.split_once('*').map(|(base, number)| (base, number.parse())) {
        Some((base, Ok(number))) => (base, Some(number), extended),
        _ => (name, None, extended),
    }
}

/// The parameters that the pieces make, each name once. What is written by RFC 2231 comes before
/// what is not (RFC 6266, 4.3), and of the same the first.
pub(super) fn joined(pieces: Vec<Piece>, flags: &mut Flags) -> Vec<(String, String)> {
    let mut names: Vec<String> = Vec::new();
    let mut by_name: HashMap<String, Vec<Piece>> = HashMap::new();
    for piece in pieces {
        if !by_name.contains_key(&piece.name) {
            names.push(piece.name.clone());
        }
        by_name.entry(piece.name.clone()).or_default().push(piece);
    }
    let mut value = |name: &String| {
        let (numbered, whole): (Vec<Piece>, Vec<Piece>) = by_name.remove(name)?.into_iter().partition(|piece| piece.number.is_some());
        let (extended, plain): (Vec<Piece>, Vec<Piece>) = whole.into_iter().partition(|piece| piece.extended);
        let first = |pieces: Vec<Piece>| pieces.into_iter().find(|piece| !piece.value.is_empty()).into_iter().collect::<Vec<_>>();
        [first(extended), in_order(numbered, flags), first(plain)].iter().map(|pieces| decoded(pieces, flags)).find(|text| !text.is_empty())
    };
    names.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect()
}

/// The pieces by their number, each number once.
fn in_order(mut pieces: Vec<Piece>, flags: &mut Flags) -> Vec<Piece> {
    pieces.sort_by_key(|piece| piece.number);
    pieces.dedup_by_key(|piece| piece.number);
    if pieces.last().and_then(|piece| piece.number).is_some_and(|last| usize::try_from(last).unwrap_or(usize::MAX) >= pieces.len()) {
        flags.note(Flag::BrokenEncoding);
    }
    pieces
}

/// The text of a parameter's pieces. They are joined as bytes, since a character may be split
/// between two of them.
fn decoded(pieces: &[Piece], flags: &mut Flags) -> String {
    let Some(first) = pieces.first() else { return String::new() };
    let (charset, start) = charset_of(first).filter(|_| first.number.unwrap_or(0) == 0).unzip();
    // Some programs forget the asterisk that says that a piece is encoded.
    let forgotten =
        !first.extended && charset.is_some_and(|charset| !charset.is_empty()) && start.is_some_and(|start| start.contains(&b'%'));
    if !forgotten && !pieces.iter().any(|piece| piece.extended) {
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.value.iter().copied()).collect();
        return clean(&words::decoded(&bytes, flags));
    }
    let mut bytes = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let encoded = piece.extended || (forgotten && index == 0);
        let value = if encoded && index == 0 { start.unwrap_or(&piece.value) } else { &piece.value };
        if encoded {
            percent_decoded(value, &mut bytes);
        } else {
            bytes.extend_from_slice(value);
        }
    }
    let charset = charset.map(String::from_utf8_lossy).filter(|charset| !charset.is_empty());
    clean(&decode::text(&bytes, charset.as_deref(), flags))
}

/// The charset that an extended value begins with, and what follows it and the language.
fn charset_of(piece: &Piece) -> Option<(&[u8], &[u8])> {
    let value = piece.value.as_slice();
    let end = value.iter().take(40).position(|byte| *byte == b'\'')?;
    let (charset, rest) = (value[..end].trim_ascii(), &value[end + 1..]);
    let language = rest.iter().take(40).position(|byte| *byte == b'\'')?;
    // A name may hold apostrophes of its own; nearly every charset's name holds a digit.
    let known = [b"us-ascii".as_slice(), b"ascii", b"gbk", b"shift_jis", b"windows-31j", b"macintosh", b"x-sjis"];
    let like_one = charset.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte));
    // What says that it is encoded, and is, begins with a charset, whether that is known or not.
    let is_encoded = piece.extended && language == 0 && rest.contains(&b'%');
    let is_charset = charset.is_empty()
        || like_one && is_encoded
        || like_one && charset[0].is_ascii_alphabetic() && charset.iter().any(u8::is_ascii_digit)
        || known.iter().any(|known| charset.eq_ignore_ascii_case(known));
    is_charset.then_some((charset, &rest[language + 1..]))
}

/// Adds the bytes of a percent-encoded value; a percent sign that begins no byte stands for itself.
fn percent_decoded(value: &[u8], bytes: &mut Vec<u8>) {
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first().copied().and_then(words::hex), after.get(1).copied().and_then(words::hex)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = &after[2..];
            }
            _ => bytes.push(*byte),
        }
    }
}

/// Unfolded, and without control characters.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' => {}
            '\t' => clean.push(' '),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::header::Parameterised;

    fn read(value: &str) -> (Parameterised, Vec<Flag>) {
        let mut flags = Flags::default();
        (Parameterised::read(value.as_bytes(), &mut flags).unwrap_or_default(), flags.into_vec())
    }

    #[test]
    fn names_of_rfc_2231_are_joined_before_they_are_decoded() {
        for (value, expected, flags) in [
            ("a; filename*=utf-8'fr'f%C3%A9vrier.pdf; filename=fevrier.pdf", "février.pdf", vec![]),
            ("a; filename=x; filename*0*=utf-8''f%C3; filename*1*=%A9v; filename*2=\"100%25.pdf\"", "fév100%25.pdf", vec![]),
            ("a; filename*1=b; filename*2=c; filename*0=a", "abc", vec![]),
            ("a; filename*10=k; filename*2=c; filename*0=a; filename*0=z", "ack", vec![Flag::BrokenEncoding]),
            ("a; filename*0*=iso-8859-1''%E4; filename*1*=%F6", "äö", vec![]),
            ("a; filename*=%41%20b.pdf", "A b.pdf", vec![]),
            ("a; filename*=''%41b.pdf", "Ab.pdf", vec![]),
            ("a; filename*=euc-kr''%C6%DF%C7%C1.pdf", "펌프.pdf", vec![]),
            ("a; filename*=rock'n'roll%21", "rock'n'roll!", vec![]),
            ("a; filename*=\"utf-8''f%C3%A9v.pdf\"", "fév.pdf", vec![]),
            ("a; filename*0=\"UTF-8''f%C3%A9v\"; filename*1=.pdf", "fév.pdf", vec![]),
            ("a; filename*0=\"=?utf-8?q?f=C3=A9\"; filename*1=\"v.pdf?=\"", "fév.pdf", vec![]),
            ("a; filename*=utf-8''100%; filename=x", "100%", vec![]),
        ] {
            let (read, found) = read(value);
            assert_eq!((read.parameter("filename"), found), (Some(expected), flags), "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_back_from_pieces(name in "[^\\p{C}\\s]{1,40}", size in 1..20_usize) {
            let written = name.as_bytes().chunks(size).enumerate().fold("attachment".to_owned(), |written, (at, piece)| {
                let begin = format!(";\r\n filename*{at}*={}", if at == 0 { "UTF-8''" } else { "" });
                piece.iter().fold(written + &begin, |written, byte| written + &format!("%{byte:02x}"))
            });
            let (read, flags) = read(&written);
            prop_assert_eq!((read.parameter("filename"), flags), (Some(name.as_str()), vec![]));
        }
    }
}
