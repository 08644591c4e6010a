//! What an answer of the Cloud API means, by its code
//! (<https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>).

use serde_json::Value;

use crate::channels::http::Answer;
use crate::channels::{Gone, Obstacle, Refusal};

/// The answer when it is none of an error.
pub(super) fn judge(answer: &Answer) -> Result<Value, Refusal> {
    let body = answer.json();
    match body["error"]["code"].as_i64() {
        Some(code) => Err(refusal(code, answer)),
        None if answer.is_success() && answer.is_whole => Ok(body),
        None => Err(answer.refusal()),
    }
}

/// The code alone is kept: the words may hold a number.
fn refusal(code: i64, answer: &Answer) -> Refusal {
    let words = |what: &str| if what.is_empty() { format!("error {code}") } else { format!("error {code}: {what}") };
    let for_good = |what: &str| Refusal::for_good(words(what));
    match code {
        0 | 10 | 190 | 200..=299 => Refusal::Away { obstacle: Obstacle::SignIn, answer: words("the token is not accepted") },
        3 | 368 | 131_005 | 131_031 | 131_042 | 131_045 | 133_010 => {
            Refusal::Away { obstacle: Obstacle::SignIn, answer: words("the number or the account may not send") }
        }
        4 | 80_007 | 130_429 | 131_048 => Refusal::Busy { retry_after: answer.retry_after, answer: words("too many messages") },
        // "You can still send messages to a different phone number without waiting."
        131_056 => Refusal::ForNow { answer: words("too many messages to this number") },
        1 | 131_000 => Refusal::ForNow { answer: words("something went wrong there") },
        2 | 131_016 | 131_057 => Refusal::Away { obstacle: Obstacle::Broken, answer: words("it is not available") },
        131_026 => Refusal::ForGood { answer: words("it cannot be delivered to this number"), gone: Some(Gone::Bounce) },
        131_050 => Refusal::ForGood { answer: words("its owner wants no more"), gone: Some(Gone::Stop) },
        131_047 => for_good("more than 24 hours have passed since the last message from this number"),
        132_000..=132_099 => for_good("the template cannot be used"),
        _ => for_good(""),
    }
}
