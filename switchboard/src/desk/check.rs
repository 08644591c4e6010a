//! Looks at whole desks: whether all that they speak of exists, and nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};

use switchboard_common::db::desk::{Account, AddressOwner, Desk, Stored};
use switchboard_common::db::mailboxes::Mailbox;
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::rules::Strategy;

use super::block;
use super::fields::Faults;
use super::file::Desks;
use super::rule::{self, Mention};

/// Notes what is wrong between the parts of a file.
pub fn check(desks: &Desks, faults: &mut Faults) {
    for (tenant, desk) in desks {
        let mut found = Faults::new();
        references(desk, &mut found);
        people(desk, &mut found);
        cycles(desk, &mut found);
        own_addresses(desk, &mut found);
        mailboxes(desk, &mut found);
        block::check(desk, &mut found);
        faults.extend(found.into_iter().map(|fault| format!("tenant {tenant}: {fault}")));
    }
    let addresses = desks.iter().flat_map(|(tenant, desk)| {
        desk.accounts.iter().map(move |(name, account)| (address_of(account), format!("tenant {tenant}: account {name}")))
    });
    twice("address", addresses, faults);
}

/// An address as it is one account's only: of the same number each channel may have one.
fn address_of(account: &Account) -> String {
    match account.channel {
        Channel::Email => account.address.clone(),
        _ if account.address.is_empty() => String::new(),
        channel => format!("{} of the channel {}", account.address, channel.as_str()),
    }
}

/// Notes what of a desk cannot be, because of what the database holds.
pub fn check_stored(tenant: &str, desk: &Desk, stored: &Stored, faults: &mut Faults) {
    for handle in desk.users.keys().filter(|handle| stored.groups.contains(*handle)) {
        faults.push(format!("tenant {tenant}: user {handle}: is or was a group; a person needs another handle"));
    }
    for handle in desk.groups.keys().filter(|handle| stored.names.contains_key(*handle) && !stored.groups.contains(*handle)) {
        faults.push(format!("tenant {tenant}: group {handle}: is or was a person; a group needs another handle"));
    }
    for (name, account) in &desk.accounts {
        if let Some(old) = stored.channels.get(name).filter(|old| old.as_str() != account.channel.as_str()) {
            faults.push(format!(
                "tenant {tenant}: account {name}: is or was one of the channel {old}; another channel needs another account"
            ));
        }
    }
}

/// Notes addresses that accounts of tenants have that the file does not speak of.
pub fn check_owners(desks: &Desks, owners: &[AddressOwner], faults: &mut Faults) {
    for owner in owners.iter().filter(|owner| !desks.contains_key(&owner.tenant)) {
        for (tenant, desk) in desks {
            for (name, _) in
                desk.accounts.iter().filter(|(_, account)| account.address == owner.address && account.channel.as_str() == owner.channel)
            {
                let AddressOwner { tenant: other, account, address, .. } = owner;
                faults
                    .push(format!("tenant {tenant}: account {name}: {address} is the address of the account {account} of tenant {other}"));
            }
        }
    }
}

fn references(desk: &Desk, faults: &mut Faults) {
    let departments: Vec<&str> = desk.departments.keys().map(String::as_str).collect();
    let categories: Vec<&str> = desk.categories.keys().map(String::as_str).collect();
    let accounts: Vec<&str> = desk.accounts.keys().map(String::as_str).collect();
    let handles: Vec<&str> = desk.users.keys().chain(desk.groups.keys()).map(String::as_str).collect();
    let mut exists = |place: String, kind: &str, name: &str, known: &[&str], many: &str| {
        // A name that is not there has been noted already.
        if !name.is_empty() && !known.contains(&name) {
            let known = if known.is_empty() { format!("there are no {many}") } else { format!("{many} are {}", known.join(", ")) };
            faults.push(format!("{place}: {kind} {name} does not exist; {known}"));
        }
    };
    for (handle, user) in &desk.users {
        let named = user.departments.iter().chain(&user.follows);
        named.for_each(|name| exists(format!("user {handle}"), "department", name, &departments, "departments"));
    }
    for (handle, group) in &desk.groups {
        group.members.iter().for_each(|member| exists(format!("group {handle}"), "member", member, &handles, "users and groups"));
        group.follows.iter().for_each(|name| exists(format!("group {handle}"), "department", name, &departments, "departments"));
    }
    for (name, category) in &desk.categories {
        let place = || format!("category {name}");
        category.department.iter().for_each(|name| exists(place(), "department", name, &departments, "departments"));
        category.assignee.iter().for_each(|handle| exists(place(), "assignee", handle, &handles, "users and groups"));
    }
    for (name, account) in &desk.accounts {
        account
            .category
            .iter()
            .for_each(|category| exists(format!("account {name}"), "default_category", category, &categories, "categories"));
    }
    let mut more = Faults::new();
    for Mention { place, kind, name } in desk.rules.iter().flat_map(|rule| rule::mentions(rule, desk, &mut more)) {
        let (known, many) = match kind {
            "category" => (&categories, "categories"),
            "department" => (&departments, "departments"),
            "account" => (&accounts, "accounts"),
            _ => (&handles, "users and groups"),
        };
        exists(place, kind, name, known, many);
    }
    faults.append(&mut more);
    for (name, category) in &desk.categories {
        if let Some(person) = category.assignee.as_ref().filter(|_| category.by != Strategy::Everyone) {
            if desk.users.contains_key(person) {
                faults.push(format!("category {name}: by says how a group shares tickets, and {person} is a person"));
            }
        } else if category.by != Strategy::Everyone {
            faults.push(format!("category {name}: by says how a group shares tickets, and there is no assignee"));
        }
    }
}

/// Handles, names and contacts are each of one person or group only.
fn people(desk: &Desk, faults: &mut Faults) {
    for handle in desk.groups.keys().filter(|handle| desk.users.contains_key(*handle)) {
        faults.push(format!("group {handle}: there is a user with that handle"));
    }
    let users = desk.users.iter().map(|(handle, user)| (user.name.clone(), format!("user {handle}")));
    let groups = desk.groups.iter().map(|(handle, group)| (group.name.clone(), format!("group {handle}")));
    twice("name", users.chain(groups), faults);
    let contacts = desk.users.iter().flat_map(|(handle, user)| {
        user.contacts.iter().map(move |contact| (format!("{}:{}", contact.channel, contact.value), format!("user {handle}")))
    });
    twice("contact", contacts, faults);
}

/// Notes what several have and only one may.
fn twice(what: &str, owned: impl Iterator<Item = (String, String)>, faults: &mut Faults) {
    let mut owners: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (value, owner) in owned.filter(|(value, _)| !value.is_empty()) {
        owners.entry(value).or_default().push(owner);
    }
    for (value, owners) in owners {
        if let Some((first, others)) = owners.split_first()
            && !others.is_empty()
        {
            faults.push(format!("{first}: the {what} {value} is also that of {}", others.join(" and ")));
        }
    }
}

/// A group may hold groups, and never itself.
fn cycles(desk: &Desk, faults: &mut Faults) {
    let mut noted = BTreeSet::new();
    for handle in desk.groups.keys() {
        let Some(way) = way_back(desk, handle) else { continue };
        let mut members: Vec<&str> = way.clone();
        members.sort_unstable();
        members.dedup();
        // Each circle once, and not once for each of its groups.
        if noted.insert(members) {
            faults.push(format!("group {handle}: holds itself: {}", way.join(" → ")));
        }
    }
}

/// The way from a group through its members back to it, if there is one.
fn way_back<'d>(desk: &'d Desk, start: &'d str) -> Option<Vec<&'d str>> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut ways: Vec<Vec<&str>> = vec![vec![start]];
    while let Some(way) = ways.pop() {
        let members = way.last().and_then(|last| desk.groups.get(*last)).map(|group| &group.members);
        for member in members.into_iter().flatten() {
            let longer = || way.iter().copied().chain([member.as_str()]).collect();
            if member == start {
                return Some(longer());
            }
            if seen.insert(member) {
                ways.push(longer());
            }
        }
    }
    None
}

/// A folder is read for one account: of two, each would get what the other did not.
fn mailboxes(desk: &Desk, faults: &mut Faults) {
    let mailboxes = desk.accounts.iter().filter_map(|(name, account)| Some((name, account.imap.as_ref()?)));
    let folders = mailboxes.flat_map(|(name, mailbox)| {
        let Mailbox { host, port, username, .. } = mailbox;
        // Without a host there is a fault already.
        let folders = mailbox.folders.iter().filter(|_| !host.is_empty());
        folders.map(move |folder| (format!("{folder} of {username} at {host}:{port}"), format!("account {name}: imap")))
    });
    twice("folder", folders, faults);
}

/// Mail from a person or a client to an account must not look as if it came from the account itself.
fn own_addresses(desk: &Desk, faults: &mut Faults) {
    for (name, account) in &desk.accounts {
        for (handle, user) in &desk.users {
            if user.contacts.iter().any(|contact| contact.channel == "email" && contact.value == account.address) {
                faults.push(format!("account {name}: the address {} is that of the user {handle}", account.address));
            }
        }
        for (key, record) in &desk.clients {
            let is_own = |contact: &ExternalId| contact.kind() == ExternalKind::Email && contact.value() == account.address;
            if account.channel == Channel::Email && record.contacts.iter().any(is_own) {
                faults.push(format!("client {key}: contacts: email:{} is the address of the account {name}", account.address));
            }
        }
    }
}
