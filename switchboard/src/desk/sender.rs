//! How an account sends: what stands in `[tenant.accounts.sender]`. The account's channel says by which platform.

use std::collections::BTreeMap;

use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender::{OAuth, Platform, Rate, Sender, WhenUnsure};
use toml::Table;

use super::fields::{Faults, Fields};
use super::values;

/// Reads the sender of an account; a form has none.
pub fn sender(channel: Channel, place: &str, table: Table, faults: &mut Faults) -> Option<Sender> {
    let mut fields = Fields::new(place.to_owned(), table, faults);
    let platform = match channel {
        Channel::Email => smtp(&mut fields),
        Channel::Slack => Platform::Slack { token: secret(&mut fields, "token"), base_url: base_url(&mut fields) },
        Channel::Whatsapp => whatsapp(&mut fields),
        Channel::Sms | Channel::Voice => twilio(&mut fields),
        Channel::Webhook => {
            Platform::Webhook { secret: secret(&mut fields, "secret"), allow_private: fields.boolean("allow_private", false) }
        }
        Channel::Form => {
            fields.fault("accounts of the channel form do not send");
            return None;
        }
    };
    let rate = fields.parsed("rate", rate);
    let words = [("retry", Some(WhenUnsure::Retry)), ("hold", Some(WhenUnsure::Hold))];
    let sender = Sender { platform, rate, when_unsure: fields.choice("when_unsure", &words, None) };
    fields.finish();
    Some(sender)
}

fn secret(fields: &mut Fields<'_>, key: &'static str) -> String {
    fields.required(key, values::secret_reference).unwrap_or_default()
}

fn base_url(fields: &mut Fields<'_>) -> Option<String> {
    fields.parsed("base_url", values::platform_url)
}

fn smtp(fields: &mut Fields<'_>) -> Platform {
    let host = fields.required("host", values::host);
    let tls = fields.choice("tls", &[("tls", "tls"), ("starttls", "starttls"), ("none", "none")], "tls");
    let usual_port = match tls {
        "tls" => 465,
        "starttls" => 587,
        _ => 25,
    };
    let port = u16::try_from(fields.number("port", 1..=65_535, usual_port)).unwrap_or_default();
    let user = fields.text("user");
    let password = fields.parsed("password", values::secret_reference);
    let oauth = fields.table("oauth");
    let ways = usize::from(password.is_some()) + usize::from(oauth.is_some());
    if user.is_some() && ways != 1 || user.is_none() && ways > 0 {
        fields.fault("user goes with either password or oauth");
    }
    if let Some(host) = host.as_ref().filter(|host| tls == "none" && user.is_some() && !values::is_loopback(host)) {
        fields.fault(&format!(
            "tls is \"none\", by which the secret would travel in the clear: that is for localhost, 127.0.0.1 and ::1 only, not for {host}"
        ));
    }
    let oauth = oauth.map(|table| tokens(&fields.place_within("oauth"), table, fields.faults()));
    Platform::Smtp { host: host.unwrap_or_default(), port, tls: tls.to_owned(), user, password, oauth }
}

fn tokens(place: &str, table: Table, faults: &mut Faults) -> OAuth {
    let mut fields = Fields::new(place.to_owned(), table, faults);
    let oauth = OAuth {
        token_url: fields.required("token_url", values::platform_url).unwrap_or_default(),
        client_id: fields.required("client_id", |id| Ok(id.to_owned())).unwrap_or_default(),
        client_secret: fields.parsed("client_secret", values::secret_reference),
        refresh_token: secret(&mut fields, "refresh_token"),
        scope: fields.text("scope"),
    };
    fields.finish();
    oauth
}

fn whatsapp(fields: &mut Fields<'_>) -> Platform {
    Platform::Whatsapp {
        phone_number_id: fields.required("phone_number_id", digits).unwrap_or_default(),
        token: secret(fields, "token"),
        base_url: base_url(fields),
        template: fields.parsed("template", template),
        template_languages: languages(fields),
    }
}

/// The language code of the template for each locale, and for all others.
fn languages(fields: &mut Fields<'_>) -> BTreeMap<String, String> {
    let mut languages = BTreeMap::new();
    for (locale, code) in fields.table("template_languages").unwrap_or_default() {
        let is_locale = locale == "default" || values::locale(&locale).is_ok();
        match code.as_str().filter(|code| is_locale && !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')) {
            Some(code) => _ = languages.insert(locale, code.to_owned()),
            None => fields.fault(&format!(
                "template_languages: {locale} = {code} should be a locale or default, and a language code of the template like pt_BR"
            )),
        }
    }
    languages
}

fn twilio(fields: &mut Fields<'_>) -> Platform {
    Platform::Twilio {
        account_sid: fields.required("account_sid", |text| sid("AC", text)).unwrap_or_default(),
        token: secret(fields, "token"),
        messaging_service_sid: fields.parsed("messaging_service_sid", |text| sid("MG", text)),
        base_url: base_url(fields),
        status_url: fields.parsed("status_url", values::platform_url),
    }
}

fn digits(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { Ok(text.to_owned()) } else { Err(format!("{text:?} should be digits")) }
}

/// A template's name (<https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates>).
fn template(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.len() <= 512 && text.bytes().all(fits) { Ok(text.to_owned()) } else { Err(format!("{text:?} should be of a-z, 0-9 and _")) }
}

/// Two letters and 32 hexadecimal digits (<https://www.twilio.com/docs/glossary/what-is-a-sid>).
fn sid(prefix: &str, text: &str) -> Result<String, String> {
    let fits = text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if fits { Ok(text.to_owned()) } else { Err(format!("{text:?} should be {prefix} and 32 hexadecimal digits")) }
}

/// So many a second, minute or hour.
fn rate(text: &str) -> Result<Rate, String> {
    let read = || {
        let (count, unit) = text.split_once('/')?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let count = count.trim().parse().ok().filter(|count| (1..=100_000).contains(count))?;
        Some(Rate { count, seconds })
    };
    read().ok_or_else(|| format!("{text:?} is not a rate like \"60/m\": a number from 1 to 100000, and s, m or h"))
}

/// The fields of a sender as they are shown, without those that say nothing.
pub fn fields(sender: &Sender) -> Vec<(&'static str, Option<String>)> {
    let some = |text: &str| Some(text.to_owned());
    let mut fields = match &sender.platform {
        Platform::Smtp { host, port, tls, user, password, oauth } => {
            let token = |field: &dyn Fn(&OAuth) -> Option<String>| oauth.as_ref().and_then(field);
            vec![
                ("sender.host", Some(format!("{host}:{port}"))),
                ("sender.tls", some(tls)),
                ("sender.user", user.clone()),
                ("sender.password", password.clone()),
                ("sender.oauth.token_url", token(&|oauth| Some(oauth.token_url.clone()))),
                ("sender.oauth.client_id", token(&|oauth| Some(oauth.client_id.clone()))),
                ("sender.oauth.client_secret", token(&|oauth| oauth.client_secret.clone())),
                ("sender.oauth.refresh_token", token(&|oauth| Some(oauth.refresh_token.clone()))),
                ("sender.oauth.scope", token(&|oauth| oauth.scope.clone())),
            ]
        }
        Platform::Slack { token, base_url } => vec![("sender.token", some(token)), ("sender.base_url", base_url.clone())],
        Platform::Whatsapp { phone_number_id, token, base_url, template, template_languages } => {
            let languages = template_languages.iter().map(|(locale, code)| format!("{locale}={code}")).collect::<Vec<_>>().join(", ");
            vec![
                ("sender.phone_number_id", some(phone_number_id)),
                ("sender.token", some(token)),
                ("sender.base_url", base_url.clone()),
                ("sender.template", template.clone()),
                ("sender.template_languages", Some(languages).filter(|languages| !languages.is_empty())),
            ]
        }
        Platform::Twilio { account_sid, token, messaging_service_sid, base_url, status_url } => vec![
            ("sender.account_sid", some(account_sid)),
            ("sender.token", some(token)),
            ("sender.messaging_service_sid", messaging_service_sid.clone()),
            ("sender.base_url", base_url.clone()),
            ("sender.status_url", status_url.clone()),
        ],
        Platform::Webhook { secret, allow_private } => {
            vec![("sender.secret", some(secret)), ("sender.allow_private", Some(allow_private.to_string()))]
        }
    };
    fields.push(("sender.rate", sender.rate.map(shown)));
    let when_unsure = sender.when_unsure.map(|when| if when == WhenUnsure::Retry { "retry" } else { "hold" });
    fields.push(("sender.when_unsure", when_unsure.map(str::to_owned)));
    fields
}

/// A rate as the desk file writes it.
fn shown(rate: Rate) -> String {
    match rate.seconds {
        1 => format!("{}/s", rate.count),
        60 => format!("{}/m", rate.count),
        3600 => format!("{}/h", rate.count),
        seconds => format!("{}/{seconds}s", rate.count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(channel: Channel, text: &str) -> (Option<Sender>, Faults) {
        let mut faults = Faults::new();
        let table = text.parse().expect("TOML");
        (sender(channel, "account a: sender", table, &mut faults), faults)
    }

    fn shown_of(channel: Channel, text: &str) -> String {
        let (sender, faults) = read(channel, text);
        assert_eq!(faults, Faults::new(), "{text}");
        let fields = fields(&sender.expect("a sender"));
        fields
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{} {}", name.trim_start_matches("sender."), value?)))
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn each_channel_has_the_keys_of_its_platform() {
        for (channel, text, shown) in [
            (Channel::Email, "host = 'Mail.example.org'", "host mail.example.org:465; tls tls"),
            (
                Channel::Email,
                "host = 'mail.example.org'\ntls = 'starttls'\nuser = 'desk'\npassword = 'env:P'\nrate = '600/h'\nwhen_unsure = 'hold'",
                "host mail.example.org:587; tls starttls; user desk; password env:P; rate 600/h; when_unsure hold",
            ),
            (
                Channel::Email,
                "host = 'smtp.gmail.com'\nuser = 'desk'\n[oauth]\ntoken_url = 'https://oauth2.googleapis.com/token'\nclient_id = 'c'\n\
                 refresh_token = 'file:/run/t'",
                "host smtp.gmail.com:465; tls tls; user desk; oauth.token_url https://oauth2.googleapis.com/token; oauth.client_id c; \
                 oauth.refresh_token file:/run/t",
            ),
            (Channel::Slack, "token = 'env:T'\nrate = '1/s'", "token env:T; rate 1/s"),
            (
                Channel::Whatsapp,
                "phone_number_id = '106'\ntoken = 'env:T'\ntemplate = 'answer'\ntemplate_languages = { pt-BR = 'pt_BR', default = 'en' }",
                "phone_number_id 106; token env:T; template answer; template_languages default=en, pt-BR=pt_BR",
            ),
            (
                Channel::Sms,
                "account_sid = 'AC0123456789abcdef0123456789abcdef'\ntoken = 'env:T'\nbase_url = 'http://127.0.0.1:9'",
                "account_sid AC0123456789abcdef0123456789abcdef; token env:T; base_url http://127.0.0.1:9",
            ),
            (Channel::Webhook, "secret = 'env:S'\nrate = '60/m'", "secret env:S; allow_private false; rate 60/m"),
        ] {
            assert_eq!(shown_of(channel, text), shown);
        }
    }

    #[test]
    fn what_does_not_do_is_named_with_its_place() {
        for (channel, text, expected) in [
            (Channel::Slack, "", "account a: sender: token is missing"),
            (Channel::Slack, "token = 'xoxb-1'", "account a: sender: token: should be a reference"),
            (Channel::Slack, "token = 'env:T'\nsecret = 'env:S'", "account a: sender: unknown key secret"),
            (Channel::Slack, "token = 'env:T'\nbase_url = 'http://slack.example'", "account a: sender: base_url: "),
            (Channel::Email, "host = 'mail.example'\nuser = 'desk'", "user goes with either password or oauth"),
            (Channel::Email, "host = 'mail.example'\npassword = 'env:P'", "user goes with either password or oauth"),
            (Channel::Email, "host = 'm.example'\ntls = 'none'\nuser = 'd'\npassword = 'env:P'", "would travel in the clear"),
            (Channel::Email, "host = 'm'\nuser = 'd'\n[oauth]\nclient_id = 'c'", "account a: sender: oauth: token_url is missing"),
            (Channel::Whatsapp, "phone_number_id = '+1'\ntoken = 'env:T'", "phone_number_id: \"+1\" should be digits"),
            (Channel::Whatsapp, "phone_number_id = '1'\ntoken = 'env:T'\ntemplate = 'Ours!'", "template: \"Ours!\" should be"),
            (
                Channel::Whatsapp,
                "phone_number_id = '1'\ntoken = 'env:T'\ntemplate_languages = { english = 'en' }",
                "template_languages: english",
            ),
            (Channel::Sms, "account_sid = 'AC1'\ntoken = 'env:T'", "account_sid: \"AC1\" should be AC and 32 hexadecimal digits"),
            (Channel::Webhook, "secret = 'env:S'\nrate = 'fast'", "rate: \"fast\" is not a rate like \"60/m\""),
            (Channel::Webhook, "secret = 'env:S'\nrate = '0/s'", "rate: \"0/s\" is not a rate"),
            (Channel::Webhook, "secret = 'env:S'\nwhen_unsure = 'maybe'", "when_unsure is \"maybe\", and should be retry or hold"),
            (Channel::Form, "", "accounts of the channel form do not send"),
        ] {
            let (_, faults) = read(channel, text);
            assert!(faults.iter().any(|fault| fault.contains(expected)), "{text}: {faults:?}");
        }
    }
}
