//! Messages with the whole of their texts. What travelled with a message is enough to decide on it;
//! texts that were too large to travel are fetched when they are written, a few at a time.

use sqlx::PgConnection;
use switchboard_common::broker::Failure;
use switchboard_common::db::media;
use switchboard_common::db::tickets::{self, MessageRow};
use switchboard_common::domain::inbound::{BodyReference, InboundBody, InboundMessage};

/// So many bytes of texts that did not travel are in memory at once, but for a message that has more alone.
const PIECE: u64 = 16 * 1024 * 1024;

/// What of a message the ticket shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// All of it: it opened the ticket.
    All,
    /// What was newly written.
    Reply,
}

/// A message that was decided on, to be written.
pub(super) struct Unwritten {
    pub row: MessageRow,
    body: Option<BodyReference>,
    shown: Shown,
}

impl Unwritten {
    /// `row` with the texts of `message`, as far as they travelled.
    pub(super) fn new(row: MessageRow, message: &InboundMessage, shown: Shown) -> Self {
        let mut unwritten = Self { row, body: message.body, shown };
        if message.body.is_none() {
            unwritten.fill(message.text.clone(), message.reply.clone(), message.html.clone());
        }
        unwritten
    }

    fn fill(&mut self, text: String, reply: String, html: Option<String>) {
        self.row.html = html;
        (self.row.text, self.row.full_text) = match self.shown {
            Shown::Reply if reply != text => (reply, Some(text)),
            Shown::Reply | Shown::All => (text, None),
        };
    }
}

/// Writes messages in their order.
pub(super) async fn write(connection: &mut PgConnection, messages: Vec<Unwritten>) -> Result<(), Failure> {
    for mut piece in pieces(messages) {
        fetch(connection, &mut piece).await?;
        let rows: Vec<MessageRow> = piece.into_iter().map(|message| message.row).collect();
        tickets::add_messages(connection, &rows).await?;
    }
    Ok(())
}

/// The messages in pieces whose texts are in memory together.
fn pieces(messages: Vec<Unwritten>) -> Vec<Vec<Unwritten>> {
    let (mut pieces, mut room): (Vec<Vec<Unwritten>>, u64) = (Vec::new(), 0);
    for message in messages {
        let size = message.body.map_or(0, |body| body.size);
        if let Some(piece) = pieces.last_mut().filter(|_| size <= room) {
            room -= size;
            piece.push(message);
        } else {
            room = PIECE.saturating_sub(size);
            pieces.push(vec![message]);
        }
    }
    pieces
}

/// Fetches the texts that did not travel.
async fn fetch(connection: &mut PgConnection, messages: &mut [Unwritten]) -> Result<(), Failure> {
    let wanted: Vec<_> = messages.iter().filter_map(|message| Some((message.row.tenant_id, message.body?.media_id))).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let found = media::load_all(connection, &wanted).await?;
    for message in messages {
        let Some(BodyReference { media_id, .. }) = message.body else { continue };
        let bytes = found.get(&(message.row.tenant_id, media_id));
        let bytes = bytes.ok_or_else(|| Failure::Reject(format!("its text is not there: expected it in the blob store as {media_id}")))?;
        let read = serde_json::from_slice(bytes);
        let InboundBody { text, reply, html } =
            read.map_err(|error| Failure::Reject(format!("its text in the blob store ({media_id}) cannot be read: {error}")))?;
        message.fill(text, reply, html);
    }
    Ok(())
}
