//! Addresses that nothing is sent to any more.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::method::Method;

/// How much is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    All,
    /// What is not about the reader's own: digests, and what they only follow.
    Optional,
}

impl Scope {
    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Optional => "optional",
        }
    }

    /// The scope of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::All, Self::Optional].into_iter().find(|scope| scope.as_str() == name)
    }
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing can be delivered there.
    Bounce,
    /// Its owner reported us.
    Complaint,
    /// Its owner wrote STOP, or the platform says so.
    Stop,
    /// Its owner followed the link.
    Unsubscribed,
    /// An operator decided it.
    Operator,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bounce, Self::Complaint, Self::Stop, Self::Unsubscribed, Self::Operator];

    /// The name that the database keeps.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Complaint => "complaint",
            Self::Stop => "stop",
            Self::Unsubscribed => "unsubscribed",
            Self::Operator => "operator",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An address as suppressions compare it: mail addresses in lower case.
#[must_use]
pub fn normal(method: Method, address: &str) -> String {
    let address = address.trim();
    if method == Method::Email { address.to_lowercase() } else { address.to_owned() }
}

/// What a whole short message asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// To send nothing more.
    Stop,
    /// To send again.
    Start,
}

/// Twilio's words, as it reads them by default: the whole text, in any case
/// (<https://help.twilio.com/articles/223134027-Twilio-support-for-opt-out-keywords-SMS-STOP-filtering>).
const WORDS: [(&str, Keyword); 11] = [
    ("stop", Keyword::Stop),
    ("stopall", Keyword::Stop),
    ("unsubscribe", Keyword::Stop),
    ("revoke", Keyword::Stop),
    ("optout", Keyword::Stop),
    ("cancel", Keyword::Stop),
    ("end", Keyword::Stop),
    ("quit", Keyword::Stop),
    ("start", Keyword::Start),
    ("unstop", Keyword::Start),
    ("yes", Keyword::Start),
];

/// The words that may also be an answer to what an agent asked, or a client's concern.
const ALSO_SAID: [&str; 4] = ["cancel", "end", "quit", "yes"];

impl Keyword {
    /// What a whole short message asks of us, if it is one of the words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, keyword)| *keyword)
    }

    /// Whether a text that is one of the words says nothing else that somebody should read.
    #[must_use]
    pub fn is_all_that_is_said(text: &str) -> bool {
        let text = text.trim();
        Self::of(text).is_some() && !ALSO_SAID.iter().any(|word| word.eq_ignore_ascii_case(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_s_words_are_heeded_as_the_whole_text_and_nothing_that_only_contains_them() {
        let table = [
            ("STOP", Some(Keyword::Stop), true),
            (" stop\n", Some(Keyword::Stop), true),
            ("StopAll", Some(Keyword::Stop), true),
            ("unsubscribe", Some(Keyword::Stop), true),
            ("REVOKE", Some(Keyword::Stop), true),
            ("OptOut", Some(Keyword::Stop), true),
            ("cancel", Some(Keyword::Stop), false),
            ("END", Some(Keyword::Stop), false),
            ("quit", Some(Keyword::Stop), false),
            ("Start", Some(Keyword::Start), true),
            ("UNSTOP", Some(Keyword::Start), true),
            ("yes", Some(Keyword::Start), false),
            ("STOP please", None, false),
            ("please stop", None, false),
            ("stop.", None, false),
            ("stop all", None, false),
            ("opt-out", None, false),
            ("HELP", None, false),
            ("no", None, false),
            ("", None, false),
        ];
        for (text, keyword, alone) in table {
            assert_eq!((Keyword::of(text), Keyword::is_all_that_is_said(text)), (keyword, alone), "{text:?}");
        }
    }

    #[test]
    fn a_mail_address_is_the_same_in_any_case_and_a_slack_user_is_not() {
        assert_eq!(normal(Method::Email, " Ada@Example.ORG "), "ada@example.org");
        assert_eq!(normal(Method::Slack, "T024BE7LD/U024BE7LH"), "T024BE7LD/U024BE7LH");
        assert_eq!(normal(Method::Webhook, "https://x.example/A"), "https://x.example/A");
    }
}
