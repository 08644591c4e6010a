//! `switchboard dead drop`: throws dead letters away. Who did so, and which they were, stays on record.

use anyhow::Context;
use sqlx::{Connection, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::dead_letters::{self, By, DeadLetter, LetterEnd};
use uuid::Uuid;

use super::select::Found;
use super::{BATCH, Tally, whoever};
use crate::output::print;

/// Drops those that were found; or says which these would be.
pub async fn run(connection: &mut PgConnection, ambient: &Ambient, found: Found, dry_run: bool) -> anyhow::Result<()> {
    let mut tally = Tally { done: 0, wrong: found.missing };
    if dry_run {
        for line in &found.lines {
            print(&format!("would drop {} from {}: {}\n", line.id, line.queue, line.reason))?;
        }
        tally.done = found.lines.len();
        return tally.finish("dropped", dry_run);
    }
    let all = found.lines.len();
    for batch in found.lines.chunks(BATCH) {
        let ids: Vec<Uuid> = batch.iter().map(|line| line.id).collect();
        let letters = remove(connection, ambient, &ids).await;
        let letters = letters.with_context(|| format!("{} of {all} dropped; the others are still there", tally.done))?;
        tally.wrong.extend(
            ids.iter().filter(|id| !letters.iter().any(|letter| letter.id == **id)).map(|id| format!("{id} has changed or gone meanwhile")),
        );
        for DeadLetter { id, queue, reason, .. } in &letters {
            tracing::info!(letter.id = %id, queue, reason, "A dead letter was dropped");
            print(&format!("dropped {id} from {queue}: {reason}\n"))?;
        }
        tally.done += letters.len();
    }
    tally.finish("dropped", dry_run)
}

/// Removes one batch in one transaction. Returns those that went.
async fn remove(connection: &mut PgConnection, ambient: &Ambient, ids: &[Uuid]) -> sqlx::Result<Vec<DeadLetter>> {
    let mut transaction = connection.begin().await?;
    let mut letters = dead_letters::load(&mut transaction, ids).await?;
    let removed = dead_letters::remove(&mut transaction, &letters.iter().collect::<Vec<_>>()).await?;
    letters.retain(|letter| removed.contains(&letter.id));
    let by = By { whom: &whoever(), at: ambient.now() };
    let record_ids: Vec<Uuid> = letters.iter().map(|_| ambient.new_id()).collect();
    dead_letters::record(&mut transaction, &letters.iter().collect::<Vec<_>>(), LetterEnd::Dropped, by, &record_ids).await?;
    transaction.commit().await?;
    Ok(letters)
}
