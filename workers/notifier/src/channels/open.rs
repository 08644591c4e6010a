//! Makes the channel of an account from its settings.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use reqwest::Client;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::{Encryption, SmtpUrl};
use switchboard_common::db::senders::SendingAccount;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender::{OAuth, Platform, Sender};
use switchboard_common::oauth::Tokens;
use switchboard_common::secrets::Secret;
use url::Url;

use super::accounts::NoLine;
use super::email::{Access, Smtp, Transport, Usage};
use super::slack::{self, Slack};
use super::sms::{self, Twilio};
use super::webhook::{PublicOnly, Webhook};
use super::whatsapp::{self, Whatsapp};
use super::{Outlet, http};

/// Makes channels. Connections to platforms are shared between accounts.
#[derive(Debug)]
pub(super) struct Opener {
    ambient: Ambient,
    ca_file: Option<PathBuf>,
    usage: Usage,
    platforms: OnceLock<Client>,
    public: OnceLock<Client>,
}

impl Opener {
    pub(super) fn new(ambient: Ambient, ca_file: Option<&Path>, usage: Usage) -> Self {
        Self { ambient, ca_file: ca_file.map(Path::to_owned), usage, platforms: OnceLock::new(), public: OnceLock::new() }
    }

    /// Makes the channel of an account. A platform that is not of the account's channel is none.
    pub(super) fn open(&self, account: &SendingAccount, sender: &Sender) -> Result<Arc<dyn Outlet>, NoLine> {
        let ambient = self.ambient.clone();
        Ok(match (account.channel, sender.platform.clone()) {
            (Channel::Email, Platform::Smtp { host, port, tls, user, password, oauth }) => {
                let access = self.access(user, password.as_deref(), oauth)?;
                let url = mail_server(host, port, &tls, &access)?;
                let smtp = Smtp::of(url, access, self.ca_file.as_deref(), self.usage);
                Arc::new(Transport::Smtp(smtp.map_err(|error| settings(&error))?))
            }
            (Channel::Slack, Platform::Slack { token, base_url }) => {
                let base_url = base(base_url, slack::BASE_URL);
                Arc::new(Slack { client: self.platforms()?, ambient, base_url, token: Secret::read(&token)? })
            }
            (Channel::Whatsapp, Platform::Whatsapp { phone_number_id, token, base_url, .. }) => {
                let base_url = base(base_url, whatsapp::BASE_URL);
                Arc::new(Whatsapp { client: self.platforms()?, ambient, base_url, phone_number_id, token: Secret::read(&token)? })
            }
            (Channel::Sms | Channel::Voice, Platform::Twilio { account_sid, token, messaging_service_sid, base_url, status_url }) => {
                let status_url = status_url.as_deref().map(Url::parse).transpose();
                Arc::new(Twilio {
                    client: self.platforms()?,
                    ambient,
                    base_url: base(base_url, sms::BASE_URL),
                    account_sid,
                    token: Secret::read(&token)?,
                    messaging_service_sid,
                    status_url: status_url.map_err(|error| NoLine::Settings(format!("status_url: {error}")))?,
                    from: account.address.clone(),
                })
            }
            (Channel::Webhook, Platform::Webhook { secret, allow_private }) => {
                let client = if allow_private { self.platforms()? } else { self.public()? };
                Arc::new(Webhook { client, ambient, secret: Secret::read(&secret)?, allow_private })
            }
            _ => return Err(NoLine::NoSender),
        })
    }

    fn access(&self, user: Option<String>, password: Option<&str>, oauth: Option<OAuth>) -> Result<Access, NoLine> {
        Ok(match (user, password, oauth) {
            (None, None, None) => Access::Open,
            (Some(user), Some(password), None) => Access::Password { user, password: Secret::read(password)? },
            (Some(user), None, Some(oauth)) => Access::Token { user, tokens: Tokens::new(oauth, self.platforms()?, self.ambient.clone()) },
            _ => return Err(NoLine::Settings("a user goes with either password or oauth".to_owned())),
        })
    }

    /// Connects to wherever an account says.
    fn platforms(&self) -> Result<Client, NoLine> {
        kept(&self.platforms, || Ok(http::client(self.ca_file.as_deref())?.build()?))
    }

    /// Connects to public addresses alone.
    fn public(&self) -> Result<Client, NoLine> {
        kept(&self.public, || Ok(http::client(self.ca_file.as_deref())?.dns_resolver(PublicOnly::system()).build()?))
    }
}

/// Made once: connections are used again.
fn kept(place: &OnceLock<Client>, make: impl FnOnce() -> anyhow::Result<Client>) -> Result<Client, NoLine> {
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let made = make().map_err(|error| settings(&error))?;
    Ok(place.get_or_init(|| made).clone())
}

fn settings(error: &anyhow::Error) -> NoLine {
    NoLine::Settings(format!("{error:#}"))
}

fn base(given: Option<String>, usual: &str) -> String {
    given.map_or_else(|| usual.to_owned(), |url| url.trim_end_matches('/').to_owned())
}

fn mail_server(host: String, port: u16, tls: &str, access: &Access) -> Result<SmtpUrl, NoLine> {
    let encryption = match tls {
        "tls" => Encryption::Implicit,
        "starttls" => Encryption::Required,
        "none" => Encryption::Plain,
        _ => return Err(NoLine::Settings("tls is none of tls, starttls and none".to_owned())),
    };
    let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if encryption == Encryption::Plain && !is_local && !matches!(access, Access::Open) {
        return Err(NoLine::Settings("it would send a secret over a connection that is not encrypted".to_owned()));
    }
    Ok(SmtpUrl { host, port, encryption, sign_in: None, hello: None })
}
