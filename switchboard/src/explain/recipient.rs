//! Whether somebody would be told of something, where and when, and what decides it.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::ConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::config::Config;
use switchboard_common::db::notifications::Way;
use switchboard_common::db::{users, view};
use switchboard_common::domain::preferences::Topic;
use switchboard_notifier::plan::{Foreseen, Outlook, SettingSeen, foresee};

use super::page::in_words;
use crate::cli::ExplainRecipient;
use crate::database::{Database, Need};
use crate::output::{ADDED, CHANGED, FAINT, Page, REMOVED, pad, paint, print, time};
use crate::ticket::find;

/// How much of what happened is listed.
const LISTED: usize = 10;

/// Explains what would become of a person, and what became of them before.
pub async fn recipient(config: &Config, ambient: &Ambient, asked: &ExplainRecipient) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, asked).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, asked: &ExplainRecipient) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    let (tenant, ticket) = find(&mut connection, &asked.of, asked.ticket).await?;
    let handle = asked.user.trim_start_matches('@');
    let user = users::by_handle(&mut connection, tenant, handle).await?;
    let Some((user, is_group)) = user else { bail!("there is nobody with the handle {handle}: see `switchboard user list`") };
    if is_group {
        bail!("{handle} is a group, whose members are told each as they chose: name one of them");
    }
    let at = asked.at.map_or_else(|| ambient.now(), |at| at.from(ambient.now()));
    let foreseen = match foresee(&mut connection, tenant, user, asked.event, ticket, at).await {
        Ok(foreseen) => foreseen.context("there is no such person or ticket any more")?,
        Err(Failure::Reject(why)) => bail!("it cannot be foreseen: {why}"),
        Err(Failure::Retry(error) | Failure::GiveBack(error)) => return Err(error),
    };
    let decided = view::decided(&mut connection, tenant, ticket, user, kind(asked.event)).await?;
    if asked.json {
        let shown = json!({ "at": at, "would": would(&foreseen), "settings": settings(&foreseen), "was": decided });
        return Ok(serde_json::to_string_pretty(&shown)? + "\n");
    }
    Ok(render(&foreseen, at, &decided))
}

/// The kind of the event that a topic is told of in.
fn kind(topic: Topic) -> &'static str {
    if topic == Topic::Mention { Topic::MessageAdded.as_str() } else { topic.as_str() }
}

fn render(foreseen: &Foreseen, at: DateTime<Utc>, decided: &[view::DecidedView]) -> String {
    let mut page = Page::default();
    page.heading(&format!("{} and {} on #{}", foreseen.handle, foreseen.topic, foreseen.ticket));
    page.line(1, &paint(FAINT, &format!("If it happened at {}, done by somebody else:", time(at))));
    outlook(&mut page, &foreseen.outlook);
    page.field("in question", foreseen.audience.as_deref().unwrap_or("no"));
    page.heading("What decides it");
    for SettingSeen { name, value, layer } in &foreseen.settings {
        page.line(1, &format!("{}  {value}  {}", pad(name, 13), paint(FAINT, layer)));
    }
    page.heading("What became of those that happened");
    if decided.is_empty() {
        page.line(1, "none has happened, or none is planned yet");
    }
    for one in decided.iter().take(LISTED) {
        let said = match &one.decision {
            Some(decision) => {
                let (mark, why) = in_words(decision);
                format!("{mark}  {why}")
            }
            None => "not in question".to_owned(),
        };
        let id = one.notification_id.map(|id| paint(FAINT, &format!("  {id}"))).unwrap_or_default();
        page.line(1, &format!("{}  version {}  {said}{id}", paint(FAINT, &time(one.planned_at)), one.version));
    }
    if decided.len() > LISTED {
        page.line(1, &paint(FAINT, &format!("{} before these; --json shows all", decided.len() - LISTED)));
    }
    page.finish()
}

fn outlook(page: &mut Page, outlook: &Outlook) {
    match outlook {
        Outlook::Told { ways: by, alternatives, wait, layer } => {
            let when = wait.as_ref().map_or_else(|| "at once".to_owned(), |(at, why)| format!("at {}, because of {why}", time(*at)));
            page.line(1, &format!("{} {when} by {}  {}", paint(ADDED, "told"), ways(by, " and "), paint(FAINT, &format!("({layer})"))));
            page.field("else by", ways(alternatives, ", then "));
        }
        Outlook::Collected { way, until, why, layer } => {
            let mark = paint(CHANGED, "collected");
            let into = format!("in the digest by {} until {}, because of {why}", ways(std::slice::from_ref(way), ""), time(*until));
            page.line(1, &format!("{mark} {into}  {}", paint(FAINT, &format!("({layer})"))));
        }
        Outlook::NotTold { why, layer } => {
            let layer = layer.as_ref().map(|layer| paint(FAINT, &format!("  ({layer})"))).unwrap_or_default();
            page.line(1, &format!("{}: {why}{layer}", paint(REMOVED, "not told")));
        }
    }
}

fn ways(ways: &[Way], between: &str) -> String {
    ways.iter().map(|way| format!("{} to {}", way.method, way.address)).collect::<Vec<_>>().join(between)
}

fn would(foreseen: &Foreseen) -> serde_json::Value {
    let mut shown = match &foreseen.outlook {
        Outlook::Told { ways, alternatives, wait, layer } => json!({
            "told": true, "ways": ways, "alternatives": alternatives, "layer": layer,
            "until": wait.as_ref().map(|(at, _)| at), "waits": wait.as_ref().map(|(_, why)| why),
        }),
        Outlook::Collected { way, until, why, layer } => {
            json!({ "told": true, "collected": way, "until": until, "waits": why, "layer": layer })
        }
        Outlook::NotTold { why, layer } => json!({ "told": false, "why": why, "layer": layer }),
    };
    shown["audience"] = json!(foreseen.audience);
    shown["topic"] = json!(foreseen.topic);
    shown
}

fn settings(foreseen: &Foreseen) -> Vec<serde_json::Value> {
    let one = |SettingSeen { name, value, layer }: &SettingSeen| json!({ "name": name, "value": value, "layer": layer });
    foreseen.settings.iter().map(one).collect()
}
