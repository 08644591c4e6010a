//! The mails in the repository: the reader's fixtures, and what the fuzz targets begin with.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that the fuzz target `target` begins with, by name, in the order of their names.
///
/// # Panics
///
/// When they are not there.
#[must_use]
pub fn of_target(target: &str) -> Vec<(String, Vec<u8>)> {
    files(&repository().join("fuzz/corpus").join(target), "")
}

/// The reader's fixtures, by name, in the order of their names.
///
/// # Panics
///
/// When they are not there.
#[must_use]
pub fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = repository().join("mail-reader/tests/mails");
    let mut topics: Vec<PathBuf> = entries(&folder).into_iter().filter(|path| path.is_dir()).collect();
    topics.sort();
    topics.iter().flat_map(|topic| files(topic, ".eml")).collect()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    listed.map(|entry| entry.expect("a folder can be read on").path()).collect()
}

fn files(folder: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths: Vec<PathBuf> =
        entries(folder).into_iter().filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending)).collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    paths.iter().map(|path| (path.display().to_string(), read(path))).collect()
}
