//! Names of folders on the wire: modified UTF-7 (RFC 3501, 5.1.3) in a quoted string.

use data_encoding::BASE64_NOPAD;

/// A folder's name as a command holds it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", utf7(name).replace('\\', "\\\\").replace('"', "\\\""))
}

fn utf7(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    let mut foreign: Vec<u16> = Vec::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut encoded, &mut foreign);
            encoded.push(c);
            if c == '&' {
                encoded.push('-');
            }
        } else {
            foreign.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
    flush(&mut encoded, &mut foreign);
    encoded
}

fn flush(encoded: &mut String, foreign: &mut Vec<u16>) {
    if foreign.is_empty() {
        return;
    }
    let bytes: Vec<u8> = foreign.drain(..).flat_map(u16::to_be_bytes).collect();
    encoded.push('&');
    encoded.push_str(&BASE64_NOPAD.encode(&bytes).replace('/', ","));
    encoded.push('-');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_rfc_3501_has_them() {
        assert_eq!(utf7("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        assert_eq!(utf7("R&D"), "R&-D");
        assert_eq!(utf7("Entwürfe"), "Entw&APw-rfe");
        assert_eq!(utf7("😀"), "&2D3eAA-");
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }
}
