//! `switchboard client`: shows clients, says which of them are one, and decides who wrote.

mod ambiguities;
mod show;

use anyhow::bail;
use sqlx::{ConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::{connect, view};
use switchboard_common::ids::{AmbiguityId, ClientId, TenantId};
use switchboard_router::clients::command::{decide_ambiguity, merge_clients, unmerge_client};

use crate::cli::{Client, Of};
use crate::database::{Database, Need};
use crate::output::print;
use crate::ticket::tenant_id;

/// How many clients or ambiguities are listed when a text is not enough to tell which is meant.
const LISTED: usize = 10;

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: Client) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, command).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, command: Client) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    let pool = connect::pool(database.options().clone(), 1);
    let said = match command {
        Client::Show { client, of, json } => {
            let found = find(&mut connection, &of, &client).await?;
            let client = view::show_client(&mut connection, found.tenant, found.id).await?;
            if json { serde_json::to_string_pretty(&client)? + "\n" } else { show::render(&client) }
        }
        Client::Merge { from, into, of, by, reason } => {
            let from = find(&mut connection, &of, &from).await?;
            let into = find(&mut connection, &of, &into).await?;
            if from.tenant != into.tenant {
                bail!("{} and {} are clients of two tenants, which never meet", from.name, into.name);
            }
            merge_clients(&pool, ambient, from.tenant, (from.id, into.id), by.as_deref(), reason.as_deref()).await?;
            format!("{} counts as {} now; `switchboard client unmerge {}` undoes it\n", from.name, into.name, from.id)
        }
        Client::Unmerge { from, of, by } => {
            let from = find(&mut connection, &of, &from).await?;
            unmerge_client(&pool, ambient, from.tenant, from.id, by.as_deref()).await?;
            format!("{} is a client of their own again\n", from.name)
        }
        Client::Ambiguities { of, json } => {
            let tenants = view::tenants(&mut connection).await?;
            let tenant = tenant_id(&tenants, &of)?;
            let open = view::open_ambiguities(&mut connection, tenant).await?;
            let with_tenant = tenants.len() > 1 && tenant.is_none();
            if json { serde_json::to_string_pretty(&open)? + "\n" } else { ambiguities::render(&open, with_tenant) }
        }
        Client::Decide { id, client, of, by } => {
            let (tenant, id, provisional) = find_ambiguity(&mut connection, &of, &id).await?;
            let choice = match client.as_str() {
                "new" => None,
                client => Some(find_in(&mut connection, tenant, client).await?),
            };
            decide_ambiguity(&pool, ambient, tenant, id, choice.as_ref().map(|choice| choice.id), Some(&by)).await?;
            match choice {
                Some(choice) => format!("it was {}; `switchboard client unmerge {provisional}` undoes it\n", choice.name),
                None => "it was somebody new, who is a client of their own now\n".to_owned(),
            }
        }
    };
    pool.close().await;
    Ok(said)
}

/// A client who was meant.
pub struct Meant {
    pub tenant: TenantId,
    pub id: ClientId,
    pub name: String,
}

/// The one client whom a text means.
pub async fn find(connection: &mut PgConnection, of: &Of, text: &str) -> anyhow::Result<Meant> {
    let tenants = view::tenants(connection).await?;
    let tenant = tenant_id(&tenants, of)?;
    let found = view::find_clients(connection, tenant, text).await?;
    let tenant_of = |id: TenantId| tenants.iter().find(|(known, _)| *known == id).map_or("", |(_, name)| name.as_str());
    one(found, text, |id| if tenants.len() > 1 && tenant.is_none() { format!(" of {}", tenant_of(id)) } else { String::new() })
}

async fn find_in(connection: &mut PgConnection, tenant: TenantId, text: &str) -> anyhow::Result<Meant> {
    one(view::find_clients(connection, Some(tenant), text).await?, text, |_| String::new())
}

fn one(found: Vec<(TenantId, ClientId, String)>, text: &str, of: impl Fn(TenantId) -> String) -> anyhow::Result<Meant> {
    if found.is_empty() {
        bail!(
            "no client is known as {text}: expected an address, a number like +5511987654321, another key like slack:T024BE7LD/U024BE7LH, an id or at least 4 characters of one, or a name"
        );
    }
    let line = |(tenant, id, name): &(TenantId, ClientId, String)| format!("\n  {id}  {name}{}", of(*tenant));
    let lines: String = found.iter().take(LISTED).map(line).collect();
    let more = if found.len() > LISTED { "\n  …" } else { "" };
    match <[_; 1]>::try_from(found) {
        Ok([(tenant, id, name)]) => Ok(Meant { tenant, id, name }),
        Err(_) => bail!("several clients are meant by {text}: name one by its id, or its tenant with --tenant:{lines}{more}"),
    }
}

async fn find_ambiguity(connection: &mut PgConnection, of: &Of, text: &str) -> anyhow::Result<(TenantId, AmbiguityId, ClientId)> {
    let tenants = view::tenants(connection).await?;
    let tenant = tenant_id(&tenants, of)?;
    let found = view::find_ambiguities(connection, tenant, text).await?;
    match found[..] {
        [one] => Ok(one),
        [] => bail!("there is no ambiguity {text}: `switchboard client ambiguities` lists those that are open"),
        _ => bail!("several ambiguities begin with {text}: `switchboard client ambiguities` lists those that are open"),
    }
}
