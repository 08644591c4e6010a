//! What the tests stand on: folders, databases, and the program.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

/// A folder that holds the data of one test.
pub struct World {
    pub folder: TempDir,
}

impl World {
    pub fn new() -> Self {
        // Open to the unprivileged user that the server runs as when root runs the tests.
        let open = std::fs::Permissions::from_mode(0o755);
        Self { folder: tempfile::Builder::new().permissions(open).tempdir().expect("a folder") }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The program on the embedded server of this folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        // A short lease: what a killed router had in hand comes back soon.
        command
            .env("SWITCHBOARD_DATABASE__DURABLE", "false")
            .env("SWITCHBOARD_BROKER__LEASE", "2s")
            .arg("--data")
            .arg(self.data())
            .args(arguments);
        command
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    /// Starts `switchboard up` and waits until it is ready.
    pub fn up(&self) -> Up {
        Up::start(self.command(&["up"]))
    }
}

/// The program in a folder, without what the environment of the tests says.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    let of_tests = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("SWITCHBOARD_"));
    of_tests.for_each(|name| _ = command.env_remove(name));
    command.env_remove("DATABASE_URL").env_remove("AMQP_URL").current_dir(folder).stdin(Stdio::null());
    command
}

/// The program on a database of the test server.
pub fn on_database(folder: &Path, options: &PgConnectOptions, arguments: &[&str]) -> Command {
    let server: url::Url = std::env::var("DATABASE_URL").expect("DATABASE_URL names the server of the tests").parse().expect("a URL");
    let mut url = server;
    url.set_path(options.get_database().expect("a database of this test"));
    let mut command = program(folder);
    command.env("DATABASE_URL", url.as_str()).args(arguments);
    command
}

/// What a command printed, after it succeeded.
pub fn succeed(mut command: Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What a command complained of, after it failed as a command fails.
pub fn fail(mut command: Command) -> String {
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{command:?}: {}", said(&output));
    assert!(!said(&output).contains("panicked"), "{}", said(&output));
    said(&output)
}

/// What went to stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command with a text on its stdin.
pub fn feed(mut command: Command, text: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // It may end without reading.
    let _ = child.stdin.take().expect("its stdin").write_all(text.as_bytes());
    child.wait_with_output().expect("it ends")
}

/// A running `switchboard up`.
pub struct Up {
    pub child: Child,
    /// What it printed until it was ready.
    pub banner: String,
}

impl Up {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut banner = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines();
        for line in lines.by_ref() {
            let line = line.expect("UTF-8");
            banner.push_str(&line);
            banner.push('\n');
            if line.contains("ready") {
                return Self { child, banner };
            }
        }
        panic!("it ended before it was ready: {:?}", child.wait());
    }

    /// Sends a signal and waits for the end.
    pub fn stop(mut self, signal: nix::sys::signal::Signal) -> Option<i32> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a process"));
        nix::sys::signal::kill(pid, signal).expect("signalled");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Harmless when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    let look = async {
        while !so() {
            pace.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), look).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The processes that work in the cluster of a data folder.
pub fn servers(data: &Path) -> Vec<String> {
    let Ok(cluster) = data.join("postgres").canonicalize() else { return Vec::new() };
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let works_there = |entry: &std::fs::DirEntry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == cluster);
    processes.filter(works_there).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// A small desk.
pub const DESK: &str = r#"
[[tenant]]
name = "acme"

[[tenant.departments]]
name = "Support"

[[tenant.users]]
handle = "bo"
name = "Bo Berg"
email = "bo@acme.example"
departments = ["Support"]

[[tenant.categories]]
name = "General"
department = "Support"
assignee = "bo"

[[tenant.accounts]]
name = "support"
address = "help@acme.example"
default_category = "General"
"#;

/// A mail to it.
pub const MAIL: &str = "From: Ada Lovelace <ada@client.example>\nTo: help@acme.example\nSubject: The lamp is dark\n\
    Date: Mon, 2 Mar 2026 09:00:00 +0000\nMessage-ID: <lamp@client.example>\n\nPlease help.\n";
