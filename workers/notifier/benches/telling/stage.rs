//! Where the notifier runs: a database that is copied for each round, with tickets and with the events
//! that are to be told of in its queue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::{Broker, Queue};
use switchboard_common::db::tickets::{self, MessageDirection, MessageKind, MessageRow, TicketRow, VersionRow};
use switchboard_common::db::{connect, outbox, signing_keys};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::inbound::Trust;
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::envelope;
use switchboard_common::ids::{AccountId, ClientId, PriorityId, StatusId, TenantId, TicketId, UserId};
use uuid::Uuid;

/// How many mails each ticket leads to: to its assignee and its client when it is opened, and the answer to the client.
pub const MAILS: usize = 3;
/// Among so many the tickets are dealt out: what one of them is told is no storm.
const AGENTS: usize = 10;
const TEMPLATE: &str = "telling_before";

/// The server, the database that each run begins with, and the events.
pub struct Stage {
    options: PgConnectOptions,
    admin: PgPool,
    ambient: Ambient,
    events: Vec<Event>,
}

/// A run: a database of its own, and all events in its queue.
pub struct Run {
    name: String,
    pub pool: PgPool,
    pub broker: Arc<dyn Broker>,
}

/// Whose desk it is, and what its rows refer to.
struct Desk {
    tenant: TenantId,
    account: AccountId,
    status: StatusId,
    priority: PriorityId,
    agents: Vec<UserId>,
}

impl Desk {
    /// Who answers for a ticket.
    fn agent(&self, n: usize) -> UserId {
        self.agents[n % AGENTS]
    }
}

impl Stage {
    /// Builds a desk with so many tickets. `server` is where databases can be made.
    pub async fn build(server: &str, count: usize) -> Self {
        let options: PgConnectOptions = server.parse().expect("the URL of a server");
        let admin = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await.expect("a server");
        let mut stage = Self { options, admin, ambient: Ambient::system(), events: Vec::new() };
        stage.say(&format!("drop database if exists {TEMPLATE}")).await;
        stage.say(&format!("create database {TEMPLATE}")).await;
        let pool = stage.connect(TEMPLATE);
        connect::migrate(pool.connect_options().as_ref()).await.expect("migrated");
        stage.events = fill(&pool, &stage.ambient, count).await;
        sqlx::raw_sql("vacuum analyze").execute(&pool).await.expect("analysed");
        pool.close().await;
        stage
    }

    /// A new run.
    pub async fn run(&self, name: &str) -> Run {
        self.say(&format!("drop database if exists {name}")).await;
        self.say(&format!("create database {name} template {TEMPLATE} strategy file_copy")).await;
        let pool = self.connect(name);
        let broker = Arc::new(PostgresBroker::new(pool.clone(), self.ambient.clone(), Limits::default()));
        for part in self.events.chunks(256) {
            let sealed = part.iter().map(|event| envelope::seal(event.id.0, event).expect("sealed")).collect();
            broker.publish(Queue::Events, sealed).await.expect("published");
        }
        self.say("checkpoint").await;
        Run { name: name.to_owned(), pool, broker }
    }

    /// What a run has written up to now is on disk, and its sizes are known, as they are where it was written long ago.
    pub async fn settle(&self, run: &Run) {
        sqlx::raw_sql("vacuum analyze").execute(&run.pool).await.expect("analysed");
        self.say("checkpoint").await;
    }

    /// Ends a run and drops its database.
    pub async fn drop(&self, run: Run) {
        let Run { name, pool, broker } = run;
        broker.close().await;
        drop(broker);
        pool.close().await;
        self.say(&format!("drop database {name} with (force)")).await;
    }

    /// How safe a commit is.
    pub async fn durability(&self) -> String {
        let mut settings = Vec::new();
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value: String = sqlx::query_scalar(AssertSqlSafe(format!("show {name}"))).fetch_one(&self.admin).await.expect("shown");
            settings.push(format!("{name} {value}"));
        }
        settings.join(", ")
    }

    fn connect(&self, database: &str) -> PgPool {
        connect::pool(self.options.clone().database(database), 24)
    }

    async fn say(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.admin).await.expect("done");
    }
}

async fn fill(pool: &PgPool, ambient: &Ambient, count: usize) -> Vec<Event> {
    let desk = add_desk(pool, ambient).await;
    let now = ambient.now();
    let mut connection = pool.acquire().await.expect("a connection");
    let (mut events, mut rows, mut versions, mut messages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let clients: Vec<ClientId> = (0..count).map(|_| ambient.new_id()).collect();
    add_clients(pool, &desk, &clients).await;
    for (n, client) in clients.iter().enumerate() {
        let id: TicketId = ambient.new_id();
        let asked = message(&desk, ambient, id, 1, Actor::Client(*client), n, now);
        let answered = message(&desk, ambient, id, 2, Actor::User(desk.agent(n)), n, now);
        for (version, message) in [(1, &asked), (2, &answered)] {
            let state = snapshot(&desk, *client, n, version);
            versions.push(VersionRow {
                tenant_id: desk.tenant,
                ticket_id: id,
                version,
                actor: message.author,
                changes: vec!["a message".to_owned()],
                state,
                changed_at: now,
            });
            let kind = if version == 1 { EventKind::TicketCreated } else { EventKind::MessageAdded };
            events.push(Event {
                id: ambient.new_id(),
                tenant_id: desk.tenant,
                kind,
                ticket_id: id,
                version,
                message_id: Some(message.id),
                delivery_id: None,
                assigned: Vec::new(),
                actor: message.author,
                occurred_at: now,
                arrived_at: Some(now),
                trace: None,
            });
        }
        let state = snapshot(&desk, *client, n, 2);
        rows.push(TicketRow { tenant_id: desk.tenant, id, version: 2, state, key_salt: "salt".to_owned(), people_changed: true });
        messages.extend([asked, answered]);
    }
    for part in rows.chunks(500) {
        tickets::insert(&mut connection, part).await.expect("tickets");
    }
    for part in versions.chunks(500) {
        tickets::add_versions(&mut connection, part).await.expect("versions");
    }
    for part in messages.chunks(500) {
        tickets::add_messages(&mut connection, part).await.expect("messages");
    }
    for part in events.chunks(500) {
        outbox::add(&mut connection, part, now).await.expect("events");
    }
    // Nobody publishes here what is in the queue already.
    sqlx::query("update outbox set publish_at = now() + interval '1 day', published_at = now()").execute(pool).await.expect("published");
    events
}

async fn add_desk(pool: &PgPool, ambient: &Ambient) -> Desk {
    let desk = Desk {
        tenant: ambient.new_id(),
        account: ambient.new_id(),
        status: ambient.new_id(),
        priority: ambient.new_id(),
        agents: (0..AGENTS).map(|_| ambient.new_id()).collect(),
    };
    let statements = [
        ("insert into tenants (id, name) values ($1, 'acme')", Uuid::nil()),
        (
            "insert into channel_accounts (tenant_id, id, name, channel, address) values ($1, $2, 'support', 'email', 'help@desk.example')",
            desk.account.0,
        ),
        (
            "insert into statuses (tenant_id, id, name, color, state, is_default) values ($1, $2, 'new', '#000000', 'waiting_for_agent', true)",
            desk.status.0,
        ),
        (
            "insert into priorities (tenant_id, id, name, color, position, is_default) values ($1, $2, 'normal', '#000000', 1, true)",
            desk.priority.0,
        ),
        (
            r#"insert into preferences (tenant_id, id, layer, data) values ($1, $2, 'tenant', '{"storm": {"most": 1000, "within": "1m"}}')"#,
            desk.account.0,
        ),
    ];
    for (statement, id) in statements {
        let mut query = sqlx::query(statement).bind(desk.tenant.0);
        if statement.contains("$2") {
            query = query.bind(id);
        }
        query.execute(pool).await.expect("done");
    }
    add_agents(pool, &desk).await;
    signing_keys::ensure(&mut pool.acquire().await.expect("a connection"), desk.tenant, ambient).await.expect("a key");
    desk
}

async fn add_agents(pool: &PgPool, desk: &Desk) {
    let ids: Vec<Uuid> = desk.agents.iter().map(|agent| agent.0).collect();
    for statement in [
        "insert into users (tenant_id, id, handle, name, email)
         select $1, a.id, 'agent' || a.n, 'Agent ' || a.n, 'agent' || a.n || '@desk.example' from unnest($2::uuid[]) with ordinality as a (id, n)",
        "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at)
         select $1, a.id, a.id, 'email', 'agent' || a.n || '@desk.example', now() from unnest($2::uuid[]) with ordinality as a (id, n)",
    ] {
        sqlx::query(statement).bind(desk.tenant.0).bind(&ids).execute(pool).await.expect("agents");
    }
}

async fn add_clients(pool: &PgPool, desk: &Desk, clients: &[ClientId]) {
    let ids: Vec<Uuid> = clients.iter().map(|client| client.0).collect();
    for statement in [
        "insert into clients (tenant_id, id, name) select $1, c.id, 'Client ' || c.n from unnest($2::uuid[]) with ordinality as c (id, n)",
        "insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
         select $1, c.id, c.id, 'email', 'client' || (c.n - 1) || '@client.example', 'mail', 'a bench', false
         from unnest($2::uuid[]) with ordinality as c (id, n)",
    ] {
        sqlx::query(statement).bind(desk.tenant.0).bind(&ids).execute(pool).await.expect("clients");
    }
}

fn snapshot(desk: &Desk, client: ClientId, n: usize, messages: i32) -> TicketSnapshot {
    TicketSnapshot {
        number: i64::try_from(n).expect("few"),
        title: format!("The printer of room {n} is on fire"),
        client_id: client,
        account_id: desk.account,
        department_id: None,
        category_id: None,
        status_id: desk.status,
        state: TicketState::WaitingForAgent,
        priority_id: desk.priority,
        assignees: vec![desk.agent(n)],
        cc: Vec::new(),
        tags: BTreeSet::new(),
        custom_fields: BTreeMap::new(),
        message_count: messages,
        channels: BTreeSet::new(),
        last_message_at: None,
        closed_at: None,
    }
}

fn message(desk: &Desk, ambient: &Ambient, ticket: TicketId, position: i32, by: Actor, n: usize, now: DateTime<Utc>) -> MessageRow {
    let is_client = matches!(by, Actor::Client(_));
    MessageRow {
        tenant_id: desk.tenant,
        id: ambient.new_id(),
        ticket_id: ticket,
        position,
        kind: MessageKind::Public,
        direction: if is_client { MessageDirection::In } else { MessageDirection::Out },
        channel: "email",
        author: by,
        sender_name: None,
        sender_address: Some(if is_client { format!("client{n}@client.example") } else { "agent@desk.example".to_owned() }),
        subject: "The printer is on fire".to_owned(),
        text: "Hello,\n\nsince this morning the printer in our office prints nothing, and it smells of smoke.\nWhat should we do?\n\n"
            .repeat(3),
        full_text: None,
        html: None,
        notice: None,
        trust: Trust::Unverified,
        automatic: None,
        inbound_id: None,
        sent_at: None,
        received_at: now,
        attachments: Vec::new(),
    }
}
