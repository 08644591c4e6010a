//! The senders of a batch, found and locked.

use sqlx::PgConnection;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Failure;
use switchboard_common::db::clients;
use switchboard_common::domain::inbound::InboundMessage;

use crate::clients::{Senders, lookups, rows};

/// Claims the keys of the messages, and finds and locks the clients whom they lead to, with all whom
/// those were merged into. First in the lock order.
pub(super) async fn find(connection: &mut PgConnection, ambient: &Ambient, messages: &[&InboundMessage]) -> Result<Senders, Failure> {
    let rows = rows(messages, ambient);
    let new = clients::claim(connection, &rows).await?;
    let lookups = lookups(messages, &new);
    let found = clients::find(connection, &lookups).await?;
    if !found.is_whole() {
        return Err(Failure::Retry(anyhow::anyhow!("clients were merged while their locks were waited for")));
    }
    let mut senders = Senders::new(rows, &new, &lookups, found);
    senders.learn(clients::members(connection, &senders.roots()).await?);
    Ok(senders)
}
