//! What is looked at again at the moment of sending: who may still read it, where it may still go, and at what hour.

use sqlx::PgPool;
use switchboard_common::db::letters;
use switchboard_common::domain::event::Actor;
use switchboard_common::domain::method::Method;
use switchboard_notifier::Transport;
use switchboard_notifier::channels::Refusal;
use switchboard_notifier::render::Content;

use crate::accounts::{PHONE, due_by};
use crate::desk::{ADA, BOB, Desk, GRACE, recipients, to};
use crate::fakes::Fakes;

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn who_may_not_read_a_ticket_any_more_is_not_told_of_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace, desk.bob]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    desk.sql("update users set sees = 'assigned' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    ticket.state.assignees = vec![desk.bob];
    desk.step(&mut ticket, Actor::System).await;
    let sent = desk.delivered().await;
    assert_eq!(recipients(&sent), [ADA, BOB]);
    assert_eq!(desk.attempts(GRACE).await, ["1 refused_for_good not sent: the reader may not read the ticket any more"]);
    assert_eq!(desk.plan_outbox().await, 0, "and nobody hears of that");

    // What is somebody's: by assignment or cc, their own or a group's, and by their department where they see those.
    let inner = desk.add_group("inner", &[desk.grace]).await;
    let outer = desk.add_group("outer", &[inner]).await;
    let team = desk.add_group("team", &[desk.grace]).await;
    let in_department = "insert into user_departments (tenant_id, user_id, department_id) values ($1, $2, $3)";
    desk.sql(in_department, &[&desk.tenant.0, &team.0, &desk.support.0], &[]).await;
    let tickets = [
        desk.ticket(|_| {}).await.id,
        desk.ticket(|state| state.cc = vec![desk.grace]).await.id,
        desk.ticket(|state| state.assignees = vec![outer]).await.id,
        desk.ticket(|state| state.cc = vec![outer]).await.id,
        desk.ticket(|state| state.department_id = Some(desk.support)).await.id,
    ];
    let hidden = async |user| {
        let asked: Vec<_> = tickets.iter().map(|ticket| (desk.tenant, user, *ticket)).collect();
        let hidden = letters::hidden(&mut *desk.connection().await, &asked).await.expect("asked");
        tickets.iter().map(|ticket| if hidden.contains(&(desk.tenant, user, *ticket)) { '-' } else { '+' }).collect::<String>()
    };
    assert_eq!(
        (hidden(desk.grace).await, hidden(desk.bob).await, hidden(desk.root).await),
        ("-+++-".into(), "-----".into(), "+++++".into())
    );
    desk.sql("update users set sees = 'departments' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    assert_eq!((hidden(desk.grace).await, hidden(desk.bob).await), ("-++++".into(), "----+".into()), "also by a group that is in it");
    desk.sql("update users set sees = 'all' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    assert_eq!(hidden(desk.bob).await, "+++++");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_whatsapp_text_goes_within_a_day_of_what_its_reader_wrote_there_and_a_template_later(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut fakes = Fakes::new(&Transport::memory().0);
    let (account, chat) = fakes.account(&desk, Method::Whatsapp, "+15550100", None).await;
    let sender = r#"update channel_accounts set sender = '{"kind": "whatsapp", "phone_number_id": "1", "token": "env:X", "template": "news"}'
                    where tenant_id = $1 and id = $2"#;
    desk.sql(sender, &[&desk.tenant.0, &account.0], &[]).await;
    let mut ticket = desk.settled_ticket().await;
    let wrote = "update messages set channel = 'whatsapp', sender_address = $2 where tenant_id = $1 and direction = 'in'";
    desk.sql(wrote, &[&desk.tenant.0], &[PHONE]).await;
    desk.sql("update inbound_messages set account_id = $2 where tenant_id = $1", &[&desk.tenant.0, &account.0], &[]).await;
    let mut answer = async |n: usize| {
        let event = desk.say(&mut ticket, desk.by_grace(&format!("g{n}@desk.example"), "Take water.")).await;
        desk.plan(&[event]).await;
        desk.sql(
            "update deliveries set account_id = $2, channel = 'whatsapp', address = $3, message_id = null where tenant_id = $1 and status = 'queued'",
            &[&desk.tenant.0, &account.0],
            &[PHONE],
        )
        .await;
        // What the desk wrote there, and what others did, opens no window.
        desk.sql(
            "update messages set channel = 'whatsapp', sender_address = $2 where tenant_id = $1 and direction = 'out'",
            &[&desk.tenant.0],
            &[PHONE],
        )
        .await;
        assert_eq!(fakes.drain(&desk).await, 1);
        match chat.got().pop().expect("sent").content {
            Content::Whatsapp { .. } => "text",
            Content::WhatsappTemplate { .. } => "template",
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(answer(1).await, "text");
    desk.later(24 * 3600 - 1);
    assert_eq!(answer(2).await, "text");
    desk.later(1);
    assert_eq!(answer(3).await, "template");
    desk.sql(
        "update messages set received_at = received_at + interval '1 hour' where tenant_id = $1 and direction = 'in'",
        &[&desk.tenant.0],
        &[],
    )
    .await;
    assert_eq!(answer(4).await, "text");
    desk.sql(wrote, &[&desk.tenant.0], &["+4930000"]).await;
    assert_eq!(answer(5).await, "template", "another number has a window of its own");
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
    desk.step(&mut hidden, Actor::System).await;
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
    desk.step(&mut gone, Actor::System).await;
    desk.later(7200);
    fakes.drain(&desk).await;
    assert_eq!(to(&memory.sent(), GRACE).len(), 1);
    let attempts = desk.attempts(GRACE).await;
    let said = "1 refused_for_good not sent: the reader may read nothing of it any more";
    assert!(attempts.iter().any(|attempt| attempt == said), "{attempts:?}");
    // It is looked again whether it may go to its reader and address, at the moment when it goes.
    for (n, (what, back, why)) in [
        (
            "insert into suppressions (tenant_id, channel, address, scope, reason, evidence) select $1, 'email', 'grace@desk.example', 'all', 'bounce', $2::uuid::text",
            "delete from suppressions where tenant_id = $1 and $2::uuid is not null",
            "nothing goes to the address any more (bounce)",
        ),
        (
            "update user_contacts set verified_at = null where tenant_id = $1 and user_id = $2",
            "update user_contacts set verified_at = now() where tenant_id = $1 and user_id = $2",
            "the address is no longer a verified one of the reader's",
        ),
        (
            "update users set archived_at = now() where tenant_id = $1 and id = $2",
            "update users set archived_at = null where tenant_id = $1 and id = $2",
            "the reader has left",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
        let event = desk.say(&mut ticket, desk.by_ada(&format!("b{n}@example.org"), "More.")).await;
        desk.plan(&[event]).await;
        desk.sql(what, &[&desk.tenant.0, &desk.grace.0], &[]).await;
        desk.later(7200);
        fakes.drain(&desk).await;
        let attempts = desk.attempts(GRACE).await;
        let said = format!("1 refused_for_good not sent: {why}");
        assert!(attempts.contains(&said), "{said}: {attempts:?}");
        desk.sql(back, &[&desk.tenant.0, &desk.grace.0], &[]).await;
    }
    assert_eq!(to(&memory.sent(), GRACE).len(), 1);
}
