//! Events become plans: once, together, and with their effects in one transaction.

use sqlx::PgPool;
use switchboard_common::broker::Failure;
use switchboard_common::db::outbox;
use switchboard_common::domain::event::{Actor, EventKind};
use switchboard_common::ids::{AccountId, ClientId, MessageId, TicketId};
use switchboard_notifier::channels::email::Transport;
use uuid::Uuid;

use crate::desk::{ADA, BOB, DESK, Desk, GRACE, ROOT, Said, recipients, to};

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_redelivered_event_plans_nothing_new(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    // It is planned from the version that it names, and mails say what was so then, whatever the ticket is by now.
    (ticket.state.assignees, ticket.state.title) = (vec![desk.bob], "The fire is out".to_owned());
    desk.step(&mut ticket, Actor::User(desk.root)).await;
    desk.plan(&[event.clone(), event.clone()]).await;
    desk.plan(std::slice::from_ref(&event)).await;
    let (one, other) = tokio::join!(desk.try_plan(std::slice::from_ref(&event)), desk.try_plan(std::slice::from_ref(&event)));
    one.and(other).expect("planned before");
    let sent = desk.delivered().await;
    assert_eq!(recipients(&sent), [ADA, GRACE]);
    let subject = to(&sent, GRACE)[0].subject().expect("a subject").to_owned();
    assert!(subject.contains("The printer is on fire"), "{subject}");
    assert_eq!(desk.count("select count(*) from notifications").await, 2);
    assert_eq!(desk.count("select count(*) from outbox").await, 0);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn two_who_plan_the_same_event_at_once_plan_it_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut events = Vec::new();
    for n in 0..20 {
        let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
        events.push(desk.say(&mut ticket, desk.by_ada(&format!("a{n}@example.org"), "Hello")).await);
    }
    let backwards: Vec<_> = events.iter().rev().cloned().collect();
    let (one, other) = tokio::join!(desk.try_plan(&events), desk.try_plan(&backwards));
    one.and(other).expect("neither is in the other's way");
    assert_eq!(desk.count("select count(*) from event_plans").await, 20);
    assert_eq!(desk.count("select count(*) from deliveries").await, 40);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_person_in_two_groups_is_told_once(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let inner = desk.add_group("inner", &[desk.grace, desk.bob]).await;
    let outer = desk.add_group("outer", &[inner, desk.grace]).await;
    desk.sql("insert into group_members (tenant_id, group_id, member_id) values ($1, $2, $3)", &[&desk.tenant.0, &inner.0, &outer.0], &[])
        .await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![inner, outer]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(std::slice::from_ref(&event)).await;
    assert_eq!(recipients(&desk.delivered().await), [ADA, BOB, GRACE]);
    assert_eq!(
        desk.decisions(&event).await,
        ["bob: assigned through group inner", "grace: assigned through group inner", "Ada Lovelace: acknowledgement"]
    );
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn clients_who_are_one_are_told_once_where_they_wrote_last_and_no_longer_when_un_merged(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let home: ClientId = desk.ambient.new_id();
    desk.add_client(home, "Ada at home", "ada@home.example").await;
    let merge = "update clients set merged_into = $3 where tenant_id = $1 and id = $2";
    desk.sql(merge, &[&desk.tenant.0, &home.0, &desk.ada.0], &[]).await;
    let mut ticket = desk.settled_ticket().await;
    let said = Said { by: Actor::Client(home), from: "ada@home.example", ..desk.by_ada("h1@home.example", "Still burning.") };
    let event = desk.say(&mut ticket, said).await;
    desk.plan(std::slice::from_ref(&event)).await;
    assert_eq!(desk.decisions(&event).await, ["grace: assigned", "Ada Lovelace not: own action"]);
    let event = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Take water.")).await;
    desk.plan(std::slice::from_ref(&event)).await;
    desk.drain(&Transport::memory().0).await;
    assert_eq!(desk.statuses("ada@home.example").await, ["sent"]);
    desk.sql("update clients set merged_into = null where tenant_id = $1 and id = $2", &[&desk.tenant.0, &home.0], &[]).await;
    let event = desk.say(&mut ticket, desk.by_grace("g2@desk.example", "More water.")).await;
    desk.plan(std::slice::from_ref(&event)).await;
    assert_eq!(recipients(&desk.delivered().await), [ADA], "the ticket's own client, as before");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_ticket_that_is_nobodys_is_told_to_the_administrators(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut nobodys = desk.ticket(|_| {}).await;
    let event = desk.say(&mut nobodys, desk.by_ada("a1@example.org", "Hello?")).await;
    desk.plan(&[event]).await;
    assert_eq!(recipients(&desk.delivered().await), [ADA, ROOT]);
    let mut departments = desk.ticket(|state| state.department_id = Some(desk.support)).await;
    let event = desk.say(&mut departments, desk.by_ada("a2@example.org", "Hello?")).await;
    desk.plan(&[event]).await;
    assert_eq!(recipients(&desk.delivered().await), [ADA, BOB]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn own_actions_are_left_out_and_unverified_addresses_are_not_written_to(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.sql("update user_contacts set verified_at = null where tenant_id = $1 and user_id = $2", &[&desk.tenant.0, &desk.bob.0], &[])
        .await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace, desk.bob]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(std::slice::from_ref(&event)).await;
    assert_eq!(desk.decisions(&event).await, ["grace: assigned", "bob not: no verified mail address", "Ada Lovelace: acknowledgement"]);
    let event = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Take water.")).await;
    desk.plan(std::slice::from_ref(&event)).await;
    assert_eq!(
        desk.decisions(&event).await,
        ["grace not: own action", "bob not: no verified mail address", "Ada Lovelace: an agent's answer"]
    );
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_robot_gets_no_acknowledgement_and_no_goodbye(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let mut said = desk.by_ada("a1@example.org", "I am away.");
    said.automatic = Some("Auto-Submitted: auto-replied");
    let event = desk.say(&mut ticket, said).await;
    desk.plan(&[event]).await;
    desk.step(&mut ticket, Actor::User(desk.grace)).await;
    let closed = desk.event(&ticket, EventKind::TicketClosed, Actor::User(desk.grace), None).await;
    desk.plan(&[closed]).await;
    assert_eq!(recipients(&desk.delivered().await), [GRACE]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_desks_own_address_is_never_written_to(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.sql("update client_external_ids set value = $2 where tenant_id = $1", &[&desk.tenant.0], &[DESK]).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let mut said = desk.by_ada("a1@example.org", "Hello, it is me.");
    said.from = DESK;
    let opened = desk.say(&mut ticket, said).await;
    let answered = desk.say(&mut ticket, desk.by_grace("g1@desk.example", "Hello.")).await;
    desk.plan(&[opened, answered]).await;
    desk.plan_outbox().await;
    let sent = desk.delivered().await;
    assert_eq!(recipients(&sent), [GRACE, GRACE], "told of the ticket, and that the answer went nowhere");
    assert!(to(&sent, GRACE)[1].body_text(0).expect("a text").contains("the address is one of the desk's own"));
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_duel_of_robots_ends_at_the_cap_and_an_hour_later_one_may_write_again(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.sql("update channel_accounts set loop_cap = 3 where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    let mut mails = 0;
    for round in 0..6 {
        let mut events = Vec::new();
        for n in 0..2 {
            let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
            events.push(desk.say(&mut ticket, desk.by_ada(&format!("a{round}-{n}@example.org"), "Ticket opened.")).await);
        }
        desk.plan(&events).await;
        mails += to(&desk.delivered().await, ADA).len();
        desk.later(60);
    }
    assert_eq!(mails, 3, "across batches and within one");
    desk.later(3600);
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let event = desk.say(&mut ticket, desk.by_ada("later@example.org", "A question.")).await;
    desk.plan(&[event]).await;
    assert_eq!(recipients(&desk.delivered().await), [ADA, GRACE]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_answer_beyond_the_cap_is_not_sent_and_its_author_hears_of_it_without_a_storm(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.sql("update channel_accounts set loop_cap = 2 where tenant_id = $1", &[&desk.tenant.0], &[]).await;
    let mut ticket = desk.settled_ticket().await;
    for n in 0..8 {
        let event = desk.say(&mut ticket, desk.by_grace(&format!("g{n}@desk.example"), "Again.")).await;
        desk.plan(&[event]).await;
    }
    assert_eq!(desk.plan_outbox().await, 6, "six answers failed");
    assert_eq!(desk.plan_outbox().await, 0, "and of the reports nobody reports");
    let sent = desk.delivered().await;
    assert_eq!(recipients(&sent), [ADA, ADA, GRACE, GRACE]);
    let report = to(&sent, GRACE).remove(0);
    assert!(report.body_text(0).expect("a text").contains("loop cap: 2 mails within an hour from grace@desk.example to ada@example.org"));

    desk.later(1800);
    for id in ["late1@desk.example", "late2@desk.example"] {
        let refused = desk.say(&mut ticket, desk.by_grace(id, "Again.")).await;
        desk.plan(&[refused]).await;
    }
    desk.plan_outbox().await;
    desk.later(1801);
    let event = desk.say(&mut ticket, desk.by_grace("later@desk.example", "Once more.")).await;
    desk.plan(&[event]).await;
    assert_eq!(to(&desk.delivered().await, ADA).len(), 1, "what was refused does not count against the next");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_event_about_what_is_not_there_is_rejected_with_its_reason_and_holds_nothing_up(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let good = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;

    let mut without_version = good.clone();
    without_version.id = desk.ambient.new_id();
    without_version.version = 0;
    let mut without_ticket = without_version.clone();
    without_ticket.ticket_id = TicketId(Uuid::nil());
    let mut without_message = good.clone();
    without_message.id = desk.ambient.new_id();
    without_message.message_id = Some(MessageId(Uuid::nil()));
    outbox::add(&mut *desk.connection().await, std::slice::from_ref(&without_version), desk.ambient.now()).await.expect("added");

    assert!(
        matches!(desk.try_plan(&[good.clone(), without_version.clone()]).await, Err(Failure::Reject(_))),
        "the batch is run one by one"
    );
    assert_eq!(desk.count("select count(*) from event_plans").await, 0, "nothing of it stays");
    for (event, reason) in
        [(&without_version, "no version 0 of a ticket"), (&without_ticket, "no version 0 of a ticket"), (&without_message, "no message")]
    {
        match desk.try_plan(std::slice::from_ref(event)).await {
            Err(Failure::Reject(told)) => assert!(told.contains(reason), "{told}"),
            other => panic!("{other:?}"),
        }
    }
    desk.plan(&[good]).await;
    assert_eq!(desk.count("select count(*) from outbox").await, 0, "what is given up is not published again, and nothing waits for it");
    assert_eq!(recipients(&desk.delivered().await), [ADA, GRACE]);
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn tenants_in_one_batch_do_not_meet(pool: PgPool) {
    let acme = Desk::new(pool.clone()).await;
    let other = Desk::named(pool, acme.ambient.clone(), "other", "other.example").await;
    let mut events = Vec::new();
    for desk in [&acme, &other] {
        let mut ticket = desk.ticket(|_| {}).await;
        events.push(desk.say(&mut ticket, desk.by_ada("a1@example.org", "Hello")).await);
    }
    acme.plan(&events).await;
    let sent = acme.delivered().await;
    assert_eq!(recipients(&sent), [ADA, ADA, ROOT, "root@other.example"]);
    let from: Vec<String> = to(&sent, ADA)
        .iter()
        .map(|mail| mail.from().expect("a sender").first().expect("one").address().expect("an address").to_owned())
        .collect();
    assert!(from.contains(&"help@other.example".to_owned()) && from.contains(&DESK.to_owned()), "{from:?}");
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn our_message_ids_lead_back_to_the_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let mut ticket = desk.ticket(|state| state.assignees = vec![desk.grace]).await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(&[event]).await;
    for mail in desk.delivered().await {
        let mail = mail_parser::MessageParser::new().parse(&mail.bytes).expect("a mail").message_id().expect("an id").to_owned();
        assert!(mail.ends_with("@desk.example") && mail.len() == 26 + "@desk.example".len(), "128 random bits: {mail}");
        let leads_to: Uuid = sqlx::query_scalar("select ticket_id from message_ids where message_id = $1 and origin = 'ours'")
            .bind(mail)
            .fetch_one(&desk.pool)
            .await
            .expect("known");
        assert_eq!(leads_to, ticket.id.0);
    }
}

#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_ticket_that_came_by_a_chat_is_told_by_the_desks_mail(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let whatsapp: AccountId = desk.ambient.new_id();
    desk.sql(
        "insert into channel_accounts (tenant_id, id, name, channel, address) values ($1, $2, 'whatsapp', 'whatsapp', '+15550100')",
        &[&desk.tenant.0, &whatsapp.0],
        &[],
    )
    .await;
    let mut ticket = desk
        .ticket(|state| {
            state.account_id = whatsapp;
            state.assignees = vec![desk.grace];
        })
        .await;
    let event = desk.say(&mut ticket, desk.by_ada("a1@example.org", "It burns.")).await;
    desk.plan(std::slice::from_ref(&event)).await;
    let delivered = desk.delivered().await;
    assert_eq!(recipients(&delivered), [GRACE]);
    let from = to(&delivered, GRACE)[0].from().and_then(|from| from.first()?.address.clone());
    assert_eq!(from.as_deref(), Some(DESK));
    assert_eq!(
        desk.decisions(&event).await,
        ["grace: assigned", "Ada Lovelace not: no way to them is known on the channel that the ticket came by"]
    );
}
