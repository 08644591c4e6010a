//! The ingest worker for mail as a process of its own.

use std::process::ExitCode;

use switchboard_common::runtime::{self, Worker};
use switchboard_ingest_email::IngestEmail;

const WORKER: Worker = Worker {
    name: "switchboard-ingest-email",
    about: "Reads the mailboxes of the desk's accounts by IMAP",
    listen: "127.0.0.1:9464",
    queues: &[],
    gauges: &[],
};

fn main() -> ExitCode {
    runtime::main(&WORKER, |config, parts| {
        let stop = parts.stop.clone();
        Ok(switchboard_ingest_email::run(IngestEmail::configured(config, parts)?, stop))
    })
}
