//! Mail through a real mail server: TLS, sign-in, and connections that are used again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sqlx::PgPool;
use switchboard_notifier::Transport;
use switchboard_notifier::channels::email::Usage;
use switchboard_test_servers::exim::{Exim, EximSettings};

use crate::desk::{ADA, Desk};

/// Offers to sign in by one mechanism, and knows one password.
fn guarded(mechanism: &'static str) -> Exim {
    Exim::start(&EximSettings {
        sign_in: Some(("desk@mail.example".to_owned(), "right-1".to_owned())),
        mechanisms: vec![mechanism],
        ..EximSettings::default()
    })
}

fn transport(exim: &Exim, url: &str, usage: Usage) -> Transport {
    let url = url.replace("{port}", &exim.port.to_string()).replace("{tls_port}", &exim.tls_port.to_string());
    Transport::smtp(&url.into(), Some(&exim.certificates.authority), usage).expect("a URL")
}

/// What is logged from now on. Each test is a process of its own.
fn listen_to_log() -> Arc<Mutex<Vec<u8>>> {
    struct Writer(Arc<Mutex<Vec<u8>>>);
    impl Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Arc::new(Mutex::default());
    let writer = Arc::clone(&log);
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || Writer(Arc::clone(&writer))).try_init().expect("the only one");
    log
}

fn text(log: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&log.lock().expect("not poisoned")).into_owned()
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn mail_goes_encrypted_and_signed_in_by_each_way_that_there_is(pool: PgPool) {
    let desk = Desk::new(pool).await;
    for (mechanism, url) in [
        ("PLAIN", "smtp://desk%40mail.example:right-1@127.0.0.1:{port}?tls=required"),
        ("LOGIN", "smtps://desk%40mail.example:right-1@127.0.0.1:{tls_port}"),
        ("LOGIN", "smtp://desk%40mail.example:right-1@127.0.0.1:{port}?tls=opportunistic"),
    ] {
        let exim = guarded(mechanism);
        desk.answered_ticket().await;
        assert_eq!(desk.drain(&transport(&exim, url, Usage::default())).await, 1);
        let mails = exim.wait_for(1);
        assert!(mails[0].contains("Envelope-to: ada@example.org") && mails[0].contains("Take water."), "{}", mails[0]);
        let log = exim.log();
        let sign_in = format!("A={}:desk@mail.example", mechanism.to_lowercase());
        assert!(log.contains("X=TLS1") && log.contains(&sign_in), "{log}");
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_wrong_password_keeps_all_mail_waiting_and_is_told_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let exim = guarded("PLAIN");
    let mut tickets = Vec::new();
    for _ in 0..6 {
        tickets.push(desk.settled_ticket().await);
    }
    for ticket in &mut tickets {
        let id = format!("answer{}@desk.example", ticket.state.number);
        let event = desk.say(ticket, desk.by_grace(&id, "Take water.")).await;
        desk.plan(&[event]).await;
    }
    let log = listen_to_log();
    let wrong = transport(&exim, "smtp://desk%40mail.example:wrong-1@127.0.0.1:{port}?tls=required", Usage::default());
    let deliverer = desk.deliverer(&wrong);
    deliverer.drain().await.expect("the database is there");
    let tried = desk.attempts(ADA).await.into_iter().filter(|attempt| attempt.contains("refused_for_now 535")).count();
    assert_eq!(tried, 4, "as many as there are connections, and no more");
    for _ in 0..20 {
        desk.later(331);
        assert_eq!(deliverer.drain().await.expect("the database is there"), 1, "one, to see");
    }
    let waiting = || async { desk.statuses(ADA).await.into_iter().filter(|status| status == "queued").count() };
    assert_eq!(waiting().await, 6, "none has failed, however often it was tried");
    let attempts = desk.attempts(ADA).await;
    assert!(attempts.iter().any(|attempt| attempt.contains("refused_for_now 535")), "{attempts:?}");
    let said = text(&log);
    assert_eq!(said.matches("it refuses the sign-in").count(), 1, "{said}");
    assert!(!said.contains("wrong-1") && !said.contains("example.org") && !said.contains("mail.example"), "{said}");

    desk.later(331);
    let right = transport(&exim, "smtp://desk%40mail.example:right-1@127.0.0.1:{port}?tls=required", Usage::default());
    assert_eq!(desk.drain(&right).await, 6);
    assert_eq!((exim.wait_for(6).len(), waiting().await), (6, 0));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn after_many_attempts_that_were_not_its_fault_a_mail_still_has_all_its_own(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let exim = guarded("PLAIN");
    desk.answered_ticket().await;
    let wrong = transport(&exim, "smtps://desk%40mail.example:wrong-1@127.0.0.1:{tls_port}", Usage::default());
    for _ in 0..9 {
        assert_eq!(desk.drain(&wrong).await, 1);
        desk.later(331);
    }
    let server = crate::smtp_server::SmtpServer::start();
    server.refuse(crate::smtp_server::Stage::Rcpt, 450);
    assert_eq!(desk.drain(&server.transport).await, 1);
    assert!(desk.attempts(ADA).await.last().is_some_and(|attempt| attempt.starts_with("10 refused_for_now 450")));
    assert!((4.0..6.0).contains(&desk.wait_of(ADA).await), "it is the first that counts");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_server_that_cannot_be_trusted_gets_no_mail_and_no_password(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let exim = guarded("PLAIN");
    let bare = Exim::start(&EximSettings { starttls: false, ..EximSettings::default() });
    let unknown =
        |url: &str, port: u16| Transport::smtp(&url.replace("{}", &port.to_string()).into(), None, Usage::default()).expect("a URL");
    let cases = [
        (unknown("smtp://desk:right-1@127.0.0.1:{}?tls=required", exim.port), "certificate"),
        (unknown("smtps://desk:right-1@127.0.0.1:{}", exim.tls_port), "certificate"),
        (transport(&bare, "smtp://desk:right-1@127.0.0.1:{port}?tls=required", Usage::default()), "it offers no STARTTLS"),
        (transport(&bare, "smtp://desk:right-1@127.0.0.1:{port}", Usage::default()), "it offers neither AUTH PLAIN nor AUTH LOGIN"),
    ];
    desk.answered_ticket().await;
    for (transport, reason) in cases {
        assert_eq!(desk.drain(&transport).await, 1);
        let attempts = desk.attempts(ADA).await;
        let last = attempts.last().expect("an attempt");
        assert!(last.contains("refused_for_now") && last.contains(reason), "{last}");
        assert_eq!(desk.statuses(ADA).await, ["sent", "queued"]);
        desk.later(331);
    }
    for exim in [exim, bare] {
        assert!(exim.mails().is_empty() && !exim.log().contains("authenticator"), "{}", exim.log());
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_is_said_behind_the_answer_to_starttls_does_not_count_as_said_under_tls(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let exim = Exim::start(&EximSettings::default());
    let port = meddle(exim.port, b"250-mail.example\r\n250 AUTH PLAIN\r\n");
    let url = format!("smtp://127.0.0.1:{port}?tls=required");
    let meddled = Transport::smtp(&url.into(), Some(&exim.certificates.authority), Usage::default()).expect("a URL");
    desk.answered_ticket().await;
    assert_eq!(desk.drain(&meddled).await, 1);
    assert_eq!(desk.statuses(ADA).await, ["sent", "queued"], "{:?}", desk.attempts(ADA).await);
    assert!(exim.mails().is_empty());
    desk.later(6);
    assert_eq!(desk.drain(&transport(&exim, "smtp://127.0.0.1:{port}?tls=required", Usage::default())).await, 1);
    assert_eq!(exim.wait_for(1).len(), 1);
}

/// Somebody between a client and a server, who adds to the answer to STARTTLS. Returns the port.
fn meddle(port: u16, injected: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(("127.0.0.1", port)).expect("connected");
            let (up, down) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            // A side that hangs up ends both, which is as it should be.
            std::thread::spawn(move || pass_on(up, down));
            std::thread::spawn(move || pass_on_meddled(server, client, injected));
        }
    });
    own
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn pass_on_meddled(from: TcpStream, mut to: TcpStream, injected: &[u8]) -> Option<()> {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    let mut ready = 0;
    // The second answer that begins with 220: the first is the greeting.
    while ready < 2 {
        line.clear();
        reader.read_until(b'\n', &mut line).ok().filter(|count| *count > 0)?;
        ready += usize::from(line.starts_with(b"220"));
        if ready == 2 {
            // In one piece with the answer, so that it is read along with it.
            line.extend_from_slice(injected);
        }
        to.write_all(&line).ok()?;
    }
    to.write_all(reader.buffer()).ok()?;
    let mut from = reader.into_inner();
    let mut piece = [0; 4096];
    loop {
        let count = from.read(&mut piece).ok().filter(|count| *count > 0)?;
        to.write_all(&piece[..count]).ok()?;
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_connection_is_used_for_several_mails_and_ended_in_good_order(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let exim = Exim::start(&EximSettings::default());
    let usage = Usage { mails: 3, ..Usage::default() };
    let transport = transport(&exim, "smtp://127.0.0.1:{port}?tls=required", usage);
    let quits = || exim.log().matches("closed by QUIT").count();
    for mail in 1..=5 {
        desk.answered_ticket().await;
        assert_eq!(desk.drain(&transport).await, 1);
        if mail == 3 {
            assert_eq!(exim.wait_for(3).len(), 3);
            assert_eq!(quits(), 0, "what was sent is recorded before goodbyes are said");
        }
    }
    assert_eq!(exim.wait_for(5).len(), 5);
    assert_eq!(exim.connections(), 2, "three mails on the first, two on the second: {}", exim.log());
    transport.tidy_up().await;
    assert_eq!(quits(), 1, "the second waits for more");
    transport.close().await;
    // It answers before it logs.
    let begun = std::time::Instant::now();
    while quits() < 2 {
        assert!(begun.elapsed() < switchboard_test_servers::process::PATIENCE, "{}", exim.log());
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_server_that_was_restarted_between_two_mails_gets_the_second_once_and_at_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut exim = Exim::start(&EximSettings::default());
    let transport = transport(&exim, "smtp://127.0.0.1:{port}?tls=required", Usage::default());
    desk.answered_ticket().await;
    assert_eq!(desk.drain(&transport).await, 1);
    exim.restart();
    desk.answered_ticket().await;
    assert_eq!(desk.drain(&transport).await, 1);
    assert_eq!(desk.statuses(ADA).await, ["sent"; 4], "{:?}", desk.attempts(ADA).await);
    // What it took, and not what lies in the Maildir: struck down while it delivers, Exim delivers again.
    let log = exim.log();
    let mut ids: Vec<&str> = log.lines().filter_map(|line| line.split_once(" <= ")?.1.split_once(" id=")).map(|(_, id)| id).collect();
    let arrived = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), arrived), (2, 2), "each once: {log}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mail_that_is_larger_than_the_server_takes_is_refused_for_good_without_being_sent(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let exim = Exim::start(&EximSettings { size_limit: 1000, ..EximSettings::default() });
    desk.answered_ticket().await;
    desk.drain(&transport(&exim, "smtp://127.0.0.1:{port}", Usage::default())).await;
    let attempts = desk.attempts(ADA).await;
    assert!(attempts[1].contains("refused_for_good") && attempts[1].contains("the mail server takes 1000 at most"), "{attempts:?}");
}
