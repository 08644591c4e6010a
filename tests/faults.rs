//! Thousands of mails while workers and servers are struck down.

use rand::rngs::ChaCha20Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use switchboard_test_servers::dovecot::Dovecot;

use crate::database::Database;
use crate::desk::mail;
use crate::fleet::{By, Fleet, Kind, Member, desk_with_mailboxes};
use crate::smtp_sink::SmtpSink;
use crate::verdict::each_is_told_once_or_marked;

const HELP: &str = "help@acme.example";
const MAILS: usize = 2000;

/// What is done to a running desk.
#[derive(Debug, Clone, Copy)]
enum Strike {
    /// A worker is killed, and another started.
    Kill(Kind),
    /// A worker is told to end, and another started.
    Stop(Kind),
    /// The database server ends without a word, and is started again.
    Database,
    /// RabbitMQ is stopped, and started again.
    Broker,
    /// RabbitMQ is killed, and started again.
    BrokerKilled,
}

const OF_WORKERS: [Strike; 6] = [
    Strike::Kill(Kind::Ingest),
    Strike::Kill(Kind::Router),
    Strike::Kill(Kind::Notifier),
    Strike::Stop(Kind::Ingest),
    Strike::Stop(Kind::Router),
    Strike::Stop(Kind::Notifier),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_mails_survive_crashes_over_rabbitmq() {
    let mut strikes = vec![Strike::Database, Strike::Broker, Strike::BrokerKilled];
    strikes.extend(OF_WORKERS);
    two_thousand_mails(By::RabbitMq, strikes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_mails_survive_crashes_over_postgresql() {
    let mut strikes = vec![Strike::Database, Strike::Database];
    strikes.extend(OF_WORKERS);
    two_thousand_mails(By::Postgres, strikes).await;
}

async fn two_thousand_mails(by: By, mut strikes: Vec<Strike>) {
    let seed = std::env::var("SWITCHBOARD_TEST_SEED")
        .map_or_else(|_| rand::make_rng::<ChaCha20Rng>().random(), |seed| seed.parse().expect("a number"));
    println!("seed {seed}: SWITCHBOARD_TEST_SEED={seed} repeats it");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    strikes.shuffle(&mut random);
    let mut moments: Vec<usize> = strikes.iter().map(|_| random.random_range(MAILS / 20..MAILS * 19 / 20)).collect();
    moments.sort_unstable();
    println!("{:?}", moments.iter().zip(&strikes).collect::<Vec<_>>());

    let sink = SmtpSink::start();
    let dovecot = Dovecot::start(&[HELP]);
    let mut fleet = Fleet::new(by, &desk_with_mailboxes(&dovecot, &[HELP]), &settings(&sink)).await;
    let mut members: Vec<Member> =
        [Kind::Ingest, Kind::Router, Kind::Notifier].into_iter().flat_map(|kind| [fleet.start(kind), fleet.start(kind)]).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| dovecot.deliver_all(HELP, &(0..MAILS).map(numbered).collect::<Vec<_>>()));
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for (moment, strike) in moments.iter().zip(&strikes) {
                    fleet.until("enough has come in", &format!("select count(*) >= {moment} from messages")).await;
                    hit(*strike, &mut fleet, &mut members, &mut random).await;
                }
            });
        });
    });
    fleet.until("all have come in", &format!("select count(*) >= {MAILS} from messages")).await;
    fleet.settled().await;
    each_is_told_once_or_marked(&fleet, &sink, MAILS).await;
    members.into_iter().for_each(Member::stop);
    fleet.end().await;
}

async fn hit(strike: Strike, fleet: &mut Fleet, members: &mut Vec<Member>, random: &mut ChaCha20Rng) {
    match strike {
        Strike::Kill(kind) => take(kind, members, random).kill(),
        Strike::Stop(kind) => take(kind, members, random).stop(),
        Strike::Database => fleet.restart_database().await,
        Strike::Broker => fleet.rabbitmq.as_mut().expect("over RabbitMQ").restart(),
        Strike::BrokerKilled => {
            let server = fleet.rabbitmq.as_mut().expect("over RabbitMQ");
            server.kill();
            server.start_again();
        }
    }
    if let Strike::Kill(kind) | Strike::Stop(kind) = strike {
        members.push(fleet.start(kind));
    }
}

/// One of the two workers of a kind.
fn take(kind: Kind, members: &mut Vec<Member>, random: &mut ChaCha20Rng) -> Member {
    let of_kind: Vec<usize> = (0..members.len()).filter(|index| members[*index].kind == kind).collect();
    members.swap_remove(of_kind[random.random_range(0..of_kind.len())])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_is_stopped_for_a_minute_and_everything_waits_and_goes_on_by_itself() {
    const EACH: usize = 30;
    let sink = SmtpSink::start();
    let dovecot = Dovecot::start(&[HELP]);
    let mut fleet = Fleet::new(By::RabbitMq, &desk_with_mailboxes(&dovecot, &[HELP]), &settings(&sink)).await;
    let members = [Kind::Ingest, Kind::Router, Kind::Notifier].map(|kind| fleet.start(kind));
    dovecot.deliver_all(HELP, &(0..EACH).map(numbered).collect::<Vec<_>>());
    fleet.until("the first are told", &format!("select count(*) = {} from deliveries where status = 'sent'", 2 * EACH)).await;

    tokio::task::block_in_place(|| fleet.rabbitmq.as_mut().expect("over RabbitMQ").stop());
    dovecot.deliver_all(HELP, &(EACH..2 * EACH).map(numbered).collect::<Vec<_>>());
    for member in &members {
        member.until("not ready", |member| member.get("/readyz").0 == 503).await;
    }
    // The outage lasts.
    let minute = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    while tokio::time::Instant::now() < minute {
        for member in &members {
            assert_eq!(member.get("/healthz").0, 200, "{:?} waits, and lives", member.kind);
        }
        tokio::time::timeout(std::time::Duration::from_secs(5), std::future::pending::<()>()).await.expect_err("nothing is awaited");
    }
    assert_eq!(fleet.ask::<i64>("select count(*) from messages").await, i64::try_from(EACH).expect("few"));
    tokio::task::block_in_place(|| fleet.rabbitmq.as_mut().expect("over RabbitMQ").start_again());
    fleet.until("the others have come in", &format!("select count(*) >= {} from messages", 2 * EACH)).await;
    fleet.settled().await;
    each_is_told_once_or_marked(&fleet, &sink, 2 * EACH).await;
    members.into_iter().for_each(Member::stop);
    fleet.end().await;
}

fn settings(sink: &SmtpSink) -> Vec<(&'static str, String)> {
    let mut settings = Fleet::mailbox_settings();
    settings.push(("SWITCHBOARD_MAIL__TRANSPORT", "smtp".to_owned()));
    settings.push(("SWITCHBOARD_MAIL__SMTP_URL", format!("smtp://127.0.0.1:{}", sink.port)));
    settings
}

fn numbered(n: usize) -> String {
    mail(&format!("Client {n} <client{n}@client.example>"), HELP, &format!("Mail {n}"), &format!("m{n}@client.example"), &[], "Hello.")
}
