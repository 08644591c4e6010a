//! Holds mail back while the server that is to take it cannot be used.
//!
//! A wrong password or a certificate that is not trusted would refuse every mail, one after the other.
//! So after the first refusal nothing more is taken on for a while, and then a single mail, to see.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use switchboard_common::ambient::Ambient;

use crate::channels::{Obstacle, Refusal};

/// How long mail is held back at first; each time it was in vain, twice as long.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(5);

/// Whether mail goes through.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Option<Shut>>);

#[derive(Debug, Clone, Copy)]
struct Shut {
    obstacle: Obstacle,
    /// How often it was tried since the server could be used.
    tries: u32,
    until: DateTime<Utc>,
}

impl Gate {
    /// How many more mails may be taken on when so many are on their way, of `most` at once.
    pub(super) fn room(&self, now: DateTime<Utc>, on_their_way: usize, most: usize) -> usize {
        let most = match *self.shut() {
            None => most,
            Some(shut) if now < shut.until => 0,
            Some(_) => 1,
        };
        most.saturating_sub(on_their_way)
    }

    /// When it is tried again, if mail is held back.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        self.shut().map(|shut| shut.until)
    }

    /// Learns from what became of a mail. It is logged once why mail is held back, and once that it is
    /// no more.
    pub(super) fn note(&self, sent: &Result<String, Refusal>, ambient: &Ambient) {
        let now = ambient.now();
        let mut shut = self.shut();
        let Err(Refusal::Away { obstacle, .. }) = sent else {
            // What was on its way when it shut says nothing of what comes after.
            if shut.take_if(|shut| now >= shut.until).is_some() {
                tracing::info!("The mail server can be used again");
            }
            return;
        };
        // Of several that were on their way together, the first has said it.
        if shut.is_some_and(|shut| now < shut.until && shut.obstacle == *obstacle) {
            return;
        }
        if shut.is_none_or(|shut| shut.obstacle != *obstacle) {
            tracing::error!("The mail server cannot be used, and mail waits: {obstacle}");
        }
        let tries = shut.map_or(0, |shut| shut.tries.saturating_add(1));
        let wait = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST).mul_f64(0.9 + 0.2 * ambient.fraction());
        *shut = Some(Shut { obstacle: *obstacle, tries, until: now + wait });
    }

    fn shut(&self) -> MutexGuard<'_, Option<Shut>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
