//! When a delivery that was refused for now is tried again.

use std::time::Duration;

/// The waits before each attempt: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h; about 28 hours in all.
const WAITS: [Duration; ATTEMPTS as usize] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(10),
];

/// How many attempts there are, the first one included.
pub const ATTEMPTS: u32 = 8;

/// How long to wait after `made` attempts before the next one; `None` when it was the last.
/// `fraction`, between 0 and 1, spreads the wait over 90 % to 110 % of its length, so that what
/// failed together is not tried again together.
#[must_use]
pub fn next_wait(made: u32, fraction: f64) -> Option<Duration> {
    let wait = WAITS.get(usize::try_from(made).ok()?)?;
    Some(wait.mul_f64(0.9 + 0.2 * fraction.clamp(0.0, 1.0)))
}

/// How long an account pauses whose platform says that it sends too fast: as long as the platform says, within bounds.
#[must_use]
pub fn pause(retry_after: Option<Duration>) -> Duration {
    retry_after.unwrap_or(UNSAID).clamp(Duration::from_secs(1), Duration::from_hours(1))
}

/// A pause where the platform does not say for how long.
const UNSAID: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_and_end_after_the_eighth_attempt() {
        let waits: Vec<_> = (0..).map_while(|made| next_wait(made, 0.5)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
        assert_eq!(next_wait(ATTEMPTS, 0.5), None);
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        assert_eq!(next_wait(2, 0.0), Some(Duration::from_secs(270)));
        assert_eq!(next_wait(2, 1.0), Some(Duration::from_secs(330)));
        assert_eq!(next_wait(2, 7.0), Some(Duration::from_secs(330)));
    }
}
