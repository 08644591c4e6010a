//! Letters that were never sent: what `switchboard template render` shows, and what a tenant's own words are tried with.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use switchboard_common::db::letters::{Branding, DigestItem, DigestLetter, Letter, LetterFailure, LetterMessage};
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::templates::Overrides;
use switchboard_common::db::tickets::MessageKind;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{AccountId, ClientId, MessageId, PriorityId, StatusId, TenantId, TicketId, UserId};
use switchboard_common::reply_token::SigningKeys;
use uuid::Uuid;

use super::{Content, DigestDraft, Draft, Enclosures, File, RenderError, Template, digest, render};

/// What a sample is made of.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// What is told.
    pub template: Template,
    /// On which channel.
    pub method: Method,
    /// In which language.
    pub locale: Option<&'a str>,
    /// In whose zone.
    pub timezone: Tz,
    /// How the desk presents itself.
    pub branding: &'a Branding,
    /// The tenant's own words.
    pub overrides: &'a Overrides,
    /// With as little as there may be: no message, no actor, no department.
    pub bare: bool,
}

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const LINK: &str = "https://desk.example/unsubscribe/sample";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

impl Sample<'_> {
    /// What would be handed over.
    ///
    /// # Errors
    /// When the tenant's own words cannot be filled in.
    pub fn render(&self) -> Result<Content, RenderError> {
        if self.template == Template::Digest {
            let letter = self.digest();
            let unsubscribe = (!self.bare).then_some(LINK);
            return digest(DigestDraft { letter: &letter, overrides: self.overrides, unsubscribe, approved: None, now: now() });
        }
        let letter = self.letter();
        let shows_files = self.template.shows_message() && !self.bare;
        let enclosures = if shows_files { enclosures() } else { Enclosures::default() };
        render(Draft {
            letter: &letter,
            earlier: &[],
            enclosures: &enclosures,
            keys: &SigningKeys::new(TENANT, Vec::new()),
            overrides: self.overrides,
            unsubscribe: (!self.bare).then_some(LINK),
            approved: None,
            now: now(),
        })
    }

    /// A letter with everything that a template may ask for, or with as little as there may be.
    #[must_use]
    pub fn letter(&self) -> Letter {
        let template = self.template;
        let full = !self.bare;
        let is_failure = matches!(template, Template::DeliveryFailedAgent | Template::DeliveryPartialAgent);
        let answer = if template == Template::DeliveryFailedAgent { "550 5.1.1 no such user" } else { "plan.pdf, film.mov" };
        let (recipient, recipient_name) = if template.is_for_client() {
            (ReplyRecipient::Client(ClientId(Uuid::from_u128(2))), "Ada Lovelace")
        } else {
            (ReplyRecipient::User(UserId(Uuid::from_u128(4))), "Grace Hopper")
        };
        Letter {
            tenant_id: TENANT,
            method: self.method,
            branding: self.branding.clone(),
            account_id: AccountId(Uuid::from_u128(3)),
            account_address: "help@desk.example".to_owned(),
            template: template.as_str().to_owned(),
            reason: "assigned through group second-line".to_owned(),
            recipient,
            recipient_name: recipient_name.to_owned(),
            locale: self.locale.map(str::to_owned),
            timezone: self.timezone,
            is_optional: template == Template::TicketClosedAgent,
            thread_key: None,
            window_open: true,
            address: address(self.method, template),
            permitted: true,
            message_id: "kq3v5own2example4message6id@desk.example".to_owned(),
            reply_row: None,
            ticket_id: TicketId(Uuid::from_u128(5)),
            ticket: ticket(),
            department: full.then(|| "Support".to_owned()),
            client_name: "Ada Lovelace".to_owned(),
            client_address: full.then(|| "ada@example.org".to_owned()),
            actor_name: full.then(|| "Bob Kahn".to_owned()),
            message: (full || template.is_answer()).then(|| message(template)),
            failure: is_failure.then(|| LetterFailure { address: "ada@example.org".to_owned(), answer: answer.to_owned() }),
        }
    }

    fn digest(&self) -> DigestLetter {
        let all = items();
        let shown = if self.bare { 1 } else { all.len() };
        DigestLetter {
            tenant_id: TENANT,
            method: self.method,
            branding: self.branding.clone(),
            account_id: AccountId(Uuid::from_u128(3)),
            account_address: "help@desk.example".to_owned(),
            user_id: UserId(Uuid::from_u128(4)),
            recipient_name: "Grace Hopper".to_owned(),
            locale: self.locale.map(str::to_owned),
            timezone: self.timezone,
            address: address(self.method, self.template),
            permitted: true,
            message_id: "kq3v5own2example4message6id@desk.example".to_owned(),
            items: all.into_iter().take(shown).collect(),
            total: if self.bare { 1 } else { 42 },
        }
    }
}

fn address(method: Method, template: Template) -> String {
    let is_client = template.is_for_client();
    match method {
        Method::Email if is_client => "ada@example.org",
        Method::Email => "grace@desk.example",
        Method::Slack => "T024BE7LD/U024BE7LH",
        Method::Whatsapp | Method::Sms => "+5511987654321",
        Method::Webhook => "https://hooks.example/switchboard",
    }
    .to_owned()
}

fn ticket() -> TicketSnapshot {
    TicketSnapshot {
        number: 1042,
        title: "The printer on the second floor is on fire".to_owned(),
        client_id: ClientId(Uuid::from_u128(2)),
        account_id: AccountId(Uuid::from_u128(3)),
        department_id: None,
        category_id: None,
        status_id: StatusId(Uuid::nil()),
        state: TicketState::WaitingForAgent,
        priority_id: PriorityId(Uuid::nil()),
        assignees: Vec::new(),
        cc: Vec::new(),
        tags: BTreeSet::new(),
        custom_fields: BTreeMap::new(),
        message_count: 2,
        channels: BTreeSet::new(),
        last_message_at: None,
        closed_at: None,
    }
}

fn message(template: Template) -> LetterMessage {
    let is_theirs = matches!(
        template,
        Template::TicketCreatedAgent | Template::MessageAddedAgent | Template::TicketAssignedAgent | Template::TicketClosedAgent
    );
    let (author, text) = if template == Template::MentionAgent {
        ("Bob Kahn", "@grace, do we still have a bucket?")
    } else if is_theirs {
        ("Ada Lovelace", "Good morning,\n\nthe printer burns, and <water> does not help. What now?\n\nAda")
    } else {
        ("Grace Hopper", "Hello Ada,\n\nplease leave the room & close the door. Help is on its way.\n\nGrace")
    };
    LetterMessage {
        id: MessageId(Uuid::from_u128(6)),
        kind: if template == Template::MentionAgent { MessageKind::Note } else { MessageKind::Public },
        author: author.to_owned(),
        text: text.to_owned(),
        notice: (template == Template::MessageAddedAgent).then(|| "It came from an address that is not hers.".to_owned()),
        automatic: (template == Template::TicketAssignedAgent).then(|| "Auto-Submitted: auto-replied".to_owned()),
        received_at: now() - TimeDelta::seconds(10_000),
    }
}

fn enclosures() -> Enclosures {
    let file = |name: &str, content_type: &str, bytes: &[u8]| File {
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        bytes: bytes.to_vec(),
    };
    Enclosures {
        files: vec![file("Größe.csv", "text/csv", b"a,b\n1,2\n"), file("fire.png", "image/png", b"\x89PNG\r\n\x1a\n\0")],
        left_out: vec!["film.mov".to_owned()],
    }
}

fn items() -> Vec<DigestItem> {
    let item =
        |template: Template, number: i64, title: &str, actor: Option<&str>, excerpt: Option<&str>, cause: &str, minutes: i64| DigestItem {
            template: template.as_str().to_owned(),
            number,
            title: title.to_owned(),
            actor_name: actor.map(str::to_owned),
            excerpt: excerpt.map(str::to_owned),
            cause: cause.to_owned(),
            at: now() - TimeDelta::minutes(minutes),
        };
    let (fire, invoice) = ("The printer on the second floor is on fire", "Invoice 2026-118");
    vec![
        item(
            Template::TicketCreatedAgent,
            1042,
            fire,
            Some("Ada Lovelace"),
            Some("the printer burns,\nand <water> does not help"),
            "quiet_hours",
            600,
        ),
        item(Template::MessageAddedAgent, 1042, fire, Some("Ada Lovelace"), Some("Still burning."), "quiet_hours", 590),
        item(Template::TicketAssignedAgent, 1043, invoice, Some("Bob Kahn"), None, "digest", 70),
        item(Template::MentionAgent, 1043, invoice, None, Some("@grace, have you seen this?"), "digest", 65),
        item(Template::MessageAddedAgent, 1042, fire, None, Some("All is well again."), "storm", 20),
        item(Template::TicketClosedAgent, 1042, fire, Some("Bob Kahn"), None, "digest", 10),
    ]
}
