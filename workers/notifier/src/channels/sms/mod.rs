//! Short messages, by Twilio (<https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>).
//!
//! A text of more than 1600 characters goes as several messages, at most [`MOST`], and what is left of it is cut. Once one was taken,
//! a failure leaves open what becomes of the rest.

mod answer;
mod segments;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::method::Method;
use switchboard_common::secrets::Secret;
use url::Url;
use url::form_urlencoded::Serializer;

use super::http::{self, AT_ONCE, Deadline};
use super::pieces;
use super::{Obstacle, Outlet, Parcel, Receipt, Refusal};
use crate::render::Content;

/// Where the API is.
pub(super) const BASE_URL: &str = "https://api.twilio.com";

/// A Twilio number.
pub(super) struct Twilio {
    pub client: Client,
    pub ambient: Ambient,
    pub base_url: String,
    pub account_sid: String,
    pub token: Secret,
    pub messaging_service_sid: Option<String>,
    pub status_url: Option<Url>,
    /// The number.
    pub from: String,
}

#[async_trait]
impl Outlet for Twilio {
    fn method(&self) -> Method {
        Method::Sms
    }

    async fn send(&self, parcel: &Parcel, limit: Duration) -> Result<Receipt, Refusal> {
        let Content::Sms(text) = &parcel.content else {
            return Err(Refusal::for_good("not sent: it is not a short message"));
        };
        let (texts, is_cut) = pieces::messages(text, pieces::SMS);
        let deadline = Deadline::within(limit);
        let token = self.token.value();
        let sent = match self.hand_over(parcel, &texts, &token, deadline).await {
            Err(Refusal::Away { obstacle: Obstacle::SignIn, .. }) if self.token.renew(&token) => {
                self.hand_over(parcel, &texts, &self.token.value(), deadline).await
            }
            ended => ended,
        };
        let receipt = sent.map_err(Refusal::tidied)?;
        let cut = if is_cut { ", cut at its end" } else { "" };
        Ok(Receipt { answer: format!("{}{cut}", receipt.answer), ..receipt })
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

impl Twilio {
    async fn hand_over(&self, parcel: &Parcel, texts: &[String], token: &SecretString, deadline: Deadline) -> Result<Receipt, Refusal> {
        let mut receipts = Vec::new();
        for text in texts {
            let sent = self.message(parcel, text, token, deadline).await;
            receipts.push(sent.map_err(|refusal| http::after(receipts.len(), texts.len(), refusal))?);
        }
        let answer = receipts.iter().map(|receipt: &Receipt| receipt.answer.as_str()).collect::<Vec<_>>().join("; ");
        let first = receipts.into_iter().next().ok_or_else(|| Refusal::for_good("not sent: there is nothing to send"))?;
        Ok(Receipt { answer, ..first })
    }

    async fn message(&self, parcel: &Parcel, text: &str, token: &SecretString, deadline: Deadline) -> Result<Receipt, Refusal> {
        let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", self.base_url, self.account_sid);
        let request = self.client.post(url).basic_auth(&self.account_sid, Some(token.expose_secret()));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(self.form(parcel, text));
        let answer = answer::judge(&http::ask(request, deadline, self.ambient.now()).await?)?;
        let sid = answer["sid"].as_str().ok_or_else(|| Refusal::Unknown { answer: "the answer names no message".to_owned() })?;
        let status = answer["status"].as_str().unwrap_or("accepted");
        let (encoding, count) = segments::segments(text);
        let segments = if count == 1 { "segment" } else { "segments" };
        Ok(Receipt {
            answer: format!("{status} {sid}, {count} {segments} in {encoding}"),
            provider_id: Some(sid.to_owned()),
            thread_key: None,
        })
    }

    fn form(&self, parcel: &Parcel, text: &str) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("To", &parcel.address).append_pair("Body", text);
        match &self.messaging_service_sid {
            Some(sid) => form.append_pair("MessagingServiceSid", sid),
            None => form.append_pair("From", &self.from),
        };
        if let Some(status_url) = &self.status_url {
            let mut url = status_url.clone();
            url.query_pairs_mut().append_pair("delivery", &parcel.delivery_id.to_string());
            form.append_pair("StatusCallback", url.as_str());
        }
        form.finish()
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
