//! What the workers speak of: what came in, what a ticket is, what happened to it, and why.

pub mod address;
pub mod event;
pub mod explanation;
pub mod identity;
pub mod inbound;
pub mod reply_marker;
pub mod ticket;
