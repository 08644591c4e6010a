//! What is not taken: by the tenant's block list, and by the mail server's verdict.

use sqlx::PgPool;
use switchboard_common::domain::explanation::SenderFound;
use switchboard_common::domain::inbound::{Channel, Trust};

use crate::desk::{Desk, MIGRATIONS};

const VERDICT: &str = "X-Spam-Flag: YES";

async fn block(desk: &Desk, entry: &str) {
    desk.change_desk(&format!("insert into blocked_senders (tenant_id, entry) select id, '{entry}' from tenants where name = 'acme'"))
        .await;
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whoever_is_blocked_is_logged_and_nothing_else_happens(pool: PgPool) {
    let desk = Desk::new(pool).await;
    block(&desk, "email:spam@x.example").await;
    block(&desk, "domain:junk.example").await;
    desk.route(&[
        desk.mail("spam@x.example", "s1").refers_to(&["r1"]),
        desk.mail("a@mail.junk.example", "s2"),
        desk.mail("ada@example.org", "a1"),
    ])
    .await
    .expect("routed");
    let (outcome, explanation) = desk.concluded("s1#1").await;
    assert_eq!((outcome.as_str(), explanation.decision.as_str()), ("blocked", "Blocked: the block list has email:spam@x.example."));
    assert!(matches!(&explanation.sender, SenderFound::NotLookedFor { key } if key == "email:spam@x.example"));
    let screening = explanation.threading.screening.expect("it was screened");
    assert_eq!(screening.entry.as_deref(), Some("email:spam@x.example"));
    assert_eq!((screening.saw.as_slice(), screening.entries, screening.blocked), (["email:spam@x.example".to_owned()].as_slice(), 2, true));
    assert_eq!(desk.concluded("s2#1").await.1.decision, "Blocked: the block list has domain:junk.example.");
    let ada = desk.ended("a1#1").await;
    assert_eq!(ada.line(), "opened #1 waiting_for_agent public in");
    let screening = ada.explanation.threading.screening.expect("it was screened");
    assert_eq!((screening.entry, screening.entries, screening.blocked), (None, 2, false));
    for (table, count) in [("tickets", 1), ("messages", 1), ("clients", 1), ("client_external_ids", 1), ("message_ids", 1), ("outbox", 1)] {
        assert_eq!(desk.count(table).await, count, "{table}");
    }
    assert_eq!(desk.count("inbound_messages where outcome = 'blocked' and ticket_id is null").await, 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_number_is_blocked_on_every_channel_that_tells_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    block(&desk, "phone:+15550100").await;
    let account = desk.chat_account(Channel::Sms, "+15550199").await;
    let mut message = desk.mail("ada@example.org", "p1").by(Channel::Sms, account);
    message.0.identities = vec!["phone:+15550100".parse().expect("a key")];
    let account = desk.chat_account(Channel::Whatsapp, "+15550198").await;
    let mut same = desk.mail("ada@example.org", "w1").by(Channel::Whatsapp, account);
    same.0.identities = vec!["whatsapp:15550100".parse().expect("a key")];
    desk.route(&[message, same]).await.expect("routed");
    for id in ["p1#1", "w1#1"] {
        assert_eq!(desk.concluded(id).await.1.decision, "Blocked: the block list has phone:+15550100.", "{id}");
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn the_block_list_of_one_tenant_is_nothing_to_another(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let other = Desk::add_tenant(&desk.pool, &desk.ambient, "other", "help@other.example").await;
    desk.change_desk(&format!("insert into blocked_senders (tenant_id, entry) values ('{other}', 'email:ada@example.org')")).await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a1")).await.number, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_was_blocked_is_taken_when_it_comes_again_and_is_blocked_no_more(pool: PgPool) {
    let desk = Desk::new(pool).await;
    block(&desk, "email:ada@example.org").await;
    let mail = || desk.mail("ada@example.org", "a1");
    desk.route(&[mail(), mail()]).await.expect("routed");
    desk.route(&[mail()]).await.expect("routed");
    assert_eq!(desk.concluded("a1#1").await.0, "blocked");
    desk.change_desk("delete from blocked_senders").await;
    desk.route(&[mail(), mail()]).await.expect("routed");
    assert_eq!(desk.ended("a1#1").await.line(), "opened #1 waiting_for_agent public in");
    desk.route(&[mail()]).await.expect("routed");
    assert_eq!((desk.count("tickets").await, desk.count("messages").await, desk.count("inbound_messages").await), (1, 1, 1));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn spam_opens_no_ticket_where_the_tenant_blocks_it_and_is_kept_where_it_belongs_to_one(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let taken = desk.take(desk.mail("ada@example.org", "a1").spam(VERDICT)).await;
    assert_eq!((taken.outcome.as_str(), taken.notice), ("opened", None), "by default it is taken like any other");
    assert_eq!(taken.explanation.threading.screening.expect("it was screened").spam.as_deref(), Some(VERDICT));
    desk.change_desk("update tenants set spam = 'block'").await;
    desk.route(&[desk.mail("eve@example.com", "e1").spam(VERDICT).refers_to(&["a1"]), desk.mail("eve@example.com", "e2")])
        .await
        .expect("routed");
    let (outcome, explanation) = desk.concluded("e1#1").await;
    assert_eq!(outcome, "blocked");
    assert_eq!(explanation.decision, "Blocked: the mail server took it for spam, and it would have opened a ticket.");
    assert_eq!(explanation.considered[0].why, "eve@example.com takes no part in the ticket");
    let screening = explanation.threading.screening.expect("it was screened");
    assert_eq!((screening.spam.as_deref(), screening.spam_policy.as_str(), screening.blocked), (Some(VERDICT), "block", true));
    assert_eq!(desk.ended("e2#1").await.line(), "opened #2 waiting_for_agent public in", "the same writer's other mail is taken");
    assert_eq!(desk.count("message_ids where message_id = 'e1'").await, 0, "nothing is claimed");
    let joined = desk.take(desk.mail("ada@example.org", "a2").spam(VERDICT).refers_to(&["a1"])).await;
    assert_eq!(joined.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(
        joined.notice.as_deref(),
        Some("The mail server took this for spam (X-Spam-Flag: YES). It was kept because it belongs to this ticket.")
    );
    // Nor does anything come of it for a client whose it is, though it was authenticated.
    desk.route(&[desk.mail("ada@example.org", "a3").spam(VERDICT).trust(Trust::Verified)]).await.expect("routed");
    let SenderFound::KnownClient { search, .. } = desk.concluded("a3#1").await.1.sender else { panic!("it is Ada's address") };
    assert_eq!(search.authenticated, []);
    assert_eq!(desk.count("client_external_ids where authenticated").await, 0);
    desk.route(&[desk.mail("new@example.net", "n1").spam(VERDICT)]).await.expect("routed");
    assert_eq!(desk.count("clients where name = 'new@example.net'").await, 0, "nobody is made a client by spam");
    assert_eq!(desk.count("client_external_ids where value = 'new@example.net'").await, 0);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_was_blocked_on_two_channels_is_two_messages(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let (slack, sms) = (desk.chat_account(Channel::Slack, "T024BE7LD").await, desk.chat_account(Channel::Sms, "+15550100").await);
    let both = || {
        let mut both =
            [desk.mail("eve@example.com", "1").by(Channel::Slack, slack), desk.mail("eve@example.com", "1").by(Channel::Sms, sms)];
        both[1].0.message_id = Some("2".to_owned());
        both
    };
    desk.change_desk(&format!("insert into blocked_senders (tenant_id, entry) values ('{}', 'email:eve@example.com')", desk.tenant)).await;
    desk.route(&both()).await.expect("blocked");
    desk.change_desk("delete from blocked_senders").await;
    desk.route(&both()).await.expect("taken");
    let mut channels: Vec<String> = sqlx::query_scalar("select channel from messages").fetch_all(&desk.pool).await.expect("messages");
    channels.sort();
    assert_eq!(channels, ["slack", "sms"], "each with what came by it");
}
