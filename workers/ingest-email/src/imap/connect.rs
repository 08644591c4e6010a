//! From an account's settings to a session that is logged in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_imap::imap_proto::{Capability, Response, ResponseCode, Status};
use async_imap::{Authenticator, Client};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use switchboard_common::db::mailboxes::{Mailbox, MailboxTls};
use switchboard_common::secrets;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::{ImapError, tidy};
use super::session::Session;

/// A connection, encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Sync + Unpin> Wire for T {}

type Unknown = Client<Box<dyn Wire>>;

/// Connects and logs in. `limit` is that of each step.
pub(super) async fn connect(mailbox: &Mailbox, tls: &Arc<ClientConfig>, limit: Duration) -> Result<Session, ImapError> {
    // First, so that a password that is not there asks nothing of the server.
    let password = resolve(&mailbox.password).await?;
    let stream = within("the connection", limit, dial(mailbox)).await?;
    let client = match mailbox.tls {
        MailboxTls::None => greeted(Box::new(stream), limit).await?,
        MailboxTls::Tls => {
            let stream = within("the TLS handshake", limit, encrypt(stream, mailbox, tls)).await?;
            greeted(stream, limit).await?
        }
        MailboxTls::Starttls => {
            let (mut client, _) = greeted(Box::new(stream), limit).await?;
            let started =
                async { client.run_command_and_check_ok("STARTTLS", None).await.map_err(|error| translate("STARTTLS", &error, None)) };
            within("STARTTLS", limit, started).await?;
            // What the server may have said beyond its answer is forgotten with the client: it was not encrypted.
            let stream = within("the TLS handshake", limit, encrypt(client.into_inner(), mailbox, tls)).await?;
            (Client::new(stream), Vec::new())
        }
    };
    let (client, capabilities) = client;
    within("LOGIN", limit, login(client, &capabilities, mailbox, &password)).await.map(|session| Session::new(session, limit))
}

/// What a reference stands for, at this moment: who changes it need not start anything anew.
async fn resolve(reference: &str) -> Result<SecretString, ImapError> {
    let reference = reference.to_owned();
    let read = tokio::task::spawn_blocking(move || secrets::read(&reference)).await;
    read.map_err(|error| ImapError::Secret(error.to_string()))?.map_err(|error| ImapError::Secret(error.to_string()))
}

fn place(mailbox: &Mailbox) -> String {
    format!("{}:{}", mailbox.host, mailbox.port)
}

async fn dial(mailbox: &Mailbox) -> Result<TcpStream, ImapError> {
    let failed = |source| ImapError::Connect { place: place(mailbox), source };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((mailbox.host.as_str(), mailbox.port)).await.map_err(failed)?.collect();
    if mailbox.tls == MailboxTls::None && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(ImapError::NotLoopback { place: place(mailbox) });
    }
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

async fn encrypt<S: Wire + 'static>(stream: S, mailbox: &Mailbox, tls: &Arc<ClientConfig>) -> Result<Box<dyn Wire>, ImapError> {
    let failed = |source| ImapError::Tls { place: place(mailbox), source };
    let name = mailbox.host.trim_end_matches('.').to_owned();
    let name = ServerName::try_from(name).map_err(|error| failed(std::io::Error::other(error)))?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(failed)?;
    Ok(Box::new(stream))
}

/// Reads the greeting, and what it says that the server can.
async fn greeted(stream: Box<dyn Wire>, limit: Duration) -> Result<(Unknown, Vec<String>), ImapError> {
    const CALL: &str = "the greeting";
    let mut client = Client::new(stream);
    let read = async { client.read_response().await.map_err(|error| unreadable(CALL, &error)) };
    let greeting = within(CALL, limit, read).await?.ok_or(ImapError::Closed { call: CALL, answer: None })?;
    let capabilities = match greeting.parsed() {
        Response::Data { status: Status::Ok, outcome } => match &outcome.code {
            Some(ResponseCode::Capabilities(capabilities)) => capabilities.iter().map(capability).collect(),
            _ => Vec::new(),
        },
        Response::Data { status: Status::Bye, outcome } => {
            return Err(ImapError::Closed { call: CALL, answer: outcome.information.as_deref().map(|text| tidy(text, None)) });
        }
        Response::Data { status: Status::PreAuth, .. } => {
            return Err(ImapError::Lacking("has chosen a user by itself (PREAUTH) and takes no login"));
        }
        _ => return Err(ImapError::Unreadable { call: CALL }),
    };
    Ok((client, capabilities))
}

/// A capability in upper case, such as `IDLE` or `AUTH=PLAIN`.
pub(super) fn capability(capability: &Capability<'_>) -> String {
    match capability {
        Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
        Capability::Auth(name) => format!("AUTH={name}").to_uppercase(),
        Capability::Atom(name) => name.to_uppercase(),
    }
}

type Known = async_imap::Session<Box<dyn Wire>>;

/// LOGIN, or AUTHENTICATE PLAIN where LOGIN is not had or cannot carry the characters.
async fn login(client: Unknown, capabilities: &[String], mailbox: &Mailbox, password: &SecretString) -> Result<Known, ImapError> {
    let password = password.expose_secret();
    let plain = mailbox.username.is_ascii() && password.is_ascii();
    let disabled = capabilities.iter().any(|capability| capability == "LOGINDISABLED");
    let outcome = if plain && !disabled {
        client.login(&mailbox.username, password).await
    } else {
        client.authenticate("PLAIN", Plain(format!("\0{}\0{password}", mailbox.username))).await
    };
    outcome.map_err(|(error, _)| match translate("LOGIN", &error, Some(password)) {
        ImapError::Refused { answer, .. } => ImapError::Login(answer),
        other => other,
    })
}

/// SASL PLAIN (RFC 4616): UTF-8, and nobody else's identity.
struct Plain(String);

impl Authenticator for Plain {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        std::mem::take(&mut self.0)
    }
}

/// What the library says, without the bytes that it may quote.
fn translate(call: &'static str, error: &async_imap::error::Error, secret: Option<&str>) -> ImapError {
    use async_imap::error::Error;
    match error {
        Error::No(said) | Error::Bad(said) => ImapError::Refused { call, answer: tidy(information(said), secret) },
        Error::Io(error) => unreadable(call, error),
        Error::ConnectionLost => ImapError::Closed { call, answer: None },
        Error::Validate(_) => ImapError::Secret("user or password hold a line break".to_owned()),
        _ => ImapError::Unreadable { call },
    }
}

/// The server's own words in what the library makes of them: `code: None, info: Some("…")`.
fn information(said: &str) -> &str {
    said.split_once("info: Some(\"").and_then(|(_, rest)| rest.strip_suffix("\")")).unwrap_or("it gives no reason")
}

/// An error of a connection. One without a code of the system's is the parser's, which quotes what it read.
pub(super) fn unreadable(call: &'static str, error: &std::io::Error) -> ImapError {
    match error.kind() {
        std::io::ErrorKind::Other => ImapError::Unreadable { call },
        _ => ImapError::Closed { call, answer: Some(format!("nothing more ({})", error.kind())) },
    }
}

/// Ends what takes too long.
pub(super) async fn within<T>(
    call: &'static str,
    limit: Duration,
    work: impl Future<Output = Result<T, ImapError>>,
) -> Result<T, ImapError> {
    tokio::time::timeout(limit, work).await.unwrap_or(Err(ImapError::TimedOut { call, limit }))
}
