//! The rows that the router wrote for each message, as the floors write them again: whatever tables
//! and columns there are, so that a floor writes no less than the router.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgPool, Row};
use uuid::Uuid;

/// Tables that are no part of what a message comes to.
const LEFT_OUT: [&str; 2] = ["_sqlx_migrations", "probes"];
/// Not a message's own: it is counted up.
pub const COUNTERS: &str = "ticket_counters";

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    Uuid(Option<Uuid>),
    Int(Option<i32>),
    Big(Option<i64>),
    Bool(Option<bool>),
    Time(Option<DateTime<Utc>>),
    /// Everything else, as PostgreSQL writes it.
    Text(Option<String>),
}

impl Cell {
    fn is_null(&self) -> bool {
        matches!(self, Self::Uuid(None) | Self::Int(None) | Self::Big(None) | Self::Bool(None) | Self::Time(None) | Self::Text(None))
    }
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// The type, as PostgreSQL names it.
    pub kind: String,
    /// The type that its values travel in.
    pub carrier: &'static str,
}

/// A table with the columns that are written.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The places of the primary key.
    pub key: Vec<usize>,
    /// The places of the columns that a change writes.
    pub changed: Vec<usize>,
}

impl Table {
    fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|candidate| candidate.name == column)
    }

    fn key_of(&self, row: &[Cell]) -> Vec<Cell> {
        self.key.iter().map(|place| row[*place].clone()).collect()
    }

    async fn rows(&self, pool: &PgPool) -> BTreeMap<Vec<Cell>, Vec<Cell>> {
        let columns: Vec<String> = self.columns.iter().map(|column| format!("{}::{}", column.name, column.carrier)).collect();
        let rows = sqlx::query(AssertSqlSafe(format!("select {} from {}", columns.join(", "), self.name)));
        let rows = rows.fetch_all(pool).await.expect("the rows");
        rows.iter().map(|row| self.read(row)).map(|row| (self.key_of(&row), row)).collect()
    }

    fn read(&self, row: &PgRow) -> Vec<Cell> {
        let cell = |(place, column): (usize, &Column)| match column.carrier {
            "uuid" => Cell::Uuid(row.get(place)),
            "int" => Cell::Int(row.get(place)),
            "bigint" => Cell::Big(row.get(place)),
            "bool" => Cell::Bool(row.get(place)),
            "timestamptz" => Cell::Time(row.get(place)),
            _ => Cell::Text(row.get(place)),
        };
        self.columns.iter().enumerate().map(cell).collect()
    }
}

/// A row of the table with this place in [`Recorded::tables`].
pub type Placed = (usize, Vec<Cell>);

/// The rows of a table that were inserted, and those that were updated.
type News = (Vec<Vec<Cell>>, Vec<Vec<Cell>>);

/// What one message comes to.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// New rows, in the order of the tables.
    pub inserted: Vec<Placed>,
    /// Rows that it changes.
    pub updated: Vec<Placed>,
    /// The tenants whose ticket counter it moves.
    pub opened: Option<Uuid>,
}

/// What every message comes to.
pub struct Recorded {
    /// The tables, each after those that it refers to.
    pub tables: Vec<Table>,
    /// By external id.
    pub messages: HashMap<String, Written>,
}

/// Compares a database that the router wrote to with the one that it began with.
pub async fn record(before: &PgPool, after: &PgPool) -> Recorded {
    let mut tables = Vec::new();
    let mut news: Vec<News> = Vec::new();
    for mut table in tables_of(after).await.into_iter().filter(|table| table.name != COUNTERS) {
        let (old, mut new) = (table.rows(before).await, table.rows(after).await);
        new.retain(|key, row| old.get(key) != Some(row));
        let (updated, inserted): (Vec<_>, Vec<_>) = new.into_iter().partition(|(key, _)| old.contains_key(key));
        if updated.is_empty() && inserted.is_empty() {
            continue;
        }
        let changes = |place: &usize| updated.iter().any(|(key, row)| old[key][*place] != row[*place]);
        table.changed = (0..table.columns.len()).filter(changes).collect();
        tables.push(table);
        news.push((inserted.into_iter().map(|(_, row)| row).collect(), updated.into_iter().map(|(_, row)| row).collect()));
    }
    for (table, (inserted, updated)) in tables.iter_mut().zip(&mut news) {
        leave_out_nulls(table, inserted, updated);
    }
    let messages = assign(&tables, news);
    Recorded { tables, messages }
}

/// Columns that no row has a value for need not be written.
fn leave_out_nulls(table: &mut Table, inserted: &mut [Vec<Cell>], updated: &mut [Vec<Cell>]) {
    let used =
        |place: usize, changed: &[usize]| changed.contains(&place) || inserted.iter().chain(&*updated).any(|row| !row[place].is_null());
    let used: Vec<bool> = (0..table.columns.len()).map(|place| used(place, &table.changed)).collect();
    let moved = |place: usize| used[..place].iter().filter(|used| **used).count();
    for places in [&mut table.key, &mut table.changed] {
        for place in places {
            *place = moved(*place);
        }
    }
    let mut kept = used.iter();
    table.columns.retain(|_| kept.next() == Some(&true));
    for row in inserted.iter_mut().chain(updated) {
        let mut kept = used.iter();
        row.retain(|_| kept.next() == Some(&true));
    }
}

/// Gives each row to the message that led to it: no two messages are about one ticket, or one new client.
fn assign(tables: &[Table], news: Vec<News>) -> HashMap<String, Written> {
    let at = |name: &str| tables.iter().position(|table| table.name == name).unwrap_or_else(|| panic!("nothing was written to {name}"));
    let value = |table: usize, row: &[Cell], column: &str| tables[table].place(column).map(|place| row[place].clone());
    let (log, tickets) = (at("inbound_messages"), at("tickets"));
    let mut by_ticket = HashMap::new();
    let mut by_client = HashMap::new();
    let mut messages: HashMap<String, Written> = HashMap::new();
    for row in &news[log].0 {
        let Some(Cell::Text(Some(id))) = value(log, row, "external_id") else { panic!("a logged message has no external id") };
        by_ticket.insert(value(log, row, "ticket_id").expect("a ticket"), id);
    }
    for row in &news[tickets].0 {
        let ticket = value(tickets, row, "id").expect("an id");
        let Some(Cell::Uuid(tenant)) = value(tickets, row, "tenant_id") else { panic!("a ticket has no tenant") };
        by_client.insert(value(tickets, row, "client_id").expect("a client"), by_ticket[&ticket].clone());
        messages.entry(by_ticket[&ticket].clone()).or_default().opened = tenant;
    }
    for (table, (inserted, updated)) in news.into_iter().enumerate() {
        let (ticket, client) = match tables[table].name.as_str() {
            "tickets" => ("id", ""),
            "clients" => ("", "id"),
            _ => ("ticket_id", "client_id"),
        };
        let owner = |row: &[Cell]| {
            let message = value(table, row, ticket).and_then(|id| by_ticket.get(&id));
            let message = message.or_else(|| value(table, row, client).and_then(|id| by_client.get(&id)));
            message.unwrap_or_else(|| panic!("a row of {} belongs to no message: {row:?}", tables[table].name)).clone()
        };
        for row in inserted {
            messages.entry(owner(&row)).or_default().inserted.push((table, row));
        }
        for row in updated {
            messages.entry(owner(&row)).or_default().updated.push((table, row));
        }
    }
    messages
}

/// Every table of the desk with a primary key, each after those that it refers to.
async fn tables_of(pool: &PgPool) -> Vec<Table> {
    let columns: Vec<(String, String, String, bool)> = sqlx::query_as(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), coalesce(a.attnum = any (k.conkey), false)
         from pg_class c
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
         left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attname not in ('created_at', 'updated_at')
         order by c.relname, a.attnum",
    )
    .fetch_all(pool)
    .await
    .expect("the columns");
    let refers: Vec<(String, String)> = sqlx::query_as(
        "select r.relname, t.relname from pg_constraint k join pg_class r on r.oid = k.conrelid join pg_class t on t.oid = k.confrelid
         where k.contype = 'f' and r.oid <> t.oid and not k.condeferrable and r.relname <> 'tenants'",
    )
    .fetch_all(pool)
    .await
    .expect("the foreign keys");
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for (name, column, kind, in_key) in columns.into_iter().filter(|(name, ..)| !LEFT_OUT.contains(&name.as_str())) {
        let table = tables.entry(name.clone()).or_insert_with(|| Table { name, columns: Vec::new(), key: Vec::new(), changed: Vec::new() });
        if in_key {
            table.key.push(table.columns.len());
        }
        let carrier = match kind.as_str() {
            "uuid" => "uuid",
            "integer" => "int",
            "bigint" => "bigint",
            "boolean" => "bool",
            "timestamp with time zone" => "timestamptz",
            _ => "text",
        };
        table.columns.push(Column { name: column, kind, carrier });
    }
    let (mut ordered, mut done) = (Vec::new(), BTreeSet::new());
    while !tables.is_empty() {
        let waits = |name: &str| refers.iter().any(|(from, to)| from == name && tables.contains_key(to) && !done.contains(to));
        let next = tables.keys().find(|name| !waits(name)).cloned().expect("no tables refer to each other but tenants and users");
        ordered.extend(tables.remove(&next));
        done.insert(next);
    }
    ordered
}
