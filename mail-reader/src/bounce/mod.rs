//! What a mail system says about a mail that it could not deliver (RFC 3464).

use serde::Serialize;

use crate::structure::Part;

/// A report about a mail that was not, or not yet, delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bounce {
    /// What became of it for each recipient that the report names.
    pub recipients: Vec<FailedRecipient>,
    /// The Message-ID of the mail that it is about, without angle brackets.
    pub original_message_id: Option<String>,
    /// It failed for good for at least one recipient.
    pub permanent: bool,
}

/// What became of a mail for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedRecipient {
    /// The address, in lower case.
    pub recipient: String,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded` (RFC 3464, 2.3.3).
    pub action: Option<String>,
    /// The enhanced status code, such as `5.1.1` (RFC 3463).
    pub status: Option<String>,
    /// What the other server answered.
    pub diagnostic: Option<String>,
}

/// The report that a mail is; `None` when it is none.
pub(crate) fn read(_root: &Part<'_>) -> Option<Bounce> {
    None
}
