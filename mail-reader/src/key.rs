//! The dedupe key of a mail.
//!
//! A sender chooses the Message-ID, so it alone is no key: the same id with other content is another
//! mail. The key therefore carries a hash over what the sender wrote as well, made so that the way
//! does not change it: which servers added what above it, how its lines end, how its parts were
//! encoded to be carried.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::decode;
use crate::flags::Flags;
use crate::header;
use crate::mailbox::Mailbox;
use crate::structure::Part;

/// A longer Message-ID stands in the key by its hash, since the database's index takes no long keys.
const LONGEST_ID: usize = 250;
const HASH_BYTES: usize = 16;

/// `<Message-ID or nothing>#<hash of From, Date, Subject and body>`.
pub(crate) fn external_id(root: &Part<'_>, message_id: Option<&str>, from: Option<&Mailbox>) -> String {
    let mut hasher = Sha256::new();
    let flags = &mut Flags::default();
    add(&mut hasher, from.map(|from| from.email.as_str()).unwrap_or_default());
    add(&mut hasher, &date(root));
    add(&mut hasher, &root.fields.first("subject").map(|value| header::text(value, flags).replace(' ', "")).unwrap_or_default());
    for (part, body) in root.leaves() {
        add_body(&mut hasher, &decode::transfer(&part.encoding, body, flags));
    }
    format!("{}#{}", short_id(message_id.unwrap_or_default()), hex(&hasher.finalize()))
}

/// The key of a mail that cannot be read.
pub(crate) fn of_bytes(raw: &[u8]) -> String {
    format!("#{}", hex(&Sha256::digest(raw)))
}

fn short_id(id: &str) -> String {
    if id.len() <= LONGEST_ID { id.to_owned() } else { format!("sha256:{}", hex(&Sha256::digest(id))) }
}

/// The moment, however it was written; if it cannot be read, what stands there.
fn date(root: &Part<'_>) -> String {
    let Some(value) = root.fields.first("date") else { return String::new() };
    header::date(value, &mut Flags::default()).map_or_else(|| header::raw(value).replace(' ', ""), |date| date.timestamp().to_string())
}

/// Adds a text with its end, so that what moves from one field to the next does not go unseen.
fn add(hasher: &mut Sha256, text: &str) {
    hasher.update(text.as_bytes());
    hasher.update([0]);
}

/// Adds a part's bytes without what the way may change: the kind of line ends, white space at the
/// end of a line, empty lines at the end.
fn add_body(hasher: &mut Sha256, bytes: &[u8]) {
    let mut empty_lines = 0_usize;
    for line in bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        (0..std::mem::take(&mut empty_lines)).for_each(|_| hasher.update(b"\n"));
        hasher.update(line);
        hasher.update(b"\n");
    }
    hasher.update([0]);
}

fn hex(hash: &[u8]) -> String {
    HEXLOWER.encode(&hash[..hash.len().min(HASH_BYTES)])
}
