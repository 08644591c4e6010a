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

use crate::message;
use crate::parse::{SmtpEnvelope, parse};

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
    raw: &[u8],
    envelope: &SmtpEnvelope,
) -> Result<Accepted, AcceptError> {
    if raw.trim_ascii().is_empty() {
        return Err(AcceptError::Empty);
    }
    if raw.len() > LARGEST_MAIL {
        return Err(AcceptError::TooLarge);
    }
    let received_at = ambient.now();
    let span = Span::begin("accept mail", SpanKind::Producer, None, || {
        [("messaging.destination.name", Queue::Inbound.as_str().to_owned()), ("switchboard.account.id", account.account_id.to_string())]
    });
    // Reading a large mail takes a while, in which this thread has other things to do.
    let mail = tokio::task::spawn_blocking({
        let (raw, envelope) = (Arc::<[u8]>::from(raw), envelope.clone());
        move || message::bounded(parse(&raw, &envelope))
    });
    let mail = mail.await?;
    let blobs: Vec<&[u8]> = std::iter::once(raw).chain(mail.attachments.iter().map(|attachment| attachment.data.as_slice())).collect();
    let stored = store(pool, ambient, account.tenant_id, &blobs).await?;
    let Some((raw_id, attachment_ids)) = stored.split_first() else { return Err(sqlx::Error::RowNotFound.into()) };
    let external_id = mail.external_id.clone();
    let message = message::message(mail, account, *raw_id, attachment_ids, received_at);
    let id: Uuid = ambient.new_id();
    let sealed = envelope::traced(envelope::seal(id, &message)?, span.context().as_ref());
    broker.publish(Queue::Inbound, vec![sealed]).await?;
    tracing::info!(
        account.id = %account.account_id,
        message.id = %id,
        size = raw.len(),
        attachments = message.attachments.len(),
        automatic = message.automatic.is_some(),
        "Took a mail of {} bytes for {}/{}",
        raw.len(),
        account.tenant_name,
        account.name,
    );
    Ok(Accepted { id, external_id, raw: *raw_id })
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
