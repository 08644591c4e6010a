//! What a mail server's alias runs: one mail on standard input, one exit code.
//!
//! The codes are those of sysexits.h, as Postfix (pipe(8), local(8)) and Exim (pipe transport)
//! understand them. The mail server keeps the mail and tries again on 75 alone, so everything that
//! is not the mail's own fault ends with it.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Broker;
use switchboard_common::db;
use switchboard_common::db::accounts::{self, EmailAccount};
use switchboard_mail_reader::SmtpEnvelope;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::accept::{AcceptError, LARGEST_MAIL, accept};
use crate::message::Limits;

/// Longer than this nothing takes that is not broken; mail servers wait longer.
const LIMIT: Duration = Duration::from_mins(2);

/// An exit code and its meaning to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The mail was taken: the mail server may forget it.
    Ok = 0,
    /// `EX_USAGE`: the command was called wrongly; the mail server returns the mail to its sender.
    Usage = 64,
    /// `EX_DATAERR`: the mail cannot be taken, ever; the mail server returns it to its sender.
    DataErr = 65,
    /// `EX_TEMPFAIL`: the mail server keeps the mail and tries again.
    TempFail = 75,
}

impl From<ExitCode> for u8 {
    fn from(code: ExitCode) -> Self {
        code as u8
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        u8::from(code).into()
    }
}

/// How it ended, and why in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipeExit {
    /// For the mail server.
    pub code: ExitCode,
    /// For its log.
    pub explanation: String,
}

impl PipeExit {
    fn try_again(why: impl fmt::Display) -> Self {
        Self { code: ExitCode::TempFail, explanation: one_line(&format!("{why}; keep the mail and try again")) }
    }
}

impl fmt::Display for PipeExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explanation)
    }
}

/// Reads one mail and takes it for the account named `NAME` or, where several tenants have one of
/// that name, `TENANT/NAME`.
pub async fn pipe(
    pool: &PgPool,
    broker: &dyn Broker,
    ambient: &Ambient,
    account: &str,
    limits: Limits,
    envelope: &SmtpEnvelope,
    input: impl AsyncRead + Unpin,
) -> PipeExit {
    // Nothing of what a panic may leave half done is used afterwards: the process ends.
    let work = AssertUnwindSafe(take(pool, broker, ambient, account, limits, envelope, input)).catch_unwind();
    match work.await {
        Ok(Ok(exit) | Err(exit)) => exit,
        Err(_) => PipeExit::try_again("Switchboard failed in a way that nobody foresaw"),
    }
}

async fn take(
    pool: &PgPool,
    broker: &dyn Broker,
    ambient: &Ambient,
    account: &str,
    limits: Limits,
    envelope: &SmtpEnvelope,
    input: impl AsyncRead + Unpin,
) -> Result<PipeExit, PipeExit> {
    let raw = read(input).await?;
    let raw = without_mbox_line(&raw);
    let work = async {
        let account = find(pool, account).await?;
        accept(pool, broker, ambient, &account, limits, raw, envelope).await.map_err(|error| refused(&error))
    };
    let accepted =
        tokio::time::timeout(LIMIT, work).await.map_err(|_| PipeExit::try_again(format_args!("not done within {LIMIT:?}")))??;
    Ok(PipeExit { code: ExitCode::Ok, explanation: format!("accepted as {}", accepted.id) })
}

/// Reads to the end, or until there is too much.
async fn read(input: impl AsyncRead + Unpin) -> Result<Vec<u8>, PipeExit> {
    let mut raw = Vec::new();
    // One byte more than may be accepted, so that what is too large is seen to be.
    let most = LARGEST_MAIL as u64 + 1;
    let read = input.take(most).read_to_end(&mut raw).await;
    read.map_err(|error| PipeExit::try_again(format_args!("the mail could not be read from standard input: {error}")))?;
    if raw.len() > LARGEST_MAIL {
        return Err(refused(&AcceptError::TooLarge));
    }
    Ok(raw)
}

fn refused(error: &AcceptError) -> PipeExit {
    if error.is_bad_input() {
        PipeExit { code: ExitCode::DataErr, explanation: one_line(&error.to_string()) }
    } else {
        PipeExit::try_again(error)
    }
}

async fn find(pool: &PgPool, wanted: &str) -> Result<EmailAccount, PipeExit> {
    let (tenant, name) = wanted.split_once('/').map_or((None, wanted), |(tenant, name)| (Some(tenant), name));
    let found = async {
        let mut session = db::Session::open(pool).await?;
        let found = accounts::find_email(&mut session, tenant, name).await?;
        session.done();
        Ok::<_, sqlx::Error>(found)
    };
    let found = found.await.map_err(|error| PipeExit::try_again(format_args!("the account could not be looked up: {error}")))?;
    choose(found, wanted).map_err(PipeExit::try_again)
}

/// The one account that takes mail, or why there is none. A mail is not lost for a fault in the
/// configuration: none of the reasons is for good.
fn choose(found: Vec<EmailAccount>, wanted: &str) -> Result<EmailAccount, String> {
    let (disabled, mut enabled): (Vec<_>, Vec<_>) = found.into_iter().partition(|account| account.disabled);
    match (enabled.pop(), enabled.is_empty()) {
        (Some(account), true) => Ok(account),
        (Some(account), false) => {
            let names: Vec<String> =
                enabled.iter().chain([&account]).map(|account| format!("{}/{}", account.tenant_name, account.name)).collect();
            Err(format!("the account {wanted:?} is ambiguous: expected one of {}", names.join(", ")))
        }
        (None, _) if !disabled.is_empty() => Err(format!("the mail account {wanted:?} is disabled: expected one that takes mail")),
        (None, _) => Err(format!("there is no mail account {wanted:?}: expected NAME or TENANT/NAME of one that was applied")),
    }
}

/// Some mail servers write the line that separates the mails of an mbox file above the first header.
fn without_mbox_line(raw: &[u8]) -> &[u8] {
    if !raw.starts_with(b"From ") {
        return raw;
    }
    raw.iter().position(|byte| *byte == b'\n').map_or(&[], |end| &raw[end + 1..])
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
