//! The command line.

mod telling;
mod template;

use std::path::PathBuf;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use switchboard_common::domain::ticket::TicketState;

use crate::preferences::Preferences;
use crate::ticket::{Watch, number};
use crate::user::Until;

pub use telling::{Deliveries, DeliveryCommand, DeliveryList, Explain, ExplainNotification, ExplainRecipient, Suppressions, scope};
pub use template::{TemplateCommand, TemplateRender};

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
    /// Look at clients, say which of them are one, and decide who wrote
    #[command(subcommand)]
    Client(Client),
    /// Look at who is there, and say who is away
    #[command(subcommand)]
    User(User),
    /// Look at how somebody is told of things, and change it
    #[command(subcommand)]
    Preferences(Preferences),
    /// Say why something happened
    #[command(subcommand)]
    Explain(Explain),
    /// Look at what waits to be sent, why, and until when; decide about what may not have arrived
    Deliveries(Deliveries),
    /// Look at the addresses that nothing is sent to, and change them
    #[command(subcommand)]
    Suppressions(Suppressions),
    /// Do what the link to unsubscribe in a mail does
    Unsubscribe {
        /// The link, or its last part
        #[arg(value_name = "LINK")]
        link: String,
    },
    /// Show what is made of a message, without taking it
    #[command(subcommand)]
    Inspect(Inspect),
    /// Look at the messages that people are sent
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Look at what could not be processed, and have it processed again
    #[command(subcommand)]
    Dead(Dead),
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
pub enum Inspect {
    /// Print what is made of mails as JSON: a document for one file, a line for each of several mails
    Email {
        /// The mails, a file each; - is stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Each file holds many mails, in the format mbox
        #[arg(long)]
        mbox: bool,
    },
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
        #[arg(value_parser = number::parse)]
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
        #[arg(value_parser = number::parse)]
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
        #[arg(value_parser = number::parse)]
        number: i64,
        /// To whom
        handle: String,
        #[command(flatten)]
        of: Of,
        /// In whose name
        #[arg(long, value_name = "HANDLE")]
        by: Option<String>,
    },
    /// Have somebody told of what happens on a ticket, whosever it is
    Watch(Watch),
    /// Have somebody who follows a ticket follow it no longer
    Unwatch(Watch),
}

#[derive(Debug, Subcommand)]
pub enum Client {
    /// Show all that is known of a client
    Show {
        /// A key such as email:ada@example.org, an id or the beginning of one, a name, or the key of a record
        #[arg(value_name = "CLIENT")]
        client: String,
        #[command(flatten)]
        of: Of,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make two clients one: the first counts as the second from now on
    Merge {
        /// Who counts as the other
        #[arg(value_name = "FROM")]
        from: String,
        /// Whom both count as
        #[arg(value_name = "INTO")]
        into: String,
        #[command(flatten)]
        of: Of,
        /// In whose name
        #[arg(long, value_name = "HANDLE")]
        by: Option<String>,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Undo a merge: all is as if it had not been, but for the record of it
    Unmerge {
        /// Who was merged
        #[arg(value_name = "FROM")]
        from: String,
        #[command(flatten)]
        of: Of,
        /// In whose name
        #[arg(long, value_name = "HANDLE")]
        by: Option<String>,
    },
    /// List the messages whose sender could be several clients
    Ambiguities {
        #[command(flatten)]
        of: Of,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Decide who wrote
    Decide {
        /// The ambiguity's id, or the beginning of it
        #[arg(value_name = "ID")]
        id: String,
        /// Who it was: a client, or `new` for somebody who was not known
        #[arg(value_name = "CLIENT|new")]
        client: String,
        #[command(flatten)]
        of: Of,
        /// In whose name
        #[arg(long, value_name = "HANDLE")]
        by: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum User {
    /// List the people with their departments, open tickets, and until when they are away
    List {
        #[command(flatten)]
        of: Of,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Say that a person is away: groups deal no tickets to them
    Away {
        /// Who
        handle: String,
        /// Until then: a day like 2026-03-09 (as it begins in the desk's time zone), or a time like 2026-03-09T08:00:00Z
        #[arg(long, value_name = "TIME")]
        until: Until,
        #[command(flatten)]
        of: Of,
    },
    /// Say that a person is back
    Back {
        /// Who
        handle: String,
        #[command(flatten)]
        of: Of,
    },
}

/// Whose tickets, clients or people.
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
pub enum Dead {
    /// List dead letters, the latest first
    List {
        #[command(flatten)]
        filter: DeadFilter,
        /// Count them by cause or by queue instead
        #[arg(long, value_enum)]
        by: Option<DeadBy>,
        /// At most so many lines
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show all of one dead letter
    Show {
        /// Its id, or the beginning of it
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Write its payload to stdout as it is, to be edited
        #[arg(long, conflicts_with = "json")]
        payload: bool,
    },
    /// Publish dead letters again to the queues that they came from
    Replay {
        #[command(flatten)]
        which: DeadWhich,
        /// With the payload in this file instead; for one letter
        #[arg(long, value_name = "FILE")]
        payload: Option<PathBuf>,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Throw dead letters away
    Drop {
        #[command(flatten)]
        which: DeadWhich,
        /// Yes, all that the filter finds
        #[arg(long)]
        yes: bool,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which dead letters to do something about.
#[derive(Debug, Args)]
pub struct DeadWhich {
    /// Their ids, or the beginnings of them; - reads them from stdin
    #[arg(value_name = "ID", conflicts_with_all = ["DeadFilter", "all"], required_unless_present_any = ["DeadFilter", "all"])]
    pub ids: Vec<String>,
    #[command(flatten)]
    pub filter: DeadFilter,
    /// All there are
    #[arg(long, conflicts_with = "DeadFilter")]
    pub all: bool,
}

/// What a dead letter must be like. Each option narrows it down.
#[derive(Debug, Clone, Args)]
#[group(id = "DeadFilter", multiple = true)]
pub struct DeadFilter {
    /// From this queue
    #[arg(long, value_name = "QUEUE", value_parser = ["inbound", "inbound.backlog", "events", "mailbox", "unknown"])]
    pub queue: Option<String>,
    /// With this in the reason, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Which died then or later: 90s, 15m, 2h or 3d ago, or a time like 2026-03-02T09:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// Which died before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// Whose payload says that it is for this tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// What dead letters are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeadBy {
    /// By the queue and the reason, numbers and ids left out
    Reason,
    /// By the queue
    Queue,
}

/// A point in time, as it is written in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
        let ago = units.iter().find_map(|(unit, seconds)| {
            let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
            TimeDelta::try_seconds(i64::from(number) * seconds)
        });
        ago.map(Self::Ago).ok_or_else(|| "expected a time ago like 90s, 15m, 2h or 3d, or a time like 2026-03-02T09:00:00Z".to_owned())
    }
}

impl Moment {
    /// The point in time that is meant.
    pub fn from(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub_signed(ago).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
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
    fn a_moment_is_a_time_or_a_time_ago() {
        let now = "2026-03-02T09:00:00Z".parse().expect("a time");
        let at = |text: &str| text.parse().map(|moment: Moment| moment.from(now).to_rfc3339());
        assert_eq!(at("2h").as_deref(), Ok("2026-03-02T07:00:00+00:00"));
        assert_eq!(at("3d").as_deref(), Ok("2026-02-27T09:00:00+00:00"));
        assert_eq!(at("2026-03-01T10:00:00+01:00").as_deref(), Ok("2026-03-01T09:00:00+00:00"));
        assert_eq!(at("4294967295d").as_deref(), Ok("1970-01-01T00:00:00+00:00"));
        for wrong in ["", "h", "2 h", "-2h", "2w", "ä", "yesterday", "4294967296s"] {
            assert!(at(wrong).is_err_and(|why| why.contains("expected a time")), "{wrong}");
        }
    }

    #[test]
    fn dead_letters_are_named_or_filtered_and_never_both() {
        let reads = |line: &str| Cli::try_parse_from(line.split_whitespace()).is_ok();
        assert!(reads("switchboard dead replay 01a1 01a2") && reads("switchboard dead replay -") && reads("switchboard dead replay --all"));
        assert!(reads("switchboard dead drop --queue events --since 2h") && reads("switchboard dead list --queue mailbox"));
        assert!(!reads("switchboard dead replay") && !reads("switchboard dead drop --yes"));
        assert!(!reads("switchboard dead replay 01a1 --queue events") && !reads("switchboard dead replay 01a1 --all"));
        assert!(!reads("switchboard dead list --queue inbuond"));
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
