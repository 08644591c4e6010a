//! Twilio's Messages resource (<https://www.twilio.com/docs/messaging/api/message-resource>).

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::server::{Behaviour, Call, Platform, Reply};

/// The account's SID.
pub const ACCOUNT_SID: &str = "AC0123456789abcdef0123456789abcdef";
/// The token that is accepted at first.
pub const TOKEN: &str = "twilio-right";

/// An account.
#[derive(Debug)]
pub struct Account {
    /// The token that is accepted.
    pub token: String,
    /// The numbers that it may send from.
    pub numbers: BTreeSet<String>,
    /// The messaging services that it may send by.
    pub services: BTreeSet<String>,
    /// Those who answered STOP.
    pub stopped: BTreeSet<String>,
    /// Numbers that take no short messages.
    pub landlines: BTreeSet<String>,
    /// So many messages are taken before it is too fast.
    pub allowance: Option<usize>,
    /// The forms of the messages that were taken.
    pub messages: Vec<BTreeMap<String, String>>,
}

/// Starts an account with the number +15550100.
pub async fn start() -> Platform<Account> {
    Platform::start(Account {
        token: TOKEN.to_owned(),
        numbers: ["+15550100".to_owned()].into(),
        services: ["MG0123456789abcdef0123456789abcdef".to_owned()].into(),
        stopped: BTreeSet::new(),
        landlines: BTreeSet::new(),
        allowance: None,
        messages: Vec::new(),
    })
    .await
}

/// An error (<https://www.twilio.com/docs/usage/twilios-response#response-formats-exceptions>).
#[must_use]
pub fn error(status: u16, code: u32, message: &str) -> Reply {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    Reply::json(status, &json!({ "code": code, "message": message, "more_info": more_info, "status": status }))
}

/// Error 20429 with HTTP 429 (<https://www.twilio.com/docs/api/errors/20429>).
#[must_use]
pub fn too_fast(seconds: u32) -> Reply {
    error(429, 20429, "Too many requests").with("retry-after", seconds.to_string())
}

impl Behaviour for Account {
    fn answer(&mut self, call: &Call) -> Reply {
        self.create(call).map_or_else(|refused| refused, |answer| Reply::json(201, &answer))
    }
}

impl Account {
    fn create(&mut self, call: &Call) -> Result<Value, Reply> {
        let expected = format!("Basic {}", BASE64.encode(format!("{ACCOUNT_SID}:{}", self.token).as_bytes()));
        if call.header("authorization") != expected {
            return Err(error(401, 20003, "Authenticate"));
        }
        if call.path != format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json") {
            return Err(error(404, 20404, "The requested resource was not found"));
        }
        if self.allowance == Some(0) {
            return Err(too_fast(7));
        }
        if !call.is_of("application/x-www-form-urlencoded") {
            return Err(error(400, 21604, "A 'To' phone number is required"));
        }
        let form = call.form();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (to, body) = (field("To"), field("Body"));
        let digits = to.strip_prefix('+').unwrap_or_default();
        if to.is_empty() {
            return Err(error(400, 21604, "A 'To' phone number is required"));
        }
        if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error(400, 21211, &format!("Invalid 'To' Phone Number: {to}")));
        }
        self.check_sender(&field("From"), &field("MessagingServiceSid"))?;
        match body.chars().count() {
            0 => return Err(error(400, 21602, "Message body is required")),
            1..=1600 => {}
            _ => return Err(error(400, 21617, "The concatenated message body exceeds the 1600 character limit")),
        }
        if self.stopped.contains(&to) {
            return Err(error(400, 21610, "Attempt to send to unsubscribed recipient"));
        }
        if self.landlines.contains(&to) {
            return Err(error(400, 21614, &format!("'To' number is not a valid mobile number: {to}")));
        }
        if let Some(allowance) = &mut self.allowance {
            *allowance -= 1;
        }
        let sid = format!("SM{:032x}", self.messages.len());
        self.messages.push(form);
        Ok(json!({ "sid": sid, "status": "queued", "num_segments": "1", "error_code": null, "to": to }))
    }

    fn check_sender(&self, from: &str, service: &str) -> Result<(), Reply> {
        match (from, service) {
            ("", "") => Err(error(400, 21603, "A 'From' phone number is required")),
            ("", service) if self.services.contains(service) => Ok(()),
            ("", _) => Err(error(400, 21701, "The Messaging Service does not exist")),
            (from, _) if self.numbers.contains(from) => Ok(()),
            _ => Err(error(400, 21606, "The 'From' phone number provided is not a valid message-capable Twilio phone number")),
        }
    }
}
