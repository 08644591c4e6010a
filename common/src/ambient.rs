//! Time and randomness, handed in rather than taken, so that a test owns both.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::ChaCha20Rng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;

use crate::db::Session;

/// Where a worker gets the time and its random numbers from.
#[derive(Debug, Clone)]
pub struct Ambient {
    /// The clock that every delay is measured by.
    pub clock: Clock,
    random: Arc<Mutex<ChaCha20Rng>>,
}

impl Ambient {
    /// The machine's clock and the operating system's randomness.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Clock::system(), random: Arc::new(Mutex::new(rand::make_rng())) }
    }

    /// A clock that stands still until it is moved, and randomness that repeats.
    #[must_use]
    pub fn manual(start: DateTime<Utc>, seed: u64) -> Self {
        Self { clock: Clock::manual(start), random: Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))) }
    }

    /// The time by the clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A new `UUIDv7` (RFC 9562, 5.7): milliseconds of the clock, then 74 random bits.
    #[must_use]
    pub fn new_id<T: From<uuid::Uuid>>(&self) -> T {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid().into()
    }

    /// Random bytes, good enough for keys.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        self.with_random(RngExt::random)
    }

    /// A random number between 0 and 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.with_random(RngExt::random)
    }

    fn with_random<T>(&self, take: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
        take(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A clock. The system's own follows the database's, so that workers on several machines agree on
/// when a lease runs out.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    /// The machine's time, and how many milliseconds the database is ahead of it.
    System(Arc<AtomicI64>),
    Manual(Arc<watch::Sender<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System(Arc::new(AtomicI64::new(0))))
    }

    /// A clock that stands at `start` until [`Clock::advance`].
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(watch::Sender::new(start))))
    }

    /// The time, cut to the microseconds that PostgreSQL keeps.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Source::System(ahead) => Utc::now() + TimeDelta::milliseconds(ahead.load(Ordering::Relaxed)),
            Source::Manual(time) => *time.borrow(),
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Corrects the clock to the database's, which is the one that all workers share. A manual
    /// clock stays as it is.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "compares the machine's clock with the database's")]
    pub async fn follow(&self, pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
        if let Source::System(ahead) = &self.0 {
            // Had before the time is taken: to wait for a connection may take long.
            let mut session = Session::open(pool).await?;
            let before = Utc::now();
            let database: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut *session).await?;
            session.done();
            let middle = before + (Utc::now() - before) / 2;
            ahead.store((database - middle).num_milliseconds(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Moves a manual clock and wakes those who wait for it. The machine's clock is not moved.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            time.send_modify(|now| *now += by);
        }
    }

    /// Waits until `wait` has passed by this clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that waits for the machine's clock")]
    pub async fn sleep(&self, wait: Duration) {
        match &self.0 {
            Source::System(_) => tokio::time::sleep(wait).await,
            Source::Manual(time) => {
                let until = self.now() + wait;
                let mut time = time.subscribe();
                // The sender lives in `self`, so the channel cannot close while this waits.
                let _ = time.wait_for(|now| *now >= until).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_a_sleeper_only_when_its_time_has_come() {
        let clock = Clock::manual(DateTime::UNIX_EPOCH);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(10)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.expect("the sleeper wakes");
    }

    #[sqlx::test(migrations = false)]
    #[expect(clippy::disallowed_methods, reason = "compares the machine's clock with the database's")]
    async fn a_busy_database_does_not_put_the_clock_wrong(options: sqlx::postgres::PgPoolOptions, to: sqlx::postgres::PgConnectOptions) {
        let pool = options.max_connections(1).connect_with(to).await.expect("connected");
        let clock = Clock::system();
        let busy = sqlx::query("select pg_sleep(1)").execute(&pool);
        let (busy, followed) = tokio::join!(busy, clock.follow(&pool));
        followed.and(busy.map(drop)).expect("both are answered");
        let ahead = (clock.now() - Utc::now()).num_milliseconds();
        assert!(ahead.abs() < 250, "the clock is {ahead} ms ahead of the same machine's");
    }

    #[test]
    fn ids_of_a_seed_repeat_and_carry_the_clock() {
        let start = DateTime::from_timestamp_millis(1_700_000_000_123).expect("a valid time");
        let first: uuid::Uuid = Ambient::manual(start, 7).new_id();
        let second: uuid::Uuid = Ambient::manual(start, 7).new_id();
        assert_eq!(first, second);
        assert_eq!(first.get_version_num(), 7);
        let (seconds, nanos) = first.get_timestamp().expect("v7 has a time").to_unix();
        assert_eq!((seconds, nanos / 1_000_000), (1_700_000_000, 123));
    }
}
