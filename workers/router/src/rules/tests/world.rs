//! A message as the tests make it up.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use switchboard_common::db::routing::Rule;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::hours::Hours;
use switchboard_common::domain::identity::ExternalId;
use switchboard_common::domain::inbound::{Channel, InboundAttachment, Trust};
use switchboard_common::domain::rules;
use switchboard_common::ids::MediaId;
use uuid::Uuid;

use super::super::{Facts, Opened};

/// All that facts borrow from.
#[derive(Debug, Clone)]
pub struct World {
    pub channel: Channel,
    pub recipients: Vec<EmailAddress>,
    pub sender: Vec<ExternalId>,
    pub sender_name: Option<String>,
    pub client_new: bool,
    pub client_data: Option<Json>,
    pub subject: String,
    pub text: String,
    pub attachments: Vec<InboundAttachment>,
    pub automatic: Option<String>,
    pub trust: Trust,
    pub spam: Option<String>,
    pub opened: Opened,
    pub fields: BTreeMap<String, Json>,
    pub received_at: String,
    pub hours: Option<Hours>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            channel: Channel::Email,
            recipients: vec![EmailAddress::parse("Support@desk.example").expect("an address")],
            sender: vec!["email:ada@mail.client.example".parse().expect("a key")],
            sender_name: Some("Ada Lovelace".to_owned()),
            client_new: false,
            client_data: Some(json!({ "plan": "Gold", "seats": 12, "vip": true, "sites": ["Porto", "Lisbon"], "gone": null })),
            subject: "Invoice 4711: pay back, please".to_owned(),
            text: "Hello,\nthe INVOICE is wrong.".to_owned(),
            attachments: vec![attachment("bill.pdf", "application/pdf", 70_000, false), attachment("logo.png", "image/png", 500, true)],
            automatic: None,
            trust: Trust::Unverified,
            spam: None,
            opened: Opened::New,
            fields: BTreeMap::from([("order".to_owned(), json!("A-17")), ("count".to_owned(), json!(3))]),
            received_at: "2026-03-02T10:00:00Z".to_owned(),
            hours: Some(serde_json::from_value(json!({ "mon": ["09:00-12:30"] })).expect("hours")),
        }
    }
}

pub fn attachment(name: &str, content_type: &str, size: u64, inline: bool) -> InboundAttachment {
    let (name, content_type) = (name.to_owned(), content_type.to_owned());
    InboundAttachment { media_id: MediaId(Uuid::from_u128(1)), name, content_type, size, inline, content_id: None }
}

impl World {
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            channel: self.channel,
            account: "support",
            recipients: &self.recipients,
            sender: &self.sender,
            sender_name: self.sender_name.as_deref(),
            client_name: Some("Lovelace Ltd"),
            client_new: self.client_new,
            client_data: self.client_data.as_ref(),
            subject: &self.subject,
            text: &self.text,
            attachments: &self.attachments,
            automatic: self.automatic.as_deref(),
            trust: self.trust,
            spam: self.spam.as_deref(),
            opened: self.opened,
            fields: &self.fields,
            received_at: self.received_at.parse().expect("a time"),
            hours: self.hours.as_ref().map(|hours| (hours, chrono_tz::UTC)),
        }
    }
}

/// A rule of its document's parts, which have to be sound.
pub fn rule(name: &str, when: &Json, then: &Json) -> Rule {
    let rule = rules::stored(&json!({ "version": 1, "when": when, "then": then })).unwrap_or_else(|why| panic!("{when} {then}: {why}"));
    Rule { name: name.into(), rule: Ok(rule) }
}

/// Whether one condition holds.
pub fn holds(when: &Json, world: &World) -> bool {
    let rules = [rule("r", &json!([when]), &json!({ "stop": true }))];
    super::super::evaluate(&rules, &super::super::View::new(world.facts())).tried[0].matched
}
