//! What the workers speak of: what came in, what a ticket is, what happened to it, and why.

pub mod address;
pub mod carries;
pub mod event;
pub mod evidence;
pub mod explanation;
pub mod hours;
pub mod identity;
pub mod inbound;
pub mod method;
pub mod phone;
pub mod policy;
pub mod preferences;
pub mod reply_marker;
pub mod rules;
pub mod sender;
pub mod suppression;
pub mod ticket;
