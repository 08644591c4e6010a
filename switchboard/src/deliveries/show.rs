//! All of one delivery.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use switchboard_common::db::view::{self, AttemptView, Collected, DeliveryView};
use switchboard_common::ids::{DeliveryId, TenantId};

use super::list::state;
use super::why::waits;
use crate::output::{ADDED, CHANGED, FAINT, Page, REMOVED, paint, time};

/// The page of a delivery.
pub async fn page(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: DeliveryId,
    now: DateTime<Utc>,
    as_json: bool,
) -> anyhow::Result<String> {
    let delivery = view::load_deliveries(connection, &[(tenant, id)]).await?.pop().ok_or(sqlx::Error::RowNotFound)?;
    let attempts = view::attempts(connection, tenant, id).await?;
    let items = match delivery.digest_id {
        Some(digest) => view::collected(connection, tenant, Collected::Into(digest)).await?,
        None => Vec::new(),
    };
    if as_json {
        let mut shown = serde_json::to_value(&delivery)?;
        shown["waits"] = serde_json::to_value(waits(&delivery, now))?;
        shown["tries"] = json!(attempts);
        shown["items"] = json!(items);
        return Ok(serde_json::to_string_pretty(&shown)? + "\n");
    }
    let mut page = Page::default();
    page.heading(&format!("Delivery {}", delivery.id));
    fields(&mut page, &delivery);
    page.heading("Where it stands");
    state(&mut page, 1, &delivery, now);
    page.heading("Attempts");
    if attempts.is_empty() {
        page.line(1, "none yet");
    }
    tries(&mut page, 1, &attempts);
    if !items.is_empty() {
        page.heading("What it tells of");
    }
    for item in items {
        let cause = item.cause.replace('_', " ");
        page.line(
            1,
            &format!("#{}  {}  {cause}: {}  {}", item.ticket, item.template, item.why, paint(FAINT, &item.notification_id.to_string())),
        );
    }
    Ok(page.finish())
}

fn fields(page: &mut Page, delivery: &DeliveryView) {
    page.field("to", format!("{} <{}>", delivery.to, delivery.address));
    page.field("by", format!("{}, from the account {} of {}", delivery.channel, delivery.account, delivery.tenant));
    page.field("thread", delivery.thread_key.as_deref().unwrap_or_default());
    let ticket = delivery.ticket.map(|number| format!("#{number} in version {}", delivery.version.unwrap_or_default()));
    page.field("ticket", ticket.unwrap_or_default());
    page.field(
        "tells of",
        format!("{}{}", delivery.template, delivery.event.as_ref().map(|event| format!(" ({event})")).unwrap_or_default()),
    );
    page.field("digest", delivery.digest_id.map(|id| format!("{id} of {}", delivery.digest_items)).unwrap_or_default());
    page.field("notification", delivery.notification_id.map(|id| id.to_string()).unwrap_or_default());
    page.field("Message-ID", delivery.message_id.as_ref().map(|id| format!("<{id}>")).unwrap_or_default());
    page.field("there", delivery.provider_id.as_deref().unwrap_or_default());
    page.field("planned", time(delivery.planned_at));
}

/// Every try with its answer.
pub fn tries(page: &mut Page, steps: usize, attempts: &[AttemptView]) {
    for AttemptView { attempt, outcome, answer, started_at, finished_at } in attempts {
        let (style, said) = match outcome.as_str() {
            "sent" => (ADDED, "sent"),
            "refused_for_now" => (CHANGED, "refused for now"),
            "refused_for_good" => (REMOVED, "refused for good"),
            "ambiguous" => (CHANGED, "ambiguous"),
            _ => (CHANGED, "under way"),
        };
        let took = finished_at.map(|at| format!(" (took {} ms)", (at - *started_at).num_milliseconds())).unwrap_or_default();
        let answer = answer.as_deref().unwrap_or("no answer");
        page.line(
            steps,
            &format!("{attempt}. {}  {}: {answer}{}", paint(FAINT, &time(*started_at)), paint(style, said), paint(FAINT, &took)),
        );
    }
}

/// What became of a delivery, in a sentence.
pub fn became(delivery: &DeliveryView) -> String {
    let answer = delivery.last_answer.as_deref().unwrap_or("no answer");
    let tries = match delivery.attempts {
        0 => "before the first try".to_owned(),
        1 => "after 1 try".to_owned(),
        tries => format!("after {tries} tries"),
    };
    match (delivery.status.as_str(), delivery.sent_at, delivery.next_attempt_at) {
        ("sent" | "delivered" | "read", Some(at), _) => format!("{} {}: {answer}", paint(ADDED, &delivery.status), time(at)),
        ("queued", _, Some(at)) if delivery.attempts == 0 => format!("{} to be sent {}", paint(CHANGED, "waits"), time(at)),
        ("queued", _, Some(at)) => format!("{} {tries} ({answer}); tried again {}", paint(CHANGED, "waits"), time(at)),
        ("failed", ..) if delivery.attempts == 0 => paint(REMOVED, "failed before the first try"),
        ("failed", ..) => format!("{} {tries}: {answer}", paint(REMOVED, "failed")),
        (status, ..) => format!("{} {tries}: {answer}", paint(CHANGED, status)),
    }
}
