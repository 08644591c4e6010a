//! Workers that share mailboxes.

use switchboard_test_servers::dovecot::Dovecot;

use crate::database::Database;
use crate::desk::mail;
use crate::fleet::{By, Fleet, Kind, Member, desk_with_mailboxes};

const HELP: &str = "help@acme.example";
const SALES: &str = "sales@acme.example";
const EACH: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_one_mailbox_and_two_and_one_is_killed_over_rabbitmq() {
    two_workers(By::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_share_one_mailbox_and_two_and_one_is_killed_over_postgresql() {
    two_workers(By::Postgres).await;
}

async fn two_workers(by: By) {
    let dovecot = Dovecot::start(&[HELP, SALES]);
    let fleet = Fleet::new(by, &desk_with_mailboxes(&dovecot, &[HELP]), &Fleet::mailbox_settings()).await;
    let _router = fleet.start(Kind::Router);

    // Two on one mailbox: the one that has it is killed in the middle, and the other takes over.
    let (first, second) = (fleet.start(Kind::Ingest), fleet.start(Kind::Ingest));
    deliver(&dovecot, HELP, 0);
    fleet.until("mail comes in", "select count(*) >= 10 from messages").await;
    let (busy, idle) = if mailboxes(&first) == Some(1.0) { (first, second) } else { (second, first) };
    assert_eq!((mailboxes(&busy), mailboxes(&idle)), (Some(1.0), Some(0.0)), "one of them has the mailbox");
    busy.kill();
    deliver(&dovecot, HELP, 1);
    fleet.until("all of it came in", &format!("select count(*) >= {} from messages", 2 * EACH)).await;

    // Two on two: each has one, and the mailbox of the one that is killed goes to the other.
    fleet.apply(&desk_with_mailboxes(&dovecot, &[HELP, SALES]));
    let third = fleet.start(Kind::Ingest);
    for worker in [&idle, &third] {
        worker.until("reading one mailbox", |worker| mailboxes(worker) == Some(1.0)).await;
    }
    deliver(&dovecot, HELP, 2);
    deliver(&dovecot, SALES, 3);
    third.kill();
    deliver(&dovecot, HELP, 4);
    deliver(&dovecot, SALES, 5);
    fleet.until("all of it came in", &format!("select count(*) >= {} from messages", 6 * EACH)).await;
    idle.until("reading both mailboxes", |worker| mailboxes(worker) == Some(2.0)).await;
    assert_eq!(fleet.ask::<i64>("select count(*) from messages").await, i64::try_from(6 * EACH).expect("few"), "and each once");
    assert_eq!(fleet.ask::<i64>("select count(distinct inbound_id) from messages").await, i64::try_from(6 * EACH).expect("few"));
    assert_eq!(fleet.ask::<i64>("select count(*) from dead_letters").await, 0);
    idle.stop();
    fleet.end().await;
}

/// How many mailboxes a worker reads.
fn mailboxes(worker: &Member) -> Option<f64> {
    worker.metric("switchboard_mailbox_leases")
}

fn deliver(dovecot: &Dovecot, to: &str, series: usize) {
    let mails: Vec<String> = (0..EACH)
        .map(|n| mail("Ada <ada@client.example>", to, "Hello", &format!("m{series}.{n}@client.example"), &[], &format!("Mail {n}.")))
        .collect();
    dovecot.deliver_all(to, &mails);
}
