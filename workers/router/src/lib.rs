//! The router: who wrote, which ticket, whose work, and why.
//!
//! The way of a message through this crate:
//!
//! 1. [`batch`] takes what has arrived on `inbound` and processes it in one transaction: logs it (a
//!    duplicate ends there), finds or makes the clients, claims the Message-IDs, locks the tickets,
//!    decides, writes. Its steps are files of their own, in that order.
//! 2. [`clients`] decides who wrote. Pure.
//! 3. [`thread`] decides which ticket a message continues, and as what. Pure.
//! 4. [`rules`] decides where a new ticket goes. Pure.
//! 5. [`draft`] holds a ticket while it is being changed, and keeps its versions.
//! 6. [`relay`] publishes the events that a transaction left in the outbox.
//! 7. [`command`] changes a ticket on an operator's word, by the same draft and outbox, and
//!    [`clients::command`] merges clients.
//!
//! Dead letters of every queue are drained here too, since a router always runs.

pub mod batch;
pub mod clients;
pub mod command;
mod desks;
pub mod draft;
pub mod relay;
pub mod rules;
pub mod thread;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Broker, Loop, Queue, consume, drain_dead_letters};
use tokio_util::sync::CancellationToken;

/// How many messages are routed in one transaction, at most.
pub const BATCH: usize = 64;
/// How long a batch may take; shorter than a lease of the broker.
const BATCH_LIMIT: Duration = Duration::from_secs(30);

/// What a router works with.
#[derive(Debug, Clone)]
pub struct Router {
    /// The database.
    pub pool: PgPool,
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Clock and randomness.
    pub ambient: Ambient,
}

/// Runs until `stop`, then finishes what is in flight. Any number may run.
pub async fn run(router: Router, stop: CancellationToken) {
    let handler = batch::BatchHandler::new(router.pool.clone(), router.ambient.clone());
    let loops = [Queue::Inbound, Queue::InboundBacklog].map(|queue| inbound(&router, queue, &stop));
    let Router { pool, broker, ambient } = router;
    tokio::join!(
        async { Box::pin(consume(&loops[0], &handler)).await },
        async { Box::pin(consume(&loops[1], &handler)).await },
        relay::run(&pool, broker.as_ref(), &ambient, &stop),
        drain_dead_letters(broker.as_ref(), &pool, &ambient, &stop),
    );
}

/// How a router takes messages from a queue.
#[must_use]
pub fn inbound(router: &Router, queue: Queue, stop: &CancellationToken) -> Loop {
    let Router { broker, ambient, .. } = router;
    Loop { broker: Arc::clone(broker), queue, batch: BATCH, limit: BATCH_LIMIT, ambient: ambient.clone(), stop: stop.clone() }
}
