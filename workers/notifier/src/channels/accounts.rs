//! The channel of each account: made when it is first needed, kept, and made anew when the account's settings change.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::senders::SendingAccount;
use switchboard_common::db::{self, senders};
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::sender::{Rate, WhenUnsure};
use switchboard_common::ids::{AccountId, TenantId};
use switchboard_common::secrets::SecretError;

use super::email::{Transport, Usage};
use super::open::Opener;
use super::{Obstacle, Outlet, Refusal};

/// An account, among all tenants'.
type Key = (TenantId, AccountId);

/// The channels of all accounts.
#[derive(Debug, Clone)]
pub struct Channels {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    mail: Transport,
    opener: Opener,
    kept: Mutex<HashMap<Key, Kept>>,
}

/// The channel of an account, and the settings that it was made by.
#[derive(Debug, Clone)]
struct Kept {
    account: SendingAccount,
    line: Line,
}

/// The channel of an account, and how it is used.
#[derive(Debug, Clone)]
pub struct Line {
    /// What carries its parcels.
    pub outlet: Arc<dyn Outlet>,
    /// At most so many in so many seconds, over all notifiers; none where nothing is limited.
    pub rate: Option<Rate>,
    /// What becomes of what may or may not have been taken.
    pub when_unsure: WhenUnsure,
    /// It is the mail server that is configured for all: what is the matter with it is the matter with every account that shares it.
    pub is_shared: bool,
}

/// Why an account has no channel.
#[derive(Debug, thiserror::Error)]
pub enum NoLine {
    /// The database is away.
    #[error("the account could not be read: the database is away")]
    Unavailable,
    /// It is not there, or was taken out of use.
    #[error("the account is disabled")]
    Disabled,
    /// Nothing says how it sends, or what does is of another channel.
    #[error("the account has no sender of its channel")]
    NoSender,
    /// Its settings do not do.
    #[error("the account's sender cannot be used: {0}")]
    Settings(String),
    /// A secret cannot be read.
    #[error("a secret of the account cannot be read: {0}")]
    Secret(#[from] SecretError),
}

impl From<NoLine> for Refusal {
    fn from(why: NoLine) -> Self {
        let answer = format!("not sent: {why}");
        match why {
            NoLine::Unavailable => Self::ForNow { answer },
            NoLine::Disabled | NoLine::NoSender => Self::for_good(answer),
            NoLine::Settings(_) | NoLine::Secret(_) => Self::Away { obstacle: Obstacle::Secret, answer },
        }
    }
}

impl Channels {
    /// Mail of accounts without a sender of their own goes by `mail`.
    #[must_use]
    pub fn new(mail: Transport, ambient: Ambient) -> Self {
        Self::configured(mail, ambient, None, Usage::default())
    }

    /// The same, trusting the certificate authorities of this file beside the system's, and using each mail server so.
    #[must_use]
    pub fn configured(mail: Transport, ambient: Ambient, ca_file: Option<&Path>, usage: Usage) -> Self {
        let opener = Opener::new(ambient, ca_file, usage);
        Self { shared: Arc::new(Shared { mail, opener, kept: Mutex::default() }) }
    }

    /// The mail server that is configured for all.
    #[must_use]
    pub fn mail(&self) -> Line {
        Line { outlet: Arc::new(self.shared.mail.clone()), rate: None, when_unsure: WhenUnsure::Retry, is_shared: true }
    }

    /// The channels of these accounts, by their settings as they are now.
    ///
    /// # Errors
    /// When the database refuses or cannot be reached. What is the matter with one account is said of it alone.
    pub async fn lines(&self, connection: &mut PgConnection, accounts: &[Key]) -> sqlx::Result<BTreeMap<Key, Result<Line, NoLine>>> {
        let mut found = senders::load(connection, accounts).await?;
        let lines = accounts.iter().map(|key| (*key, found.remove(key).map_or(Err(NoLine::Disabled), |account| self.line(*key, account))));
        Ok(lines.collect())
    }

    /// The channel of an account.
    ///
    /// # Errors
    /// When it has none.
    pub async fn outlet(&self, connection: &mut PgConnection, tenant: TenantId, account: AccountId) -> Result<Line, NoLine> {
        let lines = self.lines(connection, &[(tenant, account)]).await;
        let lines =
            lines.map_err(|error| if db::is_fault_of_the_work(&error) { NoLine::Settings(error.to_string()) } else { NoLine::Unavailable });
        lines?.remove(&(tenant, account)).unwrap_or(Err(NoLine::Disabled))
    }

    /// Lets go of what was held to send more, and was not needed for a while.
    pub async fn tidy_up(&self) {
        for line in self.all() {
            line.outlet.tidy_up().await;
        }
    }

    /// Lets go of all that is held to send more.
    pub async fn close(&self) {
        for line in self.all() {
            line.outlet.close().await;
        }
    }

    fn all(&self) -> Vec<Line> {
        self.kept().values().map(|kept| kept.line.clone()).chain([self.mail()]).collect()
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Key, Kept>> {
        self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, key: Key, account: SendingAccount) -> Result<Line, NoLine> {
        if account.disabled {
            self.kept().remove(&key);
            return Err(NoLine::Disabled);
        }
        let sender = match &account.sender {
            Err(what) => return Err(NoLine::Settings(what.clone())),
            Ok(None) if account.channel == Channel::Email => return Ok(self.mail()),
            Ok(None) => return Err(NoLine::NoSender),
            Ok(Some(sender)) => sender,
        };
        if let Some(kept) = self.kept().get(&key).filter(|kept| kept.account == account) {
            return Ok(kept.line.clone());
        }
        let outlet = self.shared.opener.open(&account, sender)?;
        let method = outlet.method();
        let line = Line {
            outlet,
            rate: sender.rate.or_else(|| usual_rate(method)),
            when_unsure: sender.when_unsure.unwrap_or(if method.knows_doubles() { WhenUnsure::Retry } else { WhenUnsure::Hold }),
            is_shared: false,
        };
        self.kept().insert(key, Kept { account, line: line.clone() });
        Ok(line)
    }
}

/// How fast an account may send where it says nothing.
///
/// Slack: about one message a second in a channel (<https://docs.slack.dev/apis/web-api/rate-limits>). WhatsApp: 80 a second from a
/// number (<https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput>). Twilio: one segment a second from a long
/// code (<https://help.twilio.com/articles/115002943027>).
fn usual_rate(method: Method) -> Option<Rate> {
    match method {
        Method::Slack | Method::Sms => Some(Rate { count: 1, seconds: 1 }),
        Method::Whatsapp => Some(Rate { count: 80, seconds: 1 }),
        Method::Email | Method::Webhook => None,
    }
}
