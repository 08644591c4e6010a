//! The tasks of a process: they run until a signal, and then finish what is in flight.

use std::time::Duration;

use anyhow::anyhow;
use sqlx::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Signals;
use crate::ambient::Ambient;
use crate::db::{Session, connect};
use crate::supervise::{Backoff, supervise};

/// How long what is in flight may take to finish.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the clock is compared with the database's.
const FOLLOW: Duration = Duration::from_mins(1);

/// Tasks that end when they are told to.
#[derive(Debug)]
pub struct Workers {
    tasks: JoinSet<&'static str>,
    ambient: Ambient,
    stop: CancellationToken,
}

/// How they ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether all that was in flight was finished.
    pub finished: bool,
    /// Why that was no good end, if it was none.
    pub outcome: anyhow::Result<()>,
}

impl Workers {
    /// None yet. `stop` tells them to end.
    #[must_use]
    pub fn new(ambient: Ambient, stop: CancellationToken) -> Self {
        Self { tasks: JoinSet::new(), ambient, stop }
    }

    /// What tells them to end.
    #[must_use]
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts one, which ends only when it is told to.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            work.await;
            name
        });
    }

    /// Runs them until a signal, then until what is in flight is finished: for 30 seconds, or until a
    /// second signal.
    pub async fn run(mut self, signals: &mut Signals) -> Ended {
        let ended_by_itself = tokio::select! {
            () = signals.next() => None,
            Some(ended) = self.tasks.join_next() => Some(match ended {
                Ok(name) => anyhow!("the {name} ended by itself"),
                Err(error) => anyhow!("a worker ended by itself: {error}"),
            }),
        };
        tracing::info!("Stopping: what is in flight is finished first");
        self.stop.cancel();
        let finished = tokio::select! {
            () = async { while self.tasks.join_next().await.is_some() {} } => true,
            () = signals.next() => false,
            () = self.ambient.clock.sleep(PATIENCE) => false,
        };
        if !finished {
            tracing::warn!("Stopping at once: what is in flight is left, and is taken up again at the next start");
            self.tasks.shutdown().await;
        }
        let outcome = match ended_by_itself {
            Some(error) => Err(error),
            None if !finished => Err(anyhow!("stopped before what was in flight was finished")),
            None => Ok(()),
        };
        Ended { finished, outcome }
    }
}

/// Waits until the database is there with the schema that this program knows, and has our clock go by
/// its own. Returns early when `stop` is cancelled.
pub async fn await_database(ambient: &Ambient, pool: &PgPool, stop: &CancellationToken) {
    let backoff = Backoff::new();
    let found = supervise("look for the database", ambient, stop, &backoff, || async {
        let mut session = Session::open(pool).await?;
        connect::check(&mut session).await?;
        session.done();
        ambient.clock.follow(pool).await?;
        tracing::info!("The database is there");
        Ok(())
    });
    tokio::select! {
        () = stop.cancelled() => {}
        () = found => {}
    }
}

/// Keeps our clock with the database's, until `stop`.
pub async fn keep_time(ambient: Ambient, pool: PgPool, stop: CancellationToken) {
    let keep = async {
        loop {
            ambient.clock.sleep(FOLLOW).await;
            if let Err(error) = ambient.clock.follow(&pool).await {
                tracing::warn!("The clock could not be compared with the database's: {error}");
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = keep => {}
    }
}
