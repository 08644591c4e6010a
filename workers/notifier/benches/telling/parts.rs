//! What is measured of the notifier: the whole of it, and what each half of it takes alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Failure, Handler, consume};
use switchboard_common::domain::event::Event;
use switchboard_notifier::channels::email::Usage;
use switchboard_notifier::deliver::Deliverer;
use switchboard_notifier::plan::Planner;
use switchboard_notifier::{Channels, LEASE, Notifier, Transport, events};
use tokio_util::sync::CancellationToken;

use crate::sink::Sink;
use crate::stage::Run;

/// The notifier's own handler; stops the loop when all events are planned.
struct Counting {
    planner: Planner,
    left: AtomicUsize,
    stop: CancellationToken,
}

#[async_trait]
impl Handler for Counting {
    type Message = Event;

    async fn ready(&self) -> anyhow::Result<()> {
        self.planner.ready().await
    }

    async fn handle(&self, batch: &[Event]) -> Result<(), Failure> {
        self.planner.handle(batch).await?;
        if self.left.fetch_sub(batch.len(), Ordering::Relaxed) == batch.len() {
            self.stop.cancel();
        }
        Ok(())
    }
}

fn channels(sink: &Sink, connections: usize) -> Channels {
    let usage = Usage { connections, ..Usage::default() };
    let transport = Transport::smtp(&format!("smtp://127.0.0.1:{}", sink.port).into(), None, usage).expect("a transport");
    Channels::new(transport, Ambient::system())
}

fn notifier(run: &Run, sink: &Sink, connections: usize) -> Notifier {
    let channels = channels(sink, connections);
    Notifier { pool: run.pool.clone(), broker: run.broker.clone(), ambient: Ambient::system(), channels, public_url: None, lease: LEASE }
}

/// From the first event to the last yes of the mail server.
pub async fn tell(run: &Run, sink: &Sink, connections: usize, mails: usize) -> Duration {
    let (stop, notifier) = (CancellationToken::new(), notifier(run, sink, connections));
    let running = switchboard_notifier::run(notifier, stop.clone());
    until_taken(run, sink, mails, running, &stop).await
}

/// From the first event until all are planned.
pub async fn plan(run: &Run, sink: &Sink, count: usize) -> Duration {
    let (stop, notifier) = (CancellationToken::new(), notifier(run, sink, 1));
    let planner = Planner::new(run.pool.clone(), Ambient::system());
    let counting = Counting { planner, left: AtomicUsize::new(count), stop: stop.clone() };
    let begun = Instant::now();
    consume(&events(&notifier, &stop), &counting).await;
    begun.elapsed()
}

/// From the first claim of what was planned before to the last yes of the mail server.
pub async fn deliver(run: &Run, sink: &Sink, connections: usize, mails: usize) -> Duration {
    let stop = CancellationToken::new();
    let channels = Arc::new(channels(sink, connections));
    let deliverer = Deliverer::by(run.pool.clone(), Ambient::system(), channels, LEASE, None);
    let (running, stopped) = (deliverer.clone(), stop.clone());
    until_taken(run, sink, mails, async move { running.run(&stopped).await }, &stop).await
}

async fn until_taken(
    run: &Run,
    sink: &Sink,
    mails: usize,
    running: impl Future<Output = ()> + Send + 'static,
    stop: &CancellationToken,
) -> Duration {
    let already = sink.taken();
    let begun = Instant::now();
    let running = tokio::spawn(running);
    sink.wait_for(already + mails).await;
    let took = begun.elapsed();
    stop.cancel();
    running.await.expect("it ends");
    assert_eq!(sink.taken(), already + mails, "each mail was sent once");
    let sent: i64 =
        sqlx::query_scalar("select count(*) from deliveries where status = 'sent'").fetch_one(&run.pool).await.expect("counted");
    assert_eq!(usize::try_from(sent), Ok(mails), "and each is on record");
    took
}
