//! Finds the system's own PostgreSQL programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The schema needs `unique nulls not distinct`, which came with PostgreSQL 15.
const OLDEST: u32 = 15;

/// A folder with the programs of one release of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    major: u32,
    folder: PathBuf,
}

/// Why no programs can be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramsError {
    /// None were found.
    #[error("PostgreSQL's programs (initdb and postgres, version {OLDEST} or later) were not found in {}.\n{INSTALL}", list(searched))]
    Missing {
        /// Where they were looked for.
        searched: Vec<PathBuf>,
    },
    /// Some were found, but all are too old.
    #[error("PostgreSQL {newest} in {} is too old: version {OLDEST} or later is needed.\n{INSTALL}", folder.display())]
    TooOld {
        /// The newest that was found.
        newest: u32,
        /// Where it was found.
        folder: PathBuf,
    },
    /// The data belongs to a release that is not installed.
    #[error(
        "the data was written by PostgreSQL {wanted}, whose programs were not found (found: {found}).\n\
         Install that version beside the others (Debian and Ubuntu: apt-get install postgresql-{wanted}), or convert the data with pg_upgrade."
    )]
    OtherRelease {
        /// The release that wrote the data.
        wanted: u32,
        /// The releases that were found.
        found: String,
    },
}

const INSTALL: &str = "\
Install PostgreSQL:
  Debian, Ubuntu   apt-get install postgresql
  Fedora, RHEL     dnf install postgresql-server
  Arch             pacman -S postgresql
  Alpine           apk add postgresql
  macOS            brew install postgresql@17
or name the folder of its programs in SWITCHBOARD_POSTGRES_BIN,
or name a server that runs already in DATABASE_URL.";

impl Programs {
    /// Finds the newest programs, or those of the release `wanted`, in the folder `given` or, without
    /// one, where the systems' packages put them and in the PATH.
    ///
    /// # Errors
    /// When there are none that can be used; the error says what to install.
    pub fn find(given: Option<&Path>, wanted: Option<u32>) -> Result<Self, ProgramsError> {
        let searched = given.map_or_else(usual_folders, |folder| vec![folder.to_owned()]);
        let found: Vec<Self> = searched.iter().filter_map(|folder| Self::in_folder(folder)).collect();
        choose(found, wanted, searched)
    }

    /// The path of one of the programs.
    #[must_use]
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { major, folder: folder.to_owned() })
    }
}

/// The newest, or those of the release `wanted`; of several of one release the first.
fn choose(mut found: Vec<Programs>, wanted: Option<u32>, searched: Vec<PathBuf>) -> Result<Programs, ProgramsError> {
    found.sort_by_key(|programs| std::cmp::Reverse(programs.major));
    let newest = found.first().cloned().ok_or(ProgramsError::Missing { searched })?;
    match wanted {
        None if newest.major < OLDEST => Err(ProgramsError::TooOld { newest: newest.major, folder: newest.folder }),
        None => Ok(newest),
        Some(wanted) => {
            let mut releases: Vec<String> = found.iter().map(|programs| programs.major.to_string()).collect();
            releases.dedup();
            let other = ProgramsError::OtherRelease { wanted, found: releases.join(", ") };
            found.into_iter().find(|programs| programs.major == wanted).ok_or(other)
        }
    }
}

/// The major version in the answer of `postgres --version`: `postgres (PostgreSQL) 17.2 (Debian …)`.
fn major_of(answer: &str) -> Option<u32> {
    let version = answer.split_once("(PostgreSQL) ")?.1;
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

fn usual_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    folders.extend(below("/usr/lib/postgresql", "", "bin"));
    folders.extend(below("/usr", "pgsql-", "bin"));
    folders.extend(below("/opt/homebrew/opt", "postgresql", "bin"));
    folders.extend(below("/usr/local/opt", "postgresql", "bin"));
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders
}

/// The folder `leaf` of each folder in `root` whose name begins with `prefix`.
fn below(root: &str, prefix: &str, leaf: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let begins = |name: &OsStr| name.to_string_lossy().starts_with(prefix);
    entries
        .flatten()
        .filter(|entry| begins(&entry.file_name()))
        .map(|entry| entry.path().join(leaf))
        .filter(|folder| folder.is_dir())
        .collect()
}

fn list(folders: &[PathBuf]) -> String {
    if folders.is_empty() {
        return "the usual folders".to_owned();
    }
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs(major: u32) -> Programs {
        Programs { major, folder: PathBuf::from(format!("/pg/{major}/bin")) }
    }

    #[test]
    fn the_version_is_read_from_every_kind_of_release() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 9.6.24\n"), Some(9));
        assert_eq!(major_of("something else"), None);
    }

    #[test]
    fn new_data_gets_the_newest_release_and_old_data_its_own() {
        let found = vec![programs(15), programs(17), programs(16)];
        assert_eq!(choose(found.clone(), None, Vec::new()).expect("found"), programs(17));
        assert_eq!(choose(found.clone(), Some(15), Vec::new()).expect("found"), programs(15));
        let linked = Programs { folder: PathBuf::from("/usr/local/bin"), ..programs(17) };
        let both = [found.clone(), vec![linked]].concat();
        assert_eq!(choose(both, None, Vec::new()).expect("found"), programs(17), "the first of two of one release");
        let error = choose(found, Some(14), Vec::new()).expect_err("not installed");
        assert!(error.to_string().contains("apt-get install postgresql-14"), "{error}");
        assert!(error.to_string().contains("17, 16, 15"), "{error}");
    }

    #[test]
    fn missing_or_old_programs_are_an_error_that_says_what_to_install() {
        let missing = choose(Vec::new(), None, vec![PathBuf::from("/nowhere")]).expect_err("none");
        let old = choose(vec![programs(13)], None, Vec::new()).expect_err("too old");
        for error in [missing.to_string(), old.to_string()] {
            assert!(error.contains("apt-get install postgresql") && error.contains("DATABASE_URL"), "{error}");
        }
        assert!(old.to_string().contains("PostgreSQL 13 in /pg/13/bin"), "{old}");
    }
}
