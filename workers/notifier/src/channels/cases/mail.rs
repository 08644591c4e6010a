use std::sync::Arc;
use std::time::Duration;

use lettre::address::Envelope;
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender::Platform;
use switchboard_test_servers::platforms::Reply;
use switchboard_test_servers::platforms::mail::{MailServer, Manner, USER};
use switchboard_test_servers::platforms::oauth;

use super::tokens::Grants;
use super::{LIMIT, ambient, kind, parcel, try_open};
use crate::channels::{Outlet, Receipt, Refusal};
use crate::render::{Content, Mail};

struct World {
    server: MailServer,
    grants: Grants,
    outlet: Arc<dyn Outlet>,
    ambient: Ambient,
}

impl World {
    async fn new() -> Self {
        let (server, grants, ambient) = (MailServer::start().await, Grants::new().await, ambient());
        let platform = Platform::Smtp {
            host: "127.0.0.1".to_owned(),
            port: server.port(),
            tls: "none".to_owned(),
            user: Some(USER.to_owned()),
            password: None,
            oauth: Some(grants.settings.clone()),
        };
        server.room().token = "ya29.token-1".to_owned();
        let outlet = try_open(Channel::Email, USER, platform, &ambient).expect("a channel");
        Self { server, grants, outlet, ambient }
    }

    async fn send(&self) -> Result<Receipt, Refusal> {
        let to = "ada@example.org".parse().expect("an address");
        let envelope = Envelope::new(USER.parse().ok(), vec![to]).expect("a recipient");
        let mail = Mail { envelope, bytes: b"Subject: x\r\n\r\ny\r\n".to_vec() };
        self.outlet.send(&parcel("ada@example.org", None, Content::Mail(mail)), LIMIT).await
    }
}

#[tokio::test]
async fn an_account_signs_in_with_a_token_and_a_refused_one_is_replaced_within_the_attempt() {
    let world = World::new().await;
    assert_eq!(world.send().await.expect("taken").answer, "250 2.0.0 Taken");
    world.send().await.expect("taken");
    assert_eq!(world.server.room().shown, ["ya29.token-1"], "one connection is used again");
    for (manner, number) in [(Manner::Challenge, 2), (Manner::AtOnce, 3)] {
        world.outlet.close().await;
        world.server.room().manner = manner;
        world.server.room().token = format!("ya29.token-{number}");
        world.send().await.expect("taken");
        assert_eq!(world.server.room().shown.len(), 2 * number - 1, "{manner:?}: the old one, and then the new one");
    }
    assert_eq!(world.server.room().taken, 4);
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_without_a_refusal() {
    let world = World::new().await;
    world.send().await.expect("taken");
    world.outlet.close().await;
    world.ambient.clock.advance(Duration::from_mins(58));
    world.server.room().token = "ya29.token-2".to_owned();
    world.send().await.expect("taken");
    assert_eq!(world.server.room().shown, ["ya29.token-1", "ya29.token-2"]);
}

#[tokio::test]
async fn what_keeps_us_from_signing_in_holds_the_account_back_and_fails_no_mail() {
    let world = World::new().await;
    world.server.room().token = "of somebody else".to_owned();
    let refusal = world.send().await.expect_err("refused");
    assert_eq!(kind(&refusal), "away: SignIn");
    assert!(refusal.answer().contains("535"), "{refusal:?}");
    assert_eq!(world.grants.endpoint.calls().len(), 2, "one other token is tried, and no more");
    world.server.room().manner = Manner::ForNow;
    let shown = world.server.room().shown.len();
    assert_eq!(kind(&world.send().await.expect_err("refused")), "away: SignIn");
    assert_eq!(world.server.room().shown.len(), shown + 1, "a refusal for now is not of the token");
    let world = World::new().await;
    world.grants.endpoint.answer_next("/token", oauth::error("invalid_grant"));
    let refusal = world.send().await.expect_err("refused");
    assert_eq!((kind(&refusal).as_str(), refusal.answer()), ("away: SignIn", "the token endpoint refuses: invalid_grant"));
    world.grants.endpoint.answer_next("/token", Reply::status(503));
    assert_eq!(kind(&world.send().await.expect_err("refused")), "away: Broken");
    world.grants.endpoint.lose_next("/token");
    assert_eq!(kind(&world.send().await.expect_err("refused")), "away: Unreachable");
    world.send().await.expect("taken");
}

#[tokio::test]
async fn only_a_recipient_who_is_not_there_is_taken_for_gone() {
    let world = World::new().await;
    for (answer, expected) in [
        ("550 5.1.1 no such user", "gone: Bounce"),
        ("550-5.1.1 The email account that you tried to reach\r\n550 5.1.1 does not exist", "gone: Bounce"),
        ("550 5.1.2 no such host", "gone: Bounce"),
        ("556 5.1.10 the domain takes no mail", "gone: Bounce"),
        ("550 5.7.1 not from there", "for good"),
        ("554 5.7.1 spam", "for good"),
        ("550 5.1.8 a bad sender", "for good"),
        ("552 5.2.2 the mailbox is full", "for good"),
        ("550 no", "for good"),
        ("550 5.1.1x", "for good"),
        ("450 4.1.1 later", "for now"),
    ] {
        world.server.room().recipient = Some(answer.to_owned());
        assert_eq!(kind(&world.send().await.expect_err("refused")), expected, "{answer}");
    }
    assert_eq!(world.server.room().taken, 0);
}
