//! Whether the database takes writes.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Writes one row, which a full disk or a read-only server refuses.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn write(connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("insert into probes (id, probed_at) values (1, $1) on conflict (id) do update set probed_at = excluded.probed_at", now)
        .execute(connection)
        .await?;
    Ok(())
}
