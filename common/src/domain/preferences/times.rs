//! When somebody is told: quiet hours and the rhythm of digests, in the reader's time zone. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A length of time as people write it: `10m`, `1h`, `1d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every(TimeDelta);

impl Every {
    /// So many minutes.
    #[must_use]
    pub fn minutes(minutes: i64) -> Self {
        Self(TimeDelta::minutes(minutes))
    }

    /// How long that is.
    #[must_use]
    pub fn length(self) -> TimeDelta {
        self.0
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let units = [("m", 1), ("h", 60), ("d", 1440)];
        let minutes = units.iter().find_map(|(unit, minutes)| text.strip_suffix(unit)?.parse::<i64>().ok()?.checked_mul(*minutes));
        let minutes = minutes.filter(|minutes| (1..=7 * 1440).contains(minutes));
        minutes.map(Self::minutes).ok_or_else(|| format!("{text:?} is not a time from 1m to 7d, such as 10m, 1h or 1d"))
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        let minutes = every.0.num_minutes();
        match minutes {
            whole if whole % 1440 == 0 => format!("{}d", whole / 1440),
            whole if whole % 60 == 0 => format!("{}h", whole / 60),
            other => format!("{other}m"),
        }
    }
}

/// How often a digest comes: every so often, counted from the reader's midnight, or at times of the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// Every so often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Every>,
    /// At these times of the day, such as `08:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<BTreeSet<Clock>>,
}

/// A time of the day, such as `08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock(NaiveTime);

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = NaiveTime::parse_from_str(&text, "%H:%M").ok().filter(|_| text.len() == 5);
        time.map(Self).ok_or_else(|| format!("{text:?} is not a time of the day like 08:00"))
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> Self {
        clock.0.format("%H:%M").to_string()
    }
}

impl Rhythm {
    /// Once an hour.
    #[must_use]
    pub fn hourly() -> Self {
        Self { every: Some(Every::minutes(60)), at: None }
    }

    /// The next time after `now`.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let today = now.with_timezone(&zone).date_naive();
        let days = (0..=8).filter_map(|n| today.checked_add_days(Days::new(n)));
        let times = days.flat_map(|day| self.times_of(day, zone));
        times.filter(|time| *time > now).min().unwrap_or(now + TimeDelta::hours(1))
    }

    fn times_of(&self, day: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
        if let Some(at) = &self.at {
            return at.iter().map(|clock| instant(day, clock.0, zone)).collect();
        }
        let every = self.every.map_or(TimeDelta::hours(1), Every::length);
        let midnight = instant(day, NaiveTime::MIN, zone);
        let end = day.checked_add_days(Days::new(1)).map_or(midnight + TimeDelta::days(1), |next| instant(next, NaiveTime::MIN, zone));
        if every >= TimeDelta::days(1) {
            let days = i32::try_from(every.num_days()).unwrap_or(1).max(1);
            return if day.num_days_from_ce() % days == 0 { vec![midnight] } else { Vec::new() };
        }
        std::iter::successors(Some(midnight), |time| Some(*time + every)).take_while(|time| *time < end).collect()
    }
}

/// When somebody is not to be disturbed: from one time of the day to another, on the days on which it
/// begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// When they begin.
    pub from: Clock,
    /// When they end: on the next day, when that is not after the beginning.
    pub to: Clock,
    /// On which days they begin: `mon` to `sun`; on all of them where none are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<BTreeSet<Day>>,
    /// The name of a priority: tickets of that one or a more urgent one are told of all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except_priority: Option<String>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Mon => Self::Mon,
            Weekday::Tue => Self::Tue,
            Weekday::Wed => Self::Wed,
            Weekday::Thu => Self::Thu,
            Weekday::Fri => Self::Fri,
            Weekday::Sat => Self::Sat,
            Weekday::Sun => Self::Sun,
        }
    }
}

impl QuietHours {
    /// When the quiet hours end that `now` lies in; none when it lies in none. What follows upon one another without
    /// a gap ends at the last end.
    #[must_use]
    pub fn end(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut end = None;
        let mut at = now;
        // A week of quiet hours that join is all quiet hours: then the end of the first is as good as any.
        for _ in 0..8 {
            let Some(next) = self.end_of_one(at, zone) else { break };
            end = Some(next);
            at = next;
        }
        end
    }

    fn end_of_one(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&zone).date_naive();
        let begin_days = [today.checked_sub_days(Days::new(1)), Some(today)];
        let ranges = begin_days.into_iter().flatten().filter(|day| self.is_on(*day)).map(|day| self.range(day, zone));
        ranges.filter(|(from, to)| *from <= now && now < *to).map(|(_, to)| to).max()
    }

    fn is_on(&self, day: NaiveDate) -> bool {
        self.days.as_ref().is_none_or(|days| days.contains(&day.weekday().into()))
    }

    fn range(&self, day: NaiveDate, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
        let last = if self.to <= self.from { day.checked_add_days(Days::new(1)).unwrap_or(day) } else { day };
        (instant(day, self.from.0, zone), instant(last, self.to.0, zone))
    }
}

/// A time of the day as an instant: a time that the clocks leave out is the moment at which they do, and of
/// one that comes twice it is the first.
fn instant(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let mut local = day.and_time(time);
    for _ in 0..24 * 4 {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at.with_timezone(&Utc),
            LocalResult::None => local += TimeDelta::minutes(15),
        }
    }
    Utc.from_utc_datetime(&day.and_time(time))
}
