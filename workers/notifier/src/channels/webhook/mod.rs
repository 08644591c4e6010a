//! Signed POSTs to any URL (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).
//!
//! Every account posts to many URLs, so that what one of them says is never said of the account: a URL that wants to be left alone
//! is tried again by the schedule, as any other that does not take a POST.

mod public;
mod sign;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::method::Method;
use switchboard_common::secrets::Secret;
use url::{Host, Url};

pub(super) use public::{NotPublic, PublicOnly};

use super::http::{self, AT_ONCE, Deadline};
use super::{Gone, Outlet, Parcel, Receipt, Refusal};
use crate::render::Content;

/// What is posted to URLs, with one secret.
pub(super) struct Webhook {
    /// Connects to public addresses alone, unless private ones are allowed.
    pub client: Client,
    pub ambient: Ambient,
    pub secret: Secret,
    pub allow_private: bool,
}

#[async_trait]
impl Outlet for Webhook {
    fn method(&self) -> Method {
        Method::Webhook
    }

    async fn send(&self, parcel: &Parcel, limit: Duration) -> Result<Receipt, Refusal> {
        let Content::Webhook(body) = &parcel.content else {
            return Err(Refusal::for_good("not sent: it is not made for a webhook"));
        };
        let url = self.permitted(&parcel.address)?;
        let (id, now) = (parcel.delivery_id.to_string(), self.ambient.now());
        let timestamp = now.timestamp().to_string();
        let signature = sign::signature(&self.secret.value(), &id, &timestamp, body)?;
        let request = self.client.post(url).header(CONTENT_TYPE, "application/json").body(body.clone());
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp).header("webhook-signature", signature);
        let answer = http::ask(request, Deadline::within(limit), now).await.map_err(of_this_url)?;
        let said = format!("HTTP {} {}", answer.status, answer.body.chars().take(200).collect::<String>());
        match answer.status {
            200..300 => Ok(Receipt { answer: super::tidy(&said), ..Receipt::default() }),
            410 => Err(Refusal::ForGood { answer: said, gone: Some(Gone::Stop) }.tidied()),
            _ => Err(Refusal::ForNow { answer: said }.tidied()),
        }
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

impl Webhook {
    /// The URL, if something may be posted there. An address in it is looked at here; a name, when it is resolved.
    fn permitted(&self, text: &str) -> Result<Url, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::for_good("not sent: the URL cannot be read"))?;
        if url.scheme() != "https" && !(self.allow_private && url.scheme() == "http") {
            return Err(Refusal::for_good("not sent: the URL is not one of https"));
        }
        let is_public = match url.host() {
            Some(Host::Ipv4(address)) => public::is_public(address.into()),
            Some(Host::Ipv6(address)) => public::is_public(address.into()),
            Some(Host::Domain(_)) => true,
            None => return Err(Refusal::for_good("not sent: the URL names no host")),
        };
        if is_public || self.allow_private { Ok(url) } else { Err(Refusal::for_good(NotPublic.to_string())) }
    }
}

/// What is in the way of one URL is not in the way of the others.
fn of_this_url(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Away { answer, .. } | Refusal::Busy { answer, .. } => Refusal::ForNow { answer },
        other => other,
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}
