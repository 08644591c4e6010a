//! Two routers as processes share the load of random conversations of two tenants, and are struck down one after the
//! other: on both brokers the tickets come out that the reference tells.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::ChaCha20Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::rabbitmq::{self, RabbitBroker};
use switchboard_common::broker::{Broker, Queue};
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_common::envelope;
use switchboard_test_servers::rabbitmq::Shared;

use crate::desk::MIGRATIONS;
use crate::model::{difference, expect, generate, outcome, setting};
use crate::process;
use crate::spec::play::World;
use crate::spec::script::Doing;

/// How many messages a burst has at each tenant, where `KILLED_MESSAGES` does not say it, and how many bursts there are.
const MESSAGES: u64 = 60;
const BURSTS: usize = 2;
/// How often a router is killed in a burst.
const KILLED: usize = 2;
const PATIENCE: Duration = Duration::from_mins(2);

/// How the routers find what they need.
struct Surroundings {
    database: String,
    settings: Vec<(&'static str, String)>,
    log: Arc<Mutex<Vec<String>>>,
}

/// A router as a process.
struct Router(Child);

impl Surroundings {
    fn start(&self) -> Router {
        let mut command = process::command(&self.database, "127.0.0.1:0");
        let mut child = command.envs(self.settings.iter().cloned()).spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Router(child)
    }
}

impl Drop for Router {
    /// Strikes it down, as a crash would.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks until the answer is yes.
async fn until(pool: &PgPool, what: &str, question: &str) {
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    let asked = async {
        while !sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(question)).fetch_one(pool).await.expect("an answer") {
            pace.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn survive(pool: PgPool, broker: Arc<dyn Broker>, settings: Vec<(&'static str, String)>) {
    let seed = setting("MODEL_SEED", 7);
    let messages = usize::try_from(setting("KILLED_MESSAGES", MESSAGES)).expect("few");
    println!("MODEL_SEED={seed} KILLED_MESSAGES={messages}");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let script = generate::script(seed, BURSTS, messages, false);
    let mut world = World::new(&pool, &script).await.expect("a desk");
    let database = process::url(&pool.connect_options());
    let surroundings = Surroundings { database, settings, log: Arc::default() };
    let mut routers = vec![surroundings.start(), surroundings.start()];
    let (mut published, mut distinct, mut burst) = (0, 0, Vec::new());
    for step in &script.steps {
        world.advance_to(step.at);
        match &step.doing {
            Doing::Message(message) => {
                burst.extend(world.messages(message).await.expect("messages"));
                distinct += world.twins.len();
            }
            Doing::Again { label, account } => burst.extend(world.once_more(label, account.as_deref()).expect("came")),
            other => {
                if !burst.is_empty() {
                    published += burst.len();
                    publish(broker.as_ref(), &world.ambient, std::mem::take(&mut burst), &mut random).await;
                    strike(&pool, &surroundings, &mut routers, (published, distinct), &mut random).await;
                }
                world.operate(other).await.expect("done");
            }
        }
    }
    assert_eq!(burst.len(), 0, "every burst has an end");
    drop(routers);
    judge(&pool, &world, &script, broker.as_ref()).await;
    let log = surroundings.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
    assert!(log.contains("A message opened ticket"), "the log was read");
    assert!(!log.to_lowercase().contains("deadlock") && !log.contains("panicked"), "{log}");
}

/// Publishes a burst in some order.
async fn publish(broker: &dyn Broker, ambient: &Ambient, mut burst: Vec<InboundMessage>, random: &mut ChaCha20Rng) {
    burst.shuffle(random);
    for part in burst.chunks(50) {
        let sealed = part.iter().map(|message| envelope::seal::<InboundMessage>(ambient.new_id(), message).expect("sealed"));
        broker.publish(Queue::Inbound, sealed.collect()).await.expect("published");
    }
}

/// Kills routers while they work, starts others, and waits until everything is routed.
async fn strike(
    pool: &PgPool,
    surroundings: &Surroundings,
    routers: &mut Vec<Router>,
    (published, distinct): (usize, usize),
    random: &mut ChaCha20Rng,
) {
    let routed: i64 = sqlx::query_scalar("select count(*) from inbound_messages").fetch_one(pool).await.expect("a count");
    let routed = usize::try_from(routed).expect("not negative");
    let mut moments: Vec<usize> = (0..KILLED).map(|_| random.random_range(routed + 1..=distinct)).collect();
    moments.sort_unstable();
    for moment in moments {
        until(pool, "enough is routed", &format!("select count(*) >= {moment} from inbound_messages")).await;
        drop(routers.remove(random.random_range(0..routers.len())));
        routers.push(surroundings.start());
    }
    let all = format!("select count(*) = {distinct} and sum(1 + duplicates) >= {published} from inbound_messages");
    until(pool, "everything is routed", &all).await;
}

async fn judge(pool: &PgPool, world: &World, script: &crate::spec::script::Script, broker: &dyn Broker) {
    let mut expected = expect(script, false);
    for twin in &world.twins {
        let mut came_out = outcome::read(pool, twin.desk.tenant, false).await;
        // What a killed router had taken came again.
        expected.again = 0;
        came_out.again = 0;
        assert!(came_out == expected, "{}\n\n{script}", difference(&expected, &came_out));
    }
    assert_eq!(outcome::broken(pool).await, Vec::<String>::new());
    assert_eq!(broker.waiting(Queue::Dead).await.expect("a count"), 0);
    let dead: i64 = sqlx::query_scalar("select count(*) from dead_letters").fetch_one(pool).await.expect("a count");
    assert_eq!(dead, 0, "nothing is in the dead letters");
    // What a connection has counted is seen when it has ended.
    until(
        pool,
        "the routers are gone",
        "select not exists (select from pg_stat_activity where datname = current_database() and application_name = 'switchboard')",
    )
    .await;
    let deadlocks: i64 = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
        .fetch_one(pool)
        .await
        .expect("a count");
    assert_eq!(deadlocks, 0, "two routers waited for each other");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn two_routers_of_which_one_is_killed_again_and_again_over_postgresql(pool: PgPool) {
    let broker = Arc::new(PostgresBroker::new(pool.clone(), Ambient::system(), Limits::default()));
    survive(pool, broker, vec![("SWITCHBOARD_BROKER__LEASE", "2s".to_owned())]).await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn two_routers_of_which_one_is_killed_again_and_again_over_rabbitmq(pool: PgPool) {
    let server = tokio::task::spawn_blocking(Shared::find).await.expect("a server");
    let ambient = Ambient::system();
    let prefix = format!("killed-{}", ambient.new_id::<uuid::Uuid>().simple());
    let broker = RabbitBroker::new(&server.url(), &prefix, None, ambient, rabbitmq::Limits::default()).expect("a broker");
    survive(pool, Arc::new(broker), vec![("AMQP_URL", server.url()), ("SWITCHBOARD_AMQP__PREFIX", prefix)]).await;
}
