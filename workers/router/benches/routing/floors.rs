//! What writing alone costs: the rows that the router wrote, known beforehand, and nothing decided.
//!
//! Both floors read no message and no row. They take messages from the same queue through the same
//! port, write the rows of each, and ack.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, Postgres};
use switchboard_common::broker::{Broker, Consumer, Queue};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rows::{COUNTERS, Cell, Column, Placed, Recorded, Table, Written};

type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// Transactions of the first floor that are under way at once where they are not alone, each on a
/// connection of its own.
pub const IN_FLIGHT: usize = 16;

/// How the first floor writes the rows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One statement a row, between begin and commit.
    Statements,
    /// One statement in which each row is a part.
    OneStatement,
}

/// What a floor knows: the tables, and by the id of each queued message its rows.
pub struct Known {
    tables: Vec<Table>,
    /// For each table, how a row is inserted and how one is updated.
    statements: Vec<(Arc<str>, Arc<str>)>,
    /// With the statement that writes all of it.
    messages: HashMap<Uuid, (Written, Arc<str>)>,
}

impl Known {
    /// `ids` names the queued message of each external id.
    pub fn new(recorded: &Recorded, ids: &HashMap<String, Uuid>) -> Self {
        let mut wholes: HashSet<Arc<str>> = HashSet::new();
        let mut with_whole = |written: &Written| {
            let whole: Arc<str> = whole(&recorded.tables, written).into();
            wholes.insert(Arc::clone(&whole));
            (written.clone(), wholes.get(&whole).map_or(whole, Arc::clone))
        };
        let messages = recorded.messages.iter().map(|(external, written)| (ids[external], with_whole(written))).collect();
        let both = |table: &Table| (insert(table, &mut 0).into(), update(table, &mut 0).into());
        Self { tables: recorded.tables.clone(), statements: recorded.tables.iter().map(both).collect(), messages }
    }

    async fn write(&self, pool: &PgPool, id: Uuid, style: Style) -> sqlx::Result<()> {
        let (written, whole) = &self.messages[&id];
        let updated = |(table, row): &'_ Placed| -> Vec<Cell> {
            let Table { key, changed, .. } = &self.tables[*table];
            key.iter().chain(changed).map(|place| row[*place].clone()).collect()
        };
        if style == Style::OneStatement {
            let updated: Vec<Cell> = written.updated.iter().flat_map(updated).collect();
            let cells = written.inserted.iter().flat_map(|(_, row)| row).chain(&updated);
            let query = bind_cells(sqlx::query(AssertSqlSafe(Arc::clone(whole))), cells);
            let query = if let Some(tenant) = written.opened { query.bind(tenant) } else { query };
            return query.execute(pool).await.map(drop);
        }
        let mut transaction = pool.begin().await?;
        for (table, row) in &written.inserted {
            let insert = AssertSqlSafe(Arc::clone(&self.statements[*table].0));
            bind_cells(sqlx::query(insert), row).execute(&mut *transaction).await?;
        }
        for placed in &written.updated {
            let update = AssertSqlSafe(Arc::clone(&self.statements[placed.0].1));
            bind_cells(sqlx::query(update), &updated(placed)).execute(&mut *transaction).await?;
        }
        if let Some(tenant) = written.opened {
            sqlx::query(AssertSqlSafe(count_up(1))).bind(tenant).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

/// One transaction a message, so many at once.
pub async fn one_by_one(broker: &dyn Broker, pool: &PgPool, known: Arc<Known>, count: usize, (style, at_once): (Style, usize)) {
    let mut consumer = broker.consumer(Queue::Inbound, 2 * at_once).await.expect("a consumer");
    let (mut writing, mut done) = (JoinSet::new(), 0);
    while done < count {
        let room = at_once - writing.len();
        tokio::select! {
            batch = consumer.next_batch(room), if room > 0 => {
                for message in batch.expect("messages") {
                    let (pool, known) = (pool.clone(), Arc::clone(&known));
                    writing.spawn(async move {
                        known.write(&pool, message.id, style).await.expect("written");
                        message.tag
                    });
                }
            }
            Some(tag) = writing.join_next() => {
                let mut tags = vec![tag.expect("no panic")];
                while let Some(tag) = writing.try_join_next() {
                    tags.push(tag.expect("no panic"));
                }
                done += tags.len();
                consumer.ack(&tags).await.expect("acked");
            }
        }
    }
    consumer.close().await.expect("closed");
}

/// As many messages a transaction as have arrived, up to `most`: one statement a table, by unnest.
/// Returns how many transactions that took.
pub async fn batches(broker: &dyn Broker, pool: &PgPool, known: &Known, count: usize, most: usize) -> usize {
    let mut consumer: Box<dyn Consumer> = broker.consumer(Queue::Inbound, 2 * most).await.expect("a consumer");
    let (mut done, mut transactions) = (0, 0);
    while done < count {
        let batch = consumer.next_batch(most).await.expect("messages");
        let written: Vec<&Written> = batch.iter().map(|message| &known.messages[&message.id].0).collect();
        write_batch(pool, &known.tables, &written).await.expect("written");
        let tags: Vec<u64> = batch.iter().map(|message| message.tag).collect();
        consumer.ack(&tags).await.expect("acked");
        done += tags.len();
        transactions += 1;
    }
    consumer.close().await.expect("closed");
    transactions
}

/// Inserts a row; its values are the parameters after `bound`.
fn insert(table: &Table, bound: &mut usize) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let values: Vec<String> = table.columns.iter().map(|column| parameter(column, bound)).collect();
    format!("insert into {} ({}) values ({})", table.name, names.join(", "), values.join(", "))
}

/// Updates a row; its key and what changes are the parameters after `bound`.
fn update(table: &Table, bound: &mut usize) -> String {
    let mut equals = |place: &usize| format!("{} = {}", table.columns[*place].name, parameter(&table.columns[*place], bound));
    let of: Vec<String> = table.key.iter().map(&mut equals).collect();
    let set: Vec<String> = table.changed.iter().map(&mut equals).collect();
    format!("update {} set {} where {}", table.name, set.join(", "), of.join(" and "))
}

fn parameter(column: &Column, bound: &mut usize) -> String {
    *bound += 1;
    format!("${bound}::{}::{}", column.carrier, column.kind)
}

fn count_up(parameter: usize) -> String {
    format!("update {COUNTERS} set last_number = last_number + 1 where tenant_id = ${parameter}")
}

/// The statement that writes all rows of a message, each as a part. It depends on which tables they
/// are of, so there are but a few of them.
fn whole(tables: &[Table], written: &Written) -> String {
    let mut bound = 0;
    let mut parts: Vec<String> = written.inserted.iter().map(|(table, _)| insert(&tables[*table], &mut bound)).collect();
    parts.extend(written.updated.iter().map(|(table, _)| update(&tables[*table], &mut bound)));
    parts.extend(written.opened.map(|_| count_up(bound + 1)));
    let last = parts.pop().unwrap_or_default();
    let parts: Vec<String> = parts.iter().enumerate().map(|(n, part)| format!("p{n} as ({part})")).collect();
    if parts.is_empty() { last } else { format!("with {} {last}", parts.join(", ")) }
}

fn bind_cells<'q>(mut query: Bound<'q>, cells: impl IntoIterator<Item = &'q Cell>) -> Bound<'q> {
    for cell in cells {
        query = match cell {
            Cell::Uuid(value) => query.bind(value),
            Cell::Int(value) => query.bind(value),
            Cell::Big(value) => query.bind(value),
            Cell::Bool(value) => query.bind(value),
            Cell::Time(value) => query.bind(value),
            Cell::Text(value) => query.bind(value.as_deref()),
        };
    }
    query
}

async fn write_batch(pool: &PgPool, tables: &[Table], written: &[&Written]) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    for (place, table) in tables.iter().enumerate() {
        let of = |placed: fn(&Written) -> &Vec<Placed>| -> Vec<&[Cell]> {
            let rows = written.iter().flat_map(|written| placed(written));
            rows.filter(|(table, _)| *table == place).map(|(_, row)| row.as_slice()).collect()
        };
        let (inserted, mut updated) = (of(|written| &written.inserted), of(|written| &written.updated));
        let all: Vec<usize> = (0..table.columns.len()).collect();
        if !inserted.is_empty() {
            let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            let statement =
                format!("insert into {} ({}) select {} from {}", table.name, names.join(", "), cast(table, &all), unnest(table, &all));
            bind_columns(sqlx::query(AssertSqlSafe(statement)), &inserted, &all).execute(&mut *transaction).await?;
        }
        if !updated.is_empty() {
            updated.sort_by_key(|row| table.key.iter().map(|place| &row[*place]).collect::<Vec<_>>());
            let places: Vec<usize> = table.key.iter().chain(&table.changed).copied().collect();
            let equal = |place: &usize| {
                let column = &table.columns[*place];
                (column.name.as_str(), format!("u.{}::{}", column.name, column.kind))
            };
            let set: Vec<String> = table.changed.iter().map(equal).map(|(name, new)| format!("{name} = {new}")).collect();
            let of: Vec<String> = table.key.iter().map(equal).map(|(name, key)| format!("t.{name} = {key}")).collect();
            let from = unnest(table, &places);
            let statement = format!("update {} t set {} from {from} where {}", table.name, set.join(", "), of.join(" and "));
            bind_columns(sqlx::query(AssertSqlSafe(statement)), &updated, &places).execute(&mut *transaction).await?;
        }
    }
    let mut opened: BTreeMap<Uuid, i64> = BTreeMap::new();
    for tenant in written.iter().filter_map(|written| written.opened) {
        *opened.entry(tenant).or_default() += 1;
    }
    let (tenants, counts): (Vec<Uuid>, Vec<i64>) = opened.into_iter().unzip();
    let count = "update ticket_counters c set last_number = c.last_number + u.n from unnest($1::uuid[], $2::bigint[]) as u (tenant_id, n)
                 where c.tenant_id = u.tenant_id";
    sqlx::query(count).bind(tenants).bind(counts).execute(&mut *transaction).await?;
    transaction.commit().await
}

fn cast(table: &Table, places: &[usize]) -> String {
    let column = |place: &usize| format!("u.{}::{}", table.columns[*place].name, table.columns[*place].kind);
    places.iter().map(column).collect::<Vec<_>>().join(", ")
}

fn unnest(table: &Table, places: &[usize]) -> String {
    let arrays: Vec<String> = (1..).zip(places).map(|(n, place)| format!("${n}::{}[]", table.columns[*place].carrier)).collect();
    let names: Vec<&str> = places.iter().map(|place| table.columns[*place].name.as_str()).collect();
    format!("unnest({}) as u ({})", arrays.join(", "), names.join(", "))
}

/// Binds each of these columns as an array.
fn bind_columns<'q>(mut query: Bound<'q>, rows: &[&'q [Cell]], places: &[usize]) -> Bound<'q> {
    macro_rules! array {
        ($cell:ident, $place:expr) => {
            rows.iter().map(|row| if let Cell::$cell(value) = &row[$place] { value.clone() } else { None }).collect::<Vec<_>>()
        };
    }
    for place in places.iter().copied() {
        query = match rows[0][place] {
            Cell::Uuid(_) => query.bind(array!(Uuid, place)),
            Cell::Int(_) => query.bind(array!(Int, place)),
            Cell::Big(_) => query.bind(array!(Big, place)),
            Cell::Bool(_) => query.bind(array!(Bool, place)),
            Cell::Time(_) => query.bind(array!(Time, place)),
            Cell::Text(_) => {
                let text = |row: &&'q [Cell]| if let Cell::Text(value) = &row[place] { value.as_deref() } else { None };
                query.bind(rows.iter().map(text).collect::<Vec<_>>())
            }
        };
    }
    query
}
