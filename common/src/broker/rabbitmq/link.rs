//! One connection to the server, which is thrown away as soon as a call on it got no answer.
//!
//! lapin's own recovery is not used: a confirmation may be lost in it for ever. Every call has a time
//! limit, and what expired takes its connection with it.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::tcp::TLSConfig;
use lapin::types::FieldTable;
use lapin::uri::AMQPScheme;
use lapin::{AsyncTcpStream, Channel, Confirmation, Connection, ConnectionProperties};

use super::super::{BrokerError, Outgoing};
use super::Settings;
use super::message::properties;

/// How many channels are kept for later; each carries one publish at a time.
const IDLE_CHANNELS: usize = 16;

/// How long the server may take to say goodbye. Now and then lapin waits for that in vain.
const GOODBYE: Duration = Duration::from_secs(1);

/// A message to publish, and whether it was in somebody's hand before.
#[derive(Debug)]
pub struct Publish {
    pub message: Outgoing,
    pub given_back: bool,
}

/// Runs a call under a time limit.
pub async fn limited<T>(
    limit: Duration,
    call: &'static str,
    work: impl Future<Output = Result<T, lapin::Error>> + Send,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(BrokerError::Unavailable { call, source: error.into() }),
        Err(_) => Err(BrokerError::TimedOut { call, limit }),
    }
}

/// A connection on which the topology stands.
pub struct Link {
    /// Taken when it is dropped.
    open: Option<(Connection, Wire)>,
    limit: Duration,
    idle: Mutex<Vec<Channel>>,
    broken: AtomicBool,
}

impl Link {
    /// Connects, and declares the topology. `purpose` is what an operator sees of it.
    pub async fn open(settings: &Settings, purpose: &str) -> Result<Self, BrokerError> {
        let limit = settings.limits.call;
        let wire = Wire::default();
        let connection = limited(limit, "connect", connect(settings, purpose, Arc::clone(&wire.0))).await?;
        let link = Self { open: Some((connection, wire)), limit, idle: Mutex::default(), broken: AtomicBool::new(false) };
        let channel = link.new_channel().await?;
        let declared = tokio::time::timeout(limit, settings.topology.declare(&channel)).await;
        declared.map_err(|_| BrokerError::TimedOut { call: "declare its queues", limit })??;
        link.keep(channel);
        Ok(link)
    }

    /// Whether another call may be tried on it.
    pub fn is_usable(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && self.open.as_ref().is_some_and(|(connection, _)| connection.status().connected())
    }

    /// No further call is tried on it. It is closed when nobody uses it any more.
    pub fn abandon(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// A new channel, on which publishes are confirmed.
    pub async fn new_channel(&self) -> Result<Channel, BrokerError> {
        let Some((connection, _)) = &self.open else { unreachable!("only taken when it is dropped") };
        limited(self.limit, "open a channel", async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            Ok(channel)
        })
        .await
    }

    /// Publishes to a queue; returns when the server confirmed all of them.
    ///
    /// A channel belongs to one publish until then. lapin cannot always tell which message it was that
    /// came back, so no other's may be under way on it.
    pub async fn publish(&self, queue: &str, messages: &[Publish]) -> Result<(), BrokerError> {
        let channel = self.channel().await?;
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let confirmed = limited(self.limit, "publish", async {
            let sent = messages.iter().map(|Publish { message, given_back }| {
                channel.basic_publish("".into(), queue.into(), options, &message.payload, properties(message, *given_back))
            });
            try_join_all(try_join_all(sent).await?).await
        });
        for confirmation in confirmed.await? {
            let refused = match confirmation {
                Confirmation::Ack(None) => continue,
                Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                    format!("it came back from {queue} ({} {})", returned.reply_code, returned.reply_text)
                }
                Confirmation::Nack(None) => format!("{queue} did not take it"),
                Confirmation::NotRequested => "it was not asked to confirm".to_owned(),
            };
            return Err(BrokerError::Unavailable { call: "publish", source: refused.into() });
        }
        self.keep(channel);
        Ok(())
    }

    /// How many messages wait in a queue.
    pub async fn waiting(&self, queue: &str) -> Result<u64, BrokerError> {
        let channel = self.channel().await?;
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let looked = limited(self.limit, "count messages", channel.queue_declare(queue.into(), options, FieldTable::default())).await?;
        self.keep(channel);
        Ok(u64::from(looked.message_count()))
    }

    /// Says goodbye and hangs up.
    pub async fn close(&mut self) {
        if let Some((connection, wire)) = self.open.take() {
            say_goodbye(connection, wire).await;
        }
    }

    async fn channel(&self) -> Result<Channel, BrokerError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match kept {
            Some(channel) if channel.status().connected() => Ok(channel),
            _ => self.new_channel().await,
        }
    }

    fn keep(&self, channel: Channel) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CHANNELS {
            idle.push(channel);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // What is broken, or has no runtime to say goodbye in, is hung up at once.
        if self.is_usable()
            && let (Some((connection, wire)), Ok(runtime)) = (self.open.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(say_goodbye(connection, wire));
        }
    }
}

/// Closes a connection in good order, if the server takes part in it.
async fn say_goodbye(connection: Connection, wire: Wire) {
    // When it does not, the line is cut all the same.
    let _ = tokio::time::timeout(GOODBYE, connection.close(200, "done".into())).await;
    drop(wire);
}

async fn connect(settings: &Settings, purpose: &str, held: Arc<Mutex<Held>>) -> Result<Connection, lapin::Error> {
    let program = std::env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let program = program.unwrap_or_else(|| "switchboard".to_owned());
    let name = format!("{program} {}: {purpose}", std::process::id());
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let (limit, authorities) = (settings.limits.call, settings.authorities.clone());
    let runtime = lapin::runtime::default_runtime()?;
    let own = runtime.clone();
    let dial = async move |uri: lapin::uri::AMQPUri, _| {
        let host = uri.authority.host.as_str();
        let dialled = tokio::time::timeout(limit, async {
            let addresses: Vec<_> = tokio::net::lookup_host((host, uri.authority.port)).await?.collect();
            let stream = AsyncTcpStream::connect(&own, addresses).await?;
            if let AsyncTcpStream::Plain(plain) = &stream {
                hold(&held, plain.get_ref())?;
            }
            match uri.scheme {
                AMQPScheme::AMQP => Ok(stream),
                AMQPScheme::AMQPS => stream.into_tls(host, TLSConfig { identity: None, cert_chain: authorities.as_deref() }).await,
            }
        });
        Ok(dialled.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?)
    };
    Connection::connector(settings.uri.clone(), runtime, dial, properties).await
}

/// The line of a connection. It is cut when this is dropped: lapin would wait for an answer in a
/// thread of its own for as long as the line is there.
#[derive(Debug, Default)]
struct Wire(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
enum Held {
    /// Not connected yet.
    #[default]
    Nothing,
    Line(TcpStream),
    Cut,
}

/// Keeps hold of a line, unless it was cut before it was there.
fn hold(held: &Mutex<Held>, stream: &impl AsFd) -> io::Result<()> {
    let line = TcpStream::from(stream.as_fd().try_clone_to_owned()?);
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(*held, Held::Cut) {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    *held = Held::Line(line);
    Ok(())
}

impl Drop for Wire {
    fn drop(&mut self) {
        let held = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Held::Cut);
        if let Held::Line(line) = held {
            // The other side may have been faster.
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}
