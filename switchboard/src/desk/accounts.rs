//! The accounts of a desk file, with their mailboxes and senders; and whom a tenant blocks.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use switchboard_common::db::desk::{Account, Block};
use switchboard_common::db::mailboxes::{Mailbox, MailboxSince, MailboxTls};
use switchboard_common::db::routing::ThreadingPolicy;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::policy::{BlockEntry, ClosedPolicy, Policies, SpamPolicy, SubjectPolicy, WindowScope, usual_window};
use toml::Table;

use super::fields::{Faults, Fields};
use super::{sender, values};

/// The longest window, in seconds: a year.
const LONGEST_WINDOW: i64 = 31_536_000;

pub fn account(_: &str, fields: &mut Fields<'_>) -> Account {
    let channel = fields.choice("channel", &Channel::ALL.map(|channel| (channel.as_str(), channel)), Channel::Email);
    let (imap, sender) = (fields.table("imap"), fields.table("sender"));
    if imap.is_some() && channel != Channel::Email {
        fields.fault("imap is for accounts of the channel email");
    }
    let proofs = [("participants", ThreadingPolicy::Participants), ("proof", ThreadingPolicy::Proof)];
    let account = Account {
        channel,
        address: fields.required("address", |text| values::account_address(channel, text)).unwrap_or_default(),
        from_name: fields.parsed("from_name", values::name),
        category: fields.text("default_category"),
        threading: fields.choice("threading", &proofs, ThreadingPolicy::Participants),
        policies: policies(channel, fields),
        acknowledge: fields.boolean("acknowledge", true),
        loop_cap: fields.number("loop_cap", 1..=1000, 20),
        imap: None,
        sender: None,
    };
    let imap = imap.map(|table| mailbox(&fields.place_within("imap"), table, fields.faults()));
    let sender = sender.and_then(|table| sender::sender(channel, &fields.place_within("sender"), table, fields.faults()));
    Account { imap, sender, ..account }
}

fn policies(channel: Channel, fields: &mut Fields<'_>) -> Policies {
    Policies {
        closed: fields.choice("closed", ClosedPolicy::WORDS, ClosedPolicy::Reopen),
        new_subject: fields.choice("new_subject", SubjectPolicy::WORDS, SubjectPolicy::Join),
        window: if fields.has("window") { fields.parsed("window", window).flatten() } else { usual_window(channel) },
        window_from: fields.choice("window_from", WindowScope::WORDS, WindowScope::Channel),
    }
}

/// A time from 1m to a year, or "none".
fn window(text: &str) -> Result<Option<TimeDelta>, String> {
    if text == "none" {
        return Ok(None);
    }
    let units = [("m", 60), ("h", 3600), ("d", 86_400), ("s", 1)];
    let seconds = units.iter().find_map(|(unit, seconds)| text.strip_suffix(unit)?.trim_end().parse::<i64>().ok()?.checked_mul(*seconds));
    let window = seconds.filter(|seconds| (60..=LONGEST_WINDOW).contains(seconds)).and_then(TimeDelta::try_seconds);
    window.map(Some).ok_or_else(|| format!("{text:?} is not a time from 1m to 365d, such as 24h or 7d, and not \"none\""))
}

/// What stands in `[tenant.block]`.
pub fn block(place: &str, table: Table, faults: &mut Faults) -> Block {
    let mut fields = Fields::new(place.to_owned(), table, faults);
    let entries = fields.all_parsed("addresses", |text| text.parse::<BlockEntry>().map_err(|error| error.to_string()));
    let addresses: BTreeSet<BlockEntry> = entries.into_iter().collect();
    let block = Block { addresses, spam: fields.choice("spam", SpamPolicy::WORDS, SpamPolicy::Take) };
    fields.finish();
    block
}

/// What stands in `[tenant.accounts.imap]`.
fn mailbox(place: &str, table: Table, faults: &mut Faults) -> Mailbox {
    let mut fields = Fields::new(place.to_owned(), table, faults);
    let host = fields.required("host", values::host);
    let tls = [("tls", MailboxTls::Tls), ("starttls", MailboxTls::Starttls), ("none", MailboxTls::None)];
    let tls = fields.choice("tls", &tls, MailboxTls::Tls);
    if let Some(host) = host.as_ref().filter(|host| tls == MailboxTls::None && !values::is_loopback(host)) {
        fields.fault(&format!(
            "tls is \"none\", by which the password would travel in the clear: that is for localhost, 127.0.0.1 and ::1 only, not for {host}; \
             it should be \"tls\" or \"starttls\""
        ));
    }
    let usual_port = if tls == MailboxTls::Tls { 993 } else { 143 };
    let mailbox = Mailbox {
        host: host.unwrap_or_default(),
        port: u16::try_from(fields.number("port", 1..=65_535, usual_port)).unwrap_or_default(),
        tls,
        username: fields.required("user", |user| Ok(user.to_owned())).unwrap_or_default(),
        password: fields.required("password", values::secret_reference).unwrap_or_default(),
        folders: folders(&mut fields),
        poll_seconds: fields.parsed("poll", values::seconds).unwrap_or(60),
        since: fields.choice("since", &[("everything", MailboxSince::Everything), ("now", MailboxSince::Now)], MailboxSince::Everything),
    };
    fields.finish();
    mailbox
}

fn folders(fields: &mut Fields<'_>) -> Vec<String> {
    let mut folders = fields.all_parsed("folders", values::folder);
    let named = folders.len();
    folders.sort();
    folders.dedup();
    if folders.len() < named {
        fields.fault("folders holds one of them twice");
    }
    if folders.is_empty() { vec!["INBOX".to_owned()] } else { folders }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_time_or_none() {
        for (text, seconds) in [("24h", Some(86_400)), ("90m", Some(5_400)), ("7d", Some(604_800)), ("60s", Some(60)), ("none", None)] {
            assert_eq!(window(text), Ok(seconds.map(TimeDelta::seconds)), "{text}");
        }
        for text in ["", "0h", "59s", "366d", "1 day", "-1h", "24", "9999999999999999d"] {
            assert!(window(text).expect_err(text).contains("such as 24h or 7d"), "{text}");
        }
    }
}
