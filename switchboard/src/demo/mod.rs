//! `switchboard demo`: a small desk on the embedded default, a dozen mails, and what became of each.
//!
//! * [`feed`] hands over the mails of `mails/`, one after the other, as a mail server would; those that
//!   answer one of ours are filled in from the outgoing folder, as the person's mail program would.
//! * [`verdict`] lays what the database says beside what `expected.toml` says.
//! * [`show`] prints it.

mod feed;
mod show;
mod verdict;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Broker;
use switchboard_common::config::Config;

use crate::{desk, output, up};
use verdict::Expected;

/// What the demo works with, once the desk is up.
struct Stage {
    pool: PgPool,
    broker: Arc<dyn Broker>,
    ambient: Ambient,
}

/// Runs the demo in the configured data folder, which is emptied first. At a terminal the desk stays
/// up for the reader's own mail until Ctrl-C. Fails when a mail did not end where it should.
pub async fn run(config: &Config, ambient: &Ambient) -> anyhow::Result<ExitCode> {
    start_anew(&config.data)?;
    output::print(&format!("A desk in {}\n", config.data.display()))?;
    let running = up::start(config, ambient).await?;
    output::print("  the database is up, the router and the notifier run\n")?;
    desk::apply_text(running.options(), ambient, include_str!("desk.toml")).await.context("the demo's desk")?;
    output::print("  the desk of the Corner Bookshop is applied\n\n")?;
    let stage = Stage { pool: running.pool().clone(), broker: running.broker(), ambient: ambient.clone() };
    let expected: Vec<Expected> = verdict::expected()?;
    let judged = feed::feed_all(&stage, &expected).await?;
    show::report(&judged, &config.mail_folder())?;
    let failed = judged.iter().any(|mail| !mail.faults.is_empty());
    if show::at_terminal() && !failed {
        show::invite(&config.data)?;
        up::until_told_to_stop().await;
    }
    running.stop().await;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Removes what an earlier demo left. A folder that is not a demo's is left alone.
fn start_anew(data: &Path) -> anyhow::Result<()> {
    let mark = data.join("demo");
    if data.exists() {
        let is_empty = data.read_dir().with_context(|| format!("read {}", data.display()))?.next().is_none();
        anyhow::ensure!(is_empty || mark.exists(), "{} is not a demo's folder: choose another with --data", data.display());
        if let Ok(elsewhere) = data.join("postgres").read_link() {
            std::fs::remove_dir_all(&elsewhere).with_context(|| format!("remove {}", elsewhere.display()))?;
        }
        std::fs::remove_dir_all(data).with_context(|| format!("remove {}", data.display()))?;
    }
    std::fs::create_dir_all(data).with_context(|| format!("make {}", data.display()))?;
    std::fs::write(&mark, "The data of `switchboard demo`; the next demo removes it.\n").with_context(|| format!("write {}", mark.display()))
}
