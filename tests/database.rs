//! What the tests ask the database of a desk.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

/// How long something may take to come true, also on a slow and busy machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// Nothing is on its way any more. What waits on another broker is not seen here.
const SETTLED: &str = "select not exists (select from broker.messages)
    and not exists (select from outbox)
    and not exists (select from deliveries where status in ('queued', 'sending'))";

/// Something with a database.
pub trait Database {
    /// A connection, while the database is up.
    async fn connection(&self) -> Option<PgConnection>;

    /// Asks for one value.
    async fn ask<T>(&self, question: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut connection = self.connection().await.expect("the database is up");
        sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&mut connection).await.expect("an answer")
    }

    /// Asks until the answer is yes. A database that is away for now has not said so.
    async fn until(&self, what: &str, question: &str) {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        let asked = async {
            let mut connection = None;
            loop {
                // One connection for all the questions: each is a process of the server.
                if connection.is_none() {
                    connection = self.connection().await;
                }
                if let Some(open) = &mut connection {
                    match sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(open).await {
                        Ok(true) => return,
                        Ok(false) => {}
                        Err(_) => connection = None,
                    }
                }
                pace.tick().await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    /// Waits until everything that was accepted is routed, planned and delivered.
    async fn settled(&self) {
        self.until("everything is delivered", SETTLED).await;
    }
}
