//! End to end: the real command, its embedded PostgreSQL, and a real SMTP server.

mod crash;
mod dead;
mod desk;
mod pipeline;
mod smtp_sink;
