//! Keeps a task going: what fails is logged once and begun anew after a while.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ambient::Ambient;

/// A growing wait between tries that all failed, with jitter, that starts over after a success.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: AtomicU32,
    /// The task that [`supervise`] waits for, whose failures were logged.
    task: OnceLock<String>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(15);

    /// Begins with the shortest wait.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last try succeeded. Of a task whose failure was logged this is logged as well.
    pub fn reset(&self) {
        if self.failures.swap(0, Ordering::Relaxed) > 0
            && let Some(task) = self.task.get()
        {
            tracing::info!(task, "The {task} works again");
        }
    }

    /// Waits longer after each failure, until `stop`.
    pub async fn wait(&self, ambient: &Ambient, stop: &CancellationToken) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        let wait = Self::FIRST.saturating_mul(1 << failures.min(10)).min(Self::LONGEST);
        let wait = wait.mul_f64(0.75 + 0.5 * ambient.fraction());
        tokio::select! {
            () = ambient.clock.sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Runs `task` until it returns `Ok` or `stop` is cancelled. A failure is logged and the task run
/// again, after longer and longer waits by `backoff`, which the task resets when it gets going.
pub async fn supervise<F, R>(name: &str, ambient: &Ambient, stop: &CancellationToken, backoff: &Backoff, mut task: F)
where
    F: FnMut() -> R,
    R: Future<Output = anyhow::Result<()>>,
{
    while !stop.is_cancelled() {
        match task().await {
            Ok(()) => return,
            Err(error) if stop.is_cancelled() => tracing::debug!(task = name, "Stopped while failing: {error:#}"),
            Err(error) => {
                tracing::warn!(task = name, "The {name} failed and is begun anew: {}", causes(&error));
                backoff.task.get_or_init(|| name.to_owned());
                backoff.wait(ambient, stop).await;
            }
        }
    }
}

/// An error and what it came from, each said once: many errors repeat their source in their own words.
#[must_use]
pub fn causes(error: &anyhow::Error) -> String {
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.ends_with(&cause) {
            said.extend([": ", &cause]);
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::BrokerError;

    #[test]
    fn what_an_error_came_from_is_said_once() {
        let refused = || std::io::Error::other("connection refused");
        let repeating = BrokerError::Unavailable { call: "connect", source: refused().into() };
        assert_eq!(causes(&repeating.into()), "the broker could not connect: connection refused");
        assert_eq!(causes(&anyhow::Error::new(refused()).context("no database")), "no database: connection refused");
    }
}
