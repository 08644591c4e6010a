//! Keeps one folder being read, whatever happens, until it is stopped or the lease is lost.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use switchboard_common::db;
use switchboard_common::db::mailboxes::{self, Folder, HandedOn, Lease};
use switchboard_common::supervise::Backoff;
use tokio_util::sync::CancellationToken;

use super::connect::connect;
use super::error::{ImapError, tidy};
use super::plan::Stretch;
use super::reader::Reader;
use super::{IngestEmail, meter};

/// How often a mail is asked for before it is set aside.
const TRIES: u32 = 3;

/// What is remembered of a folder from one connection to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What went wrong with which new mail.
    pub new: Care,
    /// What went wrong with which mail of the catch-up: new mail that comes meanwhile changes nothing about it.
    pub old: Care,
    /// Mails of the catch-up that the router may not have taken yet.
    pub handed_on: Vec<HandedOn>,
    pub backoff: Backoff,
    /// How many mails the last connection knew to wait.
    pub waiting: Option<usize>,
    /// The last fault that was logged at length.
    said: Option<String>,
}

/// Watches over mails that a session broke at.
#[derive(Debug, Default)]
pub(super) struct Care {
    /// Up to this UID mails are fetched one by one.
    pub single_upto: u32,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Trouble {
    uid: u32,
    since: DateTime<Utc>,
    failures: u32,
    reason: String,
}

impl Care {
    /// A stretch could not be fetched or accepted.
    pub(super) fn failed(&mut self, stretch: &Stretch, error: &ImapError, now: DateTime<Utc>) {
        if !error.may_be_the_mails() {
            return;
        }
        self.single_upto = self.single_upto.max(stretch.end());
        let [mail] = stretch.fetch.as_slice() else { return };
        match &mut self.trouble {
            Some(trouble) if trouble.uid == mail.uid => {
                trouble.failures += 1;
                trouble.reason = error.to_string();
            }
            trouble => *trouble = Some(Trouble { uid: mail.uid, since: now, failures: 1, reason: error.to_string() }),
        }
    }

    /// How often a mail was asked for beyond what it takes to give it up.
    pub(super) fn beyond(&self, uid: u32) -> usize {
        let trouble = self.trouble.as_ref().filter(|trouble| trouble.uid == uid);
        trouble.map_or(0, |trouble| trouble.failures.saturating_sub(TRIES) as usize)
    }

    /// Why a mail is not asked for any more, if that is so.
    pub(super) fn given_up(&self, uid: u32, now: DateTime<Utc>, after: std::time::Duration) -> Option<String> {
        let trouble = self.trouble.as_ref().filter(|trouble| trouble.uid == uid && trouble.failures >= TRIES)?;
        let passed = (now - trouble.since).to_std().unwrap_or_default();
        (passed >= after).then(|| format!("it could not be fetched, {} times in {passed:?}: {}", trouble.failures, trouble.reason))
    }

    /// A stretch was dealt with.
    pub(super) fn passed(&mut self, stretch: &Stretch) {
        self.trouble = self.trouble.take().filter(|trouble| stretch.fetch.iter().all(|mail| mail.uid != trouble.uid));
        if stretch.end() >= self.single_upto {
            self.single_upto = 0;
        }
    }
}

/// Reads a folder until `stop`, or until the lease is another's.
pub(super) async fn watch(ingest: Arc<IngestEmail>, folder: Folder, lease: Lease, stop: CancellationToken) {
    let mut memory = Memory::default();
    while !stop.is_cancelled() {
        let session = AssertUnwindSafe(session(&ingest, &folder, &lease, &mut memory, &stop)).catch_unwind();
        let error = match session.await {
            Ok(ImapError::Stopped) => return,
            Ok(ImapError::LeaseLost) => {
                tracing::info!(account.id = %folder.account.account_id, "{} is read by another worker by now", called(&folder));
                return;
            }
            Ok(error) => error,
            Err(_) => ImapError::Lacking("sent something that made its reader panic"),
        };
        tokio::select! {
            () = memory.note(&ingest, &folder, &lease, &error) => {}
            () = stop.cancelled() => return,
        }
        if matches!(error, ImapError::Login(_)) {
            let wait = ingest.settings.refused.mul_f64(0.75 + 0.5 * ingest.ambient.fraction());
            tokio::select! {
                () = ingest.ambient.clock.sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        } else {
            memory.backoff.wait(&ingest.ambient, &stop).await;
        }
    }
}

/// One connection from its beginning to its end, and why that came.
async fn session(ingest: &IngestEmail, folder: &Folder, lease: &Lease, memory: &mut Memory, stop: &CancellationToken) -> ImapError {
    let connected = tokio::select! {
        biased;
        () = stop.cancelled() => return ImapError::Stopped,
        connected = connect(&folder.mailbox, &ingest.tls, ingest.settings.call) => connected,
    };
    match connected {
        Ok(session) => {
            let error = Reader::new(ingest, folder, lease, memory, stop, session).read().await;
            if !matches!(error, ImapError::Stopped | ImapError::LeaseLost) {
                meter::interrupted(folder);
            }
            error
        }
        Err(error) => {
            meter::connect_failed(folder);
            error
        }
    }
}

impl Memory {
    /// A fault is logged when it is another than the one before, and kept for whoever asks.
    async fn note(&mut self, ingest: &IngestEmail, folder: &Folder, lease: &Lease, error: &ImapError) {
        let text = tidy(&error.to_string(), None);
        if self.said.as_ref() == Some(&text) {
            tracing::debug!(account.id = %folder.account.account_id, "{} still cannot be read: {text}", called(folder));
        } else {
            tracing::warn!(account.id = %folder.account.account_id, "{} cannot be read, and is tried again: {text}", called(folder));
        }
        let noted = async {
            let mut session = db::Session::open(&ingest.pool).await?;
            mailboxes::failed(&mut session, lease, &text, self.waiting, ingest.ambient.now()).await?;
            session.done();
            Ok::<_, sqlx::Error>(())
        };
        // When the database is what fails, the log has to do.
        let _ = tokio::time::timeout(ingest.settings.call, noted).await;
        self.said = Some(text);
    }

    /// The folder was read to its end.
    pub(super) fn well(&mut self, folder: &Folder) {
        self.backoff.reset();
        if self.said.take().is_some() {
            tracing::info!(account.id = %folder.account.account_id, "{} is read again", called(folder));
        }
    }
}

/// What a folder is called in the log.
pub(super) fn called(folder: &Folder) -> String {
    format!("{} of {}/{}", folder.folder, folder.account.tenant_name, folder.account.name)
}
