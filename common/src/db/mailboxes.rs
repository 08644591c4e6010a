//! Mailboxes that are read by IMAP: where they are, who reads which folder of them, and how far.
//!
//! A folder is read under a lease. Each lease has a higher fencing token than the one before it, and
//! all that is written about a folder is written under the token's condition: whoever has lost the
//! lease, and does not know it yet, writes nothing.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::db::accounts::EmailAccount;
use crate::domain::address::EmailAddress;
use crate::ids::{AccountId, TenantId};

/// How the way to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "mailbox_tls", rename_all = "snake_case")]
pub enum MailboxTls {
    /// From the start (RFC 8314).
    Tls,
    /// After STARTTLS (RFC 3501, 6.2.1); without it nothing is said.
    Starttls,
    /// Not at all: to this machine alone.
    None,
}

/// Where reading begins when a folder is read for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "mailbox_since", rename_all = "snake_case")]
pub enum MailboxSince {
    /// With everything that lies there.
    Everything,
    /// With what comes from now on.
    Now,
}

/// How a mailbox is reached and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The server's name.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// How the way there is encrypted.
    pub tls: MailboxTls,
    /// The user.
    pub username: String,
    /// Where the password is to be had: `env:NAME` or `file:PATH`.
    pub password: String,
    /// The folders that are read, as people write them.
    pub folders: Vec<String>,
    /// How often it is looked, whatever the server says by itself, in seconds.
    pub poll_seconds: u32,
    /// Where reading begins.
    pub since: MailboxSince,
}

impl Mailbox {
    /// Names the place that UIDs are of, in [`Cursor::source`].
    #[must_use]
    pub fn source(&self) -> String {
        format!("{}@{}", self.username, self.host)
    }
}

/// Names a folder of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FolderKey {
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which account.
    pub account_id: AccountId,
    /// The folder's name, as people write it.
    pub folder: String,
}

/// A folder that is to be read, as every worker sees it.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The account that its mail is for.
    pub account: EmailAccount,
    /// How it is reached.
    pub mailbox: Mailbox,
    /// Its name.
    pub folder: String,
    /// How many mails were known to wait.
    pub waiting: i64,
    /// When it was last read without fault to its end, or to as much as may be taken at a time.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Since when it is to be read.
    pub known_since: DateTime<Utc>,
}

impl Folder {
    /// Its name among all.
    #[must_use]
    pub fn key(&self) -> FolderKey {
        FolderKey { tenant_id: self.account.tenant_id, account_id: self.account.account_id, folder: self.folder.clone() }
    }
}

/// The right to read a folder, until it runs out or another has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// What may be read.
    pub key: FolderKey,
    /// Proves it.
    pub fence: i64,
}

/// How far a folder has been read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Whose UIDs they are ([`Mailbox::source`]); `None` before the first reading.
    pub source: Option<String>,
    /// The folder's UIDVALIDITY (RFC 3501, 2.3.1.1) when they were read.
    pub uid_validity: Option<u32>,
    /// Everything up to here has been taken, but for the backlog.
    pub last_uid: u32,
    /// Ranges of older mail still to be taken, both ends included, in their order.
    pub backlog: Vec<(u32, u32)>,
    /// When it was read for the first time.
    pub began_at: Option<DateTime<Utc>>,
}

/// Says that a worker lives, makes the rows of folders that have none, and forgets workers that are
/// gone. Returns how many workers there are.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn appear(connection: &mut PgConnection, worker: Uuid, now: DateTime<Utc>, until: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query!(
        "insert into mailbox_workers (id, alive_until) values ($1, $2) on conflict (id) do update set alive_until = excluded.alive_until",
        worker,
        until,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from mailbox_workers where id in (select id from mailbox_workers where alive_until <= $1 for update skip locked)",
        now
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into mailbox_cursors (tenant_id, account_id, folder)
         select m.tenant_id, m.account_id, f.folder
         from mailboxes m
         join channel_accounts a on a.tenant_id = m.tenant_id and a.id = m.account_id and a.disabled_at is null
         cross join unnest(m.folders) as f (folder)
         where not exists (select from mailbox_cursors c
                           where c.tenant_id = m.tenant_id and c.account_id = m.account_id and c.folder = f.folder)
         order by 1, 2, 3
         on conflict do nothing",
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query_scalar!(r#"select count(*) as "count!" from mailbox_workers where alive_until > $1"#, now).fetch_one(connection).await
}

/// Every folder of every account that takes mail.
///
/// # Errors
/// When the database refuses or cannot be reached, or holds an address that is none.
pub async fn folders(connection: &mut PgConnection) -> sqlx::Result<Vec<Folder>> {
    let rows = sqlx::query!(
        r#"select t.id as "tenant_id: TenantId", t.name as tenant_name, a.id as "account_id: AccountId", a.name, a.address,
                  m.host, m.port, m.tls as "tls: MailboxTls", m.username, m.password, m.folders, m.poll_seconds,
                  m.since as "since: MailboxSince", c.folder, c.waiting, c.last_success_at, c.created_at
           from mailbox_cursors c
           join mailboxes m on m.tenant_id = c.tenant_id and m.account_id = c.account_id and c.folder = any(m.folders)
           join channel_accounts a on a.tenant_id = m.tenant_id and a.id = m.account_id and a.disabled_at is null
           join tenants t on t.id = m.tenant_id
           order by c.tenant_id, c.account_id, c.folder"#,
    )
    .fetch_all(connection)
    .await?;
    let folders = rows.into_iter().map(|row| {
        Ok(Folder {
            account: EmailAccount {
                tenant_id: row.tenant_id,
                tenant_name: row.tenant_name,
                account_id: row.account_id,
                name: row.name,
                address: EmailAddress::parse(&row.address).map_err(|error| sqlx::Error::Decode(error.into()))?,
                disabled: false,
            },
            mailbox: Mailbox {
                host: row.host,
                port: narrow(row.port)?,
                tls: row.tls,
                username: row.username,
                password: row.password,
                folders: row.folders,
                poll_seconds: narrow(row.poll_seconds)?,
                since: row.since,
            },
            folder: row.folder,
            waiting: row.waiting,
            last_success_at: row.last_success_at,
            known_since: row.created_at,
        })
    });
    folders.collect()
}

fn narrow<T: TryFrom<N, Error: std::error::Error + Send + Sync + 'static>, N>(number: N) -> sqlx::Result<T> {
    T::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Takes up to `most` folders that nobody reads, those that have waited longest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn claim(
    connection: &mut PgConnection,
    worker: Uuid,
    most: i64,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Lease>> {
    let rows = sqlx::query!(
        // Locked in the order of their keys only within one statement; those that somebody else is about to take are left to them.
        r#"with free as (
               select c.tenant_id, c.account_id, c.folder
               from mailbox_cursors c
               join mailboxes m on m.tenant_id = c.tenant_id and m.account_id = c.account_id and c.folder = any(m.folders)
               join channel_accounts a on a.tenant_id = m.tenant_id and a.id = m.account_id and a.disabled_at is null
               where c.lease_until is null or c.lease_until <= $3
               order by c.lease_until nulls first, c.last_success_at nulls first, c.tenant_id, c.account_id, c.folder
               limit $2
               for update of c skip locked
           )
           update mailbox_cursors c set lease_owner = $1, lease_until = $4, fence = c.fence + 1
           from free where c.tenant_id = free.tenant_id and c.account_id = free.account_id and c.folder = free.folder
           returning c.tenant_id as "tenant_id: TenantId", c.account_id as "account_id: AccountId", c.folder, c.fence"#,
        worker,
        most,
        now,
        until,
    )
    .fetch_all(connection)
    .await?;
    let lease = |tenant_id, account_id, folder, fence| Lease { key: FolderKey { tenant_id, account_id, folder }, fence };
    Ok(rows.into_iter().map(|row| lease(row.tenant_id, row.account_id, row.folder, row.fence)).collect())
}

/// Prolongs leases and returns those that are still held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn renew(connection: &mut PgConnection, leases: &[Lease], until: DateTime<Utc>) -> sqlx::Result<Vec<Lease>> {
    let rows = sqlx::query!(
        r#"with held as (
               select c.tenant_id, c.account_id, c.folder
               from mailbox_cursors c
               join unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) as l (tenant_id, account_id, folder, fence)
                    using (tenant_id, account_id, folder, fence)
               where c.lease_owner is not null
               order by c.tenant_id, c.account_id, c.folder
               for update of c
           )
           update mailbox_cursors c set lease_until = $5
           from held where c.tenant_id = held.tenant_id and c.account_id = held.account_id and c.folder = held.folder
           returning c.tenant_id as "tenant_id: TenantId", c.account_id as "account_id: AccountId", c.folder, c.fence"#,
        &leases.iter().map(|lease| lease.key.tenant_id.0).collect::<Vec<_>>(),
        &leases.iter().map(|lease| lease.key.account_id.0).collect::<Vec<_>>(),
        leases.iter().map(|lease| lease.key.folder.as_str()).collect::<Vec<_>>() as _,
        &leases.iter().map(|lease| lease.fence).collect::<Vec<_>>(),
        until,
    )
    .fetch_all(connection)
    .await?;
    let lease = |tenant_id, account_id, folder, fence| Lease { key: FolderKey { tenant_id, account_id, folder }, fence };
    Ok(rows.into_iter().map(|row| lease(row.tenant_id, row.account_id, row.folder, row.fence)).collect())
}

/// Gives a folder back, for whoever asks next. One that another has by now stays with them.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn release(connection: &mut PgConnection, lease: &Lease) -> sqlx::Result<()> {
    let Lease { key, fence } = lease;
    sqlx::query!(
        "update mailbox_cursors set lease_owner = null, lease_until = null
         where tenant_id = $1 and account_id = $2 and folder = $3 and fence = $4",
        key.tenant_id.0,
        key.account_id.0,
        key.folder,
        fence,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says that a worker is gone, so that the others take its share.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn disappear(connection: &mut PgConnection, worker: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from mailbox_workers where id = $1", worker).execute(connection).await?;
    Ok(())
}

/// How far the folder has been read; `None` when the lease is another's.
///
/// # Errors
/// When the database refuses or cannot be reached, or holds what is no UID.
pub async fn cursor(connection: &mut PgConnection, lease: &Lease) -> sqlx::Result<Option<Cursor>> {
    let Lease { key, fence } = lease;
    let row = sqlx::query!(
        "select source, uid_validity, last_uid, backlog_from, backlog_to, began_at from mailbox_cursors
         where tenant_id = $1 and account_id = $2 and folder = $3 and fence = $4 and lease_owner is not null",
        key.tenant_id.0,
        key.account_id.0,
        key.folder,
        fence,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let backlog = row.backlog_from.into_iter().zip(row.backlog_to).map(|(from, to)| Ok((narrow(from)?, narrow(to)?)));
    Ok(Some(Cursor {
        source: row.source,
        uid_validity: row.uid_validity.map(narrow).transpose()?,
        last_uid: narrow(row.last_uid)?,
        backlog: backlog.collect::<sqlx::Result<_>>()?,
        began_at: row.began_at,
    }))
}

/// Writes how far the folder has been read, and how many mails are known to wait; with `success`,
/// that it was read without fault then. Returns whether the lease was still held; if not, nothing
/// was written.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn move_cursor(
    connection: &mut PgConnection,
    lease: &Lease,
    cursor: &Cursor,
    waiting: usize,
    success: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let Lease { key, fence } = lease;
    let moved = sqlx::query!(
        "update mailbox_cursors
         set source = $5, uid_validity = $6, last_uid = $7, backlog_from = $8, backlog_to = $9, began_at = $10, waiting = $11,
             last_success_at = coalesce($12, last_success_at),
             last_error = case when $12 is null then last_error end,
             last_error_at = case when $12 is null then last_error_at end
         where tenant_id = $1 and account_id = $2 and folder = $3 and fence = $4 and lease_owner is not null",
        key.tenant_id.0,
        key.account_id.0,
        key.folder,
        fence,
        cursor.source,
        cursor.uid_validity.map(i64::from),
        i64::from(cursor.last_uid),
        &cursor.backlog.iter().map(|(from, _)| i64::from(*from)).collect::<Vec<_>>(),
        &cursor.backlog.iter().map(|(_, to)| i64::from(*to)).collect::<Vec<_>>(),
        cursor.began_at,
        i64::try_from(waiting).unwrap_or(i64::MAX),
        success,
    )
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == 1)
}

/// Notes that the folder was read without fault, and how many mails still wait. Returns whether the
/// lease was still held.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn succeeded(connection: &mut PgConnection, lease: &Lease, waiting: usize, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let Lease { key, fence } = lease;
    let noted = sqlx::query!(
        "update mailbox_cursors set last_success_at = $5, waiting = $6, last_error = null, last_error_at = null
         where tenant_id = $1 and account_id = $2 and folder = $3 and fence = $4 and lease_owner is not null",
        key.tenant_id.0,
        key.account_id.0,
        key.folder,
        fence,
        now,
        i64::try_from(waiting).unwrap_or(i64::MAX),
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Notes why the folder could not be read, and how many mails wait in it, where that is known.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn failed(
    connection: &mut PgConnection,
    lease: &Lease,
    error: &str,
    waiting: Option<usize>,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let Lease { key, fence } = lease;
    sqlx::query!(
        "update mailbox_cursors set last_error = $5, last_error_at = $6, waiting = coalesce($7, waiting)
         where tenant_id = $1 and account_id = $2 and folder = $3 and fence = $4 and lease_owner is not null",
        key.tenant_id.0,
        key.account_id.0,
        key.folder,
        fence,
        error,
        now,
        waiting.map(|waiting| i64::try_from(waiting).unwrap_or(i64::MAX)),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A message that was handed to the broker, by the keys under which the router or the dead letters
/// know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOn {
    /// The publisher's id.
    pub id: Uuid,
    /// The dedupe key.
    pub external_id: String,
}

/// Those of these mails that neither the router has logged nor the dead letters hold, or held until
/// somebody dropped them: they still wait on the broker.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn unrouted(connection: &mut PgConnection, tenant: TenantId, mails: &[HandedOn]) -> sqlx::Result<Vec<HandedOn>> {
    sqlx::query_as!(
        HandedOn,
        r#"select h.id as "id!", h.external_id as "external_id!"
           from unnest($2::uuid[], $3::text[]) with ordinality as h (id, external_id, n)
           where not exists (select from inbound_messages i
                             where i.tenant_id = $1 and i.channel = 'email' and i.external_id = h.external_id)
             and not exists (select from dead_letters d where d.id = h.id)
             and not exists (select from settled_letters s where s.letter_id = h.id and s.how = 'dropped')
           order by h.n"#,
        tenant.0,
        &mails.iter().map(|mail| mail.id).collect::<Vec<_>>(),
        mails.iter().map(|mail| mail.external_id.as_str()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await
}
