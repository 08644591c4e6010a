//! STOP and START on short messages: heeded once, and no ticket for a word that nobody has to read.

use sqlx::PgPool;
use switchboard_common::domain::explanation::SenderFound;
use switchboard_common::domain::inbound::{Channel, Trust};
use switchboard_common::ids::AccountId;

use crate::desk::{Desk, MIGRATIONS, Mail};

const ADA: &str = "+15550100";

fn sms(desk: &Desk, account: AccountId, from: &str, id: &str, text: &str) -> Mail {
    let mut message = desk.mail("ada@example.org", id).by(Channel::Sms, account);
    message.0.identities = vec![format!("phone:{from}").parse().expect("a key")];
    text.clone_into(&mut message.0.text);
    text.clone_into(&mut message.0.reply);
    message
}

impl Desk {
    async fn stopped(&self) -> Vec<String> {
        sqlx::query_scalar("select channel || ' ' || address || ' ' || scope || ' ' || reason from suppressions order by 1")
            .fetch_all(&self.pool)
            .await
            .expect("suppressions")
    }
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn stop_is_heeded_from_whoever_says_it_and_start_takes_only_that_back(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Sms, "+15550199").await;
    let sms = |from: &str, id: &str, text: &str| sms(&desk, account, from, id, text);

    // Out of the blue: no ticket and no client, but it is heeded, and once.
    desk.route(&[sms(ADA, "s1", "Stop "), sms(ADA, "s1", "Stop ")]).await.expect("routed");
    let (outcome, explanation) = desk.concluded("s1#1").await;
    assert_eq!(outcome, "heeded");
    assert_eq!(explanation.decision, "Heeded: +15550100 wrote \"Stop\", and nothing goes there by short message any more.");
    assert_eq!(explanation.sender, SenderFound::Unknown { key: format!("phone:{ADA}") });
    assert_eq!(desk.stopped().await, ["sms +15550100 all stop"]);
    assert_eq!((desk.count("tickets").await, desk.count("clients").await, desk.count("outbox").await), (0, 0, 0));
    let evidence: String = sqlx::query_scalar("select evidence from suppressions").fetch_one(&desk.pool).await.expect("one");
    assert!(evidence.starts_with("wrote \"Stop\" (message 0"), "{evidence}");

    // What comes again is nothing new: START was said since.
    desk.later(1);
    desk.route(&[sms(ADA, "s2", "UNSTOP"), sms(ADA, "s1", "Stop ")]).await.expect("routed");
    assert_eq!(desk.stopped().await, [""; 0]);
    assert!(desk.concluded("s2#1").await.1.decision.contains("short messages go there again"));

    // What others said of the number stays. Of several words in a batch the last one said holds, however they come.
    desk.change_desk(&format!(
        "insert into suppressions (tenant_id, channel, address, scope, reason, evidence) select id, 'sms', '{ADA}', 'all', 'bounce', '' from tenants"
    ))
    .await;
    let mut earlier = sms(ADA, "s4", "start");
    earlier.0.received_at -= chrono::TimeDelta::minutes(1);
    desk.route(&[sms(ADA, "s3", "STOPALL"), earlier, sms("+15550101", "s5", "STOP"), sms("+15550101", "s6", "START")])
        .await
        .expect("routed");
    assert_eq!(desk.stopped().await, ["sms +15550100 all bounce", "sms +15550100 all stop"]);
    desk.later(1);
    desk.route(&[sms(ADA, "s7", "Start")]).await.expect("routed");
    assert_eq!(desk.stopped().await, ["sms +15550100 all bounce"]);

    // Nobody says it for a number that they are not, on another channel, or within a sentence.
    let chat = desk.chat_account(Channel::Whatsapp, "+15550198").await;
    let mut elsewhere = sms("+15550102", "n1", "STOP");
    (elsewhere.0.channel, elsewhere.0.account_id) = (Channel::Whatsapp, chat);
    desk.route(&[elsewhere, sms("+15550103", "n2", "STOP").trust(Trust::Failed), sms("+15550104", "n3", "stop it please")])
        .await
        .expect("routed");
    assert_eq!((desk.stopped().await.len(), desk.count("tickets").await), (1, 3));

    // Whoever is blocked can say it all the same, and what is taken later since they are no more is not heeded twice.
    desk.change_desk("insert into blocked_senders (tenant_id, entry) select id, 'phone:+15550105' from tenants").await;
    desk.route(&[sms("+15550105", "b1", "STOP")]).await.expect("routed");
    assert_eq!((desk.concluded("b1#1").await.0.as_str(), desk.stopped().await.len()), ("blocked", 2));
    desk.change_desk("delete from blocked_senders; delete from suppressions").await;
    desk.route(&[sms("+15550105", "b1", "STOP")]).await.expect("routed");
    assert_eq!((desk.concluded("b1#1").await.0.as_str(), desk.stopped().await.len()), ("heeded", 0));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn a_word_joins_an_open_ticket_opens_none_and_may_be_an_answer(pool: PgPool) {
    let desk = Desk::new(pool).await;
    let account = desk.chat_account(Channel::Sms, "+15550199").await;
    let sms = |id: &str, text: &str| sms(&desk, account, ADA, id, text);
    desk.take(sms("m1", "My lamp is dark")).await;
    let stop = desk.take(sms("m2", "STOP")).await;
    assert_eq!(stop.line(), "joined #1 waiting_for_agent public in");
    assert_eq!(stop.notice.as_deref(), Some("By \"STOP\" the sender stops short messages: nothing goes to +15550100 by them any more."));
    let start = desk.take(sms("m3", "START")).await;
    assert_eq!(start.notice.as_deref(), Some("By \"START\" the sender takes a STOP back: short messages go to +15550100 again."));
    assert_eq!(desk.take(sms("m4", "yes")).await.notice, None, "it answers a question");
    desk.close(1).await;
    desk.route(&[sms("m5", "STOP")]).await.expect("routed");
    let (outcome, explanation) = desk.concluded("m5#1").await;
    assert_eq!(outcome, "heeded", "it opens no ticket anew");
    assert!(matches!(explanation.sender, SenderFound::KnownClient { .. }));
    assert_eq!(desk.count("messages").await, 4);
    assert_eq!(desk.stopped().await, ["sms +15550100 all stop"]);
    desk.later(48 * 60);
    let cancel = desk.take(sms("m6", "Cancel")).await;
    assert_eq!(cancel.outcome, "opened", "it may be what they are here for");
    assert!(cancel.notice.expect("a notice").contains("By \"Cancel\" the sender stops short messages"));
    // Nor does it open the ticket again whose thread it stands in.
    desk.take(sms("m7", "Is anybody there?").thread("T1")).await;
    desk.close(2).await;
    let messages = desk.count("messages").await;
    desk.route(&[sms("m8", "STOP").thread("T1")]).await.expect("routed");
    assert_eq!((desk.concluded("m8#1").await.0.as_str(), desk.count("messages").await), ("heeded", messages));
    assert_eq!(desk.take(sms("m9", "Hello?").thread("T1")).await.line(), "joined #2 waiting_for_agent public in", "as other words do");
}
