//! `switchboard suppressions`: where nothing is sent any more. `switchboard unsubscribe`: what a reader's link does.

mod link;
pub mod place;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use sqlx::{ConnectOptions, Connection, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::suppressions::{self, Lifting, Standing, Suppression};
use switchboard_common::db::view;
use switchboard_common::domain::suppression::{Reason, Scope};
use switchboard_common::ids::TenantId;

use self::place::Place;
use crate::cli::{Of, Suppressions, scope};
use crate::database::{Database, Need};
use crate::output::{FAINT, STRONG, paint, print, time};
use crate::ticket::tenant_id;

pub use link::unsubscribe;

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: Suppressions) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, command).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, command: Suppressions) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    match command {
        Suppressions::List { place, of, reason, limit, json } => {
            let tenants = view::tenants(&mut connection).await?;
            let only = tenant_id(&tenants, &of)?;
            let mut standing = suppressions::list(&mut connection, only, i64::MAX).await?;
            standing.retain(|standing| {
                let Suppression { method, address, reason: why, .. } = &standing.suppression;
                place.as_ref().is_none_or(|place| (*method, address) == (place.method, &place.address))
                    && reason.is_none_or(|reason| Reason::from(reason) == *why)
            });
            let all = standing.len();
            standing.truncate(usize::try_from(limit)?);
            if json {
                return listed_json(&tenants, &standing);
            }
            Ok(listed(&tenants, &standing, all, only.is_none()))
        }
        Suppressions::Add { place, of, reason, optional, evidence } => {
            let (tenant, _) = the_tenant(&mut connection, &of).await?;
            let new = Suppression {
                tenant,
                method: place.method,
                address: place.address.clone(),
                scope: scope(optional),
                reason: reason.into(),
                evidence: if evidence.is_empty() { "said by an operator".to_owned() } else { evidence },
                delivery: None,
            };
            let what = format!("{place}: {} is sent there any more ({})", nothing(new.scope), new.reason);
            let added = suppressions::add(&mut connection, &[new], ambient.now()).await?;
            Ok(if added == 0 { format!("{place} is suppressed for that reason already; nothing to do\n") } else { format!("{what}\n") })
        }
        Suppressions::Remove { place, of, reason } => remove(&mut connection, &of, &place, reason.map(Into::into), ambient.now()).await,
    }
}

async fn remove(
    connection: &mut PgConnection,
    of: &Of,
    place: &Place,
    reason: Option<Reason>,
    now: DateTime<Utc>,
) -> anyhow::Result<String> {
    let (tenant, _) = the_tenant(connection, of).await?;
    let (method, address) = (place.method, place.address.clone());
    let mut transaction = connection.begin().await?;
    let lifted =
        suppressions::remove(&mut transaction, &[Lifting { tenant, method, address: address.clone(), reason, stood_at: now }]).await?;
    let left = suppressions::find(&mut transaction, tenant, &[(method, address)]).await?;
    transaction.commit().await?;
    if lifted.is_empty() {
        let why = reason.map(|reason| format!(" for the reason {reason}")).unwrap_or_default();
        bail!("{place} is not suppressed{why}: see `switchboard suppressions list {place}`");
    }
    let mut said = Vec::new();
    for Standing { suppression, since } in &lifted {
        said.push(format!("{place}: lifted {} since {}: {}\n", suppression.reason, time(*since), suppression.evidence));
    }
    if lifted.iter().any(|standing| standing.suppression.reason == Reason::Stop) {
        said.push("The platform may hold on to a STOP that it knows of itself, until START comes from that number.\n".to_owned());
    }
    for standing in left.values() {
        said.push(format!("{} is still not sent there ({})\n", everything(standing.suppression.scope), standing.suppression.reason));
    }
    Ok(said.concat())
}

/// The tenant that is meant, with its name: the only one, where none is named.
pub async fn the_tenant(connection: &mut PgConnection, of: &Of) -> anyhow::Result<(TenantId, String)> {
    let tenants = view::tenants(connection).await?;
    let named = tenant_id(&tenants, of)?;
    match (named, &tenants[..]) {
        (Some(id), all) => all.iter().find(|(known, _)| *known == id).cloned().context("the tenant has gone"),
        (None, [one]) => Ok(one.clone()),
        (None, []) => bail!("there is no tenant: `switchboard apply` makes one"),
        (None, several) => {
            bail!(
                "there are several tenants: name one of {} with --tenant",
                several.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

fn listed(tenants: &[(TenantId, String)], standing: &[Standing], all: usize, with_tenant: bool) -> String {
    if standing.is_empty() {
        return "no suppressed addresses\n".to_owned();
    }
    let mut text = Vec::new();
    for Standing { suppression, since } in standing {
        let Suppression { tenant, method, address, scope, reason, evidence, delivery } = suppression;
        let whose = if with_tenant && tenants.len() > 1 { format!("  {}", name(tenants, *tenant)) } else { String::new() };
        let place = paint(STRONG, &format!("{method}:{address}"));
        text.push(format!("{place}{whose}  {} is sent: {reason} since {}\n", nothing(*scope), time(*since)));
        let delivery = delivery.map(|id| format!(" (delivery {id})")).unwrap_or_default();
        text.push(format!("  {}\n", paint(FAINT, &format!("{evidence}{delivery}"))));
    }
    if all > standing.len() {
        text.push(paint(FAINT, &format!("{} of {all}; --limit shows more", standing.len())) + "\n");
    }
    text.concat()
}

fn listed_json(tenants: &[(TenantId, String)], standing: &[Standing]) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for standing in standing {
        let mut line = serde_json::to_value(standing)?;
        line["tenant"] = name(tenants, standing.suppression.tenant).into();
        lines.push(line);
    }
    Ok(serde_json::to_string_pretty(&lines)? + "\n")
}

fn name(tenants: &[(TenantId, String)], tenant: TenantId) -> &str {
    tenants.iter().find(|(id, _)| *id == tenant).map_or("", |(_, name)| name)
}

fn nothing(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "nothing",
        Scope::Optional => "nothing optional",
    }
}

fn everything(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "everything",
        Scope::Optional => "what is optional",
    }
}
