//! The consumer loop. A handler decides, the loop acts: only here are messages answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::watch::{self, Watch};
use super::{Broker, Consumer, Incoming, Queue};
use crate::ambient::Ambient;
use crate::db;
use crate::envelope::{self, Wire};
use crate::supervise::{Backoff, supervise};

/// Why a batch was not processed, and so what becomes of it.
#[derive(Debug)]
pub enum Failure {
    /// Infrastructure is away: everything is given back, and taken again when it is there.
    GiveBack(anyhow::Error),
    /// Somebody else was in the way: the same batch is run again at once.
    Retry(anyhow::Error),
    /// This cannot be processed. A batch is run again one by one; a single message goes to the dead
    /// letters with this reason.
    Reject(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        if db::is_conflict(&error) {
            Self::Retry(error.into())
        } else if db::is_fault_of_the_work(&error) {
            Self::Reject(format!("the database refused it: {error}"))
        } else {
            Self::GiveBack(error.into())
        }
    }
}

/// Processes messages of one kind.
#[async_trait]
pub trait Handler: Send + Sync {
    /// What it takes.
    type Message: Wire;

    /// Whether what it depends on is there and takes writes. Asked before anything is consumed, and
    /// after each failure of infrastructure.
    async fn ready(&self) -> anyhow::Result<()>;

    /// Processes all of them, or none.
    async fn handle(&self, batch: &[Self::Message]) -> Result<(), Failure>;
}

/// How a queue is consumed.
#[derive(Debug, Clone)]
pub struct Loop {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// The queue.
    pub queue: Queue,
    /// How many messages are taken at once, at most.
    pub batch: usize,
    /// How long a batch may take; must be shorter than the broker's lease.
    pub limit: Duration,
    /// Clock and randomness.
    pub ambient: Ambient,
    /// Ends the loop: what is in flight is finished, the rest given back.
    pub stop: CancellationToken,
}

/// How often a batch that somebody was in the way of is run before the matter is taken for an
/// outage.
const RETRIES: u32 = 5;
/// In characters. A reason may quote what it is about.
const LONGEST_REASON: usize = 500;

/// Consumes until `stop`. Never fails: without infrastructure it waits.
pub async fn consume<H: Handler>(settings: &Loop, handler: &H) {
    let name = format!("{} consumer", settings.queue.as_str());
    let backoff = Backoff::new();
    supervise(&name, &settings.ambient, &settings.stop, &backoff, || async {
        // A server that neither answers nor hangs up is asked again on another connection.
        let ready = tokio::time::timeout(settings.limit, handler.ready()).await;
        ready.with_context(|| format!("nobody said within {:?} whether it can begin", settings.limit))??;
        // While one batch is processed the next is on its way: else it would be only what came since.
        let mut consumer = settings.broker.consumer(settings.queue, 2 * settings.batch).await?;
        let ended = run(settings, handler, consumer.as_mut(), &backoff).await;
        let closed = consumer.close().await;
        // What ended it is said, rather than what followed from that.
        ended?;
        Ok(closed?)
    })
    .await;
}

async fn run<H: Handler>(settings: &Loop, handler: &H, consumer: &mut dyn Consumer, backoff: &Backoff) -> anyhow::Result<()> {
    loop {
        let batch = tokio::select! {
            biased;
            () = settings.stop.cancelled() => return Ok(()),
            batch = consumer.next_batch(settings.batch) => batch?,
        };
        let mut fresh = Vec::with_capacity(batch.len());
        let mut redelivered = Vec::new();
        for message in batch {
            match envelope::open::<H::Message>(&message.payload) {
                Ok(body) if message.redelivered => redelivered.push((message, body)),
                Ok(body) => fresh.push((message, body)),
                Err(error) => {
                    // The reason may quote the payload, which is not for the log.
                    watch::count(settings.queue, "rejected", 1);
                    tracing::error!(queue = settings.queue.as_str(), message.id = %message.id, "A message that cannot be read goes to the dead letters, which say why");
                    consumer.reject(message.tag, &tidy(&error.to_string())).await?;
                }
            }
        }
        process(settings, handler, consumer, fresh).await?;
        for single in redelivered {
            process(settings, handler, consumer, vec![single]).await?;
        }
        backoff.reset();
    }
}

/// Runs a batch, and if it cannot be processed, its messages one by one. An error means that
/// infrastructure is away and what is in hand has to be given back.
async fn process<H: Handler>(
    settings: &Loop,
    handler: &H,
    consumer: &mut dyn Consumer,
    batch: Vec<(Incoming, H::Message)>,
) -> anyhow::Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let (messages, mut bodies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let mut watch = Watch::begin(settings, &messages);
    for (body, trace) in bodies.iter_mut().zip(watch.contexts()) {
        body.set_trace(trace);
    }
    let outcome = attempt(settings, handler, &bodies).await;
    watch.end(&outcome);
    match outcome {
        Ok(()) => {
            let tags: Vec<u64> = messages.iter().map(|message| message.tag).collect();
            consumer.ack(&tags).await?;
        }
        Err(Failure::GiveBack(error) | Failure::Retry(error)) => return Err(error),
        Err(Failure::Reject(reason)) if messages.len() == 1 => {
            for message in &messages {
                tracing::error!(queue = settings.queue.as_str(), message.id = %message.id, "A message goes to the dead letters: {reason}");
                consumer.reject(message.tag, &tidy(&reason)).await?;
            }
        }
        Err(Failure::Reject(reason)) => {
            tracing::info!(
                queue = settings.queue.as_str(),
                batch = messages.len(),
                "A batch cannot be processed and is run one by one: {reason}"
            );
            for single in messages.into_iter().zip(bodies) {
                Box::pin(process(settings, handler, consumer, vec![single])).await?;
            }
        }
    }
    Ok(())
}

async fn attempt<H: Handler>(settings: &Loop, handler: &H, batch: &[H::Message]) -> Result<(), Failure> {
    let backoff = Backoff::new();
    for _ in 0..RETRIES {
        // A panic leaves nothing behind but the handler's own caches, which are replaced whole.
        let work = AssertUnwindSafe(handler.handle(batch)).catch_unwind();
        match tokio::time::timeout(settings.limit, work).await {
            Ok(Ok(Err(Failure::Retry(error)))) => {
                tracing::debug!(queue = settings.queue.as_str(), "Somebody was in the way of a batch: {error:#}");
                backoff.wait(&settings.ambient, &settings.stop).await;
            }
            Ok(Ok(decided)) => return decided,
            Ok(Err(panic)) => return Err(Failure::Reject(format!("its processing panicked: {}", panic_text(&*panic)))),
            Err(_) if batch.len() > 1 => return Err(Failure::Reject(format!("not done within {:?}", settings.limit))),
            Err(_) => return Err(Failure::GiveBack(anyhow::anyhow!("one message was not done within {:?}", settings.limit))),
        }
    }
    Err(Failure::GiveBack(anyhow::anyhow!("somebody was in the way of a batch {RETRIES} times in a row")))
}

/// A reason that every broker can keep in a header: on one line, and not too long.
fn tidy(reason: &str) -> String {
    reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REASON).collect()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use uuid::Uuid;

    use super::super::{BrokerError, Outgoing};
    use super::*;
    use crate::domain::event::Event;

    /// A payload, and whether it is redelivered.
    type Delivered = (Vec<u8>, bool);

    /// A broker and its only consumer. It hands out the batches that it was given, and stops the loop
    /// when they were answered.
    #[derive(Debug, Clone, Default)]
    struct Script(Arc<Mutex<VecDeque<Vec<Delivered>>>>, Arc<Mutex<Vec<String>>>, CancellationToken);

    impl Script {
        fn note(&self, answer: String) {
            self.1.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        }
    }

    #[async_trait]
    impl Broker for Script {
        async fn publish(&self, _: Queue, _: Vec<Outgoing>) -> Result<(), BrokerError> {
            unreachable!("the loop publishes nothing")
        }

        async fn consumer(&self, _: Queue, prefetch: usize) -> Result<Box<dyn Consumer>, BrokerError> {
            assert_eq!(prefetch, 16, "while one batch is processed the next is on its way");
            Ok(Box::new(self.clone()))
        }

        async fn waiting(&self, _: Queue) -> Result<u64, BrokerError> {
            unreachable!("the loop counts nothing")
        }
    }

    #[async_trait]
    impl Consumer for Script {
        async fn next_batch(&mut self, _: usize) -> Result<Vec<Incoming>, BrokerError> {
            let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            if next.is_none() {
                self.2.cancel();
            }
            let incoming = |(tag, (payload, redelivered))| Incoming {
                tag,
                id: Uuid::nil(),
                payload,
                headers: std::collections::BTreeMap::new(),
                redelivered,
            };
            Ok((1..).zip(next.into_iter().flatten()).map(incoming).collect())
        }

        async fn ack(&mut self, tags: &[u64]) -> Result<(), BrokerError> {
            self.note(format!("acked {tags:?}"));
            Ok(())
        }

        async fn give_back(&mut self, _: &[u64]) -> Result<(), BrokerError> {
            unreachable!("the loop closes instead")
        }

        async fn reject(&mut self, _: u64, reason: &str) -> Result<(), BrokerError> {
            self.note(reason.to_owned());
            Ok(())
        }

        async fn close(self: Box<Self>) -> Result<(), BrokerError> {
            Err(BrokerError::TimedOut { call: "give back", limit: Duration::ZERO })
        }
    }

    /// Takes everything, when it is ready for it.
    #[derive(Default)]
    struct Scripted {
        hangs: Mutex<usize>,
        failures: Mutex<Vec<Failure>>,
        sizes: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Handler for Scripted {
        type Message = Event;

        async fn ready(&self) -> anyhow::Result<()> {
            let hangs = self.hangs.lock().map(|mut left| std::mem::replace(&mut *left, 0) > 0);
            if hangs.unwrap_or_default() { std::future::pending().await } else { Ok(()) }
        }

        async fn handle(&self, batch: &[Event]) -> Result<(), Failure> {
            self.sizes.lock().unwrap_or_else(PoisonError::into_inner).push(batch.len());
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop().map_or(Ok(()), Err)
        }
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Runs the loop on these batches. Returns how they were answered, and the log.
    async fn run_on(batches: Vec<Vec<Delivered>>, handler: &Scripted) -> (Vec<String>, String) {
        let script = Script::default();
        script.0.lock().expect("not poisoned").extend(batches);
        let settings = Loop {
            broker: Arc::new(script.clone()),
            queue: Queue::Events,
            batch: 8,
            limit: Duration::from_millis(20),
            ambient: Ambient::system(),
            stop: script.2.clone(),
        };
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(move || writer.clone()).finish();
        let guard = tracing::subscriber::set_default(subscriber);
        consume(&settings, handler).await;
        drop(guard);
        let answers = std::mem::take(&mut *script.1.lock().expect("not poisoned"));
        let log = String::from_utf8(log.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        (answers, log)
    }

    fn event(redelivered: bool) -> Delivered {
        let event: Event = serde_json::from_value(serde_json::json!({
            "id": Uuid::nil(), "tenant_id": Uuid::nil(), "kind": "ticket.closed", "ticket_id": Uuid::nil(), "version": 1,
            "actor": { "kind": "system" }, "occurred_at": "2026-03-02T09:00:00Z",
        }))
        .expect("an event");
        (envelope::seal(Uuid::nil(), &event).expect("sealed").payload, redelivered)
    }

    #[tokio::test]
    async fn after_a_bad_batch_the_next_is_taken_whole() {
        let reject = |reason: &str| Failure::Reject(reason.to_owned());
        // The last is met first: the batch fails, and then its first message alone.
        let failures = [reject("bad"), reject("one of them is bad")];
        let handler = Scripted { failures: Mutex::new(failures.into()), ..Scripted::default() };
        let batch = || (0..3).map(|_| event(false)).collect::<Vec<_>>();
        let (answers, _) = run_on(vec![batch(), batch()], &handler).await;
        assert_eq!(answers, ["bad", "acked [2]", "acked [3]", "acked [1, 2, 3]"]);
        assert_eq!(*handler.sizes.lock().expect("not poisoned"), [3, 1, 1, 1, 3]);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_quoted_in_its_reason_and_not_in_the_log() {
        let payload = br#"{"kind":"ada@example.org\u0000","version":1,"id":"00000000-0000-0000-0000-000000000000","body":{}}"#;
        let (answers, log) = run_on(vec![vec![(payload.to_vec(), false)]], &Scripted::default()).await;
        assert_eq!(answers, ["expected event version 1, found ada@example.org  version 1"], "on one line, so that a header can hold it");
        assert!(log.contains("goes to the dead letters") && !log.contains("ada@example.org"), "{log}");
    }

    #[tokio::test]
    async fn what_comes_again_is_processed_alone_and_after_the_rest() {
        let batch = [false, true, false, true].map(event).to_vec();
        let (answers, _) = run_on(vec![batch], &Scripted::default()).await;
        assert_eq!(answers, ["acked [1, 3]", "acked [2]", "acked [4]"]);
    }

    #[tokio::test]
    async fn a_reason_has_an_end() {
        let handler = Scripted { failures: Mutex::new(vec![Failure::Reject("x".repeat(1_000_000))]), ..Scripted::default() };
        assert_eq!(run_on(vec![vec![event(false)]], &handler).await.0[0].len(), LONGEST_REASON);
    }

    #[tokio::test]
    async fn the_log_says_what_failed_and_not_what_followed_from_it() {
        let failure = Failure::GiveBack(anyhow::anyhow!("the disk is full"));
        let (answers, log) =
            run_on(vec![vec![event(false)]], &Scripted { failures: Mutex::new(vec![failure]), ..Scripted::default() }).await;
        assert_eq!(answers, [""; 0]);
        assert!(log.contains("the disk is full"), "{log}");
    }

    #[tokio::test]
    async fn the_log_says_once_that_a_consumer_works_again() {
        let failure = Failure::GiveBack(anyhow::anyhow!("the disk is full"));
        let batches = [false; 3].map(|redelivered| vec![event(redelivered)]).to_vec();
        let (answers, log) = run_on(batches, &Scripted { failures: Mutex::new(vec![failure]), ..Scripted::default() }).await;
        assert_eq!(answers, ["acked [1]", "acked [1]"]);
        assert_eq!(log.matches("The events consumer works again").count(), 1, "{log}");
    }

    #[tokio::test]
    async fn a_database_that_never_says_whether_it_is_there_is_asked_again() {
        let handler = Scripted { hangs: Mutex::new(1), ..Scripted::default() };
        let (answers, log) = run_on(vec![vec![event(false)]], &handler).await;
        assert_eq!(answers, ["acked [1]"]);
        assert!(log.contains("nobody said within 20ms whether it can begin"), "{log}");
    }
}
