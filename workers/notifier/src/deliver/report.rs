//! What follows from how an attempt ended. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use switchboard_common::db::deliveries::{AttemptOutcome, DeliveryStatus, Report};
use switchboard_common::domain::preferences::QuietHours;
use switchboard_common::domain::sender::WhenUnsure;
use switchboard_common::schedule;

use crate::channels::{Receipt, Refusal};

/// What is said of a delivery that a person has to decide on.
const DECISION: &str = "a decision: nobody knows whether it was sent";

/// What decides what follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// How many attempts count, this one included.
    pub made: i32,
    /// When the channel is tried again, if it is held back.
    pub reopening: Option<DateTime<Utc>>,
    /// What becomes of what may or may not have been taken.
    pub when_unsure: WhenUnsure,
    pub now: DateTime<Utc>,
    /// Between 0 and 1: spreads the waits.
    pub fraction: f64,
}

/// What follows from how an attempt ended. What was not the delivery's fault is tried again when the channel is, however often that was.
pub(super) fn report(sent: Result<Receipt, Refusal>, facts: Facts) -> Report {
    let again = || schedule::next_wait(facts.made.unsigned_abs(), facts.fraction).map(|wait| facts.now + wait);
    let (outcome, answer, next_attempt_at, waits_for) = match sent {
        Ok(receipt) => return taken(receipt),
        Err(Refusal::Away { answer, obstacle }) => {
            let waits_for = format!("the channel: {obstacle}");
            return put_back(answer, facts.reopening.unwrap_or(facts.now), waits_for);
        }
        Err(Refusal::Busy { answer, retry_after }) => {
            let until = facts.now + schedule::pause(retry_after);
            return put_back(answer, until, "the platform: it asked for a pause".to_owned());
        }
        Err(Refusal::ForNow { answer }) => (AttemptOutcome::RefusedForNow, answer, again(), None),
        Err(Refusal::ForGood { answer, .. }) => (AttemptOutcome::RefusedForGood, answer, None, None),
        Err(Refusal::Unknown { answer }) if facts.when_unsure == WhenUnsure::Hold => {
            return Report {
                status: DeliveryStatus::Held,
                waits_for: Some(DECISION.to_owned()),
                ..ended(AttemptOutcome::Ambiguous, answer, None)
            };
        }
        Err(Refusal::Unknown { answer }) => (AttemptOutcome::Ambiguous, answer, again(), None),
    };
    Report { waits_for, ..ended(outcome, answer, next_attempt_at) }
}

/// It was not the delivery's turn after all, or not its fault: the attempt does not count.
pub(super) fn put_back(answer: String, until: DateTime<Utc>, waits_for: String) -> Report {
    Report { waits_for: Some(waits_for), excused: true, ..ended(AttemptOutcome::RefusedForNow, answer, Some(until)) }
}

/// A retry that would disturb its reader waits until their quiet hours end.
pub(super) fn postpone(report: Report, quiet: Option<&(QuietHours, Tz)>) -> Report {
    let Some((hours, zone)) = quiet else { return report };
    match report.next_attempt_at.and_then(|at| hours.end(at, *zone)) {
        Some(end) => Report { next_attempt_at: Some(end), waits_for: Some("the end of the reader's quiet hours".to_owned()), ..report },
        None => report,
    }
}

fn taken(receipt: Receipt) -> Report {
    Report {
        status: DeliveryStatus::Sent,
        provider_id: receipt.provider_id,
        thread_key: receipt.thread_key,
        ..ended(AttemptOutcome::Sent, receipt.answer, None)
    }
}

fn ended(outcome: AttemptOutcome, answer: String, next_attempt_at: Option<DateTime<Utc>>) -> Report {
    let status = if next_attempt_at.is_some() { DeliveryStatus::Queued } else { DeliveryStatus::Failed };
    Report { outcome, answer, status, next_attempt_at, waits_for: None, excused: false, provider_id: None, thread_key: None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::channels::Obstacle;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    fn after(made: i32, refusal: Refusal) -> Report {
        report(Err(refusal), Facts { made, reopening: None, when_unsure: WhenUnsure::Retry, now: now(), fraction: 0.5 })
    }

    #[test]
    fn what_is_refused_for_now_is_tried_again_by_the_schedule_and_in_the_end_fails() {
        let refused = |attempt| after(attempt, Refusal::ForNow { answer: "450 later".to_owned() });
        assert_eq!(refused(1).next_attempt_at, Some(now() + TimeDelta::seconds(5)));
        assert_eq!(refused(7).next_attempt_at, Some(now() + TimeDelta::hours(10)));
        assert_eq!((refused(8).status, refused(8).next_attempt_at), (DeliveryStatus::Failed, None));
        assert_eq!(refused(8).outcome, AttemptOutcome::RefusedForNow);
    }

    #[test]
    fn what_is_not_the_deliverys_fault_never_fails_and_waits_for_the_channel() {
        let soon = now() + TimeDelta::seconds(20);
        let away = Refusal::Away { obstacle: Obstacle::SignIn, answer: "535 no".to_owned() };
        let facts = Facts { made: 8, reopening: Some(soon), when_unsure: WhenUnsure::Retry, now: now(), fraction: 0.5 };
        let report = report(Err(away), facts);
        assert_eq!((report.status, report.next_attempt_at, report.excused), (DeliveryStatus::Queued, Some(soon), true));
    }

    #[test]
    fn a_pause_is_obeyed_within_bounds_and_is_nobodys_fault() {
        let busy = |seconds: Option<u64>| {
            let report = after(8, Refusal::Busy { retry_after: seconds.map(Duration::from_secs), answer: "429".to_owned() });
            assert_eq!((report.status, report.excused), (DeliveryStatus::Queued, true));
            (report.next_attempt_at.expect("a time") - now()).num_seconds()
        };
        assert_eq!((busy(Some(0)), busy(Some(90)), busy(Some(1_000_000)), busy(None)), (1, 90, 3600, 30));
    }

    #[test]
    fn what_may_have_been_taken_is_tried_again_or_held_as_the_account_has_it() {
        let lost = || Refusal::Unknown { answer: "connection reset".to_owned() };
        let retried = after(1, lost());
        assert_eq!((retried.outcome, retried.status), (AttemptOutcome::Ambiguous, DeliveryStatus::Queued));
        let facts = Facts { made: 1, reopening: None, when_unsure: WhenUnsure::Hold, now: now(), fraction: 0.5 };
        let held = report(Err(lost()), facts);
        assert_eq!((held.outcome, held.status, held.next_attempt_at), (AttemptOutcome::Ambiguous, DeliveryStatus::Held, None));
        assert!(held.waits_for.is_some_and(|what| what.starts_with("a decision")));
    }

    #[test]
    fn what_is_refused_for_good_fails_at_once_and_what_was_taken_keeps_the_platforms_names() {
        let refused = after(1, Refusal::for_good("550 no"));
        assert_eq!((refused.outcome, refused.status), (AttemptOutcome::RefusedForGood, DeliveryStatus::Failed));
        let receipt = Receipt { answer: "ok".to_owned(), provider_id: Some("1.2".to_owned()), thread_key: Some("D1/1.2".to_owned()) };
        let facts = Facts { made: 1, reopening: None, when_unsure: WhenUnsure::Hold, now: now(), fraction: 0.5 };
        let sent = report(Ok(receipt), facts);
        assert_eq!(
            (sent.status, sent.provider_id.as_deref(), sent.thread_key.as_deref()),
            (DeliveryStatus::Sent, Some("1.2"), Some("D1/1.2"))
        );
    }
}
