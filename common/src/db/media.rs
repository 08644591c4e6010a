//! The blob store: bytes, once per tenant and content.

use std::collections::HashMap;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ambient::Ambient;
use crate::ids::{MediaId, TenantId};

/// Keeps all of `blobs` and returns their ids in the same order. Bytes that the tenant has already
/// keep their id. Durable when the surrounding transaction is committed, or at once without one.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn store(connection: &mut PgConnection, tenant: TenantId, ambient: &Ambient, blobs: &[&[u8]]) -> sqlx::Result<Vec<MediaId>> {
    let hashes: Vec<Vec<u8>> = blobs.iter().map(|blob| Sha256::digest(blob).to_vec()).collect();
    // Sorted and without doubles, so that two who store the same bytes never wait for each other in a circle.
    let mut order: Vec<usize> = (0..blobs.len()).collect();
    order.sort_unstable_by(|a, b| hashes[*a].cmp(&hashes[*b]));
    order.dedup_by(|a, b| hashes[*a] == hashes[*b]);
    let ids: Vec<Uuid> = order.iter().map(|_| ambient.new_id()).collect();
    let unique_hashes: Vec<&[u8]> = order.iter().map(|index| hashes[*index].as_slice()).collect();
    let unique_blobs: Vec<&[u8]> = order.iter().map(|index| blobs[*index]).collect();
    sqlx::query!(
        "insert into media (tenant_id, id, sha256, size, data)
         select $1, m.id, m.sha256, octet_length(m.data), m.data
         from unnest($2::uuid[], $3::bytea[], $4::bytea[]) with ordinality as m (id, sha256, data, n)
         order by m.n
         on conflict (tenant_id, sha256) do nothing",
        tenant.0,
        &ids,
        unique_hashes as _,
        unique_blobs as _,
    )
    .execute(&mut *connection)
    .await?;
    let stored = sqlx::query!(
        r#"select wanted.n as "n!", m.id as "id: MediaId"
           from unnest($2::bytea[]) with ordinality as wanted (sha256, n)
           join media m on m.tenant_id = $1 and m.sha256 = wanted.sha256
           order by wanted.n"#,
        tenant.0,
        &hashes,
    )
    .fetch_all(connection)
    .await?;
    Ok(stored.into_iter().map(|row| row.id).collect())
}

/// The bytes of blobs, each of the tenant that it is asked of; those that are not there are left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load_all(
    connection: &mut PgConnection,
    wanted: &[(TenantId, MediaId)],
) -> sqlx::Result<HashMap<(TenantId, MediaId), Vec<u8>>> {
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.id as "id: MediaId", m.data
           from (select distinct * from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)) wanted
           join media m using (tenant_id, id)"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.id), row.data)).collect())
}

/// The bytes of a blob, if the tenant has it.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(connection: &mut PgConnection, tenant: TenantId, id: MediaId) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select data from media where tenant_id = $1 and id = $2", tenant.0, id.0).fetch_optional(connection).await
}
