//! Lengths of time, times of the day and days of the week, as people write them.

use std::fmt;

use chrono::{NaiveTime, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

/// The minutes of a day.
const DAY: i64 = 24 * 60;

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
        let units = [("m", 1), ("h", 60), ("d", DAY)];
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten();
        let minutes = units.iter().find_map(|(unit, minutes)| number(text.strip_suffix(unit)?)?.checked_mul(*minutes));
        let minutes = minutes.filter(|minutes| (1..=7 * DAY).contains(minutes));
        minutes.map(Self::minutes).ok_or_else(|| format!("{text:?} is not a time from 1m to 7d, such as 10m, 1h or 1d"))
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        every.to_string()
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.num_minutes() {
            whole if whole % DAY == 0 => write!(f, "{}d", whole / DAY),
            whole if whole % 60 == 0 => write!(f, "{}h", whole / 60),
            other => write!(f, "{other}m"),
        }
    }
}

/// A time of the day, such as `08:00`; `24:00` is the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock {
    minutes: u16,
}

impl Clock {
    /// The time that a clock shows, midnight for the end of the day.
    pub(super) fn time(self) -> NaiveTime {
        NaiveTime::MIN + TimeDelta::minutes(i64::from(self.minutes))
    }

    /// Whether it is the end of the day.
    pub(super) fn is_end(self) -> bool {
        i64::from(self.minutes) == DAY
    }

    /// How many minutes after midnight.
    pub(super) fn minutes(self) -> u16 {
        self.minutes
    }
}

impl TryFrom<String> for Clock {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let two =
            |digits: &str| (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten();
        let parts = text.split_once(':').and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)));
        let is_time = |(hours, minutes): &(u16, u16)| *hours < 24 && *minutes < 60 || (*hours, *minutes) == (24, 0);
        let minutes = parts.filter(is_time).map(|(hours, minutes)| hours * 60 + minutes);
        minutes.map(|minutes| Self { minutes }).ok_or_else(|| format!("{text:?} is not a time of the day like 08:00"))
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> Self {
        clock.to_string()
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }
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

impl Day {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// The name in documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        Self::ALL[day.num_days_from_monday() as usize]
    }
}
