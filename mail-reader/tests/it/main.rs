//! The crate from outside: mails in, what is made of them out.

mod documentation;
mod identity;
mod mails;
mod total;
