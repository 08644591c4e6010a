//! RabbitMQ as the broker, 3.10 and newer.
//!
//! * [`topology`]: every exchange, queue and binding, and why.
//! * [`link`]: one connection, thrown away when a call on it got no answer.
//! * [`consumer`]: takes messages on a connection of its own.
//! * [`message`]: a message as AMQP has it.
//!
//! RabbitMQ counts every return of a message towards its delivery limit, whoever gives it back and
//! why. So what is given back is published again, as new, and then acked: an outage, however long,
//! sends nothing to the dead letters. Whoever crashes in between leaves the message twice, never not at
//! all, and who consumes knows doubles by their key.

mod consumer;
mod link;
mod message;
pub mod topology;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::uri::AMQPUri;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Broker, BrokerError, Consumer, Outgoing, Queue};
use crate::ambient::Ambient;
use crate::supervise::Backoff;
use consumer::RabbitConsumer;
use link::{Link, Publish};
use topology::{Topology, queue_name};

/// Time limits of the RabbitMQ broker.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For every call to the server.
    pub call: Duration,
    /// How long a call waits for a connection: a server that is away is asked again for so long.
    pub connect: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { call: Duration::from_secs(10), connect: Duration::from_secs(10) }
    }
}

/// In seconds. A line that is dead is noticed after twice as long.
const HEARTBEAT: u16 = 10;

/// RabbitMQ as the broker.
#[derive(Debug, Clone)]
pub struct RabbitBroker {
    shared: Arc<Shared>,
}

/// What every connection needs to know.
struct Settings {
    uri: AMQPUri,
    /// Certificates in PEM of authorities to trust beside the system's.
    authorities: Option<String>,
    prefix: String,
    topology: Topology,
    limits: Limits,
    ambient: Ambient,
}

struct Shared {
    settings: Settings,
    /// For publishing. Consumers have connections of their own, so that a server short of memory, which
    /// lets nobody publish, still takes their acks.
    link: Mutex<Option<Arc<Link>>>,
}

impl RabbitBroker {
    /// A broker on the server at `url`, whose queues' names begin with `prefix`. `ca_file` has
    /// certificates in PEM of authorities to trust beside the system's. Nothing is connected to yet.
    ///
    /// # Errors
    /// When the URL is none of RabbitMQ, or the file cannot be read or has no certificate.
    pub fn new(url: &str, prefix: &str, ca_file: Option<&Path>, ambient: Ambient, limits: Limits) -> Result<Self, BrokerError> {
        let authorities = ca_file.map(read_authorities).transpose()?;
        let settings =
            Settings { uri: parse(url)?, authorities, prefix: prefix.to_owned(), topology: Topology::new(prefix), limits, ambient };
        Ok(Self { shared: Arc::new(Shared { settings, link: Mutex::default() }) })
    }
}

/// Reads a URL. An error does not repeat it, since it may hold a password.
fn parse(url: &str) -> Result<AMQPUri, BrokerError> {
    let wrong = || BrokerError::Unavailable {
        call: "connect",
        source: "its URL cannot be read; expected one like amqps://user:password@host:5671/vhost".into(),
    };
    let mut uri: AMQPUri = url.parse().map_err(|_| wrong())?;
    // lapin takes the address of an IPv6 host for localhost, and a slash at the end for a nameless vhost.
    let parsed = Url::parse(url).map_err(|_| wrong())?;
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        address.clone_into(&mut uri.authority.host);
    }
    if uri.vhost.is_empty() {
        "/".clone_into(&mut uri.vhost);
    }
    uri.query.heartbeat.get_or_insert(HEARTBEAT);
    Ok(uri)
}

fn read_authorities(file: &Path) -> Result<String, BrokerError> {
    let wrong = |what: String| BrokerError::Unavailable { call: "trust tls.ca_file", source: format!("{} {what}", file.display()).into() };
    let pem = std::fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if pem.contains("-----BEGIN CERTIFICATE-----") { Ok(pem) } else { Err(wrong("has no certificate in PEM".to_owned())) }
}

impl Shared {
    fn name(&self, queue: Queue) -> String {
        queue_name(&self.settings.prefix, queue)
    }

    /// A new connection. A server that is away is asked again until the time limit.
    async fn open(&self, purpose: &str) -> Result<Link, BrokerError> {
        let Settings { limits, ambient, .. } = &self.settings;
        let deadline = Instant::now() + limits.connect;
        let (backoff, never) = (Backoff::new(), CancellationToken::new());
        let mut last = BrokerError::TimedOut { call: "connect", limit: limits.connect };
        loop {
            match tokio::time::timeout_at(deadline, Link::open(&self.settings, purpose)).await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(error)) if !is_away(&error) => return Err(error),
                Ok(Err(error)) => last = error,
                Err(_) => return Err(last),
            }
            if tokio::time::timeout_at(deadline, backoff.wait(ambient, &never)).await.is_err() {
                return Err(last);
            }
        }
    }

    /// The connection for publishing: the one that there is, or a new one.
    async fn link(&self) -> Result<Arc<Link>, BrokerError> {
        let limit = self.settings.limits.connect;
        let waited = tokio::time::timeout(limit, self.link.lock()).await;
        let mut held = waited.map_err(|_| BrokerError::TimedOut { call: "connect", limit })?;
        if let Some(link) = held.as_ref().filter(|link| link.is_usable()) {
            return Ok(Arc::clone(link));
        }
        *held = None;
        let link = Arc::new(self.open("publisher").await?);
        *held = Some(Arc::clone(&link));
        Ok(link)
    }

    async fn publish(&self, queue: Queue, messages: &[Publish]) -> Result<(), BrokerError> {
        if messages.is_empty() {
            return Ok(());
        }
        let link = self.link().await?;
        // Also when a queue was deleted: a new connection declares it again.
        let published = link.publish(&self.name(queue), messages).await;
        published.inspect_err(|_| link.abandon())
    }
}

/// Whether a server that cannot be reached may be there in a moment; it is not asked again when it
/// answered with a refusal, or is not the one that is trusted.
fn is_away(error: &BrokerError) -> bool {
    match error {
        BrokerError::TimedOut { .. } => true,
        BrokerError::Unavailable { source, .. } => match source.downcast_ref::<lapin::Error>().map(lapin::Error::kind) {
            Some(lapin::ErrorKind::IOError(error)) => error.kind() != std::io::ErrorKind::InvalidData,
            Some(lapin::ErrorKind::ProtocolError(_)) | None => false,
            Some(_) => true,
        },
    }
}

#[async_trait]
impl Broker for RabbitBroker {
    async fn publish(&self, queue: Queue, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        let messages: Vec<Publish> = messages.into_iter().map(|message| Publish { message, given_back: false }).collect();
        self.shared.publish(queue, &messages).await
    }

    async fn consumer(&self, queue: Queue, prefetch: usize) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(RabbitConsumer::start(Arc::clone(&self.shared), queue, prefetch).await?))
    }

    async fn waiting(&self, queue: Queue) -> Result<u64, BrokerError> {
        let link = self.shared.link().await?;
        link.waiting(&self.shared.name(queue)).await.inspect_err(|_| link.abandon())
    }

    async fn close(&self) {
        // One that is being made, or used, is nobody's to close.
        let held = self.shared.link.try_lock().ok().and_then(|mut held| held.take());
        if let Some(mut link) = held.and_then(Arc::into_inner) {
            link.close().await;
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the URL, which holds a password.
        f.debug_struct("Shared").field("prefix", &self.settings.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_people_mean_it() {
        let uri = parse("amqps://desk:p%40ss@[2001:db8::1]:5671/").expect("a URL");
        assert_eq!((uri.authority.host.as_str(), uri.authority.port, uri.vhost.as_str()), ("2001:db8::1", 5671, "/"));
        assert_eq!((uri.authority.userinfo.password.as_str(), uri.query.heartbeat), ("p@ss", Some(HEARTBEAT)));
        let uri = parse("amqp://mq/support?heartbeat=30").expect("a URL");
        assert_eq!((uri.authority.port, uri.vhost.as_str(), uri.query.heartbeat), (5672, "support", Some(30)));
    }

    #[test]
    fn a_wrong_url_is_not_repeated() {
        for url in
            ["amqp://desk:hunter2@", "http://desk:hunter2@mq", "hunter2", "amqp:desk:hunter2", "amqp://desk:hunter2@mq?heartbeat=often"]
        {
            let error = parse(url).expect_err(url).to_string();
            assert!(error.contains("amqps://user:password@host:5671/vhost") && !error.contains("hunter2"), "{error}");
        }
    }
}
