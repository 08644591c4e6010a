//! Stub.
pub mod ambient;
pub mod broker;
pub mod config;
pub mod db;
pub mod domain;
pub mod embedded;
pub mod envelope;
pub mod ids;
pub mod reply_token;
pub mod schedule;
pub mod supervise;
pub mod telemetry;
