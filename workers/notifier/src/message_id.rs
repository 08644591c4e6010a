//! The Message-IDs of our mails (RFC 5322, 3.6.4).

use data_encoding::BASE32_NOPAD;
use switchboard_common::ambient::Ambient;

/// A Message-ID that nobody can guess, at the domain of the account.
pub(crate) fn new_message_id(ambient: &Ambient, account: &str) -> String {
    let domain = account.rsplit_once('@').map_or(account, |(_, domain)| domain);
    format!("{}@{domain}", BASE32_NOPAD.encode(&ambient.bytes::<16>()).to_lowercase())
}
