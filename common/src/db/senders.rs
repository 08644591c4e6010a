//! How accounts send.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::domain::inbound::Channel;
use crate::domain::sender::Sender;
use crate::ids::{AccountId, TenantId};

/// An account, as whoever sends by it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingAccount {
    /// Its channel.
    pub channel: Channel,
    /// Its own address: of mail, a number, a workspace.
    pub address: String,
    /// It sends nothing at present.
    pub disabled: bool,
    /// How it sends, or why that cannot be read. A mail account without a sender uses the mail server that is configured for all.
    pub sender: Result<Option<Sender>, String>,
}

/// How these accounts send. One that is not there is left out.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(
    connection: &mut PgConnection,
    accounts: &[(TenantId, AccountId)],
) -> sqlx::Result<BTreeMap<(TenantId, AccountId), SendingAccount>> {
    let (tenants, ids): (Vec<_>, Vec<_>) = accounts.iter().map(|(tenant, account)| (tenant.0, account.0)).unzip();
    let rows = sqlx::query!(
        r#"select a.tenant_id as "tenant_id: TenantId", a.id as "id: AccountId", a.channel, a.address, a.disabled_at is not null as "disabled!",
                  a.sender
           from channel_accounts a join unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id) using (tenant_id, id)"#,
        &tenants,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel =
                Channel::named(&row.channel).ok_or_else(|| sqlx::Error::Decode(format!("no channel is {}", row.channel).into()))?;
            let sender = row.sender.map(serde_json::from_value).transpose().map_err(|error| error.to_string());
            Ok(((row.tenant_id, row.id), SendingAccount { channel, address: row.address, disabled: row.disabled, sender }))
        })
        .collect()
}
