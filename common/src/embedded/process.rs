//! A child process that does not outlive this one, however this one ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::mpsc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;

/// A running child.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

impl Process {
    /// Starts a child from a thread of its own, which then waits for it: the death signal comes when
    /// the thread ends that started the child, and so this thread lives as long as the child does.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(mut command: Command, when_orphaned: Signal) -> io::Result<Self> {
        let (started, start) = mpsc::sync_channel(1);
        let (ending, ended) = watch::channel(None);
        die_with_parent(&mut command, when_orphaned);
        std::thread::Builder::new().name("database server".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => {
                    let _ = started.send(Err(error));
                    return;
                }
            };
            let _ = started.send(Ok(child.id()));
            let end = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            ending.send_replace(Some(end));
        })?;
        let id = start.recv().map_err(io::Error::other)??;
        Ok(Self { pid: Pid::from_raw(i32::try_from(id).map_err(io::Error::other)?), ended })
    }

    /// Sends a signal, unless it has ended.
    pub fn signal(&self, signal: Signal) {
        if self.ended.borrow().is_none() {
            // It may end in this moment, and then there is nobody to signal.
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits until it has ended, and says how.
    pub async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        // The sender goes only after it has sent.
        ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone()).unwrap_or_else(|| "ended".to_owned())
    }
}

/// Lets the kernel signal the child when the thread that starts it ends, also by SIGKILL. Elsewhere
/// than on Linux an orphan is stopped when the next process finds it.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what runs between fork and exec can only be given as unsafe")]
pub fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = nix::unistd::getpid();
    // SAFETY: only prctl and getppid are called, both safe between fork and exec (signal-safety(7)),
    // and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(signal)?;
            // The parent may have died before the signal was asked for.
            if nix::unistd::getppid() == parent { Ok(()) } else { Err(nix::Error::ESRCH.into()) }
        });
    }
}

/// Does nothing here: an orphan is stopped when the next process finds it.
#[cfg(not(target_os = "linux"))]
pub fn die_with_parent(_command: &mut Command, _signal: Signal) {}

/// Whether a process lives and is the server of a cluster: the server works in its cluster's folder.
/// A number that went to another process, or one that nobody has waited for, is not.
#[must_use]
pub fn serves(pid: i32, cluster: &std::path::Path) -> bool {
    if cfg!(target_os = "linux") {
        std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == cluster)
    } else {
        kill(Pid::from_raw(pid), None).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_child_is_told_with_how_it_ended() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let process = Process::spawn(command, Signal::SIGKILL).expect("sh starts");
        assert_eq!(process.ended().await, "exit status: 3");
        process.signal(Signal::SIGKILL);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(Process::spawn(Command::new("/nonexistent/program"), Signal::SIGKILL).is_err());
    }
}
