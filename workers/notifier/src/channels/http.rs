//! Requests to platforms: what is known of one that failed depends on how far it had come.
//!
//! A connection that cannot be made means that nothing was handed over. From then on nobody knows, until there is an answer.
//! Redirects are not followed, and proxies of the environment are not used.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, RequestBuilder, Response};
use switchboard_common::tls;
use tokio::time::Instant;

use super::webhook::NotPublic;
use super::{Obstacle, Refusal};

/// How long making a connection may take, TLS and all.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a connection at rest is kept.
const IDLE: Duration = Duration::from_mins(1);
/// How much of an answer is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// How many requests of an account are on their way at once.
pub(super) const AT_ONCE: usize = 16;

/// A client that trusts the system's authorities, and those of the file.
pub(super) fn client(ca_file: Option<&Path>) -> anyhow::Result<ClientBuilder> {
    let tls = tls::client(ca_file)?;
    Ok(Client::builder()
        .tls_backend_preconfigured(Arc::unwrap_or_clone(tls))
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .user_agent(concat!("Switchboard/", env!("CARGO_PKG_VERSION"))))
}

/// The end of the time for a parcel, which several requests may share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn within(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// What a platform answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
    /// Its words, as far as they came and are read.
    pub body: String,
    /// All of them came.
    pub is_whole: bool,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What an answer means whose body says nothing.
    pub(super) fn refusal(&self) -> Refusal {
        let answer = format!("HTTP {}", self.status);
        match self.status {
            429 => Refusal::Busy { retry_after: self.retry_after, answer },
            401 | 403 => Refusal::Away { obstacle: Obstacle::SignIn, answer },
            // The one fault of a server that says that nothing was done (RFC 9110, 15.6.4).
            503 => Refusal::Away { obstacle: Obstacle::Broken, answer },
            408 | 300..=399 => Refusal::ForNow { answer },
            500.. | 200..300 => Refusal::Unknown { answer },
            _ => Refusal::for_good(answer),
        }
    }
}

/// Asks, and returns what was answered.
///
/// # Errors
/// When there was no answer, with what that means for what was handed over.
pub(super) async fn ask(request: RequestBuilder, deadline: Deadline, now: DateTime<Utc>) -> Result<Answer, Refusal> {
    let response = request.timeout(deadline.left()).send().await.map_err(|error| lost(&error))?;
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), now);
    let (body, is_whole) = read(response).await;
    Ok(Answer { status, retry_after, body, is_whole })
}

async fn read(mut response: Response) -> (String, bool) {
    let mut bytes = Vec::new();
    let is_whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk[..chunk.len().min(LONGEST - bytes.len())]),
            Ok(None) => break true,
            Err(_) => break false,
        }
        if bytes.len() >= LONGEST {
            break false;
        }
    };
    (String::from_utf8_lossy(&bytes).into_owned(), is_whole)
}

/// What it means that there was no answer. The URL is not repeated: it may hold an address.
fn lost(error: &reqwest::Error) -> Refusal {
    let away = |obstacle: Obstacle| Refusal::Away { obstacle, answer: obstacle.to_string() };
    if error.is_builder() {
        Refusal::for_good("not sent: the request cannot be made")
    } else if cause::<NotPublic>(error) {
        Refusal::for_good(NotPublic.to_string())
    } else if error.is_connect() && error.is_timeout() {
        away(Obstacle::Silent)
    } else if error.is_connect() {
        away(if cause::<rustls::Error>(error) { Obstacle::Tls } else { Obstacle::Unreachable })
    } else if error.is_timeout() {
        Refusal::Unknown { answer: "no answer came in time".to_owned() }
    } else {
        Refusal::Unknown { answer: "the connection broke before an answer came".to_owned() }
    }
}

/// Whether an error of this type is at the bottom of it.
fn cause<E: std::error::Error + 'static>(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if cause.is::<E>() || inner.is_some_and(|inner| inner.is::<E>()) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The same of a request that has no effect by itself, such as an upload that nobody sees: nothing was done.
pub(super) fn without_effect(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Unknown { answer } => Refusal::ForNow { answer },
        other => other,
    }
}

/// The same of a parcel of which `taken` of `all` parts are there already: to send it again would double them.
pub(super) fn after(taken: usize, all: usize, refusal: Refusal) -> Refusal {
    if taken == 0 {
        return refusal;
    }
    Refusal::Unknown { answer: format!("{taken} of {all} parts were taken, and then: {}", refusal.answer()) }
}

/// Seconds or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_says_how_long_it_wants_to_be_left_alone() {
        let now = DateTime::parse_from_rfc3339("2015-10-21T07:27:00Z").expect("a time").to_utc();
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("a value"))]);
            retry_after(&headers, now)
        };
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::from_mins(1)));
        assert_eq!(read("Wed, 21 Oct 2015 07:26:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_status_without_words_means_what_the_standard_says() {
        let of = |status| Answer { status, retry_after: None, body: String::new(), is_whole: true }.refusal();
        assert_eq!(of(400), Refusal::for_good("HTTP 400"));
        assert_eq!(of(302), Refusal::ForNow { answer: "HTTP 302".to_owned() });
        assert_eq!(of(401), Refusal::Away { obstacle: Obstacle::SignIn, answer: "HTTP 401".to_owned() });
        assert_eq!(of(503), Refusal::Away { obstacle: Obstacle::Broken, answer: "HTTP 503".to_owned() });
        assert_eq!(of(502), Refusal::Unknown { answer: "HTTP 502".to_owned() });
        assert_eq!(of(429), Refusal::Busy { retry_after: None, answer: "HTTP 429".to_owned() });
    }
}
