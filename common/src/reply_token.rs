//! Signed reply addresses: who answers to one proves to have got our mail.
//!
//! `support+<token>@example.org`, where the token names a row of `reply_addresses`. It is lower-case
//! base32 without padding (RFC 4648, 6), because some mail servers change the case of a local part:
//! one character for the key, then eight bytes of the row's id and ten of an HMAC-SHA256 (RFC 2104)
//! over tenant, key and id. With 30 characters it leaves 33 for the account's own name and the `+`
//! in a local part of at most 64 bytes (RFC 5321, 4.5.3.1.1).

use data_encoding::{BASE32_NOPAD, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::domain::address::EmailAddress;
use crate::ids::TenantId;

const TOKEN_LENGTH: usize = 30;
const MAC_LENGTH: usize = 10;
pub(crate) const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The keys of one tenant. The newest signs; every one of them is accepted.
#[derive(Debug, Clone)]
pub struct SigningKeys {
    tenant: TenantId,
    /// By key id, the newest last.
    keys: Vec<(u8, SecretSlice<u8>)>,
}

impl SigningKeys {
    /// The keys of a tenant by their id (0 to 31), the newest last.
    #[must_use]
    pub fn new(tenant: TenantId, keys: Vec<(u8, SecretSlice<u8>)>) -> Self {
        Self { tenant, keys }
    }

    /// The address that leads back to `row` of `reply_addresses`; `None` when the tenant has no key.
    #[must_use]
    pub fn address(&self, account: &EmailAddress, row: i64) -> Option<EmailAddress> {
        let (key_id, key) = self.keys.last()?;
        let mut bytes = row.to_be_bytes().to_vec();
        bytes.extend(self.mac(*key_id, key, row));
        let key_char = char::from(*ALPHABET.get(usize::from(*key_id))?);
        let token = BASE32_NOPAD.encode(&bytes).to_lowercase();
        EmailAddress::parse(&format!("{}+{key_char}{token}@{}", account.local(), account.domain())).ok()
    }

    /// The row of `reply_addresses` that an address leads back to, if we signed it.
    #[must_use]
    pub fn row(&self, address: &EmailAddress) -> Option<i64> {
        let (_, token) = address.local().rsplit_once('+')?;
        let (key_char, rest) = token.split_at_checked(1)?;
        if token.len() != TOKEN_LENGTH {
            return None;
        }
        let key_id = u8::try_from(ALPHABET.iter().position(|c| key_char.as_bytes() == [*c])?).ok()?;
        let (_, key) = self.keys.iter().find(|(id, _)| *id == key_id)?;
        let bytes = base32_lower().decode(rest.as_bytes()).ok()?;
        let (row, mac) = bytes.split_first_chunk::<8>()?;
        let row = i64::from_be_bytes(*row);
        bool::from(self.mac(key_id, key, row).ct_eq(mac)).then_some(row)
    }

    /// Whose keys they are.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Signs `payload` with the newest key. `domain` says what for, so that what is signed for one purpose is of no use for another.
    pub(crate) fn sign(&self, domain: &[u8], payload: &[u8]) -> Option<(u8, [u8; 32])> {
        let (key_id, key) = self.keys.last()?;
        Some((*key_id, self.whole_mac(*key_id, key, domain, payload)))
    }

    /// What the signature of `payload` with this key is; `None` when the tenant does not have it (any more).
    pub(crate) fn mac_by(&self, key_id: u8, domain: &[u8], payload: &[u8]) -> Option<[u8; 32]> {
        let (_, key) = self.keys.iter().find(|(id, _)| *id == key_id)?;
        Some(self.whole_mac(key_id, key, domain, payload))
    }

    fn mac(&self, key_id: u8, key: &SecretSlice<u8>, row: i64) -> [u8; MAC_LENGTH] {
        let whole = self.whole_mac(key_id, key, b"", &row.to_be_bytes());
        let mut short = [0; MAC_LENGTH];
        short.copy_from_slice(&whole[..MAC_LENGTH]);
        short
    }

    fn whole_mac(&self, key_id: u8, key: &SecretSlice<u8>, domain: &[u8], payload: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.expose_secret()).unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
        mac.update(domain);
        mac.update(self.tenant.0.as_bytes());
        mac.update(&[key_id]);
        mac.update(payload);
        mac.finalize().into_bytes().into()
    }
}

/// Whether an address has the shape of a signed reply address, whoever signed it.
#[must_use]
pub fn looks_signed(address: &EmailAddress) -> bool {
    address
        .local()
        .rsplit_once('+')
        .is_some_and(|(_, token)| token.len() == TOKEN_LENGTH && token.bytes().all(|byte| ALPHABET.contains(&byte)))
}

pub(crate) fn base32_lower() -> Encoding {
    let mut spec = BASE32_NOPAD.specification();
    spec.symbols = String::from_utf8_lossy(ALPHABET).into_owned();
    spec.encoding().unwrap_or_else(|_| unreachable!("the alphabet has 32 different letters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(tenant: u128, keys: &[(u8, u8)]) -> SigningKeys {
        let keys = keys.iter().map(|(id, byte)| (*id, SecretSlice::from(vec![*byte; 32]))).collect();
        SigningKeys::new(TenantId(uuid::Uuid::from_u128(tenant)), keys)
    }

    fn support() -> EmailAddress {
        EmailAddress::parse("support@example.org").expect("valid")
    }

    #[test]
    fn an_address_leads_back_to_its_row_also_in_capitals() {
        let keys = keys(1, &[(0, 7)]);
        for row in [1, 4711, i64::MAX] {
            let address = keys.address(&support(), row).expect("a key to sign with");
            assert_eq!(keys.row(&address), Some(row));
            let shouted = EmailAddress::parse(&address.as_str().to_uppercase()).expect("still an address");
            assert_eq!(keys.row(&shouted), Some(row));
            assert!(looks_signed(&address));
            assert!(address.local().len() <= 64);
        }
    }

    #[test]
    fn a_changed_token_leads_nowhere() {
        let keys = keys(1, &[(0, 7)]);
        let address = keys.address(&support(), 5).expect("a key to sign with");
        let at = address.as_str().find('@').expect("an address");
        for position in "support+".len()..at {
            let mut forged = address.as_str().to_owned().into_bytes();
            forged[position] = if forged[position] == b'a' { b'b' } else { b'a' };
            let forged = EmailAddress::parse(&String::from_utf8(forged).expect("ASCII")).expect("still an address");
            assert_eq!(keys.row(&forged), None, "{forged}");
        }
    }

    #[test]
    fn another_tenant_or_a_retired_key_does_not_open_it() {
        let address = keys(1, &[(0, 7)]).address(&support(), 5).expect("a key to sign with");
        assert_eq!(keys(2, &[(0, 7)]).row(&address), None);
        assert_eq!(keys(1, &[(1, 7)]).row(&address), None);
        assert_eq!(keys(1, &[(0, 7), (1, 9)]).row(&address), Some(5), "an older key is still accepted");
    }
}
