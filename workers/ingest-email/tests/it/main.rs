//! The crate from outside: real-looking mails in, messages and exit codes out.

mod accept;
mod identity;
mod imap;
mod mails;
mod pipe;
mod total;
mod world;
