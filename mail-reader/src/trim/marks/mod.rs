//! What mail programs write around what is answered, as data: one more program or language is one
//! more line. All are in lower case, with plain spaces and apostrophes, as [`super::lines::folded`]
//! gives what they are compared with.

pub(super) mod introductions;
pub(super) mod labels;
pub(super) mod separators;
pub(super) mod signatures;
pub(super) mod subjects;
