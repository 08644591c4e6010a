//! Mail by SMTP (RFC 5321).
//!
//! Connections are kept here rather than in lettre's pool, for two reasons. What a refusal means
//! depends on the stage: a server that greets with `554` refuses us, not the mail, and lettre does not
//! tell the two apart. And a send that is given up half-way must take its connection with it: the
//! pool would hand it to the next mail, in the middle of a conversation.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::Refusal;

/// How long saying goodbye may take.
const QUIT_LIMIT: Duration = Duration::from_secs(2);

/// A mail server, with the connections to it that are at rest.
#[derive(Clone)]
pub struct Smtp {
    server: Arc<Server>,
    resting: Arc<Mutex<Vec<AsyncSmtpConnection>>>,
}

struct Server {
    host: String,
    port: u16,
    tls: Tls,
    credentials: Option<Credentials>,
    hello: ClientId,
}

/// What is wrong with the URL of a mail server. Its password is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("the URL of the mail server: {0}; expected one like smtps://user:password@mail.example.org or smtp://localhost:25")]
pub struct InvalidUrl(String);

/// How far a mail had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The connection, the greeting, TLS and the sign-in: nothing of the mail was said.
    Hello,
    /// Sender, recipient and the wish to send.
    Envelope,
    /// The mail itself was sent.
    Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    ForNow,
    ForGood,
    Unknown,
}

/// Refusals of us, not of the mail: sign in first, a stronger mechanism, failed, encryption.
const SIGN_IN: [u16; 4] = [530, 534, 535, 538];

/// What it means that the server answered with `code`, or not at all, at a stage.
fn judge(stage: Stage, code: Option<u16>) -> Verdict {
    match (stage, code) {
        (Stage::Content, None) => Verdict::Unknown,
        (Stage::Envelope | Stage::Content, Some(code @ 500..=599)) if !SIGN_IN.contains(&code) => Verdict::ForGood,
        _ => Verdict::ForNow,
    }
}

impl Smtp {
    pub(super) fn new(url: &SecretString) -> Result<Self, InvalidUrl> {
        Ok(Self { server: Arc::new(Server::parse(url.expose_secret())?), resting: Arc::default() })
    }

    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8], limit: Duration) -> Result<String, Refusal> {
        let deadline = Instant::now() + limit;
        let mut connection = at(Stage::Hello, deadline, self.connection(limit)).await?;
        let handed_over = hand_over(&mut connection, envelope, mail, deadline).await;
        if handed_over.is_ok() {
            self.keep(connection);
        } else {
            // Not used again: after a failure nobody knows where the conversation stands.
            let _ = timeout_at(deadline.min(Instant::now() + QUIT_LIMIT), connection.quit()).await;
        }
        handed_over
    }

    /// A connection that was at rest and still answers, or a new one.
    async fn connection(&self, limit: Duration) -> Result<AsyncSmtpConnection, Error> {
        while let Some(mut connection) = self.take() {
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
        self.server.connect(limit).await
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    /// Says goodbye on the connections at rest.
    pub(super) async fn rest(&self) {
        while let Some(mut connection) = self.take() {
            // Whoever does not answer to a goodbye is left without.
            let _ = tokio::time::timeout(QUIT_LIMIT, connection.quit()).await;
        }
    }
}

async fn hand_over(connection: &mut AsyncSmtpConnection, envelope: &Envelope, mail: &[u8], deadline: Instant) -> Result<String, Refusal> {
    at(Stage::Envelope, deadline, offer(connection, envelope, mail)).await?;
    let response = at(Stage::Content, deadline, connection.message(mail)).await?;
    Ok(format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" ")))
}

/// Does the work of one stage before the deadline.
async fn at<T>(stage: Stage, deadline: Instant, work: impl Future<Output = Result<T, Error>>) -> Result<T, Refusal> {
    let (code, answer) = match timeout_at(deadline, work).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => (error.status().map(u16::from), describe(&error)),
        Err(_) => (None, "no answer came in time".to_owned()),
    };
    Err(match judge(stage, code) {
        Verdict::ForNow => Refusal::ForNow { answer },
        Verdict::ForGood => Refusal::ForGood { answer },
        Verdict::Unknown => Refusal::Unknown { answer },
    })
}

/// Names sender and recipient, and asks to send.
async fn offer(connection: &mut AsyncSmtpConnection, envelope: &Envelope, mail: &[u8]) -> Result<(), Error> {
    let mut parameters = Vec::new();
    if envelope.to().iter().chain(envelope.from()).any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(envelope.from().cloned(), parameters)).await?;
    for recipient in envelope.to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await?;
    }
    connection.command(Data).await?;
    Ok(())
}

/// The server's own words with their code, or what came instead of them.
fn describe(error: &Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    match (error.status(), source) {
        (Some(code), Some(text)) => format!("{code} {text}"),
        (Some(code), None) => code.to_string(),
        (None, _) => error.to_string(),
    }
}

impl Server {
    fn parse(url: &str) -> Result<Self, InvalidUrl> {
        let url = Url::parse(url).map_err(|error| InvalidUrl(error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| InvalidUrl("it names no host".to_owned()))?;
        let starttls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let tls = || TlsParameters::new(host.to_owned()).map_err(|error| InvalidUrl(format!("{host} cannot be used with TLS: {error}")));
        let (tls, default_port) = match (url.scheme(), starttls.as_deref()) {
            ("smtps", None) => (Tls::Wrapper(tls()?), 465),
            ("smtp", None) => (Tls::None, 25),
            ("smtp", Some("required")) => (Tls::Required(tls()?), 587),
            ("smtp", Some("opportunistic")) => (Tls::Opportunistic(tls()?), 587),
            (scheme @ ("smtp" | "smtps"), Some(other)) => return Err(InvalidUrl(format!("{scheme} has no tls={other}"))),
            (scheme, _) => return Err(InvalidUrl(format!("mail is not sent by {scheme}"))),
        };
        let hello = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let credentials = url.password().map(|password| Credentials::new(decode(url.username()), decode(password)));
        Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(default_port), tls, credentials, hello })
    }

    async fn connect(&self, limit: Duration) -> Result<AsyncSmtpConnection, Error> {
        let wrapper = if let Tls::Wrapper(parameters) = &self.tls { Some(parameters.clone()) } else { None };
        let server = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(limit), &self.hello, wrapper, None).await?;
        match &self.tls {
            Tls::Required(parameters) => connection.starttls(parameters.clone(), &self.hello).await?,
            Tls::Opportunistic(parameters) if connection.can_starttls() => connection.starttls(parameters.clone(), &self.hello).await?,
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").field("host", &self.server.host).field("port", &self.server.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_for_good_only_when_it_is_about_the_mail() {
        use Stage::{Content, Envelope, Hello};
        use Verdict::{ForGood, ForNow, Unknown};
        let table = [
            (Hello, Some(554), ForNow, "the greeting of a server that does not want us"),
            (Hello, Some(421), ForNow, "too many connections"),
            (Hello, Some(535), ForNow, "a wrong password: the operator can mend it"),
            (Hello, None, ForNow, "nobody listens, TLS failed, or no answer came"),
            (Envelope, Some(450), ForNow, "greylisting"),
            (Envelope, Some(454), ForNow, "sign-in is not possible now"),
            (Envelope, Some(530), ForNow, "sign in first"),
            (Envelope, Some(534), ForNow, "a stronger mechanism is needed"),
            (Envelope, Some(538), ForNow, "encryption is needed to sign in"),
            (Envelope, Some(550), ForGood, "no such user"),
            (Envelope, Some(553), ForGood, "no such name"),
            (Envelope, None, ForNow, "the connection broke before the mail was sent"),
            (Content, Some(452), ForNow, "the disk is full"),
            (Content, Some(554), ForGood, "the content is refused"),
            (Content, None, Unknown, "the connection broke after the mail was sent"),
        ];
        for (stage, code, verdict, case) in table {
            assert_eq!(judge(stage, code), verdict, "{case}");
        }
    }

    #[test]
    fn the_url_says_how_the_server_is_reached() {
        let parse = |url: &str| Server::parse(url).expect("valid");
        let plain = parse("smtp://localhost");
        assert_eq!((plain.port, matches!(plain.tls, Tls::None), plain.credentials.is_none()), (25, true, true));
        let wrapped = parse("smtps://us%40er:p%2Bw@mail.example.org/desk.example.org");
        assert_eq!((wrapped.port, matches!(wrapped.tls, Tls::Wrapper(_))), (465, true));
        assert_eq!(wrapped.credentials, Some(Credentials::new("us@er".to_owned(), "p+w".to_owned())));
        assert_eq!(wrapped.hello.to_string(), "desk.example.org");
        assert!(matches!(parse("smtp://mail.example.org:2525?tls=required").tls, Tls::Required(_)));
        assert_eq!(parse("smtp://mail.example.org:2525?tls=required").port, 2525);
    }

    #[test]
    fn a_wrong_url_is_named_without_its_password() {
        for url in [
            "mail.example.org",
            "http://u:secret@mail.example.org",
            "smtp://u:secret@h?tls=maybe",
            "smtps://u:secret@h?tls=required",
            "smtp://",
        ] {
            let error = Server::parse(url).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("expected one like") && !error.contains("secret"), "{url}: {error}");
        }
    }
}
