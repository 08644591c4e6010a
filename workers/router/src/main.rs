//! The router as a process of its own.

use std::process::ExitCode;

use switchboard_common::broker::Queue;
use switchboard_common::runtime::{self, Gauge, Parts, Worker};
use switchboard_router::Router;

const WORKER: Worker = Worker {
    name: "switchboard-router",
    about: "Takes what came in to its client and ticket, and says why",
    listen: "127.0.0.1:9465",
    queues: &[Queue::Inbound, Queue::InboundBacklog, Queue::Dead],
    gauges: &[Gauge::Outbox, Gauge::DeadLetters],
};

fn main() -> ExitCode {
    runtime::main(&WORKER, |_, Parts { pool, broker, ambient, stop }| Ok(switchboard_router::run(Router { pool, broker, ambient }, stop)))
}
