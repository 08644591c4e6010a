//! Routing rules: what must hold of a message, and what follows for the ticket that it opens.
//!
//! A [`Rule`] exists only when it was understood: [`read`] makes one from the document that the desk
//! file and the database have in common, with its patterns compiled and its words split, and names
//! every fault with its place. [`write`] makes the document again. The router tries them.

mod field;
mod read;
pub mod words;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use field::{Field, Kind};
pub use read::{Faults, read, read_condition, read_effects, stored};
pub use write::document;

use words::Phrase;

/// The priorities that every tenant begins with, the lowest first.
pub const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];

/// The languages that a rule can ask for: those that the router can tell, as ISO 639-1 codes them.
pub const LANGUAGES: [&str; 70] = [
    "af", "ak", "am", "ar", "az", "be", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "fa", "fi", "fr", "gu",
    "he", "hi", "hr", "hu", "hy", "id", "it", "ja", "jv", "ka", "km", "kn", "ko", "la", "lt", "lv", "mk", "ml", "mr", "my", "nb", "ne",
    "nl", "or", "pa", "pl", "pt", "ro", "ru", "si", "sk", "sl", "sn", "sr", "sv", "ta", "te", "th", "tk", "tl", "tr", "uk", "ur", "uz",
    "vi", "yi", "zh", "zu",
];

/// A rule that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// All of these must hold.
    pub when: Vec<Condition>,
    /// What follows.
    pub then: Effects,
}

/// Something that holds of a message or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// All of these hold.
    All(Vec<Condition>),
    /// One of these holds.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
    /// It came within the business hours, or outside of them.
    Hours {
        /// Within.
        inside: bool,
    },
    /// A fact is as asked.
    Test(Test),
}

/// A question about one fact.
#[derive(Debug, Clone)]
pub struct Test {
    /// Which.
    pub field: Field,
    /// What is asked of it.
    pub operator: Operator,
    /// The field's name, for the explanation.
    pub name: Arc<str>,
    /// The question in words, for the explanation.
    pub wanted: Arc<str>,
    /// The field's bit, by which is noted that somebody asked for it.
    pub bit: u32,
}

impl Test {
    /// A question about a fact.
    #[must_use]
    pub fn new(field: Field, operator: Operator) -> Self {
        let (name, wanted, bit) = (field.to_string().into(), operator.to_string().into(), field.bit());
        Self { field, operator, name, wanted, bit }
    }
}

impl PartialEq for Test {
    fn eq(&self, other: &Self) -> bool {
        (&self.field, &self.operator) == (&other.field, &other.operator)
    }
}

/// What is asked of a fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// It is this.
    Is(Value),
    /// It is one of these.
    OneOf(Vec<Value>),
    /// One of these words or phrases stands in it.
    Words(Vec<Phrase>),
    /// The pattern is found in it.
    Matches(Pattern),
    /// It is this number or a greater one.
    AtLeast(f64),
    /// It is this number or a smaller one.
    AtMost(f64),
    /// It is there, or is not.
    Exists(bool),
}

/// What a fact is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text, in any case.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

/// A pattern in the syntax of the crate `regex`, which takes linear time whatever the text.
#[derive(Debug, Clone)]
pub struct Pattern(regex::Regex);

/// The largest compiled pattern, in bytes.
const PATTERN_SIZE: usize = 256 * 1024;
/// The longest pattern as it is written, in bytes.
const PATTERN_LENGTH: usize = 1000;

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is none or becomes too large, in words on one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > PATTERN_LENGTH {
            return Err(format!("is longer than {PATTERN_LENGTH} bytes"));
        }
        let built = regex::RegexBuilder::new(text).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE).nest_limit(50).build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "becomes too large when it is compiled".to_owned(),
            error => {
                let text = error.to_string();
                let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
                last.trim().trim_start_matches("error: ").to_owned()
            }
        })
    }

    /// Whether it is found in a text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// What follows from a rule. What an earlier rule has set stays; tags add up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Effects {
    /// The name of the category.
    pub category: Option<String>,
    /// The name of the department.
    pub department: Option<String>,
    /// To whom it is assigned.
    pub assign: Option<Assign>,
    /// The name of the priority.
    pub priority: Option<String>,
    /// Names of tags.
    pub tags: Vec<String>,
    /// Custom fields.
    pub fields: BTreeMap<String, serde_json::Value>,
    /// No later rule is looked at.
    pub stop: bool,
}

/// To whom a ticket is assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assign {
    /// The handle of a person or group.
    pub to: String,
    /// How a group shares its tickets.
    pub by: Strategy,
}

/// How a group shares its tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "assign_strategy", rename_all = "snake_case")]
pub enum Strategy {
    /// Each is the whole group's.
    #[default]
    Everyone,
    /// Each goes to the next person in turn.
    RoundRobin,
    /// Each goes to the person who has the fewest open ones.
    FewestOpen,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Everyone, Self::RoundRobin, Self::FewestOpen];

    /// The word for it in a desk file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::RoundRobin => "round-robin",
            Self::FewestOpen => "fewest-open",
        }
    }
}

impl Condition {
    /// Every test within it, and whether the hours are asked for.
    pub fn visit<'c>(&'c self, seen: &mut impl FnMut(&'c Self)) {
        seen(self);
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.visit(seen)),
            Self::Not(part) => part.visit(seen),
            Self::Hours { .. } | Self::Test(_) => {}
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
        }
    }
}

fn listed<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    items.iter().map(shown).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => write!(f, "is {value}"),
            Self::OneOf(values) => write!(f, "is one of {}", listed(values, ToString::to_string)),
            Self::Words(phrases) => write!(f, "has one of the words {}", listed(phrases, |phrase| phrase.as_str().to_owned())),
            Self::Matches(pattern) => write!(f, "matches /{}/", pattern.as_str()),
            Self::AtLeast(number) => write!(f, "is at least {number}"),
            Self::AtMost(number) => write!(f, "is at most {number}"),
            Self::Exists(true) => f.write_str("is there"),
            Self::Exists(false) => f.write_str("is not there"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => write!(f, "all of ({})", listed(parts, ToString::to_string)),
            Self::Any(parts) => write!(f, "any of ({})", listed(parts, ToString::to_string)),
            Self::Not(part) => write!(f, "not ({part})"),
            Self::Hours { inside: true } => f.write_str("inside of the hours"),
            Self::Hours { inside: false } => f.write_str("outside of the hours"),
            Self::Test(test) => write!(f, "{} {}", test.name, test.wanted),
        }
    }
}

impl fmt::Display for Assign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            Strategy::Everyone => f.write_str(&self.to),
            by => write!(f, "{} by {}", self.to, by.as_str()),
        }
    }
}

impl fmt::Display for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.category.as_ref().map(|name| format!("category {name}")));
        parts.extend(self.department.as_ref().map(|name| format!("department {name}")));
        parts.extend(self.assign.as_ref().map(|assign| format!("assign {assign}")));
        parts.extend(self.priority.as_ref().map(|name| format!("priority {name}")));
        parts.extend((!self.tags.is_empty()).then(|| format!("tags {}", self.tags.join(", "))));
        parts.extend(self.fields.iter().map(|(key, value)| format!("field {key} {value}")));
        parts.extend(self.stop.then(|| "stop".to_owned()));
        f.write_str(&parts.join(", "))
    }
}
