//! Where the contenders run: a database that is copied for each of them, and a queue that holds the mails.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{self, PostgresBroker};
use switchboard_common::broker::rabbitmq::{self, RabbitBroker};
use switchboard_common::broker::{Broker, Handler, Queue};
use switchboard_common::db::connect;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::envelope;
use switchboard_common::ids::{AccountId, MediaId, TenantId};
use switchboard_router::batch::BatchHandler;
use switchboard_test_servers::rabbitmq::Shared;
use uuid::Uuid;

use crate::mails::{self, Desk, Mails};

/// How many desks the mails are sent to.
pub const DESKS: usize = 8;
const TEMPLATE: &str = "routing_before";
const SEED: u64 = 5;

/// Where the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    RabbitMq,
    Postgres,
}

/// The server, the database that each run begins with, and the mails.
pub struct Stage {
    options: PgConnectOptions,
    admin: PgPool,
    rabbitmq: Option<Shared>,
    ambient: Ambient,
    pub mails: Vec<InboundMessage>,
}

/// A run: a database of its own, and all mails in its queue.
pub struct Run {
    pub name: String,
    pub pool: PgPool,
    pub broker: Arc<dyn Broker>,
    /// The queued message of each external id.
    pub ids: HashMap<String, Uuid>,
}

impl Stage {
    /// Builds the desks, and routes what has to be there beforehand. `server` is where databases can be made.
    pub async fn build(server: &str, places: &[Place], count: usize) -> Self {
        let options: PgConnectOptions = server.parse().expect("the URL of a server");
        let admin = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await.expect("a server");
        let ambient = Ambient::system();
        let rabbitmq = places.contains(&Place::RabbitMq).then(Shared::find);
        let mut stage = Self { options, admin, rabbitmq, ambient, mails: Vec::new() };
        stage.say(&format!("drop database if exists {TEMPLATE}")).await;
        stage.say(&format!("create database {TEMPLATE}")).await;
        let pool = stage.connect(TEMPLATE);
        connect::migrate(pool.connect_options().as_ref()).await.expect("migrated");
        let mut desks = Vec::new();
        for n in 0..DESKS {
            desks.push(add_desk(&pool, &stage.ambient, n).await);
        }
        let Mails { before, ours, mut measured } = mails::make(&desks, count, SEED);
        let handler = BatchHandler::new(pool.clone(), stage.ambient.clone());
        for batch in before.chunks(64) {
            handler.handle(batch).await.expect("routed");
        }
        send_ours(&pool, ours).await;
        add_raw(&pool, &stage.ambient, &mut measured).await;
        sqlx::raw_sql("vacuum analyze").execute(&pool).await.expect("analysed");
        pool.close().await;
        stage.mails = measured;
        stage
    }

    /// A new run.
    pub async fn run(&self, name: &str, place: Place) -> Run {
        self.say(&format!("create database {name} template {TEMPLATE} strategy file_copy")).await;
        let pool = self.connect(name);
        let broker: Arc<dyn Broker> = match (&self.rabbitmq, place) {
            (Some(server), Place::RabbitMq) => {
                let limits = rabbitmq::Limits::default();
                Arc::new(RabbitBroker::new(&server.url(), &format!("{name}."), None, self.ambient.clone(), limits).expect("a broker"))
            }
            _ => Arc::new(PostgresBroker::new(pool.clone(), self.ambient.clone(), postgres::Limits::default())),
        };
        let mut ids = HashMap::new();
        for part in self.mails.chunks(256) {
            let sealed = |mail: &InboundMessage| {
                let id = self.ambient.new_id();
                ids.insert(mail.external_id.clone(), id);
                envelope::seal(id, mail).expect("sealed")
            };
            broker.publish(Queue::Inbound, part.iter().map(sealed).collect()).await.expect("published");
        }
        // What the copy and the filling of the queue left to write is not for the clock.
        self.say("checkpoint").await;
        Run { name: name.to_owned(), pool, broker, ids }
    }

    /// Ends a run and drops its database.
    pub async fn drop(&self, run: Run) {
        let Run { name, pool, broker, .. } = run;
        broker.close().await;
        drop(broker);
        pool.close().await;
        self.say(&format!("drop database {name} with (force)")).await;
    }

    /// The database that every run begins with.
    pub fn before(&self) -> PgPool {
        self.connect(TEMPLATE)
    }

    /// How safe a commit is.
    pub async fn durability(&self) -> String {
        let mut settings = Vec::new();
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value: String = sqlx::query_scalar(AssertSqlSafe(format!("show {name}"))).fetch_one(&self.admin).await.expect("shown");
            settings.push(format!("{name} {value}"));
        }
        settings.join(", ")
    }

    fn connect(&self, database: &str) -> PgPool {
        connect::pool(self.options.clone().database(database), 24)
    }

    async fn say(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.admin).await.expect("done");
    }
}

/// A desk like that of the router's tests.
async fn add_desk(pool: &PgPool, ambient: &Ambient, n: usize) -> Desk {
    let (tenant, raw): (TenantId, MediaId) = (ambient.new_id(), ambient.new_id());
    let script = include_str!("../../tests/it/desk.sql")
        .replace(":tenant", &format!("'{tenant}'"))
        .replace(":name", &format!("'desk-{n}'"))
        .replace(":address", &format!("'support@desk-{n}.example'"));
    sqlx::raw_sql(AssertSqlSafe(script)).execute(pool).await.expect("a desk");
    let account: AccountId =
        sqlx::query_scalar("select id from channel_accounts where tenant_id = $1").bind(tenant).fetch_one(pool).await.expect("an account");
    insert_media(pool, &[(tenant.0, raw.0)]).await;
    Desk { tenant, account, raw }
}

/// The notifier has sent these mails of ours, on the tickets of the messages with these external ids.
async fn send_ours(pool: &PgPool, ours: Vec<(String, String)>) {
    let (external, ids): (Vec<String>, Vec<String>) = ours.into_iter().unzip();
    sqlx::query(
        "insert into message_ids (tenant_id, message_id, origin, ticket_id)
         select i.tenant_id, u.id, 'ours', i.ticket_id from unnest($1::text[], $2::text[]) as u (external_id, id)
         join inbound_messages i on i.external_id = u.external_id",
    )
    .bind(external)
    .bind(ids)
    .execute(pool)
    .await
    .expect("sent");
}

/// Gives every mail bytes of its own in the blob store.
async fn add_raw(pool: &PgPool, ambient: &Ambient, mails: &mut [InboundMessage]) {
    let mut rows = Vec::new();
    for mail in mails {
        let raw: MediaId = ambient.new_id();
        mail.raw = Some(raw);
        rows.push((mail.tenant_id.0, raw.0));
    }
    insert_media(pool, &rows).await;
}

async fn insert_media(pool: &PgPool, rows: &[(Uuid, Uuid)]) {
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = rows.iter().copied().unzip();
    sqlx::query("insert into media (tenant_id, id, sha256, size, data) select t, i, sha256(i::text::bytea), 1, 'x' from unnest($1::uuid[], $2::uuid[]) as u (t, i)")
        .bind(tenants)
        .bind(ids)
        .execute(pool)
        .await
        .expect("the bytes");
}
