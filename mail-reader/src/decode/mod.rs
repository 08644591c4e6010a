//! From the bytes on the wire to bytes and text as they were meant: `transfer` undoes the transfer
//! encoding, `charset` makes text, `clean` takes out what no reader wants, `flowed` joins the lines
//! that a sender's program broke.

mod base64;
mod charset;
mod clean;
mod flowed;
mod quoted_printable;
mod transfer;
mod uuencode;

use std::borrow::Cow;

use crate::flags::Flags;

pub(crate) use clean::clean;
pub(crate) use flowed::unflowed;
pub(crate) use transfer::transfer;
pub(crate) use uuencode::uuencoded_files;

/// Text from bytes and the charset that they are labelled with. A label that is missing or wrong is
/// made up for, with a flag.
pub(crate) fn text(bytes: &[u8], label: Option<&str>, flags: &mut Flags) -> String {
    charset::text(Cow::Borrowed(bytes), label, flags)
}

/// The text of a part, clean. HTML may name its charset itself. Takes the bytes, so that text which is
/// what it should be is not copied.
pub(crate) fn body(bytes: Cow<'_, [u8]>, label: Option<&str>, is_html: bool, flags: &mut Flags) -> String {
    let text = if is_html { charset::html_text(bytes, label, flags) } else { charset::text(bytes, label, flags) };
    clean(text)
}

/// What stands in a header without being encoded: ASCII or UTF-8, and what is neither is guessed.
pub(crate) fn header<'a>(bytes: &'a [u8], flags: &mut Flags) -> Cow<'a, str> {
    charset::unlabelled(bytes, flags)
}
