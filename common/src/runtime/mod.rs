//! How a worker runs as a process of its own: [`main`] reads the configuration, starts log, metrics and
//! traces, opens the way to database and broker, says how it is ([`http`], with the [`gauges`] of what
//! waits), runs until a signal, and lets what is in flight finish ([`workers`]).
//!
//! `switchboard up` runs all workers in one process by the same parts.

mod arguments;
pub mod gauges;
pub mod health;
pub mod http;
mod signals;
mod workers;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

use crate::ambient::Ambient;
use crate::broker::{self, Broker, Queue};
use crate::config::Config;
use crate::db::connect;
use crate::telemetry::{self, metrics, trace};
use arguments::{Arguments, Wanted};
pub use gauges::Gauge;
pub use signals::Signals;
pub use workers::{Ended, Workers, await_database, keep_time};

/// What a worker is.
#[derive(Debug, Clone, Copy)]
pub struct Worker {
    /// The name of its program, such as `switchboard-router`.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Where it says how it is, when `http.listen` does not say where.
    pub listen: &'static str,
    /// The queues that it takes from.
    pub queues: &'static [Queue],
    /// The tables that it works off.
    pub gauges: &'static [Gauge],
}

/// What a worker works with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub pool: PgPool,
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// Clock and randomness.
    pub ambient: Ambient,
    /// Ends it: what is in flight is finished.
    pub stop: CancellationToken,
}

/// Runs a worker until SIGTERM or SIGINT. `build` makes its work of the parts; whatever is wrong with
/// the configuration is found by then, and nothing that is merely away for now is waited for.
#[must_use]
pub fn main<B, F>(worker: &Worker, build: B) -> ExitCode
where
    B: FnOnce(&Config, Parts) -> anyhow::Result<F>,
    F: Future<Output = ()> + Send + 'static,
{
    let arguments = match Arguments::read(worker) {
        Wanted::Run(arguments) => arguments,
        Wanted::Exit(code) => return code,
    };
    let outcome = if arguments.health { health::ask(worker, &arguments) } else { run(worker, &arguments, build) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error:#}", worker.name);
            ExitCode::FAILURE
        }
    }
}

fn run<B, F>(worker: &Worker, arguments: &Arguments, build: B) -> anyhow::Result<()>
where
    B: FnOnce(&Config, Parts) -> anyhow::Result<F>,
    F: Future<Output = ()> + Send + 'static,
{
    let (config, _) = Config::load(arguments.config.as_deref(), None)?;
    telemetry::start(&config.log)?;
    let collected = metrics::start(worker.name)?;
    // Ends after the runtime has, so that the last spans are sent too.
    let _tracing = config.trace_endpoint.as_deref().map(|endpoint| trace::start(worker.name, endpoint)).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(worker, &config, build, collected));
    // Nothing is waited for that did not end when it was told to.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn serve<B, F>(worker: &Worker, config: &Config, build: B, collected: http::Collected) -> anyhow::Result<()>
where
    B: FnOnce(&Config, Parts) -> anyhow::Result<F>,
    F: Future<Output = ()> + Send + 'static,
{
    // Before anything is started: from here on a signal stops in good order.
    let mut signals = Signals::new()?;
    let ambient = Ambient::system();
    let url = config.database_url.as_ref().with_context(|| {
        format!("database_url: missing: {} is a worker of its own and needs a PostgreSQL server in DATABASE_URL", worker.name)
    })?;
    let pool = connect::pool(PgConnectOptions::from_str(url.expose_secret())?, config.database.max_connections);
    let broker = broker::connect(config, &pool, &ambient)?;
    let parts = Parts { pool: pool.clone(), broker: Arc::clone(&broker), ambient: ambient.clone(), stop: CancellationToken::new() };
    let work = build(config, parts.clone())?;
    let mut workers = Workers::new(ambient.clone(), parts.stop.clone());

    let state = http::State::new(worker, parts, collected);
    let server = http::Server::bind(listen_address(worker, config)?, state).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "{} is started; it says how it is at http://{}", worker.name, server.address());

    workers.spawn(worker.name, {
        let (ambient, pool, stop) = (ambient.clone(), pool.clone(), workers.stop());
        async move {
            await_database(&ambient, &pool, &stop).await;
            work.await;
        }
    });
    workers.spawn("clock", keep_time(ambient, pool.clone(), workers.stop()));
    let telling = tokio::spawn(server.run());
    let ended = workers.run(&mut signals).await;
    telling.abort();
    // Not for ever: what was left may hold a connection.
    let _ = tokio::time::timeout(Duration::from_secs(2), pool.close()).await;
    broker.close().await;
    ended.outcome
}

fn listen_address(worker: &Worker, config: &Config) -> anyhow::Result<SocketAddr> {
    config.http_listen.map_or_else(|| worker.listen.parse().context("the worker's own address"), Ok)
}
