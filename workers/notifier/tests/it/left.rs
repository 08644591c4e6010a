//! What is left when a way fails: digests and files reach their reader otherwise, or somebody hears that they did not.

use chrono::TimeDelta;
use sqlx::PgPool;
use switchboard_common::domain::method::Method;
use switchboard_common::ids::{AccountId, UserId};
use switchboard_notifier::Transport;
use switchboard_notifier::channels::Refusal;

use crate::desk::{ADA, BOB, Desk, GRACE, Ticket, recipients, to};
use crate::fakes::Fakes;
use crate::smtp_server::{SmtpServer, Stage};

const PHONE: &str = "+4930901820";

async fn chose(desk: &Desk, user: UserId, says: &str) {
    let sql = "insert into preferences (tenant_id, id, layer, user_id, data) values ($1, gen_random_uuid(), 'user', $2, $3::jsonb)";
    desk.sql(sql, &[&desk.tenant.0, &user.0], &[says]).await;
}

/// A new ticket of Ada's that is these people's, and planned.
async fn opened(desk: &Desk, assignees: Vec<UserId>) -> Ticket {
    let mut ticket = desk.ticket(|state| state.assignees = assignees).await;
    let id = format!("a{}@example.org", ticket.state.number);
    let event = desk.say(&mut ticket, desk.by_ada(&id, "It burns.")).await;
    desk.plan(&[event]).await;
    ticket
}

/// What is said on the notifications of a user, each sentence once.
async fn notices(desk: &Desk, user: UserId) -> Vec<String> {
    let sql = "select distinct notice from notifications where user_id = $1 and notice is not null order by 1";
    sqlx::query_scalar(sql).bind(user).fetch_all(&desk.pool).await.expect("notices")
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_digest_that_is_refused_for_good_goes_the_next_way_and_else_says_that_it_did_not(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let server = SmtpServer::start();
    let mut fakes = Fakes::new(&server.transport);
    let (_, sms) = fakes.account(&desk, Method::Sms, "+15550100", None).await;
    let contact = "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, gen_random_uuid(), $2, 'phone', $3, now())";
    desk.sql(contact, &[&desk.tenant.0, &desk.grace.0], &[PHONE]).await;
    chose(&desk, desk.grace, r#"{"events": {"ticket.created": "digest"}, "digest": {"every": "1h"}, "fallback": ["sms"]}"#).await;
    for _ in 0..2 {
        opened(&desk, vec![desk.grace]).await;
    }
    fakes.drain(&desk).await;
    desk.later(3601);
    server.refuse_with(Stage::Rcpt, 550, "5.1.1 no such user");
    assert_eq!(fakes.drain(&desk).await, 2, "by mail, and then by SMS");
    let got = sms.got();
    assert_eq!((got.len(), got[0].address.as_str()), (1, PHONE), "one message tells both");
    let [notice] = notices(&desk, desk.grace).await.try_into().expect("the same on both");
    assert!(notice.starts_with(&format!("The digest could not be told by email to {GRACE} (550")), "{notice}");
    assert!(notice.ends_with(&format!("; it goes by sms to {PHONE} instead.")), "{notice}");
    assert_eq!(desk.count("select count(*) from notifications where notice is not null").await, 2);
    assert_eq!(
        desk.count("select count(*) from deliveries where digest_id is not null and because like 'email to % failed: 550%'").await,
        1
    );

    // Her mail address is known for dead now. What comes by SMS alone and is refused there has no way left; nor has what a crash lost
    // at its last attempt.
    for lost in [false, true] {
        opened(&desk, vec![desk.grace]).await;
        desk.later(3601);
        if lost {
            desk.sql(
                "update channel_accounts set sender = '{\"when_unsure\": \"retry\"}' where tenant_id = $1 and channel = 'sms'",
                &[&desk.tenant.0],
                &[],
            )
            .await;
            sms.answer([Err(Refusal::ForNow { answer: "later".to_owned() })]);
            fakes.drain(&desk).await;
            desk.sql(
                "update deliveries set status = 'sending', attempts = 8, lease_token = gen_random_uuid(), leased_until = '2020-01-01'
                 where tenant_id = $1 and status = 'queued' and digest_id is not null",
                &[&desk.tenant.0],
                &[],
            )
            .await;
        } else {
            sms.answer([Err(Refusal::for_good("30003 unreachable"))]);
        }
        desk.later(2);
        fakes.drain(&desk).await;
        let why = if lost { "nobody knows whether it was sent" } else { "30003 unreachable" };
        let said = format!("The digest could not be told by sms to {PHONE} ({why}), and there is no other way.");
        assert!(notices(&desk, desk.grace).await.contains(&said), "{said}: {:?}", notices(&desk, desk.grace).await);
    }
    assert_eq!(desk.count("select count(*) from deliveries where digest_id is not null and status in ('queued', 'sending')").await, 0);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_digest_whose_reader_unsubscribed_meanwhile_still_tells_what_is_their_own(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (transport, memory) = Transport::memory();
    let fakes = Fakes::new(&transport);
    chose(&desk, desk.bob, r#"{"events": {"ticket.created": "digest"}, "digest": {"every": "1h"}}"#).await;
    let unsubscribe = "insert into suppressions (tenant_id, channel, address, scope, reason, evidence) values ($1, 'email', $2, 'optional', 'unsubscribed', 'a test')";
    let mut numbers = Vec::new();
    for _ in 0..2 {
        numbers.push(opened(&desk, vec![desk.bob]).await.state.number);
    }
    desk.sql("update notifications set optional = true where tenant_id = $1 and title like '[#1002]%'", &[&desk.tenant.0], &[]).await;
    desk.sql(unsubscribe, &[&desk.tenant.0], &[BOB]).await;
    desk.later(3601);
    fakes.drain(&desk).await;
    let sent = memory.sent();
    let text = to(&sent, BOB).remove(0).body_text(0).expect("a text").into_owned();
    assert!(text.contains("#1001") && !text.contains("#1002"), "{numbers:?} {text}");
    assert!(text.contains("on 1 ticket") && !text.contains("several tickets"), "{text}");
    // Nothing is left of one that is all about what others do.
    desk.sql("delete from suppressions where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    opened(&desk, vec![desk.bob]).await;
    desk.sql("update notifications set optional = true where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    desk.sql(unsubscribe, &[&desk.tenant.0], &[BOB]).await;
    desk.later(3601);
    fakes.drain(&desk).await;
    assert_eq!(to(&memory.sent(), BOB).len(), 1);
    let attempts = desk.attempts(BOB).await;
    assert!(
        attempts.contains(&"1 refused_for_good not sent: nothing goes to the address any more (unsubscribed)".to_owned()),
        "{attempts:?}"
    );
}

/// Ada wrote on a channel, from this number to this account, so long ago.
async fn wrote(desk: &Desk, ticket: &Ticket, account: AccountId, ago: TimeDelta) {
    let sql = "with said as (
                   update messages m set channel = a.channel, sender_address = $4, received_at = $5
                   from channel_accounts a where m.tenant_id = $1 and m.ticket_id = $3 and m.direction = 'in' and a.tenant_id = m.tenant_id and a.id = $2
                   returning m.inbound_id)
               update inbound_messages i set account_id = $2 from said where i.tenant_id = $1 and i.id = said.inbound_id";
    sqlx::query(sql)
        .bind(desk.tenant)
        .bind(account)
        .bind(ticket.id)
        .bind(PHONE)
        .bind(desk.ambient.now() - ago)
        .execute(&desk.pool)
        .await
        .expect("written");
}

async fn key(desk: &Desk, kind: &str) {
    let sql = "insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
               values ($1, gen_random_uuid(), $2, $3, $4, $3, 'a test', true)";
    desk.sql(sql, &[&desk.tenant.0, &desk.ada.0], &[kind, PHONE]).await;
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn files_that_a_channel_does_not_take_come_by_mail_or_their_author_hears_which_did_not(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let server = SmtpServer::start();
    let mut fakes = Fakes::new(&server.transport);
    let (account, sms) = fakes.account(&desk, Method::Sms, "+15550100", None).await;
    key(&desk, "phone").await;
    let answered = async |n: usize| {
        let mut ticket = desk.settled_ticket().await;
        wrote(&desk, &ticket, account, TimeDelta::hours(1)).await;
        let id = format!("g{n}@desk.example");
        let mut answer = desk.by_grace(&id, "Here is how.");
        answer.files = vec![("manual.png", b"bytes".as_slice())];
        let event = desk.say(&mut ticket, answer).await;
        desk.plan(&[event]).await;
        ticket
    };
    // By mail as well.
    answered(0).await;
    fakes.drain(&desk).await;
    assert_eq!(sms.count(), 1);
    assert_eq!(server.come().iter().filter(|taken| taken.to == ADA).count(), 1);
    assert_eq!(desk.plan_outbox().await, 0, "and nobody hears of anything");
    // That mail is refused.
    answered(1).await;
    server.refuse_with(Stage::Rcpt, 550, "5.1.1 no such user");
    fakes.drain(&desk).await;
    server.relent();
    assert_eq!(desk.plan_outbox().await, 1);
    let (transport, memory) = Transport::memory();
    desk.drain(&transport).await;
    let sent = memory.sent();
    let text = to(&sent, GRACE).remove(0).body_text(0).expect("a text").into_owned();
    assert!(text.contains("Files of an answer on ticket #1002 did not reach"), "{text}");
    assert!(text.contains("it is told otherwise, without manual.png."), "{text}");
    // There is no mail address that takes anything.
    answered(2).await;
    assert_eq!(fakes.drain(&desk).await, 1, "the text goes");
    assert_eq!(desk.plan_outbox().await, 1);
    desk.drain(&transport).await;
    let sent = memory.sent();
    let text = to(&sent, GRACE).remove(1).body_text(0).expect("a text").into_owned();
    assert!(text.contains("What did not go: manual.png\r\n"), "{text}");
    assert!(text.contains("The text arrived."), "{text}");
    assert_eq!((sms.count(), recipients(&sent)), (3, vec![GRACE, GRACE]));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn whatsapp_is_open_for_a_day_after_the_client_wrote_to_that_account_on_whatever_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (transport, memory) = Transport::memory();
    let mut fakes = Fakes::new(&transport);
    let (account, whatsapp) = fakes.account(&desk, Method::Whatsapp, "15550100", None).await;
    let (elsewhere, _) = fakes.account(&desk, Method::Whatsapp, "15550200", None).await;
    key(&desk, "whatsapp").await;
    let (mut old, other) = (desk.settled_ticket().await, desk.settled_ticket().await);
    wrote(&desk, &old, account, TimeDelta::days(3)).await;
    let mut answers = 0;
    // To where they wrote on another ticket, when, and when it is sent: by WhatsApp, or by mail.
    for (to, ago, sent_after, expected) in [
        (elsewhere, TimeDelta::hours(1), 0, (0, 1)),
        (account, TimeDelta::hours(25), 0, (0, 2)),
        (account, TimeDelta::hours(23), 0, (1, 2)),
        (account, TimeDelta::hours(23), 7200, (1, 3)),
    ] {
        wrote(&desk, &other, to, ago).await;
        answers += 1;
        let event = desk.say(&mut old, desk.by_grace(&format!("g{answers}@desk.example"), "Take water.")).await;
        desk.plan(&[event]).await;
        desk.later(sent_after);
        fakes.drain(&desk).await;
        assert_eq!((whatsapp.count(), memory.sent().len()), expected, "{ago}");
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn one_that_is_at_fault_keeps_nothing_else_from_going(pool: PgPool) {
    let desk = Desk::new(pool).await;
    // A tenant's own words that cannot be filled in: the built-in ones stand in for them.
    desk.sql(
        "insert into templates (tenant_id, template, channel, text) values ($1, 'message.added.client', 'email', '{{t \"no.such.phrase\"}}')",
        &[&desk.tenant.0],
        &[],
    )
    .await;
    // A digest that the database does not let go, whyever.
    chose(&desk, desk.bob, r#"{"events": {"ticket.created": "digest"}}"#).await;
    opened(&desk, vec![desk.bob]).await;
    let boom = "create function boom() returns trigger language plpgsql as $$ begin raise exception 'boom'; end $$;
                create trigger boom before update of closed_at on digests for each row execute function boom()";
    sqlx::raw_sql(boom).execute(&desk.pool).await.expect("a trigger");
    desk.later(3601);
    desk.answered_ticket().await;
    let sent = desk.delivered().await;
    let text = to(&sent, ADA).last().expect("an answer").body_text(0).expect("a text").into_owned();
    assert!(text.contains("Take water."), "{text}");
    assert_eq!(desk.count("select count(*) from digests where closed_at is null").await, 1);
    sqlx::raw_sql("drop trigger boom on digests").execute(&desk.pool).await.expect("dropped");
    desk.later(2);
    assert_eq!(recipients(&desk.delivered().await), [BOB]);
}
