//! How groups share their tickets.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Handler;
use switchboard_common::domain::inbound::InboundMessage;
use switchboard_router::batch::BatchHandler;
use switchboard_router::command::close_ticket;

use crate::desk::{Desk, MIGRATIONS, Mail};

/// A desk whose group 2nd-line deals out what comes, to bo, cleo and dan, who are all in its department.
async fn dealing(pool: PgPool, by: &str) -> Desk {
    let desk = Desk::new(pool).await;
    desk.change_desk(
        "insert into group_members (tenant_id, group_id, member_id)
         select g.tenant_id, g.id, m.id from users g, users m where g.handle = '2nd-line' and m.handle = 'dan';
         insert into user_departments (tenant_id, user_id, department_id)
         select u.tenant_id, u.id, d.id from users u, departments d where not u.is_group and d.name = 'Technical support'",
    )
    .await;
    desk.change_desk(&format!("delete from routing_rules; update categories set assign_by = '{by}' where name = 'Incident'")).await;
    desk
}

/// Who has how many tickets.
async fn loads(desk: &Desk) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select u.handle, count(*) from ticket_assignments a join users u on u.tenant_id = a.tenant_id and u.id = a.user_id group by 1",
    )
    .fetch_all(&desk.pool)
    .await
    .expect("loads");
    rows.into_iter().collect()
}

fn shares(shares: &[(&str, i64)]) -> BTreeMap<String, i64> {
    shares.iter().map(|(handle, share)| ((*handle).to_owned(), *share)).collect()
}

async fn away(desk: &Desk, handle: &str, until: Option<&str>) {
    let until = until.map_or("null".to_owned(), |until| format!("'{until}'"));
    desk.change_desk(&format!("update users set away_until = {until} where handle = '{handle}'")).await;
}

/// The people in the order of their turns.
async fn order(desk: &Desk) -> Vec<String> {
    sqlx::query_scalar("select handle from users where not is_group order by id").fetch_all(&desk.pool).await.expect("people")
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn two_routers_deal_sixty_tickets_to_three_people_twenty_each(pool: PgPool) {
    let desk = dealing(pool, "round_robin").await;
    let mails: Vec<Mail> = (0..60).map(|n| desk.mail(&format!("client{n}@example.org"), &format!("m{n}"))).collect();
    let router = |mails: Vec<Mail>| {
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(desk.pool.connect_options().as_ref().clone());
        let handler = Arc::new(BatchHandler::new(pool, Ambient::system()));
        tokio::spawn(async move {
            for batch in mails.chunks(4) {
                let messages: Vec<InboundMessage> = batch.iter().map(|mail| mail.0.clone()).collect();
                handler.handle(&messages).await.expect("routed");
            }
        })
    };
    let (one, other) = (router(mails[..30].to_vec()), router(mails[30..].to_vec()));
    one.await.expect("it ends");
    other.await.expect("it ends");
    assert_eq!(loads(&desk).await, shares(&[("bo", 20), ("cleo", 20), ("dan", 20)]));
    let turns: i64 = sqlx::query_scalar("select turns from group_turns").fetch_one(&desk.pool).await.expect("turns");
    assert_eq!(turns, 60);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_turn_goes_round_within_a_batch_and_is_explained(pool: PgPool) {
    let desk = dealing(pool, "round_robin").await;
    let order = order(&desk).await;
    let mails: Vec<Mail> = (0..4).map(|n| desk.mail("ada@example.org", &format!("m{n}"))).collect();
    desk.route(&mails).await.expect("routed");
    for (n, person) in [0, 1, 2, 0].into_iter().map(|n| &order[n]).enumerate() {
        let ended = desk.ended(&format!("m{n}#1")).await;
        let routing = ended.explanation.routing.expect("routed");
        let after = if n == 0 { String::new() } else { format!(", after {}", order[(n + 2) % 3]) };
        let why = format!("it is the turn of {person} in 2nd-line{after}");
        assert_eq!(routing.assignee.as_ref(), Some(person));
        assert_eq!(routing.assignee_why, format!("it is that of the category Incident, by round-robin; {why}"));
        assert!(desk.changes(ended.number).await.contains(&format!("assigned: {person} ({why})")));
        let id: uuid::Uuid =
            sqlx::query_scalar("select id from users where handle = $1").bind(person).fetch_one(&desk.pool).await.expect("a person");
        assert_eq!(desk.snapshot(ended.number).await["assignees"], json!([id]));
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn fewest_open_evens_out_what_was_uneven(pool: PgPool) {
    let desk = dealing(pool, "everyone").await;
    desk.rules(&[("bo first", json!([{ "field": "subject", "words": "hello" }]), json!({ "assign": "bo" }))]).await;
    for n in 0..6 {
        desk.take(desk.mail("ada@example.org", &format!("b{n}")).subject("hello")).await;
    }
    desk.change_desk("update categories set assign_by = 'fewest_open'").await;
    for n in 0..12 {
        desk.take(desk.mail("ada@example.org", &format!("m{n}"))).await;
    }
    assert_eq!(loads(&desk).await, shares(&[("bo", 6), ("cleo", 6), ("dan", 6)]));
    // What is closed counts no longer.
    for number in 1..=3 {
        close_ticket(&desk.pool, &desk.ambient, desk.tenant, number, None).await.expect("closed");
    }
    let batch: Vec<Mail> = (0..3).map(|n| desk.mail("ada@example.org", &format!("c{n}"))).collect();
    desk.route(&batch).await.expect("routed");
    assert_eq!(loads(&desk).await, shares(&[("bo", 9), ("cleo", 6), ("dan", 6)]));
    let why = desk.ended("c1#1").await.explanation.routing.expect("routed").assignee_why;
    assert!(why.contains("bo has the fewest open tickets of 2nd-line: ") && why.contains("bo 4") && why.contains("cleo 6"), "{why}");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn who_is_away_is_skipped_and_comes_back(pool: PgPool) {
    let desk = dealing(pool, "round_robin").await;
    let people = order(&desk).await;
    away(&desk, &people[0], Some("2026-03-02T12:00:00Z")).await;
    let first = desk.routing(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(first.assignee.as_ref(), Some(&people[1]));
    let skipped = format!("skipped: {} (away until 2026-03-02 12:00 UTC)", people[0]);
    assert!(first.assignee_why.ends_with(&skipped), "{}", first.assignee_why);
    desk.ambient.clock.advance(std::time::Duration::from_hours(3));
    let rest: Vec<String> = {
        let mut rest = Vec::new();
        for id in ["a2", "a3"] {
            rest.push(desk.routing(desk.mail("ada@example.org", id)).await.assignee.expect("somebody"));
        }
        rest
    };
    assert_eq!(rest, [people[2].clone(), people[0].clone()], "noon has come");
    away(&desk, &people[1], Some("2027-01-01T00:00:00Z")).await;
    assert_eq!(desk.routing(desk.mail("ada@example.org", "a4")).await.assignee.as_ref(), Some(&people[2]));
    away(&desk, &people[1], None).await;
    desk.routing(desk.mail("ada@example.org", "a5")).await;
    assert_eq!(desk.routing(desk.mail("ada@example.org", "a6")).await.assignee.as_ref(), Some(&people[1]));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn who_is_not_in_the_department_is_skipped_and_when_nobody_is_left_it_is_the_groups(pool: PgPool) {
    let desk = dealing(pool, "round_robin").await;
    desk.change_desk("delete from user_departments d using users u where u.id = d.user_id and u.handle <> 'cleo'").await;
    for id in ["a1", "a2"] {
        let routing = desk.routing(desk.mail("ada@example.org", id)).await;
        assert_eq!(routing.assignee.as_deref(), Some("cleo"));
        assert!(
            routing.assignee_why.contains("bo (not in Technical support)")
                && routing.assignee_why.contains("dan (not in Technical support)")
        );
    }
    away(&desk, "cleo", Some("2027-01-01T00:00:00Z")).await;
    let routing = desk.routing(desk.mail("ada@example.org", "a3")).await;
    assert_eq!(routing.assignee.as_deref(), Some("2nd-line"));
    assert!(
        routing.assignee_why.contains("nobody of 2nd-line is left to take it, so it is the group's; skipped: "),
        "{}",
        routing.assignee_why
    );
    assert_eq!(loads(&desk).await, shares(&[("cleo", 2), ("2nd-line", 1)]));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_group_within_a_group_deals_to_each_person_once(pool: PgPool) {
    let desk = dealing(pool, "everyone").await;
    desk.change_desk(
        "insert into users (tenant_id, id, handle, name, is_group) select tenant_id, gen_random_uuid(), 'all', 'All', true from users where handle = 'bo';
         insert into group_members (tenant_id, group_id, member_id)
         select g.tenant_id, g.id, m.id from users g, users m where g.handle = 'all' and m.handle in ('2nd-line', 'bo')",
    )
    .await;
    let rule = json!({ "assign": "all", "by": "round-robin" });
    desk.rules(&[("all", json!([{ "field": "channel", "is": "email" }]), rule)]).await;
    for n in 0..9 {
        desk.take(desk.mail("ada@example.org", &format!("a{n}"))).await;
    }
    assert_eq!(loads(&desk).await, shares(&[("bo", 3), ("cleo", 3), ("dan", 3)]));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_person_whom_a_rule_names_gets_it_also_when_away(pool: PgPool) {
    let desk = dealing(pool, "everyone").await;
    away(&desk, "dan", Some("2026-03-09T08:00:00Z")).await;
    desk.rules(&[("dan", json!([{ "field": "subject", "words": "printer" }]), json!({ "assign": "dan", "by": "round-robin" }))]).await;
    let routing = desk.routing(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(routing.assignee.as_deref(), Some("dan"));
    assert_eq!(routing.assignee_why, "rule \"dan\" matched; away until 2026-03-09 08:00 UTC");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn of_those_with_as_few_open_tickets_the_turn_decides(pool: PgPool) {
    let desk = dealing(pool, "fewest_open").await;
    let people = order(&desk).await;
    let counts = |counts: [i64; 3]| -> String {
        let counts: Vec<String> = people.iter().zip(counts).map(|(handle, count)| format!("{handle} {count}")).collect();
        counts.join(", ")
    };
    for (n, person) in [&people[0], &people[1], &people[2], &people[0]].into_iter().enumerate() {
        let ended = desk.take(desk.mail("ada@example.org", &format!("a{n}"))).await;
        let routing = ended.explanation.routing.expect("routed");
        let why = format!("{person} has the fewest open tickets of 2nd-line: {}", counts([0, 0, 0]));
        assert_eq!(routing.assignee_why, format!("it is that of the category Incident, by fewest-open; {why}"));
        // However it ended, it is open no longer.
        let over = if n % 2 == 0 { "closed" } else { "unresolved" };
        let state = format!("(select s.id from statuses s where s.tenant_id = t.tenant_id and s.state = '{over}')");
        desk.change_desk(&format!("update tickets t set status_id = {state} where ticket_number = {}", ended.number)).await;
    }
    // What somebody is given by name in the same batch is theirs as well, though it was not dealt.
    let named = json!({ "assign": people[1] });
    desk.rules(&[("by name", json!([{ "field": "subject", "words": "hello" }]), named)]).await;
    desk.route(&[desk.mail("ada@example.org", "b1").subject("hello"), desk.mail("ada@example.org", "b2")]).await.expect("routed");
    let dealt = desk.ended("b2#1").await.explanation.routing.expect("routed");
    assert_eq!(dealt.assignee.as_ref(), Some(&people[2]));
    assert!(dealt.assignee_why.ends_with(&counts([0, 1, 0])), "{}", dealt.assignee_why);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn those_who_are_skipped_are_named_in_the_order_of_the_turns(pool: PgPool) {
    let desk = dealing(pool, "round_robin").await;
    let people = order(&desk).await;
    for handle in &people {
        away(&desk, handle, Some("2026-03-02T12:00:00Z")).await;
    }
    let routing = desk.routing(desk.mail("ada@example.org", "a1")).await;
    let skipped: Vec<String> = people.iter().map(|handle| format!("{handle} (away until 2026-03-02 12:00 UTC)")).collect();
    let nobody = "nobody of 2nd-line is left to take it, so it is the group's; skipped";
    assert_eq!(routing.assignee_why, format!("it is that of the category Incident, by round-robin; {nobody}: {}", skipped.join(", ")));
    assert_eq!(routing.assignee.as_deref(), Some("2nd-line"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn another_account_does_not_copy_the_group_that_deals_the_ticket_out(pool: PgPool) {
    let desk = dealing(pool, "round_robin").await;
    desk.change_desk(
        "insert into channel_accounts (tenant_id, id, name, channel, address, default_category_id)
         select tenant_id, gen_random_uuid(), 'help', 'email', 'help@desk.example', default_category_id from channel_accounts",
    )
    .await;
    let people = order(&desk).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1").to(&["support@desk.example", "help@desk.example"])).await;
    assert_eq!(opened.explanation.routing.expect("routed").assignee.as_ref(), Some(&people[0]));
    assert_eq!(desk.snapshot(1).await["cc"], json!([]), "it is one person's, and not the whole group's");
}
