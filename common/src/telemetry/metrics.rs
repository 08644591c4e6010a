//! What Prometheus is told. `docs/operating.md` says what each metric means to an operator.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Messages that wait in a queue of the broker.
pub const QUEUE_MESSAGES: &str = "switchboard_queue_messages";
/// How long a message waited in its queue.
pub const QUEUE_WAIT: &str = "switchboard_queue_wait_seconds";
/// Messages that were answered, by how.
pub const MESSAGES: &str = "switchboard_messages_total";
/// How long a batch took.
pub const BATCH: &str = "switchboard_batch_seconds";
/// From the arrival of a message to its commit on a ticket.
pub const ARRIVAL_TO_TICKET: &str = "switchboard_arrival_to_ticket_seconds";
/// From the arrival of a message to the moment when somebody had been told of it.
pub const ARRIVAL_TO_DELIVERY: &str = "switchboard_arrival_to_delivery_seconds";
/// Messages that were blocked, by the block list or as spam.
pub const BLOCKED: &str = "switchboard_blocked_total";
/// Dead letters in the database.
pub const DEAD_LETTERS: &str = "switchboard_dead_letters";
/// Events that are not planned yet.
pub const OUTBOX_EVENTS: &str = "switchboard_outbox_events";
/// The age of the oldest of them.
pub const OUTBOX_AGE: &str = "switchboard_outbox_oldest_seconds";
/// Deliveries that wait, by channel and status.
pub const DELIVERIES: &str = "switchboard_deliveries";
/// How long the delivery has been due that has been due for longest.
pub const DELIVERY_OVERDUE: &str = "switchboard_delivery_overdue_seconds";
/// Attempts to deliver, by channel and outcome.
pub const ATTEMPTS: &str = "switchboard_delivery_attempts_total";
/// Whether a channel out is held back because it cannot be used: 1, or 0.
pub const CHANNEL_SHUT: &str = "switchboard_channel_shut";
/// Whether what this worker depends on answers: 1, or 0.
pub const UP: &str = "switchboard_dependency_up";
/// Always 1; its labels say what runs.
pub const BUILD: &str = "switchboard_build_info";

/// From 5 ms, a fast pipeline, to 12 h, the last attempt to deliver.
const SECONDS: [f64; 16] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0];

/// Collects from now on, for this process. To be called once.
///
/// # Errors
/// When something collects already.
pub fn start(worker: &'static str) -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?;
    let handle = recorder.install_recorder()?;
    describe();
    metrics::gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION"), "worker" => worker).set(1.0);
    Ok(handle)
}

fn describe() {
    describe_gauge!(QUEUE_MESSAGES, Unit::Count, "Messages that wait in a queue of the broker");
    describe_histogram!(QUEUE_WAIT, Unit::Seconds, "How long a message waited in its queue");
    describe_counter!(MESSAGES, Unit::Count, "Messages that were answered, by queue and outcome");
    describe_histogram!(BATCH, Unit::Seconds, "How long a batch of messages took");
    describe_histogram!(ARRIVAL_TO_TICKET, Unit::Seconds, "From the arrival of a message to its commit on a ticket");
    describe_histogram!(ARRIVAL_TO_DELIVERY, Unit::Seconds, "From the arrival of a message until somebody was told of it");
    describe_counter!(BLOCKED, Unit::Count, "Messages that were blocked, by reason: the block list, or spam");
    describe_gauge!(DEAD_LETTERS, Unit::Count, "Dead letters in the database, by the queue that they come from");
    describe_gauge!(OUTBOX_EVENTS, Unit::Count, "Events that are not planned yet");
    describe_gauge!(OUTBOX_AGE, Unit::Seconds, "The age of the oldest event that is not planned yet");
    describe_gauge!(DELIVERIES, Unit::Count, "Deliveries that are not done, by channel and status");
    describe_gauge!(DELIVERY_OVERDUE, Unit::Seconds, "How long the delivery has been due that has been due for longest");
    describe_counter!(ATTEMPTS, Unit::Count, "Attempts to deliver, by channel and outcome");
    describe_gauge!(CHANNEL_SHUT, "Whether a channel out is held back because it cannot be used: 1, or 0; by channel and account");
    describe_gauge!(UP, "Whether the database and the broker answer: 1, or 0");
    describe_gauge!(BUILD, "Always 1: its labels say what runs");
}
