//! Why a delivery waits, and until when.

use chrono::{DateTime, Utc};
use serde::Serialize;
use switchboard_common::db::view::DeliveryView;
use switchboard_common::schedule::ATTEMPTS;

use crate::output::time;

/// A reason to wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The reason.
    pub why: String,
    /// Until when at the latest, if that is known.
    pub until: Option<DateTime<Utc>>,
}

/// Every reason why a delivery waits; none for what is done.
pub fn waits(delivery: &DeliveryView, now: DateTime<Utc>) -> Vec<Wait> {
    let wait = |why: String, until| Wait { why, until };
    let answer = delivery.last_answer.as_deref().unwrap_or("no answer");
    match delivery.status.as_str() {
        "held" => {
            let id = delivery.id;
            let why = format!(
                "nobody knows whether it was taken ({answer}): `switchboard deliveries resend {id}` sends it again, `drop {id}` gives it up"
            );
            vec![wait(why, None)]
        }
        "sending" => vec![wait("it is being sent".to_owned(), delivery.leased_until)],
        "queued" => {
            let schedule = delivery.next_attempt_at.filter(|at| *at > now).map(|at| {
                let why = match (&delivery.waits_for, delivery.attempts) {
                    (Some(why), _) => why.clone(),
                    (None, 0) => "it is not due yet".to_owned(),
                    (None, _) => format!("attempt {} of {ATTEMPTS} was answered \"{answer}\"", delivery.counted.max(1)),
                };
                wait(why, Some(at))
            });
            let pause = delivery.paused_until.filter(|until| *until > now).map(|until| {
                let reason = delivery.pause_reason.as_deref().unwrap_or("its platform asked for it");
                wait(format!("the account {} pauses: {reason}", delivery.account), Some(until))
            });
            let unplanned = delivery.unplanned.map(|version| {
                wait(format!("it is not planned yet who is told of version {version} of the ticket, which comes before"), None)
            });
            let behind = delivery.behind.map(|id| wait(format!("delivery {id} on the same ticket comes before it"), None));
            let waits: Vec<Wait> = schedule.into_iter().chain(pause).chain(unplanned).chain(behind).collect();
            if !waits.is_empty() {
                return waits;
            }
            let since = delivery.next_attempt_at.map(|at| format!(" since {}", time(at))).unwrap_or_default();
            let before = if delivery.attempts == 0 {
                String::new()
            } else {
                format!("; attempt {} of {ATTEMPTS} was answered \"{answer}\"", delivery.counted.max(1))
            };
            vec![wait(format!("it is due{since}, and goes when a notifier takes it up{before}"), None)]
        }
        _ => Vec::new(),
    }
}

/// A reason in words.
pub fn words(wait: &Wait) -> String {
    match wait.until {
        Some(until) => format!("until {}: {}", time(until), wait.why),
        None => wait.why.clone(),
    }
}
