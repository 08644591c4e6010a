//! What a mail is written from: read when it is sent, by ids that were written when it was planned.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::PgConnection;

use super::deliveries::DeliveryKey;
use super::reply_addresses::ReplyRecipient;
use super::tickets::MessageKind;
use crate::domain::method::Method;
use crate::domain::ticket::TicketSnapshot;
use crate::ids::{AccountId, ClientId, DeliveryId, MediaId, MessageId, TenantId, TicketId, UserId};

/// A delivery with all that its mail says.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// By which way it goes.
    pub method: Method,
    /// How the desk presents itself.
    pub branding: Branding,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address that it is sent from.
    pub account_address: String,
    /// What the reader sees, such as `ticket.created.agent`.
    pub template: String,
    /// Why the reader is told.
    pub reason: String,
    /// Who reads it.
    pub recipient: ReplyRecipient,
    /// The reader's name.
    pub recipient_name: String,
    /// The language that the reader chose, if they did.
    pub locale: Option<String>,
    /// The reader's time zone.
    pub timezone: Tz,
    /// The reader may stop what is like it: it is not about what is theirs.
    pub is_optional: bool,
    /// The thread on its channel that it belongs to.
    pub thread_key: Option<String>,
    /// For WhatsApp: whether the reader wrote to the account within the last 24 hours, from where it goes, on whatever ticket.
    pub window_open: bool,
    /// Where it goes.
    pub address: String,
    /// Whether the reader may still be told there: a user who has left may not, nor one whose address
    /// is no longer a verified one of theirs.
    pub permitted: bool,
    /// Its Message-ID.
    pub message_id: String,
    /// The row of the reader's reply address.
    pub reply_row: Option<i64>,
    /// The ticket.
    pub ticket_id: TicketId,
    /// The ticket as it was after the event.
    pub ticket: TicketSnapshot,
    /// The name of the ticket's department.
    pub department: Option<String>,
    /// The name of the ticket's client.
    pub client_name: String,
    /// An address of the ticket's client.
    pub client_address: Option<String>,
    /// The name of whoever made that version of the ticket, if it was a person.
    pub actor_name: Option<String>,
    /// The message that the event is about, or that the reader has to know of.
    pub message: Option<LetterMessage>,
    /// For an event that tells of a failed answer: where it was to go, and why it did not.
    pub failure: Option<LetterFailure>,
}

/// How a desk presents itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branding {
    /// What it is called.
    pub brand: String,
    /// The name that mail is sent in: of the ticket's department, the account, or the tenant; the brand where none has one.
    pub from_name: Option<String>,
    /// The URL of its logo.
    pub logo: Option<String>,
    /// The colour of links and headings, `#rrggbb`.
    pub color: Option<String>,
    /// What stands below every message.
    pub footer: Option<String>,
    /// Its language.
    pub locale: Option<String>,
}

/// Several notifications, told at once.
#[derive(Debug, Clone)]
pub struct DigestLetter {
    /// Whose desk.
    pub tenant_id: TenantId,
    /// By which way it goes.
    pub method: Method,
    /// How the desk presents itself.
    pub branding: Branding,
    /// The account that it is sent from.
    pub account_id: AccountId,
    /// The address that it is sent from.
    pub account_address: String,
    /// Who reads it.
    pub user_id: UserId,
    /// Their name.
    pub recipient_name: String,
    /// The language that they chose, if they did.
    pub locale: Option<String>,
    /// Their time zone.
    pub timezone: Tz,
    /// Where it goes.
    pub address: String,
    /// Whether they may still be told there.
    pub permitted: bool,
    /// Its Message-ID.
    pub message_id: String,
    /// What happened, in its order, as much as is shown, without what they may no longer read.
    pub items: Vec<DigestItem>,
    /// How many there are in all.
    pub total: i64,
}

/// One notification of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestItem {
    /// What is told, such as `ticket.created.agent`.
    pub template: String,
    /// The ticket's number.
    pub number: i64,
    /// The ticket's title.
    pub title: String,
    /// The name of whoever did it, if it was a person.
    pub actor_name: Option<String>,
    /// The beginning of the message that it is about.
    pub excerpt: Option<String>,
    /// Why it was collected: `digest`, `quiet_hours` or `storm`.
    pub cause: String,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A message as a mail shows it.
#[derive(Debug, Clone)]
pub struct LetterMessage {
    /// Its id.
    pub id: MessageId,
    /// What it is to those who read.
    pub kind: MessageKind,
    /// Who wrote it, as well as that is known.
    pub author: String,
    /// Its text.
    pub text: String,
    /// What an agent should know before reading.
    pub notice: Option<String>,
    /// Why it counts as sent by a program.
    pub automatic: Option<String>,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
}

/// A failed answer.
#[derive(Debug, Clone)]
pub struct LetterFailure {
    /// Where it was to go.
    pub address: String,
    /// What the other side said last, or why it was not asked.
    pub answer: String,
}

/// Why a delivery that is due is not sent after all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bar {
    /// The reader is not there any more.
    #[error("the reader has left")]
    Archived,
    /// The reader may not read the ticket any more.
    #[error("the reader may not read the ticket any more")]
    NotPermitted,
    /// The address is not the reader's any more.
    #[error("the address is no longer a verified one of the reader's")]
    NotTheirs,
    /// Nothing is to go to the address.
    #[error("nothing goes to the address any more ({0})")]
    Suppressed(String),
}

impl Bar {
    /// Whether another address of the reader's may do.
    #[must_use]
    pub fn is_of_the_address(&self) -> bool {
        matches!(self, Self::NotTheirs | Self::Suppressed(_))
    }
}

/// A letter, and what else is to be known before it is sent.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The letter.
    pub letter: Letter,
    /// Why it is not sent, if it is not.
    pub bar: Option<Bar>,
    /// It is told whatever the hour.
    pub urgent: bool,
    /// The tenant's revision: what is kept of the tenant is good for as long as it stands.
    pub revision: i64,
}

/// What one row tells of a letter.
#[expect(clippy::struct_excessive_bools, reason = "the columns of a row, each a question of its own")]
struct Head {
    tenant_id: TenantId,
    id: DeliveryId,
    revision: i64,
    brand: String,
    from_name: Option<String>,
    data: Option<serde_json::Value>,
    channel: String,
    account_id: AccountId,
    account_address: String,
    thread_key: Option<String>,
    template: String,
    reason: String,
    optional: bool,
    urgent: bool,
    user_id: Option<UserId>,
    client_id: Option<ClientId>,
    recipient_name: String,
    address: String,
    message_id: String,
    ticket_id: TicketId,
    ticket: String,
    department: Option<String>,
    client_name: String,
    client_address: Option<String>,
    kind: String,
    shown: Option<MessageId>,
    actor_name: Option<String>,
    reply_row: Option<i64>,
    window_open: bool,
    archived: bool,
    theirs: bool,
    suppressed: Option<String>,
}

/// Reads the letters of these deliveries, and of those with a failed answer what became of it. What is the matter with one of them is
/// said of it alone: it is not there, or what the ticket was cannot be read.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn load(
    connection: &mut PgConnection,
    wanted: &[DeliveryKey],
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<DeliveryKey, Result<Loaded, sqlx::Error>>> {
    let heads = heads(connection, wanted, now).await?;
    let shown: BTreeSet<_> = heads.iter().filter_map(|head| Some((head.tenant_id, head.shown?))).collect();
    let messages = messages(connection, &shown).await?;
    let told: BTreeSet<_> =
        heads.iter().filter(|head| head.kind == "delivery.failed").filter_map(|head| Some((head.tenant_id, head.shown?))).collect();
    let failures = failures(connection, &told).await?;
    let asked: Vec<_> = heads.iter().filter_map(|head| Some((head.tenant_id, head.user_id?, head.ticket_id))).collect();
    let hidden = hidden(connection, &asked).await?;
    let letters = heads.into_iter().map(|head| {
        let about = head.shown.map(|id| (head.tenant_id, id));
        let is_hidden = head.user_id.is_some_and(|user| hidden.contains(&(head.tenant_id, user, head.ticket_id)));
        let message = about.and_then(|about| messages.get(&about).cloned());
        let failure = about.filter(|_| head.kind == "delivery.failed").and_then(|about| failures.get(&about).cloned());
        ((head.tenant_id, head.id), head.loaded(message, failure, is_hidden))
    });
    Ok(letters.collect())
}

impl Head {
    fn loaded(self, message: Option<LetterMessage>, failure: Option<LetterFailure>, is_hidden: bool) -> Result<Loaded, sqlx::Error> {
        let bar = if self.archived {
            Some(Bar::Archived)
        } else if is_hidden {
            Some(Bar::NotPermitted)
        } else if !self.theirs {
            Some(Bar::NotTheirs)
        } else {
            self.suppressed.map(Bar::Suppressed)
        };
        let ticket: TicketSnapshot = serde_json::from_str(&self.ticket).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let recipient =
            self.user_id.map(ReplyRecipient::User).or(self.client_id.map(ReplyRecipient::Client)).ok_or(sqlx::Error::RowNotFound)?;
        let letter = Letter {
            tenant_id: self.tenant_id,
            method: Method::named(&self.channel).unwrap_or(Method::Email),
            branding: branding(self.brand, self.from_name, self.data.as_ref()),
            account_id: self.account_id,
            account_address: self.account_address,
            template: self.template,
            reason: self.reason,
            recipient,
            recipient_name: self.recipient_name,
            locale: None,
            timezone: Tz::UTC,
            is_optional: self.optional,
            thread_key: self.thread_key,
            window_open: self.window_open,
            address: self.address,
            permitted: bar.is_none(),
            message_id: self.message_id,
            reply_row: self.reply_row,
            ticket_id: self.ticket_id,
            ticket,
            department: self.department,
            client_name: self.client_name,
            client_address: self.client_address,
            actor_name: self.actor_name,
            message,
            failure,
        };
        Ok(Loaded { letter, bar, urgent: self.urgent, revision: self.revision })
    }
}

/// How a desk presents itself, by what its tenant says.
pub(super) fn branding(brand: String, from_name: Option<String>, data: Option<&serde_json::Value>) -> Branding {
    let says = |key: &str| data.and_then(|data| data.get(key)?.as_str().map(str::to_owned));
    Branding {
        brand,
        from_name: from_name.or_else(|| says("from_name")),
        logo: says("logo"),
        color: says("color"),
        footer: says("footer"),
        locale: says("locale"),
    }
}

/// What an event is about, or of whoever a ticket is given to what they have to read: the latest message between client and desk.
async fn heads(connection: &mut PgConnection, wanted: &[DeliveryKey], now: DateTime<Utc>) -> sqlx::Result<Vec<Head>> {
    sqlx::query_as!(
        Head,
        r#"select d.tenant_id as "tenant_id: TenantId", d.id as "id: DeliveryId", o.revision,
                  coalesce(z.data->>'brand', a.from_name, o.name) as "brand!", coalesce(dep.from_name, a.from_name) as from_name, z.data as "data?",
                  d.channel, d.account_id as "account_id: AccountId", a.address as account_address,
                  coalesce(d.thread_key, case when d.channel = 'slack' then (
                      select e.thread_key from deliveries e
                      where e.tenant_id = d.tenant_id and e.ticket_id = d.ticket_id and e.recipient_id = d.recipient_id and e.channel = d.channel
                        and e.address = d.address and e.thread_key is not null
                      order by e.ticket_version, e.planned_at, e.id limit 1) end) as thread_key,
                  n.template, n.reason, n.optional, d.urgent, n.user_id as "user_id: UserId", n.client_id as "client_id: ClientId",
                  coalesce(u.name, c.name) as "recipient_name!", d.address, coalesce(d.message_id, '') as "message_id!",
                  d.ticket_id as "ticket_id!: TicketId", v.state::text as "ticket!", dep.name as "department?",
                  tc.name as client_name,
                  coalesce(
                      (select m.sender_address from messages m
                       where m.tenant_id = d.tenant_id and m.ticket_id = d.ticket_id and m.sender_address is not null
                         and (m.author_client_id = tc.id or client_root(d.tenant_id, m.author_client_id) = client_root(d.tenant_id, tc.id))
                       order by m.position desc limit 1),
                      (select e.value from client_external_ids e
                       where e.tenant_id = d.tenant_id and e.client_id = tc.id and e.type = 'email' order by e.created_at, e.id limit 1))
                      as client_address,
                  p.kind,
                  coalesce(p.message_id, case when p.kind = 'ticket.assigned' then (
                      select m.id from messages m
                      where m.tenant_id = d.tenant_id and m.ticket_id = d.ticket_id and m.kind = 'public'
                        and m.position <= (v.state->>'message_count')::int
                      order by m.position desc limit 1) end) as "shown: MessageId",
                  coalesce(au.name, ac.name) as actor_name,
                  (select r.id from reply_addresses r
                   where r.tenant_id = d.tenant_id and r.ticket_id = d.ticket_id and r.user_id is not distinct from n.user_id
                     and r.client_id is not distinct from n.client_id) as reply_row,
                  (d.channel <> 'whatsapp' or exists (
                      select from messages m
                      join inbound_messages i on i.tenant_id = m.tenant_id and i.id = m.inbound_id and i.account_id = d.account_id
                      where m.tenant_id = d.tenant_id and m.channel = 'whatsapp' and m.sender_address = d.address
                        and m.received_at > $3::timestamptz - interval '24 hours')) as "window_open!",
                  u.archived_at is not null as "archived!",
                  (n.user_id is null or exists (
                      select from user_contacts k
                      where k.tenant_id = d.tenant_id and k.user_id = n.user_id and k.value = d.address and k.verified_at is not null
                        and k.type = case d.channel when 'sms' then 'phone' else d.channel end)) as "theirs!",
                  (select s.reason from suppressions s
                   where s.tenant_id = d.tenant_id and s.channel = d.channel
                     and s.address = case d.channel when 'email' then lower(d.address) else d.address end and (s.scope = 'all' or n.optional)
                   order by s.scope, s.created_at limit 1) as suppressed
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id
           join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
           join event_plans p on p.tenant_id = n.tenant_id and p.event_id = n.event_id
           join ticket_versions v on v.tenant_id = p.tenant_id and v.ticket_id = p.ticket_id and v.version = p.version
           join channel_accounts a on a.tenant_id = d.tenant_id and a.id = d.account_id
           join tenants o on o.id = d.tenant_id
           join clients tc on tc.tenant_id = d.tenant_id and tc.id = (v.state->>'client_id')::uuid
           left join departments dep on dep.tenant_id = d.tenant_id and dep.id = (v.state->>'department_id')::uuid
           left join customize z on z.tenant_id = d.tenant_id
           left join users u on u.tenant_id = n.tenant_id and u.id = n.user_id
           left join clients c on c.tenant_id = n.tenant_id and c.id = n.client_id
           left join users au on au.tenant_id = v.tenant_id and au.id = v.actor_user_id
           left join clients ac on ac.tenant_id = v.tenant_id and ac.id = v.actor_client_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
        now,
    )
    .fetch_all(connection)
    .await
}

async fn messages(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(TenantId, MessageId)>,
) -> sqlx::Result<HashMap<(TenantId, MessageId), LetterMessage>> {
    let rows = sqlx::query!(
        r#"select m.tenant_id as "tenant_id: TenantId", m.id as "id: MessageId", m.kind as "kind: MessageKind",
                  coalesce(u.name, m.sender_name, c.name, m.sender_address, 'Switchboard') as "author!",
                  m.text, m.notice, m.automatic, m.received_at
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
           join messages m on m.tenant_id = w.tenant_id and m.id = w.id
           left join users u on u.tenant_id = m.tenant_id and u.id = m.author_user_id
           left join clients c on c.tenant_id = m.tenant_id and c.id = m.author_client_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let read = LetterMessage {
                id: row.id,
                kind: row.kind,
                author: row.author,
                text: row.text,
                notice: row.notice,
                automatic: row.automatic,
                received_at: row.received_at,
            };
            ((row.tenant_id, read.id), read)
        })
        .collect())
}

/// The failed deliveries of messages to their clients. What was refused before the first attempt says why
/// in its notification. Where the text arrived by another way, what is said names the files that did not.
async fn failures(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(TenantId, MessageId)>,
) -> sqlx::Result<HashMap<(TenantId, MessageId), LetterFailure>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        r#"select distinct on (p.tenant_id, p.message_id) p.tenant_id as "tenant_id: TenantId", p.message_id as "message_id!: MessageId",
                  coalesce(nullif(d.address, ''), o.address, '') as "address!",
                  exists (select from deliveries o
                          where o.tenant_id = d.tenant_id and o.notification_id = d.notification_id and o.status <> 'failed') as "only_files!",
                  n.notice, n.reason,
                  (select a.answer from delivery_attempts a
                   where a.tenant_id = d.tenant_id and a.delivery_id = d.id order by a.attempt desc limit 1) as answer
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, message_id)
           join messages m on m.tenant_id = w.tenant_id and m.id = w.message_id
           join event_plans p on p.tenant_id = m.tenant_id and p.ticket_id = m.ticket_id and p.message_id = m.id and p.kind = 'message.added'
           join notifications n on n.tenant_id = p.tenant_id and n.event_id = p.event_id and n.client_id is not null
           join deliveries d on d.tenant_id = n.tenant_id and d.notification_id = n.id and d.status = 'failed'
           left join lateral (select o.address from deliveries o
                              where o.tenant_id = n.tenant_id and o.notification_id = n.id and o.address <> '' order by o.id limit 1) o on true
           order by p.tenant_id, p.message_id, d.updated_at desc, d.id desc"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let answer = if row.only_files {
                row.notice.unwrap_or_else(|| files_of(&row.reason).to_owned())
            } else {
                row.answer.unwrap_or(row.reason)
            };
            ((row.tenant_id, row.message_id), LetterFailure { address: row.address, answer })
        })
        .collect())
}

/// The names in a notification's reason that says which files did not go: `an agent's answer; a.pdf, b.mov did not go: …`.
fn files_of(reason: &str) -> &str {
    let files = reason.split_once("; ").and_then(|(_, left)| left.rsplit_once(" did not go: "));
    files.map_or(reason, |(names, _)| names)
}

/// Of these users and tickets, those where the user may not read the ticket as it is now: neither is it theirs by assignment or cc, their
/// own or a group's that holds them, nor is it in one of their departments, if they see these, nor do they see everything.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn hidden(
    connection: &mut PgConnection,
    asked: &[(TenantId, UserId, TicketId)],
) -> sqlx::Result<HashSet<(TenantId, UserId, TicketId)>> {
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = sqlx::query!(
        r#"with recursive asked as (
               select distinct w.tenant_id, w.user_id, w.ticket_id, u.sees
               from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as w (tenant_id, user_id, ticket_id)
               join users u on u.tenant_id = w.tenant_id and u.id = w.user_id
               where u.sees <> 'all' and u.type <> 'administrator'
           ), holders as (
               select distinct tenant_id, user_id, user_id as holder from asked
               union
               select h.tenant_id, h.user_id, m.group_id
               from holders h join group_members m on m.tenant_id = h.tenant_id and m.member_id = h.holder
           )
           select a.tenant_id as "tenant_id!: TenantId", a.user_id as "user_id!: UserId", a.ticket_id as "ticket_id!: TicketId"
           from asked a
           where not exists (
               select from holders h
               where h.tenant_id = a.tenant_id and h.user_id = a.user_id
                 and (exists (select from ticket_assignments s
                              where s.tenant_id = a.tenant_id and s.ticket_id = a.ticket_id and s.user_id = h.holder)
                      or exists (select from ticket_cc s where s.tenant_id = a.tenant_id and s.ticket_id = a.ticket_id and s.user_id = h.holder)
                      or a.sees = 'departments' and exists (
                          select from tickets t
                          join user_departments s on s.tenant_id = t.tenant_id and s.department_id = t.department_id
                          where t.tenant_id = a.tenant_id and t.id = a.ticket_id and s.user_id = h.holder)))"#,
        &asked.iter().map(|(tenant, ..)| tenant.0).collect::<Vec<_>>(),
        &asked.iter().map(|(_, user, _)| user.0).collect::<Vec<_>>(),
        &asked.iter().map(|(.., ticket)| ticket.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.user_id, row.ticket_id)).collect())
}

/// A mail that the reader of a letter has, on the same ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its Message-ID.
    pub message_id: String,
    /// Whether the reader wrote it, rather than got it.
    pub is_theirs: bool,
}

/// The mails that the readers of these letters wrote or got before them on the same ticket, the oldest first.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn earlier(connection: &mut PgConnection, wanted: &[DeliveryKey]) -> sqlx::Result<HashMap<DeliveryKey, Vec<Earlier>>> {
    let rows = sqlx::query!(
        r#"with these as materialized (
               select d.tenant_id, d.id, d.ticket_id, d.recipient_id, d.channel, d.ticket_version, d.planned_at, n.client_id,
                      (v.state->>'message_count')::int as message_count
               from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, id)
               join deliveries d on d.tenant_id = w.tenant_id and d.id = w.id and d.channel = 'email'
               join notifications n on n.tenant_id = d.tenant_id and n.id = d.notification_id
               join ticket_versions v on v.tenant_id = d.tenant_id and v.ticket_id = d.ticket_id and v.version = d.ticket_version
           )
           select tenant_id as "tenant_id!: TenantId", id as "id!: DeliveryId", message_id as "message_id!", is_theirs as "is_theirs!" from (
               select this.tenant_id, this.id, i.message_id, true as is_theirs, m.position, m.received_at as at
               from these this
               join messages m on m.tenant_id = this.tenant_id and m.ticket_id = this.ticket_id and m.position <= this.message_count
                and (m.author_client_id = this.client_id
                     or client_root(m.tenant_id, m.author_client_id) = client_root(this.tenant_id, this.client_id))
               join message_ids i on i.tenant_id = m.tenant_id and i.ticket_id = m.ticket_id and i.inbound_id = m.inbound_id
                and i.origin = 'seen'
               where this.client_id is not null
               union all
               select this.tenant_id, this.id, d.message_id, false, (v.state->>'message_count')::int, d.planned_at
               from these this
               join deliveries d on d.tenant_id = this.tenant_id and d.ticket_id = this.ticket_id and d.recipient_id = this.recipient_id
                and d.channel = this.channel and d.status <> 'failed' and d.message_id is not null
                and (d.ticket_version, d.planned_at, d.id) < (this.ticket_version, this.planned_at, this.id)
               join ticket_versions v on v.tenant_id = d.tenant_id and v.ticket_id = d.ticket_id and v.version = d.ticket_version
           ) as earlier
           order by tenant_id, id, position, is_theirs desc, at, message_id"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut earlier: HashMap<DeliveryKey, Vec<Earlier>> = HashMap::new();
    for row in rows {
        earlier.entry((row.tenant_id, row.id)).or_default().push(Earlier { message_id: row.message_id, is_theirs: row.is_theirs });
    }
    Ok(earlier)
}

/// An attachment of a message, by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterAttachment {
    /// Where its bytes lie.
    pub media_id: MediaId,
    /// The file name.
    pub name: String,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: i64,
}

/// The attachments of these messages, in order.
///
/// # Errors
/// When the database refuses or cannot be reached.
pub async fn attachments(
    connection: &mut PgConnection,
    wanted: &BTreeSet<(TenantId, MessageId)>,
) -> sqlx::Result<HashMap<(TenantId, MessageId), Vec<LetterAttachment>>> {
    let rows = sqlx::query!(
        r#"select f.tenant_id as "tenant_id: TenantId", f.message_id as "message_id: MessageId", f.media_id as "media_id: MediaId", f.name,
                  f.content_type, f.size
           from unnest($1::uuid[], $2::uuid[]) as w (tenant_id, message_id)
           join attachments f on f.tenant_id = w.tenant_id and f.message_id = w.message_id
           order by f.tenant_id, f.message_id, f.position"#,
        &wanted.iter().map(|(tenant, _)| tenant.0).collect::<Vec<_>>(),
        &wanted.iter().map(|(_, id)| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(connection)
    .await?;
    let mut attachments: HashMap<_, Vec<LetterAttachment>> = HashMap::new();
    for row in rows {
        let attachment = LetterAttachment { media_id: row.media_id, name: row.name, content_type: row.content_type, size: row.size };
        attachments.entry((row.tenant_id, row.message_id)).or_default().push(attachment);
    }
    Ok(attachments)
}

#[cfg(test)]
mod tests {
    use super::files_of;

    #[test]
    fn what_did_not_go_is_named_by_its_files() {
        let reason = "an agent's answer; plan; b.pdf, film.mov did not go: sms does not take it, and no mail reaches them";
        assert_eq!(files_of(reason), "plan; b.pdf, film.mov");
        assert_eq!(files_of("no way to them is known"), "no way to them is known");
    }
}
