//! The lanes: what is under way by each channel of an account, and how much more it takes. Accounts that share the configured mail
//! server share a lane; a slow or broken one holds up nobody else.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use switchboard_common::db::deliveries::Share;
use switchboard_common::db::limits::{AccountKey, Bucket};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::sender::{Rate, WhenUnsure};
use tokio::sync::Semaphore;

use super::gate::Gate;
use crate::channels::{Line, NoLine, Outlet, Refusal};

/// How much is claimed ahead of what can be sent at once: what goes in this time.
const AHEAD: Duration = Duration::from_millis(250);
/// And so many times what can be sent at once, at most.
const MOST_AHEAD: u32 = 64;
/// At most so many are taken on at once by an account that has no channel, to be told why they are not sent.
const WITHOUT_CHANNEL: usize = 16;

/// Which lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum LaneKey {
    /// The mail server that is configured for all.
    Shared,
    /// An account's own.
    Own(AccountKey),
}

/// A channel, and what is under way by it.
#[derive(Debug)]
pub(super) struct Lane {
    pub key: LaneKey,
    pub gate: Gate,
    /// The right to send.
    pub turns: Semaphore,
    outlet: Option<Arc<dyn Outlet>>,
    at_once: usize,
    /// What was claimed and is not sent yet.
    under_way: AtomicUsize,
    /// How long one takes, in microseconds, on the average of the last ones.
    takes: AtomicU64,
    /// Whether what was claimed and lost can be sent again without asking.
    knows_doubles: bool,
}

/// A place in a lane, taken until it is dropped.
#[derive(Debug)]
pub(super) struct Place(pub Arc<Lane>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    fn new(key: LaneKey, method: Method, line: Option<&Line>) -> Self {
        let (name, account) = match key {
            LaneKey::Shared => ("The mail server".to_owned(), "shared".to_owned()),
            LaneKey::Own((_, account)) => (format!("The {method} account {account}"), account.to_string()),
        };
        let at_once = line.map_or(WITHOUT_CHANNEL, |line| line.outlet.at_once()).max(1);
        Self {
            key,
            gate: Gate::new(name, method.as_str(), account),
            turns: Semaphore::new(at_once),
            outlet: line.map(|line| Arc::clone(&line.outlet)),
            at_once,
            under_way: AtomicUsize::default(),
            takes: AtomicU64::new(u64::try_from(AHEAD.as_micros()).unwrap_or(u64::MAX)),
            knows_doubles: line.is_none_or(|line| line.when_unsure == WhenUnsure::Retry),
        }
    }

    /// Whether it is still the lane of this line: with other settings everything may be different, also what stood in the way.
    fn is_of(&self, line: Option<&Line>) -> bool {
        match (&self.outlet, line) {
            (Some(_), Some(_)) if self.key == LaneKey::Shared => true,
            (Some(own), Some(line)) => Arc::ptr_eq(own, &line.outlet),
            (None, None) => true,
            _ => false,
        }
    }

    /// How much it may hold. Of what a person would have to decide if we died, no more than is being sent.
    fn capacity(&self) -> usize {
        if !self.knows_doubles {
            return self.at_once;
        }
        let takes = self.takes.load(Ordering::Relaxed).max(1);
        let ahead = u32::try_from(u64::try_from(AHEAD.as_micros()).unwrap_or(u64::MAX) / takes).unwrap_or(u32::MAX).min(MOST_AHEAD);
        self.at_once * (1 + usize::try_from(ahead).unwrap_or(1))
    }

    /// How many more it takes. A little room in much that is under way is not worth a query.
    pub(super) fn room(&self, now: DateTime<Utc>) -> usize {
        let (under_way, capacity) = (self.under_way.load(Ordering::Relaxed), self.capacity());
        let room = self.gate.room(now, under_way, capacity);
        if under_way > 0 && room < capacity / 4 { 0 } else { room }
    }

    pub(super) fn take_place(self: &Arc<Self>) -> Place {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Place(Arc::clone(self))
    }

    /// Learns how long one took.
    pub(super) fn note_time(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let average = self.takes.load(Ordering::Relaxed);
        self.takes.store((average.saturating_mul(7).saturating_add(took)) / 8, Ordering::Relaxed);
    }
}

/// An account that may send now.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub lane: Arc<Lane>,
    pub outlet: Result<Arc<dyn Outlet>, Refusal>,
    pub rate: Option<Rate>,
    pub when_unsure: WhenUnsure,
}

/// All lanes of this process.
#[derive(Debug, Default)]
pub(super) struct Lanes(Mutex<HashMap<LaneKey, Arc<Lane>>>);

impl Lanes {
    /// The way of an account, by its line as it is now.
    pub(super) fn way(&self, method: Method, account: AccountKey, found: Result<Line, NoLine>) -> Way {
        let key = if found.as_ref().is_ok_and(|line| line.is_shared) { LaneKey::Shared } else { LaneKey::Own(account) };
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that shares the mail server now is no longer in the way of itself.
        if key == LaneKey::Shared
            && let Some(own) = lanes.remove(&LaneKey::Own(account))
        {
            own.gate.retire();
        }
        let lane = lanes.entry(key).or_insert_with(|| Arc::new(Lane::new(key, method, found.as_ref().ok())));
        if !lane.is_of(found.as_ref().ok()) {
            *lane = Arc::new(Lane::new(key, method, found.as_ref().ok()));
        }
        let unsure = if method.knows_doubles() { WhenUnsure::Retry } else { WhenUnsure::Hold };
        let (rate, when_unsure) = found.as_ref().map_or((None, unsure), |line| (line.rate, line.when_unsure));
        Way { lane: Arc::clone(lane), outlet: found.map(|line| line.outlet).map_err(Refusal::from), rate, when_unsure }
    }
}

/// What accounts get of the room there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shares {
    pub shares: Vec<Share>,
    /// When there may be room for one that got none.
    pub look_again: Option<DateTime<Utc>>,
}

/// What stands in the way of an account that has something due, or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub method: Method,
    pub account: AccountKey,
    pub lane: LaneKey,
    pub rate: Option<Rate>,
    pub bucket: Option<Bucket>,
}

/// Divides the room of the lanes among the accounts that have something due: those of one lane get the same, as far as their rates
/// let them. Whose turn it is when there is less room than accounts moves on with `turn`. Pure.
pub(super) fn divide(due: &[Due], rooms: &BTreeMap<LaneKey, usize>, turn: usize, now: DateTime<Utc>) -> Shares {
    let mut shares = Shares::default();
    let mut able: BTreeMap<LaneKey, Vec<(&Due, usize)>> = BTreeMap::new();
    for account in due {
        if let Some(until) = account.bucket.and_then(|bucket| bucket.pauses(now)) {
            shares.look_again_at(until);
            continue;
        }
        let most = match (account.rate, account.bucket) {
            (Some(rate), Some(bucket)) => {
                let bucket = bucket.at(rate, now);
                if bucket.room() == 0 {
                    shares.look_again_at(bucket.next(rate));
                }
                bucket.room()
            }
            _ => usize::MAX,
        };
        if most > 0 {
            able.entry(account.lane).or_default().push((account, most));
        }
    }
    for (lane, mut accounts) in able {
        let by = turn % accounts.len();
        accounts.rotate_left(by);
        let mut room = rooms.get(&lane).copied().unwrap_or(0);
        // Those that may send least first, so that what they leave is there for the others.
        let mut left = accounts.len();
        let mut sorted: Vec<_> = accounts.iter().enumerate().collect();
        sorted.sort_by_key(|(place, (_, most))| (*most, *place));
        for (_, (account, most)) in sorted {
            let share = room.div_ceil(left).min(*most);
            room -= share;
            left -= 1;
            if share > 0 {
                shares.shares.push(Share { method: account.method, account: account.account, most: share });
            }
        }
    }
    shares
}

impl Shares {
    fn look_again_at(&mut self, at: DateTime<Utc>) {
        self.look_again = Some(self.look_again.map_or(at, |before| before.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use switchboard_common::ids::{AccountId, TenantId};
    use uuid::Uuid;

    use super::*;

    fn due(n: u128, lane: LaneKey) -> Due {
        let account = (TenantId(Uuid::nil()), AccountId(Uuid::from_u128(n)));
        Due { method: Method::Email, account, lane, rate: None, bucket: None }
    }

    fn shares(due: &[Due], room: usize, turn: usize) -> Vec<(u128, usize)> {
        let rooms = due.iter().map(|due| (due.lane, room)).collect();
        let divided = divide(due, &rooms, turn, DateTime::UNIX_EPOCH);
        let mut shares: Vec<_> = divided.shares.iter().map(|share| (share.account.1.0.as_u128(), share.most)).collect();
        shares.sort_unstable();
        shares
    }

    #[test]
    fn accounts_of_one_lane_get_the_same_and_another_lane_has_its_own_room() {
        let other = LaneKey::Own(due(9, LaneKey::Shared).account);
        let all = [due(1, LaneKey::Shared), due(2, LaneKey::Shared), due(9, other)];
        assert_eq!(shares(&all, 8, 0), [(1, 4), (2, 4), (9, 8)]);
    }

    #[test]
    fn where_there_is_less_room_than_accounts_each_gets_its_turn() {
        let all = [due(1, LaneKey::Shared), due(2, LaneKey::Shared), due(3, LaneKey::Shared)];
        let turns: Vec<_> = (0..3).flat_map(|turn| shares(&all, 1, turn)).collect();
        assert_eq!(turns, [(1, 1), (2, 1), (3, 1)]);
    }

    #[test]
    fn who_may_send_little_leaves_the_rest_to_the_others_and_who_may_not_is_looked_at_again() {
        let now = DateTime::UNIX_EPOCH;
        let rate = Rate { count: 1, seconds: 1 };
        let slow = Due { rate: Some(rate), bucket: Some(Bucket::full(rate, now)), ..due(1, LaneKey::Shared) };
        assert_eq!(shares(&[slow, due(2, LaneKey::Shared)], 8, 0), [(1, 1), (2, 7)]);
        let empty = Due { bucket: Some(Bucket { tokens: 0.0, ..Bucket::full(rate, now) }), ..slow };
        let pausing = Bucket { paused_until: Some(now + chrono::TimeDelta::minutes(1)), ..Bucket::full(rate, now) };
        let pausing = Due { rate: None, bucket: Some(pausing), ..due(3, LaneKey::Shared) };
        let divided = divide(&[empty, pausing], &BTreeMap::from([(LaneKey::Shared, 8)]), 0, now);
        assert_eq!((divided.shares.len(), divided.look_again), (0, Some(now + chrono::TimeDelta::seconds(1))));
    }
}
