//! The commands about what people are told.

use clap::{Args, Subcommand, ValueEnum};
use switchboard_common::domain::method::Method;
use switchboard_common::domain::preferences::Topic;
use switchboard_common::domain::suppression::{Reason, Scope};

use super::{Moment, Of};
use crate::suppressions::place::Place;
use crate::ticket::number;

/// Look at what waits to be sent, why, and until when
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Deliveries {
    #[command(subcommand)]
    pub command: Option<DeliveryCommand>,
    #[command(flatten)]
    pub list: DeliveryList,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct DeliveryList {
    /// Only what waits; this is what is listed anyway
    #[arg(long, conflicts_with = "all")]
    pub waiting: bool,
    /// Only those that a person has to decide about
    #[arg(long, conflicts_with = "all")]
    pub held: bool,
    /// Those that are done as well, the latest first
    #[arg(long)]
    pub all: bool,
    /// By this channel
    #[arg(long, value_name = "CHANNEL", value_parser = method)]
    pub channel: Option<Method>,
    #[command(flatten)]
    pub of: Of,
    /// On this ticket
    #[arg(long, value_name = "NUMBER", value_parser = number::parse)]
    pub ticket: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// Show a delivery with every attempt and its answer
    Show {
        /// Its id or the beginning of it; of a digest also the digest's
        #[arg(value_name = "ID")]
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Send one that is held again: it may arrive twice
    Resend {
        /// Its id, or the beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Give one up that is held: it may not have arrived
    Drop {
        /// Its id, or the beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Suppressions {
    /// List the addresses that nothing is sent to, the latest first
    List {
        /// Only this one, such as email:ada@example.org or sms:+5511987654321
        #[arg(value_name = "CHANNEL:ADDRESS")]
        place: Option<Place>,
        #[command(flatten)]
        of: Of,
        /// Only those for this reason
        #[arg(long, value_enum)]
        reason: Option<ReasonName>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Send nothing more to an address
    Add {
        /// Where, such as email:ada@example.org or sms:+5511987654321
        #[arg(value_name = "CHANNEL:ADDRESS")]
        place: Place,
        #[command(flatten)]
        of: Of,
        /// Why
        #[arg(long, value_enum, default_value = "operator")]
        reason: ReasonName,
        /// Only what is not about the reader's own tickets
        #[arg(long)]
        optional: bool,
        /// What shows it, for the record
        #[arg(long, value_name = "TEXT", default_value = "")]
        evidence: String,
    },
    /// Send to an address again
    Remove {
        /// Where, such as email:ada@example.org or sms:+5511987654321
        #[arg(value_name = "CHANNEL:ADDRESS")]
        place: Place,
        #[command(flatten)]
        of: Of,
        /// Only where it is suppressed for this reason
        #[arg(long, value_enum)]
        reason: Option<ReasonName>,
    },
}

/// A reason, as it is written in a command.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ReasonName {
    Bounce,
    Complaint,
    Stop,
    Unsubscribed,
    Operator,
}

impl From<ReasonName> for Reason {
    fn from(name: ReasonName) -> Self {
        match name {
            ReasonName::Bounce => Self::Bounce,
            ReasonName::Complaint => Self::Complaint,
            ReasonName::Stop => Self::Stop,
            ReasonName::Unsubscribed => Self::Unsubscribed,
            ReasonName::Operator => Self::Operator,
        }
    }
}

/// How much is meant.
pub fn scope(optional: bool) -> Scope {
    if optional { Scope::Optional } else { Scope::All }
}

#[derive(Debug, Subcommand)]
pub enum Explain {
    /// Say why somebody was told of something, how, and what became of it
    Notification(ExplainNotification),
    /// Say whether, where and when a person would be told of something, and what decides it
    Recipient(ExplainRecipient),
    /// Say how a message was understood, where it went, and who was told of it
    Message {
        /// The message's id here or the beginning of it, or its Message-ID
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Write the message to stdout as it came, with all that was not kept beside it
        #[arg(long, conflicts_with = "json")]
        raw: bool,
    },
}

#[derive(Debug, Args)]
pub struct ExplainNotification {
    /// The id of the notification or of a delivery of it, or the beginning of one
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub of: Of,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ExplainRecipient {
    /// Whose handle
    #[arg(value_name = "USER")]
    pub user: String,
    /// Of what: a kind of event, or mention
    #[arg(long, value_name = "KIND", value_parser = topic)]
    pub event: Topic,
    /// On which ticket
    #[arg(long, value_name = "NUMBER", value_parser = number::parse)]
    pub ticket: i64,
    /// As if it happened then: a time ago like 2h, or a time like 2026-03-02T22:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Moment>,
    #[command(flatten)]
    pub of: Of,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

fn topic(text: &str) -> Result<Topic, String> {
    let names = || Topic::ALL.map(Topic::as_str).join(", ");
    Topic::ALL.into_iter().find(|topic| topic.as_str() == text).ok_or_else(|| format!("expected one of {}", names()))
}

fn method(text: &str) -> Result<Method, String> {
    let names = || Method::ALL.map(Method::as_str).join(", ");
    Method::named(text).ok_or_else(|| format!("expected one of {}", names()))
}
