//! Publishes the events that transactions left in the outbox. Rows are taken under a lease, so any
//! number of relays may run; an event that was published and is still not planned long after is
//! published again, which the notifier, planning each event once, does not mind.

use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Broker, Outgoing, Queue};
use switchboard_common::db::{self, outbox};
use switchboard_common::domain::event::Event;
use switchboard_common::envelope;
use switchboard_common::supervise::{Backoff, supervise};
use switchboard_common::telemetry::trace::TraceParent;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BATCH: i64 = 256;
/// How long a relay may take to publish what it took.
const LEASE: Duration = Duration::from_mins(1);
/// When an event that was published and not planned is published again.
const AGAIN: Duration = Duration::from_mins(10);
/// How often an idle relay looks when nobody notifies it.
const POLL: Duration = Duration::from_secs(1);

/// Publishes until `stop`.
pub async fn run(pool: &PgPool, broker: &dyn Broker, ambient: &Ambient, stop: &CancellationToken) {
    let backoff = Backoff::new();
    supervise("relay", ambient, stop, &backoff, || async {
        let mut listener = limited(db::listen(pool, outbox::CHANNEL)).await??;
        loop {
            while !stop.is_cancelled() && limited(publish_due(pool, broker, ambient)).await?? > 0 {
                backoff.reset();
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                hint = listener.recv() => drop(hint?),
                () = ambient.clock.sleep(POLL) => {}
            }
        }
    })
    .await;
}

/// A database that neither answers nor hangs up must not stop a relay for good.
async fn limited<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    tokio::time::timeout(LEASE, work).await.with_context(|| format!("not done within {LEASE:?}"))
}

/// Publishes one batch of what is due. Returns how many events that were.
///
/// # Errors
/// When database or broker are away; what was taken is given back, or is free when its lease has run out.
pub async fn publish_due(pool: &PgPool, broker: &dyn Broker, ambient: &Ambient) -> anyhow::Result<usize> {
    let token: Uuid = ambient.new_id();
    let now = ambient.now();
    let mut session = db::Session::open(pool).await?;
    let events = outbox::claim(&mut session, token, now, now + LEASE, BATCH).await?;
    session.done();
    if events.is_empty() {
        return Ok(0);
    }
    let messages = events.iter().map(|(id, event)| seal(*id, event)).collect::<Result<Vec<_>, _>>()?;
    let published = broker.publish(Queue::Events, messages).await;
    let now = ambient.now();
    let mut session = db::Session::open(pool).await?;
    match published {
        Ok(()) => outbox::published(&mut session, token, now, now + AGAIN).await?,
        // Another router may reach a broker that this one cannot, and once it is back nobody is to wait for the lease.
        // What was published all the same is known by its key.
        Err(_) => outbox::give_back(&mut session, token, now).await?,
    }
    session.done();
    published?;
    Ok(events.len())
}

/// An event as it was kept, with the context of what led to it in its headers.
fn seal(id: Uuid, event: &serde_json::Value) -> serde_json::Result<Outgoing> {
    let trace = event.get("trace").and_then(|trace| TraceParent::parse(trace.as_str()?));
    Ok(envelope::traced(envelope::seal_kept::<Event>(id, event)?, trace.as_ref()))
}
