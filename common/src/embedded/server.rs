//! The server process: started, waited for, stopped.

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::cluster::Cluster;
use super::process::Process;
use super::{EmbeddedError, PORT, Shutdown, doing};
use crate::ambient::Ambient;

/// The name of the role and of the database.
const NAME: &str = "switchboard";
/// How long a server may take to start, and another to let go of the data.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How long a fast shutdown may take before the server is made to stop.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// Starts a server, and waits until it takes connections. What is left of one that was killed is
/// waited for: its processes end by themselves, and until then nobody else may use the data.
///
/// # Errors
/// When it does not, with the server's last words.
pub async fn start(cluster: &Cluster, socket: &Path, log: &Path, durable: bool, ambient: &Ambient) -> Result<Process, EmbeddedError> {
    let until = ambient.now() + PATIENCE;
    loop {
        match start_once(cluster, socket, log, durable, ambient).await {
            Err(EmbeddedError::NotStarted { words, .. }) if words.contains("is still in use") && ambient.now() < until => {
                ambient.clock.sleep(Duration::from_millis(50)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn start_once(cluster: &Cluster, socket: &Path, log: &Path, durable: bool, ambient: &Ambient) -> Result<Process, EmbeddedError> {
    let command = command(cluster, socket, log, durable)?;
    let process = Process::spawn(command, Signal::SIGINT).map_err(doing(|| "start the database server".to_owned()))?;
    let options = options(socket, PORT);
    let started = tokio::select! {
        biased;
        how = process.ended() => Err(how),
        ready = tokio::time::timeout(PATIENCE, ready(&options, ambient)) => match ready {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("not ready after {} s", PATIENCE.as_secs())),
        },
    };
    match started {
        Ok(()) => Ok(process),
        Err(how) => {
            process.signal(Signal::SIGQUIT);
            Err(EmbeddedError::NotStarted { how, words: last_lines(log, 15), log: log.to_owned() })
        }
    }
}

/// Stops a server and waits until it has ended.
pub async fn stop(process: &Process, how: Shutdown) {
    let steps: &[(Signal, Duration)] = match how {
        Shutdown::Smart => &[(Signal::SIGTERM, SHUTDOWN), (Signal::SIGINT, SHUTDOWN), (Signal::SIGQUIT, SHUTDOWN)],
        Shutdown::Fast => &[(Signal::SIGINT, SHUTDOWN), (Signal::SIGQUIT, SHUTDOWN)],
        Shutdown::Immediate => &[(Signal::SIGQUIT, SHUTDOWN)],
        Shutdown::Kill => &[],
    };
    for (signal, patience) in steps {
        process.signal(*signal);
        if tokio::time::timeout(*patience, process.ended()).await.is_ok() {
            return;
        }
    }
    process.signal(Signal::SIGKILL);
    process.ended().await;
}

/// How to connect to the server whose socket lies in a folder.
#[must_use]
pub fn options(socket: &Path, port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(socket).port(port).username(NAME).database(NAME).ssl_mode(PgSslMode::Disable)
}

/// Waits until the database can be connected to; the first time it is made.
async fn ready(options: &PgConnectOptions, ambient: &Ambient) -> sqlx::Result<()> {
    loop {
        match options.connect().await {
            Ok(connection) => return connection.close().await,
            Err(error) if code(&error).as_deref() == Some("3D000") => create_database(options).await?,
            Err(error) if starting(&error) => ambient.clock.sleep(Duration::from_millis(10)).await,
            Err(error) => return Err(error),
        }
    }
}

async fn create_database(options: &PgConnectOptions) -> sqlx::Result<()> {
    let mut connection: PgConnection = options.clone().database("postgres").connect().await?;
    sqlx::query("create database switchboard").execute(&mut connection).await?;
    connection.close().await
}

/// No socket yet, or SQLSTATE 57P03: the server is starting up or shutting down.
#[must_use]
pub fn starting(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_)) || code(error).as_deref() == Some("57P03")
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

fn command(cluster: &Cluster, socket: &Path, log: &Path, durable: bool) -> Result<Command, EmbeddedError> {
    let log_file = open_log(log).map_err(doing(|| format!("write {}", log.display())))?;
    let second = log_file.try_clone().map_err(doing(|| format!("write {}", log.display())))?;
    let mut command = Command::new(cluster.programs.path("postgres"));
    command.arg("-D").arg(&cluster.folder).arg("-k").arg(socket).arg("-p").arg(PORT.to_string());
    let mut settings = vec![
        "listen_addresses=",
        "cluster_name=switchboard",
        // More than one process is allowed (`database.max_connections`), and commands beside it.
        "max_connections=250",
        "timezone=UTC",
        "log_timezone=UTC",
        // The log names no addresses and no texts: neither statements nor what they refer to.
        "log_min_messages=warning",
        "log_min_error_statement=panic",
        "log_error_verbosity=terse",
        "log_checkpoints=off",
    ];
    if !durable {
        // What is committed is handed to the system, and so outlives this process and not the machine.
        settings.extend(["fsync=off", "full_page_writes=off"]);
    }
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    // A group of its own, so that Ctrl-C at the terminal reaches the workers and not the server.
    command.stdin(Stdio::null()).stdout(log_file).stderr(second).process_group(0);
    plain_environment(&mut command);
    cluster.owner.run_as(&mut command, &cluster.folder);
    Ok(command)
}

/// Keeps the settings of another server, and the user's language, away from a program.
pub fn plain_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
}

/// Begins a new log and keeps one old one.
fn open_log(log: &Path) -> std::io::Result<File> {
    match std::fs::rename(log, log.with_extension("log.old")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    File::options().create(true).append(true).open(log)
}

fn last_lines(log: &Path, count: usize) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// A folder for the socket: the cluster's own, or, where a socket's path would be too long there or
/// the file system holds none, a fresh one below the folder for temporary files. Either is open to
/// its owner alone.
///
/// # Errors
/// When no folder can be made.
pub fn socket_folder(cluster: &Cluster, ambient: &Ambient) -> Result<PathBuf, EmbeddedError> {
    // One character longer than the server's own.
    let probe = cluster.folder.join(format!(".s.PGSQL.{PORT}x"));
    let fits = UnixListener::bind(&probe).is_ok();
    // What was not made need not be removed.
    let _ = std::fs::remove_file(&probe);
    if fits {
        return Ok(cluster.folder.clone());
    }
    let folder = std::env::temp_dir().join(format!("switchboard-{}", data_encoding::HEXLOWER.encode(&ambient.bytes::<6>())));
    let made = std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&folder);
    made.and_then(|()| cluster.owner.take(&folder)).map_err(doing(|| format!("make {}", folder.display())))?;
    Ok(folder)
}
