//! Why somebody was told of something, how, and what became of it.

use anyhow::bail;
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{ConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::view::{self, CollectedView, NotificationView, Tried};
use switchboard_common::ids::{NotificationId, TenantId};

use super::page::in_words;
use crate::cli::ExplainNotification;
use crate::database::{Database, Need};
use crate::deliveries::{state, tries, waits};
use crate::output::{ADDED, CHANGED, FAINT, Page, STRONG, paint, print, time};
use crate::ticket::tenant_id;

/// How many are listed when an id is not enough to tell which is meant.
const LISTED: usize = 10;

/// Explains the notification that is meant.
pub async fn notification(config: &Config, ambient: &Ambient, asked: &ExplainNotification) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, asked).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, asked: &ExplainNotification) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    let tenants = view::tenants(&mut connection).await?;
    let tenant = tenant_id(&tenants, &asked.of)?;
    let (tenant, id) = one(&mut connection, tenant, &asked.id).await?;
    let shown = view::show_notification(&mut connection, tenant, id).await?;
    if asked.json {
        return json(&shown, ambient.now());
    }
    Ok(render(&shown, ambient.now()))
}

async fn one(connection: &mut PgConnection, tenant: Option<TenantId>, id: &str) -> anyhow::Result<(TenantId, NotificationId)> {
    let found = view::find_notifications(connection, tenant, id).await?;
    match found[..] {
        [one] => Ok(one),
        [] => match view::find_deliveries(connection, tenant, id).await?[..] {
            [(_, delivery)] => {
                bail!("{delivery} tells a digest of several notifications: `switchboard deliveries show {delivery}` lists them")
            }
            _ => bail!("there is no notification or delivery {id}: `switchboard ticket show` and `explain message` name them"),
        },
        _ => {
            let mut lines = Vec::new();
            for (tenant, id) in found.iter().take(LISTED) {
                let one = view::show_notification(connection, *tenant, *id).await?;
                lines.push(format!("\n  {}  {}  {} of {} on #{}", one.id, time(one.planned_at), one.to, one.event, one.ticket));
            }
            bail!("several notifications begin with {id}:{}{}", lines.concat(), if found.len() > LISTED { "\n  …" } else { "" })
        }
    }
}

fn json(shown: &NotificationView, now: DateTime<Utc>) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(shown)?;
    for (n, Tried { delivery, .. }) in shown.deliveries.iter().enumerate() {
        value["deliveries"][n]["waits"] = json!(waits(delivery, now));
    }
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn render(shown: &NotificationView, now: DateTime<Utc>) -> String {
    let mut page = Page::default();
    page.heading(&format!("Notification {}", shown.id));
    page.field("to", &shown.to);
    page.field("of", format!("{} on #{} {} (version {}), by {}", shown.event, shown.ticket, shown.ticket_title, shown.version, shown.by));
    page.field("topic", shown.topic.as_deref().unwrap_or_default());
    page.field("reads", &shown.template);
    page.field("planned", format!("{}, at {}", time(shown.planned_at), shown.tenant));
    page.field("event", shown.event_id);
    page.heading("Why");
    if shown.decision.as_ref().is_none_or(|decision| !decision.why.contains(&shown.reason)) {
        page.line(1, &shown.reason);
    }
    if let Some(decision) = &shown.decision {
        let (mark, why) = in_words(decision);
        page.line(1, &format!("{mark}  {why}"));
    }
    page.heading("How");
    if shown.deliveries.is_empty() && shown.collected.is_empty() {
        page.line(1, "nothing was sent");
    }
    for Tried { delivery, tries: all } in &shown.deliveries {
        let to = paint(STRONG, &format!("{} to {}", delivery.channel, delivery.address));
        page.line(1, &format!("{to}, from the account {}  {}", delivery.account, paint(FAINT, &delivery.id.to_string())));
        state(&mut page, 2, delivery, now);
        tries(&mut page, 2, all);
    }
    for collected in &shown.collected {
        gathered(&mut page, 1, collected);
    }
    let left: Vec<String> = shown.alternatives.iter().map(|way| format!("{} to {}", way.method, way.address)).collect();
    page.field("else", left.join(", then "));
    page.line(1, &shown.notice.as_ref().map(|notice| paint(CHANGED, notice)).unwrap_or_default());
    page.finish()
}

/// A digest that something waits in, or was told in.
pub fn gathered(page: &mut Page, steps: usize, collected: &CollectedView) {
    let CollectedView { digest_id, channel, address, cause, why, .. } = collected;
    let said = match (&collected.closed_at, collected.sent_at, &collected.status) {
        (None, ..) => format!("{} until {}", paint(CHANGED, "collected"), time(collected.due_at)),
        (_, Some(at), _) => format!("{} with others {}", paint(ADDED, "sent"), time(at)),
        (_, None, Some(status)) => format!("{} with others", paint(CHANGED, status)),
        (Some(at), None, None) => format!("{} {}", paint(CHANGED, "closed"), time(*at)),
    };
    let cause = cause.replace('_', " ");
    let digest = paint(FAINT, &collected.delivery_id.map_or_else(|| digest_id.to_string(), |id| id.to_string()));
    page.line(steps, &format!("{said} in the digest by {channel} to {address} ({cause}: {why})  {digest}"));
}
