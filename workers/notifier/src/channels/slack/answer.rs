//! What an answer of Slack means (<https://docs.slack.dev/reference/methods/chat.postMessage#errors>).

use serde_json::Value;

use crate::channels::http::Answer;
use crate::channels::{Gone, Obstacle, Refusal};

/// The answer of a method when it is `ok`. `to_person`: the message was for a member, and not for a thread.
pub(super) fn judge(answer: &Answer, to_person: bool) -> Result<Value, Refusal> {
    let body = answer.json();
    match (body["ok"].as_bool(), body["error"].as_str()) {
        (Some(true), _) if answer.is_success() => Ok(body),
        (Some(false), Some(error)) if answer.status != 429 => Err(refusal(error, &said(error, &body), answer, to_person)),
        _ => Err(answer.refusal()),
    }
}

/// The error, and the permission that is missing where that is what it says.
fn said(error: &str, body: &Value) -> String {
    body["needed"].as_str().map_or_else(|| error.to_owned(), |needed| format!("{error} (needed: {needed})"))
}

fn refusal(error: &str, said: &str, answer: &Answer, to_person: bool) -> Refusal {
    let words = said.to_owned();
    match error {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => Refusal::Busy { retry_after: answer.retry_after, answer: words },
        "not_authed"
        | "invalid_auth"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "no_permission"
        | "missing_scope"
        | "access_denied"
        | "accesslimited"
        | "org_login_required"
        | "ekm_access_denied"
        | "not_allowed_token_type"
        | "team_access_not_granted"
        | "enterprise_is_restricted"
        | "two_factor_setup_required" => Refusal::Away { obstacle: Obstacle::SignIn, answer: words },
        // "It's possible some aspect of the operation succeeded before the error was raised."
        "internal_error" | "fatal_error" => Refusal::Unknown { answer: words },
        "service_unavailable" | "team_added_to_org" => Refusal::Away { obstacle: Obstacle::Broken, answer: words },
        "request_timeout" => Refusal::ForNow { answer: words },
        "channel_not_found" | "user_not_found" | "users_not_found" | "user_disabled" if to_person => {
            Refusal::ForGood { answer: words, gone: Some(Gone::Bounce) }
        }
        _ => Refusal::for_good(words),
    }
}
