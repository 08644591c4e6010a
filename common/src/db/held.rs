//! Deliveries that nobody knows the end of: a person decides.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::ids::{DeliveryId, TenantId};

/// Sends a held delivery again, at once. Returns whether it was held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn resend(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update deliveries set status = 'queued', next_attempt_at = $3, waits_for = null, lease_token = null, leased_until = null
         where tenant_id = $1 and id = $2 and status = 'held'",
        tenant.0,
        id.0,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a held delivery up, and says so on its notification, or on all that its digest tells. Returns whether it was held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn drop(connection: &mut PgConnection, tenant: TenantId, id: DeliveryId, notice: &str) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "with dropped as (
             update deliveries set status = 'failed', waits_for = null, lease_token = null, leased_until = null
             where tenant_id = $1 and id = $2 and status = 'held'
             returning tenant_id, notification_id, digest_id
         ), noted as (
             update notifications n set notice = concat_ws(' ', n.notice, $3::text)
             from dropped d where n.tenant_id = d.tenant_id and n.id = d.notification_id
         ), collected as (
             update notifications n set notice = concat_ws(' ', n.notice, $3::text)
             from dropped d join digest_items i on i.tenant_id = d.tenant_id and i.digest_id = d.digest_id
             where n.tenant_id = i.tenant_id and n.id = i.notification_id
         )
         select 1 as one from dropped",
        tenant.0,
        id.0,
        notice,
    )
    .fetch_optional(connection)
    .await?;
    Ok(done.is_some())
}
