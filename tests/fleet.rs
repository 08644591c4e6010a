//! A desk as its operators run it: a database server, a broker, and any number of each worker as a
//! process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::embedded::{Embedded, Settings, Shutdown};
use switchboard_test_servers::dovecot::{self, Dovecot};
use switchboard_test_servers::process::{PATIENCE, folder};
use switchboard_test_servers::rabbitmq::RabbitMq;
use tempfile::TempDir;

use crate::database::Database;

/// By what messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Postgres,
    RabbitMq,
}

/// A kind of worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ingest,
    Router,
    Notifier,
}

impl Kind {
    fn program(self) -> PathBuf {
        let name = match self {
            Self::Ingest => "switchboard-ingest-email",
            Self::Router => "switchboard-router",
            Self::Notifier => "switchboard-notifier",
        };
        let program = Path::new(env!("CARGO_BIN_EXE_switchboard")).with_file_name(name);
        assert!(program.is_file(), "{name} is not built: run `cargo build --workspace`, or the tests of the whole workspace");
        program
    }
}

/// A worker that runs.
pub struct Member {
    pub kind: Kind,
    child: Child,
    address: SocketAddr,
}

impl Member {
    /// Strikes it down, as a crash would.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// Tells it to end, as an operator does, and waits until it has.
    pub fn stop(mut self) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("small")), Signal::SIGTERM).expect("told");
        let status = self.child.wait().expect("gone");
        assert!(status.success(), "{:?} did not end in good order: {status}", self.kind);
    }

    /// What it answers at a path: the status and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body.to_owned())
    }

    /// The value of a metric, which is named with its labels as Prometheus writes them.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, metrics) = self.get("/metrics");
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until it says that it is ready.
    pub async fn ready(&self) {
        self.until("ready", |member| member.get("/readyz").0 == 200).await;
    }

    /// Waits until something holds of it.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut pace = tokio::time::interval(Duration::from_millis(25));
        let asked = async {
            while !holds(self) {
                pace.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| panic!("{:?} is never {what}: {:?}", self.kind, self.get("/readyz")));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The servers of a desk, and how its workers find them.
pub struct Fleet {
    pub database: Embedded,
    pub rabbitmq: Option<RabbitMq>,
    options: PgConnectOptions,
    folder: TempDir,
    settings: Vec<(String, String)>,
}

impl Fleet {
    /// Servers, and a desk that is applied. `settings` are variables of the environment.
    pub async fn new(by: By, desk: &str, settings: &[(&str, String)]) -> Self {
        let folder = folder();
        let data = folder.path().join("database");
        // Processes are struck down here, not the machine: what they wrote is the system's by then.
        let server = Settings { data, programs: None, durable: false };
        let rabbitmq = tokio::task::spawn_blocking(move || (by == By::RabbitMq).then(RabbitMq::start));
        let database = Embedded::start(&server, &Ambient::system()).await.expect("a database server");
        let rabbitmq = rabbitmq.await.expect("a broker, if there is to be one");
        let options = database.options();
        let socket = options.get_socket().expect("a socket").display();
        let url = format!("postgres://{}@localhost:{}/switchboard?host={socket}", options.get_username(), options.get_port());
        let mut own = vec![("DATABASE_URL".to_owned(), url), ("SWITCHBOARD_HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
        own.extend(rabbitmq.iter().map(|server| ("AMQP_URL".to_owned(), server.url())));
        own.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let fleet = Self { database, rabbitmq, options, folder, settings: own };
        fleet.succeed(&["migrate"]);
        fleet.apply(desk);
        fleet
    }

    /// Settings by which a mailbox, a message and a mail that a dead worker held are soon taken over.
    pub fn mailbox_settings() -> Vec<(&'static str, String)> {
        vec![
            ("MAIL_PASSWORD", dovecot::PASSWORD.to_owned()),
            ("SWITCHBOARD_IMAP__LEASE", "5s".to_owned()),
            ("SWITCHBOARD_BROKER__LEASE", "5s".to_owned()),
            ("SWITCHBOARD_DELIVERY__LEASE", "5s".to_owned()),
        ]
    }

    /// Makes the desk what a file says.
    pub fn apply(&self, desk: &str) {
        let file = self.folder.path().join("desk.toml");
        std::fs::write(&file, desk).expect("the desk's file");
        self.succeed(&["apply", file.to_str().expect("UTF-8")]);
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SWITCHBOARD_")) {
            command.env_remove(name);
        }
        command.env_remove("AMQP_URL").envs(self.settings.iter().cloned()).current_dir(self.folder.path());
        command
    }

    /// Runs an operator's command that has to succeed, and returns what it printed.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.command(Path::new(env!("CARGO_BIN_EXE_switchboard"))).args(arguments).output().expect("the command runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Starts a worker.
    pub fn start(&self, kind: Kind) -> Member {
        let mut child = self.command(&kind.program()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let mut said = Vec::new();
        let address = log.by_ref().map_while(Result::ok).find_map(|line| {
            let address =
                line.split_once("how it is at http://").and_then(|(_, rest)| SocketAddr::from_str(rest.split_whitespace().next()?).ok());
            said.push(line);
            address
        });
        let address = address.unwrap_or_else(|| panic!("{kind:?} does not start: {said:#?}"));
        std::thread::spawn(move || log.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
        Member { kind, child, address }
    }

    /// Ends the database server without a word, and starts it again.
    pub async fn restart_database(&mut self) {
        self.database.restart(Shutdown::Immediate).await.expect("it starts again");
    }

    /// Stops the servers in good order.
    pub async fn end(self) {
        self.database.stop(Shutdown::Fast).await;
    }
}

/// The desk of `desk.toml` with an account for each address, whose mailbox is read.
pub fn desk_with_mailboxes(dovecot: &Dovecot, addresses: &[&str]) -> String {
    let (desk, account) = include_str!("desk.toml").split_once("[[tenant.accounts]]").expect("it has an account");
    let port = dovecot.ports().imap;
    let accounts = addresses.iter().map(|address| {
        let name = address.split('@').next().unwrap_or_default();
        let account = account.replace("help@acme.example", address).replace("\"support\"", &format!("\"{name}\""));
        let user = format!("user = \"{address}\"\npassword = \"env:MAIL_PASSWORD\"\n");
        format!("[[tenant.accounts]]{account}\n[tenant.accounts.imap]\nhost = \"127.0.0.1\"\ntls = \"none\"\nport = {port}\n{user}")
    });
    format!("{desk}{}", accounts.collect::<String>())
}

impl Database for Fleet {
    async fn connection(&self) -> Option<PgConnection> {
        self.options.connect().await.ok()
    }
}
