//! Mail accounts, as whoever feeds them names them.

use sqlx::PgConnection;

use crate::domain::address::EmailAddress;
use crate::ids::{AccountId, TenantId};

/// A mail address of a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAccount {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// The account.
    pub account_id: AccountId,
    /// The account's name, unique in the tenant.
    pub name: String,
    /// The address that clients write to.
    pub address: EmailAddress,
    /// Takes no mail at present.
    pub disabled: bool,
}

/// Every mail account of this name, disabled ones too, of one tenant or of all, by tenant.
///
/// # Errors
/// When the database refuses or cannot be reached, or holds an address that is none.
pub async fn find_email(connection: &mut PgConnection, tenant: Option<&str>, name: &str) -> sqlx::Result<Vec<EmailAccount>> {
    let rows = sqlx::query!(
        r#"select t.id as "tenant_id: TenantId", t.name as tenant_name, a.id as "account_id: AccountId", a.name, a.address,
                  a.disabled_at is not null as "disabled!"
           from channel_accounts a join tenants t on t.id = a.tenant_id
           where a.channel = 'email' and a.name = $2 and ($1::text is null or t.name = $1)
           order by t.name"#,
        tenant,
        name,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(EmailAccount {
                tenant_id: row.tenant_id,
                tenant_name: row.tenant_name,
                account_id: row.account_id,
                name: row.name,
                address: EmailAddress::parse(&row.address).map_err(|error| sqlx::Error::Decode(error.into()))?,
                disabled: row.disabled,
            })
        })
        .collect()
}
