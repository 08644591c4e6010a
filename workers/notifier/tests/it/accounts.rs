//! Each account has its lane: its rate, its pauses, its troubles; and what it refuses for good goes another way.

use std::time::Duration;

use sqlx::PgPool;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::sender::Rate;
use switchboard_common::ids::AccountId;
use switchboard_notifier::Transport;
use switchboard_notifier::channels::{Gone, Obstacle, Receipt, Refusal};

use crate::desk::{ADA, Desk, GRACE, recipients, to};
use crate::fakes::Fakes;
use crate::smtp_server::{SmtpServer, Stage};

const PHONE: &str = "+4930901820";
const ONE_A_SECOND: Option<Rate> = Some(Rate { count: 1, seconds: 1 });

/// Grace is to be told of so many tickets, by this account, on her telephone. Ada's acknowledgements are out of the way.
async fn due_by(desk: &Desk, account: AccountId, method: Method, count: usize) {
    desk.sql(
        "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, gen_random_uuid(), $2, 'phone', $3, now())
         on conflict do nothing",
        &[&desk.tenant.0, &desk.grace.0],
        &[PHONE],
    )
    .await;
    for _ in 0..count {
        let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
        let id = format!("a{}-{method}@example.org", ticket.state.number);
        let event = desk.say(&mut ticket, desk.by_ada(&id, "It burns.")).await;
        desk.plan(&[event]).await;
    }
    desk.sql(
        "update deliveries set account_id = $2, channel = $4, address = $3, message_id = null
         where tenant_id = $1 and status = 'queued' and address = 'grace@desk.example'",
        &[&desk.tenant.0, &account.0],
        &[PHONE, method.as_str()],
    )
    .await;
    desk.sql("delete from deliveries where tenant_id = $1 and status = 'queued' and address = 'ada@example.org'", &[&desk.tenant.0], &[])
        .await;
}

fn refused<T>(answer: &str) -> Result<T, Refusal> {
    Err(Refusal::for_good(answer))
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn two_processes_together_keep_to_the_rate_of_an_account_and_pause_when_its_platform_says_so(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    let (account, sms) = fakes.account(&desk, Method::Sms, "+15550100", ONE_A_SECOND).await;
    let (other, quick) = fakes.account(&desk, Method::Sms, "+15550199", None).await;
    due_by(&desk, account, Method::Sms, 6).await;
    let processes = [fakes.deliverer(&desk), fakes.deliverer(&desk)];
    let all = async || {
        for process in &processes {
            process.drain().await.expect("the database is there");
        }
    };
    for second in 1..=3 {
        all().await;
        assert_eq!(sms.count(), second, "one a second, whoever sends it");
        desk.later(1);
    }
    sms.answer([Err(Refusal::Busy { retry_after: Some(Duration::from_hours(2)), answer: "429 slow down".to_owned() })]);
    all().await;
    assert_eq!(sms.count(), 4, "the fourth ran into it");
    due_by(&desk, other, Method::Sms, 2).await;
    desk.later(3598);
    all().await;
    assert_eq!((sms.count(), quick.count()), (4, 2), "nobody tries meanwhile, for an hour at most, and the other account goes on");
    for _ in 0..3 {
        desk.later(2);
        all().await;
    }
    assert_eq!(sms.count(), 7, "all of them once, and one of them once more");
    assert_eq!(desk.count("select max(excused)::bigint from deliveries").await, 1, "and the platform's pause is not held against it");
    assert_eq!(desk.count("select count(*) from deliveries where status <> 'sent'").await, 0);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_broken_account_waits_alone_and_is_tried_by_one_delivery_at_a_time(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    let (broken, first) = fakes.account(&desk, Method::Sms, "+15550100", None).await;
    let (sound, second) = fakes.account(&desk, Method::Sms, "+15550199", None).await;
    due_by(&desk, broken, Method::Sms, 10).await;
    due_by(&desk, sound, Method::Sms, 3).await;
    desk.sql("update deliveries set account_id = $2 where tenant_id = $1 and account_id = $3", &[&desk.tenant.0, &sound.0, &sound.0], &[])
        .await;
    let away = || Err(Refusal::Away { obstacle: Obstacle::SignIn, answer: "401".to_owned() });
    first.answer((0..8).map(|_| away()));
    let process = fakes.deliverer(&desk);
    process.drain().await.expect("the database is there");
    let at_first = first.count();
    assert!((1..=4).contains(&at_first), "what was under way together: {at_first}");
    assert_eq!(second.count(), 3, "the other account has sent all of its own");
    process.drain().await.expect("the database is there");
    assert_eq!(first.count(), at_first, "nothing knocks while it is shut");
    desk.later(6);
    process.drain().await.expect("the database is there");
    assert_eq!(first.count(), at_first + 1, "one, to see");
    for _ in 0..8 {
        desk.later(330);
        process.drain().await.expect("the database is there");
    }
    assert_eq!(desk.count("select count(*) from deliveries where status = 'sent'").await, 13, "and in the end all is sent");
    assert_eq!(desk.count("select max(attempts - excused)::bigint from deliveries").await, 1);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_one_way_refuses_for_good_goes_the_next_and_is_said_on_the_notification(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (transport, memory) = Transport::memory();
    let mut fakes = Fakes::new(&transport);
    let (account, sms) = fakes.account(&desk, Method::Sms, "+15550100", None).await;
    due_by(&desk, account, Method::Sms, 1).await;
    let alternatives = format!(
        r#"[{{"method": "email", "account_id": "{0}", "address": "old@desk.example"}}, {{"method": "email", "account_id": "{0}", "address": "{GRACE}"}}]"#,
        desk.account.0
    );
    desk.sql(
        "update notifications set alternatives = $3::jsonb where tenant_id = $1 and user_id = $2",
        &[&desk.tenant.0, &desk.grace.0],
        &[&alternatives],
    )
    .await;
    sms.answer([Err(Refusal::ForGood { answer: "21610 unsubscribed".to_owned(), gone: Some(Gone::Stop) })]);
    assert_eq!(fakes.drain(&desk).await, 2);
    assert_eq!(recipients(&memory.sent()), [GRACE], "not to an address that is not hers");
    let notice: String = sqlx::query_scalar("select notice from notifications where user_id = $1")
        .bind(desk.grace)
        .fetch_one(&desk.pool)
        .await
        .expect("a notice");
    assert_eq!(notice, format!("It could not be told by sms to {PHONE} (21610 unsubscribed); it goes by email to {GRACE} instead."));
    assert_eq!(desk.count("select count(*) from deliveries where because like 'sms to % failed: 21610%'").await, 1);
    assert_eq!(
        desk.count("select count(*) from suppressions where reason = 'stop' and channel = 'sms' and address = '+4930901820'").await,
        1
    );
    due_by(&desk, account, Method::Sms, 1).await;
    fakes.drain(&desk).await;
    assert_eq!(sms.count(), 1, "nothing goes there any more");
    let attempts = desk.attempts(PHONE).await;
    let said = "1 refused_for_good not sent: nothing goes to the address any more (stop)";
    assert!(attempts.iter().any(|attempt| attempt == said), "{attempts:?}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_answer_goes_the_next_way_in_its_order_and_with_none_left_its_author_hears_of_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let server = SmtpServer::start();
    let mut fakes = Fakes::new(&server.transport);
    let (account, slack) = fakes.account(&desk, Method::Slack, "T1", None).await;
    let mut ticket = desk.answered_ticket().await;
    let way = format!(r#"[{{"method": "slack", "account_id": "{}", "address": "T1/U1", "thread_key": "C1/1.0"}}]"#, account.0);
    desk.sql(
        "update notifications set alternatives = $2::jsonb where tenant_id = $1 and client_id is not null",
        &[&desk.tenant.0],
        &[&way],
    )
    .await;
    server.refuse_with(Stage::Rcpt, 550, "5.1.1 no such user");
    slack.answer([Err(Refusal::ForNow { answer: "later".to_owned() })]);
    assert_eq!(fakes.drain(&desk).await, 2, "refused by mail, and tried by Slack");
    server.relent();
    assert_eq!(desk.count("select count(*) from suppressions where reason = 'bounce' and address = 'ada@example.org'").await, 1);
    desk.sql("delete from suppressions where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    let later = desk.say(&mut ticket, desk.by_grace("g2@desk.example", "And sand.")).await;
    desk.plan(&[later]).await;
    assert_eq!(fakes.drain(&desk).await, 0, "the later answer waits for the earlier one, whatever way that goes");
    desk.later(6);
    slack.answer([refused("channel_not_found")]);
    assert_eq!(fakes.drain(&desk).await, 2);
    assert_eq!(slack.got()[0].thread_key.as_deref(), Some("C1/1.0"));
    assert_eq!(desk.plan_outbox().await, 1, "nothing is left: its author hears of it");
    let sent = desk.delivered().await;
    let text = to(&sent, GRACE).remove(0).body_text(0).expect("a text").into_owned();
    assert!(text.contains("channel_not_found") && text.contains("Take water."), "{text}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_a_platform_may_have_taken_and_would_not_know_again_is_held_and_holds_up_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    let (account, sms) = fakes.account(&desk, Method::Sms, "+15550100", None).await;
    due_by(&desk, account, Method::Sms, 1).await;
    sms.answer([Err(Refusal::Unknown { answer: "connection reset".to_owned() })]);
    assert_eq!(fakes.drain(&desk).await, 1);
    desk.later(100_000);
    assert_eq!(fakes.drain(&desk).await, 0, "it is not tried again by itself");
    assert_eq!(desk.statuses(PHONE).await, ["held"]);
    assert_eq!(desk.attempts(PHONE).await, ["1 ambiguous connection reset"]);
    assert_eq!(desk.count("select count(*) from deliveries where waits_for like 'a decision%'").await, 1);
    // One whose sender died is held as well.
    due_by(&desk, account, Method::Sms, 1).await;
    desk.sql(
        "update deliveries set status = 'sending', attempts = 1, lease_token = gen_random_uuid(), leased_until = '2020-01-01'
         where tenant_id = $1 and status = 'queued'",
        &[&desk.tenant.0],
        &[],
    )
    .await;
    assert_eq!(fakes.drain(&desk).await, 0);
    assert_eq!(desk.statuses(PHONE).await, ["held", "held"]);
    assert_eq!(sms.count(), 1);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn who_may_not_read_a_ticket_any_more_is_not_told_of_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace, desk.bob]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    desk.sql("update users set sees = 'assigned' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    ticket.state.assignees = vec![desk.bob];
    desk.step(&mut ticket, switchboard_common::domain::event::Actor::System).await;
    let sent = desk.delivered().await;
    assert_eq!(recipients(&sent), [ADA, crate::desk::BOB]);
    assert_eq!(desk.attempts(GRACE).await, ["1 refused_for_good not sent: the reader may not read the ticket any more"]);
    assert_eq!(desk.plan_outbox().await, 0, "and nobody hears of that");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_retry_does_not_wake_its_reader_and_what_is_urgent_does(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    let (account, sms) = fakes.account(&desk, Method::Sms, "+15550100", None).await;
    due_by(&desk, account, Method::Sms, 2).await;
    // It is 08:00 on 15 January 2027.
    desk.sql(
        r#"insert into preferences (tenant_id, id, layer, user_id, data)
           values ($1, $2, 'user', $2, '{"quiet_hours": {"from": "08:00", "to": "17:30"}, "timezone": "UTC"}')"#,
        &[&desk.tenant.0, &desk.grace.0],
        &[],
    )
    .await;
    desk.sql("update deliveries set urgent = true where tenant_id = $1 and id = (select id from deliveries where status = 'queued' order by id desc limit 1)", &[&desk.tenant.0], &[]).await;
    sms.answer([0, 1].map(|_| Err(Refusal::ForNow { answer: "later".to_owned() })));
    assert_eq!(fakes.drain(&desk).await, 2);
    desk.later(3600);
    assert_eq!(fakes.drain(&desk).await, 1, "the urgent one");
    assert_eq!(desk.count("select count(*) from deliveries where waits_for like '%quiet hours'").await, 1);
    desk.later(8 * 3600 + 1800);
    assert_eq!(fakes.drain(&desk).await, 1, "and the other when they end");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn all_that_is_told_of_a_ticket_on_slack_stands_in_one_thread_and_the_platforms_names_are_kept(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    let (account, slack) = fakes.account(&desk, Method::Slack, "T1", None).await;
    desk.sql(
        "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, $2, $3, 'slack', 'T1/U1', now())",
        &[&desk.tenant.0, &account.0, &desk.grace.0],
        &[],
    )
    .await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    slack.answer([Ok(Receipt { answer: "ok".to_owned(), provider_id: Some("7.1".to_owned()), thread_key: Some("D1/7.1".to_owned()) })]);
    for id in ["a1@example.org", "a2@example.org"] {
        let event = desk.say(&mut ticket, desk.by_ada(id, "It burns.")).await;
        desk.plan(&[event]).await;
        desk.sql(
            "update deliveries set account_id = $2, channel = 'slack', address = 'T1/U1', message_id = null
             where tenant_id = $1 and status = 'queued' and address = 'grace@desk.example'",
            &[&desk.tenant.0, &account.0],
            &[],
        )
        .await;
        fakes.drain(&desk).await;
    }
    let threads: Vec<_> = slack.got().into_iter().map(|parcel| parcel.thread_key).collect();
    assert_eq!(threads, [None, Some("D1/7.1".to_owned())]);
    assert_eq!(desk.count("select count(*) from deliveries where provider_id = '7.1' and thread_key = 'D1/7.1'").await, 1);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_digest_is_closed_once_and_tells_what_its_reader_may_still_read(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (transport, memory) = Transport::memory();
    let fakes = Fakes::new(&transport);
    let (mut open, mut hidden) =
        (desk.ticket(|state| state.assignees = vec![desk.grace]).await, desk.ticket(|state| state.assignees = vec![desk.grace]).await);
    let first = desk.say(&mut open, desk.by_ada("a1@example.org", "It burns.")).await;
    let second = desk.say(&mut hidden, desk.by_ada("a2@example.org", "A secret.")).await;
    desk.sql(
        r#"insert into preferences (tenant_id, id, layer, user_id, data)
           values ($1, $2, 'user', $2, '{"events": {"ticket.created": "digest"}, "digest": {"every": "1h"}, "locale": "de"}')"#,
        &[&desk.tenant.0, &desk.grace.0],
        &[],
    )
    .await;
    desk.plan(&[first, second]).await;
    fakes.drain(&desk).await;
    assert_eq!(recipients(&memory.sent()), [ADA, ADA], "Grace waits for her digest");
    desk.sql("update users set sees = 'assigned' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    hidden.state.assignees = vec![desk.bob];
    desk.step(&mut hidden, switchboard_common::domain::event::Actor::System).await;
    desk.later(3601);
    let processes = [fakes.deliverer(&desk), fakes.deliverer(&desk)];
    let (one, other) = tokio::join!(processes[0].drain(), processes[1].drain());
    assert_eq!(one.expect("drained") + other.expect("drained"), 1);
    let sent = memory.sent();
    let digest = to(&sent, GRACE).remove(0);
    let text = digest.body_text(0).expect("a text").into_owned();
    assert!(text.contains("#1001") && !text.contains("#1002"), "{text}");
    let unsubscribe = digest.header_raw("List-Unsubscribe").expect("RFC 8058");
    assert!(unsubscribe.contains("<https://desk.example/unsubscribe/"), "{unsubscribe}");
    // One of which nothing is left is not sent, and says so.
    let mut gone = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let third = desk.say(&mut gone, desk.by_ada("a3@example.org", "Gone.")).await;
    desk.plan(&[third]).await;
    gone.state.assignees = vec![desk.bob];
    desk.step(&mut gone, switchboard_common::domain::event::Actor::System).await;
    desk.later(7200);
    fakes.drain(&desk).await;
    assert_eq!(to(&memory.sent(), GRACE).len(), 1);
    let attempts = desk.attempts(GRACE).await;
    let said = "1 refused_for_good not sent: the reader may read nothing of it any more";
    assert!(attempts.iter().any(|attempt| attempt == said), "{attempts:?}");
}
