//! Makes preferences of a document, or names every fault in it with the path to it.

use std::collections::{BTreeMap, BTreeSet};

use chrono_tz::{TZ_VARIANTS, Tz};
use serde_json::{Map, Value as Json};

use super::times::{Hours, QuietHours, Rhythm};
use super::units::{Clock, Day, Every};
use super::{DigestWord, NoneWord, Preferences, Quiet, Route, Storm, Topic, Whose};
use crate::config::nearest;
use crate::domain::method::Method;
use crate::domain::rules::PRIORITIES;

/// What is wrong with a document, each with the path to it, such as `events.message.added[1]`; places count from 1.
pub type Faults = Vec<String>;

/// At most so many tickets are muted, so many times of the day named for digests, and so many hours for quiet.
pub(super) const MOST_MUTED: usize = 1000;
/// The most that may come one by one, which is as good as no storm at all.
pub(super) const MOST_OF_A_STORM: u32 = 100_000;
pub(super) const MOST_TIMES: usize = 48;
pub(super) const MOST_HOURS: usize = 20;
/// What can be said for users.
pub(super) const USER_KEYS: [&str; 10] =
    ["locale", "timezone", "channels", "events", "quiet_hours", "digest", "fallback", "own_actions", "muted_tickets", "storm"];
/// What can be said for clients.
pub(super) const CLIENT_KEYS: [&str; 6] = ["locale", "timezone", "channels", "events", "quiet_hours", "fallback"];
/// What clients are told of.
pub(super) const CLIENT_TOPICS: [Topic; 3] = [Topic::TicketCreated, Topic::MessageAdded, Topic::TicketClosed];
/// The methods that lead to clients: no webhook is anybody's address.
pub(super) const CLIENT_METHODS: [Method; 4] = [Method::Email, Method::Slack, Method::Whatsapp, Method::Sms];

pub(super) fn read(document: &Json, whose: Whose) -> Result<Preferences, Faults> {
    let mut reader = Reader { whose, faults: Faults::new() };
    let preferences = reader.document(document);
    if reader.faults.is_empty() { Ok(preferences) } else { Err(reader.faults) }
}

struct Reader {
    whose: Whose,
    faults: Faults,
}

impl Reader {
    fn document(&mut self, document: &Json) -> Preferences {
        let keys: &[&str] = match self.whose {
            Whose::User => &USER_KEYS,
            Whose::Client => &CLIENT_KEYS,
        };
        let Some(fields) = self.table(document, "", keys) else { return Preferences::default() };
        let nobody = matches!(self.whose, Whose::User);
        Preferences {
            locale: fields.get("locale").and_then(|value| self.parsed(value, "locale", locale)),
            timezone: fields.get("timezone").and_then(|value| self.parsed(value, "timezone", zone)),
            channels: fields.get("channels").and_then(|value| self.methods(value, "channels", nobody)),
            events: fields.get("events").and_then(|value| self.events(value)),
            quiet_hours: fields.get("quiet_hours").and_then(|value| self.quiet(value)),
            digest: fields.get("digest").and_then(|value| self.rhythm(value)),
            fallback: fields.get("fallback").and_then(|value| self.methods(value, "fallback", true)),
            own_actions: fields.get("own_actions").and_then(|value| match value {
                Json::Bool(is) => Some(*is),
                other => self.wrong("own_actions", other, "true or false"),
            }),
            muted_tickets: fields.get("muted_tickets").and_then(|value| self.muted(value)),
            storm: fields.get("storm").and_then(|value| self.storm(value)),
        }
    }

    fn fault<T>(&mut self, path: &str, what: &str) -> Option<T> {
        self.faults.push(if path.is_empty() { what.to_owned() } else { format!("{path}: {what}") });
        None
    }

    /// Notes that something is there in place of what was expected.
    fn wrong<T>(&mut self, path: &str, found: &Json, expected: &str) -> Option<T> {
        self.fault(path, &format!("is {}; expected {expected}", shown(found)))
    }

    /// The fields of a table that knows these keys.
    fn table<'j>(&mut self, value: &'j Json, path: &str, keys: &[&str]) -> Option<&'j Map<String, Json>> {
        let Json::Object(fields) = value else {
            let expected = format!("a table with {}", keys.join(", "));
            return if path.is_empty() {
                self.fault(path, &format!("the document is {}; expected {expected}", shown(value)))
            } else {
                self.wrong(path, value, &expected)
            };
        };
        for key in fields.keys().filter(|key| !keys.contains(&key.as_str())) {
            let meant = match nearest(key, keys.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("expected one of {}", keys.join(", ")),
            };
            let whose =
                if self.whose == Whose::Client && path.is_empty() && USER_KEYS.contains(&key.as_str()) { " of a client's" } else { "" };
            self.fault::<()>(&within(path, key), &format!("there is no such key{whose}; {meant}"));
        }
        Some(fields)
    }

    /// The entries of a list.
    fn list<'j>(&mut self, value: &'j Json, path: &str, of: &str, most: usize) -> Option<&'j [Json]> {
        match value {
            Json::Array(entries) if entries.len() > most => {
                self.fault(path, &format!("has {} entries; expected at most {most}", entries.len()))
            }
            Json::Array(entries) => Some(entries),
            other => self.wrong(path, other, &format!("a list of {of}")),
        }
    }

    /// A list of which each entry is there once.
    fn set<'j, T: PartialEq>(
        &mut self,
        entries: &'j [Json],
        path: &str,
        mut read: impl FnMut(&mut Self, &'j Json, &str) -> Option<T>,
    ) -> Vec<T> {
        let mut set = Vec::new();
        for (place, entry) in (1..).zip(entries) {
            let path = format!("{path}[{place}]");
            let Some(value) = read(self, entry, &path) else { continue };
            if set.contains(&value) {
                self.fault::<()>(&path, &format!("{} stands there twice", shown(entry)));
            } else {
                set.push(value);
            }
        }
        set
    }

    /// A text that `parse` understands.
    fn parsed<T>(&mut self, value: &Json, path: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match value {
            Json::String(text) => parse(text).map_err(|what| self.fault::<()>(path, &what)).ok(),
            other => self.wrong(path, other, "a text"),
        }
    }

    fn methods(&mut self, value: &Json, path: &str, may_be_empty: bool) -> Option<Vec<Method>> {
        let entries = self.list(value, path, "methods", usize::MAX)?;
        if entries.is_empty() && !may_be_empty {
            return self.fault(path, "is empty; an answer goes somewhere: expected at least one method");
        }
        let known: &[Method] = match self.whose {
            Whose::User => &Method::ALL,
            Whose::Client => &CLIENT_METHODS,
        };
        let names: Vec<&str> = known.iter().map(|method| method.as_str()).collect();
        Some(self.set(entries, path, |reader, entry, path| {
            reader.parsed(entry, path, |text| one_of(text, &names, "a method").map(|place| known[place]))
        }))
    }

    fn events(&mut self, value: &Json) -> Option<BTreeMap<Topic, Route>> {
        let topics: &[Topic] = match self.whose {
            Whose::User => &Topic::ALL,
            Whose::Client => &CLIENT_TOPICS,
        };
        let names: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
        let fields = self.table(value, "events", &names)?;
        let known = fields.iter().filter_map(|(name, route)| Some((topics.iter().find(|topic| topic.as_str() == name)?, route)));
        Some(known.filter_map(|(topic, route)| Some((*topic, self.route(*topic, route)?))).collect())
    }

    fn route(&mut self, topic: Topic, value: &Json) -> Option<Route> {
        let path = within("events", topic.as_str());
        match (value, self.whose) {
            (Json::Array(_), whose) => {
                let may_be_empty = whose == Whose::User || topic != Topic::MessageAdded;
                self.methods(value, &path, may_be_empty).map(Route::Methods)
            }
            (Json::String(word), Whose::User) if word == "digest" => Some(Route::Digest(DigestWord::Digest)),
            (other, Whose::User) => self.wrong(&path, other, "a list of methods, or \"digest\""),
            (other, Whose::Client) => self.wrong(&path, other, "a list of methods"),
        }
    }

    fn quiet(&mut self, value: &Json) -> Option<Quiet> {
        match value {
            Json::String(word) if word == "none" => return Some(Quiet::None(NoneWord::None)),
            Json::Object(_) => {}
            other => return self.wrong("quiet_hours", other, "a table with from and to, or \"none\""),
        }
        let fields = self.table(value, "quiet_hours", &["from", "to", "days", "also", "except_priority"])?;
        let hours = self.hours(fields, "quiet_hours");
        let also = fields.get("also").and_then(|value| self.list(value, "quiet_hours.also", "tables with from and to", MOST_HOURS));
        let also: Vec<Option<Hours>> = (1..)
            .zip(also.unwrap_or_default())
            .map(|(place, value)| {
                let path = format!("quiet_hours.also[{place}]");
                let fields = self.table(value, &path, &["from", "to", "days"])?;
                self.hours(fields, &path)
            })
            .collect();
        let except_priority = fields.get("except_priority").and_then(|value| {
            let priority = self.parsed(value, "quiet_hours.except_priority", |text| one_of(text, &PRIORITIES, "a priority"))?;
            Some(PRIORITIES[priority].to_owned())
        });
        let quiet = QuietHours { hours: hours?, also: also.into_iter().collect::<Option<_>>()?, except_priority };
        if quiet.never_end() {
            return self.fault(
                "quiet_hours",
                "never end; expected a time at which somebody may be told (\"channels\": [] is to be told of nothing)",
            );
        }
        Some(Quiet::Hours(quiet))
    }

    fn hours(&mut self, fields: &Map<String, Json>, path: &str) -> Option<Hours> {
        let mut clock = |key: &str| {
            let path = within(path, key);
            match fields.get(key) {
                Some(value) => self.parsed(value, &path, |text| Clock::try_from(text.to_owned())),
                None => self.fault(&path, "is missing; expected a time of the day like 08:00"),
            }
        };
        let (from, to) = (clock("from"), clock("to"));
        let days = match fields.get("days") {
            Some(value) => Some(self.days(value, &within(path, "days"))?),
            None => None,
        };
        let (from, to) = (from?, to?);
        if from.is_end() {
            return self.fault(&within(path, "from"), "\"24:00\" is the end of a day; expected the beginning of the next, \"00:00\"");
        }
        if from == to {
            return self.fault(
                &within(path, "to"),
                &format!("is {to} as is from; expected another time (a whole day is from \"00:00\" to \"24:00\")"),
            );
        }
        Some(Hours { from, to, days })
    }

    fn days(&mut self, value: &Json, path: &str) -> Option<BTreeSet<Day>> {
        let entries = self.list(value, path, "days", usize::MAX)?;
        if entries.is_empty() {
            return self
                .fault(path, "is empty; expected days such as \"mon\" (leave it out for all days, or say \"quiet_hours\": \"none\")");
        }
        let names = Day::ALL.map(Day::as_str);
        let days = self.set(entries, path, |reader, entry, path| {
            reader.parsed(entry, path, |text| one_of(text, &names, "a day").map(|place| Day::ALL[place]))
        });
        Some(days.into_iter().collect())
    }

    fn rhythm(&mut self, value: &Json) -> Option<Rhythm> {
        let fields = self.table(value, "digest", &["every", "at"])?;
        match (fields.get("every"), fields.get("at")) {
            (Some(every), None) => self.parsed(every, "digest.every", |text| {
                let every = Every::try_from(text.to_owned())?;
                let minutes = every.length().num_minutes();
                if minutes < 10 {
                    return Err(format!("{text:?} is too often; expected 10m or more"));
                }
                if minutes > 24 * 60 && minutes % (24 * 60) > 0 {
                    return Err(format!("{text:?} is longer than a day; expected whole days, such as 2d"));
                }
                Ok(Rhythm::Every(every))
            }),
            (None, Some(at)) => {
                let entries = self.list(at, "digest.at", "times of the day", MOST_TIMES)?;
                if entries.is_empty() {
                    return self.fault("digest.at", "is empty; expected at least one time of the day like 08:00");
                }
                let times = self.set(entries, "digest.at", |reader, entry, path| {
                    let clock = reader.parsed(entry, path, |text| Clock::try_from(text.to_owned()))?;
                    if clock.is_end() { reader.fault(path, "\"24:00\" is the end of a day; expected \"00:00\"") } else { Some(clock) }
                });
                Some(Rhythm::At(times.into_iter().collect()))
            }
            _ => self.fault("digest", "expected one of every and at"),
        }
    }

    fn muted(&mut self, value: &Json) -> Option<BTreeSet<i64>> {
        let entries = self.list(value, "muted_tickets", "tickets' numbers", MOST_MUTED)?;
        let numbers = self.set(entries, "muted_tickets", |reader, entry, path| {
            let number = entry.as_i64().filter(|number| *number > 0);
            number.or_else(|| reader.wrong(path, entry, "a ticket's number, such as 1042"))
        });
        Some(numbers.into_iter().collect())
    }

    fn storm(&mut self, value: &Json) -> Option<Storm> {
        let fields = self.table(value, "storm", &["most", "within"])?;
        let most = match fields.get("most") {
            Some(value) => {
                let most = value.as_u64().and_then(|most| u32::try_from(most).ok()).filter(|most| (1..=MOST_OF_A_STORM).contains(most));
                most.or_else(|| self.wrong("storm.most", value, "a number from 1 to 100000"))
            }
            None => self.fault("storm.most", "is missing; expected a number from 1 to 100000"),
        };
        let within = match fields.get("within") {
            Some(value) => self.parsed(value, "storm.within", |text| {
                let within = Every::try_from(text.to_owned())?;
                if within.length() > chrono::TimeDelta::days(1) {
                    Err(format!("{text:?} is too long; expected 1d or less"))
                } else {
                    Ok(within)
                }
            }),
            None => self.fault("storm.within", "is missing; expected a time such as 10m"),
        };
        Some(Storm { most: most?, within: within? })
    }
}

/// The path of a key within a table.
fn within(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The place of a text among those that are known.
fn one_of(text: &str, known: &[&str], what: &str) -> Result<usize, String> {
    known.iter().position(|known| *known == text).ok_or_else(|| match nearest(text, known.iter().copied()) {
        Some(near) => format!("{text:?} is not {what}; did you mean {near}?"),
        None => format!("{text:?} is not {what}; expected one of {}", known.join(", ")),
    })
}

/// A language with, if that is said, a script and a country (RFC 5646, 2.1), in the case that is usual (2.1.1).
fn locale(text: &str) -> Result<String, String> {
    let mut parts = text.split('-').peekable();
    let alphabetic = |part: &&str, lengths: &[usize]| lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_country = |part: &&str| alphabetic(part, &[2]) || part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let language = parts.next().filter(|part| alphabetic(part, &[2, 3])).map(str::to_ascii_lowercase);
    let script = parts.next_if(|part| alphabetic(part, &[4])).map(|part| part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase());
    let country = parts.next_if(is_country).map(str::to_ascii_uppercase);
    match (language, parts.next()) {
        (Some(language), None) => Ok([Some(language), script, country].into_iter().flatten().collect::<Vec<_>>().join("-")),
        _ => Err(format!("{text:?} is not a language; expected one like en, pt-BR or zh-Hant-TW")),
    }
}

/// A zone of the tz database.
fn zone(text: &str) -> Result<Tz, String> {
    text.parse().map_err(|_| {
        let known = TZ_VARIANTS.iter().map(|zone| zone.name());
        let same = TZ_VARIANTS.iter().map(|zone| zone.name()).find(|name| name.eq_ignore_ascii_case(text));
        match same.or_else(|| nearest(text, known)) {
            Some(near) => format!("{text:?} is not a time zone; did you mean {near}?"),
            None => format!("{text:?} is not a time zone; expected one like Europe/Lisbon"),
        }
    })
}

/// A value as it is shown in a fault, the beginning of it.
fn shown(value: &Json) -> String {
    match value {
        Json::Object(_) => "a table".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Null => "null".to_owned(),
        other => {
            let text = other.to_string();
            if text.chars().count() > 80 { text.chars().take(80).chain("…".chars()).collect() } else { text }
        }
    }
}

#[cfg(test)]
mod tests;
