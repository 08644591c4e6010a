//! `switchboard dead replay`: has dead letters processed again.
//!
//! What came in is published to the queue that it came from, and once the broker has confirmed that,
//! its letter is removed. When this process dies in between, the letter is still there, is replayed
//! again, and the router gets a double, of which the dedupe key takes only the first.
//!
//! An event is not published from here. It goes back to where it was before it died, the outbox, in
//! the transaction that removes its letter. From there it is published until it is planned, and mail
//! of later events on its ticket waits for it, as if it had never died.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use sqlx::{Connection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{self, Broker, Outgoing, Queue};
use switchboard_common::config::Config;
use switchboard_common::db::dead_letters::{self, By, DeadLetter, LetterEnd};
use switchboard_common::db::{Session, connect};
use switchboard_common::domain::event::Event;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::envelope;
use uuid::Uuid;

use super::select::Found;
use super::{BATCH, Tally, whoever};
use crate::database::Database;
use crate::output::print;

/// Replays those that were found, one of them perhaps with the payload in a file; or says what it
/// would do.
pub async fn run(
    config: &Config,
    database: &Database,
    ambient: &Ambient,
    found: Found,
    payload: Option<&Path>,
    dry_run: bool,
) -> anyhow::Result<()> {
    let pool = connect::pool(database.options().clone(), 4);
    ambient.clock.follow(&pool).await?;
    let edited = payload.map(|path| edited(path, &found)).transpose()?;
    let broker = broker::connect(config, &pool, ambient)?;
    let replay = Replay { broker: Arc::clone(&broker), ambient, edited, dry_run, pool: pool.clone() };
    let outcome = replay.all(found).await;
    pool.close().await;
    broker.close().await;
    outcome
}

/// What stands in a file instead of a letter's payload, once it is known that it can be read.
fn edited(path: &Path, found: &Found) -> anyhow::Result<Vec<u8>> {
    let payload = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    match (&found.lines[..], &found.missing[..]) {
        ([line], []) => match check(&line.queue, line.id, &payload) {
            Ok(()) => Ok(payload),
            Err(why) => bail!("{} cannot be replayed to {}: {why}", path.display(), line.queue),
        },
        ([], [missing]) => bail!("{missing}"),
        (lines, missing) => bail!("--payload is for one dead letter, not for {}", lines.len() + missing.len()),
    }
}

/// Sees that the reader of a queue could read a payload, and that it is still the same message.
pub fn check(queue: &str, id: Uuid, payload: &[u8]) -> Result<(), String> {
    let read = if route(queue)? == Queue::Events {
        envelope::open::<Event>(payload).map(|event| Some(event.id.0))
    } else {
        envelope::open::<InboundMessage>(payload).map(|_| None)
    };
    let body_id = read.map_err(|error| error.to_string())?;
    let head: Head = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    match [Some(head.id), body_id].into_iter().flatten().find(|found| *found != id) {
        Some(other) => Err(format!("its id is {other}, and that of the dead letter is {id}: expected the same")),
        None => Ok(()),
    }
}

/// What is read of an envelope whatever is in it.
#[derive(serde::Deserialize)]
struct Head {
    id: Uuid,
}

/// The queue of that name, if one can be replayed to it.
fn route(name: &str) -> Result<Queue, String> {
    if name == dead_letters::MAILBOX {
        return Err(
            "it names a mail that still lies in its mailbox: save it there, feed it to `switchboard pipe`, then drop this".to_owned()
        );
    }
    let queues = [Queue::Inbound, Queue::InboundBacklog, Queue::Events];
    let names = || queues.map(Queue::as_str).join(", ");
    queues
        .into_iter()
        .find(|queue| queue.as_str() == name)
        .ok_or_else(|| format!("it came from the queue {name:?}, which nothing can be replayed to: expected one of {}", names()))
}

struct Replay<'a> {
    pool: PgPool,
    broker: Arc<dyn Broker>,
    ambient: &'a Ambient,
    edited: Option<Vec<u8>>,
    dry_run: bool,
}

/// One batch, by the way that each takes.
#[derive(Default)]
struct Batch {
    /// For the outbox, with their letters.
    events: Vec<(Event, DeadLetter)>,
    /// For the broker.
    messages: Vec<(Queue, DeadLetter)>,
    /// What cannot be replayed, and why.
    wrong: Vec<String>,
}

impl Batch {
    fn letters(&self) -> Vec<&DeadLetter> {
        let events = self.events.iter().map(|(_, letter)| letter);
        events.chain(self.messages.iter().map(|(_, letter)| letter)).collect()
    }
}

impl Replay<'_> {
    async fn all(&self, found: Found) -> anyhow::Result<()> {
        let mut tally = Tally { done: 0, wrong: found.missing };
        let all = found.lines.len();
        for lines in found.lines.chunks(BATCH) {
            let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
            let done = tally.done;
            self.batch(&ids, &mut tally).await.with_context(|| format!("{done} of {all} replayed; the others are still there"))?;
        }
        tally.finish("replayed", self.dry_run)
    }

    async fn batch(&self, ids: &[Uuid], tally: &mut Tally) -> anyhow::Result<()> {
        let mut batch = self.load(ids).await?;
        if !self.dry_run {
            self.publish(&batch).await?;
            self.settle(&mut batch).await?;
        }
        let events = batch.events.iter().map(|(_, letter)| (letter, "events, by the outbox"));
        let messages = batch.messages.iter().map(|(queue, letter)| (letter, queue.as_str()));
        for (DeadLetter { id, queue, reason, .. }, to) in events.chain(messages) {
            let edited = if self.edited.is_some() { " with another payload" } else { "" };
            if self.dry_run {
                print(&format!("would replay {id}{edited} to {to}; it died of: {reason}\n"))?;
            } else {
                tracing::info!(letter.id = %id, queue, reason, "A dead letter was replayed");
                print(&format!("replayed {id}{edited} to {to}; it had died of: {reason}\n"))?;
            }
            tally.done += 1;
        }
        tally.wrong.extend(batch.wrong);
        Ok(())
    }

    /// Loads letters and decides which way each takes. An event that cannot be read, or whose ticket is
    /// not there, has no place in the outbox; it is published as it is, for whoever reads it to judge.
    async fn load(&self, ids: &[Uuid]) -> sqlx::Result<Batch> {
        let mut session = Session::open(&self.pool).await?;
        let mut letters = dead_letters::load(&mut session, ids).await?;
        let mut batch = Batch::default();
        let gone = ids.iter().filter(|id| !letters.iter().any(|letter| letter.id == **id));
        batch.wrong.extend(gone.map(|id| format!("{id} has gone meanwhile")));
        if let (Some(edited), [letter]) = (&self.edited, &mut letters[..]) {
            letter.payload.clone_from(edited);
        }
        for letter in letters {
            let event = envelope::open::<Event>(&letter.payload).ok().filter(|event| event.id.0 == letter.id);
            match (route(&letter.queue), event) {
                (Err(why), _) => batch.wrong.push(format!("{}: {why}", letter.id)),
                (Ok(Queue::Events), Some(event)) => batch.events.push((event, letter)),
                (Ok(queue), _) => batch.messages.push((queue, letter)),
            }
        }
        let events: Vec<&Event> = batch.events.iter().map(|(event, _)| event).collect();
        let known = dead_letters::with_ticket(&mut session, &events).await?;
        session.done();
        let (events, lost) = std::mem::take(&mut batch.events).into_iter().partition(|(event, _)| known.contains(&event.id.0));
        batch.events = events;
        let lost: Vec<(Event, DeadLetter)> = lost;
        batch.messages.extend(lost.into_iter().map(|(_, letter)| (Queue::Events, letter)));
        Ok(batch)
    }

    async fn publish(&self, batch: &Batch) -> anyhow::Result<()> {
        for queue in Queue::ALL {
            let of_queue = batch.messages.iter().filter(|(to, _)| *to == queue);
            let messages: Vec<Outgoing> = of_queue.map(|(_, letter)| outgoing(letter)).collect();
            if !messages.is_empty() {
                self.broker.publish(queue, messages).await?;
            }
        }
        Ok(())
    }

    /// Removes the letters, puts events back into the outbox, and all of it on record, in one
    /// transaction. An event goes back only from the letter that was loaded: if that died again
    /// meanwhile, somebody else has replayed it.
    async fn settle(&self, batch: &mut Batch) -> sqlx::Result<()> {
        let mut session = Session::open(&self.pool).await?;
        let mut transaction = session.begin().await?;
        let removed = dead_letters::remove(&mut transaction, &batch.letters()).await?;
        let (events, changed) = std::mem::take(&mut batch.events).into_iter().partition(|(_, letter)| removed.contains(&letter.id));
        let changed: Vec<(Event, DeadLetter)> = changed;
        batch.events = events;
        batch.wrong.extend(changed.iter().map(|(_, letter)| format!("{} has changed or gone meanwhile", letter.id)));
        let events: Vec<Event> = batch.events.iter().map(|(event, _)| event.clone()).collect();
        dead_letters::revive(&mut transaction, &events, self.ambient.now()).await?;
        let by = By { whom: &whoever(), at: self.ambient.now() };
        let how = if self.edited.is_some() { LetterEnd::Edited } else { LetterEnd::Replayed };
        let letters = batch.letters();
        let record_ids: Vec<Uuid> = letters.iter().map(|_| self.ambient.new_id()).collect();
        dead_letters::record(&mut transaction, &letters, how, by, &record_ids).await?;
        transaction.commit().await?;
        session.done();
        Ok(())
    }
}

fn outgoing(letter: &DeadLetter) -> Outgoing {
    Outgoing { id: letter.id, payload: letter.payload.clone(), headers: letter.headers.clone() }
}
