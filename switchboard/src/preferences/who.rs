//! Whose preferences are meant.

use std::convert::Infallible;
use std::str::FromStr;

use anyhow::{Context, bail};
use sqlx::PgConnection;
use switchboard_common::db::preferences::Owner;
use switchboard_common::db::{clients, view};
use switchboard_common::ids::TenantId;

use crate::cli::Of;
use crate::ticket::tenant_id;
use crate::{client, user};

/// Whose preferences, as it is written in a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A tenant's, for its users.
    Tenant,
    /// A tenant's, for its clients.
    Clients,
    /// A user's or a group's.
    Handle(String),
    /// A client's.
    Client(String),
}

impl FromStr for Who {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match (text, text.split_once(':')) {
            ("tenant", _) => Self::Tenant,
            ("clients", _) => Self::Clients,
            (_, Some(("client", client))) => Self::Client(client.to_owned()),
            // For those whose handle is one of the words above.
            (_, Some(("user", handle))) => Self::Handle(handle.to_owned()),
            _ => Self::Handle(text.to_owned()),
        })
    }
}

/// Whose preferences were meant.
#[derive(Debug)]
pub struct Meant {
    pub tenant: TenantId,
    pub owner: Owner,
    pub is_group: bool,
    /// How they are called.
    pub name: String,
}

/// Finds those who are meant.
pub async fn find(connection: &mut PgConnection, of: &Of, who: &Who) -> anyhow::Result<Meant> {
    let tenants = view::tenants(connection).await?;
    let tenant = tenant_id(&tenants, of)?;
    let tenant_name = |id: TenantId| tenants.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name.as_str());
    let of_tenant = |owner| {
        let names = || tenants.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        let tenant = match (tenant, &tenants[..]) {
            (Some(tenant), _) => tenant,
            (None, [(tenant, _)]) => *tenant,
            (None, []) => bail!("there is no tenant yet: `switchboard apply` makes one"),
            (None, _) => bail!("there are several tenants: name one of {} with --tenant", names()),
        };
        let whom = if owner == Owner::Tenant { "users" } else { "clients" };
        Ok(Meant { tenant, owner, is_group: false, name: format!("{} for its {whom}", tenant_name(tenant)) })
    };
    match who {
        Who::Tenant => of_tenant(Owner::Tenant),
        Who::Clients => of_tenant(Owner::Clients),
        Who::Handle(handle) => {
            let user = user::one_named(connection, tenant, handle).await?;
            Ok(Meant { tenant: user.tenant_id, owner: Owner::User(user.id), is_group: user.is_group, name: user.handle })
        }
        Who::Client(text) => {
            let client::Meant { tenant, id, .. } = client::find(connection, of, text).await?;
            let root = clients::root(connection, tenant, id).await?.context("the client is gone")?;
            Ok(Meant { tenant, owner: Owner::Client(root.0), is_group: false, name: root.1 })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_named_by_a_handle_a_key_or_a_word() {
        let who = |text: &str| text.parse::<Who>().expect("it always reads");
        assert_eq!((who("tenant"), who("clients")), (Who::Tenant, Who::Clients));
        assert_eq!((who("bo"), who("user:tenant")), (Who::Handle("bo".to_owned()), Who::Handle("tenant".to_owned())));
        assert_eq!(who("client:email:ada@example.org"), Who::Client("email:ada@example.org".to_owned()));
    }
}
