//! Sends what is due, in these steps:
//!
//! 0. Digests that are due are closed, and become deliveries ([`digests`]).
//! 1. What is due is claimed under a lease, no more of each account than its channel takes soon: what can be sent at once, and a
//!    little ahead ([`lanes`], which also shares the room among the accounts and heeds their rates).
//! 2. What all of it is written from is read by a handful of queries ([`load`]).
//! 3. Each is written, waits for its turn and is handed over ([`carry`]), by a task of its own; a channel that cannot be used holds
//!    back what goes by it and nothing else ([`gate`]). What follows from how that ended is decided by [`report`].
//! 4. What has ended meanwhile is recorded in one transaction ([`record`]), with what follows from a failure ([`fallback`]).

mod carry;
mod digests;
mod fallback;
mod gate;
mod lanes;
mod load;
mod record;
mod report;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex as BlockingMutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::deliveries::{self, DeliveryStatus, Leased};
use switchboard_common::db::limits::{self, AccountKey};
use switchboard_common::db::{self, notifications};
use switchboard_common::schedule;
use switchboard_common::supervise::{Backoff, supervise};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::carry::{Ended, Pauses};
use self::lanes::{Due, LaneKey, Lanes, Place, Way, divide};
use self::load::Tenants;
use crate::channels::email::Transport;
use crate::channels::{Channels, Line, NoLine};

/// How often it is looked when nobody notifies, and how often what a dead process held is taken back.
const POLL: Duration = Duration::from_secs(1);

/// What has the channel of each account.
#[async_trait]
pub trait Lines: fmt::Debug + Send + Sync {
    /// The channels of these accounts, by their settings as they are now.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached. What is the matter with one account is said of it alone.
    async fn lines(
        &self,
        connection: &mut PgConnection,
        accounts: &[AccountKey],
    ) -> sqlx::Result<BTreeMap<AccountKey, Result<Line, NoLine>>>;

    /// Lets go of what was held to send more, and was not needed for a while.
    async fn tidy_up(&self);

    /// Lets go of all that is held to send more.
    async fn close(&self);
}

#[async_trait]
impl Lines for Channels {
    async fn lines(
        &self,
        connection: &mut PgConnection,
        accounts: &[AccountKey],
    ) -> sqlx::Result<BTreeMap<AccountKey, Result<Line, NoLine>>> {
        Self::lines(self, connection, accounts).await
    }

    async fn tidy_up(&self) {
        Self::tidy_up(self).await;
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

/// Sends what is due.
#[derive(Debug, Clone)]
pub struct Deliverer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    ambient: Ambient,
    lines: Arc<dyn Lines>,
    lanes: Lanes,
    tenants: Tenants,
    pauses: Pauses,
    limits: Limits,
    /// Where this deployment is found from outside.
    public_url: Option<String>,
    /// Something was recorded, or lost: there is room, and what waited for it may go.
    recorded: Notify,
    /// What was claimed and is not recorded yet.
    pending: AtomicUsize,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// When it was last looked for what nobody came back from.
    tidied: BlockingMutex<Option<DateTime<Utc>>>,
}

/// Stands for a delivery that was claimed, until it is recorded.
#[derive(Debug)]
struct Pending(Arc<Shared>);

impl Pending {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.pending.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Ordering::AcqRel);
        self.0.recorded.notify_one();
    }
}

/// Time limits, all within the lease on a delivery: whoever holds it is done before it ends.
#[derive(Debug, Clone, Copy)]
struct Limits {
    lease: Duration,
    /// For reading a batch, and the files of a delivery.
    write: Duration,
    /// For handing one over.
    send: Duration,
}

impl Limits {
    fn within(lease: Duration) -> Self {
        Self { lease, write: lease / 4, send: lease / 2 }
    }
}

/// Where those who carry a delivery say how it ended.
type Endings = mpsc::UnboundedSender<(Ended, Pending)>;

/// What it came to, to look for what is due.
struct Filled {
    claimed: usize,
    look_again: DateTime<Utc>,
}

impl Deliverer {
    /// Sends the mail that is due in this database by this transport. A delivery that is not done when its
    /// `lease` ends is taken for lost, and sent again.
    #[must_use]
    pub fn new(pool: PgPool, ambient: Ambient, transport: Transport, lease: Duration) -> Self {
        let channels = Channels::new(transport, ambient.clone());
        Self::by(pool, ambient, Arc::new(channels), lease, None)
    }

    /// Sends what is due in this database by these channels. Where readers may stop what they get, links to `public_url` say so.
    #[must_use]
    pub fn by(pool: PgPool, ambient: Ambient, lines: Arc<dyn Lines>, lease: Duration, public_url: Option<String>) -> Self {
        let shared = Shared {
            pool,
            ambient,
            lines,
            lanes: Lanes::default(),
            tenants: Tenants::default(),
            pauses: Pauses::default(),
            limits: Limits::within(lease),
            public_url,
            recorded: Notify::new(),
            pending: AtomicUsize::default(),
            turn: AtomicUsize::default(),
            tidied: BlockingMutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Delivers until `stop`, and then finishes what is in flight. Without a database it waits.
    pub async fn run(&self, stop: &CancellationToken) {
        let backoff = Backoff::new();
        let (endings, ended) = mpsc::unbounded_channel();
        let serving = supervise("delivery", &self.shared.ambient, stop, &backoff, || self.serve(&endings, &backoff, stop));
        let recording = record::record_all(&self.shared, ended);
        tokio::pin!(recording);
        tokio::select! {
            biased;
            () = serving => {}
            () = &mut recording => {}
        }
        // The recorder ends with those who carry, who say to it how that ended.
        drop(endings);
        recording.await;
        self.shared.lines.close().await;
    }

    async fn serve(&self, endings: &Endings, backoff: &Backoff, stop: &CancellationToken) -> anyhow::Result<()> {
        // Listens before it looks, so that what is planned in between is not missed.
        let mut listener = db::listen(&self.shared.pool, notifications::CHANNEL).await?;
        loop {
            let filled = self.fill(endings).await?;
            backoff.reset();
            let wait = (filled.look_again - self.shared.ambient.now()).to_std().unwrap_or_default();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = self.shared.recorded.notified() => {}
                hint = listener.recv() => drop(hint?),
                () = self.shared.ambient.clock.sleep(wait) => {}
            }
            // Of many hints one is enough.
            while listener.next_buffered().is_some() {}
        }
    }

    /// Sends what is due now, and returns when nothing more is: how many deliveries it tried to send.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drain(&self) -> anyhow::Result<usize> {
        let (endings, ended) = mpsc::unbounded_channel();
        let filling = async {
            let mut claimed = 0;
            loop {
                let filled = self.fill(&endings).await?;
                claimed += filled.claimed;
                if filled.claimed == 0 && self.shared.pending.load(Ordering::Acquire) == 0 {
                    return Ok(claimed);
                }
                self.shared.recorded.notified().await;
            }
        };
        tokio::select! {
            claimed = filling => claimed,
            () = record::record_all(&self.shared, ended) => unreachable!("`endings` is not dropped before"),
        }
    }

    /// Takes on as much as there is room for.
    async fn fill(&self, endings: &Endings) -> anyhow::Result<Filled> {
        let shared = &self.shared;
        let now = shared.ambient.now();
        let mut session = db::Session::open(&shared.pool).await?;
        if shared.is_time_to_tidy(now) {
            shared.tidy(&mut session).await?;
            let lines = Arc::clone(&shared.lines);
            // A server that does not answer to a goodbye is not to be waited for.
            tokio::spawn(async move { lines.tidy_up().await });
        }
        let waiting = limits::waiting(&mut session).await?;
        let mut look_again = now + POLL;
        let (due, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|waiting| waiting.due_at <= now);
        look_again = later.iter().map(|waiting| waiting.due_at).fold(look_again, DateTime::min);
        if due.is_empty() {
            session.done();
            return Ok(Filled { claimed: 0, look_again });
        }
        let keys: Vec<AccountKey> = due.iter().map(|due| due.account).collect();
        let mut lines = shared.lines.lines(&mut session, &keys).await?;
        let ways: HashMap<AccountKey, Arc<Way>> = due
            .iter()
            .map(|due| {
                let line = lines.remove(&due.account).unwrap_or(Err(NoLine::Disabled));
                (due.account, Arc::new(shared.lanes.way(due.method, due.account, line)))
            })
            .collect();
        let rooms: BTreeMap<LaneKey, usize> = ways.values().map(|way| (way.lane.key, way.lane.room(now))).collect();
        look_again = ways.values().filter_map(|way| way.lane.gate.until(now)).filter(|until| *until > now).fold(look_again, DateTime::min);
        if rooms.values().all(|room| *room == 0) {
            session.done();
            return Ok(Filled { claimed: 0, look_again });
        }
        let (leased, again) = self.claim(&mut session, &due, &ways, &rooms, now).await?;
        session.done();
        let claimed = leased.len();
        self.begin(leased, &ways, endings);
        Ok(Filled { claimed, look_again: again.map_or(look_again, |again| again.min(look_again)) })
    }

    /// Claims what there is room for, and takes the tokens for it.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        due: &[limits::Waiting],
        ways: &HashMap<AccountKey, Arc<Way>>,
        rooms: &BTreeMap<LaneKey, usize>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<(Vec<Leased>, Option<DateTime<Utc>>)> {
        let shared = &self.shared;
        let mut transaction = db::begin_planning_anew(connection).await?;
        let rates = ways.iter().map(|(account, way)| (*account, way.rate)).collect();
        let mut buckets = limits::hold(&mut transaction, &rates, now).await?;
        let due: Vec<Due> = due
            .iter()
            .filter_map(|due| {
                let way = ways.get(&due.account)?;
                let bucket = buckets.get(&due.account).copied();
                Some(Due { method: due.method, account: due.account, lane: way.lane.key, rate: way.rate, bucket })
            })
            .collect();
        let divided = divide(&due, rooms, shared.turn.fetch_add(1, Ordering::Relaxed), now);
        let token: Uuid = shared.ambient.new_id();
        let leased = if divided.shares.is_empty() {
            Vec::new()
        } else {
            deliveries::claim(&mut transaction, &divided.shares, token, now, now + shared.limits.lease).await?
        };
        buckets.retain(|account, bucket| {
            let Some(rate) = ways.get(account).and_then(|way| way.rate) else { return false };
            *bucket = bucket.at(rate, now);
            let count = leased.iter().filter(|leased| leased.account() == *account).count();
            bucket.tokens -= f64::from(u32::try_from(count).unwrap_or(u32::MAX));
            count > 0
        });
        limits::take(&mut transaction, &buckets).await?;
        transaction.commit().await?;
        Ok((leased, divided.look_again))
    }

    /// Reads and sends what was claimed, each by a task of its own.
    fn begin(&self, leased: Vec<Leased>, ways: &HashMap<AccountKey, Arc<Way>>, endings: &Endings) {
        if leased.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let claimed: Vec<(Leased, Arc<Way>, Place, Pending)> = leased
            .into_iter()
            .filter_map(|leased| {
                let way = Arc::clone(ways.get(&leased.account())?);
                let place = way.lane.take_place();
                Some((leased, way, place, Pending::new(&shared)))
            })
            .collect();
        let endings = endings.clone();
        tokio::spawn(async move {
            let keys: Vec<_> = claimed.iter().map(|(leased, ..)| leased.key()).collect();
            let mut batch = shared.load(&keys).await;
            for (leased, way, place, pending) in claimed {
                let material = batch.remove(&leased.key()).unwrap_or_else(|| Err(sqlx::Error::RowNotFound.into()));
                let (shared, endings) = (Arc::clone(&shared), endings.clone());
                tokio::spawn(async move {
                    let ended = shared.carry(leased, material, &way, place).await;
                    // The recorder lives for as long as somebody may send to it.
                    let _ = endings.send((ended, pending));
                });
            }
        });
    }
}

impl Shared {
    /// Whether it is time to look for what nobody came back from. Whoever asks and hears yes does it.
    fn is_time_to_tidy(&self, now: DateTime<Utc>) -> bool {
        let mut tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = tidied.is_none_or(|tidied| now >= tidied + POLL || now < tidied);
        if is_time {
            *tidied = Some(now);
        }
        is_time
    }

    /// Takes back what somebody did not come back from, and closes digests that are due. Something that cannot be, by its own fault, holds
    /// up neither the other nor what is due.
    async fn tidy(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut transaction = connection.begin().await?;
        let taken_back = take_back_expired(&mut transaction, &self.ambient).await;
        go_on("What nobody came back from cannot be taken back", finish(transaction, taken_back).await)?;
        let mut transaction = connection.begin().await?;
        let closed = digests::close_due(&mut transaction, &self.ambient).await;
        go_on("Digests that are due cannot be closed", finish(transaction, closed).await)
    }
}

/// Commits what was done, or undoes it.
async fn finish(transaction: sqlx::Transaction<'_, sqlx::Postgres>, done: sqlx::Result<()>) -> sqlx::Result<()> {
    match done {
        Ok(()) => transaction.commit().await,
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// Logs what is at fault by itself; only infrastructure that is away holds up what comes next.
fn go_on(what: &str, done: sqlx::Result<()>) -> sqlx::Result<()> {
    match done {
        Err(error) if db::is_fault_of_the_work(&error) => {
            tracing::error!("{what}: {error}");
            Ok(())
        }
        done => done,
    }
}

/// Takes back what somebody did not come back from.
async fn take_back_expired(connection: &mut PgConnection, ambient: &Ambient) -> sqlx::Result<()> {
    let most = i32::try_from(schedule::ATTEMPTS).unwrap_or(i32::MAX);
    let expired = deliveries::expire(connection, most, ambient.now()).await?;
    for delivery in &expired {
        let (id, status) = (delivery.id, delivery.status);
        tracing::warn!(delivery.id = %id, ?status, "The lease on a delivery by {} ran out: nobody knows whether it was sent", delivery.method);
    }
    let failed: Vec<_> = expired.iter().filter(|expired| expired.status == DeliveryStatus::Failed).collect();
    let endings: Vec<_> = failed
        .iter()
        .map(|expired| fallback::Ending {
            key: (expired.tenant_id, expired.id),
            answer: "nobody knows whether it was sent",
            otherwise: true,
        })
        .collect();
    if !endings.is_empty() {
        fallback::follow(connection, &endings, ambient).await?;
    }
    Ok(())
}
