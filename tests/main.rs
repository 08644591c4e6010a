//! End to end: the real command, its embedded PostgreSQL, and a real SMTP server.

mod collector;
mod conversation;
mod crash;
mod database;
mod dead;
mod desk;
mod faults;
mod fleet;
mod mailboxes;
mod notifiers;
mod pipeline;
mod smtp_sink;
mod verdict;
