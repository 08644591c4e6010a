//! Several routers at once, and one that dies.

use std::sync::Arc;

use async_trait::async_trait;
use rand::rngs::ChaCha20Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::{Broker, BrokerError, Consumer, Handler, Outgoing, Queue};
use switchboard_common::domain::event::Event;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::envelope;
use switchboard_router::batch::BatchHandler;
use switchboard_router::{Router, relay, run};
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, MIGRATIONS, Mail};
use crate::model::setting;

/// Asks the database until the answer is yes, and gives up after two minutes.
pub async fn until(desk: &Desk, what: &str, question: &'static str) {
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(question).fetch_one(&desk.pool).await.expect("an answer") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), asked).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn router(desk: &Desk, stop: &CancellationToken) -> tokio::task::JoinHandle<()> {
    let ambient = Ambient::system();
    let pool = PgPoolOptions::new().max_connections(5).connect_lazy_with(desk.pool.connect_options().as_ref().clone());
    let broker: Arc<dyn Broker> = Arc::new(PostgresBroker::new(pool.clone(), ambient.clone(), Limits::default()));
    tokio::spawn(run(Router { pool, broker, ambient }, stop.clone()))
}

/// Conversations of several clients, shuffled, with doubles; each answer refers to the mail before it.
fn conversations(desk: &Desk, random: &mut ChaCha20Rng) -> Vec<Mail> {
    let mut mails = Vec::new();
    for client in 0..30 {
        let address = format!("client{client}@example.org");
        for n in 0..random.random_range(1..6) {
            let mail = desk.mail(&address, &format!("c{client}m{n}"));
            let mail =
                if n == 0 { mail } else { mail.refers_to(&[format!("c{client}m0").as_str(), format!("c{client}m{}", n - 1).as_str()]) };
            mails.extend(std::iter::repeat_n(mail, random.random_range(1..3)));
        }
    }
    mails.shuffle(random);
    mails
}

async fn publish(desk: &Desk, mails: &[Mail]) {
    let messages = mails.iter().map(|mail| envelope::seal::<InboundMessage>(desk.ambient.new_id(), &mail.0).expect("sealed")).collect();
    desk.broker().publish(Queue::Inbound, messages).await.expect("published");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn three_routers_on_shuffled_doubled_conversations_make_one_ticket_each(pool: PgPool) {
    let seed: u64 = rand::make_rng::<ChaCha20Rng>().random();
    println!("seed {seed}");
    let desk = Desk::new(pool).await;
    let mails = conversations(&desk, &mut ChaCha20Rng::seed_from_u64(seed));
    let stop = CancellationToken::new();
    let routers = [router(&desk, &stop), router(&desk, &stop), router(&desk, &stop)];
    for part in mails.chunks(7) {
        publish(&desk, part).await;
    }
    until(&desk, "all is routed and published", "select not exists (select from broker.messages where queue = 'inbound') and not exists (select from outbox where published_at is null)").await;
    stop.cancel();
    for router in routers {
        router.await.expect("it stops");
    }
    let ids: std::collections::HashSet<&str> = mails.iter().map(|mail| mail.0.external_id.as_str()).collect();
    assert_eq!(desk.count("messages").await, i64::try_from(ids.len()).expect("few"));
    assert_eq!(desk.count("clients").await, 30);
    assert_eq!(desk.count("dead_letters").await, 0);
    let split: Vec<(String, i64)> = sqlx::query_as(
        "select split_part(payload->>'message_id', 'm', 1), count(distinct ticket_id) from inbound_messages group by 1 having count(distinct ticket_id) > 1",
    )
    .fetch_all(&desk.pool)
    .await
    .expect("an answer");
    assert_eq!(split, [], "a conversation is one ticket, in whatever order its mails come");
    let gaps: i64 =
        sqlx::query_scalar("select count(*) from (select ticket_id, count(*) n, max(position) m from messages group by 1) t where n <> m")
            .fetch_one(&desk.pool)
            .await
            .expect("an answer");
    assert_eq!(gaps, 0, "messages are numbered without gaps");
}

/// Batches that share senders, threads and doubles, each in an order of its own: of clients old and
/// new, of agents who answer, and of programs that make no client.
async fn tangled_batches(desk: &Desk, random: &mut ChaCha20Rng) -> Vec<Vec<InboundMessage>> {
    let opened = desk.take(desk.mail("client0@example.org", "first")).await.ticket_id;
    let bo = desk.agent_address(opened, "bo").await;
    desk.we_sent(opened, "ours@desk.example").await;
    let mut mails = Vec::new();
    for n in 0..120 {
        let references: Vec<String> = (0..3).map(|_| format!("m{}", random.random_range(0..40))).collect();
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let from = format!("client{}@example.org", random.random_range(0..8));
        let mut mail = desk.mail(&from, &format!("m{}", n % 60)).refers_to(&references);
        mail.0.external_id = format!("m{n}#1");
        mails.push(match n % 6 {
            0 => desk.mail("bo@desk.example", &format!("b{n}")).to(&[&bo]),
            1 => {
                desk.mail("mailer-daemon@mx.example.org", &format!("d{n}")).refers_to(&["ours@desk.example"]).automatic("null return path")
            }
            _ => mail,
        });
    }
    let batch = |random: &mut ChaCha20Rng| mails.sample(random, 4).map(|mail| mail.0.clone()).collect::<Vec<_>>();
    (0..setting("MEETINGS", 120)).map(|_| batch(random)).collect()
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn routers_that_meet_wait_for_each_other_and_never_in_a_circle(pool: PgPool) {
    let seed: u64 = rand::make_rng::<ChaCha20Rng>().random();
    println!("seed {seed}");
    let desk = Desk::new(pool).await;
    let batches = tangled_batches(&desk, &mut ChaCha20Rng::seed_from_u64(seed)).await;
    let pool = PgPoolOptions::new().max_connections(8).connect_lazy_with(desk.pool.connect_options().as_ref().clone());
    let routers = batches.chunks(batches.len().div_ceil(8)).map(|batches| {
        let (batches, handler) = (batches.to_vec(), BatchHandler::new(pool.clone(), Ambient::system()));
        tokio::spawn(async move {
            for batch in batches {
                handler.handle(&batch).await.expect("nobody is in the way for good");
            }
        })
    });
    for router in routers.collect::<Vec<_>>() {
        router.await.expect("all of its batches are routed");
    }
    let distinct: std::collections::HashSet<String> = batches.into_iter().flatten().map(|message| message.external_id).collect();
    assert_eq!(desk.count("messages").await, i64::try_from(distinct.len()).expect("few") + 1);
    assert_eq!(desk.count("client_external_ids e where not exists (select from clients c where c.id = e.client_id)").await, 0);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_message_redelivered_after_a_router_died_before_its_ack_is_one_message(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mail = desk.mail("ada@example.org", "a1");
    publish(&desk, std::slice::from_ref(&mail)).await;
    let broker = desk.broker();
    let mut dying = broker.consumer(Queue::Inbound, 8).await.expect("a consumer");
    let taken = dying.next_batch(8).await.expect("a batch");
    let message: InboundMessage = envelope::open(&taken[0].payload).expect("an envelope");
    desk.route(&[Mail(message)]).await.expect("it committed");
    drop(dying);
    desk.ambient.clock.advance(Limits::default().lease);
    let stop = CancellationToken::new();
    let router = tokio::spawn(run(Router { pool: desk.pool.clone(), broker, ambient: desk.ambient.clone() }, stop.clone()));
    until(&desk, "it is acked", "select not exists (select from broker.messages where queue = 'inbound')").await;
    stop.cancel();
    router.await.expect("it stops");
    assert_eq!((desk.count("messages").await, desk.count("tickets").await), (1, 1));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_event_that_the_broker_lost_is_published_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let broker = desk.broker();
    assert_eq!(relay::publish_due(&desk.pool, broker.as_ref(), &desk.ambient).await.expect("published"), 1);
    assert_eq!(relay::publish_due(&desk.pool, broker.as_ref(), &desk.ambient).await.expect("nothing due"), 0);
    sqlx::query("delete from broker.messages").execute(&desk.pool).await.expect("lost");
    desk.ambient.clock.advance(std::time::Duration::from_mins(10));
    assert_eq!(relay::publish_due(&desk.pool, broker.as_ref(), &desk.ambient).await.expect("published"), 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_event_that_nobody_plans_is_published_again_more_and_more_rarely(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let broker = desk.broker();
    let mut published = Vec::new();
    for ten_minutes in 0..16 {
        if relay::publish_due(&desk.pool, broker.as_ref(), &desk.ambient).await.expect("the broker is there") > 0 {
            published.push(ten_minutes);
        }
        desk.ambient.clock.advance(std::time::Duration::from_mins(10));
    }
    assert_eq!(published, [0, 1, 3, 7, 14], "a notifier that is away for a night does not find its queue full of doubles");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_event_of_a_newer_switchboard_holds_up_no_other(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.route(&[desk.mail("ada@example.org", "a1"), desk.mail("eve@example.com", "e1")]).await.expect("routed");
    sqlx::query("update outbox set payload = payload || '{\"kind\": \"ticket.merged\"}' where ticket_id = (select min(ticket_id::text)::uuid from outbox)")
        .execute(&desk.pool)
        .await
        .expect("as a newer one would write it");
    let broker = desk.broker();
    assert_eq!(relay::publish_due(&desk.pool, broker.as_ref(), &desk.ambient).await.expect("published"), 2);
    let mut consumer = broker.consumer(Queue::Events, 8).await.expect("a consumer");
    let mut read: Vec<bool> =
        consumer.next_batch(8).await.expect("a batch").iter().map(|message| envelope::open::<Event>(&message.payload).is_ok()).collect();
    read.sort_unstable();
    assert_eq!(read, [false, true], "whoever cannot read it sends it to the dead letters");
}

/// A broker that is away.
#[derive(Debug)]
struct Away;

#[async_trait]
impl Broker for Away {
    async fn publish(&self, _: Queue, _: Vec<Outgoing>) -> Result<(), BrokerError> {
        Err(BrokerError::TimedOut { call: "publish", limit: Limits::default().call })
    }

    async fn consumer(&self, _: Queue, _: usize) -> Result<Box<dyn Consumer>, BrokerError> {
        unreachable!("a relay takes nothing")
    }

    async fn waiting(&self, _: Queue) -> Result<u64, BrokerError> {
        unreachable!("a relay counts nothing")
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_event_that_one_router_cannot_publish_is_free_for_another_at_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    relay::publish_due(&desk.pool, &Away, &desk.ambient).await.expect_err("the broker is away");
    assert_eq!(relay::publish_due(&desk.pool, desk.broker().as_ref(), &desk.ambient).await.expect("published"), 1);
}
