//! What rules look at: a message, its sender, and the circumstances. Fixed for one message.

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value as Json;
use switchboard_common::domain::address::EmailAddress;
use switchboard_common::domain::explanation::FactSeen;
use switchboard_common::domain::hours::{Hours, Judged};
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::inbound::{Channel, InboundAttachment, Trust};
use switchboard_common::domain::rules::Field;
use switchboard_common::domain::rules::words::Indexed;

use super::language;

/// So much of what was newly written is looked at, in bytes: what travels with a message whose texts
/// are too large to travel.
pub const TEXT: usize = 32 * 1024;
/// So much of a value stands in an explanation, in characters.
const SHOWN: usize = 200;
/// So many keys of a client's data, and of custom fields, stand in an explanation.
const KEYS: usize = 50;

/// How a message came to open a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Opened {
    /// It points at no ticket.
    #[default]
    New,
    /// It follows an older ticket of its client.
    FollowUp,
    /// It points at a ticket in which its sender takes no part.
    Stranger,
}

/// What is known when a ticket is opened.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The channel that the message came on.
    pub channel: Channel,
    /// The name of the account that received it.
    pub account: &'a str,
    /// Every address that it was sent to.
    pub recipients: &'a [EmailAddress],
    /// The keys of its sender, as the channel knows them.
    pub sender: &'a [ExternalId],
    /// The name that came with it.
    pub sender_name: Option<&'a str>,
    /// The client's name.
    pub client_name: Option<&'a str>,
    /// The client was made for this message.
    pub client_new: bool,
    /// The tenant's own data of the client.
    pub client_data: Option<&'a Json>,
    /// The subject.
    pub subject: &'a str,
    /// What was newly written.
    pub text: &'a str,
    /// The attachments. Those that are shown within the HTML are not counted.
    pub attachments: &'a [InboundAttachment],
    /// Why it counts as sent by a program.
    pub automatic: Option<&'a str>,
    /// How far the sender is vouched for.
    pub trust: Trust,
    /// The mail server's verdict, if it took it for spam.
    pub spam: Option<&'a str>,
    /// How it came to open a ticket.
    pub opened: Opened,
    /// Custom fields that came with it.
    pub fields: &'a BTreeMap<String, Json>,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
    /// When the desk is at work, if it says so, and in which zone.
    pub hours: Option<(&'a Hours, Tz)>,
}

/// Facts with what is worked out of them once, and only if a rule asks.
#[derive(Debug)]
pub struct View<'a> {
    pub(super) facts: Facts<'a>,
    /// The bits of the fields that a rule has asked for.
    asked: Cell<u32>,
    subject: OnceCell<Indexed>,
    text: OnceCell<Indexed>,
    language: OnceCell<&'static str>,
    hours: OnceCell<Option<Judged>>,
}

fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Verified => "verified",
        Trust::Unverified => "unverified",
        Trust::Failed => "failed",
    }
}

impl<'a> View<'a> {
    /// A view of these facts.
    #[must_use]
    pub fn new(facts: Facts<'a>) -> Self {
        let text = &facts.text[..facts.text.floor_char_boundary(TEXT)];
        let facts = Facts { text, ..facts };
        Self {
            facts,
            asked: Cell::new(0),
            subject: OnceCell::new(),
            text: OnceCell::new(),
            language: OnceCell::new(),
            hours: OnceCell::new(),
        }
    }

    /// Notes that a rule asks for a field.
    pub(super) fn ask(&self, bit: u32) {
        self.asked.set(self.asked.get() | bit);
    }

    /// The index of a long text that many rules look into.
    pub(super) fn indexed(&self, field: &Field) -> Option<&Indexed> {
        match field {
            Field::Subject => Some(self.subject.get_or_init(|| Indexed::new(self.facts.subject))),
            Field::Text => Some(self.text.get_or_init(|| Indexed::new(self.facts.text))),
            _ => None,
        }
    }

    fn language(&self) -> &'static str {
        self.language.get_or_init(|| language::detect(self.facts.subject, self.facts.text))
    }

    /// Whether it came within the hours; without any it came at no particular time.
    pub(super) fn inside_hours(&self) -> Option<bool> {
        let judge = || self.facts.hours.map(|(hours, zone)| hours.judge(self.facts.received_at, zone));
        self.hours.get_or_init(judge).as_ref().map(|judged| judged.inside)
    }

    fn domain(&self) -> Option<&'a str> {
        let address = self.facts.sender.iter().find(|id| id.kind() == ExternalKind::Email)?;
        address.value().rsplit_once('@').map(|(_, domain)| domain)
    }

    /// The attachments that a person would call so.
    fn attachments(&self) -> impl Iterator<Item = &'a InboundAttachment> {
        self.facts.attachments.iter().filter(|attachment| !attachment.inline)
    }

    fn json(&self, field: &Field) -> Option<&'a Json> {
        match field {
            Field::ClientData(key) => self.facts.client_data?.get(key),
            Field::Custom(key) => self.facts.fields.get(key),
            _ => None,
        }
    }

    /// Whether one of a field's texts is like that. What is empty is not there.
    pub(super) fn any_text(&self, field: &Field, mut like: impl FnMut(&str) -> bool) -> bool {
        let facts = &self.facts;
        let mut one = |text: Option<&str>| text.is_some_and(|text| !text.is_empty() && like(text));
        match field {
            Field::Channel => one(Some(facts.channel.as_str())),
            Field::Account => one(Some(facts.account)),
            Field::Recipient => facts.recipients.iter().any(|recipient| one(Some(recipient.as_str()))),
            Field::Sender => facts.sender.iter().any(|id| one(Some(id.value()))),
            Field::SenderName => one(facts.sender_name),
            Field::Domain => one(self.domain()),
            Field::ClientName => one(facts.client_name),
            Field::Subject => one(Some(facts.subject)),
            Field::Text => one(Some(facts.text)),
            Field::Language => one(Some(self.language())),
            Field::AttachmentNames => self.attachments().any(|attachment| one(Some(&attachment.name))),
            Field::AttachmentTypes => self.attachments().any(|attachment| one(Some(&attachment.content_type))),
            Field::Automatic => one(facts.automatic),
            Field::Trust => one(Some(trust(facts.trust))),
            Field::Spam => one(facts.spam),
            Field::ClientData(_) | Field::Custom(_) => any_json(self.json(field), |value| match value {
                Json::String(text) => one(Some(text)),
                Json::Number(_) | Json::Bool(_) => one(Some(&value.to_string())),
                _ => false,
            }),
            Field::ClientNew | Field::Attachments | Field::AttachmentsSize | Field::FollowUp | Field::Stranger => false,
        }
    }

    /// Whether one of a field's numbers is like that.
    pub(super) fn any_number(&self, field: &Field, like: impl Fn(f64) -> bool) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "nobody asks for the last byte of nine petabytes")]
        match field {
            Field::Attachments => like(self.attachments().count() as f64),
            Field::AttachmentsSize => like(self.attachments().map(|attachment| attachment.size).sum::<u64>() as f64),
            _ => any_json(self.json(field), |value| value.as_f64().is_some_and(&like)),
        }
    }

    /// Whether a field says yes; `None` when it says neither.
    pub(super) fn flag(&self, field: &Field) -> Option<bool> {
        match field {
            Field::ClientNew => Some(self.facts.client_new),
            Field::FollowUp => Some(self.facts.opened == Opened::FollowUp),
            Field::Stranger => Some(self.facts.opened == Opened::Stranger),
            Field::Automatic => Some(self.facts.automatic.is_some()),
            Field::Spam => Some(self.facts.spam.is_some()),
            _ => self.json(field)?.as_bool(),
        }
    }

    /// Whether there is anything in a field.
    pub(super) fn exists(&self, field: &Field) -> bool {
        match field {
            Field::ClientData(_) | Field::Custom(_) => self.json(field).is_some_and(|value| !value.is_null()),
            Field::Automatic | Field::Spam => self.flag(field) == Some(true),
            _ => self.any_text(field, |_| true),
        }
    }

    /// The facts for an explanation: those that a rule asked for and that were there.
    pub(super) fn listed(&self) -> Vec<FactSeen> {
        let asked = |field: &Field| self.asked.get() & field.bit() != 0;
        let fact = |field: String, value: String| FactSeen { field, value: cut(value) };
        let named = Field::named().filter(|field| asked(field)).map(|field| (field, self.value(field)));
        let mut listed: Vec<FactSeen> =
            named.filter(|(_, value)| !value.is_empty()).map(|(field, value)| fact(field.to_string(), value)).collect();
        if asked(&Field::ClientData(String::new())) {
            let data = self.facts.client_data.and_then(Json::as_object).into_iter().flatten().take(KEYS);
            listed.extend(data.map(|(key, value)| fact(Field::ClientData(key.clone()).to_string(), shown(value))));
        }
        if asked(&Field::Custom(String::new())) {
            let fields = self.facts.fields.iter().take(KEYS);
            listed.extend(fields.map(|(key, value)| fact(Field::Custom(key.clone()).to_string(), shown(value))));
        }
        let hours = self.hours.get().map(|judged| judged.as_ref().map_or("the desk names none", |judged| &judged.why).to_owned());
        listed.extend(hours.map(|value| fact("hours".to_owned(), value)));
        listed
    }

    /// The value of a field without a key, as it is shown; empty when it is not there.
    fn value(&self, field: &Field) -> String {
        let facts = &self.facts;
        let attachments = || self.attachments();
        match field {
            Field::Channel => facts.channel.as_str().to_owned(),
            Field::Account => facts.account.to_owned(),
            Field::Recipient => listed(facts.recipients.iter()),
            Field::Sender => listed(facts.sender.iter()),
            Field::SenderName => shortened(facts.sender_name.unwrap_or_default()),
            Field::Domain => self.domain().unwrap_or_default().to_owned(),
            Field::ClientName => shortened(facts.client_name.unwrap_or_default()),
            Field::Subject => shortened(facts.subject),
            Field::Text => shortened(facts.text),
            Field::Language => self.language().to_owned(),
            Field::Attachments => attachments().count().to_string(),
            Field::AttachmentNames => listed(attachments().map(|attachment| &attachment.name)),
            Field::AttachmentTypes => listed(attachments().map(|attachment| &attachment.content_type)),
            Field::AttachmentsSize => attachments().map(|attachment| attachment.size).sum::<u64>().to_string(),
            Field::Trust => trust(facts.trust).to_owned(),
            Field::Automatic => facts.automatic.map_or_else(|| "no".to_owned(), shortened),
            Field::Spam => facts.spam.map_or_else(|| "no".to_owned(), shortened),
            Field::ClientNew | Field::FollowUp | Field::Stranger => if self.flag(field) == Some(true) { "yes" } else { "no" }.to_owned(),
            Field::ClientData(_) | Field::Custom(_) => String::new(),
        }
    }
}

fn any_json(value: Option<&Json>, mut like: impl FnMut(&Json) -> bool) -> bool {
    match value {
        Some(Json::Array(items)) => items.iter().any(like),
        Some(value) => like(value),
        None => false,
    }
}

fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    let mut text = String::new();
    for item in items {
        if text.len() > SHOWN * 4 {
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&item.to_string());
    }
    text
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// As much of a text as is cut later, so that no long text is copied.
fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(SHOWN * 4 + 4)].to_owned()
}

fn cut(mut value: String) -> String {
    if let Some((end, _)) = value.char_indices().nth(SHOWN) {
        value.truncate(end);
        value.push('…');
    }
    value
}
