//! A message within winmail.dat as the mail that it would have been.

use std::fmt::Write as _;

use data_encoding::BASE64;

use super::Message;
use crate::attachment::Found;
use crate::flags::Flags;
use crate::header::one_line;

/// So many bytes of text in an encoded word, and of data in a line.
const WORD: usize = 42;
const LINE: usize = 57;
const LONGEST_FIELD: usize = 500;

/// The mail: its header, its text or HTML, its files.
pub(super) fn mail(message: &Message<'_>, depth: usize, flags: &mut Flags) -> Vec<u8> {
    let header = &message.fields;
    let mut out = String::new();
    let sender = one_line(&header.sender, LONGEST_FIELD);
    let address = one_line(&header.sender_address, LONGEST_FIELD);
    let from = match (sender.is_empty(), address.contains('@')) {
        (true, true) => format!("<{address}>"),
        (_, true) => format!("{} <{address}>", encoded(&sender)),
        _ => encoded(&sender),
    };
    let date = header.date.clone().unwrap_or_default();
    for (name, value) in [("From", from), ("To", encoded(&header.to)), ("Subject", encoded(&header.subject)), ("Date", date)] {
        if !value.is_empty() {
            // A string takes everything that is written to it.
            let _ = write!(out, "{name}: {value}\r\n");
        }
    }
    let boundary = format!("=_winmail_{depth}");
    let _ = write!(out, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n");
    let (text, html) = message.body(flags);
    let bodies = [("html", html.clone()), ("plain", text.filter(|_| html.is_none()))];
    for (subtype, body) in bodies.into_iter().filter_map(|(subtype, body)| Some((subtype, body?))) {
        let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        push_base64(&mut out, body.as_bytes());
    }
    for file in &message.files {
        push_file(&mut out, &boundary, file, depth, flags);
    }
    let _ = write!(out, "\r\n--{boundary}--\r\n");
    out.into_bytes()
}

fn push_file(out: &mut String, boundary: &str, file: &super::File<'_>, depth: usize, flags: &mut Flags) {
    if let Some(message) = &file.message {
        let mail = mail(message, depth + 1, flags);
        let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n{}", String::from_utf8_lossy(&mail));
        return;
    }
    let found = Found::named(file.name(), super::super::kind::UNKNOWN, file.data.to_vec(), flags).attachment;
    let name = encoded(&found.name).replace(['"', '\\'], "_");
    let _ = write!(
        out,
        "\r\n--{boundary}\r\nContent-Type: {}; name=\"{name}\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        found.content_type
    );
    push_base64(out, file.data);
}

fn push_base64(out: &mut String, data: &[u8]) {
    for line in data.chunks(LINE) {
        BASE64.encode_append(line, out);
        out.push_str("\r\n");
    }
}

/// A value for a header (RFC 2047): as it is where it is ASCII.
fn encoded(value: &str) -> String {
    let value = one_line(value, LONGEST_FIELD);
    if value.is_ascii() {
        return value;
    }
    let mut words = Vec::new();
    let mut rest = value.as_str();
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD));
        words.push(format!("=?utf-8?B?{}?=", BASE64.encode(word.as_bytes())));
        rest = after;
    }
    words.join(" ")
}
