//! The keys that sign reply addresses.

use secrecy::SecretSlice;
use sqlx::PgConnection;

use crate::ambient::Ambient;
use crate::ids::TenantId;
use crate::reply_token::SigningKeys;

/// The tenant's keys that are not retired.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<SigningKeys> {
    let rows =
        sqlx::query!("select id, secret from signing_keys where tenant_id = $1 and retired_at is null order by created_at, id", tenant.0)
            .fetch_all(connection)
            .await?;
    let keys = rows.into_iter().filter_map(|row| Some((u8::try_from(row.id).ok()?, SecretSlice::from(row.secret)))).collect();
    Ok(SigningKeys::new(tenant, keys))
}

/// Gives the tenant its first key, if it has none.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn ensure(connection: &mut PgConnection, tenant: TenantId, ambient: &Ambient) -> sqlx::Result<()> {
    let secret = ambient.bytes::<32>();
    sqlx::query!(
        "insert into signing_keys (tenant_id, id, secret)
         select $1, 0, $2 where not exists (select from signing_keys where tenant_id = $1 and retired_at is null)
         on conflict do nothing",
        tenant.0,
        secret.as_slice(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
