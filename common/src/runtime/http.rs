//! What a worker answers to whoever watches it.
//!
//! * `/healthz`: 200 as long as the process works. Who restarts it for anything else makes an outage
//!   of the database worse.
//! * `/readyz`: 200 when it can do its work, or 503; both with each thing that it depends on, and what
//!   is wrong with it.
//! * `/metrics`: for Prometheus, in the text format 0.0.4.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::Router;
use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::gauges::Gauge;
use super::{Parts, Worker};
use crate::ambient::Ambient;
use crate::broker::{Broker, Queue};
use crate::db::{Session, connect, probe};
use crate::supervise::causes;
use crate::telemetry::metrics;

/// The metrics of this process.
pub type Collected = metrics_exporter_prometheus::PrometheusHandle;

/// How long something that a worker depends on may take to answer.
const LIMIT: Duration = Duration::from_secs(3);

/// What the answers are made from.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    queues: &'static [Queue],
    gauges: &'static [Gauge],
    pool: PgPool,
    broker: Arc<dyn Broker>,
    ambient: Ambient,
    stop: CancellationToken,
    collected: Collected,
}

impl State {
    /// Of a worker that works with these.
    #[must_use]
    pub fn new(worker: &Worker, parts: Parts, collected: Collected) -> Self {
        let Parts { pool, broker, ambient, stop } = parts;
        Self(Arc::new(Inner { queues: worker.queues, gauges: worker.gauges, pool, broker, ambient, stop, collected }))
    }

    async fn database(&self) -> anyhow::Result<()> {
        let mut session = Session::open(&self.0.pool).await?;
        connect::check(&mut session).await?;
        // A full disk, or a server that only follows another, answers and is of no use.
        probe::write(&mut session, self.0.ambient.now()).await?;
        session.done();
        Ok(())
    }

    /// Sets the gauges of what waits in the database.
    async fn measure(&self) -> anyhow::Result<()> {
        if self.0.gauges.is_empty() {
            return Ok(());
        }
        let mut session = Session::open(&self.0.pool).await?;
        for gauge in self.0.gauges {
            gauge.set(&mut session, self.0.ambient.now()).await?;
        }
        session.done();
        Ok(())
    }

    async fn broker(&self) -> anyhow::Result<()> {
        // Whoever takes from no queue publishes to this one.
        for queue in if self.0.queues.is_empty() { &[Queue::Inbound] } else { self.0.queues } {
            let waiting = self.0.broker.waiting(*queue).await?;
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and a queue has not so many messages")]
            ::metrics::gauge!(metrics::QUEUE_MESSAGES, "queue" => queue.as_str()).set(waiting as f64);
        }
        Ok(())
    }

    /// Asks everything that the worker depends on, at once.
    async fn look(&self) -> [(&'static str, anyhow::Result<()>); 2] {
        let (database, broker) = tokio::join!(limited(self.database()), limited(self.broker()));
        let looked = [("database", database), ("broker", broker)];
        for (name, outcome) in &looked {
            ::metrics::gauge!(metrics::UP, "dependency" => *name).set(if outcome.is_ok() { 1.0 } else { 0.0 });
        }
        looked
    }
}

async fn limited(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::time::timeout(LIMIT, work).await.map_err(|_| anyhow!("no answer within {LIMIT:?}"))?
}

/// A server that is bound to its address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    routes: Router,
}

impl Server {
    /// Listens at `address`.
    ///
    /// # Errors
    /// When that cannot be had, as when another worker has it.
    pub async fn bind(address: SocketAddr, state: State) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("http.listen: cannot listen at {address}; expected an address and a port that are free"))?;
        let routes = Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(collected))
            .with_state(state);
        Ok(Self { address: listener.local_addr()?, listener, routes })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped.
    pub async fn run(self) {
        if let Err(error) = axum::serve(self.listener, self.routes).await {
            tracing::error!("Nobody is told any more how this worker is: {error}");
        }
    }
}

async fn ready(extract::State(state): extract::State<State>) -> impl IntoResponse {
    let looked = state.look().await;
    let stopping = state.0.stop.is_cancelled();
    let is_ready = !stopping && looked.iter().all(|(_, outcome)| outcome.is_ok());
    let mut said = String::from(match (is_ready, stopping) {
        (true, _) => "ready\n",
        (false, true) => "stopping\n",
        (false, false) => "not ready\n",
    });
    for (name, outcome) in looked {
        let how = outcome.map_or_else(|error| causes(&error), |()| "ok".to_owned());
        said.extend([name, ": ", &how, "\n"]);
    }
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, said)
}

async fn collected(extract::State(state): extract::State<State>) -> impl IntoResponse {
    // What is away is told by a metric of its own. To count what waits may take longer than to say that one is there.
    let (_, measured) = tokio::join!(state.look(), limited(state.measure()));
    if let Err(error) = measured {
        tracing::debug!("What waits in the database could not be counted: {error:#}");
    }
    state.0.collected.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.0.collected.render())
}
