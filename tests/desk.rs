//! A desk in a folder of its own, driven as its operator drives it: by the command.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};

use mail_parser::{Message, MessageParser};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnection;
use switchboard_common::embedded;
use tempfile::TempDir;

use crate::database::Database;

/// The exit codes of the pipe that the tests speak of (sysexits.h).
pub const ACCEPTED: i32 = 0;
pub const TRY_AGAIN: i32 = 75;

pub struct Desk {
    folder: TempDir,
    settings: Vec<(String, String)>,
    up: Mutex<Option<Child>>,
}

impl Desk {
    /// A desk that is applied and not up. `settings` are variables of the environment.
    pub fn new(settings: &[(&str, &str)]) -> Self {
        // Open to the unprivileged user that the database runs as when the tests run as root.
        let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().expect("a folder");
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let desk = Self { folder, settings, up: Mutex::new(None) };
        let file = desk.folder.path().join("desk.toml");
        std::fs::write(&file, include_str!("desk.toml")).expect("the desk's file");
        desk.succeed(&["apply", file.to_str().expect("UTF-8")]);
        desk
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
        command.env_remove("DATABASE_URL").env_remove("AMQP_URL").envs(self.settings.iter().cloned());
        command.arg("--data").arg(self.data()).args(arguments).current_dir(self.folder.path());
        command
    }

    /// Runs a command that has to succeed, and returns what it printed.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the command runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Starts `switchboard up` and waits until it says that it is ready.
    pub fn start(&self) {
        let mut child = self.command(&["up"]).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.to_lowercase().contains("ready"));
        assert!(ready, "`up` ended before it was ready: {:?}", child.wait());
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        *self.up() = Some(child);
    }

    fn up(&self) -> MutexGuard<'_, Option<Child>> {
        self.up.lock().expect("not poisoned")
    }

    /// The process of `switchboard up`.
    pub fn process(&self) -> u32 {
        self.up().as_ref().expect("it is up").id()
    }

    /// Strikes it down, as a crash would.
    pub fn kill(&self) {
        let mut child = self.up().take().expect("it is up");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Waits for the end of a process that somebody else struck down.
    pub fn wait_for_death(&self) {
        self.up().take().expect("it is up").wait().expect("gone");
    }

    /// Stops it as an operator does, and waits.
    pub fn stop(&self) {
        let mut child = self.up().take().expect("it is up");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("small")), nix::sys::signal::Signal::SIGTERM)
            .expect("told");
        let status = child.wait().expect("gone");
        assert!(status.success(), "{status}");
    }

    /// Hands over a mail as a mail server's alias does. Returns the exit code and what was said.
    pub fn pipe(&self, mail: &str) -> (i32, String) {
        let mut child = self
            .command(&["pipe", "--account", "support"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the pipe runs");
        // It may have ended without reading; then its exit code says why.
        let _ = child.stdin.take().expect("its input").write_all(mail.as_bytes());
        let mut said = String::new();
        child.stderr.take().expect("its errors").read_to_string(&mut said).expect("UTF-8");
        (child.wait().expect("it ends").code().unwrap_or(-1), said)
    }

    /// Hands over a mail that has to be accepted.
    pub fn take(&self, mail: &str) {
        let (code, said) = self.pipe(mail);
        assert_eq!(code, ACCEPTED, "{said}");
    }

    /// The mails in the outgoing folder, by recipient, in the order in which they were sent.
    pub async fn sent_to(&self, address: &str) -> Vec<Mail> {
        let mut connection = self.connection().await.expect("the database is up");
        let paths: Vec<String> = sqlx::query_scalar(
            "select a.answer from deliveries d join delivery_attempts a on a.tenant_id = d.tenant_id and a.delivery_id = d.id
             where d.address = $1 and a.outcome = 'sent' order by d.sent_at",
        )
        .bind(address)
        .fetch_all(&mut connection)
        .await
        .expect("the deliveries");
        paths.iter().map(|path| Mail::read(Path::new(path))).collect()
    }
}

impl Database for Desk {
    async fn connection(&self) -> Option<PgConnection> {
        embedded::running(&self.data()).ok()??.connect().await.ok()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if self.up().is_some() {
            self.kill();
        }
    }
}

/// A mail that was sent.
pub struct Mail {
    pub bytes: Vec<u8>,
}

impl Mail {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    fn read(path: &Path) -> Self {
        Self { bytes: std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) }
    }

    pub fn parsed(&self) -> Message<'_> {
        MessageParser::new().parse(&self.bytes).expect("a mail")
    }

    pub fn message_id(&self) -> String {
        self.parsed().message_id().expect("a Message-ID").to_owned()
    }

    pub fn references(&self) -> Vec<String> {
        self.parsed().references().as_text_list().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    pub fn in_reply_to(&self) -> Option<String> {
        self.parsed().in_reply_to().as_text().map(str::to_owned)
    }

    pub fn reply_to(&self) -> String {
        self.parsed().reply_to().and_then(|list| list.first()?.address()).expect("a reply address").to_owned()
    }

    pub fn header(&self, name: &'static str) -> Option<String> {
        self.parsed().header_raw(name).map(|value| value.trim().to_owned())
    }

    pub fn text(&self) -> String {
        self.parsed().body_text(0).expect("a text").into_owned()
    }
}

/// A plain mail as people write it.
pub fn mail(from: &str, to: &str, subject: &str, id: &str, references: &[&str], text: &str) -> String {
    let references = if references.is_empty() {
        String::new()
    } else {
        let list = references.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>();
        format!("In-Reply-To: {}\r\nReferences: {}\r\n", list[list.len() - 1], list.join(" "))
    };
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\nMessage-ID: <{id}>\r\n{references}\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
}
