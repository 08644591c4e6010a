//! The reader's promise, held against many mails.

mod damaged;
mod time;
