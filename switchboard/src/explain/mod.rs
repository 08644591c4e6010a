//! `switchboard explain`: says why something happened, from what is on record.

mod notification;
mod page;
mod recipient;
mod routing;
mod sender;
mod threading;

use anyhow::{Context, bail};
use sqlx::ConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::{media, view};

use crate::database::{Database, Need};
use crate::output::{print, time, write};

pub use notification::{gathered, notification};
pub use recipient::recipient;

/// How many messages are listed when an id is not enough to tell which is meant.
const LISTED: usize = 10;

/// Explains the message that is meant by `id`, or writes it to stdout as it came.
pub async fn message(config: &Config, ambient: &Ambient, id: &str, json: bool, raw: bool) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    if raw {
        let outcome = as_it_came(&database, id).await;
        database.close().await;
        return write(&outcome?);
    }
    let outcome = explain(&database, id, json).await;
    database.close().await;
    print(&outcome?)
}

async fn as_it_came(database: &Database, id: &str) -> anyhow::Result<Vec<u8>> {
    let mut connection = database.options().connect().await?;
    let (tenant, id) = match view::find_messages(&mut connection, id).await?[..] {
        [one] => one,
        [] => bail!("no message has the id or Message-ID {id}: perhaps it has not come yet, or waits to be processed"),
        _ => bail!("several messages are meant by {id}: see `switchboard explain message {id}`, and name one by its id"),
    };
    let explained = view::explain(&mut connection, tenant, id).await?;
    let raw = explained.message.raw.with_context(|| format!("the message {id} was not kept as it came"))?;
    media::load(&mut connection, tenant, raw).await?.with_context(|| format!("the bytes of the message {id} are not in the blob store"))
}

async fn explain(database: &Database, id: &str, json: bool) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    let found = view::find_messages(&mut connection, id).await?;
    if found.is_empty() {
        match view::dead_letter(&mut connection, id).await? {
            Some(letter) => {
                bail!(
                    "this message could not be processed, and lies in the dead letters since {}: {} (see `switchboard dead show {}`)",
                    time(letter.died_at),
                    letter.reason,
                    letter.id
                )
            }
            None => bail!("no message has the id or Message-ID {id}: perhaps it has not come yet, or waits to be processed"),
        }
    }
    let mut explained = Vec::new();
    for (tenant, id) in found.iter().take(LISTED) {
        explained.push(view::explain(&mut connection, *tenant, *id).await?);
    }
    // Different messages may have one Message-ID; then each of them is meant.
    let by_message_id = explained.iter().all(|message| message.message.message_id.as_deref() == Some(id.trim().trim_matches(['<', '>'])));
    if explained.len() > 1 && !by_message_id {
        let line = |message: &view::MessageExplained| {
            format!("\n  {}  {}  {}", message.id, time(message.message.received_at), message.message.subject)
        };
        let more = if found.len() > LISTED { "\n  …" } else { "" };
        bail!("several messages begin with {id}:{}{more}", explained.iter().map(line).collect::<String>());
    }
    if json {
        for message in &mut explained {
            let explanation = message.explanation.as_mut().map(|explanation| &mut explanation.0);
            if let Some(routing) = explanation.and_then(|explanation| explanation.routing.as_mut()) {
                routing.show_seen();
            }
        }
        return Ok(serde_json::to_string_pretty(&explained)? + "\n");
    }
    Ok(explained.iter().map(page::render).collect::<Vec<_>>().join("\n"))
}
