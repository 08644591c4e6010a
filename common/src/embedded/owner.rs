//! Who the server runs as. PostgreSQL refuses to run as root.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{User, geteuid};

/// The user that the server and its data belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Whoever started this process.
    Myself,
    /// Somebody without power, because this process is root's.
    Other {
        /// The user's number.
        uid: u32,
        /// The number of the user's group.
        gid: u32,
    },
}

impl Owner {
    /// For root the owner of a cluster that is there already, or else `postgres` or `nobody`; for
    /// anybody else themselves.
    ///
    /// # Errors
    /// When this is root and neither user exists.
    pub fn choose(cluster: Option<&Path>) -> std::io::Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::Myself);
        }
        if let Some(metadata) = cluster.map(std::fs::metadata).transpose()?
            && metadata.uid() != 0
        {
            return Ok(Self::Other { uid: metadata.uid(), gid: metadata.gid() });
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Self::Other { uid: user.uid.as_raw(), gid: user.gid.as_raw() });
            }
        }
        Err(std::io::Error::other(
            "PostgreSQL does not run as root, and there is neither a user `postgres` nor a user `nobody` to run it as",
        ))
    }

    /// Makes a program run as the owner, where the owner may be.
    pub fn run_as(self, command: &mut Command, folder: &Path) {
        command.current_dir(folder);
        if let Self::Other { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a new file or folder to the owner.
    ///
    /// # Errors
    /// When this process may not.
    pub fn take(self, path: &Path) -> std::io::Result<()> {
        match self {
            Self::Myself => Ok(()),
            Self::Other { uid, gid } => chown(path, Some(uid), Some(gid)),
        }
    }

    /// Whether the owner may go into a folder, which needs the right to pass through every folder
    /// above it. Asked of the system itself, by starting `program` there: modes are not all there is.
    #[must_use]
    pub fn may_enter(self, folder: &Path, program: &Path) -> bool {
        if self == Self::Myself {
            return true;
        }
        let mut command = Command::new(program);
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.run_as(&mut command, folder);
        command.status().is_ok_and(|status| status.success())
    }
}
