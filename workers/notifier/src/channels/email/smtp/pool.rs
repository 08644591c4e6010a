//! Connections to one mail server: bounded, used for many mails, and said goodbye to.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Rset;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

use super::server::{Reached, Size};

/// How long saying goodbye, or that a mail is off, may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// How connections are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// How many there are at most.
    pub connections: usize,
    /// For how many mails one is used: a server may be several, and new connections find another.
    pub mails: u32,
    /// How long one is kept without a mail: less than servers wait (RFC 5321, 4.5.3.2.7: 5 minutes).
    pub idle: Duration,
}

impl Default for Usage {
    fn default() -> Self {
        Self { connections: 4, mails: 100, idle: Duration::from_mins(1) }
    }
}

/// A connection on which mail can be sent.
pub(super) struct Connection {
    pub(super) smtp: AsyncSmtpConnection,
    pub(super) size: Size,
    mails: u32,
    rested: Instant,
}

impl Connection {
    pub(super) fn new(reached: Reached) -> Self {
        Self { smtp: reached.connection, size: reached.size, mails: 0, rested: Instant::now() }
    }

    pub(super) async fn quit(mut self) {
        // Whoever does not answer to a goodbye is left without.
        let _ = timeout(FAREWELL, self.smtp.quit()).await;
    }

    /// Takes back what was said of a mail that was refused. Says whether the connection is of use.
    pub(super) async fn reset(&mut self) -> bool {
        matches!(timeout(FAREWELL, self.smtp.command(Rset)).await, Ok(Ok(_)))
    }
}

/// The connections that are at rest, and the right to have one.
#[derive(Debug)]
pub(super) struct Pool {
    resting: Mutex<Vec<Connection>>,
    permits: Semaphore,
    usage: Usage,
}

impl Pool {
    pub(super) fn new(usage: Usage) -> Self {
        Self { resting: Mutex::default(), permits: Semaphore::new(usage.connections), usage }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// The right to a connection, for as long as it is held; waits for one.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // Only a closed semaphore refuses, and nobody closes this one.
        self.permits.acquire().await.ok()
    }

    /// The connection that was used last, of those at rest that are of further use.
    pub(super) fn take(&self) -> Option<Connection> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let last = resting.iter().rposition(|connection| !self.is_over(connection, self.usage.idle))?;
        Some(resting.remove(last))
    }

    /// Puts a connection to rest. No goodbye is said here: whoever has sent a mail is to say so first, within
    /// the lease on it.
    pub(super) fn keep(&self, mut connection: Connection) {
        connection.mails += 1;
        connection.rested = Instant::now();
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Whether a connection was used for enough mails, or has been at rest for so long.
    fn is_over(&self, connection: &Connection, idle: Duration) -> bool {
        connection.mails >= self.usage.mails || connection.rested.elapsed() >= idle
    }

    /// Says goodbye on connections that were used for enough mails, or have been at rest for so long.
    pub(super) async fn close(&self, idle: Duration) {
        let old: Vec<Connection> = {
            let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
            resting.extract_if(.., |connection| self.is_over(connection, idle)).collect()
        };
        let mut goodbyes = tokio::task::JoinSet::new();
        for connection in old {
            goodbyes.spawn(connection.quit());
        }
        goodbyes.join_all().await;
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("mails", &self.mails).finish_non_exhaustive()
    }
}
