//! Reads the fields of one table of a desk file, and notes every fault with its place.

use switchboard_common::config::nearest;
use toml::{Table, Value};

/// All that is wrong with a desk file, each with its place.
pub type Faults = Vec<String>;

/// A table while it is being read.
#[derive(Debug)]
pub struct Fields<'f> {
    place: String,
    table: Table,
    known: Vec<&'static str>,
    faults: &'f mut Faults,
}

impl<'f> Fields<'f> {
    pub fn new(place: String, table: Table, faults: &'f mut Faults) -> Self {
        Self { place, table, known: Vec::new(), faults }
    }

    /// The name of the place of a table within this one.
    pub fn place_within(&self, key: &str) -> String {
        format!("{}: {key}", self.place)
    }

    /// Notes a fault of this table.
    pub fn fault(&mut self, what: &str) {
        self.faults.push(format!("{}: {what}", self.place));
    }

    /// A text, if it is there.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.trim().is_empty() => self.wrong(key, "is empty"),
            Value::String(text) if text.chars().any(char::is_control) => self.wrong(key, "holds a line break or another control character"),
            Value::String(text) => Some(text.trim().to_owned()),
            other => self.wrong(key, &format!("is {}, and should be a text", kind(&other))),
        }
    }

    /// A text of several lines, if it is there.
    pub fn long_text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.trim().is_empty() => self.wrong(key, "is empty"),
            Value::String(text) if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) => {
                self.wrong(key, "holds a control character")
            }
            Value::String(text) => Some(text.replace("\r\n", "\n").trim_end().to_owned()),
            other => self.wrong(key, &format!("is {}, and should be a text", kind(&other))),
        }
    }

    /// A text that has to be there, and that `parse` understands.
    pub fn required<T>(&mut self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            return self.wrong(key, "is missing");
        }
        self.parsed(key, parse)
    }

    /// A text that `parse` understands, if it is there.
    pub fn parsed<T>(&mut self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|what| self.fault(&format!("{key}: {what}"))).ok()
    }

    /// The texts of a list that `parse` understands.
    pub fn all_parsed<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let texts = self.texts(key);
        texts.iter().filter_map(|text| parse(text).map_err(|what| self.fault(&format!("{key}: {what}"))).ok()).collect()
    }

    /// Whether something was written for a key.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where faults are noted, for tables within this one.
    pub fn faults(&mut self) -> &mut Faults {
        self.faults
    }

    /// A list of texts; empty when it is not there.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        let texts = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                self.wrong::<()>(key, &format!("is {}, and should be a list of texts", kind(&other)));
                return Vec::new();
            }
        };
        let mut read = Vec::new();
        for value in texts {
            match value {
                Value::String(text) if !text.trim().is_empty() => read.push(text.trim().to_owned()),
                other => _ = self.wrong::<()>(key, &format!("holds {other}, and should hold texts")),
            }
        }
        read
    }

    /// One of a few words, or what holds without it.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)], default: T) -> T {
        let Some(text) = self.text(key) else { return default };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == text) {
            return *choice;
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.wrong::<()>(key, &format!("is {text:?}, and should be {}", words.join(" or ")));
        default
    }

    /// Yes or no, or what holds without it.
    pub fn boolean(&mut self, key: &'static str, default: bool) -> bool {
        match self.take(key) {
            None => default,
            Some(Value::Boolean(value)) => value,
            Some(other) => self.wrong(key, &format!("is {}, and should be true or false", kind(&other))).unwrap_or(default),
        }
    }

    /// A number within a range, or what holds without it.
    pub fn number(&mut self, key: &'static str, range: std::ops::RangeInclusive<i32>, default: i32) -> i32 {
        let value = match self.take(key) {
            None => return default,
            Some(Value::Integer(value)) => i32::try_from(value).ok().filter(|value| range.contains(value)),
            Some(_) => None,
        };
        let (least, most) = (range.start(), range.end());
        value.or_else(|| self.wrong(key, &format!("should be a number from {least} to {most}"))).unwrap_or(default)
    }

    /// What was written for a key, whatever it is.
    pub fn json(&mut self, key: &'static str) -> Option<serde_json::Value> {
        self.take(key).map(json_of)
    }

    /// A table within this one, if it is there.
    pub fn table(&mut self, key: &'static str) -> Option<Table> {
        match self.take(key)? {
            Value::Table(table) => Some(table),
            other => self.wrong(key, &format!("is {}, and should be a table", kind(&other))),
        }
    }

    /// A list of tables within this one, each written `[[tenant.departments]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Table> {
        let values = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => vec![other],
        };
        let mut tables = Vec::new();
        for value in values {
            match value {
                Value::Table(table) => tables.push(table),
                other => _ = self.wrong::<()>(key, &format!("is {}, and should be tables, each written [[…{key}]]", kind(&other))),
            }
        }
        tables
    }

    /// Notes what nobody asked for.
    pub fn finish(mut self) {
        let unknown: Vec<String> = self.table.keys().cloned().collect();
        for key in unknown {
            let what = match nearest(&key, self.known.iter().copied()) {
                Some(near) => format!("unknown key {key}; did you mean {near}?"),
                None => format!("unknown key {key}; the keys are {}", self.known.join(", ")),
            };
            self.fault(&what);
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn wrong<T>(&mut self, key: &str, what: &str) -> Option<T> {
        self.fault(&format!("{key} {what}"));
        None
    }
}

fn json_of(value: Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.into(),
        Value::Integer(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Boolean(flag) => flag.into(),
        Value::Datetime(time) => time.to_string().into(),
        Value::Array(items) => items.into_iter().map(json_of).collect(),
        Value::Table(table) => table.into_iter().map(|(key, value)| (key, json_of(value))).collect(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
