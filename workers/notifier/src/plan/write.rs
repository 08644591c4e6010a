//! Writes what a batch came to. Clients and tickets are held first, in the lock order, so that no
//! router is met the other way round.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::notifications::{self, NotificationRow};
use switchboard_common::db::reply_addresses::{self, ReplyRecipient};
use switchboard_common::db::{outbox, plans};
use switchboard_common::domain::event::Event;
use switchboard_common::ids::{DeliveryId, TenantId, TicketId};

use super::decide::Telling;
use super::gather::Planned;
use crate::failed::{FailedAnswer, failed_event};

pub(super) async fn write(
    connection: &mut PgConnection,
    ambient: &Ambient,
    planned: &[Planned<'_>],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    if planned.is_empty() {
        return Ok(());
    }
    let held: Vec<_> = planned.iter().map(|planned| (planned.event.tenant_id, planned.event.ticket_id, planned.ticket.client_id)).collect();
    plans::hold(connection, &held).await?;
    let plans: Vec<_> = planned.iter().map(|planned| (planned.event, planned.plan.decisions.as_slice())).collect();
    let new = plans::insert(connection, &plans, now).await?;
    let new: Vec<&Planned<'_>> = planned.iter().filter(|planned| new.contains(&(planned.event.tenant_id, planned.event.id))).collect();
    let rows = rows(&new, ambient);
    write_reply_addresses(connection, &rows).await?;
    notifications::insert(connection, &rows.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>(), now).await?;
    let failures: Vec<Event> = rows.iter().filter(|(_, row)| row.refused).map(|(event, row)| refused_event(event, row, ambient)).collect();
    outbox::add(connection, &failures, now).await?;
    for planned in new.iter().filter(|planned| planned.plan.unheard) {
        tracing::warn!(ticket.id = %planned.event.ticket_id, event.id = %planned.event.id, "Nobody who answers for a ticket can be told of it");
    }
    Ok(())
}

/// The rows, each with its event. Their ids are in the order of the rows: what is planned at the same
/// time for the same person is delivered in this order.
fn rows<'a>(planned: &[&Planned<'a>], ambient: &Ambient) -> Vec<(&'a Event, NotificationRow)> {
    let tellings: Vec<_> =
        planned.iter().flat_map(|planned| planned.plan.tellings.iter().map(move |telling| (*planned, telling))).collect();
    let mut ids: Vec<DeliveryId> = tellings.iter().map(|_| ambient.new_id()).collect();
    ids.sort_unstable();
    tellings.into_iter().zip(ids).map(|((planned, telling), id)| (planned.event, row(planned, telling, id, ambient))).collect()
}

fn row(planned: &Planned<'_>, telling: &Telling, delivery_id: DeliveryId, ambient: &Ambient) -> NotificationRow {
    let ticket = &planned.ticket;
    NotificationRow {
        tenant_id: planned.event.tenant_id,
        id: ambient.new_id(),
        event_id: planned.event.id,
        recipient: telling.recipient,
        template: telling.template.as_str(),
        title: format!("[#{}] {}", ticket.number, ticket.title),
        reason: telling.reason.clone(),
        delivery_id,
        account_id: planned.account.0,
        address: telling.address.clone(),
        origin: telling.origin.clone(),
        message_id: new_message_id(ambient, &planned.account.1),
        ticket_id: planned.event.ticket_id,
        ticket_version: planned.event.version,
        refused: telling.refused,
        arrived_at: planned.event.arrived_at,
        trace: planned.event.trace.as_ref().map(ToString::to_string),
    }
}

/// A Message-ID that nobody can guess, at the domain of the account.
fn new_message_id(ambient: &Ambient, account: &str) -> String {
    let domain = account.rsplit_once('@').map_or(account, |(_, domain)| domain);
    format!("{}@{domain}", BASE32_NOPAD.encode(&ambient.bytes::<16>()).to_lowercase())
}

async fn write_reply_addresses(connection: &mut PgConnection, rows: &[(&Event, NotificationRow)]) -> Result<(), Failure> {
    let mut wanted: BTreeMap<TenantId, Vec<(TicketId, ReplyRecipient)>> = BTreeMap::new();
    for (_, row) in rows {
        wanted.entry(row.tenant_id).or_default().push((row.ticket_id, row.recipient));
    }
    for (tenant, wanted) in wanted {
        reply_addresses::ensure(connection, tenant, &wanted).await?;
    }
    Ok(())
}

/// An answer that must not be sent has failed, and its author hears of it.
fn refused_event(event: &Event, row: &NotificationRow, ambient: &Ambient) -> Event {
    let answer = FailedAnswer { ticket_id: row.ticket_id, version: row.ticket_version, message_id: event.message_id };
    failed_event(row.tenant_id, row.delivery_id, answer, ambient)
}
