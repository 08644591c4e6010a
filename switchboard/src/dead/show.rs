//! All of one dead letter.

use std::fmt::Write as _;

use data_encoding::BASE64;
use serde_json::{Value, json};
use switchboard_common::db::dead_letters::DeadLetter;
use switchboard_common::db::view::{DeadLine, Settled};

use super::replay::check;
use crate::output::{FAINT, Page, REMOVED, paint, time};

/// How much of a payload that is not JSON is shown, in bytes.
const SHOWN: usize = 4096;

/// The letter as people read it.
pub fn render(line: &DeadLine, letter: &DeadLetter, past: &[Settled]) -> String {
    let mut page = Page::default();
    page.heading(&format!("Dead letter {}", letter.id));
    page.field("queue", &letter.queue);
    page.field("reason", &letter.reason);
    let times = if line.deaths > 1 { format!(", the first of {} times {}", line.deaths, time(line.first_died_at)) } else { String::new() };
    page.field("died", format!("{}{times}", time(letter.died_at)));
    page.field("tenant", line.tenant.as_deref().unwrap_or_default());
    page.field(
        "can be read",
        check(&letter.queue, letter.id, &letter.payload).err().map_or_else(|| "yes".to_owned(), |why| paint(REMOVED, &why)),
    );
    if !past.is_empty() {
        page.heading("What was done about it");
    }
    for Settled { how, by, at, died_at, reason, .. } in past {
        let how = if how == "edited" { "replayed with an edited payload" } else { how };
        page.line(1, &format!("{}  {how} by {by}; it had died {}: {reason}", paint(FAINT, &time(*at)), time(*died_at)));
    }
    if !letter.headers.is_empty() {
        page.heading("Headers");
    }
    for (name, value) in &letter.headers {
        page.line(1, &format!("{name}: {value}"));
    }
    page.heading(&format!("Payload ({} bytes)", letter.payload.len()));
    page.line(1, &readable(&letter.payload));
    page.finish()
}

/// The letter for programs.
pub fn json(line: &DeadLine, letter: &DeadLetter, past: &[Settled]) -> anyhow::Result<String> {
    let mut shown = serde_json::to_value(line)?;
    shown["headers"] = json!(letter.headers);
    shown["past"] = json!(past);
    match serde_json::from_slice::<Value>(&letter.payload) {
        Ok(envelope) => shown["envelope"] = envelope,
        Err(_) => shown["payload_base64"] = BASE64.encode(&letter.payload).into(),
    }
    Ok(serde_json::to_string_pretty(&shown)? + "\n")
}

/// A payload that a terminal can show: JSON on lines of its own, a text as it is, other bytes in
/// hexadecimal.
fn readable(payload: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(payload)
        && let Ok(pretty) = serde_json::to_string_pretty(&value)
    {
        return pretty;
    }
    let (mut text, shown) = match std::str::from_utf8(payload) {
        Ok(text) => {
            let end = text.floor_char_boundary(SHOWN);
            (text[..end].to_owned(), end)
        }
        Err(_) => (payload.chunks(16).take(SHOWN / 16).map(hexadecimal).collect(), SHOWN.min(payload.len())),
    };
    if shown < payload.len() {
        let _ = write!(text, "\n… {} bytes more; --payload writes all of it", payload.len() - shown);
    }
    text
}

/// A line of bytes, as numbers and as letters.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut numbers = String::new();
    for byte in bytes {
        let _ = write!(numbers, "{byte:02x} ");
    }
    let letters: String = bytes.iter().map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' }).collect();
    format!("{numbers:<48} {letters}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_payload_can_be_looked_at() {
        assert_eq!(readable(b"{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(readable("gr\u{f6}\u{df}er".as_bytes()), "größer");
        assert_eq!(readable(b"\xff no\x1b"), "ff 20 6e 6f 1b                                   . no.\n");
        let long = readable("ö".repeat(3000).as_bytes());
        assert!(long.ends_with("\n… 1904 bytes more; --payload writes all of it"), "{long}");
        assert!(readable(&[0xff; 5000]).ends_with("\n… 904 bytes more; --payload writes all of it"));
    }
}
