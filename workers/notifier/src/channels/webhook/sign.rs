//! The signature of a webhook: HMAC-SHA256 over its id, its time and its body.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::channels::{Obstacle, Refusal};

/// What a secret begins with: the rest is base64.
const PREFIX: &str = "whsec_";

pub(super) fn signature(secret: &SecretString, id: &str, timestamp: &str, body: &str) -> Result<String, Refusal> {
    let text = secret.expose_secret();
    let key = BASE64.decode(text.strip_prefix(PREFIX).unwrap_or(text).as_bytes());
    let mac = key.ok().filter(|key| !key.is_empty()).and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok());
    let Some(mut mac) = mac else {
        return Err(Refusal::Away { obstacle: Obstacle::Secret, answer: "not sent: the secret is not whsec_ and base64".to_owned() });
    };
    for part in [id, ".", timestamp, ".", body] {
        mac.update(part.as_bytes());
    }
    Ok(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_is_signed_as_it_says() {
        // https://github.com/standard-webhooks/standard-webhooks, the vector of its libraries.
        let signed = signature(
            &"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into(),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.as_deref(), Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_secret_of_another_shape_is_not_signed_with() {
        for secret in ["whsec_", "whsec_?", ""] {
            assert!(matches!(signature(&secret.into(), "a", "1", "{}"), Err(Refusal::Away { obstacle: Obstacle::Secret, .. })), "{secret}");
        }
    }
}
