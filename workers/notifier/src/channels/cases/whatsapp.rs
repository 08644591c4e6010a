use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender;
use switchboard_test_servers::platforms::whatsapp::{self, Number, PHONE_NUMBER_ID, TOKEN, VERSION, error};
use switchboard_test_servers::platforms::{Platform, Reply};

use super::{DELIVERY, LIMIT, SecretFile, file, kind, open, parcel};
use crate::channels::{Outlet, Parcel, Receipt, Refusal};
use crate::render::{Content, File};

const IN_WINDOW: &str = "+5511987654321";
const OUT_OF_WINDOW: &str = "5511987654322";

struct World {
    whatsapp: Platform<Number>,
    outlet: Arc<dyn Outlet>,
    token: SecretFile,
}

impl World {
    async fn new() -> Self {
        let whatsapp = whatsapp::start().await;
        let token = SecretFile::new(TOKEN);
        let platform = sender::Platform::Whatsapp {
            phone_number_id: PHONE_NUMBER_ID.to_owned(),
            token: token.reference(),
            base_url: Some(format!("{}{VERSION}", whatsapp.url())),
            template: None,
            template_languages: BTreeMap::new(),
        };
        Self { outlet: open(Channel::Whatsapp, "+15550100", platform), whatsapp, token }
    }

    async fn send(&self, parcel: &Parcel) -> Result<Receipt, Refusal> {
        self.outlet.send(parcel, LIMIT).await
    }
}

fn text(to: &str, text: &str, files: Vec<File>) -> Parcel {
    parcel(to, None, Content::Whatsapp { text: text.to_owned(), files })
}

fn template(parameters: &[&str]) -> Parcel {
    let parameters = parameters.iter().map(|text| (*text).to_owned()).collect();
    let content = Content::WhatsappTemplate { name: "support_answer".to_owned(), language: "pt_BR".to_owned(), parameters };
    parcel(OUT_OF_WINDOW, None, content)
}

#[tokio::test]
async fn inside_of_the_window_a_text_goes_and_bears_the_delivery() {
    let world = World::new().await;
    let mut answer = text(IN_WINDOW, "Tome água.", vec![]);
    answer.thread_key = Some("wamid.QUESTION".to_owned());
    let receipt = world.send(&answer).await.expect("taken");
    assert_eq!(receipt.provider_id.as_deref(), Some("wamid.HBgN0"));
    let sent = world.whatsapp.state().messages[0].clone();
    let expected = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "5511987654321", "type": "text",
        "text": { "preview_url": false, "body": "Tome água." }, "context": { "message_id": "wamid.QUESTION" },
        "biz_opaque_callback_data": DELIVERY.to_string(),
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn outside_of_the_window_a_template_goes_and_a_text_does_not() {
    let world = World::new().await;
    let refusal = world.send(&text(OUT_OF_WINDOW, "Hello", vec![])).await.expect_err("refused");
    assert_eq!(kind(&refusal), "for good", "the number is not gone: the next way is taken");
    assert!(refusal.answer().starts_with("error 131047: more than 24 hours"), "{refusal:?}");
    world.send(&template(&["Two\nlines\tand      spaces"])).await.expect("taken");
    let sent = world.whatsapp.state().messages[0].clone();
    assert_eq!(sent["template"]["components"][0]["parameters"][0]["text"], "Two lines and spaces");
    assert_eq!((&sent["template"]["name"], &sent["template"]["language"]["code"]), (&json!("support_answer"), &json!("pt_BR")));
    let wrong = world.send(&template(&["one", "two"])).await.expect_err("refused");
    assert_eq!((kind(&wrong).as_str(), wrong.answer()), ("for good", "error 132000: the template cannot be used"));
}

#[tokio::test]
async fn each_file_goes_as_a_message_of_its_own_after_the_text() {
    let world = World::new().await;
    let files = vec![file("plan.pdf", "application/pdf", b"%PDF"), file("photo.jpg", "image/jpeg", b"JFIF!")];
    let receipt = world.send(&text(IN_WINDOW, "See here", files)).await.expect("taken");
    assert_eq!((receipt.provider_id.as_deref(), receipt.answer.as_str()), (Some("wamid.HBgN0"), "accepted wamid.HBgN0, 3 message(s)"));
    let messages = world.whatsapp.state().messages.clone();
    let kinds: Vec<_> = messages.iter().map(|message| message["type"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["text", "document", "image"]);
    assert_eq!(messages[1]["document"], json!({ "id": "1000", "filename": "plan.pdf" }));
    assert_eq!(messages[2]["image"], json!({ "id": "1001" }));
    assert_eq!(world.whatsapp.state().media["1001"], ("image/jpeg".to_owned(), 5));
    let refusal = world.send(&text(IN_WINDOW, "x", vec![file("a.zip", "application/zip", b"PK")])).await.expect_err("refused");
    assert_eq!(refusal.answer(), "not sent: WhatsApp takes no such file (application/zip)");
    assert_eq!(world.whatsapp.state().messages.len(), 3, "nothing goes of what cannot go whole");
}

#[tokio::test]
async fn a_text_that_is_too_long_for_one_message_goes_as_several() {
    let world = World::new().await;
    let long = "seven67 ".repeat(1000);
    let receipt = world.send(&text(IN_WINDOW, &long, vec![])).await.expect("taken");
    assert!(receipt.answer.ends_with("2 message(s)"), "{}", receipt.answer);
    let state = world.whatsapp.state();
    let words: usize =
        state.messages.iter().filter_map(|message| message["text"]["body"].as_str()).map(|text| text.split(' ').count()).sum();
    assert_eq!(words, 1000);
}

#[tokio::test]
async fn each_error_of_the_cloud_api_means_what_its_page_says() {
    let world = World::new().await;
    for (status, code, expected) in [
        (400, 131_026, "gone: Bounce"),
        (400, 131_047, "for good"),
        (400, 131_050, "gone: Stop"),
        (400, 130_429, "busy: None"),
        (400, 80_007, "busy: None"),
        (400, 4, "busy: None"),
        (400, 131_056, "for now"),
        (401, 190, "away: SignIn"),
        (401, 0, "away: SignIn"),
        (403, 10, "away: SignIn"),
        (403, 200, "away: SignIn"),
        (403, 299, "away: SignIn"),
        (403, 131_031, "away: SignIn"),
        (500, 131_000, "for now"),
        (400, 1, "for now"),
        (503, 2, "away: Broken"),
        (500, 131_016, "away: Broken"),
        (400, 100, "for good"),
        (400, 131_009, "for good"),
        (404, 132_001, "for good"),
    ] {
        world.whatsapp.answer_next("/messages", error(status, code, "words"));
        let refusal = world.send(&text(IN_WINDOW, "Hello", vec![])).await.expect_err("refused");
        assert_eq!(kind(&refusal), expected, "{code}");
        assert!(refusal.answer().starts_with(&format!("error {code}")) && !refusal.answer().contains("5511"), "{refusal:?}");
    }
    for (reply, expected) in [(Reply::status(502), "unknown"), (Reply::status(429), "busy: None"), (Reply::status(200), "unknown")] {
        world.whatsapp.answer_next("/messages", reply);
        assert_eq!(kind(&world.send(&text(IN_WINDOW, "Hello", vec![])).await.expect_err("refused")), expected);
    }
    world.whatsapp.answer_next("/messages", error(400, 130_429, "slower").with("retry-after", "60"));
    assert_eq!(kind(&world.send(&text(IN_WINDOW, "Hello", vec![])).await.expect_err("refused")), "busy: Some(60)");
    assert_eq!(kind(&world.send(&text("+4915112345678", "Hello", vec![])).await.expect_err("refused")), "gone: Bounce");
    assert!(world.whatsapp.state().messages.is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_open_only_what_may_have_been_taken() {
    let world = World::new().await;
    let with_file = || text(IN_WINDOW, "See here", vec![file("a.png", "image/png", b"PNG")]);
    world.whatsapp.lose_next("/media");
    assert_eq!(kind(&world.send(&with_file()).await.expect_err("lost")), "for now");
    world.whatsapp.lose_answer_to_next("/messages");
    assert_eq!(kind(&world.send(&text(IN_WINDOW, "Hello", vec![])).await.expect_err("lost")), "unknown");
    world.whatsapp.state().allowance = Some(1);
    let partly = world.send(&with_file()).await.expect_err("the file is missing");
    assert_eq!(
        (kind(&partly).as_str(), partly.answer()),
        ("unknown", "1 of 2 parts were taken, and then: error 130429: too many messages")
    );
}

#[tokio::test]
async fn a_token_that_was_changed_is_read_when_the_old_one_is_refused() {
    let world = World::new().await;
    world.whatsapp.state().token = "EAA-new".to_owned();
    assert_eq!(kind(&world.send(&text(IN_WINDOW, "Hello", vec![])).await.expect_err("refused")), "away: SignIn");
    world.token.change("EAA-new");
    world.send(&text(IN_WINDOW, "Hello", vec![])).await.expect("taken");
}
