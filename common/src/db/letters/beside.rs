//! What goes with letters: what their readers have already, their files, and whether they may still read what they tell of.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use crate::db::deliveries::DeliveryKey;
use crate::ids::{DeliveryId, MediaId, MessageId, TenantId, TicketId, UserId};

/// Of these users and tickets, those where the user may not read the ticket as it is now: neither is it theirs by assignment or cc, their
/// own or a group's that holds them, nor is it in one of their departments, if they see these, nor do they see everything.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn hidden(
    connection: &mut PgConnection,
    asked: &[(TenantId, UserId, TicketId)],
) -> sqlx::Result<HashSet<(TenantId, UserId, TicketId)>> {
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query!(
        r#"with recursive asked as (
               select distinct w.tenant_id, w.user_id, w.ticket_id, u.sees
               from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, user_id, ticket_id)
               join users u on u.tenant_id = w.tenant_id and u.id = w.user_id
               where u.sees <> 'all' and u.type <> 'administrator'
           ), holders as (
               select distinct tenant_id, user_id, user_id as holder from asked
               union
               select h.tenant_id, h.user_id, m.group_id
               from holders h join group_members m on m.tenant_id = h.tenant_id and m.member_id = h.holder
           )
           select a.tenant_id as "tenant_id!: TenantId", a.user_id as "user_id!: UserId", a.ticket_id as "ticket_id!: TicketId"
           from asked a
           where not exists (
               select from holders h
               where h.tenant_id = a.tenant_id and h.user_id = a.user_id
                 and (exists (select from ticket_assignments s
                              where s.tenant_id = a.tenant_id and s.ticket_id = a.ticket_id and s.user_id = h.holder)
                      or exists (select from ticket_cc s where s.tenant_id = a.tenant_id and s.ticket_id = a.ticket_id and s.user_id = h.holder)
                      or a.sees = 'departments' and exists (
                          select from tickets t
                          join user_departments s on s.tenant_id = t.tenant_id and s.department_id = t.department_id
                          where t.tenant_id = a.tenant_id and t.id = a.ticket_id and s.user_id = h.holder)))"#,
        &asked.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &asked.iter().map(|(_, user, _)| user.0).collect::<Vec<_>>(),
        &asked.iter().map(|(.., ticket)| ticket.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.user_id, row.ticket_id)).collect())
}

/// A mail that the reader of a letter has, on the same ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its Message-ID.
    pub message_id: String,
    /// Whether the reader wrote it, rather than got it.
    pub is_theirs: bool,
}

/// The mails that the readers of these letters wrote or got before them on the same ticket, the oldest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn earlier(connection: &mut PgConnection, wanted: &[DeliveryKey]) -> sqlx::Result<HashMap<DeliveryKey, Vec<Earlier>>> {
    let rows = sqlx::query!(
        r#"with these as materialized (
               select d.tenant_id, d.id, d.ticket_id, d.recipient_id, d.channel, d.ticket_version, d.planned_at, n.client_id,
                      (v.state->>'message_count')::int as message_count
               from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
               join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id and d.channel = 'email'
               join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
               join ticket_versions v on v.tenant_id = d.tenant_id and v.ticket_id = d.ticket_id and v.version = d.ticket_version
           )
           select tenant_id as "tenant_id!: TenantId", id as "id!: DeliveryId", message_id as "message_id!", is_theirs as "is_theirs!" from (
               select this.tenant_id, this.id, i.message_id, true as is_theirs, m.position, m.received_at as at
               from these this
               join messages m on m.tenant_id = this.tenant_id and m.ticket_id = this.ticket_id and m.position <= this.message_count
                and (m.author_client_id = this.client_id
                     or client_root(m.tenant_id, m.author_client_id) = client_root(this.tenant_id, this.client_id))
               join message_ids i on i.tenant_id = m.tenant_id and i.ticket_id = m.ticket_id and i.inbound_id = m.inbound_id
                and i.origin = 'seen'
               where this.client_id is not null
               union all
               select this.tenant_id, this.id, d.message_id, false, (v.state->>'message_count')::int, d.planned_at
               from these this
               join deliveries d on d.tenant_id = this.tenant_id and d.ticket_id = this.ticket_id and d.recipient_id = this.recipient_id
                and d.channel = this.channel and d.status <> 'failed' and d.message_id is not null
                and (d.ticket_version, d.planned_at, d.id) < (this.ticket_version, this.planned_at, this.id)
               join ticket_versions v on v.tenant_id = d.tenant_id and v.ticket_id = d.ticket_id and v.version = d.ticket_version
           ) as earlier
           order by tenant_id, id, position, is_theirs desc, at, message_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut earlier: HashMap<DeliveryKey, Vec<Earlier>> = HashMap::new();
    for row in rows {
        earlier.entry((row.tenant_id, row.id)).or_default().push(Earlier { message_id: row.message_id, is_theirs: row.is_theirs });
    }
    Ok(earlier)
}

/// An attachment of a message, by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterAttachment {
    /// Where its bytes lie.
    pub media_id: MediaId,
    /// The file name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: i64,
}

/// The attachments of these messages, in order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn attachments(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(TenantId, MessageId)>,
) -> sqlx::Result<HashMap<(TenantId, MessageId), Vec<LetterAttachment>>> {
    let rows = sqlx::query!(
        r#"select f.tenant_id as "tenant_id: TenantId", f.message_id as "message_id: MessageId", f.media_id as "media_id: MediaId", f.name,
                  f.content_type, f.size
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, message_id)
           join attachments f on f.tenant_id = w.tenant_id and f.message_id = w.message_id
           order by f.tenant_id, f.message_id, f.position"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut attachments: HashMap<_, Vec<LetterAttachment>> = HashMap::new();
    for row in rows {
        let attachment = LetterAttachment { media_id: row.media_id, name: row.name, content_type: row.content_type, size: row.size };
        attachments.entry((row.tenant_id, row.message_id)).or_default().push(attachment);
    }
    Ok(attachments)
}
