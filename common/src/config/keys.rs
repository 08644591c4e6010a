//! Reads one key after the other, and notes every fault.

use std::fmt;

use secrecy::SecretString;

use super::sources::{Origin, Sources, Written};

/// One thing that is wrong: which key, where it was written, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The dotted name of the key; empty when it is about a whole file.
    pub key: String,
    /// Where it was written, if it was.
    pub origin: Option<Origin>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.key.is_empty()) {
            (Some(origin), true) => write!(f, "{origin} {}", self.what),
            (Some(origin), false) => write!(f, "{} (from {origin}): {}", self.key, self.what),
            (None, _) => write!(f, "{}: {}", self.key, self.what),
        }
    }
}

/// A key that was read, for those who want to see what holds.
#[derive(Debug, Clone)]
pub struct Read {
    /// The dotted name.
    pub key: &'static str,
    /// Where it was written; `None` when the default holds.
    pub origin: Option<Origin>,
    /// What is shown of its value.
    pub shown: Option<String>,
}

/// All that was written, and which of it was asked for.
#[derive(Debug)]
pub struct Keys {
    sources: Sources,
    read: Vec<Read>,
    faults: Vec<Fault>,
}

impl Keys {
    pub fn new(mut sources: Sources) -> Self {
        let unreadable = std::mem::take(&mut sources.unreadable);
        let faults = unreadable.into_iter().map(|(origin, what)| Fault { key: String::new(), origin: Some(origin), what }).collect();
        Self { sources, read: Vec::new(), faults }
    }

    /// The value of a key, if it was written and is what was expected. What was read from the
    /// environment is always a string, and so `parse` takes numbers and the like as strings too.
    pub fn read<T>(&mut self, key: &'static str, expected: &str, parse: impl FnOnce(&toml::Value) -> Result<T, String>) -> Option<T> {
        let Written { value, origin } = self.begin(key)?;
        let shown = value.to_string();
        let value = parse(&value);
        self.end(key, origin, shown, expected, value)
    }

    /// The value of a key, or the default, given as it would be written.
    pub fn read_or<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl Fn(&toml::Value) -> Result<T, String>,
        default: impl Into<toml::Value>,
    ) -> T {
        if let Some(value) = self.read(key, expected, &parse) {
            return value;
        }
        let default = default.into();
        if let Some(read) = self.read.last_mut().filter(|read| read.origin.is_none()) {
            read.shown = Some(default.to_string());
        }
        parse(&default).unwrap_or_else(|what| unreachable!("the default of {key}: {what}"))
    }

    /// A value that nobody may see, or a reference to it: `env:NAME` or `file:PATH`. `check` returns
    /// what may be seen of it.
    pub fn secret(
        &mut self,
        key: &'static str,
        expected: &str,
        check: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<SecretString> {
        let Written { value, origin } = self.begin(key)?;
        let checked = super::values::text(&value).and_then(|text| resolve(&text)).and_then(|(text, reference)| {
            let shown = check(&text)?;
            Ok((SecretString::from(text), reference.unwrap_or(shown)))
        });
        let (secret, shown) = match checked {
            Ok((secret, shown)) => (Ok(secret), shown),
            Err(what) => (Err(what), String::new()),
        };
        self.end(key, origin, shown, expected, secret)
    }

    /// Whether a key was written, well or not.
    pub fn is_set(&self, key: &str) -> bool {
        self.sources.written.contains_key(key) || self.read.iter().any(|read| read.key == key && read.origin.is_some())
    }

    /// Notes that a key is needed and was not written.
    pub fn missing(&mut self, key: &str, expected: &str) {
        self.faults.push(Fault { key: key.to_owned(), origin: None, what: format!("missing: expected {expected}") });
    }

    /// Notes what was written and never asked for, and returns what was found.
    pub fn finish(mut self) -> (Vec<Fault>, Vec<Read>) {
        let known: Vec<&str> = self.read.iter().map(|read| read.key).collect();
        for (key, written) in &self.sources.written {
            let what = match nearest(key, known.iter().copied()) {
                Some(near) => format!("unknown key; did you mean {near}?"),
                None => format!("unknown key; the keys are {}", known.join(", ")),
            };
            self.faults.push(Fault { key: key.clone(), origin: Some(written.origin.clone()), what });
        }
        (self.faults, self.read)
    }

    fn begin(&mut self, key: &'static str) -> Option<Written> {
        let written = self.sources.written.remove(key);
        if written.is_none() {
            self.read.push(Read { key, origin: None, shown: None });
        }
        written
    }

    fn end<T>(&mut self, key: &'static str, origin: Origin, shown: String, expected: &str, value: Result<T, String>) -> Option<T> {
        self.read.push(Read { key, origin: Some(origin.clone()), shown: Some(shown) });
        match value {
            Ok(value) => Some(value),
            Err(what) => {
                self.faults.push(Fault { key: key.to_owned(), origin: Some(origin), what: format!("{what}; expected {expected}") });
                None
            }
        }
    }
}

/// What a value that may be a reference stands for, and the reference if it was one.
fn resolve(text: &str) -> Result<(String, Option<String>), String> {
    let found = if let Some(name) = text.strip_prefix("env:") {
        std::env::var(name).map_err(|_| format!("the variable {name} is not set"))?
    } else if let Some(path) = text.strip_prefix("file:") {
        std::fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?
    } else {
        return Ok((text.to_owned(), None));
    };
    Ok((found.trim_end_matches(['\r', '\n']).to_owned(), Some(text.to_owned())))
}

/// The name among those that are known which was most likely meant, if one is near.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.map(|known| (strsim::damerau_levenshtein(name, known), known));
    scored.min_by_key(|(distance, _)| *distance).filter(|(distance, known)| *distance <= (known.len() / 4).max(1)).map(|(_, known)| known)
}
