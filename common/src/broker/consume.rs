//! The consumer loop. A handler decides, the loop acts: only here are messages answered.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{Broker, BrokerError, Consumer, Incoming, Queue};
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

/// Consumes until `stop`. Never fails: without infrastructure it waits.
pub async fn consume<H: Handler>(settings: &Loop, handler: &H) {
    let name = format!("{} consumer", settings.queue.as_str());
    let backoff = Backoff::new();
    supervise(&name, &settings.ambient, &settings.stop, &backoff, || async {
        handler.ready().await?;
        let mut consumer = settings.broker.consumer(settings.queue, settings.batch).await?;
        let ended = run(settings, handler, consumer.as_mut(), &backoff).await;
        consumer.close().await?;
        ended
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
                Err(error) => reject(settings, consumer, &message, &error.to_string()).await?,
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
    let (messages, bodies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    match attempt(settings, handler, &bodies).await {
        Ok(()) => {
            let tags: Vec<u64> = messages.iter().map(|message| message.tag).collect();
            consumer.ack(&tags).await?;
        }
        Err(Failure::GiveBack(error) | Failure::Retry(error)) => return Err(error),
        Err(Failure::Reject(reason)) if messages.len() == 1 => {
            for message in &messages {
                reject(settings, consumer, message, &reason).await?;
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

async fn attempt<H: Handler>(settings: &Loop, handler: &H, bodies: &[H::Message]) -> Result<(), Failure> {
    let backoff = Backoff::new();
    for _ in 0..RETRIES {
        // A panic leaves nothing behind but the handler's own caches, which are replaced whole.
        let work = AssertUnwindSafe(handler.handle(bodies)).catch_unwind();
        match tokio::time::timeout(settings.limit, work).await {
            Ok(Ok(Err(Failure::Retry(error)))) => {
                tracing::debug!(queue = settings.queue.as_str(), "Somebody was in the way of a batch: {error:#}");
                backoff.wait(&settings.ambient, &settings.stop).await;
            }
            Ok(Ok(decided)) => return decided,
            Ok(Err(panic)) => return Err(Failure::Reject(format!("its processing panicked: {}", panic_text(&*panic)))),
            Err(_) if bodies.len() > 1 => return Err(Failure::Reject(format!("not done within {:?}", settings.limit))),
            Err(_) => return Err(Failure::GiveBack(anyhow::anyhow!("one message was not done within {:?}", settings.limit))),
        }
    }
    Err(Failure::GiveBack(anyhow::anyhow!("somebody was in the way of a batch {RETRIES} times in a row")))
}

async fn reject(settings: &Loop, consumer: &mut dyn Consumer, message: &Incoming, reason: &str) -> Result<(), BrokerError> {
    tracing::error!(queue = settings.queue.as_str(), message.id = %message.id, "A message goes to the dead letters: {reason}");
    consumer.reject(message.tag, reason).await
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
