//! The desk of the demo: a data folder and the commands on it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{ConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::embedded;

/// Says that a folder is a demo's, and may be removed by the next one.
const MARK: &str = "demo";

/// A desk that is up.
pub struct Stage {
    data: PathBuf,
    up: Child,
    pub ambient: Ambient,
}

/// Removes what an earlier demo left. A folder that is not a demo's is left alone.
pub fn start_anew(data: &Path) -> anyhow::Result<()> {
    if data.exists() {
        let is_empty = data.read_dir().with_context(|| format!("read {}", data.display()))?.next().is_none();
        ensure!(is_empty || data.join(MARK).exists(), "{} is not a demo's folder: choose another with --data", data.display());
        ensure!(
            embedded::running(data)?.is_none(),
            "a demo runs already on {}; stop it first, or choose another folder with --data",
            data.display()
        );
        if let Ok(elsewhere) = data.join("postgres").read_link() {
            std::fs::remove_dir_all(&elsewhere).with_context(|| format!("remove {}", elsewhere.display()))?;
        }
        std::fs::remove_dir_all(data).with_context(|| format!("remove {}", data.display()))?;
    }
    std::fs::create_dir_all(data).with_context(|| format!("make {}", data.display()))?;
    let mark = data.join(MARK);
    std::fs::write(&mark, "The data of `switchboard demo`; the next demo removes it.\n")
        .with_context(|| format!("write {}", mark.display()))
}

/// This program, on the embedded default whatever the environment says.
fn switchboard(data: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("find this program")?);
    let configured = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SWITCHBOARD_"));
    for (name, _) in configured.filter(|(name, _)| name != "SWITCHBOARD_POSTGRES_BIN") {
        command.env_remove(name);
    }
    command.env_remove("DATABASE_URL").current_dir(data).arg("--data").arg(data).args(arguments);
    Ok(command)
}

impl Stage {
    /// Starts `switchboard up` and waits until it is ready.
    pub fn start(data: &Path, ambient: &Ambient) -> anyhow::Result<Self> {
        let mut command = switchboard(data, &["up"])?;
        command.process_group(0);
        embedded::die_with_parent(&mut command, Signal::SIGTERM);
        let log = std::fs::File::create(data.join("up.log")).context("make up.log")?;
        let mut up = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().context("start `switchboard up`")?;
        let output = up.stdout.take().context("its output")?;
        let mut lines = BufReader::new(output).lines();
        if !lines.by_ref().map_while(Result::ok).any(|line| line.to_lowercase().contains("ready")) {
            up.wait()?;
            bail!("`switchboard up` did not start:\n{}", std::fs::read_to_string(data.join("up.log")).unwrap_or_default());
        }
        // What it says later has to go somewhere, or it would wait for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { data: data.to_owned(), up, ambient: ambient.clone() })
    }

    /// Applies a desk file.
    pub fn apply(&self, desk: &str) -> anyhow::Result<()> {
        let file = self.data.join("desk.toml");
        std::fs::write(&file, desk).with_context(|| format!("write {}", file.display()))?;
        let output = switchboard(&self.data, &["apply", "desk.toml"])?.output().context("run `switchboard apply`")?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Hands over a mail as a mail server's alias does.
    pub fn pipe(&self, mail: &[u8]) -> anyhow::Result<()> {
        let mut command = switchboard(&self.data, &["pipe", "--account", "support"])?;
        let mut pipe =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("run `switchboard pipe`")?;
        pipe.stdin.take().context("its input")?.write_all(mail).context("hand over the mail")?;
        let mut said = String::new();
        pipe.stderr.take().context("its errors")?.read_to_string(&mut said)?;
        let status = pipe.wait()?;
        ensure!(status.success(), "the pipe did not take it: {status}: {said}");
        Ok(())
    }

    /// A connection to the desk's database.
    pub async fn connect(&self) -> anyhow::Result<PgConnection> {
        let options = embedded::running(&self.data)?.context("the database is not up")?;
        Ok(options.connect().await?)
    }

    /// Where the outgoing mail lies.
    pub fn outgoing(&self) -> PathBuf {
        self.data.join("outgoing")
    }

    /// Waits for Ctrl-C, which goes to this program alone: `up` has a process group of its own.
    pub async fn wait_for_interrupt(&self) -> anyhow::Result<()> {
        tokio::signal::ctrl_c().await.context("wait for Ctrl-C")
    }

    /// Stops it and waits until it has stopped.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        if self.up.try_wait()?.is_none() {
            kill(Pid::from_raw(i32::try_from(self.up.id())?), Signal::SIGTERM)?;
        }
        let status = self.up.wait()?;
        ensure!(
            status.success(),
            "`switchboard up` ended with {status}:\n{}",
            std::fs::read_to_string(self.data.join("up.log")).unwrap_or_default()
        );
        Ok(())
    }
}
