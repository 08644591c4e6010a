//! Holds back what a channel cannot take while it cannot be used.
//!
//! A wrong password or a certificate that is not trusted would refuse every delivery, one after the other.
//! So after the first refusal nothing more is taken on for a while, and then a single one, to see.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::gauge;
use switchboard_common::ambient::Ambient;
use switchboard_common::telemetry::metrics::CHANNEL_SHUT;

use crate::channels::{Obstacle, Receipt, Refusal};

/// How long deliveries are held back at first; each time it was in vain, twice as long.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(5);

/// Whether a channel can be used.
#[derive(Debug)]
pub(super) struct Gate {
    /// What it is called where people read.
    name: String,
    channel: &'static str,
    /// The account, or `shared` for the mail server that is configured for all.
    account: String,
    shut: Mutex<Option<Shut>>,
}

#[derive(Debug, Clone, Copy)]
struct Shut {
    obstacle: Obstacle,
    /// How often it was tried since the channel could be used.
    tries: u32,
    until: DateTime<Utc>,
}

impl Gate {
    pub(super) fn new(name: String, channel: &'static str, account: String) -> Self {
        let gate = Self { name, channel, account, shut: Mutex::default() };
        gate.show(false);
        gate
    }

    /// How many more deliveries may be taken on when so many are on their way, of `most` at once.
    pub(super) fn room(&self, now: DateTime<Utc>, on_their_way: usize, most: usize) -> usize {
        let most = match *self.shut() {
            None => most,
            Some(shut) if now < shut.until => 0,
            Some(_) => 1,
        };
        most.saturating_sub(on_their_way)
    }

    /// When it is tried again, if deliveries are held back.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        self.shut().map(|shut| shut.until)
    }

    /// Learns from what became of a delivery. It is logged once why they are held back, and once that they
    /// are no more.
    pub(super) fn note(&self, sent: &Result<Receipt, Refusal>, ambient: &Ambient) {
        let now = ambient.now();
        let mut shut = self.shut();
        let Err(Refusal::Away { obstacle, .. }) = sent else {
            // What was on its way when it shut says nothing of what comes after.
            if shut.take_if(|shut| now >= shut.until).is_some() {
                self.show(false);
                tracing::info!(channel = self.channel, account = self.account, "{} can be used again", self.name);
            }
            return;
        };
        // Of several that were on their way together, the first has said it.
        if shut.is_some_and(|shut| now < shut.until && shut.obstacle == *obstacle) {
            return;
        }
        if shut.is_none_or(|shut| shut.obstacle != *obstacle) {
            tracing::error!(
                channel = self.channel,
                account = self.account,
                "{} cannot be used, and what goes by it waits: {obstacle}",
                self.name
            );
        }
        let tries = shut.map_or(0, |shut| shut.tries.saturating_add(1));
        let wait = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST).mul_f64(0.9 + 0.2 * ambient.fraction());
        *shut = Some(Shut { obstacle: *obstacle, tries, until: now + wait });
        self.show(true);
    }

    /// It is not used any more, and so is in nobody's way.
    pub(super) fn retire(&self) {
        self.show(false);
    }

    fn show(&self, is_shut: bool) {
        gauge!(CHANNEL_SHUT, "channel" => self.channel, "account" => self.account.clone()).set(f64::from(u8::from(is_shut)));
    }

    fn shut(&self) -> MutexGuard<'_, Option<Shut>> {
        self.shut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
