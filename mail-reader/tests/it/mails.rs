//! One mail per oddity, in the folders of `tests/mails`, what is made of it beside it.
//!
//! `NAME.eml` is the mail and `NAME.json` what `switchboard inspect email` prints of it, with two
//! additions: `seen` says where the shape was seen ("invented" if nowhere), and each attachment has
//! its bytes, or their hash where they are many. With `WRITE_EXPECTED=1` in the environment what is
//! there now becomes what is expected; read the difference before it is kept.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use switchboard_mail_reader::{Inspected, Mail, SmtpEnvelope, read};

/// Of larger attachments the hash is compared.
const SHOWN_BYTES: usize = 200;

/// The mail `FOLDER/NAME`.
pub fn mail(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    fs::read(folder.join(format!("{name}.eml"))).expect("the mail is there")
}

fn described(mail: &Mail, seen: &Value) -> Value {
    let mut described = json!({ "seen": seen });
    let inspected = serde_json::to_value(Inspected::new(mail, "unverified")).expect("can be written as JSON");
    if let (Value::Object(all), Value::Object(inspected)) = (&mut described, inspected) {
        all.extend(inspected);
    }
    for (attachment, described) in mail.attachments.iter().zip(described["attachments"].as_array_mut().expect("a list")) {
        if attachment.data.len() <= SHOWN_BYTES {
            described["data"] = json!(attachment.data.escape_ascii().to_string());
        } else {
            described["sha256"] = json!(HEXLOWER.encode(&Sha256::digest(&attachment.data)));
        }
    }
    described
}

#[rstest]
fn is_read_as_expected(#[files("tests/mails/*/*.eml")] path: PathBuf) {
    let beside = path.with_extension("json");
    let expected: Value = fs::read(&beside).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).expect("JSON"));
    let found = described(&read(&fs::read(&path).expect("can be read"), &SmtpEnvelope::default()), &expected["seen"]);
    if std::env::var_os("WRITE_EXPECTED").is_some() {
        let written = serde_json::to_string_pretty(&found).expect("can be written as JSON");
        fs::write(&beside, written + "\n").expect("can be written");
    }
    let seen = found["seen"].as_str().unwrap_or_default();
    assert!(!seen.is_empty(), "{}: `seen` does not say where the shape was seen", beside.display());
    let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("can be written as JSON");
    pretty_assertions::assert_str_eq!(pretty(&expected), pretty(&found), "{}", path.display());
}
