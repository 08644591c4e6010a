//! What a process tells of itself: the log here, to stderr, in UTC, for people or for programs; [`metrics`]
//! for Prometheus; [`trace`]s for a collector.

pub mod metrics;
pub mod trace;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Starts logging. To be called once, first thing.
///
/// # Errors
/// When the filter cannot be read, or something logs already.
pub fn start(config: &LogConfig) -> anyhow::Result<()> {
    // What async-imap says below that holds passwords and mail.
    let filter = EnvFilter::builder().parse(&config.filter)?.add_directive("async_imap=info".parse()?);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => log.with_ansi(use_colour()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    started.map_err(anyhow::Error::from_boxed)
}

/// Colours are for terminals, and for those who have not asked to be spared (<https://no-color.org>).
fn use_colour() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
