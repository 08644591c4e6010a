//! Each account has its lane: its rate, its pauses, its troubles; and what it refuses for good goes another way.

use std::time::Duration;

use sqlx::PgPool;
use switchboard_common::db::fallback;
use switchboard_common::domain::method::Method;
use switchboard_common::domain::sender::Rate;
use switchboard_common::ids::{AccountId, DeliveryId};
use switchboard_notifier::Transport;
use switchboard_notifier::channels::{Gone, Obstacle, Receipt, Refusal};

use crate::desk::{DESK, Desk, GRACE, recipients, to};
use crate::fakes::Fakes;
use crate::smtp_server::{SmtpServer, Stage};

pub const PHONE: &str = "+4930901820";
const ONE_A_SECOND: Option<Rate> = Some(Rate { count: 1, seconds: 1 });

/// Grace is to be told of so many tickets, by this account, on her telephone. Ada's acknowledgements are out of the way.
pub async fn due_by(desk: &Desk, account: AccountId, method: Method, count: usize) {
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
        let (one, other) = tokio::join!(Box::pin(processes[0].drain()), Box::pin(processes[1].drain()));
        one.and(other).expect("the database is there");
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
    let (closed, _) = fakes.account(&desk, Method::Email, "closed@desk.example", None).await;
    let (silent, _) = fakes.account(&desk, Method::Whatsapp, "+15550101", None).await;
    desk.sql("update channel_accounts set disabled_at = now() where tenant_id = $1 and id = $2", &[&desk.tenant.0, &closed.0], &[]).await;
    desk.sql("update channel_accounts set sender = null where tenant_id = $1 and id = $2", &[&desk.tenant.0, &silent.0], &[]).await;
    for (kind, address) in [("email", "new@desk.example"), ("email", "full@desk.example"), ("whatsapp", PHONE)] {
        desk.sql(
            "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at)
             values ($1, gen_random_uuid(), $2, $3, $4, case $4 when 'new@desk.example' then null else now() end)",
            &[&desk.tenant.0, &desk.grace.0],
            &[kind, address],
        )
        .await;
    }
    desk.sql(
        "insert into suppressions (tenant_id, channel, address, scope, reason, evidence)
         values ($1, 'email', 'full@desk.example', 'all', 'bounce', 'a test'), ($1, 'email', 'grace@desk.example', 'optional', 'unsubscribed', 'a test')",
        &[&desk.tenant.0],
        &[],
    )
    .await;
    // Not hers, not verified, nothing goes there, an account that is closed, and one that cannot send; then her own.
    let ways = [
        ("email", desk.account, "old@desk.example"),
        ("email", desk.account, "new@desk.example"),
        ("email", desk.account, "full@desk.example"),
        ("email", closed, GRACE),
        ("whatsapp", silent, PHONE),
        ("email", desk.account, GRACE),
    ];
    let ways = ways
        .map(|(method, account, address)| format!(r#"{{"method": "{method}", "account_id": "{}", "address": "{address}"}}"#, account.0));
    let alternatives = format!("[{}]", ways.join(", "));
    desk.sql(
        "update notifications set alternatives = $3::jsonb where tenant_id = $1 and user_id = $2",
        &[&desk.tenant.0, &desk.grace.0],
        &[&alternatives],
    )
    .await;
    sms.answer([Err(Refusal::ForGood { answer: "21610 unsubscribed".to_owned(), gone: Some(Gone::Stop) })]);
    assert_eq!(fakes.drain(&desk).await, 2);
    assert_eq!(recipients(&memory.sent()), [GRACE], "not to an address that is not hers");
    assert!(to(&memory.sent(), GRACE)[0].header_raw("From").expect("a sender").contains(DESK));
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
    // What its reader may stop does not go where they stopped it.
    let optional = "update notifications set optional = true, alternatives = $3::jsonb where tenant_id = $1 and user_id = $2";
    due_by(&desk, account, Method::Sms, 1).await;
    desk.sql(optional, &[&desk.tenant.0, &desk.grace.0], &[&alternatives]).await;
    fakes.drain(&desk).await;
    assert_eq!((recipients(&memory.sent()), desk.statuses(GRACE).await), (vec![GRACE], vec!["sent".to_owned()]));
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
    // Unless the account says that it is sent again, until as many attempts as there are count.
    desk.sql(
        r#"update channel_accounts set sender = '{"when_unsure": "retry"}' where tenant_id = $1 and id = $2"#,
        &[&desk.tenant.0, &account.0],
        &[],
    )
    .await;
    desk.sql(
        "update deliveries set status = 'sending', attempts = 9, excused = case when id = (select min(id::text)::uuid from deliveries where status = 'held') then 2 else 1 end,
                lease_token = gen_random_uuid(), leased_until = '2020-01-01'
         where tenant_id = $1 and status = 'held'",
        &[&desk.tenant.0],
        &[],
    )
    .await;
    assert_eq!(fakes.drain(&desk).await, 1);
    let mut statuses = desk.statuses(PHONE).await;
    statuses.sort_unstable();
    assert_eq!((statuses, sms.count()), (vec!["failed".to_owned(), "sent".to_owned()], 2));
}

/// Of an answer that went two ways at once: one process sees the first fail while another sees the second.
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn of_an_answer_that_fails_by_two_ways_at_once_its_author_hears_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.answered_ticket().await;
    let second = "insert into deliveries (tenant_id, id, notification_id, account_id, channel, address, ticket_id, ticket_version, recipient_id,
                                          next_attempt_at, planned_at)
                  select tenant_id, $2, notification_id, account_id, 'sms', '+15550100', ticket_id, ticket_version, recipient_id, next_attempt_at,
                         planned_at
                  from deliveries where tenant_id = $1 and status = 'queued'";
    let other: DeliveryId = desk.ambient.new_id();
    desk.sql(second, &[&desk.tenant.0, &other.0], &[]).await;
    let first: DeliveryId = sqlx::query_scalar("select id from deliveries where status = 'queued' and channel = 'email'")
        .fetch_one(&desk.pool)
        .await
        .expect("the mail");
    let fail = "update deliveries set status = 'failed' where id = $1";
    let (mut one, mut two) = (desk.pool.begin().await.expect("begun"), desk.pool.begin().await.expect("begun"));
    sqlx::query(fail).bind(first).execute(&mut *one).await.expect("failed");
    sqlx::query(fail).bind(other).execute(&mut *two).await.expect("failed");
    assert!(!fallback::failed(&mut one, &[(desk.tenant, first)]).await.expect("read")[0].others.is_empty(), "the other is under way");
    let committing = async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        while desk.count(waiting).await == 0 {}
        one.commit().await.expect("committed");
    };
    let last = [(desk.tenant, other)];
    let (failed, ()) = tokio::join!(fallback::failed(&mut two, &last), committing);
    assert!(failed.expect("read")[0].others.is_empty(), "whoever comes last knows that nothing else is under way");
    two.rollback().await.expect("undone");

    desk.sql("update deliveries set status = 'queued' where tenant_id = $1 and id = $2", &[&desk.tenant.0, &first.0], &[]).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    for (id, method) in [(first, Method::Whatsapp), (other, Method::Sms)] {
        let (account, fake) = fakes.account(&desk, method, "+15550100", None).await;
        fake.answer([refused("no such number")]);
        let by = "update deliveries set account_id = $3, channel = $4, message_id = null where tenant_id = $1 and id = $2";
        desk.sql(by, &[&desk.tenant.0, &id.0, &account.0], &[method.as_str()]).await;
    }
    // Ada wrote on WhatsApp a moment ago.
    desk.sql("update messages set channel = 'whatsapp' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    assert_eq!(fakes.drain(&desk).await, 2);
    assert_eq!(desk.count("select count(*) from outbox where payload->>'kind' = 'delivery.failed'").await, 1);
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
