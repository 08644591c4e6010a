//! Clients: found by their keys, merged, and decided on by people.

mod ambiguities;
mod claim;
mod merge;

pub use ambiguities::{AmbiguityState, NewAmbiguity, add_ambiguities, ambiguity, decide_ambiguity};
pub use claim::{ExternalIdRow, Found, Held, Lookup, Person, claim, find, give_up, insert, members, settle, verify};
pub use merge::{MergeRow, add_merge, handles, lock, root, undo_merge};
