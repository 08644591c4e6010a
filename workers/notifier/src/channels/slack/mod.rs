//! Slack: `chat.postMessage` (<https://docs.slack.dev/reference/methods/chat.postMessage>).
//!
//! Files are uploaded first, where nobody sees them; then the message is posted; then the files are shared in its thread. What fails
//! before the message was posted is without effect.

mod answer;
mod files;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::method::Method;
use switchboard_common::secrets::Secret;

use super::http::{self, AT_ONCE, Deadline};
use super::{Obstacle, Outlet, Parcel, Receipt, Refusal};
use crate::render::{Content, File};

/// Where the Web API is.
pub(super) const BASE_URL: &str = "https://slack.com/api";
const JSON: &str = "application/json; charset=utf-8";

/// A Slack workspace.
pub(super) struct Slack {
    pub client: Client,
    pub ambient: Ambient,
    pub base_url: String,
    pub token: Secret,
}

/// Where in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// A conversation, or a member whose direct messages it goes to.
    channel: String,
    /// The message that the thread hangs on.
    thread_ts: Option<String>,
}

impl Place {
    /// The thread, if there is one (`C024BE91L:1712345600.000100`); else whom or what the address names (`T024BE7LD/U024BE7LH`).
    fn of(parcel: &Parcel) -> Self {
        let thread = parcel.thread_key.as_deref().and_then(|key| key.split_once(':'));
        if let Some((channel, ts)) = thread {
            return Self { channel: channel.to_owned(), thread_ts: Some(ts.to_owned()) };
        }
        let name = parcel.address.rsplit('/').next().unwrap_or_default();
        Self { channel: name.to_owned(), thread_ts: None }
    }
}

/// A message that was posted.
struct Posted {
    channel: String,
    ts: String,
}

#[async_trait]
impl Outlet for Slack {
    fn method(&self) -> Method {
        Method::Slack
    }

    async fn send(&self, parcel: &Parcel, limit: Duration) -> Result<Receipt, Refusal> {
        let Content::Slack { text, blocks, files } = &parcel.content else {
            return Err(Refusal::for_good("not sent: it is not a message for Slack"));
        };
        let place = Place::of(parcel);
        let mut body = json!({ "channel": place.channel, "text": text, "unfurl_links": false, "unfurl_media": false });
        if blocks.as_array().is_some_and(|blocks| !blocks.is_empty()) {
            body["blocks"] = blocks.clone();
        }
        if let Some(thread) = &place.thread_ts {
            body["thread_ts"] = thread.as_str().into();
        }
        let deadline = Deadline::within(limit);
        let token = self.token.value();
        let sent = match self.hand_over(&place, &body, files, &token, deadline).await {
            Err(Refusal::Away { obstacle: Obstacle::SignIn, .. }) if self.token.renew(&token) => {
                self.hand_over(&place, &body, files, &self.token.value(), deadline).await
            }
            ended => ended,
        };
        sent.map_err(Refusal::tidied)
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

impl Slack {
    async fn hand_over(
        &self,
        place: &Place,
        body: &Value,
        files: &[File],
        token: &SecretString,
        deadline: Deadline,
    ) -> Result<Receipt, Refusal> {
        let mut uploaded = Vec::new();
        for file in files {
            uploaded.push(self.upload(file, token, deadline).await.map_err(http::without_effect)?);
        }
        let posted = self.post(place, body, token, deadline).await?;
        let thread = place.thread_ts.clone().unwrap_or_else(|| posted.ts.clone());
        if !uploaded.is_empty() {
            let shared = self.share(&uploaded, &posted.channel, &thread, token, deadline).await;
            shared.map_err(|refusal| http::after(1, 2, refusal))?;
        }
        Ok(Receipt {
            answer: format!("ok {}", posted.ts),
            thread_key: Some(format!("{}:{thread}", posted.channel)),
            provider_id: Some(posted.ts),
        })
    }

    async fn post(&self, place: &Place, body: &Value, token: &SecretString, deadline: Deadline) -> Result<Posted, Refusal> {
        let to_person = place.thread_ts.is_none();
        let answer = self.call("chat.postMessage", JSON, body.to_string(), token, deadline, to_person).await?;
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        match (text("channel"), text("ts")) {
            (Some(channel), Some(ts)) => Ok(Posted { channel, ts }),
            _ => Err(Refusal::Unknown { answer: "the answer names no message".to_owned() }),
        }
    }

    /// Calls a method, and returns what it answers when it is `ok`.
    async fn call(
        &self,
        method: &str,
        content_type: &str,
        body: String,
        token: &SecretString,
        deadline: Deadline,
        to_person: bool,
    ) -> Result<Value, Refusal> {
        let request = self.client.post(format!("{}/{method}", self.base_url)).bearer_auth(token.expose_secret());
        let answer = http::ask(request.header(CONTENT_TYPE, content_type).body(body), deadline, self.ambient.now()).await?;
        answer::judge(&answer, to_person)
    }
}

impl fmt::Debug for Slack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slack").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
