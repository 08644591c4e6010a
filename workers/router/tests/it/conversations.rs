//! Conversations, as a specification: who writes what to whom, and where it ends.

use sqlx::PgPool;
use switchboard_common::domain::explanation::SenderFound;
use switchboard_common::domain::inbound::Trust;

use crate::desk::{Desk, MIGRATIONS};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_first_mail_opens_a_ticket_of_a_new_client_and_a_second_one_another(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let first = desk.take(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(first.line(), "opened #1 waiting_for_agent public in");
    assert!(matches!(&first.explanation.sender, SenderFound::NewClient { key, .. } if key == "email:ada@example.org"));
    assert_eq!(first.explanation.decision, "Opened ticket #1: nothing in it points at a ticket.");
    assert_eq!(first.text, "text of a1", "the first message keeps its whole text");
    let second = desk.take(desk.mail("ada@example.org", "a2")).await;
    assert_eq!(second.line(), "opened #2 waiting_for_agent public in");
    assert!(matches!(second.explanation.sender, SenderFound::KnownClient { .. }));
    assert_eq!(desk.count("clients").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn rules_lead_to_a_category_its_department_and_its_assignee(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let incident = desk.take(desk.mail("ada@example.org", "a1")).await.explanation.routing.expect("it was routed");
    assert_eq!(
        (incident.category.as_deref(), incident.department.as_deref(), incident.assignee.as_deref()),
        (Some("Incident"), Some("Technical support"), Some("2nd-line"))
    );
    assert_eq!(incident.category_why, "no rule matched; it is the default of the account support");
    assert_eq!(incident.seen(&incident.rules[0].conditions[0].field), "The printer is on fire");
    assert!(!incident.rules[0].conditions[0].held);
    let quote =
        desk.take(desk.mail("ada@example.org", "a2").subject("Your OFFER of May")).await.explanation.routing.expect("it was routed");
    assert_eq!((quote.category.as_deref(), quote.assignee.as_deref()), (Some("Quote"), Some("dan")));
    assert_eq!(quote.category_why, "rule \"quotes\" matched");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_changed_desk_counts_from_the_next_mail_on(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.change_desk("update routing_rules set rule = jsonb_set(rule, '{when,0,words}', '[\"printer\"]')").await;
    let routing = desk.take(desk.mail("ada@example.org", "a2")).await.explanation.routing.expect("it was routed");
    assert_eq!(routing.category.as_deref(), Some("Quote"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_was_accepted_before_its_account_was_disabled_is_routed(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let accepted = desk.mail("ada@example.org", "a1");
    desk.change_desk("update channel_accounts set disabled_at = now()").await;
    assert_eq!(desk.take(accepted).await.line(), "opened #1 waiting_for_agent public in");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_client_goes_on_by_reply_address_by_our_message_id_and_by_their_own(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.we_sent(opened.ticket_id, "ours1@desk.example").await;
    let address = desk.client_address(opened.ticket_id).await;
    let by_address = desk.take(desk.mail("ada@example.org", "a2").to(&[&address])).await;
    assert_eq!(by_address.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(by_address.explanation.considered[0].evidence, "the client's signed reply address");
    let by_ours = desk.take(desk.mail("ada@example.org", "a3").refers_to(&["ours1@desk.example"])).await;
    assert_eq!(by_ours.line(), "joined #1 waiting_for_agent public in");
    let by_own = desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a1"])).await;
    assert_eq!((by_own.line().as_str(), by_own.position), ("joined #1 waiting_for_agent public in", 4));
    assert_eq!(by_own.text, "reply of a4", "an answer is what was newly written");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_stranger_who_quotes_an_id_a_number_or_a_reply_address_opens_a_linked_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.we_sent(opened.ticket_id, "ours1@desk.example").await;
    let address = desk.client_address(opened.ticket_id).await;
    for (number, mail) in [
        (2, desk.mail("eve@example.com", "e1").refers_to(&["a1"])),
        (3, desk.mail("eve@example.com", "e2").refers_to(&["ours1@desk.example"])),
        (4, desk.mail("eve@example.com", "e3").to(&[&address])),
    ] {
        let ended = desk.take(mail).await;
        assert_eq!(ended.line(), format!("opened #{number} waiting_for_agent public in"));
        assert_eq!(ended.explanation.considered[0].ticket_number, 1);
        assert_eq!(ended.explanation.considered[0].why, "eve@example.com takes no part in the ticket");
        assert!(ended.notice.expect("the agent is told").contains("eve@example.com takes no part in the ticket"));
    }
    let number = desk.take(desk.mail("eve@example.com", "e4").subject("Re: [#1] The printer is on fire")).await;
    assert_eq!(number.line(), "opened #5 waiting_for_agent public in");
    assert_eq!(number.explanation.considered[0].why, "anybody can write a number");
    assert_eq!(desk.count("ticket_links where kind = 'stranger'").await, 3);
    assert_eq!(desk.count("ticket_links where kind = 'number'").await, 1);
    assert_eq!(desk.count("messages where ticket_id = (select id from tickets where ticket_number = 1)").await, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_client_whose_authentication_failed_joins_nothing(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let address = desk.client_address(opened.ticket_id).await;
    let forged = desk.take(desk.mail("ada@example.org", "a2").to(&[&address]).trust(Trust::Failed)).await;
    assert_eq!(forged.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(forged.explanation.considered[0].why, "the authentication of ada@example.org failed");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_account_that_asks_for_proof_lets_an_unverified_sender_join_only_with_our_mail_in_hand(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set threading = 'proof'").await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.we_sent(opened.ticket_id, "ours1@desk.example").await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"]).trust(Trust::Verified)).await.number, 1);
    assert_eq!(desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a1", "ours1@desk.example"])).await.number, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_agents_answer_goes_to_the_client_and_the_clients_answer_reopens(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    let answer = desk.take(desk.mail("bo@desk.example", "b1").to(&[&bo])).await;
    assert_eq!(answer.line(), "answered #1 waiting_for_user public out");
    assert_eq!(answer.text, "reply of b1");
    assert_eq!(answer.explanation.decision, "Answers the client of ticket #1: sent by Bo Berg from their own verified address.");
    assert_eq!(desk.count("clients").await, 1, "an agent is not made a client");
    assert_eq!(desk.count("client_external_ids").await, 1);
    sqlx::query("update ticket_versions set state = jsonb_set(jsonb_set(state, '{state}', '\"closed\"'), '{closed_at}', '\"2026-03-02T09:00:00Z\"') where version = 2")
        .execute(&desk.pool)
        .await
        .expect("closed");
    let again = desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await;
    assert_eq!(again.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(desk.count("tickets where closed_at is not null").await, 0);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whatever_else_reaches_an_agents_reply_address_is_a_note_with_a_notice(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    for (mail, notice) in [
        (desk.mail("eve@example.com", "e1").to(&[&bo]), "from eve@example.com, which is not their verified address"),
        (desk.mail("cleo@desk.example", "c1").to(&[&bo]), "from cleo@desk.example, which is not their verified address"),
        (desk.mail("ada@example.org", "a2").to(&[&bo]), "from ada@example.org, which is not their verified address"),
        (
            desk.mail("bo@desk.example", "b1").to(&[&bo]).automatic("Auto-Submitted: auto-replied"),
            "from a program (Auto-Submitted: auto-replied)",
        ),
        (desk.mail("bo@desk.example", "b2").to(&[&bo]).trust(Trust::Failed), "its authentication failed"),
    ] {
        let ended = desk.take(mail).await;
        assert_eq!(ended.line(), "noted #1 waiting_for_agent note in");
        let said = ended.notice.expect("a notice");
        assert!(said.contains(notice) && said.ends_with("It was not sent to the client."), "{said}");
    }
    assert_eq!(desk.count("clients").await, 1, "nobody is made a client by a note");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_answer_that_still_holds_our_notification_is_kept_from_the_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    let mut mail = desk.mail("bo@desk.example", "b1").to(&[&bo]);
    mail.0.quotes_desk = true;
    let kept = desk.take(mail).await;
    assert_eq!(kept.line(), "noted #1 waiting_for_agent note in");
    assert!(kept.notice.expect("a notice").contains("answer once more, above the quoted text"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_colleague_who_answers_past_the_reply_address_leaves_a_note(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.we_sent(opened.ticket_id, "ours1@desk.example").await;
    let cleo = desk.take(desk.mail("cleo@desk.example", "c1").refers_to(&["ours1@desk.example"])).await;
    assert_eq!(cleo.line(), "noted #1 waiting_for_agent note in");
    let dan = desk.take(desk.mail("dan@desk.example", "d1").refers_to(&["ours1@desk.example"])).await;
    assert_eq!(dan.line(), "opened #2 waiting_for_agent public in", "Dan does not work on it");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_colleague_whom_the_client_copies_becomes_cc(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1").to(&[crate::desk::SUPPORT, "dan@desk.example", "friend@example.net"])).await;
    let cc: Vec<String> = sqlx::query_scalar(
        "select u.handle from ticket_cc c join users u on u.tenant_id = c.tenant_id and u.id = c.user_id where c.ticket_id = $1",
    )
    .bind(opened.ticket_id.0)
    .fetch_all(&desk.pool)
    .await
    .expect("cc");
    assert_eq!(cc, ["dan"]);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_parent_that_comes_after_its_answer_ends_in_the_same_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await.number, 1);
    let parent = desk.take(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(parent.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(parent.explanation.considered[0].evidence, "an earlier mail that referred to this one");
    let stranger = desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a3"])).await;
    assert_eq!(desk.take(desk.mail("eve@example.com", "a3")).await.number, stranger.number + 1, "whoever refers to a mail does not own it");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_same_message_id_with_other_content_is_another_message(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let other = desk.take(desk.mail("eve@example.com", "a1").other_content()).await;
    assert_eq!(other.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(other.explanation.flags, ["same Message-ID as an earlier mail, other content"]);
    assert_eq!(desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await.number, 1, "the id stays with the first");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn every_change_is_a_version_that_shows_the_whole_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    desk.take(desk.mail("bo@desk.example", "b1").to(&[&bo])).await;
    let versions: Vec<(i32, String, serde_json::Value, serde_json::Value)> =
        sqlx::query_as("select version, actor::text, changes, state from ticket_versions order by version")
            .fetch_all(&desk.pool)
            .await
            .expect("versions");
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].1, "client");
    assert_eq!(versions[0].2[0], "opened by ada@example.org");
    assert_eq!(versions[0].3["number"], 1);
    assert_eq!(versions[0].3["state"], "waiting_for_agent");
    assert_eq!(versions[1].1, "user");
    assert_eq!(versions[1].2, serde_json::json!(["message 2 from Bo Berg", "status: waiting for agent → waiting for user"]));
    assert_eq!(versions[1].3["message_count"], 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_address_of_a_user_that_nobody_verified_makes_no_user(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update user_contacts set verified_at = null where value = 'bo@desk.example'").await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let said = desk.take(desk.mail("bo@desk.example", "b1").refers_to(&["a1"])).await;
    assert_eq!(said.line(), "opened #2 waiting_for_agent public in", "anybody could have put it there");
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    assert_eq!(desk.take(desk.mail("bo@desk.example", "b2").to(&[&bo])).await.line(), "noted #1 waiting_for_agent note in");
}
