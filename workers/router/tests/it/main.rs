//! The router against a real PostgreSQL.

mod batches;
mod clients;
mod clients_model;
mod commands;
mod conversations;
mod desk;
mod locks;
mod process;
mod robots;
mod routers;
mod texts;
