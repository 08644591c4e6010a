//! What is fetched next, and how far a folder is read then. Pure.

use std::collections::VecDeque;

use switchboard_common::db::mailboxes::Cursor;

/// A mail that waits on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its UID.
    pub uid: u32,
    /// Its size in bytes, as the server says.
    pub size: u32,
}

/// How much is fetched by one command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// At most so many mails.
    pub mails: usize,
    /// At most so many bytes; a mail that is larger comes alone.
    pub bytes: u64,
    /// A mail larger than this is not fetched at all.
    pub largest_mail: usize,
}

/// A stretch of a folder that is dealt with at once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    /// What is fetched, in the order of the UIDs.
    pub fetch: Vec<Waiting>,
    /// What is too large to be fetched.
    pub too_large: Vec<Waiting>,
}

impl Stretch {
    /// The last UID of it.
    pub(super) fn end(&self) -> u32 {
        self.fetch.iter().chain(&self.too_large).map(|mail| mail.uid).max().unwrap_or_default()
    }
}

/// The next stretch of what waits. `single_upto`: up to this UID mails are fetched one by one.
pub(super) fn next_stretch(waiting: &VecDeque<Waiting>, bounds: Bounds, single_upto: u32) -> Stretch {
    let mut stretch = Stretch::default();
    let mut bytes = 0;
    for mail in waiting {
        if usize::try_from(mail.size).is_ok_and(|size| size > bounds.largest_mail) {
            stretch.too_large.push(*mail);
            continue;
        }
        bytes += u64::from(mail.size);
        let single = mail.uid <= single_upto || stretch.fetch.last().is_some_and(|last| last.uid <= single_upto);
        let most = if single { 1 } else { bounds.mails };
        if !stretch.fetch.is_empty() && (stretch.fetch.len() >= most || bytes > bounds.bytes) {
            break;
        }
        stretch.fetch.push(*mail);
    }
    stretch
}

/// UIDs as a command names them: `3,5:7`.
pub(super) fn uid_set(uids: impl IntoIterator<Item = u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(uid) => *end = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    let ranges: Vec<String> = ranges.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}:{to}") }).collect();
    ranges.join(",")
}

/// When more than `threshold` mails wait, all but the newest so many become a catch-up: the cursor
/// passes over them and keeps their range, and they are taken out of `fresh` and returned.
pub(super) fn set_back(cursor: &mut Cursor, fresh: &mut VecDeque<Waiting>, threshold: usize) -> Vec<Waiting> {
    if fresh.len() <= threshold {
        return Vec::new();
    }
    let old: Vec<Waiting> = fresh.drain(..fresh.len() - threshold).collect();
    let Some(last) = old.last() else { return Vec::new() };
    let from = cursor.last_uid.saturating_add(1);
    match cursor.backlog.last_mut() {
        Some((_, end)) if end.checked_add(1) == Some(from) => *end = last.uid,
        _ => cursor.backlog.push((from, last.uid)),
    }
    cursor.last_uid = last.uid;
    old
}

/// Everything of the catch-up up to this UID has been taken.
pub(super) fn work_off(cursor: &mut Cursor, upto: u32) {
    cursor.backlog.retain_mut(|(from, to)| {
        *from = (*from).max(upto.saturating_add(1));
        *from <= *to && *to > upto
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { mails: 3, bytes: 100, largest_mail: 500 };

    fn waiting(mails: &[(u32, u32)]) -> VecDeque<Waiting> {
        mails.iter().map(|(uid, size)| Waiting { uid: *uid, size: *size }).collect()
    }

    fn uids(stretch: &[Waiting]) -> Vec<u32> {
        stretch.iter().map(|mail| mail.uid).collect()
    }

    #[test]
    fn a_stretch_is_bounded_by_count_and_bytes_and_never_empty() {
        let stretch = |mails: &[(u32, u32)]| uids(&next_stretch(&waiting(mails), BOUNDS, 0).fetch);
        assert_eq!(stretch(&[(1, 10), (2, 10), (7, 10), (8, 10)]), [1, 2, 7]);
        assert_eq!(stretch(&[(1, 60), (2, 60), (3, 1)]), [1]);
        assert_eq!(stretch(&[(4, 400), (5, 1)]), [4], "one that is larger than a batch comes alone");
        assert!(stretch(&[]).is_empty());
    }

    #[test]
    fn what_is_too_large_is_not_fetched_and_holds_up_nothing() {
        let stretch = next_stretch(&waiting(&[(1, 501), (2, 10), (3, 900), (4, 10)]), BOUNDS, 0);
        assert_eq!((uids(&stretch.fetch), uids(&stretch.too_large), stretch.end()), (vec![2, 4], vec![1, 3], 4));
        let alone = next_stretch(&waiting(&[(9, u32::MAX)]), BOUNDS, 0);
        assert_eq!((alone.fetch.len(), alone.end()), (0, 9));
    }

    #[test]
    fn where_something_went_wrong_mails_come_one_by_one() {
        let mails = waiting(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
        assert_eq!(uids(&next_stretch(&mails, BOUNDS, 2).fetch), [1]);
        assert_eq!(uids(&next_stretch(&waiting(&[(3, 1), (4, 1)]), BOUNDS, 2).fetch), [3, 4]);
    }

    #[test]
    fn a_set_of_uids_is_short() {
        assert_eq!(uid_set([3, 5, 6, 7, 9, u32::MAX]), "3,5:7,9,4294967295");
    }

    #[test]
    fn old_mail_is_set_back_and_worked_off_while_new_mail_goes_on() {
        let mut cursor = Cursor { last_uid: 4, ..Cursor::default() };
        let mut fresh = waiting(&[(5, 1), (6, 1), (8, 1), (9, 1)]);
        assert_eq!(uids(&set_back(&mut cursor, &mut fresh, 2)), [5, 6]);
        assert_eq!((cursor.last_uid, cursor.backlog.as_slice(), fresh.len()), (6, [(5, 6)].as_slice(), 2));
        cursor.last_uid = 9;
        // Another outage while the first catch-up goes on.
        let mut fresh = waiting(&[(12, 1), (13, 1), (14, 1)]);
        assert_eq!(uids(&set_back(&mut cursor, &mut fresh, 2)), [12]);
        assert_eq!(cursor.backlog, [(5, 6), (10, 12)]);
        work_off(&mut cursor, 5);
        assert_eq!(cursor.backlog, [(6, 6), (10, 12)]);
        work_off(&mut cursor, 11);
        assert_eq!(cursor.backlog, [(12, 12)]);
        work_off(&mut cursor, 12);
        assert!(cursor.backlog.is_empty());
        assert!(set_back(&mut cursor, &mut waiting(&[(20, 1)]), 2).is_empty(), "a few wait: nothing is set back");
    }

    #[test]
    fn the_last_uid_there_is_ends_a_catch_up() {
        let mut cursor = Cursor { backlog: vec![(1, u32::MAX)], ..Cursor::default() };
        work_off(&mut cursor, u32::MAX);
        assert!(cursor.backlog.is_empty());
    }
}
