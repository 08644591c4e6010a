use std::sync::Arc;

use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender;
use switchboard_test_servers::platforms::twilio::{self, ACCOUNT_SID, Account, TOKEN, error, too_fast};
use switchboard_test_servers::platforms::{Platform, Reply};

use super::{DELIVERY, LIMIT, SecretFile, kind, open, parcel};
use crate::channels::{Outlet, Receipt, Refusal};
use crate::render::Content;

const TO: &str = "+5511987654321";

struct World {
    twilio: Platform<Account>,
    outlet: Arc<dyn Outlet>,
    token: SecretFile,
}

impl World {
    async fn new(from: &str, service: Option<&str>) -> Self {
        let twilio = twilio::start().await;
        let token = SecretFile::new(TOKEN);
        let platform = sender::Platform::Twilio {
            account_sid: ACCOUNT_SID.to_owned(),
            token: token.reference(),
            messaging_service_sid: service.map(str::to_owned),
            base_url: Some(twilio.url()),
            status_url: Some("https://desk.example/twilio?tenant=acme".to_owned()),
        };
        Self { outlet: open(Channel::Sms, from, platform), twilio, token }
    }

    async fn send(&self, to: &str, text: &str) -> Result<Receipt, Refusal> {
        self.outlet.send(&parcel(to, None, Content::Sms(text.to_owned())), LIMIT).await
    }
}

#[tokio::test]
async fn a_short_message_goes_from_the_accounts_number_and_its_segments_are_counted() {
    let world = World::new("+15550100", None).await;
    let receipt = world.send(TO, "Ticket #12: tome água ☂").await.expect("taken");
    assert_eq!(receipt.provider_id.as_deref(), Some("SM00000000000000000000000000000000"));
    assert_eq!(receipt.answer, "queued SM00000000000000000000000000000000, 1 segment in UCS-2");
    let form = world.twilio.state().messages[0].clone();
    assert_eq!((form["To"].as_str(), form["From"].as_str()), (TO, "+15550100"));
    assert_eq!(form["Body"], "Ticket #12: tome água ☂");
    assert_eq!(form["StatusCallback"], format!("https://desk.example/twilio?tenant=acme&delivery={DELIVERY}"));
    let receipt = world.send(TO, &"a".repeat(161)).await.expect("taken");
    assert!(receipt.answer.ends_with("2 segments in GSM-7"), "{}", receipt.answer);
    let by_service = World::new("+15550199", Some("MG0123456789abcdef0123456789abcdef")).await;
    by_service.send(TO, "Hello").await.expect("taken");
    let form = by_service.twilio.state().messages[0].clone();
    assert_eq!((form.get("From"), form["MessagingServiceSid"].as_str()), (None, "MG0123456789abcdef0123456789abcdef"));
}

#[tokio::test]
async fn a_text_that_is_too_long_goes_as_several_messages_and_then_is_cut() {
    let world = World::new("+15550100", None).await;
    let receipt = world.send(TO, "seven67 ".repeat(300).trim()).await.expect("taken");
    assert!(!receipt.answer.contains("cut"), "{}", receipt.answer);
    let words: usize = world.twilio.state().messages.iter().map(|form| form["Body"].split(' ').count()).sum();
    assert_eq!((words, world.twilio.state().messages.len()), (300, 2));
    let receipt = world.send(TO, &"seven67 ".repeat(3000)).await.expect("taken");
    assert!(receipt.answer.ends_with(", cut at its end"), "{}", receipt.answer);
    assert_eq!(world.twilio.state().messages.len(), 2 + 4);
    assert!(world.twilio.state().messages[5]["Body"].ends_with("seven67…"));
    world.twilio.state().allowance = Some(1);
    let partly = world.send(TO, &"seven67 ".repeat(300)).await.expect_err("the second is missing");
    assert_eq!((kind(&partly).as_str(), partly.answer()), ("unknown", "1 of 2 parts were taken, and then: HTTP 429"));
}

#[tokio::test]
async fn each_error_of_twilio_means_what_its_page_says() {
    let world = World::new("+15550100", None).await;
    for (reply, expected) in [
        (error(400, 21610, "STOP"), "gone: Stop"),
        (error(400, 21211, "no number"), "gone: Bounce"),
        (error(400, 21614, "a landline"), "gone: Bounce"),
        (error(400, 21408, "no permission for the region"), "for good"),
        (error(400, 21617, "too long"), "for good"),
        (too_fast(7), "busy: Some(7)"),
        (error(400, 21611, "queue full"), "busy: None"),
        (error(401, 20003, "Authenticate"), "away: SignIn"),
        (Reply::status(401), "away: SignIn"),
        (error(404, 20404, "no such account"), "away: SignIn"),
        (error(400, 21606, "not our number"), "away: SignIn"),
        (error(503, 20503, "not available"), "away: Broken"),
        (error(500, 20500, "internal"), "unknown"),
        (Reply::status(502), "unknown"),
    ] {
        let case = format!("{reply:?}");
        world.twilio.answer_next("/Messages.json", reply);
        let refusal = world.send(TO, "Hello").await.expect_err("refused");
        assert_eq!(kind(&refusal), expected, "{case}");
        assert!(!refusal.answer().contains("5511"), "{refusal:?}");
    }
    world.twilio.state().stopped.insert(TO.to_owned());
    assert_eq!(kind(&world.send(TO, "Hello").await.expect_err("refused")), "gone: Stop");
    world.twilio.state().landlines.insert("+15550177".to_owned());
    assert_eq!(kind(&world.send("+15550177", "Hello").await.expect_err("refused")), "gone: Bounce");
    assert_eq!(kind(&world.send("+1", "Hello").await.expect_err("refused")), "gone: Bounce");
    assert_eq!(kind(&World::new("+15550199", None).await.send(TO, "Hello").await.expect_err("refused")), "away: SignIn");
}

#[tokio::test]
async fn what_was_taken_without_an_answer_is_left_open_and_a_new_token_is_read() {
    let world = World::new("+15550100", None).await;
    world.twilio.lose_answer_to_next("/Messages.json");
    assert_eq!(kind(&world.send(TO, "Hello").await.expect_err("lost")), "unknown");
    assert_eq!(world.twilio.state().messages.len(), 1);
    world.twilio.state().token = "twilio-new".to_owned();
    assert_eq!(kind(&world.send(TO, "Hello").await.expect_err("refused")), "away: SignIn");
    world.token.change("twilio-new");
    world.send(TO, "Hello").await.expect("taken");
}
