//! What each channel makes of what its platform does.

mod mail;
mod slack;
mod sms;
mod tokens;
mod webhook;
mod whatsapp;

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use switchboard_common::ambient::Ambient;
use switchboard_common::db::senders::SendingAccount;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender::{Platform, Sender};
use switchboard_common::ids::{AccountId, DeliveryId, TenantId};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::email::Usage;
use super::open::Opener;
use super::{NoLine, Obstacle, Outlet, Parcel, Refusal};
use crate::render::{Content, File};

const DELIVERY: Uuid = Uuid::from_u128(0x0193_4000_0000_7000_8000_0000_0000_0007);
/// Long enough for a machine that is busy.
const LIMIT: Duration = Duration::from_secs(30);

fn ambient() -> Ambient {
    Ambient::manual(DateTime::from_timestamp(1_800_000_000, 0).expect("a time"), 7)
}

/// A file that holds a secret.
struct SecretFile(NamedTempFile);

impl SecretFile {
    fn new(secret: &str) -> Self {
        let file = Self(NamedTempFile::new().expect("a file"));
        file.change(secret);
        file
    }

    fn change(&self, secret: &str) {
        std::fs::write(self.0.path(), secret).expect("written");
    }

    fn reference(&self) -> String {
        format!("file:{}", self.0.path().display())
    }
}

fn try_open(channel: Channel, address: &str, platform: Platform, ambient: &Ambient) -> Result<Arc<dyn Outlet>, NoLine> {
    let sender = Sender { platform, rate: None, when_unsure: None };
    let account = SendingAccount { channel, address: address.to_owned(), disabled: false, sender: Ok(Some(sender.clone())) };
    Opener::new(ambient.clone(), None, Usage::default()).open(&account, &sender)
}

fn open(channel: Channel, address: &str, platform: Platform) -> Arc<dyn Outlet> {
    try_open(channel, address, platform, &ambient()).expect("a channel")
}

fn parcel(address: &str, thread_key: Option<&str>, content: Content) -> Parcel {
    Parcel {
        tenant_id: TenantId(Uuid::nil()),
        delivery_id: DeliveryId(DELIVERY),
        account_id: AccountId(Uuid::nil()),
        from: String::new(),
        address: address.to_owned(),
        thread_key: thread_key.map(str::to_owned),
        content,
    }
}

fn file(name: &str, content_type: &str, bytes: &[u8]) -> File {
    File { name: name.to_owned(), content_type: content_type.to_owned(), bytes: bytes.to_vec() }
}

/// What a refusal is, without its words.
fn kind(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Away { obstacle, .. } => format!("away: {obstacle:?}"),
        Refusal::Busy { retry_after, .. } => format!("busy: {:?}", retry_after.map(|wait| wait.as_secs())),
        Refusal::ForNow { .. } => "for now".to_owned(),
        Refusal::ForGood { gone, .. } => gone.map_or_else(|| "for good".to_owned(), |gone| format!("gone: {gone:?}")),
        Refusal::Unknown { .. } => "unknown".to_owned(),
    }
}

#[test]
fn an_account_sends_by_a_platform_of_its_channel_alone_and_its_secrets_are_never_shown() {
    let secret = SecretFile::new("xoxb-hidden");
    let slack = |token: &str| Platform::Slack { token: token.to_owned(), base_url: None };
    assert!(matches!(try_open(Channel::Whatsapp, "x", slack(&secret.reference()), &ambient()), Err(NoLine::NoSender)));
    let absent = try_open(Channel::Slack, "T1", slack("file:/no/such/secret"), &ambient()).expect_err("no secret");
    let refusal = Refusal::from(absent);
    assert!(matches!(refusal, Refusal::Away { obstacle: Obstacle::Secret, .. }), "{refusal:?}");
    let outlet = try_open(Channel::Slack, "T1", slack(&secret.reference()), &ambient()).expect("a channel");
    assert!(!format!("{outlet:?}").contains("hidden"));
    let smtp = |host: &str, tls: &str| Platform::Smtp {
        host: host.to_owned(),
        port: 25,
        tls: tls.to_owned(),
        user: Some("desk".to_owned()),
        password: Some(secret.reference()),
        oauth: None,
    };
    let clear = try_open(Channel::Email, "desk@x.example", smtp("mail.example", "none"), &ambient()).expect_err("refused").to_string();
    assert!(clear.contains("not encrypted"), "{clear}");
    for (host, tls) in [("127.0.0.1", "none"), ("mail.example", "tls"), ("mail.example", "starttls")] {
        try_open(Channel::Email, "desk@x.example", smtp(host, tls), &ambient()).expect("a channel");
    }
}
