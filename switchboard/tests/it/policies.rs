//! Accounts of other channels, their policies, and whom a tenant blocks.

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::world::{DESK, World, fail, on_database, succeed};

const CHAT: &str = r#"
[[tenant.accounts]]
name = "chat"
channel = "whatsapp"
address = "+1 555 0100"
closed = "follow_up"
window_from = "anywhere"
"#;

fn with_block(addresses: &str) -> String {
    format!("{DESK}\n[tenant.block]\naddresses = [{addresses}]\nspam = \"block\"\n")
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn an_account_of_another_channel_has_its_policies_and_the_usual_window(pool: PgPoolOptions, options: PgConnectOptions) {
    let world = World::new();
    let pool = pool.connect_with(options.clone()).await.expect("connected");
    let command = |desk: &str| {
        let file = world.write("desk.toml", desk);
        on_database(world.folder.path(), &options, &["apply", file.as_str()])
    };
    let said = succeed(command(&(DESK.to_owned() + CHAT)));
    assert!(
        said.contains(
            "+ account chat: channel whatsapp; address +15550100; threading participants; closed follow_up; new_subject join; \
             window 24h; window_from anywhere; acknowledge true"
        ),
        "{said}"
    );
    let stored: (String, String, String, i32, String) = sqlx::query_as(AssertSqlSafe(
        "select channel, closed::text, new_subject::text, window_seconds, window_from::text from channel_accounts where name = 'chat'",
    ))
    .fetch_one(&pool)
    .await
    .expect("the account");
    assert_eq!(stored, ("whatsapp".to_owned(), "follow_up".to_owned(), "join".to_owned(), 86_400, "anywhere".to_owned()));
    assert_eq!(succeed(command(&(DESK.to_owned() + CHAT))), "nothing to do\n");
    let said = succeed(command(&(DESK.to_owned() + CHAT + "window = \"none\"\n")));
    assert!(said.contains("window 24h → none"), "{said}");
    let refused = fail(command(&(DESK.to_owned() + &CHAT.replace("whatsapp", "sms"))));
    assert!(refused.contains("account chat: is or was one of the channel whatsapp; another channel needs another account"), "{refused}");
    let refused = fail(command(&(DESK.to_owned() + &CHAT.replace("+1 555 0100", "help@acme.example") + "window = \"2\"\nclosed_ = 1\n")));
    for fault in ["\"help@acme.example\" is not a number like +5511987654321", "\"2\" is not a time from 1m to 365d", "unknown key closed_"]
    {
        assert!(refused.contains(fault), "{refused}");
    }
}

#[sqlx::test(migrator = "switchboard_common::db::MIGRATIONS")]
async fn a_block_list_is_kept_shown_and_cleared_and_never_stands_for_the_desk_itself(pool: PgPoolOptions, options: PgConnectOptions) {
    let world = World::new();
    let pool = pool.connect_with(options.clone()).await.expect("connected");
    let command = |desk: &str| {
        let file = world.write("desk.toml", desk);
        on_database(world.folder.path(), &options, &["apply", file.as_str()])
    };
    let said = succeed(command(&with_block(r#""Spam@x.example", "@junk.example", "phone:+15550100""#)));
    assert!(said.contains("+ block: addresses email:spam@x.example, phone:+15550100, domain:junk.example; spam block"), "{said}");
    let entries: Vec<String> =
        sqlx::query_scalar("select entry from blocked_senders order by entry").fetch_all(&pool).await.expect("the entries");
    assert_eq!(entries, ["domain:junk.example", "email:spam@x.example", "phone:+15550100"]);
    let said = succeed(command(&with_block(r#""@junk.example""#)));
    assert!(said.contains("addresses email:spam@x.example, phone:+15550100, domain:junk.example → domain:junk.example"), "{said}");
    let said = succeed(command(DESK));
    assert!(said.contains("block"), "{said}");
    let left: (i64, String) = sqlx::query_as("select (select count(*) from blocked_senders), spam::text from tenants")
        .fetch_one(&pool)
        .await
        .expect("the tenant");
    assert_eq!(left, (0, "take".to_owned()));
    let refused = fail(command(&with_block(r#""nobody", "@acme.example""#)));
    assert!(
        refused.contains("block: addresses: \"nobody\" names nobody who could be blocked: expected one like spam@x.example"),
        "{refused}"
    );
    assert!(
        refused.contains("block: addresses: domain:acme.example stands for email:help@acme.example, which is the account support's"),
        "{refused}"
    );
    assert!(refused.contains("which is the user bo's"), "{refused}");
}
