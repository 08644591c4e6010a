//! The crate from outside: real-looking mails in, messages and exit codes out.

mod accept;
mod imap;
mod pipe;
mod world;
