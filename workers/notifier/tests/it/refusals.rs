//! What a mail server refuses, and what follows.

use std::time::Duration;

use sqlx::PgPool;
use switchboard_notifier::Transport;
use switchboard_notifier::channels::email::Usage;
use switchboard_notifier::deliver::Deliverer;

use crate::desk::{ADA, Desk, GRACE, to};
use crate::smtp_server::{SmtpServer, Stage};

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_refusal_is_for_now_or_for_good_by_stage_and_code(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let cases = [
        (Stage::Connect, 421, "queued", "refused_for_now 421 refused at Connect"),
        (Stage::Connect, 554, "queued", "refused_for_now 554 refused at Connect"),
        (Stage::Mail, 451, "queued", "refused_for_now 451 refused at Mail"),
        (Stage::Mail, 530, "queued", "refused_for_now 530 refused at Mail"),
        (Stage::Mail, 553, "failed", "refused_for_good 553 refused at Mail"),
        (Stage::Rcpt, 450, "queued", "refused_for_now 450 refused at Rcpt"),
        (Stage::Rcpt, 550, "failed", "refused_for_good 550 refused at Rcpt"),
        (Stage::Data, 451, "queued", "refused_for_now 451 refused at Data"),
        (Stage::Data, 554, "failed", "refused_for_good 554 refused at Data"),
        (Stage::Content, 452, "queued", "refused_for_now 452 refused at Content"),
        (Stage::Content, 554, "failed", "refused_for_good 554 refused at Content"),
    ];
    for (stage, code, status, attempt) in cases {
        let server = SmtpServer::start();
        desk.answered_ticket().await;
        server.refuse(stage, code);
        assert_eq!(desk.drain(&server.transport).await, 1);
        assert_eq!(desk.statuses(ADA).await.last().map(String::as_str), Some(status), "{stage:?} {code}");
        assert_eq!(desk.attempts(ADA).await.last().map(String::as_str), Some(format!("1 {attempt}").as_str()));
        desk.sql("delete from delivery_attempts where tenant_id = $1", &[&desk.tenant.0], &[]).await;
        desk.sql("delete from deliveries where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_is_refused_for_now_is_tried_by_the_schedule_and_then_fails(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    server.refuse(Stage::Rcpt, 450);
    for expected in [5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 36_000.0] {
        assert_eq!(desk.drain(&server.transport).await, 1);
        let wait = desk.wait_of(ADA).await;
        assert!((0.9 * expected..=1.1 * expected).contains(&wait), "{wait} s instead of {expected} s");
        desk.later(Duration::from_secs_f64(wait).as_secs());
        assert_eq!(desk.drain(&server.transport).await, 0, "not before its time");
        desk.later(1);
    }
    assert_eq!(desk.drain(&server.transport).await, 1);
    assert_eq!(desk.statuses(ADA).await, ["sent", "failed"]);
    assert_eq!(desk.attempts(ADA).await.len(), 1 + 8);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_failed_answer_tells_its_author_exactly_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    server.refuse(Stage::Rcpt, 550);
    assert_eq!(desk.drain(&server.transport).await, 1);
    assert_eq!(desk.drain(&server.transport).await, 0, "it is not tried again");
    assert_eq!(desk.plan_outbox().await, 1);
    let sent = desk.delivered().await;
    assert_eq!(sent.len(), 1);
    let report = to(&sent, GRACE).remove(0);
    let text = report.body_text(0).expect("a text");
    for part in ["did not reach ada@example.org", "550 refused at Rcpt", "Take water."] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(report.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert_eq!(desk.plan_outbox().await, 0);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn of_a_notification_that_failed_nobody_is_told(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    let server = SmtpServer::start();
    server.refuse(Stage::Rcpt, 550);
    assert_eq!(desk.drain(&server.transport).await, 2);
    assert_eq!((desk.statuses(ADA).await, desk.statuses(GRACE).await), (vec!["failed".to_owned()], vec!["failed".to_owned()]));
    assert_eq!(desk.plan_outbox().await, 0);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_connection_that_breaks_before_the_mail_was_sent_is_a_refusal_and_afterwards_it_is_ambiguous(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    server.hang_up(Stage::Rcpt);
    desk.drain(&server.transport).await;
    desk.later(6);
    server.hang_up(Stage::Content);
    desk.drain(&server.transport).await;
    desk.later(331);
    desk.drain(&server.transport).await;
    let attempts = desk.attempts(ADA).await;
    assert!(attempts[1].starts_with("1 refused_for_now"), "{attempts:?}");
    assert!(attempts[2].starts_with("2 ambiguous"), "{attempts:?}");
    assert!(attempts[3].starts_with("3 sent"), "{attempts:?}");
    let come = server.come();
    assert_eq!((come.len(), &come[0]), (2, &come[1]), "the same Message-ID");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_server_that_is_not_there_or_never_answers_is_tried_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that is free again");
    desk.drain(&Transport::smtp(&format!("smtp://{nobody}").into(), None, Usage::default()).expect("a URL")).await;
    assert_eq!(desk.statuses(ADA).await, ["sent", "queued"]);
    desk.later(6);
    let server = SmtpServer::start();
    let _wait = server.keep_waiting(Stage::Rcpt);
    let impatient = Deliverer::new(desk.pool.clone(), desk.ambient.clone(), server.transport.clone(), Duration::from_secs(4));
    assert_eq!(impatient.drain().await.expect("the database is there"), 1);
    let attempts = desk.attempts(ADA).await;
    assert_eq!(attempts.last().map(String::as_str), Some("2 refused_for_now no answer came in time"), "{attempts:?}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_refused_mail_does_not_disturb_the_next_and_connections_are_used_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let server = SmtpServer::start();
    for _ in 0..3 {
        desk.answered_ticket().await;
        assert_eq!(desk.drain(&server.transport).await, 1);
    }
    assert_eq!(server.connections(), 1);
    desk.answered_ticket().await;
    server.refuse(Stage::Rcpt, 550);
    desk.drain(&server.transport).await;
    server.relent();
    desk.answered_ticket().await;
    desk.drain(&server.transport).await;
    assert_eq!(server.come().len(), 4);
    assert_eq!(server.connections(), 1, "also after a refusal, which is taken back");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_connection_that_went_stale_at_rest_is_replaced_within_the_same_attempt(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let server = SmtpServer::start();
    let send = async || {
        desk.answered_ticket().await;
        desk.drain(&server.transport).await;
    };
    send().await;
    server.hang_up_on_all();
    send().await;
    server.refuse_once(Stage::Mail, 421);
    send().await;
    server.refuse_once(Stage::Rcpt, 421);
    send().await;
    server.hang_up(Stage::Rcpt);
    send().await;
    assert_eq!(desk.statuses(ADA).await, ["sent"; 10], "{:?}", desk.attempts(ADA).await);
    assert_eq!((server.come().len(), server.connections()), (5, 5), "each once, four on a fresh connection");
    server.refuse(Stage::Mail, 421);
    send().await;
    assert_eq!(server.connections(), 6, "once, and no more");
    assert!(desk.statuses(ADA).await.contains(&"queued".to_owned()));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn once_data_has_begun_no_fresh_connection_is_tried(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let cases = [(Stage::Data, "1 refused_for_now"), (Stage::Body, "1 ambiguous"), (Stage::Content, "1 ambiguous")];
    for (stage, attempt) in cases {
        let server = SmtpServer::start();
        desk.answered_ticket().await;
        desk.drain(&server.transport).await;
        server.hang_up(stage);
        desk.answered_ticket().await;
        desk.drain(&server.transport).await;
        assert_eq!(server.connections(), 1, "{stage:?}");
        let attempts = desk.attempts(ADA).await;
        assert!(attempts.iter().any(|made| made.starts_with(attempt)), "{stage:?}: {attempts:?}");
        assert!(desk.statuses(ADA).await.contains(&"queued".to_owned()), "{stage:?}");
        desk.later(331);
        desk.drain(&server.transport).await;
        let come = server.come();
        assert_eq!(come.last().map(|mail| &mail.to), Some(&ADA.to_owned()), "it goes again in the next attempt");
        assert!(!desk.statuses(ADA).await.contains(&"queued".to_owned()), "{stage:?}");
        desk.sql("delete from delivery_attempts where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    }
}
