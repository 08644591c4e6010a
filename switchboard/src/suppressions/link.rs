//! What following the link of a mail does.

use anyhow::{Context, bail};
use sqlx::ConnectOptions;
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::reply_addresses::ReplyRecipient;
use switchboard_common::db::suppressions::{self, Suppression};
use switchboard_common::db::{signing_keys, view};
use switchboard_common::domain::suppression::{Reason, Scope};
use switchboard_common::unsubscribe::{tenant_of, token_in, verify};

use crate::database::{Database, Need};
use crate::output::print;

/// Does what whoever follows this link wants.
pub async fn unsubscribe(config: &Config, ambient: &Ambient, link: &str) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, token_in(link)).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, token: &str) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    let tenant = tenant_of(token)
        .context("this is no link to unsubscribe: expected one like https://desk.example.org/unsubscribe/…, or its last part")?;
    let tenants = view::tenants(&mut connection).await?;
    let keys = signing_keys::load(&mut connection, tenant).await?;
    let Some(wish) = verify(&keys, token) else {
        bail!("this link was not made here, was changed or cut on its way, or its key is retired")
    };
    let name = tenants.iter().find(|(id, _)| *id == tenant).map_or("", |(_, name)| name.as_str());
    let by = match wish.reader {
        ReplyRecipient::User(id) => format!("user {id}"),
        ReplyRecipient::Client(id) => format!("client {id}"),
    };
    let new = Suppression {
        tenant,
        method: wish.method,
        address: wish.address.clone(),
        scope: wish.scope,
        reason: Reason::Unsubscribed,
        evidence: format!("followed the link of {by}"),
        delivery: None,
    };
    let what = match wish.scope {
        Scope::All => "nothing is sent to",
        Scope::Optional => "no digests, and nothing that is not about the reader's own tickets, is sent to",
    };
    let added = suppressions::add(&mut connection, &[new], ambient.now()).await?;
    let again = if added == 0 { "; that was so already" } else { "" };
    Ok(format!("{what} {}:{} by {name} any more{again}\n", wish.method, wish.address))
}
