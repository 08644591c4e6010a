//! The configuration that holds, for whoever wants to see it.

use std::fmt;

use super::keys::Read;

/// Every key with the value that holds and where it was written; secrets are hidden.
#[derive(Debug)]
pub struct Effective {
    read: Vec<Read>,
}

impl Effective {
    pub(super) fn new(mut read: Vec<Read>) -> Self {
        // Keys of their own before those in tables, as TOML wants it.
        read.sort_by_key(|read| (read.key.contains('.'), read.key));
        Self { read }
    }
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |read: &Read| match &read.shown {
            Some(shown) => format!("{} = {shown}", read.key),
            None => format!("# {} is not set", read.key),
        };
        let width = self.read.iter().map(|read| line(read).chars().count()).max().unwrap_or_default();
        for read in &self.read {
            let origin = read.origin.as_ref().map_or_else(|| "default".to_owned(), ToString::to_string);
            writeln!(f, "{:width$}  # {origin}", line(read))?;
        }
        Ok(())
    }
}
