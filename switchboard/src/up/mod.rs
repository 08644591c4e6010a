//! `switchboard up`: everything in one process.

mod server;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{self, Broker};
use switchboard_common::config::{Config, MailTransport};
use switchboard_common::db::connect;
use switchboard_notifier::{Notifier, Transport};
use switchboard_router::Router;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::database::absolute;
use crate::output::{STRONG, paint, print};
use server::Server;

/// How long what is in flight may take to finish.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the clock is compared with the database's.
const FOLLOW: Duration = Duration::from_mins(1);

/// Runs until SIGTERM or SIGINT, then finishes what is in flight.
pub async fn run(config: &Config, ambient: &Ambient, named: Option<&Path>) -> anyhow::Result<()> {
    // Before anything is started: from here on a signal stops in good order.
    let mut signals = Signals::new()?;
    std::fs::create_dir_all(&config.data).with_context(|| format!("cannot make the data folder {}", config.data.display()))?;
    let _lock = lock(&config.data)?;
    let transport = transport(config)?;
    let stop = CancellationToken::new();
    let server = tokio::select! {
        server = Server::start(config, ambient) => server?,
        () = signals.next() => return Ok(()),
    };
    let pool = connect::pool(server.options(), config.database.max_connections);
    let desks: i64 = connect::count_tenants(&pool).await?;
    ambient.clock.follow(&pool).await?;
    let broker = broker::connect(config, &pool, ambient)?;
    let mut workers = start_workers(config, ambient, &pool, broker, transport, &stop);
    let server = server.watch(ambient, &stop);
    print(&banner(config, &server, desks, named))?;

    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        Some(ended) = workers.join_next() => Err(ended),
    };
    tracing::info!("Stopping: what is in flight is finished first");
    stop.cancel();
    let finished = tokio::select! {
        () = finish(&mut workers) => true,
        () = signals.next() => false,
        () = ambient.clock.sleep(PATIENCE) => false,
    };
    if !finished {
        tracing::warn!("Stopping at once: what is in flight is left, and is taken up again at the next start");
        workers.shutdown().await;
    }
    // Not for ever: what was left may hold a connection.
    let _ = tokio::time::timeout(Duration::from_secs(2), pool.close()).await;
    server.stop(finished).await;
    match ended {
        Ok(()) if !finished => bail!("stopped before what was in flight was finished"),
        Ok(()) => Ok(()),
        Err(Ok(name)) => bail!("the {name} ended by itself"),
        Err(Err(error)) => bail!("a worker ended by itself: {error}"),
    }
}

async fn finish(workers: &mut JoinSet<&'static str>) {
    while workers.join_next().await.is_some() {}
}

fn start_workers(
    config: &Config,
    ambient: &Ambient,
    pool: &PgPool,
    broker: Arc<dyn Broker>,
    transport: Transport,
    stop: &CancellationToken,
) -> JoinSet<&'static str> {
    let router = Router { pool: pool.clone(), broker: Arc::clone(&broker), ambient: ambient.clone() };
    let notifier = Notifier { pool: pool.clone(), broker, ambient: ambient.clone(), transport, lease: config.delivery.lease };
    let mut workers = JoinSet::new();
    workers.spawn({
        let stop = stop.clone();
        async move {
            switchboard_router::run(router, stop).await;
            "router"
        }
    });
    workers.spawn({
        let stop = stop.clone();
        async move {
            switchboard_notifier::run(notifier, stop).await;
            "notifier"
        }
    });
    workers.spawn(follow_clock(ambient.clone(), pool.clone(), stop.clone()));
    workers
}

async fn follow_clock(ambient: Ambient, pool: PgPool, stop: CancellationToken) -> &'static str {
    loop {
        tokio::select! {
            () = stop.cancelled() => return "clock",
            () = ambient.clock.sleep(FOLLOW) => {}
        }
        if let Err(error) = ambient.clock.follow(&pool).await {
            tracing::warn!("The clock could not be compared with the database's: {error}");
        }
    }
}

fn transport(config: &Config) -> anyhow::Result<Transport> {
    match (config.mail.transport, &config.mail.smtp_url) {
        (MailTransport::Smtp, Some(url)) => Ok(Transport::smtp(url)?),
        (MailTransport::Smtp, None) => bail!("mail.smtp_url is missing"),
        (MailTransport::Memory, _) => Ok(Transport::memory().0),
        (MailTransport::File, _) => {
            // The paths are kept with the deliveries, and read in other folders.
            let folder = absolute(&config.mail.folder);
            Transport::file(&folder).with_context(|| format!("cannot make the folder {} for outgoing mail", folder.display()))
        }
    }
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

/// The signals that ask to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
