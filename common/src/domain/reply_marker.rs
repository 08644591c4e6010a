//! The line above which an agent writes an answer by mail: the notifier puts it on top of what it
//! quotes, and whoever reads the answer cuts from it on.

/// Stands alone on a line in every mail that may be answered.
pub const REPLY_MARKER: &str = "— Write your answer above this line —";
