use serde_json::json;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender;
use switchboard_test_servers::platforms::slack::{self, TOKEN, Workspace, error, too_fast};
use switchboard_test_servers::platforms::{Platform, Reply};

use super::{LIMIT, SecretFile, file, kind, open, parcel};
use crate::channels::{Outlet, Parcel, Receipt, Refusal};
use crate::render::{Content, File};

struct World {
    slack: Platform<Workspace>,
    outlet: std::sync::Arc<dyn Outlet>,
    token: SecretFile,
}

impl World {
    async fn new() -> Self {
        let slack = slack::start().await;
        let token = SecretFile::new(TOKEN);
        let base_url = Some(format!("{}/api/", slack.url()));
        let outlet = open(Channel::Slack, "T024BE7LD", sender::Platform::Slack { token: token.reference(), base_url });
        Self { slack, outlet, token }
    }

    async fn send(&self, parcel: &Parcel) -> Result<Receipt, Refusal> {
        self.outlet.send(parcel, LIMIT).await
    }
}

fn message(thread: Option<&str>, files: Vec<File>) -> Parcel {
    let blocks = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "*Printer* burns" } }]);
    parcel("T024BE7LD/U024BE7LH", thread, Content::Slack { text: "Printer burns".to_owned(), blocks, files })
}

#[tokio::test]
async fn an_agent_gets_a_direct_message_and_what_follows_goes_into_its_thread() {
    let world = World::new().await;
    let first = world.send(&message(None, vec![])).await.expect("taken");
    let thread = first.thread_key.clone().expect("a thread");
    assert_eq!(thread, "D024BE7LH:1712345600.000100");
    assert_eq!((first.provider_id.as_deref(), first.answer.as_str()), (Some("1712345600.000100"), "ok 1712345600.000100"));
    let second = world.send(&message(Some(&thread), vec![])).await.expect("taken");
    assert_eq!(second.thread_key, first.thread_key, "a thread stays the one of its first message");
    assert_eq!(second.provider_id.as_deref(), Some("1712345601.000100"));
    let posts = world.slack.state().posts.clone();
    assert_eq!((posts[0].channel.as_str(), posts[0].thread_ts.as_deref()), ("D024BE7LH", None));
    assert_eq!((posts[1].channel.as_str(), posts[1].thread_ts.as_deref()), ("D024BE7LH", Some("1712345600.000100")));
    assert_eq!((posts[0].text.as_str(), &posts[0].blocks[0]["text"]["text"]), ("Printer burns", &json!("*Printer* burns")));
    assert_eq!((&posts[0].body["unfurl_links"], &posts[0].body["unfurl_media"]), (&json!(false), &json!(false)));
    assert_eq!(world.slack.connections(), 1, "one connection is used again");
}

#[tokio::test]
async fn an_answer_goes_into_the_clients_thread_with_its_files() {
    let world = World::new().await;
    let files = vec![file("plan.pdf", "application/pdf", b"%PDF"), file("grün.txt", "text/plain", b"gr\xc3\xbcn")];
    let receipt = world.send(&message(Some("C024BE91L:1712000000.000100"), files)).await.expect("taken");
    assert_eq!(receipt.thread_key.as_deref(), Some("C024BE91L:1712000000.000100"));
    let state = world.slack.state();
    let shared: Vec<_> = state.files.iter().map(|file| (file.name.as_str(), file.bytes.as_slice(), file.thread_ts.as_deref())).collect();
    let thread = Some("1712000000.000100");
    assert_eq!(shared, [("plan.pdf", b"%PDF".as_slice(), thread), ("grün.txt", "grün".as_bytes(), thread)]);
    assert_eq!(state.files[0].channel, "C024BE91L");
}

#[tokio::test]
async fn files_of_a_direct_message_hang_on_it() {
    let world = World::new().await;
    world.send(&message(None, vec![file("a.txt", "text/plain", b"a")])).await.expect("taken");
    let shared = world.slack.state().files[0].clone();
    assert_eq!((shared.channel.as_str(), shared.thread_ts.as_deref()), ("D024BE7LH", Some("1712345600.000100")));
}

#[tokio::test]
async fn each_refusal_of_slack_means_what_its_page_says() {
    let world = World::new().await;
    let thread = Some("C024BE91L:1712000000.000100");
    for (reply, to_thread, expected) in [
        (too_fast(30), None, "busy: Some(30)"),
        (error("ratelimited"), None, "busy: None"),
        (error("rate_limited"), None, "busy: None"),
        (error("channel_not_found"), None, "gone: Bounce"),
        (error("user_not_found"), None, "gone: Bounce"),
        (error("channel_not_found"), thread, "for good"),
        (error("is_archived"), thread, "for good"),
        (error("not_in_channel"), thread, "for good"),
        (error("msg_too_long"), None, "for good"),
        (error("invalid_blocks"), None, "for good"),
        (error("something_new"), None, "for good"),
        (error("invalid_auth"), None, "away: SignIn"),
        (error("token_revoked"), None, "away: SignIn"),
        (error("account_inactive"), None, "away: SignIn"),
        (error("missing_scope"), None, "away: SignIn"),
        (error("internal_error"), None, "unknown"),
        (error("fatal_error"), None, "unknown"),
        (error("service_unavailable"), None, "away: Broken"),
        (error("request_timeout"), None, "for now"),
        (Reply::status(503), None, "away: Broken"),
        (Reply::status(500), None, "unknown"),
        (Reply::status(200), None, "unknown"),
    ] {
        let case = format!("{reply:?}");
        world.slack.answer_next("chat.postMessage", reply);
        let refusal = world.send(&message(to_thread, vec![])).await.expect_err("refused");
        assert_eq!(kind(&refusal), expected, "{case}");
    }
    assert!(world.slack.state().posts.is_empty());
}

#[tokio::test]
async fn what_the_workspace_refuses_by_itself_is_understood() {
    let world = World::new().await;
    let stranger = Parcel { address: "T024BE7LD/U999".to_owned(), ..message(None, vec![]) };
    assert_eq!(kind(&world.send(&stranger).await.expect_err("refused")), "gone: Bounce");
    world.slack.state().archived.insert("C0OLD".to_owned());
    world.slack.state().others.insert("C0OTHER".to_owned());
    for (thread, words) in [("C0OLD:1.0", "is_archived"), ("C0OTHER:1.0", "not_in_channel")] {
        let refusal = world.send(&message(Some(thread), vec![])).await.expect_err("refused");
        assert_eq!((kind(&refusal).as_str(), refusal.answer()), ("for good", words));
    }
    world.slack.state().allowance = Some(0);
    assert_eq!(kind(&world.send(&message(None, vec![])).await.expect_err("refused")), "busy: Some(30)");
    world.slack.state().scopes.remove("files:write");
    let refusal = world.send(&message(None, vec![file("a.txt", "text/plain", b"a")])).await.expect_err("refused");
    assert_eq!((kind(&refusal).as_str(), refusal.answer()), ("away: SignIn", "missing_scope (needed: files:write)"));
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_open_only_what_may_have_been_posted() {
    let world = World::new().await;
    let with_file = || message(None, vec![file("a.txt", "text/plain", b"a")]);
    for path in ["files.getUploadURLExternal", "/upload/F000"] {
        world.slack.lose_next(path);
        assert_eq!(kind(&world.send(&with_file()).await.expect_err("lost")), "for now", "{path}: nobody sees a file yet");
    }
    assert!(world.slack.state().posts.is_empty());
    world.slack.lose_next("chat.postMessage");
    assert_eq!(kind(&world.send(&message(None, vec![])).await.expect_err("lost")), "unknown");
    world.slack.lose_answer_to_next("chat.postMessage");
    assert_eq!(kind(&world.send(&message(None, vec![])).await.expect_err("lost")), "unknown");
    assert_eq!(world.slack.state().posts.len(), 1, "it is not sent again by itself");
    world.slack.answer_next("files.completeUploadExternal", too_fast(9));
    let partly = world.send(&with_file()).await.expect_err("the files are missing");
    assert_eq!((kind(&partly).as_str(), partly.answer()), ("unknown", "1 of 2 parts were taken, and then: HTTP 429"));
    assert_eq!(world.slack.state().posts.len(), 2);
}

#[tokio::test]
async fn a_token_that_was_changed_is_read_when_the_old_one_is_refused() {
    let world = World::new().await;
    world.slack.state().token = "xoxb-new".to_owned();
    assert_eq!(kind(&world.send(&message(None, vec![])).await.expect_err("refused")), "away: SignIn");
    assert_eq!(world.slack.calls().len(), 1, "it is not tried twice with the same one");
    world.token.change("xoxb-new\n");
    world.send(&message(None, vec![])).await.expect("taken");
    assert_eq!(world.slack.calls().len(), 3);
}

#[tokio::test]
async fn a_workspace_that_is_not_there_or_does_not_answer_is_told_apart() {
    let token = SecretFile::new(TOKEN);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that is free again");
    let base_url = Some(format!("http://{nobody}"));
    let outlet = open(Channel::Slack, "T024BE7LD", sender::Platform::Slack { token: token.reference(), base_url });
    assert_eq!(kind(&outlet.send(&message(None, vec![]), LIMIT).await.expect_err("away")), "away: Unreachable");
    let world = World::new().await;
    let _wait = world.slack.keep_next_waiting("chat.postMessage");
    let late = world.outlet.send(&message(None, vec![]), std::time::Duration::from_millis(300)).await.expect_err("late");
    assert_eq!((kind(&late).as_str(), late.answer()), ("unknown", "no answer came in time"));
}
