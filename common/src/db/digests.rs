//! What is collected for somebody: appended to here while it is open.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::notifications::Way;
use crate::ids::{NotificationId, TenantId, UserId};

/// Why something is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its reader chose so.
    Digest,
    /// It came in their quiet hours.
    QuietHours,
    /// There was too much of it.
    Storm,
}

impl Cause {
    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::QuietHours => "quiet_hours",
            Self::Storm => "storm",
        }
    }
}

/// A notification that is collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// For whom.
    pub user_id: UserId,
    /// The notification.
    pub notification_id: NotificationId,
    /// By which way the digest goes.
    pub way: Way,
    /// When it is due, at the latest.
    pub due_at: DateTime<Utc>,
    /// Why it is collected.
    pub cause: Cause,
    /// Which setting of which layer, or which limit.
    pub why: String,
}

/// Puts notifications into the open digests of their readers, which are made where there are none. A digest is due at the
/// earliest time that was asked for, and goes where the latest notification would go. One that is being closed meanwhile is
/// waited for, and then a new one is begun: so each notification is in one digest.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn append(connection: &mut PgConnection, items: &[Collected], new_ids: &[uuid::Uuid]) -> sqlx::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let tenants: Vec<_> = items.iter().map(|item| item.tenant_id.0).collect();
    let users: Vec<_> = items.iter().map(|item| item.user_id.0).collect();
    let methods: Vec<&str> = items.iter().map(|item| item.way.method.as_str()).collect();
    sqlx::query!(
        "with wanted as (
             select w.* from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::uuid[], $9::text[], $10::text[])
                  with ordinality as w (tenant_id, user_id, channel, id, account_id, address, due_at, notification_id, cause, why, n)
         ), made as (
             insert into digests as d (tenant_id, id, user_id, channel, account_id, address, due_at)
             select tenant_id, (array_agg(id order by n))[1], user_id, channel, (array_agg(account_id order by n desc))[1],
                    (array_agg(address order by n desc))[1], min(due_at)
             from wanted group by tenant_id, user_id, channel
             order by tenant_id, user_id, channel
             on conflict (tenant_id, user_id, channel) where closed_at is null
                 do update set due_at = least(d.due_at, excluded.due_at), account_id = excluded.account_id, address = excluded.address
             returning d.tenant_id, d.id, d.user_id, d.channel
         )
         insert into digest_items (tenant_id, notification_id, digest_id, cause, why)
         select w.tenant_id, w.notification_id, m.id, w.cause, w.why from wanted w join made m using (tenant_id, user_id, channel)
         order by w.n
         on conflict do nothing",
        &tenants,
        &users,
        methods as _,
        new_ids,
        &items.iter().map(|item| item.way.account_id.0).collect::<Vec<_>>(),
        items.iter().map(|item| item.way.address.as_str()).collect::<Vec<_>>() as _,
        &items.iter().map(|item| item.due_at).collect::<Vec<_>>(),
        &items.iter().map(|item| item.notification_id.0).collect::<Vec<_>>(),
        items.iter().map(|item| item.cause.as_str()).collect::<Vec<_>>() as _,
        items.iter().map(|item| item.why.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
