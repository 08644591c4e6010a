//! Reads mailboxes by IMAP (RFC 3501), any number of workers side by side.
//!
//! 1. `keeper` sees which folders there are, and takes its share of them under leases. A lease has a
//!    fencing token: who lost it writes nothing.
//! 2. `watch` keeps one folder being read, whatever happens, in a task of its own.
//! 3. `connect` makes a connection that is logged in, and `session` asks of it what is needed, each
//!    call under a time limit.
//! 4. `reader` reads: new mail first, and what waited long beside it; each mail accepted, then the
//!    cursor moved. `plan` says what is fetched next. What cannot be accepted is set `aside`.
//!
//! Nothing on the server is changed: folders are opened for reading only, and `\Seen` is neither
//! looked at nor set.

mod aside;
mod connect;
mod error;
mod keeper;
mod meter;
mod name;
mod plan;
mod reader;
mod session;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rustls::ClientConfig;
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Broker;
use switchboard_common::config::Config;
use switchboard_common::runtime::Parts;
use switchboard_common::tls;
use tokio_util::sync::CancellationToken;

use crate::message::Limits;

/// What a worker that reads mailboxes works with.
#[derive(Debug, Clone)]
pub struct IngestEmail {
    /// The database.
    pub pool: PgPool,
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Clock and randomness.
    pub ambient: Ambient,
    /// Whom to trust, from `switchboard_common::tls`.
    pub tls: Arc<ClientConfig>,
    /// What is kept of a mail.
    pub limits: Limits,
    /// Times and amounts.
    pub settings: ImapSettings,
}

impl IngestEmail {
    /// With what the configuration says of it.
    ///
    /// # Errors
    /// When `tls.ca_file` holds no certificates.
    pub fn configured(config: &Config, parts: Parts) -> anyhow::Result<Self> {
        let tls = tls::client(config.tls.ca_file.as_deref()).context("tls.ca_file")?;
        let Parts { pool, broker, ambient, .. } = parts;
        let limits = Limits { largest_attachment: config.mail.largest_attachment };
        Ok(Self { pool, broker, ambient, tls, limits, settings: ImapSettings::with_lease(config.imap.lease) })
    }
}

/// Times and amounts of reading mailboxes.
#[derive(Debug, Clone)]
pub struct ImapSettings {
    /// How often a worker looks which folders there are, and renews its leases.
    pub look: Duration,
    /// How long a folder stays with a worker that does not renew its lease; a few times `look`.
    pub lease: Duration,
    /// How long a server may take for an answer. More is given where much was asked for.
    pub call: Duration,
    /// How long is waited after a server refused user and password: some lock out who tries often.
    pub refused: Duration,
    /// When more mails than these wait in a folder, the older ones become a catch-up.
    pub backlog_threshold: usize,
    /// At most so many mails of a folder's catch-up wait for the router; at least [`BATCH`].
    pub backlog_cap: usize,
    /// A mail that the server does not hand out, however often it is asked, while it hands out others, is
    /// set aside after this time.
    pub give_up: Duration,
}

impl ImapSettings {
    /// The usual ones, but for the lease, which is renewed often enough.
    #[must_use]
    pub fn with_lease(lease: Duration) -> Self {
        let usual = Self::default();
        Self { lease, look: usual.look.min(lease / 6), ..usual }
    }
}

impl Default for ImapSettings {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            lease: Duration::from_secs(30),
            call: Duration::from_secs(30),
            refused: Duration::from_mins(1),
            backlog_threshold: 100,
            backlog_cap: 512,
            give_up: Duration::from_mins(2),
        }
    }
}

/// How many mails are fetched and accepted at once, at most.
pub const BATCH: usize = 64;

/// Reads mailboxes until `stop`; then finishes what is being accepted and gives the folders back. Any
/// number may run.
pub async fn run(ingest: IngestEmail, stop: CancellationToken) {
    keeper::run(Arc::new(ingest), stop).await;
}
