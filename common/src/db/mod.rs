//! All SQL, in free functions on a connection, one file a concern, checked at compile time.

pub mod accounts;
pub mod audience;
pub mod broker;
pub mod clients;
pub mod connect;
pub mod dead_letters;
pub mod deliveries;
pub mod desk;
pub mod inbound;
pub mod letters;
pub mod media;
pub mod message_ids;
pub mod notifications;
pub mod outbox;
pub mod plans;
pub mod probe;
pub mod reply_addresses;
pub mod routing;
pub mod signing_keys;
pub mod tickets;
pub mod view;

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres};

/// The steps of `migrations/`, as they were when this was built.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// A pooled connection that goes back to the pool only when its work was [`Session::done`].
///
/// When a call times out, its future is dropped and the connection is left in the middle of a
/// conversation with a server that may never answer. The pool would wait for it; a session closes it.
#[derive(Debug)]
pub struct Session {
    connection: PoolConnection<Postgres>,
    done: bool,
}

impl Session {
    /// Takes a connection from the pool.
    ///
    /// # Errors
    /// When none can be had in the pool's time.
    pub async fn open(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: pool.acquire().await?, done: false })
    }

    /// Says that the connection is at rest and may be used by another.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.done {
            self.connection.close_on_drop();
        }
    }
}

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Listens for notifications, on a connection of its own: a listener holds it for as long as it lives,
/// and must not take it from the work's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn listen(pool: &PgPool, channel: &str) -> Result<PgListener, sqlx::Error> {
    let own = PgPoolOptions::new().max_connections(1).connect_lazy_with(pool.connect_options().as_ref().clone());
    let mut listener = PgListener::connect_with(&own).await?;
    listener.listen(channel).await?;
    Ok(listener)
}

/// Whether an error says nothing about the work and the same work may succeed when it is run again
/// at once: a serialisation failure or a deadlock (SQLSTATE 40001, 40P01).
#[must_use]
pub fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}

/// Whether an error says that the database is away, full or shutting down, and nothing about the
/// work: no connection, or SQLSTATE class 08 (connection), 53 (resources), 57 (operator), 58 (system).
#[must_use]
pub fn is_infrastructure(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}
