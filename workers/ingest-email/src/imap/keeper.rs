//! Takes a worker's share of the folders under leases, and has each read by a task of its own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use switchboard_common::db;
use switchboard_common::db::mailboxes::{self, Folder, FolderKey, Lease, Mailbox};
use switchboard_common::supervise::causes;
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::watch::watch;
use super::{IngestEmail, meter};

/// A folder that this worker reads.
#[derive(Debug)]
struct Held {
    lease: Lease,
    /// The settings that it is read by.
    mailbox: Mailbox,
    until: DateTime<Utc>,
    stop: CancellationToken,
    task: AbortHandle,
}

struct Keeper {
    ingest: Arc<IngestEmail>,
    worker: Uuid,
    stop: CancellationToken,
    held: BTreeMap<FolderKey, Held>,
    tasks: JoinSet<Lease>,
    /// The last look failed, and that was said.
    blind: bool,
}

/// What a look finds.
struct Seen {
    workers: i64,
    folders: HashMap<FolderKey, Folder>,
    renewed: Vec<Lease>,
    until: DateTime<Utc>,
}

/// Keeps folders being read until `stop`, then gives them back.
pub(super) async fn run(ingest: Arc<IngestEmail>, stop: CancellationToken) {
    meter::describe();
    if stop.is_cancelled() {
        // Nobody has heard of it: a database that never came need not hear that it is gone.
        return;
    }
    let worker = ingest.ambient.new_id();
    let mut keeper = Keeper { ingest, worker, stop, held: BTreeMap::new(), tasks: JoinSet::new(), blind: false };
    while !keeper.stop.is_cancelled() {
        keeper.look().await;
        keeper.wait().await;
    }
    keeper.finish().await;
}

impl Keeper {
    /// Sees what is to be read, and by whom, and does its part.
    async fn look(&mut self) {
        match self.limited(self.see()).await {
            Ok(seen) => {
                if std::mem::take(&mut self.blind) {
                    tracing::info!("Mailboxes can be looked after again");
                }
                self.sort_out(&seen);
                if let Err(error) = self.take_share(&seen).await {
                    self.say(&error);
                }
            }
            Err(error) => {
                self.say(&error);
                self.drop_outlived();
            }
        }
        meter::leases(self.held.len());
    }

    async fn see(&self) -> anyhow::Result<Seen> {
        let now = self.ingest.ambient.now();
        let until = now + self.ingest.settings.lease;
        let leases: Vec<Lease> = self.held.values().map(|held| held.lease.clone()).collect();
        let mut session = db::Session::open(&self.ingest.pool).await?;
        let renewed = if leases.is_empty() { Vec::new() } else { mailboxes::renew(&mut session, &leases, until).await? };
        let workers = mailboxes::appear(&mut session, self.worker, now, until).await?;
        let folders = mailboxes::folders(&mut session).await?;
        session.done();
        for folder in &folders {
            meter::standing(folder, now);
        }
        let folders = folders.into_iter().map(|folder| (folder.key(), folder)).collect();
        Ok(Seen { workers, folders, renewed, until })
    }

    /// Lets go of what is lost, what is not to be read any more or not in this way, and what is more
    /// than a share.
    fn sort_out(&mut self, seen: &Seen) {
        let renewed: HashSet<&Lease> = seen.renewed.iter().collect();
        self.held.retain(|_, held| {
            let still = renewed.contains(&held.lease);
            if still {
                held.until = seen.until;
            } else {
                held.task.abort();
            }
            still
        });
        for (key, held) in &self.held {
            let wanted = seen.folders.get(key);
            if wanted.is_none_or(|folder| folder.mailbox != held.mailbox) {
                held.stop.cancel();
            }
        }
        let going = self.held.values().filter(|held| held.stop.is_cancelled()).count();
        let more = (self.held.len() - going).saturating_sub(share(seen));
        self.held.values().filter(|held| !held.stop.is_cancelled()).take(more).for_each(|held| held.stop.cancel());
    }

    /// Claims folders until it has its share.
    async fn take_share(&mut self, seen: &Seen) -> anyhow::Result<()> {
        let room = share(seen).saturating_sub(self.held.len());
        if room == 0 {
            return Ok(());
        }
        let now = self.ingest.ambient.now();
        let until = now + self.ingest.settings.lease;
        let claimed = self.limited(async {
            let mut session = db::Session::open(&self.ingest.pool).await?;
            let claimed = mailboxes::claim(&mut session, self.worker, i64::try_from(room)?, now, until).await?;
            session.done();
            Ok(claimed)
        });
        for lease in claimed.await? {
            match seen.folders.get(&lease.key) {
                Some(folder) => self.begin(folder.clone(), lease, until),
                // It came in this moment: the next look knows how to read it.
                None => _ = self.give_back(&lease).await,
            }
        }
        Ok(())
    }

    fn begin(&mut self, folder: Folder, lease: Lease, until: DateTime<Utc>) {
        meter::begin(&folder);
        let (stop, mailbox, key) = (self.stop.child_token(), folder.mailbox.clone(), lease.key.clone());
        let watching = watch(Arc::clone(&self.ingest), folder, lease.clone(), stop.clone());
        let returned = lease.clone();
        let task = self.tasks.spawn(async move {
            watching.await;
            returned
        });
        self.held.insert(key, Held { lease, mailbox, until, stop, task });
    }

    /// Waits until it is time to look again, and gives back what a task has ended with.
    async fn wait(&mut self) {
        let clock = self.ingest.ambient.clock.clone();
        // A lease is renewed in time, whatever the settings say.
        let next = clock.sleep(self.ingest.settings.look.min(self.ingest.settings.lease / 4));
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => return,
                () = self.stop.cancelled() => return,
                Some(ended) = self.tasks.join_next() => {
                    self.ended(ended).await;
                }
            }
        }
    }

    /// Gives back what a task has ended with. Says whether the database took it.
    async fn ended(&mut self, ended: Result<Lease, JoinError>) -> bool {
        let of_the_task = |error: &JoinError| self.held.values().find(|held| held.task.id() == error.id());
        let lease = ended.or_else(|error| of_the_task(&error).map(|held| held.lease.clone()).ok_or(error));
        // Whoever was let go of before has nothing to give back.
        let Ok(lease) = lease else { return true };
        // A task that was let go of earlier may end when the folder is held anew.
        if self.held.get(&lease.key).is_some_and(|held| held.lease == lease) {
            self.held.remove(&lease.key);
        }
        self.give_back(&lease).await
    }

    async fn give_back(&self, lease: &Lease) -> bool {
        let released = self.limited(async {
            let mut session = db::Session::open(&self.ingest.pool).await?;
            mailboxes::release(&mut session, lease).await?;
            session.done();
            Ok(())
        });
        let released = released.await;
        if let Err(error) = &released {
            tracing::warn!(account.id = %lease.key.account_id, "A mailbox could not be given back, and is free when its lease has run out: {}", causes(error));
        }
        released.is_ok()
    }

    /// Without the database nobody can say whether a lease that ran out is still ours.
    fn drop_outlived(&mut self) {
        let now = self.ingest.ambient.now();
        self.held.retain(|_, held| {
            let lives = held.until > now;
            if !lives {
                held.task.abort();
            }
            lives
        });
    }

    /// Each task finishes what it is accepting; its folder is free at once. Of a database that is away the
    /// first says so, for all of them.
    async fn finish(mut self) {
        let mut is_there = true;
        while let Some(ended) = self.tasks.join_next().await {
            is_there = is_there && self.ended(ended).await;
        }
        if !is_there {
            return;
        }
        let gone = self.limited(async {
            let mut session = db::Session::open(&self.ingest.pool).await?;
            mailboxes::disappear(&mut session, self.worker).await?;
            session.done();
            Ok(())
        });
        if let Err(error) = gone.await {
            tracing::debug!("The other workers learn only by and by that this one is gone: {error:#}");
        }
    }

    fn say(&mut self, error: &anyhow::Error) {
        if !std::mem::replace(&mut self.blind, true) {
            tracing::warn!("Mailboxes cannot be looked after, and are as soon as possible: {}", causes(error));
        }
    }

    /// Ends what takes too long: a lease has to be renewed before it runs out.
    async fn limited<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let limit = (self.ingest.settings.lease / 3).max(Duration::from_secs(1));
        tokio::time::timeout(limit, work).await.map_err(|_| anyhow::anyhow!("the database took longer than {limit:?}"))?
    }
}

/// How many folders a worker reads: as many as the others, but for the remainder.
fn share(seen: &Seen) -> usize {
    seen.folders.len().div_ceil(usize::try_from(seen.workers.max(1)).unwrap_or(1))
}
