//! How many mails a second the notifier hands to a mail server, from events in the queue on, beside a bare
//! lettre pool that hands the same mails, written beforehand, to the same server in the same run.
//!
//! Each round runs all of them, so that whatever else the machine does slows all; the medians of the
//! rounds are compared. Everything shares one machine: the mail server is a few threads of this process.

mod floor;
mod sink;
mod stage;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use clap::Parser;
use switchboard_common::ambient::Ambient;
use switchboard_notifier::channels::email::Usage;
use switchboard_notifier::{Channels, LEASE, Notifier, Transport};
use tokio_util::sync::CancellationToken;

use sink::Sink;
use stage::{MAILS, Run, Stage};

/// Measures the notifier beside its floors.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measures the notifier alone, and prints one number.
    #[arg(long)]
    only: bool,
    /// How many tickets are told of: fewer than what counts as a storm for their one agent.
    #[arg(long, default_value_t = 900)]
    tickets: usize,
    /// How many connections there are to the mail server.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// How often each is run.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Said by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// From the first event to the last yes of the mail server, and until all was written down.
async fn tell(run: &Run, sink: &Sink, connections: usize, mails: usize) -> Duration {
    let usage = Usage { connections, ..Usage::default() };
    let transport = Transport::smtp(&format!("smtp://127.0.0.1:{}", sink.port).into(), None, usage).expect("a transport");
    let stop = CancellationToken::new();
    let (ambient, public_url) = (Ambient::system(), None);
    let channels = Channels::new(transport, ambient.clone());
    let notifier = Notifier { pool: run.pool.clone(), broker: run.broker.clone(), ambient, channels, public_url, lease: LEASE };
    let already = sink.taken();
    let begun = Instant::now();
    let running = tokio::spawn(switchboard_notifier::run(notifier, stop.clone()));
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

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("not so many"))
}

fn median(speeds: &mut [f64]) -> f64 {
    speeds.sort_by(f64::total_cmp);
    speeds[speeds.len() / 2]
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let server = std::env::var("DATABASE_URL").expect("DATABASE_URL names a server (scripts/bench starts one)");
    let stage = Stage::build(&server, arguments.tickets).await;
    let mails = arguments.tickets * MAILS;
    let sink = Sink::start();
    let names = ["the notifier", "floor: lettre's pool", "floor: lettre, TCP_NODELAY"];
    let mut speeds: [Vec<f64>; 3] = Default::default();
    for round in 0..arguments.rounds {
        let run = stage.run(&format!("telling_{round}")).await;
        let took = tell(&run, &sink, arguments.connections, mails).await;
        stage.drop(run).await;
        speeds[0].push(float(mails) / took.as_secs_f64());
        if !arguments.only {
            // As many as take a while: an answer to a mail takes it up to 40 ms.
            let few = mails.min(1000);
            speeds[1].push(float(few) / floor::pool(&sink, arguments.connections, few).await.as_secs_f64());
            speeds[2].push(float(mails) / floor::without_delay(&sink, arguments.connections, mails).await.as_secs_f64());
        }
    }
    let mut out = io::stdout().lock();
    let notifier = median(&mut speeds[0]);
    if arguments.only {
        return writeln!(out, "{notifier:.0}");
    }
    writeln!(out, "{mails} mails for {} events, {} connections to the mail server.", 2 * arguments.tickets, arguments.connections)?;
    writeln!(
        out,
        "PostgreSQL with {}; medians of {} rounds; \"times\": the notifier by this.",
        stage.durability().await,
        arguments.rounds
    )?;
    writeln!(out, "\n{:<34}{:>12}{:>18}{:>8}", "", "mails/s", "slowest-fastest", "times")?;
    for (name, speeds) in names.iter().zip(&mut speeds) {
        let median = median(speeds);
        let spread = format!("{:.0}-{:.0}", speeds[0], speeds[speeds.len() - 1]);
        writeln!(out, "{name:<34}{median:>12.0}{spread:>18}{:>8.2}", notifier / median)?;
    }
    Ok(())
}
