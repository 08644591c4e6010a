//! What is measured of a folder, each with its tenant, account and name.

use metrics::{Label, counter, describe_counter, describe_gauge, gauge};
use switchboard_common::db::mailboxes::Folder;

/// Says once what each means.
pub(super) fn describe() {
    describe_gauge!("switchboard_mailbox_waiting_messages", "Mails known to wait in the mailbox");
    describe_gauge!("switchboard_mailbox_last_success_timestamp_seconds", "When the mailbox was last read without fault");
    describe_gauge!("switchboard_mailbox_silence_seconds", "How long it is since the mailbox was last read without fault");
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
pub(super) fn standing(folder: &Folder, now: chrono::DateTime<chrono::Utc>) {
    gauge!("switchboard_mailbox_waiting_messages", labels(folder)).set(folder.waiting as f64);
    if let Some(success) = folder.last_success_at {
        gauge!("switchboard_mailbox_last_success_timestamp_seconds", labels(folder)).set(success.timestamp() as f64);
        gauge!("switchboard_mailbox_silence_seconds", labels(folder)).set((now - success).num_milliseconds().max(0) as f64 / 1000.0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn leases(held: usize) {
    gauge!("switchboard_mailbox_leases").set(held as f64);
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
