//! PostgreSQL as the broker. A message in hand is a committed lease with a token, never a row lock
//! held while somebody works; NOTIFY is a hint beside polling, so that a lost one costs only time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::{Broker, BrokerError, Consumer, DELIVERY_LIMIT, HEADER_QUEUE, HEADER_REASON, Incoming, Outgoing, Queue};
use crate::ambient::Ambient;
use crate::db::{self, broker::Leased};

/// Time limits of the PostgreSQL broker.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For every call to the server.
    pub call: Duration,
    /// How long a message stays in hand before it comes again.
    pub lease: Duration,
    /// How often an idle consumer looks when nobody notifies it.
    pub poll: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { call: Duration::from_secs(10), lease: Duration::from_mins(1), poll: Duration::from_secs(1) }
    }
}

/// PostgreSQL as the broker.
#[derive(Debug, Clone)]
pub struct PostgresBroker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    ambient: Ambient,
    limits: Limits,
    /// Names of queues that something was published to.
    hints: broadcast::Sender<String>,
    _listener: AbortOnDropHandle<()>,
}

impl PostgresBroker {
    /// A broker on a migrated database. Must be called within a tokio runtime, which it gives the
    /// task that listens for hints.
    #[must_use]
    pub fn new(pool: PgPool, ambient: Ambient, limits: Limits) -> Self {
        let hints = broadcast::Sender::new(64);
        let listener = AbortOnDropHandle::new(tokio::spawn(listen(pool.clone(), hints.clone(), ambient.clone(), limits.poll)));
        Self { shared: Arc::new(Shared { pool, ambient, limits, hints, _listener: listener }) }
    }
}

/// Passes on the server's notifications. While they cannot be had, consumers poll.
async fn listen(pool: PgPool, hints: broadcast::Sender<String>, ambient: Ambient, pause: Duration) {
    loop {
        if let Ok(mut listener) = db::listen(&pool, db::broker::CHANNEL).await {
            while let Ok(notification) = listener.recv().await {
                let _ = hints.send(notification.payload().to_owned());
            }
        }
        ambient.clock.sleep(pause).await;
    }
}

impl Shared {
    /// Runs a call under the time limit. On expiry the call's future is dropped, and the connection
    /// that it used with it (see [`db::Session`]).
    async fn limited<T>(&self, call: &'static str, work: impl Future<Output = Result<T, sqlx::Error>> + Send) -> Result<T, BrokerError> {
        match tokio::time::timeout(self.limits.call, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(BrokerError::Unavailable { call, source: error.into() }),
            Err(_) => Err(BrokerError::TimedOut { call, limit: self.limits.call }),
        }
    }

    async fn claim(&self, queue: Queue, most: usize) -> Result<Vec<Leased>, BrokerError> {
        let token: Uuid = self.ambient.new_id();
        let now = self.ambient.now();
        self.limited("claim messages", async {
            let mut session = db::Session::open(&self.pool).await?;
            let limit = i64::try_from(most).unwrap_or(i64::MAX);
            let leased = db::broker::claim(&mut session, queue.as_str(), token, now, now + self.limits.lease, limit).await?;
            session.done();
            Ok(leased)
        })
        .await
    }
}

#[async_trait]
impl Broker for PostgresBroker {
    async fn publish(&self, queue: Queue, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        let now = self.shared.ambient.now();
        self.shared
            .limited("publish", async {
                let mut session = db::Session::open(&self.shared.pool).await?;
                db::broker::publish(&mut session, queue.as_str(), &messages, now).await?;
                session.done();
                Ok(())
            })
            .await
    }

    async fn consumer(&self, queue: Queue, prefetch: usize) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(PostgresConsumer {
            shared: Arc::clone(&self.shared),
            queue,
            prefetch,
            in_hand: HashMap::new(),
            claiming: None,
            hints: self.shared.hints.subscribe(),
        }))
    }

    async fn waiting(&self, queue: Queue) -> Result<u64, BrokerError> {
        let now = self.shared.ambient.now();
        self.shared
            .limited("count messages", async {
                let mut session = db::Session::open(&self.shared.pool).await?;
                let waiting = db::broker::waiting(&mut session, queue.as_str(), now).await?;
                session.done();
                Ok(waiting)
            })
            .await
    }
}

struct PostgresConsumer {
    shared: Arc<Shared>,
    queue: Queue,
    prefetch: usize,
    /// The lease token of each message in hand, by its position.
    in_hand: HashMap<u64, (i64, Uuid)>,
    /// A claim on its way. It is finished also when whoever waits for it stops: else what it took
    /// would be in nobody's hand until its lease has run out.
    claiming: Option<JoinHandle<Result<Vec<Leased>, BrokerError>>>,
    hints: broadcast::Receiver<String>,
}

impl PostgresConsumer {
    /// Waits for a hint about this queue, or until it is time to look anyway.
    async fn wait(&mut self) {
        let poll = self.shared.limits.poll;
        let hints = &mut self.hints;
        let queue = self.queue.as_str();
        let hinted = async {
            loop {
                match hints.recv().await {
                    Ok(name) if name != queue => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = hinted => {}
            () = self.shared.ambient.clock.sleep(poll) => {}
        }
    }

    /// Takes what there is, up to `room`. May be cancelled.
    async fn claim(&mut self, room: usize) -> Result<Vec<Leased>, BrokerError> {
        let (shared, queue) = (Arc::clone(&self.shared), self.queue);
        let claiming = self.claiming.get_or_insert_with(|| tokio::spawn(async move { shared.claim(queue, room).await }));
        let claimed = claiming.await;
        self.claiming = None;
        let leased = claimed.map_err(|error| BrokerError::Unavailable { call: "claim messages", source: error.into() })??;
        self.in_hand.extend(leased.iter().map(|message| (tag(message), (message.position, message.lease_token))));
        Ok(leased)
    }

    fn leases(&self, tags: &[u64]) -> (Vec<i64>, Vec<Uuid>) {
        tags.iter().filter_map(|tag| self.in_hand.get(tag)).copied().unzip()
    }

    /// Runs `work` on the leases of `tags` and lets go of them.
    async fn settle(&mut self, call: &'static str, tags: &[u64], settle: Settle<'_>) -> Result<(), BrokerError> {
        let (positions, tokens) = self.leases(tags);
        if positions.is_empty() {
            return Ok(());
        }
        let shared = &self.shared;
        let now = shared.ambient.now();
        let settled = shared
            .limited(call, async {
                let mut session = db::Session::open(&shared.pool).await?;
                let settled = match settle {
                    Settle::Ack => db::broker::ack(&mut session, &positions, &tokens).await?,
                    Settle::GiveBack => db::broker::give_back(&mut session, &positions, &tokens, now).await?,
                    Settle::Reject(headers) => {
                        db::broker::reject(&mut session, &positions, &tokens, Queue::Dead.as_str(), &headers, now).await?
                    }
                };
                session.done();
                Ok(settled)
            })
            .await?;
        for tag in tags {
            self.in_hand.remove(tag);
        }
        let lost = u64::try_from(positions.len()).unwrap_or(u64::MAX).saturating_sub(settled);
        if lost > 0 {
            tracing::warn!(queue = self.queue.as_str(), lost, call, "Leases ran out before they were answered; the messages come again");
        }
        Ok(())
    }
}

fn tag(message: &Leased) -> u64 {
    message.position.unsigned_abs()
}

enum Settle<'a> {
    Ack,
    GiveBack,
    Reject(BTreeMap<&'a str, &'a str>),
}

#[async_trait]
impl Consumer for PostgresConsumer {
    async fn next_batch(&mut self, most: usize) -> Result<Vec<Incoming>, BrokerError> {
        loop {
            // Subscribed before the look, so that what is published in between is not missed.
            self.hints = self.shared.hints.subscribe();
            let room = most.min(self.prefetch.saturating_sub(self.in_hand.len()));
            let leased = if room == 0 { Vec::new() } else { self.claim(room).await? };
            let mut batch = Vec::with_capacity(leased.len());
            for message in leased {
                let tag = tag(&message);
                // A dead letter cannot die again: it would lose its reason.
                if self.queue != Queue::Dead && u32::try_from(message.deliveries).unwrap_or(u32::MAX) > DELIVERY_LIMIT {
                    tracing::error!(
                        queue = self.queue.as_str(),
                        message.id = %message.id,
                        "A message was delivered {DELIVERY_LIMIT} times without an answer and goes to the dead letters"
                    );
                    self.reject(tag, &format!("delivered {DELIVERY_LIMIT} times without an answer")).await?;
                    continue;
                }
                batch.push(Incoming {
                    tag,
                    id: message.id,
                    payload: message.payload,
                    headers: message.headers.0,
                    redelivered: message.deliveries > 1,
                });
            }
            if !batch.is_empty() {
                return Ok(batch);
            }
            self.wait().await;
        }
    }

    async fn ack(&mut self, tags: &[u64]) -> Result<(), BrokerError> {
        self.settle("ack", tags, Settle::Ack).await
    }

    async fn give_back(&mut self, tags: &[u64]) -> Result<(), BrokerError> {
        self.settle("give back", tags, Settle::GiveBack).await
    }

    async fn reject(&mut self, tag: u64, reason: &str) -> Result<(), BrokerError> {
        let headers = BTreeMap::from([(HEADER_QUEUE, self.queue.as_str()), (HEADER_REASON, reason)]);
        self.settle("reject", &[tag], Settle::Reject(headers)).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), BrokerError> {
        if self.claiming.is_some() {
            self.claim(0).await?;
        }
        let tags: Vec<u64> = self.in_hand.keys().copied().collect();
        self.give_back(&tags).await
    }
}
