//! A small desk, and mails to it. Ada and Eve are clients; Bo and Cleo work in 2nd-line, Dan in sales.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row};
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::postgres::{Limits, PostgresBroker};
use switchboard_common::broker::{Broker, Failure, Handler};
use switchboard_common::db::{self, reply_addresses, reply_addresses::ReplyRecipient, signing_keys};
use switchboard_common::domain::address::{EmailAddress, Mailbox};
use switchboard_common::domain::explanation::Explanation;
use switchboard_common::domain::inbound::{Channel, InboundMessage, Trust};
use switchboard_common::ids::{AccountId, ClientId, TenantId, TicketId, UserId};
use switchboard_router::batch::BatchHandler;
use uuid::Uuid;

pub const SUPPORT: &str = "support@desk.example";

pub struct Desk {
    pub pool: PgPool,
    pub ambient: Ambient,
    pub tenant: TenantId,
    pub account: AccountId,
    handler: BatchHandler,
}

impl Desk {
    /// A desk on an empty database: the account support; 2nd-line for everything, sales for quotes.
    pub async fn new(pool: PgPool) -> Self {
        let ambient = Ambient::manual("2026-03-02T09:00:00Z".parse().expect("a time"), 1);
        let tenant = Self::add_tenant(&pool, &ambient, "acme", SUPPORT).await;
        let account = sqlx::query_scalar("select id from channel_accounts where tenant_id = $1")
            .bind(tenant.0)
            .fetch_one(&pool)
            .await
            .expect("an account");
        Self::with(pool, ambient, tenant, AccountId(account))
    }

    pub fn with(pool: PgPool, ambient: Ambient, tenant: TenantId, account: AccountId) -> Self {
        let handler = BatchHandler::new(pool.clone(), ambient.clone());
        Self { pool, ambient, tenant, account, handler }
    }

    pub async fn add_tenant(pool: &PgPool, ambient: &Ambient, name: &str, address: &str) -> TenantId {
        let tenant: TenantId = ambient.new_id();
        let script = include_str!("desk.sql")
            .replace(":tenant", &format!("'{tenant}'"))
            .replace(":name", &format!("'{name}'"))
            .replace(":address", &format!("'{address}'"));
        sqlx::raw_sql(sqlx::AssertSqlSafe(script)).execute(pool).await.expect("the desk");
        signing_keys::ensure(&mut pool.acquire().await.expect("a connection"), tenant, ambient).await.expect("a key");
        tenant
    }

    pub fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(PostgresBroker::new(self.pool.clone(), self.ambient.clone(), Limits::default()))
    }

    /// A mail to support, by somebody at example.org.
    pub fn mail(&self, from: &str, id: &str) -> Mail {
        let from = EmailAddress::parse(from).expect("an address");
        Mail(InboundMessage {
            tenant_id: self.tenant,
            account_id: self.account,
            channel: Channel::Email,
            external_id: format!("{id}#1"),
            from: Some(Mailbox { name: None, email: from }),
            identities: Vec::new(),
            sender_name: None,
            claims: Vec::new(),
            recipients: vec![EmailAddress::parse(SUPPORT).expect("an address")],
            subject: "The printer is on fire".to_owned(),
            message_id: Some(id.to_owned()),
            references: Vec::new(),
            thread_key: None,
            text: format!("text of {id}"),
            reply: format!("reply of {id}"),
            html: None,
            body: None,
            trust: Trust::Unverified,
            automatic: None,
            spam: None,
            fields: BTreeMap::new(),
            sent_at: None,
            received_at: self.ambient.now(),
            raw: None,
            attachments: Vec::new(),
            refused: Vec::new(),
            refused_more: 0,
            quotes_desk: false,
            flags: Vec::new(),
            trace: None,
        })
    }

    pub async fn route(&self, mails: &[Mail]) -> Result<(), Failure> {
        let messages: Vec<InboundMessage> = mails.iter().map(|mail| mail.0.clone()).collect();
        self.handler.handle(&messages).await
    }

    /// Routes one mail and says where it ended.
    pub async fn take(&self, mail: Mail) -> Ended {
        let id = mail.0.external_id.clone();
        self.route(std::slice::from_ref(&mail)).await.expect("the mail is routed");
        self.ended(&id).await
    }

    pub async fn ended(&self, external_id: &str) -> Ended {
        let row = sqlx::query(
            "select i.outcome::text, i.explanation, t.id, t.ticket_number, s.state::text, m.kind::text, m.direction::text, m.notice, m.text,
                    m.position, (select count(*) from outbox o where o.payload->>'message_id' = m.id::text) as events
             from inbound_messages i
             join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id
             join statuses s on s.tenant_id = t.tenant_id and s.id = t.status_id
             join messages m on m.tenant_id = i.tenant_id and m.inbound_id = i.id
             where i.external_id = $1",
        )
        .bind(external_id)
        .fetch_one(&self.pool)
        .await
        .expect("one logged message with one message");
        Ended {
            outcome: row.get("outcome"),
            explanation: serde_json::from_value(row.get("explanation")).expect("an explanation"),
            ticket_id: TicketId(row.get("id")),
            number: row.get("ticket_number"),
            state: row.get("state"),
            kind: row.get("kind"),
            direction: row.get("direction"),
            notice: row.get("notice"),
            text: row.get("text"),
            position: row.get("position"),
            events: row.get("events"),
        }
    }

    /// The address by which a person of the desk, by handle, answers on a ticket.
    pub async fn agent_address(&self, ticket: TicketId, handle: &str) -> String {
        let user: Uuid = sqlx::query_scalar("select id from users where tenant_id = $1 and handle = $2")
            .bind(self.tenant.0)
            .bind(handle)
            .fetch_one(&self.pool)
            .await
            .expect("a user");
        self.reply_address(ticket, ReplyRecipient::User(UserId(user))).await
    }

    /// The address by which the client of a ticket answers on it.
    pub async fn client_address(&self, ticket: TicketId) -> String {
        let client: Uuid =
            sqlx::query_scalar("select client_id from tickets where id = $1").bind(ticket.0).fetch_one(&self.pool).await.expect("a ticket");
        self.reply_address(ticket, ReplyRecipient::Client(ClientId(client))).await
    }

    async fn reply_address(&self, ticket: TicketId, recipient: ReplyRecipient) -> String {
        let mut connection = self.pool.acquire().await.expect("a connection");
        let row = reply_addresses::ensure(&mut connection, self.tenant, &[(ticket, recipient)]).await.expect("a row")[0];
        let keys = signing_keys::load(&mut connection, self.tenant).await.expect("keys");
        keys.address(&EmailAddress::parse(SUPPORT).expect("an address"), row).expect("an address").to_string()
    }

    /// What the notifier does when it has planned a mail: its Message-ID is ours.
    pub async fn we_sent(&self, ticket: TicketId, id: &str) {
        sqlx::query("insert into message_ids (tenant_id, message_id, origin, ticket_id) values ($1, $2, 'ours', $3)")
            .bind(self.tenant.0)
            .bind(id)
            .bind(ticket.0)
            .execute(&self.pool)
            .await
            .expect("our Message-ID");
    }

    pub async fn count(&self, table: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(&self.pool).await.expect("a count")
    }

    pub async fn change_desk(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{sql}; update tenants set revision = revision + 1")))
            .execute(&self.pool)
            .await
            .expect("the change");
    }
}

pub struct Ended {
    pub outcome: String,
    pub explanation: Explanation,
    pub ticket_id: TicketId,
    pub number: i64,
    pub state: String,
    pub kind: String,
    pub direction: String,
    pub notice: Option<String>,
    pub text: String,
    pub position: i32,
    pub events: i64,
}

impl Ended {
    /// Outcome, ticket, state and kind in one line.
    pub fn line(&self) -> String {
        format!("{} #{} {} {} {}", self.outcome, self.number, self.state, self.kind, self.direction)
    }
}

#[derive(Debug, Clone)]
pub struct Mail(pub InboundMessage);

impl Mail {
    pub fn refers_to(mut self, ids: &[&str]) -> Self {
        self.0.references = ids.iter().map(|id| (*id).to_owned()).collect();
        self
    }

    pub fn to(mut self, addresses: &[&str]) -> Self {
        self.0.recipients = addresses.iter().map(|address| EmailAddress::parse(address).expect("an address")).collect();
        self
    }

    pub fn subject(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.0.subject);
        self
    }

    pub fn trust(mut self, trust: Trust) -> Self {
        self.0.trust = trust;
        self
    }

    pub fn automatic(mut self, sign: &str) -> Self {
        self.0.automatic = Some(sign.to_owned());
        self
    }

    /// The same Message-ID with other content.
    pub fn other_content(mut self) -> Self {
        self.0.external_id.push_str("-other");
        self
    }
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

pub use db::MIGRATIONS;
