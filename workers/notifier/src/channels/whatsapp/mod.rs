//! WhatsApp, by the Cloud API (<https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>).
//!
//! A text that is longer than a message goes as several, and each file as a message of its own. Files are uploaded first, where
//! nobody sees them. Once a part was taken, a failure leaves open what becomes of the rest.

mod answer;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::carries::whatsapp_media;
use switchboard_common::domain::method::Method;
use switchboard_common::secrets::Secret;

use super::http::{self, AT_ONCE, Deadline};
use super::pieces;
use super::{Obstacle, Outlet, Parcel, Receipt, Refusal};
use crate::render::{Content, File};

/// Where the Graph API is, with its version.
pub(super) const BASE_URL: &str = "https://graph.facebook.com/v23.0";

/// A number of the Cloud API.
pub(super) struct Whatsapp {
    pub client: Client,
    pub ambient: Ambient,
    pub base_url: String,
    pub phone_number_id: String,
    pub token: Secret,
}

#[async_trait]
impl Outlet for Whatsapp {
    fn method(&self) -> Method {
        Method::Whatsapp
    }

    async fn send(&self, parcel: &Parcel, limit: Duration) -> Result<Receipt, Refusal> {
        let deadline = Deadline::within(limit);
        let token = self.token.value();
        let sent = match self.hand_over(parcel, &token, deadline).await {
            Err(Refusal::Away { obstacle: Obstacle::SignIn, .. }) if self.token.renew(&token) => {
                self.hand_over(parcel, &self.token.value(), deadline).await
            }
            ended => ended,
        };
        sent.map_err(Refusal::tidied)
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

impl Whatsapp {
    async fn hand_over(&self, parcel: &Parcel, token: &SecretString, deadline: Deadline) -> Result<Receipt, Refusal> {
        let (mut messages, is_cut) = texts(&parcel.content)?;
        if let Content::Whatsapp { files, .. } = &parcel.content {
            let kinds: Vec<&str> = files.iter().map(kind).collect::<Result<_, _>>()?;
            for (file, kind) in files.iter().zip(kinds) {
                let id = self.upload(file, token, deadline).await.map_err(http::without_effect)?;
                messages.push(of_file(kind, &id, file));
            }
        }
        let mut ids = Vec::new();
        let all = messages.len();
        for mut message in messages {
            address(&mut message, parcel);
            let sent = self.message(&message, token, deadline).await;
            ids.push(sent.map_err(|refusal| http::after(ids.len(), all, refusal))?);
        }
        let cut = if is_cut { ", cut at its end" } else { "" };
        let first = ids.into_iter().next().ok_or_else(|| Refusal::for_good("not sent: there is nothing to send"))?;
        Ok(Receipt { answer: format!("accepted {first}, {all} message(s){cut}"), provider_id: Some(first), thread_key: None })
    }

    async fn message(&self, message: &Value, token: &SecretString, deadline: Deadline) -> Result<String, Refusal> {
        let request = self.post("messages", token).header("content-type", "application/json").body(message.to_string());
        let answer = answer::judge(&http::ask(request, deadline, self.ambient.now()).await?)?;
        let id = answer["messages"][0]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Refusal::Unknown { answer: "the answer names no message".to_owned() })
    }

    /// Uploads a file (<https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#upload-media>), and returns its id.
    async fn upload(&self, file: &File, token: &SecretString, deadline: Deadline) -> Result<String, Refusal> {
        let part = Part::bytes(file.bytes.clone()).file_name(file.name.clone()).mime_str(&file.content_type);
        let part = part.map_err(|_| Refusal::for_good("not sent: the media type of a file cannot be read"))?;
        let form = Form::new().text("messaging_product", "whatsapp").text("type", file.content_type.clone()).part("file", part);
        let answer = answer::judge(&http::ask(self.post("media", token).multipart(form), deadline, self.ambient.now()).await?)?;
        answer["id"].as_str().map(str::to_owned).ok_or_else(|| Refusal::ForNow { answer: "the answer names no file".to_owned() })
    }

    fn post(&self, what: &str, token: &SecretString) -> RequestBuilder {
        self.client.post(format!("{}/{}/{what}", self.base_url, self.phone_number_id)).bearer_auth(token.expose_secret())
    }
}

/// The messages of the text, and whether it was cut.
fn texts(content: &Content) -> Result<(Vec<Value>, bool), Refusal> {
    match content {
        Content::Whatsapp { text, .. } => {
            let (texts, is_cut) = pieces::messages(text, pieces::WHATSAPP);
            Ok((texts.iter().map(|text| json!({ "type": "text", "text": { "preview_url": false, "body": text } })).collect(), is_cut))
        }
        Content::WhatsappTemplate { name, language, parameters } => {
            // A parameter may hold no line break, no tab and no more than four spaces in a row.
            let plain = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let parameters: Vec<Value> = parameters.iter().map(|text| json!({ "type": "text", "text": plain(text) })).collect();
            let components = if parameters.is_empty() { json!([]) } else { json!([{ "type": "body", "parameters": parameters }]) };
            let template = json!({ "name": name, "language": { "code": language }, "components": components });
            Ok((vec![json!({ "type": "template", "template": template })], false))
        }
        _ => Err(Refusal::for_good("not sent: it is not a message for WhatsApp")),
    }
}

/// The type of message that carries a file.
fn kind(file: &File) -> Result<&'static str, Refusal> {
    let media = whatsapp_media(&file.content_type).filter(|media| file.bytes.len() as u64 <= media.largest);
    media.map(|media| media.kind).ok_or_else(|| Refusal::for_good(format!("not sent: WhatsApp takes no such file ({})", file.content_type)))
}

fn of_file(kind: &str, id: &str, file: &File) -> Value {
    let mut media = json!({ "id": id });
    if kind == "document" {
        media["filename"] = file.name.as_str().into();
    }
    json!({ "type": kind, kind: media })
}

/// What every message says: to whom, in answer to what, and which delivery its statuses are about.
fn address(message: &mut Value, parcel: &Parcel) {
    message["messaging_product"] = "whatsapp".into();
    message["recipient_type"] = "individual".into();
    message["to"] = parcel.address.trim_start_matches('+').into();
    message["biz_opaque_callback_data"] = parcel.delivery_id.to_string().into();
    if let Some(id) = parcel.thread_key.as_deref().filter(|key| key.starts_with("wamid.")) {
        message["context"] = json!({ "message_id": id });
    }
}

impl fmt::Debug for Whatsapp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Whatsapp").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}
