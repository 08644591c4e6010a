//! The suite on PostgreSQL: a private server, reached through a proxy.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::{Broker, Outgoing, Queue};
use switchboard_common::db;
use switchboard_common::embedded::{Embedded, Settings, Shutdown};
use tempfile::TempDir;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::proxy::{Proxy, Target};
use super::suite::{Server, broker_suite};

struct PostgresServer {
    server: Mutex<Option<Embedded>>,
    proxy: Proxy,
    direct: PgConnectOptions,
    _folder: TempDir,
}

impl PostgresServer {
    async fn start() -> Self {
        // Open to the unprivileged user that the server runs as when the tests run as root.
        let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().expect("a folder");
        let settings = Settings { data: folder.path().to_owned(), programs: None, durable: true };
        let server = Embedded::start(&settings, &Ambient::system()).await.expect("a server");
        let direct = server.options();
        let mut connection = direct.connect().await.expect("a connection");
        db::MIGRATIONS.run(&mut connection).await.expect("migrated");
        let socket = direct.get_socket().expect("a socket").join(format!(".s.PGSQL.{}", direct.get_port()));
        let proxy = Proxy::to(Target::Unix(socket));
        Self { server: Mutex::new(Some(server)), proxy, direct, _folder: folder }
    }
}

#[async_trait]
impl Server for PostgresServer {
    async fn broker(&self) -> Arc<dyn Broker> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&self.proxy.address.ip().to_string())
            .port(self.proxy.address.port())
            .username(self.direct.get_username())
            .database("switchboard")
            .ssl_mode(sqlx::postgres::PgSslMode::Disable);
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
        let limits = Limits { call: self.call_limit(), lease: Duration::from_mins(1), poll: Duration::from_millis(200) };
        Arc::new(PostgresBroker::new(pool, Ambient::system(), limits))
    }

    async fn let_leases_run_out(&self) {
        let mut connection = self.direct.connect().await.expect("a connection");
        sqlx::query("update broker.messages set visible_at = now() where lease_token is not null and visible_at > now()")
            .execute(&mut connection)
            .await
            .expect("the leases ran out");
        connection.close().await.expect("closed");
    }

    fn stop_answering(&self) {
        self.proxy.silence();
    }

    fn answer_again(&self) {
        self.proxy.open();
    }

    async fn restart(&self) {
        let mut server = self.server.lock().await;
        server.as_mut().expect("it runs").restart(Shutdown::Immediate).await.expect("it starts again");
    }

    fn call_limit(&self) -> Duration {
        Duration::from_millis(400)
    }
}

broker_suite!(PostgresServer::start());

#[tokio::test]
async fn an_answer_after_the_lease_ran_out_takes_nothing_from_whoever_has_it_now() {
    let server = PostgresServer::start().await;
    let broker = server.broker().await;
    broker
        .publish(Queue::Inbound, vec![Outgoing { id: Uuid::nil(), payload: Vec::new(), headers: BTreeMap::new() }])
        .await
        .expect("confirmed");
    let mut slow = broker.consumer(Queue::Inbound, 1).await.expect("a consumer");
    let first = slow.next_batch(1).await.expect("a batch");
    server.let_leases_run_out().await;
    let mut other = broker.consumer(Queue::Inbound, 1).await.expect("a consumer");
    let second = other.next_batch(1).await.expect("a batch");
    slow.ack(&[first[0].tag]).await.expect("too late, which is no failure");
    slow.reject(first[0].tag, "too late").await.expect("no failure either");
    other.give_back(&[second[0].tag]).await.expect("given back");
    let again = tokio::time::timeout(Duration::from_secs(20), other.next_batch(1)).await.expect("it is still there").expect("a batch");
    assert_eq!(again[0].id, Uuid::nil());
}
