//! A place for bytes that are made while a mail is read.

use std::cell::OnceCell;

/// Keeps what is put into it for as long as it lives itself.
#[derive(Debug, Default)]
pub(crate) struct Store {
    bytes: OnceCell<Vec<u8>>,
    next: OnceCell<Box<Store>>,
}

impl Store {
    /// Puts bytes away. How often that is done is bounded by who does it.
    pub(crate) fn keep(&self, bytes: Vec<u8>) -> &[u8] {
        match self.bytes.get() {
            None => self.bytes.get_or_init(|| bytes),
            Some(_) => self.next.get_or_init(Box::default).keep(bytes),
        }
    }
}
