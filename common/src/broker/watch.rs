//! What the consumer loop tells of its batches: metrics, and a span for each message.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use metrics::{counter, histogram};
use opentelemetry::trace::SpanKind;
use uuid::Uuid;

use super::consume::{Failure, Loop};
use super::{Incoming, Queue};
use crate::telemetry::metrics::{BATCH, MESSAGES, QUEUE_WAIT};
use crate::telemetry::trace::{Span, TraceParent};

/// A batch that is being processed.
pub(super) struct Watch {
    queue: Queue,
    begun: Instant,
    spans: Vec<Span>,
    messages: u64,
}

impl Watch {
    pub fn begin(settings: &Loop, messages: &[Incoming]) -> Self {
        let (queue, now) = (settings.queue, settings.ambient.now());
        for waited in messages.iter().filter_map(|message| waited(message.id, now)) {
            histogram!(QUEUE_WAIT, "queue" => queue.as_str()).record(waited);
        }
        let size = messages.len();
        let spans = messages
            .iter()
            .map(|message| {
                let parent = TraceParent::of(&message.headers);
                // The semantic conventions for messaging spans of OpenTelemetry.
                let attributes = || {
                    [
                        ("messaging.operation.name", "process".to_owned()),
                        ("messaging.destination.name", queue.as_str().to_owned()),
                        ("messaging.message.id", message.id.to_string()),
                        ("messaging.batch.message_count", size.to_string()),
                    ]
                };
                Span::begin(name(queue), SpanKind::Consumer, parent.as_ref(), attributes)
            })
            .collect();
        Self { queue, begun: Instant::now(), spans, messages: u64::try_from(size).unwrap_or(u64::MAX) }
    }

    /// What each message hands on.
    pub fn contexts(&self) -> Vec<Option<TraceParent>> {
        self.spans.iter().map(Span::context).collect()
    }

    pub fn end(&mut self, outcome: &Result<(), Failure>) {
        histogram!(BATCH, "queue" => self.queue.as_str()).record(self.begun.elapsed());
        let (how, why) = match outcome {
            Ok(()) => ("processed", None),
            Err(Failure::GiveBack(error) | Failure::Retry(error)) => ("given_back", Some(format!("{error:#}"))),
            Err(Failure::Reject(reason)) if self.messages == 1 => ("rejected", Some(reason.clone())),
            Err(Failure::Reject(reason)) => ("retried_alone", Some(reason.clone())),
        };
        count(self.queue, how, self.messages);
        for span in &mut self.spans {
            if let Some(why) = &why {
                span.fail(why);
            }
        }
        self.spans.clear();
    }
}

/// Counts messages that were answered.
pub(super) fn count(queue: Queue, outcome: &'static str, messages: u64) {
    counter!(MESSAGES, "queue" => queue.as_str(), "outcome" => outcome).increment(messages);
}

fn name(queue: Queue) -> &'static str {
    match queue {
        Queue::Inbound => "process inbound",
        Queue::InboundBacklog => "process inbound.backlog",
        Queue::Events => "process events",
        Queue::Dead => "process dead",
    }
}

/// How long ago an id was made: they are of version 7, which carries the time (RFC 9562, 5.7).
fn waited(id: Uuid, now: DateTime<Utc>) -> Option<Duration> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    let made = DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)?;
    // A clock that is a little behind the publisher's is no news.
    Some((now - made).to_std().unwrap_or_default())
}
