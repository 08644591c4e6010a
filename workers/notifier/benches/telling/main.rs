//! How many mails a second the notifier hands to a mail server, from events in the queue on, beside a bare
//! lettre pool that hands over the same mails, written beforehand, in the same run.
//!
//! Each round runs all of them, so that whatever else the machine does slows all; the medians of the
//! rounds are compared. Everything shares one machine: the mail server is a few threads of this process.

mod floor;
mod parts;
mod sink;
mod stage;

use std::io::{self, Write};
use std::time::Duration;

use clap::{Parser, ValueEnum};

use sink::{Acknowledges, Sink};
use stage::{MAILS, Stage};

/// Measures the notifier beside its floors.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measures this alone, and prints one number.
    #[arg(long)]
    only: Option<Contender>,
    /// How many tickets are told of: fewer than what counts as a storm in a tenant.
    #[arg(long, default_value_t = 2000)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Contender {
    Notifier,
    Planning,
    Delivering,
    #[value(skip)]
    PoolAtOnce,
    #[value(skip)]
    Pool,
}

/// With what the table calls them.
const CONTENDERS: [(Contender, &str); 5] = [
    (Contender::Notifier, "the notifier"),
    (Contender::Planning, "  planning alone"),
    (Contender::Delivering, "  delivering alone"),
    (Contender::PoolAtOnce, "floor: lettre's pool, no delay"),
    (Contender::Pool, "floor: lettre's pool as it comes"),
];

/// As many as the pool hands over in about two seconds when it waits 40 ms for each.
const FEW: usize = 200;

/// The servers, and how many mails there are.
struct Bench {
    stage: Stage,
    sink: Sink,
    at_once: Sink,
    arguments: Arguments,
    mails: usize,
}

impl Bench {
    /// How many mails a second each of these comes to in one round.
    async fn round(&self, round: usize, contenders: &[Contender]) -> Vec<f64> {
        let mut speeds = Vec::new();
        for contender in contenders {
            let (mails, took) = self.measure(*contender, &format!("telling_{round}")).await;
            speeds.push(float(mails) / took.as_secs_f64());
        }
        speeds
    }

    async fn measure(&self, contender: Contender, name: &str) -> (usize, Duration) {
        let (stage, sink, mails, connections) = (&self.stage, &self.sink, self.mails, self.arguments.connections);
        let (events, few) = (2 * self.arguments.tickets, mails.min(FEW));
        match contender {
            Contender::Pool => (few, floor::pool(sink, &sink.kept(), connections, few).await),
            Contender::PoolAtOnce => (mails, floor::pool(&self.at_once, &sink.kept(), connections, mails).await),
            Contender::Notifier => {
                let run = stage.run(name).await;
                let took = parts::tell(&run, sink, connections, mails).await;
                stage.drop(run).await;
                (mails, took)
            }
            Contender::Planning => {
                let run = stage.run(name).await;
                let took = parts::plan(&run, sink, events).await;
                stage.drop(run).await;
                (mails, took)
            }
            Contender::Delivering => {
                let run = stage.run(name).await;
                parts::plan(&run, sink, events).await;
                stage.settle(&run).await;
                let took = parts::deliver(&run, sink, connections, mails).await;
                stage.drop(run).await;
                (mails, took)
            }
        }
    }
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
    let bench = Bench { stage, sink: Sink::start(Acknowledges::Usually), at_once: Sink::start(Acknowledges::AtOnce), mails, arguments };
    let contenders: Vec<Contender> = match bench.arguments.only {
        None => CONTENDERS.iter().map(|(contender, _)| *contender).collect(),
        Some(only) => vec![only],
    };
    let mut speeds: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..bench.arguments.rounds {
        for (speeds, speed) in speeds.iter_mut().zip(bench.round(round, &contenders).await) {
            speeds.push(speed);
        }
    }
    let mut out = io::stdout().lock();
    let notifier = median(&mut speeds[0]);
    if bench.arguments.only.is_some() {
        return writeln!(out, "{notifier:.0}");
    }
    let Arguments { tickets, connections, rounds, .. } = bench.arguments;
    writeln!(out, "{mails} mails for {} events, {connections} connections to the mail server.", 2 * tickets)?;
    writeln!(out, "PostgreSQL with {}; medians of {rounds} rounds; \"times\": the notifier by this.", bench.stage.durability().await)?;
    writeln!(out, "\n{:<34}{:>12}{:>18}{:>8}", "", "mails/s", "slowest-fastest", "times")?;
    for ((_, name), speeds) in CONTENDERS.iter().zip(&mut speeds) {
        let median = median(speeds);
        let spread = format!("{:.0}-{:.0}", speeds[0], speeds[speeds.len() - 1]);
        writeln!(out, "{name:<34}{median:>12.0}{spread:>18}{:>8.2}", notifier / median)?;
    }
    writeln!(
        out,
        "\nThe pool sets no TCP_NODELAY and writes a mail and its last line apart: the second waits until the first is acknowledged, which a \
         server usually does 40 ms later (RFC 896, RFC 1122 4.2.3.2), and \"no delay\" is one that acknowledges at once."
    )
}
