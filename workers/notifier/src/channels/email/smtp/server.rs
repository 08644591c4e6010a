//! A mail server, and how a connection to it is made: reached, encrypted, greeted, signed in to.

use std::path::Path;

use anyhow::Context;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;
use secrecy::{ExposeSecret, SecretString};
use switchboard_common::config::{Encryption, SmtpUrl};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::access::{Access, Pass};
use super::describe;
use super::lines::Lines;
use crate::channels::Obstacle;

/// A mail server.
pub(super) struct Server {
    url: SmtpUrl,
    tls: Option<TlsParameters>,
    access: Access,
    hello: ClientId,
}

/// A new connection, and what the server said of itself.
pub(super) struct Reached {
    pub connection: AsyncSmtpConnection,
    /// The largest mail that it takes, in bytes, if it says (RFC 1870).
    pub size: Size,
}

/// What a server says of the size of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// It does not ask for it.
    Unasked,
    /// It wants to know it, and names no limit.
    Asked,
    /// It takes mails of up to so many bytes.
    UpTo(usize),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Unusable {
    pub obstacle: Obstacle,
    pub answer: String,
}

impl Unusable {
    pub(super) fn new(obstacle: Obstacle, error: &Error) -> Self {
        Self { obstacle, answer: describe(error) }
    }

    pub(super) fn ours(obstacle: Obstacle) -> Self {
        Self { obstacle, answer: obstacle.to_string() }
    }
}

impl Server {
    pub(super) fn new(url: &SecretString, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let url =
            SmtpUrl::parse(url.expose_secret()).map_err(|what| anyhow::anyhow!("mail.smtp_url: {what}; expected {}", SmtpUrl::EXPECTED))?;
        let access = url.sign_in.clone().map_or(Access::Open, Access::Given);
        Self::of(url, access, ca_file).context("mail.smtp_url")
    }

    /// A mail server of an account's own.
    pub(super) fn of(url: SmtpUrl, access: Access, ca_file: Option<&Path>) -> anyhow::Result<Self> {
        let tls = if url.encryption == Encryption::Plain { None } else { Some(trust(&url.host, ca_file)?) };
        let hello = url.hello.clone().map_or_else(ClientId::default, ClientId::Domain);
        Ok(Self { url, tls, access, hello })
    }

    /// A connection on which mail can be sent.
    pub(super) async fn connect(&self, deadline: Instant) -> Result<Reached, Unusable> {
        timeout_at(deadline, self.try_connect())
            .await
            .unwrap_or_else(|_| Err(Unusable { obstacle: Obstacle::Silent, answer: "no answer came in time".to_owned() }))
    }

    async fn try_connect(&self) -> Result<Reached, Unusable> {
        let Some(pass) = self.access.pass().await? else { return self.ready(None).await };
        match self.ready(Some(&pass)).await {
            // Refused for good (RFC 4954, 6), and not just for now: what we signed in with may have been changed.
            Err(refused) if refused.obstacle == Obstacle::SignIn && refused.answer.starts_with('5') => {
                match self.access.instead_of(&pass).await? {
                    Some(other) => self.ready(Some(&other)).await,
                    None => Err(refused),
                }
            }
            other => other,
        }
    }

    async fn ready(&self, pass: Option<&Pass>) -> Result<Reached, Unusable> {
        let mut connection = self.reach().await?;
        self.encrypt(&mut connection).await?;
        let size = self.size(&mut connection).await?;
        if let Some(pass) = pass {
            pass.sign_in(&mut connection).await?;
        }
        Ok(Reached { connection, size })
    }

    async fn reach(&self) -> Result<AsyncSmtpConnection, Unusable> {
        let address = (self.url.host.as_str(), self.url.port);
        let met = if self.url.encryption == Encryption::Implicit {
            AsyncSmtpConnection::connect_tokio1(address, None, &self.hello, self.tls.clone(), None).await
        } else {
            // A mail and its last line are written apart: the second must not wait until the first is acknowledged.
            let stream = TcpStream::connect(address)
                .await
                .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
                .map_err(|error| Unusable { obstacle: Obstacle::Unreachable, answer: format!("Connection error: {error}") })?;
            AsyncSmtpConnection::connect_with_transport(Box::new(Lines::new(stream)), &self.hello).await
        };
        met.map_err(|error| {
            let obstacle = if error.status().is_some() {
                Obstacle::Greeting
            } else if is_about_tls(&error) {
                Obstacle::Tls
            } else {
                Obstacle::Unreachable
            };
            Unusable::new(obstacle, &error)
        })
    }

    async fn encrypt(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Unusable> {
        let Some(tls) = &self.tls else { return Ok(()) };
        match self.url.encryption {
            Encryption::Plain | Encryption::Implicit => return Ok(()),
            Encryption::Opportunistic if !connection.can_starttls() => return Ok(()),
            Encryption::Required if !connection.can_starttls() => return Err(Unusable::ours(Obstacle::NoStartTls)),
            Encryption::Required | Encryption::Opportunistic => {}
        }
        // Says EHLO again when it is done (RFC 3207, 4.2).
        connection.starttls(tls.clone(), &self.hello).await.map_err(|error| Unusable::new(Obstacle::Tls, &error))
    }

    /// Asked for once more, because lettre drops what the server says of sizes.
    async fn size(&self, connection: &mut AsyncSmtpConnection) -> Result<Size, Unusable> {
        let answer = connection.command(Ehlo::new(self.hello.clone())).await.map_err(|error| Unusable::new(Obstacle::Greeting, &error))?;
        Ok(read_size(answer.message()))
    }
}

/// Whom TLS trusts: the system's authorities, and those of the file.
fn trust(host: &str, ca_file: Option<&Path>) -> anyhow::Result<TlsParameters> {
    let mut parameters = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::Default);
    if let Some(file) = ca_file {
        let pem = std::fs::read(file).with_context(|| format!("tls.ca_file: {} cannot be read", file.display()))?;
        let certificate =
            Certificate::from_pem(&pem).with_context(|| format!("tls.ca_file: {} holds no certificates in PEM", file.display()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build().with_context(|| format!("there can be no TLS with {host}"))
}

/// Whether TLS is what failed.
fn is_about_tls(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<rustls::Error>() || inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some() {
            return true;
        }
        source = cause.source();
    }
    error.is_tls()
}

fn read_size<'a>(mut answer: impl Iterator<Item = &'a str>) -> Size {
    let said = answer.find_map(|line| {
        let (keyword, limit) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        keyword.eq_ignore_ascii_case("SIZE").then(|| limit.trim().parse().unwrap_or(0))
    });
    match said {
        None => Size::Unasked,
        Some(0) => Size::Asked,
        Some(limit) => Size::UpTo(limit),
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("host", &self.url.host).field("port", &self.url.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_that_a_server_takes_is_read_from_its_answer() {
        let table = [
            (vec!["mail.example", "PIPELINING"], Size::Unasked),
            (vec!["mail.example", "SIZE"], Size::Asked),
            (vec!["mail.example", "size 0"], Size::Asked),
            (vec!["mail.example", "8BITMIME", "SIZE 52428800"], Size::UpTo(52_428_800)),
        ];
        for (answer, size) in table {
            assert_eq!(read_size(answer.clone().into_iter()), size, "{answer:?}");
        }
    }

    #[test]
    fn what_would_send_a_password_in_the_clear_is_refused_with_the_key_that_says_so() {
        let error = Server::new(&"smtp://u:secret@mail.example.org?tls=none".into(), None).expect_err("refused").to_string();
        assert!(error.starts_with("mail.smtp_url: it would send a password") && !error.contains("secret"), "{error}");
    }
}
