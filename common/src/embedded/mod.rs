//! A private PostgreSQL in a data folder, from the system's own programs.
//!
//! ```text
//! DIR/postgres        the cluster (or a link to it, see below)
//! DIR/postgres.log    what the server says, and postgres.log.old from the time before
//! DIR/postgres.lock   held by the process whose child the server is
//! DIR/postgres.guests held by those who use it beside that process
//! ```
//!
//! The server listens on a Unix socket alone, in a folder that is open to its owner alone, and trusts
//! whoever can reach it. It never outlives the process that started it. Another process finds it by
//! the cluster's `postmaster.pid`. PostgreSQL refuses to run as root: started by root the server runs
//! as an unprivileged user, and where that user may not enter the data folder, the cluster lies in
//! `/var/lib/switchboard` and `DIR/postgres` is a link to it.

mod cluster;
mod owner;
mod pidfile;
mod process;
mod programs;
mod server;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::ambient::Ambient;
use cluster::Cluster;
use pidfile::PidFile;
use process::Process;
pub use process::die_with_parent;
pub use programs::ProgramsError;

/// Part of the name of the socket, and nothing else: the server listens on no network.
const PORT: u16 = 5432;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// The folder of PostgreSQL's programs, where it is not to be looked for.
    pub programs: Option<PathBuf>,
    /// Whether what is committed outlives a crash of the machine. Off in tests alone.
    pub durable: bool,
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// When everybody who is connected has gone.
    Smart,
    /// Who is connected is sent away, their transactions rolled back.
    Fast,
    /// At once; the next start recovers.
    Immediate,
    /// As by a crash.
    Kill,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No programs.
    #[error(transparent)]
    Programs(#[from] ProgramsError),
    /// The system refused.
    #[error("could not {what}: {source}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something else lies where the cluster should.
    #[error("{} is not a database; move it away, or choose another data folder with --data", folder.display())]
    NotACluster {
        /// What lies there.
        folder: PathBuf,
    },
    /// The link to the cluster leads nowhere.
    #[error(
        "{} leads to a database that is not there ({source}); bring it back, or, if it is gone for good, remove the link to begin with an empty one",
        link.display()
    )]
    Gone {
        /// The link.
        link: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The cluster belongs to somebody else.
    #[error("the database in {} belongs to another user ({source}); run this as root or as the user that runs `switchboard up`", data.display())]
    NotYours {
        /// The data folder.
        data: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The cluster could not be made.
    #[error("initdb could not make a database ({status}):\n{words}")]
    Initdb {
        /// How it ended.
        status: String,
        /// What it said.
        words: String,
    },
    /// The server did not start.
    #[error("the database server did not start ({how}). The end of {}:\n{words}", log.display())]
    NotStarted {
        /// How it ended, or what it is waited for.
        how: String,
        /// Its last words.
        words: String,
        /// Where all of them stand.
        log: PathBuf,
    },
    /// Somebody else starts, runs or stops a server there, for too long.
    #[error("another process works on the database in {} and did not let go of it within {} s", data.display(), server::PATIENCE.as_secs())]
    Busy {
        /// The data folder.
        data: PathBuf,
    },
}

/// Turns an error of the system into one that says what was tried.
fn doing(what: impl FnOnce() -> String) -> impl FnOnce(std::io::Error) -> EmbeddedError {
    |source| EmbeddedError::System { what: what(), source }
}

/// A server that this process has started. Dropping it tells the server to stop and does not wait.
#[derive(Debug)]
pub struct Embedded {
    data: PathBuf,
    cluster: Cluster,
    socket: PathBuf,
    durable: bool,
    ambient: Ambient,
    process: Process,
    _lock: File,
}

/// A server that is there.
#[derive(Debug)]
pub enum Found {
    /// One that another process has started.
    Running(Guest),
    /// One that this process has started, because there was none.
    Started(Embedded),
}

/// The use of a server that another process has started. While it is held, a server that was started
/// for one command waits with its end.
#[derive(Debug)]
pub struct Guest {
    options: PgConnectOptions,
    _lock: File,
}

impl Guest {
    /// How to connect.
    #[must_use]
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Finds the server of a data folder, if it takes connections and is not about to end.
    async fn find(data: &Path) -> Result<Option<Self>, EmbeddedError> {
        let Some(lock) = Lock::Guests.try_shared(data)? else { return Ok(None) };
        let Some(options) = running(data)? else { return Ok(None) };
        let takes_connections = match options.connect().await {
            Ok(connection) => connection.close().await.is_ok(),
            Err(_) => false,
        };
        Ok(takes_connections.then_some(Self { options, _lock: lock }))
    }
}

impl Embedded {
    /// Starts the server of a data folder; makes the folder and the cluster if they are not there.
    /// Waits for a server that is still shutting down.
    ///
    /// # Errors
    /// When the programs are missing, the folder cannot be used, or the server does not start.
    pub async fn start(settings: &Settings, ambient: &Ambient) -> Result<Self, EmbeddedError> {
        let data = make_folder(&settings.data)?;
        let lock = within_patience(&data, async || Lock::Server.try_exclusive(&data), ambient).await?;
        Self::start_locked(settings, data, lock, ambient).await
    }

    /// Finds the server of a data folder, or starts one.
    ///
    /// # Errors
    /// As for [`Embedded::start`].
    pub async fn find_or_start(settings: &Settings, ambient: &Ambient) -> Result<Found, EmbeddedError> {
        let data = make_folder(&settings.data)?;
        let found = within_patience(
            &data,
            async || match Guest::find(&data).await? {
                Some(guest) => Ok(Some(Ok(guest))),
                None => Ok(Lock::Server.try_exclusive(&data)?.map(Err)),
            },
            ambient,
        );
        match found.await? {
            Ok(guest) => Ok(Found::Running(guest)),
            Err(lock) => Ok(Found::Started(Self::start_locked(settings, data, lock, ambient).await?)),
        }
    }

    async fn start_locked(settings: &Settings, data: PathBuf, lock: File, ambient: &Ambient) -> Result<Self, EmbeddedError> {
        let cluster = {
            let (settings, data, ambient) = (settings.clone(), data.clone(), ambient.clone());
            let prepared = tokio::task::spawn_blocking(move || Cluster::prepare(&settings, &data, &ambient)).await;
            prepared.map_err(|error| doing(|| "prepare the database".to_owned())(error.into()))??
        };
        end_orphan(&data, &cluster.folder, ambient).await?;
        let socket = server::socket_folder(&cluster, ambient)?;
        let process = server::start(&cluster, &socket, &data.join("postgres.log"), settings.durable, ambient).await?;
        Ok(Self { data, cluster, socket, durable: settings.durable, ambient: ambient.clone(), process, _lock: lock })
    }

    /// How to connect to it.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        server::options(&self.socket, PORT)
    }

    /// Where its data lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.cluster.folder
    }

    /// Waits until the server has ended, and says how.
    pub async fn ended(&self) -> String {
        self.process.ended().await
    }

    /// Stops it and waits until it has ended; with [`Shutdown::Smart`] when its guests have gone.
    pub async fn stop(self, how: Shutdown) {
        // When they do not go, or cannot be waited for, the shutdown itself waits for them a while.
        let guests = match how {
            Shutdown::Smart => within_patience(&self.data, async || Lock::Guests.try_exclusive(&self.data), &self.ambient).await.ok(),
            _ => None,
        };
        server::stop(&self.process, how).await;
        if self.socket != self.cluster.folder {
            // The server has removed its socket; a folder that is left is in nobody's way.
            let _ = std::fs::remove_dir_all(&self.socket);
        }
        drop(guests);
    }

    /// Stops it if it runs, and starts it again at the same socket.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self, how: Shutdown) -> Result<(), EmbeddedError> {
        server::stop(&self.process, how).await;
        let log = self.data.join("postgres.log");
        self.process = server::start(&self.cluster, &self.socket, &log, self.durable, &self.ambient).await?;
        Ok(())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.process.signal(Signal::SIGINT);
    }
}

/// How to connect to the server of a data folder, if one takes connections there.
///
/// # Errors
/// When the database belongs to somebody else.
pub fn running(data: &Path) -> Result<Option<PgConnectOptions>, EmbeddedError> {
    let Some(folder) = cluster::find(data)? else { return Ok(None) };
    let file = PidFile::read(&folder).map_err(|source| EmbeddedError::NotYours { data: data.to_owned(), source })?;
    Ok(file.filter(|file| file.ready).map(|file| server::options(&file.socket, file.port)))
}

/// Whether a data folder has a database, running or not.
///
/// # Errors
/// When what is there is no database, or belongs to somebody else.
pub fn exists(data: &Path) -> Result<bool, EmbeddedError> {
    Ok(cluster::find(data)?.is_some())
}

fn make_folder(data: &Path) -> Result<PathBuf, EmbeddedError> {
    let made = std::fs::create_dir_all(data).and_then(|()| data.canonicalize());
    made.map_err(doing(|| format!("make the data folder {}", data.display())))
}

/// The locks of a data folder. They go with whoever holds them.
#[derive(Debug, Clone, Copy)]
enum Lock {
    /// Held by whoever starts, runs and stops the server.
    Server,
    /// Shared by those who use it and have not started it.
    Guests,
}

impl Lock {
    fn try_exclusive(self, data: &Path) -> Result<Option<File>, EmbeddedError> {
        self.attempt(data, File::try_lock)
    }

    fn try_shared(self, data: &Path) -> Result<Option<File>, EmbeddedError> {
        self.attempt(data, File::try_lock_shared)
    }

    fn attempt(self, data: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Option<File>, EmbeddedError> {
        let path = data.join(match self {
            Self::Server => "postgres.lock",
            Self::Guests => "postgres.guests",
        });
        let file = File::options().create(true).append(true).open(&path).map_err(doing(|| format!("open {}", path.display())))?;
        match lock(&file) {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(doing(|| format!("lock {}", path.display()))(error)),
        }
    }
}

/// Tries again and again until there is something.
async fn within_patience<T>(
    data: &Path,
    mut attempt: impl AsyncFnMut() -> Result<Option<T>, EmbeddedError>,
    ambient: &Ambient,
) -> Result<T, EmbeddedError> {
    let tries = async {
        loop {
            if let Some(done) = attempt().await? {
                return Ok(done);
            }
            ambient.clock.sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(server::PATIENCE, tries).await.unwrap_or_else(|_| Err(EmbeddedError::Busy { data: data.to_owned() }))
}

/// Waits for a server whose parent is gone: under the lock there can be no other. It is told to stop,
/// which it may know already.
async fn end_orphan(data: &Path, folder: &Path, ambient: &Ambient) -> Result<(), EmbeddedError> {
    let mut told = None;
    within_patience(
        data,
        async || {
            let file = PidFile::read(folder).map_err(doing(|| format!("read the server's number in {}", folder.display())))?;
            let Some(orphan) = file.filter(|file| process::serves(file.pid, folder)) else { return Ok(Some(())) };
            if told != Some(orphan.pid) {
                tracing::info!(pid = orphan.pid, "A database server that was left behind is waited for");
                // It may end in this moment, and then there is nobody to tell.
                let _ = kill(Pid::from_raw(orphan.pid), Signal::SIGINT);
                told = Some(orphan.pid);
            }
            Ok(None)
        },
        ambient,
    )
    .await
}
