//! The desks that the conversations happen at: `tests/conversations/desks.txt`, and what a conversation changes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::db::signing_keys;
use switchboard_common::domain::identity::ExternalId;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::ids::{AccountId, TenantId};
use uuid::Uuid;

const DESKS: &str = include_str!("../../conversations/desks.txt");
const CHANNELS: [Channel; 6] = [Channel::Email, Channel::Whatsapp, Channel::Slack, Channel::Sms, Channel::Voice, Channel::Form];

#[derive(Debug, Clone)]
pub struct Account {
    pub id: AccountId,
    pub channel: Channel,
    pub address: String,
}

/// A desk in the database, and who writes to it.
#[derive(Debug, Clone)]
pub struct Desk {
    pub tenant: TenantId,
    pub accounts: HashMap<String, Account>,
    /// The handles of its people, with their mail addresses.
    pub people: BTreeMap<String, String>,
    /// The participants, with the keys that channels know them by.
    pub clients: BTreeMap<String, Vec<ExternalId>>,
    /// Clients who are on record, and have not written.
    pub records: HashMap<Uuid, String>,
}

/// The lines of a named desk.
fn named(name: &str) -> Result<Vec<String>, String> {
    let mut lines = DESKS.lines().skip_while(|line| line.strip_prefix("desk ") != Some(name));
    lines.next().ok_or_else(|| format!("desks.txt has no desk {name}"))?;
    Ok(lines
        .take_while(|line| !line.starts_with("desk "))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect())
}

/// Makes a tenant with the desk that these lines describe. `domain` stands in its accounts' addresses.
pub async fn make(pool: &PgPool, ambient: &Ambient, lines: &[(usize, String)], domain: &str) -> Result<Desk, String> {
    let tenant: TenantId = ambient.new_id();
    let mut desk = Desk { tenant, accounts: HashMap::new(), people: BTreeMap::new(), clients: BTreeMap::new(), records: HashMap::new() };
    let name = format!("t{}", tenant.0.simple());
    run(
        pool,
        &format!(
            "insert into tenants (id, name) values ('{tenant}', '{name}');
         insert into statuses (tenant_id, id, name, color, state, is_default)
         select '{tenant}', gen_random_uuid(), s::text, '#336699', s, true from unnest(enum_range(null::ticket_state)) s;
         insert into priorities (tenant_id, id, name, color, position, is_default)
         select '{tenant}', gen_random_uuid(), p, '#336699', n, p = 'normal'
         from unnest('{{low,normal,high,urgent}}'::text[]) with ordinality as p (p, n);"
        ),
    )
    .await?;
    let mut connection = pool.acquire().await.map_err(|error| error.to_string())?;
    signing_keys::ensure(&mut connection, tenant, ambient).await.map_err(|error| error.to_string())?;
    drop(connection);
    for (number, line) in lines {
        let place = |what: String| format!("line {number}: {what}: {line:?}");
        if let Some(name) = line.strip_prefix("desk ") {
            for line in named(name).map_err(place)? {
                add(pool, ambient, &mut desk, &line, domain).await.map_err(|what| format!("desks.txt: {what}: {line:?}"))?;
            }
        } else {
            add(pool, ambient, &mut desk, line, domain).await.map_err(place)?;
        }
    }
    Ok(desk)
}

async fn run(pool: &PgPool, sql: &str) -> Result<(), String> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.map(drop).map_err(|error| error.to_string())
}

/// A text as a literal of SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Adds what one line says to the desk.
async fn add(pool: &PgPool, ambient: &Ambient, desk: &mut Desk, line: &str, domain: &str) -> Result<(), String> {
    let tenant = desk.tenant;
    let (word, rest) = line.split_once(' ').ok_or("expected a word and what it names")?;
    let (name, rest) = rest.split_once(": ").unwrap_or((rest, ""));
    let parts: Vec<&str> = rest.split(", ").map(str::trim).filter(|part| !part.is_empty()).collect();
    let sql = match word {
        "account" => account(ambient, desk, name, rest, domain)?,
        "policy" => policy(tenant, name, &parts)?,
        "department" => {
            format!("insert into departments (tenant_id, id, name) values ('{tenant}', gen_random_uuid(), {})", literal(name))
        }
        "person" => {
            let [full_name, email, departments @ ..] = parts.as_slice() else {
                return Err("expected a name and a mail address".to_owned());
            };
            desk.people.insert(name.to_owned(), (*email).to_owned());
            // People take turns in the order of their ids, which is that of their coming.
            ambient.clock.advance(Duration::from_millis(1));
            person(tenant, ambient.new_id(), [name, full_name, email], departments)
        }
        "contact" => format!(
            "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at)
             select '{tenant}', gen_random_uuid(), id, {}, {}, now() from users where tenant_id = '{tenant}' and handle = {}",
            literal(rest.split(':').next().unwrap_or_default()),
            literal(rest.split_once(':').unwrap_or_default().1),
            literal(name)
        ),
        "group" => group(tenant, name, &parts),
        "category" => category(tenant, name, &parts),
        "rule" => rule(tenant, name, rest)?,
        "record" => record(ambient, desk, name, &parts)?,
        "timezone" => customize(tenant, "timezone", &format!("\"{name}\"")),
        "hours" => customize(tenant, "hours", line.trim_start_matches("hours ")),
        "blocked" => format!(
            "insert into blocked_senders (tenant_id, entry) values ('{tenant}', {})",
            literal(line.split_once(' ').unwrap_or_default().1)
        ),
        "spam" => format!("update tenants set spam = {} where id = '{tenant}'", literal(name)),
        "client" => {
            let keys: Result<Vec<ExternalId>, String> = parts.iter().map(|part| key(part)).collect();
            desk.clients.insert(name.to_owned(), keys?);
            return Ok(());
        }
        _ => return Err(format!("nothing that is known of a desk: {word}")),
    };
    run(pool, &sql).await
}

/// A key with its kind, or a mail address.
pub fn key(text: &str) -> Result<ExternalId, String> {
    let text = if text.contains(':') { text.to_owned() } else { format!("email:{text}") };
    text.parse().map_err(|error| format!("{error}"))
}

fn account(ambient: &Ambient, desk: &mut Desk, name: &str, rest: &str, domain: &str) -> Result<String, String> {
    let (channel, address) = rest.split_once(' ').ok_or("expected `account NAME: CHANNEL ADDRESS`")?;
    let channel = CHANNELS.into_iter().find(|known| known.as_str() == channel).ok_or("no such channel")?;
    // An address is one tenant's only, so that of another channel bears the domain too.
    let address = if address.contains("@desk.example") { address.replace("desk.example", domain) } else { format!("{address}/{domain}") };
    let (id, tenant): (Uuid, _) = (ambient.new_id(), desk.tenant);
    desk.accounts.insert(name.to_owned(), Account { id: AccountId(id), channel, address: address.clone() });
    Ok(format!(
        "insert into channel_accounts (tenant_id, id, name, channel, address) values ('{tenant}', '{id}', {}, '{}', {})",
        literal(name),
        channel.as_str(),
        literal(&address)
    ))
}

/// Settings of an account: columns of `channel_accounts`, and its default category by name.
fn policy(tenant: TenantId, name: &str, parts: &[&str]) -> Result<String, String> {
    let mut sets = Vec::new();
    for part in parts {
        let (column, value) = part.split_once(" = ").ok_or("expected `policy ACCOUNT: SETTING = VALUE`")?;
        let value = literal(value);
        sets.push(if column == "default_category" {
            format!("default_category_id = (select id from categories where tenant_id = '{tenant}' and name = {value})")
        } else {
            format!("{column} = {value}")
        });
    }
    Ok(format!("update channel_accounts set {} where tenant_id = '{tenant}' and name = {}", sets.join(", "), literal(name)))
}

fn person(tenant: TenantId, id: Uuid, [handle, name, email]: [&str; 3], departments: &[&str]) -> String {
    let (handle, name, email) = (literal(handle), literal(name), literal(email));
    let departments: Vec<String> = departments.iter().map(|name| literal(name)).collect();
    let of_departments = if departments.is_empty() { "false".to_owned() } else { format!("d.name in ({})", departments.join(", ")) };
    format!(
        "insert into users (tenant_id, id, handle, name, email) values ('{tenant}', '{id}', {handle}, {name}, {email});
         insert into user_contacts (tenant_id, id, user_id, type, value, verified_at)
         select '{tenant}', gen_random_uuid(), id, 'email', email, now() from users where tenant_id = '{tenant}' and handle = {handle};
         insert into user_departments (tenant_id, user_id, department_id)
         select '{tenant}', u.id, d.id from users u, departments d
         where u.tenant_id = '{tenant}' and d.tenant_id = '{tenant}' and u.handle = {handle} and {of_departments}"
    )
}

fn group(tenant: TenantId, handle: &str, members: &[&str]) -> String {
    let members: Vec<String> = members.iter().map(|member| literal(member)).collect();
    let handle = literal(handle);
    format!(
        "insert into users (tenant_id, id, handle, name, is_group) values ('{tenant}', gen_random_uuid(), {handle}, {handle}, true);
         insert into group_members (tenant_id, group_id, member_id)
         select '{tenant}', g.id, m.id from users g, users m
         where g.tenant_id = '{tenant}' and m.tenant_id = '{tenant}' and g.handle = {handle} and m.handle in ({})",
        members.join(", ")
    )
}

fn category(tenant: TenantId, name: &str, parts: &[&str]) -> String {
    let part = |index: usize| literal(parts.get(index).unwrap_or(&""));
    format!(
        "insert into categories (tenant_id, id, name, department_id, assignee_id, assign_by)
         select '{tenant}', gen_random_uuid(), {},
                (select id from departments where tenant_id = '{tenant}' and name = {}),
                (select id from users where tenant_id = '{tenant}' and handle = {}), {}",
        literal(name),
        part(0),
        part(1),
        literal(parts.get(2).unwrap_or(&"everyone"))
    )
}

fn rule(tenant: TenantId, name: &str, rest: &str) -> Result<String, String> {
    let (conditions, effects) = rest.split_once(" → ").ok_or("expected `rule NAME: CONDITIONS → EFFECTS`")?;
    Ok(format!(
        "insert into routing_rules (tenant_id, id, position, name, rule)
         select '{tenant}', gen_random_uuid(), (select count(*) from routing_rules where tenant_id = '{tenant}'), {}, {}",
        literal(name),
        literal(&format!("{{\"version\": 1, \"when\": {conditions}, \"then\": {effects}}}"))
    ))
}

/// What is on record of a client, who is called by the record's key until they write.
fn record(ambient: &Ambient, desk: &mut Desk, name: &str, parts: &[&str]) -> Result<String, String> {
    let (id, tenant): (Uuid, _) = (ambient.new_id(), desk.tenant);
    desk.records.insert(id, name.to_owned());
    let name = literal(name);
    let mut sql = format!(
        "insert into clients (tenant_id, id, name) values ('{tenant}', '{id}', {name});
         insert into client_records (tenant_id, key, client_id) values ('{tenant}', {name}, '{id}')"
    );
    for part in parts {
        let key = key(part)?;
        let (kind, value) = (key.kind().as_str(), literal(key.value()));
        sql += "; insert into client_contacts (tenant_id, client_id, type, value) values ";
        let _ = write!(sql, "('{tenant}', '{id}', '{kind}', {value})");
    }
    Ok(sql)
}

/// One of the settings that `customize` keeps.
fn customize(tenant: TenantId, key: &str, json: &str) -> String {
    format!(
        "insert into customize (tenant_id, data) values ('{tenant}', jsonb_build_object('{key}', {json}::jsonb))
         on conflict (tenant_id) do update set data = customize.data || excluded.data",
        json = literal(json)
    )
}
