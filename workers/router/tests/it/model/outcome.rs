//! What came out of a random conversation at one tenant, as the reference tells it, and what has to hold of the rows
//! whatever came.

use std::collections::{BTreeMap, HashMap};

use sqlx::{PgPool, Row};
use switchboard_common::ids::TenantId;
use uuid::Uuid;

use super::reference::Outcome;

/// Reads what came out.
pub async fn read(pool: &PgPool, tenant: TenantId, ordered: bool) -> Outcome {
    let rows = sqlx::query(
        "select split_part(i.external_id, '#', 2) as label, i.outcome::text, m.ticket_id, m.author_client_id, u.handle, i.duplicates
         from inbound_messages i
         left join messages m on m.tenant_id = i.tenant_id and m.inbound_id = i.id and m.ticket_id = i.ticket_id
         left join users u on u.tenant_id = m.tenant_id and u.id = m.author_user_id
         where i.tenant_id = $1 order by label",
    )
    .bind(tenant.0)
    .fetch_all(pool)
    .await
    .expect("the messages");
    let mut tickets: HashMap<Option<Uuid>, String> = HashMap::new();
    let mut clients: HashMap<Uuid, String> = HashMap::new();
    let mut outcome = Outcome::default();
    for row in &rows {
        let label: String = row.get("label");
        let ticket = tickets.entry(row.get("ticket_id")).or_insert_with(|| label.clone()).clone();
        let author = match (row.get::<Option<Uuid>, _>("author_client_id"), row.get::<Option<String>, _>("handle")) {
            (Some(client), _) => format!("the client of {}", clients.entry(client).or_insert_with(|| label.clone())),
            (None, Some(handle)) => handle,
            (None, None) => "nobody".to_owned(),
        };
        let became: Option<String> = row.get("outcome");
        let became = if ordered { format!(", {}", became.unwrap_or_default()) } else { String::new() };
        outcome.messages.insert(label, format!("on the ticket of {ticket} by {author}{became}"));
        outcome.again += usize::try_from(row.get::<i32, _>("duplicates")).expect("not negative");
    }
    let rows = sqlx::query(
        "select t.id, t.client_id, s.state::text,
                (select coalesce(string_agg(u.handle, ' and ' order by u.handle), '') from ticket_assignments a
                 join users u on u.tenant_id = a.tenant_id and u.id = a.user_id
                 where a.tenant_id = t.tenant_id and a.ticket_id = t.id) as assignees
         from tickets t join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id where t.tenant_id = $1",
    )
    .bind(tenant.0)
    .fetch_all(pool)
    .await
    .expect("the tickets");
    outcome.tickets = rows
        .iter()
        .map(|row| {
            let state = if ordered { format!(", {}", row.get::<String, _>("state").replace('_', " ")) } else { String::new() };
            let client = clients.get(&row.get("client_id")).cloned().unwrap_or_else(|| "nobody who wrote".to_owned());
            let name = tickets.get(&Some(row.get("id"))).cloned().unwrap_or_else(|| "nothing".to_owned());
            (name, format!("of the client of {client}, assigned to {}{state}", row.get::<String, _>("assignees")))
        })
        .collect::<BTreeMap<_, _>>();
    let events: i64 =
        sqlx::query_scalar("select count(*) from outbox where tenant_id = $1").bind(tenant.0).fetch_one(pool).await.expect("a count");
    outcome.events = usize::try_from(events).expect("not negative");
    outcome
}

/// What holds in every database: what is broken of it, in words.
const INVARIANTS: &[(&str, &str)] = &[
    ("a logged message without an outcome, an explanation or its message", "select count(*) from inbound_messages i where outcome is null or explanation is null
        or outcome::text <> 'blocked' and 1 <> (select count(*) from messages m where m.tenant_id = i.tenant_id and m.inbound_id = i.id and m.ticket_id = i.ticket_id)"),
    ("a message that was not logged", "select count(*) from messages where inbound_id is null"),
    ("positions with a gap", "select count(*) from (select from messages group by tenant_id, ticket_id having max(position) <> count(*) or min(position) <> 1) x"),
    ("a ticket that does not count its messages", "select count(*) from tickets t
        where message_count <> (select count(*) from messages m where m.tenant_id = t.tenant_id and m.ticket_id = t.id)"),
    ("versions with a gap, or not those of the ticket", "select count(*) from tickets t join
        (select tenant_id, ticket_id, max(version) last, count(*) n from ticket_versions group by 1, 2) v on v.tenant_id = t.tenant_id and v.ticket_id = t.id
        where v.last <> t.version or v.n <> t.version"),
    ("a ticket whose last version says otherwise", "select count(*) from tickets t join ticket_versions v on v.tenant_id = t.tenant_id and v.ticket_id = t.id and v.version = t.version
        where (v.state->>'message_count')::int <> t.message_count or (v.state->>'number')::bigint <> t.ticket_number or v.state->>'client_id' <> t.client_id::text
           or (v.state->>'status_id') <> t.status_id::text"),
    ("an event of a version that is not there, or twice", "select count(*) from
        (select o.tenant_id, o.ticket_id, o.version, count(*) n from outbox o group by 1, 2, 3) o
        left join ticket_versions v on v.tenant_id = o.tenant_id and v.ticket_id = o.ticket_id and v.version = o.version where v.version is null or o.n <> 1"),
    ("a version that nobody is told of", "select count(*) from ticket_versions v
        where not exists (select from outbox o where o.tenant_id = v.tenant_id and o.ticket_id = v.ticket_id and o.version = v.version)"),
    ("a Message-ID without a ticket", "select count(*) from message_ids where ticket_id is null"),
    ("an external id without its client, or a client without one", "select count(*) from clients c
        where not exists (select from client_external_ids e where e.tenant_id = c.tenant_id and e.client_id = c.id)"),
    ("two tickets with one number", "select count(*) from (select from tickets group by tenant_id, ticket_number having count(*) > 1) x"),
    ("a counter that is behind", "select count(*) from ticket_counters c where last_number < (select max(ticket_number) from tickets t where t.tenant_id = c.tenant_id)"),
];

/// What is broken, whatever came.
pub async fn broken(pool: &PgPool) -> Vec<String> {
    let mut broken = Vec::new();
    for (what, question) in INVARIANTS {
        let count: i64 = sqlx::query_scalar(*question).fetch_one(pool).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        if count > 0 {
            broken.push(format!("{what}: {count}"));
        }
    }
    broken
}
