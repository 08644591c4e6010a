//! The router against a real PostgreSQL.

mod batches;
mod blocked;
mod chats;
mod commands;
mod conversations;
mod desk;
mod locks;
mod mailboxes;
mod meetings;
mod policies;
mod process;
mod robots;
mod routers;
mod texts;
mod windows;
