//! Sends what is due. Deliveries are claimed under a lease, no more than are sent at once; each is
//! written ([`letter`]), sent, and its outcome recorded ([`outcome`]) by a task of its own.

mod gate;
mod letter;
mod outcome;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::deliveries::{self, DeliveryStatus};
use switchboard_common::db::{self, notifications};
use switchboard_common::domain::inbound::Channel;
use switchboard_common::schedule;
use switchboard_common::supervise::{Backoff, supervise};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::gate::Gate;
use crate::channels::email::Transport;

/// How often it is looked when nobody notifies.
const POLL: Duration = Duration::from_secs(1);

/// Sends mail that is due.
#[derive(Debug, Clone)]
pub struct Deliverer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    ambient: Ambient,
    transport: Transport,
    gate: Gate,
    limits: Limits,
}

/// Time limits, all within the lease on a delivery: whoever holds it is done before it ends.
#[derive(Debug, Clone, Copy)]
struct Limits {
    lease: Duration,
    /// For reading and writing a mail.
    write: Duration,
    /// For handing it over.
    send: Duration,
}

impl Limits {
    fn within(lease: Duration) -> Self {
        Self { lease, write: lease / 4, send: lease / 2 }
    }
}

impl Deliverer {
    /// Sends what is due in this database by this transport. A delivery that is not done when its
    /// `lease` ends is taken for lost, and sent again.
    #[must_use]
    pub fn new(pool: PgPool, ambient: Ambient, transport: Transport, lease: Duration) -> Self {
        Self { shared: Arc::new(Shared { pool, ambient, transport, gate: Gate::default(), limits: Limits::within(lease) }) }
    }

    /// Delivers until `stop`, and then finishes what is in flight. Without a database it waits.
    pub async fn run(&self, stop: &CancellationToken) {
        let backoff = Backoff::new();
        let in_flight = Mutex::new(JoinSet::new());
        supervise("mail delivery", &self.shared.ambient, stop, &backoff, || async {
            self.serve(&mut *in_flight.lock().await, &backoff, stop).await
        })
        .await;
        let mut in_flight = in_flight.into_inner();
        while let Some(ended) = in_flight.join_next().await {
            note_panic(ended);
        }
        self.shared.transport.close().await;
    }

    async fn serve(&self, in_flight: &mut JoinSet<()>, backoff: &Backoff, stop: &CancellationToken) -> anyhow::Result<()> {
        // Listens before it looks, so that what is planned in between is not missed.
        let mut listener = db::listen(&self.shared.pool, notifications::CHANNEL).await?;
        loop {
            let look_again = self.fill(in_flight).await?;
            backoff.reset();
            self.shared.transport.tidy_up().await;
            let is_full = in_flight.len() >= self.shared.transport.at_once();
            let wait = (look_again - self.shared.ambient.now()).to_std().unwrap_or_default();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                Some(ended) = in_flight.join_next() => {
                    note_ended(ended, in_flight);
                }
                hint = listener.recv(), if !is_full => drop(hint?),
                () = self.shared.ambient.clock.sleep(wait), if !is_full => {}
            }
        }
    }

    /// Sends what is due now, and returns when nothing more is: how many mails it tried to send.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drain(&self) -> anyhow::Result<usize> {
        let mut in_flight = JoinSet::new();
        let mut sent = 0;
        loop {
            self.fill(&mut in_flight).await?;
            match in_flight.join_next().await {
                None => return Ok(sent),
                Some(ended) => sent += note_ended(ended, &mut in_flight),
            }
        }
    }

    /// Takes on as much as there is room for. Returns when to look again.
    async fn fill(&self, in_flight: &mut JoinSet<()>) -> anyhow::Result<DateTime<Utc>> {
        let shared = &self.shared;
        let now = shared.ambient.now();
        let token: Uuid = shared.ambient.new_id();
        let room = shared.gate.room(now, in_flight.len(), shared.transport.at_once());
        let room = i64::try_from(room).unwrap_or_default();
        let mut session = db::Session::open(&shared.pool).await?;
        let mut transaction = session.begin().await?;
        take_back_expired(&mut transaction, &shared.ambient).await?;
        let leased = deliveries::claim(&mut transaction, Channel::Email, token, now, now + shared.limits.lease, room).await?;
        let next_due = deliveries::next_due(&mut transaction, Channel::Email, now).await?;
        transaction.commit().await?;
        session.done();
        for leased in leased {
            let shared = Arc::clone(shared);
            in_flight.spawn(async move { shared.deliver(leased).await });
        }
        Ok(next_due.map_or(now + POLL, |due| due.min(now + POLL)))
    }
}

/// Takes back what somebody did not come back from.
async fn take_back_expired(connection: &mut PgConnection, ambient: &Ambient) -> sqlx::Result<()> {
    let most = i32::try_from(schedule::ATTEMPTS).unwrap_or(i32::MAX);
    for (tenant, delivery, status) in deliveries::expire(connection, Channel::Email, most, ambient.now()).await? {
        tracing::warn!(delivery.id = %delivery, ?status, "The lease on a mail ran out: nobody knows whether it was sent");
        if status == DeliveryStatus::Failed {
            outcome::tell_of_failure(connection, tenant, delivery, ambient).await?;
        }
    }
    Ok(())
}

/// Notes what has ended: all of it, so that it is looked once for what there is room for now.
fn note_ended(first: Result<(), JoinError>, in_flight: &mut JoinSet<()>) -> usize {
    note_panic(first);
    let mut count = 1;
    while let Some(ended) = in_flight.try_join_next() {
        note_panic(ended);
        count += 1;
    }
    count
}

/// A delivery whose task panicked keeps its lease until it runs out.
fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!("A delivery ended without a result: {error}");
    }
}
