//! The database server of `up`: one that is configured, or the embedded one, which is kept running.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::connect::{self, SchemaError};
use switchboard_common::db::is_infrastructure;
use switchboard_common::embedded::{Embedded, Shutdown};
use switchboard_common::supervise::Backoff;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::database;

/// How long a configured server is waited for that does not answer yet, as when all is started together.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with an up-to-date schema.
#[derive(Debug)]
pub enum Server {
    /// Somebody else's.
    Configured(PgConnectOptions),
    /// Our own.
    Embedded(Embedded),
}

impl Server {
    /// Finds or starts the server, and brings its schema up to date.
    pub async fn start(config: &Config, ambient: &Ambient) -> anyhow::Result<Self> {
        if let Some(options) = database::configured(config)? {
            migrate_when_there(&options, ambient).await?;
            return Ok(Self::Configured(options));
        }
        let embedded = Embedded::start(&database::settings(config), ambient).await?;
        connect::migrate(&embedded.options()).await?;
        Ok(Self::Embedded(embedded))
    }

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        match self {
            Self::Configured(options) => options.clone(),
            Self::Embedded(embedded) => embedded.options(),
        }
    }

    /// Starts our own server again whenever it ends by itself, until `stop`. The workers wait for it
    /// as for any other outage.
    pub fn watch(self, ambient: &Ambient, stop: &CancellationToken) -> Watched {
        match self {
            Self::Configured(_) => Watched { place: "the server in DATABASE_URL".to_owned(), keeper: None },
            Self::Embedded(embedded) => {
                let place = format!("embedded PostgreSQL in {}", embedded.folder().display());
                let keeper = tokio::spawn(keep(embedded, ambient.clone(), stop.clone()));
                Watched { place, keeper: Some(keeper) }
            }
        }
    }
}

async fn migrate_when_there(options: &PgConnectOptions, ambient: &Ambient) -> Result<(), SchemaError> {
    let backoff = Backoff::new();
    let never = CancellationToken::new();
    let tries = async {
        loop {
            match connect::migrate(options).await {
                Err(SchemaError::Database(error)) if is_infrastructure(&error) => {
                    tracing::warn!("The database is waited for: {error}");
                    backoff.wait(ambient, &never).await;
                }
                outcome => return outcome,
            }
        }
    };
    match tokio::time::timeout(PATIENCE, tries).await {
        Ok(outcome) => outcome.map(drop),
        // Once more, for the error that says why.
        Err(_) => connect::migrate(options).await.map(drop),
    }
}

/// Keeps our own server running until `stop`, and returns it then.
async fn keep(mut embedded: Embedded, ambient: Ambient, stop: CancellationToken) -> Embedded {
    let backoff = Backoff::new();
    loop {
        let how = tokio::select! {
            biased;
            () = stop.cancelled() => return embedded,
            how = embedded.ended() => how,
        };
        tracing::error!("The database server ended by itself ({how}) and is started again");
        match embedded.restart(Shutdown::Fast).await {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::error!("The database server could not be started again: {error}");
                backoff.wait(&ambient, &stop).await;
            }
        }
    }
}

/// A server that is watched.
#[derive(Debug)]
pub struct Watched {
    place: String,
    keeper: Option<JoinHandle<Embedded>>,
}

impl Watched {
    /// Where it is, in words.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Stops our own server, once `stop` was cancelled that it was watched until.
    pub async fn stop(self, in_good_order: bool) {
        let Some(keeper) = self.keeper else { return };
        match keeper.await {
            Ok(embedded) => embedded.stop(if in_good_order { Shutdown::Fast } else { Shutdown::Immediate }).await,
            Err(error) => tracing::error!("The database server is stopped by its parent's end: {error}"),
        }
    }
}
