//! End to end: the real command, its embedded PostgreSQL, and a real SMTP server.

mod collector;
mod crash;
mod database;
mod dead;
mod desk;
mod fleet;
mod pipeline;
mod smtp_sink;
mod verdict;
