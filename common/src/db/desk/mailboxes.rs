//! How the mailboxes of a desk's accounts are reached.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::db::mailboxes::{Mailbox, MailboxSince, MailboxTls};
use crate::ids::{AccountId, TenantId};

/// The mailboxes of a tenant, by account.
pub(super) async fn load(connection: &mut PgConnection, tenant: TenantId) -> sqlx::Result<BTreeMap<AccountId, Mailbox>> {
    let rows = sqlx::query!(
        r#"select account_id as "account_id: AccountId", host, port, tls as "tls: MailboxTls", username, password, folders, poll_seconds,
                  since as "since: MailboxSince"
           from mailboxes where tenant_id = $1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let mailbox = Mailbox {
                host: row.host,
                port: u16::try_from(row.port).map_err(|error| sqlx::Error::Decode(error.into()))?,
                tls: row.tls,
                username: row.username,
                password: row.password,
                folders: row.folders,
                poll_seconds: row.poll_seconds.unsigned_abs(),
                since: row.since,
            };
            Ok((row.account_id, mailbox))
        })
        .collect()
}

/// Writes how an account's mailbox is reached, or that it has none. How far it was read stays.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn put_mailbox(
    connection: &mut PgConnection,
    tenant: TenantId,
    account: AccountId,
    mailbox: Option<&Mailbox>,
) -> sqlx::Result<()> {
    let Some(mailbox) = mailbox else {
        sqlx::query!("delete from mailboxes where tenant_id = $1 and account_id = $2", tenant.0, account.0).execute(connection).await?;
        return Ok(());
    };
    sqlx::query!(
        "insert into mailboxes (tenant_id, account_id, host, port, tls, username, password, folders, poll_seconds, since)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant_id, account_id) do update
         set host = excluded.host, port = excluded.port, tls = excluded.tls, username = excluded.username, password = excluded.password,
             folders = excluded.folders, poll_seconds = excluded.poll_seconds, since = excluded.since",
        tenant.0,
        account.0,
        mailbox.host,
        i32::from(mailbox.port),
        mailbox.tls as _,
        mailbox.username,
        mailbox.password,
        &mailbox.folders,
        i32::try_from(mailbox.poll_seconds).unwrap_or(i32::MAX),
        mailbox.since as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
