//! Takes mail in: from raw bytes to a message for the router, with nothing lost in between.
//!
//! In the order in which a mail travels:
//!
//! 1. [`pipe()`] is what a mail server's alias runs: it reads the mail from standard input, finds the
//!    account that it is for, and ends with an exit code that the mail server understands.
//!    [`run`] is the other way: it reads mailboxes by IMAP, as many workers as there are.
//! 2. [`accept()`] takes a mail whole or not at all. The mail is read by [`parse`], then its bytes and
//!    those of its attachments are made durable, then the message is published; it returns only when
//!    the broker has confirmed.
//! 3. [`parse`] is pure and total: any bytes give a [`parse::ParsedMail`], and what was odd about
//!    them is a flag on it.
//! 4. [`trim`] finds in its text what the person newly wrote.
//! 5. `message` makes it an `InboundMessage`, small enough for the broker: what is too large is cut,
//!    with a flag that says so, and stays whole in the raw mail.

mod accept;
mod imap;
mod message;
pub mod parse;
mod pipe;
pub mod trim;

pub use accept::{AcceptError, Accepted, LARGEST_MAIL, accept};
pub use imap::{BATCH, ImapSettings, IngestEmail, run};
pub use parse::SmtpEnvelope;
pub use pipe::{ExitCode, PipeExit, pipe};
