//! Why a mailbox could not be read, in words that name no address, no password and no mail.

use std::time::Duration;

use switchboard_common::broker::BrokerError;

use crate::accept::AcceptError;

/// Of what a server says, in characters.
const LONGEST_ANSWER: usize = 200;

/// Why reading ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImapError {
    /// The password cannot be had.
    #[error("the password cannot be had: {0}")]
    Secret(String),
    /// Nobody answers there.
    #[error("cannot connect to {place}: {source}")]
    Connect {
        /// Host and port.
        place: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A way without encryption leads off this machine.
    #[error("{place} is not this machine, and without encryption the password goes nowhere else: expected tls = \"tls\" or \"starttls\"")]
    NotLoopback {
        /// Host and port.
        place: String,
    },
    /// The server's certificate is not trusted, or there is no TLS to be had.
    #[error("no encrypted connection to {place}: {source}")]
    Tls {
        /// Host and port.
        place: String,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// User and password do not fit.
    #[error("the server refuses the user and the password: {0}")]
    Login(String),
    /// The server says no.
    #[error("the server refuses {call}: {answer}")]
    Refused {
        /// What was asked.
        call: &'static str,
        /// What it said.
        answer: String,
    },
    /// The server does not answer.
    #[error("the server did not answer to {call} within {limit:?}")]
    TimedOut {
        /// What was asked.
        call: &'static str,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The connection ended.
    #[error("the connection ended during {call}{}", .answer.as_ref().map(|answer| format!("; the server said: {answer}")).unwrap_or_default())]
    Closed {
        /// What was asked.
        call: &'static str,
        /// What the server said last.
        answer: Option<String>,
    },
    /// What the server says is not IMAP.
    #[error("the server's answer to {call} cannot be read as IMAP")]
    Unreadable {
        /// What was asked.
        call: &'static str,
    },
    /// It lacks what is needed.
    #[error("the server {0}")]
    Lacking(&'static str),
    /// Mails that were fetched could not be accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// The database refuses or cannot be reached.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something else did not end in its time.
    #[error("{what} took longer than {limit:?}")]
    Slow {
        /// What it was.
        what: &'static str,
        /// How long it might take.
        limit: Duration,
    },
    /// Another worker reads the folder by now.
    #[error("the lease is another worker's by now")]
    LeaseLost,
    /// The worker stops.
    #[error("stopped")]
    Stopped,
}

impl From<BrokerError> for ImapError {
    fn from(error: BrokerError) -> Self {
        Self::Accept(error.into())
    }
}

impl ImapError {
    /// Whether it may be the fault of the mail that was being fetched.
    pub(super) fn may_be_the_mails(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::TimedOut { .. } | Self::Closed { .. } | Self::Unreadable { .. } => true,
            Self::Accept(error) => error.is_about_the_mail(),
            _ => false,
        }
    }
}

/// What a server says, fit for a log: one line, not too long, without anything that looks like an
/// address and without the secret.
pub(super) fn tidy(text: &str, secret: Option<&str>) -> String {
    let text = match secret {
        Some(secret) if !secret.is_empty() => text.replace(secret, "…"),
        _ => text.to_owned(),
    };
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.map(|word| if word.contains('@') { "…" } else { word }).collect();
    words.join(" ").chars().take(LONGEST_ANSWER).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_logged_without_addresses_and_secrets() {
        let said = "Login of ada@example.org with  hunter2 failed\r\n(code 7)";
        assert_eq!(tidy(said, Some("hunter2")), "Login of … with … failed (code 7)");
        assert_eq!(tidy(&"x".repeat(300), None).len(), LONGEST_ANSWER);
    }
}
