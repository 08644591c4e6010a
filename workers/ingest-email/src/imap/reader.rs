//! Reads a folder by one connection: new mail first, and what waited long beside it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Connection;
use switchboard_common::broker::Queue;
use switchboard_common::db;
use switchboard_common::db::mailboxes::{self, Cursor, Folder, HandedOn, Lease, MailboxSince};
use tokio_util::sync::CancellationToken;

use super::aside::{self, Aside};
use super::error::ImapError;
use super::plan::{Bounds, Stretch, Waiting, next_stretch, set_back, work_off};
use super::session::{Examined, Fetched, Idled, Session};
use super::watch::{Care, Memory, called};
use super::{BATCH, IngestEmail, meter};
use crate::accept::{Accepted, LARGEST_MAIL, RawMail, accept_all};
use switchboard_mail_reader::SmtpEnvelope;

const BOUNDS: Bounds = Bounds { mails: BATCH, bytes: 4 * 1024 * 1024, largest_mail: LARGEST_MAIL };
/// An IDLE is begun anew before a server may end it, which it may after 29 minutes (RFC 2177).
const LONGEST_IDLE: Duration = Duration::from_mins(25);
/// How long is waited when enough of a catch-up waits for the router.
const PAUSE: Duration = Duration::from_secs(1);
/// How long it may take to store and hand on what was fetched.
const STORING: Duration = Duration::from_mins(1);
/// How far a mail server's clock may be from ours.
const CLOCKS_APART: TimeDelta = TimeDelta::hours(1);

/// What waits, by the way that it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    New,
    Old,
}

/// A folder while it is being read.
pub(super) struct Reader<'r> {
    ingest: &'r IngestEmail,
    folder: &'r Folder,
    lease: &'r Lease,
    memory: &'r mut Memory,
    stop: &'r CancellationToken,
    session: Session,
    cursor: Cursor,
    new: VecDeque<Waiting>,
    old: VecDeque<Waiting>,
    /// The server has IDLE, and has not refused it.
    idle: bool,
}

impl<'r> Reader<'r> {
    pub(super) fn new(
        ingest: &'r IngestEmail,
        folder: &'r Folder,
        lease: &'r Lease,
        memory: &'r mut Memory,
        stop: &'r CancellationToken,
        session: Session,
    ) -> Self {
        let (cursor, new, old) = (Cursor::default(), VecDeque::new(), VecDeque::new());
        Self { ingest, folder, lease, memory, stop, session, cursor, new, old, idle: false }
    }

    /// Reads until something ends it, and says what that was.
    pub(super) async fn read(mut self) -> ImapError {
        let stop = self.stop;
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => Err(ImapError::Stopped),
            opened = self.open() => opened,
        };
        let mut ended = opened;
        while ended.is_ok() {
            ended = self.round().await;
        }
        let error = ended.err().unwrap_or(ImapError::Stopped);
        if matches!(error, ImapError::Stopped) {
            self.session.leave().await;
        }
        error
    }

    /// Opens the folder and finds out where reading goes on.
    async fn open(&mut self) -> Result<(), ImapError> {
        self.idle = self.session.has_idle().await?;
        let examined = self.session.examine(&self.folder.folder).await?;
        if examined.uid_validity.is_none() {
            return Err(ImapError::Lacking("names no UIDVALIDITY, without which nobody can say what was read already"));
        }
        self.cursor = self.load().await?;
        let source = self.folder.mailbox.source();
        let same_place = self.cursor.source.as_ref() == Some(&source);
        if !same_place || self.cursor.uid_validity != examined.uid_validity || self.went_back(examined).await? {
            if same_place {
                tracing::warn!(account.id = %self.folder.account.account_id, "The server numbered {} anew: it is read from the start, and what is known already makes nothing new", called(self.folder));
            }
            self.begin(source, examined).await?;
        }
        for (from, to) in self.cursor.backlog.clone() {
            let listed = self.session.list(from, Some(to)).await?;
            self.old.extend(listed.iter().map(|listed| listed.mail));
        }
        Ok(())
    }

    /// Whether the server will give numbers once more that were read already, as after it was put back
    /// to an earlier day; it should name another UIDVALIDITY then, and may not.
    async fn went_back(&mut self, examined: Examined) -> Result<bool, ImapError> {
        let Some(next) = examined.uid_next.filter(|next| (1..=self.cursor.last_uid).contains(next)) else { return Ok(false) };
        // Where there are mails from that number on, it is the number that is wrong.
        Ok(self.session.list(next, None).await?.is_empty())
    }

    /// Puts the cursor at the place where a folder is begun.
    async fn begin(&mut self, source: String, examined: Examined) -> Result<(), ImapError> {
        let last_uid = match (self.folder.mailbox.since, self.cursor.began_at) {
            (MailboxSince::Everything, _) => 0,
            (MailboxSince::Now, None) => match examined.uid_next {
                Some(next) => next.saturating_sub(1),
                None => self.before(None).await?,
            },
            (MailboxSince::Now, Some(began)) => self.before(Some(began - CLOCKS_APART)).await?,
        };
        let began_at = self.cursor.began_at.or(Some(self.ingest.ambient.now()));
        self.cursor = Cursor { source: Some(source), uid_validity: examined.uid_validity, last_uid, backlog: Vec::new(), began_at };
        (self.memory.new, self.memory.old) = (Care::default(), Care::default());
        self.write(&[], None).await
    }

    /// The UID before the first mail that came at this time or later; the last UID without a time.
    async fn before(&mut self, time: Option<DateTime<Utc>>) -> Result<u32, ImapError> {
        let listed = self.session.list(1, None).await?;
        let since = |arrived: Option<DateTime<Utc>>| time.is_some_and(|time| arrived.is_none_or(|arrived| arrived >= time));
        let first = listed.iter().find(|listed| since(listed.arrived)).map(|listed| listed.mail.uid - 1);
        Ok(first.or_else(|| listed.last().map(|listed| listed.mail.uid)).unwrap_or_default())
    }

    /// Takes all that is new and a piece of the catch-up; without one, waits for something new.
    async fn round(&mut self) -> Result<(), ImapError> {
        self.session.take_news();
        if let Some(next) = self.cursor.last_uid.checked_add(1) {
            let listed = self.unless_stopped(async |session| session.list(next, None).await).await?;
            self.new = listed.iter().map(|listed| listed.mail).collect();
            let old = set_back(&mut self.cursor, &mut self.new, self.ingest.settings.backlog_threshold);
            if !old.is_empty() {
                tracing::info!(account.id = %self.folder.account.account_id, waiting = old.len(), "{} is caught up with: {} mails have waited", called(self.folder), old.len());
                self.old.extend(old);
                // A connection that is lost before the first is taken begins with the same catch-up.
                self.write(&[], None).await?;
            }
            self.count();
        }
        while !self.new.is_empty() {
            self.take(Lane::New).await?;
        }
        if self.old.is_empty() {
            self.rest().await
        } else if self.room().await? {
            self.take(Lane::Old).await?;
            self.unless_stopped(async |session| session.noop().await).await
        } else {
            self.well().await?;
            self.pause(PAUSE).await?;
            self.unless_stopped(async |session| session.noop().await).await
        }
    }

    /// Deals with the next stretch of what waits.
    async fn take(&mut self, lane: Lane) -> Result<(), ImapError> {
        let waiting = if lane == Lane::New { &self.new } else { &self.old };
        let care = if lane == Lane::New { &self.memory.new } else { &self.memory.old };
        let stretch = next_stretch(waiting, BOUNDS, care.single_upto);
        let outcome = self.deal_with(lane, &stretch).await;
        let now = self.ingest.ambient.now();
        match &outcome {
            Ok(()) => self.care(lane).passed(&stretch),
            Err(error) => self.care(lane).failed(&stretch, error, now),
        }
        outcome
    }

    fn care(&mut self, lane: Lane) -> &mut Care {
        match lane {
            Lane::New => &mut self.memory.new,
            Lane::Old => &mut self.memory.old,
        }
    }

    async fn deal_with(&mut self, lane: Lane, stretch: &Stretch) -> Result<(), ImapError> {
        let mut asides: Vec<Aside> = stretch.too_large.iter().copied().map(too_large).collect();
        let mut broken = None;
        if !stretch.fetch.is_empty() {
            let given_up = self.given_up(lane, stretch);
            if let Some((_, other)) = &given_up {
                // The server hands out others: else it is the server that is at fault, and the mail stays.
                self.fetch(&[*other]).await?;
            }
            match (self.fetch(&stretch.fetch).await, given_up) {
                (Ok(fetched), _) => asides.extend(self.accept(lane, stretch, fetched).await?),
                (Err(error), Some((aside, _))) if error.may_be_the_mails() => {
                    asides.push(aside);
                    broken = Some(error);
                }
                (Err(error), _) => return Err(error),
            }
        }
        self.advance(lane, stretch.end());
        self.count();
        self.write(&asides, Some(self.ingest.ambient.now())).await?;
        // It goes forward, whatever comes next.
        self.memory.backoff.reset();
        meter::set_aside(self.folder, asides.len());
        aside::log(self.folder, &asides);
        broken.map_or(Ok(()), Err)
    }

    /// A single mail that was asked for too often, if another waits behind it. It is not always the same
    /// other, which may be withheld as well.
    fn given_up(&mut self, lane: Lane, stretch: &Stretch) -> Option<(Aside, Waiting)> {
        let [mail] = stretch.fetch.as_slice() else { return None };
        let (now, after) = (self.ingest.ambient.now(), self.ingest.settings.give_up);
        let care = self.care(lane);
        let (reason, beyond) = (care.given_up(mail.uid, now, after)?, care.beyond(mail.uid));
        let lanes = if lane == Lane::New { [&self.new, &self.old] } else { [&self.old, &self.new] };
        let fits = |other: &&Waiting| other.uid != mail.uid && usize::try_from(other.size).is_ok_and(|size| size <= LARGEST_MAIL);
        let others: Vec<Waiting> = lanes.into_iter().flatten().filter(fits).copied().collect();
        let other = others.get(beyond % others.len().max(1))?;
        Some((Aside { uid: mail.uid, size: mail.size, raw: None, reason }, *other))
    }

    async fn fetch(&mut self, mails: &[Waiting]) -> Result<Vec<Fetched>, ImapError> {
        let fetched = self.unless_stopped(async |session| session.fetch(mails).await).await?;
        let is_missing = |mail: &&Waiting| fetched.iter().all(|fetched| fetched.uid != mail.uid);
        let missing: Vec<Waiting> = mails.iter().filter(is_missing).copied().collect();
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            let (first, last) = (first.uid, last.uid);
            // A server may tell only now that they are gone.
            self.unless_stopped(async |session| session.noop().await).await?;
            let still = self.unless_stopped(async |session| session.list(first, Some(last)).await).await?;
            if still.iter().any(|listed| missing.iter().any(|mail| mail.uid == listed.mail.uid)) {
                return Err(ImapError::Refused { call: "UID FETCH", answer: "it left out a mail that is there".to_owned() });
            }
        }
        Ok(fetched)
    }

    /// Has mails accepted, and says which of them have to be set aside.
    async fn accept(&mut self, lane: Lane, stretch: &Stretch, fetched: Vec<Fetched>) -> Result<Vec<Aside>, ImapError> {
        let size = |uid| stretch.fetch.iter().find(|mail| mail.uid == uid).map_or(0, |mail| mail.size);
        let (mut asides, mut uids, mut mails) = (Vec::new(), Vec::new(), Vec::new());
        for Fetched { uid, bytes } in fetched {
            uids.push(uid);
            mails.push(RawMail { bytes: Arc::from(bytes), envelope: SmtpEnvelope::default() });
        }
        let raws: Vec<Arc<[u8]>> = mails.iter().map(|mail| Arc::clone(&mail.bytes)).collect();
        let queue = if lane == Lane::New { Queue::Inbound } else { Queue::InboundBacklog };
        let IngestEmail { pool, broker, ambient, limits, .. } = self.ingest;
        let accepting = accept_all(pool, broker.as_ref(), ambient, &self.folder.account, *limits, queue, mails);
        let slow = || ImapError::Slow { what: "to accept mails", limit: STORING };
        let accepted = match tokio::time::timeout(STORING, accepting).await.map_err(|_| slow())? {
            Ok(accepted) => accepted,
            // Nothing but this mail can be at fault.
            Err(error) if error.is_about_the_mail() && raws.len() == 1 => vec![Err(error)],
            Err(error) => return Err(error.into()),
        };
        meter::taken(self.folder, queue.as_str(), accepted.iter().filter(|accepted| accepted.is_ok()).count());
        for ((uid, raw), accepted) in uids.into_iter().zip(raws).zip(accepted) {
            match accepted {
                Ok(Accepted { id, external_id, .. }) if lane == Lane::Old => self.memory.handed_on.push(HandedOn { id, external_id }),
                Ok(_) => {}
                Err(error) => {
                    let raw = Some(raw).filter(|_| !error.is_bad_input());
                    asides.push(Aside { uid, size: size(uid), raw, reason: error.to_string() });
                }
            }
        }
        Ok(asides)
    }

    /// Remembers how many mails are known to wait, also for when the connection is lost.
    fn count(&mut self) {
        self.memory.waiting = Some(self.new.len() + self.old.len());
    }

    /// Everything up to here is dealt with.
    fn advance(&mut self, lane: Lane, upto: u32) {
        let waiting = if lane == Lane::New { &mut self.new } else { &mut self.old };
        while waiting.front().is_some_and(|mail| mail.uid <= upto) {
            waiting.pop_front();
        }
        match lane {
            Lane::New => self.cursor.last_uid = upto,
            Lane::Old if self.old.is_empty() => self.cursor.backlog.clear(),
            Lane::Old => work_off(&mut self.cursor, upto),
        }
    }

    /// Whether the router has taken enough of the catch-up for another batch.
    async fn room(&mut self) -> Result<bool, ImapError> {
        let most = self.ingest.settings.backlog_cap.saturating_sub(BATCH);
        if self.memory.handed_on.len() > most {
            let handed_on = std::mem::take(&mut self.memory.handed_on);
            let tenant = self.folder.account.tenant_id;
            let unrouted = limited(async {
                let mut session = db::Session::open(&self.ingest.pool).await?;
                let unrouted = mailboxes::unrouted(&mut session, tenant, &handed_on).await?;
                session.done();
                Ok(unrouted)
            });
            match unrouted.await {
                Ok(unrouted) => self.memory.handed_on = unrouted,
                Err(error) => {
                    self.memory.handed_on = handed_on;
                    return Err(error);
                }
            }
        }
        Ok(self.memory.handed_on.len() <= most)
    }

    /// Waits for something new: until the server says so, and not longer than one may trust it.
    async fn rest(&mut self) -> Result<(), ImapError> {
        if !self.cursor.backlog.is_empty() {
            // What was left of the catch-up is gone from the server.
            self.cursor.backlog.clear();
            self.write(&[], None).await?;
        }
        self.well().await?;
        let poll = Duration::from_secs(u64::from(self.folder.mailbox.poll_seconds)).min(LONGEST_IDLE);
        if self.idle {
            let (clock, stop) = (&self.ingest.ambient.clock, self.stop);
            let enough = async {
                tokio::select! {
                    () = clock.sleep(poll) => {}
                    () = stop.cancelled() => {}
                }
            };
            match self.session.idle(enough).await? {
                Idled::Done => {}
                Idled::Refused => self.idle = false,
            }
        } else {
            self.pause(poll).await?;
        }
        if self.stop.is_cancelled() {
            return Err(ImapError::Stopped);
        }
        self.unless_stopped(async |session| if session.take_news() { Ok(()) } else { session.noop().await }).await
    }

    async fn pause(&self, wait: Duration) -> Result<(), ImapError> {
        tokio::select! {
            () = self.ingest.ambient.clock.sleep(wait) => Ok(()),
            () = self.stop.cancelled() => Err(ImapError::Stopped),
        }
    }

    /// Asks the server something, unless the worker is to stop.
    async fn unless_stopped<T>(&mut self, ask: impl AsyncFnOnce(&mut Session) -> Result<T, ImapError>) -> Result<T, ImapError> {
        let stop = self.stop;
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(ImapError::Stopped),
            answer = ask(&mut self.session) => answer,
        }
    }

    async fn load(&self) -> Result<Cursor, ImapError> {
        let loaded = limited(async {
            let mut session = db::Session::open(&self.ingest.pool).await?;
            let cursor = mailboxes::cursor(&mut session, self.lease).await?;
            session.done();
            Ok(cursor)
        });
        loaded.await?.ok_or(ImapError::LeaseLost)
    }

    /// Writes the cursor, and what is set aside with it, if the lease is still held.
    async fn write(&self, asides: &[Aside], success: Option<DateTime<Utc>>) -> Result<(), ImapError> {
        let Self { ingest, folder, lease, cursor, .. } = self;
        let written = limited(async {
            let mut session = db::Session::open(&ingest.pool).await?;
            let mut transaction = session.begin().await?;
            let waiting = self.new.len() + self.old.len();
            let held = mailboxes::move_cursor(&mut transaction, lease, cursor, waiting, success).await?;
            if held && !asides.is_empty() {
                aside::keep(&mut transaction, &ingest.ambient, folder, cursor.uid_validity, asides).await?;
            }
            transaction.commit().await?;
            session.done();
            Ok(held)
        });
        if written.await? { Ok(()) } else { Err(ImapError::LeaseLost) }
    }

    /// Notes that all is well.
    async fn well(&mut self) -> Result<(), ImapError> {
        let waiting = self.new.len() + self.old.len();
        let noted = limited(async {
            let mut session = db::Session::open(&self.ingest.pool).await?;
            let held = mailboxes::succeeded(&mut session, self.lease, waiting, self.ingest.ambient.now()).await?;
            session.done();
            Ok(held)
        });
        if !noted.await? {
            return Err(ImapError::LeaseLost);
        }
        self.memory.well(self.folder);
        Ok(())
    }
}

/// Ends what the database takes too long for.
async fn limited<T>(work: impl Future<Output = sqlx::Result<T>>) -> Result<T, ImapError> {
    let slow = |_| ImapError::Slow { what: "the database", limit: STORING };
    Ok(tokio::time::timeout(STORING, work).await.map_err(slow)??)
}

fn too_large(mail: Waiting) -> Aside {
    let reason = format!("it is too large: {} bytes, expected at most {} MiB", mail.size, LARGEST_MAIL / (1024 * 1024));
    Aside { uid: mail.uid, size: mail.size, raw: None, reason }
}
