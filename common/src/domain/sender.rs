//! How an account sends: what its desk file says of the platform. Secrets are references, never values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A secret's place: `env:NAME` or `file:PATH`.
pub type SecretRef = String;

/// How an account sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// By which platform.
    #[serde(flatten)]
    pub platform: Platform,
    /// At most so many in so many seconds, over all notifiers; the platform's usual limit where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// What becomes of what may or may not have been taken; as the method has it where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_unsure: Option<WhenUnsure>,
}

/// So many in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// So many.
    pub count: u32,
    /// In so many seconds.
    pub seconds: u32,
}

/// What becomes of what may or may not have been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnsure {
    /// It is sent again.
    Retry,
    /// It is held until a person decides.
    Hold,
}

/// A platform, and what it takes to send by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Platform {
    /// A mail server of the account's own; without one, the one that is configured for all.
    Smtp {
        /// Its name.
        host: String,
        /// Its port.
        port: u16,
        /// `tls`, `starttls` or `none`.
        tls: String,
        /// Whom to sign in as.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// The password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<SecretRef>,
        /// In place of a password: tokens for XOAUTH2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        oauth: Option<OAuth>,
    },
    /// A Slack workspace.
    Slack {
        /// The bot token.
        token: SecretRef,
        /// Where the Web API is, instead of `https://slack.com/api`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base_url: Option<String>,
    },
    /// A number of the WhatsApp Cloud API.
    Whatsapp {
        /// The id of the number.
        phone_number_id: String,
        /// The access token.
        token: SecretRef,
        /// Where the Graph API is, with its version, instead of `https://graph.facebook.com/v23.0`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base_url: Option<String>,
        /// The name of the approved template that carries an answer outside the window, with one body parameter for the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        template: Option<String>,
        /// Its language code by locale; the key `default` for all others.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        template_languages: BTreeMap<String, String>,
    },
    /// A Twilio number.
    Twilio {
        /// The account's SID.
        account_sid: String,
        /// The auth token.
        token: SecretRef,
        /// A messaging service to send by, instead of the account's number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messaging_service_sid: Option<String>,
        /// Where the API is, instead of `https://api.twilio.com`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base_url: Option<String>,
        /// The public URL that the platform calls with what became of a message, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_url: Option<String>,
    },
    /// POSTs to the URLs that users have as contacts.
    Webhook {
        /// The signing secret, `whsec_…`.
        secret: SecretRef,
        /// Whether addresses of private networks are allowed: for tests and for one's own network.
        #[serde(default)]
        allow_private: bool,
    },
}

/// A token endpoint, and what it takes to get an access token by a refresh token (RFC 6749, 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuth {
    /// The token endpoint.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretRef>,
    /// The refresh token.
    pub refresh_token: SecretRef,
    /// The scope to ask for, where the server wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}
