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
use switchboard_common::broker::{Broker, Outgoing, Queue};
use switchboard_test_servers::certificates::Certificates;
use switchboard_test_servers::rabbitmq::{Place, RabbitMq, Shared};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::proxy::{Proxy, Target, some_port};
use super::suite::{Server, broker_suite};

/// Long enough for a machine that is busy with other tests.
const PATIENT: Limits = Limits { call: Duration::from_secs(20), connect: Duration::from_secs(40) };
/// For tests that wait for a limit.
const IMPATIENT: Limits = Limits { call: Duration::from_millis(400), connect: Duration::from_millis(500) };

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
        let server = tokio::task::spawn_blocking(Shared::find).await.expect("a server");
        Self::on((*server).clone(), Running::Shared(server), limits)
    }

    async fn own(limits: Limits) -> Self {
        let server = tokio::task::spawn_blocking(RabbitMq::start).await.expect("a server");
        Self::on((*server).clone(), Running::Own(server), limits)
    }

    fn on(place: Place, running: Running, limits: Limits) -> Self {
        let proxy = Proxy::to(Target::Tcp(place.address()));
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

    /// What `rabbitmqctl` lists of ours.
    fn listed(&self, arguments: &[&str]) -> Vec<serde_json::Value> {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--formatter", "json"]).collect();
        let listed = tokio::task::block_in_place(|| self.place.control(&arguments));
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("JSON");
        let ours = |row: &serde_json::Value| row.as_object().is_some_and(|row| row.values().any(|value| self.is_ours(value)));
        listed.into_iter().filter(ours).collect()
    }

    fn is_ours(&self, value: &serde_json::Value) -> bool {
        value.as_str().is_some_and(|name| name.starts_with(&self.prefix))
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

/// Fails a test that waits for what never comes.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), work).await.expect("it comes within a minute")
}

fn message(number: u128) -> Outgoing {
    Outgoing { id: Uuid::from_u128(number), payload: b"{}".to_vec(), headers: std::collections::BTreeMap::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_no_queue_takes_is_an_error_and_the_queue_is_made_again() {
    let server = RabbitServer::shared(PATIENT).await;
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, vec![message(1)]).await.expect("confirmed");
    server.delete(Queue::Inbound).await;
    let error = broker.publish(Queue::Inbound, vec![message(2), message(3)]).await.expect_err("there is no queue").to_string();
    assert!(error.contains(&server.name(Queue::Inbound)) && error.contains("312"), "{error}");
    broker.publish(Queue::Inbound, vec![message(4)]).await.expect("confirmed");
    assert_eq!(broker.waiting(Queue::Inbound).await.expect("a number"), 1);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_whose_queue_was_deleted_says_so_and_goes_on_with_a_new_one() {
    let server = RabbitServer::shared(PATIENT).await;
    let broker = server.broker().await;
    let mut consumer = broker.consumer(Queue::Events, 4).await.expect("a consumer");
    server.delete(Queue::Events).await;
    let error = soon(consumer.next_batch(4)).await.expect_err("there is no queue").to_string();
    assert!(error.contains("could not consume"), "{error}");
    // Whoever declares it while it is being deleted may be refused once more.
    while broker.publish(Queue::Events, vec![message(1)]).await.is_err() {}
    let batch = soon(async {
        loop {
            if let Ok(batch) = consumer.next_batch(4).await {
                return batch;
            }
        }
    });
    assert_eq!(batch.await[0].id, message(1).id);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_stands_with_other_arguments_is_named() {
    let server = RabbitServer::shared(PATIENT).await;
    let (_connection, channel) = server.channel().await;
    let name = server.name(Queue::InboundBacklog);
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.as_str().into(), durable, FieldTable::default()).await.expect("a classic queue");
    let broker = server.broker_at(&server.place.url());
    let error = broker.publish(Queue::Inbound, vec![message(1)]).await.expect_err("it is another queue").to_string();
    assert!(error.contains(&format!("the queue {name} stands with other arguments")), "{error}");
    assert!(error.contains("delete it once it is empty, or choose another amqp.prefix"), "{error}");
    server.delete(Queue::InboundBacklog).await;
    broker.publish(Queue::Inbound, vec![message(1)]).await.expect("confirmed");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_trusts_the_authority_in_the_file_and_no_other() {
    let server = RabbitServer::shared(PATIENT).await;
    let url = server.place.tls_url();
    let with = |file: Option<&std::path::Path>| RabbitBroker::new(&url, &server.prefix, file, Ambient::system(), server.limits);
    let trusting = with(Some(&server.place.authority())).expect("a broker");
    trusting.publish(Queue::Inbound, vec![message(1)]).await.expect("confirmed");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let other = Certificates::write(elsewhere.path());
    for file in [None, Some(other.authority.as_path())] {
        let error = with(file).expect("a broker").publish(Queue::Inbound, vec![message(2)]).await.expect_err("a stranger's").to_string();
        assert!(error.contains("certificate") && !error.contains("guest:guest"), "{error}");
    }
    let error = with(Some(&other.key)).expect_err("no certificate").to_string();
    assert!(error.contains("tls.ca_file") && error.contains("has no certificate in PEM"), "{error}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publish_at_once_on_one_connection() {
    let server = RabbitServer::shared(PATIENT).await;
    let broker = server.broker().await;
    let publishing = (0..40).map(|number| {
        let broker = Arc::clone(&broker);
        async move { broker.publish(Queue::Inbound, (0..10).map(|n| message(number * 10 + n)).collect()).await }
    });
    let published = futures::future::join_all(publishing).await;
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    let mut consumer = broker.consumer(Queue::Inbound, 64).await.expect("a consumer");
    let mut taken = std::collections::BTreeSet::new();
    while taken.len() < 400 {
        let batch = soon(consumer.next_batch(64)).await.expect("a batch");
        // From the middle outwards, so that not all that is acked is the oldest.
        let tags: Vec<u64> = batch.iter().map(|message| message.tag).collect();
        let (early, late) = tags.split_at(tags.len() / 2);
        consumer.ack(late).await.expect("acked");
        consumer.ack(early).await.expect("acked");
        assert!(batch.iter().all(|message| taken.insert(message.id)), "each comes once");
    }
    consumer.close().await.expect("closed");
    assert_eq!(broker.waiting(Queue::Inbound).await.expect("a number"), 0);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_is_waited_for_and_found_when_it_comes() {
    let server = RabbitServer::shared(PATIENT).await;
    let port = some_port();
    let url = format!("amqp://guest:guest@{}/%2F", port.local_addr().expect("an address"));
    let impatient = RabbitBroker::new(&url, &server.prefix, None, Ambient::system(), IMPATIENT).expect("a broker");
    let error = impatient.publish(Queue::Inbound, vec![message(1)]).await.expect_err("nobody is there").to_string();
    assert!(error.contains("could not connect") && !error.contains("guest:guest"), "{error}");
    let patient = server.broker_at(&url);
    let publishing = tokio::spawn(async move { patient.publish(Queue::Inbound, vec![message(2)]).await });
    assert!(impatient.waiting(Queue::Inbound).await.is_err(), "it takes a while to come");
    let _proxy = Proxy::from(port, Target::Tcp(server.place.address()));
    publishing.await.expect("no panic").expect("confirmed");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_short_of_memory_takes_answers_and_loses_nothing() {
    let server = RabbitServer::own(Limits { call: Duration::from_secs(3), ..PATIENT }).await;
    let memory = |share: &str| tokio::task::block_in_place(|| _ = server.place.control(&["set_vm_memory_high_watermark", share]));
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, vec![message(1), message(2)]).await.expect("confirmed");
    let mut consumer = broker.consumer(Queue::Inbound, 4).await.expect("a consumer");
    let mut in_hand = Vec::new();
    while in_hand.len() < 2 {
        in_hand.extend(soon(consumer.next_batch(4)).await.expect("a batch"));
    }
    memory("0");
    soon(async { while broker.publish(Queue::InboundBacklog, vec![message(3)]).await.is_ok() {} }).await;

    consumer.ack(&[in_hand[0].tag]).await.expect("an answer takes no room");
    consumer.give_back(&[in_hand[1].tag]).await.expect_err("there is no room for it");
    let again = soon(consumer.next_batch(4)).await.expect("a batch").remove(0);
    assert_eq!((again.id, again.redelivered), (in_hand[1].id, true));

    memory("0.9");
    soon(async { while broker.publish(Queue::Inbound, vec![message(4)]).await.is_err() {} }).await;
    consumer.give_back(&[again.tag]).await.expect("given back");
    let mut left = std::collections::BTreeSet::new();
    while left.len() < 2 {
        let batch = soon(consumer.next_batch(4)).await.expect("a batch");
        left.extend(batch.iter().map(|message| message.id.as_u128()));
        consumer.ack(&batch.iter().map(|message| message.tag).collect::<Vec<_>>()).await.expect("acked");
    }
    assert_eq!(left, [2, 4].into());
    assert_eq!(broker.waiting(Queue::Dead).await.expect("a number"), 0);
    consumer.close().await.expect("closed");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_on_a_dead_line_notices_and_finds_the_server_again() {
    let server = RabbitServer::shared(PATIENT).await;
    let broker = server.broker_at(&format!("amqp://guest:guest@{}/%2F?heartbeat=1", server.proxy.address));
    let mut consumer = broker.consumer(Queue::Events, 4).await.expect("a consumer");
    broker.publish(Queue::Events, vec![message(1)]).await.expect("confirmed");
    let in_hand = soon(consumer.next_batch(4)).await.expect("a batch").remove(0);
    server.stop_answering();
    soon(consumer.next_batch(4)).await.expect_err("the line is dead");
    server.answer_again();
    consumer.ack(&[in_hand.tag]).await.expect("too late, which is no failure");
    let again = soon(consumer.next_batch(4)).await.expect("a batch").remove(0);
    assert_eq!((again.id, again.redelivered), (in_hand.id, true));
    assert_ne!(again.tag, in_hand.tag, "a late answer to the first delivery means no other");
    consumer.close().await.expect("closed");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_permissions_in_the_manual_are_enough() {
    let server = RabbitServer::shared(PATIENT).await;
    let manual = include_str!("../../../../docs/operating.md");
    let line = manual.lines().find_map(|line| line.strip_prefix("rabbitmqctl set_permissions -p / desk ")).expect("the command");
    let patterns: Vec<String> =
        line.split_whitespace().map(|word| word.trim_matches('\'').replace("switchboard", &server.prefix)).collect();
    let control = |arguments: &[&str]| tokio::task::block_in_place(|| _ = server.place.control(arguments));
    control(&["add_user", &server.prefix, "secret"]);
    control(&["set_permissions", "-p", "/", &server.prefix, &patterns[0], &patterns[1], &patterns[2]]);
    let broker = server.broker_at(&format!("amqp://{}:secret@{}", server.prefix, server.place.address()));
    broker.publish(Queue::Inbound, vec![message(1)]).await.expect("confirmed");
    let mut consumer = broker.consumer(Queue::Inbound, 4).await.expect("a consumer");
    let taken = soon(consumer.next_batch(4)).await.expect("a batch").remove(0);
    consumer.reject(taken.tag, "for a test").await.expect("rejected");
    consumer.close().await.expect("closed");
    control(&["delete_user", &server.prefix]);
    let stranger = server.broker_at(&format!("amqp://{}:secret@{}", server.prefix, server.place.address()));
    let error = stranger.publish(Queue::Inbound, vec![message(1)]).await.expect_err("unknown").to_string();
    assert!(error.contains("ACCESS_REFUSED") || error.contains("ACCESS-REFUSED"), "{error}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topology_is_what_stands_on_the_server_and_connections_have_names() {
    let server = RabbitServer::shared(PATIENT).await;
    let broker = server.broker().await;
    let _consumer = broker.consumer(Queue::Events, 1).await.expect("a consumer");
    let topology = serde_json::to_value(Topology::new(&server.prefix)).expect("JSON");
    let queues = server.listed(&["list_queues", "name", "durable", "arguments"]);
    assert_eq!(queues.len(), Queue::ALL.len());
    for expected in topology["queues"].as_array().expect("queues") {
        let found = queues.iter().find(|queue| queue["name"] == expected["name"]).unwrap_or_else(|| panic!("no {expected}"));
        assert_eq!(found["durable"], true);
        let arguments = expected["arguments"].as_array().expect("arguments").iter();
        let arguments: serde_json::Map<_, _> =
            arguments.map(|argument| (argument["name"].as_str().expect("a name").to_owned(), argument["value"].clone())).collect();
        // `rabbitmqctl` lists each with its type.
        let listed = found["arguments"].as_array().expect("arguments").iter();
        let listed: serde_json::Map<_, _> =
            listed.map(|argument| (argument[0].as_str().expect("a name").to_owned(), argument[2].clone())).collect();
        assert_eq!(listed, arguments, "{}", expected["name"]);
    }
    let exchanges = server.listed(&["list_exchanges", "name", "type", "durable"]);
    let expected = &topology["exchanges"][0];
    assert_eq!(exchanges, [serde_json::json!({ "name": expected["name"], "type": expected["kind"], "durable": true })]);
    let bindings = server.listed(&["list_bindings", "source_name", "destination_name"]);
    let bound = |binding: &serde_json::Value| binding["source_name"] == topology["bindings"][0]["exchange"];
    let bound: Vec<_> = bindings.iter().filter(|binding| bound(binding)).collect();
    assert_eq!((bound.len(), &bound[0]["destination_name"]), (1, &topology["bindings"][0]["queue"]));
    let connections = server.place.control(&["list_connections", "client_properties"]);
    let us = std::process::id();
    for name in [format!("{us}: publisher"), format!("{us}: consumer of events")] {
        assert!(connections.contains(&name), "{connections}");
    }
    server.end().await;
}
