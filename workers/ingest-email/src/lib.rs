//! Takes mail in: from raw bytes to a message for the router, with nothing lost in between.
//!
//! In the order in which a mail travels:
//!
//! 1. [`pipe()`] is what a mail server's alias runs: it reads the mail from standard input, finds the
//!    account that it is for, and ends with an exit code that the mail server understands.
//!    [`run`] is the other way: it reads mailboxes by IMAP, as many workers as there are.
//! 2. [`accept()`] takes a mail whole or not at all. The mail is read by the crate
//!    [`switchboard_mail_reader`], then its bytes and those of its attachments are made durable, then
//!    the message is published; it returns only when the broker has confirmed.
//! 3. `message` makes it an `InboundMessage`, small enough for the broker: large texts go by
//!    reference, and attachments above a limit stay in the raw mail, which the message says.

mod accept;
mod imap;
mod message;
mod pipe;

pub use accept::{AcceptError, Accepted, LARGEST_MAIL, accept};
pub use imap::{BATCH, ImapSettings, IngestEmail, run};
pub use message::Limits;
pub use pipe::{ExitCode, PipeExit, pipe};
pub use switchboard_mail_reader::SmtpEnvelope;
