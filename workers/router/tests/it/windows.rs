//! The client's open ticket takes what points at none, within the account's window; chats have threads.

use sqlx::PgPool;
use switchboard_common::domain::inbound::{Channel, Trust};

use crate::desk::{Desk, MIGRATIONS};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_ticket_of_a_chat_is_called_by_how_it_begins(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    let long = "The lamp in the hall has been dark since Monday, and nobody has come to look at it";
    for (n, (text, title)) in (1..).zip([
        ("Hello,\n my lamp  is dark", "Hello, my lamp is dark"),
        (long, "The lamp in the hall has been dark since Monday, and nobody …"),
        (" \n", "(no subject)"),
    ]) {
        let id = format!("t{n}");
        let mut message = desk.mail(&format!("c{n}@example.org"), &id).by(Channel::Whatsapp, account);
        message.0.subject = String::new();
        message.0.reply = text.to_owned();
        desk.take(message).await;
        assert_eq!(desk.count(&format!("tickets where title = '{title}'")).await, 1, "{title}");
    }
    let mut mail = desk.mail("c4@example.org", "t4");
    mail.0.subject = String::new();
    desk.take(mail).await;
    assert_eq!(desk.count("tickets where title = '(no subject)'").await, 2, "a mail has a subject, or none");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_a_client_writes_within_a_day_on_a_chat_is_one_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    let chat = |id: &str| desk.mail("ada@example.org", id).by(Channel::Whatsapp, account);
    let first = desk.take(chat("w1")).await;
    assert_eq!(first.line(), "opened #1 waiting_for_agent public in");
    assert_eq!(first.looked("window"), "no open ticket of the client on whatsapp within 24 h: there is none");
    desk.later(3);
    let second = desk.take(chat("w2")).await;
    assert_eq!(second.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(second.looked("window"), "ticket #1 of the client is open on whatsapp, last written to 3 min before");
    assert_eq!(second.explanation.considered[0].evidence, "the client's open ticket, last written to 3 min before");
    assert!(second.explanation.considered[0].chosen);
    desk.later(24 * 60);
    assert_eq!(desk.take(chat("w3")).await.number, 1, "a day to the minute is within a day");
    desk.later(24 * 60 + 1);
    let late = desk.take(chat("w4")).await;
    assert_eq!(late.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(
        late.looked("window"),
        "no open ticket of the client on whatsapp within 24 h: the latest is #1, last written to 24 h before"
    );
    assert!(late.explanation.considered.is_empty(), "what is too old is not considered");
    let other = desk.take(desk.mail("eve@example.com", "w5").by(Channel::Whatsapp, account)).await;
    assert_eq!(other.number, 3, "another client has another ticket");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn of_several_open_tickets_the_one_last_written_to_goes_on(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    desk.change_desk("update channel_accounts set window_seconds = 0 where channel = 'whatsapp'").await;
    let chat = |id: &str| desk.mail("ada@example.org", id).by(Channel::Whatsapp, account);
    for (number, id) in [(1, "w1"), (2, "w2"), (3, "w3")] {
        let opened = desk.take(chat(id)).await;
        assert_eq!((opened.number, opened.looked("window")), (number, "the account has no window".to_owned()));
        desk.later(1);
    }
    desk.take(chat("w4").refers_to(&["w2"])).await;
    desk.change_desk("update channel_accounts set window_seconds = null").await;
    desk.later(1);
    assert_eq!(desk.take(chat("w5")).await.number, 2);
    desk.close(2).await;
    assert_eq!(desk.take(chat("w6")).await.number, 3, "a ticket that is over takes nothing by the window");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn mail_has_no_window_unless_the_account_says_so(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let second = desk.take(desk.mail("ada@example.org", "a2")).await;
    assert_eq!((second.number, second.looked("window").as_str()), (2, "the account has no window"));
    desk.change_desk("update channel_accounts set window_seconds = 3600").await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a3")).await.number, 2, "of two as old as each other the later one");
    for (mail, why) in [
        (desk.mail("ada@example.org", "a4").trust(Trust::Failed), "not for a sender whose authentication failed"),
        (desk.mail("ada@example.org", "a5").automatic("Precedence: bulk"), "not for what a program sent"),
        (desk.mail("bo@desk.example", "b1"), "not for the desk's own people"),
    ] {
        let ended = desk.take(mail).await;
        assert_eq!((ended.outcome.as_str(), ended.looked("window").as_str()), ("opened", why));
    }
    desk.change_desk("update channel_accounts set threading = 'proof'").await;
    let unproven = desk.take(desk.mail("ada@example.org", "a6")).await;
    assert_eq!(unproven.looked("window"), "this account asks for proof, and the sender was not authenticated");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_ticket_goes_on_by_another_channel_where_the_account_reaches_everywhere(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    let chat = |id: &str| desk.mail("ada@example.org", id).by(Channel::Whatsapp, account);
    desk.take(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(desk.take(chat("w1")).await.number, 2, "the window is of one channel");
    desk.close(2).await;
    desk.change_desk("update channel_accounts set window_from = 'anywhere' where channel = 'whatsapp'").await;
    let unverified = desk.take(chat("w2").trust(Trust::Unverified)).await;
    assert_eq!(unverified.looked("window"), "no open ticket of the client on whatsapp within 24 h: there is none");
    desk.close(unverified.number).await;
    let joined = desk.take(chat("w3")).await;
    assert_eq!((joined.number, joined.outcome.as_str()), (1, "joined"));
    assert_eq!(joined.looked("window"), "ticket #1 of the client is open on any channel, last written to 0 s before");
    let channels: Vec<String> =
        sqlx::query_scalar("select channels from tickets where ticket_number = 1").fetch_one(&desk.pool).await.expect("channels");
    assert_eq!(channels, ["email", "whatsapp"]);
    let state: serde_json::Value =
        sqlx::query_scalar("select state -> 'channels' from ticket_versions v join tickets t on t.id = v.ticket_id and t.version = v.version where ticket_number = 1")
            .fetch_one(&desk.pool)
            .await
            .expect("a version");
    assert_eq!(state, serde_json::json!(["email", "whatsapp"]));
    desk.change_desk("update channel_accounts set window_from = 'channel'").await;
    assert_eq!(desk.take(chat("w4")).await.number, 1, "it has been written to on this channel since");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whoever_quotes_our_mail_in_a_chat_goes_on_with_its_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.we_sent(opened.ticket_id, "whatsapp:wamid.1").await;
    let quoted = desk.take(desk.mail("ada@example.org", "w1").by(Channel::Whatsapp, account).refers_to(&["whatsapp:wamid.1"])).await;
    assert_eq!(quoted.number, 1);
    assert_eq!(quoted.looked("our Message-ID"), "a reference to our mail <whatsapp:wamid.1> of ticket #1");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_thread_of_a_chat_is_one_ticket_whoever_writes_in_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    let says = |who: &str, id: &str| desk.mail(who, id).by(Channel::Slack, account).thread("C1/1700.1");
    let first = desk.take(says("ada@example.org", "s1")).await;
    assert_eq!((first.number, first.looked("thread").as_str()), (1, "the thread C1/1700.1 has no ticket yet"));
    let newcomer = desk.take(says("eve@example.com", "s2")).await;
    assert_eq!(newcomer.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(newcomer.looked("thread"), "the thread C1/1700.1 is that of ticket #1");
    assert_eq!(newcomer.explanation.considered[0].why, "the chat authenticated eve@example.com in its thread");
    let author: String = sqlx::query_scalar(
        "select c.name from messages m join clients c on c.tenant_id = m.tenant_id and c.id = m.author_client_id where m.position = 2",
    )
    .fetch_one(&desk.pool)
    .await
    .expect("an author");
    assert_eq!(author, "eve@example.com");
    let client: String =
        sqlx::query_scalar("select c.name from tickets t join clients c on c.tenant_id = t.tenant_id and c.id = t.client_id")
            .fetch_one(&desk.pool)
            .await
            .expect("a client");
    assert_eq!(client, "ada@example.org", "the ticket stays with who opened it");
    let agent = desk.take(says("dan@desk.example", "s3")).await;
    assert_eq!(agent.line(), "noted #1 waiting_for_agent note in");
    let forged = desk.take(says("eve@example.com", "s4").trust(Trust::Failed)).await;
    assert_eq!(forged.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(desk.take(says("eve@example.com", "s5")).await.number, 1, "and the thread stays where it was");
    let new_thread = |id: &str| desk.mail("eve@example.com", id).by(Channel::Slack, account).thread("C2/1900.3");
    assert_eq!(desk.take(new_thread("s7").trust(Trust::Failed)).await.number, 3);
    assert_eq!(
        desk.take(new_thread("s8")).await.looked("thread"),
        "the thread C2/1900.3 has no ticket yet",
        "whoever forges takes no thread"
    );
    let elsewhere = desk.take(desk.mail("eve@example.com", "s6").by(Channel::Slack, account).thread("C1/1800.2")).await;
    assert_eq!(elsewhere.number, 3, "the window finds the ticket that the thread has not");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn where_proof_is_asked_for_a_newcomer_to_a_thread_opens_a_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    desk.change_desk("update channel_accounts set threading = 'proof'").await;
    let says = |who: &str, id: &str| desk.mail(who, id).by(Channel::Slack, account).thread("C1/1700.1");
    desk.take(says("ada@example.org", "s1")).await;
    let newcomer = desk.take(says("eve@example.com", "s2")).await;
    assert_eq!(newcomer.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(newcomer.explanation.considered[0].why, "eve@example.com takes no part in the ticket");
    assert_eq!(desk.take(says("ada@example.org", "s3")).await.number, 1);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_thread_goes_on_with_the_next_ticket_when_its_own_is_over(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    let says = |id: &str| desk.mail("ada@example.org", id).by(Channel::Slack, account).thread("C1/1700.1");
    desk.take(says("s1")).await;
    desk.close(1).await;
    assert_eq!(desk.take(says("s2")).await.line(), "joined #1 waiting_for_agent public in", "by default it is opened again");
    desk.change_desk("update channel_accounts set closed = 'new'").await;
    desk.close(1).await;
    let next = desk.take(says("s3")).await;
    assert_eq!(next.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(next.explanation.threading.policies, ["ticket #1 is over; the account's policy is new"]);
    let third = desk.take(says("s4")).await;
    assert_eq!((third.number, third.looked("thread").as_str()), (2, "the thread C1/1700.1 is that of ticket #2"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_ticket_shows_the_window_what_came_before_it_in_the_batch(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    let album: Vec<_> = (0..10).map(|n| desk.mail("ada@example.org", &format!("w{n}")).by(Channel::Whatsapp, account)).collect();
    desk.route(&album).await.expect("routed");
    assert_eq!((desk.count("tickets").await, desk.count("messages").await), (1, 10));
    assert_eq!(desk.ended("w9#1").await.looked("window"), "ticket #1 of the client is open on whatsapp, last written to 0 s before");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn two_routers_with_an_album_of_a_new_client_open_one_ticket(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    for round in 0..5 {
        let who = format!("client{round}@example.org");
        let album: Vec<_> = (0..10).map(|n| desk.mail(&who, &format!("r{round}w{n}")).by(Channel::Whatsapp, account)).collect();
        let (one, other) = album.split_at(5);
        let (one, other) = tokio::join!(desk.route(one), desk.route(other));
        one.expect("routed");
        other.expect("routed");
    }
    assert_eq!((desk.count("tickets").await, desk.count("messages").await, desk.count("clients").await), (5, 50, 5));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_message_that_was_held_up_turns_no_clock_back(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Whatsapp, "+15550100").await;
    let early = desk.ambient.now();
    desk.later(26 * 60);
    let now = desk.ambient.now();
    let chat = |id: &str| desk.mail("ada@example.org", id).by(Channel::Whatsapp, account).thread("one");
    desk.take(chat("w1")).await;
    let mut hour = chat("w2");
    hour.0.received_at = now - chrono::TimeDelta::hours(1);
    assert_eq!(desk.take(hour).await.number, 1, "what was taken an hour before is within a day");
    let last: Vec<chrono::DateTime<chrono::Utc>> =
        sqlx::query_scalar("select last_message_at from tickets union all select last_message_at from threads")
            .fetch_all(&desk.pool)
            .await
            .expect("a ticket and a thread");
    assert_eq!(last, [now, now]);
    let mut older = desk.mail("ada@example.org", "w3").by(Channel::Whatsapp, account);
    older.0.received_at = early;
    let older = desk.take(older).await;
    assert_eq!(older.line(), "opened #2 waiting_for_agent public in", "what was taken long before is not");
    assert_eq!(
        older.looked("window"),
        "no open ticket of the client on whatsapp within 24 h: the latest is #1, last written to 26 h after this message was taken"
    );
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_goes_on_with_a_ticket_is_its_clients_whoever_wrote_it(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Slack, "T024BE7LD").await;
    desk.change_desk("update channel_accounts set closed = 'follow_up'").await;
    let chat = |from: &str, id: &str| desk.mail(from, id).by(Channel::Slack, account).thread("C1:1");
    desk.take(chat("ada@example.org", "s1")).await;
    assert_eq!(desk.take(chat("eve@example.com", "s2")).await.line(), "joined #1 waiting_for_agent public in");
    desk.close(1).await;
    assert_eq!(desk.take(chat("eve@example.com", "s3")).await.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(desk.links().await[0].2, "follow_up");
    assert_eq!(desk.snapshot(2).await["client_id"], desk.snapshot(1).await["client_id"]);
    assert_eq!(
        desk.count("messages m join clients c on c.id = m.author_client_id where c.name = 'eve@example.com'").await,
        2,
        "by her all the same"
    );
}
