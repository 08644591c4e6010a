//! Dates (RFC 5322, 3.3 and 4.3): as the standard has them, and as programs write them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime};

use crate::flags::{Flag, Flags};

/// No date is longer, with the comments that some programs write.
const LONGEST: usize = 400;
/// In minutes.
const DAY: i32 = 24 * 60;

/// The beginnings of the months' names in the languages of mail programs that write them in their
/// user's (Unicode CLDR, abbreviated months of en, de, fr, es, it, pt, nl, sv, da, nb, pl, cs, fi, tr).
const MONTHS: [(u32, &[&str]); 12] = [
    (1, &["jan", "ene", "gen", "sty", "tammi", "oca", "led", "janv"]),
    (2, &["feb", "fév", "fev", "lut", "helmi", "şub", "úno"]),
    (3, &["mar", "mär", "mrz", "mae", "mrt", "maalis", "bře", "mar"]),
    (4, &["apr", "avr", "abr", "kwi", "huhti", "nis", "dub"]),
    (5, &["may", "mai", "maj", "mag", "mei", "touko", "kvě"]),
    (6, &["jun", "juin", "giu", "cze", "kesä", "haz", "čvn"]),
    (7, &["jul", "juil", "lug", "lip", "heinä", "tem", "čvc"]),
    (8, &["aug", "aoû", "aou", "ago", "sie", "elo", "ağu", "srp"]),
    (9, &["sep", "set", "wrz", "syys", "eyl", "zář"]),
    (10, &["oct", "okt", "ott", "out", "paź", "loka", "eki", "říj"]),
    (11, &["nov", "lis", "marras", "kas"]),
    (12, &["dec", "dez", "déc", "dic", "gru", "joulu", "ara", "pro"]),
];

/// Zones by name, in minutes (RFC 5322, 4.3, and what mail programs write beside).
const ZONES: [(&str, i32); 37] = [
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("est", -300),
    ("edt", -240),
    ("cst", -360),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
    ("hst", -600),
    ("ast", -240),
    ("adt", -180),
    ("nst", -210),
    ("ndt", -150),
    ("brt", -180),
    ("wet", 0),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("cest", 120),
    ("mez", 60),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
    ("sast", 120),
    ("msk", 180),
    ("hkt", 480),
    ("sgt", 480),
    ("jst", 540),
    ("kst", 540),
    ("aest", 600),
    ("aedt", 660),
];
/// So many of the zones are the standard's; the other names mean different zones in different places.
const STANDARD_ZONES: usize = 12;

/// A date in the sender's zone; `None` when it cannot be read. What had to be guessed is a flag.
pub(crate) fn date(value: &[u8], flags: &mut Flags) -> Option<DateTime<FixedOffset>> {
    let text = String::from_utf8_lossy(&value[..value.len().min(LONGEST)]);
    let mut reader = Reader { tokens: tokens(&text), guessed: false };
    let time = reader.time();
    let offset = match time {
        Some((_, at)) => reader.zone(at),
        None => reader.guess(0),
    };
    let day = reader.day()?;
    let time = time.map_or(NaiveTime::MIN, |(time, _)| time);
    if reader.guessed {
        flags.note(Flag::GuessedDate);
    }
    let zone = FixedOffset::east_opt(offset * 60)?;
    day.and_time(time).and_local_timezone(zone).single()
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number {
        value: u32,
        digits: usize,
    },
    /// In lower case.
    Word(String),
    Mark(char),
}

/// What a date is made of, without white space, quotes and comments.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let class = |c: char| if c.is_ascii_digit() { 1 } else { u8::from(c.is_alphabetic()) * 2 };
        let length = rest.find(|other| class(other) != class(c)).unwrap_or(rest.len());
        let (run, after) = if class(c) == 0 { rest.split_at(c.len_utf8()) } else { rest.split_at(length) };
        rest = after;
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 || c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'') => {}
            _ if class(c) == 1 => tokens.push(Token::Number { value: run.parse().unwrap_or(u32::MAX), digits: run.len() }),
            _ if class(c) == 2 => tokens.push(Token::Word(run.to_lowercase())),
            // What some programs write for a minus.
            '\u{2212}' | '\u{2010}'..='\u{2013}' => tokens.push(Token::Mark('-')),
            _ => tokens.push(Token::Mark(c)),
        }
    }
    tokens
}

struct Reader {
    /// What is not read yet.
    tokens: Vec<Token>,
    guessed: bool,
}

impl Reader {
    /// A value, with the note that it was guessed.
    fn guess<T>(&mut self, value: T) -> T {
        self.guessed = true;
        value
    }

    fn number(&self, at: usize) -> Option<(u32, usize)> {
        match self.tokens.get(at)? {
            Token::Number { value, digits } => Some((*value, *digits)),
            _ => None,
        }
    }

    fn is_mark(&self, at: usize, marks: &str) -> bool {
        matches!(self.tokens.get(at), Some(Token::Mark(mark)) if marks.contains(*mark))
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at)? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Takes the time of the day out, and says where it stood.
    fn time(&mut self) -> Option<(NaiveTime, usize)> {
        let colon = (0..self.tokens.len()).find(|at| self.is_time(*at, ":"));
        let at = colon.or_else(|| (0..self.tokens.len()).find(|at| self.is_time(*at, ".")))?;
        let separator = if colon.is_some() { ":" } else { "." };
        let (mut hour, minute) = (self.number(at)?.0, self.number(at + 2)?.0);
        let seconds = if self.is_mark(at + 3, separator) { self.number(at + 4) } else { None };
        let mut end = at + if seconds.is_some() { 5 } else { 3 };
        if seconds.is_some() && self.is_mark(end, ".,") && self.number(end + 1).is_some() {
            end += 2;
        }
        let dotted = self.is_mark(end + 1, ".");
        let half = self.word(end).filter(|word| matches!(*word, "am" | "pm") || (dotted && matches!(*word, "a" | "p")));
        if let Some(half) = half.filter(|_| (1..=12).contains(&hour)) {
            hour = hour % 12 + if half.starts_with('p') { 12 } else { 0 };
            end += 1;
            while self.is_mark(end, ".") || self.word(end) == Some("m") {
                end += 1;
            }
        }
        // A leap second is the last one of its minute to most programs.
        let second = seconds.map_or(0, |(second, _)| if second == 60 { 59 } else { second });
        let time = NaiveTime::from_hms_opt(hour, minute, second)?;
        let before = at.checked_sub(1).filter(|before| self.word(*before) == Some("t")).unwrap_or(at);
        self.tokens.drain(before..end);
        Some((time, before))
    }

    /// Whether a time stands here: two numbers, or three, with this between them.
    fn is_time(&self, at: usize, separator: &str) -> bool {
        let two = |at: usize| self.number(at).is_some_and(|(value, digits)| digits <= 2 && value <= 60);
        let three = self.is_mark(at + 3, separator) && self.number(at + 4).is_some();
        let hour = self.number(at).is_some_and(|(value, digits)| digits <= 2 && value < 24);
        hour && self.is_mark(at + 1, separator) && two(at + 2) && (!three || two(at + 4)) && (separator == ":" || three)
    }

    /// Takes the zone out that follows the time or the year after it, or stands at the end, and says
    /// how many minutes it is east of Greenwich.
    fn zone(&mut self, at: usize) -> i32 {
        let at = at + usize::from(self.number(at).is_some_and(|(_, digits)| digits == 4));
        let name = self.word(at).filter(|word| month(word).is_none());
        let offset_at = at + usize::from(name.is_some());
        // Windows has names for zones that are what their letters are short for.
        let long = matches!((self.word(at + 1), self.word(at + 2)), (Some("standard" | "daylight"), Some("time")));
        let short: String = (at..at + 3).filter_map(|at| self.word(at)?.chars().next()).collect();
        let name = if long { Some(short.as_str()) } else { name };
        let known = name.and_then(|name| ZONES.iter().position(|(known, _)| *known == name));
        let last = self.tokens.len().saturating_sub(2);
        let at_end = self.is_mark(last, "+") || (self.is_mark(last, "-") && self.number(last.wrapping_sub(1)).is_some());
        let offset = self.offset(offset_at).or_else(|| if at_end && known.is_none() { self.offset(last) } else { None });
        match (offset, known) {
            (Some(minutes), _) if minutes.abs() < DAY => minutes,
            (None, Some(index)) => {
                self.guessed |= index >= STANDARD_ZONES;
                ZONES[index].1
            }
            // Out of range, unknown, or not there: Greenwich (RFC 5322, 4.3).
            _ => self.guess(0),
        }
    }

    /// Takes an offset out that begins with its sign; where there can be no such offset it is a day.
    fn offset(&mut self, at: usize) -> Option<i32> {
        if !self.is_mark(at, "+-") {
            return None;
        }
        let sign = if self.is_mark(at, "+") { 1 } else { -1 };
        let doubled = usize::from(self.is_mark(at + 1, "+-"));
        let (value, digits) = self.number(at + 1 + doubled)?;
        self.tokens.drain(at..at + doubled);
        let minutes = if digits <= 2 && self.is_mark(at + 2, ":") { self.number(at + 3) } else { None };
        self.tokens.drain(at..at + if minutes.is_some() { 4 } else { 2 });
        let (hours, minutes) = match minutes {
            Some((minutes, _)) => (value, minutes),
            None if digits <= 2 => (value, 0),
            None => (value / 100, value % 100),
        };
        let valid = digits <= 4 && hours < 24 && minutes < 60;
        i32::try_from(hours.saturating_mul(60).saturating_add(minutes)).ok().filter(|_| valid).or(Some(DAY)).map(|minutes| sign * minutes)
    }

    /// The day, of what is left.
    fn day(&mut self) -> Option<NaiveDate> {
        let named = (0..self.tokens.len()).rev().find_map(|at| Some((at, month(self.word(at)?)?)));
        let numbers = |reader: &Self, range: std::ops::Range<usize>| range.filter_map(|at| reader.number(at)).collect::<Vec<_>>();
        let Some((at, month)) = named else {
            let all = numbers(self, 0..self.tokens.len());
            return self.day_by_numbers(&all);
        };
        let before = numbers(self, 0..at).last().copied();
        let mut after = numbers(self, at + 1..self.tokens.len()).into_iter();
        let first = before.or_else(|| after.next())?;
        let second = after.next()?;
        let (day, year) = if first.1 > 2 { (second, first) } else { (first, second) };
        let year = self.year(year)?;
        NaiveDate::from_ymd_opt(year, month, day.0)
    }

    /// A day without the name of a month: ISO 8601, or what each country writes in its own order.
    fn day_by_numbers(&mut self, numbers: &[(u32, usize)]) -> Option<NaiveDate> {
        let [first, second, third, ..] = *numbers else { return None };
        if first.1 == 4 {
            let year = self.year(first)?;
            return NaiveDate::from_ymd_opt(year, second.0, third.0);
        }
        let american = self.tokens.contains(&Token::Mark('/')) && first.0 <= 12 || second.0 > 12;
        let (month, day) = if american { (first.0, second.0) } else { (second.0, first.0) };
        let year = self.year(third)?;
        NaiveDate::from_ymd_opt(self.guess(year), month, day)
    }

    /// A year; one of two or three digits is one of the time when there was mail (RFC 5322, 4.3).
    fn year(&mut self, (value, digits): (u32, usize)) -> Option<i32> {
        let year = match (digits, value) {
            (1 | 2, 0..50) => value + 2000,
            (1..=3, _) => value + 1900,
            (4, 0..50) => self.guess(value + 2000),
            (4, 50..200) => self.guess(value + 1900),
            (4, _) => value,
            _ => return None,
        };
        i32::try_from(year).ok()
    }
}

/// The month that a word begins with the name of.
fn month(word: &str) -> Option<u32> {
    MONTHS.iter().find(|(_, names)| names.iter().any(|name| word.starts_with(name))).map(|(month, _)| *month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> (Option<String>, bool) {
        let mut flags = Flags::default();
        let date = date(value.as_bytes(), &mut flags).map(|date| date.to_rfc3339());
        (date, flags.into_vec() == [Flag::GuessedDate])
    }

    #[test]
    fn dates_are_read_as_the_standard_has_them() {
        for (value, expected) in [
            (" Mon, 2 Mar 2026 10:00:00 +0100", "2026-03-02T10:00:00+01:00"),
            ("2 Mar 2026 10:00 -0330", "2026-03-02T10:00:00-03:30"),
            ("Tue, 2 Mar 2026 10:00:00 -0000", "2026-03-02T10:00:00+00:00"),
            ("Mon, 02 Mar 26 10 : 00 : 00 EST", "2026-03-02T10:00:00-05:00"),
            ("2 Mar 99 10:00:00 PDT", "1999-03-02T10:00:00-07:00"),
            ("2 Mar 126 10:00:00 UT", "2026-03-02T10:00:00+00:00"),
            ("Mon (the day), 2\r\n Mar (spring) 2026 10:00:00 +0100 (CET (winter))", "2026-03-02T10:00:00+01:00"),
            ("Tue, 30 Jun 2026 23:59:60 +0000", "2026-06-30T23:59:59+00:00"),
        ] {
            assert_eq!(read(value), (Some(expected.to_owned()), false), "{value}");
        }
    }

    #[test]
    fn dates_are_read_as_programs_write_them() {
        for (value, expected) in [
            ("Monday, 2 March 2026 10:00:00 GMT+0200", "2026-03-02T10:00:00+02:00"),
            ("Mon, 2 Mar 2026 10:00:00 GMT-03:00", "2026-03-02T10:00:00-03:00"),
            ("Mon, 2 Mar 2026 10:00:00 UTC+2", "2026-03-02T10:00:00+02:00"),
            ("Mon, 2 Mar 2026 10:00:00 \"+01:00\"", "2026-03-02T10:00:00+01:00"),
            ("2026-03-02T10:00:00Z", "2026-03-02T10:00:00+00:00"),
            ("2026-03-02 10:00:00.123 -05:00", "2026-03-02T10:00:00-05:00"),
            ("Mon Mar  2 10:00:00 2026 +0100", "2026-03-02T10:00:00+01:00"),
            ("Mon Mar  2 10:00:00 EST 2026", "2026-03-02T10:00:00-05:00"),
            ("Mon, 02-Mar-2026 10.00.00 +0100", "2026-03-02T10:00:00+01:00"),
            ("March 2, 2026 10:00:30 PM +0100", "2026-03-02T22:00:30+01:00"),
            ("Mon, 2 Mar 2026 12:05 a.m. +0100", "2026-03-02T00:05:00+01:00"),
            ("mar., 3 mars 2026 10:00:00 +0100", "2026-03-03T10:00:00+01:00"),
            ("Mo, 2 Mär 2026 10:00:00 +0100", "2026-03-02T10:00:00+01:00"),
            ("2 août 2026 10:00:00 +0200", "2026-08-02T10:00:00+02:00"),
            ("Mon,2 Mar 2026 9:2:1 --0400", "2026-03-02T09:02:01-04:00"),
            ("Mon, 2 Mar 2026 10:00:00 Pacific Standard Time", "2026-03-02T10:00:00-08:00"),
            ("Mon, 2 Mar 2026 10:00:00 +0100 (GMT+01:00)", "2026-03-02T10:00:00+01:00"),
            ("10:00 Mon, 2 Mar 2026 +0100", "2026-03-02T10:00:00+01:00"),
            ("Mon, 2 Mar 2026 10:00:00 +1400 extra", "2026-03-02T10:00:00+14:00"),
        ] {
            assert_eq!(read(value), (Some(expected.to_owned()), false), "{value}");
        }
    }

    #[test]
    fn what_is_guessed_is_said() {
        for (value, expected) in [
            ("Mon, 2 Mar 2026 10:00:00", "2026-03-02T10:00:00+00:00"),
            ("Mon Mar  2 10:00:00 2026", "2026-03-02T10:00:00+00:00"),
            ("Mon, 2 Mar 2026", "2026-03-02T00:00:00+00:00"),
            ("Mon, 2 Mar 2026 10:00:00 A", "2026-03-02T10:00:00+00:00"),
            ("Mon, 2 Mar 2026 10:00:00 +9999", "2026-03-02T10:00:00+00:00"),
            ("Mon, 2 Mar 2026 10:00:00 CET", "2026-03-02T10:00:00+01:00"),
            ("Mon, 2 Mar 0026 10:00:00 +0100", "2026-03-02T10:00:00+01:00"),
            ("02.03.2026 10:00:00 +0100", "2026-03-02T10:00:00+01:00"),
            ("3/2/2026 10:00:00 +0100", "2026-03-02T10:00:00+01:00"),
            ("13/2/2026 10:00:00 +0100", "2026-02-13T10:00:00+01:00"),
        ] {
            assert_eq!(read(value), (Some(expected.to_owned()), true), "{value}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for value in
            ["", " yesterday", "99 Foo 2026 99:99:99 +9999", "31 Feb 2026 10:00:00 +0000", "Mon, 2 Mar", "10:00", "99999999999999999999"]
        {
            assert_eq!(read(value), (None, false), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn any_moment_is_read_back(seconds in 0..4_102_444_800_i64, quarters in -48..=56_i32) {
            let zone = FixedOffset::east_opt(quarters * 900).expect("less than a day");
            let moment = DateTime::from_timestamp(seconds, 0).expect("in range").with_timezone(&zone);
            for written in [moment.to_rfc2822(), moment.to_rfc3339(), moment.format("%a %b %e %T %Y %z").to_string()] {
                prop_assert_eq!(date(written.as_bytes(), &mut Flags::default()), Some(moment), "{}", written);
            }
        }

        #[test]
        fn any_text_is_a_date_or_none(text in "[0-9:.+ T/,a-zA-Zä()-]{0,40}") {
            read(&text);
        }
    }
}
