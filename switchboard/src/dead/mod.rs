//! `switchboard dead`: what could not be processed, with its reason. [`select`] finds the letters that
//! are meant, [`list`] and [`show`] show them, [`replay`] and [`discard`] do something about them.

mod cause;
mod discard;
mod list;
mod replay;
mod select;
mod show;

use std::fmt::Write as _;

use anyhow::bail;
use sqlx::ConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::view;

use crate::cli::Dead;
use crate::database::{Database, Need};
use crate::output::{print, write};

/// How many are taken in hand at once.
const BATCH: usize = 64;
/// How many of those that went wrong are named.
const NAMED: usize = 20;

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: Dead) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(config, &database, ambient, command).await;
    database.close().await;
    outcome
}

async fn on(config: &Config, database: &Database, ambient: &Ambient, command: Dead) -> anyhow::Result<()> {
    let mut connection = database.options().connect().await?;
    match command {
        Dead::List { filter, by, limit, json } => {
            let filter = select::filter(&mut connection, &filter, ambient.now()).await?;
            let limit = i64::from(limit);
            let text = match by {
                None => {
                    let (lines, all) = view::list_dead(&mut connection, &filter, limit).await?;
                    let with_tenant = filter.tenant.is_none() && view::tenants(&mut connection).await?.len() > 1;
                    list::render(&lines, all, with_tenant, json)?
                }
                Some(by) => list::render_counts(cause::group(view::count_dead(&mut connection, &filter).await?, by), limit, json)?,
            };
            print(&text)
        }
        Dead::Show { id, json, payload } => {
            let (line, letter) = select::one(&mut connection, &id).await?;
            if payload {
                return write(&letter.payload);
            }
            let past = view::settled(&mut connection, (letter.id, letter.id)).await?;
            print(&if json { show::json(&line, &letter, &past)? } else { show::render(&line, &letter, &past) })
        }
        Dead::Replay { which, payload, dry_run } => {
            let found = select::all(&mut connection, &which, ambient.now()).await?;
            replay::run(config, database, ambient, found, payload.as_deref(), dry_run).await
        }
        Dead::Drop { which, yes, dry_run } => {
            if which.ids.is_empty() && !yes && !dry_run {
                bail!("to drop all that a filter finds takes --yes; --dry-run says what that would be");
            }
            let found = select::all(&mut connection, &which, ambient.now()).await?;
            discard::run(&mut connection, ambient, found, dry_run).await
        }
    }
}

/// The user of the machine who gives the command.
fn whoever() -> String {
    let id = nix::unistd::Uid::current();
    nix::unistd::User::from_uid(id).ok().flatten().map_or_else(|| format!("uid {id}"), |user| user.name)
}

/// What became of the letters that a command was about.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    wrong: Vec<String>,
}

impl Tally {
    /// Ends a command: with how many were done, and in failure if not all of them were.
    fn finish(self, done: &str, dry_run: bool) -> anyhow::Result<()> {
        let all = self.done + self.wrong.len();
        let done = if dry_run { format!("would be {done}") } else { done.to_owned() };
        if self.wrong.is_empty() {
            return print(&match all {
                0 => format!("there are no such dead letters; nothing {done}\n"),
                all => format!("{all} {done}\n"),
            });
        }
        let mut text = format!("{} of {all} {done}; not these:", self.done);
        for what in self.wrong.iter().take(NAMED) {
            let _ = write!(text, "\n  {what}");
        }
        if self.wrong.len() > NAMED {
            let _ = write!(text, "\n  … and {} more", self.wrong.len() - NAMED);
        }
        bail!(text)
    }
}
