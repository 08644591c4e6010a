//! Where the values come from: the file, the environment, the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The file that is read where none is given, if it is there.
const USUAL_FILE: &str = "switchboard.toml";
const PREFIX: &str = "SWITCHBOARD_";
/// Variables that have a name of their own, and the key that each of them is.
const USUAL_NAMES: [(&str, &str); 3] =
    [("DATABASE_URL", "database_url"), ("AMQP_URL", "amqp.url"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "trace.endpoint")];

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the configuration file.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(String),
    /// As an option of the command.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Option(name) => f.write_str(name),
        }
    }
}

/// A value as it was written, with the name of its key as it was written there.
#[derive(Debug, Clone)]
pub struct Written {
    pub value: toml::Value,
    pub origin: Origin,
}

/// What all sources say, by the dotted name of the key; for each key the source that wins.
#[derive(Debug, Default)]
pub struct Sources {
    pub written: BTreeMap<String, Written>,
    /// What is wrong with a source as a whole.
    pub unreadable: Vec<(Origin, String)>,
}

impl Sources {
    pub fn read(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>, data: Option<&Path>) -> Self {
        let mut sources = Self::default();
        match file {
            Some(path) => sources.add_file(path),
            None if Path::new(USUAL_FILE).exists() => sources.add_file(Path::new(USUAL_FILE)),
            None => {}
        }
        sources.add_environment(environment);
        if let Some(data) = data {
            let value = toml::Value::String(data.to_string_lossy().into_owned());
            sources.written.insert("data".to_owned(), Written { value, origin: Origin::Option("--data") });
        }
        sources
    }

    fn add_file(&mut self, path: &Path) {
        let origin = Origin::File(path.to_owned());
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.unreadable.push((origin, format!("cannot be read: {error}"))),
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.add_table("", table, &origin),
            Err(error) => self.unreadable.push((origin, format!("is not TOML: {}", error.to_string().trim_end()))),
        }
    }

    fn add_table(&mut self, prefix: &str, table: toml::Table, origin: &Origin) {
        for (key, value) in table {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(table) => self.add_table(&name, table, origin),
                value => _ = self.written.insert(name, Written { value, origin: origin.clone() }),
            }
        }
    }

    /// The usual names first, so that `SWITCHBOARD_DATABASE_URL` wins over `DATABASE_URL`.
    fn add_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        let (mut plain, mut own) = (Vec::new(), Vec::new());
        for (name, value) in environment.filter(|(_, value)| !value.is_empty()) {
            match name.strip_prefix(PREFIX) {
                Some(rest) if !is_anothers(rest) => own.push((rest.to_lowercase().replace("__", "."), name, value)),
                _ => {
                    if let Some((_, key)) = USUAL_NAMES.iter().find(|(usual, _)| *usual == name) {
                        plain.push(((*key).to_owned(), name, value));
                    }
                }
            }
        }
        for (key, name, value) in plain.into_iter().chain(own) {
            self.written.insert(key, Written { value: toml::Value::String(value), origin: Origin::Variable(name) });
        }
    }
}

/// Kubernetes sets `SWITCHBOARD_PORT=tcp://…` and the like for a service that is called switchboard,
/// and what begins with `SWITCHBOARD_TEST_` is for the tests of this repository.
fn is_anothers(rest: &str) -> bool {
    rest == "PORT" || ["PORT_", "SERVICE_", "TEST_"].iter().any(|prefix| rest.starts_with(prefix))
}
