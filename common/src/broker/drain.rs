//! Moves dead letters from the broker into the table `dead_letters`, where they can be listed and
//! replayed: written, then acked.

use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Broker, Consumer, HEADER_QUEUE, HEADER_REASON, Incoming, Queue};
use crate::ambient::Ambient;
use crate::db::{self, dead_letters::DeadLetter};
use crate::supervise::{Backoff, supervise};

const BATCH: usize = 64;

/// How long it may take to store what was taken; shorter than a lease of the broker.
const LIMIT: Duration = Duration::from_secs(30);

/// Drains until `stop`.
pub async fn drain_dead_letters(broker: &dyn Broker, pool: &PgPool, ambient: &Ambient, stop: &CancellationToken) {
    let backoff = Backoff::new();
    supervise("drain of dead letters", ambient, stop, &backoff, || async {
        let mut consumer = broker.consumer(Queue::Dead, BATCH).await?;
        let ended = drain(consumer.as_mut(), pool, ambient, stop, &backoff).await;
        let closed = consumer.close().await;
        // What ended it is said, rather than what followed from that.
        ended?;
        Ok(closed?)
    })
    .await;
}

async fn drain(
    consumer: &mut dyn Consumer,
    pool: &PgPool,
    ambient: &Ambient,
    stop: &CancellationToken,
    backoff: &Backoff,
) -> anyhow::Result<()> {
    loop {
        let batch = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            batch = consumer.next_batch(BATCH) => batch?,
        };
        let tags: Vec<u64> = batch.iter().map(|message| message.tag).collect();
        tokio::time::timeout(LIMIT, store(pool, ambient, batch)).await.with_context(|| format!("not stored within {LIMIT:?}"))??;
        consumer.ack(&tags).await?;
        backoff.reset();
    }
}

async fn store(pool: &PgPool, ambient: &Ambient, batch: Vec<Incoming>) -> sqlx::Result<()> {
    let now = ambient.now();
    let letters: Vec<DeadLetter> = batch
        .into_iter()
        .map(|mut message| DeadLetter {
            id: message.id,
            queue: message.headers.remove(HEADER_QUEUE).unwrap_or_else(|| "unknown".to_owned()),
            reason: message.headers.remove(HEADER_REASON).unwrap_or_else(|| "not given".to_owned()),
            headers: message.headers,
            payload: message.payload,
            died_at: now,
        })
        .collect();
    let mut session = db::Session::open(pool).await?;
    db::dead_letters::store(&mut session, &letters).await?;
    session.done();
    Ok(())
}
