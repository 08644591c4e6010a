//! `switchboard pipe`: one mail from a mail server's alias.
//!
//! It has to be quick, since the mail server runs it for every mail, and silent when all went well:
//! Exim takes any output for a failure. So nothing is logged, and the database is connected to once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode as ProcessExit;

use switchboard_common::ambient::Ambient;
use switchboard_common::broker;
use switchboard_common::config::Config;
use switchboard_common::db::connect;
use switchboard_common::embedded;
use switchboard_ingest_email::{ExitCode, Limits, PipeExit, SmtpEnvelope};

use crate::cli::{Global, Pipe};
use crate::database;
use crate::output::chain;

/// Takes the mail, and says how that ended in the way that mail servers understand.
pub fn run(global: &Global, arguments: Pipe) -> ProcessExit {
    let Pipe { account, sender, recipient } = arguments;
    let envelope = SmtpEnvelope { sender, recipients: recipient };
    // What a panic may leave half done is not used afterwards: the process ends.
    let exit = catch_unwind(AssertUnwindSafe(|| attempt(global, &account, &envelope)));
    let exit = match exit {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => try_again(&chain(&error)),
        Err(_) => try_again("Switchboard failed in a way that nobody foresaw"),
    };
    if exit.code != ExitCode::Ok {
        eprintln!("switchboard: {exit}");
    }
    exit.code.into()
}

fn try_again(why: &str) -> PipeExit {
    PipeExit { code: ExitCode::TempFail, explanation: format!("{why}; keep the mail and try again") }
}

fn attempt(global: &Global, account: &str, envelope: &SmtpEnvelope) -> anyhow::Result<PipeExit> {
    let (config, _) = Config::load(global.config.as_deref(), global.data.as_deref())?;
    let Some(options) = database::configured(&config)?.map_or_else(|| embedded::running(&config.data), |options| Ok(Some(options)))? else {
        anyhow::bail!("`switchboard up` is not running on {}", database::absolute(&config.data).display());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let ambient = Ambient::system();
        let pool = connect::pool(options, 1);
        ambient.clock.follow(&pool).await.map_err(|error| anyhow::anyhow!("the database does not answer: {error}"))?;
        let broker = broker::connect(&config, &pool, &ambient)?;
        let limits = Limits { largest_attachment: config.mail.largest_attachment };
        let exit = switchboard_ingest_email::pipe(&pool, broker.as_ref(), &ambient, account, limits, envelope, tokio::io::stdin()).await;
        broker.close().await;
        Ok(exit)
    });
    // Not waited for: standard input may be read by a thread that never ends.
    runtime.shutdown_background();
    exit
}
