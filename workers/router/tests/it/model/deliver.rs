//! Delivers a random conversation in one of the ways in which brokers and crashes may deliver it.

use std::sync::Arc;

use rand::rngs::ChaCha20Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use switchboard_common::broker::{Failure, Handler};
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_router::batch::BatchHandler;

use super::outcome;
use super::proxy::Line;
use super::reference::Outcome;
use crate::spec::play::World;
use crate::spec::script::{Doing, Script};

/// More statements than routing a batch takes.
const STATEMENTS: i64 = 30;
/// How often a batch is tried.
const PATIENCE: usize = 20;

/// A way of delivering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// How many messages go in one batch.
    pub batch: usize,
    /// The messages of a burst come in any order.
    pub shuffled: bool,
    /// Some batches come twice.
    pub redelivered: bool,
    /// How many routers share the work.
    pub routers: usize,
    /// Now and then the line to the database is cut at any statement, and the batch comes again.
    pub crashes: bool,
}

impl Way {
    /// As the messages were written, one by one or in batches.
    pub const fn in_order(batch: usize) -> Self {
        Self { batch, shuffled: false, redelivered: false, routers: 1, crashes: false }
    }

    /// Whether it is known in which order the messages are taken.
    pub fn is_ordered(self) -> bool {
        !self.shuffled && self.routers == 1
    }

    /// Whether it is known how often each message comes.
    pub fn is_exact(self) -> bool {
        !self.redelivered && !self.crashes
    }
}

/// Delivers the script, and says what came out at each tenant.
pub async fn deliver(pool: &PgPool, script: &Script, way: Way, seed: u64) -> Result<Vec<Outcome>, String> {
    let mut world = World::new(pool, script).await?;
    let mut courier = Courier::new(pool, &world, way, seed).await;
    let mut burst = Vec::new();
    let mut result = Ok(());
    for step in &script.steps {
        world.advance_to(step.at);
        match &step.doing {
            Doing::Message(message) => burst.extend(world.messages(message).await?),
            Doing::Again { label, account } => burst.extend(world.once_more(label, account.as_deref())?),
            other => {
                result = courier.carry(std::mem::take(&mut burst)).await;
                if result.is_ok() {
                    result = world.operate(other).await;
                }
            }
        }
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = courier.carry(burst).await;
    }
    let mut outcomes = Vec::new();
    for twin in &world.twins {
        outcomes.push(outcome::read(pool, twin.desk.tenant, way.is_ordered()).await);
    }
    world.end().await;
    result.map(|()| outcomes)
}

struct Courier {
    way: Way,
    random: ChaCha20Rng,
    routers: Vec<Arc<BatchHandler>>,
    line: Line,
}

impl Courier {
    async fn new(pool: &PgPool, world: &World, way: Way, seed: u64) -> Self {
        let line = Line::new(pool).await;
        let own = || PgPoolOptions::new().max_connections(2).connect_lazy_with(pool.connect_options().as_ref().clone());
        let routers = (0..way.routers).map(|_| {
            let pool = if way.crashes { line.pool.clone() } else { own() };
            Arc::new(BatchHandler::new(pool, world.ambient.clone()))
        });
        Self { way, random: ChaCha20Rng::seed_from_u64(seed), routers: routers.collect(), line }
    }

    async fn carry(&mut self, mut burst: Vec<InboundMessage>) -> Result<(), String> {
        if self.way.shuffled {
            burst.shuffle(&mut self.random);
        }
        let mut batches: Vec<Vec<InboundMessage>> = burst.chunks(self.way.batch).map(<[_]>::to_vec).collect();
        if self.way.redelivered {
            for index in (0..batches.len()).rev().filter(|index| index % 3 == 0) {
                let again = batches[index].clone();
                let at = self.random.random_range(index + 1..=batches.len());
                batches.insert(at, again);
            }
        }
        let shares: Vec<Vec<Vec<InboundMessage>>> =
            (0..self.routers.len()).map(|router| batches.iter().skip(router).step_by(self.routers.len()).cloned().collect()).collect();
        let mut tasks = tokio::task::JoinSet::new();
        for (router, share) in self.routers.iter().zip(shares) {
            let (router, line) = (Arc::clone(router), self.line.clone());
            let mut random = ChaCha20Rng::seed_from_u64(self.random.random());
            let crashes = self.way.crashes;
            tasks.spawn(async move {
                for batch in share {
                    let cut = (crashes && random.random_bool(0.5)).then(|| random.random_range(0..STATEMENTS));
                    route(&router, &line, &batch, crashes, cut).await?;
                }
                Ok::<_, String>(())
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| error.to_string())??;
        }
        Ok(())
    }
}

/// Routes a batch until it is routed. `cut`: after so many statements the line is cut.
async fn route(router: &BatchHandler, line: &Line, batch: &[InboundMessage], crashes: bool, cut: Option<i64>) -> Result<(), String> {
    if let Some(statements) = cut {
        line.cut_after(statements);
    }
    let mut tries = 0..PATIENCE;
    loop {
        let Err(failure) = router.handle(batch).await else { break };
        match failure {
            Failure::Retry(ref error) if !error.to_string().contains("deadlock") => {}
            // The line may have been cut for the other router as well.
            Failure::GiveBack(_) if crashes => {}
            _ => return Err(format!("{failure:?}")),
        }
        if tries.next().is_none() {
            return Err(format!("again and again: {failure:?}"));
        }
    }
    line.spare();
    Ok(())
}
