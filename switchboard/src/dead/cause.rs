//! Dead letters with the same cause: their reasons differ in ids, numbers and addresses only.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use switchboard_common::db::view::DeadCount;

use crate::cli::DeadBy;

/// What stands for an id, a number or an address.
const ANY: &str = "…";

/// Dead letters that have something in common.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Group {
    pub count: i64,
    pub queue: String,
    /// The reason, where they are counted by it; what differs among them is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the first of them died.
    pub first: DateTime<Utc>,
    /// When the last of them died.
    pub last: DateTime<Utc>,
}

/// The groups, the largest first.
pub fn group(counts: Vec<DeadCount>, by: DeadBy) -> Vec<Group> {
    let mut groups: BTreeMap<(String, String), (Group, BTreeSet<String>)> = BTreeMap::new();
    for DeadCount { queue, reason, count, first, last } in counts {
        let key = if by == DeadBy::Reason { cause(&reason) } else { String::new() };
        let (group, reasons) =
            groups.entry((queue.clone(), key)).or_insert_with(|| (Group { count: 0, queue, reason: None, first, last }, BTreeSet::new()));
        group.count += count;
        group.first = group.first.min(first);
        group.last = group.last.max(last);
        reasons.insert(reason);
    }
    let mut groups: Vec<Group> = groups
        .into_iter()
        .map(|((_, cause), (group, mut reasons))| {
            let only = if reasons.len() == 1 { reasons.pop_first() } else { Some(cause) };
            Group { reason: only.filter(|_| by == DeadBy::Reason), ..group }
        })
        .collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.count), std::cmp::Reverse(group.last)));
    groups
}

/// A reason without what differs from letter to letter.
fn cause(reason: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '@' | '-' | '_' | '.' | '+');
    let mut text = String::new();
    let mut rest = reason;
    while !rest.is_empty() {
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        let stop = word.trim_end_matches(['.', '-']);
        if varies(stop) {
            text.push_str(ANY);
            text.push_str(&word[stop.len()..]);
        } else {
            text.push_str(word);
        }
        let between = after.find(is_part).unwrap_or(after.len());
        text.push_str(&after[..between]);
        rest = &after[between..];
    }
    text
}

/// Whether a word is a number, an id or an address.
fn varies(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let hex = word.len() >= 8 && digits > 0 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    word.contains('@') || word.starts_with(|c: char| c.is_ascii_digit()) || digits >= 4 || hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_differ_in_ids_numbers_and_addresses_have_one_cause() {
        for (reason, expected) in [
            ("there is no tenant 01a1fcdf-5be9-7764-a033-7346ac87b825", "there is no tenant …"),
            ("there is no tenant abcdef12-5be9-7764-a033-7346ac87b825.", "there is no tenant …."),
            ("EOF while parsing at line 1, column 302", "EOF while parsing at line …, column …"),
            ("<a4711@client.example> to bo@acme.example", "<…> to …"),
            ("its processing panicked: index out of bounds", "its processing panicked: index out of bounds"),
            ("column \"raw_media_id\" of UTF8", "column \"raw_media_id\" of UTF8"),
            ("größer als 10 µ – a-b", "größer als … µ – a-b"),
            ("", ""),
        ] {
            assert_eq!(cause(reason), expected);
        }
    }

    #[test]
    fn what_they_have_in_common_is_said_whole_where_nothing_differs() {
        let at = |minute: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute);
        let count = |queue: &str, reason: &str, count, first, last| DeadCount {
            queue: queue.to_owned(),
            reason: reason.to_owned(),
            count,
            first: at(first),
            last: at(last),
        };
        let counts =
            vec![count("inbound", "no tenant 7", 3, 4, 9), count("events", "version 9", 8, 5, 6), count("inbound", "no tenant 8", 4, 2, 3)];
        let group = |count, queue: &str, reason: Option<&str>, first, last| Group {
            count,
            queue: queue.to_owned(),
            reason: reason.map(str::to_owned),
            first: at(first),
            last: at(last),
        };
        assert_eq!(
            super::group(counts.clone(), DeadBy::Reason),
            [group(8, "events", Some("version 9"), 5, 6), group(7, "inbound", Some("no tenant …"), 2, 9)]
        );
        assert_eq!(super::group(counts, DeadBy::Queue), [group(8, "events", None, 5, 6), group(7, "inbound", None, 2, 9)]);
    }
}
