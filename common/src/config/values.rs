//! What values are made of, and what is wrong with those that are not.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lapin::uri::AMQPUri;
use toml::Value;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::smtp_url::SmtpUrl;

/// What is logged where nothing else is asked for. That a connection is of no more use to the pool is
/// no news when the server is stopped; lapin logs what it also returns, and messages as a whole; the
/// verifier of certificates logs at each try what it also returns.
pub const DEFAULT_FILTER: &str = "info,sqlx=warn,sqlx_core::pool::connection=error,lapin=off,rustls_platform_verifier=off";

/// By which way mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTransport {
    /// Into a folder, a file each.
    File,
    /// To a mail server.
    Smtp,
    /// Nowhere: kept in memory, for tests.
    Memory,
}

impl MailTransport {
    pub(super) const EXPECTED: &str = "file, smtp or memory";

    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        match text(value)?.as_str() {
            "file" => Ok(Self::File),
            "smtp" => Ok(Self::Smtp),
            "memory" => Ok(Self::Memory),
            other => Err(format!("{other:?} is none of them")),
        }
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: a JSON object a line.
    Json,
}

impl LogFormat {
    pub(super) const EXPECTED: &str = "text or json";

    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        match text(value)?.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is neither")),
        }
    }
}

/// A text that is not empty.
pub fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.trim().is_empty() => Err("empty".to_owned()),
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("{other} is {}, not a string", kind(other))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// A number or true or false, which the environment can only give as a text.
fn plain<T: FromStr>(value: &Value) -> Result<T, String> {
    let written = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    written.parse().map_err(|_| format!("{value} does not fit"))
}

pub fn boolean(value: &Value) -> Result<bool, String> {
    plain(value)
}

/// What [`duration`] takes.
pub const DURATION: &str = "a time from 1s to 1h, such as 90s or 5m";

pub fn duration(value: &Value) -> Result<Duration, String> {
    let text = text(value)?;
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let seconds = units.iter().find_map(|(unit, seconds)| text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?.checked_mul(*seconds));
    match seconds {
        Some(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text:?} does not fit")),
    }
}

/// What [`size`] takes.
pub const SIZE: &str = "a size from 100kB to 64MB, such as 25MB";

pub fn size(value: &Value) -> Result<u64, String> {
    let text = text(value)?;
    let units = [("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000)];
    let bytes = units.iter().find_map(|(unit, bytes)| text.strip_suffix(unit)?.trim_end().parse::<u64>().ok()?.checked_mul(*bytes));
    bytes.filter(|bytes| (100_000..=64_000_000).contains(bytes)).ok_or_else(|| format!("{text:?} does not fit"))
}

pub fn connections(value: &Value) -> Result<u32, String> {
    let number: u32 = plain(value)?;
    if (5..=200).contains(&number) { Ok(number) } else { Err(format!("{number} is out of range")) }
}

pub fn smtp_connections(value: &Value) -> Result<usize, String> {
    let number = plain(value)?;
    if (1..=20).contains(&number) { Ok(number) } else { Err(format!("{number} is out of range")) }
}

pub fn path(value: &Value) -> Result<PathBuf, String> {
    text(value).map(PathBuf::from)
}

/// A folder that is there.
pub fn folder(value: &Value) -> Result<PathBuf, String> {
    let path = path(value)?;
    if path.is_dir() { Ok(path) } else { Err(format!("there is no folder {}", path.display())) }
}

/// A file that is there.
pub fn file(value: &Value) -> Result<PathBuf, String> {
    let path = path(value)?;
    if path.is_file() { Ok(path) } else { Err(format!("there is no file {}", path.display())) }
}

/// What names on a message broker may begin with.
pub fn prefix(value: &Value) -> Result<String, String> {
    let prefix = text(value)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if prefix.len() <= 64 && prefix.chars().all(fits) { Ok(prefix) } else { Err(format!("{prefix:?} does not fit")) }
}

pub fn filter(value: &Value) -> Result<String, String> {
    let directives = text(value)?;
    EnvFilter::builder().parse(&directives).map_err(|error| error.to_string())?;
    Ok(directives)
}

/// An address to listen at; port 0 takes any that is free.
pub fn listen(value: &Value) -> Result<SocketAddr, String> {
    let text = text(value)?;
    text.parse().map_err(|_| format!("{text:?} does not fit"))
}

pub fn http_url(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    visible_url(&text, &["http", "https"])?;
    Ok(text)
}

/// Readers are given links to it, which RFC 8058 wants to be of https.
pub fn public_url(value: &Value) -> Result<String, String> {
    let text = text(value)?;
    let url = Url::parse(&text).map_err(|error| format!("not a URL ({error})"))?;
    if url.scheme() != "https" {
        return Err(format!("the scheme is {}, not https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("it has more than a host and a path".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

pub fn postgres_url(text: &str) -> Result<String, String> {
    let shown = visible_url(text, &["postgres", "postgresql"])?;
    sqlx::postgres::PgConnectOptions::from_str(text).map_err(|_| "not a URL of a PostgreSQL server".to_owned())?;
    Ok(shown)
}

pub fn smtp_url(text: &str) -> Result<String, String> {
    let shown = visible_url(text, &["smtp", "smtps"])?;
    SmtpUrl::parse(text)?;
    Ok(shown)
}

pub fn amqp_url(text: &str) -> Result<String, String> {
    let shown = with_host(text, visible_url(text, &["amqp", "amqps"])?)?;
    // What it says may quote the URL.
    text.parse::<AMQPUri>().map_err(|_| "not a URL of a RabbitMQ server".to_owned())?;
    Ok(shown)
}

/// What is shown of a URL, if it names a host.
fn with_host(url: &str, shown: String) -> Result<String, String> {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    if host.is_some_and(|host| !host.is_empty()) { Ok(shown) } else { Err("no host".to_owned()) }
}

/// What may be seen of a URL: not its password, and not its query, which may hold one. An error does
/// not repeat the URL for the same reason.
fn visible_url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let mut url = Url::parse(text).map_err(|error| format!("not a URL ({error})"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!("the scheme is {}, not {}", url.scheme(), schemes.join(" or ")));
    }
    if url.password().is_some() {
        // It can only be refused for a URL that has no host, and so no password.
        let _ = url.set_password(Some("hidden"));
    }
    if url.query().is_some() {
        url.set_query(Some("hidden"));
    }
    Ok(Value::String(url.into()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_a_number_with_its_unit() {
        let read = |text: &str| size(&Value::String(text.to_owned()));
        assert_eq!((read("25MB"), read("500 kB"), read("64MB")), (Ok(25_000_000), Ok(500_000), Ok(64_000_000)));
        for text in ["25", "99kB", "65MB", "1GB", "-1MB", "1.5MB", "MB", "99999999999999999999MB"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_a_number_with_its_unit() {
        let read = |text: &str| duration(&Value::String(text.to_owned()));
        assert_eq!(read("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(read("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(read("1h"), Ok(Duration::from_hours(1)));
        for text in ["5", "0s", "2h", "-1s", "1.5m", "s", "99999999999999999999s"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
