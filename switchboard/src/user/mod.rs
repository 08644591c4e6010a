//! `switchboard user`: who is there, and who is away.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use sqlx::{ConnectOptions, PgConnection};
use switchboard_common::ambient::Ambient;
use switchboard_common::config::Config;
use switchboard_common::db::users::{self, UserLine, UserName};
use switchboard_common::db::view;
use switchboard_common::ids::TenantId;
use unicode_width::UnicodeWidthStr;

use crate::cli::{Of, User};
use crate::database::{Database, Need};
use crate::output::{CHANGED, FAINT, pad, paint, print, time};

/// Until when somebody is away, as it is written in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until this moment.
    At(DateTime<Utc>),
    /// Until this day begins where the desk is.
    Day(NaiveDate),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = DateTime::parse_from_rfc3339(text).map(|at| Self::At(at.to_utc()));
        let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self::Day);
        at.or_else(|_| day()).map_err(|_| "expected a day like 2026-03-09, or a time like 2026-03-09T08:00:00Z".to_owned())
    }
}

impl Until {
    /// The moment, by the clocks of a zone. A midnight that the clocks leave out is the next hour that there is.
    fn moment(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Day(day) => {
                let mut hours = (0..24).filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
                let first = hours.find_map(|hour| zone.from_local_datetime(&day.and_time(hour)).earliest());
                first.map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |first| first.to_utc())
            }
        }
    }
}

/// Carries out one of the commands.
pub async fn run(config: &Config, ambient: &Ambient, command: User) -> anyhow::Result<()> {
    let database = Database::open(config, ambient, Need::Existing).await?;
    let outcome = on(&database, ambient, command).await;
    database.close().await;
    print(&outcome?)
}

async fn on(database: &Database, ambient: &Ambient, command: User) -> anyhow::Result<String> {
    let mut connection = database.options().connect().await?;
    let now = ambient.now();
    match command {
        User::List { of, json } => {
            let tenant = tenant(&mut connection, &of).await?;
            let lines = users::list(&mut connection, tenant, now).await?;
            if json { Ok(serde_json::to_string_pretty(&lines)? + "\n") } else { Ok(render(&lines)) }
        }
        User::Away { handle, until, of } => {
            let tenant = whose(&mut connection, &of, &handle, now).await?;
            let zone = users::timezone(&mut connection, tenant).await?.and_then(|zone| zone.parse().ok()).unwrap_or(chrono_tz::UTC);
            let until = until.moment(zone);
            if until <= now {
                bail!("{} is past", time(until));
            }
            users::set_away(&mut connection, tenant, &handle, Some(until)).await?;
            Ok(format!("{handle} is away until {}, and gets none of the tickets that groups deal out\n", time(until)))
        }
        User::Back { handle, of } => {
            let tenant = whose(&mut connection, &of, &handle, now).await?;
            users::set_away(&mut connection, tenant, &handle, None).await?;
            Ok(format!("{handle} is back\n"))
        }
    }
}

async fn tenant(connection: &mut PgConnection, of: &Of) -> anyhow::Result<Option<TenantId>> {
    let Some(wanted) = &of.tenant else { return Ok(None) };
    let tenants = view::tenants(connection).await?;
    let names: Vec<&str> = tenants.iter().map(|(_, name)| name.as_str()).collect();
    let found = tenants.iter().find(|(_, name)| name == wanted).map(|(id, _)| *id);
    found.map(Some).with_context(|| format!("there is no tenant {wanted}; there are: {}", names.join(", ")))
}

/// The tenant whose person is meant.
async fn whose(connection: &mut PgConnection, of: &Of, handle: &str, now: DateTime<Utc>) -> anyhow::Result<TenantId> {
    let tenant = tenant(connection, of).await?;
    let lines = users::list(connection, tenant, now).await?;
    let found: Vec<&str> = lines.iter().filter(|line| line.handle == handle).map(|line| line.tenant.as_str()).collect();
    match found[..] {
        [name] => {
            let tenants = view::tenants(connection).await?;
            let found = tenants.into_iter().find(|(_, known)| known == name).map(|(id, _)| id);
            found.with_context(|| format!("the tenant {name} is gone"))
        }
        [] => {
            let handles: BTreeSet<&str> = lines.iter().map(|line| line.handle.as_str()).collect();
            bail!("there is no person with the handle {handle}; there are: {}", handles.into_iter().collect::<Vec<_>>().join(", "))
        }
        _ => bail!("several tenants have a person with the handle {handle}: name one of {} with --tenant", found.join(", ")),
    }
}

/// The one person or group of this handle, in a tenant or in any.
pub async fn one_named(connection: &mut PgConnection, tenant: Option<TenantId>, handle: &str) -> anyhow::Result<UserName> {
    let all = users::names(connection, tenant).await?;
    let found: Vec<&UserName> = all.iter().filter(|user| user.handle == handle).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => {
            let handles: BTreeSet<&str> = all.iter().map(|user| user.handle.as_str()).collect();
            let handles: Vec<&str> = handles.into_iter().collect();
            bail!("there is no user or group with the handle {handle}; there are: {}", handles.join(", "))
        }
        _ => {
            let tenants: Vec<&str> = found.iter().map(|user| user.tenant.as_str()).collect();
            bail!("several tenants have a user or group with the handle {handle}: name one of {} with --tenant", tenants.join(", "))
        }
    }
}

/// The list as people read it, with the tenants' names where there are several.
fn render(lines: &[UserLine]) -> String {
    if lines.is_empty() {
        return "no users\n".to_owned();
    }
    let several = lines.iter().any(|line| line.tenant != lines[0].tenant);
    let heads = ["tenant", "handle", "name", "departments", "open", "away"].map(str::to_owned);
    let rows = lines.iter().map(|line| {
        let away = line.away_until.map(|until| format!("until {}", time(until))).unwrap_or_default();
        [line.tenant.clone(), line.handle.clone(), line.name.clone(), line.departments.join(", "), line.open_tickets.to_string(), away]
    });
    let rows: Vec<[String; 6]> = std::iter::once(heads).chain(rows).collect();
    let widths: Vec<usize> = (0..6).map(|n| rows.iter().map(|row| row[n].width()).max().unwrap_or_default()).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = (usize::from(!several)..5).map(|n| pad(&row[n], widths[n])).collect();
        let line = cells.join("  ");
        let (style, last) = if number == 0 { (FAINT, row[5].clone()) } else { (CHANGED, paint(CHANGED, &row[5])) };
        let whole = if number == 0 { paint(style, format!("{line}  {last}").trim_end()) } else { format!("{line}  {last}") };
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_desk_is() {
        let moment = |text: &str, zone: Tz| text.parse::<Until>().map(|until| until.moment(zone).to_rfc3339());
        assert_eq!(moment("2026-03-09", chrono_tz::America::Sao_Paulo).as_deref(), Ok("2026-03-09T03:00:00+00:00"));
        assert_eq!(moment("2026-03-09T08:00:00+01:00", chrono_tz::UTC).as_deref(), Ok("2026-03-09T07:00:00+00:00"));
        // In Beirut this day had no midnight.
        assert_eq!(moment("2026-03-29", chrono_tz::Asia::Beirut).as_deref(), Ok("2026-03-28T22:00:00+00:00"));
        assert!(moment("tomorrow", chrono_tz::UTC).is_err());
    }
}
