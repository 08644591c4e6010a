//! All SQL, in free functions on a connection, one file a concern, checked at compile time.

pub mod accounts;
pub mod audience;
pub mod broker;
pub mod clients;
pub mod connect;
pub mod dead_letters;
pub mod deliveries;
pub mod desk;
pub mod digests;
pub mod due_digests;
pub mod fallback;
pub mod held;
pub mod inbound;
pub mod letters;
pub mod limits;
pub mod mailboxes;
pub mod media;
pub mod message_ids;
pub mod notifications;
pub mod outbox;
pub mod plans;
pub mod preferences;
pub mod probe;
pub mod reply_addresses;
pub mod routing;
pub mod senders;
pub mod signing_keys;
pub mod suppressions;
pub mod tags;
pub mod templates;
pub mod threads;
pub mod ticket_links;
pub mod ticket_search;
pub mod tickets;
pub mod turns;
pub mod users;
pub mod view;
pub mod waiting;

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgListener, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool, Postgres, Transaction};

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

/// Begins a transaction in which every statement is planned by the sizes that tables have at that moment: the tables of what is told
/// grow from nothing to thousands of rows within minutes, and a plan that was kept from before reads all of them.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn begin_planning_anew(connection: &mut PgConnection) -> sqlx::Result<Transaction<'_, Postgres>> {
    connection.begin_with("begin; set local plan_cache_mode = force_custom_plan").await
}

/// The same for statements of many tables, which are looked up in the order in which a statement joins them: to try every order of a
/// dozen takes longer than to read a hundred rows of each.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn begin_joining_in_order(connection: &mut PgConnection) -> sqlx::Result<Transaction<'_, Postgres>> {
    connection.begin_with("begin; set local plan_cache_mode = force_custom_plan; set local join_collapse_limit = 1").await
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
/// at once: a serialisation failure, a deadlock, or a lock that was not had in time (SQLSTATE 40001,
/// 40P01, 55P03).
#[must_use]
pub fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01" | "55P03"))
}

/// Whether an error says that the database is away, full, read-only or shutting down, and nothing
/// about the work: no connection, or SQLSTATE class 08 (connection), 53 (resources), 57 (operator),
/// 58 (system), or 25006 (read-only), 25P03 and 25P04 (the server ended the transaction).
#[must_use]
pub fn is_infrastructure(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) || ["25006", "25P03", "25P04"].contains(&&*code)
        }),
        _ => false,
    }
}

/// Whether an error is the fault of what was to be written, so that trying again is of no use:
/// SQLSTATE class 21 and 22 (data), 23 (constraints), 44 (check option), 54 (size) or P0 (triggers),
/// or something that is not there or not of the form that it should have.
///
/// Everything else is the fault of the database or of how it is set up (a password, a permission, a
/// migration that was not run), and would be so for whatever else was to be written.
#[must_use]
pub fn is_fault_of_the_work(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["21", "22", "23", "44", "54", "P0"].iter().any(|class| code.starts_with(class)))
        }
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Failure;

    /// What becomes of a message when the database answers with each of these codes.
    #[sqlx::test(migrations = false)]
    async fn only_what_a_message_is_at_fault_for_sends_it_to_the_dead_letters(pool: PgPool) {
        let mut connection = pool.acquire().await.expect("a connection");
        let mut outcome = async |code: &str| {
            let statement = format!("do $$ begin raise exception using errcode = '{code}'; end $$");
            let error = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await.expect_err("it is raised");
            match Failure::from(error) {
                Failure::Retry(_) => "again",
                Failure::GiveBack(_) => "later",
                Failure::Reject(_) => "never",
            }
        };
        for (code, expected) in [
            ("40001", "again"), // serialisation failure
            ("40P01", "again"), // deadlock
            ("55P03", "again"), // lock not available in time
            ("08006", "later"), // connection failure
            ("0A000", "later"), // a prepared statement from before a migration
            ("25006", "later"), // read-only
            ("25P03", "later"), // idle in transaction for too long
            ("28P01", "later"), // wrong password
            ("3D000", "later"), // no such database
            ("42501", "later"), // permission denied
            ("42P01", "later"), // no such table: the migration was not run
            ("42703", "later"), // no such column
            ("53100", "later"), // disk full
            ("53300", "later"), // too many connections
            ("57014", "later"), // statement timeout
            ("57P01", "later"), // shutting down
            ("58030", "later"), // input or output
            ("XX000", "later"), // internal
            ("21000", "never"), // a row twice
            ("22021", "never"), // a zero byte
            ("22P05", "never"), // a zero byte in JSON
            ("23503", "never"), // no such account, or no such bytes
            ("54000", "never"), // too large for an index
            ("P0001", "never"), // raised by a trigger
        ] {
            assert_eq!(outcome(code).await, expected, "{code}");
        }
    }
}
