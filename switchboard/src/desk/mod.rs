//! `switchboard apply`: makes the database match a desk file.
//!
//! 1. [`file`] reads the file, [`accounts`], [`preferences`], [`sender`], [`storm`] and [`rule`] parts of it, by [`fields`] and [`values`]: every fault of a shape is noted.
//!    [`templates`] reads the files that templates stand in, and tries each of them.
//! 2. [`check`] looks at what the parts say of each other.
//! 3. [`diff`] lays the file beside the database.
//! 4. [`apply`] writes what differs, in one transaction, and [`show`] says what it was.

mod accounts;
mod apply;
mod block;
mod check;
mod clients;
mod diff;
mod fields;
mod file;
mod preferences;
mod rule;
mod sender;
mod show;
mod storm;
mod templates;
mod values;

use std::path::Path;

use anyhow::Context;
use sqlx::ConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;

use crate::database::{Database, Need, OpenError};
use crate::output::print;
use apply::{ApplyError, Differences};
use fields::Faults;
use file::Desks;

/// Applies a file, or with `dry_run` says what that would change.
pub async fn run(config: &Config, ambient: &Ambient, path: &Path, dry_run: bool) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut faults = Faults::new();
    let mut desks = file::read(&text, &mut faults);
    templates::complete(&mut desks, path.parent().unwrap_or(Path::new(".")), &mut faults);
    check::check(&desks, &mut faults);
    match differences(config, ambient, &desks, faults, dry_run).await {
        Ok(differences) => print(&show::differences(&differences, dry_run)),
        Err(ApplyError::Faults(faults)) => anyhow::bail!("{} was not applied:\n  {}", path.display(), faults.join("\n  ")),
        Err(error) => Err(error.into()),
    }
}

/// Applies the desks, unless there are faults: those of the file, to which the database may add.
async fn differences(
    config: &Config,
    ambient: &Ambient,
    desks: &Desks,
    mut faults: Faults,
    dry_run: bool,
) -> Result<Differences, ApplyError> {
    let write = faults.is_empty() && !dry_run;
    let database = match Database::open(config, ambient, if write { Need::Create } else { Need::Existing }).await {
        Ok(database) => database,
        Err(_) if !faults.is_empty() => return Err(ApplyError::Faults(faults)),
        Err(OpenError::Absent { .. }) => return Ok(apply::from_nothing(desks)),
        Err(error) => return Err(ApplyError::Open(error)),
    };
    let outcome = async {
        let mut connection = database.options().connect().await?;
        if faults.is_empty() {
            return apply::apply(&mut connection, desks, dry_run, ambient).await;
        }
        apply::look(&mut connection, desks, &mut faults).await?;
        Err(ApplyError::Faults(faults))
    }
    .await;
    database.close().await;
    outcome
}
