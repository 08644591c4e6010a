use std::net::IpAddr;
use std::sync::Arc;

use reqwest::header::HeaderMap;
use switchboard_common::ambient::Ambient;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::domain::sender;
use switchboard_common::secrets::Secret;
use switchboard_test_servers::platforms::webhook::{self, Receiver};
use switchboard_test_servers::platforms::{Platform, Reply};

use super::{DELIVERY, LIMIT, SecretFile, ambient, kind, open, parcel, try_open};
use crate::channels::webhook::{PublicOnly, Webhook};
use crate::channels::{Outlet, Receipt, Refusal, http};
use crate::render::Content;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"type":"ticket.created","data":{"title":"Grün"}}"#;

fn outlet(secret: &SecretFile, allow_private: bool) -> Arc<dyn Outlet> {
    open(Channel::Webhook, "pager", sender::Platform::Webhook { secret: secret.reference(), allow_private })
}

async fn send(outlet: &dyn Outlet, url: &str) -> Result<Receipt, Refusal> {
    outlet.send(&parcel(url, None, Content::Webhook(BODY.to_owned())), LIMIT).await
}

struct World {
    receiver: Platform<Receiver>,
    outlet: Arc<dyn Outlet>,
    secret: SecretFile,
}

impl World {
    async fn new() -> Self {
        let secret = SecretFile::new(SECRET);
        Self { receiver: webhook::start().await, outlet: outlet(&secret, true), secret }
    }

    async fn send(&self) -> Result<Receipt, Refusal> {
        send(&*self.outlet, &format!("{}/hook?for=desk", self.receiver.url())).await
    }
}

#[tokio::test]
async fn a_webhook_is_signed_so_that_the_official_library_trusts_it() {
    let world = World::new().await;
    let receipt = world.send().await.expect("taken");
    assert_eq!(receipt.answer, "HTTP 204");
    let call = world.receiver.state().taken[0].clone();
    assert_eq!((call.path.as_str(), call.body.as_slice()), ("/hook", BODY.as_bytes()));
    assert_eq!((call.header("webhook-id"), call.header("webhook-timestamp")), (DELIVERY.to_string().as_str(), "1800000000"));
    assert_eq!(call.header("content-type"), "application/json");
    // The library looks at the machine's clock.
    let platform = sender::Platform::Webhook { secret: world.secret.reference(), allow_private: true };
    let today = try_open(Channel::Webhook, "pager", platform, &Ambient::system()).expect("a channel");
    send(&*today, &world.receiver.url()).await.expect("taken");
    let call = world.receiver.state().taken[1].clone();
    let library = standardwebhooks::Webhook::new(SECRET).expect("a secret");
    let headers: HeaderMap = call.headers.clone();
    library.verify(&call.body, &headers).expect("it is ours");
    let other = standardwebhooks::Webhook::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").expect("a secret");
    other.verify(&call.body, &headers).expect_err("it is not another's");
    library.verify(b"{}", &headers).expect_err("it is of this body");
}

#[tokio::test]
async fn each_answer_of_a_receiver_means_what_the_specification_says() {
    let world = World::new().await;
    for (reply, expected) in [
        (Reply::status(410), "gone: Stop"),
        (Reply::status(400), "for now"),
        (Reply::status(404), "for now"),
        (Reply::status(429).with("retry-after", "60"), "for now"),
        (Reply::status(503).with("retry-after", "60"), "for now"),
        (Reply::status(500), "for now"),
    ] {
        let status = reply.status;
        world.receiver.answer_next("/hook", reply);
        assert_eq!(kind(&world.send().await.expect_err("refused")), expected, "{status}");
    }
    for status in [200, 201, 299] {
        world.receiver.answer_next("/hook", Reply { body: "x".repeat(100_000), ..Reply::status(status) });
        let receipt = world.send().await.expect("taken");
        assert_eq!(receipt.answer.len(), 209, "an answer is kept in part");
    }
    world.receiver.lose_answer_to_next("/hook");
    assert_eq!(kind(&world.send().await.expect_err("lost")), "unknown");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that is free again");
    let away = send(&*world.outlet, &format!("http://{nobody}/")).await.expect_err("nobody is there");
    assert_eq!(kind(&away), "for now", "other URLs can be reached");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let world = World::new().await;
    let elsewhere = webhook::start().await;
    for status in [301, 302, 303, 307, 308] {
        world.receiver.answer_next("/hook", Reply::status(status).with("location", format!("{}/secret", elsewhere.url())));
        let refusal = world.send().await.expect_err("refused");
        assert_eq!((kind(&refusal), refusal.answer()), ("for now".to_owned(), format!("HTTP {status}").as_str()));
    }
    assert!(elsewhere.calls().is_empty());
}

#[tokio::test]
async fn nothing_is_posted_into_a_private_network() {
    let secret = SecretFile::new(SECRET);
    let receiver = webhook::start().await;
    let port = receiver.url().rsplit(':').next().expect("a port").to_owned();
    let outlet = outlet(&secret, false);
    for host in ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"] {
        let refusal = send(&*outlet, &format!("https://{host}:{port}/hook")).await.expect_err("refused");
        assert_eq!(
            (kind(&refusal).as_str(), refusal.answer()),
            ("for good", "not sent: the URL leads to an address of a private network"),
            "{host}"
        );
    }
    let local = send(&*outlet, &format!("https://localhost:{port}/hook")).await.expect_err("refused");
    assert_eq!(local.answer(), "not sent: the URL leads to an address of a private network", "a name is resolved first");
    for url in [format!("http://localhost:{port}/hook"), "ftp://example.org/".to_owned(), "file:///etc/passwd".to_owned()] {
        let refusal = send(&*outlet, &url).await.expect_err("refused");
        assert_eq!(refusal.answer(), "not sent: the URL is not one of https", "{url}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_among_others_is_refused_and_connections_go_to_what_was_looked_at() {
    let secret = SecretFile::new(SECRET);
    let resolving = |addresses: &'static [&'static str]| {
        let find = move |_: String| -> futures::future::BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
            Box::pin(async move { Ok(addresses.iter().map(|text| text.parse().expect("an address")).collect()) })
        };
        let builder = http::client(None).expect("a client").dns_resolver(PublicOnly::new(Arc::new(find)));
        Webhook {
            client: builder.build().expect("a client"),
            ambient: ambient(),
            secret: Secret::read(&secret.reference()).expect("a secret"),
            allow_private: false,
        }
    };
    for addresses in [&["10.0.0.1"][..], &["1.1.1.1", "10.0.0.1"], &["::ffff:192.168.0.1"], &["fd00::1"]] {
        let refusal = send(&resolving(addresses), "https://hooks.example.org/x").await.expect_err("refused");
        assert_eq!(refusal.answer(), "not sent: the URL leads to an address of a private network", "{addresses:?}");
    }
}

#[tokio::test]
async fn a_secret_of_another_shape_holds_the_account_back() {
    let secret = SecretFile::new("whsec_???");
    let refusal = send(&*outlet(&secret, true), "http://127.0.0.1:9/").await.expect_err("refused");
    assert_eq!(kind(&refusal), "away: Secret");
}
