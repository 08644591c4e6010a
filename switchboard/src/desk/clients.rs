//! The clients on record: read from a file, laid beside those who wrote already, and written.
//!
//! A record finds its client by the name that the file has for it. One that is new takes the client
//! who wrote by one of its contacts before; a contact that several records share says nothing about
//! that, since it may be any of theirs.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::clients::lock;
use switchboard_common::db::desk::{self, ClientRecord, ContactOwner, Desk, Ids, Stored};
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::preferences::Whose;
use switchboard_common::ids::{ClientId, TenantId};
use toml::{Table, Value};
use uuid::Uuid;

use super::diff::{Change, Described, Kind, What, list};
use super::fields::{Faults, Fields};
use super::file::List;
use super::{preferences, values};

/// Reads the `[[tenant.clients]]`.
pub fn read(tables: Vec<Table>, owner: &str, faults: &mut Faults) -> BTreeMap<String, ClientRecord> {
    List { owner, kind: "client", key: "key", check: values::handle }.read(tables, faults, record).into_iter().collect()
}

fn record(_: &str, fields: &mut Fields<'_>) -> ClientRecord {
    let name = fields.required("name", values::name).unwrap_or_default();
    let named = fields.all_parsed("contacts", contact);
    let contacts: BTreeSet<ExternalId> = named.iter().cloned().collect();
    if contacts.len() < named.len() {
        fields.fault("contacts holds one of them twice");
    }
    let data = fields.table("data").unwrap_or_default();
    let data = data.into_iter().filter_map(|(key, value)| datum(key, value, fields)).collect();
    ClientRecord { name, contacts, data, preferences: preferences::read("preferences", Whose::Client, fields) }
}

/// A key of a client, as people write it.
fn contact(text: &str) -> Result<ExternalId, String> {
    let (kind, value) = text.split_once(':').unwrap_or_default();
    let key = match kind {
        "phone" => ExternalId::new(ExternalKind::Phone, &values::phone(value.trim())?),
        "whatsapp" if value.trim().starts_with('+') => {
            ExternalId::new(ExternalKind::Whatsapp, values::phone(value.trim())?.trim_start_matches('+'))
        }
        _ => text.parse(),
    };
    key.map_err(|error| error.to_string())
}

fn datum(key: String, value: Value, fields: &mut Fields<'_>) -> Option<(String, serde_json::Value)> {
    if let Err(what) = values::handle(&key.replace('_', "-")) {
        fields.fault(&format!("data: {what}"));
        return None;
    }
    let value = match value {
        Value::String(text) => text.into(),
        Value::Integer(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Boolean(is) => is.into(),
        other => {
            fields.fault(&format!("data: {key} is {other}, and should be a text, a number, true or false"));
            return None;
        }
    };
    Some((key, value))
}

impl Described for ClientRecord {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let contacts: Vec<String> = self.contacts.iter().map(ToString::to_string).collect();
        let data: Vec<String> = self.data.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        vec![("name", self.name.clone()), ("contacts", list(&contacts)), ("data", list(&data))]
    }
}

/// Finds the clients of records that are new among those who wrote already.
pub async fn attach(
    connection: &mut PgConnection,
    (tenant, id): (&str, TenantId),
    wanted: &Desk,
    stored: &mut Stored,
    changes: &mut [Change],
    faults: &mut Faults,
) -> sqlx::Result<()> {
    let contacts: Vec<&ExternalId> = new_records(wanted, &stored.ids).flat_map(|(_, record)| &record.contacts).collect();
    let owners = desk::contact_owners(connection, id, &contacts).await?;
    let mut found = Faults::new();
    for (key, owner) in attached(wanted, &stored.ids, &owners, &mut found) {
        let change = changes.iter_mut().find(|change| change.kind == Kind::Client && change.name == key);
        if let Some(What::Add { fields, .. }) = change.map(|change| &mut change.what) {
            fields.push(("is", format!("{}, who wrote by {}", owner.name, owner.key)));
        }
        stored.ids.clients.insert(key, owner.client_id);
    }
    faults.extend(found.into_iter().map(|fault| format!("tenant {tenant}: {fault}")));
    Ok(())
}

fn new_records<'d>(wanted: &'d Desk, ids: &'d Ids) -> impl Iterator<Item = (&'d String, &'d ClientRecord)> {
    wanted.clients.iter().filter(|(key, _)| !ids.clients.contains_key(*key))
}

/// The clients of new records who wrote already. Pure.
fn attached(wanted: &Desk, ids: &Ids, owners: &[ContactOwner], faults: &mut Faults) -> Vec<(String, ContactOwner)> {
    let shared = |contact: &ExternalId| wanted.clients.values().filter(|record| record.contacts.contains(contact)).count() > 1;
    let mut taken: BTreeMap<ClientId, &str> =
        ids.clients.iter().filter(|(key, _)| wanted.clients.contains_key(*key)).map(|(key, id)| (*id, key.as_str())).collect();
    let mut attached = Vec::new();
    for (key, record) in new_records(wanted, ids) {
        let theirs: Vec<&ContactOwner> =
            owners.iter().filter(|owner| record.contacts.contains(&owner.key) && !shared(&owner.key)).collect();
        let Some(first) = theirs.first() else { continue };
        if let Some(other) = theirs.iter().find(|owner| owner.root != first.root) {
            faults.push(format!(
                "client {key}: {} is known as {} and {} as {}: merge them first (`switchboard client merge`), or leave one out",
                first.key, first.name, other.key, other.name
            ));
            continue;
        }
        let one = theirs.iter().all(|owner| owner.client_id == first.client_id);
        let client_id = if one { first.client_id } else { first.root };
        if let Some(other) = taken.insert(client_id, key.as_str()) {
            faults.push(format!("client {key}: {} is known as {}, who is the client {other} already", first.key, first.name));
            continue;
        }
        attached.push((key.clone(), ContactOwner { client_id, ..(*first).clone() }));
    }
    attached
}

/// Writes the records that differ, the clients locked in the routers' order.
pub async fn write(
    connection: &mut PgConnection,
    tenant: TenantId,
    wanted: &Desk,
    ids: &Ids,
    changes: &[Change],
    ambient: &Ambient,
) -> sqlx::Result<()> {
    let differing: Vec<&Change> = changes.iter().filter(|change| change.kind == Kind::Client).collect();
    if differing.is_empty() {
        return Ok(());
    }
    let known: Vec<ClientId> = differing.iter().filter_map(|change| ids.clients.get(&change.name).copied()).collect();
    lock(connection, tenant, &known).await?;
    let (removed, put): (Vec<&Change>, Vec<&Change>) = differing.into_iter().partition(|change| matches!(change.what, What::Remove(_)));
    let removed: Vec<Uuid> = removed.iter().filter_map(|change| ids.clients.get(&change.name)).map(|id| id.0).collect();
    desk::withdraw_clients(connection, tenant, &removed, ambient.now()).await?;
    for change in put {
        let id = ids.clients.get(&change.name).copied().unwrap_or_else(|| ambient.new_id());
        desk::put_client(connection, tenant, id, &change.name, &wanted.clients[&change.name]).await?;
    }
    Ok(())
}
