//! Takes a mail whole or not at all.

use std::sync::Arc;

use sqlx::{Connection, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Broker, BrokerError, Queue};
use switchboard_common::db::accounts::EmailAccount;
use switchboard_common::db::{self, media};
use switchboard_common::envelope;
use switchboard_common::ids::{MediaId, TenantId};
use switchboard_common::telemetry::trace::{Span, SpanKind};
use uuid::Uuid;

use switchboard_mail_reader::{SmtpEnvelope, read};

use crate::message::{self, Limits, Prepared, Stored};

/// A larger mail is refused.
pub const LARGEST_MAIL: usize = 64 * 1024 * 1024;

/// What became of a mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Names the message on its way to the router.
    pub id: Uuid,
    /// The key by which the router knows doubles.
    pub external_id: String,
    /// Where its bytes lie.
    pub raw: MediaId,
}

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// There is nothing in it.
    #[error("the mail is empty: expected a header and a body")]
    Empty,
    /// There is too much in it.
    #[error("the mail is too large: expected at most {} MiB", LARGEST_MAIL / (1024 * 1024))]
    TooLarge,
    /// Its bytes could not be stored.
    #[error("the mail could not be stored: {0}")]
    Database(#[from] sqlx::Error),
    /// The broker did not confirm.
    #[error("the mail was stored and could not be handed on: {0}")]
    Broker(#[from] BrokerError),
    /// It could not be written for the broker.
    #[error("the mail could not be written as JSON: {0}")]
    Seal(#[from] serde_json::Error),
    /// The task that reads it ended without a result.
    #[error("reading the mail failed: {0}")]
    Reading(#[from] tokio::task::JoinError),
}

impl AcceptError {
    /// Whether the mail itself is at fault, so that trying again is of no use.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        matches!(self, Self::Empty | Self::TooLarge)
    }

    /// Whether another mail might be taken where this one was not: the mail is at fault, or what is
    /// done with it.
    pub(crate) fn is_about_the_mail(&self) -> bool {
        match self {
            Self::Empty | Self::TooLarge | Self::Seal(_) | Self::Reading(_) => true,
            Self::Database(error) => db::is_fault_of_the_work(error),
            Self::Broker(_) => false,
        }
    }
}

/// Takes a mail for an account: its bytes and those of its attachments are made durable, then it is
/// published for the router. Returns when the broker has confirmed; after an error the same mail can
/// be given again, since what is stored twice is kept once and what is published twice has the same key.
///
/// # Errors
/// When the mail is empty or too large, and when the database or the broker did not do their part.
pub async fn accept(
    pool: &PgPool,
    broker: &dyn Broker,
    ambient: &Ambient,
    account: &EmailAccount,
    limits: Limits,
    raw: &[u8],
    envelope: &SmtpEnvelope,
) -> Result<Accepted, AcceptError> {
    let mail = RawMail { bytes: Arc::from(raw), envelope: envelope.clone() };
    let accepted = accept_all(pool, broker, ambient, account, limits, Queue::Inbound, vec![mail]).await?;
    accepted.into_iter().next().unwrap_or(Err(AcceptError::Empty))
}

/// A mail as it came, to be taken with others.
#[derive(Debug, Clone)]
pub(crate) struct RawMail {
    /// All of it.
    pub bytes: Arc<[u8]>,
    /// What the mail server says beside it.
    pub envelope: SmtpEnvelope,
}

/// Takes mails as [`accept`] does, all with one commit and one call to the broker, which carries
/// them by `queue`. Says of each, in their order, what became of it: one that is itself at fault is
/// left out and the others are taken.
///
/// # Errors
/// When the database or the broker did not do their part: none is accepted then.
pub(crate) async fn accept_all(
    pool: &PgPool,
    broker: &dyn Broker,
    ambient: &Ambient,
    account: &EmailAccount,
    limits: Limits,
    queue: Queue,
    mails: Vec<RawMail>,
) -> Result<Vec<Result<Accepted, AcceptError>>, AcceptError> {
    let received_at = ambient.now();
    let spans: Vec<Span> = mails.iter().map(|_| span(account, queue)).collect();
    let read = read_all(&mails, limits).await;
    let blobs: Vec<&[u8]> =
        mails.iter().zip(&read).filter_map(|(mail, read)| Some((mail, read.as_ref().ok()?))).flat_map(blobs_of).collect();
    let stored = if blobs.is_empty() { Vec::new() } else { store(pool, ambient, account.tenant_id, &blobs).await? };
    let (mut ids, mut accepted, mut sealed) = (stored.into_iter(), Vec::new(), Vec::new());
    for (mail, span) in read.into_iter().zip(&spans) {
        let mail = match mail {
            Ok(mail) => mail,
            Err(error) => {
                accepted.push(Err(error));
                continue;
            }
        };
        let stored = Stored::take(&mail, &mut ids).ok_or(sqlx::Error::RowNotFound)?;
        let taken = Accepted { id: ambient.new_id(), external_id: mail.mail.external_id.clone(), raw: stored.raw };
        let message = message::message(mail, account, &stored, received_at);
        sealed.push(envelope::traced(envelope::seal(taken.id, &message)?, span.context().as_ref()));
        accepted.push(Ok(taken));
    }
    if !sealed.is_empty() {
        broker.publish(queue, sealed).await?;
    }
    log(account, &mails, &accepted);
    Ok(accepted)
}

/// The root of what follows from a mail.
fn span(account: &EmailAccount, queue: Queue) -> Span {
    Span::begin("accept mail", SpanKind::Producer, None, || {
        [("messaging.destination.name", queue.as_str().to_owned()), ("switchboard.account.id", account.account_id.to_string())]
    })
}

/// The bytes of a mail that are kept, in the order in which their ids are used.
fn blobs_of<'m>((raw, prepared): (&'m RawMail, &'m Prepared)) -> impl Iterator<Item = &'m [u8]> {
    std::iter::once(&*raw.bytes).chain(prepared.blobs())
}

/// Reads mails on other threads: a large one takes a while.
async fn read_all(mails: &[RawMail], limits: Limits) -> Vec<Result<Prepared, AcceptError>> {
    let read = mails.iter().map(|mail| {
        if mail.bytes.trim_ascii().is_empty() {
            return Err(AcceptError::Empty);
        }
        if mail.bytes.len() > LARGEST_MAIL {
            return Err(AcceptError::TooLarge);
        }
        let RawMail { bytes, envelope } = mail.clone();
        Ok(tokio::task::spawn_blocking(move || Prepared::new(read(&bytes, &envelope), limits)))
    });
    // All of them are begun before the first is waited for.
    let reading: Vec<_> = read.collect();
    let mut done = Vec::with_capacity(mails.len());
    for task in reading {
        done.push(match task {
            Ok(task) => task.await.map_err(AcceptError::from).and_then(|prepared| Ok(prepared?)),
            Err(error) => Err(error),
        });
    }
    done
}

fn log(account: &EmailAccount, mails: &[RawMail], accepted: &[Result<Accepted, AcceptError>]) {
    for (mail, accepted) in mails.iter().zip(accepted) {
        let Ok(Accepted { id, .. }) = accepted else { continue };
        tracing::info!(
            account.id = %account.account_id,
            message.id = %id,
            size = mail.bytes.len(),
            "Took a mail of {} bytes for {}/{}",
            mail.bytes.len(),
            account.tenant_name,
            account.name,
        );
    }
}

/// Stores all of them or none; durable on return.
async fn store(pool: &PgPool, ambient: &Ambient, tenant: TenantId, blobs: &[&[u8]]) -> sqlx::Result<Vec<MediaId>> {
    let mut session = db::Session::open(pool).await?;
    let mut transaction = session.begin().await?;
    let ids = media::store(&mut transaction, tenant, ambient, blobs).await?;
    transaction.commit().await?;
    session.done();
    Ok(ids)
}
