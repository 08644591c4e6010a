//! Whether a tenant blocks itself.

use switchboard_common::db::desk::{Contact, Desk};
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::inbound::Channel;

use super::fields::Faults;

/// Notes entries of the block list that stand for one of the tenant's own people or accounts.
pub fn check(desk: &Desk, faults: &mut Faults) {
    let people = desk
        .users
        .iter()
        .flat_map(|(handle, user)| user.contacts.iter().map(move |contact| (keys_of_contact(contact), format!("the user {handle}"))));
    let accounts =
        desk.accounts.iter().map(|(name, account)| (keys_of_account(account.channel, &account.address), format!("the account {name}")));
    for (keys, owner) in people.chain(accounts) {
        for (entry, key) in desk.block.addresses.iter().filter_map(|entry| Some((entry, entry.find(&keys)?))) {
            faults.push(format!("block: addresses: {entry} stands for {key}, which is {owner}'s"));
        }
    }
}

/// The keys that a person writes under. Of a Slack member the workspace is not known.
fn keys_of_contact(contact: &Contact) -> Vec<ExternalId> {
    match contact.channel.as_str() {
        "email" => keys(&[(ExternalKind::Email, &contact.value)]),
        "phone" => keys_of_number(&contact.value),
        "whatsapp" => keys_of_number(&format!("+{}", contact.value)),
        _ => Vec::new(),
    }
}

fn keys_of_account(channel: Channel, address: &str) -> Vec<ExternalId> {
    match channel {
        Channel::Email => keys(&[(ExternalKind::Email, address)]),
        Channel::Whatsapp | Channel::Sms | Channel::Voice => keys_of_number(address),
        Channel::Slack | Channel::Form | Channel::Webhook => Vec::new(),
    }
}

fn keys_of_number(number: &str) -> Vec<ExternalId> {
    keys(&[(ExternalKind::Phone, number), (ExternalKind::Whatsapp, number.trim_start_matches('+'))])
}

fn keys(named: &[(ExternalKind, &str)]) -> Vec<ExternalId> {
    named.iter().filter_map(|(kind, value)| ExternalId::new(*kind, value).ok()).collect()
}
