//! Random messages, merges and un-merges, beside a model that knows nothing of the code: the same
//! clients, tickets and authors come out, and what is merged and un-merged is as it was.

use std::collections::HashMap;

use rand::rngs::ChaCha20Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sqlx::PgPool;
use switchboard_common::domain::inbound::Channel;
use switchboard_common::ids::ClientId;
use switchboard_router::clients::command::{merge_clients, unmerge_client};
use uuid::Uuid;

use crate::clients::chat;
use crate::desk::{Desk, MIGRATIONS, Mail};

/// What the model knows: clients are numbers.
#[derive(Default)]
struct Model {
    owners: HashMap<String, usize>,
    merged_into: Vec<Option<usize>>,
    /// The client of each ticket.
    tickets: Vec<usize>,
    /// Each message's author and ticket.
    messages: Vec<(usize, usize)>,
}

impl Model {
    fn root(&self, mut client: usize) -> usize {
        while let Some(into) = self.merged_into[client] {
            client = into;
        }
        client
    }

    /// Who wrote: the owner of the first key, or the one client whom the others lead to.
    fn writer(&self, keys: &[String]) -> Option<usize> {
        if let Some(owner) = self.owners.get(&keys[0]) {
            return Some(*owner);
        }
        let digits = |key: &String| Some(key.strip_prefix("phone:+").or(key.strip_prefix("whatsapp:"))?.to_owned());
        let same = keys.iter().filter_map(digits).flat_map(|digits| [format!("phone:+{digits}"), format!("whatsapp:{digits}")]);
        let wanted: Vec<String> = keys[1..].iter().cloned().chain(same).collect();
        let owners: Vec<usize> = wanted.iter().filter_map(|key| self.owners.get(key).copied()).collect();
        let first = owners.first()?;
        owners.iter().all(|owner| self.root(*owner) == self.root(*first)).then_some(*first)
    }

    /// A message by somebody with these keys, in answer to another.
    fn message(&mut self, keys: &[String], parent: Option<usize>) {
        let writer = self.writer(keys).unwrap_or_else(|| {
            self.merged_into.push(None);
            self.merged_into.len() - 1
        });
        for key in keys {
            self.owners.entry(key.clone()).or_insert(writer);
        }
        let ticket = parent.map(|parent| self.messages[parent].1).filter(|ticket| self.root(self.tickets[*ticket]) == self.root(writer));
        let ticket = ticket.unwrap_or_else(|| {
            self.tickets.push(writer);
            self.tickets.len() - 1
        });
        self.messages.push((writer, ticket));
    }

    fn is(&self, merged: bool) -> Vec<usize> {
        (0..self.merged_into.len()).filter(|client| self.merged_into[*client].is_some() == merged).collect()
    }
}

/// The keys of somebody who writes, and how: few people on several channels.
fn keys(random: &mut ChaCha20Rng) -> (Channel, Vec<String>) {
    let ways: [(Channel, &[&str]); 6] = [
        (Channel::Email, &["email"]),
        (Channel::Email, &["email"]),
        (Channel::Sms, &["phone"]),
        (Channel::Whatsapp, &["whatsapp"]),
        (Channel::Whatsapp, &["whatsapp", "phone"]),
        (Channel::Sms, &["phone", "email"]),
    ];
    let (channel, kinds) = ways.choose(random).expect("a way");
    let key = |kind: &&str| match *kind {
        "email" => format!("email:p{}@example.org", random.random_range(0..6)),
        "phone" => format!("phone:+1555000000{}", random.random_range(0..4)),
        _ => format!("whatsapp:1555000000{}", random.random_range(0..4)),
    };
    (*channel, kinds.iter().map(key).collect())
}

fn mail(desk: &Desk, channel: Channel, keys: &[String], n: usize, parent: Option<usize>) -> Mail {
    let id = format!("m{n}");
    let mail = match channel {
        Channel::Email => desk.mail(keys[0].trim_start_matches("email:"), &id),
        _ => chat(desk, channel, &keys.iter().map(String::as_str).collect::<Vec<_>>(), &id),
    };
    let parent = parent.map(|parent| format!("m{parent}"));
    mail.refers_to(&parent.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The client that a client of the model is in the database, by one of its keys.
async fn client(desk: &Desk, model: &Model, number: usize) -> ClientId {
    let key = model.owners.iter().find(|(_, owner)| **owner == number).expect("each has a key").0;
    let id: Uuid = sqlx::query_scalar("select client_id from client_external_ids where type || ':' || value = $1")
        .bind(key)
        .fetch_one(&desk.pool)
        .await
        .expect("a client");
    ClientId(id)
}

/// Everything that is stored but for the record of merges, and when a client was touched last.
async fn dump(desk: &Desk) -> Vec<String> {
    let tables = [
        "clients",
        "client_external_ids",
        "client_contacts",
        "tickets",
        "ticket_versions",
        "ticket_links",
        "messages",
        "message_ids",
        "inbound_messages",
        "ambiguities",
        "ambiguity_candidates",
        "outbox",
    ];
    let mut rows = Vec::new();
    for table in tables {
        let decided = "'decided_at', 'decided_by', 'merge_id', 'updated_at'";
        let sql = format!("select '{table} ' || (to_jsonb(t) - array[{decided}])::text from {table} t order by 1");
        rows.extend(sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(sql)).fetch_all(&desk.pool).await.expect("rows"));
    }
    rows
}

/// The same clients, tickets and authors, whatever their ids.
async fn assert_same(desk: &Desk, model: &Model) {
    let rows: Vec<(String, Uuid, Uuid, Uuid)> = sqlx::query_as(
        "select i.payload->>'message_id', m.author_client_id, m.ticket_id, t.client_id
         from messages m join inbound_messages i on i.id = m.inbound_id join tickets t on t.id = m.ticket_id",
    )
    .fetch_all(&desk.pool)
    .await
    .expect("the messages");
    assert_eq!(rows.len(), model.messages.len());
    let (mut clients, mut tickets) = (HashMap::new(), HashMap::new());
    for (id, author, ticket, ticket_client) in rows {
        let n: usize = id[1..].parse().expect("a number");
        let (writer, on) = model.messages[n];
        assert_eq!(*clients.entry(writer).or_insert(author), author, "the author of {id}");
        assert_eq!(*tickets.entry(on).or_insert(ticket), ticket, "the ticket of {id}");
        assert_eq!(*clients.entry(model.tickets[on]).or_insert(ticket_client), ticket_client, "the client of the ticket of {id}");
    }
    let distinct = |ids: Vec<Uuid>| ids.into_iter().collect::<std::collections::HashSet<_>>().len();
    assert_eq!(distinct(clients.values().copied().collect()), clients.len());
    assert_eq!(distinct(tickets.values().copied().collect()), model.tickets.len());
    assert_eq!(desk.count("clients").await, i64::try_from(model.merged_into.len()).expect("few"));
}

#[sqlx::test(migrator = "MIGRATIONS")]
async fn whatever_is_merged_and_un_merged_the_clients_tickets_and_authors_are_those_of_the_model(pool: PgPool) {
    let seed: u64 = rand::make_rng::<ChaCha20Rng>().random();
    println!("seed {seed}");
    let random = &mut ChaCha20Rng::seed_from_u64(seed);
    let (desk, mut model) = (Desk::new(pool).await, Model::default());
    let mut dumped = 0;
    for _ in 0..90 {
        let (roots, merged) = (model.is(false), model.is(true));
        match random.random_range(0..10) {
            0..6 => {
                let batch: Vec<Mail> = (0..random.random_range(1..5))
                    .map(|_| {
                        let (channel, keys) = keys(random);
                        let n = model.messages.len();
                        let parent = (n > 0 && random.random_bool(0.6)).then(|| random.random_range(0..n));
                        model.message(&keys, parent);
                        mail(&desk, channel, &keys, n, parent)
                    })
                    .collect();
                desk.route(&batch).await.expect("routed");
            }
            6 if !merged.is_empty() => {
                let from = *merged.choose(random).expect("one");
                let id = client(&desk, &model, from).await;
                unmerge_client(&desk.pool, &desk.ambient, desk.tenant, id, None).await.expect("un-merged");
                model.merged_into[from] = None;
            }
            _ if roots.len() > 1 => {
                let two: Vec<usize> = roots.sample(random, 2).copied().collect();
                let (from, into) = (client(&desk, &model, two[0]).await, client(&desk, &model, two[1]).await);
                let before = dump(&desk).await;
                merge_clients(&desk.pool, &desk.ambient, desk.tenant, (from, into), None, None).await.expect("merged");
                model.merged_into[two[0]] = Some(two[1]);
                if random.random_bool(0.5) {
                    unmerge_client(&desk.pool, &desk.ambient, desk.tenant, from, None).await.expect("un-merged");
                    model.merged_into[two[0]] = None;
                    assert_eq!(dump(&desk).await, before, "un-merged is as it was");
                    dumped += 1;
                }
            }
            _ => {}
        }
    }
    assert_same(&desk, &model).await;
    assert!(dumped > 0 && model.messages.len() > 50, "{dumped} {}", model.messages.len());
}
