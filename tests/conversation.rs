//! Client and agent write to each other from their mailboxes, and Switchboard in between is what its
//! operators run: each worker a process, RabbitMQ or PostgreSQL between them, IMAP in, SMTP out.

use std::collections::HashSet;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::{SmtpTransport, Transport};
use switchboard_test_servers::dovecot::{self, Dovecot};
use switchboard_test_servers::exim::{Delivery, Exim, EximSettings};
use switchboard_test_servers::process::{PATIENCE, folder};
use tempfile::TempDir;

use crate::collector::Collector;
use crate::database::Database;
use crate::desk::{Mail, mail};
use crate::fleet::{By, Fleet, Kind, Member};

const ADA: &str = "ada@client.example";
const BO: &str = "bo@acme.example";
const HELP: &str = "help@acme.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_and_agent_talk_from_their_mailboxes_over_rabbitmq() {
    they_talk(By::RabbitMq).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_and_agent_talk_from_their_mailboxes_over_postgresql() {
    they_talk(By::Postgres).await;
}

async fn they_talk(by: By) {
    let collector = Collector::start().await;
    let mut post = Post::start();
    let fleet = Fleet::new(by, &post.desk(), &post.settings(&collector.url)).await;
    let [ingest, router, notifier] = [Kind::Ingest, Kind::Router, Kind::Notifier].map(|kind| fleet.start(kind));

    post.send("Ada <ada@client.example>", HELP, "The printer is on fire", "a1@client.example", &[], "It burns.");
    let told = post.next_mail_of(BO).await;
    assert!(told.text().contains("It burns."), "{}", told.text());
    let acknowledged = post.next_mail_of(ADA).await;
    assert_eq!(acknowledged.in_reply_to().as_deref(), Some("a1@client.example"), "it lies under Ada's mail");

    post.send("Bo <bo@acme.example>", &told.reply_to(), "Re: printer", "b1@acme.example", &[&told.message_id()], "Pour water on it.");
    let answer = post.next_mail_of(ADA).await;
    assert_eq!(answer.text().trim_end(), "Pour water on it.");
    assert!(answer.references().contains(&"a1@client.example".to_owned()), "it lies under Ada's first mail");
    assert!(answer.in_reply_to().is_some_and(|id| id == "a1@client.example" || id == acknowledged.message_id()));

    post.send("Ada <ada@client.example>", &answer.reply_to(), "Re: printer", "a2@client.example", &[&answer.message_id()], "It is out.");
    let again = post.next_mail_of(BO).await;
    assert!(again.text().contains("It is out."));
    assert!(again.references().contains(&told.message_id()), "Bo's mail program shows one thread");

    assert_eq!(fleet.ask::<i64>("select count(*) from tickets").await, 1);
    fleet.settled().await;
    assert!(post.dovecot.mails(HELP).iter().all(|(name, _)| !name.ends_with('S')), "nothing was marked as seen");
    they_told_how_they_are(&ingest, &router, &notifier).await;
    for worker in [ingest, router, notifier] {
        worker.stop();
    }
    one_trace_has_all_of_it(&collector);
    fleet.end().await;
}

/// Three mails came in, one of them an answer, and four went out.
async fn they_told_how_they_are(ingest: &Member, router: &Member, notifier: &Member) {
    for worker in [ingest, router, notifier] {
        worker.ready().await;
    }
    assert_eq!(router.metric("switchboard_arrival_to_ticket_seconds_count"), Some(3.0));
    assert_eq!(router.metric("switchboard_messages_total{queue=\"inbound\",outcome=\"processed\"}"), Some(3.0));
    assert_eq!(router.metric("switchboard_queue_messages{queue=\"inbound\"}"), Some(0.0));
    assert_eq!(router.metric("switchboard_dead_letters{queue=\"inbound\"}"), Some(0.0));
    assert_eq!(notifier.metric("switchboard_delivery_attempts_total{channel=\"email\",outcome=\"sent\"}"), Some(4.0));
    assert_eq!(notifier.metric("switchboard_arrival_to_delivery_seconds_count{channel=\"email\"}"), Some(4.0));
    assert_eq!(notifier.metric("switchboard_deliveries{channel=\"email\",status=\"queued\"}"), Some(0.0));
    let mailbox = "tenant=\"acme\",account=\"support\",folder=\"INBOX\"";
    assert_eq!(ingest.metric(&format!("switchboard_mailbox_messages_total{{{mailbox},queue=\"inbound\"}}")), Some(3.0));
    assert_eq!(ingest.metric(&format!("switchboard_mailbox_waiting_messages{{{mailbox}}}")), Some(0.0));
    assert_eq!(ingest.metric(&format!("switchboard_mailbox_connect_failures_total{{{mailbox}}}")), Some(0.0));
}

/// A mail's way can be followed from the mailbox to the other mailbox.
fn one_trace_has_all_of_it(collector: &Collector) {
    let spans = collector.spans();
    let accepted: Vec<_> = spans.iter().filter(|span| span.name == "accept mail").collect();
    assert_eq!(accepted.len(), 3, "{spans:#?}");
    for root in accepted {
        assert_eq!((root.service.as_str(), root.parent.is_empty()), ("switchboard-ingest-email", true));
        let within = |name: &str, service: &str, parent: &[u8]| {
            let found = spans.iter().find(|span| span.name == name && span.parent == parent && span.trace == root.trace);
            let found = found.unwrap_or_else(|| panic!("no {name} below its parent: {spans:#?}"));
            assert_eq!(found.service, service);
            found.id.clone()
        };
        let routed = within("process inbound", "switchboard-router", &root.id);
        let planned = within("process events", "switchboard-notifier", &routed);
        within("deliver mail", "switchboard-notifier", &planned);
    }
}

/// Everybody's mail provider: mail is handed in by SMTP, and lies in mailboxes.
struct Post {
    dovecot: Dovecot,
    exim: Exim,
    folder: TempDir,
    /// The names of the mails that were found.
    read: HashSet<String>,
}

impl Post {
    fn start() -> Self {
        let dovecot = Dovecot::start(&[ADA, BO, HELP]);
        let exim = Exim::start(&EximSettings { delivery: Delivery::Lmtp(dovecot.ports().lmtp), ..EximSettings::default() });
        Self { dovecot, exim, folder: folder(), read: HashSet::new() }
    }

    /// A desk that reads one of the mailboxes.
    fn desk(&self) -> String {
        format!(
            "{}\n[tenant.accounts.imap]\nhost = \"localhost\"\nport = {}\nuser = \"{HELP}\"\npassword = \"env:MAIL_PASSWORD\"\n",
            include_str!("desk.toml"),
            self.dovecot.ports().imaps,
        )
    }

    fn settings(&self, collector: &str) -> Vec<(&'static str, String)> {
        // Two authorities: that of the mailboxes, and that of the relay.
        let authorities = self.folder.path().join("authorities.pem");
        let both = [&self.dovecot.certificates().authority, &self.exim.certificates.authority]
            .map(|file| std::fs::read_to_string(file).expect("PEM"));
        std::fs::write(&authorities, both.concat()).expect("written");
        vec![
            ("MAIL_PASSWORD", dovecot::PASSWORD.to_owned()),
            ("SWITCHBOARD_TLS__CA_FILE", authorities.display().to_string()),
            ("SWITCHBOARD_MAIL__TRANSPORT", "smtp".to_owned()),
            ("SWITCHBOARD_MAIL__SMTP_URL", format!("smtp://localhost:{}?tls=required", self.exim.port)),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.to_owned()),
        ]
    }

    /// Hands in a mail, as a mail program does.
    fn send(&self, from: &str, to: &str, subject: &str, id: &str, references: &[&str], text: &str) {
        let written = mail(from, to, subject, id, references, text);
        let address = from.split(['<', '>']).nth(1).expect("an address");
        let envelope = Envelope::new(address.parse().ok(), vec![to.parse().expect("an address")]).expect("an envelope");
        let server = SmtpTransport::builder_dangerous("127.0.0.1").port(self.exim.port).build();
        tokio::task::block_in_place(|| server.send_raw(&envelope, written.as_bytes())).expect("taken");
    }

    /// The next mail that somebody finds in their mailbox.
    async fn next_mail_of(&mut self, user: &str) -> Mail {
        let mut pace = tokio::time::interval(Duration::from_millis(25));
        let arrived = async {
            loop {
                // A file keeps what stands before the colon when its flags change.
                let named = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
                if let Some((name, bytes)) = self.dovecot.mails(user).into_iter().find(|(name, _)| !self.read.contains(&named(name))) {
                    self.read.insert(named(&name));
                    return Mail::new(bytes);
                }
                pace.tick().await;
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, arrived).await;
        arrived.unwrap_or_else(|_| panic!("nothing came to {user}; Exim says: {}", self.exim.log()))
    }
}
