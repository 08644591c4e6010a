//! What the texts of a desk file have to look like.

use std::net::IpAddr;

use switchboard_common::db::desk::Contact;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::inbound::Channel;
use switchboard_notifier::render::{is_color, is_logo};
use url::Url;

/// The reply token takes 31 characters of a local part's 64 (RFC 5321, 4.5.3.1.1), with its `+`.
const LONGEST_LOCAL_PART: usize = 33;

/// A name for people to read.
pub fn name(text: &str) -> Result<String, String> {
    if text.chars().count() <= 100 { Ok(text.to_owned()) } else { Err("is longer than 100 characters".to_owned()) }
}

/// A name of a tenant: it stands in commands and file names.
pub fn tenant_name(text: &str) -> Result<String, String> {
    word(text, "-")
}

/// A handle of a person or group, or a name of an account.
pub fn handle(text: &str) -> Result<String, String> {
    word(text, "._-")
}

fn word(text: &str, marks: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let valid = text.len() <= 63 && text.starts_with(plain) && text.chars().all(|c| plain(c) || marks.contains(c));
    let marks: Vec<String> = marks.chars().map(|mark| format!("`{mark}`")).collect();
    let expected = format!("should be at most 63 of a-z, 0-9 and {}, and begin with a letter or digit", marks.join(", "));
    if valid { Ok(text.to_owned()) } else { Err(format!("{text:?} {expected}")) }
}

/// A mail address.
pub fn email(text: &str) -> Result<String, String> {
    EmailAddress::parse(text).map(String::from).map_err(|error| error.to_string())
}

/// The address of an account, as its channel has it. A mail address has to leave room for a reply token.
pub fn account_address(channel: Channel, text: &str) -> Result<String, String> {
    match channel {
        Channel::Email => mail_account(text),
        Channel::Whatsapp | Channel::Sms | Channel::Voice => phone(text),
        Channel::Slack if (2..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) => {
            Ok(text.to_owned())
        }
        Channel::Slack => Err(format!("{text:?} is not the id of a Slack workspace like T024BE7LD")),
        Channel::Form | Channel::Webhook => handle(text),
    }
}

fn mail_account(text: &str) -> Result<String, String> {
    let address = EmailAddress::parse(text).map_err(|error| error.to_string())?;
    if address.local().len() > LONGEST_LOCAL_PART {
        return Err(format!(
            "{address} is too long before the @: at most {LONGEST_LOCAL_PART} bytes leave room for the token of a reply address"
        ));
    }
    Ok(address.into())
}

/// A telephone number with its country, written as E.164 wants it.
pub fn phone(text: &str) -> Result<String, String> {
    let number: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')')).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    if (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(number)
    } else {
        Err(format!("{text:?} is not a number like +5511987654321"))
    }
}

/// A contact, such as `email:ada@example.org`.
pub fn contact(text: &str) -> Result<Contact, String> {
    let (channel, value) = text.split_once(':').unwrap_or_default();
    let value = match channel {
        "email" => email(value)?,
        "phone" => phone(value)?,
        // As WhatsApp writes it, and so everything that is compared with it.
        "whatsapp" => phone(&format!("+{}", value.trim().trim_start_matches('+')))?.trim_start_matches('+').to_owned(),
        "slack" => slack_member(value)?,
        "webhook" => webhook(value)?,
        _ => return Err(format!("{text:?} should begin with email:, phone:, slack:, whatsapp: or webhook:")),
    };
    Ok(Contact { channel: channel.to_owned(), value })
}

/// A member of a Slack workspace: the account of that workspace reaches them.
fn slack_member(text: &str) -> Result<String, String> {
    let is_id = |id: &str, first: &[char]| {
        id.len() >= 2 && id.starts_with(first) && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    match text.split_once('/') {
        Some((team, member)) if is_id(team, &['T', 'E']) && is_id(member, &['U', 'W']) => Ok(text.to_owned()),
        _ => Err(format!("{text:?} is not a member of a Slack workspace like T024BE7LD/U024BE7LH")),
    }
}

/// A URL that is posted to.
fn webhook(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none());
    url.map(String::from).ok_or_else(|| format!("{text:?} is not a URL like https://hooks.example.org/desk"))
}

/// Where a platform is: what is said to it is a secret, which travels encrypted unless it stays on this machine.
pub fn platform_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| url.has_host() && url.username().is_empty() && url.password().is_none());
    let is_local = |url: &Url| url.host_str().is_some_and(|host| is_loopback(host.trim_matches(['[', ']'])));
    let fits = url.is_some_and(|url| url.scheme() == "https" || url.scheme() == "http" && is_local(&url));
    if fits { Ok(text.to_owned()) } else { Err(format!("{text:?} is not a URL of https (or, on this machine, of http)")) }
}

/// A language and, if it matters, a country.
pub fn locale(text: &str) -> Result<String, String> {
    let (language, country) = text.split_once('-').map_or((text, None), |(language, country)| (language, Some(country)));
    let language_fits = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    let country_fits = country.is_none_or(|country| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()));
    if language_fits && country_fits { Ok(text.to_owned()) } else { Err(format!("{text:?} is not a language like en or pt-BR")) }
}

/// The URL of a logo.
pub fn logo(text: &str) -> Result<String, String> {
    if is_logo(text) { Ok(text.to_owned()) } else { Err(format!("{text:?} is not a URL like https://example.org/logo.png")) }
}

/// A colour.
pub fn color(text: &str) -> Result<String, String> {
    if is_color(text) { Ok(text.to_ascii_lowercase()) } else { Err(format!("{text:?} is not a colour like #1d5fbf")) }
}

/// A time zone of the tz database.
pub fn timezone(text: &str) -> Result<String, String> {
    text.parse::<chrono_tz::Tz>().map(|_| text.to_owned()).map_err(|_| format!("{text:?} is not one like Europe/Lisbon"))
}

/// What a rule compares recipients with: an address, or what stands before the @ of one.
pub fn recipient(text: &str) -> Result<String, String> {
    if text.contains('@') {
        return email(text);
    }
    // A local part that would be one in an address.
    email(&format!("{text}@example.org")).map_err(|_| format!("{text:?} is neither a mail address nor what stands before its @"))?;
    Ok(text.to_lowercase())
}

/// A word or phrase that can stand in a subject.
pub fn subject_word(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_alphanumeric) { Ok(text.to_owned()) } else { Err(format!("{text:?} has no letter and no digit")) }
}

/// The name or address of a server.
pub fn host(text: &str) -> Result<String, String> {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = text.parse::<IpAddr>().is_ok();
    let fits =
        |label: &str| !label.is_empty() && label.len() <= 63 && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if address || text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(fits) {
        Ok(text.to_lowercase())
    } else {
        Err(format!("{text:?} is not the name of a server like imap.example.org"))
    }
}

/// Whether a host is this machine, whatever its name server says.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Where a secret is to be had. The text is not repeated in a fault: it may be the secret itself.
pub fn secret_reference(text: &str) -> Result<String, String> {
    let named = |prefix| text.strip_prefix(prefix).is_some_and(|rest| !rest.trim().is_empty());
    if named("env:") || named("file:") {
        Ok(text.to_owned())
    } else {
        Err("should be a reference, env:NAME for a variable or file:PATH for a file, and not the secret itself".to_owned())
    }
}

/// The name of a folder of a mailbox.
pub fn folder(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) || text.contains(['*', '%']) || text.len() > 500 {
        return Err(format!("{text:?} is not the name of one folder"));
    }
    // The one name that is the same in upper and lower case (RFC 3501, 5.1).
    Ok(if text.eq_ignore_ascii_case("inbox") { "INBOX".to_owned() } else { text.to_owned() })
}

/// A time from 1s to 1h, in seconds.
pub fn seconds(text: &str) -> Result<u32, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600)];
    let seconds = units.iter().find_map(|(unit, seconds)| text.strip_suffix(unit)?.trim_end().parse::<u32>().ok()?.checked_mul(*seconds));
    seconds.filter(|seconds| (1..=3600).contains(seconds)).ok_or_else(|| format!("{text:?} is not a time from 1s to 1h, such as 90s or 5m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_folders_and_secrets_have_a_shape() {
        assert_eq!(host("IMAP.example.org").as_deref(), Ok("imap.example.org"));
        assert_eq!(host("[::1]").as_deref(), Ok("::1"));
        assert!(host("imap.example.org:993").is_err() && host("imaps://x").is_err() && host("two words").is_err());
        assert!(is_loopback("localhost") && is_loopback("127.0.0.9") && is_loopback("::1"));
        assert!(!is_loopback("localhost.example.org") && !is_loopback("10.0.0.1"));
        assert!(secret_reference("env:IMAP_PASSWORD").is_ok() && secret_reference("file:/run/secret").is_ok());
        let refused = secret_reference("hunter2").expect_err("a secret");
        assert!(!refused.contains("hunter2"), "{refused}");
        assert_eq!(folder("Inbox").as_deref(), Ok("INBOX"));
        assert!(folder("Kunden/Köln").is_ok() && folder("*").is_err());
        assert_eq!((seconds("90s"), seconds("5m"), seconds("1h")), (Ok(90), Ok(300), Ok(3600)));
        assert!(seconds("0s").is_err() && seconds("2h").is_err() && seconds("60").is_err());
    }

    #[test]
    fn an_account_leaves_room_for_the_reply_token() {
        let fits = format!("{}@example.org", "a".repeat(33));
        assert_eq!(account_address(Channel::Email, &fits).as_deref(), Ok(fits.as_str()));
        assert!(account_address(Channel::Email, &format!("a{fits}")).expect_err("too long").contains("at most 33"));
    }

    #[test]
    fn an_accounts_address_is_of_its_channels_form() {
        for (channel, text, address) in [
            (Channel::Email, "Help@example.org", "help@example.org"),
            (Channel::Whatsapp, "+1 555 0100", "+15550100"),
            (Channel::Sms, "+15550100", "+15550100"),
            (Channel::Voice, "+15550100", "+15550100"),
            (Channel::Slack, "T024BE7LD", "T024BE7LD"),
            (Channel::Form, "contact-us", "contact-us"),
            (Channel::Webhook, "pager", "pager"),
        ] {
            assert_eq!(account_address(channel, text).as_deref(), Ok(address));
            assert!(account_address(channel, "two words").is_err(), "{channel:?}");
        }
        assert!(account_address(Channel::Whatsapp, "help@example.org").is_err() && account_address(Channel::Slack, "acme").is_err());
    }

    #[test]
    fn numbers_contacts_and_locales_are_read_as_people_write_them() {
        assert_eq!(phone("+49 (30) 123-456/7").as_deref(), Ok("+49301234567"));
        assert!(phone("030 1234567").is_err() && phone("+12").is_err());
        assert_eq!(contact("email:Ada@Example.org"), Ok(Contact { channel: "email".to_owned(), value: "ada@example.org".to_owned() }));
        for number in ["whatsapp:+55 11 98765-4321", "whatsapp:5511987654321"] {
            assert_eq!(
                contact(number),
                Ok(Contact { channel: "whatsapp".to_owned(), value: "5511987654321".to_owned() }),
                "as WhatsApp has it"
            );
        }
        assert!(contact("fax:1").is_err() && contact("ada@example.org").is_err() && contact("slack:").is_err());
        assert!(contact("slack:T024BE7LD/U024BE7LH").is_ok() && contact("slack:E024BE7LD/W024BE7LH").is_ok());
        assert!(contact("slack:U024BE7LH").is_err() && contact("slack:T1/").is_err() && contact("slack:t024/u024").is_err());
        assert_eq!(contact("webhook:https://Hooks.example.org").map(|contact| contact.value).as_deref(), Ok("https://hooks.example.org/"));
        assert!(contact("webhook:ftp://x.example").is_err() && contact("webhook:https://user:secret@x.example").is_err());
        assert!(locale("en").is_ok() && locale("pt-BR").is_ok() && locale("english").is_err() && locale("pt_BR").is_err());
    }

    #[test]
    fn handles_and_recipients_have_a_shape() {
        assert!(handle("ada.l-1").is_ok() && handle("Ada").is_err() && handle("-ada").is_err() && handle("").is_err());
        assert!(tenant_name("acme-1").is_ok() && tenant_name("acme.org").is_err());
        assert_eq!(recipient("Sales").as_deref(), Ok("sales"));
        assert!(recipient("two words").is_err() && recipient("a@").is_err());
    }
}
