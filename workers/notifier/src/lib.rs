//! Tells people what happened to tickets.
//!
//! In the order in which an event travels:
//!
//! 1. [`plan`] takes batches of events from the broker and decides, once an event, who is told of it
//!    and who is not, and why. In one transaction it writes the plan, the notifications and the
//!    deliveries, and takes the events out of the outbox.
//! 2. [`deliver`] claims deliveries that are due, under a lease and with the attempt on record before
//!    any I/O; has each written and sent; and records how that ended: sent, to be tried again later,
//!    or failed, in which case the author of an answer hears of it.
//! 3. [`render`] writes the mail: the template's subject, text and HTML, and the headers that thread it
//!    in the reader's mail program and lead an answer back to the ticket.
//! 4. [`channels`] hands it to a mail server, a folder, a test, or the platform of another channel.
//!
//! Any number of notifiers may run on one database.

pub mod channels;
pub mod deliver;
mod failed;
mod message_id;
pub mod plan;
pub mod render;

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Broker, Loop, Queue, consume};
use switchboard_common::config::Config;
use tokio_util::sync::CancellationToken;

pub use crate::channels::Channels;
pub use crate::channels::email::Transport;
use crate::channels::email::Usage;
use crate::deliver::Deliverer;
pub use crate::failed::{FailedAnswer, failed_event};
use crate::plan::Planner;

/// How many events are planned at once, at most.
const BATCH: usize = 128;
/// How long a batch may take to plan: shorter than the broker's lease.
const BATCH_LIMIT: Duration = Duration::from_secs(30);

/// How long whoever sends a mail holds it. When the lease ends before the outcome is recorded, nobody
/// knows whether it was sent, and it is sent again. A mail server has half of that to take it.
pub const LEASE: Duration = Duration::from_mins(2);

/// What a notifier works with.
#[derive(Debug, Clone)]
pub struct Notifier {
    /// The database.
    pub pool: PgPool,
    /// Where the events come from.
    pub broker: Arc<dyn Broker>,
    /// Clock and randomness.
    pub ambient: Ambient,
    /// Where it all goes.
    pub channels: Channels,
    /// Where this deployment is found from outside: what readers are given links to.
    pub public_url: Option<String>,
    /// How long whoever sends a mail holds it; [`LEASE`] unless there is a reason.
    pub lease: Duration,
}

/// The channels of all accounts as they are configured. `mail` takes that of accounts without a mail server of their own.
#[must_use]
pub fn channels(config: &Config, mail: Transport, ambient: Ambient) -> Channels {
    let usage = Usage { connections: config.mail.smtp_connections, ..Usage::default() };
    Channels::configured(mail, ambient, config.tls.ca_file.as_deref(), usage)
}

/// How the queue of events is consumed, until `stop`.
#[must_use]
pub fn events(notifier: &Notifier, stop: &CancellationToken) -> Loop {
    Loop {
        broker: Arc::clone(&notifier.broker),
        queue: Queue::Events,
        batch: BATCH,
        limit: BATCH_LIMIT,
        ambient: notifier.ambient.clone(),
        stop: stop.clone(),
    }
}

/// Plans and delivers until `stop`, and then finishes what is in flight. Never fails: without
/// infrastructure it waits.
pub async fn run(notifier: Notifier, stop: CancellationToken) {
    let events = events(&notifier, &stop);
    let Notifier { pool, ambient, channels, public_url, lease, .. } = notifier;
    let planner = Planner::new(pool.clone(), ambient.clone());
    let deliverer = Deliverer::by(pool, ambient, Arc::new(channels), lease, public_url);
    tokio::join!(consume(&events, &planner), deliverer.run(&stop));
}
