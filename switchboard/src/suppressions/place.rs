//! An address on a channel, as it is written in a command.

use std::fmt;
use std::str::FromStr;

use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::method::Method;

/// The schemes of the URLs that webhooks have.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// An address on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The channel.
    pub method: Method,
    /// The address.
    pub address: String,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected one like email:ada@example.org, sms:+5511987654321, whatsapp:5511987654321, slack:T024BE7LD/U024BE7LH or \
                        webhook:https://hooks.example.org/desk";
        let (name, address) = text.split_once(':').ok_or(expected)?;
        let method = Method::named(name.trim()).ok_or(expected)?;
        let key = |kind: ExternalKind, address: &str| {
            ExternalId::new(kind, address)
                .map(|key| key.value().to_owned())
                .map_err(|_| format!("{address:?} is no address there: {expected}"))
        };
        let address = match method {
            Method::Email => key(ExternalKind::Email, address)?,
            Method::Slack => key(ExternalKind::Slack, address)?,
            // The desk file writes the number with its plus, the platform without.
            Method::Whatsapp => key(ExternalKind::Whatsapp, digits(address).trim_start_matches('+'))?,
            Method::Sms => key(ExternalKind::Phone, &digits(address))?,
            Method::Webhook if SCHEMES.iter().any(|scheme| address.starts_with(scheme)) => address.trim().to_owned(),
            Method::Webhook => return Err(format!("{address:?} is no URL: {expected}")),
        };
        Ok(Self { method, address })
    }
}

/// A number without what people put between its digits.
fn digits(number: &str) -> String {
    number.replace([' ', '-', '(', ')'], "")
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.method, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_with_its_channel_and_compared_in_one_form() {
        let read = |text: &str| text.parse::<Place>().map(|place| place.to_string());
        for (text, place) in [
            ("email:Ada@Example.org", "email:ada@example.org"),
            ("sms:+55 (11) 98765-4321", "sms:+5511987654321"),
            ("whatsapp:5511987654321", "whatsapp:5511987654321"),
            ("whatsapp:+55 11 98765-4321", "whatsapp:5511987654321"),
            ("slack:T024BE7LD/U024BE7LH", "slack:T024BE7LD/U024BE7LH"),
            ("webhook:https://hooks.example.org/Desk", "webhook:https://hooks.example.org/Desk"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(place));
        }
        for wrong in ["ada@example.org", "phone:+5511987654321", "sms:12", "email:ada", "webhook:ftp://x.example", "slack:", ""] {
            assert!(read(wrong).is_err_and(|why| why.contains("expected one like email:ada@example.org")), "{wrong}");
        }
    }
}
