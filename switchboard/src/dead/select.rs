//! Finds the dead letters that are meant: by their ids, or the beginnings of them, or by what they are
//! like.

use std::io::Read;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use switchboard_common::db::dead_letters::{self, DeadLetter};
use switchboard_common::db::view::{self, DeadFilter, DeadLine};
use uuid::Uuid;

use crate::cli;
use crate::output::time;

/// Those that are meant, and what is to be said of ids that mean none.
#[derive(Debug, Default)]
pub struct Found {
    /// The latest first.
    pub lines: Vec<DeadLine>,
    pub missing: Vec<String>,
}

/// A filter with names and times looked up.
pub async fn filter(connection: &mut PgConnection, written: &cli::DeadFilter, now: DateTime<Utc>) -> anyhow::Result<DeadFilter> {
    let mut tenant = None;
    if let Some(wanted) = &written.tenant {
        let tenants = view::tenants(connection).await?;
        let found = tenants.iter().find(|(_, name)| name == wanted);
        let names = || tenants.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        tenant = Some(found.with_context(|| format!("there is no tenant {wanted}; there are: {}", names()))?.0);
    }
    Ok(DeadFilter {
        ids: None,
        queue: written.queue.clone(),
        reason: written.reason.clone(),
        since: written.since.map(|since| since.from(now)),
        until: written.until.map(|until| until.from(now)),
        tenant,
    })
}

/// The one that is meant by an id or the beginning of it.
pub async fn one(connection: &mut PgConnection, id: &str) -> anyhow::Result<(DeadLine, DeadLetter)> {
    let Found { lines, missing } = by_ids(connection, &[id.to_owned()]).await?;
    let Some(line) = lines.into_iter().next() else { bail!(missing.join("")) };
    let letter = dead_letters::load(connection, &[line.id]).await?.pop();
    letter.map(|letter| (line, letter)).with_context(|| format!("the dead letter {id} has gone just now"))
}

/// All that are meant. Ids that mean none are for whoever asks to tell of; one that could mean several,
/// or could never be an id, is a mistake in the command, after which nothing is done.
pub async fn all(connection: &mut PgConnection, which: &cli::DeadWhich, now: DateTime<Utc>) -> anyhow::Result<Found> {
    if which.ids.is_empty() {
        let filter = filter(connection, &which.filter, now).await?;
        let (lines, _) = view::list_dead(connection, &filter, i64::MAX).await?;
        return Ok(Found { lines, missing: Vec::new() });
    }
    let mut ids = Vec::new();
    for id in &which.ids {
        if id == "-" {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text).context("ids cannot be read from stdin")?;
            ids.extend(text.split_whitespace().map(str::to_owned));
        } else {
            ids.push(id.clone());
        }
    }
    by_ids(connection, &ids).await
}

async fn by_ids(connection: &mut PgConnection, ids: &[String]) -> anyhow::Result<Found> {
    let ranges = ids
        .iter()
        .map(|id| {
            range(id).with_context(|| format!("{id:?} is no id: expected one as in `switchboard dead list`, or the beginning of one"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut wanted = Vec::new();
    let mut missing = Vec::new();
    let found = view::find_dead(connection, &ranges).await?;
    for ((id, range), found) in ids.iter().zip(ranges).zip(found) {
        match found[..] {
            [one] => wanted.push(one),
            [] => missing.push(gone(connection, id, range).await?),
            _ => {
                let found: Vec<String> = found.iter().map(|id| format!("\n  {id}")).collect();
                bail!("several dead letters begin with {id}, among them:{}", found.concat())
            }
        }
    }
    let filter = DeadFilter { ids: Some(wanted), ..DeadFilter::default() };
    let (lines, _) = view::list_dead(connection, &filter, i64::MAX).await?;
    Ok(Found { lines, missing })
}

/// Says of a letter that is not there what became of it, if that is on record.
async fn gone(connection: &mut PgConnection, id: &str, range: (Uuid, Uuid)) -> sqlx::Result<String> {
    let past = view::settled(connection, range).await?;
    Ok(match past.first() {
        None => format!("there is no dead letter {id}"),
        Some(last) => {
            let how = if last.how == "dropped" { "dropped" } else { "replayed" };
            format!("there is no dead letter {id}: {} was {how} {} by {}", last.letter_id, time(last.at), last.by)
        }
    })
}

/// The first and the last id that begins so.
fn range(id: &str) -> Option<(Uuid, Uuid)> {
    let digits: String = id.trim().chars().filter(|c| *c != '-').collect();
    if digits.is_empty() || digits.len() > 32 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    Some((format!("{digits:0<32}").parse().ok()?, format!("{digits:f<32}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_is_a_range_of_ids() {
        let text = |id: &str| range(id).map(|(low, high)| format!("{low} {high}"));
        assert_eq!(text("01A1f").as_deref(), Some("01a1f000-0000-0000-0000-000000000000 01a1ffff-ffff-ffff-ffff-ffffffffffff"));
        let whole = "01a1fcdf-5c9f-756d-90ad-2f68b87f9bed";
        assert_eq!(text(whole), Some(format!("{whole} {whole}")));
        for wrong in ["", "-", "lamp@client.example", "01a1fcdf-5c9f-756d-90ad-2f68b87f9bedd", "ａ"] {
            assert_eq!(text(wrong), None, "{wrong}");
        }
    }
}
