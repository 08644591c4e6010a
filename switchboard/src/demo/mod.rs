//! `switchboard demo`: a small desk on the embedded default, a dozen mails, and what became of each. It
//! does what an operator and a mail server do, by the same commands.
//!
//! * [`stage`] starts `switchboard up` in a folder of its own, applies the desk and runs the pipe.
//! * [`feed`] hands over the mails of `mails/`, one after the other; those that answer one of ours are
//!   filled in from the outgoing folder, as the person's mail program would.
//! * [`verdict`] lays what the database says beside what `expected.toml` says.
//! * [`show`] prints it.

mod feed;
mod show;
mod stage;
mod verdict;

use std::path::Path;

use switchboard_common::ambient::Ambient;

use stage::Stage;

/// Runs the demo in a data folder, which is emptied first. At a terminal the desk stays up for the
/// reader's own mail until Ctrl-C. Fails when a mail did not end where it should.
pub async fn run(data: &Path, ambient: &Ambient) -> anyhow::Result<()> {
    let data = std::path::absolute(data)?;
    stage::start_anew(&data)?;
    show::begin(&data)?;
    let mut stage = Stage::start(&data, ambient)?;
    stage.apply(include_str!("desk.toml"))?;
    show::ready()?;
    let judged = feed::feed_all(&stage, &verdict::expected()?).await?;
    show::report(&judged, &stage.outgoing())?;
    let wrong = judged.iter().filter(|mail| !mail.faults.is_empty()).count();
    if show::at_terminal() && wrong == 0 {
        show::invite(&data)?;
        stage.wait_for_interrupt().await?;
    }
    stage.stop()?;
    anyhow::ensure!(wrong == 0, "{wrong} mails did not end where they should");
    Ok(())
}
