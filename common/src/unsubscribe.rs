//! Links by which a reader stops what they need not get (RFC 8058), without signing in.
//!
//! `https://desk.example.org/unsubscribe/<token>`, where the token names tenant, reader, method, address and scope: it still works when
//! the mail, the contact or the reader is gone. It is lower-case base32 without padding (RFC 4648, 6), as reply addresses have it: one
//! character for the key, then the payload and sixteen bytes of an HMAC-SHA256 (RFC 2104). The payload can be read by anybody who has
//! the link; it holds nothing that the mail does not say. Links do not belong into a log.

use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::db::reply_addresses::ReplyRecipient;
use crate::domain::method::Method;
use crate::domain::suppression::Scope;
use crate::ids::{ClientId, TenantId, UserId};
use crate::reply_token::{ALPHABET, SigningKeys, base32_lower};

/// What the HMAC is over begins with this. It is longer than all that a reply address signs, so that neither is ever taken for the other.
const DOMAIN: &[u8] = b"switchboard unsubscribe link, 1";
const MAC_LENGTH: usize = 16;
/// The tenant, what the reader is, their id, the method and the scope.
const HEAD: usize = 16 + 1 + 16 + 1 + 1;
/// The longest token that is looked at.
const LONGEST: usize = 1024;
/// Before the token in a link.
const PATH: &str = "/unsubscribe/";

/// What a reader wants no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Who.
    pub reader: ReplyRecipient,
    /// By which way it came.
    pub method: Method,
    /// To which address.
    pub address: String,
    /// How much of it.
    pub scope: Scope,
}

/// A token that stands for a wish; `None` when the tenant has no key to sign it with, or the address is too long.
#[must_use]
pub fn token(keys: &SigningKeys, wish: &Wish) -> Option<String> {
    let (kind, id) = match wish.reader {
        ReplyRecipient::User(id) => (b'u', id.0),
        ReplyRecipient::Client(id) => (b'c', id.0),
    };
    let mut bytes = keys.tenant().0.as_bytes().to_vec();
    bytes.push(kind);
    bytes.extend(id.as_bytes());
    bytes.push(method_letter(wish.method));
    bytes.push(scope_letter(wish.scope));
    bytes.extend(wish.address.as_bytes());
    let (key_id, mac) = keys.sign(DOMAIN, &bytes)?;
    bytes.extend(mac.get(..MAC_LENGTH)?);
    let key_char = char::from(*ALPHABET.get(usize::from(key_id))?);
    let token = format!("{key_char}{}", BASE32_NOPAD.encode(&bytes).to_lowercase());
    (token.len() <= LONGEST).then_some(token)
}

/// The link that a reader follows. `public_url` is where this deployment is found.
#[must_use]
pub fn link(public_url: &str, token: &str) -> String {
    format!("{}{PATH}{token}", public_url.trim_end_matches('/'))
}

/// A token as somebody holds it in their hand: as it is, or within its link.
#[must_use]
pub fn token_in(text: &str) -> &str {
    let text = text.trim().trim_matches(['<', '>']);
    let token = text.rsplit_once(PATH).map_or(text, |(_, token)| token);
    token.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
}

/// The tenant that a token names, whoever made it: by whose keys it is checked.
#[must_use]
pub fn tenant_of(token: &str) -> Option<TenantId> {
    let (_, bytes) = decode(token)?;
    let (tenant, _) = bytes.split_first_chunk::<16>()?;
    Some(TenantId(Uuid::from_bytes(*tenant)))
}

/// What a token stands for, if it was signed by a key of this tenant that is not retired.
#[must_use]
pub fn verify(keys: &SigningKeys, token: &str) -> Option<Wish> {
    let (key_id, bytes) = decode(token)?;
    let (payload, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_LENGTH)?)?;
    let expected = keys.mac_by(key_id, DOMAIN, payload)?;
    if !bool::from(expected.get(..MAC_LENGTH)?.ct_eq(mac)) {
        return None;
    }
    let (head, address) = payload.split_first_chunk::<HEAD>()?;
    let (tenant, rest) = head.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let [method, scope] = rest else { return None };
    let id = Uuid::from_bytes(*id);
    let reader = match kind {
        b'u' => ReplyRecipient::User(UserId(id)),
        b'c' => ReplyRecipient::Client(ClientId(id)),
        _ => return None,
    };
    let wish = Wish {
        reader,
        method: Method::ALL.into_iter().find(|known| method_letter(*known) == *method)?,
        address: String::from_utf8(address.to_vec()).ok()?,
        scope: [Scope::All, Scope::Optional].into_iter().find(|known| scope_letter(*known) == *scope)?,
    };
    (*tenant == *keys.tenant().0.as_bytes()).then_some(wish)
}

/// The id of the key that signed a token, and what was signed, with its signature.
fn decode(token: &str) -> Option<(u8, Vec<u8>)> {
    if token.len() > LONGEST {
        return None;
    }
    let token = token.to_ascii_lowercase();
    let (key_char, rest) = token.split_at_checked(1)?;
    let key_id = ALPHABET.iter().position(|letter| key_char.as_bytes() == [*letter])?;
    Some((u8::try_from(key_id).ok()?, base32_lower().decode(rest.as_bytes()).ok()?))
}

fn method_letter(method: Method) -> u8 {
    match method {
        Method::Email => b'e',
        Method::Slack => b'k',
        Method::Whatsapp => b'w',
        Method::Sms => b's',
        Method::Webhook => b'h',
    }
}

fn scope_letter(scope: Scope) -> u8 {
    match scope {
        Scope::All => b'a',
        Scope::Optional => b'o',
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretSlice;

    use super::*;
    use crate::domain::address::EmailAddress;

    fn keys(tenant: u128, keys: &[(u8, u8)]) -> SigningKeys {
        let keys = keys.iter().map(|(id, byte)| (*id, SecretSlice::from(vec![*byte; 32]))).collect();
        SigningKeys::new(TenantId(Uuid::from_u128(tenant)), keys)
    }

    fn wish() -> Wish {
        Wish {
            reader: ReplyRecipient::User(UserId(Uuid::from_u128(7))),
            method: Method::Email,
            address: "Bo@bücher.example".to_owned(),
            scope: Scope::Optional,
        }
    }

    #[test]
    fn a_link_stands_for_what_was_signed_whichever_reader_way_and_scope_it_is() {
        let keys = keys(1, &[(3, 7)]);
        let readers = [ReplyRecipient::User(UserId(Uuid::from_u128(7))), ReplyRecipient::Client(ClientId(Uuid::from_u128(8)))];
        for reader in readers {
            for method in Method::ALL {
                for scope in [Scope::All, Scope::Optional] {
                    let wish = Wish { reader, method, scope, ..wish() };
                    let token = token(&keys, &wish).expect("a key to sign with");
                    assert!(token.bytes().all(|byte| ALPHABET.contains(&byte)), "{token}");
                    let link = link("https://desk.example.org/help/", &token);
                    assert_eq!(link, format!("https://desk.example.org/help/unsubscribe/{token}"));
                    for held in [link.clone(), format!("<{link}>\n"), format!("{link}?utm=1"), token.to_uppercase(), token] {
                        assert_eq!(verify(&keys, token_in(&held)).as_ref(), Some(&wish), "{held}");
                        assert_eq!(tenant_of(token_in(&held)), Some(TenantId(Uuid::from_u128(1))));
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_that_was_changed_or_cut_anywhere_stands_for_nothing() {
        let keys = keys(1, &[(0, 7)]);
        let token = token(&keys, &wish()).expect("a key to sign with");
        for position in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[position] = if forged[position] == b'a' { b'b' } else { b'a' };
            assert_eq!(verify(&keys, &String::from_utf8(forged).expect("ASCII")), None, "changed at {position}");
            assert_eq!(verify(&keys, &token[..position]), None, "cut at {position}");
        }
        assert_eq!(verify(&keys, &format!("{token}a")), None);
        assert_eq!(verify(&keys, &format!("{token}{token}")), None);
        for nonsense in ["", "ä", "0", "aaaaaaaa", &"a".repeat(LONGEST), &"a".repeat(5000)] {
            assert_eq!((verify(&keys, nonsense), tenant_of(nonsense).filter(|_| nonsense.len() < 20)), (None, None));
        }
    }

    #[test]
    fn another_tenant_another_key_or_a_retired_one_does_not_open_it() {
        let token = token(&keys(1, &[(0, 7)]), &wish()).expect("a key to sign with");
        assert_eq!(verify(&keys(2, &[(0, 7)]), &token), None, "another tenant, even with the same key");
        assert_eq!(verify(&keys(1, &[(0, 8)]), &token), None, "another key");
        assert_eq!(verify(&keys(1, &[(1, 7)]), &token), None, "the key was retired, and another has its secret");
        assert_eq!(verify(&keys(1, &[]), &token), None, "no key at all");
        assert_eq!(verify(&keys(1, &[(0, 7), (1, 9)]), &token), Some(wish()), "an older key is still accepted");
        assert_eq!(super::token(&keys(1, &[]), &wish()), None, "nothing to sign with");
        let long = Wish { address: "a".repeat(700), ..wish() };
        assert_eq!(super::token(&keys(1, &[(0, 7)]), &long), None, "longer than what is ever looked at");
    }

    #[test]
    fn a_reply_address_is_no_link_and_a_link_no_reply_address() {
        let keys = keys(1, &[(0, 7)]);
        let account = EmailAddress::parse("support@example.org").expect("valid");
        let address = keys.address(&account, 5).expect("a key to sign with");
        let (_, reply) = address.local().split_once('+').expect("a token");
        assert_eq!(verify(&keys, reply), None);
        // The same bytes under the same key, signed for the one purpose and for the other.
        let (_, for_link) = keys.sign(DOMAIN, &5_i64.to_be_bytes()).expect("a key");
        let (_, for_reply) = keys.sign(b"", &5_i64.to_be_bytes()).expect("a key");
        assert_ne!(for_link[..10], for_reply[..10]);
        let forged = format!("support+{reply}@example.org").replace(&reply[14..], &BASE32_NOPAD.encode(&for_link[..10]).to_lowercase());
        assert_eq!(EmailAddress::parse(&forged).ok().and_then(|forged| keys.row(&forged)), None);
    }
}
