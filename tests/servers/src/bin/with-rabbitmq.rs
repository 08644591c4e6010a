//! `with-rabbitmq COMMAND...`: runs COMMAND beside a private RabbitMQ, which the tests that it runs
//! share. The server ends with it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};

use switchboard_test_servers::rabbitmq::{RabbitMq, SHARED};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let Some(program) = arguments.next() else {
        eprintln!("usage: with-rabbitmq COMMAND...");
        return Ok(ExitCode::from(2));
    };
    // The command is told by whoever tells this one: both are of one process group. It ends first.
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let server = RabbitMq::start();
    let mut command = Command::new(program);
    command.args(arguments).env(SHARED, server.folder());
    let mut child = tokio::process::Command::from(command).spawn()?;
    loop {
        tokio::select! {
            ended = child.wait() => {
                let ended = ended?;
                let code = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
                return Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)));
            }
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            _ = hung_up.recv() => {}
        }
    }
}
