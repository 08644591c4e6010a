//! Reads what a batch of deliveries is written from: one query for each kind of thing, whatever their number. What is the matter with
//! one of them is said of it alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;
use switchboard_common::db::deliveries::DeliveryKey;
use switchboard_common::db::due_digests::{self, LoadedDigest};
use switchboard_common::db::letters::{self, Bar, DigestLetter, Earlier, Letter, LetterAttachment, Loaded};
use switchboard_common::db::preferences::{self, TenantLayers};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::senders::{self, SendingAccount};
use switchboard_common::db::templates::{self, Overrides};
use switchboard_common::db::{self, signing_keys};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::{Effective, QuietHours};
use switchboard_common::domain::sender::Platform;
use switchboard_common::ids::{AccountId, ClientId, MessageId, TenantId};
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
    /// It is a digest, and nothing is left in it.
    #[error("the reader may read nothing of it any more")]
    Empty,
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
    /// What its people chose.
    layers: TenantLayers,
}

/// What is kept of all tenants.
#[derive(Debug, Default)]
pub(super) struct Tenants(Mutex<HashMap<TenantId, Arc<Tenant>>>);

impl Tenants {
    fn kept(&self, tenant: TenantId, revision: i64, now: DateTime<Utc>) -> Option<Arc<Tenant>> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&tenant).filter(|kept| kept.revision == revision && now < kept.read_at + KEPT).cloned()
    }

    /// What is kept of these tenants, each as it is at this revision; what is not is read.
    async fn all(
        &self,
        connection: &mut PgConnection,
        wanted: &BTreeMap<TenantId, i64>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<HashMap<TenantId, Arc<Tenant>>> {
        let mut tenants: HashMap<_, _> =
            wanted.iter().filter_map(|(tenant, revision)| Some((*tenant, self.kept(*tenant, *revision, now)?))).collect();
        let missing: Vec<TenantId> = wanted.keys().filter(|tenant| !tenants.contains_key(tenant)).copied().collect();
        if missing.is_empty() {
            return Ok(tenants);
        }
        let ids: Vec<_> = missing.iter().map(|tenant| tenant.0).collect();
        let mut layers = preferences::load(connection, &ids, &[]).await?;
        for tenant in missing {
            let read = Arc::new(Tenant {
                revision: wanted.get(&tenant).copied().unwrap_or_default(),
                read_at: now,
                keys: signing_keys::load(connection, tenant).await?,
                overrides: templates::load(connection, tenant).await?,
                layers: layers.remove(&tenant).unwrap_or_default(),
            });
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant, Arc::clone(&read));
            tenants.insert(tenant, read);
        }
        Ok(tenants)
    }
}

/// All that one delivery is written from, but for the bytes of its files.
#[derive(Debug)]
pub(super) struct Material {
    pub letter: Kind,
    /// The files that come along.
    pub files: Vec<LetterAttachment>,
    /// The names of those that do not.
    pub left_out: Vec<String>,
    pub tenant: Arc<Tenant>,
    /// For WhatsApp with its window shut: how the account sends, with its approved template.
    pub approved: Option<Platform>,
    /// When the reader is not to be disturbed by a retry.
    pub quiet: Option<(QuietHours, Tz)>,
}

/// What is told.
#[derive(Debug)]
pub(super) enum Kind {
    /// Of one event, with the mails that its reader has of the ticket.
    Letter(Box<Letter>, Vec<Earlier>),
    /// Of several.
    Digest(Box<DigestLetter>),
}

impl Kind {
    pub(super) fn address(&self) -> (&str, &str, Option<&str>) {
        match self {
            Self::Letter(letter, _) => (&letter.account_address, &letter.address, letter.thread_key.as_deref()),
            Self::Digest(letter) => (&letter.account_address, &letter.address, None),
        }
    }
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
        let mut transaction = db::begin_joining_in_order(&mut session).await?;
        let letters = letters::load(&mut transaction, wanted, now).await?;
        let rest: Vec<_> = wanted.iter().filter(|key| !letters.contains_key(key)).copied().collect();
        let digests = if rest.is_empty() { HashMap::new() } else { due_digests::load(&mut transaction, &rest, now).await? };
        let shown: BTreeSet<_> = letters.values().flatten().filter_map(|loaded| shown_message(&loaded.letter)).collect();
        let attachments = if shown.is_empty() { HashMap::new() } else { letters::attachments(&mut transaction, &shown).await? };
        let revisions = letters.values().flatten().map(|loaded| (loaded.letter.tenant_id, loaded.revision));
        let revisions: BTreeMap<_, _> =
            revisions.chain(digests.values().map(|loaded| (loaded.letter.tenant_id, loaded.revision))).collect();
        let tenants = self.tenants.all(&mut transaction, &revisions, now).await?;
        let clients: BTreeSet<(TenantId, ClientId)> = letters.values().flatten().filter_map(|loaded| client(&loaded.letter)).collect();
        let clients = if clients.is_empty() {
            HashMap::new()
        } else {
            let ids: Vec<_> = clients.iter().map(|(tenant, _)| tenant.0).collect::<BTreeSet<_>>().into_iter().collect();
            preferences::load(&mut transaction, &ids, &clients.into_iter().collect::<Vec<_>>()).await?
        };
        let shut: BTreeSet<_> =
            letters.values().flatten().filter_map(|loaded| shut(&loaded.letter)).chain(shut_digests(&digests)).collect();
        let senders =
            if shut.is_empty() { BTreeMap::new() } else { senders::load(&mut transaction, &shut.into_iter().collect::<Vec<_>>()).await? };
        let mut read =
            Read { earlier: letters::earlier(&mut transaction, wanted).await?, letters, digests, attachments, tenants, clients, senders };
        transaction.commit().await?;
        session.done();
        Ok(wanted.iter().map(|key| (*key, read.take(key))).collect())
    }
}

/// What was read for a batch.
struct Read {
    letters: HashMap<DeliveryKey, Result<Loaded, sqlx::Error>>,
    digests: HashMap<DeliveryKey, LoadedDigest>,
    earlier: HashMap<DeliveryKey, Vec<Earlier>>,
    attachments: HashMap<(TenantId, MessageId), Vec<LetterAttachment>>,
    tenants: HashMap<TenantId, Arc<Tenant>>,
    clients: HashMap<TenantId, TenantLayers>,
    senders: BTreeMap<(TenantId, AccountId), SendingAccount>,
}

impl Read {
    /// What one delivery is written from.
    fn take(&mut self, key: &DeliveryKey) -> Result<Material, Unwritten> {
        if let Some(loaded) = self.digests.remove(key) {
            return self.digest(loaded);
        }
        let Loaded { mut letter, bar, urgent, .. } = self.letters.remove(key).unwrap_or(Err(sqlx::Error::RowNotFound))?;
        if let Some(bar) = bar {
            return Err(bar.into());
        }
        let tenant = Arc::clone(self.tenants.get(&letter.tenant_id).ok_or(sqlx::Error::RowNotFound)?);
        let (chosen, is_user) = match letter.recipient {
            ReplyRecipient::User(user) => (tenant.layers.of_user(user), true),
            ReplyRecipient::Client(client) => {
                let layers = self.clients.get(&letter.tenant_id);
                (layers.map_or_else(|| Effective::of_client(&[]), |layers| layers.of_client(client)), false)
            }
        };
        letter.locale = chosen.locale.as_ref().map(|locale| locale.value.clone());
        letter.timezone = chosen.zone();
        let found = shown_message(&letter).and_then(|shown| self.attachments.get(&shown)).cloned().unwrap_or_default();
        let is_answer = Template::parse(&letter.template).is_some_and(Template::is_answer);
        let (files, left_out) = if is_answer { (found, Vec::new()) } else { fitting(found) };
        let approved = shut(&letter).and_then(|account| self.platform(account));
        let quiet = if is_user && !urgent { chosen.quiet_hours.value.clone().map(|hours| (hours, chosen.zone())) } else { None };
        let earlier = self.earlier.remove(key).unwrap_or_default();
        Ok(Material { letter: Kind::Letter(Box::new(letter), earlier), files, left_out, tenant, approved, quiet })
    }

    fn digest(&mut self, loaded: LoadedDigest) -> Result<Material, Unwritten> {
        let approved = shut_digest(&loaded).and_then(|account| self.platform(account));
        let LoadedDigest { mut letter, bar, .. } = loaded;
        if let Some(bar) = bar {
            return Err(bar.into());
        }
        if letter.items.is_empty() {
            return Err(Unwritten::Empty);
        }
        let tenant = Arc::clone(self.tenants.get(&letter.tenant_id).ok_or(sqlx::Error::RowNotFound)?);
        let chosen = tenant.layers.of_user(letter.user_id);
        letter.locale = chosen.locale.as_ref().map(|locale| locale.value.clone());
        letter.timezone = chosen.zone();
        let quiet = chosen.quiet_hours.value.clone().map(|hours| (hours, chosen.zone()));
        Ok(Material { letter: Kind::Digest(Box::new(letter)), files: Vec::new(), left_out: Vec::new(), tenant, approved, quiet })
    }

    fn platform(&self, account: (TenantId, AccountId)) -> Option<Platform> {
        self.senders.get(&account)?.sender.as_ref().ok()?.as_ref().map(|sender| sender.platform.clone())
    }
}

fn client(letter: &Letter) -> Option<(TenantId, ClientId)> {
    if let ReplyRecipient::Client(client) = letter.recipient { Some((letter.tenant_id, client)) } else { None }
}

/// The account of a letter that goes outside of WhatsApp's window.
fn shut(letter: &Letter) -> Option<(TenantId, AccountId)> {
    (letter.method == Method::Whatsapp && !letter.window_open).then_some((letter.tenant_id, letter.account_id))
}

fn shut_digest(loaded: &LoadedDigest) -> Option<(TenantId, AccountId)> {
    let letter = &loaded.letter;
    (letter.method == Method::Whatsapp && !loaded.window_open).then_some((letter.tenant_id, letter.account_id))
}

fn shut_digests(digests: &HashMap<DeliveryKey, LoadedDigest>) -> impl Iterator<Item = (TenantId, AccountId)> {
    digests.values().filter_map(shut_digest)
}

/// The message whose files come along.
fn shown_message(letter: &Letter) -> Option<(TenantId, MessageId)> {
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
