//! Messages whose sender could be several clients.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{AmbiguityId, ClientId, InboundId, MergeId, TenantId, TicketId, UserId};

/// An ambiguity to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAmbiguity {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: AmbiguityId,
    /// The message that showed it.
    pub inbound_id: InboundId,
    /// The ticket that the message is on.
    pub ticket_id: TicketId,
    /// The client who has the key and the ticket meanwhile.
    pub client_id: ClientId,
    /// Who it could be, and why.
    pub candidates: Vec<(ClientId, String)>,
}

/// Writes ambiguities with their candidates.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn add_ambiguities(connection: &mut PgConnection, new: &[NewAmbiguity]) -> sqlx::Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into ambiguities (tenant_id, id, inbound_id, ticket_id, client_id)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[])",
        &new.iter().map(|a| a.tenant_id.0).collect::<Vec<_>>(),
        &new.iter().map(|a| a.id.0).collect::<Vec<_>>(),
        &new.iter().map(|a| a.inbound_id.0).collect::<Vec<_>>(),
        &new.iter().map(|a| a.ticket_id.0).collect::<Vec<_>>(),
        &new.iter().map(|a| a.client_id.0).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    let rows: Vec<(&NewAmbiguity, i32, &(ClientId, String))> = new
        .iter()
        .flat_map(|ambiguity| (1..).zip(&ambiguity.candidates).map(move |(position, candidate)| (ambiguity, position, candidate)))
        .collect();
    sqlx::query!(
        "insert into ambiguity_candidates (tenant_id, ambiguity_id, client_id, position, reason)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[])",
        &rows.iter().map(|(a, ..)| a.tenant_id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(a, ..)| a.id.0).collect::<Vec<_>>(),
        &rows.iter().map(|(.., (client, _))| client.0).collect::<Vec<_>>(),
        &rows.iter().map(|(_, position, _)| *position).collect::<Vec<_>>(),
        rows.iter().map(|(.., (_, reason))| reason.as_str()).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes how the ambiguity of this client was decided, if there is one: by a merge, or without one
/// when the client is kept. Its client is locked.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn decide_ambiguity(
    connection: &mut PgConnection,
    tenant: TenantId,
    client: ClientId,
    merge: Option<MergeId>,
    by: Option<UserId>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update ambiguities set decided_at = $3, decided_by = $4, merge_id = $5 where tenant_id = $1 and client_id = $2",
        tenant.0,
        client.0,
        now,
        by.map(|id| id.0),
        merge.map(|id| id.0) as Option<Uuid>,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How an ambiguity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmbiguityState {
    /// The client who has the key meanwhile.
    pub client_id: ClientId,
    /// Nobody has decided it, or the merge that decided it was undone.
    pub is_open: bool,
}

/// An ambiguity.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn ambiguity(connection: &mut PgConnection, tenant: TenantId, id: AmbiguityId) -> sqlx::Result<Option<AmbiguityState>> {
    sqlx::query_as!(
        AmbiguityState,
        r#"select a.client_id as "client_id: ClientId", (a.decided_at is null or m.undone_at is not null) as "is_open!"
           from ambiguities a
           left join client_merges m on m.tenant_id = a.tenant_id and m.id = a.merge_id
           where a.tenant_id = $1 and a.id = $2"#,
        tenant.0,
        id.0,
    )
    .fetch_optional(connection)
    .await
}
