//! Secrets that are named by where they are to be had, and never kept: `env:NAME` or `file:PATH`.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

/// Why a secret cannot be had. It names the reference, and never the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The environment has no such variable.
    #[error("the variable {0} is not set")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("{path} cannot be read: {why}")]
    NoFile {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// There is nothing there.
    #[error("{0} is empty")]
    Empty(String),
    /// It is no reference. It is not repeated, since it may be the secret itself.
    #[error("expected env:NAME or file:PATH")]
    NoReference,
}

/// What a reference stands for, at this moment.
///
/// # Errors
/// When it stands for nothing.
pub fn read(reference: &str) -> Result<SecretString, SecretError> {
    let found = if let Some(name) = reference.strip_prefix("env:") {
        std::env::var(name).map_err(|_| SecretError::NoVariable(name.to_owned()))?
    } else if let Some(path) = reference.strip_prefix("file:") {
        std::fs::read_to_string(path).map_err(|error| SecretError::NoFile { path: path.to_owned(), why: error.to_string() })?
    } else {
        return Err(SecretError::NoReference);
    };
    let found = found.trim_end_matches(['\r', '\n']);
    if found.is_empty() { Err(SecretError::Empty(reference.to_owned())) } else { Ok(SecretString::from(found)) }
}

/// A secret that was read, and can be read again when it is refused.
#[derive(Debug)]
pub struct Secret {
    reference: String,
    value: Mutex<SecretString>,
}

impl Secret {
    /// Reads what a reference stands for.
    ///
    /// # Errors
    /// When it stands for nothing.
    pub fn read(reference: &str) -> Result<Self, SecretError> {
        Ok(Self { value: Mutex::new(read(reference)?), reference: reference.to_owned() })
    }

    /// What was read last.
    #[must_use]
    pub fn value(&self) -> SecretString {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads it again. Says whether it is another one than `refused`, so that it is worth to try again.
    pub fn renew(&self, refused: &SecretString) -> bool {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(found) = read(&self.reference) {
            *value = found;
        }
        value.expose_secret() != refused.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_changed_is_seen_when_the_old_one_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "first\n").expect("written");
        let secret = Secret::read(&format!("file:{}", file.path().display())).expect("a secret");
        let first = secret.value();
        assert_eq!(first.expose_secret(), "first", "without the end of its line");
        assert!(!secret.renew(&first), "it is still the same");
        std::fs::write(file.path(), "second").expect("written");
        assert!(secret.renew(&first));
        assert_eq!(secret.value().expose_secret(), "second");
        drop(file);
        assert!(secret.renew(&first), "another task has read it, and the file is gone since");
    }

    #[test]
    fn what_is_no_secret_is_named_by_its_place_alone() {
        for (reference, expected) in [
            ("env:SWITCHBOARD_NO_SUCH_VARIABLE", "the variable SWITCHBOARD_NO_SUCH_VARIABLE is not set"),
            ("file:/dev/null", "file:/dev/null is empty"),
            ("hunter2", "expected env:NAME or file:PATH"),
        ] {
            assert_eq!(read(reference).expect_err("no secret").to_string(), expected);
        }
        assert!(read("file:/no/such/file").expect_err("no file").to_string().starts_with("/no/such/file cannot be read"));
    }
}
