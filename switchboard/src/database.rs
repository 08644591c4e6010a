//! The database of a command: the server that is configured, or the embedded one of the data folder,
//! which is started for as long as the command takes where it does not run.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::connect::{self, SchemaError};
use switchboard_common::embedded::{self, Embedded, EmbeddedError, Found, Guest, Settings, Shutdown};

/// How long it may take to bring the schema of a new server up to date.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a command needs of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// One with something in it.
    Existing,
    /// Any; an empty one will do.
    Create,
}

/// Why there is no database.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder has none.
    #[error(
        "there is no database in {}: start one with `switchboard up`, or name another folder with --data, or a server in DATABASE_URL",
        data.display()
    )]
    Absent {
        /// The data folder.
        data: PathBuf,
    },
    /// The embedded server cannot be had.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The schema is not the one that is known here.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The server does not answer.
    #[error("the database: {0}")]
    Unreachable(#[from] sqlx::Error),
}

/// A database with the schema that this program knows.
#[derive(Debug)]
pub struct Database {
    options: PgConnectOptions,
    server: Server,
}

/// Whose the server is.
#[derive(Debug)]
enum Server {
    Configured,
    Running(Guest),
    Started(Embedded),
}

impl Database {
    /// Finds the database, or starts it. One that was started is brought up to date; for any other
    /// that is for whoever runs it to decide.
    pub async fn open(config: &Config, ambient: &Ambient, need: Need) -> Result<Self, OpenError> {
        if let Some(options) = configured(config)? {
            connect::check(&mut options.connect().await?).await?;
            return Ok(Self { options, server: Server::Configured });
        }
        if need == Need::Existing && !embedded::exists(&config.data)? {
            return Err(OpenError::Absent { data: absolute(&config.data) });
        }
        match Embedded::find_or_start(&settings(config), ambient).await? {
            Found::Running(guest) => {
                check_soon(&mut guest.options().connect().await?, ambient).await?;
                Ok(Self { options: guest.options().clone(), server: Server::Running(guest) })
            }
            Found::Started(started) => {
                let options = started.options();
                connect::migrate(&options).await?;
                Ok(Self { options, server: Server::Started(started) })
            }
        }
    }

    /// How to connect.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Stops the server, if it was started for this command, when others who found it have gone too.
    pub async fn close(self) {
        match self.server {
            Server::Configured => {}
            Server::Running(guest) => drop(guest),
            Server::Started(started) => started.stop(Shutdown::Smart).await,
        }
    }
}

/// Sees that the schema is the one that is known here. Whoever has just started the server is given
/// the time to bring it up to date.
async fn check_soon(connection: &mut PgConnection, ambient: &Ambient) -> Result<(), OpenError> {
    let until = ambient.now() + PATIENCE;
    loop {
        match connect::check(connection).await {
            Err(SchemaError::Behind { .. }) if ambient.now() < until => ambient.clock.sleep(Duration::from_millis(50)).await,
            checked => return Ok(checked?),
        }
    }
}

/// Brings the schema up to date, and returns the steps that were taken.
pub async fn migrate(config: &Config, ambient: &Ambient) -> Result<Vec<i64>, OpenError> {
    if let Some(options) = configured(config)? {
        return Ok(connect::migrate(&options).await?);
    }
    match Embedded::find_or_start(&settings(config), ambient).await? {
        Found::Running(guest) => Ok(connect::migrate(guest.options()).await?),
        Found::Started(started) => {
            let steps = connect::migrate(&started.options()).await;
            started.stop(Shutdown::Smart).await;
            Ok(steps?)
        }
    }
}

/// A folder as it is called everywhere, for whoever looks from elsewhere.
pub fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The server that is configured, if one is.
pub fn configured(config: &Config) -> sqlx::Result<Option<PgConnectOptions>> {
    config.database_url.as_ref().map(|url| PgConnectOptions::from_str(url.expose_secret())).transpose()
}

/// How the embedded server is started.
pub fn settings(config: &Config) -> Settings {
    Settings { data: config.data.clone(), programs: config.database.postgres_bin.clone(), durable: config.database.durable }
}
