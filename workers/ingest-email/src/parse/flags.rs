//! What was odd about a mail: put on record with it, so that a person who wonders finds the reason.

use std::fmt;

/// One oddity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flag {
    /// Reading it failed in a way that nobody foresaw; its text is the raw mail.
    Unreadable,
    /// It names no sender at all.
    NoSender,
    /// It has no usable From; the sender stood in the field named here.
    SenderFrom(&'static str),
    /// It has no Message-ID.
    NoMessageId,
    /// Its Message-ID is longer than a line of mail may be, and not used.
    LongMessageId,
    /// It has more than one Message-ID; the first is used.
    SeveralMessageIds,
    /// It has no Date.
    NoDate,
    /// Its Date cannot be read.
    UnreadableDate,
    /// A line among the header fields is none; it is left out.
    MalformedHeader,
    /// It has more header fields, or longer ones, than are read.
    CutHeader,
    /// More addresses than are kept.
    CutRecipients,
    /// More references than are kept; the first and the newest are.
    CutReferences,
    /// Text without a usable charset, read as UTF-8 or Windows-1252.
    GuessedCharset,
    /// Text with bytes that its charset does not have.
    WrongCharset,
    /// A part whose transfer encoding is broken, read as far as it goes.
    BrokenEncoding,
    /// Its MIME structure is broken: a boundary that is not there, or nowhere named.
    BrokenStructure,
    /// More parts, or nested deeper, than are read.
    CutStructure,
    /// HTML longer, or nested deeper, than is turned to text.
    CutHtml,
    /// Text longer than the router is told.
    CutText,
    /// What the person newly wrote is longer than the router is told.
    CutReply,
    /// HTML larger than the router is told.
    LeftOutHtml,
    /// More attachments than are kept.
    CutAttachments,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "unreadable: shown as it came",
            Self::NoSender => "no sender",
            Self::SenderFrom(field) => return write!(f, "no usable From: sender taken from {field}"),
            Self::NoMessageId => "no Message-ID",
            Self::LongMessageId => "Message-ID too long: not used",
            Self::SeveralMessageIds => "several Message-IDs: the first is used",
            Self::NoDate => "no Date",
            Self::UnreadableDate => "Date cannot be read",
            Self::MalformedHeader => "malformed header line left out",
            Self::CutHeader => "header cut: too many or too long fields",
            Self::CutRecipients => "recipients cut: too many",
            Self::CutReferences => "references cut: the first and the newest are kept",
            Self::GuessedCharset => "charset guessed",
            Self::WrongCharset => "bytes that the charset does not have",
            Self::BrokenEncoding => "broken transfer encoding",
            Self::BrokenStructure => "broken MIME structure",
            Self::CutStructure => "too many parts, or nested too deep: the rest is only in the raw mail",
            Self::CutHtml => "HTML too long or nested too deep for its text",
            Self::CutText => "text cut: the raw mail has all of it",
            Self::CutReply => "reply cut: the raw mail has all of it",
            Self::LeftOutHtml => "HTML too large: it is only in the raw mail",
            Self::CutAttachments => "too many attachments: the rest is only in the raw mail",
        })
    }
}

/// The oddities found so far, each once, in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Flags(Vec<Flag>);

impl Flags {
    pub(crate) fn note(&mut self, flag: Flag) {
        if !self.0.contains(&flag) {
            self.0.push(flag);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Flag> {
        self.0
    }
}
