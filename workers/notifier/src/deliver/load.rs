//! Reads what a batch of deliveries is written from: one query for each kind of thing, whatever their number. What is the matter with
//! one of them is said of it alone.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use switchboard_common::db::deliveries::DeliveryKey;
use switchboard_common::db::letters::{self, Bar, Earlier, Letter, LetterAttachment, Loaded};
use switchboard_common::db::templates::{self, Overrides};
use switchboard_common::db::{self, signing_keys};
use switchboard_common::ids::TenantId;
use switchboard_common::reply_token::SigningKeys;

use super::Shared;
use crate::render::{RenderError, Template};

/// How long what is kept of a tenant is good, if its revision stands: keys change without it.
const KEPT: TimeDelta = TimeDelta::minutes(1);

/// Why there is nothing to send.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    /// The database is away.
    #[error("it could not be read: the database is away")]
    Unavailable,
    /// What it is written from is not what it should be.
    #[error("it cannot be read: {0}")]
    Unreadable(sqlx::Error),
    /// It cannot be written.
    #[error("{0}")]
    Unwritable(#[from] RenderError),
    /// It is not to be sent any more.
    #[error("{0}")]
    Barred(#[from] Bar),
}

impl From<sqlx::Error> for Unwritten {
    fn from(error: sqlx::Error) -> Self {
        if db::is_fault_of_the_work(&error) { Self::Unreadable(error) } else { Self::Unavailable }
    }
}

/// What is kept of a tenant.
#[derive(Debug)]
pub(super) struct Tenant {
    revision: i64,
    read_at: DateTime<Utc>,
    pub keys: SigningKeys,
    pub overrides: Overrides,
}

/// What is kept of all tenants.
#[derive(Debug, Default)]
pub(super) struct Tenants(Mutex<HashMap<TenantId, Arc<Tenant>>>);

impl Tenants {
    fn kept(&self, tenant: TenantId, revision: i64, now: DateTime<Utc>) -> Option<Arc<Tenant>> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&tenant).filter(|kept| kept.revision == revision && now < kept.read_at + KEPT).cloned()
    }

    async fn get(&self, connection: &mut PgConnection, tenant: TenantId, revision: i64, now: DateTime<Utc>) -> sqlx::Result<Arc<Tenant>> {
        if let Some(kept) = self.kept(tenant, revision, now) {
            return Ok(kept);
        }
        let keys = signing_keys::load(connection, tenant).await?;
        let overrides = templates::load(connection, tenant).await?;
        let read = Arc::new(Tenant { revision, read_at: now, keys, overrides });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, Arc::clone(&read));
        Ok(read)
    }
}

/// All that one delivery is written from, but for the bytes of its files.
#[derive(Debug)]
pub(super) struct Material {
    pub letter: Letter,
    pub earlier: Vec<Earlier>,
    /// The files that come along.
    pub files: Vec<LetterAttachment>,
    /// The names of those that do not.
    pub left_out: Vec<String>,
    pub tenant: Arc<Tenant>,
}

/// The deliveries of a batch, each with what it is written from or why it is not.
pub(super) type Batch = HashMap<DeliveryKey, Result<Material, Unwritten>>;

impl Shared {
    /// Reads a batch. If something of it brings a query down, each is read by itself, so that the others are not held up.
    pub(super) async fn load(&self, wanted: &[DeliveryKey]) -> Batch {
        match self.try_load(wanted).await {
            Ok(batch) => batch,
            Err(Unwritten::Unreadable(error)) if wanted.len() > 1 => {
                tracing::warn!("A batch of deliveries cannot be read, and each is read by itself: {error}");
                let mut batch = Batch::new();
                for key in wanted {
                    batch.extend(self.load_one(*key).await);
                }
                batch
            }
            Err(error) => {
                let why = |error: &Unwritten| match error {
                    Unwritten::Unreadable(error) => Unwritten::Unreadable(sqlx::Error::Protocol(error.to_string())),
                    _ => Unwritten::Unavailable,
                };
                wanted.iter().map(|key| (*key, Err(why(&error)))).collect()
            }
        }
    }

    async fn load_one(&self, key: DeliveryKey) -> Batch {
        self.try_load(&[key]).await.unwrap_or_else(|error| HashMap::from([(key, Err(error))]))
    }

    async fn try_load(&self, wanted: &[DeliveryKey]) -> Result<Batch, Unwritten> {
        tokio::time::timeout(self.limits.write, self.read(wanted)).await.unwrap_or(Err(Unwritten::Unavailable))
    }

    async fn read(&self, wanted: &[DeliveryKey]) -> Result<Batch, Unwritten> {
        let now = self.ambient.now();
        let mut session = db::Session::open(&self.pool).await?;
        let mut letters = letters::load(&mut session, wanted, now).await?;
        let mut earlier = letters::earlier(&mut session, wanted).await?;
        let shown: BTreeSet<_> = letters.values().flatten().filter_map(|loaded| shown_message(&loaded.letter)).collect();
        let attachments = if shown.is_empty() { HashMap::new() } else { letters::attachments(&mut session, &shown).await? };
        let mut batch = Batch::new();
        for key in wanted {
            let material = match letters.remove(key).unwrap_or(Err(sqlx::Error::RowNotFound)) {
                Err(error) => Err(error.into()),
                Ok(Loaded { bar: Some(bar), .. }) => Err(bar.into()),
                Ok(Loaded { letter, revision, .. }) => {
                    let tenant = self.tenants.get(&mut session, key.0, revision, now).await?;
                    let found = shown_message(&letter).and_then(|shown| attachments.get(&shown)).cloned().unwrap_or_default();
                    let is_answer = Template::parse(&letter.template).is_some_and(Template::is_answer);
                    let (files, left_out) = if is_answer { (found, Vec::new()) } else { fitting(found) };
                    Ok(Material { letter, earlier: earlier.remove(key).unwrap_or_default(), files, left_out, tenant })
                }
            };
            batch.insert(*key, material);
        }
        session.done();
        Ok(batch)
    }
}

/// The message whose files come along.
fn shown_message(letter: &Letter) -> Option<(TenantId, switchboard_common::ids::MessageId)> {
    let shows = Template::parse(&letter.template).is_some_and(Template::shows_message);
    letter.message.as_ref().filter(|_| shows).map(|message| (letter.tenant_id, message.id))
}

/// The files of a message that a notification carries, in bytes. An answer carries all of them.
const LARGEST: i64 = 10 * 1024 * 1024;

/// The attachments that fit into a notification, and the names of the others.
fn fitting(attachments: Vec<LetterAttachment>) -> (Vec<LetterAttachment>, Vec<String>) {
    let mut room = LARGEST;
    let (fitting, others): (Vec<_>, Vec<_>) = attachments.into_iter().partition(|attachment| {
        let fits = attachment.size <= room;
        room -= if fits { attachment.size } else { 0 };
        fits
    });
    (fitting, others.into_iter().map(|attachment| attachment.name).collect())
}

#[cfg(test)]
mod tests {
    use switchboard_common::ids::MediaId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_named_and_the_others_come_along() {
        let file = |name: &str, size| LetterAttachment {
            media_id: MediaId(Uuid::nil()),
            name: name.to_owned(),
            content_type: String::new(),
            size,
        };
        let (fitting, left_out) = fitting(vec![file("small", 1), file("large", LARGEST), file("exact", LARGEST - 1), file("more", 1)]);
        assert_eq!(fitting.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["small", "exact"]);
        assert_eq!(left_out, ["large", "more"]);
    }
}
