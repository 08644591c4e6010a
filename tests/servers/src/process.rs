//! A child process that is gone with its parent, and what it stands on.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, User, geteuid};
use tempfile::TempDir;

/// How long a server may take to come up, also on a slow and busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A folder that goes with its owner, open to everybody and owned by whom [`run_as`] names.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("switchboard-test.").permissions(std::fs::Permissions::from_mode(0o755)).tempdir();
    let folder = folder.expect("a folder");
    give(folder.path());
    folder
}

/// Gives a file or folder to the user that servers run as.
///
/// # Panics
/// When that fails.
pub fn give(path: &Path) {
    if let Some((uid, gid)) = run_as() {
        chown(path, Some(uid.as_raw()), Some(gid.as_raw())).expect("given away");
    }
}

/// Whom servers run as: `nobody` when the tests run as root, else whoever runs the tests (`None`).
///
/// # Panics
/// When this is root and there is no such user.
#[must_use]
pub fn run_as() -> Option<(Uid, Gid)> {
    if !geteuid().is_root() {
        return None;
    }
    let nobody = User::from_name("nobody").expect("the users are known").expect("there is a user called nobody");
    Some((nobody.uid, nobody.gid))
}

/// A port of the loopback that nobody listens on. Somebody may, before it is used: whoever starts a
/// server looks whether it came up.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// The first of these programs that is installed, as a path, or in the folders where servers lie.
#[must_use]
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from)).collect();
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|program| program.is_file())
}

/// A running server.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// In a lock, so that threads may share the server that it is part of.
    ended: Mutex<mpsc::Receiver<ExitStatus>>,
    status: Option<ExitStatus>,
    name: String,
}

impl Process {
    /// Starts a program as [`run_as`] says, in a process group of its own, with its output appended to
    /// `log`. When this process ends, however it does, the child gets SIGTERM (SIGKILL cannot be passed
    /// on by those that are shell scripts).
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut command = dying_with_parent(command);
        let log = std::fs::File::options().create(true).append(true).open(log).expect("a log");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log).process_group(0);
        let (started, start) = mpsc::sync_channel(1);
        let (ending, ended) = mpsc::sync_channel(1);
        // The death signal comes when the thread ends that started the child, so this one waits for it.
        std::thread::spawn(move || {
            let child = command.spawn();
            let mut child = match child {
                Ok(child) => child,
                Err(error) => return started.send(Err(error)).expect("somebody waits"),
            };
            started.send(Ok(pid(&child))).expect("somebody waits");
            // Nobody may want to know any more.
            let _ = ending.send(child.wait().expect("a child of ours"));
        });
        let pid = start.recv().expect("the thread lives").unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { pid, ended: Mutex::new(ended), status: None, name }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> Pid {
        self.pid
    }

    /// Sends it a signal, unless it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.has_ended().is_none() {
            // It may end in this moment.
            let _ = kill(self.pid, signal);
        }
    }

    /// Whether it has ended, and how.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.end().try_recv().ok();
        }
        self.status
    }

    fn end(&mut self) -> &mut mpsc::Receiver<ExitStatus> {
        self.ended.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end within [`PATIENCE`].
    pub fn wait(&mut self) -> ExitStatus {
        if self.status.is_none() {
            self.status = self.end().recv_timeout(PATIENCE).ok();
        }
        self.status.unwrap_or_else(|| panic!("{} does not end", self.name))
    }

    /// Waits until something listens at `address`.
    ///
    /// # Panics
    /// When it ended before, with what stands in `log`, or does not listen within [`PATIENCE`].
    pub fn listening(&mut self, address: SocketAddr, log: &Path) {
        self.until(log, || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok());
    }

    /// Waits until `ready`, asked again and again, says so.
    ///
    /// # Panics
    /// When it ended before, with what stands in `log`, or is not ready within [`PATIENCE`].
    pub fn until(&mut self, log: &Path, ready: impl Fn() -> bool) {
        let begun = Instant::now();
        while !ready() {
            let said = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(self.has_ended().is_none(), "{} ended at once:\n{}", self.name, said());
            assert!(begun.elapsed() < PATIENCE, "{} is not ready:\n{}", self.name, said());
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
        let _ = self.end().recv_timeout(PATIENCE);
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("ids are small"))
}

/// The same command under `setpriv`, which asks the kernel for a signal at the parent's death.
fn dying_with_parent(command: &Command) -> Command {
    let program = find_program(&["setpriv"]);
    let mut wrapped = if let Some(setpriv) = program {
        let mut wrapped = Command::new(setpriv);
        if let Some((uid, gid)) = run_as() {
            wrapped.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups");
        }
        wrapped.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program());
        wrapped
    } else {
        let mut plain = Command::new(command.get_program());
        if let Some((uid, gid)) = run_as() {
            plain.uid(uid.as_raw()).gid(gid.as_raw());
        }
        plain
    };
    wrapped.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    // Whom it runs as may not enter the folder that the tests run in.
    wrapped.current_dir(command.get_current_dir().unwrap_or(Path::new("/")));
    wrapped
}
