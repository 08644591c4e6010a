//! What every broker must do. An implementation brings a [`Server`], and [`broker_suite!`] makes a
//! test of each of these functions.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{
    Broker, BrokerError, DELIVERY_LIMIT, Failure, HEADER_QUEUE, HEADER_REASON, Handler, Loop, Outgoing, Queue, consume,
};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::envelope;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A server with a broker on it, of which a test has the only one.
#[async_trait]
pub trait Server: Send + Sync {
    /// A broker as a worker process would make it; each has connections of its own.
    async fn broker(&self) -> Arc<dyn Broker>;
    /// Makes what is in a dead consumer's hand come again, as time would.
    async fn let_leases_run_out(&self);
    /// From now on the server takes calls and does not answer, until [`Server::answer_again`].
    fn stop_answering(&self);
    fn answer_again(&self);
    /// Stops the server and starts it again. Everything durable stays.
    async fn restart(&self);
    /// How long a broker of this server waits for an answer.
    fn call_limit(&self) -> Duration;
    /// Clears away what a test has left on a server that others use as well.
    async fn end(&self) {}
}

/// Makes a test of each promise for a server, which `$start` starts: of all of them, or of those that
/// leave the server `at_peace`, so that tests may share one.
macro_rules! broker_suite {
    ($start:expr, $($promise:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            let server = $start.await;
            $crate::broker::suite::$promise(&server).await;
            $crate::broker::suite::Server::end(&server).await;
        }
    )+};
    (at_peace: $start:expr) => {
        broker_suite!(
            $start,
            what_is_published_is_consumed_once,
            a_natural_batch_is_what_has_arrived,
            the_loop_waits_for_no_message_beside_the_one_that_came,
            no_more_than_the_prefetch_is_in_hand,
            what_is_given_back_comes_again_and_is_marked,
            a_rejected_message_lies_in_the_dead_letters_with_its_reason,
            queues_do_not_mix,
            what_waits_is_counted_and_what_is_in_hand_is_not,
            a_consumer_that_dies_with_messages_in_hand_loses_none,
            a_consumer_that_stops_gives_back_at_once,
            a_consumer_that_stops_while_it_takes_leaves_nothing_in_between,
            two_consumers_share_a_queue,
            a_message_that_kills_whoever_takes_it_goes_to_the_dead_letters_alone,
            what_is_given_back_ever_so_often_is_not_dead,
            the_loop_runs_a_bad_batch_one_by_one,
            the_loop_waits_for_infrastructure_and_dead_letters_nothing,
            one_that_is_always_given_back_holds_up_no_other,
            the_loop_survives_a_panic_and_garbage,
        );
    };
    ($start:expr) => {
        broker_suite!(at_peace: $start);
        broker_suite!(
            $start,
            a_call_that_gets_no_answer_ends_and_the_broker_is_found_again,
            a_server_that_restarts_under_load_loses_nothing_confirmed,
        );
    };
}
pub(crate) use broker_suite;

fn message(number: usize) -> Outgoing {
    Outgoing {
        id: Uuid::from_u128(number as u128),
        payload: format!("payload {number}").into_bytes(),
        headers: [("trace".to_owned(), format!("t{number}"))].into(),
    }
}

fn messages(count: usize) -> Vec<Outgoing> {
    (1..=count).map(message).collect()
}

/// Fails a test that waits for what never comes.
async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), work).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Takes and acks until `count` different messages have come. Returns how often each came.
async fn take_all(broker: &dyn Broker, queue: Queue, count: usize) -> Vec<Uuid> {
    let mut consumer = broker.consumer(queue, 16).await.expect("a consumer");
    let mut taken = Vec::new();
    while taken.iter().collect::<HashSet<_>>().len() < count {
        let batch = soon("the next batch", consumer.next_batch(16)).await.expect("a batch");
        let tags: Vec<u64> = batch.iter().map(|message| message.tag).collect();
        consumer.ack(&tags).await.expect("acked");
        taken.extend(batch.iter().map(|message| message.id));
    }
    consumer.close().await.expect("closed");
    taken
}

/// Whether a queue has nothing for a new consumer: what is published next comes alone.
async fn assert_empty(broker: &dyn Broker, queue: Queue) {
    let mark = Outgoing { id: Uuid::max(), ..message(0) };
    broker.publish(queue, vec![mark]).await.expect("published");
    assert_eq!(take_all(broker, queue, 1).await, [Uuid::max()], "the queue was not empty");
}

pub async fn what_is_published_is_consumed_once(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(100)).await.expect("confirmed");
    let other = server.broker().await;
    let mut consumer = other.consumer(Queue::Inbound, 10).await.expect("a consumer");
    let first = soon("a batch", consumer.next_batch(1)).await.expect("a batch").remove(0);
    let original = message(usize::try_from(first.id.as_u128()).expect("small"));
    assert_eq!((first.payload, first.headers, first.redelivered), (original.payload, original.headers, false));
    consumer.ack(&[first.tag]).await.expect("acked");
    consumer.close().await.expect("closed");
    let mut rest = take_all(other.as_ref(), Queue::Inbound, 99).await;
    rest.push(first.id);
    rest.sort_unstable();
    assert_eq!(rest, messages(100).iter().map(|message| message.id).collect::<Vec<_>>());
    assert_empty(broker.as_ref(), Queue::Inbound).await;
}

pub async fn a_natural_batch_is_what_has_arrived(server: &dyn Server) {
    let broker = server.broker().await;
    let mut consumer = broker.consumer(Queue::Inbound, 64).await.expect("a consumer");
    broker.publish(Queue::Inbound, messages(5)).await.expect("confirmed");
    let mut taken = 0;
    while taken < 5 {
        let batch = soon("a batch without more messages", consumer.next_batch(64)).await.expect("a batch");
        assert!((1..=5).contains(&batch.len()));
        taken += batch.len();
    }
    assert_eq!(taken, 5);
}

/// Nobody waits for a batch to fill: with one message at a time, each the loop's answer to the one
/// before, whoever waited for a second would wait for ever.
pub async fn the_loop_waits_for_no_message_beside_the_one_that_came(server: &dyn Server) {
    let broker = server.broker().await;
    let done = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let one_after_the_other = async {
        for number in 1..=5 {
            broker.publish(Queue::Events, sealed(number..=number)).await.expect("confirmed");
            while done.load(std::sync::atomic::Ordering::SeqCst) < usize::try_from(number).expect("small") {
                tokio::task::yield_now().await;
            }
        }
    };
    let counting = |batch: &[Event]| {
        count.fetch_add(batch.len(), std::sync::atomic::Ordering::SeqCst);
        None
    };
    let (done, ()) = tokio::join!(run_loop(&broker, 5, counting), one_after_the_other);
    assert_eq!(done, [1, 2, 3, 4, 5]);
}

pub async fn no_more_than_the_prefetch_is_in_hand(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(10)).await.expect("confirmed");
    let mut greedy = broker.consumer(Queue::Inbound, 4).await.expect("a consumer");
    let mut in_hand = Vec::new();
    while in_hand.len() < 4 {
        in_hand.extend(soon("a batch", greedy.next_batch(64)).await.expect("a batch"));
    }
    assert_eq!(in_hand.len(), 4);
    let rest = take_all(broker.as_ref(), Queue::Inbound, 6).await;
    assert!(in_hand.iter().all(|message| !rest.contains(&message.id)), "the others got the rest");
}

pub async fn what_is_given_back_comes_again_and_is_marked(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(1)).await.expect("confirmed");
    let mut consumer = broker.consumer(Queue::Inbound, 4).await.expect("a consumer");
    let first = soon("the message", consumer.next_batch(4)).await.expect("a batch");
    consumer.give_back(&[first[0].tag]).await.expect("given back");
    let again = soon("the message again", consumer.next_batch(4)).await.expect("a batch");
    assert_eq!((again[0].id, again[0].redelivered), (first[0].id, true));
    assert_eq!(again[0].payload, first[0].payload);
}

pub async fn a_rejected_message_lies_in_the_dead_letters_with_its_reason(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Events, messages(2)).await.expect("confirmed");
    let mut consumer = broker.consumer(Queue::Events, 1).await.expect("a consumer");
    let bad = soon("a message", consumer.next_batch(1)).await.expect("a batch").remove(0);
    consumer.reject(bad.tag, "no such ticket: \"42\" — ünknown").await.expect("rejected");
    let next = soon("the next one", consumer.next_batch(1)).await.expect("a batch").remove(0);
    assert_ne!(next.id, bad.id, "the next one goes on");
    let mut dead = broker.consumer(Queue::Dead, 4).await.expect("a consumer");
    let letter = soon("the dead letter", dead.next_batch(4)).await.expect("a batch").remove(0);
    assert_eq!((letter.id, &letter.payload), (bad.id, &bad.payload));
    assert_eq!(letter.headers.get(HEADER_QUEUE).map(String::as_str), Some("events"));
    assert_eq!(letter.headers.get(HEADER_REASON).map(String::as_str), Some("no such ticket: \"42\" — ünknown"));
    assert_eq!(letter.headers.get("trace"), bad.headers.get("trace"));
}

pub async fn queues_do_not_mix(server: &dyn Server) {
    let broker = server.broker().await;
    for (number, queue) in Queue::ALL.into_iter().enumerate() {
        broker.publish(queue, vec![message(number)]).await.expect("confirmed");
    }
    for (number, queue) in Queue::ALL.into_iter().enumerate() {
        assert_eq!(take_all(broker.as_ref(), queue, 1).await, [message(number).id]);
    }
}

pub async fn what_waits_is_counted_and_what_is_in_hand_is_not(server: &dyn Server) {
    let broker = server.broker().await;
    let counted = async |count: u64| {
        // A broker may take a moment to count.
        soon("as many as wait", async { while broker.waiting(Queue::Inbound).await.expect("a number") != count {} }).await;
    };
    counted(0).await;
    broker.publish(Queue::Inbound, messages(5)).await.expect("confirmed");
    broker.publish(Queue::Events, messages(1)).await.expect("confirmed");
    counted(5).await;
    let mut consumer = broker.consumer(Queue::Inbound, 2).await.expect("a consumer");
    let mut in_hand = Vec::new();
    while in_hand.len() < 2 {
        in_hand.extend(soon("a batch", consumer.next_batch(2)).await.expect("a batch"));
    }
    counted(3).await;
    consumer.give_back(&[in_hand[0].tag]).await.expect("given back");
    consumer.ack(&[in_hand[1].tag]).await.expect("acked");
    consumer.close().await.expect("closed");
    counted(4).await;
}

pub async fn a_consumer_that_dies_with_messages_in_hand_loses_none(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(6)).await.expect("confirmed");
    let dying = server.broker().await;
    let mut consumer = dying.consumer(Queue::Inbound, 6).await.expect("a consumer");
    let in_hand = soon("a batch", consumer.next_batch(6)).await.expect("a batch");
    consumer.ack(&[in_hand[0].tag]).await.expect("acked");
    drop(consumer);
    drop(dying);
    server.let_leases_run_out().await;
    let taken: BTreeSet<Uuid> = take_all(broker.as_ref(), Queue::Inbound, 5).await.into_iter().collect();
    assert_eq!(taken.len(), 5);
    assert!(!taken.contains(&in_hand[0].id), "what was acked does not come again");
}

pub async fn a_consumer_that_stops_gives_back_at_once(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(6)).await.expect("confirmed");
    let mut consumer = broker.consumer(Queue::Inbound, 6).await.expect("a consumer");
    soon("a batch", consumer.next_batch(6)).await.expect("a batch");
    consumer.close().await.expect("closed");
    assert_eq!(take_all(broker.as_ref(), Queue::Inbound, 6).await.len(), 6);
}

pub async fn a_consumer_that_stops_while_it_takes_leaves_nothing_in_between(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(6)).await.expect("confirmed");
    // More often than a message may go without an answer: to stop is an answer.
    for round in 0..u64::from(DELIVERY_LIMIT) + 5 {
        let mut consumer = broker.consumer(Queue::Inbound, 6).await.expect("a consumer");
        let _ = tokio::time::timeout(Duration::from_millis(round % 8), consumer.next_batch(6)).await;
        consumer.close().await.expect("closed");
    }
    let at_once = tokio::time::timeout(Duration::from_secs(20), take_all(broker.as_ref(), Queue::Inbound, 6)).await;
    assert_eq!(at_once.expect("not only when a lease has run out").len(), 6);
    assert_eq!(broker.waiting(Queue::Dead).await.expect("a number"), 0);
}

pub async fn a_call_that_gets_no_answer_ends_and_the_broker_is_found_again(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(1)).await.expect("confirmed");
    server.stop_answering();
    // More often than any pool has connections: none of them may be lost to a call that hangs.
    for _ in 0..12 {
        let error = tokio::time::timeout(server.call_limit() * 4, broker.publish(Queue::Inbound, messages(1)))
            .await
            .expect("the call ends by itself");
        assert!(matches!(error, Err(BrokerError::TimedOut { .. } | BrokerError::Unavailable { .. })), "{error:?}");
    }
    server.answer_again();
    soon("a publish that is confirmed", async { while broker.publish(Queue::Events, vec![message(7)]).await.is_err() {} }).await;
    assert!(take_all(broker.as_ref(), Queue::Events, 1).await.contains(&message(7).id));
}

pub async fn a_server_that_restarts_under_load_loses_nothing_confirmed(server: &dyn Server) {
    let broker = server.broker().await;
    let confirmed = Arc::new(std::sync::Mutex::new(HashSet::new()));
    let stop = CancellationToken::new();
    let publisher = tokio::spawn({
        let (broker, confirmed, stop) = (Arc::clone(&broker), Arc::clone(&confirmed), stop.clone());
        async move {
            for number in 1.. {
                if stop.is_cancelled() {
                    return;
                }
                if broker.publish(Queue::Inbound, vec![message(number)]).await.is_ok() {
                    confirmed.lock().expect("not poisoned").insert(message(number).id);
                }
            }
        }
    });
    let reached = async |count: usize| {
        soon("confirmed publishes", async {
            while confirmed.lock().expect("not poisoned").len() < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    for round in 1..=2 {
        reached(round * 50).await;
        server.restart().await;
    }
    reached(150).await;
    stop.cancel();
    publisher.await.expect("the publisher stops");
    let confirmed = std::mem::take(&mut *confirmed.lock().expect("not poisoned"));
    let fresh = server.broker().await;
    let mut consumer = fresh.consumer(Queue::Inbound, 64).await.expect("a consumer");
    let mut missing = confirmed;
    while !missing.is_empty() {
        for message in soon("a confirmed message that is missing", consumer.next_batch(64)).await.expect("a batch") {
            missing.remove(&message.id);
            consumer.ack(&[message.tag]).await.expect("acked");
        }
    }
}

pub async fn two_consumers_share_a_queue(server: &dyn Server) {
    let (one, two) = (server.broker().await, server.broker().await);
    one.publish(Queue::Inbound, messages(200)).await.expect("confirmed");
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let take = async |broker: Arc<dyn Broker>| {
        let mut consumer = broker.consumer(Queue::Inbound, 8).await.expect("a consumer");
        while seen.lock().expect("not poisoned").len() < 200 {
            // The other one may take the last, so this one looks up once in a while.
            let Ok(batch) = tokio::time::timeout(Duration::from_millis(500), consumer.next_batch(8)).await else { continue };
            let batch = batch.expect("a batch");
            let tags: Vec<u64> = batch.iter().map(|message| message.tag).collect();
            consumer.ack(&tags).await.expect("acked");
            seen.lock().expect("not poisoned").extend(batch.iter().map(|message| message.id));
        }
    };
    soon("all of them", async { tokio::join!(take(one.clone()), take(two)) }).await;
    let mut seen = std::mem::take(&mut *seen.lock().expect("not poisoned"));
    seen.sort_unstable();
    assert_eq!(seen, messages(200).iter().map(|message| message.id).collect::<Vec<_>>(), "each came to one of the two, once");
}

pub async fn a_message_that_kills_whoever_takes_it_goes_to_the_dead_letters_alone(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(5)).await.expect("confirmed");
    let killer = message(2).id;
    let mut done = BTreeSet::new();
    let mut deaths = 0;
    let letter = async {
        let mut dead = broker.consumer(Queue::Dead, 1).await.expect("a consumer");
        dead.next_batch(1).await.expect("a batch").remove(0)
    };
    // Whoever takes the killer dies with everything in hand; what came before is done by then.
    let dying = async {
        loop {
            let mut consumer = broker.consumer(Queue::Inbound, 8).await.expect("a consumer");
            'alive: loop {
                let batch = consumer.next_batch(8).await.expect("a batch");
                let (again, fresh): (Vec<_>, Vec<_>) = batch.into_iter().partition(|message| message.redelivered);
                for work in std::iter::once(fresh).chain(again.into_iter().map(|message| vec![message])) {
                    if work.iter().any(|message| message.id == killer) {
                        break 'alive;
                    }
                    consumer.ack(&work.iter().map(|message| message.tag).collect::<Vec<_>>()).await.expect("acked");
                    done.extend(work.iter().map(|message| message.id));
                }
            }
            deaths += 1;
            drop(consumer);
            server.let_leases_run_out().await;
        }
    };
    let letter = soon("the dead letter", async {
        tokio::select! {
            never = dying => never,
            letter = letter => letter,
        }
    })
    .await;
    assert_eq!((letter.id, deaths), (killer, DELIVERY_LIMIT));
    assert_eq!(letter.headers[HEADER_QUEUE], "inbound");
    assert_eq!(letter.headers[HEADER_REASON], format!("delivered {DELIVERY_LIMIT} times without an answer"));
    assert_eq!(done, messages(5).iter().map(|message| message.id).filter(|id| *id != killer).collect());
}

pub async fn what_is_given_back_ever_so_often_is_not_dead(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Inbound, messages(1)).await.expect("confirmed");
    let mut consumer = broker.consumer(Queue::Inbound, 1).await.expect("a consumer");
    for _ in 0..DELIVERY_LIMIT + 5 {
        let taken = soon("the message", consumer.next_batch(1)).await.expect("a batch");
        consumer.give_back(&[taken[0].tag]).await.expect("given back");
    }
    assert_empty(broker.as_ref(), Queue::Dead).await;
}

/// An event that carries a number.
fn event(number: i32) -> Event {
    let id = Uuid::from_u128(number.unsigned_abs().into());
    Event {
        id: id.into(),
        tenant_id: id.into(),
        kind: EventKind::TicketClosed,
        ticket_id: id.into(),
        version: number,
        message_id: None,
        delivery_id: None,
        assigned: Vec::new(),
        actor: Actor::System,
        occurred_at: chrono::DateTime::UNIX_EPOCH,
        arrived_at: None,
        trace: None,
    }
}

fn sealed(numbers: std::ops::RangeInclusive<i32>) -> Vec<Outgoing> {
    numbers.map(|number| envelope::seal(Uuid::from_u128(number.unsigned_abs().into()), &event(number)).expect("sealed")).collect()
}

/// Notes what it was given, and fails as it is told.
struct Scripted<F> {
    done: std::sync::Mutex<Vec<i32>>,
    fail: F,
}

#[async_trait]
impl<F: Fn(&[Event]) -> Option<Failure> + Send + Sync> Handler for Scripted<F> {
    type Message = Event;

    async fn ready(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn handle(&self, batch: &[Event]) -> Result<(), Failure> {
        if let Some(failure) = (self.fail)(batch) {
            return Err(failure);
        }
        self.done.lock().expect("not poisoned").extend(batch.iter().map(|event| event.version));
        Ok(())
    }
}

/// Runs the loop until `count` events are done, and returns them sorted.
async fn run_loop(broker: &Arc<dyn Broker>, count: usize, fail: impl Fn(&[Event]) -> Option<Failure> + Send + Sync) -> Vec<i32> {
    let handler = Scripted { done: std::sync::Mutex::default(), fail };
    let stop = CancellationToken::new();
    let settings = Loop {
        broker: Arc::clone(broker),
        queue: Queue::Events,
        batch: 16,
        limit: Duration::from_secs(30),
        ambient: Ambient::system(),
        stop: stop.clone(),
    };
    let finished = async {
        while handler.done.lock().expect("not poisoned").len() < count {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    soon("the loop is done", async { tokio::join!(consume(&settings, &handler), finished) }).await;
    let mut done = handler.done.into_inner().expect("not poisoned");
    done.sort_unstable();
    done
}

async fn dead_letter(broker: &Arc<dyn Broker>) -> (Uuid, String) {
    let mut dead = broker.consumer(Queue::Dead, 1).await.expect("a consumer");
    let letter = soon("the dead letter", dead.next_batch(1)).await.expect("a batch").remove(0);
    dead.ack(&[letter.tag]).await.expect("acked");
    (letter.id, letter.headers[HEADER_REASON].clone())
}

pub async fn the_loop_runs_a_bad_batch_one_by_one(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Events, sealed(1..=20)).await.expect("confirmed");
    let done =
        run_loop(&broker, 19, |batch| batch.iter().any(|event| event.version == 13).then(|| Failure::Reject("unlucky".to_owned()))).await;
    assert_eq!(done, (1..=20).filter(|number| *number != 13).collect::<Vec<_>>());
    assert_eq!(dead_letter(&broker).await, (Uuid::from_u128(13), "unlucky".to_owned()));
}

pub async fn the_loop_waits_for_infrastructure_and_dead_letters_nothing(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Events, sealed(1..=5)).await.expect("confirmed");
    let failures = AtomicUsize::new(0);
    let done = run_loop(&broker, 5, |_| match failures.fetch_add(1, Ordering::Relaxed) {
        0 => Some(Failure::Retry(anyhow::anyhow!("a deadlock"))),
        1 | 2 => Some(Failure::GiveBack(anyhow::anyhow!("the database is away"))),
        _ => None,
    })
    .await;
    assert_eq!(done, [1, 2, 3, 4, 5]);
    assert_empty(broker.as_ref(), Queue::Dead).await;
}

pub async fn one_that_is_always_given_back_holds_up_no_other(server: &dyn Server) {
    let broker = server.broker().await;
    broker.publish(Queue::Events, sealed(1..=20)).await.expect("confirmed");
    let locked = |batch: &[Event]| {
        batch.iter().any(|event| event.version == 2).then(|| Failure::GiveBack(anyhow::anyhow!("somebody has its ticket locked")))
    };
    let done = run_loop(&broker, 19, locked).await;
    assert_eq!(done, (1..=20).filter(|number| *number != 2).collect::<Vec<_>>());
    server.let_leases_run_out().await;
    assert_eq!(take_all(broker.as_ref(), Queue::Events, 1).await, [Uuid::from_u128(2)]);
    assert_empty(broker.as_ref(), Queue::Dead).await;
}

pub async fn the_loop_survives_a_panic_and_garbage(server: &dyn Server) {
    let broker = server.broker().await;
    let mut batch = sealed(1..=4);
    batch[1].payload = b"garbage".to_vec();
    broker.publish(Queue::Events, batch).await.expect("confirmed");
    let done = run_loop(&broker, 2, |batch| {
        assert!(batch.iter().all(|event| event.version != 3), "three is too much");
        None
    })
    .await;
    assert_eq!(done, [1, 4]);
    let letters: std::collections::BTreeMap<_, _> = [dead_letter(&broker).await, dead_letter(&broker).await].into();
    assert!(letters[&Uuid::from_u128(2)].starts_with("not a readable event envelope"), "{letters:?}");
    assert!(letters[&Uuid::from_u128(3)].contains("panicked: three is too much"), "{letters:?}");
}
