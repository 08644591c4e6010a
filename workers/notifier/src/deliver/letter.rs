//! Reads what a mail is written from, and writes it.

use sqlx::PgConnection;
use switchboard_common::db::deliveries::Leased;
use switchboard_common::db::letters::{self, Letter, LetterAttachment};
use switchboard_common::db::{self, media, signing_keys, templates};

use super::Shared;
use crate::render::{Content, Draft, Enclosures, File, RenderError, Template, render};

/// The files of a message that a notification carries, in bytes. An answer carries all of them.
const LARGEST: i64 = 10 * 1024 * 1024;

/// Why there is nothing to send.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    /// The database is away.
    #[error("it could not be read: the database is away")]
    Unavailable,
    /// What it is written from is not what it should be.
    #[error("it cannot be read: {0}")]
    Unreadable(sqlx::Error),
    /// It cannot be written.
    #[error("{0}")]
    Unwritable(#[from] RenderError),
    /// Its reader may not be told any more.
    #[error("the reader has left, or the address is no longer a verified one of theirs")]
    NotPermitted,
}

impl From<sqlx::Error> for Unwritten {
    fn from(error: sqlx::Error) -> Self {
        if db::is_fault_of_the_work(&error) { Self::Unreadable(error) } else { Self::Unavailable }
    }
}

impl Shared {
    /// What is sent for a delivery.
    pub(super) async fn write(&self, leased: &Leased) -> Result<Content, Unwritten> {
        tokio::time::timeout(self.limits.write, self.read_and_write(leased)).await.unwrap_or(Err(Unwritten::Unavailable))
    }

    async fn read_and_write(&self, leased: &Leased) -> Result<Content, Unwritten> {
        let mut session = db::Session::open(&self.pool).await?;
        let letter = letters::load(&mut session, leased.tenant_id, leased.id).await?;
        if !letter.permitted {
            session.done();
            return Err(Unwritten::NotPermitted);
        }
        let earlier = letters::earlier(&mut session, leased.tenant_id, leased.id).await?;
        let enclosures = enclosures(&mut session, &letter).await?;
        let keys = signing_keys::load(&mut session, leased.tenant_id).await?;
        let overrides = templates::load(&mut session, leased.tenant_id).await?;
        session.done();
        let draft = Draft {
            letter: &letter,
            earlier: &earlier,
            enclosures: &enclosures,
            keys: &keys,
            overrides: &overrides,
            unsubscribe: None,
            approved: None,
            now: self.ambient.now(),
        };
        Ok(render(draft)?)
    }
}

async fn enclosures(connection: &mut PgConnection, letter: &Letter) -> Result<Enclosures, sqlx::Error> {
    let (Some(message), Some(template)) = (&letter.message, Template::parse(&letter.template)) else { return Ok(Enclosures::default()) };
    if !template.shows_message() {
        return Ok(Enclosures::default());
    }
    let attachments = letters::attachments(connection, letter.tenant_id, message.id).await?;
    let (enclosed, left_out) = if template.is_answer() { (attachments, Vec::new()) } else { fitting(attachments) };
    let mut enclosures = Enclosures { files: Vec::new(), left_out };
    for attachment in enclosed {
        let bytes = media::load(connection, letter.tenant_id, attachment.media_id).await?.ok_or(sqlx::Error::RowNotFound)?;
        enclosures.files.push(File { name: attachment.name, content_type: attachment.content_type, bytes });
    }
    Ok(enclosures)
}

/// The attachments that fit into a notification, and the names of the others.
fn fitting(attachments: Vec<LetterAttachment>) -> (Vec<LetterAttachment>, Vec<String>) {
    let mut room = LARGEST;
    let (fitting, others): (Vec<_>, Vec<_>) = attachments.into_iter().partition(|attachment| {
        let fits = attachment.size <= room;
        room -= if fits { attachment.size } else { 0 };
        fits
    });
    (fitting, others.into_iter().map(|attachment| attachment.name).collect())
}

#[cfg(test)]
mod tests {
    use switchboard_common::ids::MediaId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_named_and_the_others_come_along() {
        let file = |name: &str, size| LetterAttachment {
            media_id: MediaId(Uuid::nil()),
            name: name.to_owned(),
            content_type: String::new(),
            size,
        };
        let (fitting, left_out) = fitting(vec![file("small", 1), file("large", LARGEST), file("exact", LARGEST - 1), file("more", 1)]);
        assert_eq!(fitting.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["small", "exact"]);
        assert_eq!(left_out, ["large", "more"]);
    }
}
