//! A desk with a mail account, and brokers of every temper.

use async_trait::async_trait;
use chrono::DateTime;
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::{Broker, BrokerError, Consumer, Outgoing, Queue};
use switchboard_common::db::accounts::{self, EmailAccount};
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::envelope;
use uuid::Uuid;

/// A mail of those that the reader is tested with: `FOLDER/NAME`.
pub fn mail(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mail-reader/tests/mails");
    std::fs::read(folder.join(format!("{name}.eml"))).expect("the mail is there")
}

pub fn ambient() -> Ambient {
    Ambient::manual(DateTime::from_timestamp(1_772_440_000, 0).expect("a valid time"), 7)
}

pub fn broker(pool: &PgPool, ambient: &Ambient) -> PostgresBroker {
    PostgresBroker::new(pool.clone(), ambient.clone(), Limits::default())
}

/// A tenant with one mail account.
pub async fn account(pool: &PgPool, tenant: &str, name: &str) -> EmailAccount {
    let tenant_id: Uuid = sqlx::query_scalar(
        "insert into tenants (id, name) values (gen_random_uuid(), $1) on conflict (name) do update set name = excluded.name returning id",
    )
    .bind(tenant)
    .fetch_one(pool)
    .await
    .expect("a tenant");
    sqlx::query("insert into channel_accounts (tenant_id, id, name, channel, address) values ($1, gen_random_uuid(), $2, 'email', $3)")
        .bind(tenant_id)
        .bind(name)
        .bind(format!("{name}@{tenant}.example"))
        .execute(pool)
        .await
        .expect("an account");
    let mut connection = pool.acquire().await.expect("a connection");
    let mut found = accounts::find_email(&mut connection, Some(tenant), name).await.expect("can be looked up");
    found.pop().expect("the account is there")
}

/// What was published for the router.
pub async fn published(pool: &PgPool) -> Vec<InboundMessage> {
    let payloads: Vec<Vec<u8>> = sqlx::query_scalar("select payload from broker.messages where queue = 'inbound' order by position")
        .fetch_all(pool)
        .await
        .expect("the queue");
    payloads.iter().map(|payload| envelope::open(payload).expect("a sealed message")).collect()
}

/// The bytes in the blob store, the largest first.
pub async fn stored(pool: &PgPool) -> Vec<Vec<u8>> {
    sqlx::query_scalar("select data from media order by size desc").fetch_all(pool).await.expect("the blobs")
}

/// A broker that says no.
#[derive(Debug)]
pub struct Down;

/// A broker with a fault in its code.
#[derive(Debug)]
pub struct Broken;

/// A broker that counts, at the moment of the publish and by a connection of its own, what is durable.
#[derive(Debug)]
pub struct Witness {
    pub pool: PgPool,
    pub seen: std::sync::Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl Broker for Down {
    async fn publish(&self, _: Queue, _: Vec<Outgoing>) -> Result<(), BrokerError> {
        Err(BrokerError::Unavailable { call: "publish", source: "connection refused".into() })
    }

    async fn consumer(&self, _: Queue, _: usize) -> Result<Box<dyn Consumer>, BrokerError> {
        Err(BrokerError::Unavailable { call: "consume", source: "connection refused".into() })
    }

    async fn waiting(&self, _: Queue) -> Result<u64, BrokerError> {
        Err(BrokerError::Unavailable { call: "count messages", source: "connection refused".into() })
    }
}

#[async_trait]
impl Broker for Broken {
    async fn publish(&self, _: Queue, _: Vec<Outgoing>) -> Result<(), BrokerError> {
        panic!("a fault that nobody foresaw")
    }

    async fn consumer(&self, _: Queue, _: usize) -> Result<Box<dyn Consumer>, BrokerError> {
        panic!("a fault that nobody foresaw")
    }

    async fn waiting(&self, _: Queue) -> Result<u64, BrokerError> {
        panic!("a fault that nobody foresaw")
    }
}

#[async_trait]
impl Broker for Witness {
    async fn publish(&self, _: Queue, _: Vec<Outgoing>) -> Result<(), BrokerError> {
        let stored = stored(&self.pool).await;
        self.seen.lock().expect("nobody panicked with it").extend(stored);
        Ok(())
    }

    async fn consumer(&self, _: Queue, _: usize) -> Result<Box<dyn Consumer>, BrokerError> {
        Err(BrokerError::Unavailable { call: "consume", source: "it only watches".into() })
    }

    async fn waiting(&self, _: Queue) -> Result<u64, BrokerError> {
        Err(BrokerError::Unavailable { call: "count messages", source: "it only watches".into() })
    }
}
