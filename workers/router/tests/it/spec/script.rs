//! A conversation as a script: the desk, who takes part, what happens in time, and what is to come of it.
//! The files of `tests/conversations` are read into it, and a failure of a random one is written as one.

use std::fmt;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use switchboard_common::domain::inbound::Trust;

/// The Monday on which every conversation begins that names no date.
pub const MONDAY: &str = "2026-03-02T00:00:00Z";
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// One conversation.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What it shows, as a sentence.
    pub title: String,
    /// Its line in its file.
    pub line: usize,
    /// The lines that describe its desk and its participants.
    pub desk: Vec<(usize, String)>,
    pub steps: Vec<Step>,
}

/// Something that happens, and what is to come of it. A ticket is called by its number, `1`, or by the label of a
/// message that is on it, `a1`.
#[derive(Debug, Clone)]
pub struct Step {
    pub line: usize,
    pub at: DateTime<Utc>,
    pub doing: Doing,
    pub expected: Vec<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// A message comes to an account, or to several.
    Message(Box<Message>),
    /// A message that came before comes once more, to the account that is named or to the same.
    Again {
        label: String,
        account: Option<String>,
    },
    /// We sent a mail about a ticket: its Message-ID is ours.
    Sent {
        id: String,
        ticket: String,
    },
    Close {
        by: Option<String>,
        ticket: String,
    },
    Assign {
        ticket: String,
        to: String,
    },
    /// The first is found to be the second.
    Merge {
        client: String,
        into: String,
    },
    Unmerge {
        client: String,
    },
    /// The client whose key could be several clients' is found to be one of them, or nobody else.
    Decide {
        client: String,
        choice: Option<String>,
    },
    /// A person of the desk is away until then, or back.
    Away {
        handle: String,
        until: Option<DateTime<Utc>>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// A participant, a person or an account of the desk, or a key such as `email:postmaster@mx.example`.
    pub from: String,
    pub accounts: Vec<String>,
    pub label: String,
    pub subject: Option<String>,
    pub text: Option<String>,
    /// The labels of what it refers to, the nearest last.
    pub references: Vec<String>,
    /// The signed reply addresses that it was sent to: of whom, on which ticket.
    pub tokens: Vec<(String, String)>,
    /// Whom else it was sent to.
    pub copied: Vec<String>,
    pub trust: Option<Trust>,
    pub automatic: Option<String>,
    pub spam: Option<String>,
    pub thread_key: Option<String>,
    /// The message whose Message-ID it bears, with other content.
    pub bears_id_of: Option<String>,
    /// Keys that the channel knows them by as well.
    pub also: Vec<String>,
    /// Keys that they merely typed.
    pub claims: Vec<String>,
    pub fields: Vec<(String, String)>,
    pub quotes_desk: bool,
    pub no_message_id: bool,
}

impl Message {
    pub fn new(from: &str, account: &str, label: &str) -> Self {
        Self {
            from: from.to_owned(),
            accounts: vec![account.to_owned()],
            label: label.to_owned(),
            subject: None,
            text: None,
            references: Vec::new(),
            tokens: Vec::new(),
            copied: Vec::new(),
            trust: None,
            automatic: None,
            spam: None,
            thread_key: None,
            bears_id_of: None,
            also: Vec::new(),
            claims: Vec::new(),
            fields: Vec::new(),
            quotes_desk: false,
            no_message_id: false,
        }
    }
}

/// A moment as the scripts write it.
pub fn moment(at: DateTime<Utc>) -> String {
    let monday: DateTime<Utc> = MONDAY.parse().expect("a time");
    if at >= monday && at < monday + TimeDelta::days(7) {
        let day = usize::try_from(at.weekday().num_days_from_monday()).expect("small");
        format!("{} {}", DAYS[day], at.format("%H:%M"))
    } else {
        at.format("%Y-%m-%d %H:%M").to_string()
    }
}

/// Reads a moment, and says how many words it took.
pub fn read_moment(words: &[&str]) -> Option<(DateTime<Utc>, usize)> {
    let monday: DateTime<Utc> = MONDAY.parse().ok()?;
    let first = words.first()?;
    let (date, clock, taken) = if first.contains(':') {
        (monday.date_naive(), *first, 1)
    } else if let Some(day) = DAYS.iter().position(|day| day == first) {
        (monday.date_naive() + TimeDelta::days(i64::try_from(day).ok()?), *words.get(1)?, 2)
    } else {
        (first.parse().ok()?, *words.get(1)?, 2)
    };
    let time = chrono::NaiveTime::parse_from_str(clock, "%H:%M").ok()?;
    Some((date.and_time(time).and_utc(), taken))
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## {}", self.title)?;
        for (_, line) in &self.desk {
            writeln!(f, "{line}")?;
        }
        writeln!(f)?;
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", moment(self.at), self.doing)?;
        for (_, line) in &self.expected {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => message.fmt(f),
            Self::Again { label, account: None } => write!(f, "{label} comes again"),
            Self::Again { label, account: Some(account) } => write!(f, "{label} comes again to {account}"),
            Self::Sent { id, ticket } => write!(f, "we send {id} about #{ticket}"),
            Self::Close { by: None, ticket } => write!(f, "#{ticket} is closed"),
            Self::Close { by: Some(by), ticket } => write!(f, "#{ticket} is closed by {by}"),
            Self::Assign { ticket, to } => write!(f, "#{ticket} is given to {to}"),
            Self::Merge { client, into } => write!(f, "{client} is merged into {into}"),
            Self::Unmerge { client } => write!(f, "{client} is unmerged"),
            Self::Decide { client, choice: Some(choice) } => write!(f, "{client} is decided to be {choice}"),
            Self::Decide { client, choice: None } => write!(f, "{client} is decided to be new"),
            Self::Away { handle, until: Some(until) } => write!(f, "{handle} is away until {}", moment(*until)),
            Self::Away { handle, until: None } => write!(f, "{handle} is back"),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {} ({})", self.from, self.accounts.join(" and "), self.label)?;
        if let Some(subject) = &self.subject {
            write!(f, " \"{subject}\"")?;
        }
        let mut clauses = Vec::new();
        clauses.extend(self.text.iter().map(|text| format!("text \"{text}\"")));
        clauses.extend((!self.references.is_empty()).then(|| format!("answering {}", self.references.join(" "))));
        clauses.extend(self.tokens.iter().map(|(whose, ticket)| format!("to {whose}'s token on #{ticket}")));
        clauses.extend((!self.copied.is_empty()).then(|| format!("copying {}", self.copied.join(" and "))));
        clauses.extend(self.trust.map(|trust| format!("{trust:?}").to_lowercase()));
        clauses.extend(self.automatic.iter().map(|sign| format!("automatic \"{sign}\"")));
        clauses.extend(self.spam.iter().map(|verdict| format!("spam \"{verdict}\"")));
        clauses.extend(self.thread_key.iter().map(|key| format!("in thread {key}")));
        clauses.extend(self.bears_id_of.iter().map(|label| format!("with the Message-ID of {label}")));
        clauses.extend(self.also.iter().map(|key| format!("known as {key}")));
        clauses.extend(self.claims.iter().map(|key| format!("claiming {key}")));
        clauses.extend(self.fields.iter().map(|(name, value)| format!("field {name} = {value}")));
        clauses.extend(self.quotes_desk.then(|| "with our notification in it".to_owned()));
        clauses.extend(self.no_message_id.then(|| "without Message-ID".to_owned()));
        for clause in clauses {
            write!(f, ", {clause}")?;
        }
        Ok(())
    }
}
