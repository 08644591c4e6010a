//! From events to who is told: a batch of events in one transaction. What the events are about is gathered (`gather`, with the
//! tenants' people and what they chose from `desks` and `settings`), each is decided in memory (`decide`), and everything is
//! written at once (`write`).
//!
//! Deciding is pure. `audience` says who is in question and why (with `mentions`), `person` what becomes of each by what they
//! chose and are reached by (`reach`), `client` which way an answer takes (with `files`), and `storm` counts. [`foresee`] asks the
//! same functions about what has not happened.

mod audience;
#[cfg(test)]
mod cases;
mod client;
mod decide;
mod desks;
mod files;
mod foresee;
mod gather;
mod mentions;
mod person;
mod reach;
mod settings;
mod storm;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Failure, Handler};
use switchboard_common::db::{self, notifications, outbox};
use switchboard_common::domain::event::Event;

pub(crate) use files::left_behind;
pub use foresee::{Foreseen, Outlook, SettingSeen, foresee};

/// Plans batches of events.
#[derive(Debug, Clone)]
pub struct Planner {
    pool: PgPool,
    ambient: Ambient,
    desks: Arc<desks::Desks>,
}

impl Planner {
    /// A planner on this database.
    #[must_use]
    pub fn new(pool: PgPool, ambient: Ambient) -> Self {
        Self { pool, ambient, desks: Arc::default() }
    }

    async fn plan(&self, events: &[Event]) -> Result<(), Failure> {
        let now = self.ambient.now();
        let mut session = db::Session::open(&self.pool).await?;
        let mut transaction = db::begin_planning_anew(&mut session).await?;
        let gathered = gather::gather(&mut transaction, &self.desks, events, now).await?;
        let planned = gathered.decide();
        write::write(&mut transaction, &self.ambient, &planned, now).await?;
        outbox::planned(
            &mut transaction,
            &events.iter().map(|event| event.tenant_id.0).collect::<Vec<_>>(),
            &events.iter().map(|event| event.id.0).collect::<Vec<_>>(),
        )
        .await?;
        // Also when nobody is told: deliveries of later versions may have waited for this event.
        notifications::hint(&mut transaction).await?;
        transaction.commit().await?;
        session.done();
        Ok(())
    }

    /// An event that can never be planned goes to the dead letters. It must not be published again,
    /// and what comes after it on the same ticket must not wait for it.
    async fn give_up(&self, event: &Event) -> Result<(), Failure> {
        let mut session = db::Session::open(&self.pool).await?;
        outbox::planned(&mut session, &[event.tenant_id.0], &[event.id.0]).await?;
        notifications::hint(&mut session).await?;
        session.done();
        Ok(())
    }
}

#[async_trait]
impl Handler for Planner {
    type Message = Event;

    async fn ready(&self) -> anyhow::Result<()> {
        let mut session = db::Session::open(&self.pool).await?;
        db::probe::write(&mut session, self.ambient.now()).await?;
        session.done();
        Ok(())
    }

    async fn handle(&self, batch: &[Event]) -> Result<(), Failure> {
        match (self.plan(batch).await, batch) {
            (Err(Failure::Reject(reason)), [event]) => {
                self.give_up(event).await?;
                Err(Failure::Reject(reason))
            }
            (planned, _) => planned,
        }
    }
}
