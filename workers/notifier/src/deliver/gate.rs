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

impl Shut {
    /// Whether nothing is to be tried yet. It is never shut for so long as it is from a clock that was far ahead and was set back.
    fn lasts(&self, now: DateTime<Utc>) -> bool {
        now < self.until && self.until <= now + LONGEST * 2
    }
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
            Some(shut) if shut.lasts(now) => 0,
            Some(_) => 1,
        };
        most.saturating_sub(on_their_way)
    }

    /// When it is tried again, if deliveries are held back: soon, also when the clock was set back.
    pub(super) fn until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.shut().map(|shut| if shut.lasts(now) { shut.until } else { shut.until.min(now) })
    }

    /// Learns from what became of a delivery. It is logged once why they are held back, and once that they
    /// are no more.
    pub(super) fn note(&self, sent: &Result<Receipt, Refusal>, ambient: &Ambient) {
        let now = ambient.now();
        let mut shut = self.shut();
        let Err(Refusal::Away { obstacle, .. }) = sent else {
            // What was on its way when it shut says nothing of what comes after.
            if shut.take_if(|shut| !shut.lasts(now)).is_some() {
                self.show(false);
                tracing::info!(channel = self.channel, account = self.account, "{} can be used again", self.name);
            }
            return;
        };
        // Of several that were on their way together, the first has said it.
        if shut.is_some_and(|shut| shut.lasts(now) && shut.obstacle == *obstacle) {
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use metrics_exporter_prometheus::PrometheusBuilder;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// What was logged.
    #[derive(Debug, Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_shut_channel_is_seen_by_account_and_logged_once_until_it_can_be_used_again() {
        let (recorder, lines) = (PrometheusBuilder::new().build_recorder(), Lines::default());
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
        let ambient = Ambient::manual(DateTime::from_timestamp(1_800_000_000, 0).expect("a time"), 1);
        let away = |obstacle| Err(Refusal::Away { obstacle, answer: "no".to_owned() });
        let shows = || {
            let shown = recorder.handle().render();
            ["a", "b"].map(|account| {
                let line = format!("switchboard_channel_shut{{channel=\"sms\",account=\"{account}\"}} ");
                shown.lines().find_map(|shown| shown.strip_prefix(&line)).map(str::to_owned)
            })
        };
        let logged = || {
            let all = String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("text");
            ["cannot be used, and what goes by it waits", "can be used again"].map(|what| all.matches(what).count())
        };
        let state = |a: &str, b: &str| [Some(a.to_owned()), Some(b.to_owned())];
        metrics::with_local_recorder(&recorder, || {
            tracing::subscriber::with_default(subscriber, || {
                let (a, b): (Gate, Gate) =
                    ["a", "b"].map(|name| Gate::new(format!("The sms account {name}"), "sms", name.to_owned())).into();
                assert_eq!(shows(), state("0", "0"));
                for _ in 0..3 {
                    a.note(&away(Obstacle::SignIn), &ambient);
                    ambient.clock.advance(Duration::from_mins(6));
                }
                assert_eq!((shows(), logged()), (state("1", "0"), [1, 0]), "each time in vain is not said again");
                b.note(&away(Obstacle::SignIn), &ambient);
                assert_eq!((shows(), logged()), (state("1", "1"), [2, 0]), "of each account");
                a.note(&away(Obstacle::Silent), &ambient);
                assert_eq!(logged(), [3, 0], "and of each obstacle");
                ambient.clock.advance(Duration::from_mins(6));
                a.note(&Ok(Receipt::default()), &ambient);
                a.note(&Ok(Receipt::default()), &ambient);
                assert_eq!((shows(), logged()), (state("0", "1"), [3, 1]));
                let before = ambient.now() - chrono::TimeDelta::days(365);
                assert_eq!((b.room(ambient.now(), 0, 4), b.room(before, 0, 4)), (1, 1), "a clock that was set back is not waited for");
                b.retire();
                assert_eq!(shows(), state("0", "0"));
            });
        });
    }
}
