//! The threads of chats, and the ticket that each goes on in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::{AccountId, TenantId, TicketId};

/// What a thread is known by.
pub type ThreadId = (TenantId, AccountId, String);

/// A thread as the router works with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownThread {
    /// The ticket that it goes on in; `None` until one is chosen.
    pub ticket_id: Option<TicketId>,
    /// When its last message came.
    pub last_message_at: Option<DateTime<Utc>>,
}

/// Claims threads and locks them until the end of the transaction, so that of two routers with
/// messages of one thread one waits for the other. After the Message-IDs in the lock order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(connection: &mut PgConnection, mut threads: Vec<ThreadId>) -> sqlx::Result<HashMap<ThreadId, KnownThread>> {
    threads.sort_unstable();
    threads.dedup();
    if threads.is_empty() {
        return Ok(HashMap::new());
    }
    let (tenants, accounts, keys) = columns(threads.iter());
    sqlx::query!(
        "insert into threads (tenant_id, account_id, thread_key)
         select t.tenant_id, t.account_id, t.thread_key
         from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as t (tenant_id, account_id, thread_key, n)
         where not exists (select from threads k
                           where k.tenant_id = t.tenant_id and k.account_id = t.account_id and k.thread_key = t.thread_key)
         order by t.n
         on conflict do nothing",
        &tenants,
        &accounts,
        &keys as &[&str],
    )
    .execute(&mut *connection)
    .await?;
    let rows = sqlx::query!(
        r#"select k.tenant_id as "tenant_id: TenantId", k.account_id as "account_id: AccountId", k.thread_key,
                  k.ticket_id as "ticket_id: TicketId", k.last_message_at
           from unnest($1::uuid[], $2::uuid[], $3::text[]) as t (tenant_id, account_id, thread_key)
           join threads k using (tenant_id, account_id, thread_key)
           order by k.tenant_id, k.account_id, k.thread_key
           for no key update of k"#,
        &tenants,
        &accounts,
        &keys as &[&str],
    )
    .fetch_all(connection)
    .await?;
    let known = |row_ticket, last_message_at| KnownThread { ticket_id: row_ticket, last_message_at };
    Ok(rows.into_iter().map(|row| ((row.tenant_id, row.account_id, row.thread_key), known(row.ticket_id, row.last_message_at))).collect())
}

/// Writes what was decided of claimed threads. One that nothing was decided of is as if it had not been
/// claimed.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn settle(connection: &mut PgConnection, threads: &[(&ThreadId, &KnownThread)]) -> sqlx::Result<()> {
    let (decided, undecided): (Vec<_>, Vec<_>) = threads.iter().copied().partition(|(_, known)| known.ticket_id.is_some());
    if !decided.is_empty() {
        let (tenants, accounts, keys) = columns(decided.iter().map(|(id, _)| *id));
        sqlx::query!(
            "update threads k set ticket_id = t.ticket_id, last_message_at = t.last_message_at
             from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::timestamptz[])
                  as t (tenant_id, account_id, thread_key, ticket_id, last_message_at)
             where k.tenant_id = t.tenant_id and k.account_id = t.account_id and k.thread_key = t.thread_key",
            &tenants,
            &accounts,
            &keys as &[&str],
            &decided.iter().map(|(_, known)| known.ticket_id.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &decided.iter().map(|(_, known)| known.last_message_at).collect::<Vec<_>>() as &[Option<DateTime<Utc>>],
        )
        .execute(&mut *connection)
        .await?;
    }
    if !undecided.is_empty() {
        let (tenants, accounts, keys) = columns(undecided.iter().map(|(id, _)| *id));
        sqlx::query!(
            "delete from threads k using unnest($1::uuid[], $2::uuid[], $3::text[]) as t (tenant_id, account_id, thread_key)
             where k.tenant_id = t.tenant_id and k.account_id = t.account_id and k.thread_key = t.thread_key and k.ticket_id is null",
            &tenants,
            &accounts,
            &keys as &[&str],
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

fn columns<'t>(threads: impl Iterator<Item = &'t ThreadId>) -> (Vec<Uuid>, Vec<Uuid>, Vec<&'t str>) {
    let (mut tenants, mut accounts, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, account, key) in threads {
        tenants.push(tenant.0);
        accounts.push(account.0);
        keys.push(key.as_str());
    }
    (tenants, accounts, keys)
}
