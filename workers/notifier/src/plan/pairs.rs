//! The end of every loop: so many mails an hour go to one address because of mail from one address,
//! and no more.

use std::collections::HashMap;

use switchboard_common::ids::TenantId;

/// Whose desk, whose mail led to it, and where it goes.
pub(super) type Pair = (TenantId, String, String);

/// How many mails were planned within the last hour for each pair of origin and address.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs {
    counts: HashMap<Pair, i64>,
}

impl Pairs {
    /// What the database counts.
    pub fn new(counts: HashMap<Pair, i64>) -> Self {
        Self { counts }
    }

    /// The pairs that were asked for.
    pub fn into_pairs(self) -> Vec<Pair> {
        self.counts.into_keys().collect()
    }

    /// Counts one more mail to `address` because of `origin`, unless there are `cap` of them.
    ///
    /// # Errors
    /// The reason why it is not to be sent.
    pub fn admit(&mut self, tenant: TenantId, origin: &str, address: &str, cap: i32) -> Result<(), String> {
        let count = self.counts.entry((tenant, origin.to_owned(), address.to_owned())).or_default();
        if *count >= i64::from(cap) {
            return Err(format!("loop cap: {cap} mails within an hour from {origin} to {address}"));
        }
        *count += 1;
        Ok(())
    }
}
