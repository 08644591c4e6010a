//! What two workers share, in the order in which a message meets it:
//!
//! * [`domain`]: what came in, a ticket, what happened to it, and why; [`ids`]: what names them.
//! * [`envelope`]: how that travels; [`broker`]: the port that it travels by, the loop that consumes,
//!   and PostgreSQL as the broker.
//! * [`db`]: all SQL, one file a concern.
//! * [`reply_token`]: signed reply addresses; [`unsubscribe`]: signed links.
//! * [`secrets`]: values that are named and never kept; [`oauth`]: tokens to sign in with.
//! * [`schedule`]: when a delivery is tried again.
//! * [`ambient`]: time and randomness, as parameters; [`supervise`]: keeps a task going.
//! * [`config`], [`telemetry`], [`tls`], [`embedded`]: what a process starts with; [`runtime`]: how a worker is
//!   started, asked how it is, and stopped.

pub mod ambient;
pub mod broker;
pub mod config;
pub mod db;
pub mod domain;
pub mod embedded;
pub mod envelope;
pub mod ids;
pub mod oauth;
pub mod reply_token;
pub mod runtime;
pub mod schedule;
pub mod secrets;
pub mod supervise;
pub mod telemetry;
pub mod tls;
pub mod unsubscribe;
