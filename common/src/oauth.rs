//! Access tokens that are had by a refresh token (RFC 6749, 6), for whoever signs in with one.
//!
//! A token is kept in memory and fetched anew ahead of its end, by one task at a time. Where the server gives a new refresh token
//! with it, that is the one that counts from then on, in memory; after a restart the account's own is used again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::form_urlencoded::Serializer;

use crate::ambient::Ambient;
use crate::domain::sender::OAuth;
use crate::secrets::{self, SecretError};

/// How long ahead of its end a token is fetched anew; of one that does not last that long twice over, half of its time.
const AHEAD: Duration = Duration::from_mins(5);
/// How long it waits with the old token after it could not have a new one.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the server may take.
const LIMIT: Duration = Duration::from_secs(15);

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The server gives none: the error that it names (RFC 6749, 5.2).
    #[error("the token endpoint refuses: {0}")]
    Refused(String),
    /// It cannot be reached, or does not answer.
    #[error("the token endpoint cannot be reached")]
    Unreachable,
    /// It answers what nobody understands, or with a fault of its own.
    #[error("the token endpoint answers HTTP {0}, and no token")]
    Broken(u16),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// The tokens of an account.
#[derive(Debug, Clone)]
pub struct Tokens {
    endpoint: Arc<Endpoint>,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Endpoint {
    settings: OAuth,
    client: Client,
    ambient: Ambient,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<Token>,
    /// What the server gave in place of the account's own.
    refresh_token: Option<SecretString>,
}

#[derive(Debug, Clone)]
struct Token {
    access: SecretString,
    /// When it is fetched anew, and when it ends, where the server says so.
    times: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What the server answers (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: Option<u64>,
    refresh_token: Option<SecretString>,
}

/// What it answers instead (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Denied {
    error: String,
}

impl Tokens {
    /// Those of these settings.
    #[must_use]
    pub fn new(settings: OAuth, client: Client, ambient: Ambient) -> Self {
        Self { endpoint: Arc::new(Endpoint { settings, client, ambient }), held: Arc::default() }
    }

    /// A token that is good for a while.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn access(&self) -> Result<SecretString, TokenError> {
        let held = Arc::clone(&self.held).lock_owned().await;
        let now = self.endpoint.ambient.now();
        match &held.token {
            Some(token) if token.times.is_none_or(|(renewal, _)| now < renewal) => Ok(token.access.clone()),
            _ => self.fetch(held).await,
        }
    }

    /// Another token than the one that was refused.
    ///
    /// # Errors
    /// When none can be had.
    pub async fn instead_of(&self, refused: &SecretString) -> Result<SecretString, TokenError> {
        let mut held = Arc::clone(&self.held).lock_owned().await;
        match &held.token {
            // Another task has fetched it meanwhile.
            Some(token) if token.access.expose_secret() != refused.expose_secret() => Ok(token.access.clone()),
            _ => {
                held.token = None;
                self.fetch(held).await
            }
        }
    }

    /// In a task of its own: who asks may give up, and what the server gave must not get lost with that.
    async fn fetch(&self, mut held: OwnedMutexGuard<Held>) -> Result<SecretString, TokenError> {
        let endpoint = Arc::clone(&self.endpoint);
        let fetched = tokio::spawn(async move { endpoint.renew(&mut held).await });
        fetched.await.unwrap_or(Err(TokenError::Unreachable))
    }
}

impl Endpoint {
    async fn renew(&self, held: &mut Held) -> Result<SecretString, TokenError> {
        let granted = match self.ask(held.refresh_token.as_ref()).await {
            // The account has been given another one since.
            Err(TokenError::Refused(_)) if held.refresh_token.take().is_some() => self.ask(None).await,
            other => other,
        };
        let now = self.ambient.now();
        let granted = match (granted, &mut held.token) {
            (Ok(granted), _) => granted,
            (Err(error), Some(Token { access, times: Some((renewal, end)) })) if now < *end => {
                tracing::warn!("An access token cannot be renewed, and is used while it is good: {error}");
                *renewal = now + PATIENCE;
                return Ok(access.clone());
            }
            (Err(error), _) => return Err(error),
        };
        let times = granted.expires_in.map(|seconds| {
            let lasts = Duration::from_secs(seconds.min(u64::from(u32::MAX)));
            (now + (lasts - AHEAD.min(lasts / 2)), now + lasts)
        });
        held.refresh_token = granted.refresh_token.or_else(|| held.refresh_token.take());
        held.token = Some(Token { access: granted.access_token.clone(), times });
        Ok(granted.access_token)
    }

    /// What is asked (RFC 6749, 6).
    fn form(&self, newer: Option<&SecretString>) -> Result<String, TokenError> {
        let settings = &self.settings;
        let refresh_token = newer.cloned().map_or_else(|| secrets::read(&settings.refresh_token), Ok)?;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", refresh_token.expose_secret());
        form.append_pair("client_id", &settings.client_id);
        if let Some(reference) = &settings.client_secret {
            form.append_pair("client_secret", secrets::read(reference)?.expose_secret());
        }
        if let Some(scope) = &settings.scope {
            form.append_pair("scope", scope);
        }
        Ok(form.finish())
    }

    async fn ask(&self, newer: Option<&SecretString>) -> Result<Granted, TokenError> {
        let settings = &self.settings;
        let form = self.form(newer)?;
        let request = self.client.post(&settings.token_url).header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("accept", "application/json").timeout(LIMIT).body(form);
        let response = request.send().await.map_err(|_| TokenError::Unreachable)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|_| TokenError::Unreachable)?;
        if status == 200 {
            return serde_json::from_slice(&body).map_err(|_| TokenError::Broken(status));
        }
        match serde_json::from_slice::<Denied>(&body) {
            Ok(denied) if (400..500).contains(&status) => Err(TokenError::Refused(denied.error.chars().take(100).collect())),
            _ => Err(TokenError::Broken(status)),
        }
    }
}
