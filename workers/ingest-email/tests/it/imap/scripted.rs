//! Servers that do what good ones never do.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_ingest_email::ImapSettings;

use super::server::{Quirk, Server, State};
use super::{Desk, PATIENCE, Way, mail, mails, settings, subjects};

async fn with_mails(desk: &Desk, state: State) -> Server {
    let server = Server::start(state).await;
    desk.mailbox("ada", &Way { poll_seconds: 1, ..Way::plain(server.port) }).await;
    server
}

/// Waits until the server was given a command so often.
async fn heard(server: &Server, command: &str, times: usize) {
    let begun = Instant::now();
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while server.with(|state| state.heard.iter().filter(|heard| *heard == command).count()) < times {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {command}: {:?}", server.with(|state| state.heard.clone()));
        looks.tick().await;
    }
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn without_idle_or_with_one_that_says_nothing_mail_comes_by_looking(pool: PgPool) {
    let desk = Desk::new(&pool);
    let server = with_mails(&desk, State { mails: mails("mail", 1), ..State::default() }).await;
    let worker = desk.worker();
    desk.wait_for("inbound", 1).await;
    server.with(|state| state.mails.push(mail("mail 002")));
    desk.wait_for("inbound", 2).await;
    assert!(server.with(|state| state.heard.iter().all(|command| command != "IDLE")), "it was not offered");
    server.with(|state| state.idle = true);
    worker.stop().await;
    let worker = desk.worker();
    heard(&server, "IDLE", 1).await;
    server.with(|state| state.mails.push(mail("mail 003")));
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, subjects("mail", 1..=3));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_answer_that_is_cut_off_loses_no_mail(pool: PgPool) {
    let desk = Desk::new(&pool);
    let quirks = vec![Quirk::Bye, Quirk::Garbage("* 1 FETCH (UID 1 BODY[] {500}\r\nhalf of it"), Quirk::LeaveOut];
    let server = with_mails(&desk, State { mails: mails("mail", 5), quirks, ..State::default() }).await;
    let worker = desk.worker();
    desk.wait_for("inbound", 5).await;
    desk.until("all to be read", "select last_uid = 5 from mailbox_cursors").await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, subjects("mail", 1..=5));
    assert!(server.with(|state| state.quirks.is_empty()), "all of it has happened");
    assert_eq!(desk.ask::<i64>("select count(*) from dead_letters").await, 0);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn no_answer_whatever_it_is_ends_a_worker(pool: PgPool) {
    let desk = Desk::new(&pool);
    let answers = [
        "* 1 FETCH (UID garbage\r\n",
        "\u{0}\u{0}\u{0}\r\n",
        "* 1 FETCH (UID 1 BODY[] NIL)\r\n* 99999999999999999999 EXISTS\r\n",
        "* 1 FETCH (UID 1 BODY[] {5+}\r\nhello)\r\n",
        "* 1 FETCH (UID 1 BODY[] {99999999999}\r\n",
        "* BAD\r\n",
        "A0005 BAD\r\n",
        "(((((((((((((((((((((\r\n",
        "* FLAGS (\\Seen\r\n",
        "hello of ada@example.org\r\n",
    ];
    let quirks = answers.map(Quirk::Garbage).to_vec();
    let server = with_mails(&desk, State { mails: mails("mail", 1), quirks, ..State::default() }).await;
    let worker = desk.worker_with(&Ambient::system(), ImapSettings { call: Duration::from_millis(500), ..settings() });
    desk.until("a fault to be noted", "select last_error is not null and last_error !~ '@' from mailbox_cursors").await;
    server.with(|state| state.quirks.truncate(2));
    desk.wait_for("inbound", 1).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["mail 001"]);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_server_that_falls_silent_is_given_up_and_delays_no_other(pool: PgPool) {
    let desk = Desk::new(&pool);
    let server = with_mails(&desk, State { mails: mails("mail", 2), quirks: vec![Quirk::Silence; 100], ..State::default() }).await;
    let other = Server::start(State { mails: mails("other", 1), ..State::default() }).await;
    desk.mailbox("bo", &Way { poll_seconds: 1, ..Way::plain(other.port) }).await;
    let worker = desk.worker_with(&Ambient::system(), ImapSettings { call: Duration::from_secs(2), ..settings() });
    desk.wait_for("inbound", 1).await;
    assert_eq!(desk.subjects("inbound").await, ["other 001"]);
    let said = "select bool_or(last_error = 'the server did not answer to UID FETCH within 2s') from mailbox_cursors";
    desk.until("the fault to be noted", said).await;
    server.with(|state| state.quirks.clear());
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_that_came_while_others_were_fetched_is_taken_at_once(pool: PgPool) {
    let desk = Desk::new(&pool);
    let quirks = vec![Quirk::OneMore(mail("mail 003"))];
    let server = Server::start(State { mails: mails("mail", 2), quirks, idle: true, ..State::default() }).await;
    // Nobody would look again within the hour.
    desk.mailbox("ada", &Way::plain(server.port)).await;
    let worker = desk.worker();
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, subjects("mail", 1..=3));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_that_the_server_never_hands_out_is_set_aside_and_the_rest_goes_on(pool: PgPool) {
    let desk = Desk::new(&pool);
    let state = State { mails: mails("mail", 4), refuses: vec![2], ..State::default() };
    let server = with_mails(&desk, state).await;
    let worker = desk.worker_with(&Ambient::system(), ImapSettings { give_up: Duration::from_millis(10), ..settings() });
    desk.wait_for("inbound", 3).await;
    desk.until("all to be read", "select last_uid = 4 from mailbox_cursors").await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["mail 001", "mail 003", "mail 004"]);
    let reason: String = desk.ask("select reason from dead_letters").await;
    assert!(reason.starts_with("it could not be fetched, 3 times in ") && reason.contains("the server refuses UID FETCH"), "{reason}");
    assert!(!reason.contains('@'), "{reason}");
    drop(server);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_server_that_hands_out_nothing_for_a_while_costs_no_mail(pool: PgPool) {
    let desk = Desk::new(&pool);
    let state = State { mails: mails("mail", 3), refuses: vec![1, 2, 3], ..State::default() };
    let server = with_mails(&desk, state).await;
    let worker = desk.worker_with(&Ambient::system(), ImapSettings { give_up: Duration::from_millis(10), ..settings() });
    // It was tried often enough to be given up, and then what is behind it was tried.
    heard(&server, "UID FETCH 1 (UID BODY.PEEK[])", 3).await;
    heard(&server, "UID FETCH 2 (UID BODY.PEEK[])", 1).await;
    server.with(|state| state.refuses.clear());
    desk.wait_for("inbound", 3).await;
    worker.stop().await;
    assert_eq!(desk.ask::<i64>("select count(*) from dead_letters").await, 0);
    assert_eq!(desk.subjects("inbound").await, subjects("mail", 1..=3));
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn two_mails_side_by_side_that_are_never_handed_out_do_not_hold_up_the_rest(pool: PgPool) {
    let desk = Desk::new(&pool);
    let server = with_mails(&desk, State { mails: mails("mail", 5), refuses: vec![2, 3], ..State::default() }).await;
    let worker = desk.worker_with(&Ambient::system(), ImapSettings { give_up: Duration::from_millis(10), ..settings() });
    desk.until("all to be read", "select last_uid = 5 from mailbox_cursors").await;
    worker.stop().await;
    assert_eq!(desk.subjects("inbound").await, ["mail 001", "mail 004", "mail 005"]);
    assert_eq!(desk.ask::<i64>("select count(*) from dead_letters").await, 2);
    drop(server);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_mail_of_the_catch_up_that_is_never_handed_out_is_set_aside_however_much_new_mail_comes(pool: PgPool) {
    let desk = Desk::new(&pool);
    let server = with_mails(&desk, State { mails: mails("mail", 12), refuses: vec![3], busy: true, ..State::default() }).await;
    let settings = ImapSettings { give_up: Duration::from_millis(10), backlog_threshold: 4, ..settings() };
    let worker = desk.worker_with(&Ambient::system(), settings);
    desk.until("the catch-up to end", "select last_uid > 12 and backlog_from = '{}' from mailbox_cursors").await;
    worker.stop().await;
    assert_eq!(desk.ask::<i64>("select count(*) from dead_letters").await, 1);
    let caught_up = desk.subjects("inbound.backlog").await;
    assert!(caught_up.starts_with(&["mail 001".to_owned(), "mail 002".to_owned(), "mail 004".to_owned()]), "{caught_up:?}");
    drop(server);
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_server_put_back_to_an_earlier_day_is_read_from_the_start(pool: PgPool) {
    let desk = Desk::new(&pool);
    let server = with_mails(&desk, State { mails: mails("mail", 4), uid_next: Some(5), ..State::default() }).await;
    let worker = desk.worker();
    desk.until("all to be read", "select last_uid = 4 from mailbox_cursors").await;
    worker.stop().await;
    // The numbers of two mails are given to others, and UIDVALIDITY says nothing of it.
    server.with(|state| {
        state.mails.truncate(2);
        state.mails.push(mail("mail after the restore"));
        state.uid_next = Some(4);
    });
    let worker = desk.worker();
    desk.until(
        "the mail",
        "select exists (select from broker.messages where position(convert_to('after the restore', 'UTF8') in payload) > 0)",
    )
    .await;
    worker.stop().await;
    // One that is silent, or wrong, about the next number is not read anew each time.
    let read = desk.queue("inbound").await.len();
    server.with(|state| state.uid_next = Some(1));
    let worker = desk.worker();
    heard(&server, "NOOP", 3).await;
    worker.stop().await;
    assert_eq!(desk.queue("inbound").await.len(), read);
}
