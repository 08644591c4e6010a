//! The notifier as a process of its own.

use std::process::ExitCode;

use switchboard_common::broker::Queue;
use switchboard_common::runtime::{self, Gauge, Parts, Worker};
use switchboard_notifier::{Notifier, Transport};

const WORKER: Worker = Worker {
    name: "switchboard-notifier",
    about: "Works out who is told of what happened, and tells them",
    listen: "127.0.0.1:9466",
    queues: &[Queue::Events],
    gauges: &[Gauge::Deliveries],
};

fn main() -> ExitCode {
    runtime::main(&WORKER, |config, Parts { pool, broker, ambient, stop }| {
        let channels = switchboard_notifier::channels(config, Transport::configured(config)?, ambient.clone());
        let notifier = Notifier { pool, broker, ambient, channels, public_url: config.public_url.clone(), lease: config.delivery.lease };
        Ok(switchboard_notifier::run(notifier, stop))
    })
}
