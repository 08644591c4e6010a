//! Writes what a batch came to. Clients and tickets are held first, in the lock order, so that no
//! router is met the other way round; digests are appended to last.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::digests::{self, Collected};
use switchboard_common::db::notifications::{self, DeliveryRow, NotificationRow, Way};
use switchboard_common::db::reply_addresses::{self, ReplyRecipient};
use switchboard_common::db::{outbox, plans};
use switchboard_common::domain::event::Event;
use switchboard_common::domain::method::Method;
use switchboard_common::ids::{DeliveryId, TenantId, TicketId};

use super::decide::{How, Telling};
use super::gather::Planned;
use super::person::Wait;
use crate::failed::{FailedAnswer, failed_event};
use crate::message_id::new_message_id;

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
    let made = make(&new, ambient, now);
    write_reply_addresses(connection, &made.rows).await?;
    notifications::insert(connection, &made.rows, now).await?;
    let ids: Vec<_> = made.collected.iter().map(|_| ambient.new_id()).collect();
    digests::append(connection, &made.collected, &ids).await?;
    outbox::add(connection, &made.failures, now).await?;
    for planned in new.iter().filter(|planned| planned.plan.unheard) {
        tracing::warn!(ticket.id = %planned.event.ticket_id, event.id = %planned.event.id, "Nobody who answers for a ticket can be told of it");
    }
    Ok(())
}

/// What is written of a batch.
#[derive(Default)]
struct Made {
    rows: Vec<NotificationRow>,
    collected: Vec<Collected>,
    /// Of answers that must not be sent.
    failures: Vec<Event>,
}

/// The rows. The ids of deliveries are in the order of the events: what is planned at the same
/// time for the same person is delivered in this order.
fn make(planned: &[&Planned<'_>], ambient: &Ambient, now: DateTime<Utc>) -> Made {
    let tellings: Vec<_> =
        planned.iter().flat_map(|planned| planned.plan.tellings.iter().map(move |telling| (*planned, telling))).collect();
    let count = tellings.iter().map(|(_, telling)| ways_of(telling).len()).sum();
    let mut ids: Vec<DeliveryId> = std::iter::repeat_with(|| ambient.new_id()).take(count).collect();
    ids.sort_unstable();
    let mut ids = ids.into_iter();
    let mut made = Made::default();
    for (planned, telling) in tellings {
        let mut row = row(planned, telling, ambient);
        row.deliveries =
            ways_of(telling).into_iter().zip(&mut ids).map(|(sent, id)| delivery(planned, telling, sent, id, ambient, now)).collect();
        if let (How::Collect { way, cause, until, why }, ReplyRecipient::User(user_id)) = (&telling.how, telling.recipient) {
            made.collected.push(Collected {
                tenant_id: row.tenant_id,
                user_id,
                notification_id: row.id,
                way: way.clone(),
                due_at: *until,
                cause: *cause,
                why: why.clone(),
            });
        }
        let refused = row.deliveries.iter().filter(|delivery| delivery.refused);
        made.failures.extend(refused.map(|delivery| refused_event(planned.event, delivery.id, ambient)));
        made.rows.push(row);
    }
    made
}

/// A delivery to be made.
#[derive(Clone, Copy)]
struct Sending<'a> {
    way: &'a Way,
    wait: Option<&'a Wait>,
    urgent: bool,
    refused: bool,
}

fn ways_of(telling: &Telling) -> Vec<Sending<'_>> {
    match &telling.how {
        How::Send { ways, wait, urgent } => {
            ways.iter().map(|way| Sending { way, wait: wait.as_ref(), urgent: *urgent, refused: false }).collect()
        }
        How::Refuse { went, wait, refused } => {
            let went = went.iter().map(|way| Sending { way, wait: wait.as_ref(), urgent: false, refused: false });
            went.chain([Sending { way: refused, wait: None, urgent: false, refused: true }]).collect()
        }
        How::Collect { .. } => Vec::new(),
    }
}

fn row(planned: &Planned<'_>, telling: &Telling, ambient: &Ambient) -> NotificationRow {
    NotificationRow {
        tenant_id: planned.event.tenant_id,
        id: ambient.new_id(),
        event_id: planned.event.id,
        recipient: telling.recipient,
        template: telling.template,
        topic: telling.topic,
        title: format!("[#{}] {}", planned.ticket.number, planned.ticket.title),
        reason: telling.reason.clone(),
        optional: telling.optional,
        alternatives: telling.alternatives.clone(),
        deliveries: Vec::new(),
        ticket_id: planned.event.ticket_id,
        ticket_version: planned.event.version,
        arrived_at: planned.event.arrived_at,
        trace: planned.event.trace.as_ref().map(ToString::to_string),
    }
}

fn delivery(
    planned: &Planned<'_>,
    telling: &Telling,
    sending: Sending<'_>,
    id: DeliveryId,
    ambient: &Ambient,
    now: DateTime<Utc>,
) -> DeliveryRow {
    let Sending { way, wait, urgent, refused } = sending;
    let account = planned.desk.directory.accounts.get(&way.account_id).map(|account| account.address.as_str()).unwrap_or_default();
    DeliveryRow {
        id,
        way: way.clone(),
        origin: telling.origin.clone(),
        message_id: (way.method == Method::Email).then(|| new_message_id(ambient, account)),
        due_at: wait.map_or(now, |wait| wait.until),
        waits_for: wait.map(|wait| wait.why.clone()),
        urgent,
        refused,
    }
}

/// Reply addresses for all whom mail may reach: also when another way refuses.
async fn write_reply_addresses(connection: &mut PgConnection, rows: &[NotificationRow]) -> Result<(), Failure> {
    let mut wanted: BTreeMap<TenantId, Vec<(TicketId, ReplyRecipient)>> = BTreeMap::new();
    for row in rows {
        let mut ways = row.deliveries.iter().map(|delivery| &delivery.way).chain(&row.alternatives);
        if ways.any(|way| way.method == Method::Email) {
            wanted.entry(row.tenant_id).or_default().push((row.ticket_id, row.recipient));
        }
    }
    for (tenant, wanted) in wanted {
        reply_addresses::ensure(connection, tenant, &wanted).await?;
    }
    Ok(())
}

/// An answer that must not be sent has failed, and its author hears of it.
fn refused_event(event: &Event, delivery: DeliveryId, ambient: &Ambient) -> Event {
    let answer = FailedAnswer { ticket_id: event.ticket_id, version: event.version, message_id: event.message_id };
    failed_event(event.tenant_id, delivery, answer, ambient)
}
