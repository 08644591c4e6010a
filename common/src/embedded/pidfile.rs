//! What a running server says of itself in `postmaster.pid`.

use std::path::{Path, PathBuf};

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidFile {
    /// The server's process.
    pub pid: i32,
    /// Its port, which is part of the socket's name.
    pub port: u16,
    /// The folder of its socket; empty while it only begins to start.
    pub socket: PathBuf,
    /// Whether it takes connections.
    pub ready: bool,
}

impl PidFile {
    /// Reads the file of a cluster; `None` when no server runs there.
    ///
    /// # Errors
    /// When the file cannot be read, because the cluster belongs to somebody else.
    pub fn read(cluster: &Path) -> std::io::Result<Option<Self>> {
        match std::fs::read_to_string(cluster.join("postmaster.pid")) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Line 1 is the process, 4 the port, 5 the folder of the socket, 8 the status.
    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            socket: lines.get(4)?.into(),
            ready: lines.get(7).is_some_and(|status| *status == "ready"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_that_takes_connections_is_ready() {
        let text = "4711\n/data/postgres\n1700000000\n5432\n/data/postgres\n\n  5432001    163841\nready   \n";
        let ready = PidFile::parse(text).expect("a whole file");
        assert_eq!(ready, PidFile { pid: 4711, port: 5432, socket: "/data/postgres".into(), ready: true });
        let stopping = PidFile::parse(&text.replace("ready   ", "stopping")).expect("a whole file");
        assert!(!stopping.ready);
        let beginning = PidFile::parse("4711\n/data/postgres\n1700000000\n5432\n\n").expect("what it writes first");
        assert_eq!((beginning.pid, beginning.ready), (4711, false));
        assert_eq!(PidFile::parse(""), None);
    }
}
