//! The operator's command.
//!
//! * [`up`] runs everything in one process, on the embedded PostgreSQL or a server that is configured.
//! * [`pipe`] takes one mail from a mail server's alias.
//! * [`desk`] makes the database match a file.
//! * [`demo`] shows all of it at work.
//! * [`ticket`] lists, shows and changes tickets; [`client`] shows clients and says which of them are one;
//!   [`user`] says who is there; [`preferences`] how they are told of things; [`explain`] says why something happened.
//! * [`deliveries`] shows what waits to be sent, and why; [`suppressions`] where nothing is sent any more.
//! * [`template`] shows the messages that people are sent.
//! * [`inspect`] shows what is made of a mail, without taking it.
//! * [`dead`] lists what could not be processed, and has it processed again.
//! * [`topology`] shows what stands on RabbitMQ.
//!
//! Where a command needs the database, [`database`] finds it or starts it.

mod cli;
mod client;
mod database;
mod dead;
mod deliveries;
mod demo;
mod desk;
mod explain;
mod inspect;
mod output;
mod pipe;
mod preferences;
mod suppressions;
mod template;
mod ticket;
mod topology;
mod up;
mod user;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::telemetry;

use cli::{Cli, Command, ConfigCommand, Explain};

fn main() -> ExitCode {
    let Cli { global, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let command = match command {
        Command::Pipe(arguments) => return pipe::run(&global, arguments),
        Command::Inspect(arguments) => return inspect::run(arguments),
        other => other,
    };
    match run(&global, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("switchboard: {}", output::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Help is no failure; a mail server knows a wrong usage by another code than people's shells do.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    // There is nobody to tell when that fails.
    let _ = error.print();
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if cli::means_pipe(std::env::args_os()) => switchboard_ingest_email::ExitCode::Usage.into(),
        _ => ExitCode::from(2),
    }
}

fn run(global: &cli::Global, command: Command) -> anyhow::Result<()> {
    let (config, effective) = Config::load(global.config.as_deref(), global.data.as_deref())?;
    telemetry::start(&config.log)?;
    let is_up = matches!(command, Command::Up);
    let collected = (is_up && config.http_listen.is_some()).then(|| telemetry::metrics::start(up::EVERYTHING.name)).transpose()?;
    let endpoint = config.trace_endpoint.as_deref().filter(|_| is_up);
    // Ends after the runtime has, so that the last spans are sent too.
    let _tracing = endpoint.map(|endpoint| telemetry::trace::start(up::EVERYTHING.name, endpoint)).transpose()?;
    let ambient = Ambient::system();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Apply { file, dry_run } => desk::run(&config, &ambient, &file, dry_run).await,
            Command::Migrate => {
                let steps = database::migrate(&config, &ambient).await?;
                output::print(&said_of(&steps))
            }
            Command::Demo => demo::run(global.data.as_deref().unwrap_or(Path::new("demo-data")), &ambient).await,
            Command::Up => up::run(&config, &ambient, global.data.as_deref(), collected).await,
            Command::Config(ConfigCommand::Check) => output::print(&effective.to_string()),
            Command::Topology { json } => topology::run(&config, json),
            Command::Ticket(command) => ticket::run(&config, &ambient, command).await,
            Command::Client(command) => client::run(&config, &ambient, command).await,
            Command::Preferences(command) => preferences::run(&config, &ambient, command).await,
            Command::User(command) => user::run(&config, &ambient, command).await,
            Command::Template(command) => template::run(&config, &ambient, command).await,
            Command::Dead(command) => dead::run(&config, &ambient, command).await,
            Command::Deliveries(command) => deliveries::run(&config, &ambient, command).await,
            Command::Suppressions(command) => suppressions::run(&config, &ambient, command).await,
            Command::Unsubscribe { link } => suppressions::unsubscribe(&config, &ambient, &link).await,
            Command::Explain(Explain::Notification(asked)) => explain::notification(&config, &ambient, &asked).await,
            Command::Explain(Explain::Recipient(asked)) => explain::recipient(&config, &ambient, &asked).await,
            Command::Explain(Explain::Message { id, json, raw }) => explain::message(&config, &ambient, &id, json, raw).await,
            Command::Pipe(_) | Command::Inspect(_) => unreachable!("they have ways of their own"),
        }
    })
}

fn said_of(steps: &[i64]) -> String {
    match steps.last() {
        Some(last) => format!("the database is at step {last}; {} steps taken\n", steps.len()),
        None => "the database is up to date already\n".to_owned(),
    }
}
