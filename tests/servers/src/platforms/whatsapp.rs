//! The WhatsApp Cloud API: `/PHONE_NUMBER_ID/messages` and `/PHONE_NUMBER_ID/media`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::server::{Behaviour, Call, Platform, Reply};

/// The token that is accepted at first.
pub const TOKEN: &str = "EAA-right";
/// The id of the number.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
/// The version, as it stands in the path.
pub const VERSION: &str = "/v23.0";

/// A number of a business.
#[derive(Debug)]
pub struct Number {
    /// The token that is accepted.
    pub token: String,
    /// Numbers of people on WhatsApp who wrote within the last 24 hours.
    pub in_window: BTreeSet<String>,
    /// Numbers of people on WhatsApp who did not.
    pub out_of_window: BTreeSet<String>,
    /// Approved templates, with their language and how many parameters their body has.
    pub templates: BTreeMap<(String, String), usize>,
    /// So many messages are taken before it is too fast.
    pub allowance: Option<usize>,
    /// The messages that were taken.
    pub messages: Vec<Value>,
    /// The files that were uploaded: the id, the media type and how many bytes came with the form.
    pub media: BTreeMap<String, (String, usize)>,
}

/// Starts a number that +5511987654321 wrote to, and +5511987654322 did not.
pub async fn start() -> Platform<Number> {
    Platform::start(Number {
        token: TOKEN.to_owned(),
        in_window: ["5511987654321".to_owned()].into(),
        out_of_window: ["5511987654322".to_owned()].into(),
        templates: [(("support_answer".to_owned(), "pt_BR".to_owned()), 1)].into(),
        allowance: None,
        messages: Vec::new(),
        media: BTreeMap::new(),
    })
    .await
}

/// An error of the Graph API (<https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>).
#[must_use]
pub fn error(status: u16, code: u32, message: &str) -> Reply {
    let data = json!({ "messaging_product": "whatsapp", "details": "for +5511987654321" });
    let message = format!("(#{code}) {message}");
    let error = json!({ "message": message, "type": "OAuthException", "code": code, "error_data": data, "fbtrace_id": "Az8or2yhqkZfEZ" });
    Reply::json(status, &json!({ "error": error }))
}

impl Behaviour for Number {
    fn answer(&mut self, call: &Call) -> Reply {
        let path = format!("{VERSION}/{PHONE_NUMBER_ID}/");
        let done = match call.path.strip_prefix(&path) {
            _ if call.bearer() != Some(self.token.as_str()) => Err(error(401, 190, "Invalid OAuth access token")),
            Some("messages") => self.message(call),
            Some("media") => self.upload(call),
            _ => Err(error(400, 100, "Unsupported post request")),
        };
        done.map_or_else(|refused| refused, |answer| Reply::json(200, &answer))
    }
}

impl Number {
    /// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages>.
    fn message(&mut self, call: &Call) -> Result<Value, Reply> {
        let body = call.json();
        if !call.is_of("application/json") || body["messaging_product"] != "whatsapp" {
            return Err(error(400, 100, "Invalid parameter"));
        }
        if self.allowance == Some(0) {
            return Err(error(400, 130_429, "Rate limit hit"));
        }
        let to = body["to"].as_str().unwrap_or_default().to_owned();
        if to.is_empty() || !to.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error(400, 131_009, "Parameter value is not valid"));
        }
        let is_known = self.in_window.contains(&to) || self.out_of_window.contains(&to);
        if !is_known {
            return Err(error(400, 131_026, "Message undeliverable"));
        }
        self.check_content(&body)?;
        if body["type"] != "template" && !self.in_window.contains(&to) {
            return Err(error(400, 131_047, "Re-engagement message"));
        }
        // https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components: at most 512 characters.
        if body["biz_opaque_callback_data"].as_str().is_some_and(|data| data.len() > 512) {
            return Err(error(400, 100, "Invalid parameter"));
        }
        if let Some(allowance) = &mut self.allowance {
            *allowance -= 1;
        }
        let id = format!("wamid.HBgN{}", self.messages.len());
        self.messages.push(body);
        Ok(json!({ "messaging_product": "whatsapp", "contacts": [{ "input": to, "wa_id": to }], "messages": [{ "id": id }] }))
    }

    fn check_content(&self, body: &Value) -> Result<(), Reply> {
        let invalid = || error(400, 100, "Invalid parameter");
        match body["type"].as_str() {
            Some("text") => match body["text"]["body"].as_str().map(|text| text.chars().count()) {
                Some(1..=4096) => Ok(()),
                _ => Err(invalid()),
            },
            Some("template") => self.check_template(&body["template"]),
            Some(kind @ ("image" | "document" | "audio" | "video")) => {
                let media = body[kind]["id"].as_str().and_then(|id| self.media.get(id));
                let fits = media.is_some_and(|(content_type, _)| kind == kind_of(content_type));
                if fits { Ok(()) } else { Err(error(400, 131_053, "Media upload error")) }
            }
            _ => Err(error(400, 131_051, "Unsupported message type")),
        }
    }

    /// 132001 without such a template, 132000 with too few or too many parameters, 132018 with line breaks, tabs or more than four
    /// spaces in one.
    fn check_template(&self, template: &Value) -> Result<(), Reply> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some(count) = self.templates.get(&(text(&template["name"]), text(&template["language"]["code"]))) else {
            return Err(error(404, 132_001, "Template name does not exist in the translation"));
        };
        let parameters = template["components"][0]["parameters"].as_array().cloned().unwrap_or_default();
        if parameters.len() != *count {
            return Err(error(400, 132_000, "Number of parameters does not match the expected number of params"));
        }
        let is_odd = |text: &str| text.is_empty() || text.contains(['\n', '\t']) || text.contains("     ");
        if parameters.iter().any(|parameter| is_odd(parameter["text"].as_str().unwrap_or_default())) {
            return Err(error(400, 132_018, "There was an issue with the parameters in your template"));
        }
        Ok(())
    }

    /// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#upload-media>: a form of several parts, with
    /// `messaging_product`, `type` and `file`.
    fn upload(&mut self, call: &Call) -> Result<Value, Reply> {
        let text = String::from_utf8_lossy(&call.body).into_owned();
        let part = |name: &str| {
            let head = format!("name=\"{name}\"");
            let after = text.split_once(&head)?.1;
            Some(after.split_once("\r\n\r\n")?.1.split_once("\r\n--")?.0.to_owned())
        };
        let (product, content_type, file) = (part("messaging_product"), part("type"), part("file"));
        match (call.is_of("multipart/form-data"), product.as_deref(), content_type, file) {
            (true, Some("whatsapp"), Some(content_type), Some(file)) if !kind_of(&content_type).is_empty() => {
                let id = format!("100{}", self.media.len());
                self.media.insert(id.clone(), (content_type, file.len()));
                Ok(json!({ "id": id }))
            }
            _ => Err(error(400, 100, "Param file must be a file with one of the following types")),
        }
    }
}

/// <https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media#supported-media-types>.
fn kind_of(content_type: &str) -> &'static str {
    match content_type.split(';').next().unwrap_or_default().split_once('/') {
        Some(("image", "jpeg" | "png")) => "image",
        Some(("audio", "aac" | "amr" | "mpeg" | "mp4" | "ogg")) => "audio",
        Some(("video", "mp4" | "3gp")) => "video",
        Some(("text", "plain") | ("application", "pdf" | "msword")) => "document",
        Some(("application", other)) if other.starts_with("vnd.") => "document",
        _ => "",
    }
}
