//! `switchboard deliveries`: what waits to be sent, why, and until when; and what a person decides about it.

mod decide;
mod list;
mod show;
mod why;

use anyhow::bail;
use sqlx::{ConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::view::{self, DeliveryFilter, DeliveryView};
use switchboard_common::domain::method::Method;
use switchboard_common::ids::{DeliveryId, TenantId};

use crate::cli::{Deliveries, DeliveryCommand, DeliveryList};
use crate::database::{Database, Need};
use crate::output::{print, time};
use crate::ticket::tenant_id;

pub use list::state;
pub use show::{became, tries};
pub use why::waits;

/// How many deliveries are listed when an id is not enough to tell which is meant.
const LISTED: usize = 10;

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: Deliveries) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, command).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, command: Deliveries) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    match command.command {
        None => waiting(&mut connection, ambient, &command.list).await,
        Some(DeliveryCommand::Show { id, json }) => {
            let (tenant, id) = one(&mut connection, &id).await?;
            show::page(&mut connection, tenant, id, ambient.now(), json).await
        }
        Some(DeliveryCommand::Resend { id }) => {
            let (tenant, id) = one(&mut connection, &id).await?;
            decide::resend(&mut connection, ambient, tenant, id).await
        }
        Some(DeliveryCommand::Drop { id }) => {
            let (tenant, id) = one(&mut connection, &id).await?;
            decide::drop(&mut connection, ambient, tenant, id).await
        }
    }
}

async fn waiting(connection: &mut PgConnection, ambient: &Ambient, list: &DeliveryList) -> anyhow::Result<String> {
    let tenants = view::tenants(connection).await?;
    let filter = DeliveryFilter {
        tenant: tenant_id(&tenants, &list.of)?,
        channel: list.channel.map(|method: Method| method.as_str().to_owned()),
        ticket: list.ticket,
        held: list.held,
        done: list.all,
    };
    let (deliveries, all) = view::list_deliveries(connection, &filter, i64::from(list.limit)).await?;
    let digests = if list.held { Vec::new() } else { view::open_digests(connection, &filter, i64::from(list.limit)).await? };
    if list.json {
        return list::json(&deliveries, &digests, ambient.now());
    }
    Ok(list::render(&deliveries, all, &digests, tenants.len() > 1 && filter.tenant.is_none(), ambient.now()))
}

/// The delivery that is meant.
async fn one(connection: &mut PgConnection, id: &str) -> anyhow::Result<(TenantId, DeliveryId)> {
    let found = view::find_deliveries(connection, None, id).await?;
    match found[..] {
        [one] => Ok(one),
        [] => bail!("there is no delivery {id}: see `switchboard deliveries --all`"),
        _ => {
            let listed = view::load_deliveries(connection, &found[..found.len().min(LISTED)]).await?;
            let line = |d: &DeliveryView| format!("\n  {}  {}  {} to {}", d.id, time(d.planned_at), d.channel, d.to);
            let more = if found.len() > LISTED { "\n  …" } else { "" };
            bail!("several deliveries begin with {id}:{}{more}", listed.iter().map(line).collect::<String>())
        }
    }
}
