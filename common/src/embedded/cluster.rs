//! Where the data of the server lies, and how it comes to be there.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use sha2::{Digest, Sha256};

use super::owner::Owner;
use super::process::die_with_parent;
use super::programs::Programs;
use super::{EmbeddedError, Settings, doing};
use crate::ambient::Ambient;

/// Where clusters lie whose owner may not enter the data folder.
const ELSEWHERE: &str = "/var/lib/switchboard";

/// A cluster that is ready to be started.
#[derive(Debug)]
pub struct Cluster {
    /// Its real folder, free of links.
    pub folder: PathBuf,
    /// Whom it belongs to.
    pub owner: Owner,
    /// The programs of the release that wrote it.
    pub programs: Programs,
}

/// The folder of the cluster of a data folder, if it has one.
///
/// # Errors
/// When what is there is no cluster, or belongs to somebody else.
pub fn find(data: &Path) -> Result<Option<PathBuf>, EmbeddedError> {
    let link = data.join("postgres");
    match link.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(doing(|| format!("look at {}", link.display())))?,
    };
    let folder = link.canonicalize().map_err(|source| EmbeddedError::Gone { link: link.clone(), source })?;
    match std::fs::metadata(folder.join("PG_VERSION")) {
        Ok(_) => Ok(Some(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(EmbeddedError::NotACluster { folder: link }),
        Err(source) => Err(EmbeddedError::NotYours { data: data.to_owned(), source }),
    }
}

impl Cluster {
    /// Finds the cluster of a data folder, or makes one. To be called under the folder's lock.
    ///
    /// # Errors
    /// When the programs are missing, or what is there cannot be used.
    pub fn prepare(settings: &Settings, data: &Path, ambient: &Ambient) -> Result<Self, EmbeddedError> {
        let found = find(data)?;
        let owner = Owner::choose(found.as_deref()).map_err(doing(|| "find a user for the database server".to_owned()))?;
        let release = found.as_deref().map(release_of).transpose()?;
        let programs = Programs::find(settings.programs.as_deref(), release)?;
        if let Some(folder) = found {
            return Ok(Self { folder, owner, programs });
        }
        let link = data.join("postgres");
        let outside = !owner.may_enter(data, &programs.path("initdb"));
        let folder = if outside { elsewhere(data)? } else { link.clone() };
        initialise(settings, &folder, owner, &programs, ambient)?;
        if outside {
            symlink(&folder, &link).map_err(doing(|| format!("link {}", link.display())))?;
            eprintln!("The database server may not enter {}, so its data lies in {}.", data.display(), folder.display());
        }
        Ok(Self { folder, owner, programs })
    }
}

fn release_of(cluster: &Path) -> Result<u32, EmbeddedError> {
    let file = cluster.join("PG_VERSION");
    let text = std::fs::read_to_string(&file).map_err(doing(|| format!("read {}", file.display())))?;
    text.trim().parse().map_err(|_| EmbeddedError::NotACluster { folder: cluster.to_owned() })
}

/// A folder for the cluster of a data folder that its owner may not enter. One that an older data
/// folder of the same name left behind is not taken over.
fn elsewhere(data: &Path) -> Result<PathBuf, EmbeddedError> {
    let root = Path::new(ELSEWHERE);
    std::fs::create_dir_all(root).map_err(doing(|| format!("make {ELSEWHERE}")))?;
    let name = name_for(data);
    let free = |folder: &PathBuf| !folder.exists();
    let numbered = (2..).map(|number| root.join(format!("{name}-{number}")));
    Ok(std::iter::once(root.join(&name)).chain(numbered).find(free).unwrap_or_else(|| unreachable!("numbers do not end")))
}

/// A name that a person recognises, and that no two folders share.
fn name_for(data: &Path) -> String {
    let plain: String = data.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let end = plain.trim_matches('-');
    let end = &end[end.len().saturating_sub(40)..];
    let hash = Sha256::digest(data.as_os_str().as_encoded_bytes());
    format!("{}-{}", end.trim_matches('-'), data_encoding::HEXLOWER.encode(&hash[..4]))
}

/// Makes a cluster beside its place and moves it there when it is whole, so that one that was begun
/// and not finished is never taken for a cluster.
fn initialise(settings: &Settings, folder: &Path, owner: Owner, programs: &Programs, ambient: &Ambient) -> Result<(), EmbeddedError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = folder.parent().unwrap_or(Path::new("/"));
    let prefix = format!("{name}.new-");
    remove_unfinished(parent, &prefix);
    let fresh = parent.join(format!("{prefix}{}", data_encoding::HEXLOWER.encode(&ambient.bytes::<4>())));
    std::fs::create_dir(&fresh).map_err(doing(|| format!("make {}", fresh.display())))?;
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(&fresh, private).map_err(doing(|| format!("protect {}", fresh.display())))?;
    owner.take(&fresh).map_err(doing(|| format!("give {} to the user of the database server", fresh.display())))?;
    initdb(settings, &fresh, owner, programs)?;
    std::fs::rename(&fresh, folder).map_err(doing(|| format!("move the new database to {}", folder.display())))?;
    let synced = std::fs::File::open(parent).and_then(|parent| parent.sync_all());
    synced.map_err(doing(|| format!("write {} to the disk", parent.display())))
}

/// Best effort: an unfinished cluster is in nobody's way.
fn remove_unfinished(parent: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix)) {
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::debug!("An unfinished database could not be removed: {error}");
        }
    }
}

fn initdb(settings: &Settings, folder: &Path, owner: Owner, programs: &Programs) -> Result<(), EmbeddedError> {
    let mut command = Command::new(programs.path("initdb"));
    command.args(["--username=switchboard", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"]);
    if !settings.durable {
        command.arg("--no-sync");
    }
    command.arg("--pgdata").arg(folder).stdin(Stdio::null());
    super::server::plain_environment(&mut command);
    owner.run_as(&mut command, folder);
    die_with_parent(&mut command, Signal::SIGKILL);
    let output = command.output().map_err(doing(|| format!("run {}", programs.path("initdb").display())))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(EmbeddedError::Initdb { status: output.status.to_string(), words })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_readable_short_and_not_shared() {
        let name = name_for(Path::new("/root/desk/switchboard-data"));
        assert!(name.starts_with("root-desk-switchboard-data-"), "{name}");
        assert_ne!(name, name_for(Path::new("/root-desk/switchboard-data")));
        assert!(name_for(Path::new(&"/ä".repeat(500))).len() < 60);
    }

    #[test]
    fn a_folder_that_is_no_cluster_is_refused_and_left_alone() {
        let data = tempfile::tempdir().expect("a folder");
        assert!(find(data.path()).expect("empty").is_none());
        std::fs::create_dir(data.path().join("postgres")).expect("made");
        std::fs::write(data.path().join("postgres/notes.txt"), "mine").expect("written");
        assert!(matches!(find(data.path()), Err(EmbeddedError::NotACluster { .. })));
        assert!(data.path().join("postgres/notes.txt").exists());
    }

    #[test]
    fn a_cluster_that_was_taken_away_is_not_replaced_by_an_empty_one() {
        let data = tempfile::tempdir().expect("a folder");
        symlink("/nonexistent/cluster", data.path().join("postgres")).expect("linked");
        assert!(matches!(find(data.path()), Err(EmbeddedError::Gone { .. })));
    }
}
