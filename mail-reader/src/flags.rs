//! What was odd about a mail: put on record with it, so that a person who wonders finds the reason.

use std::fmt;

/// Each oddity with its code, by which programs know it, and its words, for people. What stands
/// here stands in `docs/mail.md` too.
macro_rules! flags {
    ($($(#[doc = $doc:literal])+ $name:ident: $code:literal, $words:literal;)+) => {
        /// One oddity.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Flag {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Flag {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name by which programs know it; never changes.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// What it means, in words.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)+
                }
            }
        }
    };
}

flags! {
    /// Reading it failed in a way that nobody foresaw; its text is the raw mail.
    Unreadable: "unreadable", "unreadable: shown as it came";

    // The header.

    /// It names no sender at all.
    NoSender: "no_sender", "no sender";
    /// It has no usable From; the sender stood in Sender.
    SenderFromSender: "sender_from_sender", "no usable From: sender taken from Sender";
    /// It has no usable From; the sender stood in Reply-To.
    SenderFromReplyTo: "sender_from_reply_to", "no usable From: sender taken from Reply-To";
    /// It has no usable From; the sender stood in Return-Path or in the envelope.
    SenderFromReturnPath: "sender_from_return_path", "no usable From: sender taken from Return-Path";
    /// It has no Message-ID.
    NoMessageId: "no_message_id", "no Message-ID";
    /// Its Message-ID is longer than a line of mail may be, and not used.
    LongMessageId: "long_message_id", "Message-ID too long: not used";
    /// It has more than one Message-ID; the first is used.
    SeveralMessageIds: "several_message_ids", "several Message-IDs: the first is used";
    /// It has no Date.
    NoDate: "no_date", "no Date";
    /// Its Date cannot be read.
    UnreadableDate: "unreadable_date", "Date cannot be read";
    /// Its Date is written in a way that leaves something open, such as the zone: that was guessed.
    GuessedDate: "guessed_date", "Date guessed in part";
    /// A line among the header fields is none; it is left out.
    MalformedHeader: "malformed_header", "malformed header line left out";
    /// It has more header fields, or longer ones, than are read.
    CutHeader: "cut_header", "header cut: too many or too long fields";
    /// More addresses than are kept.
    CutRecipients: "cut_recipients", "recipients cut: too many";
    /// More references than are kept; the first and the newest are.
    CutReferences: "cut_references", "references cut: the first and the newest are kept";

    // Bytes and characters.

    /// Text without a usable charset: the charset was guessed.
    GuessedCharset: "guessed_charset", "charset guessed";
    /// Text with bytes that its charset does not have.
    WrongCharset: "wrong_charset", "bytes that the charset does not have";
    /// A part whose transfer encoding is broken, or an encoded word or parameter in the header that is,
    /// read as far as it goes.
    BrokenEncoding: "broken_encoding", "broken encoding of a part or of a header field";

    // The structure.

    /// Its MIME structure is broken: a boundary that is not there, or nowhere named.
    BrokenStructure: "broken_structure", "broken MIME structure";
    /// More parts, or nested deeper, than are read.
    CutStructure: "cut_structure", "too many parts, or nested too deep: the rest is only in the raw mail";

    /// Text after the last part, which no mail program shows.
    LeftOutEpilogue: "left_out_epilogue", "text after the last part left out";
    /// It is encrypted, or a part of it is.
    Encrypted: "encrypted", "encrypted: what is in it cannot be read here";
    /// It is one of several pieces of a mail (message/partial).
    PartialMessage: "partial_message", "a piece of a mail that was sent in several";
    /// An attachment that is only told where it can be found (message/external-body).
    ExternalBody: "external_body", "an attachment is elsewhere: only its place was sent";

    // The text, its HTML and what came with it.

    /// An alternative that is made for other readers than ours, such as AMP.
    LeftOutAlternative: "left_out_alternative", "an alternative for other programs left out";
    /// A plain text that only says that there is HTML.
    LeftOutPlaceholder: "left_out_placeholder", "plain text only says that there is HTML: left out";
    /// There is no other text than that of an attachment.
    TextFromAttachment: "text_from_attachment", "no text but that of an attachment";
    /// There is no other text than that of the mails attached to it.
    TextFromAttachedMail: "text_from_attached_mail", "no text but that of the attached mail";
    /// There is no other text than an invitation, put in words.
    TextFromCalendar: "text_from_calendar", "no text but an invitation";
    /// What a Macintosh keeps beside a file was sent with it, and is of no use elsewhere.
    LeftOutResourceFork: "left_out_resource_fork", "Macintosh resource fork left out";
    /// A winmail.dat that cannot be read, or not whole.
    BrokenTnef: "broken_tnef", "winmail.dat cannot be read whole: kept as it came";
    /// What an attachment is said to be is not what it is.
    TypeMismatch: "type_mismatch", "an attachment is not what it is said to be";

    /// HTML longer, or nested deeper, than is read.
    CutHtml: "cut_html", "HTML too long or nested too deep to be read whole";
    /// Pictures that are on the web: they do not load by themselves, for whose they are would learn of it.
    RemoteImages: "remote_images", "remote images, not loaded by themselves";
    /// Text longer than the router is told.
    CutText: "cut_text", "text cut: the raw mail has all of it";
    /// What the person newly wrote is longer than the router is told.
    CutReply: "cut_reply", "reply cut: the raw mail has all of it";
    /// HTML larger than the router is told.
    LeftOutHtml: "left_out_html", "HTML too large: it is only in the raw mail";
    /// More attachments than are kept.
    CutAttachments: "cut_attachments", "too many attachments: the rest is only in the raw mail";
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
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
