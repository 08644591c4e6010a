//! The whole worker: from the broker to the mail server, by itself.

use std::sync::Arc;

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::{Broker, Queue};
use switchboard_common::domain::event::Event;
use switchboard_common::envelope;
use switchboard_notifier::{Channels, LEASE, Notifier, Transport, run};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::desk::{ADA, Desk, GRACE, recipients};
use crate::smtp_server::{SmtpServer, Stage};

struct Running {
    broker: Arc<PostgresBroker>,
    stop: CancellationToken,
    worker: JoinHandle<()>,
}

impl Running {
    /// Starts a worker and waits until it and the broker hear the hints of the database.
    async fn start(desk: &Desk, transport: Transport) -> Self {
        let broker = Arc::new(PostgresBroker::new(desk.pool.clone(), desk.ambient.clone(), Limits::default()));
        let stop = CancellationToken::new();
        let channels = Channels::new(transport, desk.ambient.clone());
        let notifier = Notifier {
            pool: desk.pool.clone(),
            broker: broker.clone(),
            ambient: desk.ambient.clone(),
            channels,
            public_url: None,
            lease: LEASE,
        };
        let worker = tokio::spawn(run(notifier, stop.clone()));
        let listening = "select count(*) from pg_stat_activity where datname = current_database() and query like 'LISTEN %'";
        while desk.count(listening).await < 2 {}
        Self { broker, stop, worker }
    }

    async fn publish(&self, event: &Event) {
        let sealed = envelope::seal(event.id.0, event).expect("sealed");
        self.broker.publish(Queue::Events, vec![sealed]).await.expect("published");
    }

    async fn stop(self) {
        self.stop.cancel();
        self.worker.await.expect("it ends");
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_event_on_the_broker_becomes_mail_without_the_clock_moving(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (transport, memory) = Transport::memory();
    let running = Running::start(&desk, transport).await;
    for n in 1..=3 {
        let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
        let event = desk.say(&mut ticket, desk.by_ada(&format!("a{n}@example.org"), "It burns.")).await;
        running.publish(&event).await;
        memory.wait_for(2 * n).await;
    }
    running.stop().await;
    assert_eq!(recipients(&memory.sent()), [ADA, ADA, ADA, GRACE, GRACE, GRACE]);
    assert_eq!(desk.count("select count(*) from deliveries where status = 'sent'").await, 6);
    assert_eq!(desk.count("select count(*) from broker.messages").await, 0);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_retry_comes_when_its_time_has_come(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    server.refuse(Stage::Content, 451);
    let running = Running::start(&desk, server.transport.clone()).await;
    server.wait_for_answers(1).await;
    running.stop().await;
    assert_eq!(desk.statuses(ADA).await, ["sent", "queued"]);
    server.relent();
    let running = Running::start(&desk, server.transport.clone()).await;
    desk.later(6);
    server.wait_for_answers(2).await;
    running.stop().await;
    assert_eq!(desk.statuses(ADA).await, ["sent", "sent"]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_is_in_flight_when_it_stops_is_finished_and_recorded(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    let go_on = server.keep_waiting(Stage::Content);
    let running = Running::start(&desk, server.transport.clone()).await;
    server.wait_for(1).await;
    running.stop.cancel();
    go_on.send(()).expect("the server waits");
    running.stop().await;
    assert_eq!(desk.statuses(ADA).await, ["sent", "sent"]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn it_goes_on_by_itself_when_the_database_was_away(pool: PgPool) {
    let desk = Desk::with_clock(pool, Ambient::system()).await;
    let (transport, memory) = Transport::memory();
    let running = Running::start(&desk, transport).await;
    let mut first = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let event = desk.say(&mut first, desk.by_ada("a1@example.org", "It burns.")).await;
    running.publish(&event).await;
    memory.wait_for(2).await;
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()")
        .execute(&desk.pool)
        .await
        .expect("every other connection is cut");
    let mut second = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let event = desk.say(&mut second, desk.by_ada("a2@example.org", "It burns again.")).await;
    running.publish(&event).await;
    memory.wait_for(4).await;
    running.stop().await;
}
