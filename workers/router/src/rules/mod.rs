//! Where a new ticket goes.
//!
//! [`evaluate`] tries the rules on the [`facts`] of a message: a pure function from rules and facts to
//! a decision with its reasons. [`route`] makes of that the ids of the desk: what no rule has set comes
//! from the category. Whom of a group it goes to is decided by [`assign`], later, when the group's turns
//! are locked. docs/routing.md says all of it to those who write rules.

pub mod assign;
mod evaluate;
mod facts;
mod language;
mod route;
#[cfg(test)]
mod tests;

pub use evaluate::{Decision, Set, evaluate};
pub use facts::{Facts, Opened, TEXT, View};
pub use language::{UNKNOWN, detect};
pub use route::{Route, route};
