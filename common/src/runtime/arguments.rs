//! The command line of a worker.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, FromArgMatches};

use super::Worker;

/// What a worker is told.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration file [default: switchboard.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Ask the worker that runs here whether it is ready, and exit with 0 or 1
    #[arg(long)]
    pub health: bool,
}

/// What to do.
pub(super) enum Wanted {
    /// To run.
    Run(Arguments),
    /// Help or a wrong usage was shown.
    Exit(ExitCode),
}

impl Arguments {
    pub fn read(worker: &Worker) -> Wanted {
        let command = Self::augment_args(Command::new(worker.name).about(worker.about).version(env!("CARGO_PKG_VERSION")));
        match command.try_get_matches().and_then(|matches| Self::from_arg_matches(&matches)) {
            Ok(arguments) => Wanted::Run(arguments),
            Err(error) => {
                // There is nobody to tell when that fails.
                let _ = error.print();
                Wanted::Exit(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)))
            }
        }
    }
}
