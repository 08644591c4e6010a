//! What a signed reply address leads back to: a ticket and the one person who was given it.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{ClientId, TenantId, TicketId, UserId};

/// Whom a reply address was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplyRecipient {
    /// A user.
    User(UserId),
    /// A client.
    Client(ClientId),
}

/// A row of `reply_addresses`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyAddress {
    /// The ticket that an answer to it belongs to.
    pub ticket_id: TicketId,
    /// The person who may answer to it.
    pub recipient: ReplyRecipient,
}

/// The ids of the reply addresses for each pair of ticket and recipient, in the same order; made
/// where they are new.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn ensure(connection: &mut PgConnection, tenant: TenantId, wanted: &[(TicketId, ReplyRecipient)]) -> sqlx::Result<Vec<i64>> {
    let mut sorted = wanted.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let (tickets, users, clients) = columns(&sorted);
    sqlx::query!(
        "insert into reply_addresses (tenant_id, ticket_id, user_id, client_id)
         select $1, w.ticket_id, w.user_id, w.client_id
         from unnest($2::uuid[], $3::uuid[], $4::uuid[]) with ordinality as w (ticket_id, user_id, client_id, n)
         where not exists (
             select from reply_addresses r
             where r.tenant_id = $1 and r.ticket_id = w.ticket_id
               and r.user_id is not distinct from w.user_id and r.client_id is not distinct from w.client_id)
         order by w.n
         on conflict do nothing",
        tenant.0,
        &tickets,
        &users as &[Option<Uuid>],
        &clients as &[Option<Uuid>],
    )
    .execute(&mut *connection)
    .await?;
    let (tickets, users, clients) = columns(wanted);
    sqlx::query_scalar!(
        "select r.id
         from unnest($2::uuid[], $3::uuid[], $4::uuid[]) with ordinality as w (ticket_id, user_id, client_id, n)
         join reply_addresses r on r.tenant_id = $1 and r.ticket_id = w.ticket_id
          and r.user_id is not distinct from w.user_id and r.client_id is not distinct from w.client_id
         order by w.n",
        tenant.0,
        &tickets,
        &users as &[Option<Uuid>],
        &clients as &[Option<Uuid>],
    )
    .fetch_all(connection)
    .await
}

/// The rows with these ids, by tenant and id.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn find(connection: &mut PgConnection, wanted: &[(TenantId, i64)]) -> sqlx::Result<HashMap<(TenantId, i64), ReplyAddress>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select r.tenant_id as "tenant_id: TenantId", r.id, r.ticket_id as "ticket_id: TicketId", r.user_id as "user_id: UserId",
                  r.client_id as "client_id: ClientId"
           from unnest($1::uuid[], $2::bigint[]) as w (tenant_id, id)
           join reply_addresses r on r.tenant_id = w.tenant_id and r.id = w.id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let recipient = row.user_id.map(ReplyRecipient::User).or(row.client_id.map(ReplyRecipient::Client))?;
            Some(((row.tenant_id, row.id), ReplyAddress { ticket_id: row.ticket_id, recipient }))
        })
        .collect())
}

fn columns(pairs: &[(TicketId, ReplyRecipient)]) -> (Vec<Uuid>, Vec<Option<Uuid>>, Vec<Option<Uuid>>) {
    let tickets = pairs.iter().map(|(ticket, _)| ticket.0).collect();
    let users = pairs.iter().map(|(_, recipient)| if let ReplyRecipient::User(id) = recipient { Some(id.0) } else { None }).collect();
    let clients = pairs.iter().map(|(_, recipient)| if let ReplyRecipient::Client(id) = recipient { Some(id.0) } else { None }).collect();
    (tickets, users, clients)
}
