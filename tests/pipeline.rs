//! One message, all the way.

use crate::database::Database;
use crate::desk::{Desk, TRY_AGAIN, mail};

const ADA: &str = "Ada <ada@client.example>";
const HELP: &str = "help@acme.example";

#[tokio::test]
async fn a_mail_becomes_a_ticket_and_the_agents_answer_reaches_the_clients_thread() {
    let desk = Desk::new(&[]);
    desk.start();
    desk.take(&mail(ADA, HELP, "The printer is on fire", "a1@client.example", &[], "It burns."));
    desk.settled().await;
    let list = desk.succeed(&["ticket", "list"]);
    assert!(list.contains("The printer is on fire") && list.contains("waiting for agent"), "{list}");

    let told = desk.sent_to("bo@acme.example").await.remove(0);
    assert!(told.text().contains("It burns."));
    assert_eq!(told.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    let acknowledged = desk.sent_to("ada@client.example").await.remove(0);
    assert_eq!(acknowledged.in_reply_to().as_deref(), Some("a1@client.example"), "it lies under the client's mail");
    assert_eq!(acknowledged.header("Auto-Submitted").as_deref(), Some("auto-replied"));

    let quoted = told.text().lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\r\n");
    let answer = format!("Pour water on it.\r\n\r\nOn Monday, Switchboard <{}> wrote:\r\n\r\n{quoted}", told.reply_to());
    desk.take(&mail("Bo <bo@acme.example>", &told.reply_to(), "Re: printer", "b1@acme.example", &[&told.message_id()], &answer));
    desk.settled().await;
    let answered = desk.sent_to("ada@client.example").await.remove(1);
    assert_eq!(answered.text().trim_end(), "Pour water on it.", "the client sees what Bo wrote, and no more");
    assert!(answered.references().contains(&"a1@client.example".to_owned()));
    assert!(!String::from_utf8_lossy(&answered.bytes).contains(&told.reply_to()), "Bo's reply address is nobody else's business");
    assert_eq!(answered.header("Auto-Submitted"), None, "it is a person's answer");

    desk.take(&mail(ADA, &answered.reply_to(), "Re: printer", "a2@client.example", &[&answered.message_id()], "It is out."));
    desk.settled().await;
    let again = desk.sent_to("bo@acme.example").await.remove(1);
    assert!(again.references().contains(&told.message_id()), "Bo's mail program shows one thread");
    let shown = desk.succeed(&["ticket", "show", "1"]);
    for part in ["It burns.", "Pour water on it.", "It is out."] {
        assert!(shown.contains(part), "{shown}");
    }
    assert_eq!(desk.ask::<i64>("select count(*) from tickets").await, 1);
    desk.stop();
}

#[tokio::test]
async fn what_the_desk_told_an_agent_never_reaches_the_client_however_the_agent_quotes_it() {
    let desk = Desk::new(&[]);
    desk.start();
    desk.take(&mail(ADA, HELP, "Hello", "a1@client.example", &[], "One."));
    desk.settled().await;
    let told = desk.sent_to("bo@acme.example").await.remove(0);
    let quoted = told.text().lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\r\n");
    let answer = |id: &str, text: &str| mail("Bo <bo@acme.example>", &told.reply_to(), "Re: Hello", id, &[&told.message_id()], text);
    desk.take(&answer("b1@acme.example", &format!("On Monday, Switchboard wrote:\r\n{quoted}\r\n\r\nAn answer below.")));
    desk.settled().await;
    assert_eq!(desk.sent_to("ada@client.example").await.remove(1).text().trim_end(), "An answer below.");
    let forwarded = format!("See below.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Switchboard\r\n\r\n{}", told.text());
    desk.take(&answer("b2@acme.example", &format!("On Monday, Switchboard wrote:\r\n{quoted}")));
    desk.take(&answer("b3@acme.example", &forwarded));
    desk.settled().await;
    assert_eq!(desk.sent_to("ada@client.example").await.len(), 2, "neither the bare quote nor the forward went to the client");
    let said = desk.sent_to("bo@acme.example").await.split_off(1);
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|mail| mail.text().contains("It was not sent to the client")), "and Bo knows");
}

#[tokio::test]
async fn the_same_mail_twice_is_one_message_and_other_content_under_its_id_another() {
    let desk = Desk::new(&[]);
    desk.start();
    let first = mail(ADA, HELP, "Hello", "a1@client.example", &[], "One.");
    desk.take(&first);
    desk.take(&first);
    desk.take(&format!("Received: from elsewhere by here; Mon, 2 Mar 2026 10:00:00 +0000\r\n{}", first.replace("\r\n", "\n")));
    desk.take(&mail(ADA, HELP, "Hello", "a1@client.example", &[], "Two."));
    desk.settled().await;
    assert_eq!(desk.ask::<i64>("select count(*) from messages").await, 2);
    assert_eq!(desk.ask::<i32>("select sum(duplicates)::int from inbound_messages").await, 2);
    assert_eq!(desk.sent_to("bo@acme.example").await.len(), 2, "Bo is told once of each");
    let explained = desk.succeed(&[
        "explain",
        "message",
        &desk.ask::<String>("select id::text from inbound_messages where explanation->>'flags' <> '[]' limit 1").await,
    ]);
    assert!(explained.contains("same Message-ID"), "{explained}");
}

#[tokio::test]
async fn a_mail_that_cannot_be_processed_is_parked_with_its_reason_and_the_next_one_goes_on() {
    let desk = Desk::new(&[]);
    desk.start();
    desk.take("Subject: from nobody\r\nMessage-ID: <n1@client.example>\r\n\r\nHello?\r\n");
    desk.take(&mail(ADA, HELP, "Hello", "a1@client.example", &[], "One."));
    desk.settled().await;
    desk.until("it is parked", "select exists (select from dead_letters)").await;
    let reason: String = desk.ask("select reason from dead_letters").await;
    assert!(reason.starts_with("it names no sender"), "{reason}");
    assert_eq!(desk.ask::<i64>("select count(*) from messages").await, 1);
}

#[tokio::test]
async fn a_second_start_finds_everything_as_it_was_left_and_a_mail_waits_for_it() {
    let desk = Desk::new(&[]);
    desk.start();
    desk.take(&mail(ADA, HELP, "Hello", "a1@client.example", &[], "One."));
    desk.settled().await;
    desk.stop();
    let (code, said) = desk.pipe(&mail(ADA, HELP, "Hello again", "a2@client.example", &["a1@client.example"], "Two."));
    assert_eq!(code, TRY_AGAIN, "{said}");
    desk.start();
    desk.take(&mail(ADA, HELP, "Hello again", "a2@client.example", &["a1@client.example"], "Two."));
    desk.settled().await;
    assert_eq!(desk.ask::<i64>("select count(*) from tickets").await, 1);
    assert_eq!(desk.sent_to("bo@acme.example").await.len(), 2);
}

#[tokio::test]
async fn closing_tells_the_client_and_the_clients_answer_opens_it_again() {
    let desk = Desk::new(&[]);
    desk.start();
    desk.take(&mail(ADA, HELP, "Hello", "a1@client.example", &[], "One."));
    desk.settled().await;
    desk.succeed(&["ticket", "close", "1", "--by", "bo"]);
    desk.settled().await;
    let closed = desk.sent_to("ada@client.example").await.remove(1);
    assert!(desk.succeed(&["ticket", "show", "1"]).contains("closed"));
    desk.take(&mail(ADA, &closed.reply_to(), "Re: Hello", "a2@client.example", &[&closed.message_id()], "Not yet."));
    desk.settled().await;
    assert_eq!(
        desk.ask::<String>("select s.state::text from tickets t join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id").await,
        "waiting_for_agent"
    );
}

#[tokio::test]
async fn two_robots_that_do_not_say_so_are_stopped_by_the_cap() {
    let desk = Desk::new(&[]);
    desk.start();
    // A robot that opens a new ticket for each mail that it gets, and never says what it is.
    for n in 0..30 {
        desk.take(&mail(
            "Robot <robot@client.example>",
            HELP,
            "Your mail",
            &format!("r{n}@client.example"),
            &[],
            &format!("Ticket {n} opened."),
        ));
    }
    desk.settled().await;
    assert_eq!(desk.ask::<i64>("select count(*) from messages").await, 30, "all of it is on record");
    assert_eq!(desk.sent_to("robot@client.example").await.len(), 20, "and the duel is over after the cap");
}
