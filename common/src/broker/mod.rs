//! The broker port: what the workers need of a message broker, and no more.
//!
//! There are few promises, and every implementation keeps all of them (`tests/it/broker/suite.rs`):
//! a publish that returned is durable; what was consumed and not answered comes again; what was
//! rejected lies in the dead letters with its reason; no call takes longer than its time limit; a
//! broker that restarts is found again without anybody's help. Order is not promised.

mod connect;
mod consume;
mod drain;
pub mod postgres;
pub mod rabbitmq;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

pub use connect::connect;
pub use consume::{Failure, Handler, Loop, consume};
pub use drain::drain_dead_letters;

/// The queues, in the order in which a message meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Queue {
    /// What came in, for the router.
    Inbound,
    /// What came in long ago, for the router when it has time.
    InboundBacklog,
    /// What happened to tickets, for the notifier.
    Events,
    /// What could not be processed, on its way to the table `dead_letters`.
    Dead,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 4] = [Self::Inbound, Self::InboundBacklog, Self::Events, Self::Dead];

    /// The name on the broker.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::InboundBacklog => "inbound.backlog",
            Self::Events => "events",
            Self::Dead => "dead",
        }
    }
}

/// A message to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Names the message in logs; not a dedupe key.
    pub id: Uuid,
    /// The sealed envelope.
    pub payload: Vec<u8>,
    /// Trace context, and for a dead letter where it comes from and why.
    pub headers: BTreeMap<String, String>,
}

/// A message in a consumer's hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Names it when it is answered; valid for the consumer that got it.
    pub tag: u64,
    /// The publisher's id.
    pub id: Uuid,
    /// The sealed envelope.
    pub payload: Vec<u8>,
    /// What the publisher sent with it.
    pub headers: BTreeMap<String, String>,
    /// Somebody had it in hand before and did not answer: it may have killed them.
    pub redelivered: bool,
}

/// A message that was delivered so often without an answer goes to the dead letters: a backstop
/// against one that kills every process that takes it. To give it back is an answer too, so that no
/// outage, however long, sends anything there.
pub const DELIVERY_LIMIT: u32 = 50;

/// Why the broker did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No answer within the time limit. Whether it was done is not known.
    #[error("the broker did not answer to {call} within {limit:?}")]
    TimedOut {
        /// What was asked.
        call: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The broker cannot be reached, or refused.
    #[error("the broker could not {call}: {source}")]
    Unavailable {
        /// What was asked.
        call: &'static str,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A message broker.
#[async_trait]
pub trait Broker: std::fmt::Debug + Send + Sync + 'static {
    /// Publishes all of them; returns when every one is durable. After an error some may have been
    /// published: to publish again is harmless, since whoever consumes knows doubles by their key.
    ///
    /// # Errors
    /// When the broker did not confirm all of them in time.
    async fn publish(&self, queue: Queue, messages: Vec<Outgoing>) -> Result<(), BrokerError>;

    /// Starts to take messages, with at most `prefetch` of them in hand.
    ///
    /// # Errors
    /// When the broker cannot be reached.
    async fn consumer(&self, queue: Queue, prefetch: usize) -> Result<Box<dyn Consumer>, BrokerError>;

    /// How many messages of a queue wait to be taken; those in somebody's hand are not counted.
    ///
    /// # Errors
    /// When the broker cannot be reached.
    async fn waiting(&self, queue: Queue) -> Result<u64, BrokerError>;

    /// Says goodbye to the server, for the sake of its log; never takes long. Consumers are closed
    /// each by itself. Whoever goes on afterwards connects anew.
    async fn close(&self) {}
}

/// Takes messages from one queue. Dropping it leaves what is in hand to come again later; `close`
/// gives it back at once.
#[async_trait]
pub trait Consumer: Send {
    /// Waits for a message, then returns it with all that have already arrived, up to `most`: a
    /// natural batch, without added waiting. May be cancelled.
    ///
    /// # Errors
    /// When the broker cannot be reached.
    async fn next_batch(&mut self, most: usize) -> Result<Vec<Incoming>, BrokerError>;

    /// Done: they never come again.
    ///
    /// # Errors
    /// When the broker did not take the answer in time; they may come again.
    async fn ack(&mut self, tags: &[u64]) -> Result<(), BrokerError>;

    /// Not now: they come again at once, to whoever asks.
    ///
    /// # Errors
    /// When the broker did not take the answer in time; they come again later.
    async fn give_back(&mut self, tags: &[u64]) -> Result<(), BrokerError>;

    /// Never: it goes to [`Queue::Dead`], with the queue that it comes from and the reason in its
    /// headers ([`HEADER_QUEUE`], [`HEADER_REASON`]).
    ///
    /// # Errors
    /// When the broker did not take the answer in time; it may come again.
    async fn reject(&mut self, tag: u64, reason: &str) -> Result<(), BrokerError>;

    /// Gives back what is in hand, and stops.
    ///
    /// # Errors
    /// When the broker did not take it back in time; it comes again later.
    async fn close(self: Box<Self>) -> Result<(), BrokerError>;
}

/// On a dead letter: the queue that it was rejected from.
pub const HEADER_QUEUE: &str = "dead-queue";
/// On a dead letter: why it was rejected.
pub const HEADER_REASON: &str = "dead-reason";
