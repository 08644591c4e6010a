//! How many messages a second the router takes from `inbound` to committed tickets and outbox, beside
//! two floors that write the same rows and decide nothing, in one run.
//!
//! Each round runs all three, each on a copy of the same database and with the same mails in its queue,
//! so that whatever else the machine does slows all; the medians of the rounds are compared.

mod floors;
mod mails;
mod rows;
mod stage;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use clap::{Parser, ValueEnum};
use sqlx::{AssertSqlSafe, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Failure, Handler, Queue, consume};
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_router::batch::BatchHandler;
use switchboard_router::{BATCH, Router, inbound};
use tokio_util::sync::CancellationToken;

use floors::{IN_FLIGHT, Known, Style};
use rows::Recorded;
use stage::{Place, Run, Stage};

/// Measures the router beside its floors.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measures this alone, and prints one number.
    #[arg(long)]
    only: Option<Contender>,
    /// Takes the queue of this broker alone.
    #[arg(long)]
    broker: Option<BrokerName>,
    /// How many messages a run takes.
    #[arg(long, default_value_t = 6400)]
    messages: usize,
    /// How often each is run.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Said by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Contender {
    Router,
    OneAtATime,
    OneByOne,
    OneStatement,
    Batches,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BrokerName {
    Rabbitmq,
    Postgres,
}

/// With what the table calls them.
const CONTENDERS: [(Contender, &str); 5] = [
    (Contender::Router, "the router"),
    (Contender::OneAtATime, "floor: one transaction at a time"),
    (Contender::OneByOne, "floor: a transaction a message"),
    (Contender::OneStatement, "  the same in one statement"),
    (Contender::Batches, "floor: batches by unnest"),
];

/// The router's own handler; stops the loop when all messages are routed.
struct Counting {
    handler: BatchHandler,
    left: AtomicUsize,
    transactions: AtomicUsize,
    stop: CancellationToken,
}

#[async_trait]
impl Handler for Counting {
    type Message = InboundMessage;

    async fn ready(&self) -> anyhow::Result<()> {
        self.handler.ready().await
    }

    async fn handle(&self, batch: &[InboundMessage]) -> Result<(), Failure> {
        self.handler.handle(batch).await?;
        self.transactions.fetch_add(1, Ordering::Relaxed);
        if self.left.fetch_sub(batch.len(), Ordering::Relaxed) == batch.len() {
            self.stop.cancel();
        }
        Ok(())
    }
}

/// How long a run took, and how many transactions.
struct Took {
    time: Duration,
    transactions: usize,
}

async fn route(run: &Run, count: usize) -> Took {
    let stop = CancellationToken::new();
    let router = Router { pool: run.pool.clone(), broker: Arc::clone(&run.broker), ambient: Ambient::system() };
    let counting = Counting {
        handler: BatchHandler::new(router.pool.clone(), router.ambient.clone()),
        left: AtomicUsize::new(count),
        transactions: AtomicUsize::new(0),
        stop: stop.clone(),
    };
    let begun = Instant::now();
    consume(&inbound(&router, Queue::Inbound, &stop), &counting).await;
    Took { time: begun.elapsed(), transactions: counting.transactions.into_inner() }
}

async fn write_one_by_one(run: &Run, known: Known, count: usize, how: (Style, usize)) -> Took {
    let known = Arc::new(known);
    let begun = Instant::now();
    floors::one_by_one(run.broker.as_ref(), &run.pool, known, count, how).await;
    Took { time: begun.elapsed(), transactions: count }
}

async fn write_batches(run: &Run, known: Known, count: usize) -> Took {
    let begun = Instant::now();
    let transactions = floors::batches(run.broker.as_ref(), &run.pool, &known, count, BATCH).await;
    Took { time: begun.elapsed(), transactions }
}

/// How many rows each table has, and what stands in them but for the times at which they were written.
async fn contents(pool: &PgPool) -> Vec<(String, i64, String)> {
    let names = "select relname::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'probes' order by 1";
    let mut contents = Vec::new();
    for name in sqlx::query_scalar::<_, String>(names).fetch_all(pool).await.expect("the tables") {
        let question = format!(
            "select count(*), md5(coalesce(string_agg(hash, '' order by hash), ''))
             from (select md5((to_jsonb(t) - 'created_at' - 'updated_at')::text) as hash from {name} t) h"
        );
        let (count, hash) = sqlx::query_as(AssertSqlSafe(question)).fetch_one(pool).await.expect("a count");
        contents.push((name, count, hash));
    }
    contents
}

fn counts(contents: &[(String, i64, String)]) -> Vec<(&str, i64)> {
    contents.iter().map(|(name, count, _)| (name.as_str(), *count)).collect()
}

/// Messages a second of each contender, from the slowest round to the fastest, and messages a transaction.
type Speeds = [(Vec<f64>, f64); CONTENDERS.len()];

async fn measure(stage: &Stage, place: Place, arguments: &Arguments) -> Speeds {
    let count = stage.mails.len();
    // What the router writes is what the floors are to write: it runs once beforehand, not measured.
    let run = stage.run("routing_recorded", place).await;
    route(&run, count).await;
    let recorded: Recorded = rows::record(&stage.before(), &run.pool).await;
    let expected = contents(&run.pool).await;
    stage.drop(run).await;
    let mut speeds: Speeds = Default::default();
    for round in 0..arguments.rounds {
        for ((contender, _), (speeds, size)) in CONTENDERS.into_iter().zip(&mut speeds) {
            if arguments.only.is_some_and(|only| only != contender) {
                continue;
            }
            let run = stage.run(&format!("routing_{round}"), place).await;
            let known = Known::new(&recorded, &run.ids);
            let took = match contender {
                Contender::Router => route(&run, count).await,
                Contender::OneAtATime => write_one_by_one(&run, known, count, (Style::Statements, 1)).await,
                Contender::OneByOne => write_one_by_one(&run, known, count, (Style::Statements, IN_FLIGHT)).await,
                Contender::OneStatement => write_one_by_one(&run, known, count, (Style::OneStatement, IN_FLIGHT)).await,
                Contender::Batches => write_batches(&run, known, count).await,
            };
            let written = contents(&run.pool).await;
            assert_eq!(counts(&written), counts(&expected), "{contender:?} wrote other rows than the router");
            assert!(contender == Contender::Router || written == expected, "{contender:?} wrote other contents than the router");
            stage.drop(run).await;
            speeds.push(float(count) / took.time.as_secs_f64());
            *size += float(count) / float(took.transactions) / float(arguments.rounds);
        }
    }
    for (speeds, _) in &mut speeds {
        speeds.sort_by(f64::total_cmp);
    }
    speeds
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}

fn print(out: &mut impl Write, place: Place, speeds: &Speeds) -> io::Result<()> {
    writeln!(out, "\nqueue on {place:?}")?;
    writeln!(out, "{:<34}{:>12}{:>18}{:>14}{:>8}", "", "messages/s", "slowest-fastest", "a transaction", "times")?;
    let median = |(speeds, _): &(Vec<f64>, f64)| speeds[speeds.len() / 2];
    let router = median(&speeds[0]);
    for ((_, name), contender) in CONTENDERS.into_iter().zip(speeds) {
        let (all, size) = contender;
        let spread = format!("{:.0}-{:.0}", all[0], all[all.len() - 1]);
        writeln!(out, "{name:<34}{:>12.0}{spread:>18}{size:>14.1}{:>8.2}", median(contender), router / median(contender))?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let server = std::env::var("DATABASE_URL").expect("DATABASE_URL names a server (scripts/bench starts one)");
    let places: &[Place] = match arguments.broker {
        None => &[Place::RabbitMq, Place::Postgres],
        Some(BrokerName::Rabbitmq) => &[Place::RabbitMq],
        Some(BrokerName::Postgres) => &[Place::Postgres],
    };
    let stage = Stage::build(&server, places, arguments.messages).await;
    let mut out = io::stdout().lock();
    if arguments.only.is_none() {
        writeln!(out, "{} messages of {} desks: {}.", arguments.messages, stage::DESKS, mails::shares())?;
        writeln!(out, "The router is its consumer of `inbound` alone: the relay and the drain of dead letters do not run.")?;
        writeln!(out, "A transaction a message: {IN_FLIGHT} under way at once, unless said otherwise. \"times\": the router by this.")?;
        writeln!(out, "PostgreSQL with {}; medians of {} rounds.", stage.durability().await, arguments.rounds)?;
    }
    for place in places {
        let speeds = measure(&stage, *place, &arguments).await;
        match arguments.only {
            Some(only) => writeln!(out, "{:.0}", speeds[only as usize].0[arguments.rounds / 2])?,
            None => print(&mut out, *place, &speeds)?,
        }
    }
    Ok(())
}
