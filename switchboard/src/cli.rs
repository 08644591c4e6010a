//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use switchboard_common::domain::ticket::TicketState;

/// Takes what clients write to a support desk, and sees to it that the right people hear of it.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file [default: switchboard.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data folder [default: ./switchboard-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in this one process: the database, the router and the notifier
    Up,
    /// Take one mail from stdin, for a mail server's alias
    Pipe(Pipe),
    /// Make tenants, people, rules and mail accounts match a file
    Apply {
        /// The desk file
        #[arg(value_name = "DESK.TOML")]
        file: PathBuf,
        /// Say what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Look at tickets and change them
    #[command(subcommand)]
    Ticket(Ticket),
    /// Say why something happened
    #[command(subcommand)]
    Explain(Explain),
    /// Show a desk at work: a dozen mails, and what became of each
    Demo,
    /// Bring the database's schema up to date
    Migrate,
    /// Show what stands on RabbitMQ for this deployment, and why; needs no server
    Topology {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub struct Pipe {
    /// The account that the mail came for: its name, or TENANT/NAME
    #[arg(long, value_name = "NAME")]
    pub account: String,
    /// The envelope's sender; empty for a bounce
    #[arg(long, value_name = "ADDRESS")]
    pub sender: Option<String>,
    /// A recipient of the envelope
    #[arg(long, value_name = "ADDRESS")]
    pub recipient: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum Ticket {
    /// List tickets, the latest first
    List {
        #[command(flatten)]
        of: Of,
        /// Only tickets in these states
        #[arg(long, value_enum, value_delimiter = ',')]
        state: Vec<State>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all of one ticket
    Show {
        /// The ticket's number
        number: i64,
        #[command(flatten)]
        of: Of,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Close a ticket
    Close {
        /// The ticket's number
        number: i64,
        #[command(flatten)]
        of: Of,
        /// In whose name
        #[arg(long, value_name = "HANDLE")]
        by: Option<String>,
    },
    /// Give a ticket to a person or a group
    Assign {
        /// The ticket's number
        number: i64,
        /// To whom
        handle: String,
        #[command(flatten)]
        of: Of,
        /// In whose name
        #[arg(long, value_name = "HANDLE")]
        by: Option<String>,
    },
}

/// Whose tickets.
#[derive(Debug, Args)]
pub struct Of {
    /// The tenant; not needed where there is only one
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// A state of a ticket, as it is written in a command.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum State {
    Open,
    WaitingForUser,
    WaitingForAgent,
    Closed,
    Unresolved,
}

impl From<State> for TicketState {
    fn from(state: State) -> Self {
        match state {
            State::Open => Self::Open,
            State::WaitingForUser => Self::WaitingForUser,
            State::WaitingForAgent => Self::WaitingForAgent,
            State::Closed => Self::Closed,
            State::Unresolved => Self::Unresolved,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Explain {
    /// Say how a message was understood, where it went, and who was told of it
    Message {
        /// The message's id here or the beginning of it, or its Message-ID
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Name every fault of the configuration, or show what holds
    Check,
}

/// Whether the command line means `pipe`, also where it could not be understood.
pub fn means_pipe(mut arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    arguments.next();
    while let Some(argument) = arguments.next() {
        let argument = argument.to_string_lossy();
        if argument == "--config" || argument == "--data" {
            arguments.next();
        } else if !argument.starts_with('-') {
            return argument == "pipe";
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_pipe_is_known_also_when_its_arguments_are_wrong() {
        let means = |line: &str| means_pipe(line.split_whitespace().map(Into::into));
        assert!(means("switchboard pipe --nonsense"));
        assert!(means("switchboard --data up pipe"));
        assert!(means("switchboard --config=x pipe --account"));
        assert!(!means("switchboard up pipe") && !means("switchboard") && !means("switchboard --data pipe"));
    }
}
