//! `switchboard preferences`: shows how somebody is told of things, and changes it.

mod cli;
mod show;
mod who;
mod words;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use sqlx::{ConnectOptions, Connection, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::desk;
use switchboard_common::db::preferences::{self, Owner};
use switchboard_common::domain;
use switchboard_common::domain::preferences::schema;

use crate::database::{Database, Need};
use crate::output::print;
use who::Meant;

pub use cli::Preferences;
pub use who::Who;

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: Preferences) -> anyhow::Result<()> {
    if matches!(command, Preferences::Schema) {
        return print(&(serde_json::to_string_pretty(&schema())? + "\n"));
    }
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, command).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, command: Preferences) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    match command {
        Preferences::Show { who, of, json } => {
            let meant = who::find(&mut connection, &of, &who).await?;
            let view = show::view(&mut connection, &meant, ambient.now()).await?;
            if json { Ok(serde_json::to_string_pretty(&view)? + "\n") } else { Ok(show::render(&view)) }
        }
        Preferences::Set { who, file, of } => {
            let document = read(&file)?;
            let meant = who::find(&mut connection, &of, &who).await?;
            let read = domain::preferences::Preferences::read(&document, meant.owner.whose());
            let preferences =
                read.map_err(|faults| anyhow::anyhow!("the preferences of {} were not changed:\n  {}", meant.name, faults.join("\n  ")))?;
            let changed = change(&mut connection, &meant, Some(&preferences), ambient).await?;
            Ok(said(&meant, if changed { "changed" } else { "were so already; nothing to do" }, changed))
        }
        Preferences::Reset { who, of } => {
            let meant = who::find(&mut connection, &of, &who).await?;
            let changed = change(&mut connection, &meant, None, ambient).await?;
            Ok(said(&meant, if changed { "are gone; what is chosen below them holds" } else { "said nothing already" }, changed))
        }
        Preferences::Schema => bail!("it needs no database"),
    }
}

fn said(meant: &Meant, what: &str, changed: bool) -> String {
    let file = match meant.owner {
        Owner::User(_) if !meant.is_group => "",
        Owner::Client(_) => "",
        _ if !changed => "",
        _ => "the next `switchboard apply` makes them what the desk file says\n",
    };
    format!("the preferences of {} {what}\n{file}", meant.name)
}

fn read(file: &Path) -> anyhow::Result<serde_json::Value> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

/// Writes or removes a document, and lets the workers know.
async fn change(
    connection: &mut PgConnection,
    meant: &Meant,
    wanted: Option<&domain::preferences::Preferences>,
    ambient: &Ambient,
) -> sqlx::Result<bool> {
    let mut transaction = connection.begin().await?;
    let changed = match wanted {
        Some(wanted) => preferences::put(&mut transaction, meant.tenant, meant.owner, wanted, ambient).await?,
        None => preferences::remove(&mut transaction, meant.tenant, meant.owner).await?,
    };
    if changed {
        desk::bump_revision(&mut transaction, meant.tenant).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}
