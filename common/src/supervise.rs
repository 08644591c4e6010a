//! Keeps a task going: what fails is logged once and begun anew after a while.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ambient::Ambient;

/// A growing wait between tries that all failed, with jitter, that starts over after a success.
#[derive(Debug)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(15);

    /// Begins with the shortest wait.
    #[must_use]
    pub fn new() -> Self {
        Self { failures: 0 }
    }

    /// The last try succeeded.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits longer after each failure, until `stop`.
    pub async fn wait(&mut self, ambient: &Ambient, stop: &CancellationToken) {
        let wait = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(Self::LONGEST);
        self.failures += 1;
        let wait = wait.mul_f64(0.75 + 0.5 * ambient.fraction());
        tokio::select! {
            () = ambient.clock.sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs `task` until it returns `Ok` or `stop` is cancelled. A failure is logged and the task run
/// again, after longer and longer waits; `task` is told the wait to reset when it gets going.
pub async fn supervise(name: &str, ambient: &Ambient, stop: &CancellationToken, mut task: impl AsyncFnMut(&mut Backoff) -> anyhow::Result<()>) {
    let mut backoff = Backoff::new();
    while !stop.is_cancelled() {
        match task(&mut backoff).await {
            Ok(()) => return,
            Err(error) if stop.is_cancelled() => tracing::debug!(task = name, "Stopped while failing: {error:#}"),
            Err(error) => {
                tracing::warn!(task = name, "The {name} failed and is begun anew: {error:#}");
                backoff.wait(ambient, stop).await;
            }
        }
    }
}
