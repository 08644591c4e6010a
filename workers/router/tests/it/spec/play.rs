//! Plays a script at two tenants at once, which must never meet: each message of the one travels in a batch with that
//! of the other.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use switchboard_common::ambient::Ambient;
use switchboard_common::broker::Handler;
use switchboard_common::db::reply_addresses::{self, ReplyRecipient};
use switchboard_common::db::signing_keys;
use switchboard_common::domain::address::{EmailAddress, Mailbox};
use switchboard_common::domain::identity::{ExternalId, ExternalKind};
use switchboard_common::domain::inbound::{Channel, InboundMessage, Trust};
use switchboard_common::ids::{AmbiguityId, ClientId, TicketId, UserId};
use switchboard_router::batch::BatchHandler;
use switchboard_router::clients::command::{decide_ambiguity, merge_clients, unmerge_client};
use switchboard_router::command;
use uuid::Uuid;

use super::desks::{self, Account, Desk};
use super::script::{Doing, Message, Script, Step};

/// How many were played: no two make the same ids.
static PLAYED: AtomicU64 = AtomicU64::new(1);

/// A script while it is played.
pub struct World {
    pub pool: PgPool,
    pub ambient: Ambient,
    pub handler: BatchHandler,
    pub twins: Vec<Twin>,
}

/// One of the tenants.
pub struct Twin {
    pub desk: Desk,
    /// Who a client is called: who first wrote as them.
    pub clients: HashMap<Uuid, String>,
    /// What came, by its label.
    pub came: HashMap<String, InboundMessage>,
}

impl World {
    pub async fn new(pool: &PgPool, script: &Script) -> Result<Self, String> {
        let start = script.steps.first().map_or_else(|| super::script::MONDAY.parse().expect("a time"), |step| step.at);
        let ambient = Ambient::manual(start - TimeDelta::seconds(1), PLAYED.fetch_add(1, Ordering::Relaxed));
        let mut twins = Vec::new();
        for domain in ["desk.example", "twin.example"] {
            let desk = desks::make(pool, &ambient, &script.desk, domain).await?;
            twins.push(Twin { clients: desk.records.clone(), desk, came: HashMap::new() });
        }
        let handler = BatchHandler::new(pool.clone(), ambient.clone());
        Ok(Self { pool: pool.clone(), ambient, handler, twins })
    }

    /// Frees the addresses of the accounts for the next conversation.
    pub async fn end(self) {
        sqlx::query("update channel_accounts set disabled_at = now()").execute(&self.pool).await.expect("disabled");
    }

    pub async fn play(&mut self, step: &Step) -> Result<(), String> {
        self.advance_to(step.at);
        match &step.doing {
            Doing::Message(message) => self.deliver(message).await,
            Doing::Again { label, account } => self.deliver_again(label, account.as_deref()).await,
            other => self.operate(other).await,
        }
    }

    pub fn advance_to(&self, at: DateTime<Utc>) {
        self.ambient.clock.advance((at - self.ambient.now()).to_std().unwrap_or(Duration::ZERO));
    }

    async fn deliver(&mut self, message: &Message) -> Result<(), String> {
        let batch = self.messages(message).await?;
        self.handler.handle(&batch).await.map_err(|failure| format!("{failure:?}"))
    }

    /// A message as it comes to each account of each tenant.
    pub async fn messages(&mut self, message: &Message) -> Result<Vec<InboundMessage>, String> {
        let mut batch = Vec::new();
        for index in 0..self.twins.len() {
            for account in &message.accounts {
                let inbound = self.inbound(index, message, account).await?;
                self.twins[index].came.insert(message.label.clone(), inbound.clone());
                batch.push(inbound);
            }
        }
        Ok(batch)
    }

    async fn deliver_again(&mut self, label: &str, account: Option<&str>) -> Result<(), String> {
        let batch = self.once_more(label, account)?;
        self.handler.handle(&batch).await.map_err(|failure| format!("{failure:?}"))
    }

    /// A message that came before, as it comes once more.
    pub fn once_more(&self, label: &str, account: Option<&str>) -> Result<Vec<InboundMessage>, String> {
        let mut batch = Vec::new();
        for twin in &self.twins {
            let mut inbound = twin.came.get(label).ok_or_else(|| format!("{label} has not come"))?.clone();
            if let Some(account) = account {
                inbound.account_id = find(&twin.desk, account)?.id;
            }
            batch.push(inbound);
        }
        Ok(batch)
    }

    /// The message as the ingest worker of its channel would hand it over.
    async fn inbound(&self, twin: usize, message: &Message, account: &str) -> Result<InboundMessage, String> {
        let desk = &self.twins[twin].desk;
        let account = find(desk, account)?;
        let channel = account.channel;
        let keys = keys(desk, message, channel)?;
        let mut recipients = Vec::new();
        for account in message.accounts.iter().map(|account| find(desk, account)).filter(|_| channel == Channel::Email) {
            recipients.push(EmailAddress::parse(&account?.address).map_err(|error| error.to_string())?);
        }
        for (whose, ticket) in &message.tokens {
            recipients.insert(0, self.token(twin, account, whose, ticket).await?);
        }
        for copied in &message.copied {
            let address = desk.people.get(copied).unwrap_or(copied);
            recipients.push(EmailAddress::parse(address).map_err(|error| error.to_string())?);
        }
        let from = keys.first().filter(|_| channel == Channel::Email);
        let from = from.and_then(|key| Some(Mailbox { name: None, email: EmailAddress::parse(key.value()).ok()? }));
        let own_id = message.bears_id_of.as_ref().unwrap_or(&message.label);
        let trust = if channel == Channel::Email { Trust::Unverified } else { Trust::Verified };
        let text = message.text.clone().unwrap_or_else(|| format!("text of {}", message.label));
        Ok(InboundMessage {
            tenant_id: desk.tenant,
            account_id: account.id,
            channel,
            external_id: format!("{own_id}#{}", message.label),
            identities: if from.is_some() { Vec::new() } else { keys },
            from,
            sender_name: None,
            claims: message.claims.iter().map(|text| desks::key(text)).collect::<Result<_, _>>()?,
            recipients,
            subject: message.subject.clone().unwrap_or_default(),
            message_id: (!message.no_message_id).then(|| self.id(twin, own_id, channel)),
            references: message.references.iter().map(|label| self.id(twin, label, channel)).collect(),
            thread_key: message.thread_key.clone(),
            reply: text.clone(),
            text,
            html: None,
            body: None,
            trust: message.trust.unwrap_or(trust),
            automatic: message.automatic.clone(),
            spam: message.spam.clone(),
            fields: message.fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect::<BTreeMap<_, _>>(),
            sent_at: None,
            received_at: self.ambient.now(),
            raw: None,
            attachments: Vec::new(),
            refused: Vec::new(),
            refused_more: 0,
            quotes_desk: message.quotes_desk,
            flags: Vec::new(),
            trace: None,
        })
    }

    /// The Message-ID of a label: that of the message that came under it, or of one that is still to come on `channel`.
    fn id(&self, twin: usize, label: &str, channel: Channel) -> String {
        let came = self.twins[twin].came.get(label).and_then(|came| came.message_id.clone());
        let new = || if channel == Channel::Email { label.to_owned() } else { format!("{}:{label}", channel.as_str()) };
        // What we sent is named as we named it.
        came.unwrap_or_else(|| if label.starts_with("ours") { label.to_owned() } else { new() })
    }

    /// The number of the ticket that is called so: by its number, or by the label of a message that is on it.
    async fn number(&self, twin: usize, ticket: &str) -> Result<i64, String> {
        sqlx::query_scalar(
            "select ticket_number from tickets where tenant_id = $1 and ticket_number::text = $2
             union all
             select t.ticket_number from inbound_messages i join tickets t on t.tenant_id = i.tenant_id and t.id = i.ticket_id
             where i.tenant_id = $1 and i.external_id like '%#' || $2",
        )
        .bind(self.twins[twin].desk.tenant.0)
        .bind(ticket)
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| error.to_string())?
        .ok_or_else(|| format!("there is no ticket #{ticket}"))
    }

    async fn ticket(&self, twin: usize, ticket: &str) -> Result<(TicketId, ClientId), String> {
        let number = self.number(twin, ticket).await?;
        let found: (Uuid, Uuid) = sqlx::query_as("select id, client_id from tickets where tenant_id = $1 and ticket_number = $2")
            .bind(self.twins[twin].desk.tenant.0)
            .bind(number)
            .fetch_one(&self.pool)
            .await
            .map_err(|error| error.to_string())?;
        Ok((TicketId(found.0), ClientId(found.1)))
    }

    /// The signed reply address of a person, or of the ticket's client, as the notifier makes it.
    async fn token(&self, twin: usize, account: &Account, whose: &str, ticket: &str) -> Result<EmailAddress, String> {
        let tenant = self.twins[twin].desk.tenant;
        let (ticket, client) = self.ticket(twin, ticket).await?;
        let recipient = if self.twins[twin].desk.people.contains_key(whose) {
            ReplyRecipient::User(UserId(self.person(twin, whose).await?))
        } else {
            ReplyRecipient::Client(client)
        };
        let mut connection = self.pool.acquire().await.map_err(|error| error.to_string())?;
        let rows = reply_addresses::ensure(&mut connection, tenant, &[(ticket, recipient)]).await.map_err(|error| error.to_string())?;
        let keys = signing_keys::load(&mut connection, tenant).await.map_err(|error| error.to_string())?;
        let address = EmailAddress::parse(&account.address).map_err(|error| error.to_string())?;
        keys.address(&address, rows[0]).ok_or_else(|| "no address".to_owned())
    }

    async fn person(&self, twin: usize, handle: &str) -> Result<Uuid, String> {
        sqlx::query_scalar("select id from users where tenant_id = $1 and handle = $2")
            .bind(self.twins[twin].desk.tenant.0)
            .bind(handle)
            .fetch_optional(&self.pool)
            .await
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("there is nobody called {handle}"))
    }

    async fn decide(&self, twin: usize, client: &str, choice: Option<&str>) -> Result<(), String> {
        let tenant = self.twins[twin].desk.tenant;
        let client = self.client(twin, client).await?;
        let choice = match choice {
            Some(choice) => Some(self.client(twin, choice).await?),
            None => None,
        };
        let ambiguity = sqlx::query_scalar("select id from ambiguities where tenant_id = $1 and client_id = $2");
        let ambiguity = ambiguity.bind(tenant.0).bind(client.0).fetch_one(&self.pool).await.map_err(|error| error.to_string())?;
        let done = decide_ambiguity(&self.pool, &self.ambient, tenant, AmbiguityId(ambiguity), choice, None).await;
        done.map_err(|error| error.to_string())
    }

    /// Whom the script calls so: by whoever first wrote as them, or failing that by their first key.
    async fn client(&self, twin: usize, name: &str) -> Result<ClientId, String> {
        let twin = &self.twins[twin];
        if let Some((id, _)) = twin.clients.iter().find(|(_, called)| *called == name) {
            return Ok(ClientId(*id));
        }
        let key = twin.desk.clients.get(name).and_then(|keys| keys.first()).ok_or_else(|| format!("no client is called {name} yet"))?;
        let sql = "select client_id from client_external_ids where tenant_id = $1 and type = $2 and value = $3";
        let found = sqlx::query_scalar(sql).bind(twin.desk.tenant.0).bind(key.kind().as_str()).bind(key.value());
        let found = found.fetch_optional(&self.pool).await.map_err(|error| error.to_string())?;
        found.map(ClientId).ok_or_else(|| format!("{name} has not written"))
    }

    pub async fn operate(&mut self, doing: &Doing) -> Result<(), String> {
        for twin in 0..self.twins.len() {
            self.operate_at(twin, doing).await?;
        }
        Ok(())
    }

    async fn operate_at(&self, twin: usize, doing: &Doing) -> Result<(), String> {
        let tenant = self.twins[twin].desk.tenant;
        let (pool, ambient) = (&self.pool, &self.ambient);
        match doing {
            Doing::Close { by, ticket } => {
                let done = command::close_ticket(pool, ambient, tenant, self.number(twin, ticket).await?, by.as_deref()).await;
                done.map(drop).map_err(|error| error.to_string())
            }
            Doing::Assign { ticket, to } => {
                let done = command::assign_ticket(pool, ambient, tenant, self.number(twin, ticket).await?, to, None).await;
                done.map(drop).map_err(|error| error.to_string())
            }
            Doing::Sent { id, ticket } => {
                let (ticket, _) = self.ticket(twin, ticket).await?;
                let sql = "insert into message_ids (tenant_id, message_id, origin, ticket_id) values ($1, $2, 'ours', $3)";
                let done = sqlx::query(sql).bind(tenant.0).bind(id).bind(ticket.0).execute(pool).await;
                done.map(drop).map_err(|error| error.to_string())
            }
            Doing::Away { handle, until } => {
                let sql = "update users set away_until = $3 where tenant_id = $1 and handle = $2";
                sqlx::query(sql).bind(tenant.0).bind(handle).bind(until).execute(pool).await.map_err(|error| error.to_string())?;
                let sql = "update tenants set revision = revision + 1 where id = $1";
                sqlx::query(sql).bind(tenant.0).execute(pool).await.map(drop).map_err(|error| error.to_string())
            }
            Doing::Merge { client, into } => {
                let both = (self.client(twin, client).await?, self.client(twin, into).await?);
                merge_clients(pool, ambient, tenant, both, None, None).await.map_err(|error| error.to_string())
            }
            Doing::Unmerge { client } => {
                let client = self.client(twin, client).await?;
                unmerge_client(pool, ambient, tenant, client, None).await.map_err(|error| error.to_string())
            }
            Doing::Decide { client, choice } => self.decide(twin, client, choice.as_deref()).await,
            Doing::Message(_) | Doing::Again { .. } => Err(format!("cannot be done: {doing}")),
        }
    }
}

fn find<'a>(desk: &'a Desk, account: &str) -> Result<&'a Account, String> {
    desk.accounts.get(account).ok_or_else(|| format!("the desk has no account {account}"))
}

/// The keys by which a channel knows the writer, its own first.
fn keys(desk: &Desk, message: &Message, channel: Channel) -> Result<Vec<ExternalId>, String> {
    let all = match (desk.clients.get(&message.from), desk.people.get(&message.from)) {
        (Some(keys), _) => keys.clone(),
        (None, Some(address)) => vec![desks::key(address)?],
        // Somebody who gives out that they are the desk, or whom it does not know.
        (None, None) => vec![desks::key(desk.accounts.get(&message.from).map_or(&message.from, |account| &account.address))?],
    };
    let kinds: &[ExternalKind] = match channel {
        Channel::Email | Channel::Form | Channel::Webhook => &[ExternalKind::Email],
        Channel::Whatsapp => &[ExternalKind::Whatsapp, ExternalKind::Phone],
        Channel::Slack => &[ExternalKind::Slack],
        Channel::Sms | Channel::Voice => &[ExternalKind::Phone],
    };
    let mut keys: Vec<ExternalId> = kinds.iter().flat_map(|kind| all.iter().filter(|key| key.kind() == *kind).take(1).cloned()).collect();
    for key in &message.also {
        keys.push(desks::key(key)?);
    }
    if keys.is_empty() { Err(format!("{} has no key on {}", message.from, channel.as_str())) } else { Ok(keys) }
}
