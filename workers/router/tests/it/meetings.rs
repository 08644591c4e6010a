//! Routers that meet on everything at once: the tickets of two tenants, windows, threads and follow-ups. `MEETINGS`: in
//! how many batches.

use rand::rngs::ChaCha20Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Handler;
use switchboard_common::domain::inbound::{Channel, InboundMessage, Trust};
use switchboard_common::ids::AccountId;
use switchboard_router::batch::BatchHandler;

use crate::desk::{Desk, MIGRATIONS};
use crate::model::setting;

/// The desk of another tenant, with the same kinds of accounts.
async fn other_tenant(desk: &Desk) -> Desk {
    let tenant = Desk::add_tenant(&desk.pool, &desk.ambient, "other", "help@other.example").await;
    desk.of(tenant).await
}

/// Messages of few clients on few threads, each by one of the channels.
fn messages(desk: &Desk, mail: &str, [slack, whatsapp]: [AccountId; 2], random: &mut ChaCha20Rng) -> Vec<InboundMessage> {
    let message = |n: usize, random: &mut ChaCha20Rng| {
        let from = format!("client{}@example.org", random.random_range(0..5));
        let references: Vec<String> = (0..3).map(|_| format!("{mail}{}", random.random_range(0..30))).collect();
        let references: Vec<&str> = references.iter().map(String::as_str).collect();
        let any = desk.mail(&from, &format!("{mail}{n}")).refers_to(&references);
        match n % 3 {
            0 => any.subject(["The printer", "My invoice", "Re: [#1]"][random.random_range(0..3)]).trust(Trust::Verified),
            1 => any.by(Channel::Slack, slack).thread(["one", "two", "three"][random.random_range(0..3)]),
            _ => any.by(Channel::Whatsapp, whatsapp),
        }
        .0
    };
    (0..60).map(|n| message(n, random)).collect()
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn routers_that_meet_on_windows_threads_and_tenants_never_wait_in_a_circle(pool: PgPool) {
    let seed: u64 = rand::make_rng::<ChaCha20Rng>().random();
    println!("seed {seed}");
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let desk = Desk::new(pool).await;
    let other = other_tenant(&desk).await;
    let mut all = Vec::new();
    for (desk, mark, number) in [(&desk, "m", "+15550100"), (&other, "o", "+15550101")] {
        let workspace = format!("T{}", number.trim_start_matches('+'));
        let accounts = [desk.chat_account(Channel::Slack, &workspace).await, desk.chat_account(Channel::Whatsapp, number).await];
        all.extend(messages(desk, mark, accounts, &mut random));
    }
    desk.change_desk(
        "update channel_accounts set closed = 'follow_up', new_subject = 'follow_up', window_from = 'anywhere', window_seconds = 86400",
    )
    .await;
    let batches: Vec<Vec<InboundMessage>> = (0..setting("MEETINGS", 80)).map(|_| all.sample(&mut random, 5).cloned().collect()).collect();
    let pool = PgPoolOptions::new().max_connections(8).connect_lazy_with(desk.pool.connect_options().as_ref().clone());
    let routers = batches.chunks(batches.len().div_ceil(8)).map(|batches| {
        let (batches, handler) = (batches.to_vec(), BatchHandler::new(pool.clone(), Ambient::system()));
        tokio::spawn(async move {
            for batch in batches {
                // What goes on with a ticket may have been opened while its lock was waited for: then again.
                let mut tries = 0;
                while let Err(failure) = handler.handle(&batch).await {
                    let again =
                        matches!(&failure, switchboard_common::broker::Failure::Retry(why) if why.to_string().contains("followed up"));
                    assert!(again && tries < 20, "{failure:?}");
                    tries += 1;
                }
            }
        })
    });
    for router in routers.collect::<Vec<_>>() {
        router.await.expect("all of its batches are routed");
    }
    let distinct: std::collections::HashSet<String> =
        batches.into_iter().flatten().map(|message| format!("{}{}", message.external_id, message.channel.as_str())).collect();
    assert_eq!(desk.count("messages").await, i64::try_from(distinct.len()).expect("few"));
    assert_eq!(desk.count("threads where ticket_id is null").await, 0);
    assert_eq!(desk.count("message_ids where ticket_id is null").await, 0);
    assert_eq!(
        desk.count("tickets t where not exists (select from messages m where m.tenant_id = t.tenant_id and m.ticket_id = t.id)").await,
        0
    );
}
