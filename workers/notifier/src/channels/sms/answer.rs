//! What an answer of Twilio means, by its code (<https://www.twilio.com/docs/api/errors>).

use serde_json::Value;

use crate::channels::http::Answer;
use crate::channels::{Gone, Obstacle, Refusal};

/// The answer when the message was taken.
pub(super) fn judge(answer: &Answer) -> Result<Value, Refusal> {
    let body = answer.json();
    match body["code"].as_i64() {
        _ if answer.is_success() && answer.is_whole => Ok(body),
        Some(code) if answer.status != 429 && answer.status < 500 => Err(refusal(code, answer)),
        _ => Err(answer.refusal()),
    }
}

/// The code alone is kept: the words hold the number.
fn refusal(code: i64, answer: &Answer) -> Refusal {
    let words = |what: &str| if what.is_empty() { format!("error {code}") } else { format!("error {code}: {what}") };
    let gone = |what: &str, gone| Refusal::ForGood { answer: words(what), gone: Some(gone) };
    match code {
        21610 => gone("its owner wants no more (STOP)", Gone::Stop),
        21211 => gone("this is no number", Gone::Bounce),
        21614 => gone("this number takes no short messages", Gone::Bounce),
        20429 | 14107 | 21611 => Refusal::Busy { retry_after: answer.retry_after, answer: words("too many messages") },
        20003 | 20005 | 20404 => {
            Refusal::Away { obstacle: Obstacle::SignIn, answer: words("the account's SID and token are not accepted") }
        }
        21212 | 21603 | 21606 | 21659 | 21660 | 21701 | 21703 => {
            Refusal::Away { obstacle: Obstacle::SignIn, answer: words("the account may not send from this number or service") }
        }
        _ if answer.status == 401 => Refusal::Away { obstacle: Obstacle::SignIn, answer: words("") },
        _ => Refusal::for_good(words("")),
    }
}
