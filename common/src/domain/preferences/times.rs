//! When somebody is told: quiet hours and the rhythm of digests, in the reader's time zone. Pure.
//!
//! What is said of the time of the day holds for the clock on the reader's wall, whatever is done to it. A
//! time that the clocks leave out is the moment at which they do. Of one that comes twice, quiet hours
//! begin at the first and end at the last, so that nobody is disturbed while their clock says that it is quiet.
//! A day that a zone leaves out (Samoa's 30 December 2011) is none.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use serde::Serialize;

use super::units::{Clock, Day, Every};

/// How often a digest comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rhythm {
    /// Every so often, counted from the reader's midnight; what is longer than a day, from a Monday's.
    Every(Every),
    /// At these times of the day, such as `08:00`.
    At(BTreeSet<Clock>),
}

impl Rhythm {
    /// Once an hour.
    #[must_use]
    pub fn hourly() -> Self {
        Self::Every(Every::minutes(60))
    }

    /// The next time after `now`: within the rhythm, or when the clocks are put back within that and
    /// the time by which they are.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let today = now.with_timezone(&zone).date_naive();
        // Where clocks are put back over midnight, yesterday comes again after today has begun.
        let near = self.first_after(now, zone, days_from(today, -1..=1));
        // The longest rhythm is a week.
        let next = near.or_else(|| self.first_after(now, zone, days_from(today, 2..=9)));
        next.unwrap_or_else(|| now + self.length())
    }

    /// The longest that it may be between two digests, the clocks left alone.
    fn length(&self) -> TimeDelta {
        match self {
            Self::Every(every) => every.length(),
            Self::At(_) => TimeDelta::days(1),
        }
    }

    fn first_after(&self, now: DateTime<Utc>, zone: Tz, days: impl Iterator<Item = NaiveDate>) -> Option<DateTime<Utc>> {
        days.flat_map(|day| self.times_of(day, zone)).filter(|time| *time > now).min()
    }

    fn times_of(&self, day: NaiveDate, zone: Tz) -> Vec<DateTime<Utc>> {
        match self {
            Self::At(clocks) => clocks.iter().map(|clock| first(day, clock.time(), zone)).collect(),
            Self::Every(every) if every.length() >= TimeDelta::days(1) => {
                let days = every.length().num_days();
                let is_on = (i64::from(day.num_days_from_ce()) - 1) % days == 0;
                if is_on { vec![first(day, NaiveTime::MIN, zone)] } else { Vec::new() }
            }
            Self::Every(every) => {
                let step = every.length().num_minutes().max(1);
                let times = (0..)
                    .map(|n| n * step)
                    .take_while(|minutes| *minutes < 24 * 60)
                    .map(|minutes| NaiveTime::MIN + TimeDelta::minutes(minutes));
                // Both, where one comes twice: or else nothing came for that hour.
                times.flat_map(|time| [first(day, time, zone), last(day, time, zone)]).collect()
            }
        }
    }
}

/// When somebody is not to be disturbed: from one time of the day to another, on the days on which it
/// begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuietHours {
    /// The hours.
    #[serde(flatten)]
    pub hours: Hours,
    /// More of them, at other times or on other days.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Hours>,
    /// The name of a priority: tickets of that one or a more urgent one are told of all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_priority: Option<String>,
}

/// From one time of the day to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hours {
    /// When they begin.
    pub from: Clock,
    /// When they end: on the next day, when that is not after the beginning.
    pub to: Clock,
    /// On which days they begin; on all of them where none are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<BTreeSet<Day>>,
}

impl QuietHours {
    /// When the quiet hours end that `now` lies in; none when it lies in none. What follows upon one another without
    /// a gap ends at the last end. Hours that never end are refused where preferences are written; of such the end is
    /// about a week away, so that nothing is kept for ever.
    #[must_use]
    pub fn end(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut end = None;
        let mut at = now;
        while let Some(next) = self.end_of_one(at, zone) {
            end = Some(next);
            at = next;
            if at - now >= TimeDelta::days(7) {
                break;
            }
        }
        end
    }

    /// Whether every minute of the week is quiet, the clocks left alone.
    pub(super) fn never_end(&self) -> bool {
        const DAY: usize = 24 * 60;
        let mut quiet = vec![false; 7 * DAY];
        for hours in self.all() {
            let (from, to) = (usize::from(hours.from.minutes()), usize::from(hours.to.minutes()));
            let length = if to <= from { to + DAY - from } else { to - from };
            for day in Day::ALL.into_iter().filter(|day| hours.begin_on(*day)) {
                (0..length).for_each(|minute| quiet[(day as usize * DAY + from + minute) % (7 * DAY)] = true);
            }
        }
        quiet.into_iter().all(|minute| minute)
    }

    /// All of its hours.
    pub fn all(&self) -> impl Iterator<Item = &Hours> {
        std::iter::once(&self.hours).chain(&self.also)
    }

    fn end_of_one(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&zone).date_naive();
        // A day may be left out between two, and come again after the next has begun.
        let days: Vec<NaiveDate> = days_from(today, -2..=1).filter(|day| exists(*day, zone)).collect();
        let ranges = self.all().flat_map(|hours| days.iter().filter_map(|day| hours.range(*day, zone)));
        ranges.filter(|(from, to)| *from <= now && now < *to).map(|(_, to)| to).max()
    }
}

impl Hours {
    fn begin_on(&self, day: Day) -> bool {
        self.days.as_ref().is_none_or(|days| days.contains(&day))
    }

    /// The hours that begin on a day, if they begin on it.
    fn range(&self, day: NaiveDate, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        if !self.begin_on(day.weekday().into()) {
            return None;
        }
        let begin = first(day, self.from.time(), zone);
        // The end of a day is the beginning of the next one, whenever that is.
        let end = if self.to.is_end() || self.to <= self.from {
            let next = days_from(day, 1..=2).find(|next| exists(*next, zone))?;
            last(next, self.to.time(), zone)
        } else {
            last(day, self.to.time(), zone)
        };
        Some((begin, end))
    }
}

/// The days so many days away.
fn days_from(day: NaiveDate, away: std::ops::RangeInclusive<i64>) -> impl Iterator<Item = NaiveDate> {
    away.filter_map(move |away| {
        let days = Days::new(away.unsigned_abs());
        if away < 0 { day.checked_sub_days(days) } else { day.checked_add_days(days) }
    })
}

/// Whether a zone has a day: none of it, where the clocks are put forward by all of it.
fn exists(day: NaiveDate, zone: Tz) -> bool {
    day.succ_opt().is_none_or(|next| first(day, NaiveTime::MIN, zone) < first(next, NaiveTime::MIN, zone))
}

/// A time of the day as an instant, the first where it comes twice.
fn first(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    instants(day, time, zone).0
}

/// A time of the day as an instant, the last where it comes twice.
fn last(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    instants(day, time, zone).1
}

/// The first and the last instant at which the clocks of a zone show a time. One that they leave out is the
/// moment at which they do.
fn instants(day: NaiveDate, time: NaiveTime, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let local = day.and_time(time);
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => (at.to_utc(), at.to_utc()),
        LocalResult::Ambiguous(one, other) => (one.min(other).to_utc(), one.max(other).to_utc()),
        LocalResult::None => {
            let end = GapInfo::new(&local, &zone).and_then(|gap| gap.end).map_or_else(|| local.and_utc(), |end| end.to_utc());
            (end, end)
        }
    }
}

#[cfg(test)]
mod tests;
