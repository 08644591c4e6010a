//! A small desk: Ada is its client, Grace and Bob answer, root is the administrator.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mail_parser::{Message, MessageParser};
use sqlx::{PgConnection, PgPool, Row};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::{Failure, Handler};
use switchboard_common::db::tickets::{self, MessageDirection, MessageKind, MessageRow, TicketRow, VersionRow};
use switchboard_common::db::{media, outbox, signing_keys};
use switchboard_common::domain::event::{Actor, Event, EventKind};
use switchboard_common::domain::inbound::{InboundAttachment, Trust};
use switchboard_common::domain::ticket::{TicketSnapshot, TicketState};
use switchboard_common::ids::{AccountId, ClientId, DepartmentId, InboundId, MessageId, PriorityId, StatusId, TenantId, TicketId, UserId};
use switchboard_notifier::channels::email::{Sent, Transport};
use switchboard_notifier::deliver::Deliverer;
use switchboard_notifier::plan::Planner;
use uuid::Uuid;

pub const ADA: &str = "ada@example.org";
pub const GRACE: &str = "grace@desk.example";
pub const BOB: &str = "bob@desk.example";
pub const ROOT: &str = "root@desk.example";
pub const DESK: &str = "help@desk.example";
pub const LEASE: Duration = Duration::from_mins(2);

pub struct Desk {
    pub pool: PgPool,
    pub ambient: Ambient,
    pub tenant: TenantId,
    pub account: AccountId,
    pub ada: ClientId,
    pub grace: UserId,
    pub bob: UserId,
    pub root: UserId,
    pub support: DepartmentId,
    status: StatusId,
    priority: PriorityId,
    tickets: Mutex<i64>,
}

/// A ticket with its state as it is now.
pub struct Ticket {
    pub id: TicketId,
    pub version: i32,
    pub state: TicketSnapshot,
}

/// A message to write on a ticket.
pub struct Said<'a> {
    pub by: Actor,
    pub kind: MessageKind,
    pub direction: MessageDirection,
    pub from: &'a str,
    pub message_id: Option<&'a str>,
    pub text: &'a str,
    pub automatic: Option<&'a str>,
    pub files: Vec<(&'a str, &'a [u8])>,
}

impl Desk {
    pub async fn new(pool: PgPool) -> Self {
        Self::with_clock(pool, Ambient::manual(DateTime::from_timestamp(1_800_000_000, 0).expect("a time"), 42)).await
    }

    pub async fn with_clock(pool: PgPool, ambient: Ambient) -> Self {
        Self::named(pool, ambient, "acme", "desk.example").await
    }

    /// A desk among others, with addresses in a domain of its own.
    pub async fn named(pool: PgPool, ambient: Ambient, name: &str, domain: &str) -> Self {
        let id = || ambient.new_id::<Uuid>();
        let desk = Self {
            tenant: TenantId(id()),
            account: AccountId(id()),
            ada: ClientId(id()),
            grace: UserId(id()),
            bob: UserId(id()),
            root: UserId(id()),
            support: DepartmentId(id()),
            status: StatusId(id()),
            priority: PriorityId(id()),
            tickets: Mutex::new(1000),
            pool,
            ambient: ambient.clone(),
        };
        desk.sql("insert into tenants (id, name) values ($1, $2)", &[&desk.tenant.0], &[name]).await;
        desk.sql(
            "insert into channel_accounts (tenant_id, id, name, channel, address, from_name) values ($1, $2, 'support', 'email', $3, 'Example Desk')",
            &[&desk.tenant.0, &desk.account.0],
            &[&format!("help@{domain}")],
        )
        .await;
        desk.sql(
            "insert into statuses (tenant_id, id, name, color, state, is_default) values ($1, $2, 'new', '#000000', 'waiting_for_agent', true)",
            &[&desk.tenant.0, &desk.status.0],
            &[],
        )
        .await;
        desk.sql(
            "insert into priorities (tenant_id, id, name, color, position, is_default) values ($1, $2, 'normal', '#000000', 1, true)",
            &[&desk.tenant.0, &desk.priority.0],
            &[],
        )
        .await;
        desk.sql("insert into departments (tenant_id, id, name) values ($1, $2, 'Support')", &[&desk.tenant.0, &desk.support.0], &[]).await;
        for (id, handle, name) in [(desk.grace, "grace", "Grace Hopper"), (desk.bob, "bob", "Bob Kahn"), (desk.root, "root", "Root")] {
            desk.add_user(id, handle, name, &format!("{handle}@{domain}")).await;
        }
        desk.sql("update users set type = 'administrator' where tenant_id = $1 and id = $2", &[&desk.tenant.0, &desk.root.0], &[]).await;
        desk.sql(
            "insert into user_departments (tenant_id, user_id, department_id) values ($1, $2, $3)",
            &[&desk.tenant.0, &desk.bob.0, &desk.support.0],
            &[],
        )
        .await;
        desk.add_client(desk.ada, "Ada Lovelace", ADA).await;
        signing_keys::ensure(&mut *desk.connection().await, desk.tenant, &ambient).await.expect("a key");
        desk
    }

    pub async fn connection(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.pool.acquire().await.expect("a connection")
    }

    pub async fn sql(&self, statement: &'static str, ids: &[&Uuid], texts: &[&str]) {
        let mut query = sqlx::query(statement);
        for id in ids {
            query = query.bind(**id);
        }
        for text in texts {
            query = query.bind((*text).to_owned());
        }
        query.execute(&self.pool).await.expect("done");
    }

    pub async fn add_user(&self, id: UserId, handle: &str, name: &str, address: &str) {
        self.sql(
            "insert into users (tenant_id, id, handle, name, email) values ($1, $2, $3, $4, $5)",
            &[&self.tenant.0, &id.0],
            &[handle, name, address],
        )
        .await;
        self.sql(
            "insert into user_contacts (tenant_id, id, user_id, type, value, verified_at) values ($1, $2, $2, 'email', $3, now())",
            &[&self.tenant.0, &id.0],
            &[address],
        )
        .await;
    }

    pub async fn add_group(&self, handle: &str, members: &[UserId]) -> UserId {
        let id: UserId = self.ambient.new_id();
        self.sql(
            "insert into users (tenant_id, id, handle, name, is_group) values ($1, $2, $3, $3, true)",
            &[&self.tenant.0, &id.0],
            &[handle],
        )
        .await;
        for member in members {
            self.sql(
                "insert into group_members (tenant_id, group_id, member_id) values ($1, $2, $3)",
                &[&self.tenant.0, &id.0, &member.0],
                &[],
            )
            .await;
        }
        id
    }

    pub async fn add_client(&self, id: ClientId, name: &str, address: &str) {
        self.sql("insert into clients (tenant_id, id, name) values ($1, $2, $3)", &[&self.tenant.0, &id.0], &[name]).await;
        self.sql(
            "insert into client_external_ids (tenant_id, id, client_id, type, value, source, evidence, authenticated)
             values ($1, $2, $2, 'email', $3, 'mail', 'a test', false)",
            &[&self.tenant.0, &id.0],
            &[address],
        )
        .await;
    }

    /// A ticket of Ada's without messages, and without anybody to answer for it.
    pub async fn ticket(&self, change: impl FnOnce(&mut TicketSnapshot)) -> Ticket {
        let number = {
            let mut last = self.tickets.lock().expect("not poisoned");
            *last += 1;
            *last
        };
        let mut state = TicketSnapshot {
            number,
            title: "The printer is on fire".to_owned(),
            client_id: self.ada,
            account_id: self.account,
            department_id: None,
            category_id: None,
            status_id: self.status,
            state: TicketState::WaitingForAgent,
            priority_id: self.priority,
            assignees: Vec::new(),
            cc: Vec::new(),
            tags: BTreeSet::new(),
            custom_fields: BTreeMap::new(),
            message_count: 0,
            channels: BTreeSet::new(),
            last_message_at: None,
            closed_at: None,
        };
        change(&mut state);
        let ticket = Ticket { id: self.ambient.new_id(), version: 0, state };
        tickets::insert(&mut *self.connection().await, &[self.ticket_row(&ticket)]).await.expect("a ticket");
        ticket
    }

    fn ticket_row(&self, ticket: &Ticket) -> TicketRow {
        TicketRow {
            tenant_id: self.tenant,
            id: ticket.id,
            version: ticket.version,
            state: ticket.state.clone(),
            key_salt: "salt".to_owned(),
            people_changed: true,
        }
    }

    /// Makes the ticket's state its next version.
    pub async fn step(&self, ticket: &mut Ticket, by: Actor) {
        ticket.version += 1;
        let version = VersionRow {
            tenant_id: self.tenant,
            ticket_id: ticket.id,
            version: ticket.version,
            actor: by,
            changes: vec!["a test".to_owned()],
            state: ticket.state.clone(),
            changed_at: self.ambient.now(),
        };
        let mut connection = self.connection().await;
        tickets::update(&mut connection, &[self.ticket_row(ticket)]).await.expect("updated");
        tickets::add_versions(&mut connection, &[version]).await.expect("a version");
    }

    /// Writes a message on the ticket, as the router does, and leaves the event in the outbox.
    pub async fn say(&self, ticket: &mut Ticket, said: Said<'_>) -> Event {
        ticket.state.message_count += 1;
        self.step(ticket, said.by).await;
        let mut connection = self.connection().await;
        let inbound = match said.message_id {
            Some(id) => Some(self.log(&mut connection, ticket, id).await),
            None => None,
        };
        let message = MessageRow {
            tenant_id: self.tenant,
            id: self.ambient.new_id(),
            ticket_id: ticket.id,
            position: ticket.state.message_count,
            kind: said.kind,
            direction: said.direction,
            channel: "email",
            author: said.by,
            sender_name: None,
            sender_address: Some(said.from.to_owned()),
            subject: "Re: printer".to_owned(),
            text: said.text.to_owned(),
            full_text: None,
            html: None,
            notice: None,
            trust: Trust::Unverified,
            automatic: said.automatic.map(str::to_owned),
            inbound_id: inbound,
            sent_at: None,
            received_at: self.ambient.now(),
            attachments: self.files(&mut connection, &said.files).await,
        };
        let id = message.id;
        tickets::add_messages(&mut connection, &[message]).await.expect("a message");
        let kind = if ticket.version == 1 { EventKind::TicketCreated } else { EventKind::MessageAdded };
        self.event(ticket, kind, said.by, Some(id)).await
    }

    /// The log's row of a mail, with its Message-ID.
    async fn log(&self, connection: &mut PgConnection, ticket: &Ticket, message_id: &str) -> InboundId {
        let id: InboundId = self.ambient.new_id();
        sqlx::query(
            "insert into inbound_messages (tenant_id, id, account_id, channel, external_id, payload, received_at)
             values ($1, $2, $3, 'email', $4, '{}', $5)",
        )
        .bind(self.tenant)
        .bind(id)
        .bind(self.account)
        .bind(message_id)
        .bind(self.ambient.now())
        .execute(&mut *connection)
        .await
        .expect("logged");
        sqlx::query("insert into message_ids (tenant_id, message_id, origin, ticket_id, inbound_id) values ($1, $2, 'seen', $3, $4)")
            .bind(self.tenant)
            .bind(message_id)
            .bind(ticket.id)
            .bind(id)
            .execute(connection)
            .await
            .expect("seen");
        id
    }

    async fn files(&self, connection: &mut PgConnection, files: &[(&str, &[u8])]) -> Vec<InboundAttachment> {
        let blobs: Vec<&[u8]> = files.iter().map(|(_, bytes)| *bytes).collect();
        let ids = media::store(connection, self.tenant, &self.ambient, &blobs).await.expect("stored");
        let attachment = |((name, bytes), media_id): (&(&str, &[u8]), _)| InboundAttachment {
            media_id,
            name: (*name).to_owned(),
            content_type: "image/png".to_owned(),
            size: bytes.len() as u64,
            inline: false,
            content_id: None,
        };
        files.iter().zip(ids).map(attachment).collect()
    }

    /// Leaves an event about the ticket's latest version in the outbox.
    pub async fn event(&self, ticket: &Ticket, kind: EventKind, actor: Actor, message_id: Option<MessageId>) -> Event {
        let event = Event {
            id: self.ambient.new_id(),
            tenant_id: self.tenant,
            kind,
            ticket_id: ticket.id,
            version: ticket.version,
            message_id,
            delivery_id: None,
            assigned: Vec::new(),
            actor,
            occurred_at: self.ambient.now(),
            arrived_at: None,
            trace: None,
        };
        outbox::add(&mut *self.connection().await, std::slice::from_ref(&event), self.ambient.now()).await.expect("added");
        event
    }

    /// A mail of Ada's.
    pub fn by_ada<'a>(&self, message_id: &'a str, text: &'a str) -> Said<'a> {
        Said {
            by: Actor::Client(self.ada),
            kind: MessageKind::Public,
            direction: MessageDirection::In,
            from: ADA,
            message_id: Some(message_id),
            text,
            automatic: None,
            files: Vec::new(),
        }
    }

    /// An answer of Grace's to the client.
    pub fn by_grace<'a>(&self, message_id: &'a str, text: &'a str) -> Said<'a> {
        Said { by: Actor::User(self.grace), direction: MessageDirection::Out, from: GRACE, ..self.by_ada(message_id, text) }
    }

    /// A ticket that Ada opened and Grace is to answer, of which everybody was told.
    pub async fn settled_ticket(&self) -> Ticket {
        let mut ticket = self.ticket(|state| state.assignees = vec![self.grace]).await;
        let opening = format!("opening{}@example.org", ticket.state.number);
        let event = self.say(&mut ticket, self.by_ada(&opening, "It burns.")).await;
        self.plan(&[event]).await;
        let (transport, _) = Transport::memory();
        self.drain(&transport).await;
        ticket
    }

    /// A planned answer of Grace's on such a ticket: one mail to Ada, and none to anybody else.
    pub async fn answered_ticket(&self) -> Ticket {
        let mut ticket = self.settled_ticket().await;
        let id = format!("answer{}@desk.example", ticket.state.number);
        let event = self.say(&mut ticket, self.by_grace(&id, "Take water.")).await;
        self.plan(&[event]).await;
        ticket
    }

    pub fn planner(&self) -> Planner {
        Planner::new(self.pool.clone(), self.ambient.clone())
    }

    pub async fn try_plan(&self, events: &[Event]) -> Result<(), Failure> {
        self.planner().handle(events).await
    }

    pub async fn plan(&self, events: &[Event]) {
        self.try_plan(events).await.expect("planned");
    }

    /// Plans what lies in the outbox. Returns how many events that were.
    pub async fn plan_outbox(&self) -> usize {
        let rows: Vec<sqlx::types::Json<Event>> =
            sqlx::query_scalar("select payload from outbox order by version, id").fetch_all(&self.pool).await.expect("events");
        let events: Vec<Event> = rows.into_iter().map(|row| row.0).collect();
        self.plan(&events).await;
        events.len()
    }

    pub fn deliverer(&self, transport: &Transport) -> Deliverer {
        Deliverer::new(self.pool.clone(), self.ambient.clone(), transport.clone(), LEASE)
    }

    /// Sends what is due.
    pub async fn drain(&self, transport: &Transport) -> usize {
        self.deliverer(transport).drain().await.expect("the database is there")
    }

    /// What was sent by a worker that does nothing else.
    pub async fn delivered(&self) -> Vec<Sent> {
        let (transport, memory) = Transport::memory();
        self.drain(&transport).await;
        memory.sent()
    }

    pub fn later(&self, seconds: u64) {
        self.ambient.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn count(&self, question: &'static str) -> i64 {
        sqlx::query_scalar(question).fetch_one(&self.pool).await.expect("a number")
    }

    /// Every attempt on mails to an address, as `1 sent 250 OK`.
    pub async fn attempts(&self, address: &str) -> Vec<String> {
        let rows = sqlx::query(
            "select a.attempt, a.outcome::text, coalesce(a.answer, '') as answer from delivery_attempts a
             join deliveries d on d.tenant_id = a.tenant_id and d.id = a.delivery_id
             where d.address = $1 order by d.ticket_version, d.id, a.attempt",
        )
        .bind(address)
        .fetch_all(&self.pool)
        .await
        .expect("attempts");
        let row = |row: sqlx::postgres::PgRow| format!("{} {} {}", row.get::<i32, _>(0), row.get::<String, _>(1), row.get::<String, _>(2));
        rows.into_iter().map(row).map(|line| line.trim_end().to_owned()).collect()
    }

    /// The statuses of the mails to an address.
    pub async fn statuses(&self, address: &str) -> Vec<String> {
        sqlx::query_scalar("select status::text from deliveries where address = $1 order by ticket_version, id")
            .bind(address)
            .fetch_all(&self.pool)
            .await
            .expect("deliveries")
    }

    /// In how many seconds the queued mail to an address is tried again.
    pub async fn wait_of(&self, address: &str) -> f64 {
        let due: DateTime<Utc> = sqlx::query_scalar("select next_attempt_at from deliveries where address = $1 and status = 'queued'")
            .bind(address)
            .fetch_one(&self.pool)
            .await
            .expect("a queued mail");
        (due - self.ambient.now()).as_seconds_f64()
    }

    /// What was decided of an event, as `grace: assigned` or `Ada Lovelace not: own action`.
    pub async fn decisions(&self, event: &Event) -> Vec<String> {
        let rows: Vec<String> = sqlx::query_scalar(
            "select case when (d->>'told')::bool then d->>'recipient' || ': ' else d->>'recipient' || ' not: ' end || (d->>'why')
             from event_plans, jsonb_array_elements(decisions) with ordinality as d (d, n) where event_id = $1 order by n",
        )
        .bind(event.id)
        .fetch_all(&self.pool)
        .await
        .expect("decisions");
        rows
    }
}

/// The mails to an address, in order.
pub fn to<'m>(sent: &'m [Sent], address: &str) -> Vec<Message<'m>> {
    sent.iter().filter(|mail| mail.to == address).map(|mail| MessageParser::new().parse(&mail.bytes).expect("a mail")).collect()
}

/// The recipients, in order.
pub fn recipients(sent: &[Sent]) -> Vec<&str> {
    let mut to: Vec<&str> = sent.iter().map(|mail| mail.to.as_str()).collect();
    to.sort_unstable();
    to
}
