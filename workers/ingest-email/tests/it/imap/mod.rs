//! Mailboxes from outside: mails lie on a real server, and messages come out at the broker.

mod catch_up;
mod leases;
mod reading;
mod scripted;
mod server;
mod ways;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::accounts::EmailAccount;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::{envelope, tls};
use switchboard_ingest_email::{ImapSettings, IngestEmail, Limits, run};
use switchboard_test_servers::dovecot::{Dovecot, PASSWORD};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{Down, account, broker};

/// How long something may take that is waited for, also on a slow and busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database with mailboxes in it, and the passwords of them.
struct Desk {
    pool: PgPool,
    passwords: TempDir,
}

/// How a test has a mailbox reached.
#[derive(Clone)]
struct Way {
    host: &'static str,
    port: u16,
    tls: &'static str,
    poll_seconds: i32,
    since: &'static str,
}

impl Way {
    fn plain(port: u16) -> Self {
        // What comes within an hour comes by IDLE.
        Self { host: "127.0.0.1", port, tls: "none", poll_seconds: 3600, since: "everything" }
    }
}

impl Desk {
    fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), passwords: tempfile::tempdir().expect("a folder") }
    }

    fn password_file(&self, user: &str) -> PathBuf {
        self.passwords.path().join(user)
    }

    /// An account of the tenant `acme` that reads the mailbox of the user of the same name.
    async fn mailbox(&self, user: &str, way: &Way) -> EmailAccount {
        std::fs::write(self.password_file(user), format!("{PASSWORD}\n")).expect("written");
        let account = account(&self.pool, "acme", user).await;
        sqlx::query(
            "insert into mailboxes (tenant_id, account_id, host, port, tls, username, password, folders, poll_seconds, since)
             values ($1, $2, $3, $4, $5::mailbox_tls, $6, $7, '{INBOX}', $8, $9::mailbox_since)",
        )
        .bind(account.tenant_id)
        .bind(account.account_id)
        .bind(way.host)
        .bind(i32::from(way.port))
        .bind(way.tls)
        .bind(user)
        .bind(format!("file:{}", self.password_file(user).display()))
        .bind(way.poll_seconds)
        .bind(way.since)
        .execute(&self.pool)
        .await
        .expect("a mailbox");
        account
    }

    async fn dovecot_mailbox(&self, user: &str, dovecot: &Dovecot) -> EmailAccount {
        self.mailbox(user, &Way::plain(dovecot.ports().imap)).await
    }

    /// The messages in a queue, in their order.
    async fn queue(&self, queue: &str) -> Vec<InboundMessage> {
        let payloads: Vec<Vec<u8>> = sqlx::query_scalar("select payload from broker.messages where queue = $1 order by position")
            .bind(queue)
            .fetch_all(&self.pool)
            .await
            .expect("the queue");
        payloads.iter().map(|payload| envelope::open(payload).expect("a sealed message")).collect()
    }

    /// The subjects of the messages in a queue, in their order.
    async fn subjects(&self, queue: &str) -> Vec<String> {
        self.queue(queue).await.into_iter().map(|message| message.subject).collect()
    }

    async fn ask<T>(&self, question: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&self.pool).await.expect("an answer")
    }

    async fn execute(&self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement)).execute(&self.pool).await.expect("done");
    }

    /// Waits until so many messages are in a queue.
    async fn wait_for(&self, queue: &str, count: usize) {
        let question = format!("select count(*) from broker.messages where queue = '{queue}'");
        self.until(&format!("{count} messages in {queue}"), &format!("select ({question}) >= {count}")).await;
    }

    /// Waits until a question is answered with yes.
    async fn until(&self, what: &str, question: &str) {
        self.until_with(what, question, || {}).await;
    }

    /// Waits until a question is answered with yes, and does something before each look.
    async fn until_with(&self, what: &str, question: &str, mut each: impl FnMut()) {
        let begun = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        loop {
            looks.tick().await;
            each();
            let answer = sqlx::query_scalar(AssertSqlSafe(question)).fetch_optional(&self.pool).await.expect("an answer");
            if answer.flatten() == Some(true) {
                return;
            }
            let state = "select coalesce(string_agg(row_to_json(c)::text, E'\n'), 'no cursor') from mailbox_cursors c";
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}:\n{}", self.ask::<String>(state).await);
        }
    }

    /// A worker with the machine's clock that looks often.
    fn worker(&self) -> Worker {
        self.worker_with(&Ambient::system(), settings())
    }

    fn worker_with(&self, ambient: &Ambient, settings: ImapSettings) -> Worker {
        self.worker_that_trusts(None, ambient, settings)
    }

    fn worker_that_trusts(&self, authority: Option<&std::path::Path>, ambient: &Ambient, settings: ImapSettings) -> Worker {
        let tls = tls::client(authority).expect("authorities");
        let broker = Arc::new(broker(&self.pool, ambient));
        Worker::start(IngestEmail { pool: self.pool.clone(), broker, ambient: ambient.clone(), tls, limits: Limits::default(), settings })
    }

    /// A worker that is told to stop before it begins.
    fn worker_stopped(&self) -> Worker {
        let (pool, tls) = (self.pool.clone(), tls::client(None).expect("authorities"));
        let ingest =
            IngestEmail { pool, broker: Arc::new(Down), ambient: Ambient::system(), tls, limits: Limits::default(), settings: settings() };
        let stop = CancellationToken::new();
        stop.cancel();
        Worker { task: tokio::spawn(run(ingest, stop.clone())), stop }
    }

    /// A worker whose broker says no.
    fn worker_without_broker(&self) -> Worker {
        let (pool, tls) = (self.pool.clone(), tls::client(None).expect("authorities"));
        Worker::start(IngestEmail {
            pool,
            broker: Arc::new(Down),
            ambient: Ambient::system(),
            tls,
            limits: Limits::default(),
            settings: settings(),
        })
    }
}

fn settings() -> ImapSettings {
    ImapSettings { look: Duration::from_millis(50), lease: PATIENCE * 2, refused: Duration::from_millis(300), ..ImapSettings::default() }
}

/// A running worker.
struct Worker {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Worker {
    fn start(ingest: IngestEmail) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(run(ingest, stop.clone())), stop }
    }

    /// Stops it in good order.
    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it stops").expect("and does not panic");
    }

    /// Ends it in the middle of whatever it does, and leaves everything behind.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A mail with a subject that is a name of its own.
fn mail(subject: &str) -> String {
    format!(
        "From: Ada <ada@client.example>\nTo: help@acme.example\nSubject: {subject}\nDate: Mon, 2 Mar 2026 09:00:00 +0000\n\
         Message-ID: <{}@client.example>\n\nPlease help with {subject}.\n",
        subject.replace(' ', "-")
    )
}

fn mails(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| mail(&format!("{prefix} {number:03}"))).collect()
}

fn subjects(prefix: &str, numbers: std::ops::RangeInclusive<usize>) -> Vec<String> {
    numbers.map(|number| format!("{prefix} {number:03}")).collect()
}
