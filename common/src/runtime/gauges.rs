//! What waits in the database, as a worker tells it when it is asked. Every process of a kind tells the
//! same, since it is the database's: take the maximum of them, not the sum.

use chrono::{DateTime, Utc};
use metrics::gauge;
use sqlx::PgConnection;

use crate::db::waiting;
use crate::telemetry::metrics::{DEAD_LETTERS, DELIVERIES, DELIVERY_OVERDUE, OUTBOX_AGE, OUTBOX_EVENTS};

/// A table of what waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gauge {
    /// Events that are not planned yet.
    Outbox,
    /// Dead letters.
    DeadLetters,
    /// Deliveries that are not done.
    Deliveries,
}

impl Gauge {
    /// Sets it by what the database holds now.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached.
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and no table has so many rows")]
    pub async fn set(self, connection: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<()> {
        let seconds = |since: Option<DateTime<Utc>>| since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
        match self {
            Self::Outbox => {
                let outbox = waiting::outbox(connection).await?;
                gauge!(OUTBOX_EVENTS).set(outbox.count as f64);
                gauge!(OUTBOX_AGE).set(seconds(outbox.oldest));
            }
            Self::DeadLetters => {
                for (queue, count) in waiting::dead_letters(connection).await? {
                    gauge!(DEAD_LETTERS, "queue" => queue).set(count as f64);
                }
            }
            Self::Deliveries => {
                for waiting in waiting::deliveries(connection, now).await? {
                    gauge!(DELIVERIES, "channel" => waiting.channel.clone(), "status" => waiting.status).set(waiting.count as f64);
                    gauge!(DELIVERY_OVERDUE, "channel" => waiting.channel).set(seconds(waiting.due_since));
                }
            }
        }
        Ok(())
    }
}
