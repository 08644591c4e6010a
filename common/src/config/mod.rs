//! The configuration: one TOML file and the environment, read together, every fault named at once.
//!
//! A key such as `mail.smtp_url` stands in the file as `smtp_url` in the table `[mail]`, and in the
//! environment as `SWITCHBOARD_MAIL__SMTP_URL`, which wins. `DATABASE_URL` is `database_url` under
//! the name that is usual for it, `AMQP_URL` is `amqp.url`, and `OTEL_EXPORTER_OTLP_ENDPOINT` is
//! `trace.endpoint`. An empty variable counts as not set.

mod keys;
mod show;
mod smtp_url;
mod sources;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

pub use keys::nearest;
use keys::{Fault, Keys};
pub use show::Effective;
pub use smtp_url::{Encryption, SignIn, SmtpUrl};
use sources::Sources;
pub use values::{LogFormat, MailTransport};

/// Everything that is configured.
#[derive(Debug)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The database server; without one, the embedded server in the data folder.
    pub database_url: Option<SecretString>,
    /// How the database is used.
    pub database: DatabaseConfig,
    /// How messages wait for the workers.
    pub broker: BrokerConfig,
    /// The RabbitMQ that messages wait on.
    pub amqp: AmqpConfig,
    /// Whom TLS trusts.
    pub tls: TlsConfig,
    /// How mail goes out.
    pub mail: MailConfig,
    /// How it is tried to deliver.
    pub delivery: DeliveryConfig,
    /// How mailboxes are read.
    pub imap: ImapConfig,
    /// What is logged.
    pub log: LogConfig,
    /// Where a process says how it is: `/healthz`, `/readyz` and `/metrics`. A worker of its own has an
    /// address of its own where none is given; `switchboard up` then says nothing.
    pub http_listen: Option<SocketAddr>,
    /// Where this deployment is found from outside, without a `/` at its end: what readers are given links to.
    pub public_url: Option<String>,
    /// Where spans are sent, by OTLP over HTTP.
    pub trace_endpoint: Option<String>,
}

/// How the database is used.
#[derive(Debug)]
pub struct DatabaseConfig {
    /// How many connections one process holds at most.
    pub max_connections: u32,
    /// The folder of PostgreSQL's programs, where they are not to be looked for.
    pub postgres_bin: Option<PathBuf>,
    /// Whether the embedded server writes to the disk before it says that it has.
    pub durable: bool,
}

/// How messages wait for the workers.
#[derive(Debug)]
pub struct BrokerConfig {
    /// How long a message stays in the hand of a worker that does not answer.
    pub lease: Duration,
}

/// The RabbitMQ that messages wait on.
#[derive(Debug)]
pub struct AmqpConfig {
    /// The server; without one, messages wait in the database.
    pub url: Option<SecretString>,
    /// What the names of all queues begin with, so that several deployments can share a server.
    pub prefix: String,
}

/// Whom TLS trusts.
#[derive(Debug)]
pub struct TlsConfig {
    /// Certificates, in PEM, of authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// How it is tried to deliver.
#[derive(Debug)]
pub struct DeliveryConfig {
    /// How long a delivery stays in the hand of a notifier that does not answer.
    pub lease: Duration,
}

/// How mail goes out.
#[derive(Debug)]
pub struct MailConfig {
    /// By which way.
    pub transport: MailTransport,
    /// Where it is written to, for the transport `file`.
    pub folder: PathBuf,
    /// The server that takes it, for the transport `smtp`.
    pub smtp_url: Option<SecretString>,
    /// How many connections to it there are at most.
    pub smtp_connections: usize,
    /// The size in bytes above which an attachment that comes in is not kept.
    pub largest_attachment: u64,
}

/// How mailboxes are read.
#[derive(Debug)]
pub struct ImapConfig {
    /// How long a mailbox stays in the hand of a worker that does not answer.
    pub lease: Duration,
}

/// What is logged.
#[derive(Debug)]
pub struct LogConfig {
    /// The directives of `tracing_subscriber::EnvFilter`.
    pub filter: String,
    /// In which form.
    pub format: LogFormat,
}

/// All that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

impl Config {
    /// Reads the file (`switchboard.toml`, if it is there, where none is given) and the environment.
    /// `data`, from the command line, wins over both.
    ///
    /// # Errors
    /// With every fault, if there is one.
    pub fn load(file: Option<&Path>, data: Option<&Path>) -> Result<(Self, Effective), Faults> {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
        Self::read(Sources::read(file, environment, data))
    }

    fn read(sources: Sources) -> Result<(Self, Effective), Faults> {
        let mut keys = Keys::new(sources);
        let data = keys.read_or("data", "a folder", values::path, "./switchboard-data");
        let config = Self {
            database_url: keys.secret("database_url", "a URL like postgres://user:password@host:5432/database", values::postgres_url),
            database: DatabaseConfig::read(&mut keys),
            broker: BrokerConfig { lease: keys.read_or("broker.lease", values::DURATION, values::duration, "60s") },
            amqp: AmqpConfig::read(&mut keys),
            tls: TlsConfig { ca_file: keys.read("tls.ca_file", "a file with certificates in PEM", values::file) },
            mail: MailConfig::read(&mut keys, &data),
            delivery: DeliveryConfig { lease: keys.read_or("delivery.lease", values::DURATION, values::duration, "2m") },
            imap: ImapConfig { lease: keys.read_or("imap.lease", values::DURATION, values::duration, "30s") },
            log: LogConfig::read(&mut keys),
            http_listen: keys.read("http.listen", "an address and a port like 127.0.0.1:9464", values::listen),
            public_url: keys.read("http.public_url", "a URL like https://desk.example.org", values::public_url),
            trace_endpoint: keys.read("trace.endpoint", "a URL like http://collector:4318", values::http_url),
            data,
        };
        let (faults, read) = keys.finish();
        if faults.is_empty() { Ok((config, Effective::new(read))) } else { Err(Faults(faults)) }
    }
}

impl DatabaseConfig {
    fn read(keys: &mut Keys) -> Self {
        Self {
            max_connections: keys.read_or("database.max_connections", "a number from 5 to 200", values::connections, 20),
            postgres_bin: keys.read("postgres_bin", "a folder with the programs initdb and postgres", values::folder),
            durable: keys.read_or("database.durable", "true or false (false only for tests: a crash may lose mail)", values::boolean, true),
        }
    }
}

impl AmqpConfig {
    fn read(keys: &mut Keys) -> Self {
        Self {
            url: keys.secret("amqp.url", "a URL like amqps://user:password@host:5671/vhost", values::amqp_url),
            prefix: keys.read_or(
                "amqp.prefix",
                "letters, digits, dots, underscores and hyphens, 64 at most",
                values::prefix,
                "switchboard",
            ),
        }
    }
}

impl MailConfig {
    fn read(keys: &mut Keys, data: &Path) -> Self {
        let transport = keys.read_or("mail.transport", MailTransport::EXPECTED, MailTransport::parse, "file");
        let folder = keys.read_or("mail.folder", "a folder", values::path, data.join("outgoing").to_string_lossy().into_owned());
        let smtp_url = keys.secret("mail.smtp_url", SmtpUrl::EXPECTED, values::smtp_url);
        let smtp_connections = keys.read_or("mail.smtp_connections", "a number from 1 to 20", values::smtp_connections, 4);
        let largest_attachment = keys.read_or("mail.largest_attachment", values::SIZE, values::size, "25MB");
        if transport == MailTransport::Smtp && !keys.is_set("mail.smtp_url") {
            keys.missing("mail.smtp_url", &format!("{}, because mail.transport is smtp", SmtpUrl::EXPECTED));
        }
        Self { transport, folder, smtp_url, smtp_connections, largest_attachment }
    }
}

impl LogConfig {
    fn read(keys: &mut Keys) -> Self {
        let filter =
            keys.read_or("log.filter", "directives like info or switchboard_router=debug,info", values::filter, values::DEFAULT_FILTER);
        Self { filter, format: keys.read_or("log.format", LogFormat::EXPECTED, LogFormat::parse, "text") }
    }
}

#[cfg(test)]
mod tests;
