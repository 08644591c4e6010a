//! Where mail goes: to a mail server, into a folder, or to a test that reads it.

mod file;
mod memory;
mod smtp;

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use lettre::address::Envelope;
use secrecy::SecretString;
use switchboard_common::config::{Config, MailTransport};
use switchboard_common::domain::method::Method;

pub use file::Folder;
pub use memory::{Memory, Sent};
pub(super) use smtp::Access;
pub use smtp::{Smtp, Usage};

use crate::channels::{Outlet, Parcel, Receipt, Refusal, tidy};
use crate::render::Content;

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To a mail server.
    Smtp(Smtp),
    /// Into a folder, one file a mail.
    File(Folder),
    /// To a test.
    Memory(Memory),
}

/// How many mails are sent at once where the other side does not set a bound.
const AT_ONCE: usize = 16;

impl Transport {
    /// What the configuration names.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn configured(config: &Config) -> anyhow::Result<Self> {
        match (config.mail.transport, &config.mail.smtp_url) {
            (MailTransport::Smtp, Some(url)) => {
                let usage = Usage { connections: config.mail.smtp_connections, ..Usage::default() };
                Self::smtp(url, config.tls.ca_file.as_deref(), usage)
            }
            (MailTransport::Smtp, None) => bail!("mail.smtp_url is missing"),
            (MailTransport::Memory, _) => Ok(Self::memory().0),
            (MailTransport::File, _) => {
                // The paths are kept with the deliveries, and read in other folders.
                let folder = std::path::absolute(&config.mail.folder).unwrap_or_else(|_| config.mail.folder.clone());
                Self::file(&folder).with_context(|| format!("cannot make the folder {} for outgoing mail", folder.display()))
            }
        }
    }

    /// A mail server, as [`SmtpUrl`](switchboard_common::config::SmtpUrl) reads it. With TLS the authorities in `ca_file` are trusted
    /// beside the system's.
    ///
    /// # Errors
    /// When the URL is none of a mail server, or the file cannot be read.
    pub fn smtp(url: &SecretString, ca_file: Option<&Path>, usage: Usage) -> anyhow::Result<Self> {
        Ok(Self::Smtp(Smtp::new(url, ca_file, usage)?))
    }

    /// A folder, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn file(folder: &Path) -> io::Result<Self> {
        Ok(Self::File(Folder::new(folder)?))
    }

    /// Keeps what was sent. Read it by a clone of the [`Memory`].
    #[must_use]
    pub fn memory() -> (Self, Memory) {
        let memory = Memory::default();
        (Self::Memory(memory.clone()), memory)
    }

    /// Hands a mail over within `limit`, and returns the answer.
    ///
    /// # Errors
    /// When it was not taken, or may not have been.
    pub async fn send(&self, envelope: &Envelope, bytes: &[u8], limit: Duration) -> Result<String, Refusal> {
        let answer = match self {
            Self::Smtp(smtp) => smtp.send(envelope, bytes, limit).await,
            Self::File(folder) => folder.send(envelope, bytes).await,
            Self::Memory(memory) => Ok(memory.send(envelope, bytes)),
        };
        answer.map(|answer| tidy(&answer)).map_err(Refusal::tidied)
    }

    /// How many mails it takes at once.
    #[must_use]
    pub fn at_once(&self) -> usize {
        match self {
            Self::Smtp(smtp) => smtp.connections(),
            Self::File(_) | Self::Memory(_) => AT_ONCE,
        }
    }

    /// Lets go of what was held to send more, and was not needed for a while.
    pub async fn tidy_up(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.tidy_up().await;
        }
    }

    /// Lets go of all that is held to send more.
    pub async fn close(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}

#[async_trait]
impl Outlet for Transport {
    fn method(&self) -> Method {
        Method::Email
    }

    async fn send(&self, parcel: &Parcel, limit: Duration) -> Result<Receipt, Refusal> {
        let Content::Mail(mail) = &parcel.content else { return Err(Refusal::for_good("not sent: it is not a mail")) };
        let answer = Self::send(self, &mail.envelope, &mail.bytes, limit).await?;
        Ok(Receipt { answer, ..Receipt::default() })
    }

    fn at_once(&self) -> usize {
        Self::at_once(self)
    }

    async fn tidy_up(&self) {
        Self::tidy_up(self).await;
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}
