//! Business hours and holidays, in the desk's time zone. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// The days as a desk file names them.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

const MINUTES: u32 = 24 * 60;

/// When a desk is at work: the ranges of each day of the week, and the days on which it is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// The ranges of the days, by the names of [`DAYS`].
    #[serde(flatten)]
    pub days: BTreeMap<String, Vec<Range>>,
    /// Days without hours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
}

/// A range of a day in minutes from its midnight; one that ends before it begins ends on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Range {
    from: u32,
    to: u32,
}

impl Range {
    fn over_midnight(self) -> bool {
        self.to < self.from
    }

    /// Where it ends on the day on which it begins.
    fn end(self) -> u32 {
        if self.over_midnight() { MINUTES } else { self.to }
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a range like 09:00-12:30");
        let minute = |text: &str| {
            if text == "24:00" {
                return Some(MINUTES);
            }
            let time = NaiveTime::parse_from_str(text, "%H:%M").ok().filter(|_| text.len() == 5)?;
            Some(time.hour() * 60 + time.minute())
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minute(from.trim()).ok_or_else(wrong)?, minute(to.trim()).ok_or_else(wrong)?);
        if from == to || from == MINUTES {
            return Err(format!("{text:?} holds no time; a whole day is 00:00-24:00"));
        }
        Ok(Self { from, to })
    }
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Range> for String {
    fn from(range: Range) -> Self {
        range.to_string()
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// A day without hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Holiday {
    /// On this date.
    Once(NaiveDate),
    /// Every year, on this day of this month.
    Yearly {
        /// From 1.
        month: u32,
        /// From 1.
        day: u32,
    },
}

impl Holiday {
    fn is_on(self, date: NaiveDate) -> bool {
        match self {
            Self::Once(on) => on == date,
            Self::Yearly { month, day } => (date.month(), date.day()) == (month, day),
        }
    }
}

impl FromStr for Holiday {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let once = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10).map(Self::Once);
        // In a leap year every day is there.
        let yearly = || NaiveDate::parse_from_str(&format!("2024-{text}"), "%Y-%m-%d").ok().filter(|_| text.len() == 5);
        let yearly = || yearly().map(|date| Self::Yearly { month: date.month(), day: date.day() });
        once.or_else(yearly).ok_or_else(|| format!("{text:?} is not a date like 2026-12-25, or 12-25 for every year"))
    }
}

impl TryFrom<String> for Holiday {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Holiday> for String {
    fn from(holiday: Holiday) -> Self {
        holiday.to_string()
    }
}

impl fmt::Display for Holiday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once(date) => write!(f, "{date}"),
            Self::Yearly { month, day } => write!(f, "{month:02}-{day:02}"),
        }
    }
}

/// Whether a moment lies within the hours, and the words that say why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Within.
    pub inside: bool,
    /// Such as `Mon 2 Mar 08:59 Europe/Lisbon: outside of 09:00-12:30, 13:30-18:00`.
    pub why: String,
}

impl Hours {
    /// The ranges of a day of the week.
    #[must_use]
    pub fn of(&self, day: Weekday) -> &[Range] {
        let name = DAYS.get(day.num_days_from_monday() as usize).copied().unwrap_or_default();
        self.days.get(name).map_or(&[], Vec::as_slice)
    }

    fn holiday(&self, date: NaiveDate) -> Option<Holiday> {
        self.holidays.iter().copied().find(|holiday| holiday.is_on(date))
    }

    /// Notes what contradicts itself: ranges of a day that overlap, and holidays that stand there twice.
    ///
    /// # Errors
    /// When something does, in words.
    pub fn check(&self) -> Result<(), String> {
        for (day, ranges) in &self.days {
            let mut sorted = ranges.clone();
            sorted.sort_unstable();
            if let Some((first, second)) = sorted.iter().zip(sorted.iter().skip(1)).find(|(first, second)| first.end() > second.from) {
                return Err(format!("{day}: {first} and {second} overlap"));
            }
        }
        let twice = self.holidays.iter().enumerate().find(|(n, holiday)| self.holidays[..*n].contains(holiday));
        twice.map_or(Ok(()), |(_, holiday)| Err(format!("holidays holds {holiday} twice")))
    }

    /// Judges a moment by the clocks of a zone. A holiday is closed from midnight to midnight; a range
    /// over midnight belongs to the day on which it begins, and does not begin on a holiday.
    #[must_use]
    pub fn judge(&self, at: DateTime<Utc>, zone: Tz) -> Judged {
        let local = at.with_timezone(&zone);
        let (date, minute) = (local.date_naive(), local.hour() * 60 + local.minute());
        let when = format!("{} {zone}", local.format("%a %-d %b %H:%M"));
        if let Some(holiday) = self.holiday(date) {
            return Judged { inside: false, why: format!("{when}: holiday ({holiday})") };
        }
        let yesterday = date.pred_opt().filter(|date| self.holiday(*date).is_none());
        let spills = yesterday.map_or(&[][..], |date| self.of(date.weekday())).iter().filter(|range| range.over_midnight());
        if let Some(range) = spills.clone().find(|range| minute < range.to) {
            return Judged { inside: true, why: format!("{when}: inside of {range} of the day before") };
        }
        let today = self.of(date.weekday());
        if let Some(range) = today.iter().find(|range| (range.from..range.end()).contains(&minute)) {
            return Judged { inside: true, why: format!("{when}: inside of {range}") };
        }
        let ranges: Vec<String> = today.iter().map(ToString::to_string).collect();
        let why = if ranges.is_empty() { "closed on that day".to_owned() } else { format!("outside of {}", ranges.join(", ")) };
        Judged { inside: false, why: format!("{when}: {why}") }
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |texts: Vec<String>| texts.join(" ");
        let mut parts: Vec<String> = DAYS
            .iter()
            .filter_map(|day| Some((day, self.days.get(*day).filter(|ranges| !ranges.is_empty())?)))
            .map(|(day, ranges)| format!("{day} {}", listed(ranges.iter().map(ToString::to_string).collect())))
            .collect();
        if !self.holidays.is_empty() {
            parts.push(format!("holidays {}", listed(self.holidays.iter().map(ToString::to_string).collect())));
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(json: &str) -> Hours {
        serde_json::from_str(json).expect("hours")
    }

    fn judged(hours: &Hours, at: &str, zone: &str) -> String {
        let Judged { inside, why } = hours.judge(at.parse().expect("a time"), zone.parse().expect("a zone"));
        format!("{inside} {why}")
    }

    const WEEK: &str = r#"{"mon":["09:00-12:30","13:30-18:00"],"tue":["22:00-06:00"],"sun":["00:30-03:30"],
        "holidays":["2026-03-09","12-25"]}"#;

    #[test]
    fn a_moment_is_inside_from_the_first_minute_of_a_range_to_the_one_before_its_end() {
        let week = hours(WEEK);
        for (at, expected) in [
            ("2026-03-02T08:59:59Z", "false Mon 2 Mar 08:59 Europe/Lisbon: outside of 09:00-12:30, 13:30-18:00"),
            ("2026-03-02T09:00:00Z", "true Mon 2 Mar 09:00 Europe/Lisbon: inside of 09:00-12:30"),
            ("2026-03-02T12:29:59Z", "true Mon 2 Mar 12:29 Europe/Lisbon: inside of 09:00-12:30"),
            ("2026-03-02T12:30:00Z", "false Mon 2 Mar 12:30 Europe/Lisbon: outside of 09:00-12:30, 13:30-18:00"),
            ("2026-03-05T10:00:00Z", "false Thu 5 Mar 10:00 Europe/Lisbon: closed on that day"),
        ] {
            assert_eq!(judged(&week, at, "Europe/Lisbon"), expected);
        }
    }

    #[test]
    fn a_range_over_midnight_ends_on_the_next_day() {
        let week = hours(WEEK);
        assert_eq!(judged(&week, "2026-03-03T22:00:00Z", "UTC"), "true Tue 3 Mar 22:00 UTC: inside of 22:00-06:00");
        assert_eq!(judged(&week, "2026-03-04T05:59:00Z", "UTC"), "true Wed 4 Mar 05:59 UTC: inside of 22:00-06:00 of the day before");
        assert_eq!(judged(&week, "2026-03-04T06:00:00Z", "UTC"), "false Wed 4 Mar 06:00 UTC: closed on that day");
        assert_eq!(judged(&week, "2026-03-03T05:00:00Z", "UTC"), "false Tue 3 Mar 05:00 UTC: outside of 22:00-06:00");
    }

    #[test]
    fn a_holiday_is_closed_all_day_and_nothing_runs_out_of_it() {
        let week = hours(WEEK);
        assert_eq!(judged(&week, "2026-03-09T10:00:00Z", "UTC"), "false Mon 9 Mar 10:00 UTC: holiday (2026-03-09)");
        assert_eq!(judged(&week, "2034-12-25T10:00:00Z", "UTC"), "false Mon 25 Dec 10:00 UTC: holiday (12-25)");
        let nights = hours(r#"{"tue":["22:00-06:00"],"wed":["22:00-06:00"],"holidays":["2026-03-04"]}"#);
        assert_eq!(judged(&nights, "2026-03-04T01:00:00Z", "UTC"), "false Wed 4 Mar 01:00 UTC: holiday (2026-03-04)");
        assert_eq!(judged(&nights, "2026-03-05T01:00:00Z", "UTC"), "false Thu 5 Mar 01:00 UTC: closed on that day");
        assert!(nights.judge("2026-03-03T23:30:00Z".parse().expect("a time"), chrono_tz::UTC).inside);
    }

    #[test]
    fn the_hours_follow_the_clocks_when_they_are_changed() {
        let week = hours(WEEK);
        // On 29 March 2026 the clocks of Lisbon go from 01:00 to 02:00, on 25 October from 02:00 back to 01:00.
        for (at, inside, clock) in [
            ("2026-03-29T00:59:00Z", true, "00:59"),
            ("2026-03-29T01:00:00Z", true, "02:00"),
            ("2026-03-29T02:29:00Z", true, "03:29"),
            ("2026-03-29T02:30:00Z", false, "03:30"),
            ("2026-10-24T23:29:00Z", false, "00:29"),
            ("2026-10-25T00:30:00Z", true, "01:30"),
            ("2026-10-25T01:30:00Z", true, "01:30"),
            ("2026-10-25T03:29:00Z", true, "03:29"),
            ("2026-10-25T03:30:00Z", false, "03:30"),
        ] {
            let judged = week.judge(at.parse().expect("a time"), chrono_tz::Europe::Lisbon);
            assert!(judged.inside == inside && judged.why.contains(clock), "{at}: {judged:?}");
        }
        assert_eq!(judged(&week, "2026-03-30T08:00:00Z", "Europe/Lisbon"), "true Mon 30 Mar 09:00 Europe/Lisbon: inside of 09:00-12:30");
        assert_eq!(judged(&week, "2026-10-26T09:00:00Z", "Europe/Lisbon"), "true Mon 26 Oct 09:00 Europe/Lisbon: inside of 09:00-12:30");
    }

    #[test]
    fn what_is_no_range_and_no_date_is_refused() {
        for text in ["9:00-12:00", "09:00", "09:00-25:00", "09:00-09:00", "24:00-01:00", "09:00–12:00", ""] {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
        assert_eq!("00:00-24:00".parse::<Range>().map(|range| range.to_string()).as_deref(), Ok("00:00-24:00"));
        for text in ["2026-02-29", "02-30", "25.12.", "1-1", ""] {
            assert!(text.parse::<Holiday>().is_err(), "{text}");
        }
        assert!("02-29".parse::<Holiday>().is_ok());
        assert_eq!(hours(r#"{"mon":["13:00-15:00","09:00-13:01"]}"#).check(), Err("mon: 09:00-13:01 and 13:00-15:00 overlap".to_owned()));
        assert_eq!(hours(r#"{"mon":["22:00-06:00","23:00-23:30"]}"#).check(), Err("mon: 22:00-06:00 and 23:00-23:30 overlap".to_owned()));
        assert_eq!(hours(r#"{"holidays":["12-25","12-25"]}"#).check(), Err("holidays holds 12-25 twice".to_owned()));
        assert_eq!(hours(WEEK).check(), Ok(()));
        let touching = hours(r#"{"mon":["12:00-24:00","09:00-12:00"],"tue":["00:00-12:00"]}"#);
        assert_eq!(touching.check(), Ok(()), "where one ends another may begin");
    }
}
