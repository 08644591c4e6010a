//! The suite on RabbitMQ, and what only RabbitMQ can do. Tests that leave the server alone share it,
//! each with queues of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::rabbitmq::topology::Topology;
use switchboard_common::broker::rabbitmq::{Limits, RabbitBroker};
use switchboard_common::broker::{Broker, BrokerError, DELIVERY_LIMIT, HEADER_QUEUE, HEADER_REASON, Outgoing, Queue};
use switchboard_test_servers::rabbitmq::{Place, RabbitMq, Shared};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::proxy::{Proxy, Target};
use super::suite::{Server, broker_suite};

/// Long enough for a machine that is busy with other tests.
const PATIENT: Limits = Limits { call: Duration::from_secs(20), connect: Duration::from_secs(40) };
/// For tests that wait for a limit.
const IMPATIENT: Limits = Limits { call: Duration::from_millis(500), connect: Duration::from_secs(1) };

enum Running {
    Shared(Shared),
    Own(RabbitMq),
}

struct RabbitServer {
    running: Mutex<Running>,
    place: Place,
    proxy: Proxy,
    prefix: String,
    limits: Limits,
}

impl RabbitServer {
    async fn shared(limits: Limits) -> Self {
        let server = tokio::task::block_in_place(Shared::find);
        Self::on((*server).clone(), Running::Shared(server), limits).await
    }

    async fn own(limits: Limits) -> Self {
        let server = tokio::task::block_in_place(RabbitMq::start);
        Self::on((*server).clone(), Running::Own(server), limits).await
    }

    async fn on(place: Place, running: Running, limits: Limits) -> Self {
        let proxy = Proxy::to(Target::Tcp(place.address())).await;
        let prefix = format!("test-{}", Ambient::system().new_id::<Uuid>().simple());
        Self { running: Mutex::new(running), place, proxy, prefix, limits }
    }

    fn broker_at(&self, url: &str) -> RabbitBroker {
        RabbitBroker::new(url, &self.prefix, None, Ambient::system(), self.limits).expect("a URL")
    }

    /// A channel beside the broker's.
    async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.place.url(), ConnectionProperties::default()).await.expect("connected");
        let channel = connection.create_channel().await.expect("a channel");
        (connection, channel)
    }

    fn name(&self, queue: Queue) -> String {
        format!("{}.{}", self.prefix, queue.as_str())
    }

    async fn delete(&self, queue: Queue) {
        let (_connection, channel) = self.channel().await;
        channel.queue_delete(self.name(queue).as_str().into(), QueueDeleteOptions::default()).await.expect("deleted");
    }
}

#[async_trait]
impl Server for RabbitServer {
    async fn broker(&self) -> Arc<dyn Broker> {
        let broker = self.broker_at(&format!("amqp://guest:guest@{}/%2F", self.proxy.address));
        // The first to come makes the queues, which may take longer than an impatient one waits.
        while broker.waiting(Queue::Inbound).await.is_err() {}
        Arc::new(broker)
    }

    async fn let_leases_run_out(&self) {
        // A dead consumer's connection is closed, and what it had comes again by itself.
    }

    fn stop_answering(&self) {
        self.proxy.silence();
    }

    fn answer_again(&self) {
        self.proxy.open();
    }

    async fn restart(&self) {
        match &mut *self.running.lock().await {
            Running::Own(server) => tokio::task::block_in_place(|| server.restart()),
            Running::Shared(_) => panic!("others use the server too"),
        }
    }

    fn call_limit(&self) -> Duration {
        self.limits.call
    }

    async fn end(&self) {
        if matches!(&*self.running.lock().await, Running::Shared(Shared::OfTheRun(_))) {
            let (_connection, channel) = self.channel().await;
            let topology = Topology::new(&self.prefix);
            for queue in topology.queues {
                channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default()).await.expect("deleted");
            }
            for exchange in topology.exchanges {
                channel.exchange_delete(exchange.name.as_str().into(), ExchangeDeleteOptions::default()).await.expect("deleted");
            }
        }
    }
}

broker_suite!(at_peace: RabbitServer::shared(PATIENT));
broker_suite!(RabbitServer::shared(IMPATIENT), a_call_that_gets_no_answer_ends_and_the_broker_is_found_again);
broker_suite!(RabbitServer::own(PATIENT), a_server_that_restarts_under_load_loses_nothing_confirmed);

fn message(number: u128) -> Outgoing {
    Outgoing { id: Uuid::from_u128(number), payload: b"{}".to_vec(), headers: std::collections::BTreeMap::new() }
}
