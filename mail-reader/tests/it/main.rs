//! The crate from outside: mails in, what is made of them out.

mod built;
mod documentation;
mod headers;
mod identity;
mod mails;
mod programs;
mod total;
