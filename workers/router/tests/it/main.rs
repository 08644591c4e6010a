//! The router against a real PostgreSQL.

mod assignment;
mod batches;
mod commands;
mod conversations;
mod desk;
mod locks;
mod process;
mod robots;
mod routers;
mod rules;
mod texts;
