//! The way to a database, and the schema that it must have.

use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use super::MIGRATIONS;

/// The schema needs `unique nulls not distinct`.
const OLDEST_SERVER: i32 = 150_000;

/// Why a database cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The server is too old.
    #[error("the database server is PostgreSQL {}: version 15 or later is needed", .0 / 10_000)]
    OldServer(i32),
    /// No migration was ever run, or not all that this program knows.
    #[error("the database is at step {found} of {wanted}: run `switchboard migrate`, or start `switchboard up`")]
    Behind {
        /// The step that it is at; 0 for an empty database.
        found: i64,
        /// The last step that this program knows.
        wanted: i64,
    },
    /// A newer program was there before.
    #[error(
        "the database is at step {found}, and this program knows only {known}: it is older than the one that changed the database; run the newer program"
    )]
    Ahead {
        /// The step that the database is at.
        found: i64,
        /// The last step that this program knows.
        known: i64,
    },
    /// A step was run that differs from the one that this program knows.
    #[error("step {0} of the database is not the one that this program knows: they come from different sources")]
    Differs(i64),
    /// A step failed; nothing of it was kept.
    #[error("step {step} of the database could not be taken: {source}")]
    Failed {
        /// The step.
        step: i64,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database refuses or cannot be reached.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// A pool that connects when it is first used.
///
/// Its connections wait for a lock only so long: a server goes on waiting for whoever hung up, and if
/// somebody leaves a row locked, each new try would leave it one connection more, with locks of its
/// own, until there are no more to be had.
#[must_use]
pub fn pool(options: PgConnectOptions, most: u32) -> PgPool {
    let options = options.application_name("switchboard").options([("lock_timeout", "10s")]);
    PgPoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(10)).connect_lazy_with(options)
}

/// Brings the schema up to date, and returns the steps that were taken now. Any number may do so at
/// once: they take turns by a lock of the migrator.
///
/// # Errors
/// When a step fails, or the database was changed by a newer program.
pub async fn migrate(options: &PgConnectOptions) -> Result<Vec<i64>, SchemaError> {
    // A connection of its own: after an error the migrator leaves its lock to the session, which
    // ends here.
    let mut connection = options.clone().application_name("switchboard migrate").connect().await?;
    let outcome = migrate_on(&mut connection).await;
    connection.close_hard().await?;
    outcome
}

async fn migrate_on(connection: &mut PgConnection) -> Result<Vec<i64>, SchemaError> {
    let server: String = sqlx::query_scalar("show server_version_num").fetch_one(&mut *connection).await?;
    let server = server.parse().unwrap_or_default();
    if server < OLDEST_SERVER {
        return Err(SchemaError::OldServer(server));
    }
    let before = step(connection).await?;
    MIGRATIONS.run_direct(None, connection, false).await.map_err(explain)?;
    Ok(MIGRATIONS.iter().map(|migration| migration.version).filter(|version| *version > before).collect())
}

fn explain(error: MigrateError) -> SchemaError {
    match error {
        MigrateError::VersionMissing(found) => SchemaError::Ahead { found, known: newest() },
        MigrateError::VersionMismatch(step) => SchemaError::Differs(step),
        MigrateError::ExecuteMigration(source, step) => SchemaError::Failed { step, source },
        MigrateError::Execute(source) => SchemaError::Database(source),
        other => SchemaError::Database(sqlx::Error::Migrate(Box::new(other))),
    }
}

/// Sees that the schema is the one that this program knows.
///
/// # Errors
/// When it is older or newer.
pub async fn check(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let (found, wanted) = (step(connection).await?, newest());
    match found.cmp(&wanted) {
        std::cmp::Ordering::Less => Err(SchemaError::Behind { found, wanted }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(SchemaError::Ahead { found, known: wanted }),
    }
}

/// The last step that was taken; 0 when none was. Not checked at compile time: the table belongs to
/// the migrator and is there only once it has run.
async fn step(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let table: Option<String> = sqlx::query_scalar("select to_regclass('_sqlx_migrations')::text").fetch_one(&mut *connection).await?;
    if table.is_none() {
        return Ok(0);
    }
    sqlx::query_scalar("select coalesce(max(version), 0) from _sqlx_migrations where success").fetch_one(connection).await
}

/// How many tenants there are.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn count_tenants(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from tenants"#).fetch_one(pool).await
}

fn newest() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[sqlx::test(migrations = false)]
    async fn nobody_waits_for_a_lock_for_ever(_: PgPoolOptions, options: PgConnectOptions) {
        let limit: String = sqlx::query_scalar("show lock_timeout").fetch_one(&pool(options, 1)).await.expect("shown");
        assert_eq!(limit, "10s");
    }

    #[sqlx::test(migrations = false)]
    async fn four_who_migrate_at_once_take_turns(_: PgPoolOptions, options: PgConnectOptions) {
        let outcomes = join_all((0..4).map(|_| migrate(&options))).await;
        for outcome in outcomes {
            outcome.expect("migrated, or nothing left to do");
        }
        let mut connection = options.connect().await.expect("connected");
        check(&mut connection).await.expect("up to date");
        assert_eq!(migrate(&options).await.expect("nothing left to do"), Vec::<i64>::new());
    }

    #[sqlx::test(migrations = false)]
    async fn a_database_that_is_behind_or_ahead_says_what_to_do(_: PgPoolOptions, options: PgConnectOptions) {
        let mut connection = options.connect().await.expect("connected");
        let empty = check(&mut connection).await.expect_err("empty");
        assert!(empty.to_string().contains("at step 0") && empty.to_string().contains("switchboard migrate"), "{empty}");

        migrate(&options).await.expect("migrated");
        sqlx::query(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', true, '', 0)",
        )
        .execute(&mut connection)
        .await
        .expect("as a newer program would");
        for error in [check(&mut connection).await.expect_err("ahead"), migrate(&options).await.expect_err("ahead")] {
            assert!(matches!(error, SchemaError::Ahead { found: 9999, .. }), "{error}");
            assert!(error.to_string().contains("run the newer program"), "{error}");
        }
        let held = "select count(*) from pg_locks join pg_database d on d.oid = database where locktype = 'advisory' and datname = current_database()";
        // The server lets go when it has seen that the connection is closed.
        let released = async { while sqlx::query_scalar::<_, i64>(held).fetch_one(&mut connection).await.expect("counted") > 0 {} };
        tokio::time::timeout(Duration::from_secs(30), released).await.expect("a failed migration leaves its lock to nobody");
    }
}
