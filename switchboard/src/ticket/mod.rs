//! `switchboard ticket`: lists, shows and changes tickets.

mod list;
pub mod number;
mod show;

use anyhow::{Context, bail};
use clap::Args;
use sqlx::{ConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::{connect, users, view};
use switchboard_common::ids::{TenantId, TicketId};
use switchboard_router::command::{Done, assign_ticket, close_ticket};

use crate::cli::{Of, Ticket};
use crate::database::{Database, Need};
use crate::output::print;
use crate::user::one_named;

/// Who follows which ticket.
#[derive(Debug, Args)]
pub struct Watch {
    /// The ticket's number
    #[arg(value_parser = number::parse)]
    number: i64,
    /// Who: a user or a group
    #[arg(long, value_name = "HANDLE")]
    user: String,
    #[command(flatten)]
    of: Of,
}

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: Ticket) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, command).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, command: Ticket) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    match command {
        Ticket::List { of, state, limit, json } => {
            let tenants = view::tenants(&mut connection).await?;
            let tenant = tenant_id(&tenants, &of)?;
            let states: Vec<_> = state.into_iter().map(Into::into).collect();
            let lines = view::list_tickets(&mut connection, tenant, &states, i64::from(limit)).await?;
            if json {
                Ok(serde_json::to_string_pretty(&lines)? + "\n")
            } else {
                Ok(list::render(&lines, tenants.len() > 1 && tenant.is_none()))
            }
        }
        Ticket::Show { number, of, json } => {
            let (tenant, id) = find(&mut connection, &of, number).await?;
            let ticket = view::show_ticket(&mut connection, tenant, id).await?;
            if json { Ok(serde_json::to_string_pretty(&ticket)? + "\n") } else { Ok(show::render(&ticket)) }
        }
        Ticket::Close { number, of, by } => {
            let (tenant, _) = find(&mut connection, &of, number).await?;
            let pool = connect::pool(database.options().clone(), 1);
            let done = close_ticket(&pool, ambient, tenant, number, by.as_deref()).await?;
            pool.close().await;
            Ok(said(done, number, "closed"))
        }
        Ticket::Assign { number, handle, of, by } => {
            let (tenant, _) = find(&mut connection, &of, number).await?;
            let pool = connect::pool(database.options().clone(), 1);
            let done = assign_ticket(&pool, ambient, tenant, number, &handle, by.as_deref()).await?;
            pool.close().await;
            Ok(said(done, number, &format!("assigned to {handle}")))
        }
        Ticket::Watch(Watch { number, user, of }) => {
            let (tenant, ticket) = find(&mut connection, &of, number).await?;
            let user = one_named(&mut connection, Some(tenant), &user).await?;
            let is_new = users::watch_ticket(&mut connection, tenant, ticket, user.id).await?;
            Ok(format!(
                "{} {} #{number}{}\n",
                user.handle,
                if user.is_group { "(a group) follows" } else { "follows" },
                if is_new { " now" } else { " already" }
            ))
        }
        Ticket::Unwatch(Watch { number, user, of }) => {
            let (tenant, ticket) = find(&mut connection, &of, number).await?;
            let user = one_named(&mut connection, Some(tenant), &user).await?;
            let did = users::unwatch_ticket(&mut connection, tenant, ticket, user.id).await?;
            Ok(format!("{} {} #{number}\n", user.handle, if did { "no longer follows" } else { "does not follow" }))
        }
    }
}

fn said(done: Done, number: i64, what: &str) -> String {
    match done {
        Done::Changed(version) => format!("#{number} is {what} now, in version {version}\n"),
        Done::Nothing => format!("#{number} was {what} already; nothing to do\n"),
    }
}

/// The tenant that is named, if one is.
pub fn tenant_id(tenants: &[(TenantId, String)], of: &Of) -> anyhow::Result<Option<TenantId>> {
    let Some(wanted) = &of.tenant else { return Ok(None) };
    let found = tenants.iter().find(|(_, name)| name == wanted).map(|(id, _)| *id);
    let names: Vec<&str> = tenants.iter().map(|(_, name)| name.as_str()).collect();
    found.map(Some).with_context(|| format!("there is no tenant {wanted}; there are: {}", names.join(", ")))
}

/// The ticket that is meant.
pub async fn find(connection: &mut PgConnection, of: &Of, number: i64) -> anyhow::Result<(TenantId, TicketId)> {
    let tenants = view::tenants(connection).await?;
    let tenant = tenant_id(&tenants, of)?;
    let found = view::find_ticket(connection, tenant, number).await?;
    match found[..] {
        [one] => Ok(one),
        [] => bail!("there is no ticket #{number}"),
        _ => {
            let owns = |id: &TenantId| found.iter().any(|(tenant, _)| tenant == id);
            let names: Vec<&str> = tenants.iter().filter(|(id, _)| owns(id)).map(|(_, name)| name.as_str()).collect();
            bail!("several tenants have a ticket #{number}: name one of {} with --tenant", names.join(", "))
        }
    }
}
