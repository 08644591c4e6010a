//! Mail by SMTP (RFC 5321).
//!
//! Connections are kept here ([`pool`]) rather than in lettre's pool, for three reasons. What a refusal
//! means depends on the stage: a server that greets with `554` refuses us, not the mail, and lettre
//! does not tell the two apart. A connection that went stale at rest is replaced by a fresh one within
//! the same attempt, but only as long as nothing of the mail was handed over. And a send that is given
//! up half-way must take its connection with it: lettre's pool would hand it to the next mail, in the
//! middle of a conversation.

mod access;
mod lines;
mod pool;
mod server;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter, ServerInfo};
use secrecy::SecretString;
use switchboard_common::config::SmtpUrl;
use tokio::time::{Instant, timeout_at};
use url::Host;

use crate::channels::{Gone, Obstacle, Refusal};
pub(in crate::channels) use access::Access;
pub use pool::Usage;
use pool::{Connection, Pool};
use server::{Server, Size};

/// A mail server, with the connections to it.
#[derive(Debug, Clone)]
pub struct Smtp {
    server: Arc<Server>,
    pool: Arc<Pool>,
}

/// How far a mail had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Sender and recipient.
    Envelope,
    /// The wish to send (DATA).
    Data,
    /// The mail itself was sent.
    Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The server refuses us, whatever the mail.
    Away(Obstacle),
    ForNow,
    ForGood,
    Unknown,
}

/// What came instead of going along.
#[derive(Debug)]
struct Fault {
    stage: Stage,
    code: Option<u16>,
    answer: String,
}

/// Refusals of us, not of the mail: sign in first, a stronger mechanism, failed, encryption.
const SIGN_IN: [u16; 4] = [530, 534, 535, 538];
/// The server hangs up.
const CLOSING: u16 = 421;

/// What it means that the server answered with `code`, or not at all, at a stage.
fn judge(stage: Stage, code: Option<u16>) -> Verdict {
    match (stage, code) {
        (Stage::Content, None) => Verdict::Unknown,
        (_, Some(code)) if SIGN_IN.contains(&code) => Verdict::Away(Obstacle::SignIn),
        (_, Some(500..=599)) => Verdict::ForGood,
        _ => Verdict::ForNow,
    }
}

/// Whether a refusal for good says that there is nobody at the address: the enhanced status codes about a recipient's address (RFC
/// 3463, 3.2; RFC 7505, 4.1). Without one it does not count: servers refuse with 550 for reasons of all kinds.
fn is_gone(answer: &str) -> bool {
    enhanced(answer).is_some_and(|status| ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"].contains(&status))
}

/// The enhanced status code of an answer (RFC 2034, 4), after its code.
fn enhanced(answer: &str) -> Option<&str> {
    let status = answer.split_whitespace().nth(1)?;
    let numbers: Vec<&str> = status.split('.').collect();
    let is_one = numbers.len() == 3 && numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    is_one.then_some(status)
}

impl Fault {
    /// Whether the connection had ended at rest: nothing of the mail was handed over, and on another
    /// connection it may go.
    fn is_stale(&self) -> bool {
        self.stage == Stage::Envelope && matches!(self.code, None | Some(CLOSING))
    }

    /// Whether the server still listens: it refused the mail, and knows that.
    fn leaves_connection(&self) -> bool {
        self.code.is_some_and(|code| code != CLOSING)
    }
}

impl From<Fault> for Refusal {
    fn from(Fault { stage, code, answer }: Fault) -> Self {
        match judge(stage, code) {
            Verdict::Away(obstacle) => Self::Away { obstacle, answer },
            Verdict::ForNow => Self::ForNow { answer },
            Verdict::ForGood => Self::ForGood { gone: is_gone(&answer).then_some(Gone::Bounce), answer },
            Verdict::Unknown => Self::Unknown { answer },
        }
    }
}

/// When a mail has to be done, and each step on the way.
#[derive(Debug, Clone, Copy)]
struct Limits {
    whole: Instant,
    step: Duration,
}

impl Limits {
    fn of(whole: Duration) -> Self {
        Self { whole: Instant::now() + whole, step: whole / 3 }
    }

    /// The end of a step that begins now. One that hangs leaves time for a fresh connection.
    fn step(self) -> Instant {
        self.whole.min(Instant::now() + self.step)
    }
}

impl Smtp {
    pub(super) fn new(url: &SecretString, ca_file: Option<&Path>, usage: Usage) -> anyhow::Result<Self> {
        Ok(Self { server: Arc::new(Server::new(url, ca_file)?), pool: Arc::new(Pool::new(usage)) })
    }

    /// A mail server of an account's own.
    pub(in crate::channels) fn of(url: SmtpUrl, access: Access, ca_file: Option<&Path>, usage: Usage) -> anyhow::Result<Self> {
        Ok(Self { server: Arc::new(Server::of(url, access, ca_file)?), pool: Arc::new(Pool::new(usage)) })
    }

    /// How many mails it sends at once.
    pub(super) fn connections(&self) -> usize {
        self.pool.usage().connections
    }

    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8], limit: Duration) -> Result<String, Refusal> {
        let limits = Limits::of(limit);
        let envelope = in_ascii(envelope)?;
        let Ok(Some(_permit)) = timeout_at(limits.whole, self.pool.permit()).await else {
            return Err(Refusal::ForNow { answer: "no connection to the mail server was free in time".to_owned() });
        };
        if let Some(rested) = self.pool.take() {
            match self.hand_over(rested, &envelope, mail, limits).await? {
                Err(fault) if fault.is_stale() => tracing::debug!("A connection to the mail server had ended at rest"),
                Err(fault) => return Err(fault.into()),
                Ok(answer) => return Ok(answer),
            }
        }
        // Those that are of no further use count as well.
        self.tidy_up().await;
        let reached = self.server.connect(limits.step()).await;
        let reached = reached.map_err(|unusable| Refusal::Away { obstacle: unusable.obstacle, answer: unusable.answer })?;
        Ok(self.hand_over(Connection::new(reached), &envelope, mail, limits).await??)
    }

    /// Hands a mail over, and keeps the connection if it is of further use. The outer error is our own:
    /// this server takes no such mail.
    async fn hand_over(
        &self,
        mut connection: Connection,
        envelope: &Envelope,
        mail: &[u8],
        limits: Limits,
    ) -> Result<Result<String, Fault>, Refusal> {
        let parameters = match parameters(connection.smtp.server_info(), connection.size, envelope, mail) {
            Ok(parameters) => parameters,
            Err(answer) => {
                self.pool.keep(connection);
                return Err(Refusal::for_good(answer));
            }
        };
        let handed_over = converse(&mut connection, envelope, parameters, mail, limits).await;
        match &handed_over {
            Ok(_) => self.pool.keep(connection),
            // What was refused is taken back, and the next mail can follow.
            Err(fault) if fault.leaves_connection() && connection.reset().await => self.pool.keep(connection),
            // Nobody knows where the conversation stands.
            Err(_) => drop(connection),
        }
        Ok(handed_over)
    }

    /// Says goodbye on connections that nobody needed for a while.
    pub(super) async fn tidy_up(&self) {
        self.pool.close(self.pool.usage().idle).await;
    }

    /// Says goodbye on all connections at rest.
    pub(super) async fn close(&self) {
        self.pool.close(Duration::ZERO).await;
    }
}

async fn converse(
    connection: &mut Connection,
    envelope: &Envelope,
    parameters: Vec<MailParameter>,
    mail: &[u8],
    limits: Limits,
) -> Result<String, Fault> {
    let smtp = &mut connection.smtp;
    at(Stage::Envelope, limits.step(), smtp.command(Mail::new(envelope.from().cloned(), parameters))).await?;
    for recipient in envelope.to() {
        at(Stage::Envelope, limits.step(), smtp.command(Rcpt::new(recipient.clone(), Vec::new()))).await?;
    }
    at(Stage::Data, limits.step(), smtp.command(Data)).await?;
    // The largest part gets all the time that is left: whoever gives up here does not know what became of the mail.
    let response = at(Stage::Content, limits.whole, smtp.message(mail)).await?;
    Ok(format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" ")))
}

/// Does the work of one stage before the deadline.
async fn at<T>(stage: Stage, deadline: Instant, work: impl Future<Output = Result<T, Error>>) -> Result<T, Fault> {
    match timeout_at(deadline, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Fault { stage, code: error.status().map(u16::from), answer: describe(&error) }),
        Err(_) => Err(Fault { stage, code: None, answer: "no answer came in time".to_owned() }),
    }
}

/// What is said of a mail along with its sender, as far as the server wants to hear it, or why the
/// server cannot take it at all.
fn parameters(server: &ServerInfo, size: Size, envelope: &Envelope, mail: &[u8]) -> Result<Vec<MailParameter>, String> {
    let mut parameters = Vec::new();
    match size {
        Size::UpTo(limit) if mail.len() > limit => {
            return Err(format!("not sent: the mail has {} bytes, and the mail server takes {limit} at most", mail.len()));
        }
        Size::UpTo(_) | Size::Asked => parameters.push(MailParameter::Size(mail.len())),
        Size::Unasked => {}
    }
    if envelope.to().iter().chain(envelope.from()).any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err("not sent: the address has letters outside of ASCII before the @, and the mail server has no SMTPUTF8".to_owned());
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err("not sent: the mail is not in ASCII, and the mail server has no 8BITMIME".to_owned());
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

/// The envelope with its domains as every server knows them (RFC 5890: A-labels).
fn in_ascii(envelope: &Envelope) -> Result<Envelope, Refusal> {
    let convert = |address: &Address| {
        if address.domain().is_ascii() {
            return Ok(address.clone());
        }
        let domain = Host::parse(address.domain()).map_err(|error| error.to_string())?;
        Address::new(address.user(), domain.to_string()).map_err(|error| error.to_string())
    };
    let from = envelope.from().map(convert).transpose();
    let to = envelope.to().iter().map(convert).collect::<Result<Vec<_>, _>>();
    from.and_then(|from| Envelope::new(from, to?).map_err(|error| error.to_string()))
        .map_err(|error| Refusal::for_good(format!("not sent: the domain of an address cannot be written in ASCII: {error}")))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_for_good_only_when_it_is_about_the_mail() {
        use Stage::{Content, Data, Envelope};
        use Verdict::{Away, ForGood, ForNow, Unknown};
        let table = [
            (Envelope, Some(450), ForNow, "greylisting"),
            (Envelope, Some(454), ForNow, "sign-in is not possible now"),
            (Envelope, Some(530), Away(Obstacle::SignIn), "sign in first"),
            (Envelope, Some(534), Away(Obstacle::SignIn), "a stronger mechanism is needed"),
            (Envelope, Some(538), Away(Obstacle::SignIn), "encryption is needed to sign in"),
            (Envelope, Some(550), ForGood, "no such user"),
            (Envelope, Some(553), ForGood, "no such name"),
            (Envelope, None, ForNow, "the connection broke before the mail was sent"),
            (Data, None, ForNow, "the same"),
            (Data, Some(554), ForGood, "no valid recipients"),
            (Content, Some(452), ForNow, "the disk is full"),
            (Content, Some(554), ForGood, "the content is refused"),
            (Content, None, Unknown, "the connection broke after the mail was sent"),
        ];
        for (stage, code, verdict, case) in table {
            assert_eq!(judge(stage, code), verdict, "{case}");
        }
    }

    #[test]
    fn only_before_data_is_a_connection_taken_for_stale() {
        let is_stale = |stage, code| Fault { stage, code, answer: String::new() }.is_stale();
        assert!(is_stale(Stage::Envelope, None) && is_stale(Stage::Envelope, Some(421)));
        for (stage, code) in [(Stage::Envelope, Some(450)), (Stage::Data, None), (Stage::Data, Some(421)), (Stage::Content, None)] {
            assert!(!is_stale(stage, code), "{stage:?} {code:?}");
        }
    }

    fn envelope(to: &str) -> Envelope {
        Envelope::new(None, vec![to.parse().expect("an address")]).expect("a recipient")
    }

    #[test]
    fn what_a_server_does_not_take_is_refused_with_the_reason() {
        let server = ServerInfo::default();
        let refused = |size, to, mail: &[u8]| parameters(&server, size, &envelope(to), mail).expect_err("refused");
        assert!(refused(Size::UpTo(10), "a@example.org", b"eleven byte").contains("11 bytes, and the mail server takes 10"));
        assert!(refused(Size::Unasked, "ädä@example.org", b"x").contains("SMTPUTF8"));
        assert!(refused(Size::Unasked, "a@example.org", "é".as_bytes()).contains("8BITMIME"));
        assert_eq!(parameters(&server, Size::UpTo(10), &envelope("a@example.org"), b"ten bytes!").map(|all| all.len()), Ok(1));
    }

    #[test]
    fn domains_are_written_in_ascii() {
        let converted = in_ascii(&envelope("ada@bücher.example")).expect("a domain");
        assert_eq!(converted.to()[0].to_string(), "ada@xn--bcher-kva.example");
    }
}
