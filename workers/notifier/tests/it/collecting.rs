//! What people chose, as planning finds it in the database: other channels, digests, quiet hours, followers.

use sqlx::PgPool;
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::domain::preferences::Topic;
use switchboard_common::ids::{AccountId, UserId};
use switchboard_notifier::plan::{Outlook, foresee};

use crate::desk::{ADA, BOB, Desk, GRACE};

async fn chose(desk: &Desk, user: UserId, says: &str) {
    let sql = "insert into preferences (tenant_id, id, layer, user_id, data) values ($1, gen_random_uuid(), 'user', $2, $3::jsonb)";
    desk.sql(sql, &[&desk.tenant.0, &user.0], &[says]).await;
}

/// The rows that a question finds, each as text.
async fn rows(desk: &Desk, question: &'static str) -> Vec<String> {
    sqlx::query_scalar(question).fetch_all(&desk.pool).await.expect("rows")
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn two_planners_append_to_a_digest_while_it_is_closed_and_each_item_is_in_one(pool: PgPool) {
    let desk = Desk::new(pool).await;
    chose(&desk, desk.grace, r#"{"events": {"ticket.created": "digest"}}"#).await;
    let mut batches = Vec::new();
    for batch in 0..12 {
        let mut events = Vec::new();
        for n in 0..4 {
            let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
            events.push(desk.say(&mut ticket, desk.by_ada(&format!("a{batch}-{n}@example.org"), "Hello")).await);
        }
        batches.push(events);
    }
    let planner = |of: usize| {
        let (desk, batches) = (&desk, &batches);
        async move {
            for events in batches.iter().skip(of).step_by(2) {
                desk.plan(events).await;
            }
        }
    };
    let closing = async {
        loop {
            let close = "update digests set closed_at = now()
                         where (tenant_id, id) in (select tenant_id, id from digests where closed_at is null for update skip locked)";
            sqlx::query(close).execute(&desk.pool).await.expect("closed");
        }
    };
    tokio::select! {
        () = async { tokio::join!(planner(0), planner(1)); } => {}
        () = closing => {}
    }
    assert_eq!(desk.count("select count(*) from notifications where user_id is not null").await, 48);
    assert_eq!(desk.count("select count(*) from digest_items").await, 48);
    assert_eq!(desk.count("select count(distinct notification_id) from digest_items").await, 48);
    assert!(desk.count("select count(*) from digests").await > 1, "some were closed meanwhile");
    assert!(desk.count("select count(*) from digests where closed_at is null").await <= 1, "one is open at a time");

    // Whoever comes while it is being closed waits, and begins a new one.
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let before = desk.say(&mut ticket, desk.by_ada("before@example.org", "Hello")).await;
    desk.plan(&[before]).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let after = desk.say(&mut ticket, desk.by_ada("after@example.org", "Hello")).await;
    let mut closer = desk.pool.begin().await.expect("a transaction");
    sqlx::query("update digests set closed_at = now() where closed_at is null").execute(&mut *closer).await.expect("closed");
    let committing = async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        while desk.count(waiting).await == 0 {}
        closer.commit().await.expect("committed");
    };
    tokio::join!(desk.plan(std::slice::from_ref(&after)), committing);
    assert_eq!(desk.count("select count(*) from digest_items i join digests d on d.id = i.digest_id where d.closed_at is null").await, 1);
    assert_eq!(desk.count("select count(distinct notification_id) from digest_items").await, 50);

    // An open digest keeps the earliest of its times.
    for (moved, expected) in [("- interval '50 minutes'", "08:10"), ("+ interval '2 days'", "09:00")] {
        let sql = format!("update digests set due_at = due_at {moved} where closed_at is null");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&desk.pool).await.expect("moved");
        let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
        let more = desk.say(&mut ticket, desk.by_ada(&format!("{expected}@example.org"), "Hello")).await;
        desk.plan(&[more]).await;
        let due = "select to_char(due_at at time zone 'utc', 'HH24:MI') from digests where closed_at is null";
        assert_eq!(rows(&desk, due).await, [expected]);
    }
    assert_eq!(desk.count("select count(*) from deliveries where recipient_id in (select id from users)").await, 0);
    let due = "select distinct to_char(due_at at time zone 'utc', 'HH24:MI:SS') || ' ' || channel || ' ' || address from digests";
    assert_eq!(rows(&desk, due).await, [format!("09:00:00 email {GRACE}")], "the next full hour after 08:00");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_everybody_chose_is_read_and_written_as_deliveries_and_digests(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let slack: AccountId = desk.ambient.new_id();
    let account = "insert into channel_accounts (tenant_id, id, name, channel, address, sender)
                   values ($1, $2, 'slack', 'slack', 'T1', '{\"kind\": \"slack\", \"token\": \"env:X\"}')";
    desk.sql(account, &[&desk.tenant.0, &slack.0], &[]).await;
    let contact = "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, gen_random_uuid(), $2, 'slack', $3, now())";
    desk.sql(contact, &[&desk.tenant.0, &desk.grace.0], &["T1/UGRACE"]).await;
    desk.sql(contact, &[&desk.tenant.0, &desk.bob.0], &["T1/UBOB"]).await;
    chose(&desk, desk.grace, r#"{"channels": ["slack", "email"], "fallback": ["sms"]}"#).await;
    chose(&desk, desk.bob, r#"{"channels": ["slack"], "quiet_hours": {"from": "07:00", "to": "09:30"}}"#).await;
    desk.sql(
        "insert into preferences (tenant_id, id, layer, data) values ($1, gen_random_uuid(), 'clients', $2::jsonb)",
        &[&desk.tenant.0],
        &[r#"{"timezone": "Europe/Berlin"}"#],
    )
    .await;

    let own = "insert into preferences (tenant_id, id, layer, client_id, data) values ($1, gen_random_uuid(), 'client', $2, $3::jsonb)";
    desk.sql(own, &[&desk.tenant.0, &desk.ada.0], &[r#"{"quiet_hours": {"from": "07:00", "to": "10:30"}}"#]).await;

    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let opened = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.sql(
        "insert into ticket_watchers (tenant_id, ticket_id, user_id) values ($1, $2, $3)",
        &[&desk.tenant.0, &ticket.id.0, &desk.root.0],
        &[],
    )
    .await;
    desk.sql("insert into suppressions (tenant_id, channel, address, scope, reason, evidence) values ($1, 'email', 'root@desk.example', 'optional', 'unsubscribed', 'a test')", &[&desk.tenant.0], &[])
        .await;
    // Ada wrote on Slack, in a thread.
    desk.sql("update messages set channel = 'slack', sender_address = 'T1/UADA' where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    let thread = "update inbound_messages set account_id = $2, payload = '{\"thread_key\": \"C1/1.2\"}' where tenant_id = $1";
    desk.sql(thread, &[&desk.tenant.0, &slack.0], &[]).await;
    let key = "insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
               values ($1, gen_random_uuid(), $2, 'slack', 'T1/UADA', 'slack', 'a test', true)";
    desk.sql(key, &[&desk.tenant.0, &desk.ada.0], &[]).await;
    let answered = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Take water. @bob knows how.")).await;
    desk.plan(&[opened.clone(), answered.clone()]).await;

    assert_eq!(desk.decisions(&opened).await, ["grace: assigned", "Ada Lovelace: acknowledgement"]);
    assert_eq!(
        desk.decisions(&answered).await,
        [
            "bob: mentioned",
            "grace not: own action",
            "root not: unsubscribed from what is not their own by email",
            "Ada Lovelace: an agent's answer"
        ]
    );
    let deliveries = "select concat_ws(' ', n.topic, d.channel, d.address, d.thread_key, case when d.message_id is null then 'no id' end,
                                       extract(epoch from d.next_attempt_at - d.planned_at)::int, d.waits_for)
                      from deliveries d join notifications n on n.id = d.notification_id order by n.topic, d.channel, d.address";
    assert_eq!(
        rows(&desk, deliveries).await,
        [
            "message.added slack T1/UADA C1/1.2 no id 5400 the client's quiet hours (own)".to_owned(),
            format!("ticket.created email {ADA} 5400 the client's quiet hours (own)"),
            format!("ticket.created email {GRACE} 0"),
            "ticket.created slack T1/UGRACE no id 0".to_owned(),
        ]
    );
    let left = "select topic || ' ' || (w->>'method') || ' ' || (w->>'address') from notifications, jsonb_array_elements(alternatives) w order by 1";
    assert_eq!(
        rows(&desk, left).await,
        [format!("mention email {BOB}"), format!("message.added email {ADA}")],
        "an acknowledgement takes no other channel"
    );
    let digests = "select concat_ws(' ', d.channel, d.address, i.cause, i.why, to_char(d.due_at at time zone 'utc', 'HH24:MI'))
                   from digests d join digest_items i on i.digest_id = d.id";
    assert_eq!(rows(&desk, digests).await, ["slack T1/UBOB quiet_hours quiet hours (own) 09:30"]);

    // The same is foreseen, and nothing is written for it.
    let mut connection = desk.connection().await;
    let mut ask = async |user: UserId, topic: Topic| {
        let seen =
            foresee(&mut connection, desk.tenant, user, topic, ticket.id, desk.ambient.now()).await.expect("foreseen").expect("a person");
        let outlook = match seen.outlook {
            Outlook::Told { ways, layer, .. } => format!("told on {} of them by {layer}", ways.len()),
            Outlook::Collected { way, why, until, layer } => format!("{} until {}: {why} by {layer}", way.method, until.format("%H:%M")),
            Outlook::NotTold { why, layer } => format!("not: {why} by {layer:?}"),
        };
        (
            seen.audience,
            outlook,
            seen.settings.iter().map(|setting| format!("{}={} {}", setting.name, setting.value, setting.layer)).collect::<Vec<_>>(),
        )
    };
    let (audience, outlook, settings) = ask(desk.grace, Topic::MessageAdded).await;
    assert_eq!((audience.as_deref(), outlook.as_str()), (Some("assigned"), "told on 2 of them by own"));
    assert_eq!(settings[0], "events=message.added: slack, email own");
    assert_eq!(settings[2], "fallback=sms own");
    let (audience, outlook, settings) = ask(desk.bob, Topic::Mention).await;
    assert_eq!((audience.as_deref(), outlook.as_str()), (Some("mentioned"), "slack until 09:30: quiet hours by own"));
    assert!(settings.contains(&"quiet_hours=07:00\u{2013}09:30 own".to_owned()), "{settings:?}");
    let (audience, outlook, _) = ask(desk.bob, Topic::MessageAdded).await;
    assert_eq!((audience, outlook.as_str()), (None, "not: they are not among those whom this concerns by None"));
    let (audience, outlook, _) = ask(desk.root, Topic::TicketClosed).await;
    assert_eq!(
        (audience.as_deref(), outlook.as_str()),
        (Some("follows the ticket"), "not: unsubscribed from what is not their own by email by Some(\"built-in\")")
    );
    assert_eq!(ask(desk.grace, Topic::DeliveryFailed).await.0.as_deref(), Some("wrote the answer"));
    desk.sql("update users set sees = 'assigned' where tenant_id = $1 and id = $2", &[&desk.tenant.0, &desk.bob.0], &[]).await;
    let (audience, outlook, _) = ask(desk.bob, Topic::TicketAssigned).await;
    assert_eq!(
        (audience.as_deref(), outlook.as_str()),
        (Some("assigned"), "slack until 09:30: quiet hours by own"),
        "he might read it then"
    );
    assert_eq!(ask(desk.bob, Topic::Mention).await.1, "not: they may not read the ticket by None");
    assert_eq!(desk.count("select count(*) from event_plans").await, 2);

    // A desk that changed is known from its revision.
    let planner = desk.planner();
    let closed = desk.event(&ticket, EventKind::TicketClosed, Actor::User(desk.grace), None).await;
    switchboard_common::broker::Handler::handle(&planner, std::slice::from_ref(&closed)).await.expect("planned");
    desk.sql("delete from suppressions where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    desk.sql("update users set archived_at = now() where tenant_id = $1 and id = $2", &[&desk.tenant.0, &desk.root.0], &[]).await;
    let mut decided = Vec::new();
    for bump in [0, 1] {
        if bump == 1 {
            desk.sql("update tenants set revision = revision + 1 where id = $1", &[&desk.tenant.0], &[]).await;
        }
        let again = desk.event(&ticket, EventKind::TicketClosed, Actor::User(desk.grace), None).await;
        switchboard_common::broker::Handler::handle(&planner, std::slice::from_ref(&again)).await.expect("planned");
        decided.push(desk.decisions(&again).await.pop().expect("root"));
    }
    assert_eq!(decided, ["root: follows the ticket", "root not: archived"]);
}
