//! The program on a database of the test server.

use std::path::Path;
use std::process::Command;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::world::{World, fail, on_database, succeed};

/// A database, and a folder to run the program in.
pub struct Database {
    world: World,
    options: PgConnectOptions,
    pub pool: PgPool,
}

impl Database {
    pub async fn new(pool: PgPoolOptions, options: PgConnectOptions) -> Self {
        let pool = pool.connect_with(options.clone()).await.expect("connected");
        Self { world: World::new(), options, pool }
    }

    /// One that holds `conversation.sql`.
    pub async fn with_conversation(pool: PgPoolOptions, options: PgConnectOptions) -> Self {
        let database = Self::new(pool, options).await;
        sqlx::raw_sql(include_str!("conversation.sql")).execute(&database.pool).await.expect("filled");
        database
    }

    pub fn folder(&self) -> &Path {
        self.world.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        on_database(self.folder(), &self.options, arguments)
    }

    /// What a command prints.
    pub fn show(&self, arguments: &[&str]) -> String {
        succeed(self.command(arguments))
    }

    /// What a command complains of.
    pub fn refused(&self, arguments: &[&str]) -> String {
        fail(self.command(arguments))
    }

    /// Applies a desk file of this text.
    pub fn applying(&self, desk: &str, more: &[&str]) -> Command {
        let file = self.world.write("desk.toml", desk);
        self.command(&[&["apply", file.as_str()], more].concat())
    }
}
