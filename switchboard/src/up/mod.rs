//! `switchboard up`: everything in one process.

mod server;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{self, Queue};
use switchboard_common::config::{Config, MailTransport};
use switchboard_common::db::connect;
use switchboard_common::runtime::{Gauge, Parts, Signals, Worker, Workers, http, keep_time};
use switchboard_ingest_email::IngestEmail;
use switchboard_notifier::{Notifier, Transport};
use switchboard_router::Router;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::database::absolute;
use crate::output::{STRONG, paint, print};
use server::Server;

/// All workers, for whoever watches this process.
pub const EVERYTHING: Worker = Worker {
    name: "switchboard",
    about: "Every worker in one process",
    listen: "127.0.0.1:9464",
    queues: &Queue::ALL,
    gauges: &[Gauge::Outbox, Gauge::DeadLetters, Gauge::Deliveries],
};

/// Runs until SIGTERM or SIGINT, then finishes what is in flight. The metrics are told where
/// `http.listen` says, if it does.
pub async fn run(config: &Config, ambient: &Ambient, named: Option<&Path>, collected: Option<http::Collected>) -> anyhow::Result<()> {
    // Before anything is started: from here on a signal stops in good order.
    let mut signals = Signals::new()?;
    std::fs::create_dir_all(&config.data).with_context(|| format!("cannot make the data folder {}", config.data.display()))?;
    let _lock = lock(&config.data)?;
    let transport = Transport::configured(config)?;
    let server = tokio::select! {
        server = Server::start(config, ambient) => server?,
        () = signals.next() => return Ok(()),
    };
    let pool = connect::pool(server.options(), config.database.max_connections);
    let desks: i64 = connect::count_tenants(&pool).await?;
    ambient.clock.follow(&pool).await?;
    let stop = CancellationToken::new();
    let broker = broker::connect(config, &pool, ambient)?;
    let parts = Parts { pool: pool.clone(), broker: Arc::clone(&broker), ambient: ambient.clone(), stop: stop.clone() };
    let told = match (config.http_listen, collected) {
        (Some(address), Some(collected)) => {
            Some(http::Server::bind(address, http::State::new(&EVERYTHING, parts.clone(), collected)).await?)
        }
        _ => None,
    };
    let ingest = IngestEmail::configured(config, parts.clone())?;
    let workers = start_workers(config, parts, ingest, transport);
    let server = server.watch(ambient, &stop);
    print(&banner(config, &server, desks, named))?;

    let told = told.map(|told| tokio::spawn(told.run()));
    let ended = workers.run(&mut signals).await;
    told.inspect(JoinHandle::abort);
    // Not for ever: what was left may hold a connection.
    let _ = tokio::time::timeout(Duration::from_secs(2), pool.close()).await;
    broker.close().await;
    server.stop(ended.finished).await;
    ended.outcome
}

fn start_workers(config: &Config, parts: Parts, ingest: IngestEmail, transport: Transport) -> Workers {
    let Parts { pool, broker, ambient, stop } = parts;
    let router = Router { pool: pool.clone(), broker: Arc::clone(&broker), ambient: ambient.clone() };
    let notifier = Notifier {
        pool: pool.clone(),
        broker,
        ambient: ambient.clone(),
        channels: switchboard_notifier::channels(config, transport, ambient.clone()),
        public_url: config.public_url.clone(),
        lease: config.delivery.lease,
    };
    let mut workers = Workers::new(ambient.clone(), stop.clone());
    workers.spawn("reader of mailboxes", switchboard_ingest_email::run(ingest, stop.clone()));
    workers.spawn("router", switchboard_router::run(router, stop.clone()));
    workers.spawn("notifier", switchboard_notifier::run(notifier, stop.clone()));
    workers.spawn("clock", keep_time(ambient, pool, stop));
    workers
}

/// Sees to it that there is one `up` in a data folder. The lock goes with the process.
fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("lock");
    let file = File::options().create(true).append(true).open(&path).with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("`switchboard up` runs already on {}; stop it first, or name another folder with --data", data.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

fn banner(config: &Config, server: &server::Watched, desks: i64, named: Option<&Path>) -> String {
    let option = named.map(|data| format!(" --data {}", data.display())).unwrap_or_default();
    let mail = match config.mail.transport {
        MailTransport::File => format!("written to {}", absolute(&config.mail.folder).display()),
        MailTransport::Smtp => "sent by the server in mail.smtp_url".to_owned(),
        MailTransport::Memory => "thrown away (mail.transport is memory)".to_owned(),
    };
    let command = |text: &str| paint(STRONG, &format!("switchboard{option} {text}"));
    let first = if desks == 0 { format!("  make a desk     {}\n", command("apply desk.toml")) } else { String::new() };
    format!(
        "Switchboard\n  data            {}\n  database        {}\n  outgoing mail   {mail}\n{first}  feed a mail     {}\n  see tickets     {}\n  stop            Ctrl-C\n{}\n",
        absolute(&config.data).display(),
        server.place(),
        command("pipe --account NAME < mail.eml"),
        command("ticket list"),
        paint(STRONG, "Switchboard is ready."),
    )
}
