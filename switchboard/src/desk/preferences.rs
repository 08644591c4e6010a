//! What is chosen: read from a file, laid beside what is stored, and written.
//!
//! What a tenant chose for its people and clients, and for those of a group, is what the file says and nothing else. What
//! a person or a client chose is theirs: the file sets it where it names it, and leaves it alone where it does not.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::desk::{self, Desk, Ids};
use switchboard_common::db::preferences::{self, Owner};
use switchboard_common::domain::preferences::{Preferences, Whose};
use switchboard_common::ids::TenantId;

use super::diff::{Change, Kind, NONE, What};
use super::fields::Fields;

/// Whose, by the names in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of<'d> {
    Users,
    Clients,
    Group(&'d str),
    User(&'d str),
    Client(&'d str),
}

impl Of<'_> {
    /// Whether the file alone says what is chosen there.
    fn is_the_files(self) -> bool {
        matches!(self, Self::Users | Self::Clients | Self::Group(_))
    }
}

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Users => f.write_str("of users"),
            Self::Clients => f.write_str("of clients"),
            Self::Group(handle) => write!(f, "of group {handle}"),
            Self::User(handle) => write!(f, "of user {handle}"),
            Self::Client(key) => write!(f, "of client {key}"),
        }
    }
}

/// Reads a document, if there is one.
pub fn read(key: &'static str, whose: Whose, fields: &mut Fields<'_>) -> Option<Json> {
    let document = fields.json(key)?;
    match Preferences::read(&document, whose) {
        Ok(preferences) => Some(preferences.document()),
        Err(faults) => {
            let separator = if document.is_object() { "." } else { ": " };
            faults.iter().for_each(|fault| fields.fault(&format!("{key}{separator}{fault}")));
            None
        }
    }
}

/// The documents of a desk.
fn documents(desk: &Desk) -> BTreeMap<Of<'_>, &Json> {
    let says_something = |(of, document): &(Of<'_>, &Json)| !of.is_the_files() || **document != Json::Object(serde_json::Map::new());
    let groups = desk.groups.iter().map(|(handle, group)| (Of::Group(handle), &group.preferences));
    let users = desk.users.iter().map(|(handle, user)| (Of::User(handle), &user.preferences));
    let clients = desk.clients.iter().map(|(key, client)| (Of::Client(key), &client.preferences));
    let all =
        [(Of::Users, &desk.preferences), (Of::Clients, &desk.clients_preferences)].into_iter().chain(groups).chain(users).chain(clients);
    all.filter_map(|(of, document)| Some((of, document.as_ref()?))).filter(says_something).collect()
}

/// What has to change. Pure.
pub fn diff(old: &Desk, new: &Desk) -> Vec<Change> {
    let (stored, wanted) = (documents(old), documents(new));
    let differing = wanted.iter().filter(|(of, document)| stored.get(of) != Some(document));
    let put = differing.map(|(of, document)| {
        let what = match stored.get(of) {
            None => What::Add { fields: keys(document).into_iter().map(|(key, value)| (key, shown(value))).collect(), again: false },
            Some(stored) => What::Change(changed(stored, document)),
        };
        Change { kind: Kind::Preferences, name: of.to_string(), what }
    });
    let gone = stored.keys().filter(|of| of.is_the_files() && !wanted.contains_key(of));
    let removed = gone.map(|of| Change { kind: Kind::Preferences, name: of.to_string(), what: What::Remove(Kind::Preferences.removal()) });
    put.chain(removed).collect()
}

/// The keys of a document with what is said.
fn keys(document: &Json) -> Vec<(&'static str, Option<&Json>)> {
    Preferences::KEYS.into_iter().map(|key| (key, document.get(key))).filter(|(_, value)| value.is_some()).collect()
}

fn shown(value: Option<&Json>) -> String {
    value.map_or_else(|| NONE.to_owned(), ToString::to_string)
}

fn changed(old: &Json, new: &Json) -> Vec<(&'static str, String, String)> {
    let both = Preferences::KEYS.into_iter().map(|key| (key, old.get(key), new.get(key)));
    let changed: Vec<_> = both.filter(|(_, old, new)| old != new).map(|(key, old, new)| (key, shown(old), shown(new))).collect();
    // What is stored may have keys that nobody knows any more.
    if changed.is_empty() { vec![("", shown(Some(old)), shown(Some(new)))] } else { changed }
}

/// Writes what the clients of a desk chose, where it differs. The clients are written already.
pub async fn write_clients(
    connection: &mut PgConnection,
    tenant: TenantId,
    wanted: &Desk,
    changes: &[Change],
    ambient: &Ambient,
) -> sqlx::Result<()> {
    let differing = documents(wanted).into_iter().filter(|(of, _)| is_changed(changes, *of));
    let documents: Vec<(String, &Json)> =
        differing.filter_map(|(of, document)| if let Of::Client(key) = of { Some((key.to_owned(), document)) } else { None }).collect();
    if documents.is_empty() {
        return Ok(());
    }
    let keys: Vec<String> = documents.iter().map(|(key, _)| key.clone()).collect();
    let ids = desk::client_ids(connection, tenant, &keys).await?;
    for (key, document) in documents {
        if let Some(id) = ids.get(&key) {
            put(connection, tenant, Owner::Client(*id), document, ambient).await?;
        }
    }
    Ok(())
}

/// Writes what is chosen for the people of a desk and for its clients as a whole, where it differs. The people are
/// written already.
pub async fn write(
    connection: &mut PgConnection,
    tenant: TenantId,
    (stored, wanted): (&Desk, &Desk),
    ids: &Ids,
    changes: &[Change],
    ambient: &Ambient,
) -> sqlx::Result<()> {
    let (old, new) = (documents(stored), documents(wanted));
    let all = old.keys().chain(new.keys()).copied().filter(|of| is_changed(changes, *of));
    for of in all.collect::<std::collections::BTreeSet<_>>() {
        let owner = match of {
            Of::Users => Some(Owner::Tenant),
            Of::Clients => Some(Owner::Clients),
            Of::User(handle) | Of::Group(handle) => ids.users.get(handle).map(|id| Owner::User(*id)),
            Of::Client(_) => None,
        };
        match (owner, new.get(&of)) {
            (Some(owner), Some(document)) => put(connection, tenant, owner, document, ambient).await?,
            (Some(owner), None) => _ = preferences::remove(connection, tenant, owner).await?,
            (None, _) => {}
        }
    }
    Ok(())
}

fn is_changed(changes: &[Change], of: Of<'_>) -> bool {
    changes.iter().any(|change| change.kind == Kind::Preferences && change.name == of.to_string())
}

async fn put(connection: &mut PgConnection, tenant: TenantId, owner: Owner, document: &Json, ambient: &Ambient) -> sqlx::Result<()> {
    // What was read without faults, and written as a document, reads as the same again.
    if let Ok(read) = Preferences::read(document, owner.whose()) {
        preferences::put(connection, tenant, owner, &read, ambient).await?;
    }
    Ok(())
}
