//! The notifier against a real database and real mail servers.

mod accounts;
mod collecting;
mod delivering;
mod desk;
mod exim;
mod fakes;
mod left;
mod moment;
mod planning;
mod refusals;
mod running;
mod senders;
mod smtp_server;
mod threading;

/// Every test's database has the schema of the workspace.
pub use switchboard_common::db::MIGRATIONS;
