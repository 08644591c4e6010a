//! What waits, one after the other.

use chrono::{DateTime, Utc};
use serde_json::json;
use switchboard_common::db::view::{DeliveryView, DigestLine};

use super::show::became;
use super::why::{waits, words};
use crate::output::{CHANGED, FAINT, Page, STRONG, paint, time};

/// Deliveries with what they wait for, and the digests that are still collected.
pub fn render(deliveries: &[DeliveryView], all: i64, digests: &[DigestLine], with_tenant: bool, now: DateTime<Utc>) -> String {
    if deliveries.is_empty() && digests.is_empty() {
        return "nothing waits to be sent\n".to_owned();
    }
    let mut page = Page::default();
    for delivery in deliveries {
        let whose = if with_tenant { format!("  {}", delivery.tenant) } else { String::new() };
        page.line(0, &format!("{}  {}{}", delivery.id, head(delivery), paint(FAINT, &whose)));
        state(&mut page, 1, delivery, now);
    }
    if usize::try_from(all).is_ok_and(|all| all > deliveries.len()) {
        page.line(0, &paint(FAINT, &format!("{} of {all}; --limit shows more", deliveries.len())));
    }
    if !digests.is_empty() {
        page.heading("Digests that are collected");
    }
    for digest in digests {
        let whose = if with_tenant { format!("  {}", digest.tenant) } else { String::new() };
        let to = paint(STRONG, &format!("{} <{}>", digest.to, digest.address));
        page.line(0, &format!("{}  {} to {to}{}", digest.id, digest.channel, paint(FAINT, &whose)));
        let tickets = digest.tickets.iter().map(|number| format!("#{number}")).collect::<Vec<_>>().join(", ");
        let items = if digest.items == 1 { "1 notification".to_owned() } else { format!("{} notifications", digest.items) };
        let causes = digest.causes.iter().map(|cause| cause.replace('_', " ")).collect::<Vec<_>>().join(", ");
        let mark = paint(CHANGED, "collected");
        page.line(1, &format!("{mark} until {}: {items} about {tickets} ({causes})", time(digest.due_at)));
    }
    page.finish()
}

/// The same for programs.
pub fn json(deliveries: &[DeliveryView], digests: &[DigestLine], now: DateTime<Utc>) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for delivery in deliveries {
        let mut line = serde_json::to_value(delivery)?;
        line["waits"] = serde_json::to_value(waits(delivery, now))?;
        lines.push(line);
    }
    Ok(serde_json::to_string_pretty(&json!({ "deliveries": lines, "digests": digests }))? + "\n")
}

/// To whom a delivery goes, by what, and of what it tells.
pub fn head(delivery: &DeliveryView) -> String {
    let to = paint(STRONG, &format!("{} <{}>", delivery.to, delivery.address));
    let about = match delivery.ticket {
        Some(number) => format!("#{number} {}", delivery.template),
        None => format!("digest of {}", delivery.digest_items),
    };
    format!("{} to {to}  {about}", delivery.channel)
}

/// What became of a delivery, or why it waits.
pub fn state(page: &mut Page, steps: usize, delivery: &DeliveryView, now: DateTime<Utc>) {
    let waits = waits(delivery, now);
    if waits.is_empty() {
        page.line(steps, &became(delivery));
    }
    for wait in waits {
        let mark = if delivery.status == "held" { "held" } else { "waits" };
        page.line(steps, &format!("{}  {}", paint(CHANGED, mark), words(&wait)));
    }
    page.line(steps, &delivery.because.as_ref().map(|why| paint(FAINT, &format!("this way because {why}"))).unwrap_or_default());
}
