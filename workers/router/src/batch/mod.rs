//! A batch of messages in one transaction, in the steps of the files of this folder: gather what is
//! known, under locks taken in one order; decide message by message, in memory; write.

mod case;
mod deal;
mod decide;
mod enter;
mod evidence;
mod finish;
mod gather;
mod keywords;
mod open;
mod opening;
mod pointers;
mod reasons;
mod screen;
mod senders;
mod texts;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Failure, Handler};
use switchboard_common::db;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::ids::InboundId;

use crate::desks::Desks;

/// Routes batches of inbound messages.
#[derive(Debug)]
pub struct BatchHandler {
    pool: PgPool,
    ambient: Ambient,
    desks: Desks,
}

impl BatchHandler {
    /// A handler on this database.
    #[must_use]
    pub fn new(pool: PgPool, ambient: Ambient) -> Self {
        Self { pool, ambient, desks: Desks::default() }
    }
}

#[async_trait]
impl Handler for BatchHandler {
    type Message = InboundMessage;

    async fn ready(&self) -> anyhow::Result<()> {
        let mut session = db::Session::open(&self.pool).await?;
        db::probe::write(&mut session, self.ambient.now()).await?;
        session.done();
        Ok(())
    }

    async fn handle(&self, batch: &[InboundMessage]) -> Result<(), Failure> {
        let messages: Vec<(InboundId, &InboundMessage)> = batch.iter().map(|message| (self.ambient.new_id(), message)).collect();
        let mut session = db::Session::open(&self.pool).await?;
        let mut transaction = session.begin().await?;
        let mut known = gather::gather(&mut transaction, &self.desks, &self.ambient, messages).await?;
        let mut decided = decide::Decided::default();
        for (inbound_id, message) in known.new.iter().chain(&known.anew).copied().collect::<Vec<_>>() {
            let desk = Arc::clone(&known.desks[&message.tenant_id]);
            let step = decide::Step { known: &mut known, decided: &mut decided, ambient: &self.ambient, desk: &desk };
            step.decide(inbound_id, message)?;
        }
        let routed = write::write(&mut transaction, &self.ambient, known, decided).await?;
        transaction.commit().await?;
        session.done();
        let now = self.ambient.now();
        for routed in &routed {
            routed.tell(now);
        }
        if routed.len() < batch.len() {
            tracing::info!("{} of {} messages had come before and were only counted", batch.len() - routed.len(), batch.len());
        }
        Ok(())
    }
}
