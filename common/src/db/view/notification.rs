//! What one person was told of one event, and every reason for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{AttemptView, Collected, CollectedView, DeliveryView, attempts, collected, deliveries_of};
use crate::domain::explanation::ToldDecision;
use crate::ids::{ClientId, EventId, NotificationId, TenantId, TicketId, UserId};

/// A notification with all that is on record about it.
#[derive(Debug, Clone, Serialize)]
pub struct NotificationView {
    /// Its id.
    pub id: NotificationId,
    /// The tenant's name.
    pub tenant: String,
    /// The event that it tells of.
    pub event_id: EventId,
    /// The kind of that event.
    pub event: String,
    /// Who did it: a handle, a client's name, or `switchboard`.
    pub by: String,
    /// The number of the ticket.
    pub ticket: i64,
    /// The title of the ticket.
    pub ticket_title: String,
    /// The ticket's version that the event names.
    pub version: i32,
    /// Who is told: a handle, or a client's name.
    pub to: String,
    /// The user who is told, if it is one.
    pub user_id: Option<UserId>,
    /// The client who is told, if it is one.
    pub client_id: Option<ClientId>,
    /// Which text, such as `ticket.created.agent`.
    pub template: String,
    /// As what it counts in their preferences.
    pub topic: Option<String>,
    /// What it is about.
    pub title: String,
    /// Why they are told.
    pub reason: String,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    /// The ways that are left when those that were planned refuse for good.
    pub alternatives: Vec<WayView>,
    /// What became of that.
    pub notice: Option<String>,
    /// What was decided about them when the event was planned.
    pub decision: Option<ToldDecision>,
    /// What tells them of it.
    pub deliveries: Vec<Tried>,
    /// The digests that it was collected into.
    pub collected: Vec<CollectedView>,
}

/// A delivery with every try.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: DeliveryView,
    /// Every try.
    pub tries: Vec<AttemptView>,
}

/// A way that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayView {
    /// By what.
    pub method: String,
    /// Where it goes.
    pub address: String,
}

/// The notifications whose id, or that of one of whose deliveries, begins with `text`.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find_notifications(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    text: &str,
) -> sqlx::Result<Vec<(TenantId, NotificationId)>> {
    let rows = sqlx::query!(
        r#"select tenant_id as "tenant_id!: TenantId", id as "id!: NotificationId" from (
               select tenant_id, id from notifications where starts_with(id::text, $2)
               union
               select tenant_id, notification_id from deliveries where notification_id is not null and starts_with(id::text, $2)) as found
           where $2 <> '' and ($1::uuid is null or tenant_id = $1)
           order by id limit 100"#,
        tenant.map(|tenant| tenant.0),
        text.trim().to_lowercase(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.id)).collect())
}

/// All that is on record about a notification.
///
/// # Errors
/// When the database refuses or cannot be reached, or there is no such notification.
pub async fn show_notification(connection: &mut PgConnection, tenant: TenantId, id: NotificationId) -> sqlx::Result<NotificationView> {
    let row = sqlx::query!(
        r#"select o.name as tenant, n.event_id as "event_id: EventId", e.kind, e.version, e.decisions as "decisions: Json<Vec<ToldDecision>>",
                  coalesce(au.handle, client_name(v.tenant_id, v.actor_client_id), 'switchboard') as "by!",
                  t.ticket_number, t.title as ticket_title, coalesce(u.handle, client_name(n.tenant_id, n.client_id)) as "to!",
                  n.user_id as "user_id: UserId", n.client_id as "client_id: ClientId", n.template, n.topic, n.title, n.reason, n.planned_at,
                  n.alternatives as "alternatives: Json<Vec<WayView>>", n.notice
           from notifications n
           join tenants o on o.id = n.tenant_id
           join event_plans e on e.tenant_id = n.tenant_id and e.event_id = n.event_id
           join tickets t on t.tenant_id = e.tenant_id and t.id = e.ticket_id
           join ticket_versions v on v.tenant_id = e.tenant_id and v.ticket_id = e.ticket_id and v.version = e.version
           left join users au on au.tenant_id = v.tenant_id and au.id = v.actor_user_id
           left join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
           where n.tenant_id = $1 and n.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_one(&mut *connection)
    .await?;
    let theirs = |decision: &ToldDecision| (decision.user_id, decision.client_id) == (row.user_id, row.client_id);
    Ok(NotificationView {
        id,
        tenant: row.tenant,
        event_id: row.event_id,
        event: row.kind,
        by: row.by,
        ticket: row.ticket_number,
        ticket_title: row.ticket_title,
        version: row.version,
        to: row.to,
        user_id: row.user_id,
        client_id: row.client_id,
        template: row.template,
        topic: row.topic,
        title: row.title,
        reason: row.reason,
        planned_at: row.planned_at,
        alternatives: row.alternatives.0,
        notice: row.notice,
        decision: row.decisions.0.into_iter().find(theirs),
        deliveries: tried(connection, tenant, id.0).await?,
        collected: collected(connection, tenant, Collected::OfNotification(id)).await?,
    })
}

/// The deliveries of a notification or a digest, with every try.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn tried(connection: &mut PgConnection, tenant: TenantId, of: Uuid) -> sqlx::Result<Vec<Tried>> {
    let mut all = Vec::new();
    for delivery in deliveries_of(connection, tenant, of).await? {
        let tries = attempts(connection, tenant, delivery.id).await?;
        all.push(Tried { delivery, tries });
    }
    Ok(all)
}

/// What was decided about a user when an event of a ticket was planned.
#[derive(Debug, Clone, Serialize)]
pub struct DecidedView {
    /// The event.
    pub event_id: EventId,
    /// The ticket's version after it.
    pub version: i32,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    /// What was decided; nothing where they were not in question.
    pub decision: Option<ToldDecision>,
    /// The notification that tells them, if one does.
    pub notification_id: Option<NotificationId>,
}

/// What was decided about a user for the events of a kind that a ticket had, the latest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn decided(
    connection: &mut PgConnection,
    tenant: TenantId,
    ticket: TicketId,
    user: UserId,
    kind: &str,
) -> sqlx::Result<Vec<DecidedView>> {
    let rows = sqlx::query!(
        r#"select e.event_id as "event_id: EventId", e.version, e.planned_at, e.decisions as "decisions: Json<Vec<ToldDecision>>",
                  n.id as "notification_id?: NotificationId"
           from event_plans e
           left join notifications n on n.tenant_id = e.tenant_id and n.event_id = e.event_id and n.user_id = $3
           where e.tenant_id = $1 and e.ticket_id = $2 and e.kind = $4
           order by e.version desc, e.event_id"#,
        tenant.0,
        ticket.0,
        user.0,
        kind,
    )
    .fetch_all(connection)
    .await?;
    let theirs = |decisions: Vec<ToldDecision>| decisions.into_iter().find(|decision| decision.user_id == Some(user));
    let decided = rows.into_iter().map(|row| DecidedView {
        event_id: row.event_id,
        version: row.version,
        planned_at: row.planned_at,
        decision: theirs(row.decisions.0),
        notification_id: row.notification_id,
    });
    Ok(decided.collect())
}
