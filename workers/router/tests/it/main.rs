//! The router against a real PostgreSQL.

mod absurd;
mod assignment;
mod batches;
mod blocked;
mod chats;
mod clients;
mod clients_model;
mod commands;
mod conversations;
mod desk;
mod forgers;
mod killed;
mod locks;
mod mailboxes;
mod meetings;
mod merges;
mod model;
mod policies;
mod process;
mod robots;
mod routers;
mod rules;
mod spec;
mod texts;
mod upgrade;
mod windows;
