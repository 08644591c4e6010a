//! Mail is sent in order, by who holds the lease, and what became of it is on record.

use sqlx::PgPool;
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_notifier::Transport;

use crate::desk::{ADA, BOB, Desk, GRACE, recipients, to};
use crate::smtp_server::{SmtpServer, Stage};

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_worker_that_dies_after_the_servers_yes_leaves_an_ambiguous_attempt_and_the_same_mail_goes_out_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    let go_on = server.keep_waiting(Stage::Content);
    let worker = tokio::spawn({
        let deliverer = desk.deliverer(&server.transport);
        async move { deliverer.drain().await }
    });
    server.wait_for(1).await;
    // Holds the row, so that the worker cannot write down the yes that it gets now.
    let mut transaction = desk.pool.begin().await.expect("begun");
    sqlx::query("select from deliveries where address = $1 for update").bind(ADA).execute(&mut *transaction).await.expect("locked");
    go_on.send(()).expect("the server waits");
    server.wait_for_answers(1).await;
    worker.abort();
    assert!(worker.await.expect_err("aborted").is_cancelled());
    transaction.rollback().await.expect("let go");

    assert_eq!(desk.attempts(ADA).await.last().map(String::as_str), Some("1 sending"), "its attempt stood there before it began");
    assert_eq!(desk.drain(&server.transport).await, 0, "the lease still holds");
    desk.later(121);
    assert_eq!(desk.drain(&server.transport).await, 1);
    let attempts = desk.attempts(ADA).await;
    assert!(attempts[1].starts_with("1 ambiguous"), "{attempts:?}");
    assert!(attempts[2].starts_with("2 sent 250"), "{attempts:?}");
    let come = server.come();
    assert_eq!((come.len(), &come[0]), (2, &come[1]), "the same Message-ID");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn who_lost_the_lease_records_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    let slow = server.keep_waiting(Stage::Content);
    let worker = tokio::spawn({
        let deliverer = desk.deliverer(&server.transport);
        async move { deliverer.drain().await }
    });
    server.wait_for(1).await;
    desk.later(121);
    server.refuse(Stage::Rcpt, 450);
    assert_eq!(desk.drain(&server.transport).await, 1, "another worker took it over, and was told to come later");
    let before = (desk.statuses(ADA).await, desk.attempts(ADA).await);
    assert_eq!(before.0, ["sent", "queued"]);
    slow.send(()).expect("the server waits");
    worker.await.expect("it ended").expect("without trouble");
    assert_eq!((desk.statuses(ADA).await, desk.attempts(ADA).await), before, "the first worker's yes came too late");
    server.relent();
    desk.later(331);
    desk.drain(&server.transport).await;
    assert_eq!(desk.statuses(ADA).await, ["sent", "sent"]);
    assert!(desk.attempts(ADA).await[3].starts_with("3 sent 250"));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mail_that_kills_its_worker_is_given_up_after_eight_attempts(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let server = SmtpServer::start();
    for attempt in 1..=8 {
        let wait = server.keep_waiting(Stage::Content);
        let worker = tokio::spawn({
            let deliverer = desk.deliverer(&server.transport);
            async move { deliverer.drain().await }
        });
        server.wait_for(attempt).await;
        worker.abort();
        assert!(worker.await.expect_err("aborted").is_cancelled());
        drop(wait);
        desk.later(121);
    }
    assert_eq!(desk.drain(&server.transport).await, 0);
    assert_eq!(desk.statuses(ADA).await, ["sent", "failed"]);
    assert_eq!(desk.plan_outbox().await, 1, "its author hears of it");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_later_answer_waits_while_an_earlier_one_is_tried_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.answered_ticket().await;
    let server = SmtpServer::start();
    server.refuse(Stage::Rcpt, 450);
    assert_eq!(desk.drain(&server.transport).await, 1);
    server.relent();
    let second = desk.say(&mut ticket, desk.by_grace("g2@desk.example", "And sand.")).await;
    desk.plan(&[second]).await;
    let other = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let mut other = other;
    let elsewhere = desk.say(&mut other, desk.by_ada("other@example.org", "Something else.")).await;
    desk.plan(&[elsewhere]).await;
    assert_eq!(desk.drain(&server.transport).await, 2, "only what is on another ticket");
    desk.later(6);
    // Also while another process has the earlier one in its hands.
    let take = "update deliveries set status = 'sending', lease_token = gen_random_uuid(), leased_until = '2100-01-01'
                where tenant_id = $1 and status = 'queued' and ticket_version = 2 and address = $2";
    desk.sql(take, &[&desk.tenant.0], &[ADA]).await;
    assert_eq!(desk.drain(&server.transport).await, 0);
    let give =
        "update deliveries set status = 'queued', lease_token = null, leased_until = null where tenant_id = $1 and status = 'sending'";
    desk.sql(give, &[&desk.tenant.0], &[]).await;
    assert_eq!(desk.drain(&server.transport).await, 2);
    let in_order: Vec<String> = sqlx::query_scalar(
        "select message_id from deliveries where address = $1 and ticket_id = $2 and ticket_version > 1 order by ticket_version",
    )
    .bind(ADA)
    .bind(ticket.id)
    .fetch_all(&desk.pool)
    .await
    .expect("deliveries");
    let come: Vec<String> = server.come()[2..].iter().map(|mail| mail.message_id.clone()).collect();
    assert_eq!(come, in_order, "and then both, the earlier one first");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_delivery_waits_for_an_earlier_event_that_is_not_planned_yet(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.settled_ticket().await;
    let first = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "First.")).await;
    let second = desk.say(&mut ticket, desk.by_grace("g2@desk.example", "Second.")).await;
    desk.plan(&[second]).await;
    assert!(desk.delivered().await.is_empty());
    desk.plan(&[first]).await;
    let sent = desk.delivered().await;
    let texts: Vec<_> = to(&sent, ADA).iter().map(|mail| mail.body_text(0).expect("a text").trim().to_owned()).collect();
    assert_eq!(texts, ["First.", "Second."]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn who_has_left_since_is_not_written_to(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace, desk.bob]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    desk.sql("update users set archived_at = now() where tenant_id = $1 and id = $2", &[&desk.tenant.0, &desk.grace.0], &[]).await;
    desk.sql("update user_contacts set verified_at = null where tenant_id = $1 and user_id = $2", &[&desk.tenant.0, &desk.bob.0], &[])
        .await;
    assert_eq!(recipients(&desk.delivered().await), [ADA]);
    for (address, why) in [(GRACE, "the reader has left"), (BOB, "the address is no longer a verified one of the reader's")] {
        assert_eq!(desk.attempts(address).await, [format!("1 refused_for_good not sent: {why}")]);
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mail_that_cannot_be_written_fails_with_its_reason_and_the_others_go_out(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace, desk.bob]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    desk.sql(
        "update notifications set template = 'ticket.eaten.agent' where tenant_id = $1 and user_id = $2",
        &[&desk.tenant.0, &desk.grace.0],
        &[],
    )
    .await;
    assert_eq!(recipients(&desk.delivered().await), [ADA, BOB]);
    assert_eq!(desk.attempts(GRACE).await, ["1 refused_for_good not sent: there is no template ticket.eaten.agent"]);
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.bob]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a2@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    desk.sql("update ticket_versions set state = '{}' where tenant_id = $1 and ticket_id = $2", &[&desk.tenant.0, &ticket.id.0], &[]).await;
    assert!(desk.delivered().await.is_empty());
    let attempts = desk.attempts(BOB).await;
    assert!(attempts.iter().any(|attempt| attempt.starts_with("1 refused_for_good not sent: it cannot be read")), "{attempts:?}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_answer_brings_its_files_and_the_agent_gets_the_clients(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let opened =
        desk.say(&mut ticket, crate::desk::Said { files: vec![("fire.png", b"\x89PNG\0")], ..desk.by_ada("a1@example.org", "See.") }).await;
    let answered = desk
        .say(&mut ticket, crate::desk::Said { files: vec![("plan.png", b"water\r\n.\r\n")], ..desk.by_grace("g1@desk.example", "Here.") })
        .await;
    desk.plan(&[opened, answered]).await;
    let sent = desk.delivered().await;
    let files = |address, index: usize| -> Vec<(String, Vec<u8>)> {
        let mails = to(&sent, address);
        mails[index]
            .attachments()
            .map(|file| (mail_parser::MimeHeaders::attachment_name(file).expect("a name").to_owned(), file.contents().to_vec()))
            .collect()
    };
    assert_eq!(files(GRACE, 0), [("fire.png".to_owned(), b"\x89PNG\0".to_vec())]);
    assert_eq!(files(ADA, 0), [], "an acknowledgement sends nothing back");
    assert_eq!(files(ADA, 1), [("plan.png".to_owned(), b"water\r\n.\r\n".to_vec())]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn whoever_is_given_a_ticket_reads_what_it_is_about(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.settled_ticket().await;
    ticket.state.assignees = vec![desk.bob];
    desk.step(&mut ticket, Actor::User(desk.grace)).await;
    let mut event = desk.event(&ticket, EventKind::TicketAssigned, Actor::User(desk.grace), None).await;
    event.assigned = vec![desk.bob];
    desk.plan(&[event]).await;
    let sent = desk.delivered().await;
    let mail = to(&sent, BOB).remove(0);
    let text = mail.body_text(0).expect("a text");
    assert!(text.contains("Grace Hopper assigned ticket #1001 to you") && text.contains("It burns."), "{text}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn in_a_folder_each_mail_is_a_file_and_its_path_is_on_record(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let folder = tempfile::tempdir().expect("a folder");
    desk.drain(&Transport::file(folder.path()).expect("a transport")).await;
    let attempts = desk.attempts(ADA).await;
    let path = attempts[1].strip_prefix("1 sent ").expect("sent");
    let bytes = std::fs::read(path).expect("the mail");
    assert!(String::from_utf8_lossy(&bytes).contains("Take water."));
}
