//! What becomes of an answer to a ticket that is over, and of a new subject on an old thread.

use sqlx::PgPool;
use switchboard_common::domain::inbound::Trust;

use crate::desk::{Desk, MIGRATIONS};

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_answer_to_a_closed_ticket_opens_its_follow_up_and_what_comes_after_goes_there(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set closed = 'follow_up'").await;
    let opened = desk.take(desk.mail("ada@example.org", "a1")).await;
    let bo = desk.agent_address(opened.ticket_id, "bo").await;
    desk.close(1).await;
    let automatic = desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"]).automatic("Auto-Submitted: auto-replied")).await;
    assert_eq!(automatic.line(), "joined #1 closed public in", "a program opens nothing, and splits nothing");
    assert_eq!(automatic.explanation.threading.policies, ["ticket #1 is over; what a program sends opens nothing again"]);
    let follow_up = desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"])).await;
    assert_eq!(follow_up.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(follow_up.explanation.decision, "Opened ticket #2, linked to #1: ticket #1 is over; the account's policy is follow_up.");
    assert_eq!(follow_up.notice.as_deref(), Some("This goes on with another ticket, which it is linked with."));
    let why = "ticket #1 is over; the account's policy is follow_up".to_owned();
    assert_eq!(desk.links().await, [(2, 1, "follow_up".to_owned(), why)]);
    let again = desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a1"])).await;
    assert_eq!(again.line(), "joined #2 waiting_for_agent public in");
    assert_eq!(again.explanation.threading.policies, ["ticket #1 is over, and goes on in ticket #2"]);
    assert_eq!(again.explanation.considered[0].ticket_number, 1);
    assert!(!again.explanation.considered[0].chosen && again.explanation.considered[1].chosen);
    assert_eq!(again.explanation.considered[1].ticket_number, 2);
    let answer = desk.take(desk.mail("bo@desk.example", "b1").to(&[&bo])).await;
    assert_eq!(answer.line(), "answered #2 waiting_for_user public out", "the agent's answer follows too");
    desk.close(2).await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a5").refers_to(&["a1"])).await.line(), "opened #3 waiting_for_agent public in");
    assert_eq!(desk.links().await[1].1, 2, "linked with the one before it");
    let last = desk.take(desk.mail("ada@example.org", "a6").refers_to(&["a1"])).await;
    assert_eq!((last.number, desk.count("tickets").await), (3, 3), "through the whole line");
    desk.change_desk("update channel_accounts set closed = 'reopen'").await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a7").refers_to(&["a1"])).await.number, 3, "whatever the policy is now");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn an_answer_to_a_closed_ticket_is_a_matter_of_its_own_where_the_account_says_new(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set closed = 'new'").await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await.number, 1, "it is open");
    desk.close(1).await;
    assert_eq!(desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"])).await.number, 2);
    assert_eq!(desk.links().await[0].2, "related");
    assert_eq!(
        desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a1"])).await.number,
        3,
        "nothing leads from the old one to the new one"
    );
    assert_eq!(desk.take(desk.mail("ada@example.org", "a5").refers_to(&["a1", "a3"])).await.number, 2, "the nearest reference does");
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_new_subject_on_an_old_thread_is_seen_and_joins_unless_the_account_says_otherwise(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let joined = desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"]).subject("Re: My invoice")).await;
    assert_eq!(joined.number, 1);
    let differ = "the subject differs from the ticket's: \"Re: My invoice\" / \"The printer is on fire\"";
    assert_eq!(joined.explanation.threading.policies, [format!("{differ}; the account's policy is join")]);
    let same = desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"]).subject("AW: [EXT] The printer is on fire [#1]")).await;
    assert!(same.explanation.threading.policies.is_empty());
    desk.change_desk("update channel_accounts set new_subject = 'follow_up'").await;
    let split = desk.take(desk.mail("ada@example.org", "a4").refers_to(&["a1"]).subject("Re: My invoice")).await;
    assert_eq!(split.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(desk.links().await, [(2, 1, "follow_up".to_owned(), format!("{differ}; the account's policy is follow_up"))]);
    let again = desk.take(desk.mail("ada@example.org", "a5").refers_to(&["a1"]).subject("Re: My invoice")).await;
    assert_eq!(again.number, 2, "the follow-up has that subject");
    assert_eq!(again.explanation.threading.policies, [format!("{differ}; it is that of ticket #2, which goes on with it")]);
    assert_eq!(desk.take(desk.mail("ada@example.org", "a6").refers_to(&["a1"])).await.number, 1, "and the old subject stays where it is");
    desk.close(1).await;
    let old = desk.take(desk.mail("ada@example.org", "a7").refers_to(&["a1"])).await;
    assert_eq!(old.line(), "joined #1 waiting_for_agent public in", "what goes on about something else does not take it");
    let automatic =
        desk.take(desk.mail("ada@example.org", "a8").refers_to(&["a1"]).subject("Away").automatic("Auto-Submitted: auto-replied")).await;
    assert_eq!(automatic.number, 1, "a program splits nothing");
    desk.change_desk("update channel_accounts set new_subject = 'new'").await;
    let other = desk.take(desk.mail("ada@example.org", "a9").refers_to(&["a1"]).subject("Something else")).await;
    assert_eq!((other.number, desk.links().await[1].2.as_str()), (3, "related"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_follow_up_is_seen_by_what_comes_after_it_in_the_batch(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set closed = 'follow_up'").await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.close(1).await;
    desk.route(&["a2", "a3", "a4"].map(|id| desk.mail("ada@example.org", id).refers_to(&["a1"]))).await.expect("routed");
    assert_eq!((desk.count("tickets").await, desk.count("messages").await), (2, 4));
    assert_eq!(desk.ended("a4#1").await.explanation.threading.policies, ["ticket #1 is over, and goes on in ticket #2"]);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_number_in_the_subject_lets_in_only_the_authenticated_client(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    let subject = "Re: The printer is on fire [#1]";
    let unverified = desk.take(desk.mail("ada@example.org", "a2").subject(subject)).await;
    assert_eq!(unverified.line(), "opened #2 waiting_for_agent public in");
    assert_eq!(unverified.looked("number"), "the subject quotes the number of ticket #1");
    assert_eq!(unverified.explanation.considered[0].evidence, "the number #1 in the subject");
    assert_eq!(unverified.explanation.considered[0].why, "anybody can write a number, and ada@example.org was not authenticated");
    assert!(unverified.notice.expect("the agent is told").contains("the number #1 in the subject"));
    let eve = desk.take(desk.mail("eve@example.com", "e1").subject(subject).trust(Trust::Verified)).await;
    assert_eq!((eve.number, eve.explanation.considered[0].why.as_str()), (3, "anybody can write a number"));
    let kinds: Vec<(i64, i64, String)> = desk.links().await.into_iter().map(|(from, to, kind, _)| (from, to, kind)).collect();
    assert_eq!(kinds, [(2, 1, "number".to_owned()), (3, 1, "number".to_owned())]);
    let ada = desk.take(desk.mail("ada@example.org", "a3").subject(subject).trust(Trust::Verified)).await;
    assert_eq!(ada.line(), "joined #1 waiting_for_agent public in");
    let nobody = desk.take(desk.mail("ada@example.org", "a4").subject("[#77]").trust(Trust::Verified)).await;
    assert_eq!((nobody.number, nobody.looked("number").as_str()), (4, "the subject quotes the number #77, which no ticket has"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn what_was_looked_for_and_not_found_is_on_record(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let ended = desk.take(desk.mail("ada@example.org", "a1").refers_to(&["x", "y"])).await;
    let looked: Vec<(&str, &str)> =
        ended.explanation.threading.looked.iter().map(|looked| (looked.kind.as_str(), looked.found.as_str())).collect();
    assert_eq!(
        looked,
        [
            ("reply address", "no reply address of ours among the recipients"),
            ("our Message-ID", "2 references, neither to a mail of ours"),
            ("other Message-ID", "2 references, neither known"),
            ("awaited", "nothing referred to it"),
            ("same Message-ID", "no other message bears its Message-ID"),
            ("window", "the account has no window"),
            ("number", "no ticket number in the subject"),
        ]
    );
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_subject_that_is_too_long_for_a_title_is_no_new_subject_in_the_answer(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set new_subject = 'new'").await;
    let subject = "The printer on the third floor is on fire again ".repeat(7);
    desk.take(desk.mail("ada@example.org", "a1").subject(&subject)).await;
    let answer = desk.take(desk.mail("ada@example.org", "a2").subject(&format!("Re: {subject}")).refers_to(&["a1"])).await;
    assert_eq!(answer.line(), "joined #1 waiting_for_agent public in");
    let other = subject.replace("third", "fourth");
    assert_eq!(desk.take(desk.mail("ada@example.org", "a3").subject(&other).refers_to(&["a1"])).await.number, 2);
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whoever_reads_why_a_message_is_on_a_follow_up_reads_the_whole_way_there(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set closed = 'follow_up'").await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    desk.close(1).await;
    desk.take(desk.mail("ada@example.org", "a2").refers_to(&["a1"])).await;
    desk.close(2).await;
    desk.change_desk("update channel_accounts set closed = 'reopen'").await;
    let ended = desk.take(desk.mail("ada@example.org", "a3").refers_to(&["a1"])).await;
    let way = "ticket #1 is over, and goes on in ticket #2; ticket #2 is over; the account's policy is reopen";
    assert_eq!(ended.explanation.considered[1].why, way);
    assert_eq!(ended.explanation.decision, format!("Joined ticket #2: ada@example.org is the ticket's client; {way}."));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn of_several_tickets_that_go_on_with_one_the_latest_takes_what_comes(pool: PgPool) {
    let desk = Desk::new(pool).await;
    desk.change_desk("update channel_accounts set new_subject = 'follow_up'").await;
    desk.take(desk.mail("ada@example.org", "a1")).await;
    for (id, subject, number) in [("a2", "My invoice", 2), ("a3", "My garden", 3), ("a4", "My cat", 4)] {
        assert_eq!(desk.take(desk.mail("ada@example.org", id).refers_to(&["a1"]).subject(subject)).await.number, number);
    }
    desk.close(1).await;
    desk.close(4).await;
    let next = desk.take(desk.mail("ada@example.org", "a5").refers_to(&["a1"]).subject("")).await;
    assert_eq!(next.line(), "joined #3 waiting_for_agent public in", "of those that are open");
    assert_eq!(next.explanation.threading.policies, ["ticket #1 is over, and goes on in ticket #3"]);
    desk.close(2).await;
    desk.close(3).await;
    let next = desk.take(desk.mail("ada@example.org", "a6").refers_to(&["a1"]).subject("")).await;
    assert_eq!(next.line(), "joined #4 waiting_for_agent public in", "and where none is, of all");
}
