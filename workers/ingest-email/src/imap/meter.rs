//! What is measured of a folder, each with its tenant, account and name.

use chrono::{DateTime, TimeDelta, Utc};
use metrics::{Label, counter, describe_counter, describe_gauge, gauge};
use switchboard_common::db::mailboxes::Folder;

/// Says once what each means.
pub(super) fn describe() {
    describe_gauge!("switchboard_mailbox_waiting_messages", "Mails known to wait in the mailbox");
    describe_gauge!("switchboard_mailbox_last_success_timestamp_seconds", "When the mailbox was last read without fault");
    describe_gauge!(
        "switchboard_mailbox_silence_seconds",
        "How long it is since the mailbox was last read without fault, or was first to be read"
    );
    describe_gauge!("switchboard_mailbox_leases", "Mailboxes that this worker reads");
    describe_counter!("switchboard_mailbox_connect_failures_total", "Connections that could not be made or logged in");
    describe_counter!("switchboard_mailbox_interruptions_total", "Sessions that ended with a fault");
    describe_counter!("switchboard_mailbox_messages_total", "Mails taken, by queue");
    describe_counter!("switchboard_mailbox_set_aside_total", "Mails that could not be taken and went to the dead letters");
}

fn labels(folder: &Folder) -> Vec<Label> {
    vec![
        Label::new("tenant", folder.account.tenant_name.clone()),
        Label::new("account", folder.account.name.clone()),
        Label::new("folder", folder.folder.clone()),
    ]
}

/// What the database knows of a folder, whoever reads it: one that nobody reads shows as well.
#[expect(clippy::cast_precision_loss, reason = "seconds and counts are far below 2^52")]
pub(super) fn standing(folder: &Folder, now: DateTime<Utc>) {
    gauge!("switchboard_mailbox_waiting_messages", labels(folder)).set(folder.waiting as f64);
    if let Some(success) = folder.last_success_at {
        gauge!("switchboard_mailbox_last_success_timestamp_seconds", labels(folder)).set(success.timestamp() as f64);
    }
    gauge!("switchboard_mailbox_silence_seconds", labels(folder)).set(silence(folder, now).num_milliseconds() as f64 / 1000.0);
}

/// How long nobody has heard of the folder: of one that could never be read, since it is to be.
fn silence(folder: &Folder, now: DateTime<Utc>) -> TimeDelta {
    (now - folder.last_success_at.unwrap_or(folder.known_since)).max(TimeDelta::zero())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn leases(held: usize) {
    gauge!("switchboard_mailbox_leases").set(held as f64);
}

/// Counters begin at nothing: a rate of what is not there yet cannot be asked for.
pub(super) fn begin(folder: &Folder) {
    for name in
        ["switchboard_mailbox_connect_failures_total", "switchboard_mailbox_interruptions_total", "switchboard_mailbox_set_aside_total"]
    {
        counter!(name, labels(folder)).increment(0);
    }
}

pub(super) fn connect_failed(folder: &Folder) {
    counter!("switchboard_mailbox_connect_failures_total", labels(folder)).increment(1);
}

pub(super) fn interrupted(folder: &Folder) {
    counter!("switchboard_mailbox_interruptions_total", labels(folder)).increment(1);
}

pub(super) fn taken(folder: &Folder, queue: &'static str, mails: usize) {
    let mut labels = labels(folder);
    labels.push(Label::new("queue", queue));
    counter!("switchboard_mailbox_messages_total", labels).increment(mails as u64);
}

pub(super) fn set_aside(folder: &Folder, mails: usize) {
    counter!("switchboard_mailbox_set_aside_total", labels(folder)).increment(mails as u64);
}

#[cfg(test)]
mod tests {
    use switchboard_common::db::accounts::EmailAccount;
    use switchboard_common::db::mailboxes::{Mailbox, MailboxSince, MailboxTls};
    use switchboard_common::domain::address::EmailAddress;
    use switchboard_common::ids::{AccountId, TenantId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_folder_that_could_never_be_read_is_silent_too() {
        let at = |minute: i64| DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        let folder = |last_success_at| Folder {
            account: EmailAccount {
                tenant_id: TenantId(Uuid::nil()),
                tenant_name: "acme".to_owned(),
                account_id: AccountId(Uuid::nil()),
                name: "support".to_owned(),
                address: EmailAddress::parse("support@example.org").expect("valid"),
                disabled: false,
            },
            mailbox: Mailbox {
                host: "localhost".to_owned(),
                port: 143,
                tls: MailboxTls::None,
                username: "support".to_owned(),
                password: "env:PASSWORD".to_owned(),
                folders: vec!["INBOX".to_owned()],
                poll_seconds: 60,
                since: MailboxSince::Everything,
            },
            folder: "INBOX".to_owned(),
            waiting: 0,
            last_success_at,
            known_since: at(1),
        };
        assert_eq!(silence(&folder(None), at(9)), TimeDelta::minutes(8));
        assert_eq!(silence(&folder(Some(at(7))), at(9)), TimeDelta::minutes(2));
        assert_eq!(silence(&folder(Some(at(7))), at(6)), TimeDelta::zero(), "clocks differ a little");
    }
}
