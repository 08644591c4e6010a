//! How an attempt ended, and what follows from it.

use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use sqlx::{Connection, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::deliveries::{self, AttemptOutcome, DeliveryStatus, Leased, Report};
use switchboard_common::db::{self, outbox};
use switchboard_common::domain::inbound::Channel;
use switchboard_common::ids::{DeliveryId, TenantId};
use switchboard_common::schedule;
use switchboard_common::supervise::Backoff;
use switchboard_common::telemetry::metrics::{ARRIVAL_TO_DELIVERY, ATTEMPTS};
use switchboard_common::telemetry::trace::{Span, SpanKind};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::letter::Unwritten;
use crate::channels::{Refusal, tidy};
use crate::failed::{FailedAnswer, failed_event};
use crate::render::{Content, Template};

impl Shared {
    /// Writes and sends a mail, and records how that ended.
    pub(super) async fn deliver(&self, leased: Leased) {
        let mut span = Span::begin("deliver mail", SpanKind::Client, leased.trace.as_ref(), || {
            [("switchboard.delivery.id", leased.id.to_string()), ("switchboard.attempt", leased.attempt.to_string())]
        });
        let sent = match self.write(&leased).await {
            Ok(Content::Mail(mail)) => {
                let sent = self.transport.send(&mail.envelope, &mail.bytes, self.limits.send).await;
                self.gate.note(&sent, &self.ambient);
                sent
            }
            Ok(_) => Err(Refusal::for_good("not sent: there is no way to send it")),
            Err(Unwritten::Unavailable) => Err(Refusal::ForNow { answer: Unwritten::Unavailable.to_string() }),
            Err(reason) => Err(Refusal::for_good(tidy(&format!("not sent: {reason}")))),
        };
        let report = report(sent, leased.counted, self.gate.until(), self.ambient.now(), self.ambient.fraction());
        if report.outcome != AttemptOutcome::Sent {
            span.fail(report.outcome.as_str());
        }
        log(&leased, &report);
        self.measure(&leased, &report);
        self.record(&leased, &report).await;
    }

    fn measure(&self, leased: &Leased, report: &Report) {
        let channel = Channel::Email.as_str();
        counter!(ATTEMPTS, "channel" => channel, "outcome" => report.outcome.as_str()).increment(1);
        if let Some(arrived_at) = leased.arrived_at.filter(|_| report.outcome == AttemptOutcome::Sent) {
            let took = (self.ambient.now() - arrived_at).to_std().unwrap_or_default();
            histogram!(ARRIVAL_TO_DELIVERY, "channel" => channel).record(took);
        }
    }

    /// Records an outcome, for as long as the lease holds: without it the mail would be sent again.
    async fn record(&self, leased: &Leased, report: &Report) {
        let backoff = Backoff::new();
        let never = CancellationToken::new();
        loop {
            match self.try_record(leased, report).await {
                Ok(true) => return,
                Ok(false) => {
                    tracing::warn!(delivery.id = %leased.id, "The lease on a mail ran out before its outcome was recorded");
                    return;
                }
                Err(error) if self.ambient.now() < leased.until && !db::is_fault_of_the_work(&error) => {
                    tracing::debug!(delivery.id = %leased.id, "The outcome of a mail is not recorded yet: {error}");
                    backoff.wait(&self.ambient, &never).await;
                }
                Err(error) => {
                    tracing::error!(delivery.id = %leased.id, "The outcome of a mail cannot be recorded: {error}");
                    return;
                }
            }
        }
    }

    async fn try_record(&self, leased: &Leased, report: &Report) -> sqlx::Result<bool> {
        let mut session = db::Session::open(&self.pool).await?;
        let mut transaction = session.begin().await?;
        let recorded = deliveries::record(&mut transaction, leased, report, self.ambient.now()).await?;
        if recorded && report.status == DeliveryStatus::Failed {
            tell_of_failure(&mut transaction, leased.tenant_id, leased.id, &self.ambient).await?;
        }
        transaction.commit().await?;
        session.done();
        Ok(recorded)
    }
}

/// What follows from how an attempt ended, after which so many were `made` that count. What was not the
/// mail's fault is tried again when the server is, at `reopening`, however often that was.
fn report(sent: Result<String, Refusal>, made: i32, reopening: Option<DateTime<Utc>>, now: DateTime<Utc>, fraction: f64) -> Report {
    let again = || schedule::next_wait(made.unsigned_abs(), fraction).map(|wait| now + wait);
    let excused = matches!(sent, Err(Refusal::Away { .. }));
    let (outcome, answer, next_attempt_at) = match sent {
        Ok(answer) => {
            return Report { outcome: AttemptOutcome::Sent, answer, status: DeliveryStatus::Sent, next_attempt_at: None, excused };
        }
        Err(Refusal::Away { answer, .. }) => (AttemptOutcome::RefusedForNow, answer, Some(reopening.unwrap_or(now))),
        Err(Refusal::ForNow { answer } | Refusal::Busy { answer, .. }) => (AttemptOutcome::RefusedForNow, answer, again()),
        Err(Refusal::ForGood { answer, .. }) => (AttemptOutcome::RefusedForGood, answer, None),
        Err(Refusal::Unknown { answer }) => (AttemptOutcome::Ambiguous, answer, again()),
    };
    let status = if next_attempt_at.is_some() { DeliveryStatus::Queued } else { DeliveryStatus::Failed };
    Report { outcome, answer, status, next_attempt_at, excused }
}

/// Adds the event that tells of a failed answer. Nobody is told of a notification that failed, or
/// telling would go round in circles.
pub(super) async fn tell_of_failure(
    connection: &mut PgConnection,
    tenant: TenantId,
    delivery: DeliveryId,
    ambient: &Ambient,
) -> sqlx::Result<()> {
    let failed = deliveries::failed(connection, tenant, delivery).await?;
    if Template::parse(&failed.template).is_some_and(Template::is_answer) {
        let answer = FailedAnswer { ticket_id: failed.ticket_id, version: failed.version, message_id: failed.message_id };
        outbox::add(connection, &[failed_event(tenant, delivery, answer, ambient)], ambient.now()).await?;
    }
    Ok(())
}

/// The answer stays in the database: it may hold an address.
fn log(leased: &Leased, report: &Report) {
    let (id, attempt, outcome) = (leased.id, leased.attempt, report.outcome);
    match report.status {
        DeliveryStatus::Failed => tracing::warn!(delivery.id = %id, attempt, ?outcome, "A mail failed for good"),
        // Said once, for all mails, by the gate.
        DeliveryStatus::Queued if report.excused => tracing::debug!(delivery.id = %id, attempt, "A mail waits for the mail server"),
        DeliveryStatus::Queued => tracing::info!(delivery.id = %id, attempt, ?outcome, "A mail was not taken and is tried again later"),
        _ => tracing::debug!(delivery.id = %id, attempt, "A mail was sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::Obstacle;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    #[test]
    fn what_is_refused_for_now_is_tried_again_by_the_schedule_and_in_the_end_fails() {
        let refused = |attempt| report(Err(Refusal::ForNow { answer: "450 later".to_owned() }), attempt, None, now(), 0.5);
        assert_eq!(refused(1).next_attempt_at, Some(now() + chrono::TimeDelta::seconds(5)));
        assert_eq!(refused(7).next_attempt_at, Some(now() + chrono::TimeDelta::hours(10)));
        assert_eq!((refused(8).status, refused(8).next_attempt_at), (DeliveryStatus::Failed, None));
        assert_eq!(refused(8).outcome, AttemptOutcome::RefusedForNow);
    }

    #[test]
    fn what_is_not_the_mails_fault_never_fails_and_waits_for_the_server() {
        let soon = now() + chrono::TimeDelta::seconds(20);
        let away = Refusal::Away { obstacle: Obstacle::SignIn, answer: "535 no".to_owned() };
        let report = report(Err(away), 8, Some(soon), now(), 0.5);
        assert_eq!((report.status, report.next_attempt_at, report.excused), (DeliveryStatus::Queued, Some(soon), true));
    }

    #[test]
    fn what_may_have_been_taken_is_marked_ambiguous_and_tried_again() {
        let lost = report(Err(Refusal::Unknown { answer: "connection reset".to_owned() }), 1, None, now(), 0.5);
        assert_eq!((lost.outcome, lost.status), (AttemptOutcome::Ambiguous, DeliveryStatus::Queued));
    }

    #[test]
    fn what_is_refused_for_good_fails_at_once() {
        let refused = report(Err(Refusal::for_good("550 no")), 1, None, now(), 0.5);
        assert_eq!((refused.outcome, refused.status), (AttemptOutcome::RefusedForGood, DeliveryStatus::Failed));
    }
}
